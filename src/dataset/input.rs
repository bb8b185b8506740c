//! Opens a file or the standard input, sees by its first bytes what it is and whether it is compressed, and takes off a byte order mark.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use flate2::bufread::MultiGzDecoder;

use super::DatasetError;
use super::folder::Shard;
use super::replacing::is_stream;
use crate::task::Cancel;

const BUFFER: usize = 256 * 1024;
/// How long a silent pipe is waited for between two looks at whether to go on.
const WAIT: Duration = Duration::from_millis(50);

/// An open file: what is in it, and how far it is read.
pub(super) struct Input {
    /// Name for people, `-` for the standard input.
    pub name: String,
    /// What is in it, uncompressed.
    pub content: Content,
    /// Bytes taken from the file so far, compressed as they are there.
    pub taken: Rc<Cell<u64>>,
}

/// What is in a file.
pub(super) enum Content {
    /// JSON or a table.
    Text(Box<dyn BufRead>),
    /// Parquet, which is read from its end.
    Parquet(File),
}

/// A pipe or a device, read by a thread of its own: opening and reading may wait for ever.
struct Piped {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Cursor<Vec<u8>>,
    cancel: Cancel,
}

impl Piped {
    fn open(path: PathBuf, cancel: Cancel) -> Self {
        let (send, chunks) = bounded(4);
        std::thread::spawn(move || {
            let mut file = match File::open(path) {
                Ok(file) => file,
                Err(err) => {
                    send.send(Err(err)).ok();
                    return;
                }
            };
            loop {
                let mut chunk = vec![0; BUFFER];
                let read = file.read(&mut chunk).map(|n| {
                    chunk.truncate(n);
                    chunk
                });
                let last = read.as_ref().map_or(true, Vec::is_empty);
                // Nobody reads on.
                if send.send(read).is_err() || last {
                    return;
                }
            }
        });
        Self {
            chunks,
            chunk: Cursor::default(),
            cancel,
        }
    }
}

impl Read for Piped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.chunk.read(buffer)?;
            if n > 0 || buffer.is_empty() {
                return Ok(n);
            }
            match self.chunks.recv_timeout(WAIT) {
                Ok(chunk) => {
                    let chunk = chunk?;
                    if chunk.is_empty() {
                        return Ok(0);
                    }
                    self.chunk = Cursor::new(chunk);
                }
                Err(RecvTimeoutError::Timeout) if self.cancel.is_cancelled() => {
                    return Err(io::Error::other("cancelled"));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }
}

/// Counts the bytes that pass.
struct Counted<R> {
    inner: R,
    taken: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.taken.set(self.taken.get() + n as u64);
        Ok(n)
    }
}

impl Input {
    /// Opens a file, or the standard input for `-`. A pipe that nobody writes to is waited for until `cancel`.
    pub fn open(shard: &Shard, cancel: &Cancel) -> Result<Self, DatasetError> {
        let path = &shard.path;
        let failed = |source| DatasetError::Open {
            path: path.clone(),
            source,
        };
        let taken = Rc::new(Cell::new(0));
        let name = shard.name.clone();
        let raw: Box<dyn Read> = if path.as_os_str() == "-" {
            Box::new(io::stdin())
        } else if is_stream(path) {
            Box::new(Piped::open(path.clone(), cancel.clone()))
        } else {
            Box::new(File::open(path).map_err(failed)?)
        };
        let counted = Counted {
            inner: raw,
            taken: Rc::clone(&taken),
        };
        let mut plain = BufReader::with_capacity(BUFFER, counted);
        let head = first_bytes::<4>(&mut plain).map_err(failed)?;
        if is_parquet(&head) && path.is_file() {
            let file = File::open(path).map_err(failed)?;
            return Ok(Self {
                name,
                content: Content::Parquet(file),
                taken,
            });
        }
        let gzip = head.starts_with(&[0x1f, 0x8b]);
        let zstd = head == [0x28, 0xb5, 0x2f, 0xfd];
        let plain = Cursor::new(head).chain(plain);
        let inner: Box<dyn Read> = if gzip {
            Box::new(MultiGzDecoder::new(plain))
        } else if zstd {
            Box::new(zstd::Decoder::with_buffer(plain).map_err(failed)?)
        } else {
            return Self::of_content(path, name, Box::new(plain), taken);
        };
        let guarded = Guarded {
            inner,
            given: 0,
            taken: Rc::clone(&taken),
        };
        let text = BufReader::with_capacity(BUFFER, guarded);
        Self::of_content(path, name, Box::new(text), taken)
    }

