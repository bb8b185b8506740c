//! How many decisions of a model each kind of matrix changes when it is kept in fewer digits than f32, and how fast it becomes: what
//! `tiebreak::reward::local::cpu::AUTO` was chosen by. By hand:
//! `TIEBREAK_MODEL=FOLDER TIEBREAK_PAIRS=PAIRS.jsonl cargo test --release --test all reward::precision -- --ignored --nocapture`;
//! lines of PAIRS as those of `tests/speed/README.md`. `TIEBREAK_EVERY=4` takes every fourth pair.

use std::env;

use serde_json::Value as Json;
use tiebreak::domain::{Role, Turn};
use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::local::cpu::{AUTO, Kind, Parts};
use tiebreak::reward::{DtypeChoice, LoadOptions, ModelRef};

use super::score;

/// Turns of one side of a pair.
fn side(row: &Json, reply: &Json) -> Vec<Turn> {
    let turn = |message: &Json| {
        let text = message["content"].as_str().unwrap();
        match message["role"].as_str().unwrap() {
            "system" => Turn::new(Role::System, text),
            "assistant" => Turn::assistant(text),
            _ => Turn::user(text),
        }
    };
    let mut turns: Vec<Turn> = row["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(turn)
        .collect();
    match reply {
        Json::String(text) => turns.push(Turn::assistant(text.as_str())),
        messages => turns.extend(messages.as_array().unwrap().iter().map(turn)),
    }
    turns
}

#[test]
#[ignore = "a measurement"]
fn decisions_by_part() {
    let model: ModelRef = env::var("TIEBREAK_MODEL").unwrap().parse().unwrap();
    let pairs = std::fs::read_to_string(env::var("TIEBREAK_PAIRS").unwrap()).unwrap();
    let every = env::var("TIEBREAK_EVERY").map_or(1, |n| n.parse().unwrap());
    let rows: Vec<Json> = pairs
        .lines()
        .step_by(every)
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let texts: Vec<Vec<Turn>> = rows
        .iter()
        .flat_map(|row| [side(row, &row["chosen"]), side(row, &row["rejected"])])
        .collect();
    let int8 = Parts::all(Kind::Int8);
    let bf16 = Kind::Bf16;
    let cases = [
        Parts::all(Kind::F32),
        Parts::all(bf16),
        int8,
        Parts {
            query_key: bf16,
            ..int8
        },
        Parts {
            value: bf16,
            ..int8
        },
        Parts {
            output: bf16,
            ..int8
        },
        Parts {
            gate_up: bf16,
            ..int8
        },
        Parts { down: bf16, ..int8 },
        AUTO,
    ];
    let mut exact: Vec<f64> = vec![];
    for parts in cases {
        let options = LoadOptions {
            dtype: DtypeChoice::Parts(parts),
            threads: Some(std::thread::available_parallelism().unwrap().get()),
            ..LoadOptions::default()
        };
        let mut scorer = LocalScorer::load(&model, &options).unwrap();
        let (found, stats) = score(&mut scorer, &texts);
        let margins: Vec<f64> = found
            .chunks(2)
            .map(|pair| pair[0].score - pair[1].score)
            .collect();
        if exact.is_empty() {
            exact.clone_from(&margins);
        }
        let both = || exact.iter().zip(&margins);
        let turned = both().filter(|(a, b)| (**a > 0.0) != (**b > 0.0)).count();
        let squares: f64 = both().map(|(a, b)| (a - b) * (a - b)).sum();
        eprintln!(
            "{:<24} {turned:>4} of {} turned ({:.2} %), margins apart {:.4} (root mean square), {:.2} pairs/s",
            parts.name(),
            exact.len(),
            100.0 * turned as f64 / exact.len() as f64,
            (squares / exact.len() as f64).sqrt(),
            rows.len() as f64 / stats.compute.as_secs_f64(),
        );
    }
}
