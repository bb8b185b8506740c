//! Attention over packed texts, without a mask and without a matrix of all scores: a few rows of queries at a time, each over the keys
//! that it sees. The sums of a row go along its keys in their order, wherever these lie, so that a score does not depend on what else
//! is in the batch, nor on what was kept from before.
#![expect(
    unsafe_code,
    reason = "pointers into keys and values, whose bounds are checked before the loops"
)]

use std::ops::Range;

use rayon::prelude::*;

use super::matrix::{ByF32, tile};
use super::simd::{Isa, Kernel, LANES, Simd, exp, tanh};

/// Rows of queries (of any head that shares the keys) that attend together; wide registers take as many at once.
const ROWS: usize = 8;
/// Rows of queries that a task takes.
const TASK: usize = 96;

/// Sizes and rules of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
    /// How many tokens a query looks back, itself included.
    pub(super) window: Option<usize>,
    /// Scores never exceed this: `cap · tanh(score / cap)`.
    pub(super) soft_cap: Option<f32>,
}

impl Shape {
    /// Values of a key or value as they lie, a multiple of 16.
    fn room(self) -> usize {
        self.head_dim.next_multiple_of(LANES)
    }
}

/// Keys and values of consecutive tokens, as the loops want them.
#[derive(Debug)]
pub(super) struct KeysValues {
    tokens: usize,
    /// Tokens that there is room for, a multiple of 16.
    slots: usize,
    /// By head, 16 tokens, dimension and token.
    keys: Vec<f32>,
    /// By head, token and dimension.
    values: Vec<f32>,
}

impl KeysValues {
    /// None yet, with room for so many.
    pub(super) fn with_room(shape: Shape, tokens: usize) -> Self {
        let slots = tokens.next_multiple_of(LANES);
        Self {
            tokens: 0,
            slots,
            keys: vec![0.0; shape.kv_heads * slots * shape.head_dim],
            values: vec![0.0; shape.kv_heads * slots * shape.room()],
        }
    }

    /// Bytes of so many tokens.
    pub(super) fn bytes(shape: Shape, tokens: usize) -> usize {
        4 * shape.kv_heads * tokens.next_multiple_of(LANES) * (shape.head_dim + shape.room())
    }

    /// The first `tokens` of these, with room for so many in all.
    pub(super) fn start(&self, shape: Shape, tokens: usize, room: usize) -> Self {
        let mut out = Self::with_room(shape, room.max(tokens));
        out.tokens = tokens;
        let copied = tokens.next_multiple_of(LANES);
        for (to, from, size) in [
            (&mut out.keys, &self.keys, shape.head_dim),
            (&mut out.values, &self.values, shape.room()),
        ] {
            let heads = to.chunks_mut((out.slots * size).max(1));
            for (to, from) in heads.zip(from.chunks((self.slots * size).max(1))) {
                let count = copied * size;
                to[..count].copy_from_slice(&from[..count]);
            }
        }
        out
    }

    /// Adds rows of `kv_heads · head_dim`.
    ///
    /// # Panics
    /// Where there is no room for them.
    pub(super) fn append(&mut self, shape: Shape, keys: &[f32], values: &[f32]) {
        let (d, room, width) = (
            shape.head_dim,
            shape.room(),
            shape.kv_heads * shape.head_dim,
        );
        let rows = keys.chunks_exact(width).zip(values.chunks_exact(width));
        for (keys, values) in rows {
            let slot = self.tokens;
            assert!(slot < self.slots, "room was made before");
            for head in 0..shape.kv_heads {
                let at = head * self.slots * d + slot / LANES * LANES * d + slot % LANES;
                let lane = self.keys[at..].iter_mut().step_by(LANES);
                for (to, key) in lane.zip(&keys[head * d..(head + 1) * d]) {
                    *to = *key;
                }
                let at = (head * self.slots + slot) * room;
                self.values[at..at + d].copy_from_slice(&values[head * d..(head + 1) * d]);
            }
            self.tokens += 1;
        }
    }
}

