//! What a schema may ask beside ratings, preference and reason: a ranking, reason tags, how sure one is.

use egui::{
    Align2, Frame, Margin, Panel, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use crate::app::form::{Field, letter};
use crate::app::state::OpenItem;
use crate::app::words::{asked, everywhere, form as words};
use crate::app::{Action, AppState};
use crate::domain::{LabelSchema, ResponseKey};
use crate::text::preview;
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

/// Height of a card of the ranking.
const CARD: f32 = 34.0;

/// The responses in their order, best first. Letters and place only: more than two hues are not told apart by everybody.
pub fn ranking(
    ui: &mut Ui,
    state: &AppState,
    open: &OpenItem,
    width: f32,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let judgment = &open.form.draft.judgment;
    let begun = !judgment.ranking.is_empty();
    // Until a card is picked they lie as they stand, and nothing is said.
    let groups: Vec<Vec<ResponseKey>> = if begun {
        judgment.ranking.clone()
    } else {
        open.shown.iter().map(|key| vec![*key]).collect()
    };
    let focused = open.form.focus == Field::Ranking;
    let top = ui.cursor().min;
    let mut place = 1;
    ui.spacing_mut().item_spacing.y = 4.0;
    for tied in &groups {
        for key in tied {
            let Some(side) = open.shown.iter().position(|k| k == key) else {
                continue;
            };
            let (rect, response) = ui.allocate_exact_size(vec2(width, CARD), Sense::click());
            let held = focused && open.form.held == Some(side);
            let ground = if held { p.sunken } else { p.panel };
            let stroke = Stroke::new(
                if held { 2.0 } else { 1.0 },
                if held { p.text } else { p.rule },
            );
            ui.painter()
                .rect(rect, 3.0, ground, stroke, StrokeKind::Inside);
            let y = rect.center().y;
            let number = if begun {
                format!("{place}")
            } else {
                "·".to_owned()
            };
            let write = |x: f32, text: &str, font, color| {
                ui.painter().with_clip_rect(rect.shrink(2.0)).text(
                    pos2(rect.left() + x, y),
                    Align2::LEFT_CENTER,
                    text,
                    font,
                    color,
                );
            };
            write(10.0, &number, theme::ui(12.0), p.text_3);
            write(32.0, &letter(side), theme::ui_bold(14.0), p.text);
            let text = open
                .response(side)
                .and_then(|r| r.turns.last())
                .map_or(String::new(), |t| preview::first_line(&t.content, 60));
            write(54.0, &text, theme::ui(12.0), p.text_2);
            if tied.len() > 1 {
                let line =
                    Rect::from_min_size(pos2(rect.right() - 5.0, rect.top()), vec2(2.0, CARD));
                ui.painter().rect_filled(line, 0.0, p.text);
            }
            let told = if begun {
                let ranked = if tied.len() > 1 {
                    words::ranked_tied
                } else {
                    words::ranked
                };
                ranked(&letter(side), place, groups.len())
            } else {
                words::not_ranked(&letter(side))
            };
            response.widget_info(|| {
                WidgetInfo::selected(Role::ListItem, state.can_write(), held, &told)
            });
            if response.clicked() && state.can_write() {
                actions.push(Action::PickCard(side));
            }
        }
        place += 1;
    }
    let whole = Rect::from_min_max(top, pos2(top.x + width, ui.cursor().min.y - 4.0));
    if focused {
        controls::focus_ring(ui.painter(), whole, p);
    }
    ui.add_space(2.0);
    controls::text(ui, words::RANKING_KEYS, theme::ui(theme::SMALL), p.text_3);
}

/// Reason tags of the schema.
pub fn tags(
    ui: &mut Ui,
    state: &AppState,
    schema: &LabelSchema,
    open: &OpenItem,
    actions: &mut Vec<Action>,
) {
    let chosen = &open.form.draft.judgment.tags;
    let focused = open.form.focus == Field::Tags;
    let inner = ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for (at, tag) in schema.tags.iter().enumerate() {
            let number = if focused && at < 9 {
                Some(at + 1)
            } else {
                None
            };
            if toggle(ui, tag, number, chosen.contains(tag), state.can_write()) {
                actions.push(Action::ToggleTag(at));
            }
        }
    });
    if focused {
        controls::focus_ring(ui.painter(), inner.response.rect, Palette::now(ui.ctx()));
    }
}

/// The marked spans: what, why, and a way to take each away. The one in hand waits for its tag.
pub fn marks(ui: &mut Ui, state: &AppState, open: &OpenItem, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let enabled = state.can_write();
    ui.spacing_mut().item_spacing.y = 4.0;
    for (at, mark) in open.form.draft.judgment.marks.iter().enumerate() {
        let side = open.shown.iter().position(|k| *k == mark.response);
        let Some(side) = side else { continue };
        let held = open.form.marking == Some(at);
        let text = everywhere::quoted(&preview::first_line(&mark.span.text, 60));
        let told = match &mark.tag {
            Some(tag) => words::marked_for(&letter(side), &text, tag),
            None => words::marked(&letter(side), &text),
        };
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let why = match &mark.tag {
                Some(tag) => tag.as_str(),
                None => "",
            };
            let why = ui.painter().layout_no_wrap(
                why.to_owned(),
                theme::ui_medium(theme::SMALL),
                p.text_2,
            );
            let width = ui.available_width() - 42.0;
            let (rect, response) = ui.allocate_exact_size(vec2(width, 28.0), Sense::click());
            let write = |x: f32, text: &str, font, color, right: f32| {
                let room = Rect::from_min_max(rect.min, pos2(right, rect.bottom()));
                let at = pos2(rect.left() + x, rect.center().y);
                let painter = ui.painter().with_clip_rect(room);
                painter.text(at, Align2::LEFT_CENTER, text, font, color);
            };
            let end = rect.right() - why.size().x - 8.0;
            let color = p.side(side, open.shown.len());
            write(4.0, &letter(side), theme::ui_bold(12.0), color, end);
            write(22.0, &text, theme::ui(12.0), p.text, end - 4.0);
            let at_right = pos2(end, rect.center().y - why.size().y / 2.0);
            ui.painter().galley(at_right, why, p.text_2);
            response.widget_info(|| WidgetInfo::selected(Role::ListItem, enabled, held, &told));
            if held {
                controls::focus_ring(ui.painter(), rect, p);
            }
            if response.clicked() {
                actions.push(Action::PickMark(at));
            }
            let close = controls::button(ui, "×", false, enabled, vec2(28.0, 28.0));
            close.widget_info(|| {
                WidgetInfo::labeled(Role::Button, enabled, words::take_mark_away(&told))
            });
            if close.on_hover_text(words::TAKE_MARK_AWAY).clicked() {
                actions.push(Action::Unmark(at));
            }
        });
    }
}

