//! Products with weight matrices, in f32, bf16 or 8 bits.
//!
//! Weights lie in lines of 64 bytes: 32 bits of each of 16 outputs, for one input (f32), two (bf16) or four (8 bits). A tile of a few
//! rows by one or two blocks of 16 outputs keeps its sums in registers while it goes along the inputs. 8 bits: both sides are
//! quantised in groups of 64, each with its scale, the largest at 127; sums of a group are whole numbers and exact.
#![expect(
    unsafe_code,
    reason = "pointers into lines and rows, whose bounds are checked before the loops"
)]

use rayon::prelude::*;

use super::simd::{Isa, Kernel, LANES, Line, Simd, gelu, silu, to_bf16};

/// 8-bit values that share a scale.
const GROUP: usize = 64;
/// Blocks of outputs that a task takes: what stays in the nearest cache.
const BLOCKS: usize = 2;

/// How weights and what they are multiplied by are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 32-bit floating point.
    F32,
    /// 16 bits, the upper half of f32.
    Bf16,
    /// Groups of 8 bits.
    Int8,
}

impl Kind {
    /// Inputs of a line.
    fn per_word(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Bf16 => 2,
            Self::Int8 => 4,
        }
    }

    /// Lines of a block, and words of a row, for so many inputs.
    fn steps(self, inputs: usize) -> usize {
        match self {
            Self::Int8 => inputs.div_ceil(GROUP) * (GROUP / 4),
            kind => inputs.div_ceil(kind.per_word()),
        }
    }
}

/// A matrix `[outputs, inputs]`.
pub struct Matrix {
    kind: Kind,
    outputs: usize,
    inputs: usize,
    /// By block of 16 outputs, and step along the inputs.
    lines: Vec<Line>,
    /// By block, group and output.
    scales: Vec<f32>,
}

impl std::fmt::Debug for Matrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Matrix({:?}, {} x {})",
            self.kind, self.outputs, self.inputs
        )
    }
}

impl Matrix {
    /// From `values`, row after row of `outputs`, each of `inputs`.
    ///
    /// # Panics
    /// Where `values` are not as many, or there are no inputs.
    pub fn new(kind: Kind, values: &[f32], outputs: usize, inputs: usize) -> Self {
        assert!(
            inputs > 0 && values.len() == outputs * inputs,
            "checked before"
        );
        let rows: Vec<Option<&[f32]>> = values.chunks(inputs).map(Some).collect();
        Self::packed(kind, &rows, outputs, inputs)
    }

    /// Two matrices of one shape, a block of the one beside one of the other, for [`Then::Glu`].
    ///
    /// # Panics
    /// As [`Matrix::new`].
    pub(super) fn twins(
        kind: Kind,
        gate: &[f32],
        up: &[f32],
        outputs: usize,
        inputs: usize,
    ) -> Self {
        assert!(
            inputs > 0 && gate.len() == outputs * inputs && up.len() == gate.len(),
            "checked before"
        );
        let mut rows = Vec::with_capacity(2 * outputs.next_multiple_of(LANES));
        for block in (0..outputs).step_by(LANES) {
            for of in [gate, up] {
                rows.extend(
                    (block..block + LANES)
                        .map(|row| (row < outputs).then(|| &of[row * inputs..(row + 1) * inputs])),
                );
            }
        }
        let outputs = rows.len();
        Self::packed(kind, &rows, outputs, inputs)
    }

