//! Compares two documents: short ones at once, long ones on a thread of its own, since no frame has the time.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::reading::Key;
use crate::text::diff::{Span, differences};

/// The texts of two documents, in parts, and which they are.
type Question = ((Key, Key), [Vec<String>; 2]);

/// What was found out about two documents.
type Found = ((Key, Key), [Vec<Span>; 2]);

/// Where two documents differ; none while that is not known.
pub type Answer = Arc<[Vec<Span>; 2]>;

/// Two texts that are shorter together, in bytes, are compared at once: a thousand words take a millisecond or two.
const SHORT: usize = 6_000;

/// Asks for differences and keeps what was answered.
pub struct Differ {
    ask: Option<Sender<Question>>,
    answers: Receiver<Found>,
    known: HashMap<(Key, Key), Option<Answer>>,
}

impl Differ {
    /// Starts the thread; without one, long texts are not compared.
    pub fn new(ctx: egui::Context) -> Self {
        let (ask, asked) = unbounded::<Question>();
        let (answer, answers) = unbounded();
        let work = move || {
            for (keys, [one, two]) in asked {
                let spans = differences(&one, &two, Duration::from_secs(2));
                if answer.send((keys, spans)).is_err() {
                    return;
                }
                ctx.request_repaint();
            }
        };
        let started = thread::Builder::new().name("differ".to_owned()).spawn(work);
        Self {
            ask: started.is_ok().then_some(ask),
            answers,
            known: HashMap::new(),
        }
    }

    /// Where two documents differ, or `None` while that is not known.
    pub fn differences(
        &mut self,
        keys: (Key, Key),
        texts: impl FnOnce() -> [Vec<String>; 2],
    ) -> Option<Answer> {
        while let Ok((keys, spans)) = self.answers.try_recv() {
            self.known.insert(keys, Some(Arc::new(spans)));
        }
        if let Some(known) = self.known.get(&keys) {
            return known.clone();
        }
        if self.known.len() > 60 {
            self.known.clear();
        }
        let [one, two] = texts();
        let length: usize = one.iter().chain(&two).map(String::len).sum();
        if length <= SHORT {
            // Never rougher for want of time: what is marked must not depend on how busy the machine is.
            let spans = differences(&one, &two, Duration::from_secs(2));
            let answer = Some(Arc::new(spans));
            self.known.insert(keys, answer.clone());
            return answer;
        }
        if let Some(ask) = &self.ask {
            ask.send((keys, [one, two])).ok();
        }
        self.known.insert(keys, None);
        None
    }
}
