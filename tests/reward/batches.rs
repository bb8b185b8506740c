use proptest::prelude::*;
use tiebreak::domain::Turn;
use tiebreak::reward::batch::{group, pack};
use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::{LoadOptions, ModelRef, RewardError, Scorer as _};
use tiebreak::task::Cancel;

use super::{fixture, model, options, score};

/// Items of a shared context with replies of many lengths, some of them the same.
fn conversations() -> Vec<Vec<Turn>> {
    let mut all = Vec::new();
    for (count, question) in ["Why?", "What is the capital of France, please?", "x"]
        .iter()
        .enumerate()
    {
        let context = [
            Turn::user(*question),
            Turn::assistant("It depends. ".repeat(40)),
            Turn::user("And?"),
        ];
        for reply in [
            "No.",
            "Of course not!",
            "No.",
            &"a longer answer ".repeat(7 * count + 1),
        ] {
            let mut turns = context.to_vec();
            turns.push(Turn::assistant(reply));
            all.push(turns);
        }
    }
    all
}

#[test]
fn neither_sharing_nor_batches_nor_order_change_a_score() {
    for name in ["llama-1", "llama-5", "llama-nopad"] {
        let all = conversations();
        let mut alone = Vec::new();
        let mut scorer = model(name);
        for conversation in &all {
            alone.push(score(&mut scorer, std::slice::from_ref(conversation)).0[0].score);
        }
        for batch_tokens in [1, 150, 700, 100_000] {
            for no_sharing in [false, true] {
                let options = LoadOptions {
                    batch_tokens: Some(batch_tokens),
                    no_sharing,
                    ..options()
                };
                let mut scorer =
                    LocalScorer::load(&ModelRef::Path(fixture(name)), &options).unwrap();
                let (found, stats) = score(&mut scorer, &all);
                for (found, alone) in found.iter().zip(&alone) {
                    assert!(
                        (found.score - alone).abs() < 1e-5,
                        "{} {alone}",
                        found.score
                    );
                }
                assert_eq!(
                    stats.tokens,
                    found.iter().map(|f| u64::from(f.tokens)).sum::<u64>()
                );
                if no_sharing {
                    assert_eq!(stats.tokens_computed, stats.tokens);
                } else {
                    assert!(stats.tokens_computed * 10 < stats.tokens * 8, "{stats:?}");
                }
                let backwards: Vec<_> = all.iter().rev().cloned().collect();
                let (found, _) = score(&mut scorer, &backwards);
                for (found, alone) in found.iter().rev().zip(&alone) {
                    assert!((found.score - alone).abs() < 1e-5);
                }
            }
        }
    }
}

#[test]
fn the_same_text_scores_the_same_whatever_was_scored_before() {
    let mut scorer = model("llama-1");
    let all = conversations();
    let first = score(&mut scorer, &all[..1]).0;
    score(&mut scorer, &all);
    assert_eq!(score(&mut scorer, &all[..1]).0, first);
}

#[test]
fn a_conversation_that_cannot_be_scored_leaves_the_others_alone() {
    let mut scorer = model("llama-nopad");
    let good = vec![Turn::user("a"), Turn::assistant("b")];
    let two_users = vec![Turn::user("a"), Turn::user("b")];
    let mut indices = Vec::new();
    let all = [good.clone(), two_users, vec![], good];
    let stats = scorer
        .score(&all, &Cancel::default(), &mut |i, _| indices.push(i))
        .unwrap();
    assert_eq!(indices, [0, 3]);
    let failed: Vec<_> = stats.failed.iter().map(|(i, _)| *i).collect();
    assert_eq!(failed, [1, 2]);
    assert!(
        stats.failed[0].1.contains("must alternate"),
        "{}",
        stats.failed[0].1
    );
}

#[test]
fn a_run_that_is_cancelled_says_so() {
    let cancel = Cancel::default();
    let mut scorer = LocalScorer::load(
        &ModelRef::Path(fixture("llama-1")),
        &LoadOptions {
            batch_tokens: Some(1),
            ..options()
        },
    )
    .unwrap();
    let stop = cancel.clone();
    let mut done = 0;
    let result = scorer.score(&conversations(), &cancel, &mut |_, _| {
        done += 1;
        stop.cancel();
    });
    assert!(matches!(result, Err(RewardError::Cancelled)));
    assert!((1..12).contains(&done));
}

proptest! {
    /// Whatever is shared and packed: each row's tokens are there, once, in order, at their positions.
    #[test]
    fn packing_keeps_every_row(
        rows in prop::collection::vec(prop::collection::vec(0u32..2, 1..40), 0..12),
        budget in 1usize..200,
        sharing: bool,
        pad in prop::option::of(0u32..2),
    ) {
        let groups = group(&rows, budget, sharing);
        let batches = pack(groups, &rows, budget);
        let mut next = 0;
        for batch in &batches {
            prop_assert_eq!(batch.first, next);
            for row in 0..batch.rows.len() {
                let segment = &batch.segments[batch.rows[row]];
                let places: Vec<usize> = segment.parent.clone().unwrap_or(0..0).chain(segment.range.clone()).collect();
                let ids: Vec<u32> = places.iter().map(|&p| batch.ids[p]).collect();
                let positions: Vec<u32> = places.iter().map(|&p| batch.positions[p]).collect();
                prop_assert_eq!(&ids, &rows[next]);
                prop_assert!(positions.iter().copied().eq(0..ids.len() as u32));
                prop_assert!(!segment.range.is_empty());
                let last = match pad {
                    None => ids.len() - 1,
                    Some(pad) => ids.iter().rposition(|&id| id != pad).unwrap_or(0),
                };
                let pooled = batch.place(row, last);
                prop_assert_eq!(pooled.token, places[last]);
                let seen = pooled.before.map_or(0, |b| b.len()) + pooled.token + 1 - pooled.start;
                prop_assert_eq!(seen, last + 1);
                next += 1;
            }
        }
        prop_assert_eq!(next, rows.len());
    }
}
