//! What a researcher looks at: training, and how model and people, or people among themselves, agree.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::export::Labels;
use super::train::TrainReport;
use crate::analysis::aggregate;
use crate::analysis::kappa::{Agreement, Unit};
use crate::analysis::partings::{Collector, Partings, Verdict};
use crate::app::words::study as words;
use crate::domain::{ItemId, Judgment, LabelSchema, Preference, ReferenceRole, Role};
use crate::reward::train::Loss;
use crate::store::{ItemRecord, Reader, StoreError};
use crate::task::{Cancel, Progress};
use crate::text::preview;

/// Training a head of one's own.
#[derive(Debug, Clone, Default)]
pub struct TrainingState {
    /// The objective.
    pub loss: Loss,
    /// The folder to write; by default a new one beside the project.
    pub output: Option<PathBuf>,
    /// Whether it goes on now.
    pub running: bool,
    /// What came of it.
    pub report: Option<Box<TrainReport>>,
    /// Why nothing came of it.
    pub failed: Option<String>,
}

/// How often a model prefers what people preferred: pairs agreed on, and pairs in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Agreed {
    /// Among labelled items of the control stream, drawn at random: an unbiased estimate.
    pub control: (u64, u64),
    /// Among the others, which may have been chosen for being uncertain.
    pub others: (u64, u64),
    /// Whether the model was trained here: it may have learned from these very labels.
    pub trained_here: bool,
}

/// What is studied, and what came of it.
#[derive(Debug, Clone, Default)]
pub struct StudyState {
    /// Whose labels.
    pub labels: Labels,
    /// How far the counting is.
    pub counting: Option<Progress>,
    /// Where the model and people part ways.
    pub inspection: Option<Box<Inspection>>,
    /// How far annotators agree.
    pub concord: Option<Box<Concord>>,
    /// The attribute of which annotators are compared: an index of [`Concord::attributes`].
    pub attribute: usize,
}

/// Where a model and people part ways.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// Whose labels.
    pub labels: Labels,
    /// By the scorer of this key.
    pub scorer: String,
    /// What was found.
    pub partings: Partings,
    /// Pairs with a preference of which some score is missing.
    pub unscored: u64,
}

/// An attribute, or the preference, and how far annotators agree on it.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeConcord {
    /// Name for people; nothing for the preference.
    pub title: Option<String>,
    /// How far they agree.
    pub agreement: Agreement,
    /// Where they do not, the widest first.
    pub conflicts: Vec<Conflict>,
}

/// Something on which annotators do not agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The item.
    pub item: ItemId,
    /// Its place in the project, from 0.
    pub position: u64,
    /// What it is about, in a line.
    pub preview: String,
    /// The place of the response from the reader's left, where it is about one.
    pub side: Option<usize>,
    /// Who said what, by annotator. Preferences are signed as the reader sees the sides: below 0 for the left one.
    pub values: Vec<(String, f64)>,
}

impl Conflict {
    /// The largest value less the smallest.
    pub fn spread(&self) -> f64 {
        let values = self.values.iter().map(|(_, v)| *v);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(v), b.max(v))
        });
        high - low
    }
}

/// How far annotators agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Concord {
    /// Whose labels.
    pub labels: Labels,
    /// The annotators, by number.
    pub annotators: Vec<String>,
    /// Items with labels of two or more.
    pub shared: u64,
    /// Items with a label.
    pub labelled: u64,
    /// The schema's attributes, then the preference.
    pub attributes: Vec<AttributeConcord>,
}

/// Conflicts listed at most, for each attribute.
const LISTED: usize = 200;
/// Graphemes of a preview.
const PREVIEW: usize = 90;

