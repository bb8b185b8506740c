//! The reward model: which one scores, what it is, and how to load another.

use egui::{Align, Frame, Layout, Margin, Stroke, Ui, WidgetInfo, vec2};

use super::study::{page, part, title};
use super::training;
use crate::app::library::{BESIDE, ModelEntry, Origin, model_of};
use crate::app::state::{ModelState, Pick};
use crate::app::words::{everywhere, models as words};
use crate::app::{Action, AppState};
use crate::reward::ModelRef;
use crate::reward::local::facts::ModelFacts;
use crate::text::preview;
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
    title(ui, words::TITLE, words::TOLD);
    card(ui, state);
    ui.add_space(space::L);
    ui.horizontal_wrapped(|ui| {
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
        controls::note(ui, words::DROP_TOLD);
    });
    ui.add_space(space::S);
    controls::note(ui, words::KINDS_TOLD);
    project(ui, state, actions);
    ui.add_space(space::L);
    part(ui, words::OTHERS);
    match &state.library.entries {
        None => {
            controls::note(ui, words::LOOKING);
        }
        Some(entries) => {
            for entry in entries {
                ui.add_space(space::XS);
                self::entry(ui, state, entry, actions);
            }
        }
    }
}

/// Scoring the whole project meanwhile: how far it is, and a way to let it wait.
fn project(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let (ModelState::Ready(card), Some(_)) = (&state.model, &state.project) else {
        return;
    };
    let p = Palette::now(ui.ctx());
    let library = &state.library;
    let job = state.job.as_ref().filter(|_| library.scoring);
    if job.is_none() && library.unscored.is_none() {
        return;
    }
    ui.add_space(space::L);
    part(ui, words::PROJECT);
    let name = &card.info.name;
    if let Some(job) = job {
        let told = words::scored(job.progress.done, job.progress.total);
        let done = job.progress.done as f32 / job.progress.total.max(1) as f32;
        line(ui, |ui| {
            controls::level_bar(ui, done, vec2(220.0, 6.0), p.text, &told);
            controls::note(ui, &told);
            if controls::button(ui, words::PAUSE, false, true, vec2(0.0, 28.0)).clicked() {
                actions.push(Action::PauseScoring);
            }
            if controls::button(ui, everywhere::STOP, false, true, vec2(0.0, 28.0)).clicked() {
                actions.push(Action::CancelJob);
            }
        });
        return;
    }
    let can = state.job.is_none() && state.can_write();
    match (library.paused, library.unscored.unwrap_or_default()) {
        (_, 0) => {
            controls::note(ui, &words::all_scored(name));
        }
        (Some(progress), _) => line(ui, |ui| {
            controls::note(ui, &words::paused(progress.done, progress.total));
            if controls::button(ui, words::GO_ON, true, can, vec2(0.0, 28.0)).clicked() {
                actions.push(Action::ScoreAll);
            }
        }),
        (None, n) => line(ui, |ui| {
            controls::note(ui, &words::unscored(n, name));
            if controls::button(ui, words::SCORE_ALL, false, can, vec2(0.0, 28.0)).clicked() {
                actions.push(Action::ScoreAll);
            }
        }),
    }
}

/// Things side by side, centred on a line.
fn line(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let size = vec2(ui.available_width(), 30.0);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), add);
}

/// A model of the list: what its files say, and what can be done with it.
fn entry(ui: &mut Ui, state: &AppState, entry: &ModelEntry, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let library = &state.library;
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, p.rule))
        .corner_radius(6.0)
        .inner_margin(Margin::symmetric(16, 12));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = space::XS;
        let scoring = model_of(&state.model) == Some(&entry.model);
        let beside = library
            .beside
            .iter()
            .find(|b| model_of(b) == Some(&entry.model));
        let name = match &entry.facts {
            Ok(facts) => facts.name.clone(),
            Err(_) => entry.model.to_string(),
        };
        line(ui, |ui| {
            let heading = controls::text(ui, &name, theme::ui_bold(14.0), p.text);
            heading.widget_info(|| WidgetInfo::labeled(egui::Role::Heading, true, &name));
            let origin = match entry.origin {
                Origin::BuiltIn => words::BUILT_IN,
                Origin::Hub => words::HUB,
                Origin::Added => "",
            };
            let now = match beside {
                _ if scoring => words::SCORES,
                Some(_) => words::COMPARED,
                None => origin,
            };
            controls::text(ui, now, theme::ui(theme::SMALL), p.text_3);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let size = vec2(0.0, 28.0);
                if entry.origin == Origin::Added
                    && controls::button(ui, words::FORGET, false, !scoring, size)
                        .on_hover_text(words::FORGET_TOLD)
                        .clicked()
                {
                    actions.push(Action::ForgetModel(entry.model.clone()));
                }
                let free = beside.is_some() || library.beside.len() < BESIDE;
                if beside.is_some() {
                    if controls::button(ui, words::NO_LONGER, false, true, size).clicked() {
                        actions.push(Action::UnloadBeside(entry.model.clone()));
                    }
                } else if !scoring && entry.facts.is_ok() {
                    let told = if free {
                        words::COMPARE_TOLD
                    } else {
                        words::COMPARE_FULL
                    };
                    let button = controls::button(ui, words::COMPARE, false, free, size);
                    if button.on_hover_text(told).clicked() {
                        actions.push(Action::LoadBeside(entry.model.clone()));
                    }
                }
                if !scoring && controls::button(ui, words::USE, false, true, size).clicked() {
                    actions.push(Action::LoadModel(entry.model.clone()));
                }
            });
        });
        match &entry.facts {
            Ok(facts) => {
                controls::note(ui, &in_a_line(facts));
                let (needed, free) = (facts.memory as f64 / 1e9, library.free);
                let told = match free {
                    Some(free) => words::takes_of(needed, free as f64 / 1e9),
                    None => words::takes(needed),
                };
                let large = free.is_some_and(|free| facts.weights_bytes > free);
                let told = if large && !scoring && beside.is_none() {
                    format!("{told}: {}", words::TOO_LARGE)
                } else {
                    told
                };
                controls::text(ui, &told, theme::ui(theme::SMALL), p.text_3);
            }
            Err(why) => refused(ui, why),
        }
        if let Some(ModelState::Failed(_, why)) = beside {
            refused(ui, why);
        } else if let Some(ModelState::Loading(_)) = beside {
            controls::note(ui, &words::loading(&name));
        }
    });
}

