//! Creating, opening, checking, copying and closing a project.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};
use serde::{Deserialize, Serialize};

use super::lock::{Lock, TakeOver};
use super::rows::json;
use super::{Reader, StoreError, Writer, log, writer};
use crate::domain::{LabelSchema, ScorePolicy};

/// `TIEB`, in the database header: what makes a file a project.
pub const APPLICATION_ID: i32 = 0x5449_4542;
/// Version of the tables that this program writes.
pub const SCHEMA_VERSION: i64 = STEPS.len() as i64;

/// One step per version of the tables; a released one never changes.
const STEPS: &[M<'_>] = &[
    M::up(include_str!("schema_v1.sql")),
    M::up(include_str!("schema_v2.sql")),
    M::up(include_str!("schema_v3.sql")),
    M::up(include_str!("schema_v4.sql")),
];

/// Where `meta` says which version of the program brought the tables to their version: whoever is older needs that one.
const WRITTEN_BY: &str = "schema.app_version";

fn migrations() -> Migrations<'static> {
    Migrations::from_slice(STEPS)
}

/// Tries all steps, from nothing to the latest version, on a database in memory.
pub fn validate_migrations() -> Result<(), StoreError> {
    migrations().validate().map_err(|e| StoreError::Sqlite {
        path: PathBuf::from(":memory:"),
        reason: e.to_string(),
    })
}

/// What a project is set to when it is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectSettings {
    /// Name for people.
    pub title: String,
    /// What annotators are asked.
    pub schema: LabelSchema,
    /// The score policy at the beginning; [`Reader::policy`] knows the one in force.
    pub policy: ScorePolicy,
    /// Decides the sides on which responses are shown.
    pub seed: u64,
    /// Instructions for annotators, in markdown.
    pub guidelines: Option<String>,
}

/// Bytes of a page in new projects; older ones keep theirs. A conversation is some kilobytes: in pages of 4 KiB an import takes 4 to 10 % longer.
const PAGE: i64 = 8_192;

/// What a project is opened for.
#[derive(Debug, Clone, Copy)]
pub enum Access<'a> {
    /// To write; nobody else can at the same time.
    Write {
        /// Name to tell whoever else wants to write.
        owner: &'a str,
    },
    /// To read, also while somebody writes.
    Read,
}

/// An open project file.
pub struct Project {
    path: PathBuf,
    settings: ProjectSettings,
    writing: Option<Writing>,
}

struct Writing {
    writer: Writer,
    thread: std::thread::JoinHandle<()>,
    /// Dropped last.
    _lock: Lock,
}

/// Whether a file begins like a database, as projects do. What is no regular file is not looked into: that would use up a pipe.
pub fn is_project(path: &Path) -> bool {
    use std::io::Read as _;
    let mut head = [0; 16];
    if !path.is_file() {
        return false;
    }
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut head));
    read.is_ok_and(|n| head[..n].starts_with(b"SQLite format 3\0"))
}

