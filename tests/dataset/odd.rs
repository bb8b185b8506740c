//! Odd and hostile input, and what is said of it.

use super::*;

/// What is said of bytes: of a whole file its error, else rows in, then what was set aside and what was unusual.
fn told(bytes: &[u8]) -> String {
    let (report, _) = match import_bytes(bytes) {
        Ok(read) => read,
        Err(error) => return format!("error: {error}"),
    };
    let mut lines = vec![format!("{} in", report.imported)];
    for rejected in &report.rejected {
        lines.push(format!("row {}: {}", rejected.row, rejected.reason));
    }
    for warning in &report.warnings {
        lines.push(format!("row {} {}", warning.row, warning.kind));
    }
    lines.join("; ")
}

const GOOD: &str = r#"{"prompt": "q", "chosen": "a", "rejected": "b"}"#;

#[test]
fn each_is_told_in_words() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let helpsteer2 = |value: &str| {
        let names = ["helpfulness", "correctness", "coherence", "complexity"]
            .map(|name| format!("\"{name}\": 2"));
        format!(
            "{{\"prompt\": \"q\", \"response\": \"a\", {}, \"verbosity\": {value}}}",
            names.join(", ")
        )
    };
    let preference = |strength: &str| {
        format!(
            "{{\"prompt\": \"q\", \"response_1\": \"a\", \"response_2\": \"b\", \"preference_strength\": {strength}}}"
        )
    };
    let messages = |list: &str| format!("{{\"messages\": [{list}]}}");
    let (user, reply) = (
        r#"{"role": "user", "content": "q"}"#,
        r#"{"role": "assistant", "content": "a"}"#,
    );
    for (what, text, expected) in [
        ("empty", String::new(), "0 in"),
        ("blank lines", "\n \r\n\n".to_owned(), "0 in"),
        ("CRLF", format!("{GOOD}\r\n{GOOD}\r\n"), "2 in"),
        ("NUL in text", "{\"prompt\": \"q\0\", \"chosen\": \"a\", \"rejected\": \"b\"}".to_owned(), r"0 in; row 1: not JSON: control character (\u0000-\u001F) found while parsing a string at line 1 column 14"),
        ("NUL escaped", "{\"prompt\": \"q\\u0000\", \"chosen\": \"a\", \"rejected\": \"b\"}".to_owned(), "1 in"),
        ("only NULs", "\0".repeat(64), "0 in; row 1: not JSON: expected value at line 1 column 1"),
        ("deep", format!("{{\"prompt\": {}, \"chosen\": \"a\", \"rejected\": \"b\"}}", deep(10_000)), "0 in; row 1: not JSON: recursion limit exceeded at line 1 column 138"),
        ("duplicate keys", r#"{"prompt": "q", "prompt": "p", "chosen": "a", "rejected": "b"}"#.to_owned(), "1 in"),
        ("NaN", r#"{"prompt": "NaN", "chosen": "a", "rejected": "b", "score": NaN, "least": -Infinity}"#.to_owned(), "1 in; row 1 not-a-number"),
        ("lone surrogate", r#"{"prompt": "q\ud800", "chosen": "a", "rejected": "b"}"#.to_owned(), "0 in; row 1: not JSON: unexpected end of hex escape at line 1 column 20"),
        ("number as text", helpsteer2("\"3\""), "0 in; row 1: verbosity is neither a number nor a list of numbers"),
        ("rating too high", helpsteer2("5"), "0 in; row 1: verbosity is 5, not from 0 to 4"),
        ("rating below", helpsteer2("-1"), "0 in; row 1: verbosity is -1, not from 0 to 4"),
        ("half a rating", helpsteer2("2.5"), "1 in"),
        ("rating null", helpsteer2("null"), "0 in; row 1: verbosity is neither a number nor a list of numbers"),
        ("strength 4", preference("4"), "0 in; row 1: preference_strength is 4, not a whole number from -3 to 3 or -100"),
        ("strength -100", preference("-100"), "1 in"),
        ("strength text", preference("\"2\""), r#"0 in; row 1: preference_strength is "2", not a whole number from -3 to 3 or -100"#),
        ("strength word", preference("\"much\""), r#"0 in; row 1: preference_strength is "much", not a whole number from -3 to 3 or -100"#),
        ("strength null", preference("null"), "0 in; row 1: preference_strength is null, not a whole number from -3 to 3 or -100"),
        ("chosen missing", format!("{GOOD}\n{}", r#"{"prompt": "q", "rejected": "b"}"#), "1 in; row 2: it has neither chosen and rejected nor response_a and response_b nor response_1 and response_2"),
        ("chosen null", r#"{"prompt": "q", "chosen": null, "rejected": "b"}"#.to_owned(), "0 in; row 1: chosen is null, not text or messages"),
        ("chosen a number", r#"{"prompt": "q", "chosen": 3, "rejected": "b"}"#.to_owned(), "0 in; row 1: chosen is a number, not text or messages"),
        ("prompt an object", r#"{"prompt": {"a": 1}, "chosen": "a", "rejected": "b"}"#.to_owned(), "0 in; row 1: prompt: it has no role"),
        ("unknown role", messages(&format!("{}, {reply}", r#"{"role": "wizard", "content": "q"}"#)), "0 in; row 1: messages, message 1: its role `wizard` is not known"),
        ("role a number", messages(&format!("{}, {reply}", r#"{"role": 1, "content": "q"}"#)), "0 in; row 1: messages, message 1: its role is a number, not a text"),
        ("content null", messages(&format!("{}, {reply}", r#"{"role": "user", "content": null}"#)), "0 in; row 1: messages, message 1: its content is null, not a text"),
        ("content parts", messages(&format!("{}, {reply}", r#"{"role": "user", "content": [{"type": "text", "text": "q"}]}"#)), "1 in"),
        ("empty turn", messages(&format!("{}, {reply}", r#"{"role": "user", "content": ""}"#)), "1 in; row 1 empty-turn"),
        ("two user turns", messages(&format!("{user}, {user}, {reply}")), "1 in; row 1 consecutive-turns-of-one-role"),
        ("ends with user", messages(&format!("{reply}, {user}")), "0 in; row 1: the last message is not the assistant's"),
        ("no messages", messages(""), "0 in; row 1: it has no messages"),
        ("empty reply", r#"{"prompt": "q", "chosen": "", "rejected": "b"}"#.to_owned(), "1 in; row 1 empty-reply"),
        ("same replies", r#"{"prompt": "q", "chosen": "a", "rejected": "a"}"#.to_owned(), "1 in; row 1 same-replies"),
        ("mixed formats", format!("{GOOD}\n{}\n{}", helpsteer2("2"), messages(&format!("{user}, {reply}"))), "1 in; row 2: it has neither chosen and rejected nor response_a and response_b nor response_1 and response_2; it looks like helpsteer2, where the file began as trl: put them into files of their own; row 3: it has neither chosen and rejected nor response_a and response_b nor response_1 and response_2; it looks like messages, where the file began as trl: put them into files of their own"),
        ("a list", "[1, 2]".to_owned(), "0 in; row 1: not an object but a number; row 2: not an object but a number"),
        ("a number", "17".to_owned(), "0 in; row 1: not an object but a number"),
        ("prose", "Dear reader,\nthis is no data.\n".to_owned(), "0 in; row 1: not JSON: expected value at line 1 column 1; row 2: not JSON: expected ident at line 1 column 2"),
        ("HTML", "<!DOCTYPE html>\n<html><body>404</body></html>\n".to_owned(), "error: rows.jsonl is not rows but a web page or XML"),
        ("an LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n".to_owned(), "error: rows.jsonl is not rows but a pointer of Git LFS and not the data, which `git lfs pull` fetches"),
    ] {
        assert_eq!(told(text.as_bytes()), expected, "{what}");
    }
    assert_eq!(
        told(b"{\"prompt\": \"\xff\", \"chosen\": \"a\", \"rejected\": \"b\"}"),
        "0 in; row 1: not JSON: invalid unicode code point at line 1 column 13"
    );
}

/// The last of two fields of one name counts, as it does in Python; what stands in a text is never taken for a number.
#[test]
fn what_is_read_of_them_is_what_python_reads() {
    let (_, rows) =
        import_text(r#"{"prompt": "q", "prompt": "p", "chosen": "a", "rejected": "b"}"#);
    assert_eq!(rows[0].item.context, [Turn::user("p")]);
    let (_, rows) = import_text(
        r#"{"prompt": "NaN \" Infinity", "chosen": "a", "rejected": "b", "score": NaN, "least": [-Infinity, 1]}"#,
    );
    assert_eq!(rows[0].item.context, [Turn::user("NaN \" Infinity")]);
    assert_eq!(
        serde_json::Value::Object(rows[0].source.extra.clone()),
        serde_json::json!({"score": null, "least": [null, 1]})
    );
}

/// A page whose header says that it is larger, smaller or less than nothing.
#[test]
fn a_page_that_lies_about_its_size_is_told() {
    let whole = std::fs::read(fixture("parquet/helpsteer2-snappy.parquet")).unwrap();
    // Thrift's compact protocol: field 1 the type, field 2 the size, each a zigzag number after its head.
    assert_eq!((whole[4], whole[6]), (0x15, 0x15));
    let size = 7..7 + whole[7..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    assert!(size.len() >= 2, "a page of some hundred bytes");
    for lie in [0x7e, 0x01, 0x7f] {
        let mut bytes = whole.clone();
        for byte in &mut bytes[size.clone()] {
            *byte = 0x80 | lie;
        }
        bytes[size.end - 1] &= 0x7f;
        let said = told(&bytes);
        // Too much room promised does no harm.
        assert!(
            said == "8 in" || said.starts_with("0 in; row 1: the Parquet file is damaged here: "),
            "{lie}: {said}"
        );
    }
}
