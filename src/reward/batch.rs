//! Batches: conversations with a common beginning share its computation, and several fill one pass through the model.
//!
//! Rows lie one after another without padding, so length does not matter and nothing is sorted: results come in input order.

use std::ops::Range;

/// Tokens computed at once when nothing else is asked for: enough to keep the matrix product busy, little enough to stop within
/// a second or so and to stay in the cache.
pub const DEFAULT_TOKENS: usize = 1024;

/// Beginnings shorter than this are not worth sharing.
const LEAST_SHARED: usize = 8;

/// Rows of one batch that share their first `prefix` tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Number of shared tokens; less than the length of every row.
    pub prefix: usize,
    /// The rows, by index.
    pub rows: Range<usize>,
}

/// Groups neighbouring rows while sharing saves something, up to `budget` computed tokens per group; no row is empty.
pub fn group(rows: &[Vec<u32>], budget: usize, sharing: bool) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut suffixes = 0; // tokens of the open group without any sharing
    for (index, row) in rows.iter().enumerate() {
        if let Some(open) = groups.last_mut().filter(|_| sharing) {
            let alone = open.rows.len() == 1;
            let first = &rows[open.rows.start];
            let limit = if alone {
                first.len().min(row.len()) - 1
            } else {
                open.prefix.min(row.len() - 1)
            };
            let prefix = first
                .iter()
                .zip(row)
                .take(limit)
                .take_while(|(a, b)| a == b)
                .count();
            let count = open.rows.len();
            let computed = suffixes + row.len() - prefix * count;
            if prefix >= LEAST_SHARED
                && prefix * count > open.prefix * (count - 1)
                && computed <= budget.max(first.len() + row.len() - prefix)
            {
                open.prefix = prefix;
                open.rows.end = index + 1;
                suffixes += row.len();
                continue;
            }
        }
        groups.push(Group {
            prefix: 0,
            rows: index..index + 1,
        });
        suffixes = row.len();
    }
    groups
}

/// Splits groups into batches of at most `budget` computed tokens; a group beyond it is a batch of its own.
pub fn pack(groups: Vec<Group>, rows: &[Vec<u32>], budget: usize) -> Vec<Packed> {
    let mut batches: Vec<Packed> = Vec::new();
    for group in groups {
        let computed = group.prefix
            + rows[group.rows.clone()]
                .iter()
                .map(|r| r.len() - group.prefix)
                .sum::<usize>();
        if let Some(open) = batches.last_mut()
            && open.ids.len() + computed <= budget
        {
            open.push(&group, rows);
        } else {
            let mut batch = Packed::new(group.rows.start);
            batch.push(&group, rows);
            batches.push(batch);
        }
    }
    batches
}

/// Tokens of one pass: segments one after another, each attending to its parent and then to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Index of the first row.
    pub first: usize,
    /// Token ids of all segments.
    pub ids: Vec<u32>,
    /// Position of each token in its conversation.
    pub positions: Vec<u32>,
    /// The segments, parents before children.
    pub segments: Vec<Segment>,
    /// For each row, its segment.
    pub rows: Vec<usize>,
}

/// Consecutive tokens of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Where they lie in [`Packed::ids`].
    pub range: Range<usize>,
    /// The range of the tokens before them, where that is shared with other segments.
    pub parent: Option<Range<usize>>,
}

impl Packed {
    fn new(first: usize) -> Self {
        Self {
            first,
            ids: Vec::new(),
            positions: Vec::new(),
            segments: Vec::new(),
            rows: Vec::new(),
        }
    }

    fn push(&mut self, group: &Group, rows: &[Vec<u32>]) {
        let mut parent = None;
        if group.prefix > 0 {
            let range = self.append(&rows[group.rows.start][..group.prefix], 0);
            self.segments.push(Segment {
                range: range.clone(),
                parent: None,
            });
            parent = Some(range);
        }
        for row in &rows[group.rows.clone()] {
            let range = self.append(&row[group.prefix..], group.prefix);
            self.rows.push(self.segments.len());
            self.segments.push(Segment {
                range,
                parent: parent.clone(),
            });
        }
    }

    fn append(&mut self, ids: &[u32], position: usize) -> Range<usize> {
        let start = self.ids.len();
        self.ids.extend_from_slice(ids);
        self.positions
            .extend((position..position + ids.len()).map(|p| p as u32));
        start..self.ids.len()
    }

    /// Where the token of that position lies in row `row`.
    pub fn place(&self, row: usize, position: usize) -> Pooled {
        let segment = &self.segments[self.rows[row]];
        let parent = segment.parent.clone().unwrap_or(0..0);
        if position < parent.len() {
            Pooled {
                token: parent.start + position,
                before: None,
                start: parent.start,
            }
        } else {
            Pooled {
                token: segment.range.start + position - parent.len(),
                before: segment.parent.clone(),
                start: segment.range.start,
            }
        }
    }
}

/// A token and what it attends to: the shared tokens before its segment, then `start..=token`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooled {
    /// Where the token lies.
    pub token: usize,
    /// Shared tokens before its segment.
    pub before: Option<Range<usize>>,
    /// Start of its segment.
    pub start: usize,
}
