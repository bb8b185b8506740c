//! The rules of the source tree, kept by reading it: which room may use which, which crate belongs where, how files are named.
//!
//! 1. `domain` uses no other room; `dataset`, `store`, `reward`, `analysis`, `text` use `domain` and `task` only, `task` `domain` only.
//! 2. Nothing but `main.rs` uses the faces `ui`, `cli`, `server`, not even each other.
//! 3. A crate listed in [`CRATES`] is used in its rooms only.
//! 4. A file says in its first line what it is for, has at most 800 lines and a name that means something; `main.rs` has at most 60.
//! 5. Words that people see stand in `app/words`; elsewhere in `app` and `ui` only what [`NOT_IN_THE_TABLE`] names.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const MOST_LINES: usize = 800;
const MOST_LINES_OF_MAIN: usize = 60;

const ROOMS: [&str; 11] = [
    "domain", "dataset", "store", "reward", "analysis", "text", "task", "app", "ui", "cli",
    "server",
];

const FACES: [&str; 3] = ["ui", "cli", "server"];

/// Names that say nothing.
const EMPTY_NAMES: [&str; 7] = [
    "utils", "util", "common", "helpers", "helper", "misc", "shared",
];

/// Crates (with `_` at the end: all that begin so) and where they may be used.
const CRATES: [(&str, &[&str]); 13] = [
    ("egui", &["ui"]),
    ("egui_", &["ui"]),
    ("eframe", &["ui"]),
    ("rfd", &["ui"]),
    ("candle_", &["reward"]),
    ("tokenizers", &["reward"]),
    ("rusqlite", &["store"]),
    ("rusqlite_", &["store"]),
    ("parquet", &["dataset"]),
    ("arrow", &["dataset"]),
    ("axum", &["server"]),
    ("tokio", &["server"]),
    ("anyhow", &["cli", "main"]),
];

/// The tables of words: what is said is said there.
const TABLES: [&str; 2] = ["app/words/", "app/commands.rs"];

/// What reads as words but is not in a table: the file, what begins so (everything where that is empty), and why.
const NOT_IN_THE_TABLE: [(&str, &str, &str); 5] = [
    (
        "app/shortcut.rs",
        "",
        "names of keys are kept in the settings as they are shown, and read back",
    ),
    (
        "app/train.rs",
        "",
        "the README of a trained model is a file that goes into the world, not the window",
    ),
    (
        "app/desk/mod.rs",
        "own order of {}",
        "names a plan in memory",
    ),
    (
        "ui/chrome.rs",
        "{c} U+{:04X}",
        "Unicode writes its characters so in every language",
    ),
    (
        "ui/screens/rewrite.rs",
        "a piece has letters",
        "an assertion",
    ),
];

/// Which rooms a room may use; `None`: any.
fn may_use(room: &str) -> Option<&'static [&'static str]> {
    match room {
        "domain" => Some(&[]),
        "task" => Some(&["domain"]),
        "dataset" | "store" | "reward" | "analysis" | "text" => Some(&["domain", "task"]),
        _ => None,
    }
}

/// What is wrong with a file, one line each: `FILE:LINE: what`. `path` is from `src`, with `/`.
fn violations(path: &str, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut report = |line: usize, what: String| found.push(format!("src/{path}:{line}: {what}"));
    let modules: Vec<&str> = path
        .trim_end_matches(".rs")
        .split('/')
        .filter(|name| *name != "mod" && *name != "lib")
        .collect();
    let room = modules.first().copied().unwrap_or("lib");

    if !source.starts_with("//! ") {
        report(
            1,
            "the first line does not say what the file is for (`//! ...`)".into(),
        );
    }
    for name in &modules {
        if EMPTY_NAMES.contains(name) {
            report(1, format!("`{name}` says nothing about what is in it"));
        }
    }
    let lines = source.lines().count();
    let most = if path == "main.rs" {
        MOST_LINES_OF_MAIN
    } else {
        MOST_LINES
    };
    if lines > most {
        report(lines, format!("{lines} lines, more than {most}"));
    }

    for (line, segments) in paths(&tokens(source)) {
        let Some(first) = segments.first() else {
            continue;
        };
        for (name, rooms) in CRATES {
            let is_it = first == name || (name.ends_with('_') && first.starts_with(name));
            if is_it && !rooms.contains(&room) {
                report(line, format!("`{first}` belongs in {}", rooms.join(", ")));
            }
        }
        let Some(used) = used_room(&modules, &segments) else {
            continue;
        };
        if used == room || room == "lib" {
            continue;
        }
        if let Some(allowed) = may_use(room)
            && !allowed.contains(&used)
        {
            report(line, format!("`{room}` must not use `{used}`"));
        } else if FACES.contains(&used) && room != "main" {
            report(line, format!("`{used}` is a face: only `main` uses it"));
        }
    }
    found
}

