//! Moving pages from the write-ahead log into the file, on a thread and a connection of their own, so that no commit waits for it.
//!
//! `SQLite`'s automatic checkpoints run inside the commit that crosses the limit, which an append during an import would feel. Here the
//! writer asks when the log has grown; it goes on meanwhile. Only bulk writes wait when the log has become long, until the checkpoint has
//! caught up with it: then it begins again at its start and stays small.

use std::path::Path;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;

use super::StoreError;

/// Pages in the log from which on a checkpoint is asked for: 16 MiB in new projects.
const SOON: i64 = 2_048;
/// Pages in the log from which on bulk writes wait for the checkpoint: four times that.
const LATE: i64 = 8_192;

/// The writer's view of it.
pub(super) struct Checkpoints {
    ask: Sender<()>,
    /// Says that a checkpoint is over; disconnected when there are none any more.
    pub(super) over: Receiver<()>,
    running: bool,
    late: bool,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// Starts the thread that owns `db` from here on.
    pub(super) fn start(db: Connection, path: &Path) -> Result<Self, StoreError> {
        let (ask, asked) = bounded::<()>(1);
        let (say, over) = bounded(1);
        let thread = std::thread::Builder::new()
            .name("store checkpoint".to_owned())
            .spawn(move || {
                for () in asked {
                    // Whatever it could not move, because somebody reads it, the next one will.
                    db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
                        .ok();
                    if say.send(()).is_err() {
                        break;
                    }
                }
            })
            .map_err(|e| StoreError::io("start a thread for", path, &e))?;
        Ok(Self {
            ask,
            over,
            running: false,
            late: false,
            thread,
        })
    }

    /// Looks at the log after a commit of the writer's connection.
    pub(super) fn look(&mut self, db: &Connection) {
        let pages = db
            .query_row("PRAGMA wal_checkpoint(NOOP)", [], |r| r.get::<_, i64>(1))
            .unwrap_or(0);
        if !self.running && pages > SOON {
            self.running = self.ask.try_send(()).is_ok();
        }
        self.late = pages > LATE;
    }

    /// Whether bulk writes should wait for [`Checkpoints::over`].
    pub(super) fn behind(&self) -> bool {
        self.running && self.late
    }

    /// To be called when [`Checkpoints::over`] said something, or will not any more.
    pub(super) fn is_over(&mut self) {
        self.running = false;
    }

    /// Ends the thread and closes its connection.
    pub(super) fn stop(self) {
        drop((self.ask, self.over));
        // It cannot panic; and if it did, the log would merely be longer.
        self.thread.join().ok();
    }
}
