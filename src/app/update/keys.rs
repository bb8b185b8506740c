//! Choosing one's own keys: no key ever means two things at once.

use crate::app::commands::{self, Shortcut};
use crate::app::effect::Effect;
use crate::app::state::{AppState, Notice};
use crate::app::words;

/// Gives a key to a command, in place of those it had. One that another command has is taken from there only when that is
/// said.
pub(super) fn bind(
    state: &mut AppState,
    id: &'static str,
    key: Shortcut,
    anyway: bool,
) -> Vec<Effect> {
    state.choosing_key = None;
    state.key_clash = None;
    let Some(command) = commands::find(id) else {
        return vec![];
    };
    if !command.may_have(key) {
        let text = words::settings::key_refused(&key);
        state.notice = Some(Notice::told(text));
        return vec![];
    }
    while let Some(other) = command.clash(key, &state.settings) {
        if !anyway {
            state.key_clash = Some((id, key, other.id));
            return vec![];
        }
        let left: Vec<String> = other
            .keys_of(&state.settings)
            .iter()
            .filter(|k| **k != key)
            .map(ToString::to_string)
            .collect();
        state.settings.keys.insert(other.id.to_owned(), left);
    }
    let keys = vec![key.to_string()];
    state.settings.keys.insert(id.to_owned(), keys);
    vec![Effect::SaveSettings(state.settings.clone())]
}

/// Gives a command its own keys back, or all commands theirs. What would clash with a choice that stays is told.
pub(super) fn unbind(state: &mut AppState, id: Option<&'static str>) -> Vec<Effect> {
    state.choosing_key = None;
    state.key_clash = None;
    let Some(command) = id.and_then(commands::find) else {
        state.settings.keys.clear();
        return vec![Effect::SaveSettings(state.settings.clone())];
    };
    let mut after = state.settings.clone();
    after.keys.remove(command.id);
    let clash = command.keys.iter().find_map(|key| {
        let other = command.clash(*key, &after)?;
        Some((*key, other))
    });
    if let Some((key, other)) = clash {
        state.key_clash = Some((command.id, key, other.id));
        return vec![];
    }
    state.settings = after;
    vec![Effect::SaveSettings(state.settings.clone())]
}
