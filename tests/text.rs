//! Blocks, inks, reading problems and previews: what a reader sees is what was written.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tiebreak::text::glyphs::{Oddity, reading};
use tiebreak::text::highlight::{Ink, knows, spans};
use tiebreak::text::markdown::{
    Alignment, Block, Joint, Kind, Run, blocks, plain_text, raw_blocks,
};
use tiebreak::text::preview::{first_line, truncate};
use tiebreak::text::spans::{as_shown, in_source, occurrences};

/// All text of a block, cells parted by tabs.
fn text_of(block: &Block) -> String {
    match &block.kind {
        Kind::Heading { runs, .. } | Kind::Paragraph { runs } => plain_text(runs),
        Kind::Code { text, .. } => text.clone(),
        Kind::Table { header, rows, .. } => std::iter::once(header)
            .chain(rows)
            .flatten()
            .map(|cell| plain_text(cell) + "\t")
            .collect(),
        Kind::Rule => String::new(),
    }
}

/// One line a block: `indent quote marker kind text`, for reading in an assertion.
fn outline(markdown: &str) -> Vec<String> {
    blocks(markdown)
        .iter()
        .map(|block| {
            let kind = match &block.kind {
                Kind::Heading { level, .. } => format!("h{level}"),
                Kind::Paragraph { .. } => "p".to_owned(),
                Kind::Code { language, .. } => format!("code({language})"),
                Kind::Table { .. } => "table".to_owned(),
                Kind::Rule => "rule".to_owned(),
            };
            let marker = block.marker.as_deref().unwrap_or("_");
            format!(
                "{}{} {marker} {kind} {}",
                block.indent,
                ">".repeat(block.quote.into()),
                text_of(block)
            )
        })
        .collect()
}

fn joined(blocks: &[Block]) -> String {
    let mut whole = String::new();
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 && block.joint != Joint::Inline {
            whole.push('\n');
        }
        whole.push_str(&text_of(block));
    }
    whole
}

#[test]
fn a_reply_with_everything_reads_in_order() {
    let reply = "# Title\nOne line\nand the next.\n\n1. First\n   - inner *one*\n   ```rust\n   let x = 1;\n   ```\n2. ### Heading in a list\n\n> quoted\n> > twice\n\n- [ ] open\n- [x] done\n\n---\nLast `code`.";
    assert_eq!(
        outline(reply),
        [
            "0 _ h1 Title",
            "0 _ p One line\nand the next.",
            "1 1. p First",
            "2 • p inner one",
            "1 _ code(rust) let x = 1;",
            "1 2. h3 Heading in a list",
            "0> _ p quoted",
            "0>> _ p twice",
            "1 [ ] p open",
            "1 [x] p done",
            "0 _ rule ",
            "0 _ p Last code.",
        ]
    );
}

#[test]
fn styles_and_links_are_runs() {
    let found = blocks("a **b _c_** ~~d~~ `e` [f](https://x.test/p \"title\") <https://y.test>");
    let Kind::Paragraph { runs } = &found[0].kind else {
        panic!("{found:?}");
    };
    let shown: Vec<(&str, String, Option<&str>)> = runs
        .iter()
        .map(|run| {
            let style = [
                (run.bold, 'b'),
                (run.italic, 'i'),
                (run.strike, 's'),
                (run.code, 'c'),
            ];
            let style = style.iter().filter(|(on, _)| *on).map(|(_, c)| *c);
            (run.text.as_str(), style.collect(), run.link.as_deref())
        })
        .collect();
    let plain = String::new();
    assert_eq!(
        shown,
        [
            ("a ", plain.clone(), None),
            ("b ", "b".to_owned(), None),
            ("c", "bi".to_owned(), None),
            (" ", plain.clone(), None),
            ("d", "s".to_owned(), None),
            (" ", plain.clone(), None),
            ("e", "c".to_owned(), None),
            (" ", plain.clone(), None),
            ("f", plain.clone(), Some("https://x.test/p")),
            (" ", plain.clone(), None),
            ("https://y.test", plain, Some("https://y.test")),
        ]
    );
}

