//! Importing rows: identity, duplicates, labels that came with the data.

use super::*;

#[test]
fn importing_twice_adds_nothing() {
    let (_folder, project) = fresh();
    let rows: Vec<ImportedRow> = (1..=50)
        .map(|n| row("a.jsonl", n, &format!("Why {n}?"), "Because.", "No idea."))
        .collect();
    let writer = project.writer().unwrap();
    let first = writer.put_rows(&rows).unwrap();
    assert_eq!(
        first,
        PutRows {
            rows_new: 50,
            duplicates: 0,
            items_new: 50,
            responses_new: 100,
            references_new: 50
        }
    );
    let second = writer.put_rows(&rows).unwrap();
    assert_eq!(
        second,
        PutRows {
            duplicates: 50,
            ..PutRows::default()
        }
    );
    let info = project.reader().unwrap().info().unwrap();
    assert_eq!(
        (info.items, info.responses, info.reference_labels),
        (50, 100, 50)
    );
}

#[test]
fn swapped_sides_meet_in_one_item() {
    let (_folder, project) = fresh();
    let writer = project.writer().unwrap();
    let one = row("a.jsonl", 1, "Why?", "Because.", "No idea.");
    let two = row("b.jsonl", 1, "Why?", "No idea.", "Because.");
    assert_eq!(one.item, two.item);
    writer.put_rows(&[one.clone(), two.clone()]).unwrap();
    let reader = project.reader().unwrap();
    assert_eq!(reader.count().unwrap(), 1);
    assert_eq!(
        reader.sources(one.item.id).unwrap(),
        [one.source.clone(), two.source.clone()]
    );
    // They disagree, and each still points at the response it meant.
    let said: Vec<Option<Preference>> = reader
        .references(one.item.id)
        .unwrap()
        .into_iter()
        .map(|r| r.judgment.preference)
        .collect();
    let key_of = |text: &str| {
        let found = one.item.responses.iter().find(|r| r.text() == text);
        found.unwrap().key
    };
    assert_eq!(
        said,
        [
            Some(better(key_of("Because."), 1)),
            Some(better(key_of("No idea."), 1))
        ]
    );
}

