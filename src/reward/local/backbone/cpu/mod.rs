//! The decoder on the CPU: its own products, attention and norms, in place of an operation of candle's for each.
//!
//! Texts lie one after another without padding. A layer is two passes over them, each split among the threads by rows (by outputs,
//! where there are few rows): norm, queries, keys and values, rotated; then, after attention, its output, norm and feed-forward
//! part, added to what went in. A thread takes some hundred rows through the whole of a pass, so that they stay in its cache.
#![expect(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "what is not inlined into a function with the instructions is compiled without them, closures and iterators first of all"
)]

mod attention;
mod kept;
mod matrix;
mod rows;
mod simd;

use rayon::prelude::*;

pub(crate) use self::kept::{Kept, Memory};
pub use self::matrix::{Kind, Matrix};
pub use self::simd::Isa;

use self::attention::{KeysValues, Shape, Span, attend};
use self::matrix::{Glu, Input, Then};
use self::rows::{Norm, NormInPlace, Rotate};
use super::linear::Loader;
use crate::reward::RewardError;
use crate::reward::batch::{Packed, Pooled};
use crate::reward::local::config::DecoderConfig;
use crate::task::Cancel;

/// Most rows that a thread takes through a pass at once; tiles of 6 and of 8 rows fit in.
const CHUNK: usize = 120;
/// With fewer rows for each thread, they share outputs instead.
const FEW: usize = 24;

/// How each kind of matrix is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Queries and keys.
    pub query_key: Kind,
    /// Values.
    pub value: Kind,
    /// The output of attention.
    pub output: Kind,
    /// The two that widen the feed-forward part.
    pub gate_up: Kind,
    /// The one that narrows it.
    pub down: Kind,
}

/// What `auto` takes where there are instructions for 8 bits: these for the two matrices that widen the feed-forward part, half of the work
/// and a quarter of the errors; bf16 for the others. Measured with SmolLM2-135M and a fitted head on 576 pairs of hh-harmless-test
/// (`tests/speed/precision.rs`; decisions otherwise than in f32, root mean square of what margins are apart):
///
/// | kept in | turned | margins |
/// |--|--:|--:|
/// | bf16 | 1.2 % | 0.017 |
/// | 8 bits | 5.4 % | 0.100 |
/// | 8 bits, queries and keys in bf16 | 4.3 % | 0.087 |
/// | 8 bits, values in bf16 | 3.5 % | 0.082 |
/// | 8 bits, outputs in bf16 | 4.0 % | 0.094 |
/// | 8 bits, what widens in bf16 | 4.0 % | 0.086 |
/// | 8 bits, what narrows in bf16 | 3.1 % | 0.085 |
pub const AUTO: Parts = Parts {
    gate_up: Kind::Int8,
    ..Parts::all(Kind::Bf16)
};

impl Parts {
    /// A name for reports: that of the kind, or of both with the parts in bf16.
    pub fn name(self) -> String {
        let all = [
            ("qk", self.query_key),
            ("v", self.value),
            ("o", self.output),
            ("gate-up", self.gate_up),
            ("down", self.down),
        ];
        let of = |kind: Kind| {
            let parts = all.iter().filter(|(_, own)| *own == kind);
            parts.map(|(name, _)| *name).collect::<Vec<_>>().join(",")
        };
        let kinds = [
            (Kind::Int8, "int8"),
            (Kind::Bf16, "bf16"),
            (Kind::F32, "f32"),
        ];
        if let Some((_, name)) = kinds.iter().find(|(kind, _)| self == Self::all(*kind)) {
            return (*name).to_owned();
        }
        let used = kinds.iter().filter(|(kind, _)| !of(*kind).is_empty());
        let names = used.map(|(kind, name)| match kind {
            Kind::Int8 => (*name).to_owned(),
            _ => format!("{name}({})", of(*kind)),
        });
        names.collect::<Vec<_>>().join("+")
    }

