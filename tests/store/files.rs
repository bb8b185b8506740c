//! Making, opening, locking, copying and closing files.

use super::*;

const WRITE: Access<'_> = Access::Write { owner: "Omar" };

#[test]
fn a_closed_project_is_one_file() {
    let (folder, project) = fresh();
    assert_eq!(project.settings(), &settings());
    let reader = project.reader().unwrap();
    let rows = [row("a.jsonl", 1, "Why?", "x", "y")];
    project.writer().unwrap().put_rows(&rows).unwrap();
    assert!(files_of(&folder).len() > 1, "it is in use");
    drop(reader);
    project.close().unwrap();
    assert_eq!(files_of(&folder), ["test.tiebreak"]);
    // Dropping is closing, and reading leaves nothing behind.
    drop(reopen(&folder));
    assert_eq!(files_of(&folder), ["test.tiebreak"]);
    let project = Project::open(&path_in(&folder), Access::Read).unwrap();
    assert_eq!(project.reader().unwrap().count().unwrap(), 1);
    drop(project);
    assert_eq!(files_of(&folder), ["test.tiebreak"]);
    // Any SQLite tool reads it.
    let db = rusqlite::Connection::open(path_in(&folder)).unwrap();
    let one = |sql: &str| db.query_row(sql, [], |r| r.get::<_, String>(0)).unwrap();
    assert_eq!(
        one("SELECT CAST(application_id AS TEXT) FROM pragma_application_id"),
        APPLICATION_ID.to_string()
    );
    assert_eq!(one("SELECT journal_mode FROM pragma_journal_mode"), "wal");
    assert_eq!(one("SELECT preview FROM items"), "Why?");
}

#[test]
fn a_reader_that_outlives_the_project_takes_the_log_away() {
    let (folder, project) = fresh();
    let reader = project.reader().unwrap();
    project.close().unwrap();
    assert_eq!(reader.count().unwrap(), 0);
    drop(reader);
    assert_eq!(files_of(&folder), ["test.tiebreak"]);
}

#[test]
fn nothing_is_overwritten() {
    let (folder, project) = fresh();
    let path = path_in(&folder);
    let exists = |result: Result<(), StoreError>| matches!(result, Err(StoreError::Exists(_)));
    assert!(exists(
        Project::create(&path, &settings(), "Omar").map(drop)
    ));
    assert!(exists(project.backup(&path)));
    let other = folder.path().join("other");
    std::fs::write(&other, "mine").unwrap();
    assert!(exists(
        Project::create(&other, &settings(), "Omar").map(drop)
    ));
    assert!(exists(project.backup(&other)));
    assert_eq!(std::fs::read(&other).unwrap(), b"mine");
    let nowhere = folder.path().join("no/such/folder.tiebreak");
    let error = Project::create(&nowhere, &settings(), "Omar")
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
}

#[test]
fn a_second_writer_is_told_who_writes_and_readers_work() {
    let (folder, project) = fresh();
    let path = path_in(&folder);
    let writer = project.writer().unwrap();
    let rows = [row("a.jsonl", 1, "Why?", "x", "y")];
    writer.put_rows(&rows).unwrap();
    let refused = Project::open(&path, WRITE).map(drop).unwrap_err();
    let StoreError::Locked { owner, .. } = &refused else {
        panic!("{refused}")
    };
    assert_eq!(owner, "Mina");
    let said = refused.to_string();
    assert!(
        said.starts_with("Mina has this project open since "),
        "{said}"
    );
    assert!(refused.hint().is_some());
    #[cfg(unix)]
    {
        // By another name it is the same project.
        let link = folder.path().join("link.tiebreak");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let refused = Project::open(&link, WRITE).map(drop).unwrap_err();
        assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
        std::fs::remove_file(&link).unwrap();
    }
    let reading = Project::open(&path, Access::Read).unwrap();
    let reader = reading.reader().unwrap();
    assert_eq!(reader.count().unwrap(), 1);
    writer
        .append(&[label_event("Mina", &rows[0].item, 0, 1)])
        .unwrap();
    assert_eq!(reader.info().unwrap().labels, 1);
    assert!(matches!(reading.writer(), Err(StoreError::ReadOnly(_))));
    drop((reader, reading));
    // Reading has not disturbed the lock, and closing gives it up.
    assert!(matches!(
        Project::open(&path, WRITE),
        Err(StoreError::Locked { .. })
    ));
    project.close().unwrap();
    assert_eq!(writer.append(&[]), Err(StoreError::Closed));
    assert_eq!(writer.put_rows(&rows), Err(StoreError::Closed));
    let project = Project::open(&path, WRITE).unwrap();
    assert_eq!(project.reader().unwrap().count().unwrap(), 1);
}

