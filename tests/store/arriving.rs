//! An import is seen when it is finished, and leaves nothing when it is not.

use super::*;

const COLUMNS: [(&str, &str); 8] = [
    ("all_items", "position"),
    ("ids", "id"),
    ("contexts", "item"),
    ("responses", "id"),
    ("files", "id"),
    ("sources", "item, file, row, content"),
    ("reference_labels", "item, content"),
    ("arriving", "one"),
];

/// Everything that imports write, as text.
fn contents(folder: &TempDir) -> Vec<String> {
    let db = rusqlite::Connection::open(path_in(folder)).unwrap();
    let mut lines = vec![];
    for (table, order) in COLUMNS {
        let mut rows = db
            .prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))
            .unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns).map(|c| format!("{:?}", row.get_ref(c).unwrap()));
            lines.push(format!("{table} {}", values.collect::<Vec<_>>().join(" ")));
        }
    }
    lines
}

fn some_rows(file: &str, numbers: std::ops::RangeInclusive<u64>) -> Vec<ImportedRow> {
    let rows = numbers.map(|n| row(file, n, &format!("Why {n}?"), "Because.", "No idea."));
    rows.collect()
}

/// A project of 30 items, and an import of 20 of them again, from another file and with other labels, and of 400 more.
fn half_way() -> (TempDir, Project, Vec<String>, Vec<ImportedRow>) {
    let (folder, project) = fresh();
    let writer = project.writer().unwrap();
    writer.put_rows(&some_rows("a.jsonl", 1..=30)).unwrap();
    let before = contents(&folder);
    writer.begin_import().unwrap();
    let mut rows = some_rows("b.jsonl", 11..=430);
    for row in &mut rows {
        row.references[0]
            .judgment
            .justification
            .push_str("Otherwise.");
    }
    // And one that says nothing new.
    rows.extend(some_rows("a.jsonl", 5..=5));
    let put = writer.put_rows(&rows).unwrap();
    assert_eq!(
        (put.items_new, put.references_new, put.duplicates),
        (400, 420, 1)
    );
    // Within the import, too, what is said twice counts once.
    let put = writer.put_rows(&rows).unwrap();
    assert_eq!((put.rows_new, put.duplicates), (0, 421));
    (folder, project, before, rows)
}

