//! Encoders that read pairs, against transformers' own classes (f32, eager; `make_encoders.py`).

use std::collections::BTreeMap;

use serde::Deserialize;
use tiebreak::domain::Turn;
use tiebreak::reward::{self, DtypeChoice, LoadOptions, ModelRef, ScoreOutput, Scorer};
use tiebreak::task::Cancel;

use super::{Message, copy, fixture, options, turns};

#[derive(Deserialize)]
struct Row {
    messages: Vec<Message>,
    ids: Vec<u32>,
    outputs: Vec<f64>,
}

fn rows(name: &str) -> Vec<Row> {
    let text = std::fs::read(fixture("encoders.json")).unwrap();
    let mut all: BTreeMap<String, Vec<Row>> = serde_json::from_slice(&text).unwrap();
    all.remove(name).unwrap()
}

fn load(path: std::path::PathBuf) -> Box<dyn Scorer> {
    reward::load(&ModelRef::Path(path), &options()).unwrap()
}

fn scored(scorer: &mut dyn Scorer, conversations: &[Vec<Turn>]) -> Vec<ScoreOutput> {
    let mut found = vec![];
    let stats = scorer.score(conversations, &Cancel::default(), &mut |_, output| {
        found.push(output);
    });
    assert!(stats.unwrap().failed.is_empty());
    found
}

/// Tokens, outputs, and what was cut.
fn agrees(scorer: &mut dyn Scorer, name: &str) {
    let rows = rows(name);
    assert!(rows.len() >= 12);
    let conversations: Vec<_> = rows.iter().map(|r| turns(&r.messages)).collect();
    let found = scored(scorer, &conversations);
    for ((row, conversation), found) in rows.iter().zip(&conversations).zip(&found) {
        let trace = scorer.trace(conversation).unwrap();
        let ids: Vec<u32> = trace.tokens.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, row.ids);
        let names = &scorer.info().attributes;
        if row.outputs.len() == 1 {
            assert!(
                (found.score - row.outputs[0]).abs() < 1e-4,
                "{} {:?}",
                found.score,
                row.outputs
            );
        }
        for (name, expected) in names.iter().zip(&row.outputs) {
            let found = found.attributes[name];
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }
    assert_eq!(found.iter().filter(|f| f.truncated).count(), 4);
}

#[test]
fn deberta_v3_reads_a_question_and_its_answer() {
    agrees(&mut *load(fixture("deberta-v3")), "deberta-v3");
}

#[test]
fn deberta_v2_has_a_convolution_beside_its_first_layer() {
    agrees(&mut *load(fixture("deberta-v2")), "deberta-v2");
}

#[test]
fn bert_tells_its_parts_by_type_and_has_two_outputs() {
    let mut scorer = load(fixture("bert"));
    agrees(&mut *scorer, "bert");
    assert_eq!(scorer.info().attributes, ["worse", "better"]);
    assert_eq!(
        (scorer.info().context, scorer.info().dtype.as_str()),
        (128, "f32")
    );
}

#[test]
fn modernbert_pools_its_first_token_or_all_in_both_layouts_of_its_configuration() {
    agrees(&mut *load(fixture("modernbert")), "modernbert");
    let mean = copy("modernbert");
    std::fs::copy(
        fixture("modernbert-mean/config.json"),
        mean.path().join("config.json"),
    )
    .unwrap();
    agrees(&mut *load(mean.path().to_owned()), "modernbert-mean");
}