#[test]
fn a_lock_left_behind_is_taken_over() {
    let (folder, project) = fresh();
    project.close().unwrap();
    let lock = folder.path().join(".test.tiebreak.lock");
    for left in ["", "{\"owner\":", "garbage \u{fffd}"] {
        std::fs::write(&lock, left).unwrap();
        drop(reopen(&folder));
        assert!(!lock.exists());
    }
}

#[test]
fn what_is_not_a_project_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.tiebreak");
    let db = rusqlite::Connection::open(folder.path().join("foreign")).unwrap();
    db.execute_batch("PRAGMA application_id = 252006673; CREATE TABLE t (x);")
        .unwrap();
    db.close().unwrap();
    std::fs::write(
        folder.path().join("text"),
        "{\"prompt\": \"x\"}\n".repeat(200),
    )
    .unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    std::fs::create_dir(folder.path().join("directory")).unwrap();
    for access in [WRITE, Access::Read] {
        let error = Project::open(&missing, access).map(drop).unwrap_err();
        assert!(matches!(error, StoreError::Missing(_)), "{error}");
        for name in ["foreign", "text", "empty", "directory"] {
            let path = folder.path().join(name);
            let before = std::fs::read(&path).ok();
            let error = Project::open(&path, access).map(drop).unwrap_err();
            assert!(
                matches!(error, StoreError::NotAProject(_)),
                "{name}: {error}"
            );
            assert_eq!(std::fs::read(&path).ok(), before, "{name}");
        }
    }
    assert_eq!(files_of(&folder), ["directory", "empty", "foreign", "text"]);
}

#[test]
fn other_versions_are_named() {
    let (folder, project) = fresh();
    project.close().unwrap();
    let set = |version: i64| {
        let db = rusqlite::Connection::open(path_in(&folder)).unwrap();
        db.pragma_update(None, "user_version", version).unwrap();
    };
    set(SCHEMA_VERSION + 4);
    for access in [WRITE, Access::Read] {
        let error = Project::open(&path_in(&folder), access)
            .map(drop)
            .unwrap_err();
        let (path, version) = (path_in(&folder), env!("CARGO_PKG_VERSION"));
        assert_eq!(
            error.to_string(),
            format!(
                "{} needs Tiebreak {version} or newer (file version {}, this program reads up to {SCHEMA_VERSION})",
                path.canonicalize().unwrap().display(),
                SCHEMA_VERSION + 4
            )
        );
    }
    // A file that does not say so.
    let db = rusqlite::Connection::open(path_in(&folder)).unwrap();
    db.execute("DELETE FROM meta WHERE key = 'schema.app_version'", [])
        .unwrap();
    drop(db);
    let error = Project::open(&path_in(&folder), WRITE)
        .map(drop)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("needs a newer version of Tiebreak"),
        "{error}"
    );
    set(SCHEMA_VERSION - 1);
    let error = Project::open(&path_in(&folder), Access::Read)
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, StoreError::Older { .. }), "{error}");
}

