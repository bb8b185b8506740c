//! Checks against whole data sets, run by hand: `TIEBREAK_DATA=FOLDER cargo test --test all dataset::real -- --ignored --nocapture`.

use std::collections::BTreeMap;
use std::time::Instant;

use super::*;

fn data() -> PathBuf {
    PathBuf::from(
        std::env::var_os("TIEBREAK_DATA").expect("TIEBREAK_DATA names the folder of the data sets"),
    )
}

fn counts(title: &str, report: &ReadReport, rows: &[Row], seconds: f64) {
    let mut warnings = BTreeMap::new();
    for warning in &report.warnings {
        *warnings.entry(warning.kind.as_str()).or_insert(0) += 1;
    }
    let items: std::collections::BTreeSet<_> = rows.iter().map(|row| row.item.id).collect();
    let responses: usize = rows.iter().map(|row| row.item.responses.len()).sum();
    let references: usize = rows.iter().map(|row| row.references.len()).sum();
    eprintln!(
        "{title}: {:?} read {} imported {} rejected {} rows {} items {} responses {responses} references {references} warnings {warnings:?} {seconds:.2} s",
        report.format.map(Format::name),
        report.read,
        report.imported,
        report.rejected_in_all,
        rows.len(),
        items.len(),
    );
    for rejected in report.rejected.iter().take(3) {
        eprintln!("    {rejected:?}");
    }
}

#[test]
#[ignore = "needs the whole data sets"]
fn counts_of_everything() {
    let data = data();
    let mut sets: Vec<Vec<PathBuf>> = std::fs::read_dir(data.join("pairs"))
        .unwrap()
        .map(|entry| vec![entry.unwrap().path()])
        .collect();
    sets.sort();
    let pairs = sets.len();
    sets.push(vec![data.join("hh-rlhf-harmless-base-test/test.jsonl.gz")]);
    sets.push(vec![data.join("judgebench/judgebench_gpt.jsonl.gz")]);
    for name in ["validation_first8", "train_row0"] {
        sets.push(vec![data.join(format!("helpsteer2-sample/{name}.jsonl"))]);
    }
    sets.push(vec![data.join("dpo-en-demo/dpo_en_demo.json.gz")]);
    sets.push(
        ["conversations", "human_votes", "gpt4_votes"]
            .map(|name| data.join(format!("mt-bench-human/{name}.jsonl.gz")))
            .to_vec(),
    );
    for (at, set) in sets.iter().enumerate() {
        let start = Instant::now();
        let (report, rows) = import(set);
        counts(
            &set[0].display().to_string(),
            &report,
            &rows,
            start.elapsed().as_secs_f64(),
        );
        assert_eq!((report.read, 0), (report.imported, report.rejected_in_all));
        if at < pairs {
            assert_eq!(
                (report.format, report.read),
                (Some(Format::Pairs), rows.len() as u64)
            );
        }
    }
    let rejected = import_as(
        &[data.join("helpsteer2-sample/test-rm.original.jsonl")],
        None,
    );
    eprintln!("test-rm.original: {}", rejected.unwrap_err());
}

#[test]
#[ignore = "needs the whole data sets"]
fn hh_rlhf_comes_out_byte_for_byte() {
    let path = data().join("hh-rlhf-harmless-base-test/test.jsonl.gz");
    let (_, rows) = import(std::slice::from_ref(&path));
    let rows: Vec<ExportRow> = rows.iter().map(export_row).collect();
    let (report, text) = export(Format::HhRlhf, &rows, false);
    assert_eq!((report.rows, report.left_out.len()), (2312, 0));
    let mut source = String::new();
    let file = std::fs::File::open(path).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(file), &mut source)
        .unwrap();
    for (ours, theirs) in text.lines().zip(source.lines()) {
        let parse = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
        assert_eq!(parse(ours), parse(theirs));
    }
    eprintln!(
        "hh-rlhf lines that are the same bytes as JSON too: {}",
        text.lines()
            .zip(source.lines())
            .filter(|(a, b)| a == b)
            .count()
    );
}

#[test]
#[ignore = "a measurement; meaningful in a release build"]
fn speed() {
    let folder = TempDir::new().unwrap();
    let words = |n: u64, salt: u64| {
        let words: Vec<String> = (0..58)
            .map(|k| format!("{:05}", (n * 7919 + k * 104_729 + salt) % 99_991))
            .collect();
        words.join(" ")
    };
    let mut rows = String::new();
    for n in 0..200_000 {
        let row = serde_json::json!({
            "id": format!("row/{n}"),
            "messages": [{"role": "user", "content": words(n, 1)}],
            "chosen": words(n, 2),
            "rejected": words(n, 3),
            "meta": {"n": n},
        });
        rows.push_str(&row.to_string());
        rows.push('\n');
    }
    let path = folder.path().join("big.jsonl");
    std::fs::write(&path, &rows).unwrap();
    let start = Instant::now();
    let mut items = Vec::new();
    let mut job = Job {
        cancel: Cancel::default(),
        report: &mut |_| {},
    };
    read(
        std::slice::from_ref(&path),
        &ReadAs::default(),
        &mut job,
        &mut |row| {
            if items.len() < 20_000 {
                items.push(export_row(&row));
            }
            Ok(())
        },
    )
    .unwrap();
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "import: {} B a row, {:.0} rows/s",
        rows.len() / 200_000,
        200_000.0 / seconds
    );
    for format in [Format::Pairs, Format::Trl, Format::HhRlhf] {
        let out = folder.path().join("out.jsonl");
        let mut cloned = 0.0;
        let mut job = Job {
            cancel: Cancel::default(),
            report: &mut |_| {},
        };
        let start = Instant::now();
        let mut rows = (0..5).flat_map(|_| &items).map(|row| {
            let start = Instant::now();
            let row = row.clone();
            cloned += start.elapsed().as_secs_f64();
            Ok(row)
        });
        let report = write(format, &mut rows, &out, &WriteOptions::default(), &mut job).unwrap();
        let seconds = start.elapsed().as_secs_f64() - cloned;
        eprintln!(
            "export {format}: {:.0} rows/s",
            report.rows as f64 / seconds
        );
    }
}
