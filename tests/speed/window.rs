//! How long frames of the window take, our own work and the tessellation, without rasterising; run by hand:
//! `cargo test --release --test all ui::speed -- --ignored --nocapture`. Asserts nothing about time.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use tiebreak::app::Action;

use crate::support::*;

/// One frame with its shapes tessellated.
fn frame(shown: &mut Shown) -> Duration {
    let started = Instant::now();
    shown.step();
    let shapes = shown.output().shapes.clone();
    let primitives = shown.ctx.tessellate(shapes, 1.0);
    std::hint::black_box(primitives);
    started.elapsed()
}

fn scroll(shown: &mut Shown, frames: usize) -> Vec<Duration> {
    let each = |n: usize| {
        // Down for the most part, with jumps, as people read.
        let part = if n % 40 == 39 { -3.0 } else { 0.12 };
        shown.state_mut().app.dispatch(Action::Scroll(part));
        frame(shown)
    };
    (0..frames).map(each).collect()
}

/// A pair of long replies of a kind.
fn project(home: &Home, name: &str, chosen: &str, rejected: &str) -> std::path::PathBuf {
    let row = serde_json::json!({"prompt": "Say much.", "chosen": chosen, "rejected": rejected});
    let file = home.write(&format!("{name}.jsonl"), &format!("{row}\n"));
    home.project(name, &[file])
}

fn prose(bytes: usize, seed: usize) -> String {
    const WORDS: [&str; 16] = [
        "model", "answer", "reads", "because", "of", "the", "slowly", "green", "and", "a",
        "reason", "why", "it", "holds", "often", "never",
    ];
    let mut text = String::new();
    let mut n = seed;
    while text.len() < bytes {
        n = n
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(n >> 33) % 16]);
        text.push_str(match (n >> 40) % 60 {
            0 => ".\n\n",
            1 => ".\n\n## A heading\n\n",
            2 => ":\n\n- one point\n- another `point`\n\n",
            _ => " ",
        });
    }
    text
}

#[test]
#[ignore = "a measurement"]
fn frames() {
    let home = Home::of_mina("off");
    let mut table = "| a | b | c |\n| --- | --- | --- |\n".to_owned();
    for n in 0..5_000 {
        writeln!(table, "| {n} | some words of a cell | {} |", n * 7).unwrap();
    }
    let long = prose(200_000, 1);
    let changed = long.replace("green", "blue");
    let cases = [
        ("two replies of 200 kB", long.clone(), changed),
        (
            "one line of 1 MB",
            "word ".repeat(200_000),
            "short".to_owned(),
        ),
        ("a table of 5,000 rows", table, "short".to_owned()),
        (
            "code of 5,000 lines",
            format!(
                "```python\n{}```\n",
                "def f(x):\n    return x + 1  # one more\n".repeat(2_500)
            ),
            "short".to_owned(),
        ),
    ];
    for (name, chosen, rejected) in &cases {
        let path = project(&home, &name.replace(' ', "-"), chosen, rejected);
        let mut shown = home.open_at_item(&path);
        let first = frame(&mut shown);
        let side =
            usize::from(state(&shown).open_item().unwrap().original(0) != Some(chosen.trim_end()));
        shown.state_mut().app.dispatch(Action::LookAt(side));
        eprintln!(
            "{name}: first {:.2} ms; scrolling {}",
            first.as_secs_f64() * 1e3,
            percentiles(scroll(&mut shown, 300))
        );
        press(&mut shown, "D");
        let started = Instant::now();
        let mut worst = Duration::ZERO;
        while started.elapsed() < Duration::from_secs(2) {
            worst = worst.max(frame(&mut shown));
        }
        eprintln!(
            "  differences: worst frame on the way {:.2} ms; scrolling {}",
            worst.as_secs_f64() * 1e3,
            percentiles(scroll(&mut shown, 300))
        );
        press(&mut shown, "D D Ctrl+F");
        type_text(&mut shown, "word");
        let found = frame(&mut shown);
        eprintln!(
            "  find: {:.2} ms; scrolling {}",
            found.as_secs_f64() * 1e3,
            percentiles(scroll(&mut shown, 300))
        );
    }
    // A conversation of 2,000 turns.
    let mut turns = vec![];
    for n in 0..1_000 {
        turns.push(serde_json::json!({"role": "user", "content": format!("Question {n}: {}", prose(120, n))}));
        turns.push(serde_json::json!({"role": "assistant", "content": format!("Answer {n}: {}", prose(300, n + 7))}));
    }
    turns.push(serde_json::json!({"role": "user", "content": "And now?"}));
    let row = serde_json::json!({"prompt": turns, "chosen": "This.", "rejected": "That."});
    let file = home.write("turns.jsonl", &format!("{row}\n"));
    let path = home.project("turns", &[file]);
    let mut shown = home.open_at_item(&path);
    press(&mut shown, "P");
    let mut times = vec![];
    for n in 0..300 {
        let at = egui::pos2(500.0, 200.0);
        let input = shown.input_mut();
        input.events.push(egui::Event::PointerMoved(at));
        input.events.push(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: egui::vec2(0.0, if n % 50 == 49 { 20_000.0 } else { -400.0 }),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: egui::Modifiers::default(),
        });
        times.push(frame(&mut shown));
    }
    eprintln!("2,001 turns of context: scrolling {}", percentiles(times));
    // Keys on an ordinary item: a level pressed, and the frame that shows it.
    let path = home.project("keys", &[fixture("helpsteer2_validation_first8.jsonl")]);
    let mut shown = home.open_at_item(&path);
    let mut times = vec![];
    for n in 0..300 {
        let level = (n % 5) as i32;
        let started = Instant::now();
        shown.state_mut().app.dispatch(Action::Rate {
            side: n % 2,
            attribute: (n / 2) % 5,
            level,
        });
        frame(&mut shown);
        times.push(started.elapsed());
    }
    eprintln!("a key to its frame: {}", percentiles(times));
    // Commit to the next item, at 100,000 items.
    let big = home.file("big.jsonl");
    let mut lines = String::new();
    let filler = "the quick brown fox jumps over the lazy dog and on ".repeat(8);
    for n in 0..100_000 {
        let row = serde_json::json!({"prompt": format!("{n} {}", &filler[..200]), "chosen": format!("{n} yes {filler}"), "rejected": format!("{n} no {}", &filler[..300])});
        writeln!(lines, "{row}").unwrap();
    }
    std::fs::write(&big, lines).unwrap();
    let path = home.project("big", &[big]);
    let started = Instant::now();
    let mut shown = home.open_at_item(&path);
    frame(&mut shown);
    eprintln!(
        "100,000 items: open to the first frame of the first item {:.0} ms",
        started.elapsed().as_secs_f64() * 1e3
    );
    let mut times = vec![];
    for _ in 0..60 {
        press(&mut shown, "3 2 4 1 0 4 3 4 2 3 6");
        type_text(&mut shown, "It is the better one by far.");
        until_saved(&mut shown);
        std::thread::sleep(Duration::from_millis(160));
        let before = item(&shown).id;
        // Once for the question about doubts, once for good.
        press(&mut shown, "Ctrl+Enter");
        if state(&shown)
            .open_item()
            .is_some_and(|o| !o.form.asked.is_empty())
        {
            std::thread::sleep(Duration::from_millis(160));
            press(&mut shown, "Ctrl+Enter");
        }
        let started = Instant::now();
        while item(&shown).id == before {
            frame(&mut shown);
        }
        frame(&mut shown);
        times.push(started.elapsed());
    }
    eprintln!(
        "commit (after the key's own frame) to the next item painted: {}",
        percentiles(times)
    );
}
