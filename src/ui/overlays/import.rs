//! What comes in with an import: before it, and after.

use egui::{Frame, Margin, RichText, ScrollArea, Stroke, Ui, WidgetInfo, vec2};

use super::{Typed, title};
use crate::app::import::ImportSheet;
use crate::app::update::{beside, names};
use crate::app::words::{everywhere, import as words};
use crate::app::{Action, AppState};
use crate::dataset::{FIELDS, RATINGS, Rejected, Row};
use crate::domain::{Item, Preference};
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
    title(ui, &words::title(&names(&sheet.files)));
    if sheet.mapping {
        mapping_sheet(ui, sheet, fresh, height, actions);
        return;
    }
    let ready = words::ready(sheet.ready, sheet.set_aside);
    let response = controls::text(ui, &ready, theme::ui_bold(theme::UI), p.text);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &ready));
    let taken = match sheet.format {
        Some(format) => words::read_as(&format, crate::app::words::rows_of(format)),
        None => words::SEVERAL_FORMATS.to_owned(),
    };
    let unusual = match sheet.unusual {
        0 => String::new(),
        n => words::unusual(n),
    };
    controls::note(ui, &format!("{taken}{unusual}"));
    for (n, line) in [
        (sheet.known, words::known(sheet.known)),
        (sheet.repeated, words::repeated(sheet.repeated)),
        (sheet.near_duplicates, words::near(sheet.near_duplicates)),
    ] {
        if n > 0 {
            controls::note(ui, &line);
        }
    }
    let into = match &state.project {
        Some(project) => words::into_open(&project.info.title),
        None => words::into_new(&names(&[beside(&sheet.files)])),
    };
    controls::note(ui, &into);
    ui.add_space(space::M);
    ScrollArea::vertical()
        .max_height((height - 200.0).max(80.0))
        .show(ui, |ui| {
            let heading = match sheet.first.len() {
                0 => words::NO_ITEM.to_owned(),
                n => words::first(n),
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
                    words::HIDE_SET_ASIDE
                } else {
                    words::SEE_SET_ASIDE
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
        let import = controls::button(ui, words::IMPORT, true, some, vec2(120.0, 34.0));
        if fresh {
            import.request_focus();
        }
        if import.clicked() && some {
            actions.push(Action::ImportSheet);
        }
        if !sheet.read_as.mapping.is_empty()
            && controls::button(ui, words::CHANGE_FIELDS, false, true, vec2(0.0, 34.0)).clicked()
        {
            actions.push(Action::EditMapping);
        }
        if controls::button(ui, everywhere::CANCEL, false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Back);
        }
    });
}

/// Asks what the fields of rows mean that nobody has named yet, and shows at once how the first rows will look.
fn mapping_sheet(
    ui: &mut Ui,
    sheet: &ImportSheet,
    fresh: bool,
    height: f32,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    controls::note(ui, words::UNKNOWN);
    ui.add_space(space::S);
    let mapped = sheet.mapped();
    let part = ((height - 190.0) / 2.0).max(80.0);
    ScrollArea::vertical()
        .id_salt("fields")
        .max_height(part)
        .show(ui, |ui| {
            for (path, example) in sheet.fields() {
                field_line(ui, sheet, &path, &example, fresh, actions);
            }
        });
    ui.add_space(space::M);
    controls::text(ui, words::AS_THEY_LOOK, theme::ui_bold(theme::UI), p.text);
    ScrollArea::vertical()
        .id_salt("rows")
        .max_height(part)
        .show(ui, |ui| match &mapped {
            Ok(rows) => {
                for (at, row) in rows.iter().enumerate() {
                    match row {
                        Ok(row) => mapped_item(ui, row),
                        Err(why) => {
                            let line = words::row_fails(at + 1, why);
                            let text = RichText::new(line).font(theme::ui(12.0)).color(p.error);
                            ui.add(egui::Label::new(text).wrap().selectable(true));
                        }
                    }
                }
            }
            Err(why) => {
                controls::note(ui, &words::not_yet(why));
            }
        });
    ui.add_space(space::M);
    let some = mapped.is_ok_and(|rows| rows.iter().any(Result::is_ok));
    ui.horizontal(|ui| {
        let go_on = controls::button(ui, words::CONTINUE, true, some, vec2(120.0, 34.0));
        if go_on.clicked() && some {
            actions.push(Action::ImportSheet);
        }
        if controls::button(ui, everywhere::CANCEL, false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Back);
        }
    });
}

