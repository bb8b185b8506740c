//! The reward model: which one scores, what it is, and how to load another.

use egui::{Frame, Margin, Stroke, Ui, WidgetInfo, vec2};

use super::study::page;
use super::training;
use crate::app::state::{ModelState, Pick};
use crate::app::words::{everywhere, models as words};
use crate::app::{Action, AppState};
use crate::reward::ModelRef;
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

/// Shows the screen.
pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    page(ui, ["model", "training"], |ui, at| {
        if at == 0 {
            model(ui, state, actions);
        } else {
            training::show(ui, state, actions);
        }
    });
}

fn model(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    controls::text(ui, words::TITLE, theme::serif(24.0), p.text);
    ui.add_space(space::XS);
    controls::note(ui, words::TOLD);
    ui.add_space(space::L);
    card(ui, state);
    ui.add_space(space::L);
    ui.horizontal(|ui| {
        let loading = matches!(state.model, ModelState::Loading(_));
        if controls::button(ui, words::LOAD_FOLDER, true, !loading, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::PickModel(Pick::ModelFolder));
        }
        if controls::button(ui, words::LOAD_FILE, false, !loading, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::PickModel(Pick::ModelFile));
        }
        let other =
            !matches!(&state.model, ModelState::Ready(card) if card.model == ModelRef::Default);
        if other
            && controls::button(ui, words::USE_BUILT_IN, false, !loading, vec2(0.0, 34.0)).clicked()
        {
            actions.push(Action::LoadModel(ModelRef::Default));
        }
        let on = !matches!(state.model, ModelState::Off);
        if on && controls::button(ui, words::TURN_OFF, false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::UnloadModel);
        }
    });
    ui.add_space(space::M);
    controls::note(ui, words::KINDS_TOLD);
}

fn card(ui: &mut Ui, state: &AppState) {
    let p = Palette::now(ui.ctx());
    let frame = Frame::new()
        .fill(p.bg)
        .stroke(Stroke::new(1.0, p.rule))
        .corner_radius(6.0)
        .inner_margin(Margin::same(20));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let title = |ui: &mut Ui, text: &str| {
            let response = controls::text(ui, text, theme::ui_bold(16.0), p.text);
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Heading, true, text));
            ui.add_space(space::XS);
        };
        match &state.model {
            ModelState::Off => {
                title(ui, words::NONE);
                controls::note(ui, words::NONE_TOLD);
            }
            ModelState::Loading(model) => {
                title(ui, &words::loading(&model));
                controls::note(ui, words::LOADING_TOLD);
            }
            ModelState::Failed(model, why) => {
                title(ui, &words::failed(&model));
                let text = egui::RichText::new(why)
                    .font(theme::ui(theme::UI))
                    .color(p.error);
                ui.add(egui::Label::new(text).wrap().selectable(true));
                ui.add_space(space::XS);
                controls::note(ui, words::FAILED_TOLD);
            }
            ModelState::Ready(card) => {
                title(ui, &card.info.name);
                let info = &card.info;
                let mut facts = vec![
                    (words::DEVICE, info.device.clone()),
                    (words::PRECISION, info.dtype.clone()),
                    (words::PARAMETERS, millions(info.parameters)),
                    (words::CONTEXT, words::tokens(info.context)),
                    (words::HEAD, info.id.head.clone()),
                    (words::LOADED_IN, everywhere::milliseconds(card.load_ms)),
                ];
                if let Some(ms) = state.last_score_ms {
                    facts.push((words::LAST_RESPONSE, everywhere::milliseconds(ms)));
                }
                facts.push((words::WEIGHTS, info.id.weights.chars().take(16).collect()));
                egui::Grid::new("facts")
                    .num_columns(2)
                    .spacing(vec2(24.0, 6.0))
                    .show(ui, |ui| {
                        for (name, value) in facts {
                            let plain = egui::RichText::new(name)
                                .font(theme::ui(theme::UI))
                                .color(p.text_3);
                            ui.add(egui::Label::new(plain).extend());
                            let plain = egui::RichText::new(value)
                                .font(theme::ui_medium(theme::UI))
                                .color(p.text);
                            ui.add(egui::Label::new(plain).extend());
                            ui.end_row();
                        }
                    });
            }
        }
    });
}

fn millions(count: u64) -> String {
    if count >= 1_000_000_000 {
        words::billions(count as f64 / 1e9)
    } else {
        words::millions(count as f64 / 1e6)
    }
}
