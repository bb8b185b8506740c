//! Rewriting a response: the text, what was changed in it, and what the model thinks of it meanwhile.

use std::time::Duration;

use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align, Frame, Layout, Margin, Rect, ScrollArea, Stroke, TextEdit, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};

use crate::app::form::letter;
use crate::app::state::OpenItem;
use crate::app::words::rewrite as words;
use crate::app::{Action, AppState};
use crate::text::diff::{Change, changes};
use crate::ui::theme::{self, Palette, Setting, space};
use crate::ui::widgets::controls;

/// Height of the line above the text.
const HEAD: f32 = 40.0;
/// Texts longer than this are compared when the rewrite is closed, not on every letter.
const LONG: usize = 40_000;

/// Shows the response that is being rewritten in a column: the text above, the changes below.
pub fn show(
    ui: &mut Ui,
    state: &AppState,
    open: &OpenItem,
    side: usize,
    body: Rect,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let set = Setting::of(state.settings.reading);
    let original = open.original(side).unwrap_or_default();
    let mut text = open.rewritten(side).unwrap_or(original).to_owned();
    let head = Rect::from_min_size(body.min, vec2(body.width(), HEAD)).shrink2(vec2(20.0, 4.0));
    let mut line = ui.new_child(
        UiBuilder::new()
            .id_salt(("rewrite-head", side))
            .max_rect(head)
            .layout(Layout::left_to_right(Align::Center)),
    );
    let told = words::rewriting(&letter(side));
    controls::text(&mut line, &told, theme::ui_bold(theme::UI), p.text);
    line.add_space(space::S);
    rescored(&mut line, state, open, side, &text);
    line.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if controls::button(ui, words::DONE, true, true, vec2(0.0, 28.0)).clicked() {
            actions.push(Action::EditResponse(None));
        }
        let changed = text != original;
        if controls::button(ui, words::TAKE_BACK, false, changed, vec2(0.0, 28.0)).clicked() {
            actions.push(Action::Rewrite {
                side,
                text: original.to_owned(),
            });
        }
    });
    let below = Rect::from_min_max(pos2(body.left(), body.top() + HEAD), body.max);
    let half = (below.height() * 0.55).round();
    let upper = Rect::from_min_size(below.min, vec2(below.width(), half)).shrink2(vec2(20.0, 4.0));
    let lower = Rect::from_min_max(pos2(below.left(), below.top() + half), below.max);
    ui.painter().rect_stroke(
        upper,
        3.0,
        Stroke::new(1.0, p.control),
        egui::StrokeKind::Inside,
    );
    let mut area = ui.new_child(
        UiBuilder::new()
            .id_salt(("rewrite", side))
            .max_rect(upper.shrink2(vec2(12.0, 8.0))),
    );
    let id = egui::Id::unique(("rewrite-text", open.item.id, side));
    ScrollArea::vertical()
        .id_salt(("rewrite-scroll", side))
        .auto_shrink([false, false])
        .show(&mut area, |ui| {
            let mut layouter = |ui: &Ui, text: &dyn egui::TextBuffer, wrap: f32| {
                let mut job = LayoutJob::default();
                let format = TextFormat {
                    font_id: set.text(),
                    color: p.text,
                    line_height: Some(set.line),
                    ..Default::default()
                };
                job.append(text.as_str(), 0.0, format);
                job.wrap.max_width = wrap;
                ui.painter().layout_job(job)
            };
            let response = TextEdit::multiline(&mut text)
                .id(id)
                .frame(Frame::NONE)
                .margin(Margin::ZERO)
                .desired_width(f32::INFINITY)
                .desired_rows(8)
                .interactive(state.can_write() && state.overlay.is_none())
                .layouter(&mut layouter)
                .show(ui)
                .response;
            let value = text.clone();
            response.widget_info(|| {
                let mut info = WidgetInfo::text_edit(true, &value, &value, "");
                info.label = Some(told.clone());
                info
            });
            let fresh = ui.ctx().data_mut(|data| {
                let seen =
                    data.get_temp_mut_or_default::<Option<egui::Id>>(egui::Id::unique("rewriting"));
                seen.replace(id) != Some(id)
            });
            if fresh {
                // One begins at the top, where reading begins.
                let mut typed =
                    egui::text_edit::TextEditState::load(ui.ctx(), id).unwrap_or_default();
                let top = egui::text::CCursorRange::one(egui::text::CCursor::new(0));
                typed.cursor.set_char_range(Some(top));
                typed.store(ui.ctx(), id);
            }
            if fresh || ui.ctx().memory(|m| m.focused().is_none()) {
                response.request_focus();
            }
            if response.changed() {
                actions.push(Action::Rewrite {
                    side,
                    text: text.clone(),
                });
            }
        });
    let inner = lower.shrink2(vec2(20.0, 6.0));
    let mut area = ui.new_child(UiBuilder::new().id_salt(("changes", side)).max_rect(inner));
    ScrollArea::vertical()
        .id_salt(("changes-scroll", side))
        .auto_shrink([false, false])
        .show(&mut area, |ui| changed(ui, state, open, side, &set));
}