/// The room that a path leads to, if it leads to one.
fn used_room(modules: &[&str], segments: &[String]) -> Option<&'static str> {
    let first = segments.first()?.as_str();
    let name = match first {
        "crate" | "tiebreak" => segments.get(1)?,
        "super" => {
            let ups = segments.iter().take_while(|name| *name == "super").count();
            if ups < modules.len() {
                return None;
            }
            segments.get(ups)?
        }
        _ => return None,
    };
    ROOMS.into_iter().find(|room| room == name)
}

/// A piece of Rust with its line: a word, `::`, or one other character. Comments and literals are left out.
fn tokens(source: &str) -> Vec<(usize, String)> {
    let text: Vec<char> = source.chars().collect();
    let at = |index: usize| text.get(index).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut found, mut line, mut i) = (Vec::new(), 1, 0);
    while i < text.len() {
        let start = i;
        match text[i] {
            '/' if at(i + 1) == '/' => {
                while i < text.len() && text[i] != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 0;
                while i < text.len() {
                    match (text[i], at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            '"' => i = after_string(&text, i),
            // `'a'` and `'\n'` are characters, `'a` is a lifetime.
            '\'' if at(i + 1) == '\\' || at(i + 2) == '\'' => {
                i += if at(i + 1) == '\\' { 3 } else { 2 };
                while i < text.len() && text[i] != '\'' {
                    i += 1;
                }
                i += 1;
            }
            c if is_word(c) => {
                while is_word(at(i)) {
                    i += 1;
                }
                let word: String = text[start..i].iter().collect();
                let hashes = text[i..].iter().take_while(|c| **c == '#').count();
                let prefix = matches!(word.as_str(), "r" | "br" | "cr" | "b" | "c");
                if prefix && at(i + hashes) == '"' {
                    i = if word.contains('r') {
                        after_raw_string(&text, i + hashes, hashes)
                    } else {
                        after_string(&text, i)
                    };
                } else {
                    found.push((line, word));
                }
            }
            ':' if at(i + 1) == ':' => {
                found.push((line, "::".to_owned()));
                i += 2;
            }
            c => {
                if !c.is_whitespace() {
                    found.push((line, c.to_string()));
                }
                i += 1;
            }
        }
        i = i.min(text.len());
        line += text[start..i].iter().filter(|c| **c == '\n').count();
    }
    found
}

fn after_string(text: &[char], quote: usize) -> usize {
    let mut i = quote + 1;
    while i < text.len() && text[i] != '"' {
        i += if text[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn after_raw_string(text: &[char], quote: usize, hashes: usize) -> usize {
    let mut i = quote + 1;
    while i < text.len() {
        let ends =
            text[i] == '"' && text[i + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
        if ends {
            return i + 1 + hashes;
        }
        i += 1;
    }
    i
}

/// All paths with their lines, those of `use` declarations spread out.
fn paths(tokens: &[(usize, String)]) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let word = tokens[i].1.as_str();
        let next = tokens.get(i + 1).map_or("", |token| &token.1);
        if word == "use" && next != "<" {
            i = spread(tokens, i + 1, &[], &mut found);
        } else if word == "crate" && i > 0 && tokens[i - 1].1 == "extern" {
            found.push((tokens[i].0, vec![next.to_owned()]));
            i += 2;
        } else if is_name(word) && next == "::" {
            let line = tokens[i].0;
            let mut segments = vec![word.to_owned()];
            i += 1;
            while i + 1 < tokens.len() && tokens[i].1 == "::" && is_name(&tokens[i + 1].1) {
                segments.push(tokens[i + 1].1.clone());
                i += 2;
            }
            found.push((line, segments));
        } else {
            i += 1;
        }
    }
    found
}

/// Reads one tree of a `use` declaration from `i` on; gives where it ends.
fn spread(
    tokens: &[(usize, String)],
    mut i: usize,
    before: &[String],
    found: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut segments = before.to_vec();
    let mut line = tokens.get(i).map_or(0, |token| token.0);
    while let Some((at, token)) = tokens.get(i) {
        match token.as_str() {
            "::" => i += 1,
            "{" => {
                i += 1;
                while let Some((_, token)) = tokens.get(i) {
                    match token.as_str() {
                        "}" => return i + 1,
                        "," => i += 1,
                        _ => i = spread(tokens, i, &segments, found),
                    }
                }
                return i;
            }
            "as" => i += 2,
            name if is_name(name) || name == "*" => {
                line = *at;
                segments.push(name.to_owned());
                i += 1;
            }
            _ => break,
        }
    }
    found.push((line, segments));
    i
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_source_tree_keeps_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    files.sort();
    assert!(files.len() > 5, "no source found in {}", root.display());
    let mut report = String::new();
    for file in &files {
        let path = file.strip_prefix(&root).unwrap();
        let path = path.to_string_lossy().replace('\\', "/");
        for line in violations(&path, &fs::read_to_string(file).unwrap()) {
            writeln!(report, "{line}").unwrap();
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn every_broken_rule_is_found_where_it_is() {
    let source = "//! Made up.\nuse std::fmt;\nuse crate::{\n    domain::Item,\n    store::{self, Reader},\n};\nfn f() -> eframe::Result { crate::app::go() }\nuse super::super::ui;\nuse {anyhow::Context as _, candle_core as core};\n#[tokio::main]\nextern crate rfd;\n";
    assert_eq!(
        violations("dataset/pairs.rs", source),
        [
            "src/dataset/pairs.rs:5: `dataset` must not use `store`",
            "src/dataset/pairs.rs:5: `dataset` must not use `store`",
            "src/dataset/pairs.rs:7: `eframe` belongs in ui",
            "src/dataset/pairs.rs:7: `dataset` must not use `app`",
            "src/dataset/pairs.rs:8: `dataset` must not use `ui`",
            "src/dataset/pairs.rs:9: `anyhow` belongs in cli, main",
            "src/dataset/pairs.rs:9: `candle_core` belongs in reward",
            "src/dataset/pairs.rs:10: `tokio` belongs in server",
            "src/dataset/pairs.rs:11: `rfd` belongs in ui",
        ]
    );
    assert_eq!(
        violations("domain/item.rs", "//! Made up.\nuse crate::task::Job;\n"),
        ["src/domain/item.rs:2: `domain` must not use `task`"]
    );
    assert_eq!(
        violations("app/mod.rs", "//! Made up.\ntype T = crate::ui::Theme;\n"),
        ["src/app/mod.rs:2: `ui` is a face: only `main` uses it"]
    );
}

#[test]
fn files_without_purpose_or_with_too_much_are_found() {
    assert_eq!(
        violations("app/utils.rs", "use std::fmt;\n"),
        [
            "src/app/utils.rs:1: the first line does not say what the file is for (`//! ...`)",
            "src/app/utils.rs:1: `utils` says nothing about what is in it",
        ]
    );
    let long = format!("//! Long.\n{}", "// x\n".repeat(800));
    assert_eq!(
        violations("app/long.rs", &long),
        ["src/app/long.rs:801: 801 lines, more than 800"]
    );
    let main = format!("//! Main.\n{}", "// x\n".repeat(60));
    assert_eq!(
        violations("main.rs", &main),
        ["src/main.rs:61: 61 lines, more than 60"]
    );
}

#[test]
fn honest_code_is_left_alone() {
    let none: [&str; 0] = [];
    let source = "//! Honest.\n// use crate::store::Reader;\n/* egui::Context /* rfd:: */ anyhow:: */\nuse crate::domain::{Item, Turn};\nuse super::markdown::Run;\nconst A: &str = \"egui::Context \\\" crate::ui::x\";\nconst B: &str = r#\"tokio::spawn(\" axum::x)\"#;\nconst C: [char; 2] = ['\"', '\\''];\nfn f<'a>(x: &'a str) -> impl Sized + use<'a> { crate::task::Cancel::new(x) }\n";
    assert_eq!(violations("text/preview.rs", source), none);
    assert_eq!(
        violations(
            "ui/theme.rs",
            "//! T.\nuse egui::Color32;\nuse crate::app::State;\n"
        ),
        none
    );
    assert_eq!(
        violations(
            "main.rs",
            "//! M.\nuse anyhow::Result;\nuse tiebreak::{cli, ui};\n"
        ),
        none
    );
    assert_eq!(
        violations(
            "store/mod.rs",
            "//! S.\nmod ui_state;\nuse rusqlite::Connection;\nuse self::text::x;\n"
        ),
        none
    );
}

/// Literals with their lines, as they are written. Comments and attributes are left out.
fn literals(source: &str) -> Vec<(usize, String)> {
    let text: Vec<char> = source.chars().collect();
    let at = |index: usize| text.get(index).copied().unwrap_or('\0');
    let (mut found, mut i, mut attribute) = (Vec::new(), 0, 0_usize);
    while i < text.len() {
        let hashes = text[i + 1..].iter().take_while(|c| **c == '#').count();
        match text[i] {
            '/' if at(i + 1) == '/' => {
                while i < text.len() && text[i] != '\n' {
                    i += 1;
                }
            }
            '"' | 'r' if text[i] == '"' || at(i + 1 + hashes) == '"' => {
                let (from, end) = if text[i] == '"' {
                    (i + 1, after_string(&text, i))
                } else {
                    let quote = i + 1 + hashes;
                    (quote + 1, after_raw_string(&text, quote, hashes))
                };
                if attribute == 0 {
                    let line = 1 + text[..i].iter().filter(|c| **c == '\n').count();
                    let closing = if text[i] == '"' { 1 } else { 1 + hashes };
                    let until = (end - closing).clamp(from, text.len());
                    found.push((line, text[from..until].iter().collect()));
                }
                i = end;
            }
            '\'' if at(i + 1) == '\\' => i += 3,
            '\'' if at(i + 2) == '\'' => i += 3,
            '#' if attribute == 0
                && (at(i + 1) == '[' || (at(i + 1) == '!' && at(i + 2) == '[')) =>
            {
                attribute = 1;
                i += if at(i + 1) == '[' { 2 } else { 3 };
            }
            c => {
                if attribute > 0 {
                    match c {
                        '[' => attribute += 1,
                        ']' => attribute -= 1,
                        _ => {}
                    }
                }
                i += 1;
            }
        }
    }
    found
}

/// Whether a literal reads as words: two of them with a space between, or one that begins as a sentence does. What a format puts in
/// counts as a word.
fn reads_as_words(literal: &str) -> bool {
    let mut text = literal.replace("\\n", " ").replace("\\u{", "\u{b7}{");
    while let Some((from, length)) = text
        .find('{')
        .and_then(|from| Some((from, text[from..].find('}')?)))
    {
        text.replace_range(from..=from + length, "0");
    }
    let letters: Vec<char> = text.trim_start().chars().collect();
    let begins = letters.first().is_some_and(|c| c.is_uppercase())
        && letters.get(1).is_some_and(|c| c.is_lowercase());
    let parted = letters.windows(3).any(|c| {
        c[1] == ' '
            && c[0].is_alphanumeric()
            && c[2].is_alphanumeric()
            && (c[0].is_alphabetic() || c[2].is_alphabetic())
    });
    begins || parted
}

/// Literals that read as words where none belong, one line each.
fn words_outside_the_table(path: &str, source: &str) -> Vec<String> {
    let a_face = path.starts_with("ui/") || path.starts_with("app/");
    if !a_face || TABLES.iter().any(|table| path.starts_with(table)) {
        return vec![];
    }
    literals(source)
        .into_iter()
        .filter(|(_, literal)| reads_as_words(literal))
        .filter(|(_, literal)| {
            !NOT_IN_THE_TABLE
                .iter()
                .any(|(file, begins, _)| *file == path && literal.starts_with(begins))
        })
        .map(|(line, literal)| format!("src/{path}:{line}: \"{literal}\" belongs in src/app/words"))
        .collect()
}

#[test]
fn words_that_people_see_stand_in_one_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for room in ["app", "ui"] {
        rust_files(&root.join(room), &mut files);
    }
    files.sort();
    let mut report = String::new();
    for file in &files {
        let path = file.strip_prefix(&root).unwrap();
        let path = path.to_string_lossy().replace('\\', "/");
        for line in words_outside_the_table(&path, &fs::read_to_string(file).unwrap()) {
            writeln!(report, "{line}").unwrap();
        }
    }
    assert!(report.is_empty(), "\n{report}");
    for (path, begins, _) in NOT_IN_THE_TABLE {
        let source = fs::read_to_string(root.join(path)).unwrap();
        let needed = literals(&source)
            .iter()
            .any(|(_, literal)| literal.starts_with(begins) && reads_as_words(literal));
        assert!(needed, "nothing in src/{path} begins with \"{begins}\"");
    }
}

#[test]
fn words_are_told_from_names() {
    let source = "//! \"Some words\".\n#[expect(dead_code, reason = \"Said to the compiler [only]\")]\nfn f<'a>(n: usize) -> &'a str {\n    // \"Not this\"\n    button('\"', \"Close\");\n    note(format!(\"{n} rows\"), r#\"No \"such\" row\"#);\n    id_salt(\"rows\"); env(\"USER\"); format!(\"{:.2} %\", 1.0); \"\\u{201C}a b\"\n}\n";
    assert_eq!(
        words_outside_the_table("ui/screens/made_up.rs", source),
        [
            "src/ui/screens/made_up.rs:5: \"Close\" belongs in src/app/words",
            "src/ui/screens/made_up.rs:6: \"{n} rows\" belongs in src/app/words",
            "src/ui/screens/made_up.rs:6: \"No \"such\" row\" belongs in src/app/words",
            "src/ui/screens/made_up.rs:7: \"\\u{201C}a b\" belongs in src/app/words",
        ]
    );
    let none: [&str; 0] = [];
    for elsewhere in ["app/words/mod.rs", "app/commands.rs", "cli/score.rs"] {
        assert_eq!(words_outside_the_table(elsewhere, source), none);
    }
}
