//! The thread that owns the model: it scores what the labeler reads before anything else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, TryRecvError};

use super::action::Action;
use super::runner::Outbox;
use super::state::ModelCard;
use crate::domain::{Item, ResponseKey, Score};
use crate::reward::{self, LoadOptions, ModelRef, Scorer};
use crate::task::Cancel;

/// What the thread can be asked.
pub enum Request {
    /// Load this model in place of the one there is.
    Load(ModelRef),
    /// Drop the model.
    Unload,
    /// Score these responses in this order; what was asked before and is not done is dropped.
    Score(Vec<(Arc<Item>, ResponseKey)>),
    /// End.
    Quit,
}

/// Runs until asked to quit. A panic inside the model engine costs the model, never the program.
pub fn run(requests: &Receiver<Request>, outbox: &Outbox) {
    let mut scorer: Option<Box<dyn Scorer>> = None;
    let mut queue: VecDeque<(Arc<Item>, ResponseKey)> = VecDeque::new();
    loop {
        // With nothing to score, wait; else look whether something more urgent was asked.
        let request = if queue.is_empty() || scorer.is_none() {
            match requests.recv() {
                Ok(request) => Some(request),
                Err(_) => return,
            }
        } else {
            match requests.try_recv() {
                Ok(request) => Some(request),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return,
            }
        };
        match request {
            Some(Request::Quit) => return,
            Some(Request::Unload) => {
                scorer = None;
                queue.clear();
            }
            Some(Request::Load(model)) => {
                // The old one goes first: two may not fit into memory.
                drop(scorer.take());
                queue.clear();
                scorer = load(model, outbox);
            }
            Some(Request::Score(wanted)) => queue = wanted.into(),
            None => {
                if let Some((item, key)) = queue.pop_front()
                    && let Some(model) = &mut scorer
                    && !score(model.as_mut(), &item, key, outbox)
                {
                    scorer = None;
                }
            }
        }
    }
}

fn load(model: ModelRef, outbox: &Outbox) -> Option<Box<dyn Scorer>> {
    outbox.send(Action::ModelLoading(model.clone()));
    let started = Instant::now();
    let loaded = std::panic::catch_unwind(|| reward::load(&model, &LoadOptions::default()));
    let message = match loaded {
        Ok(Ok(scorer)) => {
            let load_ms = started.elapsed().as_secs_f64() * 1e3;
            outbox.send(Action::ModelReady(Box::new(ModelCard {
                model,
                info: scorer.info().clone(),
                load_ms,
            })));
            return Some(scorer);
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "The model engine failed on this model.".to_owned(),
    };
    outbox.send(Action::ModelFailed { model, message });
    None
}

/// Scores one response; false when the model is lost.
fn score(model: &mut dyn Scorer, item: &Item, key: ResponseKey, outbox: &Outbox) -> bool {
    let Some((index, _)) = item.response(key) else {
        return true;
    };
    let conversation = item.conversation(index);
    let started = Instant::now();
    let mut output = None;
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        model.score(
            std::slice::from_ref(&conversation),
            &Cancel::default(),
            &mut |_, o| output = Some(o),
        )
    }));
    let failed = |message: String| Action::ScoreFailed {
        item: item.id,
        response: key,
        message,
    };
    match (result, output) {
        (Ok(Ok(_)), Some(output)) => outbox.send(Action::Scored {
            score: Score {
                item: item.id,
                response: key,
                score: output.score,
                attributes: output.attributes,
                tokens: output.tokens,
                truncated: output.truncated,
            },
            scorer: model.info().id.clone(),
            took_ms: started.elapsed().as_secs_f64() * 1e3,
        }),
        (Ok(Err(error)), _) => outbox.send(failed(error.to_string())),
        (Ok(Ok(_)), None) => outbox.send(failed("The model gave no score.".to_owned())),
        (Err(_), _) => {
            outbox.send(failed("The model engine failed on this text.".to_owned()));
            return false;
        }
    }
    true
}