    fn packed(kind: Kind, rows: &[Option<&[f32]>], outputs: usize, inputs: usize) -> Self {
        let steps = kind.steps(inputs);
        let blocks = outputs.div_ceil(LANES);
        let groups = inputs.div_ceil(GROUP);
        let zero = if kind == Kind::Int8 { 0x8080_8080 } else { 0 };
        let mut lines = vec![Line([zero; LANES]); blocks * steps];
        let mut scales = vec![
            0.0;
            if kind == Kind::Int8 {
                blocks * groups * LANES
            } else {
                0
            }
        ];
        let scales_of_block = if kind == Kind::Int8 {
            groups * LANES
        } else {
            1
        };
        // One chunk too few where there are no scales: zip with empty ones.
        let mut parts: Vec<&mut [f32]> = if kind == Kind::Int8 {
            scales.chunks_mut(scales_of_block).collect()
        } else {
            (0..blocks).map(|_| <&mut [f32]>::default()).collect()
        };
        lines
            .par_chunks_mut(steps)
            .zip(rows.par_chunks(LANES))
            .zip(parts.par_iter_mut())
            .for_each(|((lines, rows), scales)| {
                for (lane, row) in rows.iter().enumerate() {
                    if let Some(row) = row {
                        write_row(kind, row, lane, lines, scales);
                    }
                }
            });
        Self {
            kind,
            outputs,
            inputs,
            lines,
            scales,
        }
    }

    /// How it is kept.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// `x · Wᵀ` of whole rows of `inputs`: rows of `outputs`.
    ///
    /// # Panics
    /// Where a row is not whole.
    pub fn product(&self, isa: Isa, x: &[f32]) -> Vec<f32> {
        assert!(x.len().is_multiple_of(self.inputs), "checked before");
        let rows = x.len() / self.inputs;
        let mut input = Input::default();
        input.set(isa, self.kind, x, self.inputs);
        let mut out = vec![0.0; rows * self.outputs];
        self.multiply(isa, &input, rows, &mut out, &Then::Put(None), true);
        out
    }

    /// The product with the first `rows` rows of `input`, and what becomes of it, row after row of `out`; `apart`: on several threads.
    ///
    /// # Panics
    /// Where `input` or `out` has not as many rows.
    pub(super) fn multiply(
        &self,
        isa: Isa,
        input: &Input,
        rows: usize,
        out: &mut [f32],
        then: &Then<'_>,
        apart: bool,
    ) {
        let steps = self.kind.steps(self.inputs);
        let width = match then {
            Then::Put(_) | Then::Add(_) => self.outputs,
            Then::Glu(glu) => glu.width,
        };
        let short =
            self.kind == Kind::Int8 && input.scales.len() < rows * self.inputs.div_ceil(GROUP);
        assert!(
            input.kind == Some(self.kind)
                && input.words.len() >= rows * steps
                && !short
                && out.len() >= rows * width,
            "as many rows everywhere"
        );
        let blocks = self.outputs.div_ceil(LANES);
        let out = Place(out.as_mut_ptr());
        let some = |first: usize, count: usize| {
            isa.run(Blocks {
                matrix: self,
                input,
                rows,
                first,
                count,
                out: &out,
                width,
                then,
            });
        };
        if apart {
            (0..blocks.div_ceil(BLOCKS))
                .into_par_iter()
                .for_each(|pair| some(pair * BLOCKS, BLOCKS.min(blocks - pair * BLOCKS)));
        } else {
            some(0, blocks);
        }
    }
}

/// Writes one output's weights into the lines of its block.
fn write_row(kind: Kind, row: &[f32], lane: usize, lines: &mut [Line], scales: &mut [f32]) {
    match kind {
        Kind::F32 => {
            for (line, value) in lines.iter_mut().zip(row) {
                line.0[lane] = value.to_bits();
            }
        }
        Kind::Bf16 => {
            for (line, two) in lines.iter_mut().zip(row.chunks(2)) {
                let high = two.get(1).map_or(0, |v| to_bf16(*v));
                line.0[lane] = u32::from(to_bf16(two[0])) | u32::from(high) << 16;
            }
        }
        Kind::Int8 => {
            let mut words = [0; GROUP / 4];
            for (group, part) in row.chunks(GROUP).enumerate() {
                // Plain loops here: once, at loading, and the same bytes on every processor.
                let (scale, _) = Isa::portable().run(Quantise {
                    part,
                    to: &mut words,
                });
                scales[group * LANES + lane] = scale;
                for (line, word) in lines[group * (GROUP / 4)..].iter_mut().zip(words) {
                    line.0[lane] = word ^ 0x8080_8080;
                }
            }
        }
    }
}

