use std::time::{Duration, Instant};

use proptest::prelude::*;
use tiebreak::domain::{Role, Turn};
use tiebreak::reward::prompt::{ChatTemplate, SpecialTokens};
use tiebreak::reward::tokens::{Encoded, Encoder, Splitter};
use tokenizers::Tokenizer;

use super::fixture;

const END: u32 = 3; // <|im_end|>

fn tokenizer() -> Tokenizer {
    Tokenizer::from_file(fixture("llama-1/tokenizer.json")).unwrap()
}

/// An encoder with the template of a tiny model.
fn encoder(name: &str) -> Encoder {
    let text = std::fs::read_to_string(fixture(name).join("chat_template.jinja")).unwrap();
    let special = SpecialTokens {
        bos: "<s>".to_owned(),
        ..SpecialTokens::default()
    };
    let splitter = Splitter::Tokenizer(Box::new(tokenizer()));
    Encoder::new(splitter, ChatTemplate::new(&text, special).unwrap())
}

fn text(short: &Encoded) -> String {
    tokenizer()
        .decode(&short.ids, false)
        .unwrap()
        .replace("<|im_start|>", "\u{2}")
        .replace("<|im_end|>", "\u{3}")
}

/// What a chat-ML template writes for turns.
fn written(turns: &[(&str, &str)]) -> String {
    let turns: Vec<String> = turns
        .iter()
        .map(|(role, text)| format!("\u{2}{role}\n{text}\u{3}"))
        .collect();
    format!("<s>{}", turns.join("\n"))
}

fn dialogue() -> Vec<Turn> {
    vec![
        Turn::new(Role::System, "Be brief."),
        Turn::user("One question here"),
        Turn::assistant("One answer there"),
        Turn::user("Two questions, longer than the first"),
        Turn::assistant("Two answers"),
        Turn::user("alpha beta gamma delta epsilon"),
        Turn::assistant("zeta eta theta iota kappa"),
    ]
}

#[test]
fn what_fits_exactly_is_left_whole_and_one_token_less_is_not() {
    let encoder = encoder("llama-1");
    let whole = encoder.encode(&dialogue(), usize::MAX).unwrap();
    assert!(!whole.truncated);
    assert_eq!(encoder.encode(&dialogue(), whole.ids.len()).unwrap(), whole);
    let shorter = encoder.encode(&dialogue(), whole.ids.len() - 1).unwrap();
    assert!(shorter.truncated);
    // The oldest turn after the system turn is gone, and nothing else.
    let expected = written(&[
        ("system", "Be brief."),
        ("assistant", "One answer there"),
        ("user", "Two questions, longer than the first"),
        ("assistant", "Two answers"),
        ("user", "alpha beta gamma delta epsilon"),
        ("assistant", "zeta eta theta iota kappa"),
    ]);
    assert_eq!(text(&shorter), expected);
}

/// Every limit from all down to one: turns first, then the start of the last prompt, then the start of the reply.
#[test]
fn what_goes_goes_in_order() {
    let encoder = encoder("llama-1");
    let whole = encoder.encode(&dialogue(), usize::MAX).unwrap().ids.len();
    let mut stage = 0;
    let mut seen = [0; 5];
    for limit in (1..whole).rev() {
        let short = encoder.encode(&dialogue(), limit).unwrap();
        assert!(short.truncated && short.ids.len() <= limit);
        assert_eq!(short.ids.last(), Some(&END));
        let text = text(&short);
        let reply = "zeta eta theta iota kappa";
        let now = if !text.starts_with("<s>") {
            4 // below what the template itself takes
        } else if !text.contains("system\nBe brief.") {
            3 // no room for the system turn and the reply
        } else if !text.ends_with(&format!("assistant\n{reply}\u{3}")) {
            assert!(text.contains("user\n\u{3}"), "{text}"); // the prompt went before
            let kept = text
                .rsplit("assistant\n")
                .next()
                .unwrap()
                .trim_end_matches('\u{3}');
            assert!(!kept.is_empty() && reply.ends_with(kept), "{text}");
            2
        } else if !text.contains("user\nalpha beta gamma delta epsilon") {
            assert!(!text.contains("Two answers"), "{text}"); // the turns went before
            let kept = text
                .rsplit("user\n")
                .next()
                .unwrap()
                .split('\u{3}')
                .next()
                .unwrap();
            assert!("alpha beta gamma delta epsilon".ends_with(kept), "{text}");
            1
        } else {
            0
        };
        assert!(now >= stage, "{limit} {text}");
        stage = now;
        seen[now] += 1;
        // As much is kept as fits: whatever is cut token by token leaves no more than a token or two of room.
        if now == 1 || now == 2 {
            assert!(short.ids.len() + 2 >= limit, "{limit} {}", short.ids.len());
        }
    }
    assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
}

