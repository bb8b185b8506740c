//! Panels over a screen: the welcome, all keys, the command palette, the reasons for skipping and flagging, the import report.

use egui::{
    Align2, Area, Frame, Key, Margin, Order, RichText, ScrollArea, Stroke, TextEdit, Ui,
    WidgetInfo, vec2,
};

use super::theme::{self, Palette, space};
use super::widgets::controls;
use crate::app::commands::{COMMANDS, Command, Group};
use crate::app::state::Pick;
use crate::app::update::{beside, names};
use crate::app::{Action, AppState, Overlay};
use crate::dataset::Rejected;
use crate::domain::{Item, ScorePolicy};
use crate::text::preview;

/// What is being typed into a panel.
#[derive(Default)]
pub struct Typed {
    text: String,
    shown: Option<Overlay>,
    chosen: usize,
}

/// Shows the panel, if one is open.
pub fn show(ui: &mut Ui, state: &AppState, typed: &mut Typed, actions: &mut Vec<Action>) {
    let Some(overlay) = state.overlay else {
        typed.shown = None;
        return;
    };
    let fresh = typed.shown != Some(overlay);
    if fresh {
        typed.shown = Some(overlay);
        typed.chosen = 0;
        typed.text = if overlay == Overlay::Welcome {
            user_name()
        } else {
            String::new()
        };
    }
    let p = Palette::now(ui.ctx());
    let screen = ui.ctx().content_rect();
    if overlay == Overlay::Welcome {
        ui.painter().rect_filled(screen, 0.0, p.bg);
    }
    let width: f32 = match overlay {
        Overlay::CheatSheet => 860.0,
        Overlay::ImportReport | Overlay::ImportSheet => 640.0,
        _ => 520.0,
    };
    let (anchor, offset) = match overlay {
        Overlay::Palette => (Align2::CENTER_TOP, vec2(0.0, 96.0)),
        _ => (Align2::CENTER_CENTER, vec2(0.0, 0.0)),
    };
    Area::new(egui::Id::unique(("overlay", overlay)))
        .order(Order::Foreground)
        .anchor(anchor, offset)
        .show(ui.ctx(), |ui| {
            let frame = Frame::new()
                .fill(p.panel)
                .stroke(Stroke::new(1.0, p.rule))
                .corner_radius(6.0)
                .inner_margin(Margin::same(24))
                .shadow(ui.visuals().window_shadow);
            frame.show(ui, |ui| {
                ui.set_width(width.min(screen.width() - 96.0));
                match overlay {
                    Overlay::Welcome => welcome(ui, state, typed, fresh, actions),
                    Overlay::CheatSheet => cheat_sheet(ui, screen.height() - 140.0, actions),
                    Overlay::Palette => palette(ui, typed, fresh, actions),
                    Overlay::Skip => skip(ui, typed, fresh, actions),
                    Overlay::FlagNote => flag(ui, typed, fresh, actions),
                    Overlay::ImportSheet => {
                        import_sheet(ui, state, typed, fresh, screen.height() - 160.0, actions);
                    }
                    Overlay::ImportReport => {
                        import_report(ui, state, screen.height() - 200.0, actions);
                    }
                    Overlay::Policy => policy(ui, state, actions),
                    Overlay::Path(what) => path(ui, typed, what, fresh, actions),
                }
            });
        });
}

fn user_name() -> String {
    std::env::var("USER")
        .or_else(|_| std::env::var("USERNAME"))
        .unwrap_or_default()
}

fn title(ui: &mut Ui, text: &str) {
    let p = Palette::now(ui.ctx());
    let response = controls::text(ui, text, theme::serif(24.0), p.text);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Heading, true, text));
    ui.add_space(space::XS);
}

