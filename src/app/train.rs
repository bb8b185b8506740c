//! A head of one's own: labels of a project or a file in, features of a base model beside them, a fitted model out.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;

use crate::analysis::stats::wilson;
use crate::dataset::{self, DatasetError, ReadAs};
use crate::domain::{
    Item, ItemId, Judgment, LabelSchema, Preference, ReferenceRole, ScorePolicy, Turn,
};
use crate::reward::local::{Base, free};
use crate::reward::train::{
    self, Epoch, Example, Features, FitOptions, Loss, Part, Target, TrainError, TrainingSet,
    group_of,
};
use crate::reward::{LoadOptions, ModelRef, RewardError};
use crate::store::{FeatureCache, Project, StoreError};
use crate::task::{Cancel, Job, Progress};

/// The file of a trained model's folder that says how it was trained.
pub const TRAINING_RECORD: &str = "tiebreak-training.json";
/// Texts whose features are computed and kept at once.
const WINDOW: usize = 64;
/// Labels listed that the head disagrees with.
const LISTED: usize = 200;

/// What to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainRecipe {
    /// The model whose features are used.
    pub base: ModelRef,
    /// The objective.
    pub loss: Loss,
    /// Decides which prompts are held out.
    pub seed: u64,
    /// The folder to write.
    pub output: PathBuf,
}

/// Where labels come from.
pub enum TrainInput<'a> {
    /// Those committed in a project, by everybody.
    Project(&'a Project),
    /// Those that came with the rows of files: verdicts, or votes where there is no verdict.
    Files(&'a [PathBuf]),
}

/// A label that a head which had not learned from its prompt disagrees with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Disagreement {
    /// The item.
    pub item: ItemId,
    /// Whose label.
    pub annotator: String,
    /// Score of the response that was chosen less that of the other: negative.
    pub margin: f64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainReport {
    /// Name of the base model.
    pub base: String,
    /// The objective's name.
    pub loss: &'static str,
    /// The seed.
    pub seed: u64,
    /// The folder that was written.
    pub output: PathBuf,
    /// Labels learned from, held-out ones among them.
    pub examples: usize,
    /// Ties, labels that say nothing of this kind, and those of texts that the base cannot be given.
    pub left_out: usize,
    /// Rows of files that could not be read.
    pub rejected: u64,
    /// Names of the outputs of regression.
    pub outputs: Vec<String>,
    /// What `value` is below: `accuracy` or `rmse`.
    pub metric: &'static str,
    /// The part that was learned from.
    pub train: Part,
    /// The prompts held out, which stopped the training: a little flattering.
    pub validation: Part,
    /// Accuracy of picking the longer response on the held-out part; none for ratings.
    pub length_baseline: Option<f64>,
    /// Accuracy over all pairs by heads fitted without their prompts, in five parts; none for ratings.
    pub cross_fitted: Option<f64>,
    /// Strength of L2 that was chosen.
    pub l2: f64,
    /// The epoch that was kept, from 1.
    pub best_epoch: usize,
    /// Loss per epoch.
    pub curve: Vec<Epoch>,
    /// Texts whose features were computed now; the others were known.
    pub features_computed: usize,
    /// Texts in all.
    pub texts: usize,
    /// Seconds in all.
    pub seconds: f64,
    /// Labels that the head disagrees with, the most certain first.
    pub disagreements: Vec<Disagreement>,
}

/// Why there is no new model. Nothing was written, but for features that are kept for the next time.
#[derive(Debug, thiserror::Error)]
pub enum TrainFailed {
    /// There is nothing to learn, or it could not be learned.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The base could not be used, or the model not be written.
    #[error(transparent)]
    Reward(#[from] RewardError),
    /// The files could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The project or the kept features could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TrainFailed {
    /// Whether it was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Train(TrainError::Cancelled)
                | Self::Reward(RewardError::Cancelled)
                | Self::Dataset(DatasetError::Cancelled)
        )
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Train(error) => error.hint(),
            Self::Reward(error) => error.hint(),
            Self::Dataset(error) => error.hint(),
            Self::Store(error) => error.hint(),
        }
    }
}

