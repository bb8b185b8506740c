use std::time::Instant;

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
            eprintln!(
                "{} {} {threads}: {tokens} tokens, {speed:.0} tokens/s, encode {encode:?}, load {load:?}, score {:.5}",
                scorer.info().name,
                scorer.info().dtype,
                first[0].score
            );
        }
    }
}