/// What becomes of a product.
pub(super) enum Then<'a> {
    /// It is written, with a bias of whole blocks.
    Put(Option<&'a [f32]>),
    /// It is added to what is there.
    Add(Option<&'a [f32]>),
    /// Of twins, the activation of the one times the other is written.
    Glu(Glu<'a>),
}

/// A gated linear unit (Shazeer, arXiv:2002.05202).
pub(super) struct Glu<'a> {
    /// Outputs of each twin.
    pub(super) width: usize,
    /// GELU instead of `SiLU`.
    pub(super) gelu: bool,
    /// Biases of twins, block beside block.
    pub(super) bias: Option<&'a [f32]>,
}

/// Rows to be multiplied, as the weights are kept. One is used again and again.
#[derive(Default)]
pub(super) struct Input {
    kind: Option<Kind>,
    /// By row and step.
    words: Vec<u32>,
    /// By row and group.
    scales: Vec<f32>,
    /// What 128 for zero adds, to be taken off; by row and group.
    offsets: Vec<i32>,
}

impl Input {
    /// Takes rows of `inputs` values.
    pub(super) fn set(&mut self, isa: Isa, kind: Kind, x: &[f32], inputs: usize) {
        let rows = x.len() / inputs;
        let (steps, groups) = (kind.steps(inputs), inputs.div_ceil(GROUP));
        self.kind = Some(kind);
        if self.words.len() < rows * steps {
            self.words.resize(rows * steps, 0);
        }
        if kind == Kind::Int8 && self.scales.len() < rows * groups {
            self.scales.resize(rows * groups, 0.0);
            self.offsets.resize(rows * groups, 0);
        }
        isa.run(Take {
            x,
            inputs,
            into: self,
        });
    }
}

/// [`Input::set`], whose rooms are large enough.
struct Take<'a> {
    x: &'a [f32],
    inputs: usize,
    into: &'a mut Input,
}

impl Kernel for Take<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Input {
            kind,
            words,
            scales,
            offsets,
        } = self.into;
        match kind {
            Some(Kind::F32) => {
                for (word, value) in words.iter_mut().zip(self.x) {
                    *word = value.to_bits();
                }
            }
            Some(Kind::Bf16) => {
                let steps = Kind::Bf16.steps(self.inputs);
                for (row, words) in self
                    .x
                    .chunks_exact(self.inputs)
                    .zip(words.chunks_exact_mut(steps))
                {
                    for (part, words) in row.chunks(LANES).zip(words.chunks_mut(LANES / 2)) {
                        let (mut whole, mut short) = ([0.0; LANES], [0; LANES]);
                        whole[..part.len()].copy_from_slice(part);
                        s.bf16(s.load(&whole), &mut short);
                        for (word, two) in words.iter_mut().zip(short.chunks_exact(2)) {
                            *word = u32::from(two[0]) | u32::from(two[1]) << 16;
                        }
                    }
                }
            }
            Some(Kind::Int8) => {
                let (steps, groups) = (Kind::Int8.steps(self.inputs), self.inputs.div_ceil(GROUP));
                let rows = self
                    .x
                    .chunks_exact(self.inputs)
                    .zip(words.chunks_exact_mut(steps));
                for (row, (x, words)) in rows.enumerate() {
                    for (group, part) in x.chunks(GROUP).enumerate() {
                        let to = &mut words[group * (GROUP / 4)..(group + 1) * (GROUP / 4)];
                        let (scale, sum) = Quantise { part, to }.run(s);
                        scales[row * groups + group] = scale;
                        offsets[row * groups + group] = -128 * sum;
                    }
                }
            }
            None => {}
        }
    }
}

