//! Lists, queues and counts: what a window asks for again and again.

use std::collections::BTreeMap;

use rusqlite::{ToSql, params};
use serde::Serialize;

use super::{Reader, SCHEMA_VERSION, StoreError, search};
use crate::domain::{Item, ItemId};

/// A project in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Info {
    /// Items.
    pub items: u64,
    /// Their responses.
    pub responses: u64,
    /// Current labels, of all annotators.
    pub labels: u64,
    /// Annotators with a current label or skip.
    pub annotators: u64,
    /// Events, whether they still count or not.
    pub events: u64,
    /// Current skips, of all annotators.
    pub skipped: u64,
    /// Current flags, of all annotators.
    pub flagged: u64,
    /// Responses with a score, per name of a model; scorers that share a name are told apart by the beginning of their key.
    pub scored: BTreeMap<String, u64>,
    /// Version of the tables.
    pub schema_version: u64,
    /// Labels that came with the data.
    pub reference_labels: u64,
}

/// How far an annotator is with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing yet.
    Unlabelled,
    /// Begun, not committed.
    Draft,
    /// Labelled.
    Labelled,
    /// Skipped.
    Skipped,
    /// Put off.
    Later,
    /// Labelled for practice.
    Practised,
}

/// One line of a list of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemSummary {
    /// Place in the project, from 0, in the order of import.
    pub position: u64,
    /// The item.
    pub id: ItemId,
    /// Beginning of the last user turn, on one line.
    pub preview: String,
    /// Turns of the context and of the longest response.
    pub turns: u32,
    /// How many responses.
    pub responses: u32,
    /// How far the annotator is with it.
    pub status: Status,
    /// Whether the annotator flagged it.
    pub flagged: bool,
}

/// Which items a list shows; by default all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those with this text in a turn, where a word begins; after a `*`, and where words are written without spaces, anywhere. Upper and lower case
    /// of ASCII letters are the same.
    pub text: Option<String>,
    /// Those of this status.
    pub status: Option<Status>,
    /// Only those the annotator flagged.
    pub flagged: bool,
    /// In which order they come.
    pub order: Order,
}

/// The order of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Order {
    /// As imported.
    #[default]
    Import,
    /// Those first of which the scorer of that key is least certain: the scores of their responses lie nearest together. Every fifth is
    /// from the control stream instead, a fifth of all items that is drawn by their ids (a hash of their content) and so at
    /// random: what is measured on labels of those is not biased by the order. Items without scores come last.
    Uncertain(String),
}

/// Whether an item is in the control stream: the first hexadecimal digits of its id are below a fifth.
const CONTROL: &str = "(i.id < '33333333')";

/// The scores of an item lie this far apart, by scorer ?7; nothing where one is missing.
const SPREAD: &str = "(SELECT max(s.score) - min(s.score) FROM scores s
       WHERE s.scorer = (SELECT id FROM scorers WHERE key = ?7) AND s.item = i.position HAVING count(s.score) = i.responses AND i.responses > 1)";

/// How far an annotator is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Items labelled.
    pub labelled: u64,
    /// Items skipped.
    pub skipped: u64,
    /// Items flagged.
    pub flagged: u64,
    /// Items in all.
    pub total: u64,
    /// Items this annotator has a draft of.
    pub drafts: u64,
    /// Items this annotator put off.
    pub later: u64,
    /// Items this annotator labelled for practice.
    pub practised: u64,
}

/// Joins that say how far annotator ?1 is with item `i`.
const PROGRESS: &str = "LEFT JOIN outcomes o ON o.annotator = ?1 AND o.item = i.id
     LEFT JOIN flags f ON f.annotator = ?1 AND f.item = i.id
     LEFT JOIN drafts d ON d.annotator = ?1 AND d.item = i.id";

