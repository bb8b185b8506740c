//! Cuts long text into pieces small enough to lay out one at a time: at line ends, else at sentences, words, graphemes.

use unicode_segmentation::UnicodeSegmentation as _;

use super::markdown::{Joint, Run};

/// A paragraph longer than this many bytes is cut at a line end.
pub(super) const PARAGRAPH_BYTES: usize = 4_000;
/// A line of more graphemes than this is cut.
pub(super) const LINE_GRAPHEMES: usize = 2_000;
/// A line of more bytes than this is cut, however few graphemes that is (a grapheme may carry any number of marks).
const LINE_BYTES: usize = 12_000;
/// A code block of more lines than this is cut.
pub(super) const CODE_LINES: usize = 200;
/// A code block of more bytes than this is cut at a line end.
const CODE_BYTES: usize = 16_000;
/// How far before the end of a cut line a sentence or word end is looked for, in bytes.
const LOOK_BACK: usize = 400;

/// Cuts runs into pieces of at most about [`PARAGRAPH_BYTES`]. The text of the pieces, joined as each piece's [`Joint`] says,
/// is the text of the runs. There is always at least one piece; its joint is [`Joint::New`].
pub(super) fn cut_runs(runs: Vec<Run>) -> Vec<(Joint, Vec<Run>)> {
    let bytes: usize = runs.iter().map(|run| run.text.len()).sum();
    if bytes <= LINE_GRAPHEMES {
        return vec![(Joint::New, runs)];
    }
    let mut cutter = Cutter::default();
    for run in runs {
        let mut rest = run.text.as_str();
        while !rest.is_empty() {
            let line = rest.split_inclusive('\n').next().unwrap_or(rest);
            rest = &rest[line.len()..];
            cutter.line(line, &run);
        }
    }
    cutter.finish()
}

/// The pieces made so far and the place reached.
#[derive(Default)]
struct Cutter {
    done: Vec<(Joint, Vec<Run>)>,
    piece: Vec<Run>,
    joint: Joint,
    piece_bytes: usize,
    line_graphemes: usize,
    line_bytes: usize,
}

impl Cutter {
    /// Takes one line, or a part of one, of `run`.
    fn line(&mut self, mut text: &str, run: &Run) {
        let at_line_start = self.line_bytes == 0;
        if at_line_start && self.piece_bytes > 0 && self.piece_bytes + text.len() > PARAGRAPH_BYTES
        {
            self.close_at_line_end();
        }
        loop {
            let room = cut_at(
                text,
                LINE_GRAPHEMES - self.line_graphemes,
                LINE_BYTES.saturating_sub(self.line_bytes),
            );
            match room {
                None => break,
                Some(0) => self.close(Joint::Inline),
                Some(end) => {
                    let end = reading_end(text, end);
                    self.push(&text[..end], run);
                    text = &text[end..];
                    self.close(Joint::Inline);
                }
            }
        }
        if !text.is_empty() {
            self.push(text, run);
        }
    }

    fn push(&mut self, text: &str, run: &Run) {
        self.piece_bytes += text.len();
        if text.ends_with('\n') {
            self.line_graphemes = 0;
            self.line_bytes = 0;
        } else {
            self.line_bytes += text.len();
            self.line_graphemes += graphemes_up_to(text, LINE_GRAPHEMES - self.line_graphemes);
        }
        match self.piece.last_mut() {
            Some(last) if last.same_style(run) => last.text.push_str(text),
            _ => self.piece.push(Run {
                text: text.to_owned(),
                ..run.clone()
            }),
        }
    }

    /// Ends the piece at its last newline, which the next piece's joint stands for.
    fn close_at_line_end(&mut self) {
        if let Some(last) = self.piece.last_mut() {
            last.text.pop();
            if last.text.is_empty() && self.piece.len() > 1 {
                self.piece.pop();
            }
        }
        self.close(Joint::Line);
    }

    fn close(&mut self, next: Joint) {
        self.done
            .push((self.joint, std::mem::take(&mut self.piece)));
        self.joint = next;
        self.piece_bytes = 0;
        self.line_bytes = 0;
        self.line_graphemes = 0;
    }

    fn finish(mut self) -> Vec<(Joint, Vec<Run>)> {
        if !self.piece.is_empty() || self.done.is_empty() {
            self.close(Joint::New);
        }
        self.done
    }
}

/// Cuts code into pieces of at most [`CODE_LINES`] lines and about [`CODE_BYTES`]. Joined as the joints say, they are the
/// code.
pub(super) fn cut_code(code: &str) -> Vec<(Joint, String)> {
    let mut done = Vec::new();
    let (mut piece, mut lines, mut joint) = (String::new(), 0, Joint::New);
    for (index, mut line) in code.split('\n').enumerate() {
        if index > 0 {
            if lines >= CODE_LINES || piece.len() + line.len() > CODE_BYTES {
                done.push((joint, std::mem::take(&mut piece)));
                joint = Joint::Line;
                lines = 0;
            } else {
                piece.push('\n');
            }
        }
        while let Some(end) = cut_at(line, LINE_GRAPHEMES, LINE_BYTES) {
            piece.push_str(&line[..end]);
            done.push((joint, std::mem::take(&mut piece)));
            joint = Joint::Inline;
            lines = 0;
            line = &line[end..];
        }
        piece.push_str(line);
        lines += 1;
    }
    done.push((joint, piece));
    done
}

/// Where a line must be cut so that it has at most so many graphemes and about so many bytes; `None` where it is short
/// enough. A single grapheme longer than `bytes` is cut between characters.
fn cut_at(line: &str, graphemes: usize, bytes: usize) -> Option<usize> {
    if line.len() <= graphemes.min(bytes) {
        return None;
    }
    for (count, (start, grapheme)) in line.grapheme_indices(true).enumerate() {
        if count >= graphemes {
            // A newline that ends the line is not one more grapheme of it.
            return (grapheme != "\n" && grapheme != "\r\n").then_some(start);
        }
        if start + grapheme.len() > bytes {
            return Some(if start > 0 || bytes == 0 {
                start
            } else {
                line.floor_char_boundary(bytes.max(4))
            });
        }
    }
    None
}

/// A better place to end a line near `end`: after a sentence, else after a word, else `end` itself.
fn reading_end(text: &str, end: usize) -> usize {
    let from = text.floor_char_boundary(end.saturating_sub(LOOK_BACK));
    let near = &text[from..end];
    near.rfind(". ")
        .map(|at| at + 2)
        .or_else(|| near.rfind(' ').map(|at| at + 1))
        .map_or(end, |at| from + at)
}

fn graphemes_up_to(text: &str, most: usize) -> usize {
    text.graphemes(true).take(most).count()
}
