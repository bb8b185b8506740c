//! Products of 8-bit groups, against the same sums in f64.

use proptest::prelude::*;
use tiebreak::reward::local::int8::{Int8Matrix, is_here};

const GROUP: usize = 64;

/// What 8 bits keep of a row: each group's values as multiples of a 127th of its largest.
fn kept(row: &[f32]) -> Vec<f64> {
    row.chunks(GROUP)
        .flat_map(|group| {
            let largest = group.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
            let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            group.iter().map(move |v| {
                let q = (v * inverse).round_ties_even().clamp(-127.0, 127.0);
                f64::from(q) * f64::from(largest / 127.0)
            })
        })
        .collect()
}

fn rows(values: &[f32], width: usize) -> Vec<Vec<f64>> {
    values.chunks(width).map(kept).collect()
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
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn products_are_those_of_what_8_bits_keep(n in 1_usize..20, outputs in 1_usize..70, inputs in 1_usize..300, seed in any::<u64>()) {
        if !is_here() {
            return Ok(());
        }
        let (x, w) = (drawn(n * inputs, seed), drawn(outputs * inputs, !seed));
        let found = Int8Matrix::new(&w, outputs, inputs).product(&x);
        prop_assert_eq!(found.len(), n * outputs);
        let (x, w) = (rows(&x, inputs), rows(&w, inputs));
        for (row, found) in x.iter().zip(found.chunks(outputs)) {
            for (weights, found) in w.iter().zip(found) {
                let expected: f64 = row.iter().zip(weights).map(|(a, b)| a * b).sum();
                let size: f64 = row.iter().zip(weights).map(|(a, b)| (a * b).abs()).sum();
                prop_assert!((f64::from(*found) - expected).abs() <= 1e-5 * size + 1e-6, "{} {}", found, expected);
            }
        }
    }
}

#[test]
fn zeros_stay_zeros_and_what_is_no_number_is_told() {
    if !is_here() {
        return;
    }
    let matrix = Int8Matrix::new(&[0.0; 3 * 70], 3, 70);
    assert_eq!(matrix.product(&[1.0; 140]), [0.0; 6]);
    let matrix = Int8Matrix::new(&[1.0; 2 * 70], 2, 70);
    let mut x = vec![1.0; 140];
    x[75] = f32::NAN;
    let found = matrix.product(&x);
    assert!(
        found[..2].iter().all(|v| (v - 70.0).abs() < 1e-3) && found[2..].iter().all(|v| v.is_nan())
    );
}