impl Reader {
    /// The project in numbers.
    pub fn info(&self) -> Result<Info, StoreError> {
        let snapshot = self
            .db
            .unchecked_transaction()
            .map_err(|e| self.sqlite(&e))?;
        let count = |sql: &str| -> Result<u64, StoreError> {
            Ok(self
                .one(sql, [], |r| r.get::<_, i64>(0))?
                .unwrap_or_default() as u64)
        };
        let mut info = Info {
            items: self.count()?,
            // Numbered without gaps.
            responses: count(
                "SELECT coalesce(max(id), 0) FROM responses WHERE id < (SELECT responses FROM visible)",
            )?,
            labels: count("SELECT count(*) FROM outcomes WHERE kind = 'label'")?,
            annotators: self.annotators()?.len() as u64,
            events: count("SELECT count(*) FROM events")?,
            skipped: count("SELECT count(*) FROM outcomes WHERE kind = 'skip'")?,
            flagged: count("SELECT count(*) FROM flags")?,
            scored: BTreeMap::new(),
            schema_version: SCHEMA_VERSION as u64,
            reference_labels: count(
                "SELECT count(*) FROM reference_labels WHERE item < (SELECT positions FROM visible)",
            )?,
        };
        for (name, key, scores) in self.rows(
            "SELECT name, key, (SELECT count(*) FROM scores s WHERE s.scorer = c.id) FROM scorers c ORDER BY c.id",
            [],
            |r| {
                Ok((
                    r.get::<_, String>(0)?,
                    r.get::<_, String>(1)?,
                    r.get::<_, i64>(2)? as u64,
                ))
            },
        )? {
            let name = if info.scored.contains_key(&name) {
                format!("{name} {}", key.get(..8).unwrap_or(&key))
            } else {
                name
            };
            info.scored.insert(name, scores);
        }
        snapshot.finish().map_err(|e| self.sqlite(&e))?;
        Ok(info)
    }

    /// How many items there are.
    pub fn count(&self) -> Result<u64, StoreError> {
        let end = self.one(
            "SELECT coalesce(max(position), -1) + 1 FROM items",
            [],
            |r| r.get::<_, i64>(0),
        )?;
        Ok(end.unwrap_or_default() as u64)
    }

