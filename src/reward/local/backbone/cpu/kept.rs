//! Keys and values kept from one request to the next, so that after an edit only what follows it is computed again.

use super::attention::KeysValues;

/// Bytes kept at most, besides what is being computed.
const BYTES: usize = 512 << 20;
/// Texts kept at most: the two of a pair, and what they were before.
const TEXTS: usize = 4;
/// A beginning shorter than this is not worth keeping.
const LEAST: usize = 16;

/// A text that has gone through the layers.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(super) ids: Vec<u32>,
    pub(super) layers: Vec<KeysValues>,
    pub(super) bytes: usize,
}

impl Kept {
    /// Says which text it is, once it has gone through.
    pub(crate) fn name(&mut self, ids: &[u32]) {
        ids.clone_into(&mut self.ids);
    }
}

/// The texts last computed, the latest at the end.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    texts: Vec<Kept>,
}

impl Memory {
    /// The text that begins most like `ids`, and how many of the first `limit` tokens it shares, where that is worth it.
    pub(crate) fn like(&self, ids: &[u32], limit: usize) -> Option<(&Kept, usize)> {
        let same = |kept: &Kept| {
            let pairs = kept.ids.iter().zip(&ids[..limit]);
            pairs.take_while(|(a, b)| a == b).count()
        };
        let all = self.texts.iter().map(|kept| (kept, same(kept)));
        all.max_by_key(|(_, same)| *same)
            .filter(|(_, same)| *same >= LEAST)
    }

    /// Keeps a text, and forgets the oldest beyond what is kept.
    pub(crate) fn keep(&mut self, text: Kept) {
        // What was typed a letter ago is the beginning of what was typed now, or nearly so.
        self.texts.push(text);
        let mut bytes: usize = self.texts.iter().map(|t| t.bytes).sum();
        while self.texts.len() > TEXTS || bytes > BYTES && !self.texts.is_empty() {
            bytes -= self.texts.remove(0).bytes;
        }
    }
}
