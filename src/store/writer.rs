//! The one thread that writes. Requests wait in two lanes: what a person does (events, drafts) goes before what a machine does (imported
//! rows, scores). Urgent requests that wait together share a transaction; bulk ones are cut into transactions of a few milliseconds and
//! yield to the urgent lane after every row or a few hundred ids, so that "saved" is never far away during an import.
//!
//! Urgent transactions are synced to the disk at their COMMIT (`synchronous=FULL`). Those of bulk rows are not, one by one (`NORMAL`): the
//! request ends with one that is, and syncing the log brings everything before it to the disk as well. Only then is it acknowledged; rows of
//! an import are acknowledged before, for what counts is the import's end.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select_biased, unbounded};
use rusqlite::{Connection, params};

use super::arriving::{self, State};
use super::checkpoint::Checkpoints;
use super::fresh::Fresh;
use super::rows::{Ends, Put, StoredRow, json};
use super::{ImportedRow, PutRows, StoreError, log, scores, search};
use crate::domain::{Draft, Event, ItemId, Score, ScorerId};

/// The longest that a bulk transaction collects; it ends with the row at which somebody waits.
const ROWS_SLICE: Duration = Duration::from_millis(25);
/// The longest that words are indexed, or the end of an import is gone on with, before somebody who waits is looked for.
const SLICE: Duration = Duration::from_millis(8);
/// Scores in one transaction at most: as long as a slice of rows.
const SCORES: usize = 256;
/// Urgent requests in one transaction at most.
const GROUP: usize = 256;

type Reply<T> = Sender<Result<T, StoreError>>;

enum Urgent {
    Change(Change, Reply<()>),
    /// Close the connection and end. The reply says whether the file could be tidied.
    Stop(Reply<()>),
}

/// A small change: all of it happens or nothing.
enum Change {
    Append(Vec<Event>),
    /// An event that ends its author's draft of its item.
    Commit(Box<Event>),
    Draft {
        item: ItemId,
        annotator: String,
        draft: Option<String>,
    },
    Setting {
        key: String,
        value: String,
    },
    Rebuild,
}

enum Bulk {
    Rows(Vec<StoredRow>, Reply<PutRows>),
    Begin(Reply<()>),
    End(State, Reply<State>),
    Scores(ScorerId, Vec<Score>, Reply<()>),
}

/// Writes to a project, from any thread. Each call returns after the COMMIT has returned (with `synchronous=FULL`: it is on the
/// disk), or with an error; of an import, the call that ends it does.
#[derive(Clone)]
pub struct Writer {
    urgent: Sender<Urgent>,
    bulk: Sender<Bulk>,
}

/// The answer to something that is being written meanwhile.
#[must_use = "what is not waited for is not known to be saved"]
pub struct Pending<T>(Receiver<Result<T, StoreError>>);

impl<T> Pending<T> {
    /// Waits until it is on the disk; of an import, until it is written.
    pub fn wait(self) -> Result<T, StoreError> {
        self.0.recv().unwrap_or(Err(StoreError::Closed))
    }
}

impl Writer {
    /// Bulk requests that wait at most.
    pub const WAITING: usize = 4;

    /// Appends events, all or none. An event whose id is known is left as it is, so that merging is a union.
    pub fn append(&self, events: &[Event]) -> Result<(), StoreError> {
        if let Some(event) = events.iter().find(|e| !log::storable(e)) {
            return Err(StoreError::NotStorable(event.id));
        }
        self.change(Change::Append(events.to_vec()))
    }

    /// Appends one event and, in the same transaction, removes its author's draft of its item: a label or a skip that is saved
    /// leaves no draft behind, whatever happens next.
    pub fn commit(&self, event: &Event) -> Result<(), StoreError> {
        if !log::storable(event) {
            return Err(StoreError::NotStorable(event.id));
        }
        self.change(Change::Commit(Box::new(event.clone())))
    }

