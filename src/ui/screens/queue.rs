//! The list of items: find one, see what has been done, open it.

use egui::{
    Align, Frame, Layout, Margin, Panel, Rect, Role, ScrollArea, Sense, Stroke, TextEdit, Ui,
    WidgetInfo, vec2,
};

use crate::app::state::ModelState;
use crate::app::words::{everywhere, queue as words};
use crate::app::{Action, AppState};
use crate::domain::ScorePolicy;
use crate::store::Status;
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::{controls, icons};

const ROW: f32 = 30.0;

/// Shows the screen.
pub fn show(ui: &mut Ui, state: &mut AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let frame = Frame::new()
        .fill(p.bg)
        .inner_margin(Margin::symmetric(24, 12));
    Panel::top("filter")
        .exact_size(56.0)
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let mut text = state.queue.search.clone();
                let edit = TextEdit::singleline(&mut text)
                    .hint_text(words::SEARCH_HINT)
                    .desired_width((ui.available_width() - 680.0).clamp(160.0, 340.0))
                    .margin(Margin::symmetric(8, 6));
                let response = ui.add(edit);
                response.widget_info(|| {
                    let mut info = WidgetInfo::text_edit(
                        true,
                        &state.queue.search,
                        &state.queue.search,
                        words::SEARCH,
                    );
                    info.label = Some(words::SEARCH.to_owned());
                    info
                });
                if std::mem::take(&mut state.queue.focus_search) {
                    response.request_focus();
                }
                if response.changed() {
                    actions.push(Action::QueueSearch(text));
                }
                ui.add_space(space::M);
                let told = words::items(state.queue.total);
                controls::text(ui, &told, theme::ui(theme::UI), p.text_2);
                order(ui, state, actions);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if controls::button(
                        ui,
                        everywhere::IMPORT_DATA,
                        false,
                        state.can_write(),
                        vec2(0.0, 30.0),
                    )
                    .clicked()
                    {
                        actions.push(Action::PickImport);
                    }
                    if controls::button(
                        ui,
                        words::NEXT_UNLABELLED,
                        true,
                        state.has_items(),
                        vec2(0.0, 30.0),
                    )
                    .clicked()
                    {
                        actions.push(Action::NextUnlabelled);
                    }
                });
            });
        });
    let area = ui.available_rect_before_wrap();
    ui.painter().rect_filled(area, 0.0, p.panel);
    ui.painter()
        .hline(area.x_range(), area.top() + 0.5, Stroke::new(1.0, p.rule));
    if state.queue.total == 0 {
        ui.add_space(48.0);
        ui.vertical_centered(|ui| {
            if state.queue.search.is_empty() {
                controls::note(ui, words::NO_ITEMS);
            } else {
                controls::note(ui, &words::none_found(&state.queue.search));
                ui.add_space(space::S);
                if controls::button(ui, words::CLEAR_SEARCH, false, true, vec2(0.0, 30.0)).clicked()
                {
                    actions.push(Action::QueueSearch(String::new()));
                }
            }
        });
        return;
    }
    rows(ui, state, actions);
}

/// The order of the list: as imported, or what the model is least certain of first.
fn order(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    // The order says something of the scores, so it is there where these are visible.
    let live = |p: &crate::app::state::ProjectState| p.info.policy == ScorePolicy::Live;
    let ready =
        matches!(state.model, ModelState::Ready(_)) && state.project.as_ref().is_some_and(live);
    let label = if state.uncertain {
        words::ORDER_UNCERTAIN
    } else {
        words::ORDER_IMPORTED
    };
    let told = words::ORDER_TOLD;
    let button = controls::button(ui, label, false, ready || state.uncertain, vec2(0.0, 30.0))
        .on_hover_text(told);
    if button.clicked() {
        actions.push(Action::Uncertain(!state.uncertain));
    }
    if state.uncertain && state.queue.unscored > 0 {
        let label = words::score_items(state.queue.unscored);
        let can = ready && state.job.is_none() && state.can_write();
        let button = controls::button(ui, &label, false, can, vec2(0.0, 30.0));
        if button.on_hover_text(words::SCORE_ITEMS_TOLD).clicked() {
            actions.push(Action::ScoreAll);
        }
    }
}