/// The text with what was taken away struck out and what was added underlined.
fn changed(ui: &mut Ui, _state: &AppState, open: &OpenItem, side: usize, set: &Setting) {
    let p = Palette::now(ui.ctx());
    let original = open.original(side).unwrap_or_default();
    let Some(text) = open.rewritten(side) else {
        controls::note(ui, words::NOTHING_CHANGED);
        return;
    };
    if original.len() + text.len() > LONG {
        controls::note(ui, words::TOO_LONG);
        return;
    }
    let sides = open.shown.len();
    let (ink, wash) = (p.side(side, sides), p.wash(side, sides));
    let mut job = LayoutJob::default();
    for (change, piece) in shortened(&changes(original, text, Duration::from_millis(4))) {
        let plain = TextFormat {
            font_id: set.text(),
            color: p.text_2,
            line_height: Some(set.line),
            ..Default::default()
        };
        let format = match change {
            Change::Kept => plain,
            Change::Taken => TextFormat {
                strikethrough: Stroke::new(1.5, p.text_3),
                color: p.text_3,
                background: p.sunken,
                ..plain
            },
            Change::Added => TextFormat {
                underline: Stroke::new(2.0, ink),
                color: p.text,
                background: wash,
                ..plain
            },
        };
        job.append(piece, 0.0, format);
    }
    job.wrap.max_width = ui.available_width() - 8.0;
    let response = ui.add(egui::Label::new(job).wrap().selectable(true));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Paragraph, true, words::CHANGES));
}

/// Long stretches that were kept are told by their ends only: what changed is what one looks for.
fn shortened<'a>(pieces: &[(Change, &'a str)]) -> Vec<(Change, &'a str)> {
    const ENDS: usize = 24;
    let mut shown: Vec<(Change, &'a str)> = vec![];
    let mut rest = pieces;
    while let Some((change, piece)) = rest.first() {
        let run = match change {
            Change::Kept => rest.iter().take_while(|(c, _)| *c == Change::Kept).count(),
            _ => 1,
        };
        if run <= 2 * ENDS + 8 {
            shown.extend(&rest[..run.max(1)]);
        } else {
            // At the ends of the text one end is enough.
            if !shown.is_empty() {
                shown.extend(&rest[..ENDS]);
            }
            shown.push((Change::Kept, " \u{2026} "));
            if run < rest.len() {
                shown.extend(&rest[run - ENDS..run]);
            }
        }
        debug_assert!(!piece.is_empty(), "a piece has letters");
        rest = &rest[run.max(1)..];
    }
    shown
}

/// The score of the rewrite, and how far it is from that of the response.
fn rescored(ui: &mut Ui, state: &AppState, open: &OpenItem, side: usize, text: &str) {
    if !state.scores_visible() {
        return;
    }
    let p = Palette::now(ui.ctx());
    let Some(before) = open.score(side).and_then(|s| s.as_ref().ok()) else {
        return;
    };
    let key = open.shown.get(side);
    let now = key
        .and_then(|key| open.rescored.get(key))
        .filter(|(t, _)| t == text);
    let told = match now {
        _ if open.rewritten(side).is_none() => format!("{:.2}", before.score),
        Some((_, Ok(score))) => {
            format!("{score:.2}  ({:+.2})", score - before.score)
        }
        Some((_, Err(why))) => why.clone(),
        None => words::SCORING.to_owned(),
    };
    let response = controls::text(
        ui,
        &told,
        theme::ui_bold(14.0),
        p.side(side, open.shown.len()),
    );
    let spoken = words::score_of(&told);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &spoken));
}
