//! How far people agree among themselves: beyond chance, attribute by attribute, and where they do not.

use egui::{Align2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::study::{labels, page, part, row, title};
use crate::app::study::{AttributeConcord, Concord};
use crate::app::words::{agreement as words, study};
use crate::app::{Action, AppState};
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;

/// Annotators in the matrix at most.
const MATRIX: usize = 12;

/// Shows the screen.
pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    page(ui, ["figures", "people"], |ui, at| {
        let found = state.study.concord.as_deref();
        if at == 0 {
            title(ui, words::TITLE, words::TOLD);
            if state.project.is_none() {
                controls::note(ui, study::NO_PROJECT);
                return;
            }
            labels(ui, state, actions);
            if let Some(found) = found {
                if found.shared == 0 {
                    controls::note(ui, words::NONE);
                    ui.add_space(space::S);
                }
                controls::note(ui, &words::shared(found.shared, found.labelled));
                if found.shared > 0 {
                    ui.add_space(space::M);
                    figures(ui, found, state.study.attribute, actions);
                }
            }
        } else if let Some(found) = found.filter(|f| f.shared > 0)
            && let Some(attribute) = found.attributes.get(state.study.attribute)
        {
            matrix(ui, found, attribute);
            conflicts(ui, state, attribute, actions);
        }
    });
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| words::UNKNOWN.to_owned(), |v| format!("{v:.2}"))
}

fn name_of(attribute: &AttributeConcord) -> &str {
    attribute.title.as_deref().unwrap_or(words::PREFERENCE)
}

/// A row per attribute; the chosen one says more below.
fn figures(ui: &mut Ui, found: &Concord, chosen: usize, actions: &mut Vec<Action>) {
    const ROW: f32 = 30.0;
    let p = Palette::now(ui.ctx());
    ui.spacing_mut().item_spacing.y = 0.0;
    let width = (ui.available_width() - 8.0).min(520.0);
    let columns = [width - 250.0, width - 160.0, width - 78.0, width - 8.0];
    let (rect, _) = ui.allocate_exact_size(vec2(width, 24.0), Sense::hover());
    let heads = [
        (words::THINGS, ""),
        (words::ALPHA, words::ALPHA_TOLD),
        (words::KAPPA, words::KAPPA_TOLD),
        (words::SAME, words::SAME_TOLD),
    ];
    let small = theme::ui(theme::SMALL);
    let y = rect.center().y;
    ui.painter().text(
        pos2(rect.left() + 8.0, y),
        Align2::LEFT_CENTER,
        words::ATTRIBUTE,
        small.clone(),
        p.text_3,
    );
    for (x, (head, told)) in columns.iter().zip(heads) {
        let at = pos2(rect.left() + x, y);
        let drawn = ui
            .painter()
            .text(at, Align2::RIGHT_CENTER, head, small.clone(), p.text_3);
        let name = if told.is_empty() { head } else { told };
        let response = ui.interact(drawn.expand(6.0), ui.scope_id().with(head), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, name));
        if !told.is_empty() {
            response.on_hover_text(told);
        }
    }
    ui.painter()
        .hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, p.rule));
    for (at, attribute) in found.attributes.iter().enumerate() {
        let (rect, response) = ui.allocate_exact_size(vec2(width, ROW), Sense::click());
        if at == chosen {
            ui.painter().rect_filled(rect, 0.0, p.sunken);
            let mark = Rect::from_min_size(rect.min, vec2(3.0, ROW));
            ui.painter().rect_filled(mark, 0.0, p.text);
        } else if response.hovered() {
            ui.painter().rect_filled(rect, 0.0, p.bg);
        }
        if response.has_focus() {
            controls::focus_ring(ui.painter(), rect, p);
        }
        let of = &attribute.agreement;
        let same = of
            .percent
            .map_or_else(|| words::UNKNOWN.to_owned(), |v| study::percent(v * 100.0));
        let (alpha, kappa) = (number(of.alpha_ordinal), number(of.pooled_kappa(true)));
        let y = rect.center().y;
        ui.painter().text(
            pos2(rect.left() + 8.0, y),
            Align2::LEFT_CENTER,
            name_of(attribute),
            theme::ui_medium(theme::UI),
            p.text,
        );
        for (x, value) in columns
            .iter()
            .zip([&of.n.to_string(), &alpha, &kappa, &same])
        {
            let at = pos2(rect.left() + x, y);
            let font = theme::ui(theme::UI);
            ui.painter()
                .text(at, Align2::RIGHT_CENTER, value, font, p.text);
        }
        let told = words::figures(name_of(attribute), of.n, &alpha, &kappa, &same);
        response.widget_info(|| WidgetInfo::selected(Role::Row, true, at == chosen, &told));
        if response.clicked() {
            actions.push(Action::StudyAttribute(at));
        }
    }
    ui.add_space(space::S);
    if let Some(attribute) = found.attributes.get(chosen) {
        let of = &attribute.agreement;
        let told = words::more(
            &number(of.alpha_nominal),
            &number(of.alpha_interval),
            &number(of.fleiss),
            &number(of.pooled_kappa(false)),
        );
        controls::note(ui, &told);
        ui.add_space(space::XS);
        controls::note(ui, words::ALPHA_TOLD);
    }
}