    /// Adds imported rows. Rows are whole or absent; when the disk fills up midway, those before stay, and importing the
    /// same file again continues.
    pub fn put_rows(&self, rows: &[ImportedRow]) -> Result<PutRows, StoreError> {
        self.start_rows(rows).wait()
    }

    /// As [`Writer::put_rows`], without waiting, so that the next rows can be read meanwhile. Blocks while [`Writer::WAITING`] bulk requests
    /// wait: memory stays flat.
    pub fn start_rows(&self, rows: &[ImportedRow]) -> Pending<PutRows> {
        let stored = rows.iter().map(StoredRow::new).collect();
        let (reply, answer) = bounded(1);
        // When the writer is gone, so is the reply, which the waiting notices.
        self.bulk.send(Bulk::Rows(stored, reply)).ok();
        Pending(answer)
    }

    /// Begins an import: the rows that are put from here on are seen all at once, with [`Writer::finish_import`],
    /// or never; until then the answers to them do not mean that they are on the disk. When the program ends before that, the next one that opens the project removes them.
    pub fn begin_import(&self) -> Result<(), StoreError> {
        self.bulk(Bulk::Begin)
    }

    /// Makes everything seen that was put since [`Writer::begin_import`]. After an error it may be tried again, or given up.
    pub fn finish_import(&self) -> Result<(), StoreError> {
        self.bulk(|reply| Bulk::End(State::Finishing, reply))
            .map(drop)
    }

    /// Removes everything that was put since [`Writer::begin_import`]; `false` where it was seen already and stays.
    pub fn drop_import(&self) -> Result<bool, StoreError> {
        self.bulk(|reply| Bulk::End(State::Leaving, reply))
            .map(|state| state == State::Leaving)
    }

    fn bulk<T>(&self, request: impl FnOnce(Reply<T>) -> Bulk) -> Result<T, StoreError> {
        let (reply, answer) = bounded(1);
        self.bulk.send(request(reply)).ok();
        Pending(answer).wait()
    }

    /// Keeps or, with `None`, removes an annotator's draft of an item.
    pub fn put_draft(
        &self,
        item: ItemId,
        annotator: &str,
        draft: Option<&Draft>,
    ) -> Result<(), StoreError> {
        self.change(Change::Draft {
            item,
            annotator: annotator.to_owned(),
            draft: draft.map(json),
        })
    }

    /// Keeps scores; a newer score of a response by the same scorer replaces the older. Refused when an item is unknown; then, or
    /// when the disk fills up, scores before it may have been kept.
    pub fn put_scores(&self, by: &ScorerId, scores: &[Score]) -> Result<(), StoreError> {
        for some in scores.chunks(SCORES) {
            let (reply, answer) = bounded(1);
            self.bulk
                .send(Bulk::Scores(by.clone(), some.to_vec(), reply))
                .ok();
            Pending(answer).wait()?;
        }
        Ok(())
    }

    /// Remembers a small thing, such as an annotator's last position. Keys beginning with `project.` are the settings'.
    pub fn set_setting(&self, key: &str, value: &serde_json::Value) -> Result<(), StoreError> {
        self.change(Change::Setting {
            key: key.to_owned(),
            value: value.to_string(),
        })
    }

    /// Makes the tables that follow from the events again, from the events.
    pub fn rebuild(&self) -> Result<(), StoreError> {
        self.change(Change::Rebuild)
    }

    fn change(&self, change: Change) -> Result<(), StoreError> {
        let (reply, answer) = bounded(1);
        self.urgent.send(Urgent::Change(change, reply)).ok();
        Pending(answer).wait()
    }

    pub(super) fn stop(&self) -> Result<(), StoreError> {
        let (reply, answer) = bounded(1);
        self.urgent.send(Urgent::Stop(reply)).ok();
        Pending(answer).wait()
    }
}

