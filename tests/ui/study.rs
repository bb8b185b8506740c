//! What a researcher looks at: where model and people part ways, and how far people agree.

use std::path::Path;

use tiebreak::app::state::ModelState;
use tiebreak::domain::*;
use tiebreak::store::{Access, Project};

use crate::support::*;

/// A label of one annotator: which response, how strongly, and the helpfulness of both.
fn label(item: &Item, better: usize, strength: u8, helpfulness: [f64; 2]) -> EventBody {
    let keys = [item.responses[0].key, item.responses[1].key];
    let mut judgment = Judgment {
        preference: Some(Preference::Better {
            response: keys[better],
            strength: Some(strength),
        }),
        ..Judgment::default()
    };
    for (key, value) in keys.into_iter().zip(helpfulness) {
        judgment.ratings.set(key, "helpfulness", Some(value));
    }
    EventBody::Label(Box::new(Label {
        judgment,
        context: LabelContext {
            shown: keys.to_vec(),
            mode: Mode::SideBySide,
            policy: ScorePolicy::Live,
            scores: vec![],
            scorer: None,
            beside: vec![],
            active_ms: 60_000,
            idle_ms: 0,
            schema: "helpsteer2@1".to_owned(),
            guideline_version: None,
            doubts: vec![],
            post_reveal: false,
        },
    }))
}

/// Labels by mina and noor: mina has answered the first three items, noor all four; they differ on the second and the fourth.
pub fn labelled_by_two(path: &Path) {
    let project = Project::open(path, Access::Write { owner: "mina" }).unwrap();
    let (reader, writer) = (project.reader().unwrap(), project.writer().unwrap());
    let mut events = vec![];
    for at in 0..4 {
        let item = reader.item_at(at).unwrap().unwrap();
        let (mina, noor) = match at {
            1 => (
                label(&item, 0, 2, [4.0, 1.0]),
                label(&item, 1, 3, [1.0, 4.0]),
            ),
            3 => (
                label(&item, 0, 2, [4.0, 1.0]),
                label(&item, 0, 1, [2.0, 2.0]),
            ),
            _ => (
                label(&item, 1, 2, [2.0, 3.0]),
                label(&item, 1, 2, [2.0, 3.0]),
            ),
        };
        if at < 3 {
            events.push(Event::now("mina", Some(item.id), mina));
        }
        events.push(Event::now("noor", Some(item.id), noor));
    }
    writer.append(&events).unwrap();
    drop((reader, writer));
    project.close().unwrap();
}

#[test]
fn where_the_model_and_people_part_ways_is_shown() {
    let home = Home::of_mina("default");
    let project = home.project("two", &[fixture("helpsteer2_validation_first8.jsonl")]);
    labelled_by_two(&project);
    let mut shown = home.open_at_item(&project);
    until(&mut shown, "the model", |s| {
        matches!(state(s).model, ModelState::Ready(_))
    });
    press(&mut shown, "Escape Ctrl+3");
    until_told(&mut shown, "Where the model and people part ways");
    // Four items, three of them with two people's labels; those of the items that are open are scored already, the rest is asked for.
    until(&mut shown, "what was counted", |s| {
        state(s).study.inspection.is_some()
    });
    if state(&shown).study.inspection.as_ref().unwrap().unscored > 0 {
        click(&mut shown, "Score what has no score");
    }
    until(&mut shown, "all pairs", |s| {
        let found = state(s).study.inspection.as_ref();
        found.is_some_and(|f| f.partings.all.n == 3 && f.unscored == 0)
    });
    assert!(begins(&shown, "Margins of 3 pairs"));
    assert!(begins(&shown, "Calibration: "));
    // By hand, from the scores in the file.
    let reader = reader(&project);
    let key = match &state(&shown).model {
        ModelState::Ready(card) => card.info.id.key(),
        other => panic!("{other:?}"),
    };
    let (mut wins, mut lost) = (0, 0);
    // Mina has not answered the fourth: it alone would tell its label and its scores, so it is not counted.
    for at in 0..3 {
        let item = reader.item_at(at).unwrap().unwrap();
        let scores = reader.scores(item.id, &key).unwrap();
        // On the second item mina says 2 for the first response and noor 3 for the second: half a point for the second, rounded up.
        let chosen = item.responses[1].key;
        let of = |better: bool| {
            let score = scores.iter().find(|s| (s.response == chosen) == better);
            score.unwrap().score
        };
        wins += u64::from(of(true) > of(false));
        lost += usize::from(of(true) <= of(false));
    }
    let found = state(&shown).study.inspection.clone().unwrap();
    assert_eq!((found.partings.all.accuracy * 3.0).round() as u64, wins);
    assert_eq!(found.partings.partings.len(), lost);
    assert_eq!((found.partings.more, wins + lost as u64), (0, 3));
    assert!(lost > 0, "there is something to list");
    assert!(!found.partings.slices.is_empty() && found.partings.slices.iter().all(|s| s.n <= 3));
    let first = found.partings.partings[0].clone();
    let name = told(&shown)
        .into_iter()
        .find(|t| t.starts_with(&format!("Item {}: ", first.position + 1)) && t.contains("margin"));
    click(&mut shown, &name.unwrap());
    until_told(&mut shown, &format!("Item {} of 4", first.position + 1));

    // What came with the data is another question; its answers are on items that mina has answered, but for the fourth.
    press(&mut shown, "Escape Ctrl+3");
    click(&mut shown, "Came with the data");
    until(&mut shown, "verdicts of the data", |s| {
        let found = state(s).study.inspection.as_ref();
        found.is_some_and(|f| f.labels == tiebreak::app::export::Labels::Reference)
    });
}

