//! Weights as PyTorch saves them: the same numbers as in safetensors, and nothing of a file is run or believed.

use std::path::Path;

use proptest::prelude::*;
use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::{ModelRef, Scorer as _};

use super::{copy, fixture, load_error, model, options, score, turns};

/// The tiny model with its weights from the files of a folder of the fixtures, in place of its own.
fn with_weights(name: &str) -> tempfile::TempDir {
    let folder = copy("llama-1");
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    for entry in std::fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn checkpoints_score_as_the_same_weights_in_safetensors() {
    let messages = r#"[{"role": "user", "content": "What is it?"}, {"role": "assistant", "content": "The quick brown fox."}]"#;
    let messages: Vec<super::Message> = serde_json::from_str(messages).unwrap();
    let conversation = [turns(&messages)];
    let expected = score(&mut model("llama-1"), &conversation).0[0].score;
    // Shared storages, strides, double precision; the format before PyTorch 1.6; several files.
    for name in ["pickled", "pickled-legacy", "pickled-shards"] {
        let folder = with_weights(name);
        let path = ModelRef::Path(folder.path().to_owned());
        let mut scorer = LocalScorer::load(&path, &options()).unwrap();
        let found = score(&mut scorer, &conversation).0[0].score;
        assert_eq!(found.to_bits(), expected.to_bits(), "{name}");
        assert_eq!(scorer.info().parameters, model("llama-1").info().parameters);
    }
}

/// What loading says of a file in place of the weights.
fn told(file: &Path) -> String {
    let folder = copy("llama-1");
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    std::fs::copy(file, folder.path().join("pytorch_model.bin")).unwrap();
    load_error(folder.path().to_owned())
}

#[test]
fn files_that_claim_what_is_not_so_are_refused_with_one_line() {
    let mut seen = 0;
    for entry in std::fs::read_dir(fixture("pickled-bad")).unwrap() {
        let path = entry.unwrap().path();
        let error = told(&path);
        // `laughs`, `cycle` and `deep` are no lies, only strange: they hold no weights of this model.
        let named =
            error.contains("`pytorch_model.bin` cannot be used") || error.contains("is missing");
        assert!(
            named && !error.contains('\n'),
            "{}: {error}",
            path.display()
        );
        seen += 1;
    }
    assert!(seen >= 14, "{seen}");
    let kinds = told(&fixture("pickled-kinds").join("kinds.bin"));
    assert!(kinds.contains("is missing"), "{kinds}");
    let claims = told(&fixture("pickled-bad").join("claims-end.bin"));
    assert!(claims.contains("reaches beyond its numbers"), "{claims}");
}

#[test]
fn a_shard_outside_of_the_folder_is_refused() {
    let folder = with_weights("pickled-shards");
    let index = folder.path().join("pytorch_model.bin.index.json");
    let text = std::fs::read_to_string(&index).unwrap();
    std::fs::write(
        &index,
        text.replace("pytorch_model-00001-of-00002.bin", "../x.bin"),
    )
    .unwrap();
    assert!(load_error(folder.path().to_owned()).contains("lies outside the folder"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever is changed or cut off, there is an answer and no panic.
    #[test]
    fn spoilt_checkpoints_never_panic(
        name in prop::sample::select(vec!["pickled-kinds/kinds.bin", "pickled-bad/cycle.bin", "pickled-legacy/pytorch_model.bin"]),
        changes in prop::collection::vec((0usize..6_000, any::<u8>()), 1..6),
        cut in prop::option::of(0usize..6_000),
    ) {
        let mut bytes = std::fs::read(fixture(name)).unwrap();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(cut.unwrap_or(bytes.len()));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("spoilt.bin");
        std::fs::write(&file, bytes).unwrap();
        let error = told(&file);
        prop_assert!(!error.is_empty());
    }
}