#[test]
fn tables_keep_cells_and_alignments() {
    let found = blocks("|a|b|c|\n|:-|:-:|-:|\n|1|**2**|\n|x|y|z|");
    let Kind::Table {
        alignments,
        header,
        rows,
    } = &found[0].kind
    else {
        panic!("{found:?}");
    };
    assert_eq!(
        *alignments,
        [Alignment::Left, Alignment::Centre, Alignment::Right]
    );
    assert_eq!(header.len(), 3);
    assert!(rows.iter().all(|row| row.len() == 3));
    assert!(rows[0][1][0].bold);
    assert_eq!(plain_text(&rows[1][2]), "z");
}

#[test]
fn cells_that_a_header_has_no_column_for_are_shown() {
    let found = blocks("|a|b|\n|-|-|\n|1|2|3||**5**|\n|x|\n\nafter");
    let Kind::Table { header, rows, .. } = &found[0].kind else {
        panic!("{found:?}");
    };
    let texts = |row: &[Vec<Run>]| row.iter().map(|cell| plain_text(cell)).collect::<Vec<_>>();
    assert_eq!(texts(header), ["a", "b", "", "", ""]);
    assert_eq!(texts(&rows[0]), ["1", "2", "3", "", "**5**"]);
    assert_eq!(texts(&rows[1]), ["x", "", "", "", ""]);
    assert_eq!(text_of(&found[1]), "after");
    // In a quote, and with a header that is all of one column.
    let found = blocks("> |a|\n> |-|\n> |1|two|\n> end");
    assert!(text_of(&found[0]).contains("two"), "{found:?}");
}

#[test]
fn html_and_images_are_text() {
    assert_eq!(
        outline(
            "<div onclick=\"x\">\n<b>hi</b>\n</div>\n\na <br> b ![a *cat*](http://z.test/c.png)"
        ),
        [
            "0 _ p <div onclick=\"x\">\n<b>hi</b>\n</div>",
            "0 _ p a <br> b a cat (http://z.test/c.png)",
        ]
    );
}

#[test]
fn what_looks_like_a_link_definition_is_still_read() {
    assert_eq!(
        outline(
            "[Alice]: Hello\n[Bob]: Hi\n[Alice]: Bye\n\nThey left, see [one][Bob].\n\n- [Carol]: Ha\n\n> [Dan]: Ho\n\n1. x\n\n[Eve]: end"
        ),
        [
            "0 _ p [Alice]: Hello\n[Bob]: Hi\n[Alice]: Bye",
            "0 _ p They left, see one.",
            "1 • p [Carol]: Ha",
            "0> _ p [Dan]: Ho",
            "1 1. p x",
            "0 _ p [Eve]: end",
        ]
    );
}

#[test]
fn formulas_keep_their_backslashes_and_stars() {
    let formula =
        r"So \( a_1 \) and \[ \{x\} \, y \] but $a * b * c$ and $$\sum_{i} * z *$$ and \\(";
    assert_eq!(
        outline(formula),
        [format!("0 _ p {}", formula.replace(r"\\(", r"\("))]
    );
    assert_eq!(outline(r"\*not\* *it \[1\]*"), [r"0 _ p *not* it \[1\]"]);
    assert_eq!(
        outline("It costs $5 and then $10."),
        ["0 _ p It costs $5 and then $10."]
    );
}

#[test]
fn what_follows_a_fence_is_kept() {
    assert_eq!(
        outline("```Sure, here is the code\nx\n```"),
        ["0 _ code(Sure, here is the code) x"]
    );
    assert_eq!(
        outline("```\nnever closed\n\n  x"),
        ["0 _ code() never closed\n\n  x"]
    );
}