/// Consecutive queries of a text.
pub(super) struct Span<'a> {
    /// Their rows.
    pub(super) rows: Range<usize>,
    /// How many tokens the first of them sees, itself included.
    pub(super) seen: usize,
    /// The tokens, in their order; the last piece may go on beyond.
    pub(super) pieces: &'a [&'a KeysValues],
}

/// Attention of all spans: queries and what comes of it are rows of `heads · head_dim`.
///
/// # Panics
/// Where rows are missing.
pub(super) fn attend(isa: Isa, shape: Shape, queries: &[f32], spans: &[Span<'_>], out: &mut [f32]) {
    let width = shape.heads * shape.head_dim;
    let shared = shape.heads / shape.kv_heads;
    let at_once = TASK.div_ceil(shared);
    let mut tasks = vec![];
    for span in spans {
        assert!(
            span.rows.end * width <= queries.len().min(out.len()),
            "as many rows everywhere"
        );
        for first in (0..span.rows.len()).step_by(at_once) {
            let count = at_once.min(span.rows.len() - first);
            tasks.extend((0..shape.kv_heads).map(|head| (span, first, count, head)));
        }
    }
    let out = Place(out.as_mut_ptr());
    tasks
        .into_par_iter()
        .for_each(|(span, first, count, head)| {
            isa.run(Block {
                shape,
                queries,
                out: &out,
                pieces: span.pieces,
                row: span.rows.start + first,
                count,
                seen: span.seen + first,
                head,
            });
        });
}

/// Where tasks write, each to rows and heads of its own.
struct Place(*mut f32);

// SAFETY: tasks write to disjoint places only.
unsafe impl Sync for Place {}

/// Some queries of a span, of the heads that share one head of keys.
struct Block<'a> {
    shape: Shape,
    queries: &'a [f32],
    out: &'a Place,
    pieces: &'a [&'a KeysValues],
    row: usize,
    count: usize,
    /// What the first of them sees.
    seen: usize,
    /// The head of keys.
    head: usize,
}

impl Kernel for Block<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let all = self.count * (self.shape.heads / self.shape.kv_heads);
        let keys = self.seen + self.count - 1;
        let stride = keys.next_multiple_of(LANES) + 3 * LANES;
        let mut scores = vec![0.0_f32; ROWS * stride];
        let mut first = 0;
        while first < all {
            first += match (S::WIDE, all - first) {
                (true, 8..) => self.rows::<S, 8>(s, first, &mut scores, stride),
                (true, 4..) => self.rows::<S, 4>(s, first, &mut scores, stride),
                (_, 2..) => self.rows::<S, 2>(s, first, &mut scores, stride),
                _ => self.rows::<S, 1>(s, first, &mut scores, stride),
            };
        }
    }
}

