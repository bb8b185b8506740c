//! Opens a file or the standard input, sees by its first bytes whether it is compressed, and takes off a byte order mark.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

use super::DatasetError;

const BUFFER: usize = 256 * 1024;

/// An open file: its plain text, and how far it is read.
pub(super) struct Input {
    /// Name without the folder, `-` for the standard input.
    pub name: String,
    /// The text, uncompressed.
    pub reader: Box<dyn BufRead>,
    /// Bytes taken from the file so far, compressed as they are there.
    pub taken: Rc<Cell<u64>>,
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
    /// Opens `path`, or the standard input for `-`.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let failed = |source| DatasetError::Open {
            path: path.to_path_buf(),
            source,
        };
        let taken = Rc::new(Cell::new(0));
        let (name, raw): (String, Box<dyn Read>) = if path.as_os_str() == "-" {
            ("-".to_owned(), Box::new(io::stdin()))
        } else {
            let file = File::open(path).map_err(failed)?;
            if file.metadata().map_err(failed)?.is_dir() {
                return Err(failed(io::Error::other("it is a folder, not a file")));
            }
            let name = path.file_name().unwrap_or(path.as_os_str());
            (name.to_string_lossy().into_owned(), Box::new(file))
        };
        let counted = Counted {
            inner: raw,
            taken: Rc::clone(&taken),
        };
        let mut plain = BufReader::with_capacity(BUFFER, counted);
        let head = first_bytes::<4>(&mut plain).map_err(failed)?;
        let kind = match head.as_slice() {
            [b'P', b'A', b'R', b'1'] => Some("a Parquet file"),
            [b'P', b'K', 3, 4] => Some("a zip archive"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("in UTF-16"),
            _ => None,
        };
        if let Some(kind) = kind {
            return Err(DatasetError::Kind { file: name, kind });
        }
        let gzip = head.starts_with(&[0x1f, 0x8b]);
        let zstd = head == [0x28, 0xb5, 0x2f, 0xfd];
        let plain = Cursor::new(head).chain(plain);
        let inner: Box<dyn Read> = if gzip {
            Box::new(MultiGzDecoder::new(plain))
        } else if zstd {
            Box::new(zstd::Decoder::with_buffer(plain).map_err(failed)?)
        } else {
            return Ok(Self::of_text(name, Box::new(plain), taken));
        };
        let guarded = Guarded {
            inner,
            given: 0,
            taken: Rc::clone(&taken),
        };
        let text = BufReader::with_capacity(BUFFER, guarded);
        Ok(Self::of_text(name, Box::new(text), taken))
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
            reader,
            taken,
        }
    }
}

/// An archive that expands to more than this, and to more than [`MOST_FOLD`] of what was read, is made to fill memory or disk.
const MOST_BYTES: u64 = 256 << 20;
/// Conversations expand some five-fold, the same line over and over some hundred-fold.
const MOST_FOLD: u64 = 300;

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
