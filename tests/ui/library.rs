//! The Models screen: the list of models, comparing them, memory, scoring a project in the background.

use tiebreak::app::Action;
use tiebreak::app::library::Origin;
use tiebreak::app::state::ModelState;
use tiebreak::domain::*;
use tiebreak::reward::ModelRef;

use crate::support::*;

fn tiny(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/reward")
        .join(name)
}

/// Rows that are scored in a moment.
fn rows(n: usize) -> String {
    (0..n).fold(String::new(), |text, at| {
        text + &format!("{{\"prompt\":\"Name a colour, the {at}th.\",\"chosen\":\"Blue {at}.\",\"rejected\":\"Bread {at}.\"}}\n")
    })
}

fn ready(shown: &mut Shown) {
    until(shown, "the model", |s| {
        matches!(state(s).model, ModelState::Ready(_))
    });
}

#[test]
fn several_models_score_side_by_side_and_the_label_says_so() {
    let home = Home::of_mina("default");
    let project = home.project("short", &[home.write("short.jsonl", &rows(2))]);
    let added = home.run(&["model", "add", tiny("llama-1").to_str().unwrap()]);
    assert_eq!(added.status.code(), Some(0));
    let mut shown = home.open_at_item(&project);
    ready(&mut shown);
    let other = ModelRef::Path(tiny("llama-1"));
    shown
        .state_mut()
        .app
        .dispatch(Action::LoadBeside(other.clone()));
    // A file that is none is said, and takes nothing else with it.
    let broken = ModelRef::Path(home.write("broken.gguf", "GGUF"));
    shown.state_mut().app.dispatch(Action::LoadBeside(broken));
    until(&mut shown, "its scores", |s| {
        begins(s, "llama-1: score of A") && begins(s, "llama-1: score of B")
    });
    until(&mut shown, "its own", |s| {
        begins(s, "Score of A") && begins(s, "Score of B")
    });
    let expected = {
        let mut scorer =
            tiebreak::reward::load(&other, &tiebreak::reward::LoadOptions::default()).unwrap();
        let (item, mut found) = (item(&shown), vec![]);
        let all: Vec<_> = (0..2).map(|at| item.conversation(at)).collect();
        let stats = scorer.score(
            &all,
            &tiebreak::task::Cancel::default(),
            &mut |at, output| {
                found.push((item.responses[at].key, output.score));
            },
        );
        assert!(stats.unwrap().failed.is_empty());
        (scorer.info().id.clone(), found)
    };
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 2");
    let first = reader(&project).item_at(0).unwrap().unwrap();
    let Some(Outcome::Labelled(label)) = reader(&project).outcome(first.id, "mina").unwrap() else {
        panic!("there is no label")
    };
    assert_eq!(
        (label.context.scores.len(), label.context.beside.len()),
        (2, 1)
    );
    let beside = &label.context.beside[0];
    assert_eq!(beside.scorer, expected.0);
    for (response, score) in expected.1 {
        let seen = beside
            .scores
            .iter()
            .find(|s| s.response == response)
            .unwrap();
        assert!((seen.score - score).abs() < 1e-6);
        // And in the project.
        let kept = reader(&project)
            .scores(first.id, &expected.0.key())
            .unwrap();
        assert!(
            kept.iter()
                .any(|s| s.response == response && (s.score - score).abs() < 1e-6)
        );
    }
    // The next item has them, too; hidden ones stay hidden from every model.
    until(&mut shown, "scores of the next", |s| {
        begins(s, "llama-1: score of A")
    });
    shown
        .state_mut()
        .app
        .dispatch(Action::SetPolicy(ScorePolicy::Hidden));
    until(&mut shown, "nothing of them", |s| {
        !told(s)
            .iter()
            .any(|t| t.contains("score of A") || t.contains("Score of A"))
    });
    // On the screen: which scores, which is compared, and why one is not.
    press(&mut shown, "Escape Ctrl+6");
    until_told(&mut shown, "No longer");
    // Below what is in view.
    shown.state_mut().app.dispatch(Action::UnloadBeside(other));
    until(&mut shown, "one beside less", |s| {
        !state(s)
            .library
            .beside
            .iter()
            .any(|b| matches!(b, ModelState::Ready(_)))
    });
}

