//! Lists, queues, counts and scores.

use super::*;

/// Ten pairs, of which Mina labelled 0 and 2, skipped 3, began 4 and flagged 5.
fn begun() -> (TempDir, Project, Vec<Item>) {
    let (folder, project) = fresh();
    let rows: Vec<ImportedRow> = (0..10)
        .map(|n| {
            let prompt = format!("Question {n}:\n  is 100% \"of\" {n}_x true?");
            row("a.jsonl", n + 1, &prompt, &format!("Yes, {n}"), "No")
        })
        .collect();
    let writer = project.writer().unwrap();
    writer.put_rows(&rows).unwrap();
    let items: Vec<Item> = rows.into_iter().map(|r| r.item).collect();
    for n in [0, 2] {
        writer
            .commit(&label_event("Mina", &items[n], 0, 1))
            .unwrap();
    }
    let deed = |n: usize, body| Event::now("Mina", Some(items[n].id), body);
    writer
        .append(&[
            deed(
                3,
                EventBody::Skip {
                    reason: "odd".to_owned(),
                },
            ),
            deed(
                5,
                EventBody::Flag {
                    note: "look".to_owned(),
                },
            ),
        ])
        .unwrap();
    writer
        .put_draft(items[4].id, "Mina", Some(&Draft::default()))
        .unwrap();
    (folder, project, items)
}

fn positions(reader: &Reader, filter: &Filter) -> Vec<u64> {
    let list = reader.list(0, 100, "Mina", filter).unwrap();
    assert_eq!(
        reader.count_matching("Mina", filter).unwrap(),
        list.len() as u64
    );
    list.into_iter().map(|s| s.position).collect()
}

#[test]
fn lists_say_how_far_one_is() {
    let (_folder, project, items) = begun();
    let reader = project.reader().unwrap();
    let list = reader.list(2, 4, "Mina", &Filter::default()).unwrap();
    assert_eq!(
        list.iter().map(|s| s.status).collect::<Vec<_>>(),
        [
            Status::Labelled,
            Status::Skipped,
            Status::Draft,
            Status::Unlabelled
        ]
    );
    assert_eq!(
        list[0],
        ItemSummary {
            position: 2,
            id: items[2].id,
            preview: "Question 2: is 100% \"of\" 2_x true?".to_owned(),
            turns: 2,
            responses: 2,
            status: Status::Labelled,
            flagged: false,
        }
    );
    assert!(list[3].flagged);
    let others = reader.list(0, 100, "Omar", &Filter::default()).unwrap();
    assert!(
        others
            .iter()
            .all(|s| s.status == Status::Unlabelled && !s.flagged)
    );
    assert_eq!(
        reader.counts_for("Mina").unwrap(),
        Counts {
            labelled: 2,
            skipped: 1,
            flagged: 1,
            total: 10,
            drafts: 1,
            later: 0,
            practised: 0,
        }
    );
    let info = reader.info().unwrap();
    assert_eq!(
        (
            info.items,
            info.labels,
            info.skipped,
            info.flagged,
            info.events,
            info.annotators
        ),
        (10, 2, 1, 1, 4, 1)
    );
    assert_eq!(reader.annotators().unwrap(), ["Mina"]);
    assert_eq!(
        reader.flag(items[5].id, "Mina").unwrap().as_deref(),
        Some("look")
    );
}

#[test]
fn filters_find_statuses_flags_and_text() {
    let (_folder, project, _) = begun();
    let reader = project.reader().unwrap();
    let status = |status| Filter {
        status: Some(status),
        ..Filter::default()
    };
    let text = |text: &str| Filter {
        text: Some(text.to_owned()),
        ..Filter::default()
    };
    assert_eq!(positions(&reader, &status(Status::Labelled)), [0, 2]);
    assert_eq!(positions(&reader, &status(Status::Skipped)), [3]);
    assert_eq!(positions(&reader, &status(Status::Draft)), [4]);
    assert_eq!(
        positions(&reader, &status(Status::Unlabelled)),
        [1, 5, 6, 7, 8, 9]
    );
    let flagged = Filter {
        flagged: true,
        ..Filter::default()
    };
    assert_eq!(positions(&reader, &flagged), [5]);
    assert_eq!(positions(&reader, &text("question 7")), [7]);
    assert_eq!(positions(&reader, &text("yes, 3")), [3]);
    assert_eq!(positions(&reader, &text("100%")).len(), 10);
    assert_eq!(positions(&reader, &text("100_")), [0u64; 0]);
    assert_eq!(positions(&reader, &text("\"OF\" 4_")), [4]);
    assert_eq!(positions(&reader, &text(":\n")).len(), 10);
    // What JSON calls things is not what people said.
    assert_eq!(positions(&reader, &text("assistant")), [0u64; 0]);
    let both = Filter {
        text: Some("Question".to_owned()),
        status: Some(Status::Unlabelled),
        flagged: true,
        ..Filter::default()
    };
    assert_eq!(positions(&reader, &both), [5]);
    let page = reader
        .list(2, 2, "Mina", &status(Status::Unlabelled))
        .unwrap();
    assert_eq!(page.iter().map(|s| s.position).collect::<Vec<_>>(), [6, 7]);
}

