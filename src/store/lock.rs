//! The advisory lock: one process writes to a project at a time.
//!
//! The lock is the operating system's, on a file `.NAME.tiebreak.lock` beside the project, so it goes away with its process however
//! that ends; a file left behind by a crash is taken over silently. It cannot be on the project itself: `SQLite` locks byte ranges there,
//! and on POSIX closing any descriptor of a file drops all of a process's locks on it. The file says who holds it (JSON), and is removed
//! when the project is closed. Where a locked file cannot be read (Windows), the owner is "somebody".

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoreError;

/// A lock held; released when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// Holds the lock as long as it is open.
    _file: File,
}

#[derive(Serialize, Deserialize)]
struct Owner {
    name: String,
    host: String,
    since: Timestamp,
}

impl Owner {
    fn now(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            host: host(),
            since: Timestamp::now(),
        }
    }

    fn read(file: &mut File) -> Option<Self> {
        let mut text = String::new();
        // Such a file is some hundred bytes; more is not ours.
        file.take(64 * 1024).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(project: &Path, owner: &str) -> Result<Self, StoreError> {
        let path = beside(project, ".lock");
        let io = |doing, error: &std::io::Error| match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly(project.to_owned())
            }
            _ => StoreError::io(doing, &path, error),
        };
        // A lock is a file of its own; what a link points to is not written to.
        if path.symlink_metadata().is_ok_and(|m| m.is_symlink()) {
            let link = std::io::Error::other("it is a link");
            return Err(io("lock with", &link));
        }
        loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(|e| io("make the lock file", &e))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(held(&mut file)),
                Err(TryLockError::Error(e)) => return Err(io("lock", &e)),
            }
            // Its last owner may have removed it between our opening and locking it.
            if !is_at(&file, &path) {
                continue;
            }
            let text = serde_json::to_string(&Owner::now(owner)).unwrap_or_default();
            file.set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(text.as_bytes()))
                .map_err(|e| io("write the lock file", &e))?;
            return Ok(Self { path, _file: file });
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while still locked, so that nobody can have taken it meanwhile. A file that stays does no harm.
        std::fs::remove_file(&self.path).ok();
    }
}

/// A wish to have a project that somebody else has open: a file `.NAME.tiebreak.wanted` beside it, which a window that has the project
/// open looks for and answers by letting go. Taken back when dropped.
#[derive(Debug)]
pub struct TakeOver {
    path: PathBuf,
}

impl TakeOver {
    /// A wish that is older was left behind by a crash.
    const VALID: Duration = Duration::from_secs(30);

    /// Says who wants the project.
    pub fn ask(project: &Path, who: &str) -> Result<Self, StoreError> {
        let project = project
            .canonicalize()
            .map_err(|e| StoreError::io("open", project, &e))?;
        let path = beside(&project, ".wanted");
        let text = serde_json::to_string(&Owner::now(who)).unwrap_or_default();
        let io = |e: &std::io::Error| StoreError::io("ask with", &path, e);
        // Put in the place of whatever is there, never written through it.
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|e| io(&e))?;
        file.write_all(text.as_bytes()).map_err(|e| io(&e))?;
        file.persist(&path).map_err(|e| io(&e.error))?;
        Ok(Self { path })
    }

    /// Who wants the project, if anybody does.
    pub(super) fn asked(project: &Path) -> Option<String> {
        let path = beside(project, ".wanted");
        // No link, and no pipe that would be waited for.
        let about = path
            .symlink_metadata()
            .ok()
            .filter(std::fs::Metadata::is_file)?;
        let modified = about.modified().ok()?;
        let age = match modified.elapsed() {
            Ok(age) => age,
            // Clocks differ a little between machines.
            Err(ahead) => ahead.duration(),
        };
        if age > Self::VALID {
            return None;
        }
        let mut file = File::open(path).ok()?;
        // Half written is read again the next time.
        Owner::read(&mut file).map(|owner| owner.name)
    }
}

impl Drop for TakeOver {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

/// A hidden file beside the project.
fn beside(project: &Path, ending: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(project.file_name().unwrap_or_default());
    name.push(ending);
    project.with_file_name(name)
}

fn held(file: &mut File) -> StoreError {
    let owner = Owner::read(file).unwrap_or_else(|| Owner {
        name: "somebody".to_owned(),
        host: "this or another machine".to_owned(),
        since: file
            .metadata()
            .and_then(|m| m.modified())
            .ok()
            .and_then(|t| Timestamp::try_from(t).ok())
            .unwrap_or_else(Timestamp::now),
    });
    StoreError::Locked {
        owner: owner.name,
        host: owner.host,
        since: owner.since,
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    // An open file cannot be removed there.
    true
}

fn host() -> String {
    let named = |text: String| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .and_then(named)
        .or_else(|| std::env::var("COMPUTERNAME").ok().and_then(named))
        .or_else(|| std::env::var("HOSTNAME").ok().and_then(named))
        .unwrap_or_else(|| "this machine".to_owned())
}