#[test]
fn what_an_encoder_cannot_do_is_said() {
    let told = |name: &str, options: LoadOptions| {
        let loaded = reward::load(&ModelRef::Path(fixture(name)), &options);
        loaded.err().unwrap().to_string()
    };
    let cases = [
        (
            LoadOptions {
                head: "logit:0".parse().unwrap(),
                ..options()
            },
            "whose head is `classifier`",
        ),
        (
            LoadOptions {
                template: Some("x".to_owned()),
                ..options()
            },
            "without a chat template",
        ),
        (
            LoadOptions {
                dtype: DtypeChoice::Q8_0,
                ..options()
            },
            "computed in f32 only",
        ),
        (
            LoadOptions {
                weights: Some("worse=1,best=2".parse().unwrap()),
                ..options()
            },
            "no output `best`",
        ),
    ];
    for (options, part) in cases {
        let error = told("bert", options);
        assert!(error.contains(part), "{error}");
    }
    let folder = copy("bert");
    let config = folder.path().join("config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"),
    )
    .unwrap();
    let error = reward::load(&ModelRef::Path(folder.path().to_owned()), &options())
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("layer.2.") && error.to_string().contains("is missing"),
        "{error}"
    );
}

#[test]
fn a_shorter_limit_cuts_the_longer_part_first() {
    let options = LoadOptions {
        max_length: Some(16),
        ..options()
    };
    let mut scorer = reward::load(&ModelRef::Path(fixture("bert")), &options).unwrap();
    let talk = vec![
        Turn::user("One two three four five six seven eight nine ten."),
        Turn::assistant("No."),
    ];
    let found = scored(&mut *scorer, std::slice::from_ref(&talk));
    assert!(found[0].truncated);
    assert_eq!(found[0].tokens, 16);
    let trace = scorer.trace(&talk).unwrap();
    let plain = load(fixture("bert")).trace(&talk).unwrap();
    // The answer is whole.
    assert_eq!(
        trace.tokens[trace.tokens.len() - 3..],
        plain.tokens[plain.tokens.len() - 3..]
    );
    assert_eq!(trace.warnings[0].0, "truncated");
}

#[test]
fn sizes_that_no_model_has_are_refused_before_anything_is_built() {
    for (name, from, to) in [
        (
            "bert",
            "\"num_attention_heads\": 4",
            "\"num_attention_heads\": 0",
        ),
        (
            "bert",
            "\"num_attention_heads\": 4",
            "\"num_attention_heads\": 5",
        ),
        (
            "modernbert",
            "\"num_hidden_layers\": 5",
            "\"num_hidden_layers\": 18446744073709551615",
        ),
        (
            "modernbert",
            "\"max_position_embeddings\": 256",
            "\"max_position_embeddings\": 4294967295",
        ),
        (
            "deberta-v3",
            "\"max_position_embeddings\": 128",
            "\"max_position_embeddings\": 4294967295",
        ),
    ] {
        let folder = copy(name);
        let config = folder.path().join("config.json");
        let text = std::fs::read_to_string(&config).unwrap();
        assert!(text.contains(from), "{name} {from}");
        std::fs::write(&config, text.replace(from, to)).unwrap();
        let path = ModelRef::Path(folder.path().to_owned());
        let error = reward::load(&path, &options()).err().unwrap().to_string();
        assert!(
            error.contains("cannot be used") && !error.contains('\n'),
            "{name} {to}: {error}"
        );
    }
}

#[test]
fn another_configuration_is_another_scorer() {
    let folder = copy("modernbert");
    let key = |folder: &std::path::Path| load(folder.to_owned()).info().id.key();
    let before = key(folder.path());
    std::fs::copy(
        fixture("modernbert-mean/config.json"),
        folder.path().join("config.json"),
    )
    .unwrap();
    assert_ne!(key(folder.path()), before);
}

#[test]
fn another_file_in_an_encoders_folder_is_not_taken_for_it() {
    let folder = copy("bert");
    std::fs::copy(fixture("qwen3.gguf"), folder.path().join("other.gguf")).unwrap();
    let other = load(folder.path().join("other.gguf"));
    assert_eq!(other.info().name, "other");
    assert_eq!(
        load(folder.path().join("model.safetensors")).info().id.head,
        "classifier"
    );
    for missing in ["nothing", "nothing.json"] {
        let path = ModelRef::Path(folder.path().join(missing));
        assert!(reward::load(&path, &options()).is_err(), "{missing}");
    }
}
