//! Where the reward model and people part ways: how often, how surely, on which kinds of pairs, and on which pairs.

use egui::{Align, Align2, Layout, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::study::{labels, page, part, row, title};
use crate::analysis::partings::{Partings, Slice, SliceAccuracy};
use crate::app::state::ModelState;
use crate::app::words::{inspect as words, study};
use crate::app::{Action, AppState, Screen};
use crate::domain::ScorePolicy;
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::{controls, plots};

/// With fewer pairs than these a slice says little.
const FEW: u64 = 20;

/// Shows the screen.
pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    page(ui, ["numbers", "partings"], |ui, at| {
        let found = state.study.inspection.as_deref();
        match (at, found.filter(|_| missing(state).is_none())) {
            (0, found) => {
                title(ui, words::TITLE, words::TOLD);
                if let Some((why, to_models)) = missing(state) {
                    controls::note(ui, why);
                    ui.add_space(space::M);
                    let go = |ui: &mut Ui| {
                        controls::button(ui, words::TO_MODELS, true, true, vec2(0.0, 34.0))
                    };
                    if to_models && go(ui).clicked() {
                        actions.push(Action::Show(Screen::Models));
                    }
                    return;
                }
                labels(ui, state, actions);
                if let Some(found) = found {
                    if found.unscored > 0 {
                        unscored(ui, state, found.unscored, actions);
                    }
                    numbers(ui, &found.partings, found.unscored);
                }
            }
            (_, Some(found)) if found.partings.all.n > 0 => {
                slices(ui, &found.partings.slices);
                partings(ui, &found.partings, actions);
            }
            _ => {}
        }
    });
}

/// Why there is nothing to see, and whether the Models screen can mend that.
fn missing(state: &AppState) -> Option<(&'static str, bool)> {
    let Some(project) = &state.project else {
        return Some((study::NO_PROJECT, false));
    };
    if project.info.policy == ScorePolicy::Hidden {
        return Some((words::HIDDEN, false));
    }
    match &state.model {
        ModelState::Ready(_) => None,
        ModelState::Loading(_) => Some((words::MODEL_LOADING, false)),
        ModelState::Off | ModelState::Failed(..) => Some((words::NO_MODEL, true)),
    }
}

fn unscored(ui: &mut Ui, state: &AppState, n: u64, actions: &mut Vec<Action>) {
    let size = vec2(ui.available_width(), 30.0);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        controls::note(ui, &words::unscored(n));
        let can = state.job.is_none() && state.can_write();
        if controls::button(ui, words::SCORE_ALL, true, can, vec2(0.0, 30.0)).clicked() {
            actions.push(Action::ScoreAll);
        }
    });
    ui.add_space(space::S);
}

fn numbers(ui: &mut Ui, found: &Partings, unscored: u64) {
    let all = &found.all;
    if all.n == 0 {
        let why = if unscored > 0 {
            words::NO_SCORES
        } else {
            words::NO_LABELS
        };
        controls::note(ui, why);
        return;
    }
    ui.add_space(space::S);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(28.0, space::M);
        let between = study::between(all.low * 100.0, all.high * 100.0);
        let agrees = study::percent(all.accuracy * 100.0);
        metric(ui, &agrees, &format!("{}, {between}", words::AGREES), "");
        metric(ui, &all.n.to_string(), words::PAIRS, "");
        if let Some(error) = all.calibration_error {
            metric(
                ui,
                &format!("{error:.3}"),
                words::CALIBRATION,
                words::CALIBRATION_TOLD,
            );
        }
        let longer = study::percent(all.length_baseline * 100.0);
        metric(ui, &longer, words::LONGER, words::LONGER_TOLD);
        if all.ties > 0 {
            metric(ui, &all.ties.to_string(), words::TIES, "");
        }
    });
    ui.add_space(space::L);
    part(ui, words::MARGINS);
    plots::margins(ui, found);
    ui.add_space(space::L);
    part(ui, words::RELIABILITY);
    plots::reliability(ui, &found.reliability);
}

