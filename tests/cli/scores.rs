//! `tiebreak score` and `tiebreak bench`: lines in the order of the input, and what is counted with them.

use super::*;

/// `(item, response)` of each line.
fn places(lines: &[Value]) -> Vec<(u64, u64)> {
    lines
        .iter()
        .map(|l| (l["item"].as_u64().unwrap(), l["response"].as_u64().unwrap()))
        .collect()
}

fn pairs_of(items: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
    items.into_iter().flat_map(|i| [(i, 0), (i, 1)]).collect()
}

#[test]
fn scores_come_in_the_order_of_the_input_and_count_its_rows() {
    let home = Home::new();
    let score = |input: &str| {
        let output = home.run(&[
            "score",
            input,
            "--model",
            "default",
            "--max-length",
            "48",
            "--json",
        ]);
        succeeds(&output);
        let stats = String::from_utf8(output.stderr).unwrap();
        let stats: Value = serde_json::from_str(stats.lines().last().unwrap()).unwrap();
        let lines = lines(std::str::from_utf8(&output.stdout).unwrap());
        assert_eq!(stats["responses"], lines.len());
        for name in [
            "rows",
            "tokens",
            "tokens_computed",
            "encode_s",
            "seconds",
            "tokens_per_s",
            "pairs_per_s",
        ] {
            assert!(stats[name].is_number(), "{name} of {stats}");
        }
        assert!(stats["device"].is_string() && stats["dtype"].is_string());
        for line in &lines {
            assert!(
                line["id"].is_string() && line["score"].is_f64() && line["truncated"].is_boolean(),
                "{line}"
            );
            assert!(
                line["tokens"]
                    .as_u64()
                    .is_some_and(|t| (1..=48).contains(&t)),
                "{line}"
            );
        }
        lines
    };
    let hs2 = score(text(&fixture("helpsteer2_validation_first8.jsonl")));
    assert_eq!(places(&hs2), pairs_of([0, 2, 4, 6]));
    assert_eq!(hs2[2]["id"], "row-2");
    assert_eq!(hs2[0]["truncated"], true);
    let hh = score(text(&fixture("hh_rlhf.jsonl")));
    assert_eq!(places(&hh), pairs_of(0..13));
    let judge = score(text(&fixture("judgebench.jsonl")));
    assert_eq!(places(&judge), pairs_of(0..3));
    assert_eq!(judge[0]["id"], "857131ea-e0ef-517b-9f31-996edf4dc832");

    // The chosen one is 0, whatever the texts; a rejected row leaves a gap; a single response is 0.
    let blue = "{\"prompt\":\"Name a colour.\",\"chosen\":\"Blue.\",\"rejected\":\"Bread.\"}";
    let bread = "{\"prompt\":\"Name a colour.\",\"chosen\":\"Bread.\",\"rejected\":\"Blue.\"}";
    let rows = home.write(
        "rows.jsonl",
        &format!("{blue}\n{{\"prompt\":\"x\",\"chosen\":\"y\"}}\n{bread}\n"),
    );
    let swapped = score(text(&rows));
    assert_eq!(places(&swapped), pairs_of([0, 2]));
    let near = |a: &Value, b: &Value| {
        // What is computed together decides the last digits.
        (a["score"].as_f64().unwrap() - b["score"].as_f64().unwrap()).abs() < 1e-4
    };
    assert!(near(&swapped[0], &swapped[3]) && near(&swapped[1], &swapped[2]));
    assert!(!near(&swapped[0], &swapped[1]));
    let single = "{\"messages\":[{\"role\":\"user\",\"content\":\"Name a colour.\"},{\"role\":\"assistant\",\"content\":\"Blue.\"}]}\n";
    let single = score(text(&home.write("single.jsonl", single)));
    assert_eq!(places(&single), [(0, 0)]);
    assert!(near(&single[0], &swapped[0]));
}

