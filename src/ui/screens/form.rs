//! The form: as a dock at the right of a wide window, or as a stepper below one response at a time.

use egui::{
    Align, Frame, Layout, Margin, Panel, RichText, ScrollArea, Stroke, StrokeKind, TextEdit, Ui,
    vec2,
};

use super::asks;
use crate::app::form::{
    Field, bar_position, characters, compared_side_by_side, letter, missing, missing_text,
    reason_needed,
};
use crate::app::state::OpenItem;
use crate::app::words::{asked, form as words};
use crate::app::{Action, AppState, Overlay};
use crate::domain::{LabelSchema, Preference, ScorePolicy};
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::{controls, icons};

/// Width of the form's content in the dock.
const FORM: f32 = 316.0;

/// Identity of the justification's text field.
pub const WHY: &str = "justification";

/// Identity of the justification's text field for an item.
pub fn why_id(open: &OpenItem) -> egui::Id {
    egui::Id::unique((WHY, open.item.id))
}

/// Whether the form is at the comparison, where both responses are shown even in a small window.
pub fn comparing(state: &AppState) -> bool {
    !matches!(state.focus(), None | Some(Field::Rating { .. }))
        && state.open_item().is_some_and(|o| o.shown.len() == 2)
}

/// Whether a wide window shows one response alone: sequential labels rate each by itself.
pub fn alone(state: &AppState) -> bool {
    let done = state.open_item().is_some_and(OpenItem::committed);
    match (state.schema(), state.focus()) {
        _ if done => false,
        (Some(schema), Some(focus)) => !compared_side_by_side(schema, focus),
        _ => false,
    }
}

/// The form at the right of a wide window.
pub fn dock(ui: &mut Ui, state: &AppState, width: f32, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let (Some(schema), Some(open)) = (state.schema(), state.open_item()) else {
        return;
    };
    let frame = Frame::new()
        .fill(p.bg)
        .inner_margin(Margin::symmetric(20, 16));
    Panel::right("form")
        .exact_size(width)
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            let edge = ui.max_rect().expand2(vec2(20.0, 16.0));
            ui.painter()
                .vline(edge.left() + 0.5, edge.y_range(), Stroke::new(1.0, p.rule));
            controls::landmark(ui, edge, words::FORM);
            // What commits is always in view, however much is asked.
            Panel::bottom("deeds")
                .resizable(false)
                .show_separator_line(false)
                .frame(Frame::new().fill(p.bg))
                .show(ui, |ui| {
                    ui.set_max_width(FORM);
                    ui.add_space(space::S);
                    deeds(ui, state, schema, open, actions);
                });
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    // Room for the focus ring within the scrolled area.
                    ui.add_space(4.0);
                    ui.set_max_width(FORM);
                    let sides = open.shown.len();
                    if schema.asks_ratings() {
                        ratings_table(ui, state, schema, open, actions);
                    }
                    if schema.asks_preference(sides) {
                        compare(ui, state, schema, open, actions);
                    }
                    if schema.asks_ranking(sides) {
                        ui.add_space(space::M);
                        section(ui, asked::RANKING, words::RANKING_HINT);
                        ui.add_space(6.0);
                        asks::ranking(ui, state, open, ui.available_width() - 4.0, actions);
                    }
                    if schema.asks_reason() {
                        why(ui, state, schema, open, 5, actions);
                    } else if schema.allow_neither && schema.asks_preference(sides) {
                        ui.add_space(space::S);
                        ui.horizontal(|ui| neither(ui, state, open, actions));
                    }
                    if !schema.tags.is_empty() {
                        ui.add_space(space::M);
                        section(ui, asked::REASONS, "1–9");
                        ui.add_space(6.0);
                        asks::tags(ui, state, schema, open, actions);
                    }
                    if !open.form.draft.judgment.marks.is_empty() {
                        ui.add_space(space::M);
                        section(ui, asked::MARKED, &state.key("mark"));
                        ui.add_space(6.0);
                        asks::marks(ui, state, open, actions);
                    }
                    if schema.confidence {
                        ui.add_space(space::M);
                        section(ui, asked::HOW_SURE, "1–5");
                        ui.add_space(6.0);
                        asks::confidence(ui, state, open, actions);
                    }
                    ui.add_space(space::S);
                });
        });
}

