//! Products of weights in f32, bf16 and 8 bits, by all the instructions that this processor has, against the same sums in f64.

use proptest::prelude::*;
use tiebreak::reward::local::cpu::{Isa, Kind, Matrix};

const GROUP: usize = 64;

/// What is kept of a row: in 8 bits, each group's values as multiples of a 127th of its largest; in bf16, the nearest of 8 digits.
fn kept(kind: Kind, row: &[f32]) -> Vec<f64> {
    match kind {
        Kind::F32 => row.iter().copied().map(f64::from).collect(),
        Kind::Bf16 => row
            .iter()
            .map(|v| {
                let unit = v.abs().log2().floor().exp2() / 128.0;
                f64::from(if *v == 0.0 {
                    0.0
                } else {
                    (v / unit).round_ties_even() * unit
                })
            })
            .collect(),
        Kind::Int8 => row
            .chunks(GROUP)
            .flat_map(|group| {
                let largest = group.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
                let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
                group.iter().map(move |v| {
                    let q = (v * inverse).round_ties_even().clamp(-127.0, 127.0);
                    f64::from(q) * f64::from(largest / 127.0)
                })
            })
            .collect(),
    }
}

fn rows(kind: Kind, values: &[f32], width: usize) -> Vec<Vec<f64>> {
    values.chunks(width).map(|row| kept(kind, row)).collect()
}

/// Values of very different sizes, drawn by a seed.
fn drawn(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let part = (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5;
            if state.is_multiple_of(97) {
                part * 40.0
            } else {
                part
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn products_are_those_of_what_is_kept(n in 1_usize..20, outputs in 1_usize..70, inputs in 1_usize..300, seed in any::<u64>()) {
        let (x, w) = (drawn(n * inputs, seed), drawn(outputs * inputs, !seed));
        for kind in [Kind::F32, Kind::Bf16, Kind::Int8] {
            let matrix = Matrix::new(kind, &w, outputs, inputs);
            let (x_kept, w_kept) = (rows(kind, &x, inputs), rows(kind, &w, inputs));
            for isa in Isa::all() {
                let found = matrix.product(isa, &x);
                prop_assert_eq!(found.len(), n * outputs);
                for (row, found) in x_kept.iter().zip(found.chunks(outputs)) {
                    for (weights, found) in w_kept.iter().zip(found) {
                        let expected: f64 = row.iter().zip(weights).map(|(a, b)| a * b).sum();
                        let size: f64 = row.iter().zip(weights).map(|(a, b)| (a * b).abs()).sum();
                        prop_assert!((f64::from(*found) - expected).abs() <= 1e-5 * size + 1e-6, "{:?} {:?} {} {}", kind, isa, found, expected);
                    }
                }
            }
        }
    }
}

#[test]
fn zeros_stay_zeros_and_what_is_no_number_is_told() {
    for (kind, isa) in [Kind::F32, Kind::Bf16, Kind::Int8]
        .into_iter()
        .flat_map(|kind| Isa::all().into_iter().map(move |isa| (kind, isa)))
    {
        let matrix = Matrix::new(kind, &[0.0; 3 * 70], 3, 70);
        assert_eq!(matrix.product(isa, &[1.0; 140]), [0.0; 6]);
        let matrix = Matrix::new(kind, &[1.0; 2 * 70], 2, 70);
        let mut x = vec![1.0; 140];
        x[75] = f32::NAN;
        let found = matrix.product(isa, &x);
        assert!(
            found[..2].iter().all(|v| (v - 70.0).abs() < 1e-3)
                && found[2..].iter().all(|v| v.is_nan()),
            "{kind:?} {isa:?} {found:?}"
        );
    }
}

#[test]
fn every_processor_has_plain_loops_and_the_fastest_comes_first() {
    let all = Isa::all();
    assert_eq!(all.last(), Some(&Isa::portable()));
    assert_eq!(all[0], Isa::here());
}