    /// All alike.
    pub const fn all(kind: Kind) -> Self {
        Self {
            query_key: kind,
            value: kind,
            output: kind,
            gate_up: kind,
            down: kind,
        }
    }
}

/// Embedding, layers and final norm.
#[derive(Debug)]
pub(crate) struct CpuDecoder {
    config: DecoderConfig,
    isa: Isa,
    embedding: Embedding,
    layers: Vec<Layer>,
    norm: Vec<f32>,
}

/// A row for each token.
enum Embedding {
    F32(Vec<f32>),
    Bf16(Vec<u16>),
}

impl std::fmt::Debug for Embedding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32(_) => "F32",
            Self::Bf16(_) => "Bf16",
        })
    }
}

/// A matrix and its bias, filled up to whole blocks.
#[derive(Debug)]
struct Linear {
    weight: Matrix,
    bias: Option<Vec<f32>>,
}

impl Linear {
    fn bias(&self) -> Option<&[f32]> {
        self.bias.as_deref()
    }
}

#[derive(Debug)]
struct Layer {
    shape: Shape,
    attention_norm: Vec<f32>,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    /// Norms of queries and keys, head by head.
    head_norms: Option<(Vec<f32>, Vec<f32>)>,
    mlp_norm: Vec<f32>,
    /// Norms of what attention and the feed-forward part give.
    end_norms: Option<(Vec<f32>, Vec<f32>)>,
    gate_up: Linear,
    down: Linear,
}

/// What a thread computes in.
#[derive(Default)]
struct Room {
    normed: Vec<f32>,
    wide: Vec<f32>,
    inputs: [Input; 3],
}

impl Room {
    /// Rows of `inputs`, for matrices of these kinds.
    fn take(&mut self, isa: Isa, x: &[f32], inputs: usize, kinds: &[Kind]) {
        for kind in [Kind::F32, Kind::Bf16, Kind::Int8] {
            if kinds.contains(&kind) {
                self.inputs[kind as usize].set(isa, kind, x, inputs);
            }
        }
    }

    /// [`Room::take`] of rows after a norm.
    fn take_normed(&mut self, isa: Isa, x: &[f32], norm: &[f32], eps: f32, kinds: &[Kind]) {
        let mut normed = std::mem::take(&mut self.normed);
        normed.resize(x.len(), 0.0);
        isa.run(Norm {
            x,
            weight: norm,
            eps,
            out: &mut normed,
        });
        self.take(isa, &normed, norm.len(), kinds);
        self.normed = normed;
    }

    fn input(&self, kind: Kind) -> &Input {
        &self.inputs[kind as usize]
    }
}

