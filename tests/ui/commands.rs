//! The table of commands: complete, without conflicts, and every key of it arrives.

use std::collections::BTreeSet;

use egui::{Event, Modifiers, RawInput};
use tiebreak::app::commands::{COMMANDS, Key, Shortcut};
use tiebreak::app::{Action, AppState};
use tiebreak::ui::keys::Keys;

use crate::support::*;

fn shortcut(text: &str) -> Shortcut {
    let mut shortcut = Shortcut {
        ctrl: false,
        shift: false,
        alt: false,
        key: Key::Escape,
    };
    for part in text.split(' ') {
        match part {
            "Ctrl" => shortcut.ctrl = true,
            "Shift" => shortcut.shift = true,
            "Alt" => shortcut.alt = true,
            name => shortcut.key = named(name),
        }
    }
    shortcut
}

fn named(name: &str) -> Key {
    match name {
        "Enter" => Key::Enter,
        "Esc" => Key::Escape,
        "Tab" => Key::Tab,
        "Backspace" => Key::Backspace,
        "Space" => Key::Space,
        "Up" => Key::Up,
        "Down" => Key::Down,
        "Left" => Key::Left,
        "Right" => Key::Right,
        "[" => Key::BracketLeft,
        "]" => Key::BracketRight,
        "?" => Key::Question,
        "/" => Key::Slash,
        "=" => Key::Plus,
        "-" => Key::Minus,
        "Comma" => Key::Comma,
        "F1" => Key::F(1),
        "F3" => Key::F(3),
        "F6" => Key::F(6),
        "F11" => Key::F(11),
        one => match one.chars().next().unwrap() {
            digit @ '0'..='9' => Key::Digit(digit as u8 - b'0'),
            letter => Key::Letter(letter),
        },
    }
}

#[test]
fn the_table_has_every_key_of_the_design() {
    let there: BTreeSet<Shortcut> = COMMANDS.iter().flat_map(|c| c.keys).copied().collect();
    let design = "0,1,2,3,4,5,6,7,X,Up,Down,Left,Right,Tab,Shift Tab,Enter,Ctrl Enter,Esc,I,A,B,Q,J,K,Space,Shift Space,\
                  Alt Left,Alt Right,[,],N,T,Shift S,F,Shift F,D,L,V,W,P,G,H,C,M,E,R,Backspace,/,Ctrl Z,Ctrl Shift Z,Ctrl F,F3,\
                  Ctrl K,?,F1,Ctrl 1,Ctrl 2,Ctrl 3,Ctrl 4,Ctrl 5,Ctrl 6,Ctrl 7,Ctrl Comma,Ctrl =,Ctrl -,Ctrl 0,Ctrl Shift L,\
                  F6,Shift F6,F11,5,6,7,8,9";
    let missing: Vec<&str> = design
        .split(',')
        .filter(|k| !there.contains(&shortcut(k)))
        .collect();
    assert!(missing.is_empty(), "no command has {missing:?}");
}

#[test]
fn no_two_commands_that_could_both_be_meant_share_a_key() {
    let mut ids = BTreeSet::new();
    for (at, one) in COMMANDS.iter().enumerate() {
        assert!(ids.insert(one.id), "{} is there twice", one.id);
        assert!(!one.title.is_empty());
        for other in &COMMANDS[at + 1..] {
            for key in one.keys.iter().filter(|k| other.keys.contains(k)) {
                assert!(
                    !one.scope.meets(other.scope),
                    "{key} is {} and {}",
                    one.id,
                    other.id
                );
            }
        }
    }
}

#[test]
fn keys_that_type_something_do_nothing_while_typing() {
    for command in COMMANDS.iter().filter(|c| c.in_text) {
        for key in command.keys {
            let edits =
                matches!(key.key, Key::Escape | Key::Enter | Key::Tab | Key::F(_)) || key.ctrl;
            assert!(edits, "{key} of {} would be typed", command.id);
        }
    }
}

/// A key event as a keyboard makes it.
fn event(shortcut: Shortcut) -> (Event, Modifiers) {
    let name = match shortcut.key {
        Key::Letter(letter) => letter.to_string(),
        Key::Digit(digit) => digit.to_string(),
        Key::F(number) => format!("F{number}"),
        Key::Enter => "Enter".to_owned(),
        Key::Escape => "Escape".to_owned(),
        Key::Tab => "Tab".to_owned(),
        Key::Backspace => "Backspace".to_owned(),
        Key::Space => "Space".to_owned(),
        Key::Up => "Up".to_owned(),
        Key::Down => "Down".to_owned(),
        Key::Left => "Left".to_owned(),
        Key::Right => "Right".to_owned(),
        Key::BracketLeft => "[".to_owned(),
        Key::BracketRight => "]".to_owned(),
        Key::Question => "?".to_owned(),
        Key::Slash => "/".to_owned(),
        Key::Comma => ",".to_owned(),
        Key::Plus => "=".to_owned(),
        Key::Minus => "-".to_owned(),
    };
    let key = egui::Key::from_name(&name).unwrap();
    let mut modifiers = Modifiers::default();
    if shortcut.ctrl {
        modifiers |= Modifiers::CTRL | Modifiers::COMMAND;
    }
    if shortcut.alt {
        modifiers |= Modifiers::ALT;
    }
    // A question mark is typed with Shift.
    if shortcut.shift || shortcut.key == Key::Question {
        modifiers |= Modifiers::SHIFT;
    }
    let event = Event::Key {
        key,
        physical_key: (shortcut.key != Key::Question).then_some(key),
        pressed: true,
        repeat: false,
        modifiers,
    };
    (event, modifiers)
}