    /// Sees what is in the uncompressed bytes. A Parquet file that cannot be read from its end, as it is compressed or comes through a
    /// pipe, is written to a temporary file first.
    fn of_content(
        path: &Path,
        name: String,
        mut bytes: Box<dyn BufRead>,
        taken: Rc<Cell<u64>>,
    ) -> Result<Self, DatasetError> {
        let failed = |source| DatasetError::Open {
            path: path.to_path_buf(),
            source,
        };
        // A broken archive fails again on the next read, where it is reported with its row.
        let (head, broken) = match first_bytes::<24>(&mut bytes) {
            Ok(head) => (head, None),
            Err(err) => (vec![], Some(err)),
        };
        let kind = match head.as_slice() {
            [b'P', b'K', 3, 4, ..] => Some("a zip archive"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("in UTF-16"),
            [0xff, 0xff, 0xff, 0xff, ..] => Some("an Arrow file"),
            head if head.starts_with(b"ARROW1") => Some("an Arrow file"),
            head if head.starts_with(b"SQLite format 3") => Some("a SQLite database"),
            head if head.starts_with(b"%PDF") => Some("a PDF"),
            head if head.starts_with(b"version https://git-lfs") => {
                Some("a pointer of Git LFS and not the data, which `git lfs pull` fetches")
            }
            head if head.trim_ascii_start().starts_with(b"<") => Some("a web page or XML"),
            _ => None,
        };
        if let Some(kind) = kind {
            return Err(DatasetError::Kind { file: name, kind });
        }
        let parquet = is_parquet(&head);
        let mut bytes = Cursor::new(head).chain(bytes);
        if parquet {
            let mut file = tempfile::tempfile().map_err(failed)?;
            io::copy(&mut bytes, &mut file).map_err(failed)?;
            return Ok(Self {
                name,
                content: Content::Parquet(file),
                taken,
            });
        }
        Ok(match broken {
            None => Self::of_text(name, Box::new(bytes), taken),
            Some(err) => Self {
                name,
                content: Content::Text(Box::new(BufReader::new(Broken(Some(err))))),
                taken,
            },
        })
    }

    /// Takes off a byte order mark.
    fn of_text(name: String, mut text: Box<dyn BufRead>, taken: Rc<Cell<u64>>) -> Self {
        // A broken archive fails again on the next read, where it is reported with its row.
        let mut start = first_bytes::<3>(&mut text);
        if let Ok(bytes) = &mut start
            && bytes == &[0xef, 0xbb, 0xbf]
        {
            bytes.clear();
        }
        let reader: Box<dyn BufRead> = match start {
            Ok(bytes) => Box::new(Cursor::new(bytes).chain(text)),
            Err(err) => Box::new(BufReader::new(Broken(Some(err)))),
        };
        Self {
            name,
            content: Content::Text(reader),
            taken,
        }
    }
}

fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(b"PAR1")
}

/// An archive that expands to more than this, and to more than [`MOST_FOLD`] of what was read, is made to fill memory or disk.
pub(super) const MOST_BYTES: u64 = 256 << 20;
/// Conversations expand some five-fold, the same line over and over some hundred-fold.
pub(super) const MOST_FOLD: u64 = 300;

/// Refuses what expands beyond all measure.
struct Guarded {
    inner: Box<dyn Read>,
    given: u64,
    taken: Rc<Cell<u64>>,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.given += n as u64;
        if self.given > MOST_BYTES && self.given / MOST_FOLD > self.taken.get() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "it expands more than {MOST_FOLD}-fold, as no conversations do, and is not read on"
                ),
            ));
        }
        Ok(n)
    }
}

/// A source that fails once, then is at its end.
pub(super) struct Broken(pub Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// The first `N` bytes, fewer where the source is shorter.
fn first_bytes<const N: usize>(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(N);
    source.by_ref().take(N as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
