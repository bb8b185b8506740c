//! The thread that owns the model: it scores what the labeler reads before anything else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, TryRecvError};

use super::action::Action;
use super::runner::Outbox;
use super::state::{Agreed, ModelCard};
use crate::app::words::models as words;
use crate::domain::{Item, Preference, ResponseKey, Score};
use crate::reward::{self, LoadOptions, ModelRef, Scorer};
use crate::store::{Project, Reader, StoreError};
use crate::task::{Cancel, Progress};

/// An item and the responses of it that have no score.
pub type Wanted = (Arc<Item>, Vec<ResponseKey>);

/// What the thread can be asked.
pub enum Request {
    /// Load this model in place of the one there is.
    Load(ModelRef),
    /// Drop the model.
    Unload,
    /// Score these items in this order; what was asked before and is not done is dropped. The sign stops it on the way.
    Score(Vec<Wanted>, Cancel),
    /// Score a response as somebody is rewriting it, before anything else; the sign stops it.
    Rescore(Arc<Item>, ResponseKey, String, Cancel),
    /// End.
    Quit,
}

/// How long nobody types before what was typed is scored.
const PAUSE: Duration = Duration::from_millis(250);

/// Runs until asked to quit. A panic inside the model engine costs the model, never the program.
pub fn run(requests: &Receiver<Request>, outbox: &Outbox) {
    let mut scorer: Option<Box<dyn Scorer>> = None;
    let mut queue: VecDeque<Wanted> = VecDeque::new();
    let mut cancel = Cancel::default();
    let mut untried = false;
    let mut loaded = ModelRef::Default;
    loop {
        // With nothing to do, wait; else look whether something more urgent was asked.
        let idle = (queue.is_empty() || scorer.is_none()) && !untried;
        let Ok(request) = next(requests, idle) else {
            return;
        };
        match request {
            Some(Request::Quit) => return,
            Some(Request::Unload) => {
                scorer = None;
                untried = false;
                queue.clear();
            }
            Some(Request::Load(model)) => {
                // The old one goes first: two may not fit into memory.
                drop(scorer.take());
                queue.clear();
                loaded = model.clone();
                scorer = load(model, outbox);
                untried = scorer.is_some();
            }
            Some(Request::Score(wanted, sign)) => {
                queue = wanted.into();
                cancel = sign;
            }
            Some(Request::Rescore(item, key, text, sign)) => {
                let alive = scorer
                    .as_mut()
                    .is_none_or(|model| rescore(model.as_mut(), &item, key, text, &sign, outbox));
                lose(&mut scorer, alive, &loaded, outbox);
            }
            None if scorer.is_some() && !queue.is_empty() => {
                if let Some((item, keys)) = queue.pop_front() {
                    let alive = scorer
                        .as_mut()
                        .is_none_or(|model| score(model.as_mut(), &item, &keys, &cancel, outbox));
                    lose(&mut scorer, alive, &loaded, outbox);
                }
            }
            None => {
                untried = false;
                let alive = scorer.as_mut().is_none_or(|model| {
                    let (alive, done) = try_out(model.as_mut(), &cancel, outbox);
                    // Stopped for something more urgent.
                    untried = alive && !done;
                    alive
                });
                if untried {
                    cancel = Cancel::default();
                }
                lose(&mut scorer, alive, &loaded, outbox);
            }
        }
    }
}

/// Drops a model that failed inside, and says so.
fn lose(scorer: &mut Option<Box<dyn Scorer>>, alive: bool, loaded: &ModelRef, outbox: &Outbox) {
    if !alive {
        *scorer = None;
        outbox.send(Action::ModelFailed {
            model: loaded.clone(),
            message: words::ENGINE_FAILED_ON_TEXT.to_owned(),
        });
    }
}

fn load(model: ModelRef, outbox: &Outbox) -> Option<Box<dyn Scorer>> {
    outbox.send(Action::ModelLoading(model.clone()));
    match opened(&model) {
        Ok((card, scorer)) => {
            outbox.send(Action::ModelReady(card));
            Some(scorer)
        }
        Err(message) => {
            outbox.send(Action::ModelFailed { model, message });
            None
        }
    }
}

