//! From a conversation to token ids, shortened to what the model can take.
//!
//! What is too long loses, in this order: the oldest whole turns after the system turn, the start of the last prompt, the start of
//! the reply. Every attempt is written by the chat template and split anew, so that the ids are those of a real conversation
//! and end-of-turn tokens stay; attempts start from an estimate, so that there are few and only the first are long.

use tokenizers::Tokenizer;

use super::RewardError;
use super::prompt::ChatTemplate;
use super::sentencepiece::SentencePiece;
use crate::domain::{Role, Turn};

/// Token ids of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The ids; never empty.
    pub ids: Vec<u32>,
    /// Whether something was left out.
    pub truncated: bool,
}

/// How text becomes tokens.
#[derive(Debug, Clone)]
pub enum Splitter {
    /// As `tokenizer.json` says.
    Tokenizer(Box<Tokenizer>),
    /// As `tokenizer.model` says, with tokens of its own around it.
    Pieces(Box<Pieces>),
}

/// A vocabulary of `SentencePiece` and the tokens that are split off before it sees a text.
#[derive(Debug, Clone)]
pub struct Pieces {
    /// The vocabulary.
    pub model: SentencePiece,
    /// Tokens that stand in a text as they are written, and whether each is special.
    pub added: Vec<(String, u32, bool)>,
    /// Whether every part between them is written with a space before it, not only the beginning of a text (`legacy` of transformers).
    pub prefix_always: bool,
    /// Whether so is one that begins with a space already.
    pub prefix_spaces: bool,
}

impl Pieces {
    /// All that decides how text is split: the file of the vocabulary, and what is added to it.
    pub fn about(&self, file: &[u8]) -> Vec<u8> {
        let mut about = file.to_vec();
        about.extend([u8::from(self.prefix_always), u8::from(self.prefix_spaces)]);
        for (text, id, special) in &self.added {
            about.extend((text.len() as u64).to_le_bytes());
            about.extend(text.as_bytes());
            about.extend(id.to_le_bytes());
            about.push(u8::from(*special));
        }
        about
    }

    /// Ids of `text`, each with where it starts, in bytes.
    fn encode(&self, text: &str) -> Vec<(u32, usize)> {
        let mut ids = vec![];
        let mut part = 0;
        let mut at = 0;
        let flush = |from: usize, to: usize, ids: &mut Vec<(u32, usize)>| {
            let part = &text[from..to];
            let prefix = self.prefix_always || from == 0;
            let prefix = prefix && (self.prefix_spaces || !part.starts_with([' ', '\u{2581}']));
            let found = self.model.encode_part(part, prefix);
            ids.extend(found.into_iter().map(|(id, start)| (id, from + start)));
        };
        while at < text.len() {
            let rest = &text[at..];
            let added = self
                .added
                .iter()
                .filter(|(token, ..)| rest.starts_with(token));
            if let Some((token, id, _)) = added.max_by_key(|(token, ..)| token.len()) {
                flush(part, at, &mut ids);
                ids.push((*id, at));
                at += token.len();
                part = at;
            } else {
                at += rest.chars().next().map_or(1, char::len_utf8);
            }
        }
        flush(part, text.len(), &mut ids);
        ids
    }
}

impl Splitter {
    /// Reads `tokenizer.json`. Truncation and padding that the file asks for are switched off.
    pub fn from_json(bytes: &[u8]) -> Result<Self, RewardError> {
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(failed)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(failed)?;
        Ok(Self::Tokenizer(Box::new(tokenizer)))
    }

    fn ids(&self, text: &str) -> Result<Vec<u32>, RewardError> {
        Ok(match self {
            Self::Tokenizer(tokenizer) => {
                let encoding = tokenizer.encode_fast(text, false).map_err(failed)?;
                encoding.get_ids().to_vec()
            }
            Self::Pieces(pieces) => pieces.encode(text).into_iter().map(|(id, _)| id).collect(),
        })
    }

    /// Where each token of `text` starts, in bytes, in rising order; several may start at the same place.
    fn starts(&self, text: &str) -> Result<Vec<usize>, RewardError> {
        Ok(match self {
            Self::Tokenizer(tokenizer) => {
                let encoding = tokenizer.encode(text, false).map_err(failed)?;
                let offsets = encoding.get_offsets().iter();
                offsets.map(|&(start, _)| start).collect()
            }
            Self::Pieces(pieces) => pieces.encode(text).into_iter().map(|(_, at)| at).collect(),
        })
    }

    /// A token as the vocabulary writes it; empty where it has none of that number.
    fn token(&self, id: u32) -> String {
        match self {
            Self::Tokenizer(tokenizer) => tokenizer.id_to_token(id).unwrap_or_default(),
            Self::Pieces(pieces) => {
                let added = pieces.added.iter().find(|(_, known, _)| *known == id);
                added.map_or_else(
                    || pieces.model.piece(id).to_owned(),
                    |(text, ..)| text.clone(),
                )
            }
        }
    }

