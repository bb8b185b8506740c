//! TRL's preference rows on the way out: explicit prompt, message lists. On the way in they are [`super::pairs`].

use super::lines::{LeftOut, Lines, Pair};
use super::messages::Messages;
use super::write::{ExportRow, WriteOptions};

/// Writes `prompt`, `chosen` and `rejected` as message lists.
pub(super) fn export(
    row: &ExportRow,
    options: &WriteOptions,
    lines: &mut Lines,
) -> Result<(), LeftOut> {
    let pair = Pair::of(row)?;
    Pair::check_replies(row)?;
    let messages = |turns| Messages {
        turns,
        extra: options.extra,
    };
    lines.begin();
    lines.field("prompt", &messages(&row.item.context))?;
    lines.field("chosen", &messages(&row.item.responses[pair.chosen].turns))?;
    lines.field(
        "rejected",
        &messages(&row.item.responses[pair.rejected].turns),
    )?;
    lines.extra(row, options)?;
    lines.end();
    Ok(())
}