/// A group of at most 64 values in 8 bits, the rest zeros: its scale and the sum of its bytes. The largest becomes 127, or -127; nothing
/// but zeros has the scale 0; what is no number makes the group none.
struct Quantise<'a> {
    part: &'a [f32],
    /// 16 words.
    to: &'a mut [u32],
}

impl Kernel for Quantise<'_> {
    type Out = (f32, i32);

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> (f32, i32) {
        let mut whole = [[0.0_f32; LANES]; GROUP / LANES];
        whole.as_flattened_mut()[..self.part.len()].copy_from_slice(self.part);
        let mut largest = s.splat(0.0);
        let mut strange = false;
        for part in &whole {
            let part = s.load(part);
            largest = s.max(s.abs(part), largest);
            strange |= s.any_nan(part);
        }
        let largest = s.largest(largest);
        let (scale, inverse) = if strange {
            (f32::NAN, 0.0)
        } else if largest > 0.0 {
            (largest / 127.0, 127.0 / largest)
        } else {
            (0.0, 0.0)
        };
        let mut sum = 0;
        for (part, to) in whole.iter().zip(self.to.chunks_exact_mut(4)) {
            let mut bytes = [0_i8; LANES];
            sum += s.bytes(s.mul(s.load(part), s.splat(inverse)), &mut bytes);
            for (to, four) in to.iter_mut().zip(bytes.chunks_exact(4)) {
                *to = u32::from_le_bytes([
                    four[0] as u8,
                    four[1] as u8,
                    four[2] as u8,
                    four[3] as u8,
                ]);
            }
        }
        (scale, sum)
    }
}

/// Where tasks write, each to columns of its own.
struct Place(*mut f32);

// SAFETY: tasks write to disjoint places only.
unsafe impl Sync for Place {}

/// Some blocks of outputs, of all rows.
struct Blocks<'a> {
    matrix: &'a Matrix,
    input: &'a Input,
    rows: usize,
    first: usize,
    count: usize,
    out: &'a Place,
    width: usize,
    then: &'a Then<'a>,
}

impl Kernel for Blocks<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match self.matrix.kind {
            Kind::F32 => self.floats::<S, ByF32>(s),
            Kind::Bf16 => self.floats::<S, ByBf16>(s),
            Kind::Int8 => self.bytes(s),
        }
    }
}

