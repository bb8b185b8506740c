//! What can go wrong with a project file, in words.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, tz::TimeZone};

use crate::domain::{EventId, ItemId};

/// Why the store could not do it. Whatever was acknowledged before is safe.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// A project is never created over something else.
    #[error("{} already exists", .0.display())]
    Exists(PathBuf),
    /// Nothing is there.
    #[error("there is no project {}", .0.display())]
    Missing(PathBuf),
    /// Something else is there; it was not touched.
    #[error("{} is not a Tiebreak project", .0.display())]
    NotAProject(PathBuf),
    /// A newer program made it; it was not touched.
    #[error("{} needs {} (file version {found}, this program reads up to {known})", path.display(), needs.as_ref().map_or_else(
        || "a newer version of Tiebreak".to_owned(),
        |version| format!("Tiebreak {version} or newer")
    ))]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
        /// The program that wrote it, as it says itself.
        needs: Option<String>,
    },
    /// An older program made it, and reading alone may not bring it up to date.
    #[error("{} was made by an older version of Tiebreak (file version {found}); open it for writing once to bring it up to date", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// Somebody writes to it.
    #[error("{owner} has this project open since {} on {host}", clock(*since))]
    Locked {
        /// Who, as they gave their name.
        owner: String,
        /// On which machine.
        host: String,
        /// Since when.
        since: Timestamp,
    },
    /// The file does not hold what it should.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with table and row where known.
        reason: String,
    },
    /// No room left; nothing of this change was written.
    #[error("the disk is full: the change was not saved")]
    DiskFull,
    /// The project was opened for reading, or the file or its folder cannot be written.
    #[error("{} cannot be written: the change was not saved", .0.display())]
    ReadOnly(PathBuf),
    /// Scores can be kept for known items only.
    #[error("item {} is not in this project", .0.short())]
    UnknownItem(ItemId),
    /// What would be written could not be read again, such as a score that is not a number.
    #[error("event {0} cannot be stored: it would not read back as it is")]
    NotStorable(EventId),
    /// Another file is there, or none; nothing was written to either.
    #[error("{} was moved or replaced while it was open: the change was not saved", .0.display())]
    Moved(PathBuf),
    /// One import at a time.
    #[error("another import into this project is under way")]
    Importing,
    /// The project was closed meanwhile; what was not acknowledged may be missing.
    #[error("the project is closed")]
    Closed,
    /// The operating system refused.
    #[error("cannot {doing} {}: {reason}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// `SQLite` refused for another reason.
    #[error("{}: {reason}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// `SQLite`'s words.
        reason: String,
    },
}

impl StoreError {
    pub(super) fn io(doing: &'static str, path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull,
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path.to_owned()),
            _ => Self::Io {
                doing,
                path: path.to_owned(),
                reason: error.to_string(),
            },
        }
    }

    pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotAProject(path),
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(path),
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path,
                reason: error.to_string(),
            },
            _ => match error {
                // A value that is not what its column promises.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::InvalidColumnType(..) => Self::Damaged {
                    path,
                    reason: error.to_string(),
                },
                _ => Self::Sqlite {
                    path,
                    reason: error.to_string(),
                },
            },
        }
    }

    /// A stable name of what happened, for reports to whoever can help.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists(_) => "store-exists",
            Self::Missing(_) => "store-missing",
            Self::NotAProject(_) => "store-not-a-project",
            Self::Newer { .. } => "store-newer",
            Self::Older { .. } => "store-older",
            Self::Locked { .. } => "store-locked",
            Self::Damaged { .. } => "store-damaged",
            Self::DiskFull => "store-disk-full",
            Self::ReadOnly(_) => "store-read-only",
            Self::UnknownItem(_) => "store-unknown-item",
            Self::NotStorable(_) => "store-not-storable",
            Self::Moved(_) => "store-moved",
            Self::Importing => "store-importing",
            Self::Closed => "store-closed",
            Self::Io { .. } => "store-io",
            Self::Sqlite { .. } => "store-sqlite",
        }
    }

    /// What to do about it, where there is something: the `hint:` line of the command line.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Exists(_) => "choose another name, or open the project that is there",
            Self::Missing(_) => "check the path; `tiebreak import` makes a new project",
            Self::NotAProject(_) => {
                "data files are imported, not opened: `tiebreak import PROJECT FILE`"
            }
            Self::Newer { .. } => "use that version, or a newer one",
            Self::Older { .. } => "`tiebreak PROJECT` opens it for writing",
            Self::Locked { .. } => "reading works meanwhile; close the other window to write",
            Self::Damaged { .. } => "work on a copy; a backup is the surest way back",
            Self::DiskFull => "make room and try again; everything saved before is safe",
            Self::Moved(_) => {
                "put it back where it was and try again; everything saved before is in it"
            }
            Self::Importing => "wait until it is finished, or cancel it",
            Self::ReadOnly(_) => "check the permissions of the file and its folder",
            _ => return None,
        })
    }
}

/// The time of day here, with the date unless it is today's.
fn clock(since: Timestamp) -> String {
    let zone = TimeZone::system();
    let then = since.to_zoned(zone.clone());
    let format = if then.date() == Timestamp::now().to_zoned(zone).date() {
        "%H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    then.strftime(format).to_string()
}
