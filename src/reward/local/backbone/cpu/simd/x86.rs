//! [`Simd`] in the instructions of x86.
#![expect(
    unsafe_code,
    reason = "instructions of the processor, checked for before"
)]

use std::arch::x86_64::{
    __m256, __m256i, __m512, __m512bh, __m512i, _CMP_UNORD_Q, _mm_storeu_si128, _mm256_abs_epi8,
    _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256, _mm256_andnot_ps, _mm256_castsi256_ps,
    _mm256_cmp_ps, _mm256_cvtepi32_ps, _mm256_cvtps_epi32, _mm256_div_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_max_ps,
    _mm256_min_ps, _mm256_movemask_ps, _mm256_mul_ps, _mm256_or_ps, _mm256_round_ps,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256,
    _mm256_sign_epi8, _mm256_slli_epi32, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_ps,
    _mm256_xor_si256, _mm512_abs_ps, _mm512_add_epi32, _mm512_add_ps, _mm512_and_si512,
    _mm512_castps_si512, _mm512_castsi512_ps, _mm512_cmp_ps_mask, _mm512_cvtepi32_epi16,
    _mm512_cvtepi32_ps, _mm512_cvtps_epi32, _mm512_cvtsepi32_epi8, _mm512_div_ps, _mm512_dpbf16_ps,
    _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_mask_mov_epi32, _mm512_max_epi32, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps,
    _mm512_reduce_add_epi32, _mm512_reduce_add_ps, _mm512_reduce_max_ps, _mm512_roundscale_ps,
    _mm512_scalef_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_slli_epi32, _mm512_srli_epi32,
    _mm512_storeu_ps, _mm512_sub_ps,
};

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
            let (line, word) = (
                _mm512_loadu_si512(line.cast()),
                _mm512_set1_epi32(word as i32),
            );
            if BF16 {
                return _mm512_dpbf16_ps(acc, as_bf16(line), as_bf16(word));
            }
            let high = _mm512_set1_epi32(0xffff_0000_u32 as i32);
            let product =
                |a, b, acc| _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), acc);
            let acc = product(
                _mm512_and_si512(line, high),
                _mm512_and_si512(word, high),
                acc,
            );
            product(
                _mm512_slli_epi32::<16>(line),
                _mm512_slli_epi32::<16>(word),
                acc,
            )
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
        unsafe {
            [
                _mm256_loadu_ps(from.as_ptr()),
                _mm256_loadu_ps(from.as_ptr().add(8)),
            ]
        }
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
        (eight[0] + eight[4])
            + (eight[2] + eight[6])
            + ((eight[1] + eight[5]) + (eight[3] + eight[7]))
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
            let strange = _mm256_or_ps(
                _mm256_cmp_ps::<_CMP_UNORD_Q>(a[0], a[0]),
                _mm256_cmp_ps::<_CMP_UNORD_Q>(a[1], a[1]),
            );
            _mm256_movemask_ps(strange) != 0
        }
    }
    #[inline(always)]
    unsafe fn dot_f32(self, acc: Self::F, line: *const u32, word: u32) -> Self::F {
        unsafe {
            let word = _mm256_set1_ps(f32::from_bits(word));
            let (low, high) = (
                _mm256_loadu_ps(line.cast()),
                _mm256_loadu_ps(line.add(8).cast()),
            );
            [
                _mm256_fmadd_ps(low, word, acc[0]),
                _mm256_fmadd_ps(high, word, acc[1]),
            ]
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
                *out = _mm256_fmadd_ps(
                    _mm256_castsi256_ps(_mm256_and_si256(line, mask)),
                    high,
                    *out,
                );
                *out = _mm256_fmadd_ps(
                    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(line)),
                    low,
                    *out,
                );
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
                let pairs =
                    _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(word, weights));
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