impl Block<'_> {
    /// Where row `index` of the block begins, in queries and in what comes of it, and how many keys it sees.
    #[inline(always)]
    fn place(&self, index: usize) -> (usize, usize) {
        let shared = self.shape.heads / self.shape.kv_heads;
        let (query, head) = (index / shared, self.head * shared + index % shared);
        let at = ((self.row + query) * self.shape.heads + head) * self.shape.head_dim;
        (at, self.seen + query)
    }

    #[inline(always)]
    fn rows<S: Simd, const R: usize>(
        &self,
        s: S,
        first: usize,
        scores: &mut [f32],
        stride: usize,
    ) -> usize {
        let (d, room) = (self.shape.head_dim, self.shape.room());
        let mut a = [std::ptr::null::<u32>(); R];
        let mut seen = [0; R];
        for r in 0..R {
            let (at, end) = self.place(first + r);
            a[r] = self.queries[at..at + d].as_ptr().cast();
            seen[r] = end;
        }
        let end = seen[R - 1];
        let begin = self.shape.window.map_or(0, |w| seen[0].saturating_sub(w));
        // Scores.
        let mut position = 0;
        for piece in self.pieces {
            let slots = piece.slots;
            let keys = &piece.keys[self.head * slots * d..(self.head + 1) * slots * d];
            let len = piece.tokens.min(end.saturating_sub(position));
            let blocks = len.div_ceil(LANES);
            let mut block = begin.saturating_sub(position).min(len) / LANES;
            while block < blocks {
                let to = position + block * LANES;
                if block + 1 < blocks {
                    let b = [
                        keys[block * LANES * d..(block + 1) * LANES * d]
                            .as_ptr()
                            .cast(),
                        keys[(block + 1) * LANES * d..(block + 2) * LANES * d]
                            .as_ptr()
                            .cast(),
                    ];
                    let zero = [[s.splat(0.0); 2]; R];
                    // SAFETY: `d` words of each query and `d` lines of each block of keys.
                    let sums = unsafe { tile::<S, ByF32, R, 2>(s, zero, a, b, LANES, d) };
                    for r in 0..R {
                        store_at(s, scores, r * stride + to, sums[r][0]);
                        store_at(s, scores, r * stride + to + LANES, sums[r][1]);
                    }
                    block += 2;
                } else {
                    let b = [keys[block * LANES * d..(block + 1) * LANES * d]
                        .as_ptr()
                        .cast()];
                    let zero = [[s.splat(0.0); 1]; R];
                    // SAFETY: as above.
                    let sums = unsafe { tile::<S, ByF32, R, 1>(s, zero, a, b, LANES, d) };
                    for r in 0..R {
                        store_at(s, scores, r * stride + to, sums[r][0]);
                    }
                    block += 1;
                }
            }
            position += piece.tokens;
        }
        // What each row makes of them.
        let mut scales = [0.0; R];
        for r in 0..R {
            let from = self.shape.window.map_or(0, |w| seen[r].saturating_sub(w));
            let row = &mut scores[r * stride..(r + 1) * stride];
            row[begin..from].fill(0.0);
            row[seen[r]..end].fill(0.0);
            scales[r] = 1.0 / softmax(s, row, from, seen[r], self.shape.soft_cap);
        }
        // Values.
        let mut column = 0;
        while column < room {
            if column + LANES < room {
                let mut sums = [[s.splat(0.0); 2]; R];
                let mut position = 0;
                for piece in self.pieces {
                    let (skip, len, values) = self.values(piece, position, begin, end);
                    if skip < len {
                        let a = weights_at::<R>(scores, stride, position + skip, len - skip);
                        let b = [
                            &values[skip * room + column..],
                            &values[skip * room + column + LANES..],
                        ];
                        assert!(
                            b[1].len() >= (len - skip - 1) * room + LANES,
                            "rows of values"
                        );
                        let b = [b[0].as_ptr().cast(), b[1].as_ptr().cast()];
                        // SAFETY: so many weights of each row, and so many rows of values.
                        sums = unsafe { tile::<S, ByF32, R, 2>(s, sums, a, b, room, len - skip) };
                    }
                    position += piece.tokens;
                }
                for r in 0..R {
                    let at = self.place(first + r).0;
                    self.write(s, at, column, sums[r][0], scales[r]);
                    self.write(s, at, column + LANES, sums[r][1], scales[r]);
                }
                column += 2 * LANES;
            } else {
                let mut sums = [[s.splat(0.0); 1]; R];
                let mut position = 0;
                for piece in self.pieces {
                    let (skip, len, values) = self.values(piece, position, begin, end);
                    if skip < len {
                        let a = weights_at::<R>(scores, stride, position + skip, len - skip);
                        let b = &values[skip * room + column..];
                        assert!(b.len() >= (len - skip - 1) * room + LANES, "rows of values");
                        // SAFETY: as above.
                        sums = unsafe {
                            tile::<S, ByF32, R, 1>(
                                s,
                                sums,
                                a,
                                [b.as_ptr().cast()],
                                room,
                                len - skip,
                            )
                        };
                    }
                    position += piece.tokens;
                }
                for r in 0..R {
                    let at = self.place(first + r).0;
                    self.write(s, at, column, sums[r][0], scales[r]);
                }
                column += LANES;
            }
        }
        R
    }

    /// The first and the end of a piece's tokens that are seen, and the head's values.
    #[inline(always)]
    fn values<'p>(
        &self,
        piece: &'p KeysValues,
        position: usize,
        begin: usize,
        end: usize,
    ) -> (usize, usize, &'p [f32]) {
        let size = piece.slots * self.shape.room();
        let values = &piece.values[self.head * size..(self.head + 1) * size];
        let len = piece.tokens.min(end.saturating_sub(position));
        (begin.saturating_sub(position).min(len), len, values)
    }

    #[inline(always)]
    fn write<S: Simd>(&self, s: S, at: usize, column: usize, sum: S::F, scale: f32) {
        let wide = LANES.min(self.shape.head_dim.saturating_sub(column));
        let mut whole = [0.0; LANES];
        s.store(&mut whole, s.mul(sum, s.splat(scale)));
        // SAFETY: `attend` has checked that there are as many rows, and nobody else writes this head of this row.
        let to = unsafe { std::slice::from_raw_parts_mut(self.out.0.add(at + column), wide) };
        to.copy_from_slice(&whole[..wide]);
    }
}

