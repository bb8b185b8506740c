//! Spans of a response that an annotator marks: what is wrong, or right, stands exactly there.

use serde::{Deserialize, Serialize};

use super::ResponseKey;

/// A marked span. It says where in the stored text it stands, in logical order, so that no view and no font changes its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanMark {
    /// The response.
    pub response: ResponseKey,
    /// The place, and what stands there.
    #[serde(flatten)]
    pub span: Span,
    /// A reason tag of the schema, if one was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// A place in the turns of a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Which turn of the response, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turn: usize,
    /// First byte (UTF-8) and the one after the last, in the turn's text.
    pub bytes: [usize; 2],
    /// The same in characters (Unicode scalar values).
    pub characters: [usize; 2],
    /// What stands there, as stored.
    pub text: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_zero(turn: &usize) -> bool {
    *turn == 0
}

impl Span {
    /// The span of those bytes of a turn's `content`; `None` where they are empty or not on boundaries of characters.
    pub fn of(turn: usize, content: &str, bytes: std::ops::Range<usize>) -> Option<Self> {
        let text = content.get(bytes.clone()).filter(|t| !t.is_empty())?;
        let before = content[..bytes.start].chars().count();
        Some(Self {
            turn,
            bytes: [bytes.start, bytes.end],
            characters: [before, before + text.chars().count()],
            text: text.to_owned(),
        })
    }
}