impl Project {
    /// Makes a new project and opens it for writing. The file appears whole or not at all, and never over another.
    pub fn create(
        path: &Path,
        settings: &ProjectSettings,
        owner: &str,
    ) -> Result<Self, StoreError> {
        if path.symlink_metadata().is_ok() {
            return Err(StoreError::Exists(path.to_owned()));
        }
        new_file(path, |temporary| {
            let mut db = open(temporary, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            (|| {
                db.pragma_update(None, "page_size", PAGE)?;
                prepare_writing(&db)?;
                db.pragma_update(None, "application_id", APPLICATION_ID)
            })()
            .map_err(|e| StoreError::sqlite(path, &e))?;
            migrate(&mut db, path)?;
            put_settings(&db, settings).map_err(|e| StoreError::sqlite(path, &e))?;
            db.close().map_err(|(_, e)| StoreError::sqlite(path, &e))
        })?;
        Self::open(path, Access::Write { owner })
    }

    /// Opens a project. For writing: brings an older file up to date, and is refused with [`StoreError::Locked`] while somebody
    /// else writes. Whatever is not a project is left untouched.
    pub fn open(path: &Path, access: Access<'_>) -> Result<Self, StoreError> {
        // One lock per project, by whatever links it is reached.
        let path = path.canonicalize().map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => StoreError::Missing(path.to_owned()),
            _ => StoreError::io("open", path, &e),
        })?;
        let (reading, found) = open_reading(&path)?;
        let writing = match access {
            Access::Read if found < SCHEMA_VERSION => {
                return Err(StoreError::Older { path, found });
            }
            Access::Read => None,
            Access::Write { owner } => {
                drop(reading);
                let lock = Lock::take(&path, owner)?;
                if found < SCHEMA_VERSION {
                    prepare_update(&path, found)?;
                }
                let mut db = open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
                bring_up_to_date(&mut db, &path)?;
                let helper = open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
                prepare_writing(&helper).map_err(|e| StoreError::sqlite(&path, &e))?;
                let (writer, thread) = writer::start(db, helper, &path)?;
                Some(Writing {
                    writer,
                    thread,
                    _lock: lock,
                })
            }
        };
        let mut project = Self {
            settings: ProjectSettings {
                title: String::new(),
                schema: LabelSchema::helpsteer2(),
                policy: ScorePolicy::default(),
                seed: 0,
                guidelines: None,
            },
            path,
            writing,
        };
        project.settings = project.reader()?.settings()?;
        Ok(project)
    }

    /// The settings as they were when the project was opened.
    pub fn settings(&self) -> &ProjectSettings {
        &self.settings
    }

    /// The file, by its canonical path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who has asked for this project, which only one can write to, with [`super::TakeOver`].
    pub fn wanted_by(&self) -> Option<String> {
        TakeOver::asked(&self.path)
    }

    /// A handle to write with; [`StoreError::ReadOnly`] when the project was opened for reading.
    pub fn writer(&self) -> Result<Writer, StoreError> {
        match &self.writing {
            Some(writing) => Ok(writing.writer.clone()),
            None => Err(StoreError::ReadOnly(self.path.clone())),
        }
    }

    /// A new reader with a connection of its own.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Ok(Reader::new(open_reading(&self.path)?.0, self.path.clone()))
    }

    /// Looks for damage: `SQLite`'s own check, then whether the derived tables follow from the events. Empty when all is well.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        self.reader()?.integrity()
    }

    /// Copies the project, as it is at this moment, to a new file; also while it is written to.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if to.symlink_metadata().is_ok() {
            return Err(StoreError::Exists(to.to_owned()));
        }
        let (from, _) = open_reading(&self.path)?;
        new_file(to, |temporary| {
            let mut copy = open(temporary, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            {
                let backup =
                    Backup::new(&from, &mut copy).map_err(|e| StoreError::sqlite(to, &e))?;
                // All pages in one step are one snapshot; in WAL mode that keeps no writer waiting.
                loop {
                    match backup.step(-1).map_err(|e| StoreError::sqlite(to, &e))? {
                        StepResult::Done => break,
                        _ => std::thread::sleep(Duration::from_millis(20)),
                    }
                }
            }
            copy.query_row("PRAGMA quick_check(1)", [], |r| r.get::<_, String>(0))
                .map_err(|e| StoreError::sqlite(to, &e))
                .and_then(|said| match said.as_str() {
                    "ok" => Ok(()),
                    _ => Err(StoreError::Damaged {
                        path: self.path.clone(),
                        reason: said,
                    }),
                })?;
            copy.close().map_err(|(_, e)| StoreError::sqlite(to, &e))
        })
    }

    /// Closes the project: what is under way in the urgent lane is finished, the write-ahead log goes into the file, the lock is released.
    /// Dropping a project does the same and is silent about errors.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), StoreError> {
        match self.writing.take() {
            Some(Writing {
                writer,
                thread,
                _lock,
            }) => {
                let result = writer.stop();
                match thread.join() {
                    Ok(()) => result,
                    Err(_) => Err(StoreError::Closed),
                }
            }
            None => Ok(()),
        }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // Everything acknowledged is on the disk already; tidying up can be repeated by the next who opens it.
        self.end().ok();
    }
}

/// Makes a file under a temporary name beside its place, and moves it there when it is done, unless something is there by then.
fn new_file(
    path: &Path,
    make: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let io = |e: &std::io::Error| match e.kind() {
        std::io::ErrorKind::AlreadyExists => StoreError::Exists(path.to_owned()),
        _ => StoreError::io("create", path, e),
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".new-").suffix(".tiebreak");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file: what the umask leaves of it.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let temporary = builder
        .tempfile_in(folder)
        .map_err(|e| io(&e))?
        .into_temp_path();
    make(&temporary)?;
    temporary.persist_noclobber(path).map_err(|e| io(&e.error))
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    (|| {
        let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(Duration::from_secs(5))?;
        db.set_prepared_statement_cache_capacity(64);
        db.pragma_update(None, "trusted_schema", false)?;
        db.pragma_update(None, "cell_size_check", true)?;
        Ok(db)
    })()
    .map_err(|e| StoreError::sqlite(path, &e))
}