#[test]
fn empty_list_items_keep_their_markers() {
    assert_eq!(outline("-\n- a"), ["1 • p ", "1 • p a"]);
    assert_eq!(
        outline("- - a\n- > q"),
        ["1 • p ", "2 • p a", "1 • p ", "1> _ p q"]
    );
    assert_eq!(outline("4. a\n5. b"), ["1 4. p a", "1 5. p b"]);
}

#[test]
fn long_text_comes_in_small_blocks_that_join_to_the_whole() {
    let sentence = "All work and no play makes Jack a dull boy. ";
    let line = sentence.repeat(120);
    let found = blocks(line.trim_end());
    assert!(found.len() > 1);
    assert_eq!(joined(&found), line.trim_end());
    for block in &found {
        assert!(text_of(block).chars().count() <= 2_000);
    }
    assert!(
        text_of(&found[0]).ends_with("boy. "),
        "cut after a sentence"
    );

    let lines: Vec<String> = (0..400).map(|n| format!("line {n} of a poem")).collect();
    let found = blocks(&lines.join("\n"));
    assert_eq!(joined(&found), lines.join("\n"));
    assert!(found.iter().all(|block| text_of(block).len() <= 4_000));
    assert!(found[1..].iter().all(|block| block.joint == Joint::Line));

    let code: Vec<String> = (0..1_000).map(|n| format!("    x += {n};")).collect();
    let found = blocks(&format!("```c\n{}\n```", code.join("\n")));
    assert_eq!(found.len(), 5);
    assert_eq!(joined(&found), code.join("\n"));

    let rows: Vec<String> = (0..250).map(|n| format!("|{n}|")).collect();
    let found = blocks(&format!("|n|\n|-|\n{}", rows.join("\n")));
    assert_eq!(found.len(), 3);
}

#[test]
fn a_grapheme_is_cut_only_when_it_is_longer_than_a_line_may_be() {
    let family = "👨‍👩‍👧‍👦".repeat(3_000);
    let found = blocks(&family);
    assert_eq!(joined(&found), family);
    for block in &found {
        assert_eq!(text_of(block).len() % "👨‍👩‍👧‍👦".len(), 0);
    }
    let zalgo = format!("a{}", "\u{301}".repeat(50_000));
    let found = blocks(&zalgo);
    assert_eq!(joined(&found), zalgo);
    assert!(found.iter().all(|block| text_of(block).len() <= 12_000));
}

/// Inputs that take a careless parser quadratic time or a deep stack.
#[test]
fn hostile_text_takes_no_longer_than_honest_text() {
    let hostile = [
        "[".repeat(100_000),
        "![[](".repeat(40_000),
        "> ".repeat(100_000),
        "- ".repeat(100_000),
        "*a _b ".repeat(30_000),
        "`a``b```".repeat(25_000),
        "<a ".repeat(60_000),
        "$a$$".repeat(50_000),
        format!(
            "{}\n{}\n{}",
            "|a".repeat(20_000),
            "|-".repeat(20_000),
            "|b\n".repeat(20_000)
        ),
        "[a]: b\n".repeat(30_000),
        "\\[".repeat(100_000),
        "&amp;".repeat(40_000),
        "1. ".repeat(60_000),
        "\0\u{202E}\u{FFFD}".repeat(30_000),
        "a\n=\n".repeat(50_000),
    ];
    for text in hostile {
        let started = Instant::now();
        let found = blocks(&text);
        let took = started.elapsed();
        let start: String = text.chars().take(8).collect();
        eprintln!(
            "{start:?}: {} bytes, {} blocks, {took:?}",
            text.len(),
            found.len()
        );
        assert!(took < Duration::from_secs(3), "{start:?} took {took:?}");
        for block in &found {
            assert!(
                text_of(block).len() <= 40_000,
                "{start:?} makes a large block"
            );
        }
    }
}

