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
    loop {
        let event = label_event(&who, &item, 0, 1);
        writer
            .put_draft(item.id, &who, Some(&Draft::default()))
            .unwrap();
        writer.commit(&event).unwrap();
        writeln!(out, "saved {}", event.id).unwrap();
        out.flush().unwrap();
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
        let before = acknowledged.len();
        while acknowledged.len() == before {
            let Some(line) = lines.next() else {
                let output = child.wait_with_output().unwrap();
                panic!("{}", String::from_utf8_lossy(&output.stderr));
            };
            acknowledged.extend(id_of(&line.unwrap()));
        }
        let killer = std::thread::spawn(move || {
            std::thread::sleep(moment);
            child.kill().unwrap();
            child.wait().unwrap()
        });
        acknowledged.extend(lines.map_while(Result::ok).filter_map(|line| id_of(&line)));
        assert!(!killer.join().unwrap().success());
        if round % 20 == 19 {
            check(&folder, &acknowledged);
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

fn check(folder: &TempDir, acknowledged: &[EventId]) {
    let project = reopen(folder);
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
    let reader = project.reader().unwrap();
    let there: BTreeSet<EventId> = all_events(&reader).into_iter().map(|e| e.id).collect();
    let lost = acknowledged.iter().filter(|id| !there.contains(id)).count();
    assert_eq!(lost, 0, "of {}", acknowledged.len());
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
