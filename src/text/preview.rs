//! A text in one line: the first line that says something, cut between graphemes.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;

/// At most `most` graphemes of `text`, the last one `…` where something was cut. `most` 0 gives an empty text.
pub fn truncate(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let mut cut = 0;
    for (count, (start, _)) in text.grapheme_indices(true).enumerate() {
        if count + 1 == most {
            cut = start;
        }
        if count == most {
            return Cow::Owned(if most == 0 {
                String::new()
            } else {
                format!("{}…", text[..cut].trim_end())
            });
        }
    }
    Cow::Borrowed(text)
}

/// The first line of `text` that says something, in at most `most` graphemes: without the marks of a heading or a quote, with
/// runs of white space as one space. Code fences and rules say nothing. Empty where the text is.
pub fn first_line(text: &str, most: usize) -> String {
    text.lines()
        .map(|line| line.trim_start_matches(['#', '>', ' ', '\t']).trim())
        .find(|line| says_something(line))
        .map(|line| {
            // A line may be megabytes long: no more of it is read than can be shown.
            let near = &line[..line.floor_char_boundary(most.saturating_mul(64).max(1_024))];
            let words: Vec<&str> = near.split_whitespace().collect();
            truncate(&words.join(" "), most).into_owned()
        })
        .unwrap_or_default()
}

fn says_something(line: &str) -> bool {
    !line.is_empty()
        && !line.starts_with("```")
        && !line.starts_with("~~~")
        && !line
            .chars()
            .all(|c| matches!(c, '-' | '*' | '_' | '=' | ' '))
}
