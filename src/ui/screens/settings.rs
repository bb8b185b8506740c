//! Settings: how text is set, which key does what, and what the project asks.

use egui::{
    Align, Frame, Layout, Margin, Panel, RichText, ScrollArea, Stroke, TextEdit, Ui, WidgetInfo,
    vec2,
};

use crate::app::commands::{COMMANDS, Group};
use crate::app::settings::{Face, Settings, Theme};
use crate::app::state::SettingsTab;
use crate::app::words::{asked, everywhere, guidelines, schema, settings as words};
use crate::app::{Action, AppState, commands};
use crate::domain::{Attribute, LabelSchema, Mode};
use crate::ui::overlays::Typed;
use crate::ui::theme::{self, Palette, Setting, space};
use crate::ui::widgets::controls;

/// Widest column of settings.
const COLUMN: f32 = 680.0;

/// Shows the screen.
pub fn show(ui: &mut Ui, state: &AppState, typed: &mut Typed, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    let frame = Frame::new()
        .fill(p.bg)
        .inner_margin(Margin::symmetric(16, 20));
    Panel::left("settings-tabs")
        .exact_size(190.0)
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            for tab in SettingsTab::ALL {
                let here = state.settings_tab == tab;
                let size = vec2(ui.available_width(), 34.0);
                let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
                if here || response.hovered() {
                    ui.painter().rect_filled(rect, 3.0, p.sunken);
                }
                if here {
                    let mark = egui::Rect::from_min_size(rect.min, vec2(3.0, rect.height()));
                    ui.painter().rect_filled(mark, 0.0, p.text);
                }
                let font = if here {
                    theme::ui_bold(theme::UI)
                } else {
                    theme::ui(theme::UI)
                };
                let at = rect.left_center() + vec2(14.0, 0.0);
                let align = egui::Align2::LEFT_CENTER;
                ui.painter().text(at, align, tab.title(), font, p.text);
                response
                    .widget_info(|| WidgetInfo::selected(egui::Role::Tab, true, here, tab.title()));
                if response.clicked() {
                    actions.push(Action::ShowSettings(tab));
                }
            }
        });
    if state.settings_tab == SettingsTab::Project {
        decide(ui, state, typed, actions);
    }
    let area = ui.available_rect_before_wrap();
    ui.painter().rect_filled(area, 0.0, p.panel);
    ui.painter()
        .vline(area.left() + 0.5, area.y_range(), Stroke::new(1.0, p.rule));
    let inner = area.shrink2(vec2(28.0, 20.0));
    let mut right = ui.new_child(egui::UiBuilder::new().max_rect(inner));
    ScrollArea::vertical()
        .id_salt(state.settings_tab)
        .auto_shrink([false, false])
        .show(&mut right, |ui| {
            ui.set_max_width(COLUMN.min(ui.available_width() - 12.0));
            match state.settings_tab {
                SettingsTab::Reading => reading(ui, state, actions),
                SettingsTab::Keys => keys(ui, state, actions),
                SettingsTab::Project => project(ui, state, typed),
                SettingsTab::Guidelines => guidelines(ui, state, typed, actions),
            }
        });
}

fn heading(ui: &mut Ui, text: &str) {
    let p = Palette::now(ui.ctx());
    let response = controls::text(ui, text, theme::serif(24.0), p.text);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Heading, true, text));
    ui.add_space(space::M);
}

fn part(ui: &mut Ui, text: &str) {
    let p = Palette::now(ui.ctx());
    ui.add_space(space::L);
    controls::text(ui, text, theme::ui_bold(theme::UI), p.text);
    ui.add_space(space::XS);
}

// -----------------------------------------------------------------------------------------
// Reading

