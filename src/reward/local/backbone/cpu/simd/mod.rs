//! Sixteen numbers at once, in the instructions that this processor has: AVX-512 with VNNI (and, where it is there, bf16), AVX2 with
//! FMA, or what the compiler makes of plain loops (NEON on ARM). Kernels are written once, over [`Simd`]; [`Isa::run`] compiles
//! them for each.
#![expect(
    unsafe_code,
    reason = "instructions of the processor, checked for before; memory is read and written through references to whole registers"
)]

#[cfg(target_arch = "x86_64")]
mod x86;

use std::fmt;

/// Numbers in a register.
pub const LANES: usize = 16;

/// A line of the cache: of each of 16 outputs, 32 bits: one f32, two bf16, or four bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [u32; LANES]);

/// Instructions to compute with. Values of this type exist only for what the processor has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(Level);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Isa {
    /// All that this processor has, the fastest first.
    pub fn all() -> Vec<Self> {
        let mut all = vec![];
        #[cfg(target_arch = "x86_64")]
        {
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vnni");
            if avx512 && is_x86_feature_detected!("avx512bf16") {
                all.push(Self(Level::Avx512Bf16));
            }
            if avx512 {
                all.push(Self(Level::Avx512));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Self(Level::Avx2));
            }
        }
        all.push(Self(Level::Portable));
        all
    }

    /// Plain loops, which every processor has.
    pub fn portable() -> Self {
        Self(Level::Portable)
    }

    /// The fastest that this processor has.
    pub fn here() -> Self {
        Self::all()[0]
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Bf16 => "AVX-512 VNNI and BF16",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "AVX-512 VNNI",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "AVX2",
            Level::Portable if cfg!(target_arch = "aarch64") => "NEON",
            Level::Portable => "portable",
        }
    }

    /// Whether products of 8 bits have instructions of their own, and so are faster than those of f32.
    pub fn has_byte_products(self) -> bool {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Bf16 | Level::Avx512 => true,
            _ => false,
        }
    }

    /// Runs a kernel, compiled for these instructions.
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Out {
        match self.0 {
            // SAFETY: the processor has the instructions, or there is no such value.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Bf16 => unsafe { x86::avx512_bf16(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx512 => unsafe { x86::avx512(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { x86::avx2(kernel) },
            Level::Portable => kernel.run(Portable(())),
        }
    }
}

/// Work that is compiled for each set of instructions: `run` and all that it calls must be `#[inline(always)]`, and use no closures
/// around the operations, or these become calls.
pub(super) trait Kernel {
    /// What comes of it.
    type Out;
    /// Does the work.
    fn run<S: Simd>(self, simd: S) -> Self::Out;
}

/// Operations on 16 numbers. A value of such a type is the proof that the processor has the instructions.
pub(super) trait Simd: Copy {
    /// 16 of f32.
    type F: Copy;
    /// 16 of i32, or sums on the way to them.
    type I: Copy;
    /// Whether there are registers for 16 sums.
    const WIDE: bool;

