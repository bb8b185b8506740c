//! Events, drafts, undo and merging.

use proptest::prelude::*;

use super::*;

/// Imports three pairs; their items.
pub fn three(project: &Project) -> Vec<Item> {
    let rows: Vec<ImportedRow> = (0..3)
        .map(|n| {
            row(
                "a.jsonl",
                n + 1,
                &format!("Why {n}?"),
                "Because.",
                "No idea.",
            )
        })
        .collect();
    project.writer().unwrap().put_rows(&rows).unwrap();
    rows.into_iter().map(|r| r.item).collect()
}

/// Asks item by item, as the window does, and compares with the fold. (That the same events are meant, `integrity` compares.)
fn same_when_asked(reader: &Reader, log: &[Event], fold: &View) -> Result<(), TestCaseError> {
    for event in log {
        let Some(item) = event.item else { continue };
        let key = (item, event.annotator.clone());
        let outcome = reader.outcome(item, &event.annotator).unwrap();
        prop_assert_eq!(outcome.as_ref(), fold.outcomes.get(&key).map(|o| &o.1));
        let flag = reader.flag(item, &event.annotator).unwrap();
        prop_assert_eq!(flag.as_ref(), fold.flags.get(&key));
    }
    let info = reader.info().unwrap();
    prop_assert_eq!(info.labels + info.skipped, fold.outcomes.len() as u64);
    prop_assert_eq!(info.flagged, fold.flags.len() as u64);
    prop_assert_eq!(
        reader.policy().unwrap(),
        fold.policy.unwrap_or(settings().policy)
    );
    Ok(())
}

