//! Scores by scorer: written by the writer, read by readers.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::json;
use super::{Reader, StoreError};
use crate::domain::{ItemId, Score, ScorerId};

/// Writes scores within a transaction of the caller; gives the first item that is not there (or lacks that response), which the caller
/// refuses.
pub(super) fn put(
    db: &Connection,
    scorer: &ScorerId,
    given: &[Score],
) -> rusqlite::Result<Option<ItemId>> {
    let ScorerId {
        name,
        weights,
        template,
        head,
        dtype,
    } = scorer;
    let id: i64 = db
        .prepare_cached(
            "INSERT INTO scorers (key, name, weights, template, head, dtype) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (key) DO UPDATE SET name = excluded.name RETURNING id",
        )?
        .query_row(
            params![scorer.key(), name, weights, template, head, dtype],
            |r| r.get(0),
        )?;
    let mut find = db.prepare_cached(
        "SELECT i.position, r.id - i.first_response FROM ids k JOIN items i ON i.position = k.position
         JOIN responses r ON r.id BETWEEN i.first_response AND i.first_response + i.responses - 1
         WHERE k.id = ?1 AND r.hash = ?2 AND r.occurrence = ?3",
    )?;
    let mut insert = db.prepare_cached(
        "INSERT INTO scores (scorer, item, response, score, attributes, tokens, truncated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (scorer, item, response) DO UPDATE SET
           score = excluded.score, attributes = excluded.attributes, tokens = excluded.tokens, truncated = excluded.truncated",
    )?;
    for score in given {
        let found: Option<(i64, i64)> = find
            .query_row(
                params![
                    score.item.0,
                    score.response.hash.to_string(),
                    score.response.occurrence
                ],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
            .optional()?;
        let Some((item, response)) = found else {
            return Ok(Some(score.item));
        };
        insert.execute(params![
            id,
            item,
            response,
            score.score,
            json(&score.attributes),
            score.tokens,
            score.truncated
        ])?;
    }
    Ok(None)
}

impl Reader {
    /// The scores of an item by the scorer of that key ([`ScorerId::key`]), in canonical order; missing ones are left out.
    pub fn scores(&self, item: ItemId, scorer_key: &str) -> Result<Vec<Score>, StoreError> {
        let rows = self.rows(
            "SELECT r.hash, r.occurrence, s.score, s.attributes, s.tokens, s.truncated
             FROM ids k JOIN items i ON i.position = k.position JOIN scorers c ON c.key = ?2 JOIN scores s ON s.scorer = c.id AND s.item = i.position
             JOIN responses r ON r.id = i.first_response + s.response
             WHERE k.id = ?1 ORDER BY s.response",
            params![item.0, scorer_key],
            |r| {
                Ok((
                    r.get::<_, String>(0)?,
                    r.get::<_, u32>(1)?,
                    r.get::<_, Option<f64>>(2)?,
                    r.get::<_, String>(3)?,
                    r.get::<_, u32>(4)?,
                    r.get::<_, bool>(5)?,
                ))
            },
        )?;
        rows.into_iter()
            .map(|(hash, occurrence, score, attributes, tokens, truncated)| {
                // What is not a number is null in JSON and NULL in SQL.
                let attributes: BTreeMap<String, Option<f64>> =
                    self.parse(&attributes, "scores")?;
                Ok(Score {
                    item,
                    response: self.key(&hash, occurrence)?,
                    score: score.unwrap_or(f64::NAN),
                    attributes: attributes
                        .into_iter()
                        .map(|(name, v)| (name, v.unwrap_or(f64::NAN)))
                        .collect(),
                    tokens,
                    truncated,
                })
            })
            .collect()
    }

    /// How many items have a response without a score by that scorer.
    pub fn count_unscored(&self, scorer_key: &str) -> Result<u64, StoreError> {
        let count = self.one(
            "SELECT count(*) FROM items i WHERE i.responses >
               (SELECT count(*) FROM scores s WHERE s.scorer = (SELECT id FROM scorers WHERE key = ?1) AND s.item = i.position)",
            [scorer_key],
            |r| r.get::<_, i64>(0),
        )?;
        Ok(count.unwrap_or_default() as u64)
    }

    /// Items, from a position on, of which some response has no score by that scorer; at most `limit`, in order of position.
    pub fn unscored(
        &self,
        scorer_key: &str,
        from: u64,
        limit: usize,
    ) -> Result<Vec<ItemId>, StoreError> {
        let ids = self.rows(
            "SELECT i.id FROM items i WHERE i.position >= ?2 AND i.responses >
               (SELECT count(*) FROM scores s WHERE s.scorer = (SELECT id FROM scorers WHERE key = ?1) AND s.item = i.position)
             ORDER BY i.position LIMIT ?3",
            params![scorer_key, from as i64, limit as i64],
            |r| r.get::<_, String>(0),
        )?;
        ids.iter().map(|id| self.item_id(id)).collect()
    }
}
