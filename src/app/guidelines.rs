//! What annotators are to go by: the project's guidelines, or what the schema itself says where nobody has written any.

use std::fmt::Write as _;

use crate::app::words::schema_guidelines as words;
use crate::domain::LabelSchema;

/// Version of a text of guidelines, recorded with every label made under it: the beginning of its BLAKE3.
pub fn version(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..8].to_owned()
}

/// Guidelines that follow from the schema alone, in Markdown.
pub fn of_schema(schema: &LabelSchema) -> String {
    let mut text = words::BEGINNING.to_owned();
    if schema.asks_ratings() {
        for attribute in &schema.attributes {
            // Writing to a string cannot fail.
            write!(text, "\n## {}\n\n{}", attribute.title, attribute.question).ok();
            if attribute.descriptive {
                text.push_str(words::DESCRIPTIVE);
            }
            text.push_str(words::LEVELS);
            for level in attribute.min..=attribute.max {
                let anchor = attribute.anchors.get((level - attribute.min) as usize);
                writeln!(text, "| {level} | {} |", anchor.map_or("", String::as_str)).ok();
            }
        }
    }
    if schema.asks_preference(2) {
        text.push_str(words::PREFERENCE);
        if !schema.allow_tie {
            text.push_str(words::NO_TIE);
        }
        text.push('\n');
    }
    if schema.asks_ranking(2) {
        text.push_str(words::RANKING);
    }
    if schema.min_justification > 0 && schema.asks_reason() {
        text.push_str(&words::why(schema.min_justification));
    }
    text
}
