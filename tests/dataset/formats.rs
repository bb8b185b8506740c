//! Each format, by real rows where there are any: what is read, what is detected, what is joined, what is reported.

use serde_json::json;

use super::*;

fn better(row: &Row, at: usize, strength: Option<u8>) -> Preference {
    Preference::Better {
        response: row.item.responses[row.source.order[at]].key,
        strength,
    }
}

fn text(row: &Row, at: usize) -> &str {
    row.item.responses[row.source.order[at]].text()
}

fn kinds(report: &ReadReport) -> Vec<(u64, &str)> {
    report
        .warnings
        .iter()
        .map(|w| (w.row, w.kind.as_str()))
        .collect()
}

fn roles(turns: &[Turn]) -> String {
    turns.iter().map(|turn| &turn.role.as_str()[..1]).collect()
}

#[test]
fn names_of_formats_are_those_of_the_command_line() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    assert!("helpsteer".parse::<Format>().is_err());
}

#[test]
fn rows_speak_for_their_format() {
    let five = json!({"prompt": "", "response": "", "helpfulness": 1, "correctness": 1, "coherence": 1, "complexity": 1, "verbosity": 1});
    let hh = "\n\nHuman: a\n\nAssistant: b";
    for (row, format) in [
        (five, Some(Format::HelpSteer2)),
        (
            json!({"prompt": "", "response_1": "", "response_2": "", "preference_strength": 1}),
            Some(Format::HelpSteer2Preference),
        ),
        (json!({"chosen": hh, "rejected": hh}), Some(Format::HhRlhf)),
        (json!({"chosen": hh, "rejected": "b"}), Some(Format::Trl)),
        (
            json!({"prompt": [], "chosen": [], "rejected": [], "margin": 1.0}),
            Some(Format::Trl),
        ),
        (
            json!({"id": 1, "prompt": "a", "chosen": "b", "rejected": "c"}),
            Some(Format::Pairs),
        ),
        (
            json!({"messages": [], "chosen": "b", "rejected": "c"}),
            Some(Format::Pairs),
        ),
        (
            json!({"prompt": "a", "response_a": "b", "response_b": "c"}),
            Some(Format::Pairs),
        ),
        (
            json!({"prompt": "a", "response_1": "b", "response_2": "c"}),
            Some(Format::Pairs),
        ),
        (
            json!({"question": "a", "response_A": "b", "response_B": "c", "label": "A>B"}),
            Some(Format::JudgeBench),
        ),
        (
            json!({"question_id": 1, "conversation_a": [], "conversation_b": []}),
            Some(Format::MtBench),
        ),
        (
            json!({"question_id": 1, "judge": "a", "winner": "tie"}),
            Some(Format::MtBench),
        ),
        (json!({"messages": []}), Some(Format::Messages)),
        (json!({"conversations": []}), Some(Format::Messages)),
        (json!({"prompt": "a", "response": "b"}), None),
    ] {
        assert_eq!(Format::of_row(row.as_object().unwrap()), format, "{row}");
    }
}

#[test]
fn hh_rlhf_reports_what_is_unusual_and_keeps_every_row() {
    let (report, rows) = import(&[fixture("hh_rlhf.jsonl")]);
    assert_eq!(
        (report.format, report.read, report.imported),
        (Some(Format::HhRlhf), 13, 13)
    );
    assert_eq!(
        kinds(&report),
        [
            (6, "quoted-marker"),
            (6, "quoted-marker"),
            (6, "consecutive-turns-of-one-role"),
            (7, "consecutive-turns-of-one-role"),
            (8, "quoted-marker"),
            (9, "empty-reply"),
            (10, "quoted-marker"),
            (11, "consecutive-turns-of-one-role"),
            (12, "consecutive-turns-of-one-role"),
            (12, "different-context"),
            (13, "quoted-marker"),
        ]
    );
    // Row 9: the chosen reply is empty and kept.
    assert_eq!((text(&rows[8], 0), text(&rows[8], 1)), ("", "Ok"));
    assert_eq!(
        rows[8].references[0].judgment.preference.unwrap(),
        better(&rows[8], 0, None)
    );
    // Row 12: alike up to the last two or one turns.
    let replies = |at: usize| roles(&rows[11].item.responses[rows[11].source.order[at]].turns);
    assert_eq!(
        (roles(&rows[11].item.context), replies(0), replies(1)),
        ("uau".into(), "aa".into(), "a".into())
    );
    // Row 11: the turn before last follows another of the same role.
    assert_eq!(roles(&rows[10].item.context), "uauaau");
}