    fn is_special(&self, id: u32) -> bool {
        match self {
            Self::Tokenizer(tokenizer) => {
                let added = tokenizer.get_added_tokens_decoder();
                added.get(&id).is_some_and(|token| token.special)
            }
            Self::Pieces(pieces) => {
                let added = pieces.added.iter().find(|(_, known, _)| *known == id);
                added.map_or_else(|| pieces.model.is_special(id), |(_, _, special)| *special)
            }
        }
    }
}

/// Writes conversations by the chat template and splits them into tokens.
#[derive(Debug)]
pub struct Encoder {
    splitter: Splitter,
    template: ChatTemplate,
}

impl Encoder {
    /// Joins a splitter and a template.
    pub fn new(splitter: Splitter, template: ChatTemplate) -> Self {
        Self { splitter, template }
    }

    /// Ids of `turns` in at most `limit` (at least 1) tokens. Special tokens come from the template only: the tokenizer would
    /// write a second one where the template wrote it already.
    pub fn encode(&self, turns: &[Turn], limit: usize) -> Result<Encoded, RewardError> {
        let limit = limit.max(1);
        let ids = self.split(&self.template.render(turns)?)?;
        if ids.is_empty() {
            return Err(RewardError::Template("it wrote nothing at all".to_owned()));
        }
        if ids.len() <= limit {
            return Ok(Encoded {
                ids,
                truncated: false,
            });
        }
        let ids = match self.shorten(turns, limit, ids.len())? {
            Some(shorter) => shorter,
            // The limit is below what the template writes around texts: the end of it all, so that its last tokens stay.
            None => ids[ids.len() - limit..].to_vec(),
        };
        Ok(Encoded {
            ids,
            truncated: true,
        })
    }

    /// The ids of the text, among several, that takes the fewest tokens: the one that the vocabulary was made for.
    pub fn shortest(&self, texts: &[&str]) -> Result<Vec<u32>, RewardError> {
        let ids = texts.iter().map(|text| self.split(text));
        let ids: Vec<Vec<u32>> = ids.collect::<Result<_, _>>()?;
        Ok(ids.into_iter().min_by_key(Vec::len).unwrap_or_default())
    }

    /// A token as the tokenizer's vocabulary writes it; empty where it has none of that number.
    pub fn token(&self, id: u32) -> String {
        self.splitter.token(id)
    }

    /// Whether a token is a special one, which no text means.
    pub fn is_special(&self, id: u32) -> bool {
        self.splitter.is_special(id)
    }

    fn split(&self, text: &str) -> Result<Vec<u32>, RewardError> {
        self.splitter.ids(text)
    }

    /// Ids of `turns` if the template takes them and they fit.
    fn attempt(&self, turns: &[Turn], limit: usize) -> Result<Option<Vec<u32>>, RewardError> {
        let Ok(text) = self.template.render(turns) else {
            return Ok(None); // such as a template that wants a user to begin
        };
        Ok(Some(self.split(&text)?).filter(|ids| !ids.is_empty() && ids.len() <= limit))
    }

    /// `None` when nothing of the reply would be left; `length` is the number of tokens of all `turns`.
    fn shorten(
        &self,
        turns: &[Turn],
        limit: usize,
        length: usize,
    ) -> Result<Option<Vec<u32>>, RewardError> {
        let systems = turns.iter().take_while(|t| t.role == Role::System).count();
        let last = turns.len().saturating_sub(2); // the last prompt
        let systems = systems.min(last);
        let (mut kept, mut length) = (turns.to_vec(), length);
        if last > systems {
            match self.drop_turns(turns, systems, last - systems, limit, length)? {
                Dropped::Fits(ids) => return Ok(Some(ids)),
                Dropped::TooLong(shorter, tokens) => (kept, length) = (shorter, tokens),
            }
        }
        if let Some(ids) = self.cut_texts(&kept, limit, length)? {
            return Ok(Some(ids));
        }
        // A system turn that leaves no room for the reply goes too.
        if kept.len() > 2 && kept[0].role == Role::System {
            kept.drain(..kept.len() - 2);
            if let Some(ids) = self.attempt(&kept, limit)? {
                return Ok(Some(ids));
            }
            let Ok(text) = self.template.render(&kept) else {
                return Ok(None);
            };
            return self.cut_texts(&kept, limit, self.split(&text)?.len());
        }
        Ok(None)
    }

