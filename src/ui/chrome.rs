//! What stands around every screen: the rail, the top bar, the status bar, notices.

use egui::{
    Align, Frame, Layout, Margin, Panel, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::theme::{self, Palette, space};
use super::widgets::{controls, icons};
use crate::app::state::{DiffView, JobState, ModelState, Offer, Saved, SettingsTab};
use crate::app::words::{chrome as words, everywhere, practice};
use crate::app::{Action, AppState, Overlay, Screen, commands};
use crate::domain::{Mode, ScorePolicy};

/// The rail with the screens.
pub fn rail(ui: &mut Ui, state: &AppState, compact: bool, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let width = if compact { 40.0 } else { 56.0 };
    Panel::left("rail")
        .exact_size(width)
        .resizable(false)
        .show_separator_line(false)
        .frame(Frame::new().fill(p.sunken))
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            controls::landmark(ui, ui.max_rect(), words::SCREENS);
            for screen in Screen::ALL {
                let height = if compact { 44.0 } else { 52.0 };
                let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::click());
                let here = state.screen == screen;
                if here {
                    ui.painter().rect_filled(rect, 0.0, p.bg);
                    let mark = Rect::from_min_size(rect.min, vec2(3.0, height));
                    ui.painter().rect_filled(mark, 0.0, p.text);
                }
                let color = if here || response.hovered() {
                    p.text
                } else {
                    p.text_2
                };
                let centre = if compact {
                    rect.center()
                } else {
                    rect.center() - vec2(0.0, 8.0)
                };
                icons::screen(
                    ui.painter(),
                    screen,
                    Rect::from_center_size(centre, vec2(17.0, 17.0)),
                    color,
                );
                if !compact {
                    let below = pos2(rect.center().x, rect.bottom() - 13.0);
                    let font = theme::ui_medium(9.75);
                    ui.painter().text(
                        below,
                        egui::Align2::CENTER_CENTER,
                        screen.title(),
                        font,
                        color,
                    );
                }
                response
                    .widget_info(|| WidgetInfo::selected(Role::Tab, true, here, screen.title()));
                if response.clicked() {
                    actions.push(Action::Show(screen));
                }
                let key = state.key(match screen {
                    Screen::Annotate => "show-annotate",
                    Screen::Queue => "show-queue",
                    Screen::Inspect => "show-inspect",
                    Screen::Agreement => "show-agreement",
                    Screen::Export => "show-export",
                    Screen::Models => "show-models",
                    Screen::Settings => "settings",
                });
                response.on_hover_text(format!("{} ({key})", screen.title()));
            }
            let edge = ui.max_rect();
            ui.painter()
                .vline(edge.right() - 0.5, edge.y_range(), Stroke::new(1.0, p.rule));
        });
}

/// The bar with the project, the model, the policy and the last write.
pub fn top_bar(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let bar = Panel::top("top")
        .exact_size(44.0)
        .resizable(false)
        .show_separator_line(false);
    bar.frame(
        Frame::new()
            .fill(p.bg)
            .inner_margin(Margin::symmetric(16, 0)),
    )
    .show(ui, |ui| {
        controls::landmark(ui, ui.max_rect(), words::PROJECT_AND_MODEL);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            saved(ui, state);
            if let Some(project) = &state.project {
                if project.info.read_only {
                    controls::chip(ui, words::READ_ONLY, "", words::READ_ONLY_TOLD);
                }
                let policy = match project.info.policy {
                    ScorePolicy::Live => words::SCORES_LIVE,
                    ScorePolicy::Sealed => words::SCORES_SEALED,
                    ScorePolicy::Hidden => words::SCORES_HIDDEN,
                };
                let chip = controls::chip(ui, "", policy, policy);
                let chip = chip.on_hover_text(words::POLICY_TOLD);
                if chip.clicked() && state.can_write() {
                    actions.push(Action::Open(Overlay::Policy));
                }
            }
            model_chip(ui, state, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                folio(ui, state, actions);
            });
        });
        // Progress is a hairline, not a ring.
        if let Some(project) = &state.project {
            let counts = project.info.counts;
            let done = (counts.labelled + counts.skipped) as f32 / counts.total.max(1) as f32;
            let edge = ui.max_rect().expand2(vec2(16.0, 0.0));
            ui.painter().hline(
                edge.x_range(),
                edge.bottom() - 0.5,
                Stroke::new(1.0, p.rule),
            );
            if done > 0.0 {
                let until = edge.left() + edge.width() * done.min(1.0);
                ui.painter().hline(
                    edge.left()..=until,
                    edge.bottom() - 1.0,
                    Stroke::new(2.0, p.text),
                );
            }
        }
    });
}