/// A one-line field; true when Enter was pressed in it.
fn field(ui: &mut Ui, typed: &mut Typed, name: &str, hint: &str, fresh: bool) -> bool {
    let edit = TextEdit::singleline(&mut typed.text)
        .hint_text(hint)
        .desired_width(ui.available_width() - 4.0);
    let response = ui.add(edit.margin(Margin::symmetric(10, 8)));
    let text = typed.text.clone();
    response.widget_info(|| {
        let mut info = WidgetInfo::text_edit(true, &text, &text, hint);
        info.label = Some(name.to_owned());
        info
    });
    if fresh {
        response.request_focus();
    }
    response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter))
}

fn welcome(
    ui: &mut Ui,
    state: &AppState,
    typed: &mut Typed,
    fresh: bool,
    actions: &mut Vec<Action>,
) {
    title(ui, "Welcome to Tiebreak");
    controls::note(
        ui,
        "Read two replies side by side, see what a reward model on this computer thinks of them, and say which one is better, and why.",
    );
    ui.add_space(space::L);
    let p = Palette::now(ui.ctx());
    controls::text(
        ui,
        "Your name or initials, recorded with every label",
        theme::ui_medium(theme::UI),
        p.text,
    );
    let entered = field(ui, typed, "Your name", "Name or initials", fresh);
    ui.add_space(space::L);
    let named = !typed.text.trim().is_empty();
    let begin = |actions: &mut Vec<Action>, what: Action| {
        actions.push(Action::SetAnnotator(typed.text.clone()));
        actions.push(what);
    };
    let (label, start) = match (state.dropped.as_slice(), &state.start) {
        ([], Some(path)) => (
            format!("Open {}", names(std::slice::from_ref(path))),
            Action::OpenProject(path.clone()),
        ),
        ([], None) => (
            "Try it: sample conversations".to_owned(),
            Action::StartSample,
        ),
        (files, _) => (
            format!("Import {}…", names(files)),
            Action::Import(files.to_vec()),
        ),
    };
    let size = vec2(ui.available_width() - 4.0, 38.0);
    if (controls::button(ui, &label, true, named, size).clicked() || entered) && named {
        begin(actions, start);
    }
    ui.add_space(space::XS);
    if controls::button(ui, "Open project…", false, named, size).clicked() {
        begin(actions, Action::PickProject);
    }
    ui.add_space(space::XS);
    if controls::button(ui, "Open your data…", false, named, size).clicked() {
        begin(actions, Action::PickImport);
    }
    ui.add_space(space::M);
    controls::note(
        ui,
        "Your data (.jsonl or .json, plain or gzip) can also be dropped into the window; its project is made beside it.",
    );
    controls::note(
        ui,
        "You can label without a model. A small one is built in; add another later in Models.",
    );
}

/// What the digits mean: it depends on the focused field.
const DIGITS: [(&[&str], &str); 3] = [
    (
        &["0", "…", "4"],
        "Set the focused attribute, then on to the next",
    ),
    (
        &["1", "2", "3"],
        "Comparing: left much better, better, slightly better",
    ),
    (
        &["5", "6", "7"],
        "Comparing: right slightly better, better, much better",
    ),
];

fn key_line(ui: &mut Ui, keys: &[&str], what: &str) {
    const KEYS: f32 = 104.0;
    let p = Palette::now(ui.ctx());
    ui.horizontal(|ui| {
        let layout = egui::Layout::left_to_right(egui::Align::Center);
        ui.allocate_ui_with_layout(vec2(KEYS, 20.0), layout, |ui| {
            ui.set_min_width(KEYS);
            ui.spacing_mut().item_spacing.x = 3.0;
            for key in keys {
                controls::key_cap(ui, key);
            }
        });
        controls::text(ui, what, theme::ui(12.0), p.text_2);
    });
}