#[test]
fn damage_is_found() {
    let (folder, project) = fresh();
    let rows: Vec<ImportedRow> = (1..400)
        .map(|n| row("a.jsonl", n, &format!("Question {n}"), "yes", "no"))
        .collect();
    project.writer().unwrap().put_rows(&rows).unwrap();
    project.close().unwrap();
    let path = path_in(&folder);
    let whole = std::fs::read(&path).unwrap();
    let page = usize::from(u16::from_be_bytes([whole[16], whole[17]]));
    let mut found = 0;
    for at in [3, 10, 30, whole.len() / page - 2] {
        let mut broken = whole.clone();
        broken[at * page..at * page + 64].fill(0xa5);
        std::fs::write(&path, &broken).unwrap();
        // Whatever is hit: an error or a finding, never a panic.
        match Project::open(&path, WRITE).and_then(|p| p.integrity()) {
            Ok(findings) => found += usize::from(!findings.is_empty()),
            Err(StoreError::Damaged { .. }) => found += 1,
            Err(other) => panic!("page {at}: {other}"),
        }
    }
    assert_eq!(found, 4);
    // Cut off.
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let cut = Project::open(&path, WRITE).and_then(|p| p.integrity());
    assert!(
        !matches!(&cut, Ok(findings) if findings.is_empty()),
        "{cut:?}"
    );
    // A value that is not what it should be.
    std::fs::write(&path, &whole).unwrap();
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("UPDATE contexts SET turns = 'zzz' WHERE item = 1", [])
        .unwrap();
    db.execute("UPDATE responses SET hash = x'00' WHERE item = 2", [])
        .unwrap();
    db.execute("UPDATE all_items SET responses = -5 WHERE position = 3", [])
        .unwrap();
    db.execute("DELETE FROM meta WHERE key = 'project.seed'", [])
        .unwrap();
    drop(db);
    let error = Project::open(&path, WRITE).map(drop).unwrap_err();
    assert!(
        error.to_string().contains("project.seed is missing"),
        "{error}"
    );
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("INSERT INTO meta VALUES ('project.seed', '7')", [])
        .unwrap();
    drop(db);
    let reader = Project::open(&path, Access::Read)
        .unwrap()
        .reader()
        .unwrap();
    assert!(reader.item_at(0).is_ok());
    for at in 1..=3 {
        let error = reader.item_at(at).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{at}: {error}");
    }
}

#[test]
fn derived_tables_that_went_astray_are_noticed_and_mended() {
    let (folder, project) = fresh();
    let rows = [row("a.jsonl", 1, "Why?", "x", "y")];
    let writer = project.writer().unwrap();
    writer.put_rows(&rows).unwrap();
    writer
        .append(&[label_event("Mina", &rows[0].item, 0, 1)])
        .unwrap();
    project.close().unwrap();
    let db = rusqlite::Connection::open(path_in(&folder)).unwrap();
    db.execute("DELETE FROM outcomes", []).unwrap();
    drop(db);
    let project = reopen(&folder);
    assert_eq!(project.integrity().unwrap().len(), 1);
    project.writer().unwrap().rebuild().unwrap();
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
    assert_eq!(project.reader().unwrap().info().unwrap().labels, 1);
}

#[test]
fn a_backup_is_a_project_also_while_somebody_writes() {
    let (folder, project) = fresh();
    let rows: Vec<ImportedRow> = (1..2_000)
        .map(|n| row("a.jsonl", n, &format!("Question {n}"), "yes", "no"))
        .collect();
    let writer = project.writer().unwrap();
    writer.put_rows(&rows[..1_000]).unwrap();
    writer
        .append(&[label_event("Mina", &rows[0].item, 0, 1)])
        .unwrap();
    let more = writer.start_rows(&rows[1_000..]);
    let copy = folder.path().join("copy.tiebreak");
    project.backup(&copy).unwrap();
    more.wait().unwrap();
    let copy = Project::open(&copy, WRITE).unwrap();
    assert_eq!(copy.integrity().unwrap(), Vec::<String>::new());
    let reader = copy.reader().unwrap();
    assert!(reader.count().unwrap() >= 1_000);
    assert_eq!(
        reader.view().unwrap(),
        project.reader().unwrap().view().unwrap()
    );
    drop(reader);
    drop((copy, project));
    assert_eq!(files_of(&folder), ["copy.tiebreak", "test.tiebreak"]);
}

