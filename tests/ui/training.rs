//! Training a head in the window, the labels it doubts, and the order by uncertainty.

use tiebreak::app::Action;
use tiebreak::domain::{Event, EventBody, Label, LabelContext, Mode, Preference, ScorePolicy};
use tiebreak::store::{Access, Project};

use crate::support::*;

/// The tiny model of the other tests.
fn tiny() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reward/llama-1")
}

/// A project of pairs that Mina labelled, all but the last one: she prefers the one about Paris.
fn labelled(home: &Home, pairs: usize) -> std::path::PathBuf {
    let row = |n: usize| {
        let number = n.to_string().replace('1', "one ").replace('2', "two ");
        format!(
            "{{\"prompt\":\"What is the capital of France? {number}\",\"chosen\":\"The capital of France is Paris. {number}\",\"rejected\":\"I am sorry, the lazy dog. {number}\"}}"
        )
    };
    let rows: Vec<String> = (0..pairs).map(row).collect();
    let file = home.write("rows.jsonl", &rows.join("\n"));
    let path = home.project("work", &[file]);
    let project = Project::open(&path, Access::Write { owner: "mina" }).unwrap();
    let reader = project.reader().unwrap();
    let writer = project.writer().unwrap();
    for position in 0..pairs as u64 - 1 {
        let item = reader.item_at(position).unwrap().unwrap();
        let paris = item.responses.iter().find(|r| r.text().contains("Paris"));
        // One slip.
        let other = item.responses.iter().find(|r| !r.text().contains("Paris"));
        let response = if position == 3 { other } else { paris }.unwrap().key;
        let mut label = Label {
            judgment: tiebreak::domain::Judgment::default(),
            context: LabelContext {
                shown: item.responses.iter().map(|r| r.key).collect(),
                mode: Mode::SideBySide,
                policy: ScorePolicy::Live,
                scores: vec![],
                scorer: None,
                beside: vec![],
                active_ms: 1,
                idle_ms: 0,
                schema: "helpsteer2@1".to_owned(),
                guideline_version: None,
                doubts: vec![],
                post_reveal: false,
            },
        };
        label.judgment.preference = Some(Preference::Better {
            response,
            strength: Some(2),
        });
        let event = Event::now("mina", Some(item.id), EventBody::Label(Box::new(label)));
        writer.commit(&event).unwrap();
    }
    project.close().unwrap();
    path
}

#[test]
fn a_head_is_trained_on_the_labels_and_doubts_a_slip() {
    let home = Home::of_mina(tiny());
    let path = labelled(&home, 30);
    let mut shown = home.open(Some(&path));
    until(&mut shown, "an item", |s| state(s).open_item().is_some());
    shown
        .state_mut()
        .app
        .dispatch(Action::Show(tiebreak::app::Screen::Models));
    until(&mut shown, "the model", |s| tells(s, "Train on llama-1"));
    click(&mut shown, "Train on llama-1");
    until(&mut shown, "the outcome", |s| begins(s, "Trained on "));
    let report = state(&shown).training.report.clone().unwrap();
    assert_eq!(report.examples, 29);
    assert!(report.validation.n > 0 && report.train.n > report.validation.n);
    assert!(
        begins(&shown, "Loss per epoch: "),
        "{}",
        told(&shown).join("\n")
    );
    assert!(report.output.join("model.safetensors").exists());
    assert_eq!(
        report.output,
        home.file("work-head-1").canonicalize().unwrap()
    );
    // The slip is among the few that it doubts.
    let slip = reader(&path).item_at(3).unwrap().unwrap().id;
    let doubts = &report.disagreements;
    let doubt = doubts.iter().take(3).find(|d| d.item == slip);
    let margin = doubt.unwrap_or_else(|| panic!("{doubts:?}")).margin;
    let name = format!("Item {}, margin {margin:.2}", slip.short());
    click_below(&mut shown, &name);
    until(&mut shown, "the doubted item", |s| {
        state(s)
            .open_item()
            .is_some_and(|open| open.item.id == slip)
    });
    shown
        .state_mut()
        .app
        .dispatch(Action::Show(tiebreak::app::Screen::Models));
    shown.step();
    click_below(&mut shown, "Use this model");
    until_told(&mut shown, "work-head-1");
    // The next head goes to another folder.
    let next = state(&shown).training.output.clone().unwrap();
    assert!(next.ends_with("work-head-2"), "{}", next.display());
    // Figures on the labels that it learned from are marked.
    until(&mut shown, "the agreement", |s| state(s).agreed.is_some());
    assert!(state(&shown).agreed.unwrap().trained_here);
}

#[test]
fn a_project_without_labels_says_what_is_missing() {
    let home = Home::of_mina(tiny());
    let row = "{\"prompt\":\"Hi\",\"chosen\":\"Ho\",\"rejected\":\"Hu\"}";
    let file = home.write("rows.jsonl", row);
    let path = home.project("work", &[file]);
    let mut shown = home.open(Some(&path));
    until(&mut shown, "an item", |s| state(s).open_item().is_some());
    shown
        .state_mut()
        .app
        .dispatch(Action::Show(tiebreak::app::Screen::Models));
    until(&mut shown, "the model", |s| tells(s, "Train on llama-1"));
    click(&mut shown, "Train on llama-1");
    until(&mut shown, "why not", |s| {
        begins(s, "there is no label to learn from")
    });
    assert!(!home.file("work-head-1").exists());
}

#[test]
fn the_least_certain_come_next_and_the_control_stream_is_counted_apart() {
    let home = Home::of_mina(tiny());
    let path = labelled(&home, 24);
    let mut shown = home.open(Some(&path));
    until(&mut shown, "an item", |s| state(s).open_item().is_some());
    until(&mut shown, "the model", |s| {
        matches!(state(s).model, tiebreak::app::state::ModelState::Ready(_))
    });
    shown
        .state_mut()
        .app
        .dispatch(Action::Show(tiebreak::app::Screen::Queue));
    until_told(&mut shown, "24 items");
    click(&mut shown, "Order: as imported");
    until(&mut shown, "what has no score", |s| begins(s, "Score "));
    let label = told(&shown)
        .into_iter()
        .find(|t| t.starts_with("Score "))
        .unwrap();
    click(&mut shown, &label);
    until(&mut shown, "all scores", |s| {
        state(s).job.is_none() && state(s).queue.unscored == 0
    });
    let scored: u64 = reader(&path).info().unwrap().scored.values().sum();
    assert_eq!(scored, 48);
    let order: Vec<u64> = state(&shown)
        .queue
        .rows
        .iter()
        .map(|r| r.position)
        .collect();
    assert_eq!(order.len(), 24);
    assert_ne!(order, (0..24).collect::<Vec<_>>());
    // The only one that is left.
    shown.state_mut().app.dispatch(Action::NextUnlabelled);
    until_told(&mut shown, "Item 24 of 24");
    shown
        .state_mut()
        .app
        .dispatch(Action::Show(tiebreak::app::Screen::Models));
    until(&mut shown, "the agreement", |s| state(s).agreed.is_some());
    let agreed = state(&shown).agreed.unwrap();
    assert_eq!(agreed.control.1 + agreed.others.1, 23);
    shown.step();
    assert!(begins(
        &shown,
        "The loaded model agrees with the labels of this project: "
    ));
}
