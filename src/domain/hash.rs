//! Content hashes: BLAKE3 over a canonical form in which every field is preceded by its length, so that no two different
//! values share a form, on any machine.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt as _, hash_derive_key_context};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::Turn;

/// What `blake3::Hasher::new_derive_key` derives from its text, made once: for a short text that is as much work as its hash.
pub(crate) type Key = LazyLock<ContextKey>;

/// A 64-digit hexadecimal string that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a content hash of 64 hexadecimal digits")]
pub struct BadHash(pub String);

macro_rules! content_hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The first eight hexadecimal digits, for people.
            pub fn short(&self) -> String {
                self.to_string()[..8].to_owned()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }
        impl FromStr for $name {
            type Err = BadHash;
            fn from_str(text: &str) -> Result<Self, BadHash> {
                blake3::Hash::from_hex(text).map(|h| Self(*h.as_bytes())).map_err(|_err| BadHash(text.to_owned()))
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

content_hash!(
    /// Identity of an item: its context and the multiset of its responses.
    ItemId
);
content_hash!(
    /// Identity of a response's turns.
    ResponseHash
);

/// Hash of a response's own turns.
pub fn response_hash(turns: &[Turn]) -> ResponseHash {
    static KEY: Key = Key::new(|| hash_derive_key_context("tiebreak 2026 response"));
    let mut hasher = blake3::Hasher::new_from_context_key(&KEY);
    write_turns(&mut hasher, turns);
    ResponseHash(*hasher.finalize().as_bytes())
}

/// Hash of a context and the *sorted* hashes of its responses.
pub fn item_id(context: &[Turn], sorted: &[ResponseHash]) -> ItemId {
    static KEY: Key = Key::new(|| hash_derive_key_context("tiebreak 2026 item"));
    let mut hasher = blake3::Hasher::new_from_context_key(&KEY);
    write_turns(&mut hasher, context);
    write_len(&mut hasher, sorted.len());
    for hash in sorted {
        hasher.update(&hash.0);
    }
    ItemId(*hasher.finalize().as_bytes())
}

fn write_turns(hasher: &mut blake3::Hasher, turns: &[Turn]) {
    write_len(hasher, turns.len());
    for turn in turns {
        write_text(hasher, turn.role.as_str());
        write_text(hasher, &turn.content);
        match &turn.tool_calls {
            None => write_len(hasher, 0),
            Some(calls) => {
                write_len(hasher, 1);
                write_text(hasher, &canonical_json(calls));
            }
        }
    }
}

fn write_text(hasher: &mut blake3::Hasher, text: &str) {
    write_len(hasher, text.len());
    hasher.update(text.as_bytes());
}

fn write_len(hasher: &mut blake3::Hasher, len: usize) {
    hasher.update(&(len as u64).to_le_bytes());
}

/// JSON with the keys of every object sorted, so that equal values have equal text.
pub fn canonical_json(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by(|a, b| a.0.cmp(b.0));
                Value::Object(
                    entries
                        .into_iter()
                        .map(|(k, v)| (k.clone(), sorted(v)))
                        .collect(),
                )
            }
            Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}
