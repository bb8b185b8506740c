//! Benchmarks, arenas and rated completions: rows of the shapes that their data cards give.

use serde_json::{Value, json};

use super::*;

fn one(row: &Value) -> (ReadReport, Row) {
    let (report, mut rows) = import_text(&row.to_string());
    assert_eq!(report.rejected, []);
    assert_eq!(rows.len(), 1);
    (report, rows.remove(0))
}

/// The key of the response that the file has at this place.
fn key(row: &Row, at: usize) -> ResponseKey {
    row.item.responses[row.source.order[at]].key
}

fn rejected(row: &Value) -> String {
    let (report, rows) = import_text(&row.to_string());
    assert_eq!((report.rejected.len(), rows.len()), (1, 0));
    report.rejected[0].reason.clone()
}

#[test]
fn helpsteer3_keeps_every_annotator() {
    let row = json!({
        "domain": "code", "language": "python",
        "context": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}],
        "response1": "x", "response2": "y", "overall_preference": 2,
        "individual_preference": [
            {"score": 3, "reasoning": "It runs.", "feedback1": "no", "feedback2": "yes"},
            {"score": 0, "reasoning": "Alike.", "feedback1": "", "feedback2": ""},
            {"score": -1, "reasoning": "Shorter.", "feedback1": "", "feedback2": ""},
        ],
    });
    let (report, read) = one(&row);
    assert_eq!(report.format, Some(Format::HelpSteer3));
    assert_eq!(read.item.context.len(), 3);
    let signed: Vec<_> = read
        .references
        .iter()
        .map(|r| {
            r.judgment
                .preference
                .unwrap()
                .signed(key(&read, 0), key(&read, 1))
        })
        .collect();
    assert_eq!(signed, [Some(2), Some(3), Some(0), Some(-1)]);
    assert_eq!(read.references[1].judgment.justification, "It runs.");
    assert_eq!(read.references[1].extra["feedback2"], "yes");
    assert_eq!(read.references[3].annotator.as_deref(), Some("3"));
    assert_eq!(read.source.extra["domain"], "code");
    let mut strange = row;
    strange["overall_preference"] = json!(4);
    assert!(rejected(&strange).contains("overall_preference is 4"));
}

#[test]
fn rewardbench_names_the_models_and_keeps_the_subset() {
    let (report, row) = one(&json!({
        "prompt": "q", "chosen": "a", "chosen_model": "m1", "rejected": "b", "rejected_model": "m2", "subset": "hep-rust", "id": 7,
    }));
    assert_eq!(report.format, Some(Format::RewardBench));
    assert_eq!(row.source.id.as_deref(), Some("7"));
    assert_eq!(row.source.extra["subset"], "hep-rust");
    assert_eq!(
        row.source.models,
        [Some("m1".to_owned()), Some("m2".to_owned())]
    );
    let better = Preference::Better {
        response: key(&row, 0),
        strength: None,
    };
    assert_eq!(row.references[0].judgment.preference, Some(better));
}

#[test]
fn lists_of_right_and_wrong_replies_are_ranked_in_two_groups() {
    let (report, row) = one(&json!({
        "id": "tied:3", "prompt": "q", "chosen": ["red", "blue"], "rejected": ["bread", "red"], "subset": "Ties", "num_correct": 2,
        "total_completions": 4, "models": ["a", "b", "c", "d"],
    }));
    assert_eq!(report.format, Some(Format::RewardBench2));
    let groups = &row.references[0].judgment.ranking;
    // The same text on both sides is two responses, as the file has it.
    let [right, wrong] = [[0, 1], [2, 3]].map(|at| at.map(|at| key(&row, at)).to_vec());
    assert_eq!(*groups, [right, wrong]);
    let (report, row) = one(&json!({
        "id": 3155, "prompt": "q", "chosen": ["a", "aa", "**a**"], "rejected": ["b", "bb", "**b**"], "subset": "xstest-should-respond",
        "domain": "safety-response",
    }));
    assert_eq!(report.format, Some(Format::RmBench));
    assert_eq!(row.item.responses.len(), 6);
    assert_eq!(row.source.order.len(), 6);
    let groups = &row.references[0].judgment.ranking;
    assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    assert_eq!(groups[1][2], key(&row, 5));
    assert!(rejected(&json!({"prompt": "q", "chosen": ["a"], "rejected": ["b"], "num_correct": 1, "id": [], "subset": 1, "total_completions": {}}).as_object().map(|o| {
        let mut o = o.clone();
        o.remove("prompt");
        Value::Object(o)
    }).unwrap()).contains("no prompt"));
}

