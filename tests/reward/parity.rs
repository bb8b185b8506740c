use std::collections::BTreeMap;

use serde::Deserialize;
use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::local::cpu::Isa;
use tiebreak::reward::{DtypeChoice, LoadOptions, Loops, ModelRef, Scorer as _};

use super::{Message, copy, fixture, model, options, score, turns};

#[derive(Deserialize)]
struct Row {
    messages: Vec<Message>,
    ids: Vec<u32>,
    outputs: Vec<f64>,
    padded: Option<Vec<f64>>,
}

fn rows(name: &str) -> Vec<Row> {
    let llama = name.starts_with("llama");
    let file = if llama {
        "scores.json"
    } else {
        "families.json"
    };
    let text = std::fs::read(fixture(file)).unwrap();
    let mut all: BTreeMap<String, Vec<Row>> = serde_json::from_slice(&text).unwrap();
    all.remove(name).unwrap()
}

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance
}

/// Every conversation, alone and all together, against transformers alone and padded to a batch.
/// By every set of instructions that there is, and by candle's operations.
fn check(name: &str) {
    let own = Isa::all().into_iter().map(Loops::With);
    let own = own.map(|loops| (loops, None));
    // Of one device, and with the layers split over two.
    for (loops, split) in own.chain([(Loops::Candle, None), (Loops::Candle, Some(2))]) {
        let options = LoadOptions {
            loops,
            split,
            ..options()
        };
        let model = ModelRef::Path(fixture(name));
        agrees(&mut LocalScorer::load(&model, &options).unwrap(), name);
    }
}

fn agrees(scorer: &mut LocalScorer, name: &str) {
    let rows = rows(name);
    let conversations: Vec<_> = rows.iter().map(|r| turns(&r.messages)).collect();
    let (together, _) = score(scorer, &conversations);
    for ((row, conversation), together) in rows.iter().zip(&conversations).zip(together) {
        assert_eq!(scorer.encode(conversation).unwrap().ids, row.ids);
        let (alone, stats) = score(scorer, std::slice::from_ref(conversation));
        assert_eq!(alone[0].tokens as usize, row.ids.len());
        assert_eq!(stats.tokens, row.ids.len() as u64);
        for output in [&alone[0], &together] {
            let padded = row.padded.as_ref().unwrap_or(&row.outputs);
            assert!(
                close(output.score, row.outputs[0], 1e-4),
                "{} {:?}",
                output.score,
                row.outputs
            );
            assert!(
                close(output.score, padded[0], 1e-4),
                "{} {padded:?}",
                output.score
            );
            for (name, expected) in scorer.info().attributes.iter().zip(&row.outputs) {
                assert!(close(output.attributes[name], *expected, 1e-4));
            }
        }
        assert!(close(alone[0].score, together.score, 1e-5));
    }
}

#[test]
fn one_output_with_a_beginning_of_text_in_template_and_tokenizer() {
    check("llama-1");
    assert!(model("llama-1").info().attributes.is_empty());
}

#[test]
fn five_outputs_in_bfloat16_with_scaled_rotation_and_padding_that_ends_turns() {
    check("llama-5");
    let scorer = model("llama-5");
    let names = [
        "helpfulness",
        "correctness",
        "coherence",
        "complexity",
        "verbosity",
    ];
    assert_eq!(scorer.info().attributes, names);
    assert_eq!(scorer.info().dtype, "f32");
}

#[test]
fn no_padding_token_with_biases_and_a_head_size_of_its_own() {
    check("llama-nopad");
}

#[test]
fn gguf_scores_as_the_folder_it_was_made_from() {
    let rows = rows("llama-1");
    let conversations: Vec<_> = rows.iter().map(|r| turns(&r.messages)).collect();
    let mut scorer = model("llama-1.f32.gguf");
    let (found, _) = score(&mut scorer, &conversations);
    for (row, found) in rows.iter().zip(&found) {
        assert!(close(found.score, row.outputs[0], 1e-4));
    }
}

#[test]
fn gguf_files_of_qwen_score_as_transformers_does() {
    check("qwen2-plain.gguf");
    // Made from the folder of that name.
    agrees(&mut model("qwen3.gguf"), "qwen3");
}

