//! What is wrong with a file is reported with its row, and the rest goes on; nothing panics.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

const ROW: &str = r#"{"prompt": "q", "chosen": "a", "rejected": "b"}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn rejected(report: &ReadReport) -> Vec<u64> {
    report.rejected.iter().map(|r| r.row).collect()
}

#[test]
fn bad_rows_are_counted_and_the_rest_goes_on() {
    let text = format!(
        "{ROW}\nnot json\n\n  \r\n[1]\n{ROW}\r\n{{\"prompt\": \"q\"}}\n{{\"a\": \"\\ud800\"}}\n{ROW}"
    );
    let (report, rows) = import_text(&text);
    assert_eq!((report.read, report.imported), (7, 3));
    assert_eq!(rejected(&report), [2, 3, 5, 6]);
    assert_eq!(
        rows.iter().map(|row| row.source.row).collect::<Vec<_>>(),
        [1, 4, 7]
    );
    assert!(report.rejected[0].reason.starts_with("not JSON"));
    assert_eq!(report.rejected[1].reason, "not an object but a list");
}

#[test]
fn rows_before_the_first_telling_one_are_rejected_by_its_format() {
    let (report, _) = import_text(&format!("{{\"note\": 1}}\n{ROW}\n"));
    assert_eq!(
        (report.format, report.read, report.imported),
        (Some(Format::Trl), 2, 1)
    );
    assert_eq!(rejected(&report), [1]);
}

#[test]
fn arrays_objects_marks_and_archives_are_seen_by_content() {
    let bytes = ROW.as_bytes();
    let pretty =
        serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(ROW).unwrap())
            .unwrap();
    let marked = [b"\xef\xbb\xbf", bytes].concat();
    for (rows, text) in [
        (1, bytes.to_vec()),
        (1, marked.clone()),
        (1, gzip(&marked)),
        (
            2,
            [gzip(bytes), gzip(format!("\n{ROW}\n").as_bytes())].concat(),
        ),
        (2, format!("[{ROW}, {ROW}]").into_bytes()),
        (2, format!(" [\n{pretty},\n{pretty}\n]\n").into_bytes()),
        (2, gzip(format!("[{pretty},{ROW}]").as_bytes())),
        (1, pretty.clone().into_bytes()),
        (2, format!("{pretty}\n{pretty}\n").into_bytes()),
        (0, b"[]".to_vec()),
        (0, b"".to_vec()),
        (0, b"\xef\xbb\xbf \n".to_vec()),
        (0, gzip(b"")),
    ] {
        let (report, found) = import_bytes(&text).unwrap();
        assert_eq!(
            (found.len(), report.read),
            (rows, rows as u64),
            "{}",
            String::from_utf8_lossy(&text)
        );
        assert_eq!(report.rejected, []);
    }
}

#[test]
fn broken_arrays_give_what_is_whole() {
    for (text, imported, bad) in [
        (format!("[{ROW}, {{\"a\": }}, {ROW}]"), 2, vec![2]),
        (format!("[{ROW}, {ROW}"), 2, vec![3]),
        (format!("[{ROW}, {{\"prompt\": \"q"), 1, vec![2]),
        (format!("[{ROW}] {ROW}"), 1, vec![2]),
        (format!("[{ROW}, 3, \"]\", {ROW}]"), 2, vec![2, 3]),
    ] {
        let (report, _) = import_text(&text);
        assert_eq!(
            (report.imported, rejected(&report)),
            (imported, bad),
            "{text}"
        );
    }
}

#[test]
fn a_damaged_archive_gives_what_came_before() {
    let text = format!("{ROW}\n").repeat(1);
    let noise: Vec<u8> = (0..200_000_u32)
        .map(|n| b'a' + (n.wrapping_mul(2_654_435_761) >> 28) as u8)
        .collect();
    let long = format!(
        "{text}{{\"prompt\": \"{}\", \"chosen\": \"a\", \"rejected\": \"b\"}}\n",
        String::from_utf8(noise).unwrap()
    );
    let mut bytes = gzip(long.as_bytes());
    bytes.truncate(bytes.len() / 2);
    let (report, rows) = import_bytes(&bytes).unwrap();
    assert_eq!((rows.len(), rejected(&report)), (1, vec![2]));
    assert!(
        report.rejected[0].reason.contains("damaged or cut off"),
        "{:?}",
        report.rejected
    );
}

#[test]
fn a_row_longer_than_the_limit_is_rejected_and_the_next_one_read() {
    let long = "x".repeat(MAX_ROW_BYTES);
    let (report, rows) = import_text(&format!("{ROW}\n{{\"chosen\": \"{long}\"}}\n{ROW}\n"));
    assert_eq!((rows.len(), rejected(&report)), (2, vec![2]));
    assert_eq!(report.rejected[0].reason, "longer than 64 MiB");
    let (report, rows) = import_text(&format!("[{ROW}, \"{long}\", {ROW}]"));
    assert_eq!((rows.len(), rejected(&report)), (2, vec![2]));
}