/// The rows' weights from a key on.
#[inline(always)]
fn weights_at<const R: usize>(
    scores: &[f32],
    stride: usize,
    from: usize,
    count: usize,
) -> [*const u32; R] {
    let mut a = [std::ptr::null::<u32>(); R];
    for (r, a) in a.iter_mut().enumerate() {
        *a = scores[r * stride + from..r * stride + from + count]
            .as_ptr()
            .cast();
    }
    a
}

#[inline(always)]
fn store_at<S: Simd>(s: S, to: &mut [f32], at: usize, value: S::F) {
    if let Some(to) = to[at..].first_chunk_mut() {
        s.store(to, value);
    }
}

/// Makes `row[from..to]` its exponentials, less the largest, and gives their sum; what follows within 16 becomes zero or stays as it was.
#[inline(always)]
fn softmax<S: Simd>(s: S, row: &mut [f32], from: usize, to: usize, cap: Option<f32>) -> f32 {
    let row = &mut row[from..to];
    if let Some(cap) = cap {
        let (by, times) = (s.splat(1.0 / cap), s.splat(cap));
        for part in row.chunks_mut(LANES) {
            let mut whole = [0.0; LANES];
            whole[..part.len()].copy_from_slice(part);
            let capped = s.mul(tanh(s, s.mul(s.load(&whole), by)), times);
            s.store(&mut whole, capped);
            part.copy_from_slice(&whole[..part.len()]);
        }
    }
    let mut largest = s.splat(f32::NEG_INFINITY);
    let (parts, rest) = row.as_chunks_mut::<LANES>();
    for part in &*parts {
        largest = s.max(s.load(part), largest);
    }
    let mut last = [f32::NEG_INFINITY; LANES];
    last[..rest.len()].copy_from_slice(rest);
    largest = s.max(s.load(&last), largest);
    let less = s.splat(s.largest(largest));
    let mut sum = s.splat(0.0);
    for part in parts {
        let power = exp(s, s.sub(s.load(part), less));
        sum = s.add(sum, power);
        s.store(part, power);
    }
    if !rest.is_empty() {
        let power = exp(s, s.sub(s.load(&last), less));
        let mut whole = [0.0; LANES];
        s.store(&mut whole, power);
        whole[rest.len()..].fill(0.0);
        sum = s.add(sum, s.load(&whole));
        rest.copy_from_slice(&whole[..rest.len()]);
    }
    s.sum(sum)
}