/// Trains a head and writes the model. Features are kept in `cache`, so that a second run, or one that was stopped, computes only
/// what is missing. Progress counts texts, then steps of the fit.
pub fn train(
    input: &TrainInput<'_>,
    recipe: &TrainRecipe,
    cache: &Path,
    options: &LoadOptions,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
) -> Result<TrainReport, TrainFailed> {
    let start = Instant::now();
    free(&recipe.output)?;
    let mut collected = Collector::new(recipe.loss);
    let learned_from = match input {
        TrainInput::Project(project) => {
            collected.project(project, cancel)?;
            format!("labels of the project {}", project.settings().title)
        }
        TrainInput::Files(files) => {
            collected.files(files, cancel)?;
            let names = files.iter().map(|f| f.display().to_string());
            names.collect::<Vec<_>>().join(", ")
        }
    };
    let mut set = collected.set;
    // Refused before a model is loaded.
    train::split(&set, recipe.seed)?;
    let base = Base::load(&recipe.base, options)?;
    let (features, computed, refused) = features(&base, &set, cache, cancel, report)?;
    let before = set.examples.len();
    set.examples
        .retain(|e| e.target.texts().iter().all(|text| !refused.contains(text)));
    set.left_out += before - set.examples.len();
    let set = &set;
    let texts = set.texts.len() as u64;
    let fitting = FitOptions {
        loss: recipe.loss,
        seed: recipe.seed,
    };
    let (fit, held_out) = train::fit(set, &features, fitting, cancel, &mut |done, steps| {
        report(Progress {
            done: texts + done as u64,
            total: texts + steps as u64,
            rows: 0,
        });
    })?;
    let part = |held: bool| {
        let of = |at: usize| held_out[at] == held;
        train::measure(set, &fit, &of, recipe.seed, wilson)
    };
    let pairs = recipe.loss != Loss::Regression;
    let outcome = TrainReport {
        base: base.name().to_owned(),
        loss: recipe.loss.name(),
        seed: recipe.seed,
        output: recipe.output.clone(),
        examples: set.examples.len(),
        left_out: set.left_out,
        rejected: collected.rejected,
        outputs: set.outputs.clone(),
        metric: if pairs { "accuracy" } else { "rmse" },
        train: part(false),
        validation: part(true),
        length_baseline: pairs.then(|| length_baseline(set, &held_out)),
        cross_fitted: cross_fitted(&fit.cross_fitted),
        l2: fit.l2,
        best_epoch: fit.best_epoch,
        curve: fit.curve.clone(),
        features_computed: computed,
        texts: set.texts.len(),
        seconds: start.elapsed().as_secs_f64(),
        disagreements: if pairs {
            disagreements(set, &fit.cross_fitted)
        } else {
            vec![]
        },
    };
    let head: Vec<Vec<f32>> = fit
        .weight
        .iter()
        .map(|w| w.iter().map(|x| *x as f32).collect())
        .collect();
    // Where scores are hidden from labelers, a file beside the project does not tell them.
    let mut kept = outcome.clone();
    if !collected.open {
        kept.disagreements.clear();
    }
    let record = serde_json::to_string_pretty(&kept).unwrap_or_default();
    let notes = [
        ("README.md", card(&outcome, &learned_from)),
        (TRAINING_RECORD, record),
    ];
    base.write(&recipe.output, &head, &set.outputs, &notes)?;
    Ok(outcome)
}

/// Gathers labels.
struct Collector {
    set: TrainingSet,
    known: HashMap<[u8; 32], usize>,
    loss: Loss,
    rejected: u64,
    /// Whether what the head makes of single labels may stand in the folder.
    open: bool,
}

impl Collector {
    fn new(loss: Loss) -> Self {
        let outputs = if loss == Loss::Regression {
            let attributes = LabelSchema::helpsteer2().attributes;
            attributes.into_iter().map(|a| a.name).collect()
        } else {
            vec![]
        };
        Self {
            set: TrainingSet {
                outputs,
                ..TrainingSet::default()
            },
            known: HashMap::new(),
            loss,
            rejected: 0,
            open: true,
        }
    }

