//! Products with 8-bit weights and 8-bit activations, on processors that multiply and add four bytes at once (AVX-512 VNNI).
//!
//! Both sides are cut into groups of 64 along the inner dimension, each with a scale of its own: a large value costs its own group its
//! digits only. Weights are stored from 0 to 255 with 128 for zero, as the instruction wants one side without a sign; what that adds is taken
//! off again by the sum of the activations.
#![expect(
    unsafe_code,
    reason = "instructions of the processor, checked for before, on memory whose bounds are checked before"
)]

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape};
use rayon::prelude::*;

/// Values that share a scale.
const GROUP: usize = 64;
/// Outputs that one register holds.
const LANES: usize = 16;
/// Bytes of an inner product that one instruction takes.
const QUAD: usize = 4;
/// Rows and registers of outputs that are computed together: as many as registers hold.
const TILE_ROWS: usize = 6;
const TILE_BLOCKS: usize = 2;

/// A line of the cache: four values of each of 16 outputs.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([u8; LANES * QUAD]);

/// A matrix `[outputs, inputs]` of 8-bit weights.
pub struct Int8Matrix {
    outputs: usize,
    inputs: usize,
    groups: usize,
    /// By block of 16 outputs, group, and four inputs.
    lines: Vec<Line>,
    /// By block, group and output.
    scales: Vec<f32>,
}

impl std::fmt::Debug for Int8Matrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Int8Matrix({} x {})", self.outputs, self.inputs)
    }
}

/// Rows of activations.
struct Activations {
    /// By row and group.
    values: Vec<i8>,
    /// By row and group.
    scales: Vec<f32>,
    /// What 128 for zero has added, to be taken off; by row and group.
    offsets: Vec<i32>,
}

/// Whether this processor has the instructions.
pub fn is_here() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

impl Int8Matrix {
    /// Quantises `values`, row after row of `outputs`, each of `inputs`.
    ///
    /// # Panics
    /// Where `values` are not as many, there are no inputs, or the processor has not the instructions ([`is_here`]).
    pub fn new(values: &[f32], outputs: usize, inputs: usize) -> Self {
        assert!(
            is_here() && inputs > 0 && values.len() == outputs * inputs,
            "checked before"
        );
        let (blocks, groups) = (outputs.div_ceil(LANES), inputs.div_ceil(GROUP));
        let steps = GROUP / QUAD;
        let mut lines = vec![Line([128; LANES * QUAD]); blocks * groups * steps];
        let mut scales = vec![0.0; blocks * groups * LANES];
        for (output, row) in values.chunks(inputs).enumerate() {
            let (block, lane) = (output / LANES, output % LANES);
            for (group, part) in row.chunks(GROUP).enumerate() {
                let mut eight = [0_i8; GROUP];
                let (scale, _) = quantised(part, &mut eight);
                scales[(block * groups + group) * LANES + lane] = scale;
                let first = (block * groups + group) * steps;
                for (step, four) in eight.chunks_exact(QUAD).enumerate() {
                    let to = &mut lines[first + step].0[lane * QUAD..(lane + 1) * QUAD];
                    for (to, value) in to.iter_mut().zip(four) {
                        *to = (i32::from(*value) + 128) as u8;
                    }
                }
            }
        }
        Self {
            outputs,
            inputs,
            groups,
            lines,
            scales,
        }
    }

    /// `x · Wᵀ` of whole rows of `inputs`: rows of `outputs`.
    ///
    /// # Panics
    /// Where the processor has not the instructions ([`is_here`]), or a row is not whole.
    pub fn product(&self, x: &[f32]) -> Vec<f32> {
        assert!(
            is_here() && x.len().is_multiple_of(self.inputs),
            "checked before"
        );
        let rows = x.len() / self.inputs;
        let activations = Activations::new(x, self.inputs, self.groups);
        let mut out = vec![0.0_f32; rows * self.outputs];
        let to = Columns(out.as_mut_ptr());
        let blocks = self.outputs.div_ceil(LANES);
        (0..blocks.div_ceil(TILE_BLOCKS))
            .into_par_iter()
            .for_each(|pair| {
                let first = pair * TILE_BLOCKS;
                let count = TILE_BLOCKS.min(blocks - first);
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the processor has the instructions, or no such matrix is made; every task writes other columns of `out`, which
                // lives until all are done.
                unsafe {
                    kernel::columns(self, &activations, first, count, rows, &to);
                }
                #[cfg(not(target_arch = "x86_64"))]
                let _ = (&to, first, count, &activations);
            });
        out
    }
}

/// Where tasks write, each to columns of its own.
struct Columns(*mut f32);

// SAFETY: tasks write to disjoint places only.
unsafe impl Sync for Columns {}