/// A disk of its own, in memory; only an administrator can make one.
#[cfg(target_os = "linux")]
struct Disk(TempDir);

#[cfg(target_os = "linux")]
impl Disk {
    fn new(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let disk = Self(folder);
        let mounted = disk.mount(&["-t", "tmpfs", "-o", options, "none"]);
        if !mounted {
            eprintln!("no disk can be mounted here: this is not tested");
        }
        mounted.then_some(disk)
    }

    fn mount(&self, arguments: &[&str]) -> bool {
        let mount = std::process::Command::new("mount")
            .args(arguments)
            .arg(self.0.path())
            .output();
        mount.is_ok_and(|output| output.status.success())
    }
}

#[cfg(target_os = "linux")]
impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status();
        assert!(unmounted.is_ok(), "the folder cannot be cleaned");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_disk_that_cannot_be_written_a_project_can_be_read() {
    let Some(disk) = Disk::new("size=8m") else {
        return;
    };
    let path = path_in(&disk.0);
    let project = Project::create(&path, &settings(), "Mina").unwrap();
    let first = row("a.jsonl", 1, "Why?", "x", "y");
    project.writer().unwrap().put_rows(&[first]).unwrap();
    project.close().unwrap();
    assert!(disk.mount(&["-o", "remount,ro"]));
    let reading = Project::open(&path, Access::Read).unwrap();
    assert_eq!(reading.reader().unwrap().count().unwrap(), 1);
    let refused = Project::open(&path, WRITE).map(drop).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "{} cannot be written: the change was not saved",
            path.display()
        )
    );
    assert_eq!(
        refused.hint(),
        Some("check the permissions of the file and its folder")
    );
    let made = Project::create(&disk.0.path().join("new.tiebreak"), &settings(), "Mina");
    assert!(matches!(made.map(drop), Err(StoreError::ReadOnly(_))));
}

