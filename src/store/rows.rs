//! Imported rows: their stored form, prepared by the caller's thread, and how they are written.

use blake3::hazmat::{HasherExt as _, hash_derive_key_context};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use super::fresh::Fresh;
use crate::domain::hash::{Key, canonical_json};
use crate::domain::{Item, ItemId, ReferenceLabel, Role, SourceRow, Turn};

/// Characters of an item's preview.
const PREVIEW: usize = 120;

/// One row of an imported file: an item, where it stands and the labels that came with it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedRow {
    /// The item; a known one gains the source and the labels.
    pub item: Item,
    /// Where it stands.
    pub source: SourceRow,
    /// The labels that came with it, mapped to the item's responses.
    pub references: Vec<ReferenceLabel>,
    /// Rows of the file that this says all of, for the counts.
    pub rows: u64,
    /// What near duplicates of the item are found by, where it is known.
    pub signature: Option<[u8; 64]>,
}

/// What rows added to a project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PutRows {
    /// Rows that added something.
    pub rows_new: u64,
    /// Rows that added nothing: everything they say was there.
    pub duplicates: u64,
    /// Items that were not known.
    pub items_new: u64,
    /// Responses of those items.
    pub responses_new: u64,
    /// Reference labels that were not known.
    pub references_new: u64,
}

impl std::ops::AddAssign for PutRows {
    fn add_assign(&mut self, other: Self) {
        self.rows_new += other.rows_new;
        self.duplicates += other.duplicates;
        self.items_new += other.items_new;
        self.responses_new += other.responses_new;
        self.references_new += other.references_new;
    }
}

/// A row as it will stand in the tables.
pub(super) struct StoredRow {
    id: ItemId,
    id_text: String,
    preview: String,
    turns: usize,
    context: String,
    responses: Vec<StoredResponse>,
    file: String,
    format: String,
    row: u64,
    source_id: Option<String>,
    source_content: String,
    order: String,
    models: String,
    extra: String,
    references: Vec<StoredReference>,
    rows: u64,
    signature: Option<[u8; 64]>,
}

struct StoredResponse {
    hash: String,
    occurrence: u32,
    turns: String,
}

struct StoredReference {
    content: String,
    role: &'static str,
    annotator: Option<String>,
    time: Option<String>,
    judgment: String,
    extra: String,
}

/// JSON of a value of ours; writing those to memory cannot fail.
pub(super) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_err| "null".to_owned())
}

/// The same of turns, whose texts make up most of it: the place for them is made at once.
fn turns_json(turns: &[Turn]) -> String {
    let texts: usize = turns.iter().map(|turn| turn.content.len() + 64).sum();
    let mut out = Vec::with_capacity(texts + texts / 8);
    let written = serde_json::to_writer(&mut out, turns);
    written
        .ok()
        .and_then(|()| String::from_utf8(out).ok())
        .unwrap_or_else(|| "null".to_owned())
}

/// A hash of parts, none of which can run into the next. 128 bits: enough within one item.
fn content_hash(parts: &[&str]) -> String {
    static KEY: Key = Key::new(|| hash_derive_key_context("tiebreak 2026 store content"));
    let mut hasher = blake3::Hasher::new_from_context_key(&KEY);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

impl StoredRow {
    pub(super) fn new(row: &ImportedRow) -> Self {
        let ImportedRow {
            item,
            source,
            references,
            rows,
            signature,
        } = row;
        let order = json(&source.order);
        let models = json(&source.models);
        let extra = json(&source.extra);
        let source_content = content_hash(&[
            source.id.as_deref().unwrap_or_default(),
            &order,
            &models,
            &extra,
        ]);
        let mut stored: Vec<StoredReference> = Vec::with_capacity(references.len());
        let mut hashes: Vec<String> = Vec::with_capacity(references.len());
        for reference in references {
            let judgment = json(&reference.judgment);
            let extra = if reference.extra.is_empty() {
                "{}".to_owned()
            } else {
                canonical_json(&serde_json::Value::Object(reference.extra.clone()))
            };
            let role = role_name(reference.role);
            let said = content_hash(&[
                role,
                &optional(reference.annotator.as_deref()),
                &optional(reference.time.as_deref()),
                &judgment,
                &extra,
            ]);
            // Two votes of one row may be equal to the letter, and both count.
            let equals = hashes.iter().filter(|h| **h == said).count();
            stored.push(StoredReference {
                content: content_hash(&[&said, &equals.to_string()]),
                role,
                annotator: reference.annotator.clone(),
                time: reference.time.clone(),
                judgment,
                extra: json(&reference.extra),
            });
            hashes.push(said);
        }
        Self {
            id: item.id,
            id_text: item.id.to_string(),
            preview: preview(item),
            turns: item.context.len()
                + item
                    .responses
                    .iter()
                    .map(|r| r.turns.len())
                    .max()
                    .unwrap_or(0),
            context: turns_json(&item.context),
            responses: item
                .responses
                .iter()
                .map(|r| StoredResponse {
                    hash: r.key.hash.to_string(),
                    occurrence: r.key.occurrence,
                    turns: turns_json(&r.turns),
                })
                .collect(),
            file: source.file.clone(),
            format: source.format.clone(),
            row: source.row,
            source_id: source.id.clone(),
            source_content,
            order,
            models,
            extra,
            references: stored,
            rows: *rows,
            signature: *signature,
        }
    }
}

/// Tells an absent name from an empty one.
fn optional(text: Option<&str>) -> String {
    text.map_or_else(String::new, |t| format!("={t}"))
}

pub(super) fn role_name(role: crate::domain::ReferenceRole) -> &'static str {
    match role {
        crate::domain::ReferenceRole::Verdict => "verdict",
        crate::domain::ReferenceRole::Vote => "vote",
    }
}

