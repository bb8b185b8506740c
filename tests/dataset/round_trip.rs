//! What goes out comes back; what a format cannot carry is counted; files appear whole or not at all.

use std::collections::BTreeMap;

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

pub(super) fn labelled(item: Item, judgment: Judgment) -> ExportRow {
    ExportRow {
        item,
        source: None,
        judgment,
        extra: Map::new(),
        votes: vec![],
    }
}

pub(super) fn preferring(at: usize, strength: Option<u8>) -> impl Fn(&Item) -> Judgment {
    move |item| Judgment {
        preference: Some(Preference::Better {
            response: item.responses[at].key,
            strength,
        }),
        ..Judgment::default()
    }
}

pub(super) fn left_out(report: &ExportReport) -> Vec<(&str, u64)> {
    report
        .left_out
        .iter()
        .map(|(reason, n)| (reason.as_str(), *n))
        .collect()
}

pub(super) fn again(rows: &[Row]) -> Vec<ExportRow> {
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
