//! Panels over a screen: the welcome, all keys, the command palette, the reasons for skipping and flagging, the import report.

mod feedback;
mod import;
mod tally;

use egui::{
    Align2, Area, Frame, Key, Margin, Order, RichText, ScrollArea, Stroke, TextEdit, Ui,
    WidgetInfo, vec2,
};

use super::theme::{self, Palette, space};
use super::widgets::controls;
use crate::app::commands::{COMMANDS, Command, Group};
use crate::app::state::Pick;
use crate::app::update::names;
use crate::app::{Action, AppState, Overlay, words};
use crate::domain::{LabelSchema, ScorePolicy};
use crate::text::fuzzy;
use feedback::feedback;
use import::{import_report, import_sheet};
use tally::tally;

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
                    Overlay::Feedback => feedback(ui, state, actions),
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
    title(ui, words::welcome::TITLE);
    controls::note(ui, words::welcome::TOLD);
    ui.add_space(space::L);
    let p = Palette::now(ui.ctx());
    controls::text(
        ui,
        words::welcome::NAME_ASKED,
        theme::ui_medium(theme::UI),
        p.text,
    );
    let entered = field(
        ui,
        typed,
        words::welcome::NAME,
        words::welcome::NAME_HINT,
        fresh,
    );
    ui.add_space(space::L);
    let named = !typed.text.trim().is_empty();
    let begin = |actions: &mut Vec<Action>, what: Action| {
        actions.push(Action::SetAnnotator(typed.text.clone()));
        actions.push(what);
    };
    let (label, start) = match (state.dropped.as_slice(), &state.start) {
        ([], Some(path)) => (
            words::welcome::open(&names(std::slice::from_ref(path))),
            Action::OpenProject(path.clone()),
        ),
        ([], None) => (words::welcome::TRY_SAMPLE.to_owned(), Action::StartSample),
        (files, _) => (
            words::welcome::import(&names(files)),
            Action::Import(files.to_vec()),
        ),
    };
    let size = vec2(ui.available_width() - 4.0, 38.0);
    if (controls::button(ui, &label, true, named, size).clicked() || entered) && named {
        begin(actions, start);
    }
    ui.add_space(space::XS);
    if controls::button(ui, words::everywhere::OPEN_PROJECT, false, named, size).clicked() {
        begin(actions, Action::PickProject);
    }
    ui.add_space(space::XS);
    if controls::button(ui, words::welcome::IMPORT_DATA, false, named, size).clicked() {
        begin(actions, Action::PickImport);
    }
    ui.add_space(space::M);
    controls::note(ui, words::welcome::DATA_TOLD);
    controls::note(ui, words::welcome::MODEL_TOLD);
}

/// What the digits mean: it depends on the focused field.
const DIGITS: [(&[&str], &str); 3] = [
    (&["0", "…", "4"], words::cheat_sheet::DIGITS_RATE),
    (&["1", "2", "3"], words::cheat_sheet::DIGITS_LEFT),
    (&["5", "6", "7"], words::cheat_sheet::DIGITS_RIGHT),
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
        title(ui, words::cheat_sheet::TITLE);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if controls::button(ui, words::everywhere::CLOSE, false, true, vec2(0.0, 28.0))
                .clicked()
            {
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
    let entered = field(
        ui,
        typed,
        words::palette::COMMAND,
        words::palette::HINT,
        fresh,
    );
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
        controls::note(ui, words::palette::NONE_FOUND);
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
    title(ui, words::skip::TITLE);
    controls::note(ui, words::skip::TOLD);
    ui.add_space(space::S);
    let entered = field(ui, typed, words::skip::REASON, words::skip::REASON, fresh);
    ui.add_space(space::S);
    ui.horizontal_wrapped(|ui| {
        for reason in words::skip::REASONS {
            if controls::button(ui, reason, false, true, vec2(0.0, 28.0)).clicked() {
                actions.push(Action::Skip((*reason).to_owned()));
            }
        }
    });
    ui.add_space(space::M);
    let said = !typed.text.trim().is_empty();
    ui.horizontal(|ui| {
        if (controls::button(ui, words::skip::SKIP, true, said, vec2(96.0, 34.0)).clicked()
            || entered)
            && said
        {
            actions.push(Action::Skip(typed.text.clone()));
        }
        if controls::button(ui, words::everywhere::CANCEL, false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Back);
        }
    });
}

