//! After a practice item: one's own answer beside the one that came with the data.

use egui::{Ui, WidgetInfo, vec2};

use super::title;
use crate::app::form::letter;
use crate::app::history::preference_words;
use crate::app::words::{asked, everywhere, practice as words};
use crate::app::{Action, AppState};
use crate::domain::{Preference, ReferenceRole};
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

/// Shows how one's label compares; nothing of it counts.
pub(super) fn feedback(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let (Some(open), Some(schema)) = (state.open_item(), state.schema()) else {
        return;
    };
    let of = match open.practice {
        Some((at, of)) => words::item_of(at + 1, of),
        None => words::PRACTICE.to_owned(),
    };
    title(ui, &of);
    controls::note(ui, words::TOLD);
    ui.add_space(space::M);
    let verdict = open
        .references
        .iter()
        .find(|r| r.role == ReferenceRole::Verdict)
        .or(open.references.first());
    let Some(reference) = verdict else {
        return;
    };
    let own = &open.form.draft.judgment;
    let line = |ui: &mut Ui, what: &str, yours: &str, theirs: &str, apart: bool| {
        ui.horizontal(|ui| {
            for (text, width, strong) in [
                (what, 200.0, false),
                (yours, 130.0, apart),
                (theirs, 130.0, apart),
            ] {
                let layout = egui::Layout::left_to_right(egui::Align::Center);
                ui.allocate_ui_with_layout(vec2(width, 20.0), layout, |ui| {
                    ui.set_min_width(width);
                    let font = if strong {
                        theme::ui_bold(theme::UI)
                    } else {
                        theme::ui(theme::UI)
                    };
                    let response = controls::text(ui, text, font, p.text);
                    response.widget_info(|| WidgetInfo::labeled(egui::Role::Cell, true, text));
                });
            }
        });
    };
    line(ui, "", words::YOURS, words::REFERENCE, false);
    for (side, key) in open.shown.iter().enumerate() {
        for attribute in &schema.attributes {
            let level = |j: &crate::domain::Judgment| j.ratings.get(*key, &attribute.name);
            let (yours, theirs) = (level(own), level(&reference.judgment));
            if let (Some(yours), Some(theirs)) = (yours, theirs) {
                let what = everywhere::attribute_of(&attribute.title, &letter(side));
                line(
                    ui,
                    &what,
                    &yours.to_string(),
                    &theirs.to_string(),
                    (yours - theirs).abs() >= 1.0,
                );
            }
        }
    }
    if let Some(theirs) = reference.judgment.preference {
        let yours = own
            .preference
            .map_or_else(String::new, |p| preference_words(p, &open.shown));
        let side = |p: Preference| match p {
            Preference::Better { response, .. } => Some(response),
            _ => None,
        };
        let apart = own.preference.is_none_or(|p| side(p) != side(theirs));
        line(
            ui,
            asked::PREFERENCE,
            &yours,
            &preference_words(theirs, &open.shown),
            apart,
        );
    }
    if !reference.judgment.justification.is_empty() {
        ui.add_space(space::S);
        let told = everywhere::quoted(&reference.judgment.justification);
        controls::note(ui, &told);
    }
    ui.add_space(space::L);
    let on = controls::button(ui, words::GO_ON, true, true, vec2(120.0, 34.0));
    if on.clicked() || ui.input(|i| i.key_pressed(egui::Key::Enter)) {
        actions.push(Action::Back);
    }
}
