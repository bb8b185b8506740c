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