#[test]
fn scores_of_a_hidden_project_are_not_held_against_anything() {
    let home = Home::of_mina("default");
    let project = home.project("two", &[fixture("helpsteer2_validation_first8.jsonl")]);
    labelled_by_two(&project);
    let mut shown = home.open_at_item(&project);
    until(&mut shown, "the model", |s| {
        matches!(state(s).model, ModelState::Ready(_))
    });
    let hide = tiebreak::app::Action::SetPolicy(ScorePolicy::Hidden);
    shown.state_mut().app.dispatch(hide);
    until_saved(&mut shown);
    press(&mut shown, "Escape Ctrl+3");
    until(&mut shown, "why there is nothing", |s| {
        begins(s, "Scores of this project are hidden")
    });
    assert!(state(&shown).study.inspection.is_none() && state(&shown).study.counting.is_none());
}

fn item_at(project: &Path, position: u64) -> Item {
    reader(project).item_at(position).unwrap().unwrap()
}

#[test]
fn how_far_people_agree_is_shown() {
    let home = Home::of_mina("off");
    let project = home.project("two", &[fixture("helpsteer2_validation_first8.jsonl")]);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "Escape Ctrl+4");
    until_told(&mut shown, "How far people agree");
    until(&mut shown, "what is needed", |s| {
        begins(s, "Two or more people are needed")
    });
    drop(shown);
    labelled_by_two(&project);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "Escape Ctrl+4");
    until_told(
        &mut shown,
        "3 of 4 labelled items have labels of two or more.",
    );
    let found = state(&shown).study.concord.clone().unwrap();
    assert_eq!(found.annotators, ["mina", "noor"]);
    let of = |title: Option<&str>| {
        let found = found.attributes.iter();
        found.clone().find(|a| a.title.as_deref() == title).unwrap()
    };
    let helpfulness = of(Some("Helpfulness"));
    // Six responses that both rated: (2,2) (3,3) (4,1) (1,4) (2,2) (3,3).
    assert_eq!(helpfulness.agreement.n, 6);
    assert_eq!(helpfulness.agreement.percent, Some(4.0 / 6.0));
    // scikit-learn: cohen_kappa_score([2, 3, 4, 1, 2, 3], [2, 3, 1, 4, 2, 3], weights="quadratic", labels=range(5))
    let kappa = helpfulness.agreement.pooled_kappa(true).unwrap();
    assert!((kappa - (-0.636_363_636_363_636)).abs() < 1e-9, "{kappa}");
    assert_eq!(helpfulness.conflicts.len(), 2);
    assert_eq!(of(Some("Coherence")).agreement.n, 0);
    let preference = of(None);
    assert_eq!(preference.agreement.n, 3);
    assert_eq!(preference.conflicts.len(), 1);
    let conflict = &preference.conflicts[0];
    assert_eq!((conflict.position, conflict.spread()), (1, 5.0));
    // The preference is looked at, and its conflict opened.
    let row = told(&shown)
        .into_iter()
        .find(|t| t.starts_with("Preference: 3 compared"));
    click(&mut shown, &row.unwrap());
    until(&mut shown, "the couple", |s| begins(s, "mina and noor: "));
    // As mina sees the sides, whatever the canonical order.
    let order = item_at(&project, 1).shown_order("mina", reader(&project).settings().unwrap().seed);
    let said = if order == [0, 1] {
        "mina A+  noor B++"
    } else {
        "mina B+  noor A++"
    };
    let row = told(&shown).into_iter().find(|t| t.starts_with("Item 2: "));
    assert!(row.as_ref().is_some_and(|t| t.contains(said)), "{row:?}");
    click(&mut shown, &row.unwrap());
    until_told(&mut shown, "Item 2 of 4");
}