    fn splat(self, value: f32) -> Self::F;
    fn load(self, from: &[f32; LANES]) -> Self::F;
    fn store(self, to: &mut [f32; LANES], value: Self::F);
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a · b + c`, rounded once or twice.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The larger; `b` where one is no number.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller; `b` where one is no number.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    fn abs(self, a: Self::F) -> Self::F;
    fn round(self, a: Self::F) -> Self::F;
    /// `a · 2^n`, for whole `n` of -126 to 127.
    fn scale(self, a: Self::F, n: Self::F) -> Self::F;
    fn sum(self, a: Self::F) -> f32;
    fn largest(self, a: Self::F) -> f32;
    /// Whether any is no number.
    fn any_nan(self, a: Self::F) -> bool;

    /// `acc + a · b` for f32: a line and one value for all 16.
    ///
    /// # Safety
    /// `line` has 16 of them; it need not be aligned.
    unsafe fn dot_f32(self, acc: Self::F, line: *const u32, word: u32) -> Self::F;
    /// `acc +` the products of two bf16 each.
    ///
    /// # Safety
    /// As for f32.
    unsafe fn dot_bf16(self, acc: Self::F, line: *const u32, word: u32) -> Self::F;
    /// Sums that begin at zero; `offset` takes off what bytes without a sign add.
    fn dot_start(self, offset: i32) -> Self::I;
    /// `acc +` the products of four bytes each; those of the line have 128 for zero.
    ///
    /// # Safety
    /// As for f32.
    unsafe fn dot_i8(self, acc: Self::I, line: *const u32, word: u32) -> Self::I;
    fn float(self, a: Self::I) -> Self::F;
    /// Rounded to whole numbers of -127 to 127; gives their sum.
    fn bytes(self, a: Self::F, to: &mut [i8; LANES]) -> i32;
    /// Rounded to bf16, ties to the even one.
    fn bf16(self, a: Self::F, to: &mut [u16; LANES]);
}

/// e^x to within 2 units in the last place. Cephes' `expf` (Moshier): x = n·ln 2 + r, a polynomial of r, and n put into the exponent.
/// Clamped to the normal range.
#[inline(always)]
pub(super) fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    let x = s.min(s.splat(88.0), s.max(s.splat(-87.0), x));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.fma(n, s.splat(-0.693_359_4), x);
    let r = s.fma(n, s.splat(2.121_944_4e-4), r);
    let mut tail = s.splat(1.987_569_2e-4);
    tail = s.fma(tail, r, s.splat(1.398_2e-3));
    tail = s.fma(tail, r, s.splat(8.333_452e-3));
    tail = s.fma(tail, r, s.splat(4.166_579_6e-2));
    tail = s.fma(tail, r, s.splat(1.666_666_5e-1));
    tail = s.fma(tail, r, s.splat(0.5));
    let mantissa = s.add(s.fma(tail, s.mul(r, r), r), s.splat(1.0));
    s.scale(mantissa, n)
}

/// tanh x, by e^2x.
#[inline(always)]
pub(super) fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    let power = exp(s, s.add(x, x));
    let one = s.splat(1.0);
    s.sub(one, s.div(s.splat(2.0), s.add(power, one)))
}

/// x · sigmoid(x).
#[inline(always)]
pub(super) fn silu<S: Simd>(s: S, x: S::F) -> S::F {
    let power = exp(s, s.sub(s.splat(0.0), x));
    s.div(x, s.add(s.splat(1.0), power))
}

/// GELU in its tanh form (Hendrycks and Gimpel, arXiv:1606.08415), as Gemma has it.
#[inline(always)]
pub(super) fn gelu<S: Simd>(s: S, x: S::F) -> S::F {
    let cube = s.mul(s.mul(x, x), x);
    let inner = s.mul(s.splat(0.797_884_6), s.fma(s.splat(0.044_715), cube, x));
    let half = s.mul(s.splat(0.5), x);
    s.fma(half, tanh(s, inner), half)
}

/// f32 in bf16, ties to the even one; what is no number stays none.
pub(super) fn to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return ((bits >> 16) | 0x40) as u16;
    }
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

/// Plain loops.
#[derive(Clone, Copy)]
struct Portable(());

/// Applies `$op` lane by lane.
macro_rules! lanes {
    ($i:ident => $op:expr) => {{
        let mut out = [0.0_f32; LANES];
        let mut $i = 0;
        while $i < LANES {
            out[$i] = $op;
            $i += 1;
        }
        out
    }};
}

/// The 16 words at `line`.
///
/// # Safety
/// There are 16.
#[inline(always)]
unsafe fn words(line: *const u32) -> [u32; LANES] {
    // SAFETY: the caller's.
    unsafe { line.cast::<[u32; LANES]>().read_unaligned() }
}

impl Simd for Portable {
    type F = [f32; LANES];
    type I = [i32; LANES];
    const WIDE: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [value; LANES]
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::F {
        *from
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES], value: Self::F) {
        *to = value;
    }
    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => a[i] / b[i])
    }
    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // ARM's baseline has the instruction; x86's has not, and would call a function.
        if cfg!(target_arch = "aarch64") {
            lanes!(i => a[i].mul_add(b[i], c[i]))
        } else {
            lanes!(i => a[i] * b[i] + c[i])
        }
    }
    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        lanes!(i => a[i].abs())
    }
    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        // Adding 1.5 · 2^23 leaves the rounded number.
        const ROUND: f32 = 12_582_912.0;
        lanes!(i => (a[i] + ROUND) - ROUND)
    }
    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        lanes!(i => a[i] * f32::from_bits(((n[i] as i32).wrapping_add(127) as u32) << 23))
    }
    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        let mut eight = [0.0_f32; 8];
        for (i, e) in eight.iter_mut().enumerate() {
            *e = a[i] + a[i + 8];
        }
        (eight[0] + eight[4])
            + (eight[2] + eight[6])
            + ((eight[1] + eight[5]) + (eight[3] + eight[7]))
    }
    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        let mut most = f32::NEG_INFINITY;
        for value in a {
            most = if most > value { most } else { value };
        }
        most
    }
    #[inline(always)]
    fn any_nan(self, a: Self::F) -> bool {
        let mut any = false;
        for value in a {
            any |= value.is_nan();
        }
        any
    }
    #[inline(always)]
    unsafe fn dot_f32(self, acc: Self::F, line: *const u32, word: u32) -> Self::F {
        // SAFETY: the caller's.
        let line = unsafe { words(line) };
        let word = [f32::from_bits(word); LANES];
        self.fma(lanes!(i => f32::from_bits(line[i])), word, acc)
    }
    #[inline(always)]
    unsafe fn dot_bf16(self, acc: Self::F, line: *const u32, word: u32) -> Self::F {
        // SAFETY: the caller's.
        let line = unsafe { words(line) };
        let (low, high) = (
            f32::from_bits(word << 16),
            f32::from_bits(word & 0xffff_0000),
        );
        let acc = self.fma(
            lanes!(i => f32::from_bits(line[i] & 0xffff_0000)),
            [high; LANES],
            acc,
        );
        self.fma(
            lanes!(i => f32::from_bits(line[i] << 16)),
            [low; LANES],
            acc,
        )
    }
    #[inline(always)]
    fn dot_start(self, _offset: i32) -> Self::I {
        [0; LANES]
    }
    #[inline(always)]
    unsafe fn dot_i8(self, acc: Self::I, line: *const u32, word: u32) -> Self::I {
        // SAFETY: the caller's.
        let line = unsafe { words(line) };
        let values = word.to_le_bytes();
        let mut out = acc;
        for (out, line) in out.iter_mut().zip(line) {
            let weights = (line ^ 0x8080_8080).to_le_bytes();
            for (weight, value) in weights.into_iter().zip(values) {
                *out += i32::from(weight as i8) * i32::from(value as i8);
            }
        }
        out
    }
    #[inline(always)]
    fn float(self, a: Self::I) -> Self::F {
        lanes!(i => a[i] as f32)
    }
    #[inline(always)]
    fn bytes(self, a: Self::F, to: &mut [i8; LANES]) -> i32 {
        let (whole, mut sum) = (self.round(a), 0);
        for (to, value) in to.iter_mut().zip(whole) {
            *to = (value as i32).clamp(-127, 127) as i8;
            sum += i32::from(*to);
        }
        sum
    }
    #[inline(always)]
    fn bf16(self, a: Self::F, to: &mut [u16; LANES]) {
        for (to, value) in to.iter_mut().zip(a) {
            *to = to_bf16(value);
        }
    }
}