/// A connection that can only read, to a file that is a project of a known version; with that version.
fn open_reading(path: &Path) -> Result<(Connection, i64), StoreError> {
    if path.is_dir() {
        return Err(StoreError::NotAProject(path.to_owned()));
    }
    // Not opened read-only where that can be helped: the last one to close the file takes the log files away, which a read-only
    // connection could not.
    let first = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|db| identify(db, path));
    match first {
        Err(StoreError::Sqlite { .. } | StoreError::ReadOnly(_)) if !has_log(path) => {
            // In a folder that cannot be written SQLite cannot make the log's index; without a log the file is all there is.
            let unchanging = path
                .to_str()
                .map(|p| {
                    p.replace('%', "%25")
                        .replace('?', "%3f")
                        .replace('#', "%23")
                })
                .map(|p| PathBuf::from(format!("file:{p}?immutable=1")));
            match unchanging {
                Some(uri) => open(
                    &uri,
                    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
                )
                .and_then(|db| identify(db, path))
                .or(first),
                None => first,
            }
        }
        result => result,
    }
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|m| m.len() > 0)
}

fn identify(db: Connection, path: &Path) -> Result<(Connection, i64), StoreError> {
    let (application, version): (i32, i64) = (|| {
        db.pragma_update(None, "query_only", true)?;
        Ok((
            db.pragma_query_value(None, "application_id", |r| r.get(0))?,
            db.pragma_query_value(None, "user_version", |r| r.get(0))?,
        ))
    })()
    .map_err(|e| StoreError::sqlite(path, &e))?;
    if application != APPLICATION_ID {
        return Err(StoreError::NotAProject(path.to_owned()));
    }
    if version > SCHEMA_VERSION {
        // Whatever else a newer version does with its tables, it may well keep this place.
        let needs = db
            .query_row("SELECT value FROM meta WHERE key = ?1", [WRITTEN_BY], |r| {
                r.get::<_, String>(0)
            })
            .ok()
            .and_then(|json| serde_json::from_str(&json).ok());
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: version,
            known: SCHEMA_VERSION,
            needs,
        });
    }
    Ok((db, version))
}

fn prepare_writing(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "full")?;
    // On macOS, fsync alone leaves data in the drive's cache; elsewhere these do nothing.
    db.pragma_update(None, "fullfsync", true)?;
    db.pragma_update(None, "checkpoint_fullfsync", true)?;
    // See `checkpoint.rs`.
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "cache_size", -32_768)?;
    // What is written refers to rows that were found or written just before; `Project::integrity` checks that.
    db.pragma_update(None, "foreign_keys", false)
}

/// Before an older file is brought up to date: does that to a copy, and checks it, so that what goes wrong there does not happen to the file;
/// then keeps another copy, as it is, as `NAME.tiebreak.v1`. The first copy does not take the file's place: whoever has the file open would go
/// on with a log that belongs to neither.
fn prepare_update(path: &Path, found: i64) -> Result<(), StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut trial = tempfile::Builder::new();
    let prefix = format!(".{name}.trial");
    trial.prefix(&prefix).rand_bytes(0);
    let folder = path.parent().unwrap_or(Path::new("."));
    // What a program that was killed left; nobody else is here, for the file is locked.
    std::fs::remove_dir_all(folder.join(&prefix)).ok();
    let trial = trial
        .tempdir_in(folder)
        .map_err(|e| StoreError::io("copy", path, &e))?;
    let copy = trial.path().join("copy");
    std::fs::File::create_new(&copy).map_err(|e| StoreError::io("copy", path, &e))?;
    let mut db = copied(path, &copy)?;
    let before = rows_in_all(&db).map_err(|e| StoreError::sqlite(path, &e))?;
    bring_up_to_date(&mut db, path)?;
    let (after, said, without_id) = (|| {
        let said: String = db.query_row("PRAGMA quick_check(1)", [], |r| r.get(0))?;
        let without_id: i64 = db.query_row(
            "SELECT count(*) FROM all_items i LEFT JOIN ids k ON k.id = unhex(i.id) WHERE k.position IS NOT i.position",
            [],
            |r| r.get(0),
        )?;
        Ok((rows_in_all(&db)?, said, without_id))
    })()
    .map_err(|e| StoreError::sqlite(path, &e))?;
    if before != after || said != "ok" || without_id > 0 {
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            reason: format!(
                "it cannot be brought up to date: {before:?} rows would become {after:?}, {without_id} of them without an id ({said})"
            ),
        });
    }
    drop(db);
    drop(trial);
    // One that is there may be of a time before the file was written to once more.
    let mut n = 1;
    let kept = loop {
        let mut kept = path.as_os_str().to_owned();
        kept.push(format!(".v{found}"));
        if n > 1 {
            kept.push(format!(".{n}"));
        }
        let kept = PathBuf::from(kept);
        if kept.symlink_metadata().is_err() {
            break kept;
        }
        n += 1;
    };
    new_file(&kept, |temporary| {
        let copy = copied(path, temporary)?;
        copy.close().map_err(|(_, e)| StoreError::sqlite(&kept, &e))
    })
}

