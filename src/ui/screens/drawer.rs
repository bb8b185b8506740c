//! What stands beside the responses on demand: the guidelines, and the history of the item.

use egui::{
    Align, Frame, Label, Layout, Margin, Panel, RichText, ScrollArea, Stroke, Ui, WidgetInfo, vec2,
};

use crate::app::history::{Deed, deeds};
use crate::app::state::{DiffView, Drawer};
use crate::app::words::{drawer as words, everywhere};
use crate::app::{Action, AppState, guidelines};
use crate::domain::{EventBody, ItemId, Turn};
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;
use crate::ui::widgets::reading::{Look, Part, Reading, Show};

/// Shows the drawer, if one is open.
pub fn show(ui: &mut Ui, state: &AppState, reading: &mut Reading, actions: &mut Vec<Action>) {
    let Some(drawer) = state.drawer else { return };
    let p = Palette::now(ui.ctx());
    let width = if state.compact { 300.0 } else { 340.0 };
    let frame = Frame::new()
        .fill(p.bg)
        .inner_margin(Margin::symmetric(18, 14));
    Panel::left("drawer")
        .exact_size(width)
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            let edge = ui.max_rect().expand2(vec2(18.0, 14.0));
            ui.painter()
                .vline(edge.right() - 0.5, edge.y_range(), Stroke::new(1.0, p.rule));
            let (title, id) = match drawer {
                Drawer::Guidelines => (words::GUIDELINES, "guidelines"),
                Drawer::History => (words::HISTORY, "history"),
            };
            ui.horizontal(|ui| {
                let heading = controls::text(ui, title, theme::ui_bold(14.0), p.text);
                heading.widget_info(|| WidgetInfo::labeled(egui::Role::Heading, true, title));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if controls::button(ui, everywhere::CLOSE, false, true, vec2(0.0, 26.0))
                        .clicked()
                    {
                        actions.push(Action::ToggleDrawer(drawer));
                    }
                    controls::key_cap(ui, &state.key(id));
                });
            });
            ui.add_space(space::S);
            match drawer {
                Drawer::Guidelines => show_guidelines(ui, state, reading),
                Drawer::History => history(ui, state, actions),
            }
        });
}

fn show_guidelines(ui: &mut Ui, state: &AppState, reading: &mut Reading) {
    let Some(project) = &state.project else {
        return;
    };
    let text = match &project.info.guidelines {
        Some(text) => text.clone(),
        None => guidelines::of_schema(&project.info.schema),
    };
    let number = u64::from_str_radix(&guidelines::version(&text), 16).unwrap_or_default();
    let turns = [Turn::assistant(text)];
    let p = Palette::now(ui.ctx());
    reading.show(
        ui,
        &Show {
            key: (ItemId([0; 32]), Part::Text(number), Look::default()),
            turns: &turns,
            speakers: false,
            first_turn: 0,
            max_width: None,
            margin: 0.0,
            centred: false,
            wrap: true,
            scroll: 0.0,
            name: words::GUIDELINES,
            find: "",
            here: None,
            diff: DiffView::Off,
            ink: (p.text, p.sunken),
            marks: &[],
        },
    );
}

fn history(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let (Some(open), Some(schema)) = (state.open_item(), state.schema()) else {
        return;
    };
    let events = match &state.item_history {
        Some((item, events)) if *item == open.item.id => events.as_slice(),
        _ => &[],
    };
    let deeds = deeds(events, schema, &open.shown);
    if deeds.is_empty() {
        controls::note(ui, words::NOTHING_DONE);
    }
    if !open.committed() {
        controls::note(ui, words::OTHERS_SEALED);
    }
    let standing = deeds.iter().find(|d| {
        let mine = d.event.annotator == state.settings.annotator;
        mine && !d.undone && outcome(&d.event.body)
    });
    let standing = standing.map(|d| d.event.id);
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for deed in &deeds {
                let again = outcome(&deed.event.body)
                    && Some(deed.event.id) != standing
                    && deed.event.annotator == state.settings.annotator
                    && state.can_write();
                entry(ui, deed, again, actions);
            }
        });
}

/// Whether an event says what became of the item.
fn outcome(body: &EventBody) -> bool {
    matches!(
        body,
        EventBody::Label(_) | EventBody::Skip { .. } | EventBody::Later
    )
}

fn entry(ui: &mut Ui, deed: &Deed, again: bool, actions: &mut Vec<Action>) {
    let p = Palette::now(ui.ctx());
    ui.add_space(space::S);
    let local = deed.event.time.to_zoned(jiff::tz::TimeZone::system());
    let when = local.strftime("%d %b %H:%M:%S").to_string();
    ui.horizontal(|ui| {
        let color = if deed.undone { p.text_3 } else { p.text };
        let title = if deed.undone {
            words::undone(&deed.title)
        } else {
            deed.title.clone()
        };
        controls::text(ui, &title, theme::ui_bold(12.5), color);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if again {
                let button = controls::button(ui, words::RESTORE, false, true, vec2(0.0, 26.0));
                if button.clicked() {
                    actions.push(Action::Restore(deed.event.id));
                }
            }
        });
    });
    let who = format!("{}, {when}", deed.event.annotator);
    controls::text(ui, &who, theme::ui(theme::SMALL), p.text_3);
    for line in &deed.lines {
        let text = RichText::new(line).font(theme::ui(12.0)).color(p.text_2);
        ui.add(Label::new(text).wrap());
    }
    ui.add_space(space::S);
    let rect = ui.max_rect();
    let y = ui.cursor().top();
    ui.painter()
        .hline(rect.x_range(), y, Stroke::new(1.0, p.rule));
}
