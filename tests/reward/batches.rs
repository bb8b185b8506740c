use proptest::prelude::*;
use tiebreak::domain::Turn;
use tiebreak::reward::batch::{each, pack};
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
                    // To the last digit: sums go along a row in one order, whatever is computed beside it.
                    assert_eq!(found.score.to_bits(), alone.to_bits());
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
                    assert_eq!(found.score.to_bits(), alone.to_bits());
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

/// What a labeler types goes on from what was there: only the end is computed, and the score is that of the whole.
#[test]
fn after_an_edit_only_what_follows_it_is_computed() {
    let mut kept = model("llama-1");
    let reply = "It depends on what you ask, and of whom. ".repeat(8);
    let with = |reply: String| vec![Turn::user("Why?"), Turn::assistant(reply)];
    let (_, whole) = score(&mut kept, &[with(reply.clone())]);
    assert_eq!(whole.tokens_computed, whole.tokens);
    for reply in [
        format!("{reply}!"),
        format!("{reply}!!"),
        format!("{}...", &reply[..reply.len() - 20]),
        reply[..50].to_owned(),
        String::new(),
        reply,
    ] {
        let conversation = with(reply);
        let (found, stats) = score(&mut kept, std::slice::from_ref(&conversation));
        let (fresh, _) = score(&mut model("llama-1"), &[conversation]);
        assert_eq!(found[0].score.to_bits(), fresh[0].score.to_bits());
        assert!(stats.tokens_computed <= 80, "{stats:?}");
    }
}

/// Turns of one conversation, the first ends, then the second: all hang from one another.
#[test]
fn successive_turns_are_computed_once() {
    let mut turns = vec![];
    let mut all = vec![];
    for at in 0..6 {
        turns.push(Turn::user(format!(
            "And number {at}? {}",
            "Please. ".repeat(3)
        )));
        turns.push(Turn::assistant("As I said. ".repeat(3)));
        all.push(turns.clone());
    }
    let mut scorer = model("llama-1");
    let (found, stats) = score(&mut scorer, &all);
    let longest = u64::from(found[5].tokens);
    assert!(
        stats.tokens_computed <= longest + 6 * 8,
        "{stats:?} {longest}"
    );
    for (turns, found) in all.iter().zip(&found) {
        let (fresh, _) = score(&mut model("llama-1"), std::slice::from_ref(turns));
        assert_eq!(found.score.to_bits(), fresh[0].score.to_bits());
    }
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

/// A device that has too little memory gets less at once; what it cannot take alone is an error.
#[test]
fn batches_that_are_too_large_are_halved() {
    let rows: Vec<Vec<u32>> = (0..13).map(|at| vec![at; 10 + at as usize]).collect();
    for most in [22, 30, 75] {
        let mut seen = vec![];
        let told = each(&rows, 200, true, |_: &&str| true, &mut |batch| {
            if batch.ids.len() > most {
                return Err("too large");
            }
            for (row, segment) in batch.rows.iter().enumerate() {
                assert_eq!(
                    batch.ids[batch.segments[*segment].range.clone()],
                    rows[batch.first + row]
                );
                seen.push(batch.first + row);
            }
            Ok(())
        });
        assert_eq!(told, Ok(()));
        assert!(seen.into_iter().eq(0..13));
    }
    let told = each(&rows, 200, true, |_: &&str| true, &mut |batch| {
        if batch.ids.len() > 20 {
            Err("too large")
        } else {
            Ok(())
        }
    });
    assert_eq!(told, Err("too large"));
    let told = each(&rows, 200, true, |_: &&str| false, &mut |_| Err("broken"));
    assert_eq!(told, Err("broken"));
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
        let batches = pack(&rows, budget, sharing);
        let mut next = 0;
        for batch in &batches {
            prop_assert_eq!(batch.first, next);
            for row in 0..batch.rows.len() {
                let chain = batch.chain(batch.rows[row]);
                let places: Vec<usize> = chain.iter().flat_map(|s| batch.segments[*s].range.clone()).take(rows[next].len()).collect();
                prop_assert!(chain.iter().all(|s| !batch.segments[*s].range.is_empty()));
                prop_assert_eq!(chain.iter().map(|s| batch.segments[*s].range.len()).sum::<usize>(), rows[next].len());
                let ids: Vec<u32> = places.iter().map(|&p| batch.ids[p]).collect();
                let positions: Vec<u32> = places.iter().map(|&p| batch.positions[p]).collect();
                prop_assert_eq!(&ids, &rows[next]);
                prop_assert!(positions.iter().copied().eq(0..ids.len() as u32));
                let last = match pad {
                    None => ids.len() - 1,
                    Some(pad) => ids.iter().rposition(|&id| id != pad).unwrap_or(0),
                };
                let pooled = batch.place(row, last);
                prop_assert_eq!(pooled.token, places[last]);
                let own = &batch.segments[pooled.segment];
                prop_assert!(own.range.contains(&pooled.token));
                prop_assert_eq!(own.position + pooled.token - own.range.start, last);
                next += 1;
            }
        }
        prop_assert_eq!(next, rows.len());
    }
}
