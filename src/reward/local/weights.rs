//! Weights by Hugging Face's names, whatever the files: one safetensors file, shards, or GGUF.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use serde_json::{Map, Value as Json};

use super::checkpoint;
use super::gguf::GgufFile;
use super::source::{Source, file_name};
use crate::reward::RewardError;

/// An open model file, or several.
pub(crate) enum Weights {
    Files(TensorFiles),
    Gguf {
        file: GgufFile,
        /// Dimensions of a head, where llama.cpp reordered rows for its rotation: in models of the kind `llama` only.
        reordered: Option<usize>,
    },
}

impl Weights {
    /// Shape of a tensor, if it is there.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        match self {
            Self::Files(files) => files.tensors.get(name).map(|t| t.shape.as_slice()),
            Self::Gguf { file, .. } => file.shape(&self.name_in_file(name)),
        }
    }

    /// All values of a tensor of that shape.
    pub(crate) fn f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, RewardError> {
        match self {
            Self::Files(files) => files.f32(name, shape),
            Self::Gguf { file, .. } => {
                let theirs = self.name_in_file(name);
                if let Some(head_dim) = self.reordered(name) {
                    file.f32_unpermuted(&theirs, shape, head_dim)
                } else if name == HEAD && file.shape(&theirs).is_some_and(|s| s.len() == 1) {
                    file.f32(&theirs, &shape[1..])
                } else {
                    file.f32(&theirs, shape)
                }
            }
        }
    }

    /// One row of a matrix, without reading the others: a vocabulary may be gigabytes.
    pub(crate) fn row(&self, name: &str, row: usize) -> Result<Vec<f32>, RewardError> {
        match self {
            Self::Files(files) => files.row(name, row),
            Self::Gguf { file, .. } => Err(RewardError::Unsupported(format!(
                "`{}`: the logit of a token can be read from a safetensors folder only",
                file.name()
            ))),
        }
    }

    /// The bytes of a tensor as a safetensors file holds them, and their type: those of the file itself, or f32 where it is quantised.
    pub(crate) fn raw(
        &self,
        name: &str,
        shape: &[usize],
    ) -> Result<(&'static str, Vec<u8>), RewardError> {
        if let Self::Files(files) = self
            && let Some(tensor) = files.tensors.get(name).filter(|t| t.shape == shape)
            && let Some(kind) = tensor.kind.name()
        {
            return Ok((kind, files.bytes(tensor)?));
        }
        let values = self.f32(name, shape)?;
        Ok(("F32", values.iter().flat_map(|x| x.to_le_bytes()).collect()))
    }

    /// The type and size in bytes that [`Weights::raw`] gives, without reading it.
    pub(crate) fn raw_size(&self, name: &str, shape: &[usize]) -> (&'static str, usize) {
        let count: usize = shape.iter().product();
        let tensor = match self {
            Self::Files(files) => files.tensors.get(name),
            Self::Gguf { .. } => None,
        };
        match tensor.and_then(|t| Some((t.kind.name()?, t.bytes()))) {
            Some(known) => known,
            None => ("F32", count * 4),
        }
    }

    /// That a tensor is there and has that shape, without reading it.
    pub(crate) fn check(&self, name: &str, expected: &[usize]) -> Result<(), RewardError> {
        let found = self.shape(name).ok_or_else(|| RewardError::MissingTensor {
            file: self.name(),
            tensor: self.name_in_file(name),
        })?;
        if found == expected {
            return Ok(());
        }
        Err(RewardError::TensorShape {
            file: self.name(),
            tensor: self.name_in_file(name),
            found: found.to_vec(),
            expected: expected.to_vec(),
        })
    }

    /// Dimensions of a head, if the rows of that tensor stand in llama.cpp's order.
    pub(crate) fn reordered(&self, name: &str) -> Option<usize> {
        match self {
            Self::Gguf { reordered, .. }
                if name.contains(".q_proj.") || name.contains(".k_proj.") =>
            {
                *reordered
            }
            _ => None,
        }
    }

    pub(crate) fn name_in_file(&self, name: &str) -> String {
        match self {
            Self::Files(_) => name.to_owned(),
            // Some writers keep the head's own name.
            Self::Gguf { file, .. } if name == HEAD && file.shape(HEAD).is_some() => {
                HEAD.to_owned()
            }
            Self::Gguf { .. } => gguf_name(name),
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Files(files) => files.name.clone(),
            Self::Gguf { file, .. } => file.name().to_owned(),
        }
    }
}

