//! An item: a shared context and N >= 1 responses to it, in an order that depends on their content only.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::hash::{item_id, response_hash};
use super::{ItemId, ResponseHash, Role, Turn};

/// Points at one response of an item: its content hash and, among identical ones, its occurrence (from 0).
/// Written as `HASH#OCCURRENCE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResponseKey {
    /// Hash of the response's turns.
    pub hash: ResponseHash,
    /// Which one among identical responses of the item.
    pub occurrence: u32,
}

impl fmt::Display for ResponseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.hash, self.occurrence)
    }
}

impl FromStr for ResponseKey {
    type Err = super::hash::BadHash;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || super::hash::BadHash(text.to_owned());
        let (hash, occurrence) = text.split_once('#').ok_or_else(bad)?;
        Ok(Self {
            hash: hash.parse()?,
            occurrence: occurrence.parse().map_err(|_err| bad())?,
        })
    }
}

impl Serialize for ResponseKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResponseKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// One response: one or more turns after the context, the last of them the assistant's.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// Points at this response from labels and scores.
    pub key: ResponseKey,
    /// Its turns.
    pub turns: Vec<Turn>,
}

impl Response {
    /// Text of the last assistant turn, the one that is scored.
    pub fn text(&self) -> &str {
        self.turns.last().map_or("", |turn| turn.content.as_str())
    }
}

/// A shared context and the responses to compare.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Hash of context and responses; neither order nor machine matters.
    pub id: ItemId,
    /// The turns that all responses share; may be empty.
    pub context: Vec<Turn>,
    /// The responses in canonical order: by hash, identical ones by occurrence.
    pub responses: Vec<Response>,
}

/// Why turns do not make an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// There is nothing to judge.
    #[error("there is no response")]
    NoResponse,
    /// A response has no turns.
    #[error("response {0} has no turns")]
    EmptyResponse(usize),
    /// A response ends with somebody else's turn.
    #[error("response {0} does not end with an assistant turn")]
    NotAssistant(usize),
}

impl Item {
    /// Makes an item of a context and responses in the file's order. Also gives, for each response of the file, its index in
    /// the canonical order.
    pub fn new(
        context: Vec<Turn>,
        responses: Vec<Vec<Turn>>,
    ) -> Result<(Self, Vec<usize>), ItemError> {
        if responses.is_empty() {
            return Err(ItemError::NoResponse);
        }
        for (at, turns) in responses.iter().enumerate() {
            match turns.last() {
                None => return Err(ItemError::EmptyResponse(at)),
                Some(turn) if turn.role != Role::Assistant => {
                    return Err(ItemError::NotAssistant(at));
                }
                Some(_) => {}
            }
        }
        let mut hashed: Vec<(ResponseHash, usize, Vec<Turn>)> = responses
            .into_iter()
            .enumerate()
            .map(|(at, turns)| (response_hash(&turns), at, turns))
            .collect();
        // Identical responses keep the file's order among themselves: their content cannot tell them apart.
        hashed.sort_by_key(|entry| (entry.0, entry.1));
        let mut order = vec![0; hashed.len()];
        let mut canonical: Vec<Response> = Vec::with_capacity(hashed.len());
        for (index, (hash, at, turns)) in hashed.into_iter().enumerate() {
            order[at] = index;
            let occurrence = match canonical.last() {
                Some(last) if last.key.hash == hash => last.key.occurrence + 1,
                _ => 0,
            };
            canonical.push(Response {
                key: ResponseKey { hash, occurrence },
                turns,
            });
        }
        let sorted: Vec<ResponseHash> = canonical.iter().map(|r| r.key.hash).collect();
        Ok((
            Self {
                id: item_id(&context, &sorted),
                context,
                responses: canonical,
            },
            order,
        ))
    }

    /// Makes an item of whole conversations: what they begin with alike is the context, at least the last turn of each is its
    /// response. Gives the order as [`Item::new`] does.
    pub fn from_conversations(
        conversations: Vec<Vec<Turn>>,
    ) -> Result<(Self, Vec<usize>), ItemError> {
        let shortest = conversations
            .iter()
            .map(Vec::len)
            .min()
            .ok_or(ItemError::NoResponse)?;
        let first = &conversations[0];
        let mut shared = 0;
        while shared + 1 < shortest && conversations.iter().all(|c| c[shared].same(&first[shared]))
        {
            shared += 1;
        }
        let context = first[..shared].to_vec();
        Self::new(
            context,
            conversations
                .into_iter()
                .map(|mut c| c.split_off(shared))
                .collect(),
        )
    }

    /// The response that a key points at, with its canonical index.
    pub fn response(&self, key: ResponseKey) -> Option<(usize, &Response)> {
        self.responses
            .iter()
            .enumerate()
            .find(|(_, r)| r.key == key)
    }

    /// The context followed by the turns of one response: what a reward model scores.
    pub fn conversation(&self, index: usize) -> Vec<Turn> {
        let mut turns = self.context.clone();
        if let Some(response) = self.responses.get(index) {
            turns.extend(response.turns.iter().cloned());
        }
        turns
    }

    /// Where an item stands in an annotator's own order of a project with this seed: items come in the order of these numbers.
    pub fn lot(id: ItemId, annotator: &str, seed: u64) -> [u8; 8] {
        let mut hasher = blake3::Hasher::new_derive_key("tiebreak 2026 order of items");
        hasher.update(&seed.to_le_bytes());
        hasher.update(&id.0);
        hasher.update(annotator.as_bytes());
        let mut lot = [0; 8];
        hasher.finalize_xof().fill(&mut lot);
        lot
    }

    /// The order, as canonical indices from left to right, in which an annotator sees the responses: random, but always the
    /// same for the same item, annotator and project seed, so that sides carry no information and never jump.
    pub fn shown_order(&self, annotator: &str, seed: u64) -> Vec<usize> {
        let mut hasher = blake3::Hasher::new_derive_key("tiebreak 2026 sides");
        hasher.update(&seed.to_le_bytes());
        hasher.update(&self.id.0);
        hasher.update(annotator.as_bytes());
        let mut stream = hasher.finalize_xof();
        let mut order: Vec<usize> = (0..self.responses.len()).collect();
        // Fisher and Yates; 64 random bits make the bias of the remainder immaterial.
        for last in (1..order.len()).rev() {
            let mut bytes = [0; 8];
            stream.fill(&mut bytes);
            order.swap(
                last,
                (u64::from_le_bytes(bytes) % (last as u64 + 1)) as usize,
            );
        }
        order
    }
}