/// Cosines and sines by position.
struct Angles {
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl CpuDecoder {
    /// Reads the weights; `decoder::check` has gone before.
    pub(crate) fn load(
        config: &DecoderConfig,
        loader: &Loader<'_>,
        parts: Parts,
        isa: Isa,
    ) -> Result<Self, RewardError> {
        let c = config;
        let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let vector = |name: &str, size: usize| loader.weights.f32(name, &[size]);
        let norm = |name: &str, size: usize| {
            let mut weights = vector(&format!("{name}.weight"), size)?;
            if c.family.norms_from_one() {
                for weight in &mut weights {
                    *weight += 1.0;
                }
            }
            Ok::<_, RewardError>(weights)
        };
        let whole = |mut bias: Vec<f32>| {
            bias.resize(bias.len().next_multiple_of(simd::LANES), 0.0);
            bias
        };
        let layer = |i: usize| {
            let name = |part: &str| format!("model.layers.{i}.{part}");
            let values = |part: &str, outputs, inputs| {
                loader.values(&format!("{}.weight", name(part)), &[outputs, inputs])
            };
            let bias = |part: &str, outputs, there: bool| {
                there
                    .then(|| vector(&format!("{}.bias", name(part)), outputs).map(whole))
                    .transpose()
            };
            let linear = |kind, part: &str, outputs, inputs, biased| {
                Ok::<_, RewardError>(Linear {
                    weight: Matrix::new(kind, &values(part, outputs, inputs)?, outputs, inputs),
                    bias: bias(part, outputs, biased)?,
                })
            };
            let both_ends = c.family.norms_both_ends();
            let before_mlp = if both_ends {
                "pre_feedforward_layernorm"
            } else {
                "post_attention_layernorm"
            };
            let gate = values("mlp.gate_proj", c.intermediate, c.hidden)?;
            let up = values("mlp.up_proj", c.intermediate, c.hidden)?;
            let gate_bias = bias("mlp.gate_proj", c.intermediate, c.mlp_bias)?;
            let up_bias = bias("mlp.up_proj", c.intermediate, c.mlp_bias)?;
            let twins = gate_bias.zip(up_bias).map(|(gate, up)| {
                let blocks = gate.chunks(simd::LANES).zip(up.chunks(simd::LANES));
                blocks.flat_map(|(g, u)| [g, u].concat()).collect()
            });
            Ok(Layer {
                shape: Shape {
                    heads: c.heads,
                    kv_heads: c.kv_heads,
                    head_dim: c.head_dim,
                    window: c.windows.get(i).copied().flatten(),
                    soft_cap: c.soft_cap.map(|cap| cap as f32),
                },
                attention_norm: norm(&name("input_layernorm"), c.hidden)?,
                query: linear(parts.query_key, "self_attn.q_proj", q, c.hidden, c.qkv_bias)?,
                key: linear(
                    parts.query_key,
                    "self_attn.k_proj",
                    kv,
                    c.hidden,
                    c.qkv_bias,
                )?,
                value: linear(parts.value, "self_attn.v_proj", kv, c.hidden, c.qkv_bias)?,
                output: linear(parts.output, "self_attn.o_proj", c.hidden, q, c.output_bias)?,
                head_norms: if c.family.norms_queries() {
                    let query = norm(&name("self_attn.q_norm"), c.head_dim)?;
                    Some((query, norm(&name("self_attn.k_norm"), c.head_dim)?))
                } else {
                    None
                },
                mlp_norm: norm(&name(before_mlp), c.hidden)?,
                end_norms: if both_ends {
                    let attention = norm(&name("post_attention_layernorm"), c.hidden)?;
                    Some((
                        attention,
                        norm(&name("post_feedforward_layernorm"), c.hidden)?,
                    ))
                } else {
                    None
                },
                gate_up: Linear {
                    weight: Matrix::twins(parts.gate_up, &gate, &up, c.intermediate, c.hidden),
                    bias: twins,
                },
                down: linear(
                    parts.down,
                    "mlp.down_proj",
                    c.hidden,
                    c.intermediate,
                    c.mlp_bias,
                )?,
            })
        };
        let values = loader
            .weights
            .f32("model.embed_tokens.weight", &[c.vocab, c.hidden])?;
        Ok(Self {
            embedding: if parts == Parts::all(Kind::F32) {
                Embedding::F32(values)
            } else {
                Embedding::Bf16(values.into_par_iter().map(simd::to_bf16).collect())
            },
            layers: (0..c.layers)
                .map(layer)
                .collect::<Result<_, RewardError>>()?,
            norm: norm("model.norm", c.hidden)?,
            config: config.clone(),
            isa,
        })
    }

    /// Hidden states after the final norm, row after row of `hidden`, one for each pooled token. Of a text that goes on from `kept`,
    /// the batch holds the rest only; its keys and values are added there.
    ///
    /// # Panics
    /// Where `kept` has no room for the batch's one text.
    pub(crate) fn forward(
        &self,
        batch: &Packed,
        pooled: &[Pooled],
        mut kept: Option<&mut Kept>,
        cancel: &Cancel,
    ) -> Result<Vec<f32>, RewardError> {
        let c = &self.config;
        let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let angles = self.angles(&batch.positions);
        let mut x = self.embed(&batch.ids);
        let mut rows = Rows::new(batch.ids.len(), q, kv);
        let chains: Vec<Vec<usize>> = (0..batch.segments.len()).map(|s| batch.chain(s)).collect();
        for (index, layer) in self.layers.iter().enumerate() {
            if cancel.is_cancelled() {
                return Err(RewardError::Cancelled);
            }
            let last = index + 1 == self.layers.len();
            self.before_attention(layer, &x, &batch.positions, &angles, &mut rows, !last);
            let texts: Vec<KeysValues>;
            let pieces: Vec<Vec<&KeysValues>> = if let Some(kept) = &mut kept {
                let own = &mut kept.layers[index];
                own.append(layer.shape, &rows.keys, &rows.values);
                vec![vec![own]]
            } else {
                texts = batch
                    .segments
                    .par_iter()
                    .map(|segment| {
                        let range = segment.range.start * kv..segment.range.end * kv;
                        let mut text = KeysValues::with_room(layer.shape, segment.range.len());
                        text.append(layer.shape, &rows.keys[range.clone()], &rows.values[range]);
                        text
                    })
                    .collect();
                let chains = chains.iter();
                chains
                    .map(|chain| chain.iter().map(|s| &texts[*s]).collect())
                    .collect()
            };
            let spans: Vec<Span<'_>> = if last {
                // Only the pooled tokens ask, and only they go on.
                let own = |p: &Pooled| x[p.token * c.hidden..(p.token + 1) * c.hidden].to_vec();
                let asking: Vec<f32> = pooled.iter().flat_map(own).collect();
                let positions: Vec<u32> = pooled.iter().map(|p| batch.positions[p.token]).collect();
                x = asking;
                self.queries_of_some(layer, &x, &positions, &angles, &mut rows);
                let one = |(row, p): (usize, &Pooled)| Span {
                    rows: row..row + 1,
                    seen: positions[row] as usize + 1,
                    pieces: &pieces[p.segment],
                };
                pooled.iter().enumerate().map(one).collect()
            } else {
                let mut spans = Vec::with_capacity(pieces.len());
                for (segment, pieces) in batch.segments.iter().zip(&pieces) {
                    spans.push(Span {
                        rows: segment.range.clone(),
                        seen: segment.position + 1,
                        pieces,
                    });
                }
                spans
            };
            rows.attended.resize(x.len() / c.hidden * q, 0.0);
            attend(
                self.isa,
                layer.shape,
                &rows.queries,
                &spans,
                &mut rows.attended,
            );
            self.after_attention(layer, &mut x, &mut rows);
        }
        let mut out = vec![0.0; x.len()];
        self.isa.run(Norm {
            x: &x,
            weight: &self.norm,
            eps: c.eps,
            out: &mut out,
        });
        Ok(out)
    }

