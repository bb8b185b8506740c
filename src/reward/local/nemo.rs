//! `.nemo` files of NVIDIA's `NeMo`: a tar that is read in place, never unpacked. Inside: `model_config.yaml`, a vocabulary of `SentencePiece`, and
//! the weights as zarr 2 arrays (a folder per tensor, a file per chunk), layers stacked or each by itself.
//!
//! Names and layout as `NeMo`'s `convert_llama_nemo_to_hf.py` has them: queries, keys and values in one matrix group by group, gate above up.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path};

use serde_json::Value as Json;

use super::checkpoint::Section;
use super::config::{DecoderConfig, Facts};
use super::distributed;
use super::layout;
use super::source::{Source, file_name};
use super::weights::{Kind, Part, Tensor, TensorFiles};
use crate::reward::RewardError;
use crate::reward::sentencepiece::SentencePiece;
use crate::reward::tokens::{Pieces, Splitter};

/// Configuration, vocabulary and descriptions of arrays are far smaller.
const MOST_TEXT: u64 = 64 << 20;
/// No model has more files.
const MOST_MEMBERS: usize = 1 << 21;

/// The nine attributes of `NeMo`'s regression models, in their order.
const ATTRIBUTES: [&str; 9] = [
    "quality",
    "toxicity",
    "humor",
    "creativity",
    "helpfulness",
    "correctness",
    "coherence",
    "complexity",
    "verbosity",
];

/// An opened file.
pub(super) struct Nemo {
    pub(super) config: DecoderConfig,
    pub(super) weights: TensorFiles,
    pub(super) splitter: Splitter,
    pub(super) vocabulary: Vec<u8>,
}

/// All files of the tar, by name, and where they lie in it.
type Members = BTreeMap<String, Section>;

impl Nemo {
    /// Reads what is where in a file.
    pub(super) fn open(path: &Path) -> Result<Self, RewardError> {
        let source = Source::Path(path.to_owned());
        let name = file_name(path);
        let bad = |reason: &str| RewardError::malformed(&name, reason);
        let members = members(path, &source)?;
        let text = |member: &str| -> Result<Vec<u8>, RewardError> {
            let place = members.get(member).filter(|place| place.bytes <= MOST_TEXT);
            let place =
                place.ok_or_else(|| bad(&format!("there is no readable `{member}` in it")))?;
            source.read_at(place.offset, place.bytes as usize)
        };
        let config = String::from_utf8(text("model_config.yaml")?)
            .map_err(|_not_text| bad("its `model_config.yaml` is not UTF-8"))?;
        let settings = Settings::read(&config);
        let config = settings.config(&name)?;
        let kept = settings
            .get("tokenizer.model")
            .or(settings.get("tokenizer.tokenizer_model"));
        let kept = kept.and_then(|model| model.strip_prefix("nemo:"));
        let kept = kept.filter(|_| settings.get("tokenizer.library") == Some("sentencepiece"));
        let kept = kept.ok_or_else(|| {
            let library = settings.get("tokenizer.library").unwrap_or("none");
            RewardError::Unsupported(format!(
                "`{name}`: its tokenizer is of `{library}` and not in the file; only SentencePiece's is read"
            ))
        })?;
        let vocabulary = text(kept)?;
        let model = SentencePiece::read(kept, &vocabulary)?;
        let mut tensors = BTreeMap::new();
        for member in members.keys() {
            let array = member
                .strip_prefix("model_weights/")
                .and_then(|m| m.strip_suffix("/.zarray"));
            if let Some(array) = array
                && wanted(array)
            {
                let about: Json = serde_json::from_slice(&text(member)?)
                    .map_err(|e| RewardError::malformed(member, e))?;
                let array = Array::read(array, &about, &members)
                    .map_err(|reason| RewardError::malformed(member, reason))?;
                let rows = |range: Range<usize>| Some(array.tensor(range));
                place(array.name, &array.shape, &config, &rows, &mut tensors)
                    .map_err(|reason| RewardError::malformed(member, reason))?;
            }
        }
        if members.contains_key("model_weights/.metadata") {
            let file = |path: &str| members.get(&format!("model_weights/{path}")).copied();
            let found =
                distributed::tensors(&source, &text("model_weights/.metadata")?, &file, &wanted);
            for (name, tensor) in found.map_err(|e| bad(&e))? {
                let rows = |range: Range<usize>| tensor.rows(std::iter::once(range));
                place(&name, &tensor.shape, &config, &rows, &mut tensors)
                    .map_err(|e| bad(&format!("tensor `{name}`: {e}")))?;
            }
        }
        if tensors.is_empty() {
            return Err(bad("there are no weights in it"));
        }
        let length = source.len()?;
        let weights = TensorFiles::of(name, vec![source], tensors);
        weights.not_shared(0, length)?;
        Ok(Self {
            weights,
            config,
            splitter: Splitter::Pieces(Box::new(Pieces {
                model,
                // Its own markers are ordinary text to it.
                added: vec![],
                prefix_always: true,
                prefix_spaces: true,
            })),
            vocabulary,
        })
    }
}

