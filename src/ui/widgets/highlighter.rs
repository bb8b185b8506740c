//! Reads the syntax of code on a thread of its own: it takes about 10 ms per kB, which no frame has. Until it is done the code
//! is plain; its size does not change, since all cuts of the font are equally wide.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::text::highlight::{self, Ink};

/// Parts of code and their ink.
pub type Spans = Arc<Vec<(Range<usize>, Ink)>>;

/// Code and its language.
type Code = (String, String);

/// Asks for syntax and keeps what was answered.
pub struct Highlighter {
    ask: Option<Sender<Code>>,
    answers: Receiver<(Code, Spans)>,
    known: HashMap<Code, Option<Spans>>,
}

impl Highlighter {
    /// Starts the thread; without one, code stays plain.
    pub fn new(ctx: egui::Context) -> Self {
        let (ask, asked) = unbounded::<Code>();
        let (answer, answers) = unbounded();
        let work = move || {
            for code in asked {
                let spans = highlight::spans(&code.0, &code.1);
                if answer.send((code, Arc::new(spans))).is_err() {
                    return;
                }
                ctx.request_repaint();
            }
        };
        let started = thread::Builder::new()
            .name("highlighter".to_owned())
            .spawn(work);
        Self {
            ask: started.is_ok().then_some(ask),
            answers,
            known: HashMap::new(),
        }
    }

    /// Takes what was answered; true if there was anything.
    pub fn drain(&mut self) -> bool {
        let mut any = false;
        while let Ok((code, spans)) = self.answers.try_recv() {
            self.known.insert(code, Some(spans));
            any = true;
        }
        any
    }

    /// The parts of code, or `None` while they are not known.
    pub fn spans(&mut self, text: &str, language: &str) -> Option<Spans> {
        if !highlight::knows(language) {
            return Some(Arc::new(vec![(0..text.len(), Ink::Plain)]));
        }
        let code = (text.to_owned(), language.to_owned());
        if let Some(known) = self.known.get(&code) {
            return known.clone();
        }
        // Forgotten when there is much, and then asked for again.
        if self.known.len() > 400 {
            self.known.clear();
        }
        if let Some(ask) = &self.ask {
            ask.send(code.clone()).ok();
        }
        self.known.insert(code, None);
        None
    }
}
