//! Sixteen numbers at once, in the instructions that this processor has: AVX-512 with VNNI (and, where it is there, bf16), AVX2 with
//! FMA, or what the compiler makes of plain loops (NEON on ARM). Kernels are written once, over [`Simd`]; [`Isa::run`] compiles
//! them for each.
#![expect(
    unsafe_code,
    reason = "instructions of the processor, checked for before; memory is read and written through references to whole registers"
)]

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

    /// Whether products of 8 bits and of bf16 have instructions of their own, and so are faster than those of f32.
    pub fn has_short_products(self) -> bool {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Bf16 => true,
            _ => false,
        }
    }

    /// Whether products of 8 bits have.
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
    let inner = s.mul(
        s.splat(0.797_884_6),
        s.fma(s.splat(0.044_715), cube, x),
    );
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
        (eight[0] + eight[4]) + (eight[2] + eight[6]) + ((eight[1] + eight[5]) + (eight[3] + eight[7]))
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
        let (low, high) = (f32::from_bits(word << 16), f32::from_bits(word & 0xffff_0000));
        let acc = self.fma(
            lanes!(i => f32::from_bits(line[i] & 0xffff_0000)),
            [high; LANES],
            acc,
        );
        self.fma(lanes!(i => f32::from_bits(line[i] << 16)), [low; LANES], acc)
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

#[cfg(target_arch = "x86_64")]
mod x86 {
    #[expect(clippy::wildcard_imports, reason = "there are some sixty")]
    use std::arch::x86_64::*;

    use super::{Kernel, LANES, Simd, to_bf16};

    #[derive(Clone, Copy)]
    pub(super) struct Avx512<const BF16: bool>(());

    #[derive(Clone, Copy)]
    pub(super) struct Avx2(());

    /// # Safety
    /// The processor has the instructions.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vnni,avx512bf16,fma,avx2")]
    pub(super) unsafe fn avx512_bf16<K: Kernel>(kernel: K) -> K::Out {
        kernel.run(Avx512::<true>(()))
    }

    /// # Safety
    /// The processor has the instructions.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vnni,fma,avx2")]
    pub(super) unsafe fn avx512<K: Kernel>(kernel: K) -> K::Out {
        kernel.run(Avx512::<false>(()))
    }

