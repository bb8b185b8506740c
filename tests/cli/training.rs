//! `tiebreak train`: JSON, exit codes, and a folder that the other commands load.

use serde_json::Value;

use super::{code, report, succeeds};
use crate::support::*;

fn tiny() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reward/llama-1").to_owned()
}

fn pairs() -> String {
    let row = |n| {
        format!(
            "{{\"prompt\":\"Name colour {n}.\",\"chosen\":\"It is blue{n}.\",\"rejected\":\"bread {n}\"}}"
        )
    };
    (0..12).map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_trained_folder_is_a_model_like_any_other() {
    let home = Home::of_mina("off");
    let rows = home.write("rows.jsonl", &pairs());
    let (rows, tiny) = (rows.to_str().unwrap(), tiny());
    let train = ["train", rows, "--base", &tiny, "--output", "head"];
    let trained = home.run(
        &[
            &train[..],
            &["--loss", "margin-bt", "--seed", "4", "--json"],
        ]
        .concat(),
    );
    succeeds(&trained);
    let told = report(&trained);
    assert_eq!(
        (&told["loss"], &told["seed"]),
        (&"margin-bt".into(), &4.into())
    );
    assert_eq!(told["examples"], 12);
    assert_eq!(
        told["train"]["n"].as_u64().unwrap() + told["validation"]["n"].as_u64().unwrap(),
        12
    );
    assert_eq!(told["features_computed"], told["texts"]);
    assert!(told["curve"].as_array().unwrap().len() as u64 >= told["best_epoch"].as_u64().unwrap());
    let kept = std::fs::read_to_string(home.file("head/tiebreak-training.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["validation"], told["validation"]);
    assert!(
        std::fs::read_to_string(home.file("head/README.md"))
            .unwrap()
            .contains("margin-bt")
    );

    let bench = home.run(&["bench", "pairs", rows, "--model", "head", "--json"]);
    succeeds(&bench);
    assert_eq!(report(&bench)["n"], 12);

    // The folder is never written over, and that is said before anything is computed.
    let again = home.run(&train);
    assert_eq!(code(&again), 2);
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.contains("`head` is not empty"), "{said}");
    // What was computed once is known.
    let other = home.run(&[
        "train", rows, "--base", &tiny, "--output", "other", "--json",
    ]);
    succeeds(&other);
    assert_eq!(report(&other)["features_computed"], 0);
}

#[test]
fn what_cannot_be_trained_on_ends_with_two_and_a_hint() {
    let home = Home::of_mina("off");
    let tiny = tiny();
    let one = home.write("one.jsonl", pairs().lines().next().unwrap());
    // A folder cannot be made in a file.
    let all = home.write("all.jsonl", &pairs());
    let inside = one.join("head");
    let run = home.run(&[
        "train",
        all.to_str().unwrap(),
        "--base",
        &tiny,
        "--output",
        inside.to_str().unwrap(),
    ]);
    assert_eq!(code(&run), 2);
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(
        said.contains("cannot write `") && said.contains("permissions"),
        "{said}"
    );
    let empty = home.project("empty", &[]);
    for (input, base, said, hint) in [
        (
            one.to_str().unwrap(),
            tiny.as_str(),
            "one prompt",
            "other prompts",
        ),
        (
            empty.to_str().unwrap(),
            &tiny,
            "no label to learn from",
            "label some pairs first",
        ),
        (
            one.to_str().unwrap(),
            "http://127.0.0.1:9/",
            "remote models",
            "",
        ),
    ] {
        let run = home.run(&["train", input, "--base", base, "--output", "head"]);
        assert_eq!(code(&run), 2);
        let text = String::from_utf8_lossy(&run.stderr);
        assert!(text.contains(said) && text.contains(hint), "{text}");
        assert!(!home.file("head").exists());
    }
}
