//! How fast a model scores, beside bare matrix products of its shape in the same run; run by hand:
//! `cargo test --release --test all reward::speed -- --ignored --nocapture`. Asserts nothing about time.

use std::time::Instant;

use candle_core::{Device, Tensor};
use tiebreak::domain::Turn;
use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::{DtypeChoice, LoadOptions, ModelRef, Scorer as _};

use super::score;

/// Prints tokens per second of the model `TIEBREAK_MODEL` (`default` if unset) on single conversations of about 500 tokens.
#[test]
#[ignore = "a measurement"]
fn tokens_per_second() {
    let name = std::env::var("TIEBREAK_MODEL").unwrap_or_else(|_unset| "default".to_owned());
    let text = "A reward model reads the whole conversation, and only then says how good the last reply is. ".repeat(11);
    let turns = vec![Turn::user(text.as_str()), Turn::assistant(text.as_str())];
    let bare = products_per_second();
    eprintln!("bare f32 products: {:.0} GFLOP/s", bare / 1e9);
    for dtype in [DtypeChoice::F32, DtypeChoice::Q8_0] {
        for threads in [1, 2] {
            let options = LoadOptions {
                threads: Some(threads),
                dtype,
                ..LoadOptions::default()
            };
            let start = Instant::now();
            let mut scorer =
                LocalScorer::load(&name.parse::<ModelRef>().unwrap(), &options).unwrap();
            let load = start.elapsed();
            let (first, _) = score(&mut scorer, std::slice::from_ref(&turns));
            let mut best = f64::MAX;
            for _ in 0..8 {
                let (_, stats) = score(&mut scorer, std::slice::from_ref(&turns));
                best = best.min(stats.compute.as_secs_f64());
            }
            let tokens = first[0].tokens;
            let (speed, encode) = (
                f64::from(tokens) / best,
                score(&mut scorer, std::slice::from_ref(&turns)).1.encode,
            );
            // Two operations per weight and token; the embedding's weights are looked up only.
            let share = 2.0 * LAYERS * speed / bare;
            eprintln!(
                "{} {} {threads}: {tokens} tokens, {speed:.0} tokens/s, {share:.2} of bare products if it is the embedded model, encode {encode:?}, load {load:?}, score {:.5}",
                scorer.info().name,
                scorer.info().dtype,
                first[0].score
            );
        }
    }
}

/// Weights in the layers of the embedded model: 4 of 3,540,096 (attention 884,736, feed-forward 2,654,208, norms 1,152).
const LAYERS: f64 = 4.0 * 3_540_096.0;

/// Operations per second of products of the feed-forward's shape, as candle computes them.
fn products_per_second() -> f64 {
    let (rows, inner, columns) = (512, 576, 1536);
    let a = Tensor::randn(0_f32, 1.0, (rows, inner), &Device::Cpu).unwrap();
    let b = Tensor::randn(0_f32, 1.0, (inner, columns), &Device::Cpu).unwrap();
    let mut best = f64::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        a.matmul(&b).unwrap();
        best = best.min(start.elapsed().as_secs_f64());
    }
    2.0 * (rows * inner * columns) as f64 / best
}

/// Prints how long a labeler waits with the model `TIEBREAK_MODEL`: for both scores of a pair (a prompt of some 300 tokens and replies of some
/// 300) opened cold and opened again, and after each of 20 keystrokes at the end of a reply of some 1,000 tokens.
#[test]
#[ignore = "a measurement"]
fn live() {
    let name = std::env::var("TIEBREAK_MODEL").unwrap_or_else(|_unset| "default".to_owned());
    let text = |words: usize, seed: usize| {
        let all = [
            "the", "answer", "is", "a", "green", "tree", "of", "many", "leaves", "and",
        ];
        let one = |n: usize| all[(n * 7 + n / 3 + seed) % all.len()];
        (0..words).map(one).collect::<Vec<_>>().join(" ")
    };
    let pair = |seed: usize| {
        let prompt = Turn::user(text(290, seed));
        [1, 2].map(|n| vec![prompt.clone(), Turn::assistant(text(290, seed + n))])
    };
    for dtype in [DtypeChoice::Auto, DtypeChoice::F32] {
        let options = LoadOptions {
            dtype,
            ..LoadOptions::default()
        };
        let mut scorer = LocalScorer::load(&name.parse::<ModelRef>().unwrap(), &options).unwrap();
        let mut took = |texts: &[Vec<Turn>]| {
            let start = Instant::now();
            let (found, stats) = score(&mut scorer, texts);
            (
                start.elapsed().as_secs_f64() * 1e3,
                found[0].tokens,
                stats.tokens_computed,
            )
        };
        took(&pair(5));
        let cold = took(&pair(0));
        let again = took(&pair(0));
        let reply = text(960, 3);
        let typed = |n: usize| {
            vec![
                Turn::user("Why?"),
                Turn::assistant(format!("{reply}{}", &"so it is, I say"[..n])),
            ]
        };
        let whole = took(&[typed(0)]);
        let mut keys: Vec<_> = (1..15).map(|n| took(&[typed(n)])).collect();
        keys.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (ms, tokens, computed) = keys[keys.len() / 2];
        eprintln!(
            "{name} {dtype:?}, {:?} threads left for it: a pair of {} tokens each {:.0} ms cold, {:.0} ms again; a reply in {tokens} tokens {:.0} ms, a keystroke at its end {ms:.1} ms (median; {:.1} at most), {computed} tokens computed",
            options.threads,
            cold.1,
            cold.0,
            again.0,
            whole.0,
            keys[keys.len() - 1].0,
        );
    }
}