/// Why the mark in hand was made: the schema's tags by digit, below the text where the eyes are.
pub fn mark_bar(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let (Some(at), Some(open), Some(schema)) = (state.marking(), state.open_item(), state.schema())
    else {
        return;
    };
    let Some(mark) = open.form.draft.judgment.marks.get(at) else {
        return;
    };
    let p = Palette::now(ui.ctx());
    let side = open.shown.iter().position(|k| *k == mark.response);
    let text = everywhere::quoted(&preview::first_line(&mark.span.text, 40));
    let told = words::marked(&side.map_or_else(String::new, letter), &text);
    let frame = Frame::new()
        .fill(p.sunken)
        .inner_margin(Margin::symmetric(20, 8));
    Panel::bottom("mark")
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            let edge = ui.max_rect().expand2(vec2(20.0, 8.0));
            ui.painter()
                .hline(edge.x_range(), edge.top(), Stroke::new(1.0, p.rule));
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
                ui.spacing_mut().interact_size.y = 28.0;
                let response = controls::text(ui, &told, theme::ui_medium(theme::UI), p.text);
                response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &told));
                ui.add_space(space::S);
                for (tag, word) in schema.tags.iter().enumerate() {
                    let number = (tag < 9).then_some(tag + 1);
                    let on = mark.tag.as_ref() == Some(word);
                    if toggle(ui, word, number, on, state.can_write()) {
                        actions.push(Action::TagMark(tag));
                    }
                }
                ui.add_space(space::S);
                controls::key_cap(ui, &state.key("clear-field"));
                controls::text(ui, words::TAKE_MARK_AWAY, theme::ui(theme::SMALL), p.text_3);
                controls::key_cap(ui, &state.key("close"));
                controls::text(ui, words::MARK_UNTAGGED, theme::ui(theme::SMALL), p.text_3);
            });
        });
}

/// How sure the annotator is.
pub fn confidence(ui: &mut Ui, state: &AppState, open: &OpenItem, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let level = open.form.draft.judgment.confidence;
    let focused = open.form.focus == Field::Confidence;
    let inner = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        for (value, word) in (1u8..).zip(asked::SURENESS.iter().copied()) {
            let (rect, response) = ui.allocate_exact_size(vec2(28.0, 28.0), Sense::click());
            let filled = level.is_some_and(|l| value <= l);
            let ground = if filled { p.ink[3] } else { p.panel };
            ui.painter().rect(
                rect,
                3.0,
                ground,
                Stroke::new(1.0, p.control),
                StrokeKind::Inside,
            );
            let color = if filled { p.on_ink(3) } else { p.text_2 };
            ui.painter().text(
                rect.center(),
                Align2::CENTER_CENTER,
                value.to_string(),
                theme::ui_bold(12.0),
                color,
            );
            let told = asked::sureness_is(value, word);
            response.widget_info(|| {
                WidgetInfo::selected(
                    Role::RadioButton,
                    state.can_write(),
                    level == Some(value),
                    &told,
                )
            });
            if response.on_hover_text(word).clicked() && state.can_write() {
                actions.push(Action::Confidence(value));
            }
        }
        ui.add_space(space::S);
        if let Some(word) = level.and_then(|l| asked::SURENESS.get(usize::from(l).wrapping_sub(1)))
        {
            controls::text(ui, word, theme::ui_medium(theme::SMALL), p.text);
        }
    });
    if focused {
        controls::focus_ring(ui.painter(), inner.response.rect, p);
    }
}

/// A word that is on or off; true when it was pressed.
fn toggle(ui: &mut Ui, word: &str, number: Option<usize>, on: bool, enabled: bool) -> bool {
    let p = Palette::now(ui.ctx());
    let label = match number {
        Some(number) => format!("{number}  {word}"),
        None => word.to_owned(),
    };
    let font = if on {
        theme::ui_bold(12.0)
    } else {
        theme::ui(12.0)
    };
    let color = if on { p.bg } else { p.text_2 };
    let galley = ui.painter().layout_no_wrap(label, font, color);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(16.0, 10.0), Sense::click());
    let (ground, stroke) = if on {
        (p.text, p.text)
    } else {
        (p.panel, p.control)
    };
    ui.painter().rect(
        rect,
        3.0,
        ground,
        Stroke::new(1.0, stroke),
        StrokeKind::Inside,
    );
    ui.painter()
        .galley(rect.center() - galley.size() / 2.0, galley, color);
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, enabled, on, word));
    response.clicked() && enabled
}
