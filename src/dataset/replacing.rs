//! A file that takes the place of another when it is whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

/// A new file for `path`: under a temporary name beside it until [`Replacing::finish`], and gone when dropped before. A device or a pipe
/// is written straight to: its name must stay what it is.
pub struct Replacing {
    file: File,
    place: Option<(TempPath, PathBuf)>,
}

/// Whether something is there that is neither a file nor a folder: a device, a pipe, a socket.
pub fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

impl Replacing {
    /// Begins it.
    pub fn create(path: &Path) -> io::Result<Self> {
        if is_stream(path) {
            let file = File::options().write(true).open(path)?;
            return Ok(Self { file, place: None });
        }
        // What a link points at is replaced, not the link.
        let path = path.canonicalize().unwrap_or_else(|_new| path.to_owned());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".tiebreak-new-");
        // A temporary file is for its owner only; what is written has the permissions of any new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let (file, temporary) = builder.tempfile_in(folder(&path))?.into_parts();
        Ok(Self {
            file,
            place: Some((temporary, path)),
        })
    }

    /// Puts it in its place: when this returns, its bytes and its name are on the disk.
    pub fn finish(self) -> io::Result<()> {
        let Some((temporary, path)) = self.place else {
            return Ok(());
        };
        self.file.sync_all()?;
        temporary.persist(&path).map_err(|err| err.error)?;
        // The new name is on disk only when the folder is.
        #[cfg(unix)]
        File::open(folder(&path))?.sync_all()?;
        Ok(())
    }
}

impl Write for Replacing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The folder of a path.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