/// A log of deeds by three people on three items; undo and redo point anywhere, also at others' deeds, at each other, at what
/// comes later and at nothing.
fn log_of(items: &[Item], steps: &[(u8, u8, u8, u8)]) -> Vec<Event> {
    let ids: Vec<EventId> = steps.iter().map(|_| EventId::new()).collect();
    steps
        .iter()
        .zip(&ids)
        .map(|((who, item, deed, target), id)| {
            let who = ["mina", "omar", "Zoë"][usize::from(*who) % 3];
            let item = &items[usize::from(*item) % 3];
            let target = match ids.get(usize::from(*target)) {
                Some(target) => *target,
                None => EventId::new(),
            };
            let body = match deed % 12 {
                0..=2 => label_event(who, item, usize::from(*deed) % 2, 1 + deed % 3).body,
                3 => EventBody::Skip {
                    reason: format!("r{deed}"),
                },
                4 => EventBody::Flag {
                    note: format!("n{deed}"),
                },
                5 => EventBody::Unflag,
                6..=8 => EventBody::Undo { target },
                9 => EventBody::Redo { target },
                10 => EventBody::Policy {
                    policy: if deed % 2 == 0 {
                        ScorePolicy::Sealed
                    } else {
                        ScorePolicy::Hidden
                    },
                },
                _ => EventBody::Unknown {
                    kind: ["hologram", "label", "undo", "policy"][usize::from(*deed) % 4]
                        .to_owned(),
                    payload: json!({"from": "the future", "target": target}),
                },
            };
            Event {
                id: *id,
                item: (deed % 25 != 24).then_some(item.id),
                ..Event::now(who, None, body)
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn the_sql_view_is_the_fold(
        steps in prop::collection::vec((0u8..3, 0u8..3, 0u8..100, 0u8..45), 0..40),
        order in prop::collection::vec(any::<u32>(), 40),
        cut in 1usize..12,
    ) {
        let (folder, project) = fresh();
        let items = three(&project);
        let log = log_of(&items, &steps);
        // They arrive in any order, a few at a time, some of them twice.
        let mut arriving: Vec<(u32, &Event)> = order.iter().copied().zip(&log).collect();
        arriving.sort_by_key(|a| a.0);
        let arriving: Vec<Event> = arriving.into_iter().map(|a| a.1.clone()).collect();
        let writer = project.writer().unwrap();
        for some in arriving.chunks(cut) {
            writer.append(some).unwrap();
            writer.append(&some[..1]).unwrap();
        }
        let fold = View::fold(&log);
        let reader = project.reader().unwrap();
        prop_assert_eq!(&reader.view().unwrap(), &fold);
        same_when_asked(&reader, &log, &fold)?;
        prop_assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
        for who in ["mina", "omar", "Zoë", "nobody"] {
            prop_assert_eq!(reader.history(who).unwrap(), History::of(who, &log));
        }
        // The log itself comes back as it went in, in the order of ids.
        prop_assert_eq!(&all_events(&reader), &log);
        drop(reader);
        project.close().unwrap();
        let project = reopen(&folder);
        project.writer().unwrap().rebuild().unwrap();
        let reader = project.reader().unwrap();
        same_when_asked(&reader, &log, &fold)?;
        prop_assert_eq!(&reader.view().unwrap(), &fold);
    }
}

#[test]
fn merging_is_a_union_both_ways() {
    let (_one_folder, one) = fresh();
    let (_two_folder, two) = fresh();
    let items = three(&one);
    three(&two);
    let mine = [
        label_event("mina", &items[0], 0, 1),
        label_event("mina", &items[1], 1, 2),
    ];
    let undo = Event::now("mina", None, EventBody::Undo { target: mine[1].id });
    let theirs = [label_event("omar", &items[0], 1, 3)];
    one.writer().unwrap().append(&mine).unwrap();
    // The undo of what the other file does not know yet.
    two.writer()
        .unwrap()
        .append(std::slice::from_ref(&undo))
        .unwrap();
    two.writer().unwrap().append(&theirs).unwrap();
    let [from_one, from_two] = [&one, &two].map(|p| all_events(&p.reader().unwrap()));
    two.writer().unwrap().append(&from_one).unwrap();
    one.writer().unwrap().append(&from_two).unwrap();
    one.writer().unwrap().append(&from_two).unwrap();
    let views = [&one, &two].map(|p| p.reader().unwrap().view().unwrap());
    assert_eq!(views[0], views[1]);
    assert_eq!(views[0].outcomes.len(), 2);
    for project in [&one, &two] {
        let reader = project.reader().unwrap();
        assert_eq!(reader.info().unwrap().events, 4);
        assert_eq!(reader.outcome(items[1].id, "mina").unwrap(), None);
        assert_eq!(reader.labels(items[0].id).unwrap().len(), 2);
        assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn undo_and_redo_survive_restarts() {
    let (folder, project) = fresh();
    let items = three(&project);
    let labels = [
        label_event("Mina", &items[0], 0, 1),
        label_event("Mina", &items[0], 0, 3),
    ];
    project.writer().unwrap().append(&labels).unwrap();
    project.close().unwrap();

    let project = reopen(&folder);
    let history = project.reader().unwrap().history("Mina").unwrap();
    assert_eq!(history.undo, [labels[0].id, labels[1].id]);
    let undo = EventBody::Undo {
        target: *history.undo.last().unwrap(),
    };
    project
        .writer()
        .unwrap()
        .append(&[Event::now("Mina", Some(items[0].id), undo)])
        .unwrap();
    let strength = |reader: &Reader| match reader.outcome(items[0].id, "Mina").unwrap() {
        Some(Outcome::Labelled(label)) => label.judgment.preference,
        _ => None,
    };
    let key = items[0].responses[0].key;
    assert_eq!(strength(&project.reader().unwrap()), Some(better(key, 1)));
    project.close().unwrap();

    let project = reopen(&folder);
    let history = project.reader().unwrap().history("Mina").unwrap();
    assert_eq!(history.redo, [labels[1].id]);
    let redo = EventBody::Redo {
        target: history.redo[0],
    };
    project
        .writer()
        .unwrap()
        .append(&[Event::now("Mina", Some(items[0].id), redo)])
        .unwrap();
    project.close().unwrap();
    let project = Project::open(&path_in(&folder), Access::Read).unwrap();
    assert_eq!(strength(&project.reader().unwrap()), Some(better(key, 3)));
    // Nothing was deleted on the way.
    assert_eq!(all_events(&project.reader().unwrap()).len(), 4);
}

#[test]
fn drafts_survive_and_end_with_the_commit() {
    let (folder, project) = fresh();
    let items = three(&project);
    let label = label_of(items[0].responses[0].key, 2);
    let draft = Draft {
        judgment: label.judgment.clone(),
        active_ms: 900,
        idle_ms: 20,
        past: vec![label.judgment.clone()],
        future: vec![],
    };
    let writer = project.writer().unwrap();
    for who in ["Mina", "Omar"] {
        writer
            .put_draft(items[0].id, who, Some(&Draft::default()))
            .unwrap();
        writer.put_draft(items[0].id, who, Some(&draft)).unwrap();
    }
    project.close().unwrap();
    let project = reopen(&folder);
    let reader = project.reader().unwrap();
    assert_eq!(
        reader.draft(items[0].id, "Mina").unwrap(),
        Some(draft.clone())
    );
    assert_eq!(reader.draft(items[1].id, "Mina").unwrap(), None);
    let writer = project.writer().unwrap();
    writer
        .commit(&label_event("Mina", &items[0], 0, 2))
        .unwrap();
    assert_eq!(reader.draft(items[0].id, "Mina").unwrap(), None);
    assert_eq!(reader.draft(items[0].id, "Omar").unwrap(), Some(draft));
    writer.put_draft(items[0].id, "Omar", None).unwrap();
    assert_eq!(reader.draft(items[0].id, "Omar").unwrap(), None);
}

#[test]
fn the_log_can_only_grow() {
    let (folder, project) = fresh();
    let items = three(&project);
    let event = label_event("Mina", &items[0], 0, 1);
    project
        .writer()
        .unwrap()
        .append(std::slice::from_ref(&event))
        .unwrap();
    project.close().unwrap();
    // With any SQLite tool.
    let db = rusqlite::Connection::open(path_in(&folder)).unwrap();
    for change in [
        "UPDATE events SET annotator = 'Omar'",
        "UPDATE OR REPLACE events SET payload = '{}'",
        "DELETE FROM events",
    ] {
        let refused = db.execute(change, []).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{change}: {refused}");
    }
    // Replacing is no way round: nothing happens.
    for (seq, id) in [
        ("NULL", event.id.to_string()),
        ("1", EventId::new().to_string()),
    ] {
        let replace = format!(
            "INSERT OR REPLACE INTO events (seq, id, annotator, kind, payload, time, app_version)
             VALUES ({seq}, '{id}', 'Omar', 'unflag', '{{}}', '2026-01-01T00:00:00Z', '9')"
        );
        assert_eq!(db.execute(&replace, []).unwrap(), 0);
    }
    drop(db);
    let project = reopen(&folder);
    assert_eq!(all_events(&project.reader().unwrap()), [event]);
}

#[test]
fn what_others_wrote_is_read_where_it_can_be() {
    let (folder, project) = fresh();
    let items = three(&project);
    project
        .writer()
        .unwrap()
        .append(&[label_event("Mina", &items[0], 0, 1)])
        .unwrap();
    project.close().unwrap();
    let db = rusqlite::Connection::open(path_in(&folder)).unwrap();
    let mut insert = db
        .prepare(
            "INSERT INTO events (id, annotator, item, kind, payload, time, app_version) VALUES (?, ?, ?, ?, ?, '2026-01-01T00:00:00Z', '9')",
        )
        .unwrap();
    let skip = EventId::new().to_string();
    for (id, who, kind, payload) in [
        (
            EventId::new().to_string(),
            "Mina",
            "label",
            "{\"context\": nonsense",
        ),
        (
            EventId::new().to_string(),
            "Mina",
            "label",
            "{\"context\": 1}",
        ),
        (EventId::new().to_string(), "Mina", "undo", "not even close"),
        (EventId::new().to_string(), "Mina", "hologram", "[1]"),
        (skip, "Omar", "skip", "{\"reason\": \"by hand\"}"),
    ] {
        insert
            .execute([&id, who, &items[0].id.to_string(), kind, payload])
            .unwrap();
    }
    drop(insert);
    drop(db);
    let project = reopen(&folder);
    let reader = project.reader().unwrap();
    let events = all_events(&reader);
    assert_eq!(events.len(), 6);
    let unknown = |e: &&Event| matches!(e.body, EventBody::Unknown { .. });
    assert_eq!(events.iter().filter(unknown).count(), 4);
    // Mina's good label stands, and what was written by hand counts.
    assert_eq!(reader.view().unwrap(), View::fold(&events));
    assert_eq!(
        reader.outcome(items[0].id, "Omar").unwrap(),
        Some(Outcome::Skipped("by hand".to_owned()))
    );
    assert!(reader.outcome(items[0].id, "Mina").unwrap().is_some());
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn what_would_not_read_back_is_refused() {
    let (_folder, project) = fresh();
    let items = three(&project);
    let good = label_event("Mina", &items[0], 0, 1);
    let mut bad = label_event("Mina", &items[1], 0, 1);
    if let EventBody::Label(label) = &mut bad.body {
        label.context.scores[0].score = f64::NAN;
    }
    let writer = project.writer().unwrap();
    assert_eq!(
        writer.append(&[good, bad.clone()]),
        Err(StoreError::NotStorable(bad.id))
    );
    assert_eq!(project.reader().unwrap().info().unwrap().events, 0);
}

#[test]
fn the_last_policy_is_in_force() {
    let (_folder, project) = fresh();
    let reader = project.reader().unwrap();
    assert_eq!(reader.policy().unwrap(), ScorePolicy::Live);
    let set = |policy| {
        let event = Event::now("Mina", None, EventBody::Policy { policy });
        project.writer().unwrap().append(&[event]).unwrap();
    };
    set(ScorePolicy::Sealed);
    set(ScorePolicy::Hidden);
    assert_eq!(reader.policy().unwrap(), ScorePolicy::Hidden);
    assert_eq!(project.settings().policy, ScorePolicy::Live);
}

#[test]
fn many_threads_append_at_once() {
    let (_folder, project) = fresh();
    let items = three(&project);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (writer, items) = (project.writer().unwrap(), &items);
            scope.spawn(move || {
                let who = format!("person {thread}");
                for n in 0..25 {
                    writer
                        .append(&[label_event(&who, &items[n % 3], 0, 1)])
                        .unwrap();
                }
            });
        }
    });
    let info = project.reader().unwrap().info().unwrap();
    assert_eq!((info.events, info.labels, info.annotators), (200, 24, 8));
}