fn rows(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let total = state.queue.total as usize;
    ui.spacing_mut().item_spacing.y = 0.0;
    let selected_id = egui::Id::unique("queue-selected");
    let before: Option<u64> = ui.data(|d| d.get_temp(selected_id));
    let moved = before != Some(state.queue.selected);
    ui.data_mut(|d| d.insert_temp(selected_id, state.queue.selected));
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .id_salt("rows")
        .show_viewport(ui, |ui, viewport| {
            ui.set_min_size(vec2(ui.available_width(), total as f32 * ROW));
            let first = (viewport.min.y / ROW).floor().max(0.0) as usize;
            let count = (viewport.height() / ROW).ceil() as usize + 1;
            actions.push(Action::QueueView {
                from: first as u64,
                rows: count as u64,
            });
            let top = ui.max_rect().min;
            if moved {
                let at = top + vec2(0.0, state.queue.selected as f32 * ROW);
                ui.scroll_to_rect(Rect::from_min_size(at, vec2(1.0, ROW)), None);
            }
            for at in first..(first + count).min(total) {
                let rect = Rect::from_min_size(
                    top + vec2(0.0, at as f32 * ROW),
                    vec2(ui.available_width(), ROW),
                );
                let row = (at as u64)
                    .checked_sub(state.queue.from)
                    .and_then(|i| state.queue.rows.get(i as usize));
                let response = ui.interact(rect, ui.scope_id().with(at), Sense::click());
                let chosen = state.queue.selected == at as u64;
                if chosen {
                    ui.painter().rect_filled(rect, 0.0, p.sunken);
                    let mark = Rect::from_min_size(rect.min, vec2(3.0, ROW));
                    ui.painter().rect_filled(mark, 0.0, p.text);
                } else if response.hovered() {
                    ui.painter().rect_filled(rect, 0.0, p.bg);
                }
                let Some(row) = row else { continue };
                let status = match row.status {
                    Status::Unlabelled => "",
                    Status::Draft => words::DRAFT,
                    Status::Labelled => words::LABELLED,
                    Status::Skipped => words::SKIPPED,
                    Status::Later => words::LATER,
                    Status::Practised => words::PRACTISED,
                };
                let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
                let y = rect.center().y;
                let write = |x: f32, text: &str, font: egui::FontId, color| {
                    painter.text(
                        egui::pos2(x, y),
                        egui::Align2::LEFT_CENTER,
                        text,
                        font,
                        color,
                    );
                };
                let left = rect.left() + 24.0;
                write(
                    left,
                    &format!("{}", row.position + 1),
                    theme::ui(theme::SMALL),
                    p.text_3,
                );
                let right = rect.right() - 230.0;
                let ink = match row.status {
                    Status::Unlabelled | Status::Draft => p.text,
                    _ => p.text_2,
                };
                let start = left + 48.0;
                // What does not fit ends in an ellipsis.
                let mut job = egui::text::LayoutJob::simple_singleline(
                    row.preview.clone(),
                    theme::serif(14.5),
                    ink,
                );
                job.wrap = egui::text::TextWrapping::truncate_at_width(right - 16.0 - start);
                let galley = painter.layout_job(job);
                painter.galley(egui::pos2(start, y - galley.size().y / 2.0), galley, ink);
                let turns = words::turns(row.turns);
                let shape = if row.responses == 2 {
                    turns
                } else {
                    words::turns_and_responses(&turns, row.responses)
                };
                write(right, &shape, theme::ui(theme::SMALL), p.text_3);
                write(
                    right + 118.0,
                    status,
                    theme::ui_medium(theme::SMALL),
                    p.text_2,
                );
                if row.flagged {
                    let square = Rect::from_center_size(
                        egui::pos2(rect.right() - 24.0, y),
                        vec2(10.0, 12.0),
                    );
                    icons::flag(ui.painter(), square, p.text);
                }
                let told = if row.flagged {
                    words::row_flagged
                } else {
                    words::row
                };
                let name = told(row.position + 1, &row.preview, status);
                response.widget_info(|| WidgetInfo::selected(Role::Row, true, chosen, &name));
                if response.clicked() {
                    actions.push(Action::OpenPosition(row.position));
                }
            }
        });
}
