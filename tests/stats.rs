//! Intervals and calibration against other implementations and by hand.

use tiebreak::analysis::stats::{calibration_error, wilson};

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
