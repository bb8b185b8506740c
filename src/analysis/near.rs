//! Near duplicates: items that say almost the same, found without comparing each with each.
//!
//! Of the turns of an item's context and of its responses the runs of five words are hashed, ASCII letters in lower case, signs and spaces
//! between words left out; one-permutation `MinHash` (Li, Owen and Zhang, 2012) keeps the smallest hash of each of 32 bins. The share of equal bins estimates the
//! Jaccard similarity of the runs. Candidates share three of the responses' bins and one of the context's (locality-sensitive hashing);
//! near are those with a similarity of 0.8 or more in both parts, the threshold that Lee et al. (arXiv:2107.06499) use.

use std::collections::HashMap;

use crate::domain::{Item, ItemId, Turn};

/// Words that are hashed together.
const RUN: usize = 5;
const BINS: usize = 32;
/// Bins of the responses that candidates share, besides one of the context, and how many such groups are looked at: of those whose similarity
/// is 0.8 in both parts, 1 - (1 - 0.8^4)^6 = 96 % share a group.
const TOGETHER: usize = 3;
const GROUPS: usize = 6;
/// Equal bins of 32 from which on texts are near: a similarity of 0.8.
const ENOUGH: usize = 26;
/// What is compared of an item: eight bits of the smallest hash of each bin, of its context and then of its responses. Projects keep it: were it
/// made otherwise, those that are kept would have to go.
pub type Signature = [u8; 2 * BINS];

/// The items seen so far, in few bytes each.
#[derive(Debug, Default)]
pub struct NearDuplicates {
    groups: HashMap<u64, u32>,
    seen: Vec<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// What the one who asks calls it.
    name: u64,
    id: ItemId,
    signature: Signature,
}

/// An item that came before and is almost, or exactly, the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near {
    /// The name it was given.
    pub name: u64,
    /// Whether it is the same item.
    pub same: bool,
}

impl NearDuplicates {
    /// Items beyond these are not remembered, so that memory stays flat; some 200 bytes each.
    pub const MOST: usize = 500_000;

    /// Remembers an item under a name, and tells one that came before and is near.
    pub fn add(&mut self, name: u64, id: ItemId, signature: &Signature) -> Option<Near> {
        let alike = |a: &[u8], b: &[u8]| a.iter().zip(b).filter(|(a, b)| a == b).count() >= ENOUGH;
        let (context, responses) = signature.split_at(BINS);
        let mut keys = [0; GROUPS];
        for (group, key) in keys.iter_mut().enumerate() {
            let bins = responses[group * TOGETHER..][..TOGETHER].iter();
            let bins = bins.chain(&context[group * BINS / GROUPS..][..1]);
            *key = mix(bins.fold(group as u64, |key, bin| key << 8 | u64::from(*bin)));
        }
        let candidates = keys.iter().filter_map(|key| self.groups.get(key));
        let candidates = candidates.filter_map(|at| self.seen.get(*at as usize));
        let near = candidates.filter(|seen| {
            let (seen_context, seen_responses) = seen.signature.split_at(BINS);
            alike(seen_responses, responses) && alike(seen_context, context)
        });
        let found = near
            .map(|seen| Near {
                name: seen.name,
                same: seen.id == id,
            })
            .max_by_key(|near| near.same);
        // The first of its kind stands for those that come after it.
        if found.is_none() && self.seen.len() < Self::MOST {
            for key in keys {
                self.groups.entry(key).or_insert(self.seen.len() as u32);
            }
            self.seen.push(Seen {
                name,
                id,
                signature: *signature,
            });
        }
        found
    }
}

/// What is compared of an item.
pub fn signature(item: &Item) -> Signature {
    let mut signature = [0; 2 * BINS];
    let (context, responses) = signature.split_at_mut(BINS);
    sign(item.context.iter(), context);
    sign(item.responses.iter().flat_map(|r| &r.turns), responses);
    signature
}

fn sign<'a>(turns: impl Iterator<Item = &'a Turn>, signature: &mut [u8]) {
    let mut bins = [u64::MAX; BINS];
    let mut put = |run: u64| {
        let hash = mix(run);
        let bin = &mut bins[(hash >> 59) as usize];
        *bin = (*bin).min(hash);
    };
    // Turns too short for a run are one together, in whatever order they come: responses stand by their hashes.
    let mut short = 0_u64;
    for turn in turns {
        // Words are hashed into the run by rotation, so that the one that leaves it can be taken out again.
        let (mut run, mut words) = (0_u64, 0_usize);
        let mut last = [0_u64; RUN];
        let text = turn.content.as_bytes();
        let mut at = 0;
        while at < text.len() {
            let (hash, next) = word(text, at);
            at = next;
            if let Some(hash) = hash {
                let leaves = std::mem::replace(&mut last[words % RUN], hash);
                run = run.rotate_left(13) ^ hash ^ leaves.rotate_left(13 * RUN as u32);
                words += 1;
                if words >= RUN {
                    put(run);
                }
            }
        }
        if words < RUN {
            short = short.wrapping_add(mix(run));
        }
    }
    if short != 0 {
        put(short);
    }
    // An empty bin takes the next full one's, so that short texts can be compared too (densification).
    if let Some(full) = (0..BINS).find(|at| bins[*at] != u64::MAX) {
        for step in 1..BINS {
            let at = (full + BINS - step) % BINS;
            if bins[at] == u64::MAX {
                bins[at] = mix(bins[(at + 1) % BINS]);
            }
        }
    }
    for (byte, bin) in signature.iter_mut().zip(bins) {
        *byte = (bin & 0xff) as u8;
    }
}

const LETTER: [bool; 256] = {
    let mut letter = [true; 256];
    let mut byte = 0;
    while byte < 128 {
        letter[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    letter
};

/// The hash of the word that begins at a byte, if one does, and where it is over. Beyond ASCII everything is a letter.
fn word(text: &[u8], from: usize) -> (Option<u64>, usize) {
    let letters = text[from..]
        .iter()
        .take_while(|byte| LETTER[usize::from(**byte)]);
    let length = letters.count();
    if length == 0 {
        return (None, from + 1);
    }
    let mut hash = length as u64;
    for some in text[from..from + length].chunks(8) {
        let mut bytes = [0; 8];
        bytes[..some.len()].copy_from_slice(some);
        // This bit tells upper from lower case in ASCII; digits have it.
        hash = mix(hash ^ (u64::from_le_bytes(bytes) | 0x2020_2020_2020_2020));
    }
    (Some(hash), from + length)
}

/// Spreads the bits of a number (the finaliser of `SplitMix64`).
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