#[test]
fn ultrafeedback_completions_come_with_their_ratings() {
    let completion = |model: &str, text: &str, helpful: Value| {
        json!({"model": model, "response": text, "critique": "…", "overall_score": 7.5,
               "annotations": {"helpfulness": {"Rating": helpful, "Rationale": "so"}, "honesty": {"Rating": "N/A"}}})
    };
    let (report, row) = one(&json!({
        "source": "evol_instruct", "instruction": "Do it.", "models": ["a", "b", "c"],
        "completions": [completion("a", "x", json!("4")), completion("b", "y", json!(2)), completion("c", "z", json!("5"))],
    }));
    assert_eq!(report.format, Some(Format::UltraFeedback));
    let ratings = &row.references[0].judgment.ratings;
    let rated = |at: usize, name: &str| ratings.get(key(&row, at), name);
    assert_eq!(
        [0, 1, 2].map(|at| rated(at, "helpfulness")),
        [Some(4.0), Some(2.0), Some(5.0)]
    );
    assert_eq!(
        (rated(0, "honesty"), rated(0, "overall_score")),
        (None, Some(7.5))
    );
    assert_eq!(row.source.models[1].as_deref(), Some("b"));
    assert_eq!(row.source.extra["completions"][0]["critique"], "…");
    // Two of them as messages with a score each, as the binarised data sets have it.
    let side = |text: &str| json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": text}]);
    let (report, row) = one(&json!({
        "prompt": "q", "prompt_id": "0ab", "chosen": side("good"), "rejected": side("bad"), "messages": side("good"),
        "score_chosen": 8.5, "score_rejected": 3.0,
    }));
    assert_eq!(report.format, Some(Format::UltraFeedback));
    let judgment = &row.references[0].judgment;
    assert_eq!(judgment.ratings.get(key(&row, 0), "score"), Some(8.5));
    assert_eq!(judgment.ratings.get(key(&row, 1), "score"), Some(3.0));
    assert!(
        matches!(judgment.preference, Some(Preference::Better { response, .. }) if response == key(&row, 0))
    );
    assert_eq!(row.item.context.len(), 1);
}

#[test]
fn battles_are_votes_on_two_conversations() {
    let side = |reply: &str, second: &str| json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": reply}, {"role": "user", "content": "and?"}, {"role": "assistant", "content": second}]);
    let battle = |winner: &str| {
        json!({"question_id": "f1", "model_a": "m1", "model_b": "m2", "winner": winner, "judge": "arena_user_1", "turn": 2, "anony": true,
               "language": "English", "tstamp": 1.0, "conversation_a": side("a", "b"), "conversation_b": side("c", "d")})
    };
    let (report, row) = one(&battle("model_b"));
    assert_eq!(report.format, Some(Format::Arena));
    assert_eq!(
        (row.item.context.len(), row.item.responses[0].turns.len()),
        (1, 3)
    );
    let vote = &row.references[0];
    assert_eq!(
        (vote.role, vote.annotator.as_deref()),
        (ReferenceRole::Vote, Some("arena_user_1"))
    );
    assert!(
        matches!(vote.judgment.preference, Some(Preference::Better { response, .. }) if response == key(&row, 1))
    );
    let tie = one(&battle("tie (bothbad)")).1;
    assert_eq!(
        tie.references[0].judgment.preference,
        Some(Preference::NeitherValid)
    );
    assert!(rejected(&battle("nobody")).contains("`nobody`"));
    // As a table has it: lists in texts, and three columns for the winner.
    let (report, row) = one(&json!({
        "id": 30192, "model_a": "m1", "model_b": "m2", "prompt": "[\"q\", \"and?\"]", "response_a": "[\"a\", \"b\"]", "response_b": "[\"c\", \"d\"]",
        "winner_model_a": 0, "winner_model_b": 0, "winner_tie": 1,
    }));
    assert_eq!(report.format, Some(Format::Arena));
    assert_eq!(row.references[0].judgment.preference, Some(Preference::Tie));
    assert_eq!(row.item.context.len(), 1);
    assert_eq!(row.source.id.as_deref(), Some("30192"));
}

