use std::path::Path;

use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::{DeviceChoice, DtypeChoice, ModelRef, RewardError};

use super::{copy, fixture, load_error, model, options};

fn spoil(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

/// Writes the safetensors of `folder` anew, leaving out or reshaping tensors.
fn rewrite(folder: &Path, keep: impl Fn(&str) -> Option<String>) {
    let path = folder.join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes)
        .unwrap()
        .tensors();
    let kept = tensors
        .into_iter()
        .filter_map(|(name, view)| Some((keep(&name)?, view)));
    let out = safetensors::serialize(kept, None).unwrap();
    std::fs::write(path, out).unwrap();
}

#[test]
fn a_missing_tensor_is_named() {
    for gone in [
        "score.weight",
        "model.norm.weight",
        "model.layers.1.mlp.up_proj.weight",
    ] {
        let folder = copy("llama-1");
        rewrite(folder.path(), |name| {
            (name != gone).then(|| name.to_owned())
        });
        let error = load_error(folder.path().into());
        let expected = format!("This model file is incomplete: tensor `{gone}` is missing");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn a_language_model_without_a_head_is_called_that() {
    let folder = copy("llama-1");
    let name = |name: &str| {
        if name == "score.weight" {
            "lm_head.weight"
        } else {
            name
        }
        .to_owned()
    };
    rewrite(folder.path(), |n| Some(name(n)));
    let error = load_error(folder.path().into());
    assert!(
        error.ends_with(
            "has no reward head: neither `score.weight` nor `cls.output.weight` is in it"
        ),
        "{error}"
    );
}

#[test]
fn a_file_that_is_cut_off_is_refused_wherever_it_ends() {
    for name in ["llama-1", "llama-1.f32.gguf"] {
        let folder = copy("llama-1");
        let path = if name == "llama-1" {
            folder.path().join("model.safetensors")
        } else {
            folder.path().join("x.gguf")
        };
        let whole = if name == "llama-1" {
            std::fs::read(&path).unwrap()
        } else {
            std::fs::read(fixture(name)).unwrap()
        };
        let ends = (0..whole.len())
            .step_by(997)
            .chain(0..40)
            .chain([whole.len() - 1]);
        for end in ends {
            std::fs::write(&path, &whole[..end]).unwrap();
            let error = load_error(path.clone());
            assert!(error.contains("cannot be used"), "{name} {end} {error}");
        }
    }
}

/// No byte of a GGUF file's head may bring the program down or make it take gigabytes.
#[test]
fn a_gguf_file_with_a_wrong_byte_loads_or_is_refused() {
    let whole = std::fs::read(fixture("llama-1.q8_0.gguf")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let marks = [
        b"general.alignment".as_slice(),
        b"blk.0.attn_q.weight",
        b"llama.block_count",
        b"token_type",
    ];
    let mut places: Vec<usize> = (0..64).collect();
    for mark in marks {
        if let Some(at) = whole.windows(mark.len()).position(|w| w == mark) {
            places.extend(at..at + mark.len() + 48);
        }
    }
    for at in places {
        for value in [0, 0xff, whole[at] ^ 0x10] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            std::fs::write(&path, bytes).unwrap();
            load_error(path.clone());
        }
    }
}

#[test]
fn shapes_that_do_not_fit_the_configuration_are_told() {
    for (from, to) in [
        ("\"hidden_size\": 32", "\"hidden_size\": 64"),
        ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 4"),
        ("\"vocab_size\": 384", "\"vocab_size\": 385"),
    ] {
        let folder = copy("llama-1");
        spoil(folder.path(), "config.json", from, to);
        let error = load_error(folder.path().into());
        assert!(
            error.contains("has shape") || error.contains("is missing"),
            "{error}"
        );
    }
}

#[test]
fn impossible_configurations_are_refused() {
    for (from, to) in [
        ("\"num_attention_heads\": 4", "\"num_attention_heads\": 0"),
        ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3"),
        ("\"head_dim\": 8", "\"head_dim\": 7"),
        (
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": 999999999999",
        ),
        ("\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\""),
        ("\"model_type\": \"llama\"", "\"model_type\": \"qwen9\""),
        ("\"rope_type\": \"default\"", "\"rope_type\": \"yarn\""),
        ("\"rope_theta\": 10000.0", "\"rope_theta\": -1.0"),
        ("{", "["),
    ] {
        let folder = copy("llama-1");
        spoil(folder.path(), "config.json", from, to);
        let error = load_error(folder.path().into());
        assert!(error.contains("config.json"), "{to}: {error}");
    }
}

#[test]
fn pickled_weights_of_an_unknown_kind_are_not_opened() {
    let folder = copy("llama-1");
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let pickle = folder.path().join("pytorch_model.bin");
    let touched = folder.path().join("touched");
    let bytes = format!("\u{2}cos\nsystem\n(S'touch {}'\ntR.", touched.display());
    std::fs::write(&pickle, [b"\x80", bytes.as_bytes()].concat()).unwrap();
    for path in [folder.path().into(), pickle] {
        let error = load_error(path);
        assert!(
            error.starts_with("`pytorch_model.bin` cannot be used: "),
            "{error}"
        );
    }
    let renamed = folder.path().join("model.weights");
    std::fs::write(&renamed, b"PK\x03\x04....").unwrap();
    assert!(load_error(renamed).contains("pickled"));
    assert!(!touched.exists(), "nothing of a pickle is ever run");
}

#[test]
fn a_folder_without_a_template_says_what_to_do() {
    let folder = copy("llama-1");
    std::fs::remove_file(folder.path().join("chat_template.jinja")).unwrap();
    let path = ModelRef::Path(folder.path().into());
    let Err(error) = LocalScorer::load(&path, &options()) else {
        panic!("it loaded");
    };
    assert!(matches!(error, RewardError::NoTemplate { .. }));
    assert!(error.hint().unwrap().contains("--template"));
    let mut options = options();
    options.template = Some("{% for m in messages %}{{ m.content }}{% endfor %}".to_owned());
    let scorer = LocalScorer::load(&path, &options).unwrap();
    let encoded = scorer.encode(&[tiebreak::domain::Turn::user("x")]).unwrap();
    assert_eq!(encoded.ids.len(), 1);
}

#[test]
fn shards_may_not_lie_elsewhere() {
    let folder = copy("llama-1");
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let index = r#"{"weight_map": {"score.weight": "../../etc/passwd"}}"#;
    std::fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
    assert!(load_error(folder.path().into()).contains("outside the folder"));
}

#[test]
fn what_is_no_model_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    assert!(load_error(folder.path().into()).contains("no `config.json`"));
    assert!(load_error(folder.path().join("gone")).starts_with("cannot read"));
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "hello").unwrap();
    assert!(load_error(text).contains("neither a GGUF nor"));
    std::fs::write(folder.path().join("empty.gguf"), "").unwrap();
    assert!(load_error(folder.path().join("empty.gguf")).contains("cannot be used"));
}

