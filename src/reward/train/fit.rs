//! Fitting a linear head to features: convex, seeded, and stopped by prompts that it has not seen.
//!
//! Features are standardised first and the scale is folded back into the head. The head is fitted by Adam on all rows at once for several
//! strengths of L2; the one with the least loss on the held-out prompts is kept, at the epoch where that was least. Held-out figures
//! are therefore a little flattering; an unbiased one needs other data.

use super::loss::{self, Loss};
use super::{Example, Features, Target, TrainError, TrainingSet};
use crate::task::Cancel;

/// Strengths of L2 that are tried, from strong to weak, for features of unit variance and a loss that is a mean.
const L2: [f64; 5] = [1.0, 0.3, 0.1, 0.03, 0.01];
/// Epochs at most.
const EPOCHS: usize = 500;
/// Epochs without a better held-out loss before it stops.
const PATIENCE: usize = 30;
/// Features have unit variance, so that weights end at some hundredths: some tens of steps.
const LEARNING_RATE: f64 = 0.004;
/// Parts of the cross-fit.
const FOLDS: u64 = 5;

/// One epoch.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Epoch {
    /// Mean loss on the training part.
    pub train: f64,
    /// Mean loss on the held-out part.
    pub validation: f64,
}

/// A fitted head.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Weights for features as they come, output by output.
    pub weight: Vec<Vec<f64>>,
    /// The learning curve of the L2 that was kept.
    pub curve: Vec<Epoch>,
    /// The epoch that was kept, from 1.
    pub best_epoch: usize,
    /// The L2 that was kept.
    pub l2: f64,
    /// Margins of all pairs (outputs of all rated responses are in `predicted`).
    pub margins: Vec<f64>,
    /// Outputs for all rated responses.
    pub predicted: Vec<Vec<f64>>,
    /// Margins of all pairs by heads that were fitted without their prompts.
    pub cross_fitted: Vec<f64>,
}

/// Fits a head. `held_out` says for each example whether it is only for validation.
pub(super) fn fit(
    set: &TrainingSet,
    features: &Features,
    loss: Loss,
    held_out: &[bool],
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Fit, TrainError> {
    let (train, validation): (Vec<usize>, Vec<usize>) =
        (0..set.examples.len()).partition(|&at| !held_out[at]);
    let rows = Rows::new(set, features, loss, &train);
    let steps = L2.len() + FOLDS as usize;
    let mut best: Option<Run> = None;
    for (at, l2) in L2.into_iter().enumerate() {
        progress(at, steps);
        let run = descend(&rows, &train, &validation, l2, EPOCHS, cancel)?;
        if best.as_ref().is_none_or(|b| run.least < b.least) {
            best = Some(run);
        }
    }
    let best = best.ok_or(TrainError::NoExamples)?;
    let weight = rows.fold_back(&best.weight, features);

    // Each prompt's labels as seen by a head that has not learned from them: with the L2 and the epochs found above.
    let mut cross_fitted = vec![f64::NAN; set.examples.len()];
    if loss != Loss::Regression {
        for fold in 0..FOLDS {
            progress(L2.len() + fold as usize, steps);
            let (rest, left): (Vec<usize>, Vec<usize>) = (0..set.examples.len())
                .partition(|&at| super::fold(set.examples[at].group, FOLDS) != fold);
            if rest.is_empty() || left.is_empty() {
                continue;
            }
            let run = descend(&rows, &rest, &[], best.l2, best.epoch, cancel)?;
            for at in left {
                cross_fitted[at] = rows.outputs(&run.weight, at)[0];
            }
        }
    }
    progress(steps, steps);
    let mut fit = Fit {
        weight,
        curve: best.curve,
        best_epoch: best.epoch,
        l2: best.l2,
        margins: vec![],
        predicted: vec![],
        cross_fitted,
    };
    for example in &set.examples {
        match &example.target {
            Target::Pair {
                chosen, rejected, ..
            } => {
                let score = |text: usize| dot(&fit.weight[0], features.row(text));
                fit.margins.push(score(*chosen) - score(*rejected));
            }
            Target::Values { text, .. } => {
                let outputs = fit.weight.iter().map(|w| dot(w, features.row(*text)));
                fit.predicted.push(outputs.collect());
            }
        }
    }
    if fit
        .margins
        .iter()
        .chain(fit.predicted.iter().flatten())
        .any(|x| !x.is_finite())
    {
        return Err(TrainError::Diverged);
    }
    Ok(fit)
}

fn dot(weight: &[f64], x: &[f32]) -> f64 {
    weight.iter().zip(x).map(|(w, x)| w * f64::from(*x)).sum()
}

/// Standardised inputs, one row per example.
struct Rows<'a> {
    x: Vec<f32>,
    width: usize,
    outputs: usize,
    scale: Vec<f64>,
    mean: Vec<f64>,
    loss: Loss,
    examples: &'a [Example],
}

