//! Cuts a text into rows: one per line, the elements of an array, or objects spread over several lines. One row is in
//! memory at a time.

use std::io::{self, BufRead, Cursor, Read as _};
use std::mem;

use serde_json::{Map, Value};

/// Rows longer than this are rejected: 64 MiB.
pub const MAX_ROW_BYTES: usize = 64 * 1024 * 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One row per line.
    Lines,
    /// The elements of one array.
    Array,
    /// Objects one after the other, each over several lines.
    Objects,
}

/// The rows of one text.
pub(super) struct Records {
    reader: Box<dyn BufRead>,
    shape: Option<Shape>,
    buffer: Vec<u8>,
    row: u64,
    ended: bool,
}

/// A row's number, from 1, and its bytes or what is wrong with it.
pub(super) type Record<'a> = (u64, Result<&'a [u8], String>);

/// A row's number, from 1, and the row or what is wrong with it.
pub(super) type Object = (u64, Result<Map<String, Value>, String>);

/// Reads a row as a JSON object.
pub(super) fn parse(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(row)) => Ok(row),
        Ok(other) => Err(format!("not an object but {}", kind(&other))),
        Err(err) => Err(format!("not JSON: {err}")),
    }
}

/// As [`parse`], also with the `NaN` and `Infinity` that Python writes, as null; whether there were any.
pub(super) fn parse_leniently(bytes: &[u8]) -> (Result<Map<String, Value>, String>, bool) {
    let strict = parse(bytes);
    if strict.is_ok() {
        return (strict, false);
    }
    match without_nan(bytes).map(|bytes| parse(&bytes)) {
        Some(Ok(row)) => (Ok(row), true),
        _ => (strict, false),
    }
}

/// The text with what is not a number, outside of texts, replaced; none where there is no such thing.
fn without_nan(bytes: &[u8]) -> Option<Vec<u8>> {
    const NOT_NUMBERS: [&[u8]; 3] = [b"NaN", b"-Infinity", b"Infinity"];
    let mut clean = Vec::with_capacity(bytes.len());
    let (mut quoted, mut escaped, mut found, mut at) = (false, false, false, 0);
    while let Some(byte) = bytes.get(at) {
        let word = NOT_NUMBERS
            .iter()
            .find(|word| !quoted && bytes[at..].starts_with(word));
        if let Some(word) = word {
            clean.extend_from_slice(b"null");
            found = true;
            at += word.len();
            continue;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ => {}
        }
        clean.push(*byte);
        at += 1;
    }
    found.then_some(clean)
}

/// What a value is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn too_long() -> String {
    format!("longer than {} MiB", MAX_ROW_BYTES / 1024 / 1024)
}

impl Records {
    pub fn new(reader: Box<dyn BufRead>) -> Self {
        Self {
            reader,
            shape: None,
            buffer: Vec::new(),
            row: 0,
            ended: false,
        }
    }

    /// The number of the last row given.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The next row; `None` at the end.
    pub fn next_record(&mut self) -> io::Result<Option<Record<'_>>> {
        if self.ended {
            return Ok(None);
        }
        let result = match self.shape {
            None => self.begin()?,
            Some(Shape::Lines) => self.line()?,
            Some(shape) => self.value(shape)?,
        };
        let Some(result) = result else {
            self.ended = true;
            return Ok(None);
        };
        self.row += 1;
        Ok(Some((self.row, result.map(|()| self.buffer.trim_ascii()))))
    }

    /// Finds the shape, then gives the first row.
    fn begin(&mut self) -> io::Result<Option<Result<(), String>>> {
        if self.skip_space()? == Some(b'[') {
            self.reader.consume(1);
            self.shape = Some(Shape::Array);
            return self.value(Shape::Array);
        }
        self.shape = Some(Shape::Lines);
        let first = self.line()?;
        let text = self.buffer.trim_ascii();
        // A line that ends like this is the beginning of an object written over several lines.
        if matches!(first, Some(Ok(())))
            && text.starts_with(b"{")
            && matches!(text.last(), Some(b'{' | b'[' | b',' | b':'))
        {
            let line = mem::take(&mut self.buffer);
            let rest = mem::replace(&mut self.reader, Box::new(io::empty()));
            self.reader = Box::new(Cursor::new(line).chain(rest));
            self.shape = Some(Shape::Objects);
            return self.value(Shape::Objects);
        }
        Ok(first)
    }

    /// The next byte that is not white space, not yet taken.
    fn skip_space(&mut self) -> io::Result<Option<u8>> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(None);
            }
            if let Some(at) = buffer.iter().position(|b| !b.is_ascii_whitespace()) {
                let byte = buffer[at];
                self.reader.consume(at);
                return Ok(Some(byte));
            }
            let n = buffer.len();
            self.reader.consume(n);
        }
    }

    /// The next line that is not blank.
    fn line(&mut self) -> io::Result<Option<Result<(), String>>> {
        loop {
            self.buffer.clear();
            let mut limited = (&mut self.reader).take(MAX_ROW_BYTES as u64 + 1);
            let length = limited.read_until(b'\n', &mut self.buffer)?;
            if length == 0 {
                return Ok(None);
            }
            if length > MAX_ROW_BYTES && self.buffer.last() != Some(&b'\n') {
                self.reader.skip_until(b'\n')?;
                self.shrink();
                return Ok(Some(Err(too_long())));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(Ok(())));
            }
        }
    }

    /// The next value of an array, or the next object.
    fn value(&mut self, shape: Shape) -> io::Result<Option<Result<(), String>>> {
        loop {
            match self.skip_space()? {
                Some(b',') => self.reader.consume(1),
                Some(b']') if shape == Shape::Array => {
                    self.reader.consume(1);
                    self.ended = true;
                    let after = self.skip_space()?;
                    return Ok(after.map(|_| Err("text after the end of the array".to_owned())));
                }
                Some(_) => break,
                None if shape == Shape::Array => {
                    self.ended = true;
                    return Ok(Some(Err(
                        "the array is not closed: the file is cut off".to_owned()
                    )));
                }
                None => return Ok(None),
            }
        }
        self.buffer.clear();
        let (mut depth, mut quoted, mut escaped, mut length) = (0_usize, false, false, 0_usize);
        loop {
            let bytes = self.reader.fill_buf()?;
            if bytes.is_empty() {
                self.ended = shape == Shape::Objects;
                if depth > 0 || quoted {
                    self.ended = true;
                    return Ok(Some(Err("not closed: the file is cut off".to_owned())));
                }
                break;
            }
            let mut end = None;
            for (at, &byte) in bytes.iter().enumerate() {
                if quoted {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => quoted = false,
                        _ => {}
                    }
                    continue;
                }
                match byte {
                    b'"' => quoted = true,
                    b'{' | b'[' => depth += 1,
                    b',' | b']' if depth == 0 && shape == Shape::Array => {
                        end = Some(at);
                        break;
                    }
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            end = Some(at + 1);
                            break;
                        }
                    }
                    _ => {}
                }
            }
            let n = end.unwrap_or(bytes.len());
            length += n;
            if length <= MAX_ROW_BYTES {
                self.buffer.extend_from_slice(&bytes[..n]);
            }
            self.reader.consume(n);
            if end.is_some() {
                break;
            }
        }
        if length > MAX_ROW_BYTES {
            self.shrink();
            return Ok(Some(Err(too_long())));
        }
        Ok(Some(Ok(())))
    }

    /// Gives back the memory of a row that was too long.
    fn shrink(&mut self) {
        self.buffer = Vec::new();
    }
}