fn reading(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    heading(ui, words::READING);
    let before = &state.settings;
    let mut settings: Settings = before.clone();
    sample(ui, state);
    part(ui, words::TYPEFACE);
    for (face, name, what) in [
        (Face::Serif, words::SERIF, words::SERIF_TOLD),
        (Face::Sans, words::SANS, words::SANS_TOLD),
    ] {
        if controls::choice(ui, settings.reading.face == face, name, what) {
            settings.reading.face = face;
        }
    }
    ui.add_space(space::S);
    let r = &mut settings.reading;
    if let Some(by) = stepper(ui, words::SIZE, &words::points(r.size)) {
        r.size += 0.5 * by;
    }
    if let Some(by) = stepper(ui, words::LINE_HEIGHT, &format!("{:.2}", r.line)) {
        r.line = ((r.line + 0.05 * by) * 100.0).round() / 100.0;
    }
    if let Some(by) = stepper(ui, words::LONGEST_LINE, &words::characters(r.measure)) {
        r.measure = r.measure.saturating_add_signed(by as i16);
    }
    settings.reading = settings.reading.within_limits();
    if let Some(by) = stepper(ui, words::ZOOM, &format!("{} %", settings.zoom)) {
        settings.zoom = settings
            .zoom
            .saturating_add_signed(10 * by as i16)
            .clamp(70, 200);
    }
    part(ui, words::THEME);
    for (theme, what) in [
        (Theme::Paper, words::PAPER_TOLD),
        (Theme::Slate, words::SLATE_TOLD),
        (Theme::Contrast, words::CONTRAST_TOLD),
    ] {
        if controls::choice(ui, settings.theme == theme, theme.title(), what) {
            settings.theme = theme;
        }
    }
    ui.add_space(space::S);
    controls::note(ui, words::NO_MOTION);
    if settings != *before {
        actions.push(Action::Settings(Box::new(settings)));
    }
}

/// A few lines as they would be read.
fn sample(ui: &mut Ui, state: &AppState) {
    let p = Palette::now(ui.ctx());
    let set = Setting::of(state.settings.reading);
    let text = words::SAMPLE;
    let mut job = egui::text::LayoutJob::default();
    job.append(
        text,
        0.0,
        egui::text::TextFormat {
            font_id: set.text(),
            color: p.text,
            line_height: Some(set.line),
            ..Default::default()
        },
    );
    job.wrap.max_width = set.width.min(ui.available_width());
    let galley = ui.painter().layout_job(job);
    let (rect, response) = ui.allocate_exact_size(
        vec2(ui.available_width(), galley.size().y + 24.0),
        egui::Sense::hover(),
    );
    ui.painter()
        .hline(rect.x_range(), rect.top(), Stroke::new(1.0, p.rule));
    ui.painter()
        .hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, p.rule));
    ui.painter()
        .galley(rect.min + vec2(0.0, 12.0), galley, p.text);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Paragraph, true, text));
}

/// A value with less and more; -1 or 1 when one was pressed.
fn stepper(ui: &mut Ui, name: &str, value: &str) -> Option<f32> {
    let p = Palette::now(ui.ctx());
    let mut by = None;
    ui.horizontal(|ui| {
        label(ui, name);
        for (sign, word, step) in [("\u{2212}", words::LESS, -1.0), ("+", words::MORE, 1.0)] {
            if step > 0.0 {
                let layout = Layout::centered_and_justified(egui::Direction::LeftToRight);
                ui.allocate_ui_with_layout(vec2(110.0, 30.0), layout, |ui| {
                    let response = controls::text(ui, value, theme::ui_bold(theme::UI), p.text);
                    let told = format!("{name}: {value}");
                    response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &told));
                });
            }
            let response = controls::button(ui, sign, false, true, vec2(34.0, 30.0));
            let told = format!("{name}, {word}");
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &told));
            if response.clicked() {
                by = Some(step);
            }
        }
    });
    by
}

fn label(ui: &mut Ui, name: &str) {
    let p = Palette::now(ui.ctx());
    let layout = Layout::left_to_right(Align::Center);
    ui.allocate_ui_with_layout(vec2(150.0, 30.0), layout, |ui| {
        ui.set_min_width(150.0);
        controls::text(ui, name, theme::ui(theme::UI), p.text_2);
    });
}