fn refused(ui: &mut Ui, why: &str) {
    let p = Palette::now(ui.ctx());
    let text = egui::RichText::new(why)
        .font(theme::ui(theme::UI))
        .color(p.error);
    let said = ui.add(egui::Label::new(text).wrap().selectable(true));
    said.widget_info(|| WidgetInfo::labeled(egui::Role::Alert, true, why));
}

/// The facts of a model in a line.
fn in_a_line(facts: &ModelFacts) -> String {
    let template = match facts.template {
        Some(true) | None => "",
        Some(false) => words::TEMPLATE_NONE,
    };
    let stored = words::stored(&facts.stored, &facts.precision);
    let tokens = words::tokens(facts.context);
    let parameters = millions(facts.parameters);
    let head = if facts.outputs > 1 {
        format!("{} \u{00d7} {}", facts.head, facts.outputs)
    } else {
        facts.head.clone()
    };
    let licence = facts.licence.as_deref().unwrap_or_default();
    let all = [
        facts.family.as_str(),
        &head,
        &parameters,
        &stored,
        &tokens,
        licence,
        template,
    ];
    let said: Vec<&str> = all.into_iter().filter(|s| !s.is_empty()).collect();
    said.join(" \u{00b7} ")
}

/// How the model that scores did when it was tried out.
fn tried(state: &AppState, scorer: &str) -> Option<String> {
    let (by, probe) = state.library.probe.as_ref()?;
    if by != scorer {
        return None;
    }
    Some(match probe {
        Ok(probe) if !probe.is_repeatable() => words::probe_unsteady(probe.good, probe.again),
        Ok(probe) if probe.good <= probe.bad => words::probe_odd(probe.good, probe.bad),
        Ok(probe) => words::probe(probe.good, probe.bad),
        Err(why) => why.clone(),
    })
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
                let entries = state.library.entries.iter().flatten();
                let mut of_it = entries.filter(|e| e.model == card.model);
                if let Some(Ok(said)) = of_it.next().map(|e| &e.facts) {
                    let template = match said.template {
                        Some(true) => words::TEMPLATE_OWN,
                        Some(false) => words::TEMPLATE_NONE,
                        None => words::TEMPLATE_PAIR,
                    };
                    let licence = said.licence.clone();
                    facts.insert(0, (words::FAMILY, said.family.clone()));
                    facts.push((words::OUTPUTS, said.outputs.to_string()));
                    facts.push((words::TEMPLATE, template.to_owned()));
                    let licence = licence.unwrap_or_else(|| words::NO_LICENCE.to_owned());
                    facts.push((words::LICENCE, licence));
                    facts.push((words::MEMORY, words::takes(said.memory as f64 / 1e9)));
                }
                // Two to a row: what is looked for is in view.
                egui::Grid::new("facts")
                    .num_columns(4)
                    .spacing(vec2(20.0, 6.0))
                    .show(ui, |ui| {
                        for row in facts.chunks(2) {
                            for (name, value) in row {
                                let plain = egui::RichText::new(*name)
                                    .font(theme::ui(theme::UI))
                                    .color(p.text_3);
                                ui.add(egui::Label::new(plain).extend());
                                let plain = egui::RichText::new(preview::truncate(value, 30))
                                    .font(theme::ui_medium(theme::UI))
                                    .color(p.text);
                                let label = ui.add(egui::Label::new(plain).extend());
                                if value.chars().count() > 30 {
                                    label.on_hover_text(value);
                                }
                            }
                            ui.end_row();
                        }
                    });
                if let Some(tried) = tried(state, &info.id.key()) {
                    ui.add_space(space::XS);
                    controls::note(ui, &words::tried(&tried));
                }
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