fn section(ui: &mut Ui, title: &str, hint: &str) {
    let p = Palette::now(ui.ctx());
    ui.horizontal(|ui| {
        controls::text(ui, title, theme::ui_bold(theme::UI), p.text);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            controls::text(ui, hint, theme::ui(theme::SMALL), p.text_3);
        });
    });
}

/// Attributes down, responses across; more than two responses are rated one by one.
fn ratings_table(
    ui: &mut Ui,
    state: &AppState,
    schema: &LabelSchema,
    open: &OpenItem,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    if schema.attributes.is_empty() {
        return;
    }
    section(ui, asked::RATINGS, words::RATINGS_HINT);
    let sides: Vec<usize> = if open.shown.len() <= 2 {
        (0..open.shown.len()).collect()
    } else {
        vec![state.side]
    };
    let cell = vec2(19.0, 26.0);
    let columns = vec2(19.0 * 5.0 + 8.0, 26.0);
    let label = 92.0;
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space(label);
        for side in &sides {
            let (rect, _) =
                ui.allocate_exact_size(vec2(columns.x + 12.0, 16.0), egui::Sense::hover());
            let at = rect.left_center() + vec2(2.0, 0.0);
            let color = p.side(*side, open.shown.len());
            ui.painter().text(
                at,
                egui::Align2::LEFT_CENTER,
                letter(*side),
                theme::ui_bold(theme::UI),
                color,
            );
        }
    });
    for (at, attribute) in schema.attributes.iter().enumerate() {
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let (rect, response) = ui.allocate_exact_size(vec2(label, 28.0), egui::Sense::hover());
            let lift = if attribute.descriptive { -6.0 } else { 0.0 };
            let pos = rect.left_center() + vec2(0.0, lift);
            ui.painter().text(
                pos,
                egui::Align2::LEFT_CENTER,
                &attribute.title,
                theme::ui(theme::UI),
                p.text,
            );
            if attribute.descriptive {
                let below = rect.left_center() + vec2(0.0, 8.0);
                ui.painter().text(
                    below,
                    egui::Align2::LEFT_CENTER,
                    words::DESCRIPTIVE,
                    theme::ui(10.5),
                    p.text_3,
                );
            }
            response.on_hover_text(&attribute.question);
            for side in &sides {
                let level = open
                    .shown
                    .get(*side)
                    .and_then(|k| open.form.draft.judgment.ratings.get(*k, &attribute.name));
                let focused = open.form.focus
                    == Field::Rating {
                        side: *side,
                        attribute: at,
                    };
                let level = level.map(|l| l as i32);
                let enabled = state.can_write();
                if let Some(level) =
                    controls::rating(ui, attribute, &letter(*side), level, focused, enabled, cell)
                {
                    actions.push(Action::Rate {
                        side: *side,
                        attribute: at,
                        level,
                    });
                }
                if *side == 0 {
                    ui.add_space(12.0);
                }
            }
        });
    }
    ui.add_space(space::M);
    anchor(ui, schema, open);
}