#[test]
fn a_template_that_wants_alternation_loses_turns_in_pairs() {
    let encoder = encoder("llama-nopad");
    let whole = encoder.encode(&dialogue(), usize::MAX).unwrap().ids.len();
    let short = encoder.encode(&dialogue(), whole - 1).unwrap();
    let text = text(&short);
    let start = "\u{2}SYSTEM\nBe brief.\u{3}\n\u{2}USER\nTwo questions, longer than the first\u{3}\n\u{2}ASSISTANT\nTwo answers\u{3}\n";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn without_a_system_turn_or_with_two_turns_only_it_works_alike() {
    let encoder = encoder("llama-1");
    let turns = [
        Turn::user("alpha beta gamma"),
        Turn::assistant("zeta eta theta"),
    ];
    let whole = encoder.encode(&turns, usize::MAX).unwrap().ids.len();
    let text = text(&encoder.encode(&turns, whole - 3).unwrap());
    assert!(
        text.ends_with("\u{3}\n\u{2}assistant\nzeta eta theta\u{3}")
            && text.starts_with("<s>\u{2}user\n"),
        "{text}"
    );
    let alone = [Turn::assistant("zeta eta theta iota kappa ".repeat(9))];
    let cut = encoder.encode(&alone, 20).unwrap();
    assert_eq!(cut.ids.len(), 20);
    assert_eq!(cut.ids.last(), Some(&END));
}

#[test]
fn long_texts_are_cut_quickly() {
    let encoder = encoder("llama-1");
    let long = [
        "The quick brown fox jumps over the lazy dog. ".repeat(4_500), // 200 kB
        " ".repeat(200_000),
        "a".repeat(200_000),
        "🦀".repeat(50_000),
        "\n\n".repeat(100_000),
    ];
    for text in &long {
        for turns in [
            vec![Turn::user("Why?"), Turn::assistant(text.as_str())],
            vec![Turn::user(text.as_str()), Turn::assistant("Because.")],
            vec![
                Turn::user(text.as_str()),
                Turn::assistant("b"),
                Turn::user("c"),
                Turn::assistant(text.as_str()),
            ],
        ] {
            let start = Instant::now();
            let short = encoder.encode(&turns, 512).unwrap();
            let took = start.elapsed();
            assert!(short.truncated && short.ids.len() <= 512 && short.ids.len() >= 500);
            assert_eq!(short.ids.last(), Some(&END));
            assert!(took < Duration::from_secs(10), "{took:?}");
        }
    }
}

#[test]
fn many_turns_are_cut_quickly() {
    let encoder = encoder("llama-nopad");
    let mut turns = Vec::new();
    for _ in 0..1000 {
        turns.push(Turn::user(
            "The quick brown fox jumps over the lazy dog. ".repeat(2),
        ));
        turns.push(Turn::assistant("ok"));
    }
    let start = Instant::now();
    let short = encoder.encode(&turns, 512).unwrap();
    assert!(
        short.ids.len() <= 512 && short.ids.len() > 400,
        "{}",
        short.ids.len()
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}

proptest! {
    /// Any texts and limit: within the limit, the last token is the one that ends the reply, and the result is what remains of
    /// the same conversation.
    #[test]
    fn any_conversation_fits_any_limit(
        texts in prop::collection::vec("[a-zé🦀 \n]{0,30}", 1..7),
        system: bool,
        limit in 1usize..160,
        template in prop::sample::select(vec!["llama-1", "llama-5", "llama-nopad"]),
    ) {
        let mut turns = Vec::new();
        if system {
            turns.push(Turn::new(Role::System, "a system turn"));
        }
        for (i, text) in texts.iter().enumerate() {
            turns.push(if i % 2 == 0 { Turn::user(text.as_str()) } else { Turn::assistant(text.as_str()) });
        }
        let encoder = encoder(template);
        let whole = encoder.encode(&turns, usize::MAX).unwrap();
        let short = encoder.encode(&turns, limit).unwrap();
        prop_assert!(short.ids.len() <= limit && !short.ids.is_empty());
        prop_assert_eq!(short.truncated, whole.ids.len() > limit);
        prop_assert_eq!(short.ids.last(), whole.ids.last());
    }
}
