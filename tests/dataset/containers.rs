//! Parquet, folders, pipes: whatever rows come in, they are the same rows.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};

use super::*;

fn parquet(name: &str) -> PathBuf {
    fixture("parquet").join(name)
}

/// What is said of each item, without the name of the file.
fn said(rows: &[Row]) -> Vec<(Item, u64, Vec<ReferenceLabel>, Value)> {
    let rows = rows.iter();
    rows.map(|row| {
        let source = &row.source;
        let mut extra = source.extra.clone();
        extra.retain(|_, value| !value.is_null());
        let source = json!([source.id, source.order, source.models, extra]);
        (
            row.item.clone(),
            row.source.row,
            row.references.clone(),
            source,
        )
    })
    .collect()
}

#[test]
fn parquet_holds_the_same_rows_in_every_compression() {
    let (_, lines) = import(&[fixture("helpsteer2_validation_first8.jsonl")]);
    for codec in ["none", "snappy", "gzip", "zstd", "brotli", "lz4"] {
        let (report, rows) = import(&[parquet(&format!("helpsteer2-{codec}.parquet"))]);
        assert_eq!((report.read, report.rejected_in_all), (8, 0), "{codec}");
        assert_eq!(said(&rows), said(&lines), "{codec}");
    }
}

#[test]
fn lists_of_messages_are_read_in_all_encodings() {
    let (_, lines) = import(&[fixture("mt_bench_conversations.jsonl")]);
    for name in ["mt-bench-element.parquet", "mt-bench-item.parquet"] {
        let (report, rows) = import(&[parquet(name)]);
        assert_eq!(report.format, Some(Format::MtBench));
        assert_eq!(said(&rows), said(&lines), "{name}");
    }
    let (_, rows) = import(&[parquet("sequence.parquet")]);
    let context = [
        Turn::new(Role::System, "Be brief.".to_owned()),
        Turn::user("Why?"),
    ];
    assert_eq!(rows[0].item.context, context);
    assert_eq!(rows[0].item.responses.len(), 2);
    // The same as lines of JSON.
    let (_, rows) = import_text(
        r#"{"prompt": {"role": ["user", "user"], "content": ["a", "b"], "name": [null, "x"]}, "chosen": "c", "rejected": "d"}"#,
    );
    assert_eq!(rows[0].item.context.len(), 2);
    assert_eq!(rows[0].item.context[1].extra["name"], "x");
    assert!(rows[0].item.context[0].extra.is_empty());
}

#[test]
fn columns_of_every_type_are_kept() {
    let (report, rows) = import(&[parquet("types.parquet")]);
    assert_eq!((report.read, report.rejected_in_all), (2, 0), "{report:?}");
    assert_eq!(
        Value::Object(rows[0].source.extra.clone()),
        json!({
            "yes": true, "small": -5, "large": u64::MAX, "half": 0.5, "single": 0.1, "double": 0.1, "price": "12.50", "day": "2024-02-29",
            "time": "2024-02-29T12:00:00.25Z", "old": "1969-12-31T23:59:59Z", "map": {"x": 1, "y": 2},
            "deep": [[], [{"a": 1, "b": []}, {"b": ["s", null]}], null], "fixed": [1, 2],
        })
    );
    // Nothing, and a number that is none.
    assert!(rows[1].source.extra.is_empty(), "{:?}", rows[1].source);
}

#[test]
fn a_folder_is_its_shards_in_order() {
    let (report, rows) = import(&[parquet("folder")]);
    assert_eq!((report.read, report.imported), (6, 6));
    let places: Vec<(&str, u64)> = rows
        .iter()
        .map(|row| (row.source.file.as_str(), row.source.row))
        .collect();
    let shard = |n: usize| {
        [
            "data/train-00000-of-00002.parquet",
            "data/train-00001-of-00002.parquet",
        ][n]
    };
    assert_eq!(
        places,
        [
            (shard(0), 1),
            (shard(0), 2),
            (shard(0), 3),
            (shard(1), 1),
            (shard(1), 2),
            (shard(1), 3)
        ]
    );
    assert_eq!(rows[4].item.context, [Turn::user("q4")]);
}