/// Loads a model, with its card; else says why not. A panic inside the model engine costs the model, never the program.
pub(super) fn opened(model: &ModelRef) -> Result<(Box<ModelCard>, Box<dyn Scorer>), String> {
    let started = Instant::now();
    match std::panic::catch_unwind(|| reward::load(model, &LoadOptions::default())) {
        Ok(Ok(scorer)) => {
            let card = ModelCard {
                model: model.clone(),
                info: scorer.info().clone(),
                load_ms: started.elapsed().as_secs_f64() * 1e3,
            };
            Ok((Box::new(card), scorer))
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(words::ENGINE_FAILED_ON_MODEL.to_owned()),
    }
}

/// The next request: waits for one where there is nothing to do meanwhile. An error when nobody asks any more.
pub(super) fn next<T>(requests: &Receiver<T>, idle: bool) -> Result<Option<T>, RecvError> {
    if idle {
        return requests.recv().map(Some);
    }
    match requests.try_recv() {
        Ok(request) => Ok(Some(request)),
        Err(TryRecvError::Empty) => Ok(None),
        Err(TryRecvError::Disconnected) => Err(RecvError),
    }
}

/// Tries the model on texts of which everybody knows the better one: whether it is still there, and whether it was done.
fn try_out(model: &mut dyn Scorer, cancel: &Cancel, outbox: &Outbox) -> (bool, bool) {
    let scorer = model.info().id.key();
    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        reward::probe::probe(model, cancel)
    }));
    let alive = tried.is_ok();
    let probe = match tried {
        Ok(Err(reward::RewardError::Cancelled)) => return (true, false),
        Ok(tried) => tried.map_err(|error| error.to_string()),
        Err(_) => Err(words::ENGINE_FAILED_ON_TEXT.to_owned()),
    };
    outbox.send(Action::Probed { scorer, probe });
    (alive, true)
}

/// Scores responses of one item together, so that they share what they begin with; false when the model is lost.
fn score(
    model: &mut dyn Scorer,
    item: &Item,
    keys: &[ResponseKey],
    cancel: &Cancel,
    outbox: &Outbox,
) -> bool {
    let known: Vec<(ResponseKey, usize)> = keys
        .iter()
        .filter_map(|key| item.response(*key).map(|(index, _)| (*key, index)))
        .collect();
    let conversations: Vec<_> = known
        .iter()
        .map(|(_, index)| item.conversation(*index))
        .collect();
    let scorer = model.info().id.clone();
    let started = Instant::now();
    let failed = |key: ResponseKey, message: String| {
        outbox.send(Action::ScoreFailed {
            item: item.id,
            response: key,
            message,
        });
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        model.score(&conversations, cancel, &mut |at, output| {
            let took_ms = started.elapsed().as_secs_f64() * 1e3;
            let score = Score {
                item: item.id,
                response: known[at].0,
                score: output.score,
                attributes: output.attributes,
                tokens: output.tokens,
                truncated: output.truncated,
            };
            outbox.send(Action::Scored {
                score,
                scorer: scorer.clone(),
                took_ms,
            });
        })
    }));
    match result {
        Ok(Ok(stats)) => {
            for (at, reason) in stats.failed {
                failed(known[at].0, reason);
            }
            true
        }
        // Stopped for something more urgent: asked for again when it is wanted again.
        Ok(Err(_)) if cancel.is_cancelled() => true,
        Ok(Err(error)) => {
            for (key, _) in &known {
                failed(*key, error.to_string());
            }
            true
        }
        Err(_) => {
            for (key, _) in &known {
                failed(*key, words::ENGINE_FAILED_ON_TEXT.to_owned());
            }
            false
        }
    }
}