/// A number, large, and what it is below it.
fn metric(ui: &mut Ui, value: &str, name: &str, told: &str) {
    let p = Palette::now(ui.ctx());
    let painter = ui.painter();
    let number = painter.layout_no_wrap(value.to_owned(), theme::serif(28.0), p.text);
    let below = painter.layout_no_wrap(name.to_owned(), theme::ui(theme::SMALL), p.text_2);
    let size = vec2(number.size().x.max(below.size().x), 52.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().galley(rect.min, number, p.text);
    ui.painter()
        .galley(pos2(rect.left(), rect.top() + 36.0), below, p.text_2);
    let said = format!("{value} {name}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
    if !told.is_empty() {
        response.on_hover_text(told);
    }
}

fn name_of(slice: Slice) -> &'static str {
    match slice {
        Slice::ChosenLonger => words::CHOSEN_LONGER,
        Slice::SameLength => words::SAME_LENGTH,
        Slice::ChosenShorter => words::CHOSEN_SHORTER,
        Slice::Slight => words::SLIGHT,
        Slice::Clear => words::CLEAR,
        Slice::SingleTurn => words::SINGLE_TURN,
        Slice::MultiTurn => words::MULTI_TURN,
        Slice::Code => words::CODE,
        Slice::OneList => words::ONE_LIST,
        Slice::OneBold => words::ONE_BOLD,
    }
}

/// Each kind of pair on a line from 0 to 100 %, with its interval.
fn slices(ui: &mut Ui, slices: &[SliceAccuracy]) {
    const ROW: f32 = 24.0;
    let p = Palette::now(ui.ctx());
    part(ui, words::SLICES);
    for slice in slices {
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width() - 8.0, ROW), Sense::hover());
        let y = rect.center().y;
        let few = slice.n < FEW;
        let ink = if few { p.text_3 } else { p.text };
        let painter = ui.painter();
        let name = name_of(slice.slice);
        let font = theme::ui(theme::UI);
        painter.text(
            pos2(rect.left(), y),
            Align2::LEFT_CENTER,
            name,
            font.clone(),
            ink,
        );
        let line = Rect::from_min_max(
            pos2(rect.left() + 176.0, rect.top()),
            pos2(rect.right() - 116.0, rect.bottom()),
        );
        let x = |part: f64| line.left() + line.width() * part as f32;
        painter.hline(line.x_range(), y, Stroke::new(1.0, p.rule));
        painter.vline(x(0.5), line.y_range(), Stroke::new(1.0, p.control));
        let thick = Stroke::new(3.0, if few { p.ink[1] } else { p.ink[3] });
        painter.hline(x(slice.low)..=x(slice.high), y, thick);
        painter.circle_filled(pos2(x(slice.accuracy), y), 4.0, ink);
        let percent = study::percent(slice.accuracy * 100.0);
        painter.text(
            pos2(rect.right() - 56.0, y),
            Align2::RIGHT_CENTER,
            percent,
            font.clone(),
            ink,
        );
        let small = theme::ui(theme::SMALL);
        let n = if few {
            format!("{} {}", slice.n, words::FEW)
        } else {
            slice.n.to_string()
        };
        painter.text(
            pos2(rect.right(), y),
            Align2::RIGHT_CENTER,
            n,
            small,
            p.text_3,
        );
        let [percent, low, high] = [slice.accuracy, slice.low, slice.high].map(|v| v * 100.0);
        let told = words::slice(name, percent, low, high, slice.n);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &told));
    }
    ui.add_space(space::L);
}

fn partings(ui: &mut Ui, found: &Partings, actions: &mut Vec<Action>) {
    part(ui, words::PARTINGS);
    if found.partings.is_empty() && found.more == 0 {
        controls::note(ui, words::NO_PARTINGS);
        return;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    for parting in &found.partings {
        let more = [parting.annotator.as_str(), &words::margin(parting.margin)];
        let more = more.iter().filter(|s| !s.is_empty()).copied();
        let more = more.collect::<Vec<_>>().join("  ");
        if row(ui, parting.position, &parting.preview, &more) {
            actions.push(Action::OpenItem(parting.item));
        }
    }
    ui.add_space(space::S);
    if found.more > 0 {
        controls::note(ui, &study::none_listed(found.more));
    }
    controls::note(ui, study::LISTED_TOLD);
}