    /// How far the annotator is.
    pub fn counts_for(&self, annotator: &str) -> Result<Counts, StoreError> {
        let mut counts = Counts {
            total: self.count()?,
            ..Counts::default()
        };
        for (kind, n) in self.rows(
            "SELECT kind, count(*) FROM outcomes WHERE annotator = ?1 GROUP BY kind
             UNION ALL SELECT 'flag', count(*) FROM flags WHERE annotator = ?1
             UNION ALL SELECT 'draft', count(*) FROM drafts WHERE annotator = ?1",
            [annotator],
            |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)? as u64)),
        )? {
            match kind.as_str() {
                "label" => counts.labelled = n,
                "skip" => counts.skipped = n,
                "draft" => counts.drafts = n,
                "later" => counts.later = n,
                "flag" => counts.flagged = n,
                "practice" => counts.practised = n,
                _ => {}
            }
        }
        Ok(counts)
    }

    /// The next item that the annotator neither labelled nor skipped: after a position, or from the beginning; past the end it begins
    /// again, and may come back to the item at `after` itself. What was put off comes when nothing else is left, what was
    /// put off longest ago first.
    pub fn next_unlabelled(
        &self,
        annotator: &str,
        after: Option<u64>,
    ) -> Result<Option<u64>, StoreError> {
        let from = after.map_or(0, |after| after.saturating_add(1) as i64);
        let next = |from: i64, to: i64| {
            self.one(
                "SELECT i.position FROM items i WHERE i.position >= ?2 AND i.position < ?3
                   AND NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.annotator = ?1 AND o.item = i.id)
                 ORDER BY i.position LIMIT 1",
                params![annotator, from, to],
                |r| Ok(r.get::<_, i64>(0)? as u64),
            )
        };
        let found = match next(from, i64::MAX)? {
            None if from > 0 => next(0, from)?,
            found => found,
        };
        if found.is_some() {
            return Ok(found);
        }
        // From one of those put off to the next, and round again.
        let off = self.put_off(annotator)?;
        let here = after.and_then(|after| off.iter().position(|at| *at == after));
        let next = here.map_or(0, |at| (at + 1) % off.len().max(1));
        Ok(off.get(next).copied())
    }

    /// Positions of all items in an annotator's own order.
    pub fn by_lot(&self, annotator: &str, seed: u64) -> Result<Vec<u64>, StoreError> {
        let ids = self.rows(
            "SELECT position, id FROM items ORDER BY position",
            [],
            |r| Ok((r.get::<_, i64>(0)? as u64, r.get::<_, String>(1)?)),
        )?;
        let mut lots = Vec::with_capacity(ids.len());
        for (position, id) in ids {
            lots.push((Item::lot(self.item_id(&id)?, annotator, seed), position));
        }
        lots.sort_unstable();
        Ok(lots.into_iter().map(|(_, position)| position).collect())
    }

    /// The items to practise on: the first `most`, in the order of their ids, that brought a preference or ratings with them; each with
    /// whether the annotator is done with it.
    pub fn practice_items(
        &self,
        annotator: &str,
        most: usize,
    ) -> Result<Vec<(u64, bool)>, StoreError> {
        self.rows(
            "SELECT k.position, EXISTS (SELECT 1 FROM outcomes o WHERE o.annotator = ?1 AND o.item = lower(hex(k.id)) AND o.kind <> 'later')
             FROM ids k WHERE k.position < (SELECT positions FROM visible)
               AND EXISTS (SELECT 1 FROM reference_labels r WHERE r.item = k.position
                           AND (json_extract(r.judgment, '$.preference') IS NOT NULL OR json_extract(r.judgment, '$.ratings') IS NOT NULL))
             ORDER BY k.id LIMIT ?2",
            params![annotator, most as i64],
            |r| Ok((r.get::<_, i64>(0)? as u64, r.get::<_, bool>(1)?)),
        )
    }

    /// Positions of the items that the annotator put off, what was put off longest ago first.
    pub fn put_off(&self, annotator: &str) -> Result<Vec<u64>, StoreError> {
        self.rows(
            "SELECT i.position FROM outcomes o JOIN ids k ON k.id = unhex(o.item) JOIN items i ON i.position = k.position
             WHERE o.annotator = ?1 AND o.kind = 'later' ORDER BY o.event",
            [annotator],
            |r| Ok(r.get::<_, i64>(0)? as u64),
        )
    }

    /// Items that pass the filter, from the `offset`-th on, in its order.
    pub fn list(
        &self,
        offset: u64,
        limit: usize,
        annotator: &str,
        filter: &Filter,
    ) -> Result<Vec<ItemSummary>, StoreError> {
        // Positions have no gaps, so that without a filter nothing need be counted.
        let everything = *filter == Filter::default();
        let (offset, limit) = (offset as i64, limit as i64);
        let (from, skip) = if everything { (offset, 0) } else { (0, offset) };
        let clauses = Clauses::of(filter);
        let columns = "i.position, i.id, i.preview, i.turns, i.responses, o.kind, f.event IS NOT NULL, d.item IS NOT NULL";
        let (source, order) = clauses.order();
        let sql = format!(
            "{source} SELECT {columns} FROM items i {PROGRESS} {} WHERE i.position >= ?2 {} ORDER BY {order} LIMIT ?3 OFFSET ?4",
            clauses.join(),
            clauses.sql
        );
        let mut values: Vec<&dyn ToSql> = vec![&annotator, &from, &limit, &skip];
        clauses.bind(&mut values);
        let rows = self.rows(&sql, values.as_slice(), |r| {
            let kind: Option<String> = r.get(5)?;
            Ok((
                r.get::<_, String>(1)?,
                ItemSummary {
                    position: r.get::<_, i64>(0)? as u64,
                    id: ItemId([0; 32]),
                    preview: r.get(2)?,
                    turns: r.get(3)?,
                    responses: r.get(4)?,
                    status: match kind.as_deref() {
                        Some("label") => Status::Labelled,
                        Some("later") => Status::Later,
                        Some("practice") => Status::Practised,
                        Some(_) => Status::Skipped,
                        None if r.get(7)? => Status::Draft,
                        None => Status::Unlabelled,
                    },
                    flagged: r.get(6)?,
                },
            ))
        })?;
        rows.into_iter()
            .map(|(id, summary)| {
                Ok(ItemSummary {
                    id: self.item_id(&id)?,
                    ..summary
                })
            })
            .collect()
    }

    /// How many items pass the filter.
    pub fn count_matching(&self, annotator: &str, filter: &Filter) -> Result<u64, StoreError> {
        let filter = Filter {
            order: Order::Import,
            ..filter.clone()
        };
        if filter == Filter::default() {
            return self.count();
        }
        let clauses = Clauses::of(&filter);
        // ?2 to ?4 are the list's.
        let sql = format!(
            "SELECT count(*) FROM items i {PROGRESS} WHERE i.position >= ?2 AND ?3 IS ?4 {}",
            clauses.sql
        );
        let mut values: Vec<&dyn ToSql> = vec![&annotator, &0, &0, &0];
        clauses.bind(&mut values);
        let count = self.one(&sql, values.as_slice(), |r| r.get::<_, i64>(0))?;
        Ok(count.unwrap_or_default() as u64)
    }

    /// Positions of all items in the order of [`Order::Uncertain`].
    pub fn uncertain(&self, scorer_key: &str) -> Result<Vec<u64>, StoreError> {
        let clauses = Clauses::of(&Filter {
            order: Order::Uncertain(scorer_key.to_owned()),
            ..Filter::default()
        });
        let (source, order) = clauses.order();
        let sql = format!(
            "{source} SELECT i.position FROM items i {} WHERE ?1 IS ?2 AND ?3 IS ?4 ORDER BY {order}",
            clauses.join()
        );
        let mut values: Vec<&dyn ToSql> = vec![&0, &0, &0, &0];
        clauses.bind(&mut values);
        self.rows(&sql, values.as_slice(), |r| Ok(r.get::<_, i64>(0)? as u64))
    }

    /// Whether the annotator labelled, skipped or put off the item at a position.
    pub fn is_done(&self, annotator: &str, position: u64) -> Result<bool, StoreError> {
        let done = self.one(
            "SELECT 1 FROM items i JOIN outcomes o ON o.annotator = ?1 AND o.item = i.id WHERE i.position = ?2",
            params![annotator, position as i64],
            |_| Ok(()),
        )?;
        Ok(done.is_some())
    }

    /// Items with a label by anybody, and whether each is in the control stream of [`Order::Uncertain`].
    pub fn labelled(&self) -> Result<Vec<(ItemId, bool)>, StoreError> {
        let sql = format!(
            "SELECT i.id, {CONTROL} FROM items i WHERE EXISTS (SELECT 1 FROM outcomes o WHERE o.item = i.id AND o.kind = 'label')
             ORDER BY i.position"
        );
        let rows = self.rows(&sql, [], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, bool>(1)?))
        })?;
        rows.into_iter()
            .map(|(id, control)| Ok((self.item_id(&id)?, control)))
            .collect()
    }
}

