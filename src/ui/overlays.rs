//! Panels over a screen: the welcome, all keys, the command palette, the reasons for skipping and flagging, the import report.

use egui::{
    Align2, Area, Frame, Key, Margin, Order, RichText, ScrollArea, Stroke, TextEdit, Ui,
    WidgetInfo, vec2,
};

use super::theme::{self, Palette, space};
use super::widgets::controls;
use crate::analysis::tally::Share;
use crate::app::commands::{COMMANDS, Command, Group};
use crate::app::state::Pick;
use crate::app::update::{beside, names};
use crate::app::{Action, AppState, Overlay};
use crate::dataset::Rejected;
use crate::domain::{Item, LabelSchema, ScorePolicy};
use crate::text::{fuzzy, preview};

/// What is being typed into a panel.
#[derive(Default)]
pub struct Typed {
    text: String,
    shown: Option<Overlay>,
    chosen: usize,
    /// The schema being edited, and which one it began with.
    pub schema: Option<(String, LabelSchema)>,
    /// Its tags, and the line of text that means them.
    pub tags: Option<(Vec<String>, String)>,
    /// The guidelines being edited, and those they began with.
    pub guidelines: Option<(String, String)>,
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
        Overlay::Tally => 720.0,
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
                    Overlay::CheatSheet => {
                        cheat_sheet(ui, state, screen.height() - 140.0, actions);
                    }
                    Overlay::Palette => palette(ui, state, typed, fresh, actions),
                    Overlay::Comment => comment(ui, state, typed, fresh, actions),
                    Overlay::Tally => tally(ui, state, screen.height() - 160.0, actions),
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

fn cheat_sheet(ui: &mut Ui, state: &AppState, height: f32, actions: &mut Vec<Action>) {
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
                    let listed = COMMANDS
                        .iter()
                        .filter(|c| c.group == group && !c.id.starts_with("digit-"));
                    for command in listed {
                        let keys: Vec<String> = command
                            .keys_of(&state.settings)
                            .iter()
                            .map(ToString::to_string)
                            .collect();
                        if keys.is_empty() {
                            continue;
                        }
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

fn palette(
    ui: &mut Ui,
    state: &AppState,
    typed: &mut Typed,
    fresh: bool,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let (up, down) = ui.input(|i| (i.key_pressed(Key::ArrowUp), i.key_pressed(Key::ArrowDown)));
    let entered = field(ui, typed, "Command", "What do you want to do?", fresh);
    let mut ranked: Vec<(i32, &'static Command)> = COMMANDS
        .iter()
        .filter(|c| !c.id.starts_with("digit-"))
        .filter_map(|c| Some((fuzzy::rank(&typed.text, c.title)?, c)))
        .collect();
    // The best first; among equals the order of the table.
    ranked.sort_by_key(|(rank, _)| -rank);
    let found: Vec<&'static Command> = ranked.into_iter().map(|(_, c)| c).collect();
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
                command.key_text(&state.settings),
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

/// One's own labels in numbers, as ink on paper.
fn tally(ui: &mut Ui, state: &AppState, height: f32, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    title(ui, "My labels");
    let counts = state
        .project
        .as_ref()
        .map(|p| p.info.counts)
        .unwrap_or_default();
    let left = counts
        .total
        .saturating_sub(counts.labelled + counts.skipped);
    let told = format!(
        "{} of {} labelled, {} skipped, {} put off, {} flagged; {left} to go.",
        counts.labelled, counts.total, counts.skipped, counts.later, counts.flagged
    );
    let response = controls::note(ui, &told);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &told));
    let Some(tally) = &state.tally else {
        controls::note(ui, "Counting…");
        return;
    };
    if tally.labels == 0 {
        controls::note(ui, "Nothing is labelled yet: there is nothing to count.");
    }
    if let Some(seconds) = tally.median_seconds() {
        let pace = format!(
            "The middle label took {} with the window in use. Reading takes what it takes: no pace is asked of you.",
            duration(seconds)
        );
        controls::note(ui, &pace);
    }
    ui.add_space(space::M);
    ScrollArea::vertical()
        .max_height(height - 150.0)
        .show(ui, |ui| {
            ui.columns(2, |columns| {
                let ui = &mut columns[0];
                controls::text(ui, "Levels", theme::ui_bold(theme::UI), p.text);
                ui.add_space(space::XS);
                for (name, levels) in &tally.levels {
                    histogram(
                        ui,
                        name,
                        levels
                            .iter()
                            .enumerate()
                            .map(|(at, n)| (at.to_string(), *n)),
                    );
                }
                let ui = &mut columns[1];
                controls::text(ui, "Preference", theme::ui_bold(theme::UI), p.text);
                ui.add_space(space::XS);
                let steps = (-3..=3).map(|at: i32| {
                    let name = match at {
                        -3 => "A++".to_owned(),
                        -2 => "A+".to_owned(),
                        -1 => "A".to_owned(),
                        0 => "=".to_owned(),
                        1 => "B".to_owned(),
                        2 => "B+".to_owned(),
                        _ => "B++".to_owned(),
                    };
                    (name, tally.strengths.get(&at).copied().unwrap_or_default())
                });
                histogram(ui, "Strength, by side as you saw it", steps);
                if tally.neither > 0 {
                    controls::note(ui, &format!("Neither valid: {}", tally.neither));
                }
                ui.add_space(space::M);
                controls::text(ui, "Leaning", theme::ui_bold(theme::UI), p.text);
                ui.add_space(space::XS);
                share(
                    ui,
                    "The left one preferred",
                    &tally.left,
                    "Sides are drawn by lot, so one half is to be expected.",
                );
                share(
                    ui,
                    "The longer one preferred",
                    &tally.longer,
                    "Longer is often better; how often is for you to judge.",
                );
                for (id, n) in &tally.doubts {
                    let what = match id.as_str() {
                        "rated-against-preference" => "rated one higher, preferred the other",
                        "names-sides" => "reason names left or right",
                        "too-fast" => "faster than the responses can be read",
                        "identity-words" => "a response says which model wrote it",
                        other => other,
                    };
                    controls::note(ui, &format!("{n} \u{00d7} {what}"));
                }
            });
        });
    ui.add_space(space::M);
    if controls::button(ui, "Close", true, true, vec2(96.0, 34.0)).clicked() {
        actions.push(Action::Back);
    }
}

fn duration(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.1} min", seconds / 60.0)
    }
}

/// Columns of ink, each with its number above and its name below.
fn histogram(ui: &mut Ui, name: &str, columns: impl Iterator<Item = (String, u64)>) {
    const HEIGHT: f32 = 46.0;
    let p = Palette::now(ui.ctx());
    let columns: Vec<(String, u64)> = columns.collect();
    let most = columns
        .iter()
        .map(|(_, n)| *n)
        .max()
        .unwrap_or_default()
        .max(1);
    controls::text(ui, name, theme::ui(12.0), p.text_2);
    let width = (ui.available_width() - 16.0).min(280.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT + 30.0), egui::Sense::hover());
    let step = width / columns.len().max(1) as f32;
    let base = rect.top() + 14.0 + HEIGHT;
    for (at, (label, n)) in columns.iter().enumerate() {
        let x = rect.left() + step * (at as f32 + 0.5);
        let tall = HEIGHT * *n as f32 / most as f32;
        let bar = egui::Rect::from_min_max(
            egui::pos2(x - step * 0.32, base - tall),
            egui::pos2(x + step * 0.32, base),
        );
        ui.painter().rect_filled(bar, 0.0, p.ink[3]);
        let small = theme::ui(10.5);
        if *n > 0 {
            let above = egui::pos2(x, bar.top() - 1.0);
            ui.painter().text(
                above,
                Align2::CENTER_BOTTOM,
                n.to_string(),
                small.clone(),
                p.text_2,
            );
        }
        ui.painter().text(
            egui::pos2(x, base + 3.0),
            Align2::CENTER_TOP,
            label,
            small,
            p.text_3,
        );
    }
    ui.painter()
        .hline(rect.x_range(), base, Stroke::new(1.0, p.control));
    let told: Vec<String> = columns.iter().map(|(l, n)| format!("{l}: {n}")).collect();
    let told = format!("{name}. {}", told.join(", "));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &told));
}