#[test]
fn helpsteer2_joins_the_two_rows_of_a_prompt() {
    let (report, rows) = import(&[fixture("helpsteer2_validation_first8.jsonl")]);
    assert_eq!(
        (report.format, report.read, report.imported),
        (Some(Format::HelpSteer2), 8, 8)
    );
    let places: Vec<u64> = rows.iter().map(|row| row.source.row).collect();
    assert_eq!(places, [1, 3, 5, 7]);
    let ratings = &rows[0].references[0].judgment.ratings;
    let value =
        |at: usize, name| ratings.get(rows[0].item.responses[rows[0].source.order[at]].key, name);
    assert_eq!(
        (
            value(0, "helpfulness"),
            value(1, "helpfulness"),
            value(1, "verbosity")
        ),
        (Some(4.0), Some(2.0), Some(3.0))
    );
    assert_eq!(rows[0].references[0].role, ReferenceRole::Verdict);
}

fn rated(prompt: &str, response: &str, value: &serde_json::Value) -> String {
    json!({"prompt": prompt, "response": response, "helpfulness": value, "correctness": value,
        "coherence": value, "complexity": value, "verbosity": value})
    .to_string()
}

#[test]
fn helpsteer2_lone_rows_and_packed_turns() {
    let packed = "Hi\n<extra_id_1>Assistant\nHello\n<extra_id_1>User\nWhy?";
    let lines = [
        rated("one", "a", &json!(1)),
        rated(packed, "b", &json!(2)),
        rated(packed, "b", &json!(3)),
        rated(packed, "c", &json!(4)),
    ];
    let (report, rows) = import_text(&lines.join("\n"));
    assert_eq!((report.imported, rows.len()), (4, 3));
    let sizes: Vec<usize> = rows.iter().map(|row| row.item.responses.len()).collect();
    assert_eq!(sizes, [1, 2, 1]);
    assert_eq!(
        rows[1].item.context,
        [
            Turn::user("Hi"),
            Turn::assistant("Hello"),
            Turn::user("Why?")
        ]
    );
    // Identical responses keep their own ratings.
    let ratings = &rows[1].references[0].judgment.ratings;
    let values: Vec<_> = rows[1]
        .item
        .responses
        .iter()
        .map(|r| ratings.get(r.key, "coherence"))
        .collect();
    assert_eq!(values, [Some(2.0), Some(3.0)]);
}

#[test]
fn helpsteer2_disagreements_are_one_vote_per_annotator() {
    let lines = [
        rated("p", "a", &json!([1, 2, 3])),
        rated("p", "b", &json!([4, 0])),
    ];
    let (report, rows) = import_text(&lines.join("\n"));
    assert_eq!((report.format, rows.len()), (Some(Format::HelpSteer2), 1));
    let votes = &rows[0].references;
    let who: Vec<_> = votes
        .iter()
        .map(|vote| (vote.role, vote.annotator.as_deref()))
        .collect();
    let vote = ReferenceRole::Vote;
    assert_eq!(
        who,
        [(vote, Some("1")), (vote, Some("2")), (vote, Some("3"))]
    );
    let key = |at: usize| rows[0].item.responses[rows[0].source.order[at]].key;
    assert_eq!(
        votes[1].judgment.ratings.get(key(1), "verbosity"),
        Some(0.0)
    );
    assert_eq!(votes[2].judgment.ratings.get(key(1), "verbosity"), None);
}

fn preference(strength: &serde_json::Value) -> String {
    json!({"split": "val", "prompt": "Hi\n<extra_id_1>Assistant\nHello\n<extra_id_1>User\nWhy?",
        "response_1": "x", "response_2": "y", "preference_strength": strength,
        "preference_statement": "@Response 2 is better", "preference_elaboration": "It says more.",
        "three_most_similar_preferences": [{"statement": "s", "elaboration": "e", "strength": 1}],
        "all_preferences_unprocessed": [{"strength": 1, "justification": "more"}, {"strength": -100, "justification": "no"}]})
    .to_string()
}

