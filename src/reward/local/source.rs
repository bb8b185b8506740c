//! Bytes of a model: a file on disk, or what is embedded in the program.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::reward::RewardError;

/// Where a model file's bytes come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Bytes(&'static [u8]),
    Path(PathBuf),
}

impl Source {
    pub(crate) fn len(&self) -> Result<u64, RewardError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::Path(path) => {
                let about = std::fs::metadata(path).map_err(RewardError::io(path))?;
                Ok(about.len())
            }
        }
    }

    /// A reader over all of it.
    pub(crate) fn open(&self) -> Result<Box<dyn Bytes>, RewardError> {
        match self {
            Self::Bytes(bytes) => Ok(Box::new(std::io::Cursor::new(*bytes))),
            Self::Path(path) => {
                let file = File::open(path).map_err(RewardError::io(path))?;
                Ok(Box::new(std::io::BufReader::with_capacity(1 << 16, file)))
            }
        }
    }

    /// `length` bytes from `offset` on; the caller has checked that the file is that long.
    pub(crate) fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, RewardError> {
        match self {
            Self::Bytes(bytes) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let slice = bytes.get(from..).and_then(|rest| rest.get(..length));
                slice
                    .map(<[u8]>::to_vec)
                    .ok_or_else(|| RewardError::malformed(&self.name(), "it ends too early"))
            }
            Self::Path(path) => {
                let mut file = File::open(path).map_err(RewardError::io(path))?;
                let mut bytes = vec![0; length];
                file.seek(SeekFrom::Start(offset))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(RewardError::io(path))?;
                Ok(bytes)
            }
        }
    }

    /// Name in messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Bytes(_) => "the embedded model".to_owned(),
            Self::Path(path) => file_name(path),
        }
    }

    /// Feeds all of it to `hasher`.
    pub(crate) fn hash(&self, hasher: &mut blake3::Hasher) -> Result<(), RewardError> {
        match self {
            Self::Bytes(bytes) => {
                hasher.update(bytes);
            }
            Self::Path(path) => {
                let file = File::open(path).map_err(RewardError::io(path))?;
                hasher.update_reader(file).map_err(RewardError::io(path))?;
            }
        }
        Ok(())
    }
}

/// A reader that can seek.
pub(crate) trait Bytes: std::io::Read + std::io::Seek {}
impl<T: std::io::Read + std::io::Seek> Bytes for T {}

/// The last part of a path, for messages.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
