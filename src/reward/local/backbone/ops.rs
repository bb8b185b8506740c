//! Operations that candle has only in slower forms on the CPU: softmax under a causal mask, and `SwiGLU`.

use candle_core::{CpuStorage, CustomOp2, DType, InplaceOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Softmax over the last dimension of `scores` `[groups, queries, heads, keys]`, where query `i` sees all but the last
/// `queries - 1 - i` keys, and of those the last `window` only, where there is one.
pub(crate) fn causal_softmax(scores: Tensor, window: Option<usize>) -> Result<Tensor> {
    let (_, queries, heads, keys) = scores.dims4()?;
    // Sums of many small numbers need more digits than these types have.
    if scores.dtype() != DType::F32 {
        let weights = causal_softmax(scores.to_dtype(DType::F32)?, window)?;
        return weights.to_dtype(scores.dtype());
    }
    if scores.device().is_cpu() {
        scores.inplace_op1(&CausalSoftmax {
            queries,
            heads,
            keys,
            window,
        })?;
        return Ok(scores);
    }
    if queries == 1 && window.is_none_or(|w| w >= keys) {
        return candle_nn::ops::softmax_last_dim(&scores);
    }
    let mask: Vec<f32> = (0..queries)
        .flat_map(|i| {
            (0..keys).map(move |k| {
                let end = keys + i + 1 - queries;
                if k >= end || window.is_some_and(|w| k + w < end) {
                    f32::NEG_INFINITY
                } else {
                    0.0
                }
            })
        })
        .collect();
    let mask = Tensor::from_vec(mask, (queries, 1, keys), scores.device())?;
    candle_nn::ops::softmax_last_dim(&scores.broadcast_add(&mask)?)
}

/// `silu(gate) · up`, both `[n, width]`.
pub(crate) fn swiglu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    if gate.device().is_cpu() && gate.dtype() == DType::F32 {
        gate.apply_op2_no_bwd(up, &SwiGlu)
    } else {
        gate.silu()? * up
    }
}

struct CausalSoftmax {
    queries: usize,
    heads: usize,
    keys: usize,
    window: Option<usize>,
}

impl InplaceOp1 for CausalSoftmax {
    fn name(&self) -> &'static str {
        "causal-softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let CpuStorage::F32(values) = storage else {
            candle_core::bail!("causal softmax wants f32");
        };
        let Some((from, to)) = layout.contiguous_offsets() else {
            candle_core::bail!("causal softmax wants contiguous scores");
        };
        let rows = values[from..to]
            .par_chunks_mut(self.keys)
            .enumerate()
            .with_min_len(32);
        rows.for_each(|(index, row)| {
            let query = index / self.heads % self.queries;
            let (seen, hidden) = row.split_at_mut(self.keys - (self.queries - 1 - query));
            let past = self.window.map_or(0, |w| seen.len().saturating_sub(w));
            let (past, seen) = seen.split_at_mut(past);
            softmax(seen);
            past.fill(0.0);
            hidden.fill(0.0);
        });
        Ok(())
    }
}

/// Lanes that the compiler turns into vector registers.
const LANES: usize = 8;

fn softmax(row: &mut [f32]) {
    let mut largest = [f32::NEG_INFINITY; LANES];
    let chunks = row.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (a, &b) in largest.iter_mut().zip(chunk) {
            *a = if b > *a { b } else { *a };
        }
    }
    let largest = largest
        .iter()
        .chain(rest)
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0.0; LANES];
    let mut chunks = row.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *value = exp(*value - largest);
            *sum += *value;
        }
    }
    let mut sum: f32 = sums.iter().sum();
    for value in chunks.into_remainder() {
        *value = exp(*value - largest);
        sum += *value;
    }
    let scale = 1.0 / sum;
    for value in row {
        *value *= scale;
    }
}

struct SwiGlu;

impl CustomOp2 for SwiGlu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(
        &self,
        gate: &CpuStorage,
        gate_layout: &Layout,
        up: &CpuStorage,
        up_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (CpuStorage::F32(gate), CpuStorage::F32(up)) = (gate, up) else {
            candle_core::bail!("swiglu wants f32");
        };
        let (Some(g), Some(u)) = (
            gate_layout.contiguous_offsets(),
            up_layout.contiguous_offsets(),
        ) else {
            candle_core::bail!("swiglu wants contiguous values");
        };
        let (gate, up) = (&gate[g.0..g.1], &up[u.0..u.1]);
        let mut out = vec![0.0; gate.len()];
        out.par_chunks_mut(4096)
            .zip(gate.par_chunks(4096).zip(up.par_chunks(4096)))
            .for_each(|(out, (gate, up))| {
                for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                    *out = gate / (1.0 + exp(-gate)) * up;
                }
            });
        Ok((CpuStorage::F32(out), gate_layout.shape().clone()))
    }
}

/// e^x to within 2 units in the last place, without branches or calls, so that loops over it become vector code. Cephes' `expf`
/// (Moshier): x = n·ln 2 + r, a polynomial of r, and n put into the exponent. Clamped to the normal range.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2^23: adding it leaves the rounded number in the low bits
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let coefficients = [
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    let tail = coefficients
        .iter()
        .fold(1.987_569_2e-4, |sum, c| sum * r + c);
    let mantissa = tail * r * r + r + 1.0;
    let power = shifted
        .to_bits()
        .wrapping_sub(ROUND.to_bits())
        .wrapping_add(127)
        << 23;
    mantissa * f32::from_bits(power)
}

/// `x` / root mean square, times `weight`, over the last dimension.
pub(crate) fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    candle_nn::ops::rms_norm(x, weight, eps)
}

/// Rotates `x` `[n, heads, size]` by the angles of each token, given as `[n, 1, size / 2]`: the halves of a head are the two
/// coordinates, as Hugging Face has them.
pub(crate) fn rotate(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    // A batch of n texts of one token, because candle works on texts in parallel.
    candle_nn::rotary_emb::rope_thd(&x.unsqueeze(1)?, cos, sin)?.squeeze(1)
}
