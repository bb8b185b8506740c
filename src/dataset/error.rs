//! What can go wrong with a file as a whole. What is wrong with one row is in the report instead.

use std::io;
use std::path::PathBuf;

use super::Format;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The file cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Reading stopped in the middle.
    #[error("cannot read on in {file} after row {row}: {source}")]
    Read {
        /// Name of the file.
        file: String,
        /// Rows read before.
        row: u64,
        /// The system's reason.
        source: io::Error,
    },
    /// The content is of a kind that is not read.
    #[error("{file} is not rows but {kind}")]
    Kind {
        /// Name of the file.
        file: String,
        /// What it is.
        kind: &'static str,
    },
    /// A folder without a file of rows.
    #[error(
        "there is no data in {}{}",
        path.display(),
        if *arrow { ": its .arrow files are not read" } else { "" }
    )]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
        /// Whether it holds files of Arrow, as `save_to_disk` writes them.
        arrow: bool,
    },
    /// The file is damaged so that nothing of it can be read.
    #[error("{file} cannot be read: {reason}")]
    Damaged {
        /// Name of the file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The mapping of fields makes no sense.
    #[error(transparent)]
    Mapping(#[from] super::MappingError),
    /// No row looks like any known format.
    #[error("no known format in {file}: its rows have {keys}")]
    UnknownFormat {
        /// Name of the file.
        file: String,
        /// The fields of its first row.
        keys: String,
    },
    /// The receiver of the rows asked to stop.
    #[error("stopped by the receiver of the rows")]
    Stopped,
    /// Only lines of JSON are written.
    #[error("`.{0}` files are not written; name a .jsonl or .json file, or a folder")]
    NotWritten(&'static str),
    /// The job was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The format is read but not written.
    #[error(
        "{0} can be imported, not exported; choose helpsteer2, helpsteer2-preference, trl, hh-rlhf or pairs"
    )]
    NotExported(Format),
    /// The items to write could not be fetched; nothing was written.
    #[error("cannot fetch the items to export: {0}")]
    Items(String),
    /// The output cannot be written; what was there before is untouched.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A row cannot be put into JSON.
    #[error("cannot write item {item} as JSON: {source}")]
    Json {
        /// Id of the item.
        item: String,
        /// The reason.
        source: serde_json::Error,
    },
}

impl DatasetError {
    /// What to do about it, where there is something: the `hint:` line of the command line.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Open { .. } => "check the path, and whether the file may be read",
            Self::Read { .. } => {
                "nothing was changed; try again when the file can be read to its end"
            }
            Self::EmptyFolder { arrow: true, .. } => {
                "write the data set as Parquet or JSON lines: `to_parquet` or `to_json` of the `datasets` library"
            }
            Self::EmptyFolder { .. } => {
                "of a folder all files named .jsonl, .json, .csv, .tsv or .parquet are read, also with .gz or .zst"
            }
            Self::Damaged { .. } => {
                "fetch it again, or write it again with the program that made it"
            }
            Self::Kind { .. } => {
                "files hold JSON lines or arrays, CSV or Parquet, plain, gzip or zstd"
            }
            Self::UnknownFormat { .. } => {
                "`tiebreak import PROJECT FILE --map prompt=FIELD --map chosen=FIELD --map rejected=FIELD` says what the fields are; projects can be scored, too"
            }
            Self::Mapping(_) => {
                "for example `--map prompt=question --map response_a=left.text --map response_b=right.text --map preferred=winner`"
            }
            Self::Write { .. } => "check the path, the permissions and the room on the disk",
            _ => return None,
        })
    }
}
