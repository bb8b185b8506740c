//! How do files come in and go out? One file per format, detection by content, streaming both ways, and reports of what
//! could not be carried.
//!
//! [`read`] gives every item of the files to a sink as it comes; [`write`] takes labelled items one at a time. Memory does not
//! grow with the files, except for MT-bench, whose votes stand apart from the conversations they judge.

mod arena;
mod benchmarks;
mod columns;
mod error;
mod folder;
mod format;
mod helpsteer2;
mod helpsteer2_preference;
mod helpsteer3;
mod hh_rlhf;
mod input;
mod judgebench;
mod lines;
mod map;
mod messages;
mod mt_bench;
mod pairs;
mod read;
mod records;
mod replacing;
mod table;
mod trl;
mod ultrafeedback;
mod write;

pub use error::DatasetError;
pub use folder::{ENDINGS, PACKED};
pub use format::{Format, UnknownFormat};
pub use map::{FIELDS, Mapping, MappingError, RATINGS};
pub use read::{
    RawRow, ReadAs, ReadReport, Rejected, Row, SinkStopped, Warning, first_rows, map_row, read,
};
pub use records::MAX_ROW_BYTES;
pub use replacing::{Replacing, is_stream};
pub use write::{ExportReport, ExportRow, ExportedFile, Vote, WriteOptions, lines, write};