/// Ids of the commands that some key reaches in this state.
fn reached(state: &AppState) -> BTreeSet<&'static str> {
    let ctx = egui::Context::default();
    let keys = Keys::default();
    keys.install(&ctx);
    let mut reached = BTreeSet::new();
    for command in COMMANDS {
        for shortcut in command.keys {
            keys.offer(state);
            let (down, modifiers) = event(*shortcut);
            let mut up = down.clone();
            if let Event::Key { pressed, .. } = &mut up {
                *pressed = false;
            }
            for event in [down, up] {
                let input = RawInput {
                    events: vec![Event::ModifiersChanged(modifiers), event],
                    ..RawInput::default()
                };
                ctx.run_ui(input, |_ui| {}).textures_delta.clear();
            }
            let mut pressed = vec![];
            keys.take(|c| pressed.push(c.id));
            for id in &pressed {
                let meant = tiebreak::app::commands::find(id).unwrap();
                assert!(
                    meant.keys.contains(shortcut),
                    "{shortcut} is not a key of {id}"
                );
            }
            if pressed == [command.id] {
                reached.insert(command.id);
            } else {
                // Another command has the key here, or this one makes no sense now.
                let sense = tiebreak::ui::keys::makes_sense(command, state);
                assert!(
                    !sense,
                    "{shortcut} does not reach {}: {pressed:?}",
                    command.id
                );
            }
        }
    }
    reached
}

/// Makes the project one of rankings.
fn rank(shown: &mut Shown) {
    let mut schema = state(shown).schema().unwrap().clone();
    schema.mode = tiebreak::domain::Mode::Ranking;
    shown
        .state_mut()
        .app
        .dispatch(Action::SetSchema(Box::new(schema)));
    until(shown, "the ranking is asked", |s| {
        state(s).focus() == Some(tiebreak::app::form::Field::Ranking)
    });
}

#[test]
fn every_command_is_reached_by_each_of_its_keys() {
    let (home, project) = Home::with_project("helpsteer2_validation_first8.jsonl");
    let mut shown = home.open_at_item(&project);
    let mut found = reached(state(&shown));
    press(&mut shown, "I Escape");
    found.extend(reached(state(&shown)));
    press(&mut shown, "A");
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    found.extend(reached(state(&shown)));
    press(&mut shown, "Ctrl+Z");
    until_told(&mut shown, "Item 1 of 4");
    found.extend(reached(state(&shown)));
    press(&mut shown, "Ctrl+F");
    shown.step();
    found.extend(reached(state(&shown)));
    press(&mut shown, "Escape");
    rank(&mut shown);
    found.extend(reached(state(&shown)));
    press(&mut shown, "Escape Ctrl+2");
    until(&mut shown, "the rows", |s| !state(s).queue.rows.is_empty());
    found.extend(reached(state(&shown)));
    // The others are in the palette only.
    let keyed = COMMANDS.iter().filter(|c| !c.keys.is_empty());
    let all: BTreeSet<&str> = keyed.map(|c| c.id).collect();
    let lost: Vec<&&str> = all.difference(&found).collect();
    assert!(lost.is_empty(), "no key reaches {lost:?}");
}

#[test]
fn the_palette_finds_a_command_by_name() {
    let (home, project) = Home::with_project("helpsteer2_validation_first8.jsonl");
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "Ctrl+K");
    for command in COMMANDS.iter().filter(|c| !c.id.starts_with("digit-")) {
        assert!(
            tells(&shown, command.title),
            "{} is not in the palette",
            command.id
        );
    }
    type_keys(&mut shown, "raw");
    press(&mut shown, "Enter");
    assert!(state(&shown).raw && state(&shown).overlay.is_none());
    // Over the list, too, where Enter means something else.
    press(&mut shown, "Ctrl+2");
    until(&mut shown, "the rows", |s| begins(s, "Item 4: "));
    press(&mut shown, "Down Ctrl+K");
    type_keys(&mut shown, "models");
    press(&mut shown, "Enter");
    assert_eq!(state(&shown).screen, tiebreak::app::Screen::Models);
    press(&mut shown, "Ctrl+1");
    assert!(tells(&shown, "Item 1 of 4"));
    // Every key is on the sheet.
    press(&mut shown, "?");
    let keyed = COMMANDS
        .iter()
        .filter(|c| !c.keys.is_empty() && !c.id.starts_with("digit-"));
    for command in keyed {
        assert!(
            tells(&shown, command.title),
            "{} is not on the sheet",
            command.id
        );
    }
    press(&mut shown, "Escape Ctrl+Shift+L Ctrl+= Ctrl+=");
    shown.state_mut().app.dispatch(Action::Back);
    drop(shown);
    let kept = tiebreak::app::settings::Settings::read(&home.places().settings());
    assert_eq!(kept.theme, tiebreak::app::settings::Theme::Slate);
    assert_eq!(kept.zoom, 120);
}
