//! A turn of a conversation and who speaks in it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who speaks in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions to the model.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call.
    Tool,
}

impl Role {
    /// The name that chat templates and message lists use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }

    /// Reads the names that public data sets use (`human` and `prompter` are users, `gpt`, `model` and `bot` assistants);
    /// `None` for any other.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "system" | "developer" => Self::System,
            "user" | "human" | "prompter" => Self::User,
            "assistant" | "gpt" | "chatgpt" | "model" | "bot" => Self::Assistant,
            "tool" | "function" | "observation" | "ipython" => Self::Tool,
            _ => return None,
        })
    }
}

/// One turn: a role and its text, exactly as the source has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said; may be empty, is never trimmed.
    pub content: String,
    /// Calls to tools made in this turn, as the source has them. Part of the turn's identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Value>,
    /// Other fields of the source's message, kept for the way out. Not part of the turn's identity.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Turn {
    /// A turn of plain text.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
            tool_calls: None,
            extra: Map::new(),
        }
    }

    /// A user turn of plain text.
    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User, content)
    }

    /// An assistant turn of plain text.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// Whether both are the same turn: role, content and tool calls; `extra` does not count.
    pub fn same(&self, other: &Self) -> bool {
        self.role == other.role
            && self.content == other.content
            && self.tool_calls == other.tool_calls
    }
}
