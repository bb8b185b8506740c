//! What goes out comes back; what a format cannot carry is counted; files appear whole or not at all.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sha2::Digest as _;

use super::*;

fn pair(context: Vec<Turn>, a: &str, b: &str) -> (Item, Vec<usize>) {
    Item::new(
        context,
        vec![vec![Turn::assistant(a)], vec![Turn::assistant(b)]],
    )
    .unwrap()
}

fn labelled(item: Item, judgment: Judgment) -> ExportRow {
    ExportRow {
        item,
        source: None,
        judgment,
        extra: Map::new(),
        votes: vec![],
    }
}

fn preferring(at: usize, strength: Option<u8>) -> impl Fn(&Item) -> Judgment {
    move |item| Judgment {
        preference: Some(Preference::Better {
            response: item.responses[at].key,
            strength,
        }),
        ..Judgment::default()
    }
}

fn left_out(report: &ExportReport) -> Vec<(&str, u64)> {
    report
        .left_out
        .iter()
        .map(|(reason, n)| (reason.as_str(), *n))
        .collect()
}

fn again(rows: &[Row]) -> Vec<ExportRow> {
    rows.iter().map(export_row).collect()
}

#[test]
fn real_rows_come_out_as_the_same_bytes() {
    for (name, format) in [
        ("hh_rlhf.jsonl", Format::HhRlhf),
        ("helpsteer2_validation_first8.jsonl", Format::HelpSteer2),
    ] {
        let (_, rows) = import(&[fixture(name)]);
        let (report, text) = export(format, &again(&rows), false);
        assert_eq!(text, std::fs::read_to_string(fixture(name)).unwrap());
        assert_eq!(
            (report.rows, report.left_out.len()),
            (text.lines().count() as u64, 0)
        );
    }
}

#[test]
fn helpsteer2_preference_comes_out_as_it_came_in() {
    let line = concat!(
        r#"{"split": "val", "prompt": "Hi\n<extra_id_1>Assistant\nHello\n<extra_id_1>User\nWhy?", "response_1": "x", "#,
        r#""response_2": "y", "preference_strength": -2, "preference_statement": "@Response 1 is better", "#,
        r#""preference_elaboration": null, "three_most_similar_preferences": [{"statement":"s","elaboration":"e","strength":-2}], "#,
        r#""all_preferences_unprocessed": [{"strength":-2,"justification":"more"},{"strength":-100,"justification":""},{"strength":7,"justification":"odd"}]}"#,
        "\n"
    );
    let (_, rows) = import_text(line);
    assert_eq!(
        export(Format::HelpSteer2Preference, &again(&rows), false).1,
        line
    );
    // By way of our pairs, with everything kept, the words and votes are still there.
    let (_, pairs) = export(Format::Pairs, &again(&rows), true);
    let (_, rows) = import_text(&pairs);
    assert_eq!(
        rows[0].references[0].judgment.justification,
        "@Response 1 is better"
    );
    assert_eq!(rows[0].references.len(), 4);
}

#[test]
fn collected_labels_fill_helpsteer2_preference() {
    let (item, order) = pair(vec![Turn::user("q")], "x", "y");
    let key = |at: usize| item.responses[order[at]].key;
    let says = |strength: i64, why: &str| Judgment {
        preference: Preference::from_signed(strength, key(0), key(1)),
        justification: why.to_owned(),
        ..Judgment::default()
    };
    let mut row = labelled(item.clone(), says(2, "shorter"));
    row.votes = [(3, "a"), (-3, "b"), (2, "c"), (2, "d"), (-100, "e")]
        .map(|(strength, why)| Vote {
            judgment: says(strength, why),
            ..Vote::default()
        })
        .to_vec();
    let source = SourceRow {
        file: String::new(),
        format: String::new(),
        row: 1,
        id: None,
        order,
        models: vec![],
        extra: Map::new(),
    };
    row.source = Some(source);
    let (_, text) = export(Format::HelpSteer2Preference, &[row], false);
    let out: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        out.as_object().unwrap().keys().collect::<Vec<_>>(),
        [
            "split",
            "prompt",
            "response_1",
            "response_2",
            "preference_strength",
            "preference_statement",
            "preference_elaboration",
            "three_most_similar_preferences",
            "all_preferences_unprocessed"
        ]
    );
    assert_eq!(
        (
            &out["split"],
            &out["response_1"],
            &out["preference_strength"]
        ),
        (&json!("train"), &json!("x"), &json!(2))
    );
    assert_eq!(out["preference_statement"], "shorter");
    let three: Vec<&Value> = out["three_most_similar_preferences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["strength"])
        .collect();
    assert_eq!(three, [&json!(3), &json!(2), &json!(2)]);
    assert_eq!(
        out["all_preferences_unprocessed"].as_array().unwrap().len(),
        5
    );
}