#[test]
fn helpsteer2_preference_keeps_verdict_votes_and_words() {
    let strengths = [
        json!(2),
        json!(-3),
        json!(0),
        json!(-100),
        json!(5),
        json!(null),
    ];
    let lines: Vec<String> = strengths.iter().map(preference).collect();
    let (report, rows) = import_text(&lines.join("\n"));
    assert_eq!(
        (report.format, report.imported, report.rejected.len()),
        (Some(Format::HelpSteer2Preference), 4, 2)
    );
    assert_eq!(report.rejected[0].row, 5);
    assert!(
        report.rejected[0].reason.contains('5'),
        "{:?}",
        report.rejected
    );
    let verdicts: Vec<_> = rows
        .iter()
        .map(|row| row.references[0].judgment.preference.unwrap())
        .collect();
    assert_eq!(
        verdicts,
        [
            better(&rows[0], 1, Some(2)),
            better(&rows[1], 0, Some(3)),
            Preference::Tie,
            Preference::NeitherValid
        ]
    );
    let verdict = &rows[0].references[0];
    assert_eq!(
        verdict.judgment.justification,
        "@Response 2 is better\n\nIt says more."
    );
    assert_eq!(
        verdict.extra["three_most_similar_preferences"][0]["strength"],
        1
    );
    assert_eq!(rows[0].source.extra["split"], "val");
    assert_eq!(rows[0].references[1].annotator.as_deref(), Some("1"));
    assert_eq!(
        rows[0].references[1].judgment.preference.unwrap(),
        better(&rows[0], 1, Some(1))
    );
    assert_eq!(
        rows[0].references[2].judgment.preference.unwrap(),
        Preference::NeitherValid
    );
}

#[test]
fn ratings_and_preference_of_one_pair_meet_in_one_item() {
    let packed = "Hi\n<extra_id_1>Assistant\nHello\n<extra_id_1>User\nWhy?";
    let (_, ratings) =
        import_text(&[rated(packed, "y", &json!(1)), rated(packed, "x", &json!(2))].join("\n"));
    let (_, preferences) = import_text(&preference(&json!(1)));
    assert_eq!(ratings[0].item.id, preferences[0].item.id);
}

#[test]
fn judgebench_labels_are_mapped_to_the_responses() {
    let (report, rows) = import(&[fixture("judgebench.jsonl")]);
    assert_eq!(
        (report.format, report.imported),
        (Some(Format::JudgeBench), 3)
    );
    let verdict = |at: usize| rows[at].references[0].judgment.preference.unwrap();
    assert_eq!(verdict(0), better(&rows[0], 0, None));
    assert_eq!(verdict(2), better(&rows[2], 1, None));
    let source = &rows[0].source;
    assert_eq!(source.models, vec![Some("gpt-4o-2024-05-13".to_owned()); 2]);
    assert_eq!(source.id.as_deref().map(str::len), Some(36));
    assert_eq!(
        source.extra.keys().collect::<Vec<_>>(),
        ["original_id", "source"]
    );
    let row =
        json!({"question": "q", "response_A": "a", "response_B": "b", "label": "both"}).to_string();
    let (report, _) = import_text(&row);
    assert!(report.rejected[0].reason.contains("`both`"));
}