fn folio(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    ui.spacing_mut().item_spacing.x = space::M;
    let Some(project) = &state.project else {
        controls::text(ui, everywhere::PROGRAM, theme::ui_bold(theme::UI), p.text);
        return;
    };
    controls::text(ui, &project.info.title, theme::ui_bold(theme::UI), p.text);
    let Some(open) = &project.open else { return };
    let total = project.info.counts.total;
    let place = format!("{} / {total}", open.position + 1);
    let response = controls::text(ui, &place, theme::ui(theme::UI), p.text_2);
    let counts = project.info.counts;
    let response = response.interact(Sense::click());
    if response.clicked() {
        actions.push(Action::Open(Overlay::Tally));
    }
    response.clone().on_hover_text(words::counts(
        counts.labelled,
        counts.skipped,
        counts.later,
        counts.flagged,
        counts.drafts,
    ));
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Status, true, words::item_of(open.position + 1, total))
    });
    controls::live(ui, &response);
    if state.screen == Screen::Annotate {
        let mode = match project.info.schema.mode {
            Mode::SideBySide if state.compact || open.shown.len() != 2 => Mode::OneAtATime,
            mode => mode,
        };
        let name = crate::app::words::mode(mode);
        let chip = controls::chip(ui, "", name, name);
        let chip = chip.on_hover_text(words::MODE_TOLD);
        if chip.clicked() {
            actions.push(Action::ShowSettings(SettingsTab::Project));
        }
        if let Some((at, of)) = open.practice {
            let told = practice::item_of(at + 1, of);
            controls::chip(ui, &told, "", &told).on_hover_text(words::PRACTICE_TOLD);
        } else if open.committed() {
            controls::chip(ui, "", words::LABELLED, words::LABELLED_TOLD);
        }
    }
}

fn model_chip(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let (strong, rest) = match &state.model {
        ModelState::Off => (words::NO_MODEL.to_owned(), words::NO_MODEL_MEANS.to_owned()),
        ModelState::Loading(_) => (words::MODEL.to_owned(), words::MODEL_LOADING.to_owned()),
        ModelState::Failed(..) => (
            words::MODEL_FAILED.to_owned(),
            words::MODEL_FAILED_MEANS.to_owned(),
        ),
        ModelState::Ready(card) => {
            let mut parts = vec![
                card.info
                    .device
                    .split(' ')
                    .next()
                    .unwrap_or_default()
                    .to_uppercase(),
                card.info.dtype.to_uppercase(),
            ];
            if let Some(ms) = state.last_score_ms {
                parts.push(everywhere::milliseconds(ms));
            }
            (card.info.name.clone(), parts.join(" · "))
        }
    };
    let chip = controls::chip(ui, &strong, &rest, &words::reward_model(&strong));
    if chip.on_hover_text(words::MODEL_TOLD).clicked() {
        actions.push(Action::Show(Screen::Models));
    }
}

fn saved(ui: &mut Ui, state: &AppState) {
    let p = Palette::now(ui.ctx());
    let Some(project) = &state.project else {
        return;
    };
    let (text, color) = match &project.saved {
        Saved::Clean => return,
        Saved::Saving => (words::SAVING.to_owned(), p.text_3),
        Saved::At(at) => {
            let local = at.to_zoned(jiff::tz::TimeZone::system());
            (words::saved_at(&local.strftime("%H:%M:%S")), p.text_2)
        }
        Saved::Failed(_) => (words::NOT_SAVED.to_owned(), p.error),
    };
    let response = controls::text(ui, &text, theme::ui(theme::UI), color);
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &text));
    controls::live(ui, &response);
    if let Saved::Failed(why) = &project.saved {
        response.on_hover_text(why);
    }
}