/// A filter as SQL. Values begin at ?5.
struct Clauses {
    scorer: Option<String>,
    sql: String,
    /// The text as LIKE finds it in a turn, and in the JSON of turns.
    text: Option<[String; 2]>,
    /// What the index of words is asked.
    words: Option<String>,
}

impl Clauses {
    fn of(filter: &Filter) -> Self {
        let mut sql = String::new();
        if let Some(status) = filter.status {
            sql.push_str(match status {
                Status::Unlabelled => " AND o.kind IS NULL AND d.item IS NULL",
                Status::Draft => " AND o.kind IS NULL AND d.item IS NOT NULL",
                Status::Labelled => " AND o.kind = 'label'",
                Status::Skipped => " AND o.kind = 'skip'",
                Status::Later => " AND o.kind = 'later'",
                Status::Practised => " AND o.kind = 'practice'",
            });
        }
        if filter.flagged {
            sql.push_str(" AND f.event IS NOT NULL");
        }
        let asked = filter.text.as_deref().unwrap_or_default();
        let text = Some(search::wanted(asked)).filter(|t| !t.is_empty());
        let words = search::question(asked);
        if let Some(text) = text {
            // First a quick look at the JSON as it is, then, where that finds something, at the contents alone.
            let says = |table: &str, on: &str| {
                format!(
                    "EXISTS (SELECT 1 FROM {table} t WHERE {on} AND t.turns LIKE ?6 ESCAPE char(1)
                       AND EXISTS (SELECT 1 FROM json_each(t.turns) j WHERE json_extract(j.value, '$.content') LIKE ?5 ESCAPE char(1)))"
                )
            };
            let responses = "t.id >= i.first_response AND t.id < i.first_response + i.responses";
            let says = format!(
                "({} OR {})",
                says("contexts", "t.item = i.position"),
                says("responses", responses)
            );
            if words.is_some() {
                // The index knows in which items words are, not where in them.
                let alone = text.chars().all(char::is_alphanumeric);
                let next = "coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'search.next'), 0)";
                let exactly = if alone { "1" } else { says.as_str() };
                for part in [
                    // Of an AND within CASE both sides are computed; of its branches only the one that is taken.
                    " AND CASE WHEN i.position >= ",
                    next,
                    " THEN ",
                    &says,
                    " WHEN i.position IN (SELECT rowid FROM search WHERE search MATCH ?8) THEN ",
                    exactly,
                    " ELSE 0 END",
                ] {
                    sql.push_str(part);
                }
            } else {
                sql.push_str(" AND ");
                sql.push_str(&says);
            }
        }
        Self {
            scorer: match &filter.order {
                Order::Import => None,
                Order::Uncertain(scorer) => Some(scorer.clone()),
            },
            sql,
            text: text.map(|text| {
                let json = serde_json::Value::from(text).to_string();
                // Without the quotes around it.
                [like(text), like(&json[1..json.len() - 1])]
            }),
            words,
        }
    }

    fn bind<'a>(&'a self, values: &mut Vec<&'a dyn ToSql>) {
        if let Some([text, json]) = &self.text {
            values.push(text);
            values.push(json);
        } else if self.scorer.is_some() {
            // The text's places, which nothing asks for.
            values.push(&rusqlite::types::Null);
            values.push(&rusqlite::types::Null);
        }
        if let Some(scorer) = &self.scorer {
            values.push(scorer);
        } else if self.words.is_some() {
            values.push(&rusqlite::types::Null);
        }
        if let Some(words) = &self.words {
            values.push(words);
        }
    }

    /// What has to be computed first, and by what is sorted.
    fn order(&self) -> (String, &'static str) {
        if self.scorer.is_none() {
            return (String::new(), "i.position");
        }
        // Each stream by its own rank; then one of the control stream after every four of the other.
        let source = format!(
            "WITH spread AS MATERIALIZED (SELECT i.position, i.id, {CONTROL} AS control, {SPREAD} AS far FROM items i),
             place AS MATERIALIZED (SELECT position, control, row_number() OVER (
               PARTITION BY control, far IS NULL ORDER BY CASE WHEN control THEN substr(id, 9) ELSE far END, position) - 1 AS rank,
               far IS NULL AS unknown FROM spread)"
        );
        let order = "place.unknown, CASE WHEN place.control THEN 5 * place.rank + 4 ELSE place.rank + place.rank / 4 END, i.position";
        (source, order)
    }

    fn join(&self) -> &'static str {
        if self.scorer.is_some() {
            "JOIN place ON place.position = i.position"
        } else {
            ""
        }
    }
}

/// A pattern of LIKE that finds the text anywhere; the escape is the control character 1.
fn like(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\u{1}') {
            pattern.push('\u{1}');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
