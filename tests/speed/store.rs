//! How fast a project is written and read, beside a bare write to the same disk; run by hand:
//! `cargo test --release --test all store::speed -- --ignored --nocapture`. Asserts nothing about time.

use std::time::{Duration, Instant};

use super::*;
use crate::support::percentiles;

/// Pairs of 1 kB, all different.
fn rows_from(start: u64, count: u64) -> Vec<ImportedRow> {
    let filler = "the quick brown fox jumps over the lazy dog and on ".repeat(10);
    (start..start + count)
        .map(|n| {
            let chosen = format!("{n} yes {}", &filler[..380]);
            let rejected = format!("{n} no {}", &filler[..380]);
            row(
                "big.jsonl",
                n + 1,
                &format!("{n} {}", &filler[..220]),
                &chosen,
                &rejected,
            )
        })
        .collect()
}

/// Imports rows as the program does, some batches ahead; the time it takes without making them, and the part of it in which they are encoded.
fn import(writer: &Writer, from: u64, to: u64) -> (Duration, Duration) {
    const BATCH: u64 = 500;
    let (mut spent, mut encoding) = (Duration::ZERO, Duration::ZERO);
    let mut open = std::collections::VecDeque::new();
    writer.begin_import().unwrap();
    for first in (from..to).step_by(BATCH as usize) {
        let rows = rows_from(first, BATCH.min(to - first));
        let start = Instant::now();
        open.push_back(writer.start_rows(&rows));
        encoding += start.elapsed();
        if open.len() > Writer::WAITING {
            open.pop_front().map(|first| first.wait().unwrap());
        }
        spent += start.elapsed();
    }
    let start = Instant::now();
    for pending in open {
        pending.wait().unwrap();
    }
    writer.finish_import().unwrap();
    (spent + start.elapsed(), encoding)
}

/// Times of writing 4 kB to a file beside the project and having it on disk: what an acknowledged append costs at least.
fn bare_syncs(folder: &tempfile::TempDir) -> Vec<Duration> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.path().join("bare")).unwrap();
    let write = |_| {
        let start = Instant::now();
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
        start.elapsed()
    };
    (0..400).map(write).collect()
}

#[test]
#[ignore = "a measurement"]
fn measure() {
    let (folder, project) = fresh();
    let items = rows_from(1_000_000, 100);
    let writer = project.writer().unwrap();
    writer.put_rows(&items).unwrap();
    let ack = |n: usize, until: &dyn Fn() -> bool| {
        let mut times = vec![];
        while times.len() < n && !until() {
            let item = &items[times.len() % items.len()].item;
            let event = label_event("Mina", item, 0, 1);
            let start = Instant::now();
            writer.commit(&event).unwrap();
            times.push(start.elapsed());
            std::thread::sleep(Duration::from_millis(5));
        }
        times
    };
    eprintln!(
        "bare write and sync:   {}",
        percentiles(bare_syncs(&folder))
    );
    eprintln!(
        "append, idle:          {}",
        percentiles(ack(400, &|| false))
    );

    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let importer = project.writer().unwrap();
        let done = &done;
        scope.spawn(move || {
            let (spent, encoding) = import(&importer, 0, 50_000);
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            eprintln!(
                "import with appends:   {:.0} pairs/s (encoding alone {:.0}/s)",
                50_000.0 / spent.as_secs_f64(),
                50_000.0 / encoding.as_secs_f64()
            );
        });
        let times = ack(usize::MAX, &|| {
            done.load(std::sync::atomic::Ordering::Relaxed)
        });
        eprintln!("append, importing:     {}", percentiles(times));
    });

    let (spent, _) = import(&writer, 50_000, 99_900);
    eprintln!(
        "import alone:          {:.0} pairs/s",
        49_900.0 / spent.as_secs_f64()
    );
    let start = Instant::now();
    project.close().unwrap();
    eprintln!("close:                 {:?}", start.elapsed());
    let size = std::fs::metadata(path_in(&folder)).unwrap().len();
    eprintln!("file:                  {} MiB", size >> 20);

    let start = Instant::now();
    let project = reopen(&folder);
    let reader = project.reader().unwrap();
    reader.item_at(0).unwrap().unwrap();
    eprintln!(
        "open to item_at(0):    {:?} with {}",
        start.elapsed(),
        reader.count().unwrap()
    );
    let timed = |what: &str, work: &dyn Fn()| {
        let start = Instant::now();
        work();
        eprintln!("{what:<22} {:?}", start.elapsed());
    };
    timed("info", &|| drop(reader.info().unwrap()));
    timed("counts_for", &|| {
        assert_eq!(reader.counts_for("Mina").unwrap().total, 100_000);
    });
    timed("history", &|| drop(reader.history("Mina").unwrap()));
    timed("list of 100 at 90,000", &|| {
        drop(
            reader
                .list(90_000, 100, "Mina", &Filter::default())
                .unwrap(),
        );
    });
    timed("list of unlabelled", &|| {
        let unlabelled = Filter {
            status: Some(Status::Unlabelled),
            ..Filter::default()
        };
        drop(reader.list(90_000, 100, "Mina", &unlabelled).unwrap());
    });
    timed("filter by text", &|| {
        let text = Filter {
            text: Some("77123 yes".to_owned()),
            ..Filter::default()
        };
        assert_eq!(reader.count_matching("Mina", &text).unwrap(), 1);
    });
    timed("for_each_item", &|| {
        let mut n = 0;
        reader
            .for_each_item(|_| {
                n += 1;
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(n, 100_000);
    });

    // Everything labelled by one person.
    let mut ids = vec![];
    reader
        .for_each_item(|record| {
            ids.push(record.item);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    let writer = project.writer().unwrap();
    for some in ids.chunks(5_000) {
        let events: Vec<Event> = some.iter().map(|i| label_event("Omar", i, 0, 1)).collect();
        writer.append(&events).unwrap();
    }
    timed("next, all labelled", &|| {
        assert_eq!(reader.next_unlabelled("Omar", None).unwrap(), None);
    });
    timed("history of 100,000", &|| {
        drop(reader.history("Omar").unwrap());
    });
    timed("info of 100,000 labels", &|| drop(reader.info().unwrap()));
    timed("counts of 100,000", &|| {
        assert_eq!(reader.counts_for("Omar").unwrap().labelled, 100_000);
    });
    timed("view of 100,000", &|| drop(reader.view().unwrap()));
    timed("integrity", &|| {
        assert!(project.integrity().unwrap().is_empty());
    });
}