/// The beginning of the last user turn on one line; without one, of whatever comes last before the responses, or of the first of them.
fn preview(item: &Item) -> String {
    let user = |turns: &[Turn]| turns.iter().rposition(|t| t.role == Role::User);
    let first = item.responses.first().map_or(&[][..], |r| &r.turns);
    let turn = user(&item.context)
        .map(|at| &item.context[at])
        .or_else(|| user(first).map(|at| &first[at]))
        .or_else(|| item.context.last())
        .or_else(|| first.last());
    let mut line = String::new();
    let mut length = 0;
    for word in turn.map_or("", |t| &t.content).split_whitespace() {
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        for c in word.chars() {
            if length >= PREVIEW {
                line.push('…');
                return line;
            }
            line.push(c);
            length += 1;
        }
    }
    line
}

/// Where new items and responses go. Read when a project is opened for writing; the one writer keeps it.
#[derive(Debug, Clone, Default)]
pub(super) struct Ends {
    next_position: i64,
    next_response: i64,
    /// The first position of the import under way: what is said of items before it waits until the import is finished.
    arriving: Option<i64>,
    /// The file of the last row and its number: rows of one file come together.
    file: Option<(String, String, i64)>,
}

impl Ends {
    pub(super) fn read(db: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            next_position: db.query_row(
                "SELECT coalesce(max(position), -1) + 1 FROM all_items",
                [],
                |r| r.get(0),
            )?,
            next_response: db.query_row(
                "SELECT coalesce(max(id), 0) + 1 FROM responses",
                [],
                |r| r.get(0),
            )?,
            arriving: db
                .query_row(
                    "SELECT first_position FROM arriving WHERE state = 'filling'",
                    [],
                    |r| r.get(0),
                )
                .optional()?,
            file: None,
        })
    }

    /// The position of the next new item.
    pub(super) fn next_position(&self) -> i64 {
        self.next_position
    }

    /// Whether an import is under way, so that nothing counts before it is finished.
    pub(super) fn importing(&self) -> bool {
        self.arriving.is_some()
    }

    /// How many responses there are.
    pub(super) fn responses(&self) -> i64 {
        self.next_response - 1
    }

    fn file(&mut self, db: &Connection, row: &StoredRow) -> rusqlite::Result<i64> {
        if let Some((name, format, id)) = &self.file
            && *name == row.file
            && *format == row.format
        {
            return Ok(*id);
        }
        let find = || {
            db.prepare_cached("SELECT id FROM files WHERE name = ?1 AND format = ?2")?
                .query_row(params![row.file, row.format], |r| r.get(0))
                .optional()
        };
        let id = if let Some(id) = find()? {
            id
        } else {
            db.prepare_cached("INSERT INTO files (name, format) VALUES (?1, ?2)")?
                .execute(params![row.file, row.format])?;
            db.last_insert_rowid()
        };
        self.file = Some((row.file.clone(), row.format.clone(), id));
        Ok(id)
    }
}