#[test]
fn mt_bench_votes_find_their_conversations_in_whatever_order() {
    let files = [
        "mt_bench_human_votes.jsonl",
        "mt_bench_conversations.jsonl",
        "mt_bench_gpt4_votes.jsonl",
    ];
    let (report, rows) = import(&files.map(fixture));
    assert_eq!(
        (report.format, report.read, report.imported),
        (Some(Format::MtBench), 17, 17)
    );
    assert_eq!((report.rejected.len(), rows.len()), (0, 6));
    let votes: usize = rows.iter().map(|row| row.references.len()).sum();
    assert_eq!(votes, 14);
    let first = rows
        .iter()
        .find(|r| r.source.id.as_deref() == Some("111#1") && r.source.extra["turn"] == 1)
        .unwrap();
    let second = rows
        .iter()
        .find(|r| r.source.id.as_deref() == Some("111#2") && r.source.extra["turn"] == 2)
        .unwrap();
    assert_eq!(roles(&first.item.context), "u");
    // The second turn stands side by side as whole conversations.
    assert_eq!(roles(&second.item.context), "u");
    assert_eq!(roles(&second.item.responses[0].turns), "aua");
    let who: Vec<_> = first
        .references
        .iter()
        .map(|vote| vote.annotator.as_deref())
        .collect();
    assert_eq!(who, [Some("expert_48"), Some("gpt-4")]);
    assert_eq!(
        first.references[0].judgment.preference.unwrap(),
        better(first, 0, None)
    );
    assert_eq!(
        first.references[1].judgment.preference.unwrap(),
        Preference::Tie
    );
    assert_eq!(
        first.source.models,
        [Some("llama-13b".to_owned()), Some("alpaca-13b".to_owned())]
    );
}

#[test]
fn mt_bench_conversations_stand_alone_and_votes_do_not() {
    let (report, rows) = import(&[fixture("mt_bench_conversations.jsonl")]);
    assert_eq!((report.imported, rows.len()), (3, 6));
    let (report, rows) = import(&[fixture("mt_bench_gpt4_votes.jsonl")]);
    assert_eq!((report.read, report.imported, rows.len()), (6, 0, 0));
    assert!(
        report.rejected[0]
            .reason
            .contains("no conversations of question 111")
    );
}

/// Each round becomes an item with all rounds before it: a row of many would grow with their square.
#[test]
fn mt_bench_conversations_have_few_rounds() {
    let talk = |rounds: usize| -> serde_json::Value {
        let turns = [
            json!({"role": "user", "content": "q"}),
            json!({"role": "assistant", "content": "a"}),
        ];
        (0..2 * rounds).map(|at| turns[at % 2].clone()).collect()
    };
    let line = |id: u64, rounds| {
        json!({"question_id": id, "model_a": "m", "model_b": "n", "conversation_a": talk(rounds), "conversation_b": talk(rounds)})
            .to_string()
    };
    let (report, rows) = import_text(&[line(1, 8), line(2, 9)].join("\n"));
    assert_eq!((report.imported, rows.len()), (1, 8));
    assert_eq!(
        report.rejected[0].reason,
        "conversation_a has 9 rounds, where MT-bench has 2: more than 8 are not read"
    );
}

#[test]
fn mt_bench_swapped_models_odd_shapes_and_inconsistent_ties() {
    let talk = |reply: &str| json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": reply}]);
    let lines = [
        json!({"question_id": 1, "model_a": "m", "model_b": "n", "conversation_a": talk("a"), "conversation_b": talk("b")}),
        json!({"question_id": 2, "model_a": "m", "model_b": "n", "conversation_a": "raw", "conversation_b": talk("b")}),
        json!({"question_id": 1, "model_a": "n", "model_b": "m", "turn": 1, "judge": "x", "winner": "model_a"}),
        json!({"question_id": 1, "model_a": "m", "model_b": "n", "turn": 1, "judge": "gpt4_pair", "winner": "tie (inconsistent)"}),
        json!({"question_id": 1, "model_a": "m", "model_b": "n", "turn": 2, "judge": "x", "winner": "tie"}),
        json!({"question_id": 3, "model_a": "m", "model_b": "n", "turn": 1, "judge": "x", "winner": "model_a",
            "conversation_a": talk("c"), "conversation_b": talk("d")}),
        json!({"question_id": 4, "model_a": "m", "model_b": "n", "turn": 2, "judge": "x", "winner": "model_a",
            "conversation_a": talk("c"), "conversation_b": talk("d")}),
    ]
    .map(|line| line.to_string());
    let (report, rows) = import_text(&lines.join("\n"));
    let mut rejected: Vec<u64> = report.rejected.iter().map(|r| r.row).collect();
    rejected.sort_unstable();
    assert_eq!((rejected, report.imported), (vec![2, 5, 7], 4));
    // "model_a" of the vote is "model_b" of the conversations.
    assert_eq!(
        rows[0].references[0].judgment.preference.unwrap(),
        better(&rows[0], 1, None)
    );
    assert_eq!(
        rows[0].references[1].judgment.preference.unwrap(),
        Preference::Tie
    );
    assert_eq!(rows[0].references[1].extra["winner"], "tie (inconsistent)");
    assert_eq!(
        rows[1].references[0].judgment.preference.unwrap(),
        better(&rows[1], 0, None)
    );
}