#[test]
fn two_hundred_kilobytes_of_prose_are_read_at_once() {
    let section = "## A heading\n\nSome *prose* with `code` and a [link](http://x.test).\nA second line.\n\n- one\n- two\n\n```py\nprint(1)\n```\n\n";
    let text = section.repeat(200_000 / section.len() + 1);
    let started = Instant::now();
    let count = blocks(&text).len();
    let took = started.elapsed();
    assert!(count > 5_000);
    assert!(took < Duration::from_millis(500), "{took:?}");
    eprintln!("{} bytes, {count} blocks, {took:?}", text.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Letters and digits of text that holds no marks all appear, in order; so do its lines.
    #[test]
    fn nothing_of_plain_text_is_lost(
        words in prop::collection::vec("[a-zA-Zéßжあ😀]{1,12}[,.;?]?", 1..400),
        breaks in prop::collection::vec(0_u8..8, 400),
    ) {
        let mut text = String::new();
        for (word, gap) in words.iter().zip(breaks) {
            text.push_str(word);
            text.push_str(match gap { 0 => "\n", 1 => "\n\n", _ => " " });
        }
        let seen: String = blocks(&text).iter().flat_map(|block| text_of(block).chars().collect::<Vec<_>>()).filter(|c| !c.is_whitespace()).collect();
        let written: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        prop_assert_eq!(seen, written);
        let lines = blocks(&text).iter().map(|block| text_of(block).lines().count()).sum::<usize>();
        prop_assert_eq!(lines, text.lines().filter(|line| !line.trim().is_empty()).count());
    }

    /// Marked-up text loses no letter either: only marks, numbers of lists and entities may change.
    #[test]
    fn no_letter_of_marked_text_is_lost(text in "([a-z]{1,4}|[A-Z]|\n\\|-\\|-\n|\\|[a-z]\\||[-*_`~#>|:+=\\[\\]()!<$\\\\]|[ ]{1,4}|\n){0,120}") {
        let mut seen = Vec::new();
        for block in blocks(&text) {
            seen.extend(text_of(&block).chars());
            match &block.kind {
                Kind::Code { language, .. } => seen.extend(language.chars()),
                Kind::Heading { runs, .. } | Kind::Paragraph { runs } => {
                    seen.extend(runs.iter().filter_map(|run| run.link.as_ref()).flat_map(|link| link.chars()));
                }
                Kind::Table { header, rows, .. } => {
                    let cells = header.iter().chain(rows.iter().flatten()).flatten();
                    seen.extend(cells.filter_map(|run| run.link.as_ref()).flat_map(|link| link.chars()));
                }
                Kind::Rule => {}
            }
            // The x of a ticked box.
            seen.extend(block.marker.iter().flat_map(|marker| marker.chars()));
        }
        for letter in 'a'..='z' {
            let written = text.to_ascii_lowercase().matches(letter).count();
            let shown = seen.iter().filter(|c| c.to_ascii_lowercase() == letter).count();
            prop_assert!(shown >= written, "{:?} is lost from {:?}: {:?}", letter, text, outline(&text));
        }
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}|(.|\n|\r|\0){0,200}|[-*_`~#>|:+=\\[\\]()!<$\\\\ \n\r\t1a&;\u{301}]{0,300}") {
        for block in blocks(&text) {
            if let Kind::Paragraph { runs } | Kind::Heading { runs, .. } = &block.kind {
                prop_assert!(runs.iter().all(|run| !run.text.is_empty()));
            }
        }
        drop(reading(&text));
        drop(first_line(&text, 20));
    }

    /// Every word that is shown is found in the source, and what is found there is shown so.
    #[test]
    fn what_is_shown_is_found_in_the_source(text in "([a-c]{1,2}|[ ]|\n|\n\n|[*_`~>é|+\\[\\]()&$\\\\]|\\*\\*|&amp;|- |1\\. ){0,80}") {
        let mut passed: Vec<String> = vec![];
        for block in blocks(&text) {
            let shown = text_of(&block);
            if matches!(block.kind, Kind::Table { .. }) {
                passed.push(shown);
                continue;
            }
            for word in shown.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty() && w.is_ascii()) {
                let at = word.as_ptr() as usize - shown.as_ptr() as usize;
                let before = passed.iter().map(|p| occurrences(p, word).count()).sum::<usize>();
                let number = before + occurrences(&shown, word).take_while(|p| *p < at).count();
                // Definitions of links and the like are shown, though no event of the parser speaks of them.
                if let Some(place) = in_source(&text, word, number) {
                    let said = &text[place.clone()];
                    prop_assert!(said.starts_with(&word[..1]) && said.ends_with(&word[word.len() - 1..]), "{:?} for {:?}", said, word);
                    prop_assert_eq!(as_shown(&text, &place), Some((word.to_owned(), number)));
                } else {
                    prop_assert!(text.contains("]:") || text.contains('|'), "{:?} of {:?} in {:?}", word, shown, text);
                }
            }
            passed.push(shown);
        }
    }

    #[test]
    fn raw_text_is_exact(text in "(\\PC|\n|\r\n|\n\n){0,400}", times in 1_usize..30) {
        let text = text.repeat(times);
        prop_assert_eq!(joined(&raw_blocks(&text)), text);
    }

    #[test]
    fn inks_cover_code_without_gaps(code in "(\\PC|\n|\"|'|/\\*|\\*/|#|//|\\{|\\}){0,120}", language in "rust|python|js|c|html|json|bash|sql|what|") {
        let mut reached = 0;
        let mut before = None;
        for (range, ink) in spans(&code, &language) {
            prop_assert_eq!(range.start, reached);
            prop_assert!(code.get(range.clone()).is_some_and(|part| !part.is_empty()));
            prop_assert_ne!(Some(ink), before);
            reached = range.end;
            before = Some(ink);
        }
        prop_assert_eq!(reached, code.len());
    }

    #[test]
    fn truncated_text_is_a_beginning(text in "\\PC{0,60}", most in 0_usize..70) {
        let short = truncate(&text, most);
        let kept = short.strip_suffix('…').unwrap_or(&short);
        prop_assert!(text.starts_with(kept));
        prop_assert!(short.chars().count() <= text.chars().count());
    }
}

