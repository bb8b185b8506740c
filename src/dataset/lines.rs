//! Rows on the way out, field by field in the format's own order, and why an item is left out.

use std::borrow::Cow;

use serde::Serialize;

use super::hh_rlhf::RAW;
use super::pairs::begins_with;
use super::write::{ExportRow, WriteOptions};
use crate::domain::Preference;

/// Why an item has no row.
#[derive(Debug)]
pub(super) enum LeftOut {
    /// The format cannot carry it: a stable name such as `tie`.
    Because(&'static str),
    /// It cannot be put into JSON.
    Json(serde_json::Error),
}

impl From<serde_json::Error> for LeftOut {
    fn from(err: serde_json::Error) -> Self {
        Self::Json(err)
    }
}

/// The rows of one item as JSON, each ending with a line break.
#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// Where each finished row ends, behind its line break.
    ends: Vec<usize>,
    /// Names of the fields of the row being written.
    names: Vec<&'static str>,
}

impl Lines {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.names.clear();
    }

    /// The finished rows with their line breaks.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let row = &self.bytes[start..*end];
            start = *end;
            row
        })
    }

    pub fn begin(&mut self) {
        self.names.clear();
        self.bytes.push(b'{');
    }

    /// Writes a field of the format.
    pub fn field(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), LeftOut> {
        self.names.push(name);
        self.write(name, value)
    }

    fn write(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), LeftOut> {
        if self.bytes.last() != Some(&b'{') {
            self.bytes.extend_from_slice(b", ");
        }
        serde_json::to_writer(&mut self.bytes, name)?;
        self.bytes.extend_from_slice(b": ");
        serde_json::to_writer(&mut self.bytes, value)?;
        Ok(())
    }

    /// The source's other fields, if wanted, as far as the row does not have them already.
    pub fn extra(&mut self, row: &ExportRow, options: &WriteOptions) -> Result<(), LeftOut> {
        if let (true, Some(source)) = (options.extra, &row.source) {
            self.more(&source.extra)?;
        }
        Ok(())
    }

    /// Fields as far as the row does not have them already.
    pub fn more(
        &mut self,
        fields: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), LeftOut> {
        for (name, value) in fields {
            if name != RAW && !self.names.contains(&name.as_str()) {
                self.write(name, value)?;
            }
        }
        Ok(())
    }

    pub fn end(&mut self) {
        self.bytes.extend_from_slice(b"}\n");
        self.ends.push(self.bytes.len());
    }
}

/// An item of two responses of which one is better, by canonical index.
pub(super) struct Pair {
    pub chosen: usize,
    pub rejected: usize,
    pub strength: Option<u8>,
}

impl Pair {
    pub fn of(row: &ExportRow) -> Result<Self, LeftOut> {
        two_responses(row)?;
        let (response, strength) = match row.judgment.preference {
            None => return Err(LeftOut::Because("no-preference")),
            Some(Preference::Tie) => return Err(LeftOut::Because("tie")),
            Some(Preference::NeitherValid) => return Err(LeftOut::Because("neither-valid")),
            Some(Preference::Better { response, strength }) => (response, strength),
        };
        let (chosen, _) = row
            .item
            .response(response)
            .ok_or(LeftOut::Because("no-preference"))?;
        Ok(Self {
            chosen,
            rejected: 1 - chosen,
            strength,
        })
    }

    /// A reply that repeats the whole prompt would be taken for a conversation that begins with it.
    pub fn check_replies(row: &ExportRow) -> Result<(), LeftOut> {
        if row
            .item
            .responses
            .iter()
            .any(|response| begins_with(&response.turns, &row.item.context))
        {
            return Err(LeftOut::Because("reply-repeats-prompt"));
        }
        Ok(())
    }
}

pub(super) fn two_responses(row: &ExportRow) -> Result<(), LeftOut> {
    if row.item.responses.len() == 2 {
        Ok(())
    } else {
        Err(LeftOut::Because("not-two-responses"))
    }
}

/// The responses in the source's order, as canonical indices; canonical where the source does not hold all of them.
pub(super) fn file_order(row: &ExportRow) -> Cow<'_, [usize]> {
    let n = row.item.responses.len();
    if let Some(source) = &row.source
        && source.order.len() == n
        && (0..n).all(|index| source.order.contains(&index))
    {
        return Cow::Borrowed(&source.order);
    }
    Cow::Owned((0..n).collect())
}
