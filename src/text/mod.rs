//! How is text read? Markdown as a flat list of blocks, code with its inks, reading problems, previews.
//!
//! Everything here is for display: the stored text is never altered, and [`markdown::raw_blocks`] shows it exactly.

pub mod diff;
pub mod find;
pub mod fuzzy;
pub mod glyphs;
pub mod highlight;
pub mod markdown;
mod pieces;
pub mod preview;
pub mod spans;
