//! What happens to one token at a time: norms and rotations.

use super::simd::{Kernel, LANES, Simd};

/// Each `weight.len()` values over their root mean square, times `weight`: `RMSNorm` (Zhang and Sennrich, arXiv:1910.07467).
pub(super) struct Norm<'a> {
    pub(super) x: &'a [f32],
    pub(super) weight: &'a [f32],
    pub(super) eps: f32,
    pub(super) out: &'a mut [f32],
}

impl Kernel for Norm<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let size = self.weight.len();
        for (x, out) in self
            .x
            .chunks_exact(size)
            .zip(self.out.chunks_exact_mut(size))
        {
            let scale = s.splat(inverse(s, x, self.eps));
            let (x, rest) = x.as_chunks::<LANES>();
            let (weight, rest_of_weight) = self.weight.as_chunks::<LANES>();
            let (out, rest_of_out) = out.as_chunks_mut::<LANES>();
            for ((x, weight), out) in x.iter().zip(weight).zip(out) {
                s.store(out, s.mul(s.mul(s.load(x), scale), s.load(weight)));
            }
            let mut factor = [0.0; LANES];
            s.store(&mut factor, scale);
            for ((x, weight), out) in rest.iter().zip(rest_of_weight).zip(rest_of_out) {
                *out = x * factor[0] * weight;
            }
        }
    }
}

/// [`Norm`], written where the values were.
pub(super) struct NormInPlace<'a> {
    pub(super) x: &'a mut [f32],
    pub(super) weight: &'a [f32],
    pub(super) eps: f32,
}

impl Kernel for NormInPlace<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for x in self.x.chunks_exact_mut(self.weight.len()) {
            let scale = inverse(s, x, self.eps);
            for (x, weight) in x.iter_mut().zip(self.weight) {
                *x = *x * scale * weight;
            }
        }
    }
}

/// One over the root mean square.
#[inline(always)]
fn inverse<S: Simd>(s: S, x: &[f32], eps: f32) -> f32 {
    let (parts, rest) = x.as_chunks::<LANES>();
    let mut sum = s.splat(0.0);
    for part in parts {
        let part = s.load(part);
        sum = s.fma(part, part, sum);
    }
    let mut sum = s.sum(sum);
    for value in rest {
        sum += value * value;
    }
    1.0 / (sum / x.len() as f32 + eps).sqrt()
}

/// Rotates heads of `2 · half` values by the angles of their token, the halves of a head being the two coordinates, as Hugging Face has
/// them, and multiplies them by `scale`.
pub(super) struct Rotate<'a> {
    /// Rows of `heads` heads.
    pub(super) x: &'a mut [f32],
    pub(super) heads: usize,
    pub(super) half: usize,
    /// Position of each row.
    pub(super) positions: &'a [u32],
    /// By position, `half` cosines.
    pub(super) cos: &'a [f32],
    pub(super) sin: &'a [f32],
    pub(super) scale: f32,
}

impl Kernel for Rotate<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let half = self.half;
        let scale = s.splat(self.scale);
        for (row, position) in self
            .x
            .chunks_exact_mut(self.heads * 2 * half)
            .zip(self.positions)
        {
            let at = *position as usize * half;
            let (cos, cos_rest) = self.cos[at..at + half].as_chunks::<LANES>();
            let (sin, sin_rest) = self.sin[at..at + half].as_chunks::<LANES>();
            for head in row.chunks_exact_mut(2 * half) {
                let (first, second) = head.split_at_mut(half);
                let (first, first_rest) = first.as_chunks_mut::<LANES>();
                let (second, second_rest) = second.as_chunks_mut::<LANES>();
                for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                    let (x, y, cos, sin) = (s.load(a), s.load(b), s.load(cos), s.load(sin));
                    s.store(a, s.mul(s.sub(s.mul(x, cos), s.mul(y, sin)), scale));
                    s.store(b, s.mul(s.add(s.mul(y, cos), s.mul(x, sin)), scale));
                }
                let rest = first_rest.iter_mut().zip(second_rest);
                for (((a, b), cos), sin) in rest.zip(cos_rest).zip(sin_rest) {
                    (*a, *b) = (
                        (*a * cos - *b * sin) * self.scale,
                        (*b * cos + *a * sin) * self.scale,
                    );
                }
            }
        }
    }
}
