//! A head of one's own: what it learns from, how it went, and which labels it doubts.

use egui::{Align2, Frame, Margin, Pos2, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::analysis::stats::wilson;
use crate::app::state::{ModelState, Pick};
use crate::app::train::{Disagreement, TrainReport};
use crate::app::words::{everywhere, training as words};
use crate::app::{Action, AppState};
use crate::domain::ScorePolicy;
use crate::reward::ModelRef;
use crate::reward::train::{Epoch, Loss, Part};
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

/// With fewer held-out labels than these an interval is wider than what a head can be better by.
const FEW: usize = 50;
/// Doubted labels that are listed.
const LISTED: usize = 12;

/// Shows the panel.
pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let title = words::TITLE;
    let heading = controls::text(ui, title, theme::serif(24.0), p.text);
    heading.widget_info(|| WidgetInfo::labeled(Role::Heading, true, title));
    ui.add_space(space::XS);
    controls::note(ui, words::TOLD);
    ui.add_space(space::M);
    agreement(ui, state);
    let output = state
        .training
        .output
        .as_ref()
        .filter(|_| state.project.is_some());
    let (Some(output), ModelState::Ready(card)) = (output, &state.model) else {
        controls::note(ui, words::NEEDED_FIRST);
        return;
    };
    for loss in Loss::ALL {
        let (name, learns_from) = crate::app::words::loss(loss);
        if controls::choice(ui, state.training.loss == loss, name, learns_from) {
            actions.push(Action::TrainLoss(loss));
        }
    }
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        let free = state.job.is_none();
        let label = words::train_on(&card.info.name);
        if controls::button(ui, &label, true, free, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Train);
        }
        if state.training.running {
            if controls::button(ui, everywhere::STOP, false, true, vec2(0.0, 34.0)).clicked() {
                actions.push(Action::CancelJob);
            }
        } else if controls::button(ui, words::FOLDER, false, free, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::PickModel(Pick::Trained));
        }
    });
    ui.add_space(space::XS);
    if let Some(job) = state.job.as_ref().filter(|_| state.training.running) {
        let done = job.progress.done as f32 / job.progress.total.max(1) as f32;
        let told = words::steps(job.progress.done, job.progress.total);
        controls::level_bar(ui, done, vec2(320.0, 6.0), p.text, &told);
        controls::note(ui, &words::steps_told(&told));
    } else {
        controls::note(ui, &words::goes_to(&output.display()));
    }
    if let Some(why) = &state.training.failed {
        ui.add_space(space::S);
        let text = egui::RichText::new(why)
            .font(theme::ui(theme::UI))
            .color(p.error);
        let said = ui.add(egui::Label::new(text).wrap().selectable(true));
        said.widget_info(|| WidgetInfo::labeled(Role::Alert, true, why));
    }
    if let Some(report) = state.training.report.as_deref() {
        ui.add_space(space::L);
        outcome(ui, state, report, actions);
    }
}

/// How far the model above agrees with the labels, where that may be said.
fn agreement(ui: &mut Ui, state: &AppState) {
    let shown = state
        .project
        .as_ref()
        .is_some_and(|project| project.info.policy == ScorePolicy::Live);
    let Some(agreed) = state.agreed.filter(|_| shown) else {
        return;
    };
    let mut told = vec![];
    for (what, (wins, n)) in [
        (words::DRAWN_AT_RANDOM, agreed.control),
        (words::OTHER_ITEMS, agreed.others),
    ] {
        if n > 0 {
            let (low, high) = wilson(wins, n);
            told.push(words::agreed_on(
                wins,
                n,
                what,
                100.0 * wins as f64 / n as f64,
                low * 100.0,
                high * 100.0,
            ));
        }
    }
    if !told.is_empty() {
        let text = words::agrees(&told.join("; "));
        controls::note(ui, &text);
        if agreed.trained_here {
            controls::note(ui, words::TRAINED_HERE);
        }
        ui.add_space(space::M);
    }
}

fn outcome(ui: &mut Ui, state: &AppState, report: &TrainReport, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let frame = Frame::new()
        .fill(p.bg)
        .stroke(Stroke::new(1.0, p.rule))
        .corner_radius(6.0)
        .inner_margin(Margin::same(20));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let told = words::trained_on(report.train.n);
        let heading = controls::text(ui, &told, theme::ui_bold(16.0), p.text);
        heading.widget_info(|| WidgetInfo::labeled(Role::Status, true, &told));
        ui.add_space(space::XS);
        controls::note(ui, &in_words(report));
        ui.add_space(space::M);
        curve(ui, &report.curve, report.best_epoch);
        ui.add_space(space::M);
        if controls::button(ui, words::USE, true, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::LoadModel(ModelRef::Path(report.output.clone())));
        }
        ui.add_space(space::XS);
        controls::note(ui, &words::is_in(&report.output.display()));
    });
    if report.metric == "rmse" {
        return;
    }
    ui.add_space(space::L);
    controls::text(ui, words::DOUBTED, theme::ui_bold(16.0), p.text);
    ui.add_space(space::XS);
    let hidden = state
        .project
        .as_ref()
        .is_some_and(|project| project.info.policy == ScorePolicy::Hidden);
    if hidden {
        controls::note(ui, words::DOUBTED_HIDDEN);
        return;
    }
    let own: Vec<&Disagreement> = report
        .disagreements
        .iter()
        .filter(|d| d.annotator == state.settings.annotator)
        .take(LISTED)
        .collect();
    if own.is_empty() {
        controls::note(ui, words::DOUBTED_NONE);
        return;
    }
    controls::note(ui, words::DOUBTED_TOLD);
    ui.add_space(space::XS);
    for doubt in own {
        let name = words::doubted(&doubt.item.short(), doubt.margin);
        if controls::button(ui, &name, false, true, vec2(0.0, 28.0)).clicked() {
            actions.push(Action::OpenItem(doubt.item));
        }
    }
}

