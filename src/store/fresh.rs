//! The ids of an import's new items, kept in memory until there are many: in the table, where they stand by their random hashes, each alone would
//! touch a page of its own; together and in order they share them. And a filter that knows, mostly without a look at the table, that an id is new.

use std::collections::BTreeMap;
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension as _, params};

/// Ids that are kept, some 60 bytes each.
const MOST: usize = 200_000;
/// New ids from which on a filter is worth reading the table once for.
const MANY: usize = 5_000;
/// Ids stored or noted between two looks at the clock.
const STEP: usize = 256;

/// What an import knows of ids.
#[derive(Default)]
pub(super) struct Fresh {
    /// Positions by id, not in the table yet.
    ids: BTreeMap<[u8; 32], i64>,
    /// There were too many; they go until none is left.
    full: bool,
    /// Ids in the table and in memory.
    seen: Filter,
    noted: Noted,
}

/// How much of the table as it was before the import is in the filter.
#[derive(Default)]
enum Noted {
    #[default]
    Nothing,
    UpTo([u8; 32]),
    All,
    /// It cannot be read through.
    No,
}

impl Fresh {
    /// The position of an item, from here or from the table.
    pub(super) fn position(
        &self,
        id: &[u8; 32],
        find: &mut rusqlite::Statement,
    ) -> rusqlite::Result<Option<i64>> {
        if matches!(self.noted, Noted::All) && !self.seen.may_have(id) {
            return Ok(None);
        }
        match self.ids.get(id) {
            None => find.query_row([id], |r| r.get(0)).optional(),
            known => Ok(known.copied()),
        }
    }

    pub(super) fn put(&mut self, id: [u8; 32], position: i64) {
        self.seen.put(&id);
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

    /// Whether the filter should come to know what was in the table before more come.
    pub(super) fn should_note(&self) -> bool {
        self.ids.len() >= MANY && matches!(self.noted, Noted::Nothing | Noted::UpTo(_))
    }

    /// Notes what is in the table, from where it left off until it is time or, looked at now and then, `enough`.
    pub(super) fn note_some(&mut self, db: &Connection, until: Instant, enough: impl Fn() -> bool) {
        let after = match &self.noted {
            Noted::UpTo(id) => &id[..],
            _ => &[],
        };
        let mut note = || {
            let mut from = db.prepare_cached("SELECT id FROM ids WHERE id > ?1 ORDER BY id")?;
            let mut rows = from.query([after])?;
            let mut n = 0;
            while let Some(row) = rows.next()? {
                let id: [u8; 32] = row.get(0)?;
                self.seen.put(&id);
                n += 1;
                if n % STEP == 0 && (Instant::now() > until || enough()) {
                    return Ok(Noted::UpTo(id));
                }
            }
            Ok::<_, rusqlite::Error>(Noted::All)
        };
        // Where the table is damaged, whoever needs that part of it will tell.
        self.noted = note().unwrap_or(Noted::No);
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

/// A Bloom filter (Bloom 1970, "Space/time trade-offs in hash coding with allowable errors"). An id is a hash itself, so that its own bytes name
/// its bits. Of a million ids one in a million others is taken for one of them, of ten million one in 250.
#[derive(Default)]
struct Filter {
    /// Of [`Filter::BITS`] bits, empty before the first id.
    words: Vec<u64>,
}

impl Filter {
    /// 16 MiB.
    const BITS: u64 = 1 << 27;

    /// Four bits of an id: the word and the bit in it.
    fn places(id: &[u8; 32]) -> impl Iterator<Item = (usize, u64)> {
        let (parts, _) = id.as_chunks();
        parts.iter().map(|part| {
            let bit = u64::from_le_bytes(*part) % Self::BITS;
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }

    fn put(&mut self, id: &[u8; 32]) {
        if self.words.is_empty() {
            self.words = vec![0; (Self::BITS / 64) as usize];
        }
        for (word, bit) in Self::places(id) {
            self.words[word] |= bit;
        }
    }

    fn may_have(&self, id: &[u8; 32]) -> bool {
        !self.words.is_empty() && Self::places(id).all(|(word, bit)| self.words[word] & bit != 0)
    }
}
