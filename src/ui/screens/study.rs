//! What the two screens of a researcher share: the page, whose labels are looked at, and lists of items.

use egui::{
    Align, Align2, Layout, Rect, Role, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use crate::app::export::Labels;
use crate::app::words::{everywhere, study as words};
use crate::app::{Action, AppState};
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

/// Two columns that scroll by themselves where there is room, else one. Each `add` draws the column of its number; `1` comes second.
pub(super) fn page(ui: &mut Ui, names: [&'static str; 2], mut add: impl FnMut(&mut Ui, usize)) {
    let p = Palette::now(ui.ctx());
    let area = ui.available_rect_before_wrap();
    ui.painter().rect_filled(area, 0.0, p.panel);
    let wide = area.width() > 1160.0;
    let left = area.left() + if area.width() > 1000.0 { 48.0 } else { 24.0 };
    let width = if wide {
        (area.right() - left - 96.0) / 2.0
    } else {
        area.right() - left - 24.0
    }
    .min(720.0);
    let size = vec2(width, area.height() - 32.0);
    let first = Rect::from_min_size(pos2(left, area.top() + 24.0), size);
    let mut column = |ui: &mut Ui, rect: Rect, columns: &[usize]| {
        let Some(name) = columns.first().map(|at| names[*at]) else {
            return;
        };
        let mut ui = ui.new_child(UiBuilder::new().max_rect(rect));
        ScrollArea::vertical()
            .id_salt(name)
            .auto_shrink([false, false])
            .show(&mut ui, |ui| {
                // Room for the bar beside it.
                ui.set_max_width(rect.width() - 14.0);
                for at in columns {
                    add(ui, *at);
                    ui.add_space(space::XL);
                }
            });
    };
    if wide {
        column(ui, first, &[0]);
        column(ui, first.translate(vec2(width + 48.0, 0.0)), &[1]);
    } else {
        column(ui, first, &[0, 1]);
    }
}

/// The heading of a page, and what it is about.
pub(super) fn title(ui: &mut Ui, text: &str, told: &str) {
    let p = Palette::now(ui.ctx());
    let heading = controls::text(ui, text, theme::serif(24.0), p.text);
    heading.widget_info(|| WidgetInfo::labeled(Role::Heading, true, text));
    ui.add_space(space::XS);
    controls::note(ui, told);
    ui.add_space(space::M);
}

/// The heading of a part of it.
pub(super) fn part(ui: &mut Ui, text: &str) {
    let p = Palette::now(ui.ctx());
    let heading = controls::text(ui, text, theme::ui_bold(16.0), p.text);
    heading.widget_info(|| WidgetInfo::labeled(Role::Heading, true, text));
    ui.add_space(space::XS);
}

/// Whose labels are looked at, and how far counting them is.
pub(super) fn labels(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    for (labels, name, told) in [
        (Labels::Collected, words::COLLECTED, words::COLLECTED_TOLD),
        (Labels::Reference, words::REFERENCE, words::REFERENCE_TOLD),
    ] {
        if controls::choice(ui, state.study.labels == labels, name, told) {
            actions.push(Action::Study(labels));
        }
    }
    ui.add_space(space::S);
    let Some(progress) = state.study.counting else {
        return;
    };
    let p = Palette::now(ui.ctx());
    let told = words::counting(progress.done, progress.total);
    let done = progress.done as f32 / progress.total.max(1) as f32;
    let size = vec2(ui.available_width(), 30.0);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        controls::level_bar(ui, done, vec2(220.0, 6.0), p.text, &told);
        controls::note(ui, &told);
        if controls::button(ui, everywhere::STOP, false, true, vec2(0.0, 26.0)).clicked() {
            actions.push(Action::StopStudy);
        }
    });
}

/// A row of a list of items: its number, what it is about, and what there is to say of it; true where it was clicked.
pub(super) fn row(ui: &mut Ui, position: u64, preview: &str, more: &str) -> bool {
    const HEIGHT: f32 = 30.0;
    let p = Palette::now(ui.ctx());
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width() - 8.0, HEIGHT), Sense::click());
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 0.0, p.sunken);
    }
    if response.has_focus() {
        controls::focus_ring(ui.painter(), rect, p);
    }
    let y = rect.center().y;
    let small = theme::ui(theme::SMALL);
    let number = (position + 1).to_string();
    let painter = ui.painter();
    painter.text(
        pos2(rect.left() + 4.0, y),
        Align2::LEFT_CENTER,
        number,
        small.clone(),
        p.text_3,
    );
    let said = painter.text(
        pos2(rect.right() - 4.0, y),
        Align2::RIGHT_CENTER,
        more,
        small,
        p.text_2,
    );
    let from = rect.left() + 52.0;
    let mut job =
        egui::text::LayoutJob::simple_singleline(preview.to_owned(), theme::serif(14.5), p.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width((said.left() - 12.0 - from).max(40.0));
    let galley = painter.layout_job(job);
    painter.galley(pos2(from, y - galley.size().y / 2.0), galley, p.text);
    let name = words::parting_row(position + 1, preview, more);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    response.clicked()
}