/// The head's tensor.
pub(crate) const HEAD: &str = "score.weight";

/// llama.cpp's name of a tensor.
pub(crate) fn gguf_name(name: &str) -> String {
    let fixed = match name {
        "model.embed_tokens.weight" => "token_embd.weight",
        "model.norm.weight" => "output_norm.weight",
        HEAD => "cls.output.weight",
        "score.bias" => "cls.output.bias",
        _ => "",
    };
    if !fixed.is_empty() {
        return fixed.to_owned();
    }
    [
        ("model.layers.", "blk."),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
        ("post_attention_layernorm", "ffn_norm"),
        ("input_layernorm", "attn_norm"),
    ]
    .iter()
    .fold(name.to_owned(), |name, (ours, theirs)| {
        name.replace(ours, theirs)
    })
}

/// Where a tensor lies: values of one type in row-major order, in one piece or in several.
#[derive(Clone)]
pub(super) struct Tensor {
    pub(super) kind: Kind,
    pub(super) shape: Vec<usize>,
    /// Numbers from one step of each dimension to the next, where they do not lie one after another.
    pub(super) strides: Option<Vec<usize>>,
    pub(super) parts: Vec<Part>,
}

/// Consecutive bytes of a file.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// Which file: a place in [`TensorFiles::files`].
    pub(super) file: usize,
    pub(super) offset: u64,
    pub(super) bytes: usize,
}

impl Tensor {
    pub(super) fn bytes(&self) -> usize {
        match self.kind.size() {
            0 => self.parts.iter().map(|part| part.bytes).sum(),
            size => self.shape.iter().product::<usize>() * size,
        }
    }

    /// Its numbers one after another, from the bytes of its parts.
    fn gathered(&self, bytes: Vec<u8>) -> Vec<u8> {
        let (Some(strides), size) = (&self.strides, self.kind.size()) else {
            return bytes;
        };
        let mut gathered = Vec::with_capacity(self.bytes());
        let mut index = vec![0; self.shape.len()];
        for _ in 0..self.shape.iter().product::<usize>() {
            let at: usize = index
                .iter()
                .zip(strides)
                .map(|(i, stride)| i * stride)
                .sum();
            gathered.extend_from_slice(&bytes[at * size..(at + 1) * size]);
            for (place, most) in index.iter_mut().zip(&self.shape).rev() {
                *place += 1;
                if *place < *most {
                    break;
                }
                *place = 0;
            }
        }
        gathered
    }

    /// These rows of it, as a tensor of its own: ranges of its first dimension, one after another. `None` where it has fewer rows, or its
    /// numbers do not lie row by row.
    pub(super) fn rows(&self, ranges: impl IntoIterator<Item = Range<usize>>) -> Option<Self> {
        if self.strides.is_some() || self.kind.size() == 0 {
            return None;
        }
        let rows = *self.shape.first()?;
        let row = self.bytes().checked_div(rows)?;
        let mut count = 0;
        let mut parts = vec![];
        for range in ranges {
            if range.end > rows {
                return None;
            }
            count += range.len();
            self.cut(range.start * row..range.end * row, &mut parts);
        }
        let mut shape = self.shape.clone();
        shape[0] = count;
        Some(Self {
            kind: self.kind,
            shape,
            strides: None,
            parts,
        })
    }

