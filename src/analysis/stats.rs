//! Intervals and calibration.

/// The 95 % interval of a proportion after Wilson (1927), as fractions; (0, 1) where nothing was counted.
pub fn wilson(hits: u64, n: u64) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    if n == 0 {
        return (0.0, 1.0);
    }
    let (hits, n) = (hits as f64, n as f64);
    let share = hits / n;
    let scale = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Expected calibration error (Naeini et al. 2015) of pairwise preferences, in 15 bins of equal width: each margin (score of the
/// preferred response less that of the other) claims that the better-scored response is preferred with the probability
/// `sigmoid(|margin|)`, and is right where it is positive. A margin of zero claims nothing and is half right. `None` without
/// margins.
pub fn calibration_error(margins: &[f64]) -> Option<f64> {
    const BINS: usize = 15;
    if margins.is_empty() {
        return None;
    }
    let mut bins = [(0.0, 0.0, 0_u64); BINS];
    for margin in margins {
        let claimed = 1.0 / (1.0 + (-margin.abs()).exp());
        let right = match margin.partial_cmp(&0.0) {
            Some(std::cmp::Ordering::Greater) => 1.0,
            Some(std::cmp::Ordering::Equal) => 0.5,
            _ => 0.0,
        };
        let bin = &mut bins[((claimed * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += claimed;
        bin.1 += right;
        bin.2 += 1;
    }
    let off: f64 = bins
        .iter()
        .map(|(claimed, right, _)| (claimed - right).abs())
        .sum();
    Some(off / margins.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_agrees_with_statsmodels() {
        // statsmodels.stats.proportion.proportion_confint(hits, n, method="wilson")
        for (hits, n, low, high) in [
            (44, 100, 0.346_720_3, 0.537_719_0),
            (0, 10, 0.0, 0.277_532_8),
            (131, 131, 0.971_511_3, 1.0),
        ] {
            let (l, h) = wilson(hits, n);
            assert!(
                (l - low).abs() < 1e-6 && (h - high).abs() < 1e-6,
                "{hits}/{n}: {l} {h}"
            );
        }
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    #[test]
    fn a_calibrated_model_has_no_error() {
        // sigmoid(ln 3) is 0.75: right three times out of four.
        let margin = 3.0_f64.ln();
        let margins = [margin, margin, margin, -margin];
        assert!(calibration_error(&margins).is_some_and(|e| e < 1e-12));
        assert!(calibration_error(&[margin, -margin]).is_some_and(|e| (e - 0.25).abs() < 1e-12));
        assert_eq!(calibration_error(&[]), None);
    }
}
