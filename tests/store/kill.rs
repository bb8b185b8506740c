//! A process that labels in a loop is killed at random moments: what it said was saved is there, and the file is sound.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

const PROJECT: &str = "TIEBREAK_KILL_TEST_PROJECT";
const ROUND: &str = "TIEBREAK_KILL_TEST_ROUND";
const KILLS: u64 = 200;

/// The process that is killed. Labels, drafts and imports at once, and says what was saved.
#[test]
#[ignore = "a child of the test below"]
fn child_labels_until_it_is_killed() {
    let (Ok(path), Ok(round)) = (std::env::var(PROJECT), std::env::var(ROUND)) else {
        return;
    };
    let project = Project::open(path.as_ref(), Access::Write { owner: &round }).unwrap();
    let item = row("a.jsonl", 1, "Why?", "x", "y").item;
    let writer = project.writer().unwrap();
    let importer = project.writer().unwrap();
    let rows_of = round.clone();
    std::thread::spawn(move || {
        for n in 1.. {
            let prompt = format!("Question {n} of round {rows_of}");
            let put = importer.put_rows(&[row(&rows_of, n, &prompt, "yes", "no")]);
            assert_eq!(put.unwrap().items_new, 1);
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let mut out = std::io::stdout().lock();
    let who = format!("person {}", round.len());
    let mut say = |line: String| {
        writeln!(out, "{line}").unwrap();
        out.flush().unwrap();
    };
    for n in 1.. {
        let event = label_event(&who, &item, 0, 1);
        writer
            .put_draft(item.id, &who, Some(&Draft::default()))
            .unwrap();
        writer.commit(&event).unwrap();
        say(format!("saved {}", event.id));
        // A draft with a rewrite, of somebody who never commits it: round and number say which one was kept.
        let number: u64 = round.parse().unwrap();
        let draft = rewrite(&item, number * 1_000_000 + n);
        writer.put_draft(item.id, "drafter", Some(&draft)).unwrap();
        say(format!("kept {:020}", number * 1_000_000 + n));
        // Every third label is undone again, and that is an event like any other.
        if n % 3 == 0 {
            let body = EventBody::Undo { target: event.id };
            let undo = Event::now(&who, Some(item.id), body);
            writer.append(std::slice::from_ref(&undo)).unwrap();
            say(format!("saved {}", undo.id));
        }
    }
}

/// A draft that says which one it is in its rewrite, in its reason and in what undo goes back to.
fn rewrite(item: &Item, n: u64) -> Draft {
    let mut judgment = Judgment {
        justification: format!("draft {n}"),
        ..Judgment::default()
    };
    let past = vec![judgment.clone()];
    let key = item.responses[0].key;
    judgment.edits.insert(key, format!("rewrite {n}"));
    Draft {
        judgment,
        past,
        ..Draft::default()
    }
}

#[test]
fn what_was_acknowledged_is_there_after_two_hundred_kills() {
    let (folder, project) = fresh();
    let first = row("a.jsonl", 1, "Why?", "x", "y");
    project
        .writer()
        .unwrap()
        .put_rows(std::slice::from_ref(&first))
        .unwrap();
    project.close().unwrap();
    let mut acknowledged: Vec<EventId> = vec![];
    // The last draft that was said to be kept.
    let mut drafted = 0;
    // A fixed seed; moments between 5 and 80 ms after the first acknowledgement.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..KILLS {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let moment = Duration::from_micros(5_000 + (random >> 33) % 75_000);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "store::kill::child_labels_until_it_is_killed",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(PROJECT, path_in(&folder))
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let id_of = |line: &str| -> Option<EventId> {
            // A line that was cut off in the middle was not said.
            let id = line.split_once("saved ")?.1;
            (id.len() == 36).then(|| EventId(id.parse().unwrap()))
        };
        let kept = |line: &str| -> Option<u64> {
            let number = line.split_once("kept ")?.1;
            (number.len() == 20).then(|| number.parse().unwrap())
        };
        let before = acknowledged.len();
        while acknowledged.len() == before {
            let Some(line) = lines.next() else {
                let output = child.wait_with_output().unwrap();
                panic!("{}", String::from_utf8_lossy(&output.stderr));
            };
            let line = line.unwrap();
            drafted = drafted.max(kept(&line).unwrap_or_default());
            acknowledged.extend(id_of(&line));
        }
        let killer = std::thread::spawn(move || {
            std::thread::sleep(moment);
            child.kill().unwrap();
            child.wait().unwrap()
        });
        for line in lines.map_while(Result::ok) {
            drafted = drafted.max(kept(&line).unwrap_or_default());
            acknowledged.extend(id_of(&line));
        }
        assert!(!killer.join().unwrap().success());
        if round % 20 == 19 {
            check(&folder, &acknowledged, drafted);
        }
    }
    assert!(acknowledged.len() as u64 > KILLS);
    let info = reopen(&folder).reader().unwrap().info().unwrap();
    // Shown with --nocapture.
    eprintln!(
        "{KILLS} kills, {} acknowledged, {info:?}",
        acknowledged.len()
    );
    assert_eq!(files_of(&folder), ["test.tiebreak"]);
}

fn check(folder: &TempDir, acknowledged: &[EventId], drafted: u64) {
    let project = reopen(folder);
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
    let reader = project.reader().unwrap();
    let there: BTreeSet<EventId> = all_events(&reader).into_iter().map(|e| e.id).collect();
    let lost = acknowledged.iter().filter(|id| !there.contains(id)).count();
    assert_eq!(lost, 0, "of {}", acknowledged.len());
    // The draft that was said to be kept is there, or the one that was being kept when the end came; whole in either case.
    let item = row("a.jsonl", 1, "Why?", "x", "y").item;
    let draft = reader
        .draft(item.id, "drafter")
        .unwrap()
        .unwrap_or_default();
    let text = draft.judgment.justification.clone();
    let n: u64 = text
        .strip_prefix("draft ")
        .map_or(0, |n| n.parse().unwrap());
    assert!(n >= drafted, "draft {n} is older than {drafted}");
    if n > 0 {
        assert_eq!(draft, rewrite(&item, n));
    }
    // What counts after undo is what the events say.
    let events = all_events(&reader);
    assert_eq!(reader.view().unwrap(), View::fold(&events));
    // No item without its parts.
    let mut items = 0;
    reader
        .for_each_item(|record| {
            assert_eq!(record.item.responses.len(), 2);
            assert_eq!((record.sources.len(), record.references.len()), (1, 1));
            items += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(items > 1);
}