    /// Tensors one after another along a dimension; `None` where their types or other dimensions differ.
    pub(super) fn joined(tensors: &[Self], dimension: usize) -> Option<Self> {
        let first = tensors.first()?;
        if tensors.len() == 1 {
            return Some(first.clone());
        }
        let mut shape = first.shape.clone();
        *shape.get_mut(dimension)? = 0;
        for tensor in tensors {
            let same = tensor.shape.iter().zip(&first.shape).enumerate();
            let mut same = same
                .filter(|(at, _)| *at != dimension)
                .map(|(_, (a, b))| a == b);
            let alike =
                tensor.kind == first.kind && tensor.kind.size() > 0 && tensor.strides.is_none();
            if !(alike && tensor.shape.len() == shape.len() && same.all(|same| same)) {
                return None;
            }
            shape[dimension] += tensor.shape[dimension];
        }
        let outer: usize = shape[..dimension].iter().product();
        // Pieces of pieces of pieces: no checkpoint of a model is cut so often.
        let steps = tensors
            .iter()
            .map(|t| t.parts.len())
            .sum::<usize>()
            .checked_mul(outer);
        steps.filter(|steps| *steps <= 1 << 26)?;
        let mut parts = vec![];
        for at in 0..outer {
            for tensor in tensors {
                let run = tensor.bytes().checked_div(outer)?;
                tensor.cut(at * run..(at + 1) * run, &mut parts);
            }
        }
        Some(Self {
            kind: first.kind,
            shape,
            strides: None,
            parts,
        })
    }

    /// The parts that hold a range of its bytes.
    fn cut(&self, range: Range<usize>, to: &mut Vec<Part>) {
        let mut start = 0;
        for part in &self.parts {
            let end = start + part.bytes;
            let (from, until) = (range.start.max(start), range.end.min(end));
            if from < until {
                to.push(Part {
                    offset: part.offset + (from - start) as u64,
                    bytes: until - from,
                    ..*part
                });
            }
            start = end;
            if start >= range.end {
                break;
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    F32,
    F16,
    Bf16,
    F64,
    Other,
}

impl Kind {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::F32 => Some("F32"),
            Self::F16 => Some("F16"),
            Self::Bf16 => Some("BF16"),
            Self::F64 => Some("F64"),
            Self::Other => None,
        }
    }

    /// Bytes of a number; 0 of those that cannot be weights.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Other => 0,
        }
    }
}

/// One or several files of weights, as safetensors or as `PyTorch` saves them. Read in place: no memory map, so that a file that changes meanwhile does no harm.
pub(crate) struct TensorFiles {
    name: String,
    pub(crate) files: Vec<Source>,
    pub(super) tensors: BTreeMap<String, Tensor>,
}

impl TensorFiles {
    /// Tensors that lie in `files`.
    pub(super) fn of(name: String, files: Vec<Source>, tensors: BTreeMap<String, Tensor>) -> Self {
        Self {
            name,
            files,
            tensors,
        }
    }

    /// `model.safetensors` of `folder`, or the shards that its index names; where there are neither, `pytorch_model.bin` or its shards.
    pub(crate) fn open(folder: &Path) -> Result<Option<Self>, RewardError> {
        let mut opened = Self {
            name: file_name(folder),
            files: Vec::new(),
            tensors: BTreeMap::new(),
        };
        for whole in ["model.safetensors", "pytorch_model.bin"] {
            let (single, index) = (
                folder.join(whole),
                folder.join(format!("{whole}.index.json")),
            );
            if single.exists() {
                opened.add(&single)?;
            } else if index.exists() {
                opened.shards(folder, &index)?;
            } else {
                continue;
            }
            // LLaMA-Factory keeps the head in a file of its own beside a causal model.
            for head in ["value_head.safetensors", "value_head.bin"] {
                let head = folder.join(head);
                if head.exists() {
                    opened.add(&head)?;
                    break;
                }
            }
            return Ok(Some(opened));
        }
        Ok(None)
    }

    /// All files that an index names, each within the folder.
    fn shards(&mut self, folder: &Path, index: &Path) -> Result<(), RewardError> {
        let text = std::fs::read(index).map_err(RewardError::io(index))?;
        let name = file_name(index);
        let json: Json =
            serde_json::from_slice(&text).map_err(|e| RewardError::malformed(&name, e))?;
        let map = json.get("weight_map").and_then(Json::as_object);
        let map = map.ok_or_else(|| RewardError::malformed(&name, "`weight_map` is missing"))?;
        let mut shards: Vec<&str> = map.values().filter_map(Json::as_str).collect();
        shards.sort_unstable();
        shards.dedup();
        for shard in shards {
            if Path::new(shard).components().count() != 1 || shard.contains("..") {
                return Err(RewardError::malformed(
                    &name,
                    format!("shard `{shard}` lies outside the folder"),
                ));
            }
            self.add(&folder.join(shard))?;
        }
        if let Some(tensor) = map.keys().find(|t| !self.tensors.contains_key(*t)) {
            return Err(RewardError::MissingTensor {
                file: self.name.clone(),
                tensor: tensor.clone(),
            });
        }
        Ok(())
    }