#[test]
fn every_kind_of_block_has_the_values_that_llama_cpp_reads() {
    let text = std::fs::read(fixture("kquants.json")).unwrap();
    let rows: Vec<Row> = serde_json::from_slice(&text).unwrap();
    let mut scorer = model("kquants.gguf");
    let conversations: Vec<_> = rows.iter().map(|r| turns(&r.messages)).collect();
    let (found, _) = score(&mut scorer, &conversations);
    for ((row, conversation), found) in rows.iter().zip(&conversations).zip(found) {
        assert_eq!(scorer.encode(conversation).unwrap().ids, row.ids);
        assert!(
            (found.score - row.outputs[0]).abs() < 1e-4,
            "{} {}",
            found.score,
            row.outputs[0]
        );
    }
}

#[test]
fn gguf_vocabulary_alone_gives_the_same_tokens() {
    let scorer = model("llama-1.q8_0.gguf");
    for row in rows("llama-1") {
        assert_eq!(scorer.encode(&turns(&row.messages)).unwrap().ids, row.ids);
    }
}

#[test]
fn quantised_weights_are_computed_in_f32_unless_asked_otherwise() {
    let rows = rows("llama-1.q8_0.gguf");
    let conversations: Vec<_> = rows.iter().map(|r| turns(&r.messages)).collect();
    let mut keys = vec![model("llama-1").info().id.key()];
    let cases = [
        ("llama-1.q8_0.gguf", DtypeChoice::Auto, "f32", 1e-4),
        // These quantise the activations too; a tiny model with large random weights makes much of that.
        ("llama-1.q8_0.gguf", DtypeChoice::Q8_0, "int8", 0.25),
        ("llama-1", DtypeChoice::Q8_0, "int8", 0.25),
        ("llama-1", DtypeChoice::Bf16, "bf16", 0.1),
        ("llama-1", DtypeChoice::F16, "f16", 0.01),
        ("llama-1", DtypeChoice::Q4K, "q4_k", 0.5),
    ];
    for (name, dtype, called, tolerance) in cases {
        let rows = self::rows(name);
        let options = LoadOptions { dtype, ..options() };
        if dtype == DtypeChoice::Bf16 {
            // Candle computes everything in it, residuals, too.
            let options = LoadOptions {
                loops: Loops::Candle,
                ..options.clone()
            };
            let mut scorer = LocalScorer::load(&ModelRef::Path(fixture(name)), &options).unwrap();
            let (found, _) = score(&mut scorer, &conversations);
            for (row, found) in rows.iter().zip(&found) {
                assert!(close(found.score, row.outputs[0], 0.25), "{}", found.score);
            }
        }
        let mut scorer = LocalScorer::load(&ModelRef::Path(fixture(name)), &options).unwrap();
        assert_eq!(scorer.info().dtype, called);
        assert_eq!(scorer.info().id.dtype, called);
        keys.push(scorer.info().id.key());
        let (found, _) = score(&mut scorer, &conversations);
        for (row, found) in rows.iter().zip(&found) {
            let expected = row.outputs[0];
            assert!(
                close(found.score, expected, tolerance),
                "{name} {dtype:?} {expected} {}",
                found.score
            );
        }
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 7);
}

