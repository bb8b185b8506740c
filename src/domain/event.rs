//! Events: everything that people do to a project, append-only. Two copies of a project are merged by the union of theirs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ItemId, Label, LabelSchema, ScorePolicy};

/// Identity and place in time of an event: a `UUIDv7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// A new id; ids made by one process rise strictly.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for EventId {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum EventBody {
    /// An annotator labelled the item.
    Label(Box<Label>),
    /// An annotator left the item out.
    Skip {
        /// Why.
        reason: String,
    },
    /// An annotator puts the item off: it comes back when nothing else is left.
    Later,
    /// An annotator says something about the item that belongs to no field.
    Comment {
        /// What.
        text: String,
    },
    /// An annotator was shown the scores of a sealed item, with model names and reference labels: what is said of it from here on is not
    /// blind.
    Reveal,
    /// An annotator labelled a practice item: kept for the record, never a label.
    Practice(Box<Label>),
    /// An annotator wants somebody to look at the item.
    Flag {
        /// Why, if said.
        note: String,
    },
    /// The flag is taken back.
    Unflag,
    /// An earlier event no longer counts.
    Undo {
        /// That event.
        target: EventId,
    },
    /// An undone event counts again.
    Redo {
        /// That event.
        target: EventId,
    },
    /// The score policy of the project from here on.
    Policy {
        /// The new policy.
        policy: ScorePolicy,
    },
    /// The label schema of the project from here on. Labels made before keep theirs.
    Schema {
        /// The new schema.
        schema: Box<LabelSchema>,
    },
    /// The guidelines of the project from here on.
    Guidelines {
        /// Their text, in Markdown; empty takes them away.
        text: String,
    },
    /// Written by a newer version: kept and passed on, never interpreted.
    Unknown {
        /// Its kind.
        kind: String,
        /// Its payload.
        payload: Value,
    },
}

impl EventBody {
    /// The kind as stored.
    pub fn kind(&self) -> &str {
        match self {
            Self::Label(_) => "label",
            Self::Skip { .. } => "skip",
            Self::Flag { .. } => "flag",
            Self::Unflag => "unflag",
            Self::Undo { .. } => "undo",
            Self::Redo { .. } => "redo",
            Self::Policy { .. } => "policy",
            Self::Later => "later",
            Self::Reveal => "reveal",
            Self::Comment { .. } => "comment",
            Self::Practice(_) => "practice",
            Self::Schema { .. } => "schema",
            Self::Guidelines { .. } => "guidelines",
            Self::Unknown { kind, .. } => kind,
        }
    }

    /// The payload as stored.
    pub fn payload(&self) -> Value {
        match self {
            Self::Label(label) | Self::Practice(label) => {
                serde_json::to_value(label).unwrap_or(Value::Null)
            }
            Self::Skip { reason } => json!({ "reason": reason }),
            Self::Flag { note } => json!({ "note": note }),
            Self::Unflag | Self::Later | Self::Reveal => json!({}),
            Self::Comment { text } | Self::Guidelines { text } => json!({ "text": text }),
            Self::Schema { schema } => json!({ "schema": schema }),
            Self::Undo { target } | Self::Redo { target } => json!({ "target": target }),
            Self::Policy { policy } => json!({ "policy": policy }),
            Self::Unknown { payload, .. } => payload.clone(),
        }
    }

    /// Reads what [`EventBody::kind`] and [`EventBody::payload`] gave; a kind or payload of a newer version is `Unknown`.
    pub fn parse(kind: &str, payload: Value) -> Self {
        fn field<T: serde::de::DeserializeOwned>(payload: &Value, name: &str) -> Option<T> {
            serde_json::from_value(payload.get(name)?.clone()).ok()
        }
        let known = match kind {
            "label" => serde_json::from_value(payload.clone())
                .ok()
                .map(|label| Self::Label(Box::new(label))),
            "skip" => field(&payload, "reason").map(|reason| Self::Skip { reason }),
            "flag" => field(&payload, "note").map(|note| Self::Flag { note }),
            "unflag" => Some(Self::Unflag),
            "undo" => field(&payload, "target").map(|target| Self::Undo { target }),
            "redo" => field(&payload, "target").map(|target| Self::Redo { target }),
            "policy" => field(&payload, "policy").map(|policy| Self::Policy { policy }),
            "later" => Some(Self::Later),
            "reveal" => Some(Self::Reveal),
            "comment" => field(&payload, "text").map(|text| Self::Comment { text }),
            "practice" => serde_json::from_value(payload.clone())
                .ok()
                .map(|label| Self::Practice(Box::new(label))),
            "schema" => field(&payload, "schema").map(|schema| Self::Schema { schema }),
            "guidelines" => field(&payload, "text").map(|text| Self::Guidelines { text }),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Unknown {
            kind: kind.to_owned(),
            payload,
        })
    }

    /// Whether a person can undo it.
    pub fn undoable(&self) -> bool {
        matches!(
            self,
            Self::Label(_)
                | Self::Skip { .. }
                | Self::Later
                | Self::Comment { .. }
                | Self::Flag { .. }
                | Self::Unflag
        )
    }
}

/// One event of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its identity; the log is read in the order of ids.
    pub id: EventId,
    /// Who did it.
    pub annotator: String,
    /// The item it is about; `None` when it is about the project.
    pub item: Option<ItemId>,
    /// What was done.
    pub body: EventBody,
    /// When.
    pub time: Timestamp,
    /// Version of the program that wrote it.
    pub app_version: String,
}

impl Event {
    /// An event that happens now.
    pub fn now(annotator: &str, item: Option<ItemId>, body: EventBody) -> Self {
        Self {
            id: EventId::new(),
            annotator: annotator.to_owned(),
            item,
            body,
            time: Timestamp::now(),
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
