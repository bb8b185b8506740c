use serde::Deserialize;
use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::{ModelRef, Scorer as _};

use super::{Message, fixture, options, score, turns};

/// Conversations of MT-Bench (CC-BY-4.0), `OpenAssistant` and Tulu 1 (Apache-2.0), as each row says.
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
    assert!(conversations.len() >= 10);
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
}
