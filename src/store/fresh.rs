//! The ids of an import's new items, kept in memory until there are many: in the table, where they stand by their random hashes, each alone would
//! touch a page of its own; together and in order they share them.

use std::collections::BTreeMap;
use std::time::Instant;

use rusqlite::{Connection, params};

/// Ids that are kept, some 60 bytes each.
const MOST: usize = 200_000;
/// Ids stored between two looks at the clock.
const STEP: usize = 256;

/// Positions by id.
#[derive(Default)]
pub(super) struct Fresh {
    ids: BTreeMap<[u8; 32], i64>,
    /// There were too many; they go until none is left.
    full: bool,
}

impl Fresh {
    pub(super) fn position(&self, id: &[u8; 32]) -> Option<i64> {
        self.ids.get(id).copied()
    }

    pub(super) fn put(&mut self, id: [u8; 32], position: i64) {
        self.ids.insert(id, position);
        self.full |= self.ids.len() >= MOST;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether they should be stored before more come.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Forgets the items from a position on, which are not there after all.
    pub(super) fn forget(&mut self, from: i64) {
        self.ids.retain(|_, position| *position < from);
    }

    /// Writes the first of them to the table within a transaction of the caller, until it is time or, looked at now and then, `enough`. Should
    /// the transaction fail, [`Fresh::take_back`] wants to know what was written.
    pub(super) fn store_some(
        &mut self,
        db: &Connection,
        until: Instant,
        enough: impl Fn() -> bool,
        stored: &mut Vec<([u8; 32], i64)>,
    ) -> rusqlite::Result<()> {
        let mut insert = db.prepare_cached("INSERT INTO ids (id, position) VALUES (?1, ?2)")?;
        while let Some((id, position)) = self.ids.pop_first() {
            stored.push((id, position));
            insert.execute(params![id, position])?;
            if stored.len().is_multiple_of(STEP) && (Instant::now() > until || enough()) {
                break;
            }
        }
        self.full &= !self.ids.is_empty();
        Ok(())
    }

    pub(super) fn take_back(&mut self, stored: Vec<([u8; 32], i64)>) {
        self.ids.extend(stored);
    }
}
