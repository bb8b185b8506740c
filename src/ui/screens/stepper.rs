//! The form below one response at a time, in a small window: one step at a time.

use egui::{Align, Frame, Layout, Margin, Panel, ScrollArea, Stroke, StrokeKind, Ui, vec2};

use super::asks;
use super::form::{anchor, bar, card, doubt, neither};
use crate::app::form::{Field, characters, fields, letter, missing, reason_needed};
use crate::app::state::OpenItem;
use crate::app::words::{asked, form as words};
use crate::app::{Action, AppState};
use crate::domain::LabelSchema;
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

/// The form below the text of a small window: one step at a time.
pub fn stepper(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let (Some(schema), Some(open)) = (state.schema(), state.open_item()) else {
        return;
    };
    let writing = open.form.focus == Field::Justification;
    let height = match open.form.focus {
        _ if writing || !open.form.asked.is_empty() => 196.0,
        Field::Ranking => 212.0,
        _ => 148.0,
    };
    let frame = Frame::new()
        .fill(p.bg)
        .inner_margin(Margin::symmetric(20, 10));
    Panel::bottom("form")
        .exact_size(height)
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            let edge = ui.max_rect().expand2(vec2(20.0, 10.0));
            ui.painter()
                .hline(edge.x_range(), edge.top() + 0.5, Stroke::new(1.0, p.rule));
            controls::landmark(ui, edge, words::FORM);
            steps(ui, state, schema, open, actions);
            ui.add_space(space::S);
            doubt(ui, state, open);
            match open.form.focus {
                Field::Rating { side, .. } => rating_step(ui, state, schema, open, side, actions),
                Field::Preference => {
                    ui.horizontal(|ui| {
                        bar(
                            ui,
                            state,
                            schema,
                            open,
                            (ui.available_width() - 290.0).min(560.0),
                            actions,
                        );
                        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                            next_button(ui, state, schema, open, actions);
                            if schema.allow_neither {
                                neither(ui, state, open, actions);
                            }
                        });
                    });
                }
                Field::Ranking | Field::Tags | Field::Confidence => {
                    ui.horizontal_top(|ui| {
                        let width = (ui.available_width() - 190.0).min(560.0);
                        ui.vertical(|ui| {
                            ui.set_width(width);
                            ScrollArea::vertical().id_salt("asks").show(ui, |ui| {
                                ui.add_space(4.0);
                                match open.form.focus {
                                    Field::Ranking => {
                                        asks::ranking(ui, state, open, width - 16.0, actions);
                                    }
                                    Field::Tags => asks::tags(ui, state, schema, open, actions),
                                    _ => asks::confidence(ui, state, open, actions),
                                }
                            });
                        });
                        ui.with_layout(Layout::top_down(Align::Max), |ui| {
                            next_button(ui, state, schema, open, actions);
                        });
                    });
                }
                Field::Justification => {
                    ui.horizontal_top(|ui| {
                        card(
                            ui,
                            state,
                            open,
                            (ui.available_width() - 190.0).min(680.0),
                            4,
                            actions,
                        );
                        ui.with_layout(Layout::top_down(Align::Max), |ui| {
                            next_button(ui, state, schema, open, actions);
                            ui.add_space(space::XS);
                            let count = characters(&open.form.draft.judgment.justification);
                            let needed = reason_needed(schema, open.shown.len());
                            let text = words::characters_of(count, needed);
                            controls::text(ui, &text, theme::ui(theme::SMALL), p.text_3);
                            controls::text(
                                ui,
                                &words::commit_by_key(&state.key("commit")),
                                theme::ui(theme::SMALL),
                                p.text_3,
                            );
                        });
                    });
                }
            }
        });
}