#[test]
fn shards_score_as_one_file() {
    let whole = copy("llama-1");
    let bytes = std::fs::read(whole.path().join("model.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes)
        .unwrap()
        .tensors();
    let mut map = serde_json::Map::new();
    for (number, part) in tensors.chunks(tensors.len().div_ceil(3)).enumerate() {
        let file = format!("model-{number}.safetensors");
        for (name, _) in part {
            map.insert(name.clone(), file.clone().into());
        }
        let views = part.iter().map(|(name, view)| (name.clone(), view.clone()));
        safetensors::serialize_to_file(views, None, &whole.path().join(file)).unwrap();
    }
    std::fs::remove_file(whole.path().join("model.safetensors")).unwrap();
    let index = serde_json::json!({ "metadata": {}, "weight_map": map });
    std::fs::write(
        whole.path().join("model.safetensors.index.json"),
        index.to_string(),
    )
    .unwrap();

    let conversations: Vec<_> = rows("llama-1").iter().map(|r| turns(&r.messages)).collect();
    let mut sharded = LocalScorer::load(&ModelRef::Path(whole.path().into()), &options()).unwrap();
    assert_eq!(
        score(&mut sharded, &conversations).0,
        score(&mut model("llama-1"), &conversations).0
    );
}

// -----------------------------------------------------------------------------------------
// Other families

#[test]
fn mistral_with_windows() {
    check("mistral");
}

#[test]
fn qwen2_with_biases_and_windows_from_the_second_layer_on() {
    check("qwen2");
}

#[test]
fn qwen3_with_norms_of_queries_and_keys() {
    check("qwen3");
}

#[test]
fn gemma2_with_soft_caps_norms_at_both_ends_and_alternating_windows() {
    check("gemma2");
}

/// The causal model with a head of the fixtures, as two shards; LLaMA-Factory's beside it as it is.
fn with_head(name: &str) -> tempfile::TempDir {
    let folder = copy("llama-causal");
    let at = |file: &str| folder.path().join(file);
    let head = fixture(&format!("{name}.safetensors"));
    if name == "head-value-head" {
        std::fs::copy(head, at("value_head.safetensors")).unwrap();
        return folder;
    }
    let mut map = serde_json::Map::new();
    std::fs::rename(at("model.safetensors"), at("one.safetensors")).unwrap();
    std::fs::copy(head, at("two.safetensors")).unwrap();
    for shard in ["one.safetensors", "two.safetensors"] {
        let bytes = std::fs::read(at(shard)).unwrap();
        let size = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&bytes[8..8 + size]).unwrap();
        for tensor in header.keys().filter(|t| *t != "__metadata__") {
            map.insert(tensor.clone(), shard.into());
        }
    }
    let index = serde_json::json!({ "weight_map": map });
    std::fs::write(at("model.safetensors.index.json"), index.to_string()).unwrap();
    folder
}

#[test]
fn value_heads_of_other_trainers_score_as_written() {
    for (name, head) in [
        ("head-v-head-linear", "v_head.summary"),
        ("head-v-head-mlp", "v_head.summary"),
        ("head-score-mlp", "score"),
        ("head-regression", "regression_head"),
        ("head-v-head", "v_head"),
        ("head-value-head", "v_head.summary"),
    ] {
        let folder = with_head(name);
        let model = ModelRef::Path(folder.path().to_owned());
        let mut scorer = LocalScorer::load(&model, &options()).unwrap();
        assert_eq!(scorer.info().id.head, head, "{name}");
        agrees(&mut scorer, name);
        // The same by its name; another name is told to be missing.
        let named = |wanted: &str| LoadOptions {
            head: wanted.parse().unwrap(),
            ..options()
        };
        agrees(&mut LocalScorer::load(&model, &named(head)).unwrap(), name);
        let error = LocalScorer::load(&model, &named("no_head"))
            .map(drop)
            .unwrap_err();
        assert!(error.to_string().contains("no_head.weight"), "{error}");
    }
}

#[test]
fn a_reward_is_read_at_the_logit_of_a_token() {
    let model = ModelRef::Path(fixture("llama-causal"));
    for name in ["logit:0", "logit:7"] {
        let head = LoadOptions {
            head: name.parse().unwrap(),
            ..options()
        };
        let mut scorer = LocalScorer::load(&model, &head).unwrap();
        assert_eq!(scorer.info().id.head, name);
        agrees(&mut scorer, name);
    }
    let beyond = LoadOptions {
        head: "logit:384".parse().unwrap(),
        ..options()
    };
    let error = LocalScorer::load(&model, &beyond).map(drop).unwrap_err();
    assert!(
        error.to_string().contains("this model has 384 tokens"),
        "{error}"
    );
    assert!("logit:x".parse::<tiebreak::reward::HeadChoice>().is_err());
    // Without saying so it is no reward model, and never scored by chance.
    let error = LocalScorer::load(&model, &options()).map(drop).unwrap_err();
    assert!(error.to_string().contains("head"), "{error}");
    // The one that is made to be read so says it in its name only.
    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().join("Llama-3.1-Nemotron-70B-Reward-HF");
    std::fs::rename(copy("llama-causal").keep(), &named).unwrap();
    agrees(
        &mut LocalScorer::load(&ModelRef::Path(named), &options()).unwrap(),
        "logit:0",
    );
}

/// A copy of a model whose `config.json` was changed.
fn with_config(
    name: &str,
    change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>),
) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = copy(name);
    let path = folder.path().to_owned();
    let file = path.join("config.json");
    let mut config: serde_json::Map<_, _> =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    change(&mut config);
    std::fs::write(&file, serde_json::to_vec(&config).unwrap()).unwrap();
    (folder, path)
}