/// The bar with the keys that matter here and what is ready.
pub fn status_bar(ui: &mut Ui, state: &AppState, problems: &Problems, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let bar = Panel::bottom("status")
        .exact_size(28.0)
        .resizable(false)
        .show_separator_line(false);
    bar.frame(
        Frame::new()
            .fill(p.sunken)
            .inner_margin(Margin::symmetric(16, 0)),
    )
    .show(ui, |ui| {
        let edge = ui.max_rect().expand2(vec2(16.0, 0.0));
        ui.painter()
            .hline(edge.x_range(), edge.top() + 0.5, Stroke::new(1.0, p.rule));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            let small = |ui: &mut Ui, text: &str| {
                controls::text(ui, text, theme::ui(theme::SMALL), p.text_2)
            };
            small(ui, words::CHEAT_SHEET);
            controls::key_cap(ui, &state.key("cheat-sheet"));
            ui.add_space(space::S);
            small(ui, &format!("{} %", state.settings.zoom));
            if state.screen == Screen::Annotate
                && let Some(open) = state.open_item()
            {
                ui.add_space(space::S);
                reading_problems(ui, state, problems);
                if matches!(state.model, ModelState::Ready(_)) && !open.ahead.is_empty() {
                    small(ui, &words::next_ready(open.ready_ahead()));
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                if state.screen == Screen::Annotate && state.open_item().is_some() {
                    for (on, id, what) in [
                        (
                            state.diff == DiffView::Marks,
                            "diff",
                            words::DIFFERENCES_MARKED,
                        ),
                        (
                            state.diff == DiffView::Only,
                            "diff",
                            words::ONLY_DIFFERENCES,
                        ),
                        (state.locked, "lock", words::SCROLLING_TOGETHER),
                        (state.invisible, "invisible", words::INVISIBLE_WRITTEN_OUT),
                    ] {
                        if on {
                            controls::key_cap(ui, &state.key(id));
                            let font = theme::ui_bold(theme::SMALL);
                            controls::text(ui, what, font, p.text);
                            ui.add_space(space::S);
                        }
                    }
                    let typing = ui.ctx().text_edit_focused();
                    controls::key_cap(
                        ui,
                        if typing {
                            words::KEYS_GO_TO_TEXT
                        } else {
                            words::KEYS_ARE_COMMANDS
                        },
                    );
                    let mut keys = vec![
                        (
                            "raw",
                            if state.raw {
                                words::SHOW_RENDERED
                            } else {
                                words::SHOW_RAW
                            },
                        ),
                        ("undo", words::UNDO),
                    ];
                    keys.push(("next-unlabelled", words::NEXT_OPEN));
                    if typing {
                        keys = vec![("close", words::BACK_TO_KEYS), ("commit", words::COMMIT)];
                    }
                    for (id, what) in keys {
                        if let Some(command) = commands::find(id) {
                            ui.add_space(space::S);
                            controls::key_cap(ui, &command.key_text(&state.settings));
                            controls::text(ui, what, theme::ui(theme::SMALL), p.text_2);
                        }
                    }
                }
                if let (Some(indexed), None) = (state.indexed, &state.job) {
                    ui.add_space(space::S);
                    let percent = indexed.done * 100 / indexed.total.max(1);
                    let text = words::indexing(percent);
                    controls::text(ui, &text, theme::ui(theme::SMALL), p.text_2)
                        .on_hover_text(words::INDEXING_TOLD);
                }
                if let Some(job) = &state.job {
                    ui.add_space(space::S);
                    let progress = job.progress;
                    let percent = (progress.done * 100).checked_div(progress.total);
                    let how_far = match percent {
                        Some(percent) => format!("{} · {percent} %", job.title),
                        None => format!("{} · {}", job.title, progress.done),
                    };
                    let how_far = how_far + &pace(job);
                    controls::text(ui, &how_far, theme::ui(theme::SMALL), p.text);
                    let stop = egui::RichText::new(everywhere::STOP).font(theme::ui(theme::SMALL));
                    let stop = ui.add(egui::Button::new(stop.color(p.text)).small());
                    if stop.on_hover_text(words::STOP_TOLD).clicked() {
                        actions.push(Action::CancelJob);
                    }
                }
            });
        });
    });
}

/// How fast a job is and how long it still takes, for after its title.
fn pace(job: &JobState) -> String {
    let (rate, left) = job.pace();
    let rate = rate.map(|rate| words::rows_per_second(rate.round() as u64));
    let left = left.map(|left| match left.ceil() as u64 {
        seconds @ 0..=90 => words::seconds_left(seconds),
        seconds => words::minutes_left(seconds.div_ceil(60)),
    });
    let parts: Vec<String> = std::iter::once(String::new())
        .chain(rate)
        .chain(left)
        .collect();
    parts.join(" · ")
}

/// What makes the open item hard to read as it is.
#[derive(Default)]
pub struct Problems {
    /// Characters that nobody sees, or sees as something else.
    pub odd: usize,
    /// Their names.
    pub names: Vec<String>,
    /// Characters other than ASCII, each once.
    pub others: Vec<char>,
    /// Whether some of it is written from right to left.
    pub right_to_left: bool,
    /// Whether a response says which model wrote it.
    pub identity: bool,
}

