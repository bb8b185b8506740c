//! Batches: conversations with a common beginning share its computation, and several fill one pass through the model.
//!
//! Rows lie one after another without padding, so length does not matter and nothing is sorted: results come in input order.
//! A row that goes on like the one before it, whether its neighbour of a pair, the next of many candidates, or the same
//! conversation some turns later, hangs from the part that they share: the segments of a batch are trees.

use std::ops::Range;

/// Tokens computed at once when nothing else is asked for: enough to keep the matrix product busy, little enough to stop within
/// a second or so and to stay in the cache.
pub const DEFAULT_TOKENS: usize = 1024;

/// Beginnings shorter than this are not worth sharing.
const LEAST_SHARED: usize = 8;

/// Tokens of one pass: segments one after another, each attending to those above it and then to itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packed {
    /// Index of the first row.
    pub first: usize,
    /// Token ids of all segments.
    pub ids: Vec<u32>,
    /// Position of each token in its conversation.
    pub positions: Vec<u32>,
    /// The segments, parents before children.
    pub segments: Vec<Segment>,
    /// For each row, the segment that it ends in.
    pub rows: Vec<usize>,
}

/// Consecutive tokens of one conversation or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Where they lie in [`Packed::ids`].
    pub range: Range<usize>,
    /// Position of the first in its conversation: so many tokens come before it.
    pub position: usize,
    /// The segment that they follow.
    pub parent: Option<usize>,
}

/// A token that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooled {
    /// Where it lies in [`Packed::ids`].
    pub token: usize,
    /// Its segment.
    pub segment: usize,
}

/// Packs rows, none of which is empty, into batches of about `budget` computed tokens: more only for a row beyond it, which is a batch of
/// its own, for the two of a pair, and, up to twice the budget, for what goes on like the row before.
pub fn pack(rows: &[Vec<u32>], budget: usize, sharing: bool) -> Vec<Packed> {
    let mut batches = Vec::new();
    let mut open = Open::default();
    for (index, row) in rows.iter().enumerate() {
        let shared = if sharing { open.shared(row) } else { 0 };
        let limit = match (shared, open.rows.len()) {
            (0, _) => budget,
            // A pair stays together, and what would have to be computed again may well go over.
            (_, 1) => usize::MAX,
            _ => 2 * budget,
        };
        if !open.rows.is_empty() && open.tokens + row.len() - shared > limit {
            batches.push(open.close());
            open = Open {
                first: index,
                ..Open::default()
            };
        }
        let shared = shared * usize::from(!open.rows.is_empty());
        open.push(row, shared);
    }
    if !open.rows.is_empty() {
        batches.push(open.close());
    }
    batches
}

/// Computes rows batch by batch; a batch that is too large for the device is computed in halves, down to a row alone.
///
/// # Errors
/// The first that `compute` gives and that has no smaller batch to try.
pub fn each<E>(
    rows: &[Vec<u32>],
    budget: usize,
    sharing: bool,
    too_large: fn(&E) -> bool,
    compute: &mut dyn FnMut(&Packed) -> Result<(), E>,
) -> Result<(), E> {
    for mut batch in pack(rows, budget, sharing) {
        match compute(&batch) {
            Err(error) if too_large(&error) && batch.rows.len() > 1 => {
                let (first, count) = (batch.first, batch.rows.len());
                for half in [first..first + count / 2, first + count / 2..first + count] {
                    let mut at = |half: &Packed, from: usize| {
                        batch.clone_from(half);
                        batch.first += from;
                        compute(&batch)
                    };
                    let from = half.start;
                    each(&rows[half], budget, sharing, too_large, &mut |half| {
                        at(half, from)
                    })?;
                }
            }
            result => result?,
        }
    }
    Ok(())
}

/// A batch of one row, of which the first `known` tokens need not be computed.
pub fn rest(row: &[u32], known: usize) -> Packed {
    let mut open = Open::default();
    open.push(row, 0);
    let mut batch = open.close();
    batch.ids.drain(..known);
    batch.positions.drain(..known);
    batch.segments[0] = Segment {
        range: 0..batch.ids.len(),
        position: known,
        parent: None,
    };
    batch
}

/// A batch that rows are still added to.
#[derive(Default)]
struct Open<'a> {
    first: usize,
    tokens: usize,
    nodes: Vec<Node<'a>>,
    rows: Vec<usize>,
}