#[test]
fn the_same_verdict_from_two_files_is_one() {
    let (_folder, project) = fresh();
    let writer = project.writer().unwrap();
    let rows = [
        row("a.jsonl", 1, "Why?", "x", "y"),
        row("copy.jsonl", 9, "Why?", "x", "y"),
    ];
    let put = writer.put_rows(&rows).unwrap();
    // The second adds a place, not a label.
    assert_eq!((put.rows_new, put.items_new, put.references_new), (2, 1, 1));
    assert_eq!(
        project
            .reader()
            .unwrap()
            .sources(rows[0].item.id)
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn identical_responses_stay_apart() {
    let (_folder, project) = fresh();
    let mut given = row("a.jsonl", 1, "Why?", "same", "same");
    let second = given.item.responses[1].key;
    given.references = vec![verdict(better(second, 2))];
    project
        .writer()
        .unwrap()
        .put_rows(std::slice::from_ref(&given))
        .unwrap();
    let reader = project.reader().unwrap();
    let item = reader.item_at(0).unwrap().unwrap();
    assert_eq!(item, given.item);
    assert_eq!(item.responses[1].key.occurrence, 1);
    assert_eq!(
        reader.references(item.id).unwrap()[0].judgment.preference,
        Some(better(second, 2))
    );
}

#[test]
fn several_votes_of_a_pair_all_count_even_when_equal() {
    let (_folder, project) = fresh();
    let mut given = row("votes.jsonl", 1, "Why?", "x", "y");
    let key = given.item.responses[0].key;
    let vote = |annotator: Option<&str>, strength| ReferenceLabel {
        role: ReferenceRole::Vote,
        annotator: annotator.map(str::to_owned),
        ..verdict(better(key, strength))
    };
    given.references = vec![
        vote(None, 1),
        vote(None, 1),
        vote(Some(""), 1),
        vote(Some("p1"), 3),
        verdict(better(key, 1)),
    ];
    let writer = project.writer().unwrap();
    assert_eq!(
        writer
            .put_rows(std::slice::from_ref(&given))
            .unwrap()
            .references_new,
        5
    );
    assert_eq!(
        writer
            .put_rows(std::slice::from_ref(&given))
            .unwrap()
            .duplicates,
        1
    );
    // A known row with one vote more adds that vote.
    let mut more = given.clone();
    more.references.push(vote(Some("p2"), 2));
    let put = writer.put_rows(std::slice::from_ref(&more)).unwrap();
    assert_eq!((put.rows_new, put.references_new), (1, 1));
    let reader = project.reader().unwrap();
    assert_eq!(reader.references(given.item.id).unwrap(), more.references);
}

#[test]
fn ratings_and_preferences_of_a_pair_meet_in_one_item() {
    let (_folder, project) = fresh();
    let writer = project.writer().unwrap();
    let (item, order) = pair("Why?", "first", "second");
    let keys = [item.responses[order[0]].key, item.responses[order[1]].key];
    let source = |format: &str, number, order: &[usize]| SourceRow {
        file: format!("{format}.jsonl"),
        format: format.to_owned(),
        row: number,
        id: None,
        order: order.to_vec(),
        models: vec![],
        extra: serde_json::Map::new(),
    };
    let mut rated = verdict(Preference::Tie);
    rated.judgment.preference = None;
    for (key, value) in keys.into_iter().zip([4.0, 2.0]) {
        for attribute in ["helpfulness", "correctness"] {
            rated.judgment.ratings.set(key, attribute, Some(value));
        }
    }
    let ratings = ImportedRow {
        rows: 1,
        item: item.clone(),
        source: source("helpsteer2", 1, &order),
        references: vec![rated.clone()],
        signature: None,
    };
    let preferred = verdict(better(keys[0], 2));
    let preference = ImportedRow {
        rows: 1,
        // The other file has the sides the other way round.
        item: pair("Why?", "second", "first").0,
        source: source("helpsteer2-preference", 1, &[order[1], order[0]]),
        references: vec![preferred.clone()],
        signature: None,
    };
    writer.put_rows(&[ratings]).unwrap();
    let put = writer.put_rows(&[preference]).unwrap();
    assert_eq!((put.items_new, put.references_new, put.rows_new), (0, 1, 1));
    let reader = project.reader().unwrap();
    assert_eq!(reader.count().unwrap(), 1);
    assert_eq!(reader.references(item.id).unwrap(), [rated, preferred]);
}

#[test]
fn items_read_back_as_they_were() {
    let (_folder, project) = fresh();
    let mut call = Turn::assistant("");
    call.tool_calls = Some(json!([{"name": "f", "arguments": {"z": 1, "a": "ü"}}]));
    let mut marked = Turn::assistant("  kept spaces \u{0} \u{2028} 日本語 \n");
    marked.extra.insert("model".to_owned(), "m".into());
    let (item, order) = Item::new(
        vec![Turn::new(Role::System, "Be brief."), Turn::user("Go on.")],
        vec![
            vec![call, Turn::new(Role::Tool, "42"), Turn::assistant("42")],
            vec![marked],
            vec![Turn::assistant("")],
        ],
    )
    .unwrap();
    let given = ImportedRow {
        rows: 1,
        source: SourceRow {
            order,
            ..row("a", 1, "", "", "").source
        },
        item,
        references: vec![],
        signature: None,
    };
    let alone = ImportedRow {
        item: Item::new(vec![], vec![vec![Turn::assistant("alone")]])
            .unwrap()
            .0,
        ..given.clone()
    };
    let writer = project.writer().unwrap();
    writer.put_rows(&[given.clone(), alone.clone()]).unwrap();
    let reader = project.reader().unwrap();
    assert_eq!(reader.item(given.item.id).unwrap().unwrap(), given.item);
    assert_eq!(reader.item_at(1).unwrap().unwrap(), alone.item);
    assert_eq!(reader.position_of(alone.item.id).unwrap(), Some(1));
    assert_eq!(reader.item_at(2).unwrap(), None);
    assert_eq!(reader.item_at(u64::MAX).unwrap(), None);
    assert_eq!(reader.sources(given.item.id).unwrap(), [given.source]);
}

#[test]
fn a_long_import_keeps_its_order_and_lets_others_in() {
    let (folder, project) = fresh();
    let rows: Vec<ImportedRow> = (0..6_000)
        .map(|n| row("a.jsonl", n + 1, &format!("Question {n}"), "yes", "no"))
        .collect();
    let writer = project.writer().unwrap();
    let mut waiting = std::collections::VecDeque::new();
    let mut put = PutRows::default();
    for (n, some) in rows.chunks(1_000).enumerate() {
        waiting.push_back(writer.start_rows(some));
        // Labels go on meanwhile.
        writer
            .append(&[label_event("Mina", &rows[n].item, 0, 1)])
            .unwrap();
        if waiting.len() > 2 {
            put += waiting.pop_front().unwrap().wait().unwrap();
        }
    }
    for pending in waiting {
        put += pending.wait().unwrap();
    }
    assert_eq!((put.items_new, put.duplicates), (6_000, 0));
    project.close().unwrap();
    let project = reopen(&folder);
    // The numbering goes on after reopening.
    let late = row("b.jsonl", 1, "Late", "yes", "no");
    project
        .writer()
        .unwrap()
        .put_rows(std::slice::from_ref(&late))
        .unwrap();
    let reader = project.reader().unwrap();
    let mut seen = 0;
    reader
        .for_each_item(|record| {
            let expected = rows.get(seen as usize).unwrap_or(&late);
            assert_eq!(record.position, seen);
            assert_eq!(record.item, expected.item);
            assert_eq!(record.sources, std::slice::from_ref(&expected.source));
            assert_eq!(record.references, expected.references);
            assert_eq!(record.labels.len(), usize::from(seen < 6));
            seen += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, 6_001);
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
}