/// The files of a tar. Nothing is unpacked, so that links and paths that lead out of it do no harm; they are refused all the same.
fn members(path: &Path, source: &Source) -> Result<Members, RewardError> {
    let bad = |reason: String| RewardError::malformed(&source.name(), reason);
    let length = source.len()?;
    let file = std::fs::File::open(path).map_err(RewardError::io(path))?;
    let mut archive = tar::Archive::new(std::io::BufReader::new(file));
    let mut members = Members::new();
    let entries = archive
        .entries_with_seek()
        .map_err(|e| bad(e.to_string()))?;
    for entry in entries {
        let entry = entry.map_err(|e| bad(format!("it is cut off, or no tar: {e}")))?;
        let kind = entry.header().entry_type();
        let inside = entry.path().map_err(|e| bad(e.to_string()))?;
        let strange = |c: Component<'_>| !matches!(c, Component::Normal(_) | Component::CurDir);
        if inside.components().any(strange) || kind.is_symlink() || kind.is_hard_link() {
            let inside = inside.display();
            return Err(bad(format!("`{inside}` in it leads elsewhere")));
        }
        if !kind.is_file() && !kind.is_contiguous() {
            continue;
        }
        let parts = inside
            .components()
            .filter(|c| matches!(c, Component::Normal(_)));
        let name: Vec<String> = parts
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect();
        let member = Section {
            offset: entry.raw_file_position(),
            bytes: entry.size(),
        };
        if member
            .offset
            .checked_add(member.bytes)
            .is_none_or(|end| end > length)
        {
            return Err(bad(format!(
                "it is cut off: `{}` ends beyond it",
                name.join("/")
            )));
        }
        members.insert(name.join("/"), member);
        if members.len() > MOST_MEMBERS {
            return Err(bad("it has more files than any model".to_owned()));
        }
    }
    Ok(members)
}

/// Whether an array holds weights that are needed: no vocabulary head, no state of the training's own.
fn wanted(array: &str) -> bool {
    !array.contains("_extra_state")
        && !array.starts_with("model.output_layer.")
        && !array.starts_with("optimizer.")
}

/// `model_config.yaml` as `NeMo` writes it: settings by their path, such as `tokenizer.library`. Lists are left out.
struct Settings<'a>(BTreeMap<String, &'a str>);

impl<'a> Settings<'a> {
    fn read(text: &'a str) -> Self {
        let mut found = BTreeMap::new();
        let mut path: Vec<(usize, &str)> = vec![];
        for line in text.lines() {
            let inside = line.trim_start();
            let indent = line.len() - inside.len();
            if inside.starts_with(['#', '-']) {
                continue;
            }
            let Some((key, value)) = inside.split_once(':') else {
                continue;
            };
            path.retain(|(depth, _)| *depth < indent);
            path.push((indent, key.trim()));
            let value = value.split(" #").next().unwrap_or_default().trim();
            if !value.is_empty() && value != "null" {
                let keys: Vec<&str> = path.iter().map(|(_, key)| *key).collect();
                found.insert(keys.join("."), value.trim_matches(['\'', '"']));
            }
        }
        Self(found)
    }