#[test]
fn of_a_folder_what_is_no_data_is_told_of_and_the_rest_comes_in() {
    let folder = TempDir::new().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    put("README.md", b"# Data");
    put("dataset_info.json", b"{}");
    put(".hidden/a.jsonl", b"{}");
    let empty = import_as(&[folder.path().to_path_buf()], None).unwrap_err();
    assert!(
        empty.to_string().starts_with("there is no data in "),
        "{empty}"
    );
    put("save/data-00000-of-00001.arrow", b"ARROW1");
    let arrow = import_as(&[folder.path().to_path_buf()], None).unwrap_err();
    assert!(
        arrow.to_string().ends_with("its .arrow files are not read"),
        "{arrow}"
    );
    assert!(arrow.hint().unwrap().contains("to_parquet"));
    put("b/notes.json", br#"{"title": "notes"}"#);
    put(
        "b/rows.JSONL",
        br#"{"prompt": "q", "chosen": "a", "rejected": "b"}"#,
    );
    put("c.parquet", b"PAR1PAR1");
    let (report, rows) = import(&[folder.path().to_path_buf()]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].source.file, "b/rows.JSONL");
    let told: Vec<(&str, u64)> = report
        .rejected
        .iter()
        .map(|r| (r.file.as_str(), r.row))
        .collect();
    assert_eq!(told, [("b/notes.json", 0), ("c.parquet", 0)]);
    assert!(report.rejected[0].reason.contains("no known format"));
    assert!(
        report.rejected[1].reason.contains("footer"),
        "{:?}",
        report.rejected[1]
    );
}

#[test]
fn parquet_is_read_when_compressed_or_through_a_pipe() {
    let (_, lines) = import(&[fixture("helpsteer2_validation_first8.jsonl")]);
    let bytes = fs::read(parquet("helpsteer2-snappy.parquet")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
    gzip.write_all(&bytes).unwrap();
    let zstd = zstd::encode_all(&bytes[..], 3).unwrap();
    for bytes in [gzip.finish().unwrap(), zstd] {
        let (_, rows) = import_bytes(&bytes).unwrap();
        assert_eq!(said(&rows), said(&lines));
    }
    #[cfg(unix)]
    {
        let folder = TempDir::new().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let to = pipe.clone();
        let writer = std::thread::spawn(move || fs::write(to, bytes).unwrap());
        let (_, rows) = import(&[pipe]);
        writer.join().unwrap();
        assert_eq!(said(&rows), said(&lines));
    }
}

/// A pipe that nobody writes to would be waited for for ever.
#[cfg(unix)]
#[test]
fn a_silent_pipe_can_be_cancelled() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        stop.cancel();
    });
    let mut job = Job {
        cancel,
        report: &mut |_| {},
    };
    let read = read(
        std::slice::from_ref(&pipe),
        &ReadAs::default(),
        &mut job,
        &mut |_| Ok(()),
    );
    assert!(matches!(read, Err(DatasetError::Cancelled)), "{read:?}");
    stopper.join().unwrap();
    // Lets the thread that waits for it end.
    fs::write(&pipe, b"").unwrap();
}

/// Whatever is wrong with a Parquet file, it is told; and what is told of rows is never more than there are.
#[test]
fn damaged_parquet_is_told_and_never_panics() {
    let whole = fs::read(parquet("mt-bench-element.parquet")).unwrap();
    let mut kinds = BTreeSet::new();
    let mut note = |bytes: &[u8]| match import_bytes(bytes) {
        Ok((report, _)) => {
            assert!(report.read <= 10, "{report:?}");
            kinds.extend(
                report
                    .rejected
                    .first()
                    .map(|r| r.reason.chars().take(32).collect::<String>()),
            );
        }
        Err(error) => {
            kinds.insert(error.to_string().chars().take(32).collect());
        }
    };
    for end in (0..whole.len()).step_by(37) {
        note(&whole[..end]);
    }
    for at in (4..whole.len()).step_by(3) {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            note(&bytes);
        }
    }
    for kind in [
        "rows.jsonl cannot be read: its fo",
        "the Parquet file is damaged here",
    ] {
        assert!(kinds.contains(&kind[..32]), "{kinds:#?}");
    }
}

/// A header that promises two thousand million elements beyond the end of the file; found by the fuzzer.
#[test]
fn a_parquet_file_that_promises_without_end_is_told() {
    let (report, rows) = import(&[parquet("endless.parquet")]);
    assert_eq!(rows.len(), 0);
    let reason = &report.rejected[0].reason;
    assert!(
        reason.starts_with("the Parquet file is damaged here: "),
        "{reason}"
    );
}