// -----------------------------------------------------------------------------------------
// Keys

fn keys(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    heading(ui, words::KEYS);
    ui.horizontal(|ui| {
        controls::note(ui, words::KEYS_TOLD);
    });
    let changed = !state.settings.keys.is_empty();
    ui.add_space(space::XS);
    if controls::button(ui, words::RESET_ALL, false, changed, vec2(0.0, 30.0)).clicked() {
        actions.push(Action::Unbind(None));
    }
    for group in Group::ALL {
        part(ui, group.title());
        for command in COMMANDS
            .iter()
            .filter(|c| c.group == group && c.id != "close")
        {
            let choosing = state.choosing_key == Some(command.id);
            let own = !state.settings.keys.contains_key(command.id);
            ui.horizontal(|ui| {
                let layout = Layout::left_to_right(Align::Center);
                ui.allocate_ui_with_layout(vec2(330.0, 28.0), layout, |ui| {
                    ui.set_min_width(330.0);
                    controls::text(ui, command.title, theme::ui(theme::UI), p.text);
                });
                let layout = Layout::left_to_right(Align::Center);
                ui.allocate_ui_with_layout(vec2(150.0, 28.0), layout, |ui| {
                    ui.set_min_width(150.0);
                    ui.spacing_mut().item_spacing.x = 4.0;
                    if choosing {
                        controls::text(ui, words::CHOOSING, theme::ui_bold(theme::SMALL), p.text);
                    } else {
                        for key in command.keys_of(&state.settings).iter() {
                            controls::key_cap(ui, &key.to_string());
                        }
                    }
                });
                let text = RichText::new(words::CHANGE)
                    .font(theme::ui(12.0))
                    .color(p.text_2)
                    .underline();
                let change = ui.add_enabled(!choosing, egui::Button::new(text).frame(false));
                let told = words::change_key_of(command.title);
                change.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &told));
                if change.clicked() {
                    actions.push(Action::ChooseKey(Some(command.id)));
                }
                if !own
                    && controls::button(ui, words::RESET, false, true, vec2(0.0, 26.0)).clicked()
                {
                    actions.push(Action::Unbind(Some(command.id)));
                }
            });
            if let Some((id, key, other)) = state.key_clash
                && id == command.id
                && let Some(other) = commands::find(other)
            {
                ui.horizontal(|ui| {
                    let told = words::key_taken(&key, other.title);
                    let response = controls::text(ui, &told, theme::ui_medium(12.0), p.error);
                    response.widget_info(|| WidgetInfo::labeled(egui::Role::Alert, true, &told));
                    if controls::button(ui, words::TAKE_KEY, false, true, vec2(0.0, 26.0)).clicked()
                    {
                        actions.push(Action::BindAnyway(id, key));
                    }
                    if controls::button(ui, words::LEAVE_KEY, false, true, vec2(0.0, 26.0))
                        .clicked()
                    {
                        actions.push(Action::ChooseKey(None));
                    }
                });
            }
        }
    }
}

// -----------------------------------------------------------------------------------------
// What is asked