/// A group of at most 64 values in 8 bits, the rest zeros: its scale, and the sum of what is written to the 64 places of `to`. The largest
/// becomes 127, or -127; nothing but zeros has the scale 0; what is no number makes the group none.
fn quantised(part: &[f32], to: &mut [i8]) -> (f32, i32) {
    let mut whole = [0.0_f32; GROUP];
    whole[..part.len()].copy_from_slice(part);
    #[cfg(target_arch = "x86_64")]
    if is_here() {
        // SAFETY: the processor has the instructions.
        return unsafe { kernel::quantised(&whole, to) };
    }
    to.fill(0);
    (f32::NAN, 0)
}

impl Activations {
    fn new(x: &[f32], inputs: usize, groups: usize) -> Self {
        let rows = x.len() / inputs;
        let width = groups * GROUP;
        let mut values = vec![0_i8; rows * width];
        let mut scales = vec![0.0; rows * groups];
        let mut offsets = vec![0; rows * groups];
        x.par_chunks(inputs)
            .zip(values.par_chunks_mut(width))
            .zip(
                scales
                    .par_chunks_mut(groups)
                    .zip(offsets.par_chunks_mut(groups)),
            )
            .for_each(|((row, values), (scales, offsets))| {
                let parts = row.chunks(GROUP).zip(values.chunks_exact_mut(GROUP));
                for ((part, values), (scale, offset)) in
                    parts.zip(scales.iter_mut().zip(offsets.iter_mut()))
                {
                    let (own, sum) = quantised(part, values);
                    *scale = own;
                    *offset = -128 * sum;
                }
            });
        Self {
            values,
            scales,
            offsets,
        }
    }
}

impl CustomOp1 for &Int8Matrix {
    fn name(&self) -> &'static str {
        "int8-product"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = layout.shape().dims2()?;
        let CpuStorage::F32(values) = storage else {
            candle_core::bail!("8-bit products take f32 only");
        };
        let Some((from, to)) = layout.contiguous_offsets() else {
            candle_core::bail!("8-bit products take whole rows only");
        };
        if inputs != self.inputs {
            candle_core::bail!("{inputs} inputs for a matrix of {}", self.inputs);
        }
        let out = self.product(&values[from..to]);
        Ok((CpuStorage::F32(out), Shape::from((rows, self.outputs))))
    }
}

#[cfg(target_arch = "x86_64")]
mod kernel {
    use std::arch::x86_64::{
        _CMP_UNORD_Q, _mm_storeu_si128, _mm512_abs_ps, _mm512_add_epi32, _mm512_cmp_ps_mask,
        _mm512_cvtepi32_ps, _mm512_cvtps_epi32, _mm512_cvtsepi32_epi8, _mm512_dpbusd_epi32,
        _mm512_fmadd_ps, _mm512_load_si512, _mm512_loadu_ps, _mm512_mask_storeu_ps,
        _mm512_max_epi32, _mm512_max_ps, _mm512_mul_ps, _mm512_reduce_add_epi32,
        _mm512_reduce_max_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_setzero_si512,
    };

    use super::{Activations, Columns, GROUP, Int8Matrix, LANES, QUAD, TILE_BLOCKS, TILE_ROWS};