#[test]
fn trl_rows_are_message_lists() {
    let (item, _) = pair(
        vec![Turn::new(Role::System, "s"), Turn::user("q")],
        "a",
        "b",
    );
    let at = item.responses.iter().position(|r| r.text() == "b").unwrap();
    let row = labelled(item.clone(), preferring(at, Some(3))(&item));
    let (_, text) = export(Format::Trl, &[row], false);
    assert_eq!(
        text,
        concat!(
            r#"{"prompt": [{"role":"system","content":"s"},{"role":"user","content":"q"}], "#,
            r#""chosen": [{"role":"assistant","content":"b"}], "rejected": [{"role":"assistant","content":"a"}]}"#,
            "\n"
        )
    );
    let (report, rows) = import_text(&text);
    assert_eq!(report.format, Some(Format::Trl));
    assert_eq!(rows[0].item, item);
}

#[test]
fn what_a_format_cannot_carry_is_counted_by_reason() {
    let one = |context| pair(context, "a", "b").0;
    let plain = || one(vec![Turn::user("q")]);
    let better = preferring(0, None);
    let says = |preference| Judgment {
        preference,
        ..Judgment::default()
    };
    let three = Item::new(
        vec![],
        ["a", "b", "c"]
            .map(|text| vec![Turn::assistant(text)])
            .to_vec(),
    )
    .unwrap()
    .0;
    let early = Item::new(
        vec![Turn::user("q")],
        vec![
            vec![Turn::assistant("a")],
            vec![Turn::assistant("b"), Turn::user("r"), Turn::assistant("c")],
        ],
    )
    .unwrap()
    .0;
    let repeats = Item::new(
        vec![Turn::user("q")],
        vec![
            vec![Turn::assistant("a")],
            vec![Turn::user("q"), Turn::assistant("c")],
        ],
    )
    .unwrap()
    .0;
    let mut tool = Turn::new(Role::Tool, "result");
    tool.extra.insert("name".into(), json!("n"));
    let items = [
        plain(),
        one(vec![Turn::new(Role::System, "s"), Turn::user("q")]),
        one(vec![Turn::user("q"), tool]),
        one(vec![Turn::user("q\n\nAssistant: r\n<extra_id_1>User\ns")]),
        one(vec![]),
        early,
        repeats,
    ];
    let mut rows: Vec<ExportRow> = items
        .into_iter()
        .map(|item| {
            let judgment = better(&item);
            labelled(item, judgment)
        })
        .collect();
    rows.push(labelled(three.clone(), better(&three)));
    for preference in [None, Some(Preference::Tie), Some(Preference::NeitherValid)] {
        rows.push(labelled(plain(), says(preference)));
    }
    let common = [
        ("neither-valid", 1),
        ("no-preference", 1),
        ("not-two-responses", 1),
        ("tie", 1),
    ];
    let sorted = |more: &[(&'static str, u64)]| {
        common
            .iter()
            .chain(more)
            .copied()
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect::<Vec<_>>()
    };
    for (format, written, reasons) in [
        (Format::Pairs, 6, sorted(&[("reply-repeats-prompt", 1)])),
        (Format::Trl, 6, sorted(&[("reply-repeats-prompt", 1)])),
        (
            Format::HhRlhf,
            3,
            sorted(&[
                ("marker-in-text", 1),
                ("no-user-turn-first", 1),
                ("system-turn", 1),
                ("tool-turns", 1),
            ]),
        ),
    ] {
        let (report, text) = export(format, &rows, true);
        assert_eq!(
            (report.rows, left_out(&report)),
            (written, reasons),
            "{format}"
        );
        let (again, _) = import_text(&text);
        assert_eq!(again.imported, written);
    }
    let (report, _) = export(Format::HelpSteer2, &rows, false);
    assert_eq!(report.rows, 0);
    assert_eq!(report.left_out["missing-ratings"], 4);
    assert_eq!(report.left_out["more-than-two-responses"], 1);
    let (report, _) = export(Format::HelpSteer2Preference, &rows, false);
    // The tie and the "neither valid" are on its scale; a preference of unknown strength is not.
    assert_eq!((report.rows, report.left_out["no-strength"]), (2, 7));
}

#[test]
fn helpsteer2_needs_all_ratings_and_never_joins_strangers() {
    let one = |reply: &str| {
        let (item, _) =
            Item::new(vec![Turn::user("q")], vec![vec![Turn::assistant(reply)]]).unwrap();
        let mut judgment = Judgment::default();
        for (name, value) in [
            ("helpfulness", 1.0),
            ("correctness", 2.5),
            ("coherence", 3.0),
            ("complexity", 4.0),
            ("verbosity", 0.0),
        ] {
            judgment
                .ratings
                .set(item.responses[0].key, name, Some(value));
        }
        labelled(item, judgment)
    };
    let mut partly = one("c");
    let key = partly.item.responses[0].key;
    partly.judgment.ratings.set(key, "verbosity", None);
    let (report, text) = export(Format::HelpSteer2, &[one("a"), one("b"), partly], false);
    assert_eq!(left_out(&report), [("prompt-of-the-row-before", 2)]);
    assert_eq!(
        text,
        "{\"prompt\": \"q\", \"response\": \"a\", \"helpfulness\": 1, \"correctness\": 3, \"coherence\": 3, \"complexity\": 4, \"verbosity\": 0}\n"
    );
}

#[test]
fn the_order_of_the_source_is_kept_and_extras_only_on_demand() {
    for (one, other) in [("a", "b"), ("b", "a")] {
        let line = |response: &str, n: u8| {
            format!(
                "{{\"prompt\": \"q\", \"response\": \"{response}\", \"helpfulness\": {n}, \"correctness\": 0, \"coherence\": 0, \"complexity\": 0, \"verbosity\": 0, \"worker\": {n}}}\n"
            )
        };
        let text = line(one, 1) + &line(other, 2);
        let (_, rows) = import_text(&text);
        assert_eq!(export(Format::HelpSteer2, &again(&rows), true).1, text);
        assert!(
            !export(Format::HelpSteer2, &again(&rows), false)
                .1
                .contains("worker")
        );
    }
}

#[test]
fn identical_responses_come_back_with_their_ratings() {
    let (item, _) = pair(vec![Turn::user("q")], "same", "same");
    let mut judgment = preferring(0, Some(1))(&item);
    judgment
        .ratings
        .set(item.responses[0].key, "quality", Some(4.0));
    judgment
        .ratings
        .set(item.responses[1].key, "quality", Some(1.5));
    let (_, text) = export(
        Format::Pairs,
        &[labelled(item.clone(), judgment.clone())],
        false,
    );
    let (_, rows) = import_text(&text);
    assert_eq!(
        (&rows[0].item, &rows[0].references[0].judgment),
        (&item, &judgment)
    );
}

#[test]
fn hh_rlhf_texts_survive_the_way_through_pairs() {
    let line = "{\"chosen\": \"\\n\\nHuman:q\\n\\nAssistant: a\\n\\nHuman: \", \"rejected\": \"\\n\\nHuman:q\\n\\nAssistant:b\"}\n";
    let (report, rows) = import_text(line);
    assert_eq!(
        (report.imported, report.warnings[0].kind.as_str()),
        (1, "trailing-marker")
    );
    let (_, pairs) = export(Format::Pairs, &again(&rows), true);
    let (_, rows) = import_text(&pairs);
    assert_eq!(export(Format::HhRlhf, &again(&rows), false).1, line);
    assert_eq!(
        export(Format::HhRlhf, &again(&rows), true)
            .1
            .lines()
            .count(),
        1
    );
}

#[test]
fn the_output_is_a_file_or_a_folder_by_its_name() {
    let (_, rows) = import(&[fixture("hh_rlhf.jsonl")]);
    let rows = again(&rows);
    let folder = TempDir::new().unwrap();
    for (name, file) in [
        ("a.jsonl", "a.jsonl"),
        ("b.json", "b.json"),
        ("c.jsonl.gz", "c.jsonl.gz"),
        ("new/d.json.gz", "new/d.json.gz"),
        ("set.v2", "set.v2/data.jsonl"),
        ("plain", "plain/data.jsonl"),
    ] {
        let report = export_to(&folder.path().join(name), Format::HhRlhf, &rows, false).unwrap();
        let path = folder.path().join(file);
        let sha256 = format!("{:x}", sha2::Sha256::digest(std::fs::read(&path).unwrap()));
        assert_eq!(
            report.files,
            [ExportedFile {
                path: path.clone(),
                rows: 13,
                sha256
            }]
        );
        let (read, back) = import(std::slice::from_ref(&path));
        assert_eq!((read.imported, read.rejected_in_all), (13, 0), "{name}");
        assert_eq!(
            again(&back)
                .iter()
                .map(|row| row.item.id)
                .collect::<Vec<_>>(),
            rows.iter().map(|row| row.item.id).collect::<Vec<_>>()
        );
        // Nothing else is left behind.
        let beside = std::fs::read_dir(path.parent().unwrap()).unwrap();
        assert!(
            beside
                .map(|entry| entry.unwrap().file_name())
                .all(|name| !name.to_string_lossy().starts_with('.'))
        );
    }
}

#[test]
fn nothing_to_write_and_failures_leave_the_old_file_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("out.jsonl");
    std::fs::write(&path, "old").unwrap();
    let (_, rows) = import(&[fixture("hh_rlhf.jsonl")]);
    let rows = again(&rows);
    let report = export_to(&path, Format::HelpSteer2, &rows, false).unwrap();
    assert_eq!((report.rows, report.files.len()), (0, 0));
    assert!(report.left_out.values().sum::<u64>() > 0);
    export_to(&folder.path().join("folder"), Format::Pairs, &[], false).unwrap();
    let mut job = Job {
        cancel: Cancel::default(),
        report: &mut |_| {},
    };
    let mut failing = rows
        .iter()
        .cloned()
        .map(Ok)
        .take(3)
        .chain([Err("gone".to_owned())]);
    let result = write(
        Format::HhRlhf,
        &mut failing,
        &path,
        &WriteOptions::default(),
        &mut job,
    );
    assert_eq!(
        result.unwrap_err().to_string(),
        "cannot fetch the items to export: gone"
    );
    let result = export_to(&path, Format::MtBench, &rows, false);
    assert!(matches!(
        result,
        Err(DatasetError::NotExported(Format::MtBench))
    ));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let blocked = export_to(&path.join("below.jsonl"), Format::HhRlhf, &rows, false).unwrap_err();
    assert!(
        blocked.to_string().starts_with("cannot write "),
        "{blocked}"
    );
}

