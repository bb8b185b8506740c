//! Weights as `PyTorch` saves them (`pytorch_model.bin`): the tensors that a pickle describes, and where in the file their numbers lie. In
//! the zip of today's `PyTorch` and in the format before 1.6.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::pickle::{Id, Pickle, Value};
use super::source::{Bytes, Source};
use super::weights::{Kind, Part, Tensor};
use crate::reward::RewardError;

/// The description of a checkpoint is far smaller.
const MOST_DESCRIPTION: u64 = 256 << 20;
/// Bytes of a tensor's or storage's name.
const LONGEST_NAME: usize = 4_096;

/// A stretch of a file: where a storage's numbers lie, or a file within another.
#[derive(Clone, Copy)]
pub(super) struct Section {
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

/// The tensors of a checkpoint, by name; `file` is its number among the model's files.
pub(super) fn read(path: &Path, file: usize) -> Result<BTreeMap<String, Tensor>, RewardError> {
    let source = Source::Path(path.to_owned());
    let bad = |reason: String| RewardError::malformed(&source.name(), reason);
    let start = source.read_at(0, source.len()?.min(4) as usize)?;
    if start == b"PK\x03\x04" {
        let whole = Section {
            offset: 0,
            bytes: source.len()?,
        };
        let (pickle, storages) = zipped(&source, whole).map_err(bad)?;
        return tensors(&pickle, file, &storages).map_err(bad);
    }
    let (pickle, storages) = legacy(&source)?;
    tensors(&pickle, file, &storages).map_err(bad)
}

/// The only tensor of a checkpoint in a section of a file.
pub(super) fn one(source: &Source, section: Section) -> Result<Tensor, String> {
    let (pickle, storages) = zipped(source, section)?;
    tensor(&pickle, pickle.top, 0, &storages)?.ok_or_else(|| "there is no tensor in it".to_owned())
}

/// A section of a file, read as if it were a file.
struct Window {
    bytes: Box<dyn Bytes>,
    section: Section,
    at: u64,
}

impl Read for Window {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let left = self.section.bytes.saturating_sub(self.at);
        let most = usize::try_from(left).map_or(to.len(), |left| left.min(to.len()));
        let read = self.bytes.read(&mut to[..most])?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.section.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(std::io::ErrorKind::InvalidInput)?;
        let place = self.section.offset.checked_add(self.at);
        let place = place.ok_or(std::io::ErrorKind::InvalidInput)?;
        self.bytes.seek(SeekFrom::Start(place))?;
        Ok(self.at)
    }
}

/// `data.pkl` and the files in `data/` of a zip.
fn zipped(source: &Source, section: Section) -> Result<(Pickle, Storages), String> {
    let broken = |e: zip::result::ZipError| e.to_string();
    let mut window = Window {
        bytes: source.open().map_err(|e| e.to_string())?,
        section,
        at: 0,
    };
    window.seek(SeekFrom::Start(0)).map_err(|e| e.to_string())?;
    let mut archive = zip::ZipArchive::new(window).map_err(broken)?;
    let (mut storages, mut description) = (HashMap::new(), None);
    let read = |place: Section| {
        let bytes = source.read_at(place.offset, place.bytes as usize);
        bytes.map_err(|e| e.to_string())
    };
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).map_err(broken)?;
        let name = entry.name().map_err(broken)?.into_owned();
        let Some((_, inside)) = name.split_once('/') else {
            continue;
        };
        let plain = entry.compression() == zip::CompressionMethod::Stored && !entry.encrypted();
        let place = entry.data_start().filter(|start| {
            let end = start.checked_add(entry.size());
            plain && end.is_some_and(|end| end <= section.bytes)
        });
        let place = place.map(|start| Section {
            offset: section.offset + start,
            bytes: entry.size(),
        });
        match inside.strip_prefix("data/") {
            Some(key) => {
                let place = place.ok_or("its numbers are compressed, or beyond its end")?;
                storages.insert(key.to_owned(), place);
            }
            None if inside == "data.pkl" => description = place,
            None if inside == "byteorder" => {
                let place = place.filter(|p| p.bytes <= 16);
                if read(place.ok_or("its `byteorder` cannot be read")?)? != b"little" {
                    return Err("its numbers are written with the highest byte first".to_owned());
                }
            }
            None => {}
        }
    }
    let place = description.ok_or("there is no readable `data.pkl` in it")?;
    if place.bytes > MOST_DESCRIPTION {
        return Err("its `data.pkl` is larger than any description of weights".to_owned());
    }
    let (pickle, _) = Pickle::read(&read(place)?)?;
    Ok((pickle, storages))
}