#[test]
fn the_queue_goes_round_once() {
    let (_folder, project, items) = begun();
    let reader = project.reader().unwrap();
    let next = |after| reader.next_unlabelled("Mina", after).unwrap();
    assert_eq!(next(None), Some(1));
    assert_eq!(next(Some(1)), Some(4));
    assert_eq!(next(Some(9)), Some(1));
    assert_eq!(next(Some(u64::MAX)), Some(1));
    assert_eq!(reader.next_unlabelled("Omar", None).unwrap(), Some(0));
    let writer = project.writer().unwrap();
    for (n, item) in items.iter().enumerate() {
        if ![0, 2, 3, 6].contains(&n) {
            writer.append(&[label_event("Mina", item, 0, 1)]).unwrap();
        }
    }
    assert_eq!(next(Some(6)), Some(6));
    writer
        .append(&[label_event("Mina", &items[6], 0, 1)])
        .unwrap();
    assert_eq!(next(Some(6)), None);
}

fn scorer(name: &str, dtype: &str) -> ScorerId {
    ScorerId {
        name: name.to_owned(),
        weights: "w".to_owned(),
        template: "t".to_owned(),
        head: "score".to_owned(),
        dtype: dtype.to_owned(),
    }
}

fn score(item: &Item, response: usize, value: f64) -> Score {
    Score {
        item: item.id,
        response: item.responses[response].key,
        score: value,
        attributes: [("helpfulness".to_owned(), value / 3.0)].into(),
        tokens: 17,
        truncated: true,
    }
}

#[test]
fn scores_belong_to_a_response_and_a_scorer() {
    let (folder, project, items) = begun();
    let writer = project.writer().unwrap();
    let (one, two) = (scorer("m", "f32"), scorer("m", "q8_0"));
    let given = [score(&items[1], 0, 0.1), score(&items[1], 1, -2.0)];
    writer.put_scores(&one, &given).unwrap();
    writer
        .put_scores(&one, &[score(&items[0], 1, 5.0)])
        .unwrap();
    writer
        .put_scores(&two, &[score(&items[1], 0, 9.0)])
        .unwrap();
    writer.put_scores(&one, &given[..1]).unwrap();
    project.close().unwrap();
    let project = reopen(&folder);
    let reader = project.reader().unwrap();
    assert_eq!(reader.scores(items[1].id, &one.key()).unwrap(), given);
    assert_eq!(
        reader.scores(items[1].id, &two.key()).unwrap(),
        [score(&items[1], 0, 9.0)]
    );
    assert_eq!(reader.scores(items[1].id, "no such key").unwrap(), []);
    let unscored = reader.unscored(&one.key(), 0, 3).unwrap();
    assert_eq!(unscored, [items[0].id, items[2].id, items[3].id]);
    assert_eq!(reader.unscored("no such key", 8, 9).unwrap().len(), 2);
    let info = reader.info().unwrap();
    assert_eq!(info.scored.len(), 2);
    assert_eq!(info.scored["m"], 3);
    // A score that is no number is kept as such.
    let writer = project.writer().unwrap();
    writer
        .put_scores(&one, &[score(&items[1], 0, f64::NAN)])
        .unwrap();
    let read = reader.scores(items[1].id, &one.key()).unwrap();
    assert!(read[0].score.is_nan() && read[0].attributes["helpfulness"].is_nan());
    // Strangers are refused, with what came along.
    let stranger = pair("x", "y", "z").0;
    assert_eq!(
        writer.put_scores(&one, &[score(&items[7], 0, 1.0), score(&stranger, 0, 1.0)]),
        Err(StoreError::UnknownItem(stranger.id))
    );
    assert_eq!(reader.scores(items[7].id, &one.key()).unwrap(), []);
}