#[track_caller]
fn is_as_before(project: &Project, rows: &[ImportedRow]) {
    let reader = project.reader().unwrap();
    let info = reader.info().unwrap();
    assert_eq!(
        (info.items, info.responses, info.reference_labels),
        (30, 60, 30)
    );
    assert_eq!(reader.count().unwrap(), 30);
    assert_eq!(reader.counts_for("Mina").unwrap().total, 30);
    // Of the first and the last of what arrives, and of what is older, nothing is seen.
    assert_eq!(reader.position_of(rows[20].item.id).unwrap(), None);
    assert_eq!(reader.item(rows[419].item.id).unwrap(), None);
    assert_eq!(reader.item_at(30).unwrap(), None);
    assert_eq!(reader.sources(rows[0].item.id).unwrap().len(), 1);
    assert_eq!(reader.references(rows[0].item.id).unwrap().len(), 1);
    let listed = reader.list(0, 1_000, "Mina", &Filter::default()).unwrap();
    assert_eq!(listed.len(), 30);
    let mut seen = 0;
    reader
        .for_each_item(|_| {
            seen += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, 30);
}

#[track_caller]
fn is_whole(project: &Project, rows: &[ImportedRow]) {
    let reader = project.reader().unwrap();
    let info = reader.info().unwrap();
    assert_eq!(
        (info.items, info.responses, info.reference_labels),
        (430, 860, 450)
    );
    assert_eq!(reader.sources(rows[0].item.id).unwrap().len(), 2);
    assert_eq!(reader.references(rows[0].item.id).unwrap().len(), 2);
    assert_eq!(reader.item_at(429).unwrap().as_ref(), Some(&rows[419].item));
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn an_import_is_seen_all_at_once() {
    let (_folder, project, _, rows) = half_way();
    is_as_before(&project, &rows);
    let writer = project.writer().unwrap();
    assert_eq!(writer.begin_import(), Err(StoreError::Importing));
    writer.finish_import().unwrap();
    is_whole(&project, &rows);
    // Nothing is left to be moved, and the same again adds nothing.
    assert_eq!(writer.put_rows(&rows).unwrap().duplicates, 421);
}

#[test]
fn an_import_that_is_dropped_leaves_nothing() {
    let (folder, project, before, rows) = half_way();
    let writer = project.writer().unwrap();
    writer.drop_import().unwrap();
    is_as_before(&project, &rows);
    assert_eq!(contents(&folder), before);
    // What comes next takes the places.
    writer.begin_import().unwrap();
    writer.put_rows(&rows).unwrap();
    writer.finish_import().unwrap();
    is_whole(&project, &rows);
}

#[test]
fn an_import_that_a_crash_ended_is_removed_by_the_next_who_writes() {
    let (folder, project, before, rows) = half_way();
    project.close().unwrap();
    let reading = Project::open(&path_in(&folder), Access::Read).unwrap();
    is_as_before(&reading, &rows);
    drop(reading);
    let project = reopen(&folder);
    is_as_before(&project, &rows);
    // Labels need not wait for it.
    let event = label_event("Mina", &rows[0].item, 0, 1);
    project.writer().unwrap().append(&[event]).unwrap();
    // A bulk request comes after it.
    project.writer().unwrap().put_rows(&[]).unwrap();
    assert_eq!(contents(&folder), before);
}

#[test]
fn an_import_that_a_crash_ended_while_it_became_seen_goes_on() {
    let (folder, project, _, rows) = half_way();
    project.close().unwrap();
    let db = rusqlite::Connection::open(path_in(&folder)).unwrap();
    // What the writer does before it says that it is finishing.
    db.execute_batch(
        "INSERT INTO ids SELECT unhex(id), position FROM all_items WHERE position >= (SELECT first_position FROM arriving);
         UPDATE arriving SET state = 'finishing'",
    )
    .unwrap();
    drop(db);
    let project = reopen(&folder);
    project.writer().unwrap().put_rows(&[]).unwrap();
    is_whole(&project, &rows);
}

/// More ids than the writer keeps in memory.
#[test]
fn a_large_import_is_whole_or_nothing() {
    let (folder, project) = fresh();
    let writer = project.writer().unwrap();
    writer.put_rows(&some_rows("a.jsonl", 1..=3)).unwrap();
    let before = contents(&folder);
    let bring = || {
        writer.begin_import().unwrap();
        for from in (2..=205_000).step_by(5_000) {
            let put = writer
                .put_rows(&some_rows("b.jsonl", from..=from + 5_000))
                .unwrap();
            // The last of each is the first of the next, and two are there already.
            let known = if from == 2 { 2 } else { 1 };
            assert_eq!(put.items_new, 5_001 - known);
        }
    };
    bring();
    assert_eq!(project.reader().unwrap().count().unwrap(), 3);
    writer.drop_import().unwrap();
    assert_eq!(contents(&folder), before);
    bring();
    writer.finish_import().unwrap();
    let reader = project.reader().unwrap();
    assert_eq!(reader.count().unwrap(), 205_002);
    let last = &some_rows("b.jsonl", 205_002..=205_002)[0];
    assert_eq!(reader.position_of(last.item.id).unwrap(), Some(205_001));
    // Once more: every one of them is known.
    writer.begin_import().unwrap();
    for from in [1, 100_001, 204_902] {
        let put = writer
            .put_rows(&some_rows("b.jsonl", from..=from + 100))
            .unwrap();
        assert_eq!((put.items_new, put.references_new), (0, 0));
    }
    writer.finish_import().unwrap();
    assert_eq!(reader.count().unwrap(), 205_002);
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
    // Something in the table that is no id stands in nobody's way, and some of what comes is known.
    let db = rusqlite::Connection::open(path_in(&folder)).unwrap();
    db.execute("INSERT INTO ids VALUES (x'80', -1)", [])
        .unwrap();
    writer.begin_import().unwrap();
    for from in [204_001, 207_001] {
        let put = writer
            .put_rows(&some_rows("c.jsonl", from..=from + 5_999))
            .unwrap();
        assert_eq!(put.items_new, if from == 204_001 { 4_998 } else { 3_000 });
    }
    writer.finish_import().unwrap();
    assert_eq!(reader.count().unwrap(), 213_000);
}

/// The file is away when an import ends: what it brought is gone before the next begins.
#[cfg(unix)]
#[test]
fn an_import_whose_end_failed_is_ended_before_the_next() {
    let (folder, project, before, rows) = half_way();
    let writer = project.writer().unwrap();
    let away = folder.path().join("away.tiebreak");
    std::fs::rename(path_in(&folder), &away).unwrap();
    assert!(matches!(writer.finish_import(), Err(StoreError::Moved(_))));
    assert!(matches!(writer.drop_import(), Err(StoreError::Moved(_))));
    std::fs::rename(&away, path_in(&folder)).unwrap();
    assert_eq!(writer.put_rows(&rows), Err(StoreError::Importing));
    assert_eq!(project.reader().unwrap().count().unwrap(), 30);
    writer.begin_import().unwrap();
    assert!(writer.drop_import().unwrap());
    assert_eq!(contents(&folder), before);
    writer.begin_import().unwrap();
    writer.put_rows(&rows).unwrap();
    writer.finish_import().unwrap();
    // What is seen stays.
    assert!(!writer.drop_import().unwrap());
    is_whole(&project, &rows);
}