#[test]
fn files_of_transformers_4_say_the_same_in_other_words() {
    for name in ["mistral", "qwen2", "qwen3", "gemma2"] {
        let (_folder, path) = with_config(name, |config| {
            // Layers by the rule of their family, the rotation in a field of its own, the older name of the type.
            config.remove("layer_types");
            config.remove("rope_parameters");
            config.insert("rope_theta".to_owned(), 10_000.0.into());
            config.insert("rope_scaling".to_owned(), serde_json::Value::Null);
            let dtype = config.remove("dtype").unwrap();
            config.insert("torch_dtype".to_owned(), dtype);
            if name == "gemma2" {
                config.insert("hidden_act".to_owned(), "gelu_pytorch_tanh".into());
            }
        });
        let mut scorer = LocalScorer::load(&ModelRef::Path(path), &options()).unwrap();
        agrees(&mut scorer, name);
    }
}

#[test]
fn windows_and_caps_matter_in_these_models() {
    // Otherwise the tests above would pass without them.
    for (name, key, value) in [
        ("mistral", "sliding_window", serde_json::Value::Null),
        ("qwen2", "use_sliding_window", false.into()),
        ("gemma2", "sliding_window", 400.into()),
        ("gemma2", "attn_logit_softcapping", serde_json::Value::Null),
        ("gemma2", "query_pre_attn_scalar", 12.into()),
    ] {
        let (_folder, path) = with_config(name, |config| {
            config.insert(key.to_owned(), value);
        });
        let mut scorer = LocalScorer::load(&ModelRef::Path(path), &options()).unwrap();
        let rows = rows(name);
        let conversations: Vec<_> = rows.iter().map(|r| turns(&r.messages)).collect();
        let (outputs, _) = score(&mut scorer, &conversations);
        let expected = rows.iter().map(|r| r.outputs[0]);
        let worst = outputs
            .iter()
            .zip(expected)
            .map(|(o, e)| (o.attributes.values().next().copied().unwrap_or(o.score) - e).abs())
            .fold(0.0, f64::max);
        assert!(worst > 1e-2, "{name} without {key}: {worst}");
    }
}

#[test]
fn nonsense_in_the_configuration_of_a_family_is_named() {
    for (name, key, value, words) in [
        (
            "gemma2",
            "layer_types",
            serde_json::json!(["full_attention"]),
            "1 layer types for 3 layers",
        ),
        (
            "gemma2",
            "layer_types",
            serde_json::json!(["full_attention", "linear_attention", "full_attention"]),
            "linear_attention",
        ),
        (
            "mistral",
            "sliding_window",
            serde_json::json!(0),
            "a window of no tokens",
        ),
        (
            "gemma2",
            "query_pre_attn_scalar",
            serde_json::json!(0),
            "scale of attention",
        ),
        (
            "gemma2",
            "attn_logit_softcapping",
            serde_json::json!(-1.0),
            "scale of attention",
        ),
        (
            "gemma2",
            "hidden_activation",
            serde_json::json!("relu"),
            "relu",
        ),
        (
            "qwen3",
            "model_type",
            serde_json::json!("mamba"),
            "supported: llama, mistral, qwen2, qwen3, gemma2",
        ),
    ] {
        let (_folder, path) = with_config(name, |config| {
            config.insert(key.to_owned(), value);
        });
        let error = LocalScorer::load(&ModelRef::Path(path), &options())
            .map(drop)
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}
