use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::{DtypeChoice, LoadOptions, ModelRef, Scorer as _};

use super::{Message, fixture, options, score, turns};

/// Pairs of MT-Bench (CC-BY-4.0), `OpenAssistant` and Tulu 1 (Apache-2.0), as each row says: chosen, then rejected; and a text more.
#[derive(Deserialize)]
struct Parity {
    conversations: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    messages: Vec<Message>,
    tokens: usize,
    first: Vec<u32>,
    last: Vec<u32>,
    score: f64,
}

#[test]
fn the_embedded_model_scores_as_transformers_does() {
    let parity: Parity =
        serde_json::from_slice(&std::fs::read(fixture("parity.json")).unwrap()).unwrap();
    let mut scorer = LocalScorer::load(&ModelRef::Default, &options()).unwrap();
    assert_eq!(
        (scorer.info().name.as_str(), scorer.info().dtype.as_str()),
        ("Tiebreak mini", "f32")
    );
    let conversations: Vec<_> = parity
        .conversations
        .iter()
        .map(|r| turns(&r.messages))
        .collect();
    let (found, _) = score(&mut scorer, &conversations);
    assert_eq!(conversations.len(), 101);
    for ((row, found), conversation) in parity.conversations.iter().zip(&found).zip(&conversations)
    {
        let ids = scorer.encode(conversation).unwrap().ids;
        assert_eq!(ids.len(), row.tokens);
        assert!(ids.starts_with(&row.first) && ids.ends_with(&row.last));
        assert!(
            (found.score - row.score).abs() < 1e-3,
            "{} {}",
            found.score,
            row.score
        );
        assert!(!found.truncated);
    }
    // Computed with 8-bit blocks, as `--dtype q8_0` does, the decisions stay: at most one in a hundred may turn.
    let quantised = LoadOptions {
        dtype: DtypeChoice::Q8_0,
        ..options()
    };
    let mut scorer = LocalScorer::load(&ModelRef::Default, &quantised).unwrap();
    let (found, _) = score(&mut scorer, &conversations[..100]);
    let turned: Vec<(f64, f64)> = parity
        .conversations
        .chunks_exact(2)
        .zip(found.chunks_exact(2))
        .map(|(known, found)| {
            (
                known[0].score - known[1].score,
                found[0].score - found[1].score,
            )
        })
        .filter(|(known, found)| known * found <= 0.0)
        .collect();
    assert!(turned.is_empty(), "{turned:?}");
}

/// A file beside the embedded model.
fn asset(name: &str) -> std::path::PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/reward-model");
    std::path::Path::new(folder).join(name)
}

/// Lines of a list of hashes.
fn hashes(path: &std::path::Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn nothing_was_trained_on_that_must_not_be() {
    let used = hashes(&asset("trained-on.sha256"));
    let barred = hashes(&asset("not-for-training.sha256"));
    assert!(
        used.len() > 2_000 && barred.len() > 3_000,
        "{} {}",
        used.len(),
        barred.len()
    );
    let hash = |line: &String| line.len() == 64 && line.bytes().all(|b| b.is_ascii_hexdigit());
    assert!(used.iter().chain(&barred).all(hash));
    let both: Vec<&String> = used.intersection(&barred).collect();
    assert!(both.is_empty(), "{both:?}");
    // Nor on what the recipe keeps for dev, but for later turns of a conversation whose whole prompt trains.
    let rows = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/datasets/training/truthfulqa.jsonl"
    );
    for line in std::fs::read_to_string(rows).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let prompt = row["messages"][0]["content"].as_str().unwrap();
        let hash = prompt_hash(prompt);
        assert!(
            u8::from_str_radix(&hash[..2], 16).unwrap() < 0x40,
            "{prompt}"
        );
        assert!(!used.contains(&hash), "{prompt}");
    }
}

/// The hash by which prompts are told apart: lower case, white space folded, the first 300 characters, SHA-256.
fn prompt_hash(prompt: &str) -> String {
    let lower = prompt.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let text: String = words.join(" ").chars().take(300).collect();
    let mut hex = String::new();
    for byte in Sha256::digest(text) {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}