    fn get(&self, path: &str) -> Option<&'a str> {
        self.0.get(path).copied()
    }

    fn number(&self, path: &str) -> Option<f64> {
        self.get(path)?.parse().ok().filter(|n: &f64| n.is_finite())
    }

    fn size(&self, path: &str) -> Option<usize> {
        self.get(path)?.parse().ok()
    }

    /// What the decoder is.
    fn config(&self, file: &str) -> Result<DecoderConfig, RewardError> {
        let needed = |key: &str| {
            let missing = || {
                RewardError::malformed(
                    file,
                    format!("`{key}` is missing from its `model_config.yaml`"),
                )
            };
            self.size(key).ok_or_else(missing)
        };
        let expected = [
            ("normalization", &["rmsnorm"][..]),
            ("activation", &["fast-swiglu", "swiglu"][..]),
            ("position_embedding_type", &["rope"][..]),
            ("rotary_percentage", &["1.0", "1"][..]),
            ("bias", &["false"][..]),
            ("use_avg_pool", &["false"][..]),
            ("scale_positional_embedding", &["false"][..]),
            ("add_qkv_bias", &["false"][..]),
        ];
        for (key, known) in expected {
            if let Some(other) = self
                .get(key)
                .filter(|value| !known.contains(&value.to_lowercase().as_str()))
            {
                return Err(RewardError::Unsupported(format!(
                    "`{file}`: `{key}: {other}` is not supported yet"
                )));
            }
        }
        let heads = needed("num_attention_heads")?;
        let hidden = needed("hidden_size")?;
        let outputs = self.size("regression.num_attributes").unwrap_or(1);
        let standard = self.get("reward_standardization.enable") == Some("true");
        let standard = standard.then(|| {
            let number = |key, usual| self.number(key).unwrap_or(usual);
            let (mean, deviation) = (
                number("reward_standardization.mean", 0.0),
                number("reward_standardization.std", 1.0),
            );
            (mean, deviation)
        });
        DecoderConfig::llama(
            file,
            Facts {
                hidden,
                intermediate: needed("ffn_hidden_size")?,
                layers: needed("num_layers")?,
                heads,
                kv_heads: self.size("num_query_groups").unwrap_or(heads),
                head_dim: self
                    .size("kv_channels")
                    .unwrap_or_else(|| hidden.checked_div(heads).unwrap_or(0)),
                eps: self.number("layernorm_epsilon").unwrap_or(1e-5),
                context: self
                    .size("encoder_seq_length")
                    .map_or_else(|| needed("max_position_embeddings"), Ok)?,
                theta: self.number("rotary_base").unwrap_or(10_000.0),
                stretch: self.number("seq_len_interpolation_factor").unwrap_or(1.0),
                standard,
                outputs: if outputs == ATTRIBUTES.len() {
                    ATTRIBUTES.map(str::to_owned).to_vec()
                } else {
                    vec![]
                },
            },
        )
    }
}

/// An array of zarr 2 without compression: its chunks are files of plain values.
struct Array<'a> {
    name: &'a str,
    kind: Kind,
    shape: Vec<usize>,
    chunk: Vec<usize>,
    /// The chunks, in row-major order of their grid.
    files: Vec<Section>,
    grid: Vec<usize>,
}