    fn project(&mut self, project: &Project, cancel: &Cancel) -> Result<(), TrainFailed> {
        if self.loss == Loss::Regression {
            let attributes = &project.settings().schema.attributes;
            self.set.outputs = attributes.iter().map(|a| a.name.clone()).collect();
        }
        let reader = project.reader()?;
        self.open = reader.policy()? == ScorePolicy::Live;
        reader.for_each_item(|record| {
            for (annotator, _, _, label) in &record.labels {
                self.label(&record.item, &label.judgment, annotator);
            }
            if cancel.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        if cancel.is_cancelled() {
            return Err(TrainError::Cancelled.into());
        }
        Ok(())
    }

    fn files(&mut self, files: &[PathBuf], cancel: &Cancel) -> Result<(), TrainFailed> {
        let mut job = Job {
            cancel: cancel.clone(),
            report: &mut |_| {},
        };
        let read = dataset::read(files, &ReadAs::default(), &mut job, &mut |row| {
            let verdicts = || {
                let of = |role| row.references.iter().filter(move |r| r.role == role);
                let verdicts: Vec<_> = of(ReferenceRole::Verdict).collect();
                if verdicts.is_empty() {
                    of(ReferenceRole::Vote).collect()
                } else {
                    verdicts
                }
            };
            for reference in verdicts() {
                let annotator = reference.annotator.as_deref().unwrap_or_default();
                self.label(&row.item, &reference.judgment, annotator);
            }
            Ok(())
        })?;
        self.rejected = read.rejected_in_all;
        Ok(())
    }

    fn label(&mut self, item: &Item, judgment: &Judgment, annotator: &str) {
        let group = group_of(&item.context);
        let mut learn = |target| {
            self.set.examples.push(Example {
                target,
                group,
                item: item.id,
                annotator: annotator.to_owned(),
            });
        };
        if self.loss == Loss::Regression {
            let before = self.set.examples.len();
            for (index, response) in item.responses.iter().enumerate() {
                let value = |name: &String| judgment.ratings.get(response.key, name);
                let values: Vec<Option<f64>> = self.set.outputs.iter().map(value).collect();
                if values.iter().any(Option::is_some) {
                    let text = text(&mut self.set.texts, &mut self.known, item, index);
                    let target = Target::Values { text, values };
                    self.set.examples.push(Example {
                        target,
                        group,
                        item: item.id,
                        annotator: annotator.to_owned(),
                    });
                }
            }
            self.set.left_out += usize::from(self.set.examples.len() == before);
            return;
        }
        match judgment.preference {
            Some(Preference::Better { response, strength }) if item.responses.len() == 2 => {
                if let Some((better, _)) = item.response(response) {
                    let (texts, known) = (&mut self.set.texts, &mut self.known);
                    let chosen = text(texts, known, item, better);
                    let rejected = text(texts, known, item, 1 - better);
                    learn(Target::Pair {
                        chosen,
                        rejected,
                        strength: strength.map_or(1.0, f64::from),
                    });
                }
            }
            _ => self.set.left_out += 1,
        }
    }
}

/// The index of a response's conversation among the texts.
fn text(
    texts: &mut Vec<Vec<Turn>>,
    known: &mut HashMap<[u8; 32], usize>,
    item: &Item,
    response: usize,
) -> usize {
    let turns = item.conversation(response);
    *known.entry(fingerprint(&turns)).or_insert_with(|| {
        texts.push(turns);
        texts.len() - 1
    })
}

/// BLAKE3 of a conversation.
fn fingerprint(turns: &[Turn]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for turn in turns {
        for part in [turn.role.as_str(), &turn.content] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    hasher.finalize().into()
}

/// Features of all texts: those that are known, and the rest computed and kept as they come. Also how many were computed, and the texts
/// that cannot be given to the base, such as turns that its template does not know.
fn features(
    base: &Base,
    set: &TrainingSet,
    cache: &Path,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
) -> Result<(Features, usize, BTreeSet<usize>), TrainFailed> {
    let width = base.width();
    let kept = FeatureCache::open(&cache.join(format!("{}.features", base.id())), width)?;
    let mut values = vec![0.0; set.texts.len() * width];
    let (mut missing, mut refused) = (vec![], BTreeSet::new());
    for (at, turns) in set.texts.iter().enumerate() {
        match kept.get(&fingerprint(turns))? {
            Some(x) => values[at * width..(at + 1) * width].copy_from_slice(&x),
            None => missing.push(at),
        }
    }
    let total = set.texts.len() as u64;
    let known = total - missing.len() as u64;
    for (window, some) in missing.chunks(WINDOW).enumerate() {
        report(Progress {
            done: known + (window * WINDOW) as u64,
            total,
            rows: 0,
        });
        let conversations: Vec<Vec<Turn>> = some.iter().map(|at| set.texts[*at].clone()).collect();
        let mut found = Vec::with_capacity(some.len());
        let stats = base.features(&conversations, cancel, &mut |index, x| {
            values[some[index] * width..(some[index] + 1) * width].copy_from_slice(&x);
            found.push((fingerprint(&conversations[index]), x));
        });
        // What was computed before a stop is kept.
        kept.put(&found)?;
        refused.extend(stats?.failed.iter().map(|(index, _)| some[*index]));
    }
    let computed = missing.len() - refused.len();
    Ok((Features { values, width }, computed, refused))
}

/// Share of the held-out pairs whose chosen response is the longer one; equal lengths count half.
fn length_baseline(set: &TrainingSet, held_out: &[bool]) -> f64 {
    let length = |text: usize| {
        let turns = set.texts[text].iter();
        turns.map(|t| t.content.chars().count()).sum::<usize>()
    };
    let (mut sum, mut n) = (0.0, 0);
    for (example, _) in set.examples.iter().zip(held_out).filter(|(_, held)| **held) {
        if let Target::Pair {
            chosen, rejected, ..
        } = example.target
        {
            sum += match length(chosen).cmp(&length(rejected)) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
            n += 1;
        }
    }
    sum / f64::from(n.max(1))
}

/// Share of the pairs that heads fitted without their prompts agree with; none for ratings, or where prompts were too few.
fn cross_fitted(margins: &[f64]) -> Option<f64> {
    let known = margins.iter().filter(|m| m.is_finite()).count();
    let wins = margins.iter().filter(|m| **m > 0.0).count();
    (known > 0).then(|| wins as f64 / known as f64)
}

/// Labels whose margin is on the other side, the furthest first, of each annotator at most so many.
fn disagreements(set: &TrainingSet, margins: &[f64]) -> Vec<Disagreement> {
    let mut found: Vec<Disagreement> = set
        .examples
        .iter()
        .zip(margins)
        .filter(|(_, margin)| **margin < 0.0)
        .map(|(example, margin)| Disagreement {
            item: example.item,
            annotator: example.annotator.clone(),
            margin: *margin,
        })
        .collect();
    found.sort_by(|a, b| a.margin.total_cmp(&b.margin));
    let mut count: HashMap<String, usize> = HashMap::new();
    found.retain(|doubt| {
        let count = count.entry(doubt.annotator.clone()).or_default();
        *count += 1;
        *count <= LISTED
    });
    found
}

/// README.md of the written folder.
fn card(report: &TrainReport, learned_from: &str) -> String {
    let mut text = String::new();
    let figure = |part: &Part| match report.metric {
        "rmse" => format!(
            "{:.3} ({:.3} to {:.3})",
            part.measure.value, part.measure.low, part.measure.high
        ),
        _ => format!(
            "{:.1} % ({:.1} to {:.1})",
            part.measure.value * 100.0,
            part.measure.low * 100.0,
            part.measure.high * 100.0
        ),
    };
    let metric = if report.metric == "rmse" {
        "root mean squared error"
    } else {
        "accuracy"
    };
    let lines = [
        "# A reward head of one's own".to_owned(),
        String::new(),
        format!(
            "A linear head ({}) on the features of {}, which were left as they are. Made by Tiebreak {} on {}.",
            report.loss,
            report.base,
            env!("CARGO_PKG_VERSION"),
            Timestamp::now().strftime("%Y-%m-%d")
        ),
        String::new(),
        format!("Learned from: {learned_from}."),
        String::new(),
        format!("| | labels | prompts | {metric}, 95 % interval |"),
        "| --- | ---: | ---: | ---: |".to_owned(),
        format!(
            "| learned from | {} | {} | {} |",
            report.train.n,
            report.train.prompts,
            figure(&report.train)
        ),
        format!(
            "| held out | {} | {} | {} |",
            report.validation.n,
            report.validation.prompts,
            figure(&report.validation)
        ),
        String::new(),
        format!(
            "Seed {}, L2 {}, epoch {} of {}; {} labels left out (ties, or nothing of this kind). The held-out prompts chose the L2 and the epoch, so their figure is a little flattering.",
            report.seed,
            report.l2,
            report.best_epoch,
            report.curve.len(),
            report.left_out
        ),
    ];
    for line in lines {
        writeln!(text, "{line}").ok();
    }
    if let (Some(length), Some(cross)) = (report.length_baseline, report.cross_fitted) {
        writeln!(
            text,
            "\nPicking the longer response is right in {:.1} % of the held-out pairs. Heads fitted on four fifths of the prompts agree with {:.1} % of the labels of the rest.",
            length * 100.0,
            cross * 100.0
        )
        .ok();
    }
    text.push_str("\n`tiebreak-training.json` has all figures, and the labels that the head disagrees with.\n");
    text
}