/// Starts the thread that owns `db` from here on; `helper` is another connection, for checkpoints.
pub(super) fn start(
    db: Connection,
    helper: Connection,
    path: &Path,
) -> Result<(Writer, std::thread::JoinHandle<()>), StoreError> {
    // Every caller waits for its answer, so the urgent lane never holds more than one request per thread.
    let (urgent, urgent_in) = unbounded();
    let (bulk, bulk_in) = bounded(Writer::WAITING);
    let mut work = Work {
        fresh: Fresh::default(),
        ends: Ends::read(&db).map_err(|e| StoreError::sqlite(path, &e))?,
        checkpoints: Checkpoints::start(helper, path)?,
        // As the connection was prepared.
        sync: Sync::AtCommit,
        db,
        unended: None,
        unindexed: true,
        place: Place::of(path),
        path: path.to_owned(),
    };
    let thread = std::thread::Builder::new()
        .name("store writer".to_owned())
        .spawn(move || {
            let reply = work.run(&urgent_in, &bulk_in);
            let tidied = work.end();
            if let Some(reply) = reply {
                reply.send(tidied).ok();
            }
        })
        .map_err(|e| StoreError::io("start a thread for", path, &e))?;
    Ok((Writer { urgent, bulk }, thread))
}

/// Whether a transaction is on the disk when its COMMIT returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sync {
    AtCommit,
    Later,
}

struct Work {
    db: Connection,
    sync: Sync,
    checkpoints: Checkpoints,
    ends: Ends,
    fresh: Fresh,
    /// How an import should have ended whose end failed: it is tried again before the next.
    unended: Option<State>,
    /// Whether there may be items without their words in the index.
    unindexed: bool,
    place: Place,
    path: PathBuf,
}

/// Which file it is that has a name: `None` where nothing has it. Elsewhere than on Unix an open file keeps its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place(Option<(u64, u64)>);

impl Place {
    #[cfg(unix)]
    fn of(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino())))
    }

    #[cfg(not(unix))]
    fn of(_path: &Path) -> Self {
        Self(None)
    }
}

/// A bulk request under way.
enum UnderWay {
    Rows(Rows),
    /// The end of an import.
    End(End),
}

struct End {
    state: State,
    /// Whether the file says already that it ends so.
    decided: bool,
    /// Nobody waits for one that an earlier program left.
    reply: Option<Reply<State>>,
    /// Who wants to begin another after it.
    next: Option<Reply<()>>,
}

struct Rows {
    left: std::vec::IntoIter<StoredRow>,
    put: PutRows,
    reply: Reply<PutRows>,
}

impl Work {
    /// Works until asked to stop, or until nobody is left who could ask for anything.
    fn run(&mut self, urgent: &Receiver<Urgent>, bulk: &Receiver<Bulk>) -> Option<Reply<()>> {
        // An import that an earlier program began and did not end.
        let left = arriving::state(&self.db).ok().flatten();
        let mut under_way = left.map(|state| {
            UnderWay::End(End {
                state: match state {
                    State::Finishing => State::Finishing,
                    State::Filling | State::Leaving => State::Leaving,
                },
                decided: false,
                reply: None,
                next: None,
            })
        });
        loop {
            let over = self.checkpoints.over.clone();
            if over.try_recv().is_ok() {
                self.checkpoints.is_over();
            }
            let busy = under_way.is_some() || self.unindexed;
            let first = if busy && self.checkpoints.behind() {
                select_biased! {
                    recv(urgent) -> first => first.ok()?,
                    recv(over) -> _ => {
                        self.checkpoints.is_over();
                        continue;
                    }
                }
            } else if let Some(request) = under_way.take() {
                if let Ok(first) = urgent.try_recv() {
                    under_way = Some(request);
                    first
                } else {
                    under_way = self.some_more(request, urgent);
                    continue;
                }
            } else {
                // While there is something to index, nobody is waited for.
                let patience = if self.unindexed {
                    Duration::ZERO
                } else {
                    Duration::MAX
                };
                select_biased! {
                    recv(urgent) -> first => first.ok()?,
                    recv(bulk) -> request => {
                        under_way = self.begin(request.ok()?);
                        continue;
                    }
                    default(patience) => {
                        self.index();
                        continue;
                    }
                }
            };
            let mut group = vec![];
            for request in std::iter::once(first).chain(urgent.try_iter().take(GROUP)) {
                match request {
                    Urgent::Change(change, reply) => group.push((change, reply)),
                    Urgent::Stop(reply) => {
                        self.changes(group);
                        return Some(reply);
                    }
                }
            }
            self.changes(group);
        }
    }