fn project(ui: &mut Ui, state: &AppState, typed: &mut Typed) {
    heading(ui, words::ASKED);
    let Some(now) = state.schema() else {
        controls::note(ui, schema::NO_PROJECT);
        return;
    };
    // What is being edited belongs to the schema it began with.
    if typed.schema.as_ref().is_none_or(|(id, _)| *id != now.id()) {
        typed.schema = Some((now.id(), now.clone()));
    }
    let Some((_, schema)) = &mut typed.schema else {
        return;
    };
    controls::note(ui, schema::TOLD);
    part(ui, schema::BEGIN_WITH);
    ui.horizontal_wrapped(|ui| {
        for (name, preset) in presets() {
            if controls::button(ui, name, false, state.can_write(), vec2(0.0, 30.0)).clicked() {
                *schema = preset;
            }
        }
    });
    part(ui, schema::MODE);
    for mode in Mode::CHOICES {
        let what = match mode {
            Mode::SideBySide => schema::SIDE_BY_SIDE_TOLD,
            Mode::Sequential => schema::SEQUENTIAL_TOLD,
            Mode::QuickAb => schema::QUICK_AB_TOLD,
            Mode::Ranking => schema::RANKING_TOLD,
            _ => schema::RATINGS_TOLD,
        };
        if controls::choice(ui, schema.mode == mode, crate::app::words::mode(mode), what) {
            schema.mode = mode;
        }
    }
    if schema.mode != Mode::QuickAb && schema.mode != Mode::Ranking {
        attributes(ui, schema);
    }
    if schema.asks_preference(2) {
        part(ui, asked::PREFERENCE);
        for (strength, name) in [
            (1, schema::ONE_STRENGTH),
            (2, schema::TWO_STRENGTHS),
            (3, schema::THREE_STRENGTHS),
        ] {
            if controls::choice(ui, schema.max_strength == strength, name, "") {
                schema.max_strength = strength;
            }
        }
        controls::check(ui, &mut schema.allow_tie, schema::ALLOW_TIE);
        controls::check(ui, &mut schema.allow_neither, schema::ALLOW_NEITHER);
    }
    part(ui, schema::REASON);
    if let Some(by) = stepper(
        ui,
        schema::REASON_NEEDED,
        &characters(schema.min_justification),
    ) {
        schema.min_justification = schema
            .min_justification
            .saturating_add_signed(10 * by as isize)
            .min(500);
    }
    line(ui, schema::TAGS, schema::TAGS_HINT, &mut typed.tags, schema);
    part(ui, schema::OTHER_SWITCHES);
    controls::check(ui, &mut schema.confidence, schema::CONFIDENCE);
    controls::check(ui, &mut schema.hide_counts, schema::HIDE_COUNTS);
    controls::check(ui, &mut schema.shuffle, schema::SHUFFLE);
    let practice = match schema.practice {
        0 => schema::PRACTICE_NONE.to_owned(),
        n => schema::practice_items(n),
    };
    if let Some(by) = stepper(ui, schema::PRACTICE, &practice) {
        schema.practice = schema.practice.saturating_add_signed(by as isize).min(20);
    }
    controls::note(ui, schema::PRACTICE_TOLD);
    ui.add_space(space::XL);
}

/// Puts the edited schema in force, or drops it: always in view while there is something to decide.
fn decide(ui: &mut Ui, state: &AppState, typed: &mut Typed, actions: &mut Vec<Action>) {
    let (Some(now), Some((_, schema))) = (state.schema(), &mut typed.schema) else {
        return;
    };
    let edited = LabelSchema {
        version: now.version,
        ..schema.clone()
    };
    if edited == *now {
        return;
    }
    let p = Palette::now(ui.ctx());
    let frame = Frame::new()
        .fill(p.sunken)
        .inner_margin(Margin::symmetric(28, 10));
    Panel::bottom("decide")
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                let checked = schema.check();
                let ready = checked.is_ok() && state.can_write();
                let label = schema::use_as_version(now.version + 1);
                if controls::button(ui, &label, true, ready, vec2(180.0, 34.0)).clicked() {
                    actions.push(Action::SetSchema(Box::new(schema.clone())));
                }
                let back = everywhere::DROP_CHANGES;
                if controls::button(ui, back, false, true, vec2(0.0, 34.0)).clicked() {
                    *schema = now.clone();
                    typed.tags = None;
                }
                if let Err(error) = checked {
                    controls::note(ui, &schema::cannot_be_used(&error));
                }
            });
        });
}

fn characters(n: usize) -> String {
    if n == 0 {
        schema::REASON_OPTIONAL.to_owned()
    } else {
        schema::characters(n)
    }
}