/// A field, what is in it, and what it means.
fn field_line(
    ui: &mut Ui,
    sheet: &ImportSheet,
    path: &str,
    example: &str,
    fresh: bool,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let meaning = sheet.read_as.mapping.meaning_of(path);
    let said = meaning.map_or_else(|| words::NOTHING.to_owned(), meaning_words);
    ui.horizontal(|ui| {
        let layout = egui::Layout::left_to_right(egui::Align::Center);
        let cell = |ui: &mut Ui, width: f32, text: &str, color| {
            ui.allocate_ui_with_layout(vec2(width, 24.0), layout, |ui| {
                ui.set_min_width(width);
                let text = RichText::new(text).font(theme::ui(12.0)).color(color);
                ui.add(egui::Label::new(text).truncate());
            });
        };
        cell(ui, 150.0, path, p.text);
        let rest = (ui.available_width() - 190.0).max(60.0);
        cell(ui, rest, &preview::first_line(example, 120), p.text_2);
        let combo = egui::ComboBox::from_id_salt(("meaning", path))
            .selected_text(RichText::new(&said).font(theme::ui(12.0)))
            .width(170.0)
            .height(420.0)
            .show_ui(ui, |ui| {
                let mut offer = |ui: &mut Ui, field: Option<&str>| {
                    let words = field.map_or_else(|| words::NOTHING.to_owned(), meaning_words);
                    if ui.selectable_label(field == meaning, words).clicked() {
                        actions.push(Action::MapField(path.to_owned(), field.map(str::to_owned)));
                    }
                };
                offer(ui, None);
                for field in FIELDS {
                    offer(ui, Some(field));
                }
                let name = path.rsplit('.').next().unwrap_or(path);
                for kind in RATINGS {
                    offer(ui, Some(&format!("{kind}{name}")));
                }
            });
        let named = words::meaning(path);
        combo.response.widget_info(|| {
            WidgetInfo::labeled(egui::Role::ComboBox, true, format!("{named}: {said}"))
        });
        if fresh && path == sheet.fields().first().map_or("", |(path, _)| path.as_str()) {
            combo.response.request_focus();
        }
    });
}

fn meaning_words(field: &str) -> String {
    let of = match field.split_once('.') {
        None => return field.replace('_', " "),
        Some(("rating_a", _)) => words::OF_A,
        Some(("rating_b", _)) => words::OF_B,
        Some(_) => "",
    };
    words::rating_of(of)
}

/// A text in one line, with its name before it.
fn named_line(ui: &mut Ui, name: &str, text: &str) {
    let p = Palette::now(ui.ctx());
    let text = preview::first_line(text, 160);
    ui.horizontal(|ui| {
        let layout = egui::Layout::left_to_right(egui::Align::Center);
        ui.allocate_ui_with_layout(vec2(76.0, 18.0), layout, |ui| {
            ui.set_min_width(76.0);
            controls::text(ui, name, theme::ui(12.0), p.text_3);
        });
        controls::text(ui, &text, theme::ui(12.0), p.text);
    });
}

fn lines_in_a_frame(ui: &mut Ui, lines: impl FnOnce(&mut Ui)) {
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, Palette::now(ui.ctx()).rule))
        .corner_radius(3.0)
        .inner_margin(Margin::symmetric(12, 8));
    ui.add_space(space::XS);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        lines(ui);
    });
}

/// A row read by what a person said: its replies in its own order, and what its label says.
fn mapped_item(ui: &mut Ui, row: &Row) {
    lines_in_a_frame(ui, |ui| {
        let prompt = row.item.context.last().map_or("", |t| t.content.as_str());
        named_line(ui, words::PROMPT, prompt);
        let last = |at: &usize| {
            let response = row.item.responses.get(*at);
            response
                .and_then(|r| r.turns.last())
                .map_or("", |t| t.content.as_str())
        };
        for (at, name) in row
            .source
            .order
            .iter()
            .zip(names_of(row.source.order.len()))
        {
            named_line(ui, name, last(at));
        }
        if let Some(label) = row.references.first() {
            let who = label.annotator.as_deref();
            let better = match label.judgment.preference {
                Some(Preference::Better { response, .. }) => row
                    .source
                    .order
                    .iter()
                    .position(|at| {
                        row.item
                            .responses
                            .get(*at)
                            .is_some_and(|r| r.key == response)
                    })
                    .map_or("", |at| {
                        if at == 0 {
                            words::FIRST_BETTER
                        } else {
                            words::SECOND_BETTER
                        }
                    }),
                Some(Preference::Tie) => words::TIE,
                Some(Preference::NeitherValid) => words::NEITHER,
                None => words::RATED,
            };
            let said = who.map_or_else(|| better.to_owned(), |who| words::said_by(better, who));
            named_line(ui, words::LABEL, &said);
        }
    });
}