#[test]
fn a_pair_is_the_same_item_in_all_its_spellings() {
    let user = json!({"role": "user", "content": "q"});
    let reply = |text: &str| json!([{"role": "assistant", "content": text}]);
    let whole = |text: &str| json!([user, {"role": "assistant", "content": text}]);
    let lines = [
        json!({"prompt": "q", "chosen": "a", "rejected": "b"}),
        json!({"prompt": [user], "chosen": reply("a"), "rejected": reply("b")}),
        json!({"prompt": [user], "chosen": whole("a"), "rejected": "b"}),
        json!({"prompt": "q", "chosen": whole("a"), "rejected": whole("b")}),
        json!({"chosen": whole("a"), "rejected": whole("b")}),
        json!({"messages": [user], "chosen": "a", "rejected": {"role": "assistant", "content": "b"}}),
        json!({"question": "q", "response_a": "b", "response_b": "a", "strength": 1}),
        json!({"input": "q", "response_1": "a", "response_2": "b", "strength": -1}),
        json!({"conversations": [{"from": "human", "value": "q"}], "chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "b"}}),
        json!({"instruction": "q", "input": "", "chosen": "a", "rejected": "b"}),
    ]
    .map(|line| line.to_string());
    let (report, rows) = import_text(&lines.join("\n"));
    assert_eq!(report.imported, lines.len() as u64, "{:?}", report.rejected);
    for row in &rows {
        assert_eq!(row.item, rows[0].item);
        let Some(Preference::Better { response, .. }) = row.references[0].judgment.preference
        else {
            panic!("row {} has no preference", row.source.row);
        };
        assert_eq!(row.item.response(response).unwrap().1.text(), "a");
    }
}

#[test]
fn strengths_ties_and_unknown_fields_of_pairs() {
    let lines = [
        json!({"id": 7, "prompt": "q", "chosen": "a", "rejected": "b", "strength": 2, "chosen_model": "m", "z": 1, "a": [2]}),
        json!({"id": "x", "prompt": "q", "chosen": "a", "rejected": "b", "strength": 0}),
        json!({"id": "x", "prompt": "q", "chosen": "a", "rejected": "b", "strength": -100}),
        json!({"id": "x", "prompt": "q", "response_a": "a", "response_b": "b"}),
        json!({"id": "x", "prompt": "q", "chosen": "a", "rejected": "b", "strength": 0.5}),
    ]
    .map(|line| line.to_string());
    let (_, rows) = import_text(&lines.join("\n"));
    assert_eq!(
        rows[0].references[0].judgment.preference.unwrap(),
        better(&rows[0], 0, Some(2))
    );
    assert_eq!(rows[0].source.id.as_deref(), Some("7"));
    assert_eq!(rows[0].source.models, [Some("m".to_owned()), None]);
    assert_eq!(rows[0].source.extra.keys().collect::<Vec<_>>(), ["z", "a"]);
    assert_eq!(
        rows[1].references[0].judgment.preference.unwrap(),
        Preference::Tie
    );
    assert_eq!(
        rows[2].references[0].judgment.preference.unwrap(),
        Preference::NeitherValid
    );
    assert_eq!(rows[3].references, []);
    assert_eq!(
        rows[4].references[0].judgment.preference.unwrap(),
        better(&rows[4], 0, None)
    );
    assert_eq!(rows[4].source.extra["strength"], 0.5);
}

#[test]
fn messages_are_items_of_one_response() {
    let lines = [
        json!({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}),
        json!({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}),
        json!({"messages": [{"role": "user", "content": "q"}]}),
        json!({"messages": [{"role": "wizard", "content": "q"}]}),
        json!({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null, "tool_calls": [1]},
            {"role": "tool", "content": "t", "tool_call_id": "c"}, {"role": "assistant", "content": "a"}]}),
    ]
    .map(|line| line.to_string());
    let (report, rows) = import_text(&lines.join("\n"));
    assert_eq!(
        (report.format, report.imported),
        (Some(Format::Messages), 3)
    );
    assert_eq!(roles(&rows[0].item.context), "su");
    assert_eq!(rows[2].item.context[1].tool_calls, Some(json!([1])));
    assert_eq!(rows[2].item.context[2].extra["tool_call_id"], "c");
    let reasons: Vec<_> = report
        .rejected
        .iter()
        .map(|r| (r.row, r.reason.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (3, "the last message is not the assistant's"),
            (4, "messages, message 1: its role `wizard` is not known")
        ]
    );
}