/// What writes rows within a transaction of the caller. When that fails, the caller rolls back, forgets `ends` and tells `fresh`.
pub(super) struct Put<'a> {
    db: &'a Connection,
    ends: &'a mut Ends,
    fresh: &'a mut Fresh,
    find: CachedStatement<'a>,
    item: CachedStatement<'a>,
    id: CachedStatement<'a>,
    context: CachedStatement<'a>,
    response: CachedStatement<'a>,
    signature: CachedStatement<'a>,
    find_source: CachedStatement<'a>,
    find_label: CachedStatement<'a>,
    /// Where sources and labels go, and where those wait that an unfinished import has of an older item.
    now: [CachedStatement<'a>; 2],
    later: [CachedStatement<'a>; 2],
}

impl<'a> Put<'a> {
    pub(super) fn new(
        db: &'a Connection,
        ends: &'a mut Ends,
        fresh: &'a mut Fresh,
    ) -> rusqlite::Result<Self> {
        let said = |sources: &str, labels: &str| {
            Ok::<_, rusqlite::Error>([
                db.prepare_cached(&format!(
                    "INSERT INTO {sources} (item, file, row, content, id, \"order\", models, extra)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING"
                ))?,
                db.prepare_cached(&format!(
                    "INSERT INTO {labels} (item, content, file, row, place, role, annotator, time, judgment, extra)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING"
                ))?,
            ])
        };
        Ok(Self {
            find: db.prepare_cached("SELECT position FROM ids WHERE id = ?1")?,
            item: db.prepare_cached(
                "INSERT INTO all_items (position, id, preview, turns, responses, first_response) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?,
            id: db.prepare_cached("INSERT INTO ids (id, position) VALUES (?1, ?2)")?,
            context: db.prepare_cached("INSERT INTO contexts (item, turns) VALUES (?1, ?2)")?,
            response: db.prepare_cached(
                "INSERT INTO responses (id, item, hash, occurrence, turns) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
            signature: db.prepare_cached("INSERT INTO signatures (item, signature) VALUES (?1, ?2)")?,
            find_source: db.prepare_cached(
                "SELECT 1 FROM sources WHERE item = ?1 AND file = ?2 AND row = ?3 AND content = ?4",
            )?,
            find_label: db.prepare_cached(
                "SELECT 1 FROM reference_labels WHERE item = ?1 AND content = ?2",
            )?,
            now: said("sources", "reference_labels")?,
            later: said("arriving_sources", "arriving_labels")?,
            db,
            ends,
            fresh,
        })
    }

    /// Writes one row.
    pub(super) fn row(&mut self, row: &StoredRow) -> rusqlite::Result<PutRows> {
        let mut put = PutRows::default();
        let known = self.fresh.position(&row.id.0, &mut self.find)?;
        let item: i64 = match known {
            Some(item) => item,
            None => self.new_item(row, &mut put)?,
        };
        let file = self.ends.file(self.db, row)?;
        // What an unfinished import says of an older item waits, unless it has been said before.
        let waits = known.is_some() && self.ends.arriving.is_some_and(|first| item < first);
        let [put_source, put_label] = if waits {
            &mut self.later
        } else {
            &mut self.now
        };
        let place = params![item, file, row.row as i64, row.source_content];
        let mut sources = 0;
        if !(waits && self.find_source.exists(place)?) {
            sources = put_source.execute(params![
                item,
                file,
                row.row as i64,
                row.source_content,
                row.source_id,
                row.order,
                row.models,
                row.extra,
            ])?;
        }
        for (place, reference) in row.references.iter().enumerate() {
            if waits && self.find_label.exists(params![item, reference.content])? {
                continue;
            }
            put.references_new += put_label.execute(params![
                item,
                reference.content,
                file,
                row.row as i64,
                place as i64,
                reference.role,
                reference.annotator,
                reference.time,
                reference.judgment,
                reference.extra,
            ])? as u64;
        }
        if put.items_new + put.references_new > 0 || sources > 0 {
            put.rows_new = row.rows;
        } else {
            put.duplicates = row.rows;
        }
        Ok(put)
    }

    /// Writes an item that is not known; its position.
    fn new_item(&mut self, row: &StoredRow, put: &mut PutRows) -> rusqlite::Result<i64> {
        let item = self.ends.next_position;
        self.item.execute(params![
            item,
            row.id_text,
            row.preview,
            row.turns as i64,
            row.responses.len() as i64,
            self.ends.next_response,
        ])?;
        if self.ends.importing() {
            self.fresh.put(row.id.0, item);
        } else {
            self.id.execute(params![row.id.0, item])?;
        }
        self.ends.next_position += 1;
        put.items_new = 1;
        self.context.execute(params![item, row.context])?;
        for response in &row.responses {
            self.response.execute(params![
                self.ends.next_response,
                item,
                response.hash,
                response.occurrence,
                response.turns,
            ])?;
            self.ends.next_response += 1;
            put.responses_new += 1;
        }
        if let Some(signature) = row.signature {
            self.signature.execute(params![item, signature])?;
        }
        Ok(item)
    }
}