    /// Every tensor that can be weights: its name, shape and values.
    pub(super) fn all(
        &self,
    ) -> impl Iterator<Item = (&str, Vec<usize>, Result<Vec<f32>, RewardError>)> {
        let weights = self.tensors.iter().filter(|(_, t)| t.kind != Kind::Other);
        weights.map(|(name, t)| (name.as_str(), t.shape.clone(), self.f32(name, &t.shape)))
    }

    /// Shape of a tensor, if it is there.
    pub(super) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|t| t.shape.as_slice())
    }

    /// BLAKE3 of the files, one after another, and of what else decides a score.
    pub(super) fn hash_with(&self, about: &[u8]) -> Result<String, RewardError> {
        let mut hasher = blake3::Hasher::new();
        for source in &self.files {
            source.hash(&mut hasher)?;
        }
        hasher.update(about);
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// What holds the weights, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The type that most numbers are stored in.
    pub(super) fn main_type(&self) -> &'static str {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for tensor in self.tensors.values() {
            let kind = tensor.kind.name().unwrap_or("other");
            *counts.entry(kind).or_default() += tensor.shape.iter().product::<usize>();
        }
        let most = counts.into_iter().max_by_key(|(_, n)| *n);
        most.map_or("other", |(kind, _)| kind)
    }

    pub(crate) fn parameters(&self) -> u64 {
        let weights = self.tensors.values().filter(|t| t.kind != Kind::Other);
        let counts = weights.map(|t| t.shape.iter().product::<usize>() as u64);
        counts.fold(0, u64::saturating_add)
    }

    /// That the tensors of a file do not share its bytes more often than weights do (embeddings are used twice): what is read would take
    /// more memory than there are bytes.
    pub(super) fn not_shared(&self, file: usize, length: u64) -> Result<(), RewardError> {
        let of_file = self
            .tensors
            .values()
            .filter(|t| t.parts.first().is_some_and(|p| p.file == file));
        let bytes = of_file.fold(0, |sum: u64, t| sum.saturating_add(t.bytes() as u64));
        if bytes > length.saturating_mul(4).saturating_add(1 << 20) {
            let reason = "its tensors share the same bytes over and over";
            return Err(RewardError::malformed(&self.files[file].name(), reason));
        }
        Ok(())
    }

    fn add(&mut self, path: &Path) -> Result<(), RewardError> {
        let source = Source::Path(path.to_owned());
        if path.extension().is_some_and(|e| e == "bin") {
            self.tensors
                .extend(checkpoint::read(path, self.files.len())?);
            self.files.push(source);
            return Ok(());
        }
        let name = source.name();
        let bad = |reason: String| RewardError::malformed(&name, reason);
        let length = source.len()?;
        if length < 8 {
            return Err(bad(format!("it has {length} bytes")));
        }
        let head = source.read_at(0, 8)?;
        let size = head
            .iter()
            .rev()
            .fold(0u64, |n, &byte| n << 8 | u64::from(byte));
        if size > 100_000_000 || size > length - 8 {
            return Err(bad(format!(
                "it is cut off or not a safetensors file (a head of {size} bytes)"
            )));
        }
        let header: Map<String, Json> = serde_json::from_slice(&source.read_at(8, size as usize)?)
            .map_err(|e| bad(format!("head: {e}")))?;
        let file = self.files.len();
        for (tensor, about) in header {
            if tensor == "__metadata__" {
                continue;
            }
            let about = info(&about, file, 8 + size)
                .ok_or_else(|| bad(format!("tensor `{tensor}`: its description makes no sense")))?;
            let end = about.parts[0].offset.saturating_add(about.bytes() as u64);
            if end > length {
                return Err(bad(format!(
                    "it is cut off: tensor `{tensor}` ends at byte {end}, the file at {length}"
                )));
            }
            self.tensors.insert(tensor, about);
        }
        self.files.push(source);
        self.not_shared(file, length)
    }

    fn f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, RewardError> {
        let tensor = self.tensors.get(name).filter(|t| t.shape == shape);
        let tensor = tensor.ok_or_else(|| RewardError::MissingTensor {
            file: self.name.clone(),
            tensor: name.to_owned(),
        })?;
        self.values(name, tensor.kind, &self.bytes(tensor)?)
    }

    /// All bytes of a tensor.
    fn bytes(&self, tensor: &Tensor) -> Result<Vec<u8>, RewardError> {
        if let [part] = tensor.parts[..] {
            let bytes = self.files[part.file].read_at(part.offset, part.bytes)?;
            return Ok(tensor.gathered(bytes));
        }
        let mut bytes = vec![0; tensor.parts.iter().map(|part| part.bytes).sum()];
        let (mut rest, mut open) = (bytes.as_mut_slice(), None);
        for part in &tensor.parts {
            // One file after the other is opened, and each once as long as it is read from.
            let (_, reader) = match &mut open {
                Some((file, reader)) if *file == part.file => (*file, reader),
                other => {
                    let reader = self.files[part.file].open()?;
                    let (file, reader) = other.insert((part.file, reader));
                    (*file, reader)
                }
            };
            let (here, after) = rest.split_at_mut(part.bytes);
            let read = reader.seek(SeekFrom::Start(part.offset));
            read.and_then(|_| reader.read_exact(here))
                .map_err(|e| RewardError::malformed(&self.name, e))?;
            rest = after;
        }
        Ok(bytes)
    }

    /// One row of a matrix.
    fn row(&self, name: &str, row: usize) -> Result<Vec<f32>, RewardError> {
        let tensor = self
            .tensors
            .get(name)
            .ok_or_else(|| RewardError::MissingTensor {
                file: self.name.clone(),
                tensor: name.to_owned(),
            })?;
        let rows = tensor.shape.first().copied().unwrap_or(0).max(1);
        let row = row.min(rows - 1);
        let one = tensor.rows(std::iter::once(row..row + 1));
        let one = one.ok_or_else(|| {
            RewardError::malformed(&self.name, format!("tensor `{name}` is not in one piece"))
        })?;
        self.values(name, tensor.kind, &self.bytes(&one)?)
    }

    fn values(&self, name: &str, kind: Kind, bytes: &[u8]) -> Result<Vec<f32>, RewardError> {
        let halves = || {
            bytes
                .chunks_exact(2)
                .map(|b| u16::from_le_bytes([b[0], b[1]]))
        };
        Ok(match kind {
            Kind::F32 => f32_values(bytes),
            Kind::Bf16 => halves()
                .map(|h| f32::from_bits(u32::from(h) << 16))
                .collect(),
            Kind::F16 => halves().map(f16_value).collect(),
            Kind::F64 => {
                let values = bytes.as_chunks::<8>().0.iter();
                values.map(|b| f64::from_le_bytes(*b) as f32).collect()
            }
            Kind::Other => {
                return Err(RewardError::Unsupported(format!(
                    "`{}`: tensor `{name}` is not in float32, float16, bfloat16 or float64",
                    self.name
                )));
            }
        })
    }
}