    /// # Safety
    /// The processor has the instructions.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn avx2<K: Kernel>(kernel: K) -> K::Out {
        kernel.run(Avx2(()))
    }

    // In both: SAFETY: a value of the type exists only where the processor has the instructions, and references are to as much as is read or
    // written.
    impl<const BF16: bool> Simd for Avx512<BF16> {
        type F = __m512;
        type I = __m512i;
        const WIDE: bool = true;

        #[inline(always)]
        fn splat(self, value: f32) -> __m512 {
            unsafe { _mm512_set1_ps(value) }
        }
        #[inline(always)]
        fn load(self, from: &[f32; LANES]) -> __m512 {
            unsafe { _mm512_loadu_ps(from.as_ptr()) }
        }
        #[inline(always)]
        fn store(self, to: &mut [f32; LANES], value: __m512) {
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), value) }
        }
        #[inline(always)]
        fn add(self, a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        fn sub(self, a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_sub_ps(a, b) }
        }
        #[inline(always)]
        fn mul(self, a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_mul_ps(a, b) }
        }
        #[inline(always)]
        fn div(self, a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_div_ps(a, b) }
        }
        #[inline(always)]
        fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        fn max(self, a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_max_ps(a, b) }
        }
        #[inline(always)]
        fn min(self, a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_min_ps(a, b) }
        }
        #[inline(always)]
        fn abs(self, a: __m512) -> __m512 {
            unsafe { _mm512_abs_ps(a) }
        }
        #[inline(always)]
        fn round(self, a: __m512) -> __m512 {
            unsafe { _mm512_roundscale_ps::<8>(a) }
        }
        #[inline(always)]
        fn scale(self, a: __m512, n: __m512) -> __m512 {
            unsafe { _mm512_scalef_ps(a, n) }
        }
        #[inline(always)]
        fn sum(self, a: __m512) -> f32 {
            unsafe { _mm512_reduce_add_ps(a) }
        }
        #[inline(always)]
        fn largest(self, a: __m512) -> f32 {
            unsafe { _mm512_reduce_max_ps(a) }
        }
        #[inline(always)]
        fn any_nan(self, a: __m512) -> bool {
            unsafe { _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a) != 0 }
        }
        #[inline(always)]
        unsafe fn dot_f32(self, acc: __m512, line: *const u32, word: u32) -> __m512 {
            unsafe {
                let line = _mm512_loadu_ps(line.cast());
                _mm512_fmadd_ps(line, _mm512_set1_ps(f32::from_bits(word)), acc)
            }
        }
        #[inline(always)]
        unsafe fn dot_bf16(self, acc: __m512, line: *const u32, word: u32) -> __m512 {
            unsafe {
                let (line, word) = (_mm512_loadu_si512(line.cast()), _mm512_set1_epi32(word as i32));
                if BF16 {
                    return _mm512_dpbf16_ps(acc, as_bf16(line), as_bf16(word));
                }
                let high = _mm512_set1_epi32(0xffff_0000_u32 as i32);
                let product = |a, b, acc| _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), acc);
                let acc = product(_mm512_and_si512(line, high), _mm512_and_si512(word, high), acc);
                product(_mm512_slli_epi32::<16>(line), _mm512_slli_epi32::<16>(word), acc)
            }
        }
        #[inline(always)]
        fn dot_start(self, offset: i32) -> __m512i {
            unsafe { _mm512_set1_epi32(offset) }
        }
        #[inline(always)]
        unsafe fn dot_i8(self, acc: __m512i, line: *const u32, word: u32) -> __m512i {
            unsafe {
                let line = _mm512_loadu_si512(line.cast());
                _mm512_dpbusd_epi32(acc, line, _mm512_set1_epi32(word as i32))
            }
        }
        #[inline(always)]
        fn float(self, a: __m512i) -> __m512 {
            unsafe { _mm512_cvtepi32_ps(a) }
        }
        #[inline(always)]
        fn bytes(self, a: __m512, to: &mut [i8; LANES]) -> i32 {
            unsafe {
                let whole = _mm512_max_epi32(_mm512_cvtps_epi32(a), _mm512_set1_epi32(-127));
                _mm_storeu_si128(to.as_mut_ptr().cast(), _mm512_cvtsepi32_epi8(whole));
                _mm512_reduce_add_epi32(whole)
            }
        }
        #[inline(always)]
        fn bf16(self, a: __m512, to: &mut [u16; LANES]) {
            unsafe {
                let bits = _mm512_castps_si512(a);
                let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
                let up = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
                let rounded = _mm512_srli_epi32::<16>(_mm512_add_epi32(bits, up));
                let strange = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a);
                let rounded = _mm512_mask_mov_epi32(rounded, strange, _mm512_set1_epi32(0x7fc0));
                _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(rounded));
            }
        }
    }

    /// # Safety
    /// None is needed: both types are 64 bytes of anything.
    #[inline(always)]
    unsafe fn as_bf16(a: __m512i) -> __m512bh {
        unsafe { std::mem::transmute(a) }
    }

    /// Both halves, one after the other.
    macro_rules! both {
        ($op:ident, $($a:ident),+) => {
            unsafe { [$op($($a[0]),+), $op($($a[1]),+)] }
        };
    }

    impl Simd for Avx2 {
        type F = [__m256; 2];
        type I = [__m256i; 2];
        const WIDE: bool = false;

        #[inline(always)]
        fn splat(self, value: f32) -> Self::F {
            unsafe { [_mm256_set1_ps(value); 2] }
        }
        #[inline(always)]
        fn load(self, from: &[f32; LANES]) -> Self::F {
            unsafe { [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))] }
        }
        #[inline(always)]
        fn store(self, to: &mut [f32; LANES], value: Self::F) {
            unsafe {
                _mm256_storeu_ps(to.as_mut_ptr(), value[0]);
                _mm256_storeu_ps(to.as_mut_ptr().add(8), value[1]);
            }
        }
        #[inline(always)]
        fn add(self, a: Self::F, b: Self::F) -> Self::F {
            both!(_mm256_add_ps, a, b)
        }
        #[inline(always)]
        fn sub(self, a: Self::F, b: Self::F) -> Self::F {
            both!(_mm256_sub_ps, a, b)
        }
        #[inline(always)]
        fn mul(self, a: Self::F, b: Self::F) -> Self::F {
            both!(_mm256_mul_ps, a, b)
        }
        #[inline(always)]
        fn div(self, a: Self::F, b: Self::F) -> Self::F {
            both!(_mm256_div_ps, a, b)
        }
        #[inline(always)]
        fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
            both!(_mm256_fmadd_ps, a, b, c)
        }
        #[inline(always)]
        fn max(self, a: Self::F, b: Self::F) -> Self::F {
            both!(_mm256_max_ps, a, b)
        }
        #[inline(always)]
        fn min(self, a: Self::F, b: Self::F) -> Self::F {
            both!(_mm256_min_ps, a, b)
        }
        #[inline(always)]
        fn abs(self, a: Self::F) -> Self::F {
            let sign = unsafe { [_mm256_set1_ps(-0.0); 2] };
            both!(_mm256_andnot_ps, sign, a)
        }
        #[inline(always)]
        fn round(self, a: Self::F) -> Self::F {
            unsafe { [_mm256_round_ps::<8>(a[0]), _mm256_round_ps::<8>(a[1])] }
        }
        #[inline(always)]
        fn scale(self, a: Self::F, n: Self::F) -> Self::F {
            unsafe {
                let mut out = a;
                for (out, n) in out.iter_mut().zip(n) {
                    let power = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
                    *out = _mm256_mul_ps(*out, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(power)));
                }
                out
            }
        }
        #[inline(always)]
        fn sum(self, a: Self::F) -> f32 {
            let mut eight = [0.0_f32; 8];
            unsafe { _mm256_storeu_ps(eight.as_mut_ptr(), _mm256_add_ps(a[0], a[1])) };
            (eight[0] + eight[4]) + (eight[2] + eight[6]) + ((eight[1] + eight[5]) + (eight[3] + eight[7]))
        }
        #[inline(always)]
        fn largest(self, a: Self::F) -> f32 {
            let mut eight = [0.0_f32; 8];
            unsafe { _mm256_storeu_ps(eight.as_mut_ptr(), _mm256_max_ps(a[0], a[1])) };
            let mut most = f32::NEG_INFINITY;
            for value in eight {
                most = if most > value { most } else { value };
            }
            most
        }
        #[inline(always)]
        fn any_nan(self, a: Self::F) -> bool {
            unsafe {
                let strange = _mm256_or_ps(_mm256_cmp_ps::<_CMP_UNORD_Q>(a[0], a[0]), _mm256_cmp_ps::<_CMP_UNORD_Q>(a[1], a[1]));
                _mm256_movemask_ps(strange) != 0
            }
        }
        #[inline(always)]
        unsafe fn dot_f32(self, acc: Self::F, line: *const u32, word: u32) -> Self::F {
            unsafe {
                let word = _mm256_set1_ps(f32::from_bits(word));
                let (low, high) = (_mm256_loadu_ps(line.cast()), _mm256_loadu_ps(line.add(8).cast()));
                [_mm256_fmadd_ps(low, word, acc[0]), _mm256_fmadd_ps(high, word, acc[1])]
            }
        }
        #[inline(always)]
        unsafe fn dot_bf16(self, acc: Self::F, line: *const u32, word: u32) -> Self::F {
            unsafe {
                let mask = _mm256_set1_epi32(0xffff_0000_u32 as i32);
                let low = _mm256_set1_ps(f32::from_bits(word << 16));
                let high = _mm256_set1_ps(f32::from_bits(word & 0xffff_0000));
                let mut out = acc;
                for (i, out) in out.iter_mut().enumerate() {
                    let line = _mm256_loadu_si256(line.add(8 * i).cast());
                    *out = _mm256_fmadd_ps(_mm256_castsi256_ps(_mm256_and_si256(line, mask)), high, *out);
                    *out = _mm256_fmadd_ps(_mm256_castsi256_ps(_mm256_slli_epi32::<16>(line)), low, *out);
                }
                out
            }
        }
        #[inline(always)]
        fn dot_start(self, _offset: i32) -> Self::I {
            unsafe { [_mm256_setzero_si256(); 2] }
        }
        #[inline(always)]
        unsafe fn dot_i8(self, acc: Self::I, line: *const u32, word: u32) -> Self::I {
            unsafe {
                let word = _mm256_set1_epi32(word as i32);
                let mut out = acc;
                for (i, out) in out.iter_mut().enumerate() {
                    let line = _mm256_loadu_si256(line.add(8 * i).cast());
                    let weights = _mm256_xor_si256(line, _mm256_set1_epi8(-128));
                    // The sign goes to the other side: the instruction wants one without. 2 · 127 · 127 fits 16 bits.
                    let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(word, weights));
                    *out = _mm256_add_epi32(*out, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
                }
                out
            }
        }
        #[inline(always)]
        fn float(self, a: Self::I) -> Self::F {
            both!(_mm256_cvtepi32_ps, a)
        }
        #[inline(always)]
        fn bytes(self, a: Self::F, to: &mut [i8; LANES]) -> i32 {
            let mut whole = [0_i32; LANES];
            unsafe {
                _mm256_storeu_si256(whole.as_mut_ptr().cast(), _mm256_cvtps_epi32(a[0]));
                _mm256_storeu_si256(whole.as_mut_ptr().add(8).cast(), _mm256_cvtps_epi32(a[1]));
            }
            let mut sum = 0;
            for (to, value) in to.iter_mut().zip(whole) {
                *to = value.clamp(-127, 127) as i8;
                sum += i32::from(*to);
            }
            sum
        }
        #[inline(always)]
        fn bf16(self, a: Self::F, to: &mut [u16; LANES]) {
            let mut values = [0.0; LANES];
            self.store(&mut values, a);
            for (to, value) in to.iter_mut().zip(values) {
                *to = to_bf16(value);
            }
        }
    }
}
