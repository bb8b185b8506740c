//! [GGUF](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) files: metadata, tensors by Hugging Face's names and row order,
//! and the tokenizer inside. Our own reader, because candle's divides by an alignment of 0 and keeps every value of every array.

use std::collections::BTreeMap;
use std::io::Read as _;

use candle_core::Device;
use candle_core::quantized::{GgmlDType, QTensor, ggml_file::qtensor_from_ggml};
use serde_json::json;

use super::source::{Bytes, Source};
use crate::reward::RewardError;
use crate::reward::sentencepiece::SentencePiece;
use crate::reward::tokens::{Pieces, Splitter};

/// Far beyond any real file, and little enough to hold.
const MOST_ENTRIES: u64 = 1 << 20;
const MOST_ELEMENTS: u64 = 1 << 24;

#[derive(Debug)]
enum Value {
    Integer(i64),
    Float(f64),
    Text(String),
    Texts(Vec<String>),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    Flag(bool),
}

#[derive(Debug)]
struct Tensor {
    /// Outermost first, as everywhere but in the file.
    shape: Vec<usize>,
    dtype: GgmlDType,
    offset: u64,
    bytes: usize,
}

/// The head of a GGUF file, checked against the file's length.
#[derive(Debug)]
pub(crate) struct GgufFile {
    source: Source,
    name: String,
    metadata: BTreeMap<String, Value>,
    tensors: BTreeMap<String, Tensor>,
}