/// A segment before its place is known.
struct Node<'a> {
    ids: &'a [u32],
    position: usize,
    parent: Option<usize>,
}

impl<'a> Open<'a> {
    /// How many tokens at the start of `row` the last row begins with, where that is worth it.
    fn shared(&self, row: &[u32]) -> usize {
        let Some(&last) = self.rows.last() else {
            return 0;
        };
        let mut same = 0;
        for node in self.chain(last) {
            let ids = self.nodes[node].ids;
            let here = ids
                .iter()
                .zip(&row[same..])
                .take_while(|(a, b)| a == b)
                .count();
            same += here;
            if here < ids.len() {
                break;
            }
        }
        // Every row ends in tokens of its own, unless it is what another begins with.
        if same < LEAST_SHARED { 0 } else { same }
    }

    /// The nodes from the root down to `node`.
    fn chain(&self, node: usize) -> Vec<usize> {
        let mut chain = vec![node];
        while let Some(parent) = self.nodes[chain[chain.len() - 1]].parent {
            chain.push(parent);
        }
        chain.reverse();
        chain
    }

    /// Adds a row, of which the last one has the first `shared` tokens.
    fn push(&mut self, row: &'a [u32], shared: usize) {
        let mut parent = None;
        if shared > 0
            && let Some(&last) = self.rows.last()
        {
            for node in self.chain(last) {
                let Node { ids, position, .. } = self.nodes[node];
                if position + ids.len() >= shared {
                    let kept = shared - position;
                    if kept < ids.len() {
                        self.split(node, kept);
                    }
                    parent = Some(node);
                    break;
                }
            }
        }
        self.tokens += row.len() - shared;
        match parent {
            Some(parent) if shared == row.len() => self.rows.push(parent),
            _ => {
                self.rows.push(self.nodes.len());
                self.nodes.push(Node {
                    ids: &row[shared..],
                    position: shared,
                    parent,
                });
            }
        }
    }

    /// Leaves the first `kept` tokens to `node` and gives the others, with all that hangs from it and ends in it, to a new one.
    fn split(&mut self, node: usize, kept: usize) {
        let Node { ids, position, .. } = self.nodes[node];
        let new = self.nodes.len();
        for other in &mut self.nodes {
            if other.parent == Some(node) {
                other.parent = Some(new);
            }
        }
        for row in &mut self.rows {
            if *row == node {
                *row = new;
            }
        }
        self.nodes[node].ids = &ids[..kept];
        self.nodes.push(Node {
            ids: &ids[kept..],
            position: position + kept,
            parent: Some(node),
        });
    }

    /// Gives every segment its place: in the order in which rows come to them, and so after its parent.
    fn close(self) -> Packed {
        let mut places: Vec<Option<usize>> = vec![None; self.nodes.len()];
        let mut batch = Packed {
            first: self.first,
            ..Packed::default()
        };
        for &row in &self.rows {
            for node in self.chain(row) {
                if places[node].is_some() {
                    continue;
                }
                let Node {
                    ids,
                    position,
                    parent,
                } = self.nodes[node];
                places[node] = Some(batch.segments.len());
                let start = batch.ids.len();
                batch.ids.extend_from_slice(ids);
                batch
                    .positions
                    .extend((position..position + ids.len()).map(|p| p as u32));
                batch.segments.push(Segment {
                    range: start..batch.ids.len(),
                    position,
                    parent: parent.and_then(|parent| places[parent]),
                });
            }
            batch.rows.push(places[row].unwrap_or_default());
        }
        batch
    }
}

impl Packed {
    /// The segments from the first of a conversation down to `segment`.
    pub fn chain(&self, segment: usize) -> Vec<usize> {
        let mut chain = vec![segment];
        while let Some(parent) = self.segments[chain[chain.len() - 1]].parent {
            chain.push(parent);
        }
        chain.reverse();
        chain
    }

    /// Where the token of that position lies in row `row`.
    pub fn place(&self, row: usize, position: usize) -> Pooled {
        let mut segment = self.rows[row];
        while self.segments[segment].position > position
            && let Some(parent) = self.segments[segment].parent
        {
            segment = parent;
        }
        let own = &self.segments[segment];
        Pooled {
            token: own.range.start + position - own.position,
            segment,
        }
    }
}