/// What the focused level means; nothing of the others.
pub(super) fn anchor(ui: &mut Ui, schema: &LabelSchema, open: &OpenItem) {
    let p = Palette::now(ui.ctx());
    let line = |ui: &mut Ui, strong: &str, rest: &str| {
        let mut job = egui::text::LayoutJob {
            wrap: egui::text::TextWrapping {
                max_width: ui.available_width() - 12.0,
                ..Default::default()
            },
            ..Default::default()
        };
        let format = |font, color| egui::text::TextFormat {
            font_id: font,
            color,
            line_height: Some(18.0),
            ..Default::default()
        };
        job.append(strong, 0.0, format(theme::ui_bold(12.0), p.text));
        job.append(rest, 0.0, format(theme::ui(12.0), p.text_2));
        let galley = ui.painter().layout_job(job);
        let height = galley.size().y.max(36.0);
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), height), egui::Sense::hover());
        ui.painter()
            .vline(rect.left() + 1.0, rect.y_range(), Stroke::new(2.0, p.rule));
        let told = galley.text().to_owned();
        ui.painter()
            .galley(rect.min + vec2(10.0, 0.0), galley, p.text);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Note, true, &told));
    };
    match open.form.focus {
        Field::Rating { side, attribute } => {
            let Some(attribute) = schema.attributes.get(attribute) else {
                return;
            };
            let level = open
                .shown
                .get(side)
                .and_then(|k| open.form.draft.judgment.ratings.get(*k, &attribute.name));
            match level {
                Some(level) => {
                    let anchor = attribute
                        .anchors
                        .get((level as i32 - attribute.min) as usize)
                        .map_or("", String::as_str);
                    line(
                        ui,
                        &format!("{level} · {anchor}. "),
                        &format!("{}: {}", attribute.title, lower(&attribute.question)),
                    );
                }
                None => line(
                    ui,
                    &format!("{} ", attribute.question),
                    &attribute
                        .anchors
                        .iter()
                        .enumerate()
                        .map(|(i, a)| format!("{} {a}", i as i32 + attribute.min))
                        .collect::<Vec<_>>()
                        .join(" · "),
                ),
            }
        }
        Field::Preference => line(ui, asked::PREFERENCE_QUESTION, asked::PREFERENCE_KEYS),
        Field::Justification => line(ui, asked::WHY_QUESTION, asked::WHY_TOLD),
        Field::Ranking | Field::Tags | Field::Confidence => {}
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|c| c.to_lowercase().to_string())
        .unwrap_or_default()
        + chars.as_str()
}

fn compare(
    ui: &mut Ui,
    state: &AppState,
    schema: &LabelSchema,
    open: &OpenItem,
    actions: &mut Vec<Action>,
) {
    ui.add_space(space::M);
    section(
        ui,
        asked::PREFERENCE,
        if schema.allow_tie {
            "1–7"
        } else {
            "1–3, 5–7"
        },
    );
    ui.add_space(6.0);
    bar(ui, state, schema, open, ui.available_width() - 4.0, actions);
}

pub(super) fn bar(
    ui: &mut Ui,
    state: &AppState,
    schema: &LabelSchema,
    open: &OpenItem,
    width: f32,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let position = bar_position(&open.form.draft.judgment, &open.shown);
    let focused = open.form.focus == Field::Preference;
    let max = i32::from(schema.max_strength);
    ui.vertical(|ui| {
        ui.set_width(width);
        let size = vec2(width, 34.0);
        let clicked = controls::preference(
            ui,
            position,
            max,
            schema.allow_tie,
            focused,
            state.can_write(),
            size,
        );
        if let Some(position) = clicked {
            actions.push(Action::Prefer(position));
        }
        ui.add_space(2.0);
        ui.horizontal(|ui| {
            let small = theme::ui(theme::SMALL);
            controls::text(ui, words::LEFT_END, small.clone(), p.text_3);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                controls::text(ui, words::RIGHT_END, small, p.text_3);
                ui.with_layout(
                    Layout::centered_and_justified(egui::Direction::LeftToRight),
                    |ui| {
                        let said = match (open.form.draft.judgment.preference, position) {
                            (Some(Preference::NeitherValid), _) => asked::NEITHER_VALID.to_owned(),
                            (_, Some(position)) => controls::preference_words(position, "A", "B"),
                            _ => String::new(),
                        };
                        controls::text(ui, &said, theme::ui_medium(theme::SMALL), p.text);
                    },
                );
            });
        });
    });
}

