//! What is it about? Conversations, items, responses, labels, schemas, scores and events; plain values, no I/O.

pub mod conversation;
pub mod doubt;
pub mod event;
pub mod hash;
pub mod item;
pub mod label;
pub mod mark;
pub mod schema;
pub mod score;
pub mod source;
pub mod view;

pub use conversation::{Role, Turn};
pub use doubt::{Circumstances, Doubt, doubts, identity_words};
pub use event::{Event, EventBody, EventId};
pub use hash::{ItemId, ResponseHash};
pub use item::{Item, ItemError, Response, ResponseKey};
pub use label::{
    BesideScores, Draft, Judgment, Label, LabelContext, Mode, Preference, Ratings, VisibleScore,
};
pub use mark::{Span, SpanMark};
pub use schema::{Attribute, LabelSchema, SchemaError};
pub use score::{Score, ScorePolicy, ScorerId};
pub use source::{ReferenceLabel, ReferenceRole, SourceRow};
pub use view::{History, Outcome, View};
