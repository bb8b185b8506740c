//! What annotators are to go by: the project's guidelines, or what the schema itself says where nobody has written any.

use std::fmt::Write as _;

use crate::domain::LabelSchema;

/// Version of a text of guidelines, recorded with every label made under it: the beginning of its BLAKE3.
pub fn version(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..8].to_owned()
}

/// Guidelines that follow from the schema alone, in Markdown.
pub fn of_schema(schema: &LabelSchema) -> String {
    let mut text =
        "Nobody has written guidelines for this project yet. This is what its schema asks.\n"
            .to_owned();
    if schema.asks_ratings() {
        for attribute in &schema.attributes {
            // Writing to a string cannot fail.
            write!(text, "\n## {}\n\n{}", attribute.title, attribute.question).ok();
            if attribute.descriptive {
                text.push_str(" It describes; more is not better.");
            }
            text.push_str("\n\n| Level | Meaning |\n| ---: | --- |\n");
            for level in attribute.min..=attribute.max {
                let anchor = attribute.anchors.get((level - attribute.min) as usize);
                writeln!(text, "| {level} | {} |", anchor.map_or("", String::as_str)).ok();
            }
        }
    }
    if schema.asks_preference(2) {
        text.push_str("\n## Preference\n\nWhich one would you rather have, all things considered?");
        if !schema.allow_tie {
            text.push_str(" There is no tie: where they are nearly even, choose the one that is slightly better.");
        }
        text.push('\n');
    }
    if schema.asks_ranking(2) {
        text.push_str("\n## Ranking\n\nBest first; responses that are even share a place.\n");
    }
    if schema.min_justification > 0 && schema.asks_reason() {
        write!(
            text,
            "\n## Why\n\nSay what decided it, in at least {} characters, as you would to a colleague. Name the responses A and B.\n",
            schema.min_justification
        )
        .ok();
    }
    text
}
