use std::collections::BTreeMap;

use serde::Deserialize;
use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::{DtypeChoice, LoadOptions, ModelRef, Scorer as _};

use super::{Message, copy, fixture, model, options, score, turns};

#[derive(Deserialize)]
struct Row {
    messages: Vec<Message>,
    ids: Vec<u32>,
    outputs: Vec<f64>,
    padded: Option<Vec<f64>>,
}

fn rows(name: &str) -> Vec<Row> {
    let text = std::fs::read(fixture("scores.json")).unwrap();
    let mut all: BTreeMap<String, Vec<Row>> = serde_json::from_slice(&text).unwrap();
    all.remove(name).unwrap()
}

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance
}

/// Every conversation, alone and all together, against transformers alone and padded to a batch.
fn check(name: &str) {
    let mut scorer = model(name);
    let rows = rows(name);
    let conversations: Vec<_> = rows.iter().map(|r| turns(&r.messages)).collect();
    let (together, _) = score(&mut scorer, &conversations);
    for ((row, conversation), together) in rows.iter().zip(&conversations).zip(together) {
        assert_eq!(scorer.encode(conversation).unwrap().ids, row.ids);
        let (alone, stats) = score(&mut scorer, std::slice::from_ref(conversation));
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
        ("llama-1.q8_0.gguf", DtypeChoice::Q8_0, "q8_0", 0.25),
        ("llama-1", DtypeChoice::Q8_0, "q8_0", 0.25),
    ];
    for (name, dtype, called, tolerance) in cases {
        let options = LoadOptions { dtype, ..options() };
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
    assert_eq!(keys.len(), 4);
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