#[test]
fn the_least_certain_come_first_with_a_fifth_drawn_at_random() {
    let (_folder, project) = fresh();
    let rows: Vec<ImportedRow> = (0..200)
        .map(|n| row("a.jsonl", n + 1, &format!("prompt {n}"), "yes", "no"))
        .collect();
    let writer = project.writer().unwrap();
    writer.put_rows(&rows).unwrap();
    let items: Vec<Item> = rows.into_iter().map(|r| r.item).collect();
    let by = scorer("m", "f32");
    // All but the last ten have scores, the later the nearer together.
    for (n, item) in items[..190].iter().enumerate() {
        let far = (200 - n) as f64;
        let scores = [score(item, 0, 1.0), score(item, 1, 1.0 + far)];
        writer.put_scores(&by, &scores).unwrap();
    }
    let reader = project.reader().unwrap();
    assert_eq!(reader.count_unscored(&by.key()).unwrap(), 10);
    let filter = Filter {
        order: Order::Uncertain(by.key()),
        ..Filter::default()
    };
    let listed = reader.list(0, 500, "Mina", &filter).unwrap();
    assert_eq!(listed.len(), 200);
    assert_eq!(reader.count_matching("Mina", &filter).unwrap(), 200);
    let order: Vec<usize> = listed.iter().map(|s| s.position as usize).collect();
    let paged = reader.list(7, 5, "Mina", &filter).unwrap();
    assert_eq!(paged, listed[7..12]);
    assert!(order[190..].iter().all(|n| *n >= 190), "unknown ones last");
    let control = |n: usize| items[n].id.to_string().as_str() < "33333333";
    let drawn = (0..190).filter(|n| control(*n)).count();
    assert!((20..60).contains(&drawn), "{drawn}");
    for (place, n) in order[..5 * drawn.min((190 - drawn) / 4)].iter().enumerate() {
        assert_eq!(control(*n), place % 5 == 4, "place {place}");
    }
    let rest: Vec<usize> = order[..190]
        .iter()
        .copied()
        .filter(|n| !control(*n))
        .collect();
    assert!(rest.is_sorted_by(|a, b| a > b), "nearest first: {rest:?}");
    let mixed: Vec<usize> = order[..190]
        .iter()
        .copied()
        .filter(|n| control(*n))
        .collect();
    assert!(
        !mixed.is_sorted() && !mixed.is_sorted_by(|a, b| a > b),
        "{mixed:?}"
    );

    let plan: Vec<usize> = reader
        .uncertain(&by.key())
        .unwrap()
        .into_iter()
        .map(|n| n as usize)
        .collect();
    assert_eq!(plan, order);
    writer
        .append(&[
            label_event("Mina", &items[order[0]], 0, 1),
            label_event("Mina", &items[order[4]], 0, 1),
        ])
        .unwrap();
    let done = |n: usize| reader.is_done("Mina", order[n] as u64).unwrap();
    assert_eq!([0, 1, 4].map(done), [true, false, true]);
    let mut labelled = reader.labelled().unwrap();
    labelled.sort();
    let mut expected = vec![(items[order[0]].id, false), (items[order[4]].id, true)];
    expected.sort();
    assert_eq!(labelled, expected);
}

#[test]
fn small_things_are_remembered() {
    let (folder, project, _) = begun();
    let place = json!({"item": 4, "scroll": 0.25});
    project
        .writer()
        .unwrap()
        .set_setting("place/Mina", &place)
        .unwrap();
    project.close().unwrap();
    let reader = reopen(&folder).reader().unwrap();
    assert_eq!(reader.setting("place/Mina").unwrap(), Some(place));
    assert_eq!(reader.setting("place/Omar").unwrap(), None);
}