#[test]
fn an_interrupted_score_goes_on_where_it_stopped_and_only_as_it_began() {
    let home = Home::new();
    let input = fixture("helpsteer2_validation_first8.jsonl");
    let score = |output: &str, length: &str, more: &[&str]| {
        let mut arguments = vec![
            "score",
            text(&input),
            "--model",
            "default",
            "--max-length",
            length,
            "--output",
            output,
        ];
        arguments.extend(more);
        home.run(&arguments)
    };
    let whole = score("whole.jsonl", "64", &["--json"]);
    succeeds(&whole);
    assert_eq!(
        report(&whole)["responses"],
        8,
        "with --output the report is on stdout"
    );
    let expected = std::fs::read(home.file("whole.jsonl")).unwrap();
    assert_eq!(expected.split_inclusive(|b| *b == b'\n').count(), 8);

    // Cut off in the middle of the fourth line.
    let third = expected
        .iter()
        .enumerate()
        .filter(|(_, b)| **b == b'\n')
        .nth(2)
        .unwrap()
        .0;
    let cut = &expected[..third + 20];
    std::fs::write(home.file("cut.jsonl.partial"), cut).unwrap();
    for (length, model) in [("65", "default"), ("64", "tiny")] {
        let tiny =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reward/llama-1.f32.gguf");
        let model = if model == "tiny" { text(&tiny) } else { model };
        let other = home.run(&[
            "score",
            text(&input),
            "--model",
            model,
            "--max-length",
            length,
            "--output",
            "cut.jsonl",
            "--resume",
        ]);
        fails_with_a_hint(&other, "cut.jsonl.partial");
        assert_eq!(
            std::fs::read(home.file("cut.jsonl.partial")).unwrap(),
            cut,
            "left as it was"
        );
    }
    succeeds(&score("cut.jsonl", "64", &["--resume"]));
    assert_eq!(
        String::from_utf8(std::fs::read(home.file("cut.jsonl")).unwrap()).unwrap(),
        String::from_utf8(expected.clone()).unwrap()
    );
    assert!(!home.file("cut.jsonl.partial").exists());

    // Without --resume it begins anew.
    std::fs::write(home.file("cut.jsonl.partial"), "nonsense").unwrap();
    succeeds(&score("cut.jsonl", "64", &[]));
    assert_eq!(std::fs::read(home.file("cut.jsonl")).unwrap(), expected);
}

#[test]
fn a_bench_counts_the_pairs_in_which_the_preferred_response_scores_higher() {
    let home = Home::new();
    let row = |prompt: &str, chosen: &str, rejected: &str, set: &str| {
        json!({"prompt": prompt, "chosen": chosen, "rejected": rejected, "set": set}).to_string()
    };
    let rows = [
        row(
            "Name a colour.",
            "Blue, as the sky is.",
            "Bread.",
            "colours",
        ),
        row(
            "Name another one.",
            "Red.",
            "I will not name one.",
            "colours",
        ),
        row("Count to three.", "One, two, three.", "No.", "numbers"),
        row("Count to two.", "One, two.", "One.", "numbers"),
    ];
    let rows = home.write("rows.jsonl", &rows.join("\n"));
    // Of the four, the third is a tie and the fourth wrong.
    let scores: Vec<String> = [(0, 2.0, 1.0), (1, 0.5, -0.5), (2, 1.0, 1.0), (3, 0.0, 3.0)]
        .iter()
        .flat_map(|(item, chosen, rejected)| {
            [(0, chosen), (1, rejected)].map(|(at, score)| {
                json!({"item": item, "response": at, "score": score}).to_string()
            })
        })
        .collect();
    let scores = home.write("scores.jsonl", &scores.join("\n"));
    let run = home.run(&[
        "bench",
        "pairs",
        text(&rows),
        "--scores",
        text(&scores),
        "--output",
        "each.jsonl",
        "--json",
    ]);
    succeeds(&run);
    let told = report(&run);
    assert_eq!(
        (&told["benchmark"], &told["n"], &told["overall"]),
        (&json!("pairs"), &json!(4), &json!(0.5))
    );
    assert_eq!(told["sections"], json!({"colours": 1.0, "numbers": 0.0}));
    let numbers = &told["subsets"]["numbers"];
    assert_eq!(
        (&numbers["n"], &numbers["ties"], &numbers["length_baseline"]),
        (&json!(2), &json!(1), &json!(1.0))
    );
    assert_eq!(told["subsets"]["colours"]["length_baseline"], 0.5);
    let (low, high) = (
        numbers["low"].as_f64().unwrap(),
        numbers["high"].as_f64().unwrap(),
    );
    assert!(
        low.abs() < 1e-12 && (0.6..0.7).contains(&high),
        "{low} {high}"
    );
    let each = std::fs::read_to_string(home.file("each.jsonl")).unwrap();
    let agrees: Vec<bool> = lines(&each)
        .iter()
        .map(|l| l["agrees"].as_bool().unwrap())
        .collect();
    assert_eq!(agrees, [true, true, false, false]);

    // A model's own scores give the same, by whichever way.
    let by_scores = home.run(&[
        "score",
        text(&rows),
        "--model",
        "default",
        "--dtype",
        "f32",
        "--output",
        "own.jsonl",
    ]);
    succeeds(&by_scores);
    let by_file = report(&home.run(&[
        "bench",
        "pairs",
        text(&rows),
        "--scores",
        "own.jsonl",
        "--json",
    ]));
    let by_model = home.run(&[
        "bench",
        "pairs",
        text(&rows),
        "--model",
        "default",
        "--json",
    ]);
    succeeds(&by_model);
    let by_model = report(&by_model);
    assert_eq!(by_model["sections"], by_file["sections"]);
    assert_eq!(
        (&by_model["model"], &by_model["dtype"]),
        (&json!("default"), &json!("f32"))
    );
}