    /// Urgent requests, together in one transaction and each in a savepoint, so that one which fails does not fail the others.
    fn changes(&mut self, group: Vec<(Change, Reply<()>)>) {
        if group.is_empty() {
            return;
        }
        let mut results = Vec::with_capacity(group.len());
        let committed = self.transaction(Sync::AtCommit, |db| {
            for (change, _) in &group {
                match savepoint(db, change) {
                    // The whole transaction is gone, as on a full disk.
                    Err(error) if db.is_autocommit() => return Err(error),
                    result => results.push(result),
                }
            }
            Ok(())
        });
        for (at, (_, reply)) in group.into_iter().enumerate() {
            let result = match (&committed, results.get(at)) {
                (Err(error), _) => Err(error.clone()),
                (Ok(()), Some(Err(error))) => Err(StoreError::sqlite(&self.path, error)),
                (Ok(()), _) => Ok(()),
            };
            reply.send(result).ok();
        }
        self.checkpoints.look(&self.db);
    }

    /// Begins a bulk request; what is left of it.
    fn begin(&mut self, request: Bulk) -> Option<UnderWay> {
        match request {
            Bulk::Rows(_, reply) if self.unended.is_some() => {
                // They might stand where something is to be removed.
                reply.send(Err(StoreError::Importing)).ok();
                None
            }
            Bulk::Rows(rows, reply) => Some(UnderWay::Rows(Rows {
                left: rows.into_iter(),
                put: PutRows::default(),
                reply,
            })),
            Bulk::Begin(next) => {
                if let Some(state) = self.unended {
                    return Some(UnderWay::End(End {
                        state,
                        decided: false,
                        reply: None,
                        next: Some(next),
                    }));
                }
                next.send(self.begin_import()).ok();
                None
            }
            Bulk::End(state, reply) => Some(UnderWay::End(End {
                state,
                decided: false,
                reply: Some(reply),
                next: None,
            })),
            Bulk::Scores(scorer, given, reply) => {
                reply.send(self.scores(&scorer, &given)).ok();
                None
            }
        }
    }

    /// Goes on with the index of words for a slice of time. Where that fails, as on a full disk, search is right without it.
    fn index(&mut self) {
        let mut over = true;
        let until = Instant::now() + SLICE;
        let result = self.transaction(Sync::Later, |db| {
            over = search::index_some(db, until)?;
            Ok(())
        });
        self.unindexed = result.is_ok() && !over;
        self.checkpoints.look(&self.db);
    }

    /// Goes on with a bulk request for a slice of time; what is left of it.
    fn some_more(&mut self, mut request: UnderWay, urgent: &Receiver<Urgent>) -> Option<UnderWay> {
        match &mut request {
            UnderWay::Rows(rows) => {
                let result = self.some_rows(rows, urgent);
                if result.is_ok() && rows.left.len() > 0 {
                    return Some(request);
                }
                let result = if self.ends.importing() {
                    result
                } else {
                    self.unindexed = true;
                    result.and_then(|()| self.settle())
                };
                rows.reply.send(result.map(|()| rows.put)).ok();
                None
            }
            UnderWay::End(end) => {
                let result = match self.some_of_the_end(end, urgent) {
                    Ok(false) => return Some(request),
                    Ok(true) => self.settle(),
                    Err(error) => Err(error),
                };
                self.unended = result.is_err().then_some(end.state);
                if let Some(reply) = &end.reply {
                    reply.send(result.clone().map(|()| end.state)).ok();
                }
                if let Some(next) = &end.next {
                    next.send(result.and_then(|()| self.begin_import())).ok();
                }
                None
            }
        }
    }