/// The end of a name, in which annotators of a crowd differ, where it is too long for a column.
fn end_of(name: &str) -> String {
    const MOST: usize = 5;
    match name.chars().count().checked_sub(MOST) {
        Some(more) if more > 0 => {
            let end: String = name.chars().skip(more + 1).collect();
            format!("…{end}")
        }
        _ => name.to_owned(),
    }
}

/// Every two annotators: the more ink, the closer they are.
fn matrix(ui: &mut Ui, found: &Concord, attribute: &AttributeConcord) {
    const CELL: f32 = 40.0;
    const NAMES: f32 = 110.0;
    let p = Palette::now(ui.ctx());
    part(ui, &format!("{}: {}", words::MATRIX, name_of(attribute)));
    controls::note(ui, words::MATRIX_TOLD);
    ui.add_space(space::S);
    // Those who share most with others come first.
    let mut shared = vec![0; found.annotators.len()];
    for couple in &attribute.agreement.couples {
        shared[couple.first] += couple.n;
        shared[couple.second] += couple.n;
    }
    let mut people: Vec<usize> = (0..shared.len()).filter(|at| shared[*at] > 0).collect();
    people.sort_by_key(|at| std::cmp::Reverse(shared[*at]));
    let all = people.len();
    people.truncate(MATRIX);
    let side = CELL * people.len() as f32;
    let (rect, _) = ui.allocate_exact_size(vec2(NAMES + side, side + 22.0), Sense::hover());
    let small = theme::ui(theme::SMALL);
    let clip = ui.painter().with_clip_rect(rect);
    for (at, who) in people.iter().enumerate() {
        let name = &found.annotators[*who];
        let along = CELL * (at as f32 + 0.5);
        let left = pos2(rect.left(), rect.top() + 22.0 + along);
        let shown = crate::text::preview::truncate(name, 14).into_owned();
        clip.text(left, Align2::LEFT_CENTER, shown, small.clone(), p.text_2);
        let top = pos2(rect.left() + NAMES + along, rect.top() + 8.0);
        clip.text(
            top,
            Align2::CENTER_CENTER,
            end_of(name),
            small.clone(),
            p.text_2,
        );
    }
    for couple in &attribute.agreement.couples {
        let place = |who: usize| people.iter().position(|at| *at == who);
        let (Some(first), Some(second)) = (place(couple.first), place(couple.second)) else {
            continue;
        };
        let kappa = couple.quadratic;
        let level = (kappa.unwrap_or(0.0).clamp(0.0, 1.0) * 4.0).round() as usize;
        for (row, column) in [(first, second), (second, first)] {
            let min = rect.min + vec2(NAMES + CELL * column as f32, 22.0 + CELL * row as f32);
            let cell = Rect::from_min_size(min, vec2(CELL, CELL)).shrink(1.0);
            ui.painter().rect_filled(cell, 0.0, p.ink[level]);
            let font = theme::ui(theme::SMALL);
            let ink = p.on_ink(level);
            ui.painter().text(
                cell.center(),
                Align2::CENTER_CENTER,
                number(kappa),
                font,
                ink,
            );
            let told = words::cell(
                &found.annotators[people[row]],
                &found.annotators[people[column]],
                &number(kappa),
                couple.n,
            );
            let id = ui.scope_id().with((row, column));
            let response = ui.interact(cell, id, Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Cell, true, &told));
            response.on_hover_text(told);
        }
    }
    if all > people.len() {
        controls::note(ui, &words::matrix_more(all - people.len()));
    }
    ui.add_space(space::L);
}

/// A preference as on the bar: the side, and how strongly.
fn preferred(value: f64) -> String {
    match value.partial_cmp(&0.0) {
        Some(std::cmp::Ordering::Less) => {
            format!("A{}", "+".repeat(((-value) as usize).saturating_sub(1)))
        }
        Some(std::cmp::Ordering::Greater) => {
            format!("B{}", "+".repeat((value as usize).saturating_sub(1)))
        }
        _ => "=".to_owned(),
    }
}

fn conflicts(
    ui: &mut Ui,
    state: &AppState,
    attribute: &AttributeConcord,
    actions: &mut Vec<Action>,
) {
    part(ui, words::CONFLICTS);
    if attribute.conflicts.is_empty() {
        controls::note(ui, words::NO_CONFLICTS);
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    for conflict in &attribute.conflicts {
        let said: Vec<String> = conflict
            .values
            .iter()
            .map(|(who, value)| {
                let name = crate::text::preview::truncate(who, 10);
                match conflict.side {
                    Some(_) => format!("{name} {value}"),
                    None => format!("{name} {}", preferred(*value)),
                }
            })
            .collect();
        let of = conflict.side.map(crate::app::form::letter);
        let more: Vec<String> = of.into_iter().chain(said).collect();
        if row(ui, conflict.position, &conflict.preview, &more.join("  ")) {
            actions.push(Action::OpenItem(conflict.item));
        }
    }
    ui.add_space(space::S);
    if state.project.is_some() {
        controls::note(ui, study::LISTED_TOLD);
    }
}
