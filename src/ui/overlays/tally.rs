//! The annotator's own labels in numbers.

use egui::{ScrollArea, Ui, WidgetInfo, vec2};

use super::title;
use crate::app::words::{asked, everywhere, tally as words};
use crate::app::{Action, AppState};
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;
use crate::ui::widgets::plots::{histogram, share};

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