    /// A group in 8 bits: its scale, and the sum of what is written to `to`, which has its 64 places.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW and VNNI.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn quantised(part: &[f32; GROUP], to: &mut [i8]) -> (f32, i32) {
        let mut values = [_mm512_setzero_ps(); GROUP / LANES];
        let (mut largest, mut strange) = (_mm512_setzero_ps(), 0);
        for (value, part) in values.iter_mut().zip(part.chunks_exact(LANES)) {
            // SAFETY: 16 values.
            *value = unsafe { _mm512_loadu_ps(part.as_ptr()) };
            largest = _mm512_max_ps(_mm512_abs_ps(*value), largest);
            strange |= _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(*value, *value);
        }
        let largest = _mm512_reduce_max_ps(largest);
        let (scale, inverse) = if strange != 0 {
            (f32::NAN, 0.0)
        } else if largest > 0.0 {
            (largest / 127.0, 127.0 / largest)
        } else {
            (0.0, 0.0)
        };
        let (inverse, mut sum) = (_mm512_set1_ps(inverse), _mm512_setzero_si512());
        for (value, to) in values.into_iter().zip(to.chunks_exact_mut(LANES)) {
            // Rounds to the nearest, ties to the even one.
            let whole = _mm512_cvtps_epi32(_mm512_mul_ps(value, inverse));
            let whole = _mm512_max_epi32(whole, _mm512_set1_epi32(-127));
            sum = _mm512_add_epi32(sum, whole);
            // SAFETY: 16 places.
            unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), _mm512_cvtsepi32_epi8(whole)) };
        }
        (scale, _mm512_reduce_add_epi32(sum))
    }

    /// All rows of one or two blocks of outputs.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW and VNNI; `to` has `rows` rows of the matrix's outputs, and nobody else writes these columns.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn columns(
        matrix: &Int8Matrix,
        activations: &Activations,
        first: usize,
        count: usize,
        rows: usize,
        to: &Columns,
    ) {
        let mut row = 0;
        while row < rows {
            let tall = (rows - row).min(TILE_ROWS);
            // SAFETY: handed on.
            unsafe {
                match (tall, count) {
                    (6, TILE_BLOCKS) => tile::<6, 2>(matrix, activations, first, row, to),
                    (5, TILE_BLOCKS) => tile::<5, 2>(matrix, activations, first, row, to),
                    (4, TILE_BLOCKS) => tile::<4, 2>(matrix, activations, first, row, to),
                    (3, TILE_BLOCKS) => tile::<3, 2>(matrix, activations, first, row, to),
                    (2, TILE_BLOCKS) => tile::<2, 2>(matrix, activations, first, row, to),
                    (1, TILE_BLOCKS) => tile::<1, 2>(matrix, activations, first, row, to),
                    (6, _) => tile::<6, 1>(matrix, activations, first, row, to),
                    (5, _) => tile::<5, 1>(matrix, activations, first, row, to),
                    (4, _) => tile::<4, 1>(matrix, activations, first, row, to),
                    (3, _) => tile::<3, 1>(matrix, activations, first, row, to),
                    (2, _) => tile::<2, 1>(matrix, activations, first, row, to),
                    _ => tile::<1, 1>(matrix, activations, first, row, to),
                }
            }
            row += tall;
        }
    }

    /// `R` rows by `C` blocks of outputs.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn tile<const R: usize, const C: usize>(
        matrix: &Int8Matrix,
        activations: &Activations,
        first: usize,
        row: usize,
        to: &Columns,
    ) {
        const STEPS: usize = GROUP / QUAD;
        let groups = matrix.groups;
        let mut sums = [[_mm512_setzero_ps(); C]; R];
        for group in 0..groups {
            let mut parts = [[_mm512_setzero_si512(); C]; R];
            for (r, parts) in parts.iter_mut().enumerate() {
                let offset = _mm512_set1_epi32(activations.offsets[(row + r) * groups + group]);
                *parts = [offset; C];
            }
            // Loops and pointers, as closures would not take on the instructions of this function.
            let mut lines = [std::ptr::null::<super::Line>(); C];
            for (c, line) in lines.iter_mut().enumerate() {
                let from = ((first + c) * groups + group) * STEPS;
                *line = matrix.lines[from..from + STEPS].as_ptr();
            }
            let mut values = [std::ptr::null::<i8>(); R];
            for (r, value) in values.iter_mut().enumerate() {
                let from = ((row + r) * groups + group) * GROUP;
                *value = activations.values[from..from + GROUP].as_ptr();
            }
            for step in 0..STEPS {
                let mut weights = [_mm512_setzero_si512(); C];
                for (weight, line) in weights.iter_mut().zip(lines) {
                    // SAFETY: there is a line of 64 bytes for every step.
                    *weight = unsafe { _mm512_load_si512(line.add(step).cast()) };
                }
                for (parts, value) in parts.iter_mut().zip(values) {
                    // SAFETY: a group has four bytes for every step.
                    let four = unsafe { value.add(step * QUAD).cast::<i32>().read_unaligned() };
                    let four = _mm512_set1_epi32(four);
                    for (part, weight) in parts.iter_mut().zip(weights) {
                        *part = _mm512_dpbusd_epi32(*part, weight, four);
                    }
                }
            }
            for c in 0..C {
                let from = ((first + c) * groups + group) * LANES;
                let own = &matrix.scales[from..from + LANES];
                // SAFETY: 16 scales.
                let own = unsafe { _mm512_loadu_ps(own.as_ptr()) };
                for r in 0..R {
                    let scale = _mm512_set1_ps(activations.scales[(row + r) * groups + group]);
                    let scale = _mm512_mul_ps(own, scale);
                    sums[r][c] =
                        _mm512_fmadd_ps(_mm512_cvtepi32_ps(parts[r][c]), scale, sums[r][c]);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (c, sum) in sums.iter().enumerate() {
                let column = (first + c) * LANES;
                let wide = LANES.min(matrix.outputs - column);
                let mask = ((1_u32 << wide) - 1) as u16;
                // SAFETY: the columns of this block that the matrix has, of a row that `to` has.
                unsafe {
                    let at = to.0.add((row + r) * matrix.outputs + column);
                    _mm512_mask_storeu_ps(at, mask, *sum);
                }
            }
        }
    }
}