/// The reason, on a lined card.
fn why(
    ui: &mut Ui,
    state: &AppState,
    schema: &LabelSchema,
    open: &OpenItem,
    rows: usize,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    ui.add_space(space::M);
    ui.horizontal(|ui| {
        controls::text(ui, asked::WHY, theme::ui_bold(theme::UI), p.text);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            controls::key_cap(ui, &state.key("justify"))
        });
    });
    ui.add_space(6.0);
    card(ui, state, open, ui.available_width() - 4.0, rows, actions);
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        let count = characters(&open.form.draft.judgment.justification);
        let needed = reason_needed(schema, open.shown.len());
        let text = if needed > 0 {
            words::characters_needed(count, needed)
        } else {
            words::characters(count)
        };
        controls::text(ui, &text, theme::ui(theme::SMALL), p.text_3);
        if schema.allow_neither && schema.asks_preference(open.shown.len()) {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                neither(ui, state, open, actions);
            });
        }
    });
}

pub(super) fn neither(ui: &mut Ui, state: &AppState, open: &OpenItem, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let chosen = open.form.draft.judgment.preference == Some(Preference::NeitherValid);
    let response = controls::key_cap(ui, &state.key("neither"));
    let font = if chosen {
        theme::ui_bold(theme::SMALL)
    } else {
        theme::ui(theme::SMALL)
    };
    let label = controls::text(
        ui,
        asked::NEITHER_VALID,
        font,
        if chosen { p.text } else { p.text_2 },
    );
    let label = label.interact(egui::Sense::click());
    label.widget_info(|| {
        egui::WidgetInfo::selected(
            egui::Role::CheckBox,
            state.can_write(),
            chosen,
            asked::NEITHER_VALID,
        )
    });
    if label.clicked() || response.interact(egui::Sense::click()).clicked() {
        actions.push(Action::NeitherValid);
    }
}

pub(super) fn card(
    ui: &mut Ui,
    state: &AppState,
    open: &OpenItem,
    width: f32,
    rows: usize,
    actions: &mut Vec<Action>,
) {
    const LINE: f32 = 24.0;
    let p = Palette::now(ui.ctx());
    let focused = open.form.focus == Field::Justification;
    let height = rows as f32 * LINE + 12.0;
    let (rect, _) = ui.allocate_exact_size(vec2(width, height), egui::Sense::hover());
    let border = if focused { p.text } else { p.control };
    ui.painter().rect(
        rect,
        3.0,
        p.panel,
        Stroke::new(1.0, border),
        StrokeKind::Inside,
    );
    for row in 1..rows {
        let y = rect.top() + 6.0 + row as f32 * LINE;
        ui.painter().hline(
            rect.left() + 8.0..=rect.right() - 8.0,
            y,
            Stroke::new(1.0, p.ink[0]),
        );
    }
    // One text field per item: its own undo must not bring back what was said of another.
    let id = why_id(open);
    let mut text = open.form.draft.judgment.justification.clone();
    let text_length = text.chars().count();
    let mut inner = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink2(vec2(6.0, 6.0))));
    let output = ScrollArea::vertical()
        .id_salt("why")
        .auto_shrink([false, false])
        .show(&mut inner, |ui| {
            let mut layouter = |ui: &Ui, text: &dyn egui::TextBuffer, wrap: f32| {
                let mut job = egui::text::LayoutJob::default();
                let format = egui::text::TextFormat {
                    font_id: theme::serif(15.5),
                    color: p.text,
                    line_height: Some(LINE),
                    ..Default::default()
                };
                job.append(text.as_str(), 0.0, format);
                job.wrap.max_width = wrap;
                ui.painter().layout_job(job)
            };
            TextEdit::multiline(&mut text)
                .id(id)
                .frame(Frame::NONE)
                .margin(Margin::symmetric(6, 0))
                .desired_width(f32::INFINITY)
                .desired_rows(rows)
                .interactive(state.can_write() && state.overlay.is_none())
                .layouter(&mut layouter)
                .hint_text(
                    RichText::new(asked::WHY_HINT)
                        .font(theme::serif(15.5))
                        .color(p.text_3),
                )
                .show(ui)
                .response
        });
    let response = output.inner.response;
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::text_edit(true, &text, &text, asked::WHY_HINT);
        info.label = Some(asked::JUSTIFICATION.to_owned());
        info
    });
    if response.changed() {
        actions.push(Action::Justify(text));
    }
    if state.enter_text && focused && state.reading() {
        response.request_focus();
        if let Some(caret) = open.place.as_ref().and_then(|place| place.caret) {
            let at = egui::text::CCursor::new(caret.min(text_length));
            let mut typed = egui::text_edit::TextEditState::load(ui.ctx(), id).unwrap_or_default();
            let range = egui::text::CCursorRange::one(at);
            typed.cursor.set_char_range(Some(range));
            typed.store(ui.ctx(), id);
        }
        actions.push(Action::TextEntered);
    } else if !focused && response.gained_focus() {
        actions.push(Action::Focus(Field::Justification));
    } else if !focused && response.has_focus() {
        response.surrender_focus();
    }
    if focused {
        controls::focus_ring(ui.painter(), rect, p);
    }
}