fn inks(code: &str, language: &str) -> Vec<(String, Ink)> {
    spans(code, language)
        .into_iter()
        .map(|(range, ink)| (code[range].trim().to_owned(), ink))
        .filter(|(text, ink)| *ink != Ink::Plain && !text.is_empty())
        .collect()
}

#[test]
fn code_is_inked_by_what_it_is() {
    let ink = |text: &str, ink| (text.to_owned(), ink);
    assert_eq!(
        inks(
            "def f(x):\n    # why\n    return \"a\" + 12 if x else None\n",
            "python"
        ),
        [
            ink("def", Ink::Keyword),
            ink("f", Ink::Name),
            ink("# why", Ink::Comment),
            ink("return", Ink::Keyword),
            ink("\"a\"", Ink::String),
            ink("12", Ink::Number),
            ink("if", Ink::Keyword),
            ink("else", Ink::Keyword),
            ink("None", Ink::Keyword),
        ]
    );
    let rust = inks(
        "fn main() { let s: u8 = 0x1f; /* c */ go(\"\\n\"); }",
        "rust,ignore",
    );
    assert!(rust.contains(&ink("fn", Ink::Keyword)), "{rust:?}");
    assert!(rust.contains(&ink("main", Ink::Name)), "{rust:?}");
    assert!(rust.contains(&ink("0x1f", Ink::Number)), "{rust:?}");
    assert!(rust.contains(&ink("/* c */", Ink::Comment)), "{rust:?}");
    assert!(rust.contains(&ink("\"\\n\"", Ink::String)), "{rust:?}");
}

