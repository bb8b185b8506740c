//! Vocabularies of `SentencePiece`: ids as the library of that name gives them (PyPI `sentencepiece` 0.2.3; `make_sentencepiece.py`).

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use tiebreak::reward::sentencepiece::SentencePiece;

use tiebreak::domain::Turn;
use tiebreak::reward::ModelRef;
use tiebreak::reward::local::LocalScorer;

use super::{copy, fixture, options};

#[derive(Deserialize)]
struct Row {
    text: String,
    ids: Vec<u32>,
    pieces: Vec<String>,
}

fn read(name: &str) -> SentencePiece {
    SentencePiece::read(name, &std::fs::read(fixture(name)).unwrap()).unwrap()
}

#[test]
fn ids_are_those_of_the_library() {
    let text = std::fs::read(fixture("sentencepiece.json")).unwrap();
    let all: BTreeMap<String, Vec<Row>> = serde_json::from_slice(&text).unwrap();
    for (name, rows) in all
        .into_iter()
        .filter(|(name, _)| !name.starts_with("folder"))
    {
        let model = read(&name);
        assert!(rows.len() >= 40);
        let mut wrong = vec![];
        for row in rows {
            let found = model.encode(&row.text);
            let ids: Vec<u32> = found.iter().map(|(id, _)| *id).collect();
            if ids != row.ids {
                let pieces: Vec<&str> = ids.iter().map(|id| model.piece(*id)).collect();
                wrong.push(format!("{:?}: {pieces:?}, not {:?}", row.text, row.pieces));
            }
            let starts = found.iter().map(|(_, start)| *start);
            assert!(starts.clone().is_sorted());
            assert!(starts.clone().all(|at| row.text.is_char_boundary(at)));
        }
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    }
}

/// A tiny model whose only vocabulary is `tokenizer.model`, with a template that writes a text as it is.
fn folder(legacy: bool) -> tempfile::TempDir {
    let folder = copy("llama-1");
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    std::fs::copy(
        fixture("spm-bpe.model"),
        folder.path().join("tokenizer.model"),
    )
    .unwrap();
    let settings = serde_json::json!({
        "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "legacy": legacy,
    });
    std::fs::write(
        folder.path().join("tokenizer_config.json"),
        settings.to_string(),
    )
    .unwrap();
    let template = "{{ messages[0].content }}";
    std::fs::write(folder.path().join("chat_template.jinja"), template).unwrap();
    folder
}

#[test]
fn a_folder_with_only_tokenizer_model_is_split_as_transformers_does() {
    let text = std::fs::read(fixture("sentencepiece.json")).unwrap();
    let all: BTreeMap<String, Vec<Row>> = serde_json::from_slice(&text).unwrap();
    for (name, legacy) in [("folder", false), ("folder-legacy", true)] {
        let folder = folder(legacy);
        let path = ModelRef::Path(folder.path().to_owned());
        let scorer = LocalScorer::load(&path, &options()).unwrap();
        let mut wrong = vec![];
        for row in all[name].iter().filter(|row| !row.ids.is_empty()) {
            let ids = scorer.encode(&[Turn::user(&row.text)]).unwrap().ids;
            if ids != row.ids {
                wrong.push(format!(
                    "{:?}: {ids:?}, not {:?} {:?}",
                    row.text, row.ids, row.pieces
                ));
            }
        }
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn what_is_no_model_is_told() {
    let told = |bytes: &[u8]| {
        SentencePiece::read("t.model", bytes)
            .unwrap_err()
            .to_string()
    };
    assert!(
        told(b"").contains("`t.model` cannot be used: it is cut off, or no SentencePiece model")
    );
    assert!(told(b"{\"version\": 1}").contains("cut off"));
    let whole = std::fs::read(fixture("spm-bpe.model")).unwrap();
    for cut in [1, 100, whole.len() / 2, whole.len() - 1] {
        assert!(told(&whole[..cut]).contains("cannot be used"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0usize..5_000, byte: u8) {
        drop(SentencePiece::read("t", &bytes));
        let mut whole = std::fs::read(fixture("spm-bpe.model")).unwrap();
        let at = at % whole.len();
        whole[at] = byte;
        if let Ok(model) = SentencePiece::read("t", &whole) {
            model.encode("Any text, with <extra_id_0> and 日本.");
        }
    }

    #[test]
    fn any_text_is_split_without_panic_or_loss(text in "\\PC{0,60}|([ \n\t]|<extra_id_[01]>|[a-z]|日|🦀|\u{301}){0,60}") {
        for name in ["spm-bpe.model", "spm-unigram.model"] {
            let model = read(name);
            let ids = model.encode(&text);
            prop_assert!(ids.iter().all(|(id, start)| (*id as usize) < model.len() && *start <= text.len()));
        }
        // Nothing is normalised away: the pieces are the text again.
        let model = read("spm-bpe.model");
        let mut bytes = vec![];
        for (id, _) in model.encode(&text) {
            let piece = model.piece(id);
            match piece.strip_prefix("<0x").and_then(|hex| hex.strip_suffix('>')) {
                Some(hex) => bytes.push(u8::from_str_radix(hex, 16).unwrap()),
                None => bytes.extend(piece.bytes()),
            }
        }
        let mut expected = text.replace(' ', "▁");
        if !text.is_empty() {
            expected.insert(0, '▁');
        }
        prop_assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}

#[test]
fn a_vocabulary_in_gguf_splits_as_the_model_that_it_was_made_from() {
    // Pieces, scores and kinds, as a converter takes them over.
    let model = read("spm-bpe.model");
    let pieces = (0..model.len() as u32).map(|id| {
        let (score, kind) = model.about(id).unwrap();
        (model.piece(id).to_owned(), score, kind)
    });
    let again = SentencePiece::of_pieces(pieces, true).unwrap();
    for text in [
        "Größe in €? 日本語 🦀",
        "  a  b ",
        "",
        "isn't it? 1984 <extra_id_0>x",
    ] {
        assert_eq!(again.encode(text), model.encode(text), "{text}");
    }
    let without = SentencePiece::of_pieces([("a".to_owned(), 0.0, 1)], true);
    assert!(without.is_none(), "neither an unknown piece nor bytes");
}
