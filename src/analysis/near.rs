//! Near duplicates: items that say almost the same, found without comparing each with each.
//!
//! Of the turns of an item's context and of its responses the runs of five words are hashed, ASCII letters in lower case, signs and spaces
//! between words left out; one-permutation `MinHash` (Li, Owen and Zhang, 2012) keeps the smallest hash of each of 32 bins. The share of equal bins estimates the
//! Jaccard similarity of the runs. Candidates share three of the responses' bins and one of the context's (locality-sensitive hashing);
//! near are those with a similarity of 0.8 or more in both parts, the threshold that Lee et al. (arXiv:2107.06499) use.

use hashbrown::HashTable;

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
    /// By their keys, groups of items: [`GROUPS`] times the place of the first in `seen`, and which of its groups it is.
    groups: HashTable<u32>,
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
    /// Items beyond these are not remembered, so that memory stays flat; some 150 bytes each.
    pub const MOST: usize = 500_000;

    /// Remembers an item under a name, and tells one that came before and is near.
    pub fn add(&mut self, name: u64, id: ItemId, signature: &Signature) -> Option<Near> {
        let alike = |a: &[u8], b: &[u8]| a.iter().zip(b).filter(|(a, b)| a == b).count() >= ENOUGH;
        let (context, responses) = signature.split_at(BINS);
        let seen = &self.seen;
        let keys: [u64; GROUPS] = std::array::from_fn(|group| key(signature, group));
        let same_group = |group| {
            let key = keys[group];
            self.groups.find(key, |of| key_in(seen, *of) == key)
        };
        let groups: [Option<u32>; GROUPS] = std::array::from_fn(|group| same_group(group).copied());
        let candidates = groups.iter().flatten();
        let candidates = candidates.filter_map(|of| seen.get(*of as usize / GROUPS));
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
            let at = self.seen.len();
            self.seen.push(Seen {
                name,
                id,
                signature: *signature,
            });
            for (group, first) in groups.iter().enumerate() {
                if first.is_none() {
                    let of = (at * GROUPS + group) as u32;
                    let key_of = |of: &u32| key_in(&self.seen, *of);
                    self.groups.insert_unique(keys[group], of, key_of);
                }
            }
        }
        found
    }
}

/// What items in one group have in common, as a hash.
fn key(signature: &Signature, group: usize) -> u64 {
    let (context, responses) = signature.split_at(BINS);
    let bins = responses[group * TOGETHER..][..TOGETHER].iter();
    let bins = bins.chain(&context[group * BINS / GROUPS..][..1]);
    mix(bins.fold(group as u64, |key, bin| key << 8 | u64::from(*bin)))
}

/// The same of a group in the table.
fn key_in(seen: &[Seen], of: u32) -> u64 {
    let (at, group) = (of as usize / GROUPS, of as usize % GROUPS);
    seen.get(at).map_or(0, |seen| key(&seen.signature, group))
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
        each_word(turn.content.as_bytes(), |hash| {
            let leaves = std::mem::replace(&mut last[words % RUN], hash);
            run = run.rotate_left(13) ^ hash ^ leaves.rotate_left(13 * RUN as u32);
            words += 1;
            if words >= RUN {
                put(run);
            }
        });
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

/// The hashes of a text's words, in order. Beyond ASCII everything is a letter.
fn each_word(text: &[u8], mut each: impl FnMut(u64)) {
    let mut begun = None;
    // 64 bytes at once: with one at a time the processor guesses wrong at the end of most words.
    for (block, bytes) in text.chunks(64).enumerate() {
        let letters = letters(bytes);
        // Where a word begins, and where what follows it does.
        let mut changes = letters ^ (letters << 1 | u64::from(begun.is_some()));
        if bytes.len() < 64 {
            changes &= (1 << bytes.len()) - 1;
        }
        while changes != 0 {
            let at = block * 64 + changes.trailing_zeros() as usize;
            changes &= changes - 1;
            begun = match begun {
                None => Some(at),
                Some(from) => {
                    each(word(text, from, at - from));
                    None
                }
            };
        }
    }
    if let Some(from) = begun {
        each(word(text, from, text.len() - from));
    }
}

/// Which of at most 64 bytes are letters or digits, as bits from the lowest.
fn letters(bytes: &[u8]) -> u64 {
    let mut letters = [0; 64];
    for (letter, byte) in letters.iter_mut().zip(bytes) {
        let of_word = byte.is_ascii_alphanumeric() || !byte.is_ascii();
        *letter = u8::from(of_word);
    }
    let (eights, _) = letters.as_chunks();
    // The lowest bits of eight bytes, brought together in the highest byte.
    let together =
        |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    eights
        .iter()
        .rev()
        .fold(0, |bits, eight| bits << 8 | together(eight))
}

/// The hash of a word.
fn word(text: &[u8], from: usize, length: usize) -> u64 {
    let mut hash = length as u64;
    for at in (0..length).step_by(8) {
        // This bit tells upper from lower case in ASCII; digits have it.
        let some = up_to_eight(text, from + at, length - at);
        hash = mix(hash ^ (some | 0x2020_2020_2020_2020));
    }
    hash
}

/// The next bytes of a text, at most `length` and at most eight, as a number.
fn up_to_eight(text: &[u8], from: usize, length: usize) -> u64 {
    let some = if let Some(bytes) = text[from..].first_chunk() {
        u64::from_le_bytes(*bytes)
    } else {
        let mut bytes = [0; 8];
        bytes[..text.len() - from].copy_from_slice(&text[from..]);
        u64::from_le_bytes(bytes)
    };
    some & (u64::MAX >> (64 - 8 * length.min(8)))
}

/// Spreads the bits of a number (the finaliser of `SplitMix64`).
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
