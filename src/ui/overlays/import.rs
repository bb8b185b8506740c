//! What comes in with an import: before it, and after.

use egui::{Frame, Margin, RichText, ScrollArea, Stroke, Ui, WidgetInfo, vec2};

use super::{Typed, title};
use crate::app::update::{beside, names};
use crate::app::{Action, AppState};
use crate::dataset::Rejected;
use crate::domain::Item;
use crate::text::preview;
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

/// Shows what files are taken for and what will come in, and asks whether it shall.
pub(super) fn import_sheet(
    ui: &mut Ui,
    state: &AppState,
    typed: &mut Typed,
    fresh: bool,
    height: f32,
    actions: &mut Vec<Action>,
) {
    let Some(sheet) = &state.sheet else { return };
    let p = Palette::now(ui.ctx());
    title(ui, &format!("Import {}", names(&sheet.files)));
    let ready = format!(
        "{} {} ready, {} set aside",
        sheet.ready,
        if sheet.ready == 1 { "row" } else { "rows" },
        sheet.set_aside
    );
    let response = controls::text(ui, &ready, theme::ui_bold(theme::UI), p.text);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &ready));
    let taken = match sheet.format {
        Some(format) => format!("Read as {format}: {}.", format.description()),
        None => "The files are of more than one format.".to_owned(),
    };
    let unusual = match sheet.unusual {
        0 => String::new(),
        n => format!(" {n} unusual things in them are listed after the import."),
    };
    controls::note(ui, &format!("{taken}{unusual}"));
    let into = match &state.project {
        Some(project) => format!("They go into the open project, {}.", project.info.title),
        None => format!(
            "A new project for them is made beside the file: {}.",
            names(&[beside(&sheet.files)])
        ),
    };
    controls::note(ui, &into);
    ui.add_space(space::M);
    ScrollArea::vertical()
        .max_height((height - 200.0).max(80.0))
        .show(ui, |ui| {
            let heading = match sheet.first.len() {
                0 => "No row of these files is an item.".to_owned(),
                1 => "The first item".to_owned(),
                n => format!("The first {n} items"),
            };
            controls::text(ui, &heading, theme::ui_bold(theme::UI), p.text);
            for item in &sheet.first {
                first_item(ui, item);
            }
            if sheet.set_aside > 0 {
                ui.add_space(space::M);
                // The panel has no other use for what is typed.
                let open = !typed.text.is_empty();
                let label = if open {
                    "Hide what is set aside"
                } else {
                    "See what is set aside"
                };
                if controls::button(ui, label, false, true, vec2(0.0, 28.0)).clicked() {
                    typed.text = if open {
                        String::new()
                    } else {
                        "open".to_owned()
                    };
                }
                if open {
                    set_aside(ui, &sheet.rejected, sheet.set_aside);
                }
            }
        });
    ui.add_space(space::M);
    let some = sheet.ready > 0;
    ui.horizontal(|ui| {
        let import = controls::button(ui, "Import", true, some, vec2(120.0, 34.0));
        if fresh {
            import.request_focus();
        }
        if import.clicked() && some {
            actions.push(Action::ImportSheet);
        }
        if controls::button(ui, "Cancel", false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Back);
        }
    });
}

/// An item in a few lines: how it is understood, before it is read in full.
fn first_item(ui: &mut Ui, item: &Item) {
    let p = Palette::now(ui.ctx());
    let line = |ui: &mut Ui, name: &str, text: &str| {
        let text = preview::first_line(text, 160);
        ui.horizontal(|ui| {
            let layout = egui::Layout::left_to_right(egui::Align::Center);
            ui.allocate_ui_with_layout(vec2(76.0, 18.0), layout, |ui| {
                ui.set_min_width(76.0);
                controls::text(ui, name, theme::ui(12.0), p.text_3);
            });
            controls::text(ui, &text, theme::ui(12.0), p.text);
        });
    };
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, p.rule))
        .corner_radius(3.0)
        .inner_margin(Margin::symmetric(12, 8));
    ui.add_space(space::XS);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        let turns = item.context.len();
        let prompt = item.context.last().map_or("", |t| t.content.as_str());
        line(
            ui,
            &if turns > 1 {
                format!("Turn {turns}")
            } else {
                "Prompt".to_owned()
            },
            prompt,
        );
        for (at, response) in item.responses.iter().take(3).enumerate() {
            let text = response.turns.last().map_or("", |t| t.content.as_str());
            line(ui, &format!("Response {}", at + 1), text);
        }
        if item.responses.len() > 3 {
            let more = format!("and {} more responses", item.responses.len() - 3);
            controls::text(ui, &more, theme::ui(12.0), p.text_3);
        }
    });
}

/// Rows that do not come in, and why.
fn set_aside(ui: &mut Ui, listed: &[Rejected], in_all: u64) {
    let p = Palette::now(ui.ctx());
    for rejected in listed.iter().take(200) {
        let line = format!(
            "{} row {}: {}",
            rejected.file, rejected.row, rejected.reason
        );
        let text = RichText::new(line).font(theme::ui(12.0)).color(p.text_2);
        ui.add(egui::Label::new(text).wrap().selectable(true));
    }
    let more = in_all.saturating_sub(200);
    if more > 0 {
        controls::note(ui, &format!("and {more} more"));
    }
}

pub(super) fn import_report(ui: &mut Ui, state: &AppState, height: f32, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let Some(report) = &state.imported else {
        return;
    };
    title(
        ui,
        if report.stopped {
            "Import stopped"
        } else {
            "Imported"
        },
    );
    let format = report.format.map(|f| f.to_string()).unwrap_or_default();
    let ready = format!(
        "{} of {} rows came in as {format}; {} set aside. {} new items, {} responses, {} reference labels; {} rows were known already.",
        report.imported,
        report.read,
        report.rejected.len(),
        report.items,
        report.responses,
        report.reference_labels,
        report.duplicates
    );
    let response = controls::note(ui, &ready);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &ready));
    ui.add_space(space::M);
    let mono = |text: String| RichText::new(text).font(theme::ui(12.0)).color(p.text_2);
    ScrollArea::vertical().max_height(height).show(ui, |ui| {
        if !report.rejected.is_empty() {
            controls::text(ui, "Set aside", theme::ui_bold(theme::UI), p.text);
            set_aside(ui, &report.rejected, report.rejected.len() as u64);
            ui.add_space(space::M);
        }
        if !report.warnings.is_empty() {
            let heading = format!("Unusual, but in: {}", report.warnings.len());
            controls::text(ui, &heading, theme::ui_bold(theme::UI), p.text);
            let mut kinds = std::collections::BTreeMap::<&str, Vec<u64>>::new();
            for warning in &report.warnings {
                kinds
                    .entry(warning.kind.as_str())
                    .or_default()
                    .push(warning.row);
            }
            for (kind, rows) in kinds {
                let first: Vec<String> = rows.iter().take(12).map(u64::to_string).collect();
                let more = if rows.len() > 12 { "…" } else { "" };
                let line = format!("{kind}: {} rows ({}{more})", rows.len(), first.join(", "));
                ui.add(egui::Label::new(mono(line)).wrap().selectable(true));
            }
        }
    });
    ui.add_space(space::M);
    if controls::button(ui, "Start labeling", true, true, vec2(140.0, 34.0)).clicked() {
        actions.push(Action::Back);
        actions.push(Action::Show(crate::app::Screen::Annotate));
    }
}
