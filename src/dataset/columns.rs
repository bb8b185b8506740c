//! Parquet: a table by columns, in groups of rows. A few rows of one group are in memory at a time.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::Once;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal128Type, Float16Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use jiff::Timestamp;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use serde_json::{Map, Number, Value};

use super::input::{MOST_BYTES, MOST_FOLD};
use super::records::{MAX_ROW_BYTES, Object};

/// Rows decoded at once.
const ROWS: usize = 128;
/// Lists within lists, and objects within objects: more than any conversation has, and little enough for the stack.
const DEEPEST: usize = 32;

/// The rows of a Parquet file, each as an object of its columns.
pub(super) struct Columns {
    batches: ParquetRecordBatchReader,
    batch: Option<RecordBatch>,
    /// The next row of the batch.
    at: usize,
    row: u64,
    rows: u64,
    bytes: u64,
    taken: Rc<Cell<u64>>,
    ended: bool,
}

impl Columns {
    /// Reads the footer. `taken` is told how far into the file the rows are.
    pub fn new(file: File, taken: Rc<Cell<u64>>) -> Result<Self, String> {
        let bytes = file.metadata().map_err(|err| err.to_string())?.len();
        let file = Source { file, bytes };
        let batches = guarded(|| {
            // What Arrow adds about its own types is not needed to read these.
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
                .map_err(|err| format!("its footer is damaged: {err}"))?;
            let groups = builder.metadata().row_groups();
            let mut plain = 0_u64;
            for group in groups {
                for column in group.columns() {
                    let (start, length) = column.byte_range();
                    if start.checked_add(length).is_none_or(|end| end > bytes) {
                        return Err("its footer speaks of data beyond its end".to_owned());
                    }
                    plain = plain.saturating_add(column.uncompressed_size().max(0) as u64);
                }
            }
            if plain > MOST_BYTES && plain / MOST_FOLD > bytes {
                return Err(format!(
                    "it expands more than {MOST_FOLD}-fold, as no conversations do"
                ));
            }
            let deep = builder.schema().fields().iter();
            if deep.map(|field| depth(field.data_type())).max() > Some(DEEPEST) {
                return Err(format!("its columns are nested more than {DEEPEST} deep"));
            }
            let rows = builder.metadata().file_metadata().num_rows();
            let batches = builder.with_batch_size(ROWS).build();
            let batches = batches.map_err(|err| err.to_string())?;
            Ok((batches, rows.max(0) as u64))
        });
        let (batches, rows) = batches.and_then(|inner| inner)?;
        Ok(Self {
            batches,
            batch: None,
            at: 0,
            row: 0,
            rows,
            bytes,
            taken,
            ended: false,
        })
    }

    /// The number of the last row given.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The next row, numbered from 1; `None` at the end.
    pub fn next_row(&mut self) -> io::Result<Option<Object>> {
        loop {
            if self.ended {
                return Ok(None);
            }
            if let Some(batch) = self.batch.as_ref().filter(|b| self.at < b.num_rows()) {
                let object = object(batch, self.at);
                self.at += 1;
                self.row += 1;
                return Ok(Some((self.row, object)));
            }
            let next = guarded(|| self.batches.next());
            self.at = 0;
            self.batch = match next {
                Ok(Some(Ok(batch))) => Some(batch),
                Ok(None) => {
                    self.ended = true;
                    None
                }
                Ok(Some(Err(err))) => return Err(self.broken(err.to_string())),
                Err(reason) => return Err(self.broken(reason)),
            };
            let share = self.bytes as f64 * self.row as f64 / self.rows.max(1) as f64;
            self.taken.set((share as u64).min(self.bytes));
        }
    }

    fn broken(&mut self, reason: String) -> io::Error {
        self.ended = true;
        io::Error::new(io::ErrorKind::InvalidData, reason)
    }
}

/// A file that is never read beyond its end: the library would go on skipping what a header promises there, element by element.
struct Source {
    file: File,
    bytes: u64,
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Source {
    type T = Bounded;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Bounded> {
        self.file.get_read(start).map(Bounded)
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start
            .checked_add(length as u64)
            .is_none_or(|end| end > self.bytes)
        {
            return Err(ParquetError::EOF(
                "a part beyond the end of the file".to_owned(),
            ));
        }
        self.file.get_bytes(start, length)
    }
}

/// A reader at whose end stands an error.
struct Bounded(BufReader<File>);

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 if !buffer.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            n => Ok(n),
        }
    }
}

/// How deep a type is nested.
fn depth(kind: &DataType) -> usize {
    match kind {
        DataType::Struct(fields) => {
            1 + fields
                .iter()
                .map(|f| depth(f.data_type()))
                .max()
                .unwrap_or(0)
        }
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => 1 + depth(field.data_type()),
        _ => 0,
    }
}

thread_local! {
    /// Whether a panic on this thread is about a file, and is told as what is wrong with it.
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Runs what decodes. The library stops with a panic at some files that contradict themselves; that is a damaged file here.
fn guarded<T>(decode: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !READING.get() {
                before(info);
            }
        }));
    });
    READING.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(decode));
    READING.set(false);
    result.map_err(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        format!("it contradicts itself: {}", said.unwrap_or("unknown"))
    })
}

