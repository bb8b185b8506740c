//! Write a data set: the recipe at the left, what comes out at the right.

use egui::{Frame, Margin, Panel, RichText, ScrollArea, Stroke, TextEdit, Ui, WidgetInfo, vec2};

use crate::app::export::{Labels, WRITABLE};
use crate::app::{Action, AppState};
use crate::dataset::Format;
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

fn described(format: Format) -> &'static str {
    match format {
        Format::HelpSteer2 => "One line per response with its five ratings",
        Format::HelpSteer2Preference => "A strength from −3 to 3 and the reasons",
        Format::Trl => "Prompt, chosen, rejected as messages",
        Format::HhRlhf => "Whole transcripts, byte for byte",
        Format::Pairs => "Every field, with every annotator's own",
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
    heading(ui, "Format");
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
    heading(ui, "Labels");
    if controls::choice(
        ui,
        recipe.labels == Labels::Collected,
        "Collected here",
        "Of several, the three that agree most",
    ) {
        recipe.labels = Labels::Collected;
    }
    if controls::choice(
        ui,
        recipe.labels == Labels::Reference,
        "Reference",
        "The labels that came with the data",
    ) {
        recipe.labels = Labels::Reference;
    }
    ui.add_space(space::L);
    let mut extra = recipe.extra;
    if ui
        .checkbox(&mut extra, "Also other fields of the source")
        .changed()
    {
        recipe.extra = extra;
    }
    ui.add_space(space::L);
    heading(ui, "To");
    let mut path = recipe.output.to_string_lossy().into_owned();
    let width = ui.available_width() - 8.0;
    let edit = TextEdit::singleline(&mut path)
        .hint_text("labels.jsonl, or a folder")
        .desired_width(width);
    let response = ui.add(edit.margin(Margin::symmetric(8, 6)));
    response.widget_info(|| {
        let mut info = WidgetInfo::text_edit(true, &path, &path, "labels.jsonl");
        info.label = Some("Output".to_owned());
        info
    });
    if response.changed() {
        recipe.output = path.into();
    }
    ui.add_space(space::L);
    let can = state.project.is_some() && state.job.is_none();
    ui.horizontal(|ui| {
        if controls::button(ui, "Export", true, can, vec2(120.0, 36.0)).clicked() {
            actions.push(Action::Export);
        }
        if controls::button(ui, "Choose…", false, can, vec2(0.0, 36.0)).clicked() {
            actions.push(Action::PickExport);
        }
        if state.job.is_some()
            && controls::button(ui, "Cancel", false, true, vec2(0.0, 36.0)).clicked()
        {
            actions.push(Action::CancelJob);
        }
    });
    if recipe != state.recipe {
        actions.push(Action::Recipe(recipe));
    }
}

fn written(rows: u64) -> String {
    if rows == 1 {
        "1 row written".to_owned()
    } else {
        format!("{rows} rows written")
    }
}

fn outcome(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    if let Some(report) = &state.exported {
        let title = if report.rows == 0 {
            "Nothing was written".to_owned()
        } else {
            written(report.rows)
        };
        let heading = controls::text(ui, &title, theme::serif(22.0), p.text);
        heading.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &title));
        ui.add_space(space::S);
        for file in &report.files {
            let line = format!(
                "{} · {} rows · sha256 {}…",
                file.path.display(),
                file.rows,
                &file.sha256[..file.sha256.len().min(12)]
            );
            controls::note(ui, &line);
        }
        if report.rows == 0 {
            controls::note(
                ui,
                "No item has a label that this format can carry. Commit some labels, or choose the reference labels",
            );
        }
        for (reason, count) in &report.left_out {
            controls::note(ui, &format!("Left out: {count} × {reason}"));
        }
        ui.add_space(space::XL);
    }
    controls::text(ui, "First rows", theme::ui_bold(theme::UI), p.text);
    ui.add_space(space::XS);
    match &state.preview {
        Some((recipe, lines, available)) if recipe.same_rows(&state.recipe) => {
            if lines.is_empty() {
                let drafts = state.project.as_ref().map_or(0, |p| p.info.counts.drafts);
                let told = match (recipe.labels, *available, drafts) {
                    (_, n, _) if n > 0 => format!(
                        "{n} items have labels. Rows are shown here once you have labelled their items yourself"
                    ),
                    (Labels::Reference, _, _) => "The data came without labels".to_owned(),
                    (Labels::Collected, _, 0) => "Nothing committed yet".to_owned(),
                    (Labels::Collected, _, 1) => {
                        "Nothing committed yet. 1 draft is waiting".to_owned()
                    }
                    (Labels::Collected, _, n) => {
                        format!("Nothing committed yet. {n} drafts are waiting")
                    }
                };
                controls::note(ui, &told);
                ui.add_space(space::S);
                if controls::button(ui, "Go on labeling", false, true, vec2(0.0, 30.0)).clicked() {
                    actions.push(Action::NextUnlabelled);
                }
                return;
            }
            let told = if *available == 1 {
                "1 labelled item".to_owned()
            } else {
                format!("{available} labelled items")
            };
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
            controls::note(ui, "Reading…");
        }
    }
}
