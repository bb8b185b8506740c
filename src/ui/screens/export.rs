//! Write a data set: the recipe at the left, what comes out at the right.

use egui::{Frame, Margin, Panel, RichText, ScrollArea, Stroke, TextEdit, Ui, WidgetInfo, vec2};

use crate::app::export::{Labels, WRITABLE};
use crate::app::words::{everywhere, export as words};
use crate::app::{Action, AppState};
use crate::dataset::Format;
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

fn described(format: Format) -> &'static str {
    match format {
        Format::HelpSteer2 => words::HELPSTEER2_TOLD,
        Format::HelpSteer2Preference => words::HELPSTEER2_PREFERENCE_TOLD,
        Format::Trl => words::TRL_TOLD,
        Format::HhRlhf => words::HH_RLHF_TOLD,
        Format::Pairs => words::PAIRS_TOLD,
        _ => "",
    }
}

/// Shows the screen.
pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let frame = Frame::new()
        .fill(p.bg)
        .inner_margin(Margin::symmetric(24, 20));
    let width = if state.compact { 330.0 } else { 400.0 };
    Panel::left("recipe")
        .exact_size(width)
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| recipe(ui, state, actions));
        });
    let area = ui.available_rect_before_wrap();
    ui.painter().rect_filled(area, 0.0, p.panel);
    ui.painter()
        .vline(area.left() + 0.5, area.y_range(), Stroke::new(1.0, p.rule));
    let inner = area.shrink2(vec2(24.0, 20.0));
    let mut right = ui.new_child(egui::UiBuilder::new().max_rect(inner));
    outcome(&mut right, state, actions);
}

fn recipe(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let mut recipe = state.recipe.clone();
    let heading = |ui: &mut Ui, text: &str| {
        controls::text(ui, text, theme::ui_bold(theme::UI), p.text);
        ui.add_space(space::XS);
    };
    heading(ui, words::FORMAT);
    for format in WRITABLE {
        if controls::choice(
            ui,
            recipe.format == format,
            &format.to_string(),
            described(format),
        ) {
            recipe.format = format;
        }
    }
    ui.add_space(space::L);
    heading(ui, words::LABELS);
    if controls::choice(
        ui,
        recipe.labels == Labels::Collected,
        words::COLLECTED,
        words::COLLECTED_TOLD,
    ) {
        recipe.labels = Labels::Collected;
    }
    if controls::choice(
        ui,
        recipe.labels == Labels::Reference,
        words::REFERENCE,
        words::REFERENCE_TOLD,
    ) {
        recipe.labels = Labels::Reference;
    }
    ui.add_space(space::L);
    let mut extra = recipe.extra;
    if ui.checkbox(&mut extra, words::OTHER_FIELDS).changed() {
        recipe.extra = extra;
    }
    ui.add_space(space::L);
    heading(ui, words::TO);
    let mut path = recipe.output.to_string_lossy().into_owned();
    let width = ui.available_width() - 8.0;
    let edit = TextEdit::singleline(&mut path)
        .hint_text(words::OUTPUT_HINT)
        .desired_width(width);
    let response = ui.add(edit.margin(Margin::symmetric(8, 6)));
    response.widget_info(|| {
        let mut info = WidgetInfo::text_edit(true, &path, &path, "labels.jsonl");
        info.label = Some(words::OUTPUT.to_owned());
        info
    });
    if response.changed() {
        recipe.output = path.into();
    }
    ui.add_space(space::L);
    let can = state.project.is_some() && state.job.is_none();
    ui.horizontal(|ui| {
        if controls::button(ui, words::EXPORT, true, can, vec2(120.0, 36.0)).clicked() {
            actions.push(Action::Export);
        }
        if controls::button(ui, words::CHOOSE, false, can, vec2(0.0, 36.0)).clicked() {
            actions.push(Action::PickExport);
        }
        if state.job.is_some()
            && controls::button(ui, everywhere::CANCEL, false, true, vec2(0.0, 36.0)).clicked()
        {
            actions.push(Action::CancelJob);
        }
    });
    if recipe != state.recipe {
        actions.push(Action::Recipe(recipe));
    }
}

fn outcome(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    if let Some(report) = &state.exported {
        let title = if report.rows == 0 {
            words::NOTHING_WRITTEN.to_owned()
        } else {
            words::written(report.rows)
        };
        let heading = controls::text(ui, &title, theme::serif(22.0), p.text);
        heading.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &title));
        ui.add_space(space::S);
        for file in &report.files {
            let line = words::file(
                &file.path.display(),
                file.rows,
                &file.sha256[..file.sha256.len().min(12)],
            );
            controls::note(ui, &line);
        }
        if report.rows == 0 {
            controls::note(ui, words::NOTHING_WRITTEN_TOLD);
        }
        for (reason, count) in &report.left_out {
            controls::note(ui, &words::left_out(*count, reason));
        }
        ui.add_space(space::XL);
    }
    controls::text(ui, words::FIRST_ROWS, theme::ui_bold(theme::UI), p.text);
    ui.add_space(space::XS);
    match &state.preview {
        Some((recipe, lines, available)) if recipe.same_rows(&state.recipe) => {
            if lines.is_empty() {
                let drafts = state.project.as_ref().map_or(0, |p| p.info.counts.drafts);
                let told = match (recipe.labels, *available, drafts) {
                    (_, n, _) if n > 0 => words::not_yours_yet(n),
                    (Labels::Reference, _, _) => words::NO_REFERENCE.to_owned(),
                    (Labels::Collected, _, 0) => words::NOTHING_COMMITTED.to_owned(),
                    (Labels::Collected, _, n) => words::drafts_waiting(n),
                };
                controls::note(ui, &told);
                ui.add_space(space::S);
                if controls::button(ui, words::GO_ON, false, true, vec2(0.0, 30.0)).clicked() {
                    actions.push(Action::NextUnlabelled);
                }
                return;
            }
            let told = words::labelled_items(*available);
            controls::note(ui, &told);
            ui.add_space(space::S);
            ScrollArea::vertical()
                .id_salt("preview")
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    for line in lines {
                        let shown = crate::text::preview::truncate(line, 2_400);
                        let text = RichText::new(shown)
                            .font(egui::FontId::new(12.0, theme::family("mono")))
                            .color(p.text_2);
                        Frame::new()
                            .fill(p.sunken)
                            .inner_margin(Margin::same(10))
                            .show(ui, |ui| {
                                ui.add(egui::Label::new(text).wrap().selectable(true));
                            });
                        ui.add_space(space::S);
                    }
                });
        }
        _ => {
            controls::note(ui, words::READING);
        }
    }
}