#[test]
fn sharegpt_rows_are_read_alone_and_with_two_sides() {
    let asked = json!([{"from": "system", "value": "s"}, {"from": "human", "value": "q"}]);
    let (report, row) = one(&json!({
        "conversations": asked, "chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "b"},
    }));
    assert_eq!(report.format, Some(Format::ShareGpt));
    assert_eq!((row.item.context.len(), row.item.responses.len()), (2, 2));
    let (report, row) = one(
        &json!({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}),
    );
    assert_eq!(report.format, Some(Format::ShareGpt));
    assert_eq!(row.item.responses.len(), 1);
}

#[test]
fn tables_are_read_with_their_quotes_lines_and_numbers() {
    let text = "\u{feff}prompt;chosen;rejected;preference_strength;code\r\n\"Say \"\"a;b\"\"\r\nplease\";42;\"no\";2;007\r\nq;x\r\nq;;b;1;a\r\n";
    let (report, rows) = import_text(text);
    assert_eq!(
        (report.format, report.read, rows.len()),
        (Some(Format::Trl), 3, 1)
    );
    assert_eq!(rows[0].item.context[0].content, "Say \"a;b\"\r\nplease");
    assert_eq!(rows[0].item.responses[rows[0].source.order[0]].text(), "42");
    assert!(matches!(
        rows[0].references[0].judgment.preference,
        Some(Preference::Better {
            strength: Some(2),
            ..
        })
    ));
    assert_eq!(rows[0].source.extra["code"], "007");
    assert!(
        report.rejected[0]
            .reason
            .contains("2 cells and the header 5")
    );
    assert!(
        import_bytes(b"a,b\n1,\"never closed\n\n").is_err(),
        "names that say nothing"
    );
}

#[test]
fn zstd_is_read_and_what_is_cut_off_is_said() {
    let row = |n: usize| {
        json!({"prompt": format!("q {n}"), "chosen": format!("a {n}"), "rejected": "b"}).to_string()
    };
    let rows = (0..200).map(row).collect::<Vec<_>>().join("\n");
    let packed = zstd::encode_all(rows.as_bytes(), 3).unwrap();
    let (report, read) = import_bytes(&packed).unwrap();
    assert_eq!((report.rejected_in_all, read.len()), (0, 200));
    let (report, _) = import_bytes(&packed[..packed.len() / 2]).unwrap_or_default();
    assert!(
        report
            .rejected
            .iter()
            .any(|r| r.reason.contains("damaged or cut off")),
        "{report:?}"
    );
}

/// Five hundred megabytes of nothing in a few kilobytes.
#[test]
fn an_archive_that_expands_beyond_measure_is_refused() {
    let line = format!(
        "{}\n",
        json!({"prompt": "q", "chosen": "a", "rejected": "b".repeat(1 << 20)})
    );
    let mut packed = zstd::Encoder::new(vec![], 3).unwrap();
    for _ in 0..500 {
        std::io::Write::write_all(&mut packed, line.as_bytes()).unwrap();
    }
    let (report, rows) = import_bytes(&packed.finish().unwrap()).unwrap();
    assert!(rows.len() < 300);
    assert!(
        report
            .rejected
            .iter()
            .any(|r| r.reason.contains("expands more than")),
        "{:?}",
        report.rejected
    );
}