fn mapped(text: &str, mapping: &str) -> (ReadReport, Vec<Row>) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, text).unwrap();
    let mut fields = Mapping::default();
    for part in mapping.split(' ') {
        fields.extend(part.parse().unwrap());
    }
    let mut rows = vec![];
    let mut job = Job {
        cancel: Cancel::default(),
        report: &mut |_| {},
    };
    let report = read(&[path], &ReadAs::mapped(fields), &mut job, &mut |row| {
        rows.push(row);
        Ok(())
    });
    (report.unwrap(), rows)
}

#[test]
fn fields_of_ones_own_are_mapped() {
    let (report, rows) = mapped(
        "Question;Left;Right;Winner;Rater;Seconds;HelpL\nWhy?;42;So.;right;w7;12;3\nWho?;Me.;You.;nobody;w7;3;\nWhat?;;b;tie;;;\nHow?;x;y;tie;;;\n",
        "prompt=Question response_a=Left response_b=Right preferred=Winner annotator=Rater rating_a.helpfulness=HelpL",
    );
    assert_eq!((report.format, report.read), (Some(Format::CsvMap), 4));
    let reasons: Vec<(u64, &str)> = report
        .rejected
        .iter()
        .map(|r| (r.row, r.reason.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (
                2,
                "preferred is `nobody`: not a or b, 1 or 2, left or right, first or second, tie or neither"
            ),
            (3, "it has no Left, which is to be response_a"),
        ]
    );
    let row = &rows[0];
    assert_eq!(row.item.context, [Turn::user("Why?")]);
    assert_eq!((text(row, 0), text(row, 1)), ("42", "So."));
    let label = &row.references[0];
    assert_eq!(label.role, ReferenceRole::Vote);
    assert_eq!(label.annotator.as_deref(), Some("w7"));
    assert_eq!(label.judgment.preference, Some(better(row, 1, None)));
    // What has no meaning is kept.
    assert_eq!(row.source.extra["Seconds"], 12);
    assert!(!row.source.extra.contains_key("Winner"));
    assert_eq!(rows[1].references[0].role, ReferenceRole::Verdict);
    assert_eq!(
        rows[1].references[0].judgment.preference,
        Some(Preference::Tie)
    );
}

#[test]
fn paths_lead_into_objects_and_lists() {
    let (_, rows) = mapped(
        r#"{"meta": {"key": 7}, "q": {"text": "Why?"}, "answers": [{"text": "A", "by": "m1", "score": "4.5"}, {"text": "B", "score": 2}], "diff": "-2"}"#,
        "id=meta.key prompt=q.text response_a=answers.0.text response_b=answers.1.text model_a=answers.0.by strength=diff \
         rating_a.quality=answers.0.score rating_b.quality=answers.1.score",
    );
    let row = &rows[0];
    assert_eq!(row.source.id.as_deref(), Some("7"));
    assert_eq!(row.source.models, [Some("m1".to_owned()), None]);
    let judgment = &row.references[0].judgment;
    assert_eq!(judgment.preference, Some(better(row, 0, Some(2))));
    let key = |at: usize| row.item.responses[row.source.order[at]].key;
    assert_eq!(judgment.ratings.get(key(0), "quality"), Some(4.5));
    assert_eq!(judgment.ratings.get(key(1), "quality"), Some(2.0));
    // One reply, chosen and rejected, a whole conversation.
    let (_, rows) = mapped(
        "q,a,h\nWhy?,So.,4\n",
        "prompt=q response=a rating.helpfulness=h",
    );
    assert_eq!(rows[0].item.responses.len(), 1);
    assert_eq!(rows[0].references[0].judgment.ratings.0.len(), 1);
    let (_, rows) = mapped(
        "s,q,good,bad\nBe brief.,Why?,So.,No.\n",
        "system=s prompt=q chosen=good rejected=bad",
    );
    assert_eq!(roles(&rows[0].item.context), "su");
    assert_eq!(
        rows[0].references[0].judgment.preference,
        Some(better(&rows[0], 0, None))
    );
    let (_, rows) = mapped(
        r#"{"talk": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}"#,
        "messages=talk",
    );
    assert_eq!(
        (rows[0].item.context.len(), rows[0].item.responses.len()),
        (1, 1)
    );
}