    fn begin_import(&mut self) -> Result<(), StoreError> {
        let under_way =
            arriving::state(&self.db).map_err(|e| StoreError::sqlite(&self.path, &e))?;
        if under_way.is_some() {
            return Err(StoreError::Importing);
        }
        self.fresh = Fresh::default();
        self.transaction(Sync::AtCommit, arriving::begin)?;
        self.read_ends()
    }

    /// Decides how the import ends, unless that is decided. From here on a crash does not change it. None where there is no import.
    fn decide(&mut self, wanted: State) -> Result<Option<State>, StoreError> {
        let state = arriving::state(&self.db).map_err(|e| StoreError::sqlite(&self.path, &e))?;
        if state != Some(State::Filling) {
            return Ok(state);
        }
        self.transaction(Sync::AtCommit, |db| arriving::set_state(db, wanted))?;
        self.fresh = Fresh::default();
        Ok(Some(wanted))
    }

    /// Goes on with the end of an import for a slice of time; whether it has come.
    fn some_of_the_end(
        &mut self,
        end: &mut End,
        urgent: &Receiver<Urgent>,
    ) -> Result<bool, StoreError> {
        if end.state == State::Finishing && !self.fresh.is_empty() {
            self.store_ids(urgent)?;
            return Ok(false);
        }
        if !end.decided {
            let Some(state) = self.decide(end.state)? else {
                // Whatever came is there.
                end.state = State::Finishing;
                return Ok(true);
            };
            end.state = state;
            end.decided = true;
        }
        let mut over = false;
        self.transaction(Sync::Later, |db| {
            over = arriving::go_on(db, end.state, Instant::now() + SLICE)?;
            Ok(())
        })?;
        self.checkpoints.look(&self.db);
        if over {
            self.unindexed = true;
            self.read_ends()?;
        }
        Ok(over)
    }

    fn read_ends(&mut self) -> Result<(), StoreError> {
        self.ends = Ends::read(&self.db).map_err(|e| StoreError::sqlite(&self.path, &e))?;
        Ok(())
    }

    /// Brings ids of new items to their table, for a slice of time or until somebody waits.
    fn store_ids(&mut self, urgent: &Receiver<Urgent>) -> Result<(), StoreError> {
        let until = Instant::now() + ROWS_SLICE;
        let mut fresh = std::mem::take(&mut self.fresh);
        let mut stored = vec![];
        let result = self.transaction(Sync::Later, |db| {
            fresh.store_some(db, until, || !urgent.is_empty(), &mut stored)
        });
        if result.is_err() {
            fresh.take_back(stored);
        }
        self.fresh = fresh;
        self.checkpoints.look(&self.db);
        result
    }

    /// As many rows as a slice of time holds, fewer when somebody waits.
    fn some_rows(
        &mut self,
        under_way: &mut Rows,
        urgent: &Receiver<Urgent>,
    ) -> Result<(), StoreError> {
        let start = Instant::now();
        if self.fresh.should_note() {
            (self.fresh).note_some(&self.db, start + ROWS_SLICE, || !urgent.is_empty());
            return Ok(());
        }
        if self.fresh.is_full() {
            return self.store_ids(urgent);
        }
        let mut ends = self.ends.clone();
        let mut fresh = std::mem::take(&mut self.fresh);
        let mut put = PutRows::default();
        let result = self.transaction(Sync::Later, |db| {
            let mut rows = Put::new(db, &mut ends, &mut fresh)?;
            for row in under_way.left.by_ref() {
                put += rows.row(&row)?;
                if start.elapsed() > ROWS_SLICE || !urgent.is_empty() {
                    break;
                }
            }
            Ok(())
        });
        if result.is_err() {
            fresh.forget(self.ends.next_position());
        }
        self.fresh = fresh;
        result?;
        self.ends = ends;
        under_way.put += put;
        self.checkpoints.look(&self.db);
        Ok(())
    }

