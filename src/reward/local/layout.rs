//! Weights that a model keeps under other names, or several of them in one tensor: given the names of Llama in transformers, without
//! reading them.

use super::config::{DecoderConfig, Family};
use super::weights::{Tensor, TensorFiles};
use crate::reward::RewardError;

/// Gives the tensors of `files` the names that the decoder asks for.
pub(super) fn rename(config: &DecoderConfig, files: &mut TensorFiles) -> Result<(), RewardError> {
    if config.family == Family::InternLm2 {
        return internlm2(config, files);
    }
    // Starling keeps its base as `transformer.*`.
    if files
        .tensors
        .contains_key("transformer.embed_tokens.weight")
    {
        let tensors = std::mem::take(&mut files.tensors).into_iter();
        files.tensors = tensors
            .map(|(name, tensor)| match name.strip_prefix("transformer.") {
                Some(rest) => (format!("model.{rest}"), tensor),
                None => (name, tensor),
            })
            .collect();
    }
    Ok(())
}

/// Queries, keys and values in one matrix: for each key head its query heads, then its key, then its value.
fn internlm2(config: &DecoderConfig, files: &mut TensorFiles) -> Result<(), RewardError> {
    let parts = [
        ("model.tok_embeddings", "model.embed_tokens"),
        (".attention.wo", ".self_attn.o_proj"),
        (".feed_forward.w1", ".mlp.gate_proj"),
        (".feed_forward.w3", ".mlp.up_proj"),
        (".feed_forward.w2", ".mlp.down_proj"),
        (".attention_norm", ".input_layernorm"),
        (".ffn_norm", ".post_attention_layernorm"),
    ];
    let file = files.name().to_owned();
    for (name, tensor) in std::mem::take(&mut files.tensors) {
        if let Some((layer, kind)) = name.split_once(".attention.wqkv.") {
            for (part, rows) in ["q_proj", "k_proj", "v_proj"]
                .iter()
                .zip(split(config, &tensor))
            {
                let rows = rows.ok_or_else(|| RewardError::TensorShape {
                    file: file.clone(),
                    tensor: name.clone(),
                    found: tensor.shape.clone(),
                    expected: vec![
                        (config.heads + 2 * config.kv_heads) * config.head_dim,
                        config.hidden,
                    ],
                })?;
                files
                    .tensors
                    .insert(format!("{layer}.self_attn.{part}.{kind}"), rows);
            }
            continue;
        }
        let renamed = parts
            .iter()
            .fold(name, |name, (theirs, ours)| name.replace(theirs, ours));
        files.tensors.insert(renamed, tensor);
    }
    Ok(())
}

/// The rows of queries, keys and values.
pub(super) fn split(config: &DecoderConfig, fused: &Tensor) -> [Option<Tensor>; 3] {
    let (dim, shared) = (config.head_dim, config.heads / config.kv_heads);
    let whole = (config.heads + 2 * config.kv_heads) * dim;
    let group = |at: usize| at * (shared + 2) * dim;
    let part = |from: usize, count: usize| {
        let ranges =
            (0..config.kv_heads).map(|at| group(at) + from * dim..group(at) + (from + count) * dim);
        fused
            .rows(ranges)
            .filter(|_| fused.shape.first() == Some(&whole))
    };
    [part(0, shared), part(shared, 1), part(shared + 1, 1)]
}
