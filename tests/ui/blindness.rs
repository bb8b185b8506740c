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
    tiebreak::app::import::import(
        &project,
        &files,
        &tiebreak::dataset::ReadAs::default(),
        false,
        &cancel,
        &mut |_| {},
    )
    .unwrap();
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

/// What the program writes to its log, whatever thread writes it.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sealed_score_is_in_no_title_no_clipboard_and_no_log() {
    let log = Log::default();
    let written = log.clone();
    // Another test may have been first; then its log is not ours, and nothing is lost but this part.
    let logging = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || log.clone())
        .try_init()
        .is_ok();
    let home = Home::of_mina("default");
    let path = home.project("sealed", &[fixture("helpsteer2_validation_first8.jsonl")]);
    let mut shown = home.open_at_item(&path);
    shown
        .state_mut()
        .app
        .dispatch(Action::SetPolicy(ScorePolicy::Sealed));
    until(&mut shown, "sealed scores", |s| {
        let open = state(s).open_item().unwrap();
        let sealed = state(s).project.as_ref().unwrap().info.policy == ScorePolicy::Sealed;
        sealed && open.score(0).is_some() && open.score(1).is_some()
    });
    let open = state(&shown).open_item().unwrap();
    let mut secrets: Vec<String> = vec![];
    for side in 0..2 {
        let score = open.score(side).unwrap().as_ref().unwrap().score;
        secrets.extend([
            format!("{score:.2}"),
            format!("{score:.4}"),
            format!("{score}"),
        ]);
    }
    let margin = open.margin().unwrap().abs();
    secrets.extend([format!("{margin:.4}"), format!("+{margin:.2}")]);
    let texts: String = item(&shown)
        .context
        .iter()
        .chain(item(&shown).responses.iter().flat_map(|r| &r.turns))
        .map(|t| t.content.as_str())
        .collect();
    secrets.retain(|secret| !texts.contains(secret.as_str()));
    assert!(secrets.len() >= 4, "{secrets:?}");
    // Everything a labeler can press while reading, and everything said and copied by it.
    for keys in [
        "Ctrl+A Ctrl+C",
        "D",
        "D",
        "D",
        "L",
        "L",
        "V",
        "V",
        "P",
        "P",
        "H",
        "H",
        "G",
        "G",
        "Ctrl+F Escape Escape",
        "E Escape",
        "Ctrl+2",
        "Ctrl+6",
        "Ctrl+7",
        "Ctrl+5",
        "Ctrl+1",
        "Ctrl+K Escape",
        "3",
        "F6 F6",
    ] {
        for key in keys.split(' ') {
            press(&mut shown, key);
            let output = shown.output();
            let copied = output
                .platform_output
                .commands
                .iter()
                .map(|c| format!("{c:?}"));
            let titles = output
                .viewport_output
                .values()
                .flat_map(|v| v.commands.iter().map(|c| format!("{c:?}")));
            let said: Vec<String> = copied.chain(titles).chain(told(&shown)).collect();
            for secret in &secrets {
                let leak = said.iter().find(|t| t.contains(secret.as_str()));
                assert!(leak.is_none(), "{secret} after {key}: {leak:?}");
            }
        }
    }
    if logging {
        let log = String::from_utf8_lossy(&written.0.lock().unwrap()).into_owned();
        for secret in secrets.iter().filter(|s| s.len() > 5) {
            assert!(!log.contains(secret.as_str()), "{secret} is in the log");
        }
    }
    // After the commit they are told.
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    press(&mut shown, "Escape R");
    until_told(&mut shown, "Item 1 of 4");
    shown.step();
    let told = told(&shown).join("\n");
    assert!(
        told.contains(&secrets[0]),
        "{} is not told after the commit:\n{told}",
        secrets[0]
    );
}

#[test]
fn the_same_answer_on_swapped_sides_is_stored_with_the_opposite_sign() {
    use tiebreak::domain::{EventBody, Preference};
    let (home, project) = Home::with_project("helpsteer2_validation_first8.jsonl");
    // Two people for whom the seed puts the sides of the first item the other way round.
    let first = reader(&project).item_at(0).unwrap().unwrap();
    let order = |who: &str| first.shown_order(who, 7);
    let other = (0..100)
        .map(|n| format!("omar{n}"))
        .find(|who| order(who) != order("mina"))
        .unwrap();
    let mut signs = vec![];
    for who in ["mina".to_owned(), other] {
        home.settle(&tiebreak::app::settings::Settings {
            annotator: who.clone(),
            model: "off".to_owned(),
            ..Default::default()
        });
        let mut shown = home.open_at_item(&project);
        press(&mut shown, "A 3 3 3 3 3 3 3 3 3 3 2");
        type_text(&mut shown, "The one that I see first is better.");
        press(&mut shown, "Ctrl+Enter");
        until(&mut shown, "the next item", |s| item(s).id != first.id);
        drop(shown);
        let label = events(&project)
            .into_iter()
            .rev()
            .find_map(|e| match e.body {
                EventBody::Label(label) if e.annotator == who => Some(label),
                _ => None,
            });
        let label = label.unwrap();
        let keys = [first.responses[0].key, first.responses[1].key];
        let sign = label
            .judgment
            .preference
            .and_then(|p: Preference| p.signed(keys[0], keys[1]));
        signs.push(sign.unwrap());
    }
    assert_eq!(
        signs[0], -signs[1],
        "the same key, the opposite response: {signs:?}"
    );
    assert_eq!(signs[0].abs(), 2);
}