impl GgufFile {
    pub(crate) fn read(source: Source) -> Result<Self, RewardError> {
        let name = source.name();
        let length = source.len()?;
        let mut reader = Reader {
            bytes: source.open()?,
            at: 0,
            length,
        };
        match reader.file() {
            Ok((metadata, tensors)) => Ok(Self {
                source,
                name,
                metadata,
                tensors,
            }),
            Err(reason) => Err(RewardError::malformed(&name, reason)),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn texts(&self, key: &str) -> Option<&[String]> {
        match self.metadata.get(key)? {
            Value::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    pub(crate) fn number(&self, key: &str) -> Option<usize> {
        match self.metadata.get(key)? {
            Value::Integer(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    pub(crate) fn float(&self, key: &str) -> Option<f64> {
        match self.metadata.get(key)? {
            Value::Float(number) if number.is_finite() => Some(*number),
            _ => None,
        }
    }

    fn flag(&self, key: &str) -> Option<bool> {
        match self.metadata.get(key)? {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    fn floats(&self, key: &str) -> Option<&[f32]> {
        match self.metadata.get(key)? {
            Value::Floats(numbers) => Some(numbers),
            _ => None,
        }
    }

    fn integers(&self, key: &str) -> Option<&[i64]> {
        match self.metadata.get(key)? {
            Value::Integers(numbers) => Some(numbers),
            _ => None,
        }
    }

    pub(crate) fn shape(&self, tensor: &str) -> Option<&[usize]> {
        self.tensors.get(tensor).map(|t| t.shape.as_slice())
    }

    pub(crate) fn parameters(&self) -> u64 {
        self.tensors
            .values()
            .map(|t| t.shape.iter().product::<usize>() as u64)
            .sum()
    }

    /// The type that most matrices have.
    pub(crate) fn main_type(&self) -> GgmlDType {
        let mut counts: Vec<(GgmlDType, usize)> = Vec::new();
        for tensor in self.tensors.values().filter(|t| t.shape.len() == 2) {
            match counts.iter_mut().find(|(dtype, _)| *dtype == tensor.dtype) {
                Some((_, count)) => *count += tensor.bytes,
                None => counts.push((tensor.dtype, tensor.bytes)),
            }
        }
        counts
            .into_iter()
            .max_by_key(|(_, count)| *count)
            .map_or(GgmlDType::F32, |(dtype, _)| dtype)
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<&Tensor, RewardError> {
        let tensor = self
            .tensors
            .get(name)
            .ok_or_else(|| RewardError::MissingTensor {
                file: self.name.clone(),
                tensor: name.to_owned(),
            })?;
        if tensor.shape != shape {
            return Err(RewardError::TensorShape {
                file: self.name.clone(),
                tensor: name.to_owned(),
                found: tensor.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        Ok(tensor)
    }

    /// The values of a tensor.
    pub(crate) fn f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, RewardError> {
        let tensor = self.tensor(name, shape)?;
        let bytes = self.source.read_at(tensor.offset, tensor.bytes)?;
        values(tensor, &bytes)
    }

    /// The values of a tensor whose rows llama.cpp reordered for its rotation, in Hugging Face's order.
    pub(crate) fn f32_unpermuted(
        &self,
        name: &str,
        shape: &[usize],
        head_dim: usize,
    ) -> Result<Vec<f32>, RewardError> {
        let tensor = self.tensor(name, shape)?;
        let bytes = self.source.read_at(tensor.offset, tensor.bytes)?;
        values(
            tensor,
            &unpermute(&bytes, shape.first().copied().unwrap_or(1), head_dim),
        )
    }

    /// A matrix as the file has it, quantised; `head_dim` where llama.cpp reordered its rows.
    pub(crate) fn quantised(
        &self,
        name: &str,
        shape: &[usize],
        head_dim: Option<usize>,
        device: &Device,
    ) -> Result<QTensor, RewardError> {
        let tensor = self.tensor(name, shape)?;
        let mut bytes = self.source.read_at(tensor.offset, tensor.bytes)?;
        if let Some(head_dim) = head_dim {
            bytes = unpermute(&bytes, shape.first().copied().unwrap_or(1), head_dim);
        }
        Ok(qtensor_from_ggml(
            tensor.dtype,
            &bytes,
            shape.to_vec(),
            device,
        )?)
    }

    /// The tokenizer: as Hugging Face writes it where the file holds that, else rebuilt from the vocabulary.
    pub(crate) fn splitter(&self) -> Result<(Splitter, (&'static str, Vec<u8>)), RewardError> {
        let model = self.text("tokenizer.ggml.model");
        let bytes = match self.text("tokenizer.huggingface.json") {
            Some(text) => text.as_bytes().to_vec(),
            None if model == Some("llama") => return self.pieces(),
            None => self.rebuilt_tokenizer()?,
        };
        let splitter =
            Splitter::from_json(&bytes).map_err(|e| RewardError::malformed(&self.name, e))?;
        Ok((splitter, ("tokenizer.json", bytes)))
    }

    /// A vocabulary of `SentencePiece`'s BPE: pieces, scores and kinds. Control symbols and one's own tokens are split off first, as llama.cpp
    /// does.
    fn pieces(&self) -> Result<(Splitter, (&'static str, Vec<u8>)), RewardError> {
        let missing = |key: &str| {
            RewardError::malformed(&self.name, format!("`{key}` is missing from its metadata"))
        };
        let tokens = self.texts("tokenizer.ggml.tokens");
        let tokens = tokens.ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
        let scores = self.floats("tokenizer.ggml.scores");
        let scores = scores.ok_or_else(|| missing("tokenizer.ggml.scores"))?;
        let kinds = self.integers("tokenizer.ggml.token_type");
        let kinds = kinds.ok_or_else(|| missing("tokenizer.ggml.token_type"))?;
        if scores.len() != tokens.len() || kinds.len() != tokens.len() {
            return Err(RewardError::malformed(
                &self.name,
                "its tokens, their scores and their types are not equally many",
            ));
        }
        let pieces = tokens.iter().zip(scores).zip(kinds);
        let pieces = pieces.map(|((text, score), kind)| (text.clone(), *score, *kind as u64));
        let prefix = self.flag("tokenizer.ggml.add_space_prefix").unwrap_or(true);
        let model = SentencePiece::of_pieces(pieces, prefix).ok_or_else(|| {
            RewardError::malformed(
                &self.name,
                "its vocabulary lacks the unknown, or some bytes",
            )
        })?;
        let added = (0u32..).zip(tokens).zip(kinds);
        let added = added.filter(|(_, kind)| matches!(**kind as u64, 3 | 4));
        let added = added.map(|((id, text), kind)| (text.clone(), id, *kind as u64 == 3));
        let mut about = prefix.to_string().into_bytes();
        for ((text, score), kind) in tokens.iter().zip(scores).zip(kinds) {
            about.extend_from_slice(text.as_bytes());
            about.extend(score.to_le_bytes().into_iter().chain(kind.to_le_bytes()));
        }
        let pieces = Pieces {
            added: added.filter(|(text, ..)| !text.is_empty()).collect(),
            model,
            // llama.cpp writes a space at the beginning and after every special token, whatever follows.
            prefix_always: true,
            prefix_spaces: true,
        };
        Ok((
            Splitter::Pieces(Box::new(pieces)),
            ("tokenizer.model", about),
        ))
    }

    /// `tokenizer.json` for a byte-level BPE vocabulary. (candle's `TokenizerFromGguf` puts a space before every piece of text that
    /// follows a special token, for any pre-tokenizer that it does not know.)
    fn rebuilt_tokenizer(&self) -> Result<Vec<u8>, RewardError> {
        let unsupported = |what: String| {
            RewardError::Unsupported(format!(
                "`{}`: {what} cannot be rebuilt from the file alone; open the model's original folder instead",
                self.name
            ))
        };
        let model = self.text("tokenizer.ggml.model").unwrap_or("none");
        if model != "gpt2" {
            return Err(unsupported(format!("a tokenizer of kind `{model}`")));
        }
        let missing = |key: &str| {
            RewardError::malformed(&self.name, format!("`{key}` is missing from its metadata"))
        };
        let tokens = self
            .texts("tokenizer.ggml.tokens")
            .ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
        let merges = self
            .texts("tokenizer.ggml.merges")
            .ok_or_else(|| missing("tokenizer.ggml.merges"))?;
        let split = |regex: &str| {
            json!({"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false},
                {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]})
        };
        let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
        let pre = self.text("tokenizer.ggml.pre").unwrap_or("default");
        let (normalizer, pre_tokenizer) = match pre {
            "gpt-2" | "default" => (json!(null), byte_level),
            "smollm" => {
                let digits = json!({"type": "Digits", "individual_digits": true});
                (
                    json!(null),
                    json!({"type": "Sequence", "pretokenizers": [digits, byte_level]}),
                )
            }
            "llama-bpe" | "llama3" | "llama-v3" => (json!(null), split(LLAMA3)),
            "qwen2" => (json!({"type": "NFC"}), split(QWEN2)),
            other => return Err(unsupported(format!("a tokenizer that splits as `{other}`"))),
        };
        let types = match self.metadata.get("tokenizer.ggml.token_type") {
            Some(Value::Integers(types)) => types.as_slice(),
            _ => &[],
        };
        // 3 is a control token, 4 one that the model's makers added.
        let added: Vec<_> = tokens
            .iter()
            .enumerate()
            .filter(|(id, _)| matches!(types.get(*id), Some(3 | 4)))
            .map(|(id, token)| {
                json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                       "normalized": false, "special": types.get(id) == Some(&3)})
            })
            .collect();
        let vocab: serde_json::Map<_, _> = tokens
            .iter()
            .enumerate()
            .map(|(id, token)| (token.clone(), json!(id)))
            .collect();
        let tokenizer = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer, "post_processor": null, "decoder": null,
            "model": {"type": "BPE", "vocab": vocab, "merges": merges, "ignore_merges": pre.starts_with("llama")},
        });
        Ok(tokenizer.to_string().into_bytes())
    }

    /// The text of the token whose id is under `key`.
    pub(crate) fn token(&self, key: &str) -> String {
        let token = self
            .number(key)
            .and_then(|id| self.texts("tokenizer.ggml.tokens")?.get(id));
        token.cloned().unwrap_or_default()
    }
}

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

fn values(tensor: &Tensor, bytes: &[u8]) -> Result<Vec<f32>, RewardError> {
    if tensor.dtype == GgmlDType::F32 {
        return Ok(super::weights::f32_values(bytes));
    }
    let quantised = qtensor_from_ggml(tensor.dtype, bytes, tensor.shape.clone(), &Device::Cpu)?;
    Ok(quantised
        .dequantize(&Device::Cpu)?
        .flatten_all()?
        .to_vec1()?)
}

/// llama.cpp stores the two halves of each head's rows alternately (row 2j+i is row i·d/2+j of the head).
fn unpermute(bytes: &[u8], rows: usize, head_dim: usize) -> Vec<u8> {
    let width = bytes.len() / rows.max(1);
    let mut out = Vec::with_capacity(bytes.len());
    for row in 0..rows {
        let (head, within) = (row / head_dim, row % head_dim);
        let (i, j) = (within / (head_dim / 2), within % (head_dim / 2));
        let from = (head * head_dim + 2 * j + i) * width;
        out.extend_from_slice(&bytes[from..from + width]);
    }
    out
}

type Contents = (BTreeMap<String, Value>, BTreeMap<String, Tensor>);

struct Reader {
    bytes: Box<dyn Bytes>,
    at: u64,
    length: u64,
}

impl Reader {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut out = [0; N];
        self.bytes.read_exact(&mut out).map_err(|_short| {
            format!("it ends at byte {} in the middle of its head", self.length)
        })?;
        self.at += N as u64;
        Ok(out)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, String> {
        self.take().map(u64::from_le_bytes)
    }

    fn left(&self) -> u64 {
        self.length.saturating_sub(self.at)
    }

    fn count(&mut self, most: u64, least_bytes: u64, what: &str) -> Result<usize, String> {
        let count = self.u64()?;
        if count > most || count.saturating_mul(least_bytes) > self.left() {
            return Err(format!(
                "at byte {} it claims {count} {what}, which cannot be",
                self.at - 8
            ));
        }
        Ok(count as usize)
    }

    fn string(&mut self) -> Result<String, String> {
        let length = self.count(1 << 28, 1, "bytes of text")?;
        let mut out = vec![0; length];
        self.bytes
            .read_exact(&mut out)
            .map_err(|e| format!("at byte {}: {e}", self.at))?;
        self.at += length as u64;
        String::from_utf8(out)
            .map_err(|_bad| format!("the text at byte {} is not UTF-8", self.at - length as u64))
    }

    fn integer(&mut self, kind: u32) -> Result<i64, String> {
        Ok(match kind {
            0 => i64::from(u8::from_le_bytes(self.take()?)),
            1 => i64::from(i8::from_le_bytes(self.take()?)),
            2 => i64::from(u16::from_le_bytes(self.take()?)),
            3 => i64::from(i16::from_le_bytes(self.take()?)),
            4 => i64::from(self.u32()?),
            5 => i64::from(i32::from_le_bytes(self.take()?)),
            11 => i64::from_le_bytes(self.take()?),
            _ => i64::try_from(self.u64()?).unwrap_or(i64::MAX),
        })
    }

    fn value(&mut self) -> Result<Value, String> {
        let kind = self.u32()?;
        Ok(match kind {
            0..=5 | 10 | 11 => Value::Integer(self.integer(kind)?),
            6 => Value::Float(f64::from(f32::from_le_bytes(self.take()?))),
            7 => Value::Flag(self.integer(0)? != 0),
            8 => Value::Text(self.string()?),
            9 => self.array()?,
            12 => Value::Float(f64::from_le_bytes(self.take()?)),
            _ => {
                return Err(format!(
                    "unknown kind of value {kind} at byte {}",
                    self.at - 4
                ));
            }
        })
    }

    fn array(&mut self) -> Result<Value, String> {
        let kind = self.u32()?;
        let size: u64 = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            _ => return Err(format!("an array of kind {kind} at byte {}", self.at - 4)),
        };
        let count = self.count(MOST_ELEMENTS, size, "elements of an array")?;
        Ok(match kind {
            8 => Value::Texts(
                (0..count)
                    .map(|_| self.string())
                    .collect::<Result<_, _>>()?,
            ),
            6 => Value::Floats(
                (0..count)
                    .map(|_| Ok(f32::from_le_bytes(self.take()?)))
                    .collect::<Result<_, String>>()?,
            ),
            12 => Value::Floats(
                (0..count)
                    .map(|_| Ok(f64::from_le_bytes(self.take()?) as f32))
                    .collect::<Result<_, String>>()?,
            ),
            7 => Value::Integers(
                (0..count)
                    .map(|_| self.integer(0))
                    .collect::<Result<_, _>>()?,
            ),
            _ => Value::Integers(
                (0..count)
                    .map(|_| self.integer(kind))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    fn file(&mut self) -> Result<Contents, String> {
        if &self.take::<4>()? != b"GGUF" {
            return Err("it is not a GGUF file".to_owned());
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("GGUF version {version} is not supported"));
        }
        let tensor_count = self.count(MOST_ENTRIES, 24, "tensors")?;
        let entries = self.count(MOST_ENTRIES, 13, "entries")?;
        let mut metadata = BTreeMap::new();
        for _ in 0..entries {
            let key = self.string()?;
            let value = self.value().map_err(|e| format!("`{key}`: {e}"))?;
            metadata.insert(key, value);
        }
        let mut tensors = BTreeMap::new();
        for _ in 0..tensor_count {
            let name = self.string()?;
            let tensor = self.tensor().map_err(|e| format!("tensor `{name}`: {e}"))?;
            tensors.insert(name, tensor);
        }
        let alignment = match metadata.get("general.alignment") {
            Some(Value::Integer(n)) => u64::try_from(*n).unwrap_or(0),
            _ => 32,
        };
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return Err(format!("an alignment of {alignment}"));
        }
        let data = self.at.next_multiple_of(alignment);
        for (name, tensor) in &mut tensors {
            tensor.offset = tensor.offset.saturating_add(data);
            let end = tensor.offset.saturating_add(tensor.bytes as u64);
            if end > self.length {
                return Err(format!(
                    "it is cut off: tensor `{name}` ends at byte {end}, the file at {}",
                    self.length
                ));
            }
        }
        // Each has bytes of its own: what is read is never more than there is.
        let bytes = tensors
            .values()
            .fold(0, |sum: u64, t| sum.saturating_add(t.bytes as u64));
        if bytes > self.length {
            return Err("its tensors share the same bytes".to_owned());
        }
        Ok((metadata, tensors))
    }

    fn tensor(&mut self) -> Result<Tensor, String> {
        let rank = self.u32()?;
        if rank > 4 {
            return Err(format!("{rank} dimensions"));
        }
        let mut shape = Vec::new();
        for _ in 0..rank {
            shape.push(usize::try_from(self.u64()?).unwrap_or(usize::MAX));
        }
        let row = shape.first().copied().unwrap_or(1);
        shape.reverse();
        let dtype = match self.u32()? {
            0 => GgmlDType::F32,
            1 => GgmlDType::F16,
            2 => GgmlDType::Q4_0,
            3 => GgmlDType::Q4_1,
            6 => GgmlDType::Q5_0,
            7 => GgmlDType::Q5_1,
            8 => GgmlDType::Q8_0,
            10 => GgmlDType::Q2K,
            11 => GgmlDType::Q3K,
            12 => GgmlDType::Q4K,
            13 => GgmlDType::Q5K,
            14 => GgmlDType::Q6K,
            30 => GgmlDType::BF16,
            other => return Err(format!("values of kind {other} are not supported")),
        };
        let count = shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
        let bytes = count
            .filter(|_| row.is_multiple_of(dtype.block_size()))
            .and_then(|n| (n / dtype.block_size()).checked_mul(dtype.type_size()))
            .filter(|&n| n as u64 <= self.length)
            .ok_or_else(|| format!("shape {shape:?} cannot be"))?;
        Ok(Tensor {
            shape,
            dtype,
            offset: self.u64()?,
            bytes,
        })
    }
}