    /// Keys and values kept of the first `tokens` of what `from` has, if anything, with room for `room` in all.
    pub(crate) fn kept(&self, from: Option<&Kept>, tokens: usize, room: usize) -> Kept {
        let layers = self.layers.par_iter().enumerate();
        Kept {
            ids: from.map_or_else(Vec::new, |kept| kept.ids[..tokens].to_vec()),
            layers: layers
                .map(|(index, layer)| match from {
                    Some(kept) => kept.layers[index].start(layer.shape, tokens, room),
                    None => KeysValues::with_room(layer.shape, room),
                })
                .collect(),
            bytes: self.layers.len()
                * self
                    .layers
                    .first()
                    .map_or(0, |l| KeysValues::bytes(l.shape, room)),
        }
    }

    fn embed(&self, ids: &[u32]) -> Vec<f32> {
        let size = self.config.hidden;
        let mut x = vec![0.0; ids.len() * size];
        for (id, row) in ids.iter().zip(x.chunks_exact_mut(size)) {
            let at = *id as usize * size..(*id as usize + 1) * size;
            match &self.embedding {
                Embedding::F32(values) => row.copy_from_slice(&values[at]),
                Embedding::Bf16(values) => {
                    for (to, from) in row.iter_mut().zip(&values[at]) {
                        *to = f32::from_bits(u32::from(*from) << 16);
                    }
                }
            }
        }
        if self.config.family.scales_embeddings() {
            let scale = (size as f64).sqrt() as f32;
            for x in &mut x {
                *x *= scale;
            }
        }
        x
    }