#[test]
fn a_folder_that_holds_one_gguf_file_is_that_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("llama-1.f32.gguf"), folder.path().join("a.gguf")).unwrap();
    let path = ModelRef::Path(folder.path().into());
    assert!(LocalScorer::load(&path, &options()).is_ok());
}

#[test]
fn identity_follows_weights_and_template_but_not_the_name() {
    use tiebreak::reward::Scorer as _;
    let id = |folder: &Path| {
        let scorer = LocalScorer::load(&ModelRef::Path(folder.into()), &options()).unwrap();
        scorer.info().id.clone()
    };
    let original = model("llama-1").info().id.clone();
    let moved = copy("llama-1");
    assert_ne!(id(moved.path()).name, original.name);
    assert_eq!(id(moved.path()).key(), original.key());
    spoil(
        moved.path(),
        "chat_template.jinja",
        "<|im_end|>",
        "<|im_end|>\\n",
    );
    assert_eq!(id(moved.path()).weights, original.weights);
    assert_ne!(id(moved.path()).key(), original.key());
}

#[test]
fn options_of_the_command_line_are_read() {
    assert_eq!(
        "cuda:3".parse::<DeviceChoice>().unwrap(),
        DeviceChoice::Cuda(3)
    );
    assert_eq!("auto".parse::<DtypeChoice>().unwrap(), DtypeChoice::Auto);
    assert_eq!("default".parse::<ModelRef>().unwrap(), ModelRef::Default);
    assert_eq!(
        "./x".parse::<ModelRef>().unwrap(),
        ModelRef::Path("./x".into())
    );
    for bad in ["cuda:", "gpu", "cuda:-1"] {
        assert!(bad.parse::<DeviceChoice>().is_err());
    }
    assert!("int4".parse::<DtypeChoice>().is_err());
    assert!("vllm+http://x".parse::<ModelRef>().is_err());
    assert!("".parse::<ModelRef>().is_err());
}

#[test]
fn tensors_that_share_their_bytes_over_and_over_are_refused() {
    let folder = copy("llama-1");
    let mut header = serde_json::Map::new();
    for n in 0..3_000 {
        let about = serde_json::json!({"dtype": "F32", "shape": [1024], "data_offsets": [0, 4096]});
        header.insert(format!("t{n}"), about);
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0; 4096]);
    std::fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
    let error = load_error(folder.path().into());
    assert!(error.contains("share the same bytes"), "{error}");
}