/// What was asked before the commit: an open question, never a refusal.
pub(super) fn doubt(ui: &mut Ui, state: &AppState, open: &OpenItem) -> bool {
    let p = Palette::now(ui.ctx());
    let commit = state.commit_key();
    let asked: Vec<String> = open
        .form
        .asked
        .iter()
        .filter_map(|d| crate::app::words::question(*d, &commit))
        .collect();
    for question in &asked {
        ui.horizontal_top(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(14.0, 16.0), egui::Sense::hover());
            let square = egui::Rect::from_center_size(rect.center(), vec2(12.0, 11.0));
            icons::warning(ui.painter(), square, p.text);
            let text = RichText::new(question)
                .font(theme::ui_medium(12.0))
                .color(p.text);
            let response = ui.add(egui::Label::new(text).wrap());
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Alert, true, question));
        });
    }
    !asked.is_empty()
}

fn deeds(
    ui: &mut Ui,
    state: &AppState,
    schema: &LabelSchema,
    open: &OpenItem,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let missing = missing(schema, &open.shown, &open.form.draft.judgment);
    let writable = state.can_write();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        let width = ui.available_width() - 4.0 - 64.0 - 58.0 - 2.0 * space::S;
        let label = if open.committed() && !open.form.touched {
            words::LABELLED
        } else {
            words::COMMIT
        };
        if controls::button(ui, label, missing.is_empty(), writable, vec2(width, 36.0)).clicked() {
            actions.push(Action::CommitOrMissing);
        }
        if controls::button(ui, words::SKIP, false, writable, vec2(64.0, 36.0)).clicked() {
            actions.push(Action::Open(Overlay::Skip));
        }
        let flagged = open.flag.is_some();
        if controls::button(
            ui,
            if flagged { words::UNFLAG } else { words::FLAG },
            false,
            writable,
            vec2(58.0, 36.0),
        )
        .clicked()
        {
            actions.push(Action::ToggleFlag);
        }
    });
    ui.add_space(space::S);
    let told = if writable {
        missing_text(
            &missing,
            schema,
            open.shown.len(),
            &open.form.draft.judgment,
            &state.commit_key(),
        )
    } else {
        words::READ_ONLY.to_owned()
    };
    let text = RichText::new(&told)
        .font(theme::ui(theme::SMALL))
        .color(p.text_2);
    let doubted = doubt(ui, state, open);
    if !doubted {
        ui.add(egui::Label::new(text).wrap());
    }
    let sealed = state
        .project
        .as_ref()
        .is_some_and(|p| p.info.policy == ScorePolicy::Sealed);
    if sealed && open.committed() && open.form.touched {
        let told = words::SCORES_SHOWN;
        controls::note(ui, told);
    }
    if let Some(note) = open.flag.as_ref().filter(|n| !n.is_empty()) {
        let text = RichText::new(words::flagged(note))
            .font(theme::ui(theme::SMALL))
            .color(p.text_2);
        ui.add(egui::Label::new(text).wrap());
    }
}
