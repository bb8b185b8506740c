//! The reward model: which one scores, what it is, and how to load another.

use egui::{Frame, Margin, ScrollArea, Stroke, Ui, WidgetInfo, vec2};

use super::training;
use crate::app::state::{ModelState, Pick};
use crate::app::{Action, AppState};
use crate::reward::ModelRef;
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

/// Shows the screen.
pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let area = ui.available_rect_before_wrap();
    ui.painter().rect_filled(area, 0.0, p.panel);
    let wide = area.width() > 1160.0;
    let left = area.left() + if area.width() > 1000.0 { 48.0 } else { 24.0 };
    let width = if wide {
        (area.right() - left - 96.0) / 2.0
    } else {
        area.right() - left - 24.0
    }
    .min(720.0);
    let size = vec2(width, area.height() - 32.0);
    let first = egui::Rect::from_min_size(egui::pos2(left, area.top() + 24.0), size);
    let column = |ui: &mut Ui, rect, name: &str, add: &mut dyn FnMut(&mut Ui)| {
        let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(rect));
        ScrollArea::vertical()
            .id_salt(name)
            .auto_shrink([false, false])
            .show(&mut ui, |ui| add(ui));
    };
    column(ui, first, "model", &mut |ui| {
        model(ui, state, actions);
        if !wide {
            ui.add_space(space::XL);
            training::show(ui, state, actions);
            ui.add_space(space::XL);
        }
    });
    if wide {
        let second = first.translate(vec2(width + 48.0, 0.0));
        column(ui, second, "training", &mut |ui| {
            training::show(ui, state, actions);
            ui.add_space(space::XL);
        });
    }
}

fn model(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    controls::text(ui, "Reward model", theme::serif(24.0), p.text);
    ui.add_space(space::XS);
    controls::note(
        ui,
        "It runs on this computer. Labeling never waits for it, and never needs it",
    );
    ui.add_space(space::L);
    card(ui, state);
    ui.add_space(space::L);
    ui.horizontal(|ui| {
        let loading = matches!(state.model, ModelState::Loading(_));
        if controls::button(ui, "Load a folder…", true, !loading, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::PickModel(Pick::ModelFolder));
        }
        if controls::button(ui, "Load a .gguf file…", false, !loading, vec2(0.0, 34.0)).clicked()
        {
            actions.push(Action::PickModel(Pick::ModelFile));
        }
        let other =
            !matches!(&state.model, ModelState::Ready(card) if card.model == ModelRef::Default);
        if other
            && controls::button(ui, "Use the built-in one", false, !loading, vec2(0.0, 34.0))
                .clicked()
        {
            actions.push(Action::LoadModel(ModelRef::Default));
        }
        let on = !matches!(state.model, ModelState::Off);
        if on && controls::button(ui, "Turn scores off", false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::UnloadModel);
        }
    });
    ui.add_space(space::M);
    controls::note(
        ui,
        "Llama-family sequence classifiers (score.weight) from a safetensors folder with tokenizer.json, or a GGUF with a reward head. \
             A score can be compared with that of the other response to the same prompt, not between prompts",
    );
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
                title(ui, "No model");
                controls::note(ui, "You can label without a model. Load one, and its scores appear beside the responses");
            }
            ModelState::Loading(model) => {
                title(ui, &format!("Loading {model}…"));
                controls::note(ui, "You can go on labeling meanwhile");
            }
            ModelState::Failed(model, why) => {
                title(ui, &format!("{model} could not be loaded"));
                let text = egui::RichText::new(why).font(theme::ui(theme::UI)).color(p.error);
                ui.add(egui::Label::new(text).wrap().selectable(true));
                ui.add_space(space::XS);
                controls::note(ui, "Labeling still works; scores are off");
            }
            ModelState::Ready(card) => {
                title(ui, &card.info.name);
                let info = &card.info;
                let mut facts = vec![
                    ("Device", info.device.clone()),
                    ("Precision", info.dtype.clone()),
                    ("Parameters", millions(info.parameters)),
                    ("Context", format!("{} tokens", info.context)),
                    ("Head", info.id.head.clone()),
                    ("Loaded in", format!("{:.0} ms", card.load_ms)),
                ];
                if let Some(ms) = state.last_score_ms {
                    facts.push(("Last response", format!("{ms:.0} ms")));
                }
                facts.push(("Weights", info.id.weights.chars().take(16).collect()));
                egui::Grid::new("facts").num_columns(2).spacing(vec2(24.0, 6.0)).show(ui, |ui| {
                    for (name, value) in facts {
                        let plain = egui::RichText::new(name).font(theme::ui(theme::UI)).color(p.text_3);
                        ui.add(egui::Label::new(plain).extend());
                        let plain = egui::RichText::new(value).font(theme::ui_medium(theme::UI)).color(p.text);
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
        format!("{:.1} B", count as f64 / 1e9)
    } else {
        format!("{:.1} M", count as f64 / 1e6)
    }
}