fn steps(
    ui: &mut Ui,
    state: &AppState,
    schema: &LabelSchema,
    open: &OpenItem,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let sides = open.shown.len();
    let open_fields = missing(schema, &open.shown, &open.form.draft.judgment);
    let rated = if schema.asks_ratings() { sides } else { 0 };
    let mut steps: Vec<(String, Field, bool, bool)> = (0..rated)
        .map(|side| {
            let here = matches!(open.form.focus, Field::Rating { side: s, .. } if s == side);
            let done = !open_fields
                .iter()
                .any(|f| matches!(f, Field::Rating { side: s, .. } if *s == side));
            (
                words::rate(&letter(side)),
                Field::Rating { side, attribute: 0 },
                here,
                done,
            )
        })
        .collect();
    let judgment = &open.form.draft.judgment;
    for field in fields(schema, sides) {
        let (name, said) = match field {
            Field::Rating { .. } => continue,
            Field::Preference => (words::COMPARE, judgment.preference.is_some()),
            Field::Ranking => (words::RANK, !judgment.ranking.is_empty()),
            Field::Justification => (asked::WHY, !judgment.justification.is_empty()),
            Field::Tags => (asked::REASONS, !judgment.tags.is_empty()),
            Field::Confidence => (asked::HOW_SURE, judgment.confidence.is_some()),
        };
        let done = said && !open_fields.contains(&field);
        steps.push((name.to_owned(), field, open.form.focus == field, done));
    }
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        for (at, (name, field, here, done)) in steps.into_iter().enumerate() {
            let label = format!("{} {name}{}", at + 1, if done { " ✓" } else { "" });
            let font = if here {
                theme::ui_bold(12.0)
            } else {
                theme::ui(12.0)
            };
            let galley = ui.painter().layout_no_wrap(
                label.clone(),
                font,
                if here { p.text } else { p.text_2 },
            );
            let size = galley.size() + vec2(16.0, 6.0);
            let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
            let stroke = if here {
                Stroke::new(1.5, p.text)
            } else {
                Stroke::new(1.0, p.rule)
            };
            ui.painter()
                .rect(rect, 3.0, p.panel, stroke, StrokeKind::Inside);
            ui.painter()
                .galley(rect.center() - galley.size() / 2.0, galley, p.text);
            response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Tab, true, here, &name));
            if response.clicked() {
                actions.push(Action::Focus(field));
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // Where the ratings take all the room, what goes on stands here.
            if narrow(ui) && matches!(open.form.focus, Field::Rating { .. }) {
                next_button(ui, state, schema, open, actions);
            } else if sides > 1 {
                let small = theme::ui(theme::SMALL);
                controls::text(ui, words::FLIP_TOLD, small, p.text_3);
                controls::key_cap(ui, &state.key("flip"));
            }
        });
    });
}

/// Whether five ratings and a button do not fit beside each other.
fn narrow(ui: &Ui) -> bool {
    ui.ctx().content_rect().width() < 860.0
}

fn rating_step(
    ui: &mut Ui,
    state: &AppState,
    schema: &LabelSchema,
    open: &OpenItem,
    side: usize,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 16.0;
        for (at, attribute) in schema.attributes.iter().enumerate() {
            ui.vertical(|ui| {
                controls::text(ui, &attribute.title, theme::ui(12.0), p.text);
                let level = open
                    .shown
                    .get(side)
                    .and_then(|k| open.form.draft.judgment.ratings.get(*k, &attribute.name));
                let focused = open.form.focus
                    == Field::Rating {
                        side,
                        attribute: at,
                    };
                let level = level.map(|l| l as i32);
                let cell = vec2(20.0, 26.0);
                if let Some(level) = controls::rating(
                    ui,
                    attribute,
                    &letter(side),
                    level,
                    focused,
                    state.can_write(),
                    cell,
                ) {
                    actions.push(Action::Rate {
                        side,
                        attribute: at,
                        level,
                    });
                }
            });
        }
        if !narrow(ui) {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                next_button(ui, state, schema, open, actions);
            });
        }
    });
    ui.add_space(space::S);
    anchor(ui, schema, open);
}

fn next_button(
    ui: &mut Ui,
    state: &AppState,
    schema: &LabelSchema,
    open: &OpenItem,
    actions: &mut Vec<Action>,
) {
    let complete = missing(schema, &open.shown, &open.form.draft.judgment).is_empty();
    let last = fields(schema, open.shown.len()).last() == Some(&open.form.focus);
    let label = if complete || last {
        words::COMMIT
    } else {
        words::NEXT_FIELD
    };
    if controls::button(ui, label, true, state.can_write(), vec2(96.0, 34.0)).clicked() {
        actions.push(Action::CommitOrMissing);
    }
}