#[test]
fn files_that_are_nothing_we_read_are_errors_that_say_so() {
    let error = |bytes: &[u8]| import_bytes(bytes).unwrap_err().to_string();
    assert_eq!(
        error(b"{\"text\": \"a\", \"label\": [1]}"),
        "no known format in rows.jsonl: its rows have text, label"
    );
    assert!(error(b"PAR1....").starts_with("rows.jsonl cannot be read: its footer is damaged"));
    for (bytes, kind) in [
        (&b"PK\x03\x04...."[..], "a zip archive"),
        (b"\xff\xfe{\0}\0", "in UTF-16"),
        (b"ARROW1\0\0", "an Arrow file"),
        (b"SQLite format 3\0", "a SQLite database"),
    ] {
        assert_eq!(error(bytes), format!("rows.jsonl is not rows but {kind}"));
        assert_eq!(
            error(&gzip(bytes)),
            format!("rows.jsonl is not rows but {kind}")
        );
    }
    let missing = import_as(&[PathBuf::from("/nonexistent/rows.jsonl")], None).unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("cannot open /nonexistent/rows.jsonl")
    );
    let folder = TempDir::new().unwrap();
    let folder = import_as(&[folder.path().to_owned()], None).unwrap_err();
    assert!(folder.to_string().starts_with("there is no data in "));
}

#[test]
fn cancelling_and_a_full_sink_stop_at_once() {
    let path = fixture("hh_rlhf.jsonl");
    let cancel = Cancel::default();
    let mut seen = 0;
    let mut job = Job {
        cancel: cancel.clone(),
        report: &mut |_| {},
    };
    let result = read(
        std::slice::from_ref(&path),
        &ReadAs::default(),
        &mut job,
        &mut |_| {
            seen += 1;
            cancel.cancel();
            Ok(())
        },
    );
    assert!(matches!(result, Err(DatasetError::Cancelled)));
    assert_eq!(seen, 1);
    let mut job = Job {
        cancel: Cancel::default(),
        report: &mut |_| {},
    };
    let result = read(&[path], &ReadAs::default(), &mut job, &mut |_| {
        Err(SinkStopped)
    });
    assert!(matches!(result, Err(DatasetError::Stopped)));
}

#[test]
fn a_format_that_is_named_is_not_guessed() {
    let (report, _) = import_as(&[fixture("hh_rlhf.jsonl")], Some(Format::Trl)).unwrap();
    assert_eq!((report.format, report.imported), (Some(Format::Trl), 13));
    let (report, rows) = import_as(&[fixture("hh_rlhf.jsonl")], Some(Format::JudgeBench)).unwrap();
    assert_eq!((report.rejected.len(), rows.len()), (13, 0));
    assert_eq!(report.rejected[0].reason, "it has no question");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _result = import_bytes(&bytes);
    }

    #[test]
    fn rows_with_anything_in_their_fields_never_panic(
        values in proptest::collection::vec(prop_oneof![
            Just("null".to_owned()), Just("[]".to_owned()), Just("{}".to_owned()), Just("1".to_owned()),
            Just("-100".to_owned()), Just("1e300".to_owned()), Just("\"\"".to_owned()),
            Just("\"\\n\\nHuman:\"".to_owned()), Just("\"\\n\\nAssistant: \\n\\nHuman\"".to_owned()),
            Just("\"A>B\"".to_owned()), Just("\"tie\"".to_owned()), Just("[{}]".to_owned()), Just("[[1]]".to_owned()),
            Just("[{\"role\": \"user\", \"content\": \"q\"}]".to_owned()),
            Just("[{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", \"content\": \"q\"}]".to_owned()),
            Just("{\"chosen\": {\"x\": 1}}".to_owned()),
        ], 12),
        format in proptest::sample::select(&Format::ALL[..]),
    ) {
        let names = [
            "prompt response helpfulness correctness coherence complexity verbosity",
            "prompt response_1 response_2 preference_strength preference_statement all_preferences_unprocessed",
            "chosen rejected",
            "prompt chosen rejected strength votes ratings justification",
            "id messages response_a response_b strength votes ratings",
            "messages id",
            "question response_A response_B label pair_id",
            "question_id model_a model_b conversation_a conversation_b judge winner turn",
            "context response1 response2 overall_preference individual_preference",
            "prompt chosen chosen_model rejected rejected_model subset id",
            "prompt chosen rejected num_correct models id",
            "prompt chosen rejected id domain",
            "instruction completions score_chosen score_rejected chosen rejected prompt messages",
            "conversation_a conversation_b winner model_a model_b prompt response_a response_b winner_model_a winner_model_b",
            "conversations chosen rejected id",
            "prompt a b preferred strength annotator",
        ][Format::ALL.iter().position(|f| *f == format).unwrap()];
        let fields: Vec<String> = names.split(' ').zip(&values).map(|(name, value)| format!("\"{name}\": {value}")).collect();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("rows.jsonl");
        std::fs::write(&path, format!("{{{}}}", fields.join(", "))).unwrap();
        let (report, rows) = import_as(&[path], Some(format)).unwrap();
        prop_assert_eq!(report.read, report.imported + report.rejected_in_all);
        for format in Format::ALL.into_iter().filter(|format| format.is_exported()) {
            for row in &rows {
                export(format, &[export_row(row)], true);
            }
        }
    }
}
