//! How far annotators agree with each other, beyond chance: Krippendorff's alpha, Fleiss' kappa, Cohen's kappa.

use std::collections::BTreeMap;

/// How far apart two values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Different or not.
    Nominal,
    /// By how many values lie between them.
    Ordinal,
    /// By their difference.
    Interval,
}

/// What several annotators said of one thing: who, by a number, and the value. Nobody says two things of one.
pub type Unit = Vec<(usize, f64)>;

/// A value as a key: values are compared exactly. -0 is 0.
fn key(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

/// The values that occur, from the smallest, and for each unit how often each was said; units with one value only are left out.
fn counted(units: &[Unit]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let said = |units: &[Unit]| -> Vec<f64> {
        let shared = units.iter().filter(|u| u.len() > 1);
        let mut values: Vec<f64> = shared.flatten().map(|(_, v)| *v).collect();
        values.sort_by(f64::total_cmp);
        values.dedup_by_key(|v| key(*v));
        values
    };
    let values = said(units);
    let place: BTreeMap<u64, usize> = values
        .iter()
        .enumerate()
        .map(|(at, v)| (key(*v), at))
        .collect();
    let counts = units
        .iter()
        .filter(|u| u.len() > 1)
        .map(|unit| {
            let mut row = vec![0.0; values.len()];
            for (_, value) in unit {
                row[place[&key(*value)]] += 1.0;
            }
            row
        })
        .collect();
    (values, counts)
}

/// Krippendorff's alpha (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"), at most 1; 0 is chance. Missing values are allowed.
/// `None` where nothing was said twice, or only one value was ever said.
pub fn krippendorff_alpha(units: &[Unit], metric: Metric) -> Option<f64> {
    let (values, counts) = counted(units);
    let n = values.len();
    // How often each ordered pair of values was said of one thing, each thing weighing as much as it has values.
    let mut together = vec![0.0; n * n];
    for row in &counts {
        let others = row.iter().sum::<f64>() - 1.0;
        for c in 0..n {
            for k in 0..n {
                let pairs = row[c] * (row[k] - if c == k { 1.0 } else { 0.0 });
                together[c * n + k] += pairs / others;
            }
        }
    }
    let margin: Vec<f64> = (0..n)
        .map(|c| together[c * n..(c + 1) * n].iter().sum())
        .collect();
    let total: f64 = margin.iter().sum();
    let apart = |c: usize, k: usize| match metric {
        Metric::Nominal => f64::from(u8::from(c != k)),
        Metric::Interval => (values[c] - values[k]).powi(2),
        Metric::Ordinal => {
            let (low, high) = (c.min(k), c.max(k));
            let between: f64 = margin[low..=high].iter().sum();
            (between - f64::midpoint(margin[c], margin[k])).powi(2)
        }
    };
    let (mut seen, mut expected) = (0.0, 0.0);
    for c in 0..n {
        for k in 0..n {
            if c != k {
                seen += together[c * n + k] * apart(c, k);
                expected += margin[c] * margin[k] * apart(c, k);
            }
        }
    }
    (expected > 0.0).then(|| 1.0 - (total - 1.0) * seen / expected)
}

/// The share of pairs of annotators who said the same, as a mean over units; `None` where nothing was said twice.
pub fn percent_agreement(units: &[Unit]) -> Option<f64> {
    let (_, counts) = counted(units);
    let same = |row: &Vec<f64>| {
        let n: f64 = row.iter().sum();
        (row.iter().map(|c| c * c).sum::<f64>() - n) / (n * (n - 1.0))
    };
    (!counts.is_empty()).then(|| counts.iter().map(same).sum::<f64>() / counts.len() as f64)
}

/// Fleiss' kappa (Fleiss 1971); where units have different numbers of annotators, each unit's agreement weighs the same. `None` where
/// nothing was said twice, or only one value was ever said.
pub fn fleiss_kappa(units: &[Unit]) -> Option<f64> {
    let (_, counts) = counted(units);
    let observed = percent_agreement(units)?;
    let total: f64 = counts.iter().flatten().sum();
    let chance: f64 = (0..counts[0].len())
        .map(|value| (counts.iter().map(|row| row[value]).sum::<f64>() / total).powi(2))
        .sum();
    (chance < 1.0).then(|| (observed - chance) / (1.0 - chance))
}

/// Cohen's kappa of two annotators over pairs of values: each difference weighs 1 (Cohen 1960), or its square where `quadratic` (Cohen 1968).
/// `None` where there are no pairs or chance alone would agree always.
pub fn cohen_kappa(pairs: &[(f64, f64)], quadratic: bool) -> Option<f64> {
    let (seen, expected) = disagreement(pairs, quadratic);
    (expected > 0.0).then(|| 1.0 - seen / expected)
}

/// The disagreement of two annotators as a sum over pairs of values: what is there, and what chance gives.
fn disagreement(pairs: &[(f64, f64)], quadratic: bool) -> (f64, f64) {
    let weight = |a: f64, b: f64| {
        if quadratic {
            (a - b).powi(2)
        } else {
            f64::from(u8::from(key(a) != key(b)))
        }
    };
    let n = pairs.len() as f64;
    let seen: f64 = pairs.iter().map(|(a, b)| weight(*a, *b)).sum();
    // What chance gives: every value of one with every value of the other, by how often each occurs.
    let tally = |values: &mut dyn Iterator<Item = f64>| {
        let mut counts: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
        for value in values {
            counts.entry(key(value)).or_insert((value, 0.0)).1 += 1.0;
        }
        counts
    };
    let first = tally(&mut pairs.iter().map(|p| p.0));
    let second = tally(&mut pairs.iter().map(|p| p.1));
    let expected: f64 = first
        .values()
        .flat_map(|a| second.values().map(move |b| weight(a.0, b.0) * a.1 * b.1))
        .sum();
    (seen, if n > 0.0 { expected / n } else { 0.0 })
}

/// Two annotators who said something of the same things.
#[derive(Debug, Clone, PartialEq)]
pub struct Couple {
    /// The first, by number.
    pub first: usize,
    /// The second, a larger number.
    pub second: usize,
    /// Things of which both said something.
    pub n: u64,
    /// Cohen's kappa.
    pub kappa: Option<f64>,
    /// Cohen's kappa with quadratic weights.
    pub quadratic: Option<f64>,
    /// Their disagreement, and what chance gives; without and with quadratic weights.
    sums: [(f64, f64); 2],
}

/// All couples of annotators with something in common, by their numbers.
pub fn couples(units: &[Unit]) -> Vec<Couple> {
    let mut shared: BTreeMap<(usize, usize), Vec<(f64, f64)>> = BTreeMap::new();
    for unit in units {
        for (at, (a, x)) in unit.iter().enumerate() {
            for (b, y) in &unit[at + 1..] {
                let (who, pair) = if a < b {
                    ((*a, *b), (*x, *y))
                } else {
                    ((*b, *a), (*y, *x))
                };
                shared.entry(who).or_default().push(pair);
            }
        }
    }
    shared
        .into_iter()
        .map(|((first, second), pairs)| Couple {
            first,
            second,
            n: pairs.len() as u64,
            kappa: cohen_kappa(&pairs, false),
            quadratic: cohen_kappa(&pairs, true),
            sums: [disagreement(&pairs, false), disagreement(&pairs, true)],
        })
        .collect()
}

/// Everything there is to say of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Things of which two or more annotators said something.
    pub n: u64,
    /// Krippendorff's alpha, nominal.
    pub alpha_nominal: Option<f64>,
    /// Krippendorff's alpha, ordinal.
    pub alpha_ordinal: Option<f64>,
    /// Krippendorff's alpha, interval.
    pub alpha_interval: Option<f64>,
    /// Fleiss' kappa.
    pub fleiss: Option<f64>,
    /// Share of pairs of annotators who said the same.
    pub percent: Option<f64>,
    /// The couples.
    pub couples: Vec<Couple>,
}

impl Agreement {
    /// Computes it.
    pub fn of(units: &[Unit]) -> Self {
        Self {
            n: units.iter().filter(|u| u.len() > 1).count() as u64,
            alpha_nominal: krippendorff_alpha(units, Metric::Nominal),
            alpha_ordinal: krippendorff_alpha(units, Metric::Ordinal),
            alpha_interval: krippendorff_alpha(units, Metric::Interval),
            fleiss: fleiss_kappa(units),
            percent: percent_agreement(units),
            couples: couples(units),
        }
    }

    /// Cohen's kappa over all couples together: their disagreements and what chance gives each are added up, so that a couple counts by what it
    /// has in common. (A mean of the couples' kappas would be no use with many annotators: two with one thing in common have 0 or none.)
    pub fn pooled_kappa(&self, quadratic: bool) -> Option<f64> {
        let sums = self.couples.iter().map(|c| c.sums[usize::from(quadratic)]);
        let (seen, expected) = sums.fold((0.0, 0.0), |(a, b), (s, e)| (a + s, b + e));
        (expected > 0.0).then(|| 1.0 - seen / expected)
    }
}