/// Scores a rewrite once nobody has typed for a while; false when the model is lost.
fn rescore(
    model: &mut dyn Scorer,
    item: &Item,
    key: ResponseKey,
    text: String,
    cancel: &Cancel,
    outbox: &Outbox,
) -> bool {
    let until = Instant::now() + PAUSE;
    while Instant::now() < until {
        if cancel.is_cancelled() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let Some((index, _)) = item.response(key) else {
        return true;
    };
    let mut conversation = item.conversation(index);
    if let Some(last) = conversation.last_mut() {
        last.content.clone_from(&text);
    }
    let mut found = None;
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        model.score(&[conversation], cancel, &mut |_, output| {
            found = Some(output.score);
        })
    }));
    let score = match result {
        _ if cancel.is_cancelled() => return true,
        Ok(Ok(stats)) => match found {
            Some(score) => Ok(score),
            None => Err(stats
                .failed
                .into_iter()
                .next()
                .map(|(_, why)| why)
                .unwrap_or_default()),
        },
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(words::ENGINE_FAILED_ON_TEXT.to_owned()),
    };
    let scorer = model.info().id.clone();
    let lost = matches!(&score, Err(why) if why == words::ENGINE_FAILED_ON_TEXT);
    outbox.send(Action::Rescored {
        item: item.id,
        response: key,
        text,
        score,
        scorer,
    });
    !lost
}

/// Items scored at once when all are.
const CHUNK: usize = 16;

/// Why not all items were scored. What was scored is kept.
#[derive(Debug, thiserror::Error)]
pub enum ScoreAllError {
    /// The model could not be loaded or failed.
    #[error(transparent)]
    Reward(#[from] reward::RewardError),
    /// The project could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Scores all items that have no score by the model, in the order of import, and keeps them as they come; gives how many cannot be scored.
/// Stops when asked to, with what it has.
pub fn score_all(
    project: &Project,
    which: &ModelRef,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
) -> Result<u64, ScoreAllError> {
    let mut model = reward::load(which, &LoadOptions::default())?;
    let (reader, writer) = (project.reader()?, project.writer()?);
    let id = model.info().id.clone();
    let key = id.key();
    let (total, mut done, mut from, mut failed) = (reader.count_unscored(&key)?, 0, 0, 0);
    loop {
        report(Progress {
            done,
            total,
            rows: 0,
        });
        let chunk = reader.unscored(&key, from, CHUNK)?;
        let Some(last) = chunk.last() else {
            return Ok(failed);
        };
        // What failed is not asked for again.
        from = reader.position_of(*last)?.map_or(u64::MAX, |at| at + 1);
        let mut items = vec![];
        for id in &chunk {
            items.extend(reader.item(*id)?);
        }
        let places: Vec<(usize, usize)> = items
            .iter()
            .enumerate()
            .flat_map(|(at, item)| (0..item.responses.len()).map(move |response| (at, response)))
            .collect();
        let conversations: Vec<_> = places
            .iter()
            .map(|&(at, response)| items[at].conversation(response))
            .collect();
        let mut scores = vec![];
        let stats = model.score(&conversations, cancel, &mut |index, output| {
            let (at, response) = places[index];
            scores.push(Score {
                item: items[at].id,
                response: items[at].responses[response].key,
                score: output.score,
                attributes: output.attributes,
                tokens: output.tokens,
                truncated: output.truncated,
            });
        });
        writer.put_scores(&id, &scores)?;
        match stats {
            Ok(stats) => failed += stats.failed.len() as u64,
            Err(reward::RewardError::Cancelled) => return Ok(failed),
            Err(error) => return Err(error.into()),
        }
        done += chunk.len() as u64;
    }
}

/// How often the scorer prefers what each annotator preferred, over the labels of pairs that have both scores.
pub fn agreed(reader: &Reader, scorer: &str, cancel: &Cancel) -> Result<Agreed, StoreError> {
    let mut found = Agreed::default();
    for (id, control) in reader.labelled()? {
        if cancel.is_cancelled() {
            break;
        }
        let both = reader.scores(id, scorer)?;
        let [first, second] = both.as_slice() else {
            continue;
        };
        for (_, _, _, label) in reader.blind_labels(id)? {
            let Some(Preference::Better { response, .. }) = label.judgment.preference else {
                continue;
            };
            let (better, other) = if response == first.response {
                (first, second)
            } else {
                (second, first)
            };
            let part = if control {
                &mut found.control
            } else {
                &mut found.others
            };
            part.0 += u64::from(better.score > other.score);
            part.1 += 1;
        }
    }
    Ok(found)
}