#[test]
fn models_are_listed_with_what_their_files_say() {
    let home = Home::of_mina("default");
    let project = home.project("short", &[home.write("short.jsonl", &rows(1))]);
    let mut shown = home.open_at_item(&project);
    ready(&mut shown);
    press(&mut shown, "Escape Ctrl+6");
    until(&mut shown, "the list", |s| {
        state(s).library.entries.is_some()
    });
    let names = |shown: &Shown| -> Vec<(Origin, String)> {
        let entries = state(shown).library.entries.iter().flatten();
        let named = entries.filter(|e| e.origin != Origin::Hub);
        named.map(|e| (e.origin, e.model.to_string())).collect()
    };
    assert_eq!(names(&shown), [(Origin::BuiltIn, "default".to_owned())]);
    // A good answer, a bad one, and the same text twice.
    until(&mut shown, "the probe", |s| {
        state(s).library.probe.is_some()
    });
    until(&mut shown, "how it did", |s| begins(s, "Tried out: "));
    // Dropped on the window, it loads and stays in the list.
    let file = tiny("qwen3.gguf");
    shown
        .state_mut()
        .app
        .dispatch(Action::Import(vec![file.clone()]));
    until(
        &mut shown,
        "another model",
        |s| matches!(&state(s).model, ModelState::Ready(card) if card.info.name == "qwen3"),
    );
    let model = file.canonicalize().unwrap();
    until(&mut shown, "its entry", |s| names(s).len() == 2);
    assert_eq!(
        names(&shown)[1],
        (Origin::Added, model.display().to_string())
    );
    until(&mut shown, "what its file says", |s| {
        begins(s, "Qwen3 \u{b7} score")
    });
    // So the command line knows it, too.
    let listed = home.run(&["model", "list"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("qwen3.gguf\tQwen3, score"), "{listed}");
    let added = home.run(&["model", "add", tiny("deberta-v3").to_str().unwrap()]);
    assert_eq!(added.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(added.stdout).unwrap(),
        "deberta-v3\tdeberta-v2, classifier\n"
    );
    let refused = home.run(&["model", "add", "no-such-model"]);
    assert_eq!(refused.status.code(), Some(2));
    press(&mut shown, "Ctrl+1 Ctrl+6");
    until(&mut shown, "three of them", |s| names(s).len() == 3);
    shown
        .state_mut()
        .app
        .dispatch(Action::ForgetModel(ModelRef::Path(model)));
    until(&mut shown, "one less", |s| names(s).len() == 2);
}

#[test]
fn a_project_is_scored_meanwhile_and_that_can_wait() {
    const ITEMS: usize = 400;
    let home = Home::of_mina("default");
    let project = home.project("long", &[home.write("long.jsonl", &rows(ITEMS))]);
    let mut shown = home.open_at_item(&project);
    ready(&mut shown);
    press(&mut shown, "Escape Ctrl+6");
    until(&mut shown, "what is missing", |s| {
        told(s)
            .iter()
            .any(|t| t.contains("items have no score by Tiebreak mini yet"))
    });
    click(&mut shown, "Score them");
    until(&mut shown, "some of them", |s| {
        let job = state(s).job.as_ref();
        job.is_some_and(|job| job.progress.done > 0)
    });
    click(&mut shown, "Pause");
    until(&mut shown, "the pause", |s| begins(s, "Paused after "));
    let key = match &state(&shown).model {
        ModelState::Ready(card) => card.info.id.key(),
        other => panic!("{other:?}"),
    };
    let left = reader(&project).count_unscored(&key).unwrap();
    assert!(
        left > 0 && left < ITEMS as u64 - 1,
        "{left} of {ITEMS} left"
    );
    // Labels go on meanwhile, and so does it, from where it was.
    click(&mut shown, "Go on");
    until(&mut shown, "all of them", |s| {
        told(s)
            .iter()
            .any(|t| t == "Every item has a score by Tiebreak mini.")
    });
    assert_eq!(reader(&project).count_unscored(&key).unwrap(), 0);
}
