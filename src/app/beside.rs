//! The thread that owns the models loaded beside the one that scores: however long they take, the labeler's own scores do not wait for them.

use std::sync::Arc;

use crossbeam_channel::Receiver;

use super::action::Action;
use super::runner::Outbox;
use super::scoring::{next, opened};
use crate::app::words::models as words;
use crate::domain::{Item, Score};
use crate::reward::{self, ModelRef, Scorer};
use crate::task::Cancel;

/// What the thread can be asked.
pub enum Request {
    /// Load this model.
    Load(ModelRef),
    /// Drop that one.
    Unload(ModelRef),
    /// Score this item by all models; what was asked before and is not done is dropped. The sign stops it on the way.
    Score(Arc<Item>, Cancel),
    /// End.
    Quit,
}

/// An item, and the models that have not scored it.
struct Wanted {
    item: Arc<Item>,
    left: Vec<ModelRef>,
    cancel: Cancel,
}

/// Runs until asked to quit. A panic inside the model engine costs the model, never the program.
pub fn run(requests: &Receiver<Request>, outbox: &Outbox) {
    let mut models: Vec<(ModelRef, Box<dyn Scorer>)> = vec![];
    let mut wanted: Option<Wanted> = None;
    loop {
        let Ok(request) = next(requests, wanted.is_none()) else {
            return;
        };
        match request {
            Some(Request::Quit) => return,
            Some(Request::Load(model)) => {
                models.retain(|(known, _)| *known != model);
                match opened(&model) {
                    Ok((card, scorer)) => {
                        outbox.send(Action::BesideReady(card));
                        models.push((model, scorer));
                    }
                    Err(message) => outbox.send(Action::BesideFailed { model, message }),
                }
            }
            Some(Request::Unload(model)) => models.retain(|(known, _)| *known != model),
            Some(Request::Score(item, cancel)) => {
                let left = models.iter().map(|(model, _)| model.clone()).collect();
                wanted = Some(Wanted { item, left, cancel });
            }
            None => {
                let Some(mut now) = wanted.take() else {
                    continue;
                };
                let Some(next) = now.left.pop().filter(|_| !now.cancel.is_cancelled()) else {
                    continue;
                };
                let found = models.iter_mut().find(|(model, _)| *model == next);
                if let Some((_, scorer)) = found
                    && let Err(why) = score(scorer.as_mut(), &now.item, &now.cancel, outbox)
                {
                    models.retain(|(model, _)| *model != next);
                    outbox.send(Action::BesideFailed {
                        model: next,
                        message: why,
                    });
                }
                wanted = Some(now);
            }
        }
    }
}

/// Scores all responses of an item; an error where the model is of no use any more.
fn score(
    model: &mut dyn Scorer,
    item: &Item,
    cancel: &Cancel,
    outbox: &Outbox,
) -> Result<(), String> {
    let all = 0..item.responses.len();
    let conversations: Vec<_> = all.map(|index| item.conversation(index)).collect();
    let by = model.info().id.clone();
    let mut found: Vec<Score> = vec![];
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        model.score(&conversations, cancel, &mut |at, output| {
            found.push(Score {
                item: item.id,
                response: item.responses[at].key,
                score: output.score,
                attributes: output.attributes,
                tokens: output.tokens,
                truncated: output.truncated,
            });
        })
    }));
    outbox.send(Action::ScoredBeside {
        scorer: by,
        scores: found,
    });
    match result {
        // What one item is refused, another need not be.
        Ok(Ok(_) | Err(reward::RewardError::Template(_) | reward::RewardError::Tokenizer(_))) => {
            Ok(())
        }
        Ok(Err(_)) if cancel.is_cancelled() => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(words::ENGINE_FAILED_ON_TEXT.to_owned()),
    }
}
