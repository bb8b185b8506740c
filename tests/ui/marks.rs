//! Marked spans: selected with the mouse or found by keys, kept by their place in the stored text, tagged by a digit, undone, exported.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use tiebreak::domain::{ReferenceRole, Span, SpanMark};

use super::day::{ask, labels};
use crate::support::*;

/// Its third "red" is part of an address and never shown.
const MARKDOWN: &str = "It is **red**, not `blue`.\n\n- one [thing](http://a.example/red)\n- Größe: red &amp; two\n\n```\nlet red = 1;\n```";

fn project(home: &Home) -> std::path::PathBuf {
    let row = |prompt: &str| {
        let row =
            serde_json::json!({"prompt": prompt, "chosen": MARKDOWN, "rejected": "It is green."});
        format!("{row}\n")
    };
    let file = home.write("m.jsonl", &(row("P") + &row("Q")));
    home.project("m", &[file])
}

fn open(home: &Home, project: &std::path::Path) -> Shown {
    let mut shown = home.open_at_item(project);
    ask(&mut shown, |s| {
        s.tags = vec!["false".to_owned(), "style".to_owned()];
        s.min_justification = 0;
    });
    shown
}

fn marks(shown: &Shown) -> Vec<SpanMark> {
    let open = state(shown).open_item().unwrap();
    open.form.draft.judgment.marks.clone()
}

fn steps(shown: &mut Shown) {
    for _ in 0..4 {
        shown.step();
    }
}

#[test]
fn what_was_found_is_marked_by_keys_and_tagged_by_a_digit() {
    let home = Home::of_mina("off");
    let project = project(&home);
    let mut shown = open(&home, &project);
    press(&mut shown, "M");
    assert!(begins(&shown, "Select words of a response first"));
    press(&mut shown, "Escape Ctrl+F");
    type_text(&mut shown, "red");
    press(&mut shown, "F3");
    steps(&mut shown);
    assert!(begins(&shown, "2 of 3"));
    press(&mut shown, "Escape");
    steps(&mut shown);
    press(&mut shown, "M 2");
    let marked = marks(&shown);
    let at = MARKDOWN.find("red &amp;").unwrap();
    let span = Span {
        turn: 0,
        bytes: [at, at + 3],
        // Two letters before it take two bytes each.
        characters: [at - 2, at + 1],
        text: "red".to_owned(),
    };
    assert_eq!(marked.len(), 1, "{marked:?}");
    assert_eq!(marked[0].span, span);
    assert_eq!(marked[0].tag.as_deref(), Some("style"));
    // A digit is a rating again.
    let side = state(&shown).open_item().unwrap().shown.iter();
    let side = ["A", "B"][side.clone().position(|k| *k == marked[0].response).unwrap()];
    assert!(tells(&shown, &format!("{side}: “red”, style")));
    press(&mut shown, "3");
    assert!(begins(&shown, "Helpfulness of A, 3 of 4"));
    until_saved(&mut shown);
    drop(shown);
    // High enough for the whole form.
    let mut shown = home.open_sized(Some(&project), egui::vec2(1440.0, 1200.0));
    until(&mut shown, "an item is open", |s| {
        state(s).open_item().is_some()
    });
    assert_eq!(marks(&shown), marked, "a mark is kept like all else");
    press(&mut shown, "Ctrl+Z Ctrl+Z");
    assert_eq!(marks(&shown)[0].tag, None);
    press(&mut shown, "Ctrl+Z");
    assert!(marks(&shown).is_empty());
    press(&mut shown, "Ctrl+Shift+Z Ctrl+Shift+Z");
    assert_eq!(marks(&shown), marked);
    let name = format!("Take away: {side}: “red”, style");
    click(&mut shown, &name);
    steps(&mut shown);
    assert!(marks(&shown).is_empty());
}

#[test]
fn what_is_dragged_over_is_marked_rendered_and_raw() {
    let home = Home::of_mina("off");
    let project = project(&home);
    let mut shown = open(&home, &project);
    for raw in [false, true] {
        if raw {
            press(&mut shown, "V");
        }
        let begin = if raw { "It is **red**" } else { "It is red" };
        let rect = shown
            .query_all_by(|node| {
                node.role() == Role::Paragraph && node.label().is_some_and(|l| l.starts_with(begin))
            })
            .next()
            .expect(begin)
            .rect();
        let pos = |x: f32| egui::pos2(rect.left() + x, rect.top() + 10.0);
        shown.hover_at(pos(2.0));
        shown.step();
        shown.drag_at(pos(2.0));
        shown.step();
        for x in [20.0, 40.0, 70.0] {
            shown.hover_at(pos(x));
            shown.step();
        }
        shown.drop_at(pos(70.0));
        steps(&mut shown);
        press(&mut shown, "M");
        let marked = marks(&shown).pop().unwrap();
        let [from, to] = marked.span.bytes;
        assert_eq!(from, 0);
        assert!((5..20).contains(&to), "{marked:?}");
        assert_eq!(marked.span.text, MARKDOWN[..to]);
        // Backspace takes the one in hand away again, Escape lets go of it.
        press(&mut shown, "Backspace");
        assert!(marks(&shown).is_empty());
        press(&mut shown, "M Escape");
        assert_eq!((state(&shown).marking(), marks(&shown).len()), (None, 1));
        press(&mut shown, "Ctrl+Z");
        assert!(marks(&shown).is_empty());
    }
    // What is shown otherwise than it is stored cannot be marked.
    press(&mut shown, "V Shift+V Ctrl+F");
    type_text(&mut shown, "blue");
    steps(&mut shown);
    press(&mut shown, "Escape M");
    assert!(begins(&shown, "Characters are written out"));
    assert!(marks(&shown).is_empty());
}

#[test]
fn marks_leave_with_the_pairs_and_come_back() {
    let home = Home::of_mina("off");
    let project = project(&home);
    let mut shown = open(&home, &project);
    press(&mut shown, "Ctrl+F");
    type_text(&mut shown, "let");
    steps(&mut shown);
    press(&mut shown, "Escape M 1");
    assert_eq!(marks(&shown).len(), 1);
    press(&mut shown, "1 1 1 1 1 1 1 1 1 1 2 Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 2");
    let label = labels(&project)[0].clone();
    assert_eq!(label.judgment.marks[0].span.text, "let");
    drop(shown);
    let out = home.file("out.jsonl");
    let done = home.run(&[
        "export",
        project.to_str().unwrap(),
        "--format",
        "pairs",
        "--output",
        out.to_str().unwrap(),
    ]);
    assert!(done.status.success(), "{done:?}");
    let again = home.project("again", &[out]);
    let reader = reader(&again);
    let item = reader.item_at(0).unwrap().unwrap();
    let votes = reader.references(item.id).unwrap();
    let vote = votes.iter().find(|r| r.role == ReferenceRole::Vote);
    assert_eq!(vote.unwrap().judgment, label.judgment);
}