fn info(about: &Json, file: usize, data: u64) -> Option<Tensor> {
    let shape: Vec<usize> = about
        .get("shape")?
        .as_array()?
        .iter()
        .map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok()))
        .collect::<Option<_>>()?;
    let offsets = about.get("data_offsets")?.as_array()?;
    let (from, to) = (offsets.first()?.as_u64()?, offsets.get(1)?.as_u64()?);
    let (kind, size) = match about.get("dtype")?.as_str()? {
        "F32" => (Kind::F32, 4),
        "F16" => (Kind::F16, 2),
        "BF16" => (Kind::Bf16, 2),
        "F64" => (Kind::F64, 8),
        _ => (Kind::Other, 0),
    };
    let bytes = usize::try_from(to.checked_sub(from)?).ok()?;
    let count = shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b))?;
    let fits = kind == Kind::Other || count.checked_mul(size)? == bytes;
    fits.then_some(Tensor {
        kind,
        shape,
        strides: None,
        parts: vec![Part {
            file,
            offset: data.checked_add(from)?,
            bytes,
        }],
    })
}

/// Little-endian values.
pub(crate) fn f32_values(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

/// IEEE 754 half precision, exactly.
fn f16_value(half: u16) -> f32 {
    let sign = if half >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(half >> 10 & 31), f32::from(half & 1023));
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}