/// A share on a line from 0 to 100 %, with its interval and the middle marked.
fn share(ui: &mut Ui, name: &str, share: &Share, note: &str) {
    let p = Palette::now(ui.ctx());
    let Some(part) = share.part() else {
        controls::note(ui, &format!("{name}: no pairs yet"));
        return;
    };
    let told = format!(
        "{name}: {:.0} % ({:.0} to {:.0}), {} of {}",
        part * 100.0,
        share.low * 100.0,
        share.high * 100.0,
        share.count,
        share.of
    );
    let font = if share.leans() {
        theme::ui_bold(12.0)
    } else {
        theme::ui(12.0)
    };
    controls::text(ui, &told, font, p.text);
    let width = (ui.available_width() - 16.0).min(280.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 16.0), egui::Sense::hover());
    let x = |part: f64| rect.left() + width * part as f32;
    let y = rect.center().y;
    let line = |from: f32, to: f32, stroke| ui.painter().hline(from..=to, y, stroke);
    line(rect.left(), rect.right(), Stroke::new(1.0, p.rule));
    ui.painter()
        .vline(x(0.5), rect.y_range(), Stroke::new(1.0, p.control));
    line(x(share.low), x(share.high), Stroke::new(3.0, p.ink[3]));
    ui.painter()
        .circle_filled(egui::pos2(x(part), y), 4.0, p.text);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &told));
    controls::text(ui, note, theme::ui(theme::SMALL), p.text_3);
    ui.add_space(space::S);
}

fn comment(
    ui: &mut Ui,
    state: &AppState,
    typed: &mut Typed,
    fresh: bool,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    title(ui, "Comment on this item");
    controls::note(
        ui,
        "About the item, not a part of its label. It stays in the project and in the item's history.",
    );
    if let Some(open) = state.open_item() {
        for said in &open.comments {
            ui.add_space(space::XS);
            let text = RichText::new(format!("\u{201C}{said}\u{201D}"))
                .font(theme::ui(theme::UI))
                .color(p.text_2);
            ui.add(egui::Label::new(text).wrap().selectable(true));
        }
    }
    ui.add_space(space::S);
    let entered = field(ui, typed, "Comment", "What is to be said?", fresh);
    ui.add_space(space::M);
    let said = !typed.text.trim().is_empty();
    ui.horizontal(|ui| {
        if (controls::button(ui, "Comment", true, said, vec2(96.0, 34.0)).clicked() || entered)
            && said
        {
            actions.push(Action::Comment(typed.text.clone()));
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