#[test]
fn what_is_put_off_is_next_when_nothing_else_is_and_practice_is_done() {
    let (_folder, project) = fresh();
    let items = super::log::three(&project);
    let writer = project.writer().unwrap();
    let reader = project.reader().unwrap();
    let next = |after| reader.next_unlabelled("Mina", after).unwrap();
    let event = |at: usize, body| Event::now("Mina", Some(items[at].id), body);
    writer.append(&[event(0, EventBody::Later)]).unwrap();
    assert_eq!(next(None), Some(1));
    let label = label_of(items[2].responses[0].key, 1);
    writer
        .append(&[event(2, EventBody::Practice(Box::new(label.clone())))])
        .unwrap();
    assert_eq!(next(Some(1)), Some(1), "practised is nothing left to do");
    writer.append(&[event(1, EventBody::Later)]).unwrap();
    assert_eq!(
        next(Some(2)),
        Some(0),
        "what was put off longest ago comes first"
    );
    assert_eq!(reader.put_off("Mina").unwrap(), [0, 1]);
    let counts = reader.counts_for("Mina").unwrap();
    assert_eq!((counts.later, counts.practised, counts.labelled), (2, 1, 0));
    assert_eq!(reader.info().unwrap().labels, 0);
    // Undone, it is as if it had never been put off.
    let later = reader.history("Mina").unwrap().undo[1];
    writer
        .append(&[event(1, EventBody::Undo { target: later })])
        .unwrap();
    assert_eq!(next(Some(2)), Some(1));
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
}

/// Waits until the index of words is whole.
fn until_indexed(reader: &Reader) {
    for _ in 0..600 {
        let indexed = reader.indexed().unwrap();
        if indexed.done == indexed.total {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("not indexed: {:?}", reader.indexed());
}

#[test]
fn words_are_found_with_and_without_the_index() {
    let (folder, project) = fresh();
    let texts = [
        (
            "How does a Rainbow form?",
            "Light bends in rain.",
            "By magic, 100 %.",
        ),
        ("Wie heißt die Straße?", "Große Straße", "ÜBERALL"),
        ("日本語の質問です", "答えです", "いいえ"),
        (
            "fn main() { rain_gauge(); }",
            "It's \"quoted\" and a\\b",
            "x² + café",
        ),
        ("हिंदी में पूछो", "cafe\u{301}", "-"),
    ];
    let rows: Vec<ImportedRow> = texts
        .into_iter()
        .zip(1..)
        .map(|((prompt, a, b), n)| row("a.jsonl", n, prompt, a, b))
        .collect();
    project.writer().unwrap().put_rows(&rows).unwrap();
    let reader = project.reader().unwrap();
    let found = |text: &str| {
        let filter = Filter {
            text: Some(text.to_owned()),
            ..Filter::default()
        };
        let listed = reader.list(0, 10, "Mina", &filter).unwrap();
        let places: Vec<u64> = listed.iter().map(|item| item.position).collect();
        assert_eq!(
            reader.count_matching("Mina", &filter).unwrap(),
            places.len() as u64
        );
        places
    };
    until_indexed(&reader);
    for (text, places) in [
        ("rain", vec![0, 3]),
        ("RAINBOW", vec![0]),
        ("bends in ra", vec![0]),
        ("in bends", vec![]),
        ("*bow", vec![0]),
        ("*", vec![0, 1, 2, 3, 4]),
        ("100 %", vec![0]),
        ("%", vec![0]),
        ("straße", vec![1]),
        ("große str", vec![1]),
        ("heisst", vec![]),
        ("Große str", vec![1]),
        ("überall", vec![1]),
        ("語の質", vec![2]),
        ("rain_g", vec![3]),
        ("\"quoted\"", vec![3]),
        ("a\\b", vec![3]),
        ("x²", vec![3]),
        ("café", vec![3]),
        ("cafe\u{301}", vec![4]),
        ("हिंदी", vec![4]),
        ("ं", vec![4]),
        ("AND OR NOT NEAR(", vec![]),
        ("\"", vec![3]),
        ("text:rain", vec![]),
    ] {
        assert_eq!(found(text), places, "{text}");
    }
    // What is not in the index yet is looked through.
    let db = rusqlite::Connection::open(path_in(&folder)).unwrap();
    db.execute("UPDATE meta SET value = '2' WHERE key = 'search.next'", [])
        .unwrap();
    assert_eq!(reader.indexed().unwrap(), Indexed { done: 2, total: 5 });
    assert_eq!(found("rain"), [0, 3]);
    assert_eq!(found("x² + caf"), [3]);
    assert_eq!(found("bends in ra"), [0]);
}
