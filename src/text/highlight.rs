//! Which parts of code are keywords, comments, strings, numbers and names, for themes that set them in ink, not in colours.

use std::ops::Range;
use std::sync::LazyLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// Longer code, in bytes, stays plain: reading its syntax takes time that grows with it.
const MOST_BYTES: usize = 20_000;
/// From a line longer than this many bytes on, code stays plain: some grammars take quadratic time on a line.
const MOST_LINE_BYTES: usize = 1_000;

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// What a part of code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ink {
    /// Anything else.
    Plain,
    /// A keyword, an operator word, a type that the language has, a constant such as `true`.
    Keyword,
    /// A comment.
    Comment,
    /// A string, with its quotes and escapes.
    String,
    /// A number.
    Number,
    /// A name being defined or called.
    Name,
}

/// The parts of `code` in order, without gaps, from 0 to its end, in bytes; neighbours differ in ink. Empty for empty code.
/// `language` is what stands after a code fence: its first word counts. An unknown language is plain.
///
/// Takes about 10 ms per kB in a development build, and 50 ms more the first time: for a worker or a cache, not for every frame.
pub fn spans(code: &str, language: &str) -> Vec<(Range<usize>, Ink)> {
    let mut spans = Vec::new();
    if code.len() <= MOST_BYTES
        && let Some(syntax) = syntax(language)
    {
        highlight(code, syntax, &mut spans);
    }
    let reached = spans.last().map_or(0, |(range, _)| range.end);
    push(&mut spans, reached..code.len(), Ink::Plain);
    spans
}

/// Whether code of this language is highlighted.
pub fn knows(language: &str) -> bool {
    syntax(language).is_some()
}

fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    let word = language
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '{' | '}' | '='))
        .find(|word| !word.is_empty())?
        .trim_start_matches('.')
        .to_ascii_lowercase();
    let token = match word.as_str() {
        "text" | "txt" | "plain" | "plaintext" | "output" | "none" => return None,
        "typescript" | "ts" | "tsx" | "jsx" | "node" | "mjs" => "js",
        "python3" | "py3" | "ipython" => "py",
        "shell" | "console" | "terminal" | "zsh" | "sh" => "bash",
        "kotlin" | "kt" => "java",
        "c++" | "cxx" | "cuda" => "cpp",
        "golang" => "go",
        "csharp" => "cs",
        "jsonl" | "json5" | "jsonc" => "json",
        other => other,
    };
    SYNTAXES.find_syntax_by_token(token)
}

/// Adds the spans of `code` up to where its syntax could be read.
fn highlight(code: &str, syntax: &SyntaxReference, spans: &mut Vec<(Range<usize>, Ink)>) {
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        if line.len() > MOST_LINE_BYTES {
            return;
        }
        let Ok(operations) = state.parse_line(line, &SYNTAXES) else {
            return;
        };
        let mut at = 0;
        for (offset, operation) in operations {
            push(spans, start + at..start + offset, ink(&stack));
            at = at.max(offset);
            if stack.apply(&operation).is_err() {
                return;
            }
        }
        start += line.len();
        push(spans, start - line.len() + at..start, ink(&stack));
    }
}

fn push(spans: &mut Vec<(Range<usize>, Ink)>, range: Range<usize>, ink: Ink) {
    if range.is_empty() {
        return;
    }
    match spans.last_mut() {
        Some((last, same)) if *same == ink => last.end = range.end,
        _ => spans.push((range, ink)),
    }
}

/// Scope prefixes, the first that fits counts. `Plain` ones end the search: code within a string is code.
static INKS: LazyLock<Vec<(Scope, Ink)>> = LazyLock::new(|| {
    [
        ("comment", Ink::Comment),
        ("meta.interpolation", Ink::Plain),
        ("string", Ink::String),
        ("constant.character", Ink::String),
        ("constant.numeric", Ink::Number),
        ("constant.language", Ink::Keyword),
        ("keyword.operator.word", Ink::Keyword),
        ("keyword.operator.logical.python", Ink::Keyword),
        ("keyword.operator", Ink::Plain),
        ("keyword", Ink::Keyword),
        ("storage", Ink::Keyword),
        ("support.type", Ink::Keyword),
        ("entity.name", Ink::Name),
        ("variable.function", Ink::Name),
        ("support.function", Ink::Name),
    ]
    .into_iter()
    .filter_map(|(scope, ink)| Some((Scope::new(scope).ok()?, ink)))
    .collect()
});

fn ink(stack: &ScopeStack) -> Ink {
    stack
        .scopes
        .iter()
        .rev()
        .find_map(|scope| {
            INKS.iter()
                .find(|(prefix, _)| prefix.is_prefix_of(*scope))
                .map(|(_, ink)| *ink)
        })
        .unwrap_or(Ink::Plain)
}