#[test]
fn a_check_shows_the_tokens_and_the_pooled_one() {
    let home = Home::new();
    let output = home.run(&["model", "check", "default", "--json"]);
    succeeds(&output);
    let found = report(&output);
    let tokens = found["tokens"].as_array().unwrap();
    assert_eq!(tokens[0]["text"], "<|im_start|>");
    let pooled = found["pooled"].as_u64().unwrap() as usize;
    assert_eq!(
        (pooled, &tokens[pooled]["text"]),
        (tokens.len() - 1, &"<|im_end|>".into())
    );
    assert_eq!(found["warnings"], json!([]));
    assert_eq!(
        (&found["dtype"], &found["head"], &found["repeatable"]),
        (&"f32".into(), &"score".into(), &true.into())
    );
    for answer in ["good", "bad"] {
        assert!(found["scores"][answer].is_f64(), "{found}");
    }
    // Where the padding token ends turns, an earlier one is pooled, and that is said; a doubled beginning is, too.
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reward");
    let found = report(&home.run(&["model", "check", &format!("{fixtures}/llama-5"), "--json"]));
    assert_eq!(found["warnings"][0]["kind"], "pad-at-end");
    let causal = format!("{fixtures}/llama-causal");
    assert_eq!(
        home.run(&["model", "check", &causal]).status.code(),
        Some(2)
    );
    let output = home.run(&["model", "check", &causal, "--head", "logit:7"]);
    succeeds(&output);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("head logit:7") && said.contains("> "),
        "{said}"
    );
}

#[test]
fn a_trace_says_how_each_score_comes_about() {
    let home = Home::new();
    let row = serde_json::json!({"prompt": "What is it?", "chosen": "A fox, I think.", "rejected": "No."});
    let file = home.write("t.jsonl", &format!("{row}\n"));
    let output = home.run(&[
        "score",
        file.to_str().unwrap(),
        "--model",
        "default",
        "--trace",
    ]);
    succeeds(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let tokens = line["trace"]["tokens"].as_array().unwrap();
        assert!(tokens.len() > 3 && tokens.len() < line["tokens"].as_u64().unwrap() as usize);
        let score = line["score"].as_f64().unwrap();
        let last = tokens.last().unwrap();
        assert_eq!(last["text"], "<|im_end|>");
        assert!((last["score"].as_f64().unwrap() - score).abs() < 1e-5);
        assert_eq!(line["trace"]["turns"][0]["turn"], 1);
        assert!((line["trace"]["turns"][0]["score"].as_f64().unwrap() - score).abs() < 1e-5);
    }
}