/// Says what cannot be read as it is: nobody should judge by what is not on the screen.
fn reading_problems(ui: &mut Ui, state: &AppState, problems: &Problems) {
    let p = Palette::now(ui.ctx());
    let told = |ui: &mut Ui, text: &str, why: &str| {
        let response = controls::text(ui, text, theme::ui(theme::SMALL), p.text);
        response.widget_info(|| WidgetInfo::labeled(Role::Status, true, text));
        response.on_hover_text(why);
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), Sense::hover());
        icons::warning(ui.painter(), rect.shrink(0.5), p.text);
    };
    if problems.odd > 0 {
        let why = words::odd_characters_told(&problems.names.join(", "), &state.key("invisible"));
        told(ui, &words::odd_characters(problems.odd), &why);
    }
    let font = theme::serif(theme::READING);
    let missing: Vec<char> = ui.ctx().fonts_mut(|fonts| {
        let lacks = |c: &&char| !fonts.has_glyph(&font, **c);
        problems.others.iter().filter(lacks).copied().collect()
    });
    if !missing.is_empty() {
        let list: Vec<String> = missing
            .iter()
            .take(40)
            .map(|c| format!("{c} U+{:04X}", u32::from(*c)))
            .collect();
        let why = words::no_glyph_told(&list.join(", "));
        told(ui, &words::no_glyph(missing.len()), &why);
    }
    if problems.identity {
        told(ui, words::NAMES_ITS_AUTHOR, words::NAMES_ITS_AUTHOR_TOLD);
    }
    if problems.right_to_left {
        told(ui, words::RIGHT_TO_LEFT, words::RIGHT_TO_LEFT_TOLD);
    }
}

/// While a file dialog is open, or is said to be: on some systems none comes.
pub fn picking(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let Some(what) = state.picking else { return };
    let p = Palette::now(ui.ctx());
    let frame = Frame::new()
        .fill(p.sunken)
        .inner_margin(Margin::symmetric(16, 8));
    Panel::top("picking")
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                controls::text(ui, words::PICKING, theme::ui(theme::UI), p.text);
                if controls::button(ui, words::PICK_BY_PATH, false, true, vec2(0.0, 28.0)).clicked()
                {
                    actions.push(Action::AskPath(what));
                }
            });
        });
}

/// A message above the screen, with what can be done about it.
pub fn notice(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let Some(notice) = &state.notice else { return };
    let p = Palette::now(ui.ctx());
    let frame = Frame::new()
        .fill(p.sunken)
        .inner_margin(Margin::symmetric(16, 8));
    Panel::top("notice")
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                if controls::button(ui, words::DISMISS, false, true, vec2(0.0, 28.0)).clicked() {
                    actions.push(Action::DismissNotice);
                }
                for offer in notice.offers.iter().rev() {
                    let (label, action) = match offer {
                        Offer::ReadOnly(path) => {
                            (words::OPEN_READ_ONLY, Action::OpenReadOnly(path.clone()))
                        }
                        Offer::TakeOver(path) => (words::TAKE_OVER, Action::TakeOver(path.clone())),
                        Offer::Import => (words::IMPORT, Action::Open(Overlay::ImportSheet)),
                        Offer::SaveCopy => (words::SAVE_A_COPY, Action::SaveCopy),
                    };
                    if controls::button(ui, label, false, true, vec2(0.0, 28.0)).clicked() {
                        actions.push(action);
                    }
                }
                if notice.error
                    && controls::button(ui, words::COPY_DETAILS, false, true, vec2(0.0, 28.0))
                        .clicked()
                {
                    ui.ctx().copy_text(words::details(
                        &notice.text,
                        env!("CARGO_PKG_VERSION"),
                        std::env::consts::OS,
                        std::env::consts::ARCH,
                    ));
                }
                ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
                    let (rect, _) = ui.allocate_exact_size(vec2(16.0, 22.0), Sense::hover());
                    let square = Rect::from_center_size(rect.center(), vec2(13.0, 12.0));
                    icons::warning(
                        ui.painter(),
                        square,
                        if notice.error { p.error } else { p.text },
                    );
                    let color = if notice.error { p.error } else { p.text };
                    let text = egui::RichText::new(&notice.text)
                        .font(theme::ui(theme::UI))
                        .color(color);
                    let response = ui.add(egui::Label::new(text).wrap().selectable(true));
                    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &notice.text));
                    controls::live(ui, &response);
                });
            });
        });
}