    /// Leaves out as few as possible of `turns[from..from + most]`, from the oldest on.
    fn drop_turns(
        &self,
        turns: &[Turn],
        from: usize,
        most: usize,
        limit: usize,
        length: usize,
    ) -> Result<Dropped, RewardError> {
        let without = |count: usize| {
            let mut kept = turns[..from].to_vec();
            kept.extend_from_slice(&turns[from + count..]);
            kept
        };
        // Templates that want users and assistants to alternate take every second number only.
        let takes =
            |count: usize| count <= most && self.template.render(&blank(&without(count))).is_ok();
        let step = if !takes(1) && takes(2) { 2 } else { 1 };
        let steps = most / step;
        if steps == 0 {
            return Ok(Dropped::TooLong(turns.to_vec(), length));
        }

        let mut sizes = Vec::with_capacity(most);
        for turn in &turns[from..from + most] {
            sizes.push(self.split(&turn.content)?.len());
        }
        let rest: usize = turns[from + most..]
            .iter()
            .map(|t| t.content.len() / 4)
            .sum();
        let around = length.saturating_sub(sizes.iter().sum::<usize>() + rest) / turns.len();
        let mut left = length;
        let guess = sizes.chunks(step).take(steps).position(|dropped| {
            let gone = dropped.iter().map(|size| size + around).sum::<usize>();
            left = left.saturating_sub(gone);
            left <= limit
        });
        let found = smallest(steps, guess.map_or(steps, |at| at + 1), |count| {
            self.attempt(&without(count * step), limit)
        })?;
        if let Some(ids) = found {
            return Ok(Dropped::Fits(ids));
        }
        let kept = without(steps * step);
        match self.template.render(&kept) {
            Ok(text) => {
                let tokens = self.split(&text)?.len();
                Ok(Dropped::TooLong(kept, tokens))
            }
            Err(_refused) => Ok(Dropped::TooLong(turns.to_vec(), length)),
        }
    }

    /// Cuts the start of the last prompt, if need be all of it, then the start of the reply, of which one token is left at least.
    fn cut_texts(
        &self,
        turns: &[Turn],
        limit: usize,
        mut length: usize,
    ) -> Result<Option<Vec<u32>>, RewardError> {
        let mut kept = turns.to_vec();
        let reply = kept.len() - 1;
        let prompt = reply
            .checked_sub(1)
            .filter(|&p| kept[p].role != Role::System);
        for (turn, is_reply) in prompt
            .map(|p| (p, false))
            .into_iter()
            .chain([(reply, true)])
        {
            let text = std::mem::take(&mut kept[turn].content);
            let starts = self.starts(&text)?;
            let most = if is_reply {
                starts.len().saturating_sub(1)
            } else {
                starts.len()
            };
            let found = smallest(most, length.saturating_sub(limit), |cut| {
                let from = starts.get(cut).copied().unwrap_or(text.len());
                text[from..].clone_into(&mut kept[turn].content);
                self.attempt(&kept, limit)
            })?;
            if found.is_some() {
                return Ok(found);
            }
            kept[turn].content.clear();
            length = length.saturating_sub(starts.len()).max(limit);
        }
        Ok(None)
    }

    /// Where each token of `text` starts, in bytes, on boundaries of characters.
    fn starts(&self, text: &str) -> Result<Vec<usize>, RewardError> {
        let starts = self.splitter.starts(text)?.into_iter();
        let mut starts: Vec<usize> = starts
            .map(|start| (start..text.len()).find(|&at| text.is_char_boundary(at)))
            .map(|start| start.unwrap_or(text.len()))
            .collect();
        starts.dedup(); // several tokens of one character
        Ok(starts)
    }
}

enum Dropped {
    Fits(Vec<u32>),
    TooLong(Vec<Turn>, usize),
}

/// The same turns with next to no text.
fn blank(turns: &[Turn]) -> Vec<Turn> {
    let blank = |turn: &Turn| Turn {
        content: "x".to_owned(),
        ..turn.clone()
    };
    turns.iter().map(blank).collect()
}

/// What `attempt` gives for the smallest number in `1..=most` for which it gives something, trying `guess` first; `attempt` is taken
/// to succeed from some number on. Few attempts, and hardly any far below the result, where they cost most.
fn smallest<T>(
    most: usize,
    guess: usize,
    mut attempt: impl FnMut(usize) -> Result<Option<T>, RewardError>,
) -> Result<Option<T>, RewardError> {
    if most == 0 {
        return Ok(None);
    }
    let guess = guess.clamp(1, most);
    let (mut low, mut high, mut found) = (0, guess, attempt(guess)?); // low fails
    if found.is_some() {
        let mut stride = 1;
        while high > low + 1 {
            let at = high.saturating_sub(stride).max(low + 1);
            let Some(better) = attempt(at)? else {
                low = at;
                break;
            };
            (high, found) = (at, Some(better));
            stride *= 2;
        }
    } else {
        let mut stride = 1;
        while found.is_none() {
            if high == most {
                return Ok(None);
            }
            low = high;
            high = (high + stride).min(most);
            found = attempt(high)?;
            stride *= 2;
        }
    }
    while high > low + 1 {
        let middle = low + (high - low) / 2;
        match attempt(middle)? {
            Some(better) => (high, found) = (middle, Some(better)),
            None => low = middle,
        }
    }
    Ok(found)
}

#[expect(clippy::needless_pass_by_value, reason = "handed to `map_err`")]
fn failed(error: tokenizers::Error) -> RewardError {
    RewardError::Tokenizer(error.to_string())
}