    /// Of all positions up to the last.
    fn angles(&self, positions: &[u32]) -> Angles {
        let end = positions.iter().max().map_or(0, |last| last + 1);
        let all = || {
            let frequencies = &self.config.frequencies;
            (0..end)
                .into_par_iter()
                .flat_map_iter(move |p| frequencies.iter().map(move |f| p as f32 * f))
        };
        Angles {
            cos: all().map(f32::cos).collect(),
            sin: all().map(f32::sin).collect(),
        }
    }

    /// How many rows a thread takes, and whether threads share outputs instead.
    fn split(rows: usize) -> (usize, bool) {
        let threads = rayon::current_num_threads();
        if threads == 1 {
            (CHUNK, false)
        } else if rows < FEW * threads {
            (rows.max(1), true)
        } else {
            let even = rows.div_ceil(threads).next_multiple_of(FEW);
            (even.min(CHUNK), false)
        }
    }

    /// Keys and values of all rows, and their queries if they ask.
    fn before_attention(
        &self,
        layer: &Layer,
        x: &[f32],
        positions: &[u32],
        angles: &Angles,
        rows: &mut Rows,
        asking: bool,
    ) {
        let c = &self.config;
        let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let (chunk, apart) = Self::split(positions.len());
        rows.rooms
            .resize_with(positions.len().div_ceil(chunk), Room::default);
        let kinds = [layer.query.weight.kind(), layer.value.weight.kind()];
        x.par_chunks(chunk * c.hidden)
            .zip(positions.par_chunks(chunk))
            .zip(rows.queries.par_chunks_mut(chunk * q))
            .zip(rows.keys.par_chunks_mut(chunk * kv))
            .zip(rows.values.par_chunks_mut(chunk * kv))
            .zip(&mut rows.rooms)
            .for_each(|(((((x, positions), queries), keys), values), room)| {
                room.take_normed(self.isa, x, &layer.attention_norm, c.eps, &kinds);
                let n = positions.len();
                self.linear(&layer.key, room, n, keys, apart);
                self.turn(
                    keys,
                    layer.head_norms.as_ref().map(|n| &n.1),
                    positions,
                    angles,
                    1.0,
                );
                self.linear(&layer.value, room, n, values, apart);
                if asking {
                    self.linear(&layer.query, room, n, queries, apart);
                    self.turn(
                        queries,
                        layer.head_norms.as_ref().map(|n| &n.0),
                        positions,
                        angles,
                        c.query_scale as f32,
                    );
                }
            });
    }

    /// Queries of these rows only.
    fn queries_of_some(
        &self,
        layer: &Layer,
        x: &[f32],
        positions: &[u32],
        angles: &Angles,
        rows: &mut Rows,
    ) {
        let c = &self.config;
        rows.queries
            .resize(positions.len() * c.heads * c.head_dim, 0.0);
        rows.rooms
            .resize_with(rows.rooms.len().max(1), Room::default);
        let room = &mut rows.rooms[0];
        room.take_normed(
            self.isa,
            x,
            &layer.attention_norm,
            c.eps,
            &[layer.query.weight.kind()],
        );
        self.linear(&layer.query, room, positions.len(), &mut rows.queries, true);
        let norm = layer.head_norms.as_ref().map(|n| &n.0);
        self.turn(
            &mut rows.queries,
            norm,
            positions,
            angles,
            c.query_scale as f32,
        );
    }

