//! Tables as text: a header and rows of cells, with commas, semicolons or tabs between them, quoted where need be (RFC 4180).

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use csv::{ByteRecord, Reader, ReaderBuilder};
use serde_json::{Map, Value};

use super::records::{MAX_ROW_BYTES, Object};

/// Names longer than this are no header's.
const LONGEST_NAME: usize = 64;

/// The rows of a table, each as an object of its cells.
pub(super) struct Table {
    reader: Reader<Limited>,
    names: Vec<String>,
    record: ByteRecord,
    row: u64,
    passed: Rc<Cell<usize>>,
}

/// What is between the cells, if the text begins with the header of a table: two names or more, and no JSON.
pub(super) fn delimiter(start: &[u8]) -> Option<u8> {
    let line = start.split(|b| *b == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.trim();
    if line.starts_with(['{', '[']) {
        return None;
    }
    [b',', b';', b'\t'].into_iter().find(|delimiter| {
        let mut names = line
            .split(char::from(*delimiter))
            .map(|n| n.trim().trim_matches('"'));
        let word = |name: &str| {
            !name.is_empty()
                && name.len() <= LONGEST_NAME
                && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_-. ".contains(c))
        };
        names.clone().count() > 1 && names.all(word)
    })
}

impl Table {
    /// Reads the header.
    pub fn new(reader: Box<dyn BufRead>, delimiter: u8) -> io::Result<Self> {
        let passed = Rc::new(Cell::new(0));
        let limited = Limited {
            inner: reader,
            passed: Rc::clone(&passed),
        };
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(false)
            .from_reader(limited);
        let mut record = ByteRecord::new();
        reader.read_byte_record(&mut record).map_err(into_io)?;
        let names = record
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_owned());
        Ok(Self {
            names: names.collect(),
            reader,
            record,
            row: 0,
            passed,
        })
    }

    /// The number of the last row given.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The next row, numbered from 1, the header not counted; `None` at the end.
    pub fn next_row(&mut self) -> io::Result<Option<Object>> {
        self.passed.set(0);
        if !self
            .reader
            .read_byte_record(&mut self.record)
            .map_err(into_io)?
        {
            return Ok(None);
        }
        self.row += 1;
        Ok(Some((self.row, self.object())))
    }

    fn object(&self) -> Result<Map<String, Value>, String> {
        if self.record.len() != self.names.len() {
            return Err(format!(
                "it has {} cells and the header {}: a quote may be missing",
                self.record.len(),
                self.names.len()
            ));
        }
        let mut row = Map::new();
        for (name, cell) in self.names.iter().zip(&self.record) {
            let text = std::str::from_utf8(cell).map_err(|err| format!("{name}: {err}"))?;
            // An empty cell is nothing, as tables have no other way to say so.
            if !text.is_empty() {
                row.insert(name.clone(), value(name, text));
            }
        }
        Ok(row)
    }
}

/// A cell: a list or an object in JSON; a number, unless its column holds texts; else the text.
fn value(name: &str, text: &str) -> Value {
    const TEXTS: [&str; 9] = [
        "prompt",
        "chosen",
        "rejected",
        "response",
        "question",
        "instruction",
        "input",
        "context",
        "text",
    ];
    let structured = text.starts_with('[') && text.ends_with(']')
        || text.starts_with('{') && text.ends_with('}');
    let of_text = TEXTS.iter().any(|word| name.starts_with(word)) && !name.ends_with("rating");
    let parsed = || serde_json::from_str::<Value>(text).ok();
    let found = if structured {
        parsed().filter(|v| v.is_array() && !of_texts(v) || v.is_object())
    } else if of_text {
        None
    } else {
        // 007 and 1.50 are names, not numbers.
        parsed().filter(|v| v.is_number() && format!("{v}") == text)
    };
    found.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Whether a list holds nothing but texts: what an arena's table has, and is read there.
fn of_texts(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(Value::is_string))
}

fn into_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, format!("{other:?}")),
    }
}

/// Stops a row that grows and grows, as one does whose quote is never closed.
struct Limited {
    inner: Box<dyn BufRead>,
    passed: Rc<Cell<usize>>,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.passed.get() > MAX_ROW_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "a row longer than {} MiB: a quote may not be closed",
                    MAX_ROW_BYTES >> 20
                ),
            ));
        }
        let n = self.inner.read(buffer)?;
        self.passed.set(self.passed.get() + n);
        Ok(n)
    }
}