impl Blocks<'_> {
    #[inline(always)]
    fn floats<S: Simd, D: Dot>(&self, s: S) {
        let mut block = self.first;
        while block < self.first + self.count {
            let two = block + 1 < self.first + self.count;
            let mut row = 0;
            while row < self.rows {
                let left = self.rows - row;
                row += match (S::WIDE, left, two) {
                    (true, 8.., true) => self.float_tile::<S, D, 8, 2>(s, block, row),
                    (true, 8.., false) => self.float_tile::<S, D, 8, 1>(s, block, row),
                    (true, 4.., true) => self.float_tile::<S, D, 4, 2>(s, block, row),
                    (true, 4.., false) => self.float_tile::<S, D, 4, 1>(s, block, row),
                    (_, 2.., true) => self.float_tile::<S, D, 2, 2>(s, block, row),
                    (_, 2.., false) => self.float_tile::<S, D, 2, 1>(s, block, row),
                    (.., true) => self.float_tile::<S, D, 1, 2>(s, block, row),
                    (.., false) => self.float_tile::<S, D, 1, 1>(s, block, row),
                };
            }
            block += if two { 2 } else { 1 };
        }
    }

    #[inline(always)]
    fn bytes<S: Simd>(&self, s: S) {
        let mut block = self.first;
        while block < self.first + self.count {
            let two = block + 1 < self.first + self.count;
            let mut row = 0;
            while row < self.rows {
                let left = self.rows - row;
                row += match (S::WIDE, left, two) {
                    (true, 6.., true) => self.byte_tile::<S, 6, 2>(s, block, row),
                    (true, 6.., false) => self.byte_tile::<S, 6, 1>(s, block, row),
                    (true, 4.., true) => self.byte_tile::<S, 4, 2>(s, block, row),
                    (true, 4.., false) => self.byte_tile::<S, 4, 1>(s, block, row),
                    (_, 2.., true) => self.byte_tile::<S, 2, 2>(s, block, row),
                    (_, 2.., false) => self.byte_tile::<S, 2, 1>(s, block, row),
                    (.., true) => self.byte_tile::<S, 1, 2>(s, block, row),
                    (.., false) => self.byte_tile::<S, 1, 1>(s, block, row),
                };
            }
            block += if two { 2 } else { 1 };
        }
    }

    /// `R` rows by `C` blocks; gives the number of rows.
    #[inline(always)]
    fn float_tile<S: Simd, D: Dot, const R: usize, const C: usize>(
        &self,
        s: S,
        block: usize,
        row: usize,
    ) -> usize {
        let steps = self.matrix.kind.steps(self.matrix.inputs);
        let mut a = [std::ptr::null::<u32>(); R];
        for (r, a) in a.iter_mut().enumerate() {
            *a = self.input.words[(row + r) * steps..(row + r + 1) * steps].as_ptr();
        }
        let mut b = [std::ptr::null::<u32>(); C];
        for (c, b) in b.iter_mut().enumerate() {
            *b = self.matrix.lines[(block + c) * steps..(block + c + 1) * steps]
                .as_ptr()
                .cast();
        }
        let zero = [[s.splat(0.0); C]; R];
        // SAFETY: the slices taken are of `steps` words and lines.
        let sums = unsafe { tile::<S, D, R, C>(s, zero, a, b, LANES, steps) };
        self.finish(s, &sums, block, row);
        R
    }

    #[inline(always)]
    fn byte_tile<S: Simd, const R: usize, const C: usize>(
        &self,
        s: S,
        block: usize,
        row: usize,
    ) -> usize {
        const STEPS: usize = GROUP / 4;
        let (matrix, input) = (self.matrix, self.input);
        let groups = matrix.inputs.div_ceil(GROUP);
        let steps = groups * STEPS;
        let mut a = [std::ptr::null::<u32>(); R];
        for (r, a) in a.iter_mut().enumerate() {
            *a = input.words[(row + r) * steps..(row + r + 1) * steps].as_ptr();
        }
        let mut b = [std::ptr::null::<u32>(); C];
        for (c, b) in b.iter_mut().enumerate() {
            *b = matrix.lines[(block + c) * steps..(block + c + 1) * steps]
                .as_ptr()
                .cast();
        }
        let mut sums = [[s.splat(0.0); C]; R];
        for group in 0..groups {
            let mut parts = [[s.dot_start(0); C]; R];
            for (r, parts) in parts.iter_mut().enumerate() {
                *parts = [s.dot_start(input.offsets[(row + r) * groups + group]); C];
            }
            for step in group * STEPS..(group + 1) * STEPS {
                for r in 0..R {
                    // SAFETY: the slices taken are of `steps` words and lines.
                    unsafe {
                        let word = *a[r].add(step);
                        for c in 0..C {
                            parts[r][c] = s.dot_i8(parts[r][c], b[c].add(step * LANES), word);
                        }
                    }
                }
            }
            for c in 0..C {
                let from = ((block + c) * groups + group) * LANES;
                let own = matrix.scales[from..from + LANES].first_chunk();
                let own = s.load(own.unwrap_or(&[0.0; LANES]));
                for r in 0..R {
                    let scale = s.splat(input.scales[(row + r) * groups + group]);
                    sums[r][c] = s.fma(s.float(parts[r][c]), s.mul(own, scale), sums[r][c]);
                }
            }
        }
        self.finish(s, &sums, block, row);
        R
    }

    /// What becomes of a tile.
    #[inline(always)]
    fn finish<S: Simd, const R: usize, const C: usize>(
        &self,
        s: S,
        sums: &[[S::F; C]; R],
        block: usize,
        row: usize,
    ) {
        match self.then {
            Then::Put(bias) => {
                for (r, sums) in sums.iter().enumerate() {
                    for (c, sum) in sums.iter().enumerate() {
                        let sum = with(s, *sum, *bias, block + c);
                        self.write(s, row + r, block + c, sum, false);
                    }
                }
            }
            Then::Add(bias) => {
                for (r, sums) in sums.iter().enumerate() {
                    for (c, sum) in sums.iter().enumerate() {
                        let sum = with(s, *sum, *bias, block + c);
                        self.write(s, row + r, block + c, sum, true);
                    }
                }
            }
            Then::Glu(glu) => {
                if C < 2 {
                    return;
                }
                for (r, sums) in sums.iter().enumerate() {
                    let gate = with(s, sums[0], glu.bias, block);
                    let up = with(s, sums[C - 1], glu.bias, block + 1);
                    let gate = if glu.gelu {
                        gelu(s, gate)
                    } else {
                        silu(s, gate)
                    };
                    self.write(s, row + r, block / 2, s.mul(gate, up), false);
                }
            }
        }
    }

    #[inline(always)]
    fn write<S: Simd>(&self, s: S, row: usize, block: usize, value: S::F, add: bool) {
        let column = block * LANES;
        let wide = LANES.min(self.width - column);
        // SAFETY: `multiply` has checked that there are as many rows of `width`, and nobody else writes these columns.
        let to = unsafe {
            std::slice::from_raw_parts_mut(self.out.0.add(row * self.width + column), wide)
        };
        if let Some(to) = to.first_chunk_mut::<LANES>() {
            let value = if add { s.add(s.load(to), value) } else { value };
            s.store(to, value);
        } else {
            let mut whole = [0.0; LANES];
            s.store(&mut whole, value);
            for (to, value) in to.iter_mut().zip(whole) {
                *to = if add { *to + value } else { value };
            }
        }
    }
}