/// Words that are hard to split, and any text.
fn content() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        3 => "[a-z ]{0,6}",
        1 => any::<String>(),
        1 => prop::sample::select(vec![
            "\n", "\n\n", "Human:", "Assistant:", "\n\nHuman: ", "\n\nAssistant:", "\n<extra_id_1>User\n",
            "\n<extra_id_1>Assistant", "\r\n", "\u{2028}", "\"", "\\",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(word, 0..4).prop_map(|words| words.concat())
}

fn turn() -> impl Strategy<Value = Turn> {
    let role = prop::sample::select(vec![Role::User, Role::Assistant, Role::System, Role::Tool]);
    (
        role,
        content(),
        prop::option::weighted(0.1, Just(json!([{"name": "f"}]))),
        prop::option::weighted(0.1, content()),
    )
        .prop_map(|(role, content, tool_calls, name)| {
            let mut turn = Turn::new(role, content);
            turn.tool_calls = tool_calls;
            turn.extra
                .extend(name.map(|name| ("name".to_owned(), Value::from(name))));
            turn
        })
}

fn response() -> impl Strategy<Value = Vec<Turn>> {
    (prop::collection::vec(turn(), 0..3), content()).prop_map(|(mut turns, last)| {
        turns.push(Turn::assistant(last));
        turns
    })
}

#[derive(Debug, Clone)]
struct Said {
    preference: Option<(bool, Option<u8>)>,
    ratings: Vec<(bool, String, f64)>,
    justification: String,
}

fn said() -> impl Strategy<Value = Said> {
    let rating = (
        any::<bool>(),
        content(),
        prop_oneof![(-5..5_i8).prop_map(f64::from), -1e3..1e3],
    );
    (
        prop::option::of((any::<bool>(), prop::option::of(1..=3_u8))),
        prop::collection::vec(rating, 0..4),
        content(),
    )
        .prop_map(|(preference, ratings, justification)| Said {
            preference,
            ratings,
            justification,
        })
}

impl Said {
    fn of(self, item: &Item) -> Judgment {
        let key = |first: bool| item.responses[usize::from(first)].key;
        let mut ratings = Ratings::default();
        for (first, name, value) in self.ratings {
            ratings.set(key(first), &name, Some(value));
        }
        Judgment {
            ratings,
            preference: self.preference.map(|(first, strength)| Preference::Better {
                response: key(first),
                strength,
            }),
            justification: self.justification,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn hh_texts_come_out_byte_for_byte(
        shared in prop::collection::vec((any::<bool>(), content()), 0..4),
        ends in [prop::collection::vec((any::<bool>(), content()), 0..3), prop::collection::vec((any::<bool>(), content()), 0..3)],
    ) {
        let text = |end: &[(bool, String)]| {
            let mut text = "\n\nHuman:".to_owned();
            for (human, content) in shared.iter().chain(end) {
                text.push_str(content);
                text.push_str(if *human { "\n\nHuman: " } else { "\n\nAssistant: " });
            }
            text
        };
        let line = json!({"chosen": text(&ends[0]), "rejected": text(&ends[1])}).to_string();
        let (report, rows) = import_text(&line);
        prop_assert_eq!(report.imported + report.rejected_in_all, 1);
        if !rows.is_empty() {
            let (report, out) = export(Format::HhRlhf, &again(&rows), false);
            if left_out(&report).is_empty() {
                prop_assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), serde_json::from_str::<Value>(&line).unwrap());
            } else {
                prop_assert!(false, "{:?}", report.left_out);
            }
        }
    }

    #[test]
    fn pairs_come_back_whole(
        context in prop::collection::vec(turn(), 0..4),
        responses in [response(), response()],
        verdict in said(),
        votes in prop::collection::vec((prop::option::of(content()), prop::option::of(content()), said()), 0..3),
        id in content(),
        meta in content(),
    ) {
        let (item, order) = Item::new(context, responses.to_vec()).unwrap();
        prop_assume!(item.responses[0].key.hash != item.responses[1].key.hash);
        let mut judgment = verdict.of(&item);
        judgment.preference.get_or_insert(Preference::Better { response: item.responses[0].key, strength: None });
        let votes: Vec<Vote> = votes
            .into_iter()
            .map(|(annotator, time, said)| Vote { annotator, time, judgment: said.of(&item), extra: Map::new() })
            // A vote that says nothing of anybody is not one.
            .filter(|vote| vote.annotator.is_some() || !vote.judgment.is_empty())
            .collect();
        let row = ExportRow {
            item: item.clone(),
            source: Some(SourceRow {
                file: "f".into(),
                format: "pairs".into(),
                row: 1,
                id: Some(id),
                order,
                models: vec![Some("one".into()), None],
                extra: Map::from_iter([("meta".to_owned(), json!(meta)), ("set".to_owned(), json!("s"))]),
            }),
            judgment,
            extra: Map::new(),
            votes,
        };
        let (report, text) = export(Format::Pairs, std::slice::from_ref(&row), true);
        if report.rows == 0 {
            prop_assert_eq!(left_out(&report), [("reply-repeats-prompt", 1)]);
        } else {
            let (report, rows) = import_text(&text);
            prop_assert_eq!((report.imported, report.format), (1, Some(Format::Pairs)));
            let back = export_row(&rows[0]);
            prop_assert_eq!(&back.item, &row.item);
            prop_assert_eq!(&back.judgment, &row.judgment);
            prop_assert_eq!(&back.votes, &row.votes);
            let (source, ours) = (back.source.as_ref().unwrap(), row.source.as_ref().unwrap());
            prop_assert_eq!(&source.id, &ours.id);
            prop_assert_eq!(&source.extra, &ours.extra);
            // The models follow their responses, whichever is first now.
            let model = |source: &SourceRow, index| source.order.iter().position(|at| *at == index).and_then(|at| source.models[at].clone());
            prop_assert_eq!(model(source, 0), model(ours, 0));
            prop_assert_eq!(model(source, 1), model(ours, 1));
            prop_assert_eq!(export(Format::Pairs, &[back], true).1, text);
        }
    }

    #[test]
    fn other_formats_give_back_the_item_or_leave_it_out(
        context in prop::collection::vec(turn(), 0..4),
        responses in [response(), response()],
        format in prop::sample::select(vec![Format::Trl, Format::HhRlhf, Format::HelpSteer2, Format::HelpSteer2Preference]),
    ) {
        let (item, _) = Item::new(context, responses.to_vec()).unwrap();
        let mut judgment = preferring(0, Some(2))(&item);
        for response in &item.responses {
            for name in ["helpfulness", "correctness", "coherence", "complexity", "verbosity"] {
                judgment.ratings.set(response.key, name, Some(3.0));
            }
        }
        let (report, text) = export(format, &[labelled(item.clone(), judgment.clone())], true);
        if report.rows > 0 {
            let (report, rows) = import_text(&text);
            prop_assert_eq!((report.format, report.rejected_in_all), (Some(format), 0));
            prop_assert_eq!(rows[0].item.id, item.id);
            let back = &rows[0].references[0].judgment;
            match format {
                Format::HelpSteer2 => prop_assert_eq!(&back.ratings, &judgment.ratings),
                Format::HelpSteer2Preference => prop_assert_eq!(back.preference, judgment.preference),
                _ => prop_assert_eq!(back.preference, preferring(0, None)(&item).preference),
            }
        } else {
            prop_assert_eq!(report.left_out.len(), 1);
        }
    }
}