fn object(batch: &RecordBatch, row: usize) -> Result<Map<String, Value>, String> {
    let mut left = MAX_ROW_BYTES;
    let mut object = Map::new();
    let schema = batch.schema_ref();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let value =
            value(column, row, &mut left).map_err(|why| format!("{}: {why}", field.name()))?;
        // As in a table's empty cell, there is nothing: every row has every column.
        if !value.is_null() {
            object.insert(field.name().clone(), value);
        }
    }
    Ok(object)
}

/// One cell, and what is in it.
fn value(array: &ArrayRef, row: usize, left: &mut usize) -> Result<Value, String> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    // NaN is how tables say that a number is missing.
    let float = |number: f64| match Number::from_f64(number) {
        Some(number) => Ok(Value::Number(number)),
        None if number.is_nan() => Ok(Value::Null),
        None => Err("an infinite number".to_owned()),
    };
    macro_rules! whole {
        ($kind:ty) => {
            Value::from(array.as_primitive::<$kind>().value(row))
        };
    }
    macro_rules! time {
        ($kind:ty, $from:expr) => {
            $from(array.as_primitive::<$kind>().value(row)).map(|t: Timestamp| t.to_string().into())
        };
    }
    let out_of_range = |_err: jiff::Error| "a time beyond the calendar".to_owned();
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => whole!(Int8Type),
        DataType::Int16 => whole!(Int16Type),
        DataType::Int32 => whole!(Int32Type),
        DataType::Int64 => whole!(Int64Type),
        DataType::UInt8 => whole!(UInt8Type),
        DataType::UInt16 => whole!(UInt16Type),
        DataType::UInt32 => whole!(UInt32Type),
        DataType::UInt64 => whole!(UInt64Type),
        DataType::Float16 => float(array.as_primitive::<Float16Type>().value(row).to_f64())?,
        // As a file of JSON would have it: 0.1, not 0.10000000149.
        DataType::Float32 => {
            let number = array.as_primitive::<Float32Type>().value(row);
            float(number.to_string().parse().unwrap_or(f64::from(number)))?
        }
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row))?,
        DataType::Utf8 => text(array.as_string::<i32>().value(row), left)?,
        DataType::LargeUtf8 => text(array.as_string::<i64>().value(row), left)?,
        DataType::Utf8View => text(array.as_string_view().value(row), left)?,
        DataType::Binary => bytes(array.as_binary::<i32>().value(row), left)?,
        DataType::LargeBinary => bytes(array.as_binary::<i64>().value(row), left)?,
        DataType::FixedSizeBinary(_) => bytes(array.as_fixed_size_binary().value(row), left)?,
        DataType::List(_) => list(&array.as_list::<i32>().value(row), left)?,
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row), left)?,
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row), left)?,
        DataType::Struct(fields) => {
            let mut object = Map::new();
            let columns = array.as_struct().columns();
            for (field, column) in fields.iter().zip(columns) {
                spend(left, field.name().len())?;
                let value = value(column, row, left)?;
                if !value.is_null() {
                    object.insert(field.name().clone(), value);
                }
            }
            Value::Object(object)
        }
        DataType::Map(..) => {
            let pairs = array.as_map().value(row);
            let mut object = Map::new();
            for at in 0..pairs.len() {
                let key = match value(pairs.column(0), at, left)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                object.insert(key, value(pairs.column(1), at, left)?);
            }
            Value::Object(object)
        }
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => time!(TimestampSecondType, Timestamp::from_second),
            TimeUnit::Millisecond => time!(TimestampMillisecondType, Timestamp::from_millisecond),
            TimeUnit::Microsecond => time!(TimestampMicrosecondType, Timestamp::from_microsecond),
            TimeUnit::Nanosecond => time!(TimestampNanosecondType, |n| Timestamp::from_nanosecond(
                i128::from(n)
            )),
        }
        .map_err(out_of_range)?,
        DataType::Date32 => {
            let days = i64::from(array.as_primitive::<Date32Type>().value(row));
            date(days.saturating_mul(86_400)).map_err(out_of_range)?
        }
        DataType::Date64 => {
            let milliseconds = array.as_primitive::<Date64Type>().value(row);
            date(milliseconds / 1000).map_err(out_of_range)?
        }
        DataType::Decimal128(_, _) => array
            .as_primitive::<Decimal128Type>()
            .value_as_string(row)
            .into(),
        other => return Err(format!("columns of type {other} are not read")),
    })
}

fn date(second: i64) -> Result<Value, jiff::Error> {
    let time = Timestamp::from_second(second)?;
    Ok(time.strftime("%Y-%m-%d").to_string().into())
}

fn list(array: &ArrayRef, left: &mut usize) -> Result<Value, String> {
    spend(left, array.len())?;
    let values = (0..array.len()).map(|at| value(array, at, left));
    values.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn text(text: &str, left: &mut usize) -> Result<Value, String> {
    spend(left, text.len())?;
    Ok(text.into())
}

/// Bytes without a type are texts in old files.
fn bytes(bytes: &[u8], left: &mut usize) -> Result<Value, String> {
    let found = std::str::from_utf8(bytes).map_err(|_not| "bytes that are no text".to_owned())?;
    text(found, left)
}

fn spend(left: &mut usize, bytes: usize) -> Result<(), String> {
    *left = left
        .checked_sub(bytes)
        .ok_or_else(|| format!("a row longer than {} MiB", MAX_ROW_BYTES >> 20))?;
    Ok(())
}
