//! Reward models: parity with transformers, shortening, batches, and files that are not what they should be.

/// Sharing and packing.
mod batches;
/// Weights as PyTorch saves them.
mod checkpoints;
/// Encoders that read pairs.
mod encoders;
/// What files say of a model.
mod facts;
/// Broken and hostile files.
mod files;
/// Spoilt files, by hand.
mod fuzz;
/// Heads that are more than a matrix.
mod heads;
/// Downloads.
pub mod hub;
/// The embedded model.
mod mini;
/// Files of NeMo.
mod nemo;
/// Scores as transformers computes them.
mod parity;
/// What each kind of matrix may be kept in, by hand.
#[path = "../speed/precision.rs"]
mod precision;
/// Products with weights.
mod products;
/// Chat templates.
mod prompts;
/// Vocabularies of `SentencePiece`.
mod sentencepiece;
/// What is too long.
mod shortening;
/// How fast, by hand.
#[path = "../speed/reward.rs"]
mod speed;
/// Heads of one's own.
mod train;

use std::path::PathBuf;

use serde::Deserialize;
use tiebreak::domain::{Role, Turn};
use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::{LoadOptions, ModelRef, ScoreOutput, ScoreStats, Scorer as _};
use tiebreak::task::Cancel;

/// A file or folder of the fixtures.
fn fixture(name: &str) -> PathBuf {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reward");
    PathBuf::from(fixtures).join(name)
}

fn options() -> LoadOptions {
    LoadOptions {
        threads: Some(1),
        ..LoadOptions::default()
    }
}

fn model(name: &str) -> LocalScorer {
    LocalScorer::load(&ModelRef::Path(fixture(name)), &options()).unwrap()
}

/// A copy of a model's folder that a test may spoil.
fn copy(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

fn load_error(path: PathBuf) -> String {
    match LocalScorer::load(&ModelRef::Path(path), &options()) {
        Ok(_) => "it loaded".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Scores in order, and what it took.
fn score(scorer: &mut LocalScorer, conversations: &[Vec<Turn>]) -> (Vec<ScoreOutput>, ScoreStats) {
    let mut results = Vec::new();
    let stats = scorer
        .score(conversations, &Cancel::default(), &mut |index, output| {
            assert_eq!(index, results.len());
            results.push(output);
        })
        .unwrap();
    (results, stats)
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: String,
}

fn turns(messages: &[Message]) -> Vec<Turn> {
    let turn = |m: &Message| Turn::new(Role::parse(&m.role).unwrap(), m.content.clone());
    messages.iter().map(turn).collect()
}