/// Schemas to begin with.
fn presets() -> [(&'static str, LabelSchema); 4] {
    let helpsteer2 = LabelSchema::helpsteer2();
    let named = |name: &str, change: fn(&mut LabelSchema)| {
        let mut schema = LabelSchema {
            name: name.to_owned(),
            ..LabelSchema::helpsteer2()
        };
        change(&mut schema);
        schema
    };
    [
        (schema::HELPSTEER2, helpsteer2),
        (
            schema::SEVEN_STEPS,
            named("seven-steps", |s| s.allow_tie = true),
        ),
        (
            schema::QUICK_AB,
            named("quick-ab", |s| {
                s.mode = Mode::QuickAb;
                s.max_strength = 1;
                s.allow_tie = true;
                s.min_justification = 0;
            }),
        ),
        (
            asked::RANKING,
            named("ranking", |s| {
                s.mode = Mode::Ranking;
                s.min_justification = 0;
            }),
        ),
    ]
}

fn attributes(ui: &mut Ui, schema: &mut LabelSchema) {
    let p = Palette::now(ui.ctx());
    part(ui, schema::ATTRIBUTES);
    let mut remove = None;
    let mut up = None;
    let count = schema.attributes.len();
    for (at, attribute) in schema.attributes.iter_mut().enumerate() {
        ui.push_id(at, |ui| {
            Frame::new()
                .stroke(Stroke::new(1.0, p.rule))
                .corner_radius(3.0)
                .inner_margin(Margin::symmetric(12, 10))
                .show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    ui.horizontal(|ui| {
                        one_line(ui, schema::ATTRIBUTE_NAME, &mut attribute.title, 170.0);
                        one_line(ui, schema::ATTRIBUTE_FIELD, &mut attribute.name, 150.0);
                        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                            if controls::button(
                                ui,
                                schema::ATTRIBUTE_REMOVE,
                                false,
                                true,
                                vec2(0.0, 28.0),
                            )
                            .clicked()
                            {
                                remove = Some(at);
                            }
                            if controls::button(ui, "\u{2191}", false, at > 0, vec2(30.0, 28.0))
                                .clicked()
                            {
                                up = Some(at);
                            }
                        });
                    });
                    let width = ui.available_width() - 4.0;
                    one_line(
                        ui,
                        schema::ATTRIBUTE_QUESTION,
                        &mut attribute.question,
                        width,
                    );
                    ui.horizontal(|ui| {
                        if let Some(by) =
                            stepper(ui, schema::ATTRIBUTE_HIGHEST, &attribute.max.to_string())
                        {
                            attribute.max = (attribute.max + by as i32).clamp(attribute.min + 1, 9);
                            attribute
                                .anchors
                                .truncate((attribute.max - attribute.min + 1) as usize);
                        }
                    });
                    attribute
                        .anchors
                        .resize((attribute.max - attribute.min + 1) as usize, String::new());
                    for (level, anchor) in (attribute.min..).zip(attribute.anchors.iter_mut()) {
                        ui.horizontal(|ui| {
                            controls::key_cap(ui, &level.to_string());
                            let width = ui.available_width() - 4.0;
                            one_line(ui, schema::ATTRIBUTE_LEVEL, anchor, width);
                        });
                    }
                    ui.horizontal(|ui| {
                        controls::check(ui, &mut attribute.required, schema::ATTRIBUTE_REQUIRED);
                        ui.add_space(space::L);
                        controls::check(
                            ui,
                            &mut attribute.descriptive,
                            schema::ATTRIBUTE_DESCRIPTIVE,
                        );
                    });
                });
        });
        ui.add_space(space::S);
    }
    if let Some(at) = remove {
        schema.attributes.remove(at);
    }
    if let Some(at) = up {
        schema.attributes.swap(at, at - 1);
    }
    let room = count < crate::domain::schema::MOST_ATTRIBUTES;
    if controls::button(ui, schema::ATTRIBUTE_ADD, false, room, vec2(0.0, 30.0)).clicked() {
        let mut number = count + 1;
        while schema.attribute(&format!("attribute_{number}")).is_some() {
            number += 1;
        }
        schema.attributes.push(Attribute {
            name: format!("attribute_{number}"),
            title: schema::new_attribute(number),
            question: String::new(),
            anchors: vec![String::new(); 5],
            min: 0,
            max: 4,
            descriptive: false,
            required: true,
        });
    }
}

