//! `.nemo` files: the scores of the Hugging Face model that they were made from (`make_nemo.py`), and tars that lie.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde::Deserialize;
use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::{ModelRef, Scorer as _};

use super::{Message, fixture, load_error, options, score, turns};

#[derive(Deserialize)]
struct Row {
    messages: Vec<Message>,
    ids: Vec<u32>,
    outputs: Vec<f64>,
}

#[test]
fn both_layouts_score_as_the_model_that_they_were_made_from() {
    let text = std::fs::read(fixture("nemo.json")).unwrap();
    let all: BTreeMap<String, Vec<Row>> = serde_json::from_slice(&text).unwrap();
    assert_eq!(all.len(), 2);
    for (name, rows) in all {
        assert!(rows.len() >= 10);
        let path = ModelRef::Path(fixture(&name));
        let mut scorer = LocalScorer::load(&path, &options()).unwrap();
        let conversations: Vec<_> = rows.iter().map(|r| turns(&r.messages)).collect();
        let (found, _) = score(&mut scorer, &conversations);
        for ((row, conversation), found) in rows.iter().zip(&conversations).zip(&found) {
            assert_eq!(scorer.encode(conversation).unwrap().ids, row.ids);
            // With the bias of the head, and standardised as the file asks for.
            let expected = row.outputs[0];
            assert!(
                (found.score - expected).abs() < 1e-4,
                "{name} {} {expected}",
                found.score
            );
        }
        assert_eq!(scorer.info().context, 512);
    }
}

/// A member: its name, what is in it, and where it leads if it is a link.
type Member<'a> = (&'a str, &'a [u8], Option<&'a str>);

/// A tar of these members.
fn tar_of(folder: &Path, members: &[Member<'_>]) -> PathBuf {
    let path = folder.join("made.nemo");
    let mut tar = tar::Builder::new(std::fs::File::create(&path).unwrap());
    for (name, bytes, link) in members {
        let mut header = tar::Header::new_gnu();
        // Past the library, which would refuse to write such a path.
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        if let Some(target) = link {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_link_name(target).unwrap();
        }
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.finish().unwrap();
    path
}

#[test]
fn tars_that_lead_elsewhere_or_lack_something_are_refused_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = b"num_layers: 1\nhidden_size: 4\nffn_hidden_size: 8\nnum_attention_heads: 2\nencoder_seq_length: 16\ntokenizer:\n  library: sentencepiece\n  model: nemo:t.model\n";
    let vocabulary = std::fs::read(fixture("spm-bpe.model")).unwrap();
    let array = |chunks: &str, more: &str| {
        format!(
            r#"{{"zarr_format": 2, "dtype": "bfloat16", "shape": [1, 4], "chunks": {chunks}, "order": "C"{more}}}"#
        )
    };
    let whole = array("[1, 4]", "");
    let head = "model_weights/model.rm_head.weight";
    let (about, chunk) = (format!("{head}/.zarray"), format!("{head}/0.0"));
    let good: [Member<'_>; 2] = [
        ("./model_config.yaml", config, None),
        ("./t.model", &vocabulary, None),
    ];
    let with = |more: &[Member<'_>]| {
        let path = tar_of(folder.path(), &[&good, more].concat());
        load_error(path)
    };
    let nothing = array("[0, 4]", "");
    let compressed = array("[1, 4]", r#", "compressor": {"id": "blosc"}"#);
    let cases: [(&[Member<'_>], &str); 8] = [
        (
            &[("../../escaped", b"x", None)],
            "`../../escaped` in it leads elsewhere",
        ),
        (&[("/etc/passwd", b"x", None)], "leads elsewhere"),
        (
            &[("model_weights/link", b"", Some("/etc/passwd"))],
            "leads elsewhere",
        ),
        (&[], "there are no weights in it"),
        (
            &[(&about, whole.as_bytes(), None)],
            "chunk `0.0` is missing",
        ),
        (
            &[(&about, whole.as_bytes(), None), (&chunk, b"1234", None)],
            "chunk `0.0` is missing or of another size",
        ),
        (&[(&about, compressed.as_bytes(), None)], "it is compressed"),
        (
            &[(&about, nothing.as_bytes(), None)],
            "sizes that make no sense",
        ),
    ];
    for (members, part) in cases {
        let told = with(members);
        assert!(
            told.contains(part) && !told.contains('\n'),
            "{told}, not {part}"
        );
    }
    // A head alone is read; what is missing then is the rest.
    let told = with(&[
        (&about, whole.as_bytes(), None),
        (&chunk, b"12345678", None),
    ]);
    assert!(told.contains("is missing"), "{told}");
    let bytes = std::fs::read(fixture("tiny-zarr.nemo")).unwrap();
    for cut in [10, 600, 3_000, 40_000, 150_000] {
        let path = folder.path().join("cut.nemo");
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let told = load_error(path);
        assert!(told != "it loaded" && !told.contains('\n'), "{cut}: {told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever is changed, there is an answer and no panic.
    #[test]
    fn spoilt_files_never_panic(
        name in prop::sample::select(vec!["tiny-zarr.nemo", "tiny-dist.nemo"]),
        changes in prop::collection::vec((0usize..60_000, any::<u8>()), 1..6),
    ) {
        let mut bytes = std::fs::read(fixture(name)).unwrap();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spoilt.nemo");
        std::fs::write(&path, bytes).unwrap();
        prop_assert!(!load_error(path).is_empty());
    }
}