/// Nothing is written into a file that would not be found again; when it is back, all goes on.
#[cfg(unix)]
#[test]
fn a_project_that_is_moved_or_replaced_while_it_is_open_takes_no_labels() {
    let (folder, project) = fresh();
    let path = path_in(&folder);
    let item = row("a.jsonl", 1, "Why?", "x", "y");
    let writer = project.writer().unwrap();
    writer.put_rows(std::slice::from_ref(&item)).unwrap();
    let label = || label_event("Mina", &item.item, 0, 1);
    writer.append(&[label()]).unwrap();
    let away = folder.path().join("away.tiebreak");
    let canonical = path.canonicalize().unwrap();
    for replaced in [false, true] {
        std::fs::rename(&path, &away).unwrap();
        if replaced {
            std::fs::write(&path, "something else").unwrap();
        }
        let refused = writer.append(&[label()]).unwrap_err();
        assert_eq!(refused, StoreError::Moved(canonical.clone()));
        assert_eq!(
            refused.to_string(),
            format!(
                "{} was moved or replaced while it was open: the change was not saved",
                canonical.display()
            )
        );
        assert_eq!(
            refused.hint(),
            Some("put it back where it was and try again; everything saved before is in it")
        );
        assert!(writer.put_rows(std::slice::from_ref(&item)).is_err());
        std::fs::rename(&away, &path).unwrap();
        writer.append(&[label()]).unwrap();
    }
    let info = project.reader().unwrap().info().unwrap();
    assert_eq!((info.items, info.events), (1, 3));
    project.close().unwrap();
    let project = reopen(&folder);
    assert_eq!(project.reader().unwrap().info().unwrap(), info);
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing() {
    let Some(disk) = Disk::new("size=2m") else {
        return;
    };
    let folder = tempfile::tempdir_in(disk.0.path()).unwrap();
    let project = Project::create(&path_in(&folder), &settings(), "Mina").unwrap();
    let writer = project.writer().unwrap();
    let first = row("a.jsonl", 1, "Why?", "x", "y");
    writer.put_rows(std::slice::from_ref(&first)).unwrap();
    let filler = folder.path().join("filler");
    let mut kept = 0;
    let mut refused = 0;
    for n in 0..400 {
        let big = row("b.jsonl", n, &format!("{n}"), &"z".repeat(20_000), "no");
        match writer.put_rows(&[big]) {
            Ok(put) => kept += put.items_new,
            Err(error) => {
                assert_eq!(error, StoreError::DiskFull);
                refused += 1;
            }
        }
        match writer.append(&[label_event("Mina", &first.item, 0, 1)]) {
            Ok(()) => kept += 1,
            Err(error) => assert_eq!(error, StoreError::DiskFull),
        }
        if n == 0 {
            std::fs::write(&filler, vec![0; 300_000]).unwrap();
        }
    }
    assert!(refused > 0 && kept > 2, "{refused} {kept}");
    // Room again: the same project goes on.
    std::fs::remove_file(&filler).unwrap();
    writer
        .append(&[label_event("Mina", &first.item, 0, 1)])
        .unwrap();
    kept += 1;
    let info = project.reader().unwrap().info().unwrap();
    assert_eq!(info.items - 1 + info.events, kept);
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
    // The log may not fit into the file yet: with more room everything is there.
    drop(project);
    let roomy = tempfile::tempdir().unwrap();
    for name in files_of(&folder) {
        std::fs::copy(folder.path().join(&name), roomy.path().join(&name)).unwrap();
    }
    let project = reopen(&roomy);
    assert_eq!(project.reader().unwrap().info().unwrap(), info);
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn migrations_are_valid() {
    validate_migrations().unwrap();
}

/// A project that a program of that version wrote.
fn old(version: i64) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/fixtures/store/db_v{version}.tiebreak"))
}

/// Writes the fixture of version 1. Never run again once version 2 exists: its worth is that an old program wrote it. Those of later versions
/// are the one before, into which the last program of that version imported one more pair.
#[test]
#[ignore = "makes a fixture"]
fn make_the_old_project() {
    assert_eq!(SCHEMA_VERSION, 1);
    let project = Project::create(&old(1), &settings(), "Mina").unwrap();
    let rows: Vec<ImportedRow> = (1..=3)
        .map(|n| row("a.jsonl", n, &format!("Why {n}?"), "Because.", "No idea."))
        .collect();
    let writer = project.writer().unwrap();
    writer.put_rows(&rows).unwrap();
    let label = label_event("Mina", &rows[0].item, 0, 2);
    let undone = label_event("Mina", &rows[1].item, 0, 2);
    let undo = Event::now("Mina", None, EventBody::Undo { target: undone.id });
    writer.append(&[label, undone, undo]).unwrap();
    writer
        .put_draft(rows[2].item.id, "Mina", Some(&Draft::default()))
        .unwrap();
    project.close().unwrap();
}

/// One of every version there has been.
#[test]
fn old_projects_open() {
    for version in 1..SCHEMA_VERSION {
        an_old_project_opens(version);
    }
}

/// A project of version 3 with which something was done by other means.
fn old_with(damage: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(old(3), path_in(&folder)).unwrap();
    let db = rusqlite::Connection::open(path_in(&folder)).unwrap();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    db.execute_batch(damage).unwrap();
    folder
}

/// What an update would break is found on a copy; the file stays as it is, and nothing is left beside it.
#[test]
fn an_old_project_that_cannot_be_brought_up_to_date_is_left_alone() {
    let folder = old_with("UPDATE all_items SET id = 'no hash' WHERE position = 1");
    let before = std::fs::read(path_in(&folder)).unwrap();
    let error = Project::open(&path_in(&folder), WRITE)
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("brought up to date"), "{error}");
    assert_eq!(std::fs::read(path_in(&folder)).unwrap(), before);
    assert_eq!(files_of(&folder), ["test.tiebreak"]);
}