fn comment(
    ui: &mut Ui,
    state: &AppState,
    typed: &mut Typed,
    fresh: bool,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    title(ui, words::comment::TITLE);
    controls::note(ui, words::comment::TOLD);
    if let Some(open) = state.open_item() {
        for said in &open.comments {
            ui.add_space(space::XS);
            let text = RichText::new(words::everywhere::quoted(said))
                .font(theme::ui(theme::UI))
                .color(p.text_2);
            ui.add(egui::Label::new(text).wrap().selectable(true));
        }
    }
    ui.add_space(space::S);
    let entered = field(
        ui,
        typed,
        words::comment::COMMENT,
        words::comment::HINT,
        fresh,
    );
    ui.add_space(space::M);
    let said = !typed.text.trim().is_empty();
    ui.horizontal(|ui| {
        if (controls::button(ui, words::comment::COMMENT, true, said, vec2(96.0, 34.0)).clicked()
            || entered)
            && said
        {
            actions.push(Action::Comment(typed.text.clone()));
        }
        if controls::button(ui, words::everywhere::CANCEL, false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Back);
        }
    });
}

fn flag(ui: &mut Ui, typed: &mut Typed, fresh: bool, actions: &mut Vec<Action>) {
    title(ui, words::flag::TITLE);
    controls::note(ui, words::flag::TOLD);
    ui.add_space(space::S);
    let entered = field(ui, typed, words::flag::NOTE, words::flag::HINT, fresh);
    ui.add_space(space::M);
    ui.horizontal(|ui| {
        if controls::button(ui, words::flag::FLAG, true, true, vec2(96.0, 34.0)).clicked()
            || entered
        {
            actions.push(Action::Flag(typed.text.clone()));
        }
        if controls::button(ui, words::everywhere::CANCEL, false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Back);
        }
    });
}

/// Asks whether scores are visible while labeling.
fn policy(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let Some(project) = &state.project else {
        return;
    };
    title(ui, words::policy::TITLE);
    controls::note(ui, words::policy::TOLD);
    ui.add_space(space::M);
    let choices = [
        (
            ScorePolicy::Live,
            words::policy::LIVE,
            words::policy::LIVE_TOLD,
        ),
        (
            ScorePolicy::Sealed,
            words::policy::SEALED,
            words::policy::SEALED_TOLD,
        ),
        (
            ScorePolicy::Hidden,
            words::policy::HIDDEN,
            words::policy::HIDDEN_TOLD,
        ),
    ];
    for (policy, name, what) in choices {
        if controls::choice(ui, project.info.policy == policy, name, what) {
            actions.push(Action::SetPolicy(policy));
        }
    }
    ui.add_space(space::M);
    if controls::button(ui, words::everywhere::CANCEL, false, true, vec2(0.0, 34.0)).clicked() {
        actions.push(Action::Back);
    }
}

/// Asks for a path where there is no file dialog.
fn path(ui: &mut Ui, typed: &mut Typed, what: Pick, fresh: bool, actions: &mut Vec<Action>) {
    let (heading, told) = match what {
        Pick::Project => (words::path::PROJECT, words::path::PROJECT_TOLD),
        Pick::NewProject => (words::path::NEW_PROJECT, words::path::NEW_PROJECT_TOLD),
        Pick::Import => (words::path::IMPORT, words::path::IMPORT_TOLD),
        Pick::Export => (words::path::EXPORT, words::path::EXPORT_TOLD),
        Pick::Copy => (words::path::COPY, words::path::COPY_TOLD),
        Pick::Trained => (words::path::TRAINED, words::path::TRAINED_TOLD),
        Pick::ModelFolder => (words::path::MODEL, words::path::MODEL_FOLDER_TOLD),
        Pick::ModelFile => (words::path::MODEL, words::path::MODEL_FILE_TOLD),
    };
    title(ui, heading);
    controls::note(ui, told);
    ui.add_space(space::S);
    let entered = field(ui, typed, words::path::PATH, words::path::PATH, fresh);
    ui.add_space(space::M);
    let said = !typed.text.trim().is_empty();
    ui.horizontal(|ui| {
        if (controls::button(ui, words::path::OPEN, true, said, vec2(96.0, 34.0)).clicked()
            || entered)
            && said
        {
            actions.push(Action::Picked(what, vec![typed.text.trim().into()]));
        }
        if controls::button(ui, words::everywhere::CANCEL, false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Back);
        }
    });
}