/// How the replies of a row of one's own are called.
fn names_of(count: usize) -> &'static [&'static str] {
    if count == 1 {
        &[words::RESPONSE]
    } else {
        &[words::RESPONSE_A, words::RESPONSE_B]
    }
}

/// An item in a few lines: how it is understood, before it is read in full.
fn first_item(ui: &mut Ui, item: &Item) {
    let p = Palette::now(ui.ctx());
    let line = named_line;
    lines_in_a_frame(ui, |ui| {
        let turns = item.context.len();
        let prompt = item.context.last().map_or("", |t| t.content.as_str());
        line(
            ui,
            &if turns > 1 {
                words::turn(turns)
            } else {
                words::PROMPT.to_owned()
            },
            prompt,
        );
        for (at, response) in item.responses.iter().take(3).enumerate() {
            let text = response.turns.last().map_or("", |t| t.content.as_str());
            line(ui, &words::response(at + 1), text);
        }
        if item.responses.len() > 3 {
            let more = words::more_responses(item.responses.len() - 3);
            controls::text(ui, &more, theme::ui(12.0), p.text_3);
        }
    });
}

/// Rows that do not come in, and why.
fn set_aside(ui: &mut Ui, listed: &[Rejected], in_all: u64) {
    let p = Palette::now(ui.ctx());
    for rejected in listed.iter().take(200) {
        let line = match rejected.row {
            0 => words::rejected_file(&rejected.file, &rejected.reason),
            row => words::rejected(&rejected.file, row, &rejected.reason),
        };
        let text = RichText::new(line).font(theme::ui(12.0)).color(p.text_2);
        ui.add(egui::Label::new(text).wrap().selectable(true));
    }
    let more = in_all.saturating_sub(200);
    if more > 0 {
        controls::note(ui, &words::more_rejected(more));
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
            words::STOPPED
        } else {
            words::IMPORTED
        },
    );
    let format = report.format.map(|f| f.to_string()).unwrap_or_default();
    let ready = if report.stopped {
        words::AS_IT_WAS.to_owned()
    } else {
        words::came_in(report.imported, report.read, &format, report.rejected.len())
            + &words::brought(
                report.items,
                report.responses,
                report.reference_labels,
                report.duplicates,
            )
    };
    let response = controls::note(ui, &ready);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &ready));
    ui.add_space(space::M);
    let mono = |text: String| RichText::new(text).font(theme::ui(12.0)).color(p.text_2);
    ScrollArea::vertical().max_height(height).show(ui, |ui| {
        if !report.rejected.is_empty() {
            controls::text(ui, words::SET_ASIDE, theme::ui_bold(theme::UI), p.text);
            set_aside(ui, &report.rejected, report.rejected.len() as u64);
            ui.add_space(space::M);
        }
        if !report.warnings.is_empty() {
            let heading = words::warnings(report.warnings.len());
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
                let line = words::warning(kind, rows.len(), &first.join(", "), more);
                ui.add(egui::Label::new(mono(line)).wrap().selectable(true));
            }
        }
        if report.near_duplicates_in_all > 0 {
            controls::text(ui, words::NEAR, theme::ui_bold(theme::UI), p.text);
            controls::note(ui, &words::near(report.near_duplicates_in_all));
            for near in report.near_duplicates.iter().take(200) {
                let line = words::near_row(&near.file, near.row, &near.of_file, near.of_row);
                ui.add(egui::Label::new(mono(line)).wrap().selectable(true));
            }
        }
    });
    ui.add_space(space::M);
    if controls::button(ui, words::START_LABELING, true, true, vec2(140.0, 34.0)).clicked() {
        actions.push(Action::Back);
        actions.push(Action::Show(crate::app::Screen::Annotate));
    }
}