impl<'a> Rows<'a> {
    fn new(set: &'a TrainingSet, features: &Features, loss: Loss, train: &[usize]) -> Self {
        let hidden = features.width;
        let texts: Vec<usize> = train
            .iter()
            .flat_map(|&at| set.examples[at].target.texts())
            .collect();
        let n = texts.len().max(1) as f64;
        let mut mean = vec![0.0; hidden];
        for &text in &texts {
            for (sum, x) in mean.iter_mut().zip(features.row(text)) {
                *sum += f64::from(*x) / n;
            }
        }
        let mut scale = vec![0.0; hidden];
        for &text in &texts {
            for ((sum, x), mean) in scale.iter_mut().zip(features.row(text)).zip(&mean) {
                *sum += (f64::from(*x) - mean).powi(2) / n;
            }
        }
        for scale in &mut scale {
            // A feature that never changes says nothing.
            *scale = if *scale > 1e-12 {
                1.0 / scale.sqrt()
            } else {
                0.0
            };
        }
        let regression = loss == Loss::Regression;
        // The last input of regression is 1: the intercept.
        let width = hidden + usize::from(regression);
        let mut x = Vec::with_capacity(width * set.examples.len());
        for example in &set.examples {
            match &example.target {
                Target::Pair {
                    chosen, rejected, ..
                } => {
                    let both = features.row(*chosen).iter().zip(features.row(*rejected));
                    x.extend(both.zip(&scale).map(|((a, b), s)| (a - b) * *s as f32));
                }
                Target::Values { text, .. } => {
                    let row = features.row(*text).iter().zip(&mean).zip(&scale);
                    x.extend(row.map(|((x, m), s)| ((f64::from(*x) - m) * s) as f32));
                    x.push(1.0);
                }
            }
        }
        Self {
            x,
            width,
            outputs: if regression { set.outputs.len() } else { 1 },
            scale,
            mean,
            loss,
            examples: &set.examples,
        }
    }

    fn row(&self, at: usize) -> &[f32] {
        &self.x[at * self.width..(at + 1) * self.width]
    }

    fn outputs(&self, weight: &[f64], at: usize) -> Vec<f64> {
        let row = self.row(at);
        weight.chunks(self.width).map(|w| dot(w, row)).collect()
    }

    /// Mean loss of those examples; with `gradient`, adds its derivative by the weights there.
    fn loss(&self, weight: &[f64], at: &[usize], gradient: Option<&mut Vec<f64>>) -> f64 {
        let mut found = Vec::with_capacity(at.len());
        let mut total = 0.0;
        let mut count = 0;
        for &at in at {
            let outputs = self.outputs(weight, at);
            let (value, derivatives, n) = match &self.examples[at].target {
                Target::Pair { strength, .. } => {
                    let (value, derivative) = loss::of_pair(self.loss, outputs[0], *strength);
                    (value, vec![derivative], 1)
                }
                Target::Values { values, .. } => loss::of_values(&outputs, values),
            };
            total += value;
            count += n;
            found.push(derivatives);
        }
        let count = count.max(1) as f64;
        if let Some(gradient) = gradient {
            for (&at, derivatives) in at.iter().zip(&found) {
                let row = self.row(at);
                for (part, derivative) in gradient.chunks_mut(self.width).zip(derivatives) {
                    let by = derivative / count;
                    for (sum, x) in part.iter_mut().zip(row) {
                        *sum += by * f64::from(*x);
                    }
                }
            }
        }
        total / count
    }

    /// Weights for features as they come. A reward head has no intercept where transformers loads it, so that of regression is
    /// put on the direction along which all features agree.
    fn fold_back(&self, weight: &[f64], features: &Features) -> Vec<Vec<f64>> {
        let hidden = self.scale.len();
        let unit = (self.width > hidden).then(|| constant(features));
        weight
            .chunks(self.width)
            .map(|w| {
                let mut raw: Vec<f64> = w.iter().zip(&self.scale).map(|(w, s)| w * s).collect();
                if let Some(unit) = &unit {
                    let shift: f64 = raw.iter().zip(&self.mean).map(|(w, m)| w * m).sum();
                    let intercept = w[hidden] - shift;
                    for (raw, unit) in raw.iter_mut().zip(unit) {
                        *raw += intercept * unit;
                    }
                }
                raw
            })
            .collect()
    }
}

