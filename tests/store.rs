//! The project file: what is written is there, whatever happens. What several of its tests need.

use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;
use tiebreak::domain::*;
use tiebreak::store::*;

/// Imports from their beginning to their end.
mod arriving;
/// Making, opening, locking, copying and closing files.
mod files;
/// Killed at random moments.
mod kill;
/// Lists, queues, counts and scores.
mod lists;
/// Events, drafts, undo, merging.
mod log;
/// Importing rows.
mod rows;
/// Measurements, run by hand.
#[path = "speed/store.rs"]
mod speed;

fn settings() -> ProjectSettings {
    ProjectSettings {
        title: "Test".to_owned(),
        schema: LabelSchema::helpsteer2(),
        policy: ScorePolicy::Live,
        seed: 7,
        guidelines: Some("Read *both*.".to_owned()),
    }
}

/// A new project in a folder of its own, which must be kept.
fn fresh() -> (TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.tiebreak");
    let project = Project::create(&path, &settings(), "Mina").unwrap();
    (folder, project)
}

fn path_in(folder: &TempDir) -> PathBuf {
    folder.path().join("test.tiebreak")
}

fn reopen(folder: &TempDir) -> Project {
    Project::open(&path_in(folder), Access::Write { owner: "Mina" }).unwrap()
}

/// Names of all files of a folder.
fn files_of(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn pair(prompt: &str, a: &str, b: &str) -> (Item, Vec<usize>) {
    Item::new(
        vec![Turn::user(prompt)],
        vec![vec![Turn::assistant(a)], vec![Turn::assistant(b)]],
    )
    .unwrap()
}

fn verdict(preference: Preference) -> ReferenceLabel {
    ReferenceLabel {
        role: ReferenceRole::Verdict,
        annotator: None,
        time: None,
        judgment: Judgment {
            preference: Some(preference),
            ..Judgment::default()
        },
        extra: serde_json::Map::new(),
    }
}

fn better(response: ResponseKey, strength: u8) -> Preference {
    Preference::Better {
        response,
        strength: Some(strength),
    }
}

/// A row of a pairs file in which the first response is chosen.
fn row(file: &str, number: u64, prompt: &str, chosen: &str, rejected: &str) -> ImportedRow {
    let (item, order) = pair(prompt, chosen, rejected);
    let references = vec![verdict(better(item.responses[order[0]].key, 1))];
    ImportedRow {
        rows: 1,
        source: SourceRow {
            file: file.to_owned(),
            format: "pairs".to_owned(),
            row: number,
            id: Some(format!("id-{number}")),
            order,
            models: vec![Some("a-7b".to_owned()), None],
            extra: json!({"split": "train"}).as_object().unwrap().clone(),
        },
        references,
        item,
        signature: None,
    }
}

fn label_of(key: ResponseKey, strength: u8) -> Label {
    let mut judgment = Judgment {
        preference: Some(better(key, strength)),
        justification: "Because it “answers” the question.\n".to_owned(),
        ..Judgment::default()
    };
    judgment.ratings.set(key, "helpfulness", Some(3.0));
    Label {
        judgment,
        context: LabelContext {
            shown: vec![key],
            mode: Mode::SideBySide,
            policy: ScorePolicy::Live,
            scores: vec![VisibleScore {
                response: key,
                score: 0.5,
                attributes: std::collections::BTreeMap::new(),
            }],
            scorer: None,
            beside: vec![],
            active_ms: 1200,
            idle_ms: 0,
            schema: "helpsteer2@1".to_owned(),
            guideline_version: None,
            doubts: vec![],
            post_reveal: false,
        },
    }
}

fn label_event(who: &str, item: &Item, response: usize, strength: u8) -> Event {
    let label = label_of(item.responses[response].key, strength);
    Event::now(who, Some(item.id), EventBody::Label(Box::new(label)))
}

fn all_events(reader: &Reader) -> Vec<Event> {
    let mut events = vec![];
    reader
        .for_each_event(|event| {
            events.push(event);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    events
}
