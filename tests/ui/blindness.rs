//! Model names, source ids and reference labels are hidden until one's own commit, whatever is looked at.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use tiebreak::app::Action;
use tiebreak::domain::ScorePolicy;

use crate::support::*;

/// Model names, ids, files, annotators and reasons of a project, as far as its texts do not hold them themselves.
fn secrets(project: &std::path::Path) -> BTreeSet<String> {
    let mut secrets = BTreeSet::new();
    let mut texts = String::new();
    reader(project)
        .for_each_item(|record| {
            for source in &record.sources {
                secrets.extend(source.models.iter().flatten().cloned());
                secrets.extend(source.id.clone());
                secrets.insert(source.file.clone());
            }
            for reference in &record.references {
                secrets.extend(reference.annotator.clone());
                secrets.insert(reference.judgment.justification.clone());
            }
            let replies = record.item.responses.iter().flat_map(|r| &r.turns);
            for turn in record.item.context.iter().chain(replies) {
                texts.push_str(&turn.content.to_lowercase());
                texts.push('\n');
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    secrets
        .into_iter()
        .map(|s| s.to_lowercase())
        // Shorter ones, such as the id "81", are found everywhere.
        .filter(|s| s.len() >= 5 && !texts.contains(s))
        .collect()
}

/// Words with which reference labels are told.
const REFERENCE_WORDS: [&str; 4] = [" vote", "votes", "preferred by the data", "in the data"];

#[track_caller]
fn nothing_leaks(shown: &Shown, secrets: &BTreeSet<String>, place: &str) {
    let texts: Vec<String> = item(shown)
        .context
        .iter()
        .chain(item(shown).responses.iter().flat_map(|r| &r.turns))
        .map(|t| t.content.to_lowercase())
        .collect();
    for words in told(shown) {
        let words = words.to_lowercase();
        for secret in secrets {
            assert!(
                !words.contains(secret),
                "{secret} is told in {place}: {words}"
            );
        }
        for reference in REFERENCE_WORDS {
            let own = texts.iter().any(|t| t.contains(reference));
            assert!(
                own || state(shown).screen != tiebreak::app::Screen::Annotate
                    || !words.contains(reference),
                "a reference label is told in {place}: {words}"
            );
        }
    }
}

#[test]
fn nothing_tells_where_a_response_is_from_before_the_own_commit() {
    let home = Home::of_mina("off");
    let mut shown = home.open(None);
    until_told(&mut shown, "Item 1 of 114");
    let secrets = secrets(&home.places().sample());
    for model in ["alpaca-13b", "gpt-3.5-turbo", "claude-v1", "oasst.jsonl"] {
        assert!(
            secrets.contains(model),
            "the sample has {model}: {secrets:?}"
        );
    }

    // Items of every source, rendered and raw, with the context open, and every panel.
    for position in [0, 1, 5, 71, 72, 80, 90, 104, 108, 113] {
        let words = format!("Item {} of 114", position + 1);
        shown
            .state_mut()
            .app
            .dispatch(Action::OpenPosition(position));
        until_told(&mut shown, &words);
        nothing_leaks(&shown, &secrets, &words);
        press(&mut shown, "P V");
        nothing_leaks(&shown, &secrets, &format!("{words}, raw"));
        press(&mut shown, "P V");
    }
    shown.state_mut().app.dispatch(Action::OpenPosition(0));
    until_told(&mut shown, "Item 1 of 114");
    for (keys, place) in [
        ("Ctrl+2", "the queue"),
        ("Ctrl+6", "models"),
        ("Ctrl+5", "export"),
        ("Ctrl+1", "annotate"),
        ("Ctrl+K", "the palette"),
        ("Escape", "annotate"),
        ("F1", "all keys"),
        ("Escape", "annotate"),
        ("Shift+S", "skip"),
        ("Escape", "annotate"),
    ] {
        press(&mut shown, keys);
        for _ in 0..20 {
            shown.step();
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        nothing_leaks(&shown, &secrets, place);
    }

    // Not even the first rows of an export of the reference labels.
    press(&mut shown, "Ctrl+5");
    click(&mut shown, "pairs");
    click(&mut shown, "Reference");
    until(&mut shown, "a preview", |s| {
        let wanted = &state(s).recipe;
        state(s).preview.as_ref().is_some_and(|p| p.0 == *wanted)
    });
    shown.step();
    let (_, lines, available) = state(&shown).preview.as_ref().unwrap();
    assert!(
        lines.is_empty() && *available > 0,
        "{available} of {lines:?}"
    );
    nothing_leaks(&shown, &secrets, "the preview of an export");
    click(&mut shown, "Collected here");
    press(&mut shown, "Escape Ctrl+1");

    // After one's own commit they are told, for that item only.
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 114");
    nothing_leaks(&shown, &secrets, "the next item");
    press(&mut shown, "Escape Alt+Left");
    until_told(&mut shown, "Item 1 of 114");
    until_told(&mut shown, "Labelled");
    shown.step();
    let after = told(&shown).join("\n");
    for model in ["alpaca-13b", "gpt-3.5-turbo", "vote"] {
        assert!(after.contains(model), "{model} is not told:\n{after}");
    }
}

#[test]
fn sealed_scores_are_computed_and_told_after_the_commit_only() {
    let home = Home::of_mina("default");
    let path = home.file("sealed.tiebreak");
    let settings = tiebreak::store::ProjectSettings {
        policy: ScorePolicy::Sealed,
        ..tiebreak::app::open_project::new_project(&path)
    };
    let project = tiebreak::store::Project::create(&path, &settings, "mina").unwrap();
    let text = "{\"prompt\":\"Name a colour.\",\"chosen\":\"Blue.\",\"rejected\":\"Bread.\"}\n{\"prompt\":\"Count.\",\"chosen\":\"1 2 3\",\"rejected\":\"No\"}\n";
    let files = [home.write("two.jsonl", text)];
    let cancel = tiebreak::task::Cancel::default();
    tiebreak::app::import::import(&project, &files, None, &cancel, &mut |_| {}).unwrap();
    project.close().unwrap();

    let mut shown = home.open_at_item(&path);
    let first = item(&shown).id;
    until(&mut shown, "both scores in the project", |s| {
        state(s).open_item().unwrap().scores.len() == 2
    });
    shown.step();
    let before = told(&shown).join("\n");
    assert!(before.contains("sealed"));
    assert!(
        !before.contains("Score of")
            && !before.contains("Margin:")
            && !before.contains("Probability")
    );
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 2");
    let Some(tiebreak::domain::Outcome::Labelled(label)) =
        reader(&path).outcome(first, "mina").unwrap()
    else {
        panic!("there is no label")
    };
    assert_eq!(label.context.policy, ScorePolicy::Sealed);
    assert!(label.context.scores.is_empty() && label.context.scorer.is_none());
    press(&mut shown, "Escape Alt+Left");
    until_told(&mut shown, "Item 1 of 2");
    until(&mut shown, "the scores", |s| begins(s, "Score of A"));
}
