//! The annotator's own labels in numbers.

use egui::{Align2, ScrollArea, Stroke, Ui, WidgetInfo, vec2};

use super::title;
use crate::analysis::tally::Share;
use crate::app::words::{asked, everywhere, tally as words};
use crate::app::{Action, AppState};
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

/// One's own labels in numbers, as ink on paper.
pub(super) fn tally(ui: &mut Ui, state: &AppState, height: f32, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    title(ui, words::TITLE);
    let counts = state
        .project
        .as_ref()
        .map(|p| p.info.counts)
        .unwrap_or_default();
    let left = counts
        .total
        .saturating_sub(counts.labelled + counts.skipped);
    let told = words::counts(
        counts.labelled,
        counts.total,
        counts.skipped,
        counts.later,
        counts.flagged,
        left,
    );
    let response = controls::note(ui, &told);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &told));
    let Some(tally) = &state.tally else {
        controls::note(ui, words::COUNTING);
        return;
    };
    if tally.labels == 0 && counts.labelled == 0 {
        controls::note(ui, words::NOTHING);
        ui.add_space(space::M);
        if controls::button(ui, everywhere::CLOSE, true, true, vec2(96.0, 34.0)).clicked() {
            actions.push(Action::Back);
        }
        return;
    }
    if let Some(seconds) = tally.median_seconds() {
        let pace = words::pace(&duration(seconds));
        controls::note(ui, &pace);
    }
    ui.add_space(space::M);
    ScrollArea::vertical()
        .max_height(height - 150.0)
        .min_scrolled_height(height - 150.0)
        .show(ui, |ui| {
            ui.columns(2, |columns| {
                let ui = &mut columns[0];
                controls::text(ui, words::LEVELS, theme::ui_bold(theme::UI), p.text);
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
                controls::text(ui, asked::PREFERENCE, theme::ui_bold(theme::UI), p.text);
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
                histogram(ui, words::STRENGTH, steps);
                if tally.neither > 0 {
                    controls::note(ui, &words::neither_valid(tally.neither));
                }
                ui.add_space(space::M);
                controls::text(ui, words::LEANING, theme::ui_bold(theme::UI), p.text);
                ui.add_space(space::XS);
                share(ui, words::LEFT, &tally.left, words::LEFT_TOLD);
                share(ui, words::LONGER, &tally.longer, words::LONGER_TOLD);
                for (id, n) in &tally.doubts {
                    let what = match id.as_str() {
                        "rated-against-preference" => words::RATED_AGAINST_PREFERENCE,
                        "names-sides" => words::NAMES_SIDES,
                        "too-fast" => words::TOO_FAST,
                        "identity-words" => words::IDENTITY_WORDS,
                        other => other,
                    };
                    controls::note(ui, &format!("{n} \u{00d7} {what}"));
                }
            });
        });
    ui.add_space(space::M);
    if controls::button(ui, everywhere::CLOSE, true, true, vec2(96.0, 34.0)).clicked() {
        actions.push(Action::Back);
    }
}

fn duration(seconds: f64) -> String {
    if seconds < 90.0 {
        words::seconds(seconds)
    } else {
        words::minutes(seconds / 60.0)
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
        controls::note(ui, &words::no_pairs(name));
        return;
    };
    let told = words::share(
        name,
        part * 100.0,
        share.low * 100.0,
        share.high * 100.0,
        share.count,
        share.of,
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