/// Several pickles one after another (a number, a version, the system, the tensors, the keys of the storages), then the numbers.
fn legacy(source: &Source) -> Result<(Pickle, Storages), RewardError> {
    let bad = |reason: &str| RewardError::malformed(&source.name(), reason);
    let length = source.len()?;
    let bytes = source.read_at(0, length.min(MOST_DESCRIPTION) as usize)?;
    let mut at = 0;
    let mut next = || -> Result<Pickle, RewardError> {
        let (pickle, size) = Pickle::read(&bytes[at..]).map_err(|e| bad(&e))?;
        at += size;
        Ok(pickle)
    };
    let magic = next()?;
    // The number is beyond 64 bits, which we read as nothing: what it is follows from where it stands.
    if !matches!(magic.get(magic.top), Value::Nothing)
        || !bytes.starts_with(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19")
    {
        return Err(bad("it is no checkpoint of PyTorch"));
    }
    let version = next()?;
    if version.number(version.top) != Some(1001) {
        return Err(bad("an unknown version of PyTorch's old format"));
    }
    let (_system, pickle, keys) = (next()?, next()?, next()?);
    let sizes = storage_sizes(&pickle);
    let keys = keys
        .sequence(keys.top)
        .map(|ids| ids.iter().map(|id| keys.text(*id)));
    let mut storages = HashMap::new();
    let mut offset = at as u64;
    for key in keys.ok_or_else(|| bad("it does not say where its numbers lie"))? {
        let key = key.ok_or_else(|| bad("a storage without a name"))?;
        if offset + 8 > length {
            return Err(bad("it is cut off"));
        }
        let count = source
            .read_at(offset, 8)?
            .iter()
            .rev()
            .fold(0u64, |n, byte| n << 8 | u64::from(*byte));
        let size = sizes.get(key).copied().unwrap_or(1);
        let bytes = count
            .checked_mul(size)
            .filter(|bytes| *bytes <= length - offset - 8);
        let bytes = bytes.ok_or_else(|| bad("it is cut off"))?;
        storages.insert(
            key.to_owned(),
            Section {
                offset: offset + 8,
                bytes,
            },
        );
        offset += 8 + bytes;
    }
    Ok((pickle, storages))
}

/// Bytes of one number in each storage that a pickle speaks of.
fn storage_sizes(pickle: &Pickle) -> HashMap<String, u64> {
    let outside = pickle.outside();
    let mut sizes = HashMap::new();
    for id in outside {
        if let Some((key, _, size)) = storage_of(pickle, id)
            && !sizes.contains_key(key)
        {
            sizes.insert(key.to_owned(), size);
        }
    }
    sizes
}

/// The key, kind and size of a number of a storage: `('storage', torch.FloatStorage, '0', 'cpu', 64)`.
fn storage_of(pickle: &Pickle, id: Id) -> Option<(&str, Kind, u64)> {
    let [tag, class, key, ..] = pickle.sequence(id)? else {
        return None;
    };
    let Value::Global(_, class) = pickle.get(*class) else {
        return None;
    };
    let (kind, size) = match class.as_str() {
        "FloatStorage" => (Kind::F32, 4),
        "HalfStorage" => (Kind::F16, 2),
        "BFloat16Storage" => (Kind::Bf16, 2),
        "DoubleStorage" => (Kind::F64, 8),
        "LongStorage" | "ComplexFloatStorage" => (Kind::Other, 8),
        "IntStorage" => (Kind::Other, 4),
        "ShortStorage" => (Kind::Other, 2),
        "ComplexDoubleStorage" => (Kind::Other, 16),
        _ => (Kind::Other, 1),
    };
    (pickle.text(*tag) == Some("storage")).then_some(())?;
    let key = pickle.text(*key).filter(|key| key.len() <= LONGEST_NAME)?;
    Some((key, kind, size))
}

/// Storages by their keys.
type Storages = HashMap<String, Section>;

/// The tensors of the dictionary that a pickle stands for, or of the one under `state_dict`, `model` or `module` in it.
fn tensors(
    pickle: &Pickle,
    file: usize,
    storages: &Storages,
) -> Result<BTreeMap<String, Tensor>, String> {
    let entries = pickle
        .entries(pickle.top)
        .ok_or("it holds no dictionary of tensors")?;
    let inner = ["state_dict", "model", "module"].iter().find_map(|name| {
        let named = entries
            .iter()
            .find(|(key, _)| pickle.text(*key) == Some(name));
        named.and_then(|(_, value)| pickle.entries(*value))
    });
    let mut found = BTreeMap::new();
    for (key, value) in inner.unwrap_or(entries) {
        // A name said again adds nothing; no weights are called by a page of text.
        let name = pickle
            .text(*key)
            .filter(|name| name.len() <= LONGEST_NAME && !found.contains_key(*name));
        let Some(name) = name else {
            continue;
        };
        if let Some(tensor) =
            tensor(pickle, *value, file, storages).map_err(|e| format!("tensor `{name}`: {e}"))?
        {
            found.insert(name.to_owned(), tensor);
        }
    }
    if found.is_empty() {
        return Err("there is no tensor in it".to_owned());
    }
    Ok(found)
}

/// A tensor, as `_rebuild_tensor_v2` would make it; nothing where the value is another.
fn tensor(
    pickle: &Pickle,
    id: Id,
    file: usize,
    storages: &Storages,
) -> Result<Option<Tensor>, String> {
    let Some((module, name, arguments)) = pickle.made(id) else {
        return Ok(None);
    };
    if module != "torch._utils" {
        return Ok(None);
    }
    let arguments = match (name, arguments) {
        ("_rebuild_parameter", [data, ..]) => match pickle.made(*data) {
            Some(("torch._utils", "_rebuild_tensor_v2", arguments)) => arguments,
            _ => return Ok(None),
        },
        ("_rebuild_tensor_v2", arguments) => arguments,
        _ => return Ok(None),
    };
    let nonsense = || "its description makes no sense".to_owned();
    let [storage, offset, size, strides, ..] = arguments else {
        return Err(nonsense());
    };
    let Value::Outside(outside) = pickle.get(*storage) else {
        return Err(nonsense());
    };
    let (key, kind, width) = storage_of(pickle, *outside).ok_or_else(nonsense)?;
    let place = storages.get(key).ok_or("its numbers are not in the file")?;
    let offset = pickle
        .number(*offset)
        .and_then(|n| u64::try_from(n).ok())
        .ok_or_else(nonsense)?;
    let rank = pickle.sequence(*size).map_or(0, <[Id]>::len);
    if rank > 8 {
        return Err(nonsense());
    }
    let shape = pickle.sizes(*size).ok_or_else(nonsense)?;
    let strides = pickle
        .sizes(*strides)
        .filter(|s| s.len() == shape.len())
        .ok_or_else(nonsense)?;
    let count = shape
        .iter()
        .try_fold(1usize, |n, size| n.checked_mul(*size))
        .ok_or_else(nonsense)?;
    // From its first number to its last one.
    let reach = shape
        .iter()
        .zip(&strides)
        .try_fold(0u64, |reach, (size, stride)| {
            let steps = (*size as u64).saturating_sub(1);
            reach.checked_add(steps.checked_mul(*stride as u64)?)
        });
    let span = if count == 0 {
        0
    } else {
        reach.and_then(|r| r.checked_add(1)).ok_or_else(nonsense)?
    };
    let end = offset.checked_add(span).and_then(|n| n.checked_mul(width));
    if end.is_none_or(|end| end > place.bytes) {
        return Err("it reaches beyond its numbers".to_owned());
    }
    let dense = shape
        .iter()
        .zip(&strides)
        .rev()
        .try_fold(1usize, |step, (size, stride)| {
            (*size == 1 || *stride == step)
                .then(|| step.checked_mul(*size))
                .flatten()
        });
    if count as u64 > span && count > 1 << 20 {
        return Err("it repeats its numbers more often than any weights do".to_owned());
    }
    Ok(Some(Tensor {
        kind,
        shape,
        strides: (dense.is_none() && count > 0).then_some(strides),
        parts: vec![Part {
            file,
            offset: place.offset + offset * width,
            bytes: usize::try_from(span * width).map_err(|_large| nonsense())?,
        }],
    }))
}