/// With the bias of a block, if there is one.
#[inline(always)]
fn with<S: Simd>(s: S, sum: S::F, bias: Option<&[f32]>, block: usize) -> S::F {
    match bias.and_then(|bias| bias[block * LANES..].first_chunk()) {
        Some(bias) => s.add(sum, s.load(bias)),
        None => sum,
    }
}

/// A product of a line and a word.
pub(super) trait Dot {
    /// `acc` and the product.
    ///
    /// # Safety
    /// There are 16 words at `line`.
    unsafe fn dot<S: Simd>(s: S, acc: S::F, line: *const u32, word: u32) -> S::F;
}

/// Of f32.
pub(super) struct ByF32;
/// Of bf16, two by two.
pub(super) struct ByBf16;

impl Dot for ByF32 {
    #[inline(always)]
    unsafe fn dot<S: Simd>(s: S, acc: S::F, line: *const u32, word: u32) -> S::F {
        // SAFETY: handed on.
        unsafe { s.dot_f32(acc, line, word) }
    }
}

impl Dot for ByBf16 {
    #[inline(always)]
    unsafe fn dot<S: Simd>(s: S, acc: S::F, line: *const u32, word: u32) -> S::F {
        // SAFETY: handed on.
        unsafe { s.dot_bf16(acc, line, word) }
    }
}

/// `sums` and the products of `R` rows with `C` blocks of outputs: `steps` words of each row at `a`, lines at `b`, `stride` words apart.
///
/// # Safety
/// They are there.
#[inline(always)]
pub(super) unsafe fn tile<S: Simd, D: Dot, const R: usize, const C: usize>(
    s: S,
    mut sums: [[S::F; C]; R],
    a: [*const u32; R],
    b: [*const u32; C],
    stride: usize,
    steps: usize,
) -> [[S::F; C]; R] {
    for step in 0..steps {
        for r in 0..R {
            // SAFETY: the caller's.
            unsafe {
                let word = *a[r].add(step);
                for c in 0..C {
                    sums[r][c] = D::dot(s, sums[r][c], b[c].add(step * stride), word);
                }
            }
        }
    }
    sums
}
