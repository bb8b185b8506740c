//! Reading items, where they came from, and what came with them.

use std::ops::ControlFlow;

use rusqlite::{Row, params};

use super::{Reader, StoreError};
use crate::domain::{
    EventId, Item, ItemId, Label, ReferenceLabel, ReferenceRole, Response, SourceRow,
};

/// An item with all that belongs to it, for export and for scoring a project.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemRecord {
    /// Place in the project, from 0, in the order of import.
    pub position: u64,
    /// The item.
    pub item: Item,
    /// Where it stands, by file and row.
    pub sources: Vec<SourceRow>,
    /// The labels that came with it, by file, row and place.
    pub references: Vec<ReferenceLabel>,
    /// The current labels, by annotator.
    pub labels: Vec<(String, EventId, jiff::Timestamp, Label)>,
}

impl Reader {
    /// The item at a position.
    pub fn item_at(&self, position: u64) -> Result<Option<Item>, StoreError> {
        self.one(
            "SELECT position, id, responses, first_response FROM items WHERE position = ?1",
            [position as i64],
            place_of,
        )?
        .map(|place| self.item_of(&place))
        .transpose()
    }

    /// The item of that id.
    pub fn item(&self, id: ItemId) -> Result<Option<Item>, StoreError> {
        self.one(
            "SELECT i.position, i.id, i.responses, i.first_response FROM items i JOIN ids k ON k.position = i.position WHERE k.id = ?1",
            [id.0],
            place_of,
        )?
        .map(|place| self.item_of(&place))
        .transpose()
    }

    /// Where the item is.
    pub fn position_of(&self, id: ItemId) -> Result<Option<u64>, StoreError> {
        self.one(
            "SELECT position FROM ids WHERE id = ?1 AND position < (SELECT positions FROM visible)",
            [id.0],
            |r| Ok(r.get::<_, i64>(0)? as u64),
        )
    }

    /// Where the item stands in files, by file and row.
    pub fn sources(&self, id: ItemId) -> Result<Vec<SourceRow>, StoreError> {
        match self.position_of(id)? {
            Some(position) => self.sources_at(position as i64),
            None => Ok(vec![]),
        }
    }

    /// The labels that came with the item, by file, row and place in it.
    pub fn references(&self, id: ItemId) -> Result<Vec<ReferenceLabel>, StoreError> {
        match self.position_of(id)? {
            Some(position) => self.references_at(position as i64),
            None => Ok(vec![]),
        }
    }

    /// Goes through all items in the order of import, until told to stop, as they were at the beginning; memory stays flat.
    pub fn for_each_item(
        &self,
        mut each: impl FnMut(ItemRecord) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let snapshot = self
            .db
            .unchecked_transaction()
            .map_err(|e| self.sqlite(&e))?;
        {
            let mut statement = self
                .db
                .prepare_cached(
                    "SELECT position, id, responses, first_response FROM items ORDER BY position",
                )
                .map_err(|e| self.sqlite(&e))?;
            let mut rows = statement.query([]).map_err(|e| self.sqlite(&e))?;
            while let Some(row) = rows.next().map_err(|e| self.sqlite(&e))? {
                let place = place_of(row).map_err(|e| self.sqlite(&e))?;
                let item = self.item_of(&place)?;
                let record = ItemRecord {
                    position: place.position as u64,
                    sources: self.sources_at(place.position)?,
                    references: self.references_at(place.position)?,
                    labels: self.blind_labels(item.id)?,
                    item,
                };
                if each(record).is_break() {
                    break;
                }
            }
        }
        snapshot.finish().map_err(|e| self.sqlite(&e))
    }