#[test]
fn unknown_and_long_code_is_plain() {
    assert_eq!(spans("x = 1", "klingon"), [(0..5, Ink::Plain)]);
    assert_eq!(spans("x = 1", ""), [(0..5, Ink::Plain)]);
    let long = "x = 1\n".repeat(4_000);
    assert_eq!(spans(&long, "python"), [(0..long.len(), Ink::Plain)]);
    let wide = format!("x = 1\n{}", "y + ".repeat(1_000));
    assert_eq!(spans(&wide, "python").last().unwrap().0.end, wide.len());
    assert_eq!(spans("", "rust"), []);
    let known = [
        "typescript",
        "kotlin",
        "C++",
        "c#",
        "sh",
        "{.python}",
        "go",
        "sql",
        "html",
        "css",
        "yaml",
        "json",
        "r",
        "rs title=\"a.rs\"",
        "diff",
        "makefile",
    ];
    for language in known {
        assert!(knows(language), "{language}");
    }
    for language in ["klingon", "", "text", "Sure, here is the code"] {
        assert!(!knows(language), "{language}");
    }
}

#[test]
fn the_largest_code_is_inked_in_bounded_time() {
    for (language, line) in [
        (
            "python",
            "result = [f\"{x!r:>{width}}\" for x in items if x is not None]  # why\n",
        ),
        (
            "js",
            "const f = async (a, b) => `${a + b} ${g(`${a}`)}` /* x */ / 2;\n",
        ),
        (
            "c",
            "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\n",
        ),
        (
            "html",
            "<a <b <c <script>x = '<'</script><style>a{b:c}</style>\n",
        ),
        (
            "cpp",
            "std::map<std::vector<a<b<c<d<e<f<g<h>>>>>>>>, x> y = z::w<q>();\n",
        ),
    ] {
        let code = line.repeat(20_000 / line.len());
        let started = Instant::now();
        let count = spans(&code, language).len();
        let took = started.elapsed();
        eprintln!("{language}: {} bytes, {count} spans, {took:?}", code.len());
        assert!(took < Duration::from_secs(3), "{language} took {took:?}");
    }
}

#[test]
fn odd_characters_are_named_and_counted() {
    let found = reading("a\u{200B}b\u{200B} \u{202E}x\u{FFFD}\u{E123}\u{7}\r\n\tend\r");
    let shown: Vec<(&str, Oddity, usize)> = found
        .problems
        .iter()
        .map(|problem| (problem.name.as_str(), problem.oddity, problem.count))
        .collect();
    assert_eq!(
        shown,
        [
            ("control character (U+0007)", Oddity::Control, 1),
            (
                "carriage return without a line feed (U+000D)",
                Oddity::Control,
                1
            ),
            ("zero width space (U+200B)", Oddity::Invisible, 2),
            ("right-to-left override (U+202E)", Oddity::Direction, 1),
            ("private use character (U+E123)", Oddity::PrivateUse, 1),
            ("replacement character (U+FFFD)", Oddity::Replacement, 1),
        ]
    );
    assert_eq!(found.problems[2].places, [1, 5]);
    assert_eq!(found.count(), 7);
    assert!(!found.right_to_left);
}

#[test]
fn characters_that_a_script_or_emoji_needs_are_no_problem() {
    for text in [
        "👨‍👩‍👧‍👦 ❤️",
        "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} England",
        "می\u{200C}خواهم",
        "plain\ttext\r\nhere",
        "क्\u{200D}ष",
    ] {
        assert_eq!(reading(text).problems, [], "{text:?}");
    }
    assert_eq!(reading("a\u{200D}b").count(), 1);
    // "hi" in tag characters: a model reads it, a person does not.
    let hidden = reading("ok\u{E0068}\u{E0069}");
    assert_eq!(hidden.count(), 2);
    assert_eq!(hidden.problems[0].oddity, Oddity::HiddenLetter);
    assert!(reading("שלום").right_to_left && reading("see مرحبا").right_to_left);
    assert!(!reading("日本語 ελληνικά Русский").right_to_left);
}