fn one_line(ui: &mut Ui, name: &str, text: &mut String, width: f32) {
    let edit = TextEdit::singleline(text)
        .hint_text(name)
        .desired_width(width - 16.0)
        .margin(Margin::symmetric(8, 5));
    let response = ui.add(edit);
    let value = text.clone();
    response.widget_info(|| {
        let mut info = WidgetInfo::text_edit(true, &value, &value, name);
        info.label = Some(name.to_owned());
        info
    });
}

/// The tags as one line of text; commas part them.
fn line(
    ui: &mut Ui,
    name: &str,
    hint: &str,
    typed: &mut Option<(Vec<String>, String)>,
    schema: &mut LabelSchema,
) {
    // What is typed stays as typed as long as it means the tags there are.
    if typed.as_ref().is_none_or(|(tags, _)| *tags != schema.tags) {
        *typed = Some((schema.tags.clone(), schema.tags.join(", ")));
    }
    let Some((tags, text)) = typed else { return };
    ui.horizontal(|ui| {
        label(ui, name);
        let width = ui.available_width() - 4.0;
        one_line(ui, hint, text, width);
    });
    let mut now: Vec<String> = vec![];
    for tag in text.split(',').map(str::trim).filter(|t| !t.is_empty()) {
        if !now.iter().any(|t| t == tag) && now.len() < 24 {
            now.push(tag.to_owned());
        }
    }
    tags.clone_from(&now);
    schema.tags = now;
}

// -----------------------------------------------------------------------------------------
// Guidelines

fn guidelines(ui: &mut Ui, state: &AppState, typed: &mut Typed, actions: &mut Vec<Action>) {
    heading(ui, words::GUIDELINES);
    let Some(project) = &state.project else {
        controls::note(ui, guidelines::NO_PROJECT);
        return;
    };
    let now = project.info.guidelines.clone().unwrap_or_default();
    if typed.guidelines.as_ref().is_none_or(|(of, _)| *of != now) {
        typed.guidelines = Some((now.clone(), now.clone()));
    }
    let Some((_, text)) = &mut typed.guidelines else {
        return;
    };
    let told = if now.is_empty() {
        guidelines::none_yet(&state.key("guidelines"))
    } else {
        guidelines::in_force(
            &state.key("guidelines"),
            &crate::app::guidelines::version(&now),
        )
    };
    controls::note(ui, &told);
    ui.add_space(space::S);
    let response = ui.add(
        TextEdit::multiline(text)
            .desired_width(ui.available_width() - 4.0)
            .desired_rows(22)
            .margin(Margin::symmetric(12, 10))
            .font(theme::ui(14.0))
            .interactive(state.can_write())
            .hint_text(RichText::new(guidelines::HINT)),
    );
    let value = text.clone();
    response.widget_info(|| {
        let mut info = WidgetInfo::text_edit(true, &value, &value, words::GUIDELINES);
        info.label = Some(words::GUIDELINES.to_owned());
        info
    });
    ui.add_space(space::M);
    let same = *text == now;
    ui.horizontal(|ui| {
        if controls::button(
            ui,
            guidelines::PUT_IN_FORCE,
            true,
            !same && state.can_write(),
            vec2(120.0, 34.0),
        )
        .clicked()
        {
            actions.push(Action::SetGuidelines(text.clone()));
        }
        if controls::button(ui, everywhere::DROP_CHANGES, false, !same, vec2(0.0, 34.0)).clicked() {
            text.clone_from(&now);
        }
        let empty = text.trim().is_empty();
        if controls::button(
            ui,
            guidelines::BEGIN_WITH_SCHEMA,
            false,
            empty && state.can_write(),
            vec2(0.0, 34.0),
        )
        .clicked()
        {
            *text = crate::app::guidelines::of_schema(&project.info.schema);
        }
    });
}