    /// Goes through the first items in the order of import, at most so many, until told to stop: position, id and the signature that each
    /// came with. One whose id cannot be read is passed over.
    pub fn for_each_signature(
        &self,
        most: usize,
        mut each: impl FnMut(u64, ItemId, Option<[u8; 64]>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut statement = self
            .db
            .prepare_cached(
                "SELECT i.position, i.id, s.signature FROM items i LEFT JOIN signatures s ON s.item = i.position
                 ORDER BY i.position LIMIT ?1",
            )
            .map_err(|e| self.sqlite(&e))?;
        let mut rows = statement
            .query([most as i64])
            .map_err(|e| self.sqlite(&e))?;
        while let Some(row) = rows.next().map_err(|e| self.sqlite(&e))? {
            let position: i64 = row.get(0).map_err(|e| self.sqlite(&e))?;
            let id = row.get_ref(1).ok().and_then(|id| id.as_str().ok());
            let Some(id) = id.and_then(|id| id.parse().ok()) else {
                continue;
            };
            if each(position as u64, id, row.get(2).ok()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn item_of(&self, place: &Place) -> Result<Item, StoreError> {
        let context = self
            .one(
                "SELECT turns FROM contexts WHERE item = ?1",
                [place.position],
                |r| r.get::<_, String>(0),
            )?
            .ok_or_else(|| self.damaged(format!("item {} has no context", place.id)))?;
        let responses = self.rows(
            "SELECT hash, occurrence, turns FROM responses WHERE id >= ?1 AND id < ?1 + ?2 ORDER BY id",
            params![place.first_response, place.responses],
            |r| {
                Ok((
                    r.get::<_, String>(0)?,
                    r.get::<_, u32>(1)?,
                    r.get::<_, String>(2)?,
                ))
            },
        )?;
        if responses.is_empty() || responses.len() as i64 != place.responses {
            return Err(self.damaged(format!("item {} lacks responses", place.id)));
        }
        Ok(Item {
            id: self.item_id(&place.id)?,
            context: self.parse(&context, "contexts")?,
            responses: responses
                .into_iter()
                .map(|(hash, occurrence, turns)| {
                    Ok(Response {
                        key: self.key(&hash, occurrence)?,
                        turns: self.parse(&turns, "responses")?,
                    })
                })
                .collect::<Result<_, StoreError>>()?,
        })
    }

    fn sources_at(&self, position: i64) -> Result<Vec<SourceRow>, StoreError> {
        let rows = self.rows(
            "SELECT f.name, f.format, s.row, s.id, s.\"order\", s.models, s.extra
             FROM sources s JOIN files f ON f.id = s.file WHERE s.item = ?1 ORDER BY s.file, s.row, s.content",
            [position],
            |r| {
                Ok((
                    SourceRow {
                        file: r.get(0)?,
                        format: r.get(1)?,
                        row: r.get::<_, i64>(2)? as u64,
                        id: r.get(3)?,
                        order: vec![],
                        models: vec![],
                        extra: serde_json::Map::new(),
                    },
                    r.get::<_, String>(4)?,
                    r.get::<_, String>(5)?,
                    r.get::<_, String>(6)?,
                ))
            },
        )?;
        rows.into_iter()
            .map(|(source, order, models, extra)| {
                Ok(SourceRow {
                    order: self.parse(&order, "sources")?,
                    models: self.parse(&models, "sources")?,
                    extra: self.parse(&extra, "sources")?,
                    ..source
                })
            })
            .collect()
    }

    fn references_at(&self, position: i64) -> Result<Vec<ReferenceLabel>, StoreError> {
        let rows = self.rows(
            "SELECT role, annotator, time, judgment, extra FROM reference_labels
             WHERE item = ?1 ORDER BY file, row, place, content",
            [position],
            |r| {
                Ok((
                    r.get::<_, String>(0)?,
                    r.get::<_, Option<String>>(1)?,
                    r.get::<_, Option<String>>(2)?,
                    r.get::<_, String>(3)?,
                    r.get::<_, String>(4)?,
                ))
            },
        )?;
        rows.into_iter()
            .map(|(role, annotator, time, judgment, extra)| {
                Ok(ReferenceLabel {
                    role: match role.as_str() {
                        "verdict" => ReferenceRole::Verdict,
                        "vote" => ReferenceRole::Vote,
                        _ => {
                            return Err(
                                self.damaged(format!("table reference_labels: role `{role}`"))
                            );
                        }
                    },
                    annotator,
                    time,
                    judgment: self.parse(&judgment, "reference_labels")?,
                    extra: self.parse(&extra, "reference_labels")?,
                })
            })
            .collect()
    }
}

/// Where an item's parts are.
struct Place {
    position: i64,
    id: String,
    responses: i64,
    first_response: i64,
}

fn place_of(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place {
        position: row.get(0)?,
        id: row.get(1)?,
        responses: row.get(2)?,
        first_response: row.get(3)?,
    })
}