/// A copy of a project, also while somebody reads it, that is known to be sound.
fn copied(path: &Path, to: &Path) -> Result<Connection, StoreError> {
    let from = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut copy = open(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let said: String = (|| {
        let backup = Backup::new(&from, &mut copy)?;
        backup.run_to_completion(4_096, Duration::ZERO, None)?;
        drop(backup);
        copy.query_row("PRAGMA quick_check(1)", [], |r| r.get(0))
    })()
    .map_err(|e| StoreError::sqlite(path, &e))?;
    match said.as_str() {
        "ok" => Ok(copy),
        wrong => Err(StoreError::Damaged {
            path: path.to_owned(),
            reason: format!("its copy before the update is not sound: {wrong}"),
        }),
    }
}

/// What no update may change: how many contexts, responses, labels that came with them and events there are, and how many rows name others
/// that are not there.
fn rows_in_all(db: &Connection) -> rusqlite::Result<[i64; 5]> {
    let count = |table| db.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0));
    Ok([
        count("contexts")?,
        count("responses")?,
        count("reference_labels")?,
        count("events")?,
        count("pragma_foreign_key_check")?,
    ])
}

/// Makes a connection one for writing, the tables those of this version, and what follows from the events follow from them.
fn bring_up_to_date(db: &mut Connection, path: &Path) -> Result<(), StoreError> {
    prepare_writing(db).map_err(|e| StoreError::sqlite(path, &e))?;
    let older = migrate(db, path)?;
    (|| {
        let change = db.unchecked_transaction()?;
        if older {
            // This version may know kinds of events that the older one did not.
            log::rebuild(&change)?;
        } else {
            log::catch_up(&change)?;
        }
        change.commit()
    })()
    .map_err(|e| StoreError::sqlite(path, &e))
}

/// Brings the tables to the latest version; whether they were older.
fn migrate(db: &mut Connection, path: &Path) -> Result<bool, StoreError> {
    let before: i64 = db
        .pragma_query_value(None, "user_version", |r| r.get(0))
        .map_err(|e| StoreError::sqlite(path, &e))?;
    migrations()
        .to_latest(db)
        .map_err(|e| StoreError::Damaged {
            path: path.to_owned(),
            reason: format!("it could not be brought up to date: {e}"),
        })?;
    if before < SCHEMA_VERSION {
        writer::put_meta(db, WRITTEN_BY, &json(&env!("CARGO_PKG_VERSION")))
            .map_err(|e| StoreError::sqlite(path, &e))?;
    }
    Ok(before < SCHEMA_VERSION)
}

fn put_settings(db: &Connection, settings: &ProjectSettings) -> rusqlite::Result<()> {
    let change = db.unchecked_transaction()?;
    let ProjectSettings {
        title,
        schema,
        policy,
        seed,
        guidelines,
    } = settings;
    for (key, value) in [
        ("project.title", json(title)),
        ("project.schema", json(schema)),
        ("project.policy", json(policy)),
        ("project.seed", json(seed)),
        ("project.guidelines", json(guidelines)),
        ("project.created", json(&Timestamp::now())),
        ("project.app_version", json(&env!("CARGO_PKG_VERSION"))),
    ] {
        writer::put_meta(&change, key, &value)?;
    }
    change.commit()
}
