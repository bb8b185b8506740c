//! Finding text in the open item: in its context and in every response, with counts.

use egui::{Frame, Key, Margin, Panel, Stroke, TextEdit, Ui, WidgetInfo, vec2};

use super::annotate::{show_context, show_response};
use super::form;
use crate::app::form::letter;
use crate::app::words::{everywhere, find as words};
use crate::app::{Action, AppState};
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;
use crate::ui::widgets::reading::Reading;

/// What is looked for; nothing where nothing is.
pub fn needle(state: &AppState) -> &str {
    state.find.as_ref().map_or("", |find| find.text.as_str())
}

/// The number of the last request to go to what was found.
pub fn turn(state: &AppState) -> u64 {
    state.find.as_ref().map_or(0, |find| find.turn)
}

/// Which of those found in a document is the one to look at: 0 is the context, 1 the left response.
pub fn here(state: &AppState, document: usize) -> Option<usize> {
    let find = state.find.as_ref()?;
    let before: usize = find.found.iter().take(document).sum();
    let count = find.found.get(document).copied().unwrap_or_default();
    find.at.checked_sub(before).filter(|at| *at < count)
}

/// Whether the one to look at is in this document.
pub fn turn_here(state: &AppState, document: usize) -> bool {
    here(state, document).is_some()
}

/// The search above the item, if it is open. Counts what is found, wherever that is.
pub fn bar(ui: &mut Ui, state: &AppState, reading: &mut Reading, actions: &mut Vec<Action>) {
    let (Some(find), Some(open)) = (&state.find, state.open_item()) else {
        return;
    };
    let p = Palette::now(ui.ctx());
    let mut found = vec![reading.count(ui, &show_context(state, open, p))];
    // Rated alone, a response is found in alone.
    let alone = form::alone(state);
    for side in 0..open.shown.len() {
        let hidden = alone && side != state.side;
        let count = show_response(state, open, side, p)
            .filter(|_| !hidden)
            .map(|show| reading.count(ui, &show));
        found.push(count.unwrap_or_default());
    }
    if found != find.found {
        actions.push(Action::Found(found.clone()));
    }
    // What is not in view is brought there.
    if reading.has_turn(find.turn) {
        if turn_here(state, 0) && !state.context_open && find.asked {
            actions.push(Action::ToggleContext);
        }
        let side = (0..open.shown.len()).find(|side| turn_here(state, side + 1));
        if let Some(side) = side.filter(|side| *side != state.side && !alone) {
            actions.push(Action::LookAt(side));
        }
    }
    let frame = Frame::new()
        .fill(p.sunken)
        .inner_margin(Margin::symmetric(16, 6));
    Panel::top("find")
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            let edge = ui.max_rect().expand2(vec2(16.0, 6.0));
            ui.painter()
                .hline(edge.x_range(), edge.bottom(), Stroke::new(1.0, p.rule));
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = space::M;
                let mut text = find.text.clone();
                let edit = TextEdit::singleline(&mut text)
                    .hint_text(words::HINT)
                    .desired_width(240.0)
                    .margin(Margin::symmetric(8, 5));
                let response = ui.add(edit);
                let value = text.clone();
                response.widget_info(|| {
                    let mut info = WidgetInfo::text_edit(true, &value, &value, words::HINT);
                    info.label = Some(words::HINT.to_owned());
                    info
                });
                if find.enter {
                    response.request_focus();
                    actions.push(Action::FindEntered);
                }
                if response.changed() {
                    actions.push(Action::FindText(text));
                }
                if response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter)) {
                    actions.push(Action::FindNext(1));
                    response.request_focus();
                }
                let total: usize = found.iter().sum();
                let told = if find.text.is_empty() {
                    String::new()
                } else if total == 0 {
                    words::NOT_FOUND.to_owned()
                } else {
                    let mut parts = vec![words::found(find.at.min(total - 1) + 1, total)];
                    for (at, count) in found.iter().enumerate() {
                        let name = match at {
                            0 => words::PROMPT.to_owned(),
                            side => letter(side - 1),
                        };
                        parts.push(format!("{name} {count}"));
                    }
                    parts.join(" \u{b7} ")
                };
                let response = controls::text(ui, &told, theme::ui(theme::UI), p.text_2);
                response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &told));
                let some = total > 0;
                if controls::button(ui, words::BEFORE, false, some, vec2(0.0, 28.0)).clicked() {
                    actions.push(Action::FindNext(-1));
                }
                if controls::button(ui, words::NEXT, false, some, vec2(0.0, 28.0)).clicked() {
                    actions.push(Action::FindNext(1));
                }
                controls::key_cap(ui, &state.key("find-next"));
                if controls::button(ui, everywhere::CLOSE, false, true, vec2(0.0, 28.0)).clicked() {
                    actions.push(Action::Find(false));
                }
            });
        });
}