/// Who said what of an item. Of what came with the data, labels of the first role, else those of the other.
fn judgments(record: &ItemRecord, labels: Labels, first: ReferenceRole) -> Vec<(&str, &Judgment)> {
    match labels {
        Labels::Collected => {
            let own = record.labels.iter();
            own.map(|(who, _, _, label)| (who.as_str(), &label.judgment))
                .collect()
        }
        Labels::Reference => {
            let of = |is_first: bool| {
                let references = record.references.iter();
                references
                    .filter(move |r| (r.role == first) == is_first)
                    .map(|r| (r.annotator.as_deref().unwrap_or_default(), &r.judgment))
                    .collect::<Vec<_>>()
            };
            let known = of(true);
            if known.is_empty() { of(false) } else { known }
        }
    }
}

/// Whether this annotator has answered the item, so that what others say of it may be shown.
fn answered(record: &ItemRecord, annotator: &str) -> bool {
    record.labels.iter().any(|(who, ..)| who == annotator)
}

fn preview_of(record: &ItemRecord) -> String {
    let prompt = record
        .item
        .context
        .iter()
        .rev()
        .find(|t| t.role == Role::User);
    let text = prompt.map_or_else(|| record.item.responses[0].text(), |t| t.content.as_str());
    preview::first_line(text, PREVIEW)
}

