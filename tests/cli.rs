//! The command line as scripts see it: exit codes, JSON, and which words go where.

/// Models and where they are.
mod models;
/// Scores, and what is counted with them.
mod scores;
/// Heads of one's own.
mod training;

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tiebreak::store::{Access, Project};

use crate::support::*;

#[track_caller]
fn code(output: &Output) -> i32 {
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("killed: {output:?}"))
}

#[track_caller]
fn succeeds(output: &Output) {
    assert_eq!(
        code(output),
        0,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The one line of JSON on stdout.
#[track_caller]
fn report(output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    serde_json::from_str(text).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

/// The numbers of an import, without the lists.
fn numbers(report: &Value) -> Value {
    let list = |name: &str| report[name].as_array().map_or(0, Vec::len);
    json!({
        "format": report["format"], "read": report["read"], "imported": report["imported"], "duplicates": report["duplicates"],
        "rejected": list("rejected"), "warnings": list("warnings"),
        "items": report["items"], "responses": report["responses"], "reference_labels": report["reference_labels"],
    })
}

/// What went wrong, in one line, then what to do.
#[track_caller]
fn fails_with_a_hint(output: &Output, words: &str) {
    assert_eq!(code(output), 2, "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = text.lines().collect();
    assert_eq!(said.len(), 2, "two lines: {text}");
    assert!(
        said[0].starts_with("error: ") && said[0].contains(words),
        "{text}"
    );
    assert!(said[1].starts_with("hint: "), "{text}");
    assert!(output.stdout.is_empty());
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_import_reports_its_numbers_and_a_second_one_only_duplicates() {
    let home = Home::new();
    let import = |project: &str, names: &[&str]| {
        let files: Vec<_> = names.iter().map(|n| fixture(n)).collect();
        let mut arguments = vec!["import", project];
        arguments.extend(files.iter().map(|f| text(f)));
        arguments.push("--json");
        let output = home.run(&arguments);
        succeeds(&output);
        report(&output)
    };
    let hs2 = import("hs2.tiebreak", &["helpsteer2_validation_first8.jsonl"]);
    assert_eq!(
        numbers(&hs2),
        json!({"format": "helpsteer2", "read": 8, "imported": 8, "duplicates": 0, "rejected": 0, "warnings": 0,
               "items": 4, "responses": 8, "reference_labels": 4})
    );
    let again = import("hs2.tiebreak", &["helpsteer2_validation_first8.jsonl"]);
    assert_eq!(
        numbers(&again),
        json!({"format": "helpsteer2", "read": 8, "imported": 8, "duplicates": 8, "rejected": 0, "warnings": 0,
               "items": 0, "responses": 0, "reference_labels": 0})
    );
    let hh = import("hh.tiebreak", &["hh_rlhf.jsonl"]);
    assert_eq!(
        (
            &hh["format"],
            &hh["read"],
            &hh["imported"],
            &hh["items"],
            &hh["responses"]
        ),
        (
            &json!("hh-rlhf"),
            &json!(13),
            &json!(13),
            &json!(13),
            &json!(26)
        )
    );
    for warning in hh["warnings"].as_array().unwrap() {
        assert!(
            warning["row"]
                .as_u64()
                .is_some_and(|r| (1..=13).contains(&r))
        );
        assert!(warning["kind"].is_string());
    }
    assert!(!hh["warnings"].as_array().unwrap().is_empty());
    let judge = import("judge.tiebreak", &["judgebench.jsonl"]);
    assert_eq!(
        numbers(&judge),
        json!({"format": "judgebench", "read": 3, "imported": 3, "duplicates": 0, "rejected": 0, "warnings": 0,
               "items": 3, "responses": 6, "reference_labels": 3})
    );
    let together = [
        "mt_bench_conversations.jsonl",
        "mt_bench_human_votes.jsonl",
        "mt_bench_gpt4_votes.jsonl",
    ];
    let mt = import("mt.tiebreak", &together);
    assert_eq!(
        (
            &mt["format"],
            &mt["read"],
            &mt["rejected"],
            &mt["items"],
            &mt["reference_labels"]
        ),
        (
            &json!("mt-bench"),
            &json!(17),
            &json!([]),
            &json!(6),
            &json!(14)
        )
    );
    let again = import("mt.tiebreak", &together);
    assert_eq!(
        (&again["imported"], &again["duplicates"], &again["items"]),
        (&mt["imported"], &mt["imported"], &json!(0)),
        "rows of votes are known, too"
    );
}

#[test]
fn a_bad_row_is_reported_and_fails_a_strict_import_only() {
    let home = Home::new();
    let rows = home.write(
        "rows.jsonl",
        "{\"prompt\":\"a\",\"chosen\":\"b\",\"rejected\":\"c\"}\n{\"prompt\":\"a\",\"chosen\":\"b\"}\n",
    );
    let plain = home.run(&["import", "p.tiebreak", text(&rows), "--json"]);
    succeeds(&plain);
    let rejected = &report(&plain)["rejected"];
    assert_eq!(rejected.as_array().unwrap().len(), 1);
    assert_eq!(rejected[0]["row"], 2);
    assert!(
        rejected[0]["reason"]
            .as_str()
            .is_some_and(|r| !r.is_empty())
    );
    let strict = home.run(&["import", "p.tiebreak", text(&rows), "--json", "--strict"]);
    assert_eq!(code(&strict), 1);
    assert_eq!(report(&strict)["imported"], 0);
    // Also of a file that has something new, nothing comes in; a project that was not there is not made.
    let more = home.write(
        "more.jsonl",
        "{\"prompt\":\"new\",\"chosen\":\"b\",\"rejected\":\"c\"}\n{\"prompt\":\"a\",\"chosen\":\"b\"}\n",
    );
    let info = || report(&home.run(&["info", "p.tiebreak", "--json"]));
    let before = info();
    let strict = home.run(&["import", "p.tiebreak", text(&more), "--strict"]);
    assert_eq!(code(&strict), 1);
    assert!(String::from_utf8_lossy(&strict.stderr).contains("nothing was imported"));
    assert_eq!(info(), before);
    assert_eq!(
        code(&home.run(&["import", "q.tiebreak", text(&more), "--strict"])),
        1
    );
    assert!(!home.file("q.tiebreak").exists());
    // Without --json nothing is on stdout.
    let words = home.run(&["import", "p.tiebreak", text(&rows)]);
    succeeds(&words);
    assert!(words.stdout.is_empty());
    assert!(String::from_utf8_lossy(&words.stderr).contains("rows.jsonl row 2: "));
}

#[test]
fn rows_of_ones_own_come_in_by_what_their_fields_mean() {
    let home = Home::new();
    let rows = home.write("rows.csv", "q,l,r,w\nWhy?,So.,No.,b\nWhy?,So.,No.,b\n");
    fails_with_a_hint(
        &home.run(&["import", "p.tiebreak", text(&rows)]),
        "no known format in rows.csv: its rows have q, l, r, w",
    );
    fails_with_a_hint(
        &home.run(&["import", "p.tiebreak", text(&rows), "--format", "csv-map"]),
        "no fields are the replies",
    );
    assert!(!home.file("p.tiebreak").exists());
    let map = [
        "--map",
        "prompt=q",
        "--map",
        "response_a=l",
        "--map",
        "response_b=r",
        "--map",
        "preferred=w",
        "--json",
    ];
    let arguments = [&["import", "p.tiebreak", text(&rows)][..], &map].concat();
    let first = report(&home.run(&arguments));
    assert_eq!(
        (&first["format"], &first["items"], &first["repeated"]),
        (&json!("csv-map"), &json!(1), &json!(1))
    );
    let wrong = home.run(&["import", "p.tiebreak", text(&rows), "--map", "promt=q"]);
    assert_eq!(code(&wrong), 2);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("`promt` is not a field"));
}

/// Near duplicates are found among the files and in the project, also in one of an older version.
#[test]
fn an_import_tells_what_says_almost_the_same() {
    let home = Home::new();
    let pair = |prompt: &str, chosen: &str| {
        format!("{{\"prompt\":\"{prompt}\",\"chosen\":\"{chosen}\",\"rejected\":\"No idea.\"}}\n")
    };
    let first = home.write(
        "first.jsonl",
        &[pair("Why?", "So."), pair("When?", "Now.")].concat(),
    );
    let second = home.write(
        "second.jsonl",
        &[
            pair("when", "now"),
            pair("Why?", "So."),
            pair("Where?", "Here."),
            pair("Where?", "Here!"),
            pair("Where?", "Here."),
        ]
        .concat(),
    );
    let import =
        |project: &str, file: &Path| report(&home.run(&["import", project, text(file), "--json"]));
    assert_eq!(import("p.tiebreak", &first)["near_duplicates"], json!([]));
    for again in [false, true] {
        let said = import("p.tiebreak", &second);
        // What is known is no near duplicate.
        let near = json!([
            {"file": "second.jsonl", "row": 1, "of_file": "first.jsonl", "of_row": 2},
            {"file": "second.jsonl", "row": 4, "of_file": "second.jsonl", "of_row": 3},
        ]);
        assert_eq!(
            said["near_duplicates"],
            if again { json!([]) } else { near }
        );
        assert_eq!(said["duplicates"], if again { 5 } else { 0 });
        assert_eq!(said["repeated"], 1);
    }
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store/db_v3.tiebreak");
    std::fs::copy(old, home.file("old.tiebreak")).unwrap();
    let third = home.write("third.jsonl", &pair("why 5", "because"));
    assert_eq!(
        import("old.tiebreak", &third)["near_duplicates"],
        json!([{"file": "third.jsonl", "row": 1, "of_file": "c.jsonl", "of_row": 1}])
    );
}

/// An import that a person or the power supply ends leaves the project as it was.
#[cfg(unix)]
#[test]
fn an_import_that_is_ended_changes_nothing() {
    use std::io::Write as _;
    let home = Home::new();
    let before = home.write(
        "before.jsonl",
        "{\"prompt\":\"a\",\"chosen\":\"b\",\"rejected\":\"c\"}\n",
    );
    succeeds(&home.run(&["import", "p.tiebreak", text(&before)]));
    let info = || report(&home.run(&["info", "p.tiebreak", "--json"]));
    let was = info();
    let pipe = home.file("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for (signal, expected) in [("-INT", Some(130)), ("-KILL", None)] {
        let mut child = home
            .command(&["import", "p.tiebreak", text(&pipe)])
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut rows = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        for n in 0..9_000 {
            writeln!(
                rows,
                "{{\"prompt\":\"{n}\",\"chosen\":\"b\",\"rejected\":\"c\"}}"
            )
            .unwrap();
        }
        // Some thousand rows are in the file by now; who reads does not see them.
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert_eq!(info(), was);
        let id = child.id().to_string();
        let killed = std::process::Command::new("kill")
            .args([signal, &id])
            .status();
        assert!(killed.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), expected);
        drop(rows);
        assert_eq!(info(), was);
        assert_eq!(code(&home.run(&["verify", "p.tiebreak"])), 0);
    }
    // And what comes next comes in.
    let more = home.write(
        "more.jsonl",
        "{\"prompt\":\"5\",\"chosen\":\"b\",\"rejected\":\"c\"}\n",
    );
    let next = report(&home.run(&["import", "p.tiebreak", text(&more), "--json"]));
    assert_eq!(
        (&next["items"], &next["duplicates"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(info()["items"], 2);
}

/// A project that may only be read is read, and what would change it is refused in words.
#[cfg(unix)]
#[test]
fn a_project_that_may_only_be_read_is_not_written() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let home = Home::new();
    let rows = home.write(
        "rows.jsonl",
        "{\"prompt\":\"a\",\"chosen\":\"b\",\"rejected\":\"c\"}\n",
    );
    succeeds(&home.run(&["import", "p.tiebreak", text(&rows)]));
    let project = home.file("p.tiebreak");
    let before = std::fs::read(&project).unwrap();
    let folder = project.parent().unwrap();
    for path in [&rows, &project] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o444)).unwrap();
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    let root = std::fs::write(folder.join("probe"), "").is_ok();
    let run = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        if root {
            // To an administrator nothing is forbidden: somebody else has to try.
            command.uid(65_534);
        }
        command.output()
    };
    let Ok(refused) = run(&["import", "p.tiebreak", text(&rows)]) else {
        return eprintln!("somebody else cannot run the program from here");
    };
    fails_with_a_hint(
        &refused,
        "p.tiebreak cannot be written: the change was not saved",
    );
    let info = run(&["info", "p.tiebreak", "--json"]).unwrap();
    succeeds(&info);
    assert_eq!(report(&info)["items"], 1);
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(std::fs::read(&project).unwrap(), before);
}

/// What cannot be opened is said with the reason, and no project is left behind.
#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let home = Home::new();
    let rows = home.write("rows.jsonl", "{}\n");
    std::fs::set_permissions(&rows, std::fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = home.command(&["import", "p.tiebreak", text(&rows)]);
    let root = std::fs::read(&rows).is_ok();
    if root {
        // To an administrator nothing is forbidden: somebody else has to try.
        std::fs::set_permissions(
            rows.parent().unwrap(),
            std::fs::Permissions::from_mode(0o777),
        )
        .unwrap();
        command.uid(65_534);
    }
    let Ok(output) = command.output() else {
        return eprintln!("somebody else cannot run the program from here");
    };
    fails_with_a_hint(&output, "rows.jsonl: Permission denied");
    assert!(!home.file("p.tiebreak").exists());
}

#[test]
fn what_is_not_there_is_said_in_two_lines() {
    let home = Home::new();
    fails_with_a_hint(&home.run(&["info", "none.tiebreak"]), "none.tiebreak");
    fails_with_a_hint(
        &home.run(&[
            "export",
            "none.tiebreak",
            "--format",
            "trl",
            "--output",
            "x.jsonl",
        ]),
        "none.tiebreak",
    );
    let missing = home.run(&["import", "new.tiebreak", "none.jsonl"]);
    fails_with_a_hint(&missing, "none.jsonl");
    assert!(
        !home.file("new.tiebreak").exists(),
        "no empty project is left behind"
    );
    fails_with_a_hint(
        &home.run(&["score", "none.jsonl", "--model", "default"]),
        "none.jsonl",
    );
    fails_with_a_hint(
        &home.run(&["score", "none.jsonl", "--model", "none.gguf"]),
        "none.gguf",
    );
    let rows = home.write("rows.jsonl", "{\"colour\":\"blue\"}\n");
    fails_with_a_hint(
        &home.run(&["import", "new.tiebreak", text(&rows)]),
        "rows.jsonl",
    );
    fails_with_a_hint(&home.run(&["info", text(&rows)]), "rows.jsonl");
    // A word that is no option is the command line's own matter, but the code is the same.
    assert_eq!(code(&home.run(&["import", "--no-such-option"])), 2);
}

#[test]
fn an_export_of_nothing_is_a_no_and_a_round_trip_loses_nothing() {
    let home = Home::new();
    let file = fixture("judgebench.jsonl");
    succeeds(&home.run(&["import", "a.tiebreak", text(&file)]));
    let nothing = home.run(&[
        "export",
        "a.tiebreak",
        "--format",
        "pairs",
        "--output",
        "out.jsonl",
        "--json",
    ]);
    assert_eq!(code(&nothing), 1);
    let none = report(&nothing);
    assert_eq!(
        (&none["format"], &none["rows"], &none["files"]),
        (&json!("pairs"), &json!(0), &json!([]))
    );
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("\nhint: "));
    assert!(!home.file("out.jsonl").exists());

    let export = |project: &str, output: &str| {
        let run = home.run(&[
            "export",
            project,
            "--format",
            "pairs",
            "--labels",
            "reference",
            "--extra",
            "--output",
            output,
            "--json",
        ]);
        succeeds(&run);
        report(&run)
    };
    let first = export("a.tiebreak", "out.jsonl");
    assert_eq!(first["rows"], 3);
    let bytes = std::fs::read(home.file("out.jsonl")).unwrap();
    assert_eq!(first["files"][0]["rows"], 3);
    let sum = {
        use sha2::Digest as _;
        format!("{:x}", sha2::Sha256::digest(&bytes))
    };
    assert_eq!(first["files"][0]["sha256"], sum);
    assert!(
        first["files"][0]["path"]
            .as_str()
            .unwrap()
            .ends_with("out.jsonl")
    );
    succeeds(&home.run(&["import", "b.tiebreak", "out.jsonl"]));
    export("b.tiebreak", "again.jsonl");
    let again = std::fs::read_to_string(home.file("again.jsonl")).unwrap();
    assert_eq!(lines(&again), lines(std::str::from_utf8(&bytes).unwrap()));

    // A name without an ending is a folder.
    let run = home.run(&[
        "export",
        "a.tiebreak",
        "--format",
        "trl",
        "--labels",
        "reference",
        "--output",
        "folder",
    ]);
    succeeds(&run);
    assert!(home.file("folder/data.jsonl").exists());
}

#[test]
fn info_tells_the_numbers_of_a_project() {
    let home = Home::new();
    let file = fixture("helpsteer2_validation_first8.jsonl");
    succeeds(&home.run(&["import", "a.tiebreak", text(&file)]));
    let output = home.run(&["info", "a.tiebreak", "--json"]);
    succeeds(&output);
    let info = report(&output);
    for (name, count) in [
        ("items", 4),
        ("responses", 8),
        ("labels", 0),
        ("annotators", 0),
        ("events", 0),
        ("skipped", 0),
        ("flagged", 0),
        ("schema_version", tiebreak::store::SCHEMA_VERSION),
    ] {
        assert_eq!(info[name], count, "{name} of {info}");
    }
    assert_eq!(info["scored"], json!({}));
    succeeds(&home.run(&["verify", "a.tiebreak"]));
    succeeds(&home.run(&["backup", "a.tiebreak", "b.tiebreak"]));
    assert_eq!(report(&home.run(&["info", "b.tiebreak", "--json"])), info);
    fails_with_a_hint(
        &home.run(&["backup", "a.tiebreak", "b.tiebreak"]),
        "b.tiebreak",
    );
}

#[test]
fn without_a_screen_the_window_says_so_in_two_lines() {
    let home = Home::new();
    let output = home.run(&[]);
    fails_with_a_hint(&output, "display");
    let said = String::from_utf8_lossy(&output.stderr);
    for command in ["import", "export", "score", "info"] {
        assert!(said.contains(command), "{said}");
    }
    fails_with_a_hint(&home.run(&["some.tiebreak"]), "display");
}

#[test]
fn help_names_what_is_there_and_nothing_else() {
    let home = Home::new();
    let mut all = String::new();
    for arguments in [
        &["--help"][..],
        &["import", "--help"],
        &["export", "--help"],
        &["score", "--help"],
        &["info", "--help"],
        &["verify", "--help"],
        &["backup", "--help"],
        &["train", "--help"],
        &["bench", "--help"],
        &["bench", "pairs", "--help"],
        &["model", "--help"],
        &["model", "list", "--help"],
        &["model", "show", "--help"],
    ] {
        let output = home.run(arguments);
        succeeds(&output);
        all.push_str(std::str::from_utf8(&output.stdout).unwrap());
    }
    for there in [
        "--strict",
        "--json",
        "--labels",
        "--extra",
        "--resume",
        "--max-length",
        "judgebench",
        "helpsteer3",
        "rewardbench2",
        "rm-bench",
        "ultrafeedback",
        "arena",
        "sharegpt",
        "csv-map",
        "--map",
        "--head",
        "--weights",
        "--trace",
        "nemo-extra-id",
        "check",
    ] {
        assert!(all.contains(there), "{there} is not in the help");
    }
    for unbuilt in [
        "--where",
        "--split",
        "--scrub",
        "--listen",
        "nemo-bt",
        "openrlhf",
        "axolotl",
        "parquet",
        "agreement",
        "serve",
        "merge",
        "nim+http",
    ] {
        assert!(!all.contains(unbuilt), "{unbuilt} is in the help");
    }
}

#[test]
fn a_project_in_use_is_read_but_not_written() {
    let home = Home::new();
    let file = fixture("helpsteer2_validation_first8.jsonl");
    let path = home.project("held", std::slice::from_ref(&file));
    let nora = Project::open(&path, Access::Write { owner: "Nora" }).unwrap();
    let refused = home.run(&["import", text(&path), text(&file)]);
    fails_with_a_hint(&refused, "Nora has this project open since ");
    let info = home.run(&["info", text(&path), "--json"]);
    succeeds(&info);
    assert_eq!(report(&info)["items"], 4);
    succeeds(&home.run(&["backup", text(&path), "copy.tiebreak"]));
    nora.close().unwrap();
    succeeds(&home.run(&["import", text(&path), text(&file)]));
}