#[test]
fn mappings_that_make_no_sense_say_why() {
    for (text, words) in [
        ("prompt", "`prompt` is not field=path"),
        (
            "promt=x",
            "`promt` is not a field; there are prompt, system,",
        ),
        ("rating.=x", "`rating.` is not a field"),
    ] {
        let error = text.parse::<Mapping>().unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
    }
    let alone: Mapping = "prompt=q".parse().unwrap();
    assert_eq!(alone.check(), Err(MappingError::NoReply));
    let guessed = Mapping::guess([
        "Question",
        "Answer A",
        "answer-b",
        "Preference",
        "Worker ID",
        "seconds",
    ]);
    assert_eq!(
        guessed.to_string(),
        "prompt=Question response_a=Answer A response_b=answer-b preferred=Preference annotator=Worker ID"
    );
}

/// Every type of data set that TRL's trainers name, as texts and as messages.
#[test]
fn trl_rows_of_all_types() {
    let user = r#"[{"role": "user", "content": "q"}]"#;
    let reply = |text: &str| format!(r#"[{{"role": "assistant", "content": "{text}"}}]"#);
    let whole = |text: &str| {
        format!(
            r#"[{{"role": "user", "content": "q"}}, {{"role": "assistant", "content": "{text}"}}]"#
        )
    };
    let mut ids = vec![];
    for row in [
        r#"{"prompt": "q", "chosen": "a", "rejected": "b"}"#.to_owned(),
        format!(
            r#"{{"prompt": {user}, "chosen": {}, "rejected": {}}}"#,
            reply("a"),
            reply("b")
        ),
        format!(
            r#"{{"chosen": {}, "rejected": {}}}"#,
            whole("a"),
            whole("b")
        ),
    ] {
        let (report, rows) = import_text(&row);
        assert_eq!(report.format, Some(Format::Trl), "{row}");
        assert_eq!(
            rows[0].references[0].judgment.preference,
            Some(better(&rows[0], 0, None))
        );
        ids.push(rows[0].item.id);
    }
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
    // Texts without a prompt: each is a reply to nothing.
    let (report, rows) =
        import_text(r#"{"chosen": "The sky is blue.", "rejected": "The sky is green."}"#);
    assert_eq!(
        (report.format, rows[0].item.context.len()),
        (Some(Format::Trl), 0)
    );
    // One completion, wanted, not wanted, or not judged.
    for (label, expected) in [
        (r#", "label": true"#, Some(1.0)),
        (r#", "label": false"#, Some(0.0)),
        ("", None),
    ] {
        for (prompt, completion) in [
            ("\"q\"".to_owned(), "\"a\"".to_owned()),
            (user.to_owned(), reply("a")),
        ] {
            let (report, rows) = import_text(&format!(
                r#"{{"prompt": {prompt}, "completion": {completion}{label}}}"#
            ));
            assert_eq!((report.format, rows.len()), (Some(Format::Trl), 1));
            assert_eq!(
                (rows[0].item.context.len(), rows[0].item.responses.len()),
                (1, 1)
            );
            let rated = rows[0].references.first().and_then(|label| {
                label
                    .judgment
                    .ratings
                    .get(rows[0].item.responses[0].key, "label")
            });
            assert_eq!(rated, expected);
        }
    }
    let (_, rows) =
        import_text(r#"{"prompt": "q", "completions": ["One.", "Two."], "labels": [true, false]}"#);
    assert_eq!(text(&rows[0], 0), "One.\nTwo.");
    assert_eq!(
        rows[0].source.extra["labels"],
        serde_json::json!([true, false])
    );
}