/// Reads all items, saying how far it is; `None` where it was stopped.
fn each_item(
    reader: &Reader,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
    mut take: impl FnMut(&ItemRecord) -> Result<(), StoreError>,
) -> Result<Option<()>, StoreError> {
    let total = reader.count()?;
    let mut failed = None;
    reader.for_each_item(|record| {
        report(Progress {
            done: record.position,
            total,
            rows: 0,
        });
        failed = take(&record).err();
        if cancel.is_cancelled() || failed.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    match failed {
        Some(error) => Err(error),
        None => Ok((!cancel.is_cancelled()).then_some(())),
    }
}

/// Finds where the scorer and people part ways. Pairs are listed one by one only where `annotator` has answered them. `None` where it was
/// stopped.
pub fn inspect(
    reader: &Reader,
    scorer: &str,
    labels: Labels,
    annotator: &str,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
) -> Result<Option<Inspection>, StoreError> {
    let (mut found, mut unscored) = (Collector::default(), 0);
    let read = each_item(reader, cancel, report, |record| {
        let item = &record.item;
        if item.responses.len() != 2 {
            return Ok(());
        }
        // One verdict of each item, however many spoke: its votes are not independent of each other.
        let said = judgments(record, labels, ReferenceRole::Verdict);
        let all: Vec<&Judgment> = said.iter().map(|(_, judgment)| *judgment).collect();
        let pair = [item.responses[0].key, item.responses[1].key];
        let verdict = match all.as_slice() {
            [one] => one.verdict(),
            all => aggregate::verdict(all, Some(pair)).verdict(),
        };
        let Some(Preference::Better { response, strength }) = verdict else {
            return Ok(());
        };
        let Some((chosen, _)) = item.response(response) else {
            return Ok(());
        };
        let known = reader.scores(item.id, scorer)?;
        let score = |at: usize| {
            let key = item.responses[at].key;
            known.iter().find(|s| s.response == key).map(|s| s.score)
        };
        let who: Vec<&str> = said.iter().map(|(who, _)| *who).collect();
        let who = match who.as_slice() {
            [one] => (*one).to_owned(),
            several => words::people(several.len()),
        };
        match (score(chosen), score(1 - chosen)) {
            (Some(better), Some(other)) => found.take(&Verdict {
                item,
                position: record.position,
                preview: &preview_of(record),
                annotator: &who,
                chosen,
                strength,
                scores: [better, other],
                listed: answered(record, annotator),
            }),
            _ => unscored += 1,
        }
        Ok(())
    })?;
    Ok(read.map(|()| Inspection {
        labels,
        scorer: scorer.to_owned(),
        partings: found.finish(),
        unscored,
    }))
}

/// Compares what annotators said of the same things. Conflicts are listed only where `annotator` has answered. `None` where it was stopped.
pub fn concord(
    reader: &Reader,
    schema: &LabelSchema,
    labels: Labels,
    annotator: &str,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
) -> Result<Option<Concord>, StoreError> {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut units: Vec<Vec<Unit>> = vec![vec![]; schema.attributes.len() + 1];
    let mut conflicts: Vec<Vec<Conflict>> = vec![vec![]; units.len()];
    let (mut shared, mut labelled) = (0, 0);
    let seed = reader.settings()?.seed;
    let read = each_item(reader, cancel, report, |record| {
        let mut said = judgments(record, labels, ReferenceRole::Vote);
        // Where the source names nobody, votes are told apart by their place in the row.
        let nameless: Vec<String> = (1..=said.len()).map(|n| format!("#{n}")).collect();
        for ((who, _), name) in said.iter_mut().zip(&nameless) {
            if who.is_empty() {
                *who = name;
            }
        }
        let people: BTreeSet<&str> = said.iter().map(|(who, _)| *who).collect();
        labelled += u64::from(!people.is_empty());
        if people.len() < 2 {
            return Ok(());
        }
        shared += 1;
        // Nobody counts twice.
        let mut known = BTreeSet::new();
        said.retain(|(who, _)| known.insert(*who));
        let order = record.item.shown_order(annotator, seed);
        let mut take = |at: usize, response: Option<usize>, values: Vec<(&str, f64)>| {
            if values.len() < 2 {
                return;
            }
            let unit = values.iter().map(|(who, value)| {
                let next = numbers.len();
                (*numbers.entry((*who).to_owned()).or_insert(next), *value)
            });
            units[at].push(unit.collect());
            let conflict = Conflict {
                item: record.item.id,
                position: record.position,
                preview: preview_of(record),
                side: response.and_then(|r| order.iter().position(|at| *at == r)),
                values: values
                    .iter()
                    .map(|(who, value)| {
                        let swapped = response.is_none() && order.first() == Some(&1);
                        ((*who).to_owned(), if swapped { -value } else { *value })
                    })
                    .collect(),
            };
            if conflict.spread() > 0.0 && answered(record, annotator) {
                conflicts[at].push(conflict);
            }
        };
        for (at, attribute) in schema.attributes.iter().enumerate() {
            for (response, of) in record.item.responses.iter().enumerate() {
                let values = said.iter().filter_map(|(who, judgment)| {
                    Some((*who, judgment.ratings.get(of.key, &attribute.name)?))
                });
                take(at, Some(response), values.collect());
            }
        }
        if let [first, second] = record.item.responses.as_slice() {
            let values = said.iter().filter_map(|(who, judgment)| {
                let value = match judgment.verdict()? {
                    Preference::NeitherValid => return None,
                    // How strongly was not said: the side alone.
                    Preference::Better {
                        response,
                        strength: None,
                    } => {
                        if response == first.key {
                            -1
                        } else {
                            1
                        }
                    }
                    preference => preference.signed(first.key, second.key)?,
                };
                Some((*who, f64::from(value)))
            });
            take(schema.attributes.len(), None, values.collect());
        }
        Ok(())
    })?;
    let mut annotators: Vec<(String, usize)> = numbers.into_iter().collect();
    annotators.sort_by_key(|(_, number)| *number);
    Ok(read.map(|()| Concord {
        labels,
        annotators: annotators.into_iter().map(|(name, _)| name).collect(),
        shared,
        labelled,
        attributes: units
            .iter()
            .zip(conflicts)
            .enumerate()
            .map(|(at, (units, mut conflicts))| {
                conflicts.sort_by(|a, b| {
                    let wider = b.spread().total_cmp(&a.spread());
                    wider.then(a.position.cmp(&b.position))
                });
                conflicts.truncate(LISTED);
                AttributeConcord {
                    title: schema.attributes.get(at).map(|a| a.title.clone()),
                    agreement: Agreement::of(units),
                    conflicts,
                }
            })
            .collect(),
    }))
}
