//! The index of words: made a few items at a time while nothing else is to be written, and what a search asks it.

use std::time::Instant;

use rusqlite::{Connection, OptionalExtension as _};

use super::writer::put_meta;
use super::{Reader, StoreError};
use crate::domain::Turn;

/// Items read between two looks at the clock.
const STEP: usize = 16;
/// Where `meta` says how far the index is: the first position that is not in it.
const NEXT: &str = "search.next";

/// How far the index of words is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Items in it.
    pub done: u64,
    /// Items in all.
    pub total: u64,
}

/// Goes on with the index; whether everything that can be seen is in it.
pub(super) fn index_some(db: &Connection, until: Instant) -> rusqlite::Result<bool> {
    let mut next = next(db)?;
    let mut find = db.prepare_cached(
        "SELECT i.position, c.turns, (SELECT json_group_array(json(r.turns)) FROM responses r
           WHERE r.id >= i.first_response AND r.id < i.first_response + i.responses)
         FROM items i JOIN contexts c ON c.item = i.position WHERE i.position >= ?1 ORDER BY i.position LIMIT ?2",
    )?;
    let mut insert = db.prepare_cached("INSERT INTO search (rowid, text) VALUES (?1, ?2)")?;
    let mut over = false;
    while !over && Instant::now() < until {
        let mut rows = find.query([next, STEP as i64])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let position: i64 = row.get(0)?;
            let mut text = String::new();
            // What is damaged is found when it is read; here it is not found by its words.
            let context: Vec<Turn> =
                serde_json::from_str(row.get_ref(1)?.as_str()?).unwrap_or_default();
            let responses: Vec<Vec<Turn>> =
                serde_json::from_str(row.get_ref(2)?.as_str()?).unwrap_or_default();
            for turn in context.iter().chain(responses.iter().flatten()) {
                text.push_str(&turn.content);
                text.push('\n');
            }
            insert.execute((position, text))?;
            next = position + 1;
            count += 1;
        }
        over = count < STEP;
    }
    put_meta(db, NEXT, &next.to_string())?;
    Ok(over)
}

fn next(db: &Connection) -> rusqlite::Result<i64> {
    let next: Option<String> = db
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([NEXT], |r| r.get(0))
        .optional()?;
    Ok(next.and_then(|text| text.parse().ok()).unwrap_or(0))
}

impl Reader {
    /// How far the index of words is. A search is right meanwhile, and slower.
    pub fn indexed(&self) -> Result<Indexed, StoreError> {
        let total = self.count()?;
        let next = next(&self.db).map_err(|e| self.sqlite(&e))?;
        Ok(Indexed {
            done: (next as u64).min(total),
            total,
        })
    }
}

/// What the index is asked for a text: all of its words, the last one as a beginning. Nothing where the index cannot tell: without a
/// word, for what begins with `*` and so may stand within a word, and beyond Latin, Greek and Cyrillic letters, where words have no spaces
/// between them or the index's idea of a letter is not ours.
pub(super) fn question(text: &str) -> Option<String> {
    let letter = |c: char| matches!(c, '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{52f}' | '\u{1e00}'..='\u{1fff}');
    let unclear = |c: char| {
        let joins = matches!(c, '\u{300}'..='\u{36f}' | '\u{e000}'..='\u{f8ff}');
        joins || !c.is_ascii() && c.is_alphanumeric() && !letter(c)
    };
    if text.starts_with('*') || text.chars().any(unclear) {
        return None;
    }
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| format!("\"{word}\""))
        .collect();
    if words.is_empty() {
        return None;
    }
    let begins = text.ends_with(char::is_alphanumeric);
    Some(format!(
        "{}{}",
        words.join(" AND "),
        if begins { "*" } else { "" }
    ))
}

/// The text to look for, without the `*` that says that it may stand anywhere.
pub(super) fn wanted(text: &str) -> &str {
    text.strip_prefix('*').unwrap_or(text)
}