    fn scores(&mut self, scorer: &ScorerId, given: &[Score]) -> Result<(), StoreError> {
        let mut unknown = None;
        self.transaction(Sync::AtCommit, |db| {
            unknown = scores::put(db, scorer, given)?;
            // Nothing is kept of a list with a stranger in it.
            unknown.map_or(Ok(()), |_| Err(rusqlite::Error::QueryReturnedNoRows))
        })
        .map_err(|error| unknown.map_or(error, StoreError::UnknownItem))
    }

    /// Brings what was committed without a sync to the disk, with a small transaction that is synced.
    fn settle(&mut self) -> Result<(), StoreError> {
        let responses = (self.ends.responses()).to_string();
        self.transaction(Sync::AtCommit, |db| {
            put_meta(db, "imported_responses", &responses)
        })
    }

    fn set_sync(&mut self, sync: Sync) -> rusqlite::Result<()> {
        if self.sync != sync {
            let level = match sync {
                Sync::AtCommit => "full",
                Sync::Later => "normal",
            };
            self.db.pragma_update(None, "synchronous", level)?;
            self.sync = sync;
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        sync: Sync,
        change: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        // Into a file that has another name by now, or none, a label would be written and not be found again.
        if self.place != Place::of(&self.path) {
            return Err(StoreError::Moved(self.path.clone()));
        }
        let result = self
            .set_sync(sync)
            .and_then(|()| self.db.execute_batch("BEGIN IMMEDIATE"))
            .and_then(|()| change(&self.db))
            .and_then(|()| self.db.execute_batch("COMMIT"));
        if !self.db.is_autocommit() {
            // After some errors SQLite has rolled back by itself. Should this fail too, BEGIN will, and everything after it.
            self.db.execute_batch("ROLLBACK").ok();
        }
        result.map_err(|e| StoreError::sqlite(&self.path, &e))
    }

    /// Closes the file: everything into it, nothing beside it.
    fn end(self) -> Result<(), StoreError> {
        self.checkpoints.stop();
        self.db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .and_then(|()| self.db.close().map_err(|(_, e)| e))
            .map_err(|e| StoreError::sqlite(&self.path, &e))
    }
}

fn savepoint(db: &Connection, change: &Change) -> rusqlite::Result<()> {
    db.execute_batch("SAVEPOINT change")?;
    match apply(db, change) {
        Ok(()) => db.execute_batch("RELEASE change"),
        Err(error) => {
            // A full disk may have rolled back the whole transaction already.
            if !db.is_autocommit() {
                db.execute_batch("ROLLBACK TO change; RELEASE change")?;
            }
            Err(error)
        }
    }
}

fn apply(db: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Append(events) => log::append(db, events),
        Change::Commit(event) => {
            log::append(db, std::slice::from_ref(event))?;
            match event.item {
                Some(item) => put_draft(db, item, &event.annotator, None),
                None => Ok(()),
            }
        }
        Change::Draft {
            item,
            annotator,
            draft,
        } => put_draft(db, *item, annotator, draft.as_deref()),
        Change::Setting { key, value } => put_meta(db, key, value),
        Change::Rebuild => log::rebuild(db),
    }
}

fn put_draft(
    db: &Connection,
    item: ItemId,
    annotator: &str,
    draft: Option<&str>,
) -> rusqlite::Result<()> {
    match draft {
        Some(draft) => db
            .prepare_cached(
                "INSERT INTO drafts (annotator, item, draft, time) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (annotator, item) DO UPDATE SET draft = excluded.draft, time = excluded.time",
            )?
            .execute(params![
                annotator,
                item.to_string(),
                draft,
                jiff::Timestamp::now().to_string()
            ])?,
        None => db
            .prepare_cached("DELETE FROM drafts WHERE annotator = ?1 AND item = ?2")?
            .execute(params![annotator, item.to_string()])?,
    };
    Ok(())
}

/// Sets a value of the table `meta`; it is JSON.
pub(super) fn put_meta(db: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?
    .execute([key, value])?;
    Ok(())
}