/// Ctrl+C in the middle: what is scored is kept and continued, and nothing is there twice.
#[test]
#[cfg(unix)]
fn a_run_that_is_interrupted_keeps_what_it_has_and_goes_on() {
    let home = Home::new();
    let rows: Vec<String> = (0..500)
        .map(|n| {
            let (chosen, rejected) = (format!("It is {n}, of course. "), "No. ".repeat(n % 5 + 1));
            json!({"prompt": format!("Which number is after {n}?"), "chosen": chosen, "rejected": rejected}).to_string()
        })
        .collect();
    let input = home.write("rows.jsonl", &rows.join("\n"));
    let arguments = [
        "score",
        text(&input),
        "--model",
        "default",
        "--threads",
        "1",
        "--output",
        "out.jsonl",
    ];
    let mut child = home
        .command(&arguments)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let partial = home.file("out.jsonl.partial");
    let lines = || std::fs::read_to_string(&partial).map_or(0, |text| text.matches('\n').count());
    while lines() == 0 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it could be stopped"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let stopped = child.wait_with_output().unwrap();
    assert_eq!(stopped.status.code(), Some(130));
    let told = String::from_utf8(stopped.stderr).unwrap();
    let kept = lines();
    assert!(kept < 1000, "{kept}");
    assert!(
        told.contains(&format!("stopped: {kept} responses")) && told.contains("--resume"),
        "{told}"
    );
    assert!(!home.file("out.jsonl").exists());
    let mut again = arguments.to_vec();
    again.push("--resume");
    succeeds(&home.run(&again));
    let all = std::fs::read_to_string(home.file("out.jsonl")).unwrap();
    let all: Vec<Value> = all
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(places(&all), pairs_of(0..500));
    assert!(all.iter().all(|l| l["score"].is_f64()));
}

/// What is neither a file nor a folder is written to, not replaced: `/dev/null` stays what it is.
#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_is_written_straight_to() {
    use std::os::unix::fs::FileTypeExt as _;
    let home = Home::new();
    let input = home.write(
        "in.jsonl",
        "{\"prompt\":\"Why?\",\"chosen\":\"So.\",\"rejected\":\"No.\"}\n",
    );
    let pipe = home.file("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let into_pipe = |arguments: &[&str]| {
        let path = pipe.clone();
        let reader = std::thread::spawn(move || std::fs::read_to_string(path).unwrap());
        succeeds(&home.run(&[arguments, &["--output", text(&pipe)]].concat()));
        assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
        lines(&reader.join().unwrap())
    };
    let input = text(&input);
    let scored = into_pipe(&["score", input, "--model", "default"]);
    assert_eq!(places(&scored), pairs_of([0]));
    let judged = into_pipe(&["bench", "pairs", input, "--model", "default"]);
    assert_eq!(judged.len(), 1);
    let project = home.file("p.tiebreak");
    succeeds(&home.run(&["import", text(&project), input]));
    let rows = into_pipe(&[
        "export",
        text(&project),
        "--labels",
        "reference",
        "--format",
        "pairs",
    ]);
    assert_eq!(rows[0]["chosen"], "So.");
}

/// The file behind a link gets the new content; the link stays.
#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let home = Home::new();
    let input = home.write(
        "in.jsonl",
        "{\"prompt\":\"Why?\",\"chosen\":\"So.\",\"rejected\":\"No.\"}\n",
    );
    let behind = home.write("behind.jsonl", "before\n");
    let link = home.file("link.jsonl");
    std::os::unix::fs::symlink(&behind, &link).unwrap();
    succeeds(&home.run(&[
        "score",
        text(&input),
        "--model",
        "default",
        "--output",
        text(&link),
    ]));
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(lines(&std::fs::read_to_string(behind).unwrap()).len(), 2);
}