/// The vector u for which u · x is nearest to 1 over all features x, by conjugate gradients on the normal equations with a trace of L2.
fn constant(features: &Features) -> Vec<f64> {
    let (n, d) = (features.len(), features.width);
    let mean_square = features
        .values
        .iter()
        .map(|x| f64::from(*x).powi(2))
        .sum::<f64>()
        / n.max(1) as f64;
    let damping = 1e-8 * mean_square * n as f64;
    let product = |v: &[f64]| {
        let mut out: Vec<f64> = v.iter().map(|v| v * damping).collect();
        for at in 0..n {
            let row = features.row(at);
            let by = dot(v, row);
            for (out, x) in out.iter_mut().zip(row) {
                *out += by * f64::from(*x);
            }
        }
        out
    };
    let mut rest = vec![0.0; d];
    for at in 0..n {
        for (sum, x) in rest.iter_mut().zip(features.row(at)) {
            *sum += f64::from(*x);
        }
    }
    let mut u = vec![0.0; d];
    let mut way = rest.clone();
    let square = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>();
    let mut size = square(&rest);
    let enough = size * 1e-18;
    for _ in 0..200 {
        if size <= enough {
            break;
        }
        let turned = product(&way);
        let along: f64 = way.iter().zip(&turned).map(|(a, b)| a * b).sum();
        if along <= 0.0 {
            break;
        }
        let step = size / along;
        for ((u, rest), (way, turned)) in u.iter_mut().zip(&mut rest).zip(way.iter().zip(&turned)) {
            *u += step * way;
            *rest -= step * turned;
        }
        let next = square(&rest);
        for (way, rest) in way.iter_mut().zip(&rest) {
            *way = rest + next / size * *way;
        }
        size = next;
    }
    u
}

/// One descent.
struct Run {
    weight: Vec<f64>,
    curve: Vec<Epoch>,
    epoch: usize,
    least: f64,
    l2: f64,
}

/// Adam (Kingma and Ba 2015) from zero. With `validation`, the weights of the epoch with its least loss are kept and it stops when that is
/// `PATIENCE` epochs ago; without, those of the last epoch.
fn descend(
    rows: &Rows<'_>,
    train: &[usize],
    validation: &[usize],
    l2: f64,
    epochs: usize,
    cancel: &Cancel,
) -> Result<Run, TrainError> {
    let size = rows.width * rows.outputs;
    let (mut weight, mut first, mut second) = (vec![0.0; size], vec![0.0; size], vec![0.0; size]);
    let mut gradient = vec![0.0; size];
    let mut curve = vec![];
    let mut best = (f64::INFINITY, 0, weight.clone());
    for epoch in 1..=epochs {
        if cancel.is_cancelled() {
            return Err(TrainError::Cancelled);
        }
        gradient.fill(0.0);
        let loss = rows.loss(&weight, train, Some(&mut gradient));
        for (at, (g, w)) in gradient.iter_mut().zip(&weight).enumerate() {
            // The intercept is not shrunk.
            if at % rows.width < rows.scale.len() {
                *g += l2 * w;
            }
        }
        let corrections = (
            1.0 - 0.9f64.powi(epoch as i32),
            1.0 - 0.999f64.powi(epoch as i32),
        );
        for (at, w) in weight.iter_mut().enumerate() {
            first[at] = 0.9 * first[at] + 0.1 * gradient[at];
            second[at] = 0.999 * second[at] + 0.001 * gradient[at] * gradient[at];
            let step = first[at] / corrections.0 / ((second[at] / corrections.1).sqrt() + 1e-9);
            // An intercept has far to go: ratings lie around 3.
            let rate = if at % rows.width < rows.scale.len() {
                1.0
            } else {
                10.0
            };
            *w -= rate * LEARNING_RATE * step;
        }
        if !loss.is_finite() {
            return Err(TrainError::Diverged);
        }
        if validation.is_empty() {
            continue;
        }
        let held = rows.loss(&weight, validation, None);
        curve.push(Epoch {
            train: loss,
            validation: held,
        });
        if held < best.0 {
            best = (held, epoch, weight.clone());
        }
        if epoch - best.1 >= PATIENCE {
            break;
        }
    }
    if validation.is_empty() {
        best = (f64::INFINITY, epochs, weight);
    }
    if !validation.is_empty() && !best.0.is_finite() {
        return Err(TrainError::Diverged);
    }
    let (least, epoch, weight) = best;
    Ok(Run {
        weight,
        curve,
        epoch,
        least,
        l2,
    })
}