fn cheat_sheet(ui: &mut Ui, height: f32, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    ui.horizontal(|ui| {
        title(ui, "All keys");
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if controls::button(ui, "Close", false, true, vec2(0.0, 28.0)).clicked() {
                actions.push(Action::Back);
            }
        });
    });
    ui.add_space(space::S);
    ScrollArea::vertical()
        .max_height(height)
        .min_scrolled_height(height)
        .show(ui, |ui| {
            ui.columns(2, |columns| {
                for group in Group::ALL {
                    let right = matches!(group, Group::Read | Group::Program);
                    let ui = &mut columns[usize::from(right)];
                    controls::text(ui, group.title(), theme::ui_bold(theme::UI), p.text);
                    ui.add_space(space::XS);
                    if group == Group::Judge {
                        for (keys, what) in DIGITS {
                            key_line(ui, keys, what);
                        }
                    }
                    let listed = COMMANDS.iter().filter(|c| {
                        c.group == group && !c.keys.is_empty() && !c.id.starts_with("digit-")
                    });
                    for command in listed {
                        let keys: Vec<String> =
                            command.keys.iter().map(ToString::to_string).collect();
                        let most = if keys.first().is_some_and(|k| k.len() > 6) {
                            1
                        } else {
                            2
                        };
                        let keys: Vec<&str> = keys.iter().take(most).map(String::as_str).collect();
                        key_line(ui, &keys, command.title);
                    }
                    ui.add_space(space::M);
                }
            });
        });
}

fn palette(ui: &mut Ui, typed: &mut Typed, fresh: bool, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let (up, down) = ui.input(|i| (i.key_pressed(Key::ArrowUp), i.key_pressed(Key::ArrowDown)));
    let entered = field(ui, typed, "Command", "What do you want to do?", fresh);
    let wanted = typed.text.to_lowercase();
    let named = COMMANDS
        .iter()
        .filter(|c| !c.id.starts_with("digit-") && c.title.to_lowercase().contains(&wanted));
    let found: Vec<&'static Command> = named.collect();
    typed.chosen = match (up, down) {
        (true, _) => typed.chosen.saturating_sub(1),
        (_, true) => typed.chosen + 1,
        _ => typed.chosen,
    }
    .min(found.len().saturating_sub(1));
    ui.add_space(space::S);
    if found.is_empty() {
        controls::note(ui, "No command is called that");
    }
    ScrollArea::vertical().max_height(380.0).show(ui, |ui| {
        for (at, command) in found.iter().enumerate() {
            let (rect, response) =
                ui.allocate_exact_size(vec2(ui.available_width(), 30.0), egui::Sense::click());
            if at == typed.chosen {
                ui.painter().rect_filled(rect, 3.0, p.sunken);
                if up || down {
                    ui.scroll_to_rect(rect, None);
                }
            }
            let y = rect.center().y;
            let font = theme::ui(theme::UI);
            ui.painter().text(
                egui::pos2(rect.left() + 8.0, y),
                Align2::LEFT_CENTER,
                command.title,
                font,
                p.text,
            );
            let font = theme::ui(theme::SMALL);
            let right = egui::pos2(rect.right() - 8.0, y);
            ui.painter().text(
                right,
                Align2::RIGHT_CENTER,
                command.key_text(),
                font,
                p.text_3,
            );
            response.widget_info(|| WidgetInfo::labeled(egui::Role::MenuItem, true, command.title));
            if response.clicked() || (entered && at == typed.chosen) {
                actions.push(Action::Back);
                actions.push(Action::Command(command.id));
            }
        }
    });
}

fn skip(ui: &mut Ui, typed: &mut Typed, fresh: bool, actions: &mut Vec<Action>) {
    title(ui, "Skip this item");
    controls::note(
        ui,
        "Say why; it is recorded, and the item can be found again in the list.",
    );
    ui.add_space(space::S);
    let entered = field(ui, typed, "Reason", "Reason", fresh);
    ui.add_space(space::S);
    ui.horizontal_wrapped(|ui| {
        for reason in [
            "Not my language",
            "Outside my field",
            "Unsafe to read",
            "Broken text",
            "Same response twice",
        ] {
            if controls::button(ui, reason, false, true, vec2(0.0, 28.0)).clicked() {
                actions.push(Action::Skip(reason.to_owned()));
            }
        }
    });
    ui.add_space(space::M);
    let said = !typed.text.trim().is_empty();
    ui.horizontal(|ui| {
        if (controls::button(ui, "Skip", true, said, vec2(96.0, 34.0)).clicked() || entered) && said
        {
            actions.push(Action::Skip(typed.text.clone()));
        }
        if controls::button(ui, "Cancel", false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Back);
        }
    });
}