impl<'a> Array<'a> {
    fn read(name: &'a str, about: &Json, members: &Members) -> Result<Self, String> {
        let plain = about["zarr_format"] == 2
            && about["compressor"].is_null()
            && about["filters"].is_null()
            && about["order"] == "C";
        if !plain {
            return Err("it is compressed, or no array of zarr 2 in row-major order".to_owned());
        }
        let kind = match about["dtype"].as_str() {
            Some("bfloat16") => Kind::Bf16,
            Some("<f4") => Kind::F32,
            Some("<f2") => Kind::F16,
            Some("<f8") => Kind::F64,
            other => return Err(format!("values of type `{}`", other.unwrap_or("none"))),
        };
        let sizes = |key: &str| -> Option<Vec<usize>> {
            let list = about[key].as_array()?.iter();
            list.map(|n| usize::try_from(n.as_u64()?).ok().filter(|n| *n > 0))
                .collect()
        };
        let (shape, chunk) = (sizes("shape"), sizes("chunks"));
        let sizes = shape.zip(chunk).filter(|(shape, chunk)| {
            let values = shape
                .iter()
                .try_fold(1usize, |n, size| n.checked_mul(*size));
            shape.len() == chunk.len()
                && (1..=3).contains(&shape.len())
                && chunk.iter().zip(shape).all(|(c, n)| c <= n)
                && values.is_some_and(|n| n < 1 << 42)
        });
        let (shape, chunk) = sizes.ok_or("sizes that make no sense")?;
        let grid: Vec<usize> = shape
            .iter()
            .zip(&chunk)
            .map(|(n, c)| n.div_ceil(*c))
            .collect();
        let bytes = chunk
            .iter()
            .try_fold(kind.size() as u64, |n, size| n.checked_mul(*size as u64));
        let count: usize = grid.iter().product();
        if count > MOST_MEMBERS {
            return Err(format!("{count} chunks"));
        }
        let mut files = Vec::with_capacity(count);
        for at in 0..count {
            let mut rest = at;
            let mut index: Vec<String> = grid
                .iter()
                .rev()
                .map(|n| {
                    let here = rest % n;
                    rest /= n;
                    here.to_string()
                })
                .collect();
            index.reverse();
            let chunk = format!("model_weights/{name}/{}", index.join("."));
            let file = members.get(&chunk).filter(|file| Some(file.bytes) == bytes);
            files.push(*file.ok_or_else(|| {
                format!("chunk `{}` is missing or of another size", index.join("."))
            })?);
        }
        Ok(Self {
            name,
            kind,
            shape,
            chunk,
            files,
            grid,
        })
    }

    /// A part of its first dimension as a tensor.
    fn tensor(&self, first: Range<usize>) -> Tensor {
        // How many dimensions, from the last on, every chunk holds whole.
        let whole = self.grid.iter().rev().take_while(|n| **n == 1).count();
        // Values lie one after another along the dimension before those.
        let run = self.shape.len() - 1 - whole.min(self.shape.len() - 1);
        let below: usize = self.shape[run + 1..].iter().product();
        let mut parts = vec![];
        let mut outer: Vec<Range<usize>> = self.shape[..run].iter().map(|n| 0..*n).collect();
        let mut along = 0..self.shape[run];
        match outer.first_mut() {
            Some(range) => *range = first.clone(),
            None => along = first.clone(),
        }
        let count: usize = outer.iter().map(Range::len).product();
        for at in 0..count {
            let mut rest = at;
            let mut index: Vec<usize> = outer
                .iter()
                .rev()
                .map(|range| {
                    let here = range.start + rest % range.len();
                    rest /= range.len();
                    here
                })
                .collect();
            index.reverse();
            let mut start = along.start;
            while start < along.end {
                let end = along
                    .end
                    .min((start / self.chunk[run] + 1) * self.chunk[run]);
                index.push(start);
                let (mut file, mut within) = (0, 0);
                for (dimension, place) in index.iter().enumerate() {
                    file = file * self.grid[dimension] + place / self.chunk[dimension];
                    within = within * self.chunk[dimension] + place % self.chunk[dimension];
                }
                index.pop();
                // The chunk's own last dimensions are those of the array.
                let file = file * self.grid[run + 1..].iter().product::<usize>();
                let size = self.kind.size();
                parts.push(Part {
                    file: 0,
                    offset: self.files[file].offset + (within * below * size) as u64,
                    bytes: (end - start) * below * size,
                });
                start = end;
            }
        }
        let mut shape = self.shape.clone();
        shape[0] = first.len();
        Tensor {
            kind: self.kind,
            shape,
            strides: None,
            parts,
        }
    }
}

