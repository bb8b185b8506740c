//! What keys do to the form, and that nothing of it is lost.

use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use tiebreak::app::form::Field;
use tiebreak::domain::*;

use crate::support::*;

const PAIRS: &str = "helpsteer2_validation_first8.jsonl";

fn focus(shown: &Shown) -> Field {
    state(shown).focus().unwrap()
}

fn rating(side: usize, attribute: usize) -> Field {
    Field::Rating { side, attribute }
}

#[test]
fn enter_goes_to_the_first_missing_field() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "3 3 Down 3");
    assert_eq!(focus(&shown), rating(0, 4));
    press(&mut shown, "Enter");
    assert_eq!(focus(&shown), rating(0, 2));
    press(&mut shown, "0 Enter");
    assert_eq!(focus(&shown), rating(0, 4));
    press(&mut shown, "1 1 1 1 1 1");
    assert_eq!(focus(&shown), Field::Preference);
    press(&mut shown, "Up Enter");
    assert_eq!(focus(&shown), Field::Preference);
    press(&mut shown, "7");
    type_text(&mut shown, "Too short");
    press(&mut shown, "Escape");
    assert_eq!(focus(&shown), Field::Preference);
    press(&mut shown, "Enter");
    assert_eq!(focus(&shown), Field::Justification);
    type_text(&mut shown, ", but now it is long enough");
    until_saved(&mut shown);
    assert!(
        events(&project).is_empty(),
        "nothing was committed on the way"
    );
    press(&mut shown, "Escape Enter");
    until_told(&mut shown, "Item 2 of 4");
    assert_eq!(events(&project).len(), 1);
}

#[test]
fn a_held_enter_never_commits() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    fill(&mut shown);
    press(&mut shown, "Escape");
    let held = |shown: &mut Shown, modifiers| {
        for _ in 0..5 {
            stroke(shown, Key::Enter, Some(Key::Enter), modifiers, None, true);
        }
        until_saved(shown);
    };
    held(&mut shown, Modifiers::default());
    held(&mut shown, Modifiers::CTRL | Modifiers::COMMAND);
    assert!(events(&project).is_empty());
    press(&mut shown, "Enter");
    until_told(&mut shown, "Item 2 of 4");
    // Held on into the next item, whose draft is complete.
    fill(&mut shown);
    press(&mut shown, "Escape");
    held(&mut shown, Modifiers::default());
    assert_eq!(events(&project).len(), 1);
}

#[test]
fn a_draft_is_kept_on_every_change() {
    let (home, project) = Home::with_project(PAIRS);
    let reopened = |keys: &str, text: &str| {
        let mut shown = home.open_at_item(&project);
        if !keys.is_empty() {
            press(&mut shown, keys);
        }
        if !text.is_empty() {
            type_text(&mut shown, text);
        }
        // Closed at once: nothing waits for a later moment.
        drop(shown);
        home.open_at_item(&project)
    };
    let shown = reopened("4", "");
    assert!(begins(&shown, "Helpfulness of A, 4 of 4: "));
    drop(shown);
    let shown = reopened("B 2 2", "");
    assert!(begins(&shown, "Helpfulness of A, 4 of 4: "));
    assert!(begins(&shown, "Correctness of B, 2 of 4: "));
    drop(shown);
    let shown = reopened("I Escape 2", "");
    assert!(tells(&shown, "Preference, A better"));
    drop(shown);
    // One comes back to the text one was in.
    let shown = reopened("", "half a tho");
    assert_eq!(
        shown.get_by_label("Justification").value().as_deref(),
        Some("half a tho")
    );
    drop(shown);
    let mut shown = home.open_at_item(&project);
    // Backspace takes back the focused field only.
    press(&mut shown, "Escape A Up Backspace");
    drop(shown);
    let shown = home.open_at_item(&project);
    assert!(begins(&shown, "Helpfulness of A, not rated"));
    assert!(tells(&shown, "Preference, A better"));
    assert!(events(&project).is_empty(), "a draft is no event");
    let counts = reader(&project).counts_for("mina").unwrap();
    assert_eq!((counts.drafts, counts.labelled), (1, 0));
}