#[test]
fn many_odd_characters_are_counted_but_not_all_kept() {
    let found = reading(&"\u{200B}".repeat(100_000));
    assert_eq!(found.problems[0].count, 100_000);
    assert_eq!(found.problems[0].places.len(), 100);
}

#[test]
fn a_preview_is_the_first_line_that_says_something() {
    assert_eq!(
        first_line("\n\n```py\n## The   *title*\nmore", 40),
        "The *title*"
    );
    assert_eq!(first_line("---\n> quoted text", 40), "quoted text");
    assert_eq!(first_line("one two three", 9), "one two…");
    assert_eq!(first_line(" \n\n", 9), "");
    assert_eq!(first_line(&"x".repeat(1_000_000), 5), "xxxx…");
    assert_eq!(truncate("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 2), "👨‍👩‍👧‍👦…");
    assert_eq!(truncate("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 2), "👨‍👩‍👧‍👦👨‍👩‍👧‍👦");
    assert_eq!(truncate("abc", 0), "");
    assert_eq!(Run::plain("x").text, "x");
}

// -----------------------------------------------------------------------------------------
// Differences, finding, names

mod differences {
    use std::fmt::Write as _;
    use std::time::Duration;

    use tiebreak::text::diff::{Change, Span, changes, differences};

    const LONG: Duration = Duration::from_secs(5);

    fn marked(parts: &[&str], spans: &[Span]) -> Vec<String> {
        spans
            .iter()
            .map(|span| {
                let letters = parts[span.part].chars();
                letters
                    .skip(span.characters.start)
                    .take(span.characters.len())
                    .collect()
            })
            .collect()
    }

    fn both(one: &[&str], two: &[&str]) -> [Vec<String>; 2] {
        let owned = |parts: &[&str]| parts.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
        let [a, b] = differences(&owned(one), &owned(two), LONG);
        [marked(one, &a), marked(two, &b)]
    }

    #[test]
    fn words_that_differ_are_marked_on_both_sides() {
        let [a, b] = both(
            &["The sky is blue today.", "It rains."],
            &["The sky is grey today.", "It rains."],
        );
        assert_eq!((a, b), (vec!["blue".to_owned()], vec!["grey".to_owned()]));
    }

    #[test]
    fn a_lone_word_in_common_is_no_landmark() {
        let [a, b] = both(
            &["one two three four the five six seven eight"],
            &["nine ten eleven twelve the red green blue black"],
        );
        assert_eq!(a, ["one two three four the five six seven eight"]);
        assert_eq!(b, ["nine ten eleven twelve the red green blue black"]);
    }

    #[test]
    fn characters_are_counted_not_bytes_and_scripts_without_spaces_go_by_sign() {
        let [a, b] = both(&["größe 日本語です"], &["größe 日本人です"]);
        assert_eq!((a, b), (vec!["語".to_owned()], vec!["人".to_owned()]));
        let [a, b] = both(&["same", ""], &["same"]);
        assert!(a.is_empty() && b.is_empty());
    }

    #[test]
    fn changes_are_the_old_and_the_new_text_whole() {
        let old = "The  quick fox, \u{1F98A} jumps.\nTwice.";
        let new = "The slow fox, \u{1F98A} jumps!\nTwice or more.";
        let pieces = changes(old, new, LONG);
        let of = |without: Change| -> String {
            let kept = pieces.iter().filter(|(c, _)| *c != without);
            kept.map(|(_, text)| *text).collect()
        };
        assert_eq!(of(Change::Added), old);
        assert_eq!(of(Change::Taken), new);
        assert!(pieces.contains(&(Change::Taken, "quick")));
        assert!(pieces.contains(&(Change::Added, "slow")));
    }

    #[test]
    fn two_long_texts_without_a_word_in_common_are_answered_in_time() {
        let text = |word: &str| {
            let mut text = String::new();
            for n in 0..40_000 {
                write!(text, "{word}{n} ").unwrap();
            }
            vec![text]
        };
        let started = std::time::Instant::now();
        let [a, _] = differences(&text("a"), &text("b"), Duration::from_millis(300));
        assert_eq!(a.len(), 1, "one span over everything");
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "it does not hang"
        );
    }
}

#[test]
fn text_is_found_whatever_its_case() {
    use tiebreak::text::find::find;
    assert_eq!(find("MASTER", "Master and master"), [0..6, 11..17]);
    assert_eq!(find("ß", "Große Größe"), [3..4, 9..10]);
    assert_eq!(find("äö", "ÄÖ xäö"), [0..2, 4..6]);
    assert_eq!(find("aa", "aaaa"), [0..2, 2..4]);
    assert!(find("", "anything").is_empty());
    assert!(find("x", "").is_empty());
}

#[test]
fn names_are_found_by_some_of_their_letters() {
    use tiebreak::text::fuzzy::rank;
    let best = |query: &str| {
        let names = [
            "Next item",
            "Next unlabelled item",
            "Light or dark",
            "Flag with a note…",
            "Find in the item",
        ];
        let mut ranked: Vec<_> = names
            .iter()
            .filter_map(|n| Some((rank(query, n)?, *n)))
            .collect();
        ranked.sort_by_key(|(rank, _)| -rank);
        ranked.first().map(|(_, name)| *name)
    };
    assert_eq!(best("nui"), Some("Next unlabelled item"));
    assert_eq!(best("dark"), Some("Light or dark"));
    assert_eq!(best("fwn"), Some("Flag with a note…"));
    assert_eq!(best("find"), Some("Find in the item"));
    assert_eq!(best("xyz"), None);
    assert_eq!(rank("", "anything"), Some(0));
}

#[test]
fn what_nobody_sees_is_written_out_and_nothing_else() {
    use tiebreak::text::glyphs::written_out;
    assert_eq!(
        written_out("a\u{200B}b\u{A0}c\td"),
        "a⟨U+200B⟩b⟨U+00A0⟩c→\td"
    );
    let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467} and plain";
    assert_eq!(written_out(family), family, "joiners of emoji are needed");
}

#[test]
fn formulas_are_shown_as_their_source_set_apart() {
    let shown = tiebreak::text::markdown::blocks(r"Let $x^2 + y^2$ be, and \(a_1\) too.");
    let tiebreak::text::markdown::Kind::Paragraph { runs } = &shown[0].kind else {
        panic!("{shown:?}")
    };
    assert!(
        runs.iter().any(|r| r.code && r.text == "$x^2 + y^2$"),
        "{runs:?}"
    );
    let whole: String = runs.iter().map(|r| r.text.as_str()).collect();
    assert_eq!(whole, r"Let $x^2 + y^2$ be, and \(a_1\) too.");
}

#[test]
fn places_in_the_source_stand_for_what_is_shown_of_them() {
    let source = "Say **so** it, [so](so) &lt; so.\n\n`so` and so";
    let place = |number| in_source(source, "so", number).map(|r| (r.start, &source[r]));
    assert_eq!(place(0), Some((6, "so")));
    assert_eq!(place(1), Some((16, "so")));
    assert_eq!(place(2), Some((29, "so")));
    assert_eq!(place(3), Some((35, "so")));
    assert_eq!(place(5), None);
    // Over marks: all that stands between its ends.
    let over = in_source(source, "so it", 0).unwrap();
    assert_eq!(&source[over.clone()], "so** it");
    assert_eq!(as_shown(source, &over), Some(("so it".to_owned(), 0)));
    let entity = in_source(source, "< so", 0).unwrap();
    assert_eq!(&source[entity], "&lt; so");
    assert_eq!(as_shown(source, &(19..21)), None, "an address is not shown");
    // A line break within code is shown as a space.
    assert_eq!(in_source("`1. \n`", "1", 0), Some(1..2));
    assert_eq!(occurrences("aaa", "aa").count(), 2);
    assert_eq!(occurrences("a", "").count(), 0);
}