/// Gives a tensor of that name and shape, whose rows `rows` gives, the names that the decoder asks for.
fn place(
    name: &str,
    shape: &[usize],
    config: &DecoderConfig,
    rows: &dyn Fn(Range<usize>) -> Option<Tensor>,
    to: &mut BTreeMap<String, Tensor>,
) -> Result<(), String> {
    let first = shape.first().copied().unwrap_or(0);
    let whole = || rows(0..first).ok_or("values that do not lie row by row");
    let Some(rest) = name.strip_prefix("model.decoder.layers.") else {
        let name = match name {
            "model.embedding.word_embeddings.weight" => "model.embed_tokens.weight",
            "model.decoder.final_layernorm.weight" => "model.norm.weight",
            "model.rm_head.weight" => "score.weight",
            "model.rm_head.bias" => "score.bias",
            // What is of no use to a score.
            _ => return Ok(()),
        };
        to.insert(name.to_owned(), whole()?);
        return Ok(());
    };
    let numbered = rest.split_once('.');
    let numbered = numbered.and_then(|(layer, part)| Some((layer.parse().ok()?, part)));
    let layers: Vec<(usize, &str, Tensor)> = match numbered {
        Some((layer, part)) => vec![(layer, part, whole()?)],
        None if shape.len() < 2 || first != config.layers => {
            return Err(format!("{first} layers where there are {}", config.layers));
        }
        None => {
            let one = |at: usize| {
                let mut tensor = rows(at..at + 1).ok_or("values that do not lie row by row")?;
                tensor.shape.remove(0);
                Ok((at, rest, tensor))
            };
            (0..config.layers).map(one).collect::<Result<_, String>>()?
        }
    };
    for (layer, part, tensor) in layers {
        for (name, tensor) in layer_tensors(config, part, tensor)? {
            to.insert(format!("model.layers.{layer}.{name}.weight"), tensor);
        }
    }
    Ok(())
}

/// What one tensor of a layer is called, or what it is made of.
fn layer_tensors(
    config: &DecoderConfig,
    part: &str,
    tensor: Tensor,
) -> Result<Vec<(&'static str, Tensor)>, String> {
    let renamed = match part {
        "self_attention.linear_proj.weight" => "self_attn.o_proj",
        "self_attention.linear_qkv.layer_norm_weight" => "input_layernorm",
        "mlp.linear_fc1.layer_norm_weight" => "post_attention_layernorm",
        "mlp.linear_fc2.weight" => "mlp.down_proj",
        "self_attention.linear_qkv.weight" => {
            let [query, key, value] = layout::split(config, &tensor);
            let (Some(query), Some(key), Some(value)) = (query, key, value) else {
                return Err(format!(
                    "{:?} rows and columns of queries, keys and values",
                    tensor.shape
                ));
            };
            return Ok(vec![
                ("self_attn.q_proj", query),
                ("self_attn.k_proj", key),
                ("self_attn.v_proj", value),
            ]);
        }
        "mlp.linear_fc1.weight" => {
            let half = config.intermediate;
            let whole = tensor.shape.first().is_some_and(|rows| *rows == 2 * half);
            let rows = |from: usize| {
                let rows = tensor.rows(std::iter::once(from..from + half));
                rows.filter(|_| whole)
            };
            let (Some(gate), Some(up)) = (rows(0), rows(half)) else {
                return Err(format!(
                    "{:?} rows and columns of gate and up",
                    tensor.shape
                ));
            };
            return Ok(vec![("mlp.gate_proj", gate), ("mlp.up_proj", up)]);
        }
        _ => return Ok(vec![]),
    };
    Ok(vec![(renamed, tensor)])
}