#[test]
fn neither_valid_is_said_by_0_or_x_and_needs_no_ratings() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    let neither = |shown: &Shown| {
        state(shown)
            .open_item()
            .unwrap()
            .form
            .draft
            .judgment
            .preference
            == Some(Preference::NeitherValid)
    };
    press(&mut shown, "I Escape");
    assert_eq!(focus(&shown), Field::Preference);
    press(&mut shown, "0");
    assert!(neither(&shown));
    press(&mut shown, "0");
    assert!(!neither(&shown));
    press(&mut shown, "X");
    assert!(neither(&shown));
    // The same is not part of this schema, and says so.
    press(&mut shown, "4");
    assert!(neither(&shown));
    assert!(state(&shown).notice.is_some());
    press(&mut shown, "Escape I");
    type_text(&mut shown, "Both refuse without need.");
    let id = item(&shown).id;
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let Some(Outcome::Labelled(label)) = reader(&project).outcome(id, "mina").unwrap() else {
        panic!("there is no label")
    };
    assert_eq!(label.judgment.preference, Some(Preference::NeitherValid));
    assert!(label.judgment.ratings.is_empty());
}

#[test]
fn arrows_move_the_preference_and_skip_the_missing_tie() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "I Escape Right");
    assert!(tells(&shown, "Preference, B slightly better"));
    press(&mut shown, "Left");
    assert!(tells(&shown, "Preference, A slightly better"));
    press(&mut shown, "Left Left Left Left");
    assert!(tells(&shown, "Preference, A much better"));
}

#[test]
fn skips_and_flags_are_events() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    let first = item(&shown).id;
    press(&mut shown, "F");
    until(&mut shown, "the flag", |s| tells(s, "Unflag"));
    press(&mut shown, "F");
    until(&mut shown, "no flag", |s| {
        s.query_by_label("Unflag").is_none()
    });
    press(&mut shown, "Shift+F");
    type_keys(&mut shown, "odd");
    press(&mut shown, "Enter");
    until_told(&mut shown, "Flagged: odd");
    press(&mut shown, "Shift+S");
    type_keys(&mut shown, "not my field");
    press(&mut shown, "Enter");
    until_told(&mut shown, "Item 2 of 4");
    let bodies: Vec<EventBody> = events(&project)
        .into_iter()
        .map(|e| {
            assert_eq!((e.annotator.as_str(), e.item), ("mina", Some(first)));
            e.body
        })
        .collect();
    assert_eq!(
        bodies,
        [
            EventBody::Flag {
                note: String::new()
            },
            EventBody::Unflag,
            EventBody::Flag {
                note: "odd".to_owned()
            },
            EventBody::Skip {
                reason: "not my field".to_owned()
            },
        ]
    );
    // A skip is undone like a label.
    press(&mut shown, "Ctrl+Z");
    until_told(&mut shown, "Item 1 of 4");
    assert_eq!(reader(&project).outcome(first, "mina").unwrap(), None);
}

#[test]
fn keys_go_from_item_to_item() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    for (keys, place) in [
        ("Alt+Right", "Item 2 of 4"),
        ("]", "Item 3 of 4"),
        ("Alt+Left", "Item 2 of 4"),
        ("[", "Item 1 of 4"),
        ("N", "Item 2 of 4"),
    ] {
        press(&mut shown, keys);
        until_told(&mut shown, place);
    }
    press(&mut shown, "X I");
    type_text(&mut shown, "Both of them are beside the point.");
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 3 of 4");
    press(&mut shown, "Alt+Left");
    until_told(&mut shown, "Item 2 of 4");
    press(&mut shown, "Alt+Left");
    until_told(&mut shown, "Item 1 of 4");
    // The second is labelled.
    press(&mut shown, "N");
    until_told(&mut shown, "Item 3 of 4");
    // From the queue, by arrows and Enter.
    press(&mut shown, "Ctrl+2");
    until(&mut shown, "the rows", |s| begins(s, "Item 4: "));
    press(&mut shown, "Down Enter");
    until_told(&mut shown, "Item 4 of 4");
}