fn in_words(report: &TrainReport) -> String {
    let figure = |part: &Part| {
        let [value, low, high] = [part.measure.value, part.measure.low, part.measure.high];
        match report.metric {
            "rmse" => words::error_between(value, low, high),
            _ => words::percent_between(value * 100.0, low * 100.0, high * 100.0),
        }
    };
    let metric = match report.metric {
        "rmse" => words::ERROR,
        _ => words::AGREEMENT,
    };
    let mut text = words::outcome(
        metric,
        &figure(&report.validation),
        &words::labels(report.validation.n),
        &words::prompts(report.validation.prompts),
        &figure(&report.train),
    );
    if report.validation.n < FEW {
        text.push_str(words::FEW_LABELS);
    }
    if let Some(length) = report.length_baseline {
        text.push_str(&words::length_baseline(length * 100.0));
    }
    if report.left_out > 0 {
        text.push_str(&words::left_out(report.left_out));
    }
    text
}

/// Loss per epoch: what it learned from thin, what was held out thick, and the epoch that was kept.
fn curve(ui: &mut Ui, curve: &[Epoch], best: usize) {
    let p = Palette::now(ui.ctx());
    let size = vec2(ui.available_width().min(560.0), 150.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let plot = rect
        .with_min_x(rect.left() + 40.0)
        .with_max_y(rect.bottom() - 22.0)
        .with_max_x(rect.right() - 90.0);
    let losses = || curve.iter().flat_map(|e| [e.train, e.validation]);
    let (low, high) = losses().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| {
        (a.min(x), b.max(x))
    });
    let (low, high) = if high - low > 1e-9 {
        (low, high)
    } else {
        (low - 0.5, high + 0.5)
    };
    let at = |epoch: usize, loss: f64| -> Pos2 {
        let along = (epoch.saturating_sub(1)) as f32 / (curve.len().max(2) - 1) as f32;
        let up = ((loss - low) / (high - low)) as f32;
        pos2(
            plot.left() + along * plot.width(),
            plot.bottom() - up * plot.height(),
        )
    };
    let painter = ui.painter();
    let small = theme::ui(theme::SMALL);
    for loss in [low, high] {
        let y = at(1, loss).y;
        painter.hline(plot.x_range(), y, Stroke::new(1.0, p.rule));
        painter.text(
            pos2(plot.left() - 6.0, y),
            Align2::RIGHT_CENTER,
            format!("{loss:.2}"),
            small.clone(),
            p.text_3,
        );
    }
    let x = at(best, low).x;
    painter.vline(x, plot.y_range(), Stroke::new(1.0, p.text_3));
    painter.text(
        pos2(x, plot.bottom() + 4.0),
        Align2::CENTER_TOP,
        words::epoch(best),
        small.clone(),
        p.text_2,
    );
    let lines = [
        (
            words::LEARNED_FROM,
            (|e: &Epoch| e.train) as fn(&Epoch) -> f64,
            1.0,
            p.text_2,
        ),
        (words::HELD_OUT, |e: &Epoch| e.validation, 2.0, p.text),
    ];
    for (at_line, (name, of, width, color)) in lines.into_iter().enumerate() {
        let points: Vec<Pos2> = curve
            .iter()
            .enumerate()
            .map(|(n, e)| at(n + 1, of(e)))
            .collect();
        // Names beside the ends, never over each other.
        if let (Some(mine), Some(end)) = (points.last(), curve.last()) {
            let middle = at(curve.len(), f64::midpoint(end.train, end.validation)).y;
            let above = (end.train > end.validation) == (at_line == 0);
            let away = (mine.y - middle).abs().max(8.0);
            let y = if above { middle - away } else { middle + away };
            painter.text(
                pos2(mine.x + 6.0, y),
                Align2::LEFT_CENTER,
                name,
                small.clone(),
                color,
            );
        }
        painter.add(Shape::line(points, Stroke::new(width, color)));
    }
    let held = curve
        .get(best.saturating_sub(1))
        .map_or(0.0, |e| e.validation);
    let told = words::curve(best, curve.len(), held);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &told));
}