fn flag(ui: &mut Ui, typed: &mut Typed, fresh: bool, actions: &mut Vec<Action>) {
    title(ui, "Flag this item");
    controls::note(
        ui,
        "For somebody to look at later. The label is not affected.",
    );
    ui.add_space(space::S);
    let entered = field(ui, typed, "Note", "What should be looked at?", fresh);
    ui.add_space(space::M);
    ui.horizontal(|ui| {
        if controls::button(ui, "Flag", true, true, vec2(96.0, 34.0)).clicked() || entered {
            actions.push(Action::Flag(typed.text.clone()));
        }
        if controls::button(ui, "Cancel", false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Back);
        }
    });
}

/// Asks whether scores are visible while labeling.
fn policy(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let Some(project) = &state.project else {
        return;
    };
    title(ui, "Score policy");
    controls::note(
        ui,
        "A rule of the project for everybody who labels in it. A change is an event in its log, and every label records the rule it was made under.",
    );
    ui.add_space(space::M);
    let choices = [
        (
            ScorePolicy::Live,
            "Live",
            "Scores are visible while reading",
        ),
        (
            ScorePolicy::Sealed,
            "Sealed",
            "Scores are computed, and shown after one's own commit",
        ),
        (
            ScorePolicy::Hidden,
            "Hidden",
            "Scores are never shown to the labeler",
        ),
    ];
    for (policy, name, what) in choices {
        if controls::choice(ui, project.info.policy == policy, name, what) {
            actions.push(Action::SetPolicy(policy));
        }
    }
    ui.add_space(space::M);
    if controls::button(ui, "Cancel", false, true, vec2(0.0, 34.0)).clicked() {
        actions.push(Action::Back);
    }
}

/// Asks for a path where there is no file dialog.
fn path(ui: &mut Ui, typed: &mut Typed, what: Pick, fresh: bool, actions: &mut Vec<Action>) {
    let (heading, told) = match what {
        Pick::Project => ("Open a project", "Path of a .tiebreak file."),
        Pick::NewProject => (
            "Make a project",
            "Path of a .tiebreak file that does not exist yet.",
        ),
        Pick::Import => (
            "Import data",
            "Path of a .jsonl or .json file, plain or gzip.",
        ),
        Pick::Export => ("Export", "Path of the file to write."),
        Pick::Copy => (
            "Save a copy of the project",
            "Path of a .tiebreak file that does not exist yet, on another disk perhaps.",
        ),
        Pick::Trained => ("A head of one's own", "Path of a new folder for the model."),
        Pick::ModelFolder => (
            "Load a model",
            "Path of a folder with config.json, tokenizer.json and safetensors.",
        ),
        Pick::ModelFile => ("Load a model", "Path of a .gguf file with a reward head."),
    };
    title(ui, heading);
    controls::note(ui, told);
    ui.add_space(space::S);
    let entered = field(ui, typed, "Path", "Path", fresh);
    ui.add_space(space::M);
    let said = !typed.text.trim().is_empty();
    ui.horizontal(|ui| {
        if (controls::button(ui, "Open", true, said, vec2(96.0, 34.0)).clicked() || entered) && said
        {
            actions.push(Action::Picked(what, vec![typed.text.trim().into()]));
        }
        if controls::button(ui, "Cancel", false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Back);
        }
    });
}

/// Shows what files are taken for and what will come in, and asks whether it shall.
fn import_sheet(
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

fn import_report(ui: &mut Ui, state: &AppState, height: f32, actions: &mut Vec<Action>) {
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