/// What was wrong before an update is no reason against it, and earlier copies stay.
#[test]
fn an_old_project_is_updated_whatever_else_is_wrong_with_it() {
    let folder =
        old_with("DELETE FROM contexts WHERE item = 1; INSERT INTO contexts VALUES (77, '[]')");
    std::fs::write(folder.path().join("test.tiebreak.v3"), "earlier").unwrap();
    // What a program left that was killed.
    std::fs::create_dir(folder.path().join(".test.tiebreak.trial")).unwrap();
    std::fs::write(folder.path().join(".test.tiebreak.trial/copy"), "x").unwrap();
    let project = reopen(&folder);
    assert_eq!(
        project.integrity().unwrap(),
        ["table contexts: 1 rows do not belong to what they name"]
    );
    project.close().unwrap();
    assert_eq!(
        files_of(&folder),
        ["test.tiebreak", "test.tiebreak.v3", "test.tiebreak.v3.2"]
    );
}

/// An older program keeps what it does not know; the newer one reads it.
#[test]
fn events_that_an_older_version_did_not_know_count_after_the_update() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(old(1), path_in(&folder)).unwrap();
    let db = rusqlite::Connection::open(path_in(&folder)).unwrap();
    db.execute_batch(
        "INSERT INTO events (id, annotator, item, kind, payload, time, app_version)
           SELECT '0fffffff-ffff-7fff-8fff-ffffffffffff', 'Omar', id, 'later', '{}', '2026-01-01T00:00:00Z', '9' FROM items WHERE position = 2;
         UPDATE meta SET value = (SELECT max(seq) FROM events) WHERE key = 'derived'",
    )
    .unwrap();
    drop(db);
    let project = reopen(&folder);
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
    assert_eq!(project.reader().unwrap().put_off("Omar").unwrap(), [2]);
}

fn an_old_project_opens(written: i64) {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    std::fs::copy(old(written), &path).unwrap();
    let project = Project::open(&path, WRITE).unwrap();
    assert_eq!(project.settings(), &settings());
    assert_eq!(project.integrity().unwrap(), Vec::<String>::new());
    // The file as it was is kept beside it, to the byte as far as its content goes.
    let kept = folder.path().join(format!(
        "{}.v{written}",
        path.file_name().unwrap().to_str().unwrap()
    ));
    let old = rusqlite::Connection::open(&kept).unwrap();
    let version: i64 = old
        .pragma_query_value(None, "user_version", |r| r.get(0))
        .unwrap();
    let events: i64 = old
        .query_row("SELECT count(*) FROM events", [], |r| r.get(0))
        .unwrap();
    assert_eq!((version, events), (written, 3));
    let reader = project.reader().unwrap();
    // Each version added one.
    assert_eq!(reader.count().unwrap(), 2 + written as u64);
    let events = all_events(&reader);
    assert_eq!(events.len(), 3);
    assert_eq!(reader.view().unwrap(), View::fold(&events));
    let rows: Vec<ImportedRow> = (1..=3)
        .map(|n| row("a.jsonl", n, &format!("Why {n}?"), "Because.", "No idea."))
        .collect();
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(reader.item_at(n as u64).unwrap().as_ref(), Some(&row.item));
    }
    assert_eq!(
        project
            .writer()
            .unwrap()
            .put_rows(&rows)
            .unwrap()
            .duplicates,
        3
    );
    assert_eq!(
        reader.outcome(rows[0].item.id, "Mina").unwrap(),
        Some(Outcome::Labelled(Box::new(label_of(
            rows[0].item.responses[0].key,
            2
        ))))
    );
    assert_eq!(reader.history("Mina").unwrap().redo, [events[1].id]);
    assert_eq!(
        reader.draft(rows[2].item.id, "Mina").unwrap(),
        Some(Draft::default())
    );
    assert_eq!(reader.info().unwrap().schema_version, SCHEMA_VERSION as u64);
}