#[test]
fn letters_typed_into_the_justification_are_no_commands() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "I");
    let text = "qwertyuiopasdfghjklzxcvbnm QWERTYUIOPASDFGHJKLZXCVBNM 0123456789 []?/";
    type_keys(&mut shown, text);
    assert_eq!(
        shown.get_by_label("Justification").value().as_deref(),
        Some(text)
    );
    press(&mut shown, "Enter Left Backspace");
    until_saved(&mut shown);
    let state = state(&shown);
    let draft = &state.open_item().unwrap().form.draft.judgment;
    assert!(draft.ratings.is_empty() && draft.preference.is_none());
    assert!(state.overlay.is_none() && !state.raw && !state.wrap && !state.context_open);
    assert_eq!(state.open_item().unwrap().position, 0);
    assert!(events(&project).is_empty());
}

#[test]
fn a_small_window_is_labelled_with_the_same_keys() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_sized(Some(&project), egui::vec2(1024.0, 700.0));
    until_told(&mut shown, "Item 1 of 4");
    let id = item(&shown).id;
    assert!(tells(&shown, "Rate A") && tells(&shown, "Show response B"));
    press(&mut shown, "Q");
    until_told(&mut shown, "Show response A");
    press(&mut shown, "A");
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let Some(Outcome::Labelled(label)) = reader(&project).outcome(id, "mina").unwrap() else {
        panic!("there is no label")
    };
    assert_eq!(label.context.mode, Mode::OneAtATime);
    assert_eq!(label.judgment.justification, WHY);
}

#[test]
fn digits_of_a_french_keyboard_are_read_by_their_place() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    // On AZERTY the row types & é " ' ( - è _ ç à; a logical key is known for some of them only.
    let azerty = [
        (Key::Num1, Key::Num1, "&"),
        (Key::Num2, Key::Num2, "é"),
        (Key::Num3, Key::Num3, "\""),
        (Key::Quote, Key::Num4, "'"),
        (Key::Num0, Key::Num0, "à"),
    ];
    for (key, physical, text) in azerty {
        let none = Modifiers::default();
        stroke(&mut shown, key, Some(physical), none, Some(text), false);
    }
    let told_of = |shown: &Shown, name: &str, level: u8| {
        assert!(
            begins(shown, &format!("{name} of A, {level} of 4: ")),
            "{name}"
        );
    };
    told_of(&shown, "Helpfulness", 1);
    told_of(&shown, "Correctness", 2);
    told_of(&shown, "Coherence", 3);
    told_of(&shown, "Complexity", 4);
    told_of(&shown, "Verbosity", 0);
    press(&mut shown, "I Escape");
    let none = Modifiers::default();
    stroke(
        &mut shown,
        Key::Minus,
        Some(Key::Num6),
        none,
        Some("-"),
        false,
    );
    assert!(tells(&shown, "Preference, B better"));
}

#[test]
fn a_key_whose_shift_is_let_go_first_works_again() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    for _ in 0..3 {
        let key = |key, pressed, modifiers| Event::Key {
            key,
            physical_key: Some(Key::Slash),
            pressed,
            repeat: false,
            modifiers,
        };
        let question = key(Key::Questionmark, true, Modifiers::SHIFT);
        let slash = key(Key::Slash, false, Modifiers::default());
        for event in [question, slash] {
            shown.input_mut().events.push(event);
            shown.step();
        }
        shown.step();
        assert!(tells(&shown, "All keys"));
        press(&mut shown, "Escape");
        assert!(state(&shown).overlay.is_none());
    }
}