    /// What attention gave goes through its output and the feed-forward part, each added to `x`.
    fn after_attention(&self, layer: &Layer, x: &mut [f32], rows: &mut Rows) {
        let c = &self.config;
        let q = c.heads * c.head_dim;
        let n = x.len() / c.hidden;
        let (chunk, apart) = Self::split(n);
        rows.rooms
            .resize_with(n.div_ceil(chunk).max(1), Room::default);
        x.par_chunks_mut(chunk * c.hidden)
            .zip(rows.attended.par_chunks(chunk * q))
            .zip(&mut rows.rooms)
            .for_each(|((x, attended), room)| {
                let n = x.len() / c.hidden;
                room.take(self.isa, attended, q, &[layer.output.weight.kind()]);
                let end_norms = layer.end_norms.as_ref();
                self.add(&layer.output, room, n, x, end_norms.map(|n| &n.0), apart);
                let gate_up = &layer.gate_up;
                room.take_normed(
                    self.isa,
                    x,
                    &layer.mlp_norm,
                    c.eps,
                    &[gate_up.weight.kind()],
                );
                let mut wide = std::mem::take(&mut room.wide);
                wide.resize(n * c.intermediate, 0.0);
                let glu = Then::Glu(Glu {
                    width: c.intermediate,
                    gelu: c.family.gelu(),
                    bias: gate_up.bias(),
                });
                gate_up.weight.multiply(
                    self.isa,
                    room.input(gate_up.weight.kind()),
                    n,
                    &mut wide,
                    &glu,
                    apart,
                );
                room.take(self.isa, &wide, c.intermediate, &[layer.down.weight.kind()]);
                room.wide = wide;
                self.add(&layer.down, room, n, x, end_norms.map(|n| &n.1), apart);
            });
    }

    /// Writes a product.
    fn linear(&self, linear: &Linear, room: &Room, n: usize, out: &mut [f32], apart: bool) {
        let input = room.input(linear.weight.kind());
        let then = Then::Put(linear.bias());
        linear
            .weight
            .multiply(self.isa, input, n, out, &then, apart);
    }

    /// Adds a product, after its norm if there is one.
    fn add(
        &self,
        linear: &Linear,
        room: &Room,
        n: usize,
        x: &mut [f32],
        norm: Option<&Vec<f32>>,
        apart: bool,
    ) {
        let input = room.input(linear.weight.kind());
        let Some(norm) = norm else {
            let then = Then::Add(linear.bias());
            linear.weight.multiply(self.isa, input, n, x, &then, apart);
            return;
        };
        let mut out = vec![0.0; x.len()];
        self.linear(linear, room, n, &mut out, apart);
        self.isa.run(NormInPlace {
            x: &mut out,
            weight: norm,
            eps: self.config.eps,
        });
        x.iter_mut().zip(out).for_each(|(x, out)| *x += out);
    }

    /// Norm, rotation and scale of heads.
    fn turn(
        &self,
        x: &mut [f32],
        norm: Option<&Vec<f32>>,
        positions: &[u32],
        angles: &Angles,
        scale: f32,
    ) {
        if let Some(weight) = norm {
            self.isa.run(NormInPlace {
                x,
                weight,
                eps: self.config.eps,
            });
        }
        let half = self.config.head_dim / 2;
        self.isa.run(Rotate {
            heads: x.len() / positions.len().max(1) / (2 * half),
            x,
            half,
            positions,
            cos: &angles.cos,
            sin: &angles.sin,
            scale,
        });
    }
}

/// What the layers of a batch compute in, one after the other.
struct Rows {
    rooms: Vec<Room>,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    attended: Vec<f32>,
}

impl Rows {
    fn new(n: usize, q: usize, kv: usize) -> Self {
        Self {
            rooms: vec![],
            queries: vec![0.0; n * q],
            keys: vec![0.0; n * kv],
            values: vec![0.0; n * kv],
            attended: vec![],
        }
    }
}
