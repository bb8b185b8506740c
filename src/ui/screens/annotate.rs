//! The screen on which people read and label: the context, the responses side by side (or one at a time), and the form.

use egui::{
    Align, Frame, Layout, Margin, Panel, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    WidgetInfo, pos2, vec2,
};

use super::{asks, drawer, find, form, rewrite, stepper};
use crate::app::form::letter;
use crate::app::state::{DiffView, ModelState, OpenItem};
use crate::app::words::{annotate as words, beside, everywhere};
use crate::app::{Action, AppState};
use crate::domain::{Preference, ReferenceRole, Role as Speaker, ScorePolicy};
use crate::text::preview;
use crate::ui::theme::{self, Palette, space};
use crate::ui::widgets::controls;
use crate::ui::widgets::reading::{Look, Part, Reading, Show};

/// Width of the form in a wide window.
const DOCK: f32 = 360.0;

/// Shows the screen.
pub fn show(ui: &mut Ui, state: &mut AppState, reading: &mut Reading, actions: &mut Vec<Action>) {
    if state.open_item().is_none() {
        empty(ui, state, actions);
        return;
    }
    if state.project.as_ref().is_some_and(|p| p.finished) {
        finished(ui, state, actions);
        return;
    }
    let compact = state.compact;
    if compact {
        stepper::stepper(ui, state, actions);
    } else {
        form::dock(ui, state, DOCK, actions);
    }
    if state.open_item().is_some_and(|open| open.place.is_some()) {
        actions.push(Action::PlaceTaken);
    }
    drawer::show(ui, state, reading, actions);
    find::bar(ui, state, reading, actions);
    asks::mark_bar(ui, state, actions);
    context(ui, state, reading, compact, actions);
    responses(ui, state, reading, compact, actions);
}

/// How the shared context is shown.
pub fn show_context<'a>(state: &'a AppState, open: &'a OpenItem, p: &Palette) -> Show<'a> {
    Show {
        key: (open.item.id, Part::Context, look(state)),
        turns: &open.item.context,
        speakers: true,
        first_turn: 0,
        max_width: None,
        margin: if state.compact { 20.0 } else { 24.0 },
        centred: false,
        wrap: state.wrap,
        scroll: 0.0,
        name: words::CONTEXT,
        find: find::needle(state),
        here: find::here(state, 0),
        diff: DiffView::Off,
        ink: (p.text, p.sunken),
        marks: &[],
    }
}

/// How a response is shown; nothing where there is none at that place.
pub fn show_response<'a>(
    state: &'a AppState,
    open: &'a OpenItem,
    side: usize,
    p: &Palette,
) -> Option<Show<'a>> {
    let response = open.response(side)?;
    let sides = open.shown.len();
    Some(Show {
        key: (open.item.id, Part::Response(response.key), look(state)),
        turns: &response.turns,
        speakers: response.turns.len() > 1,
        first_turn: open.item.context.len(),
        max_width: None,
        margin: if state.compact { 20.0 } else { 28.0 },
        centred: true,
        wrap: state.wrap,
        scroll: 0.0,
        name: words::RESPONSES
            .get(side)
            .copied()
            .unwrap_or(words::RESPONSE),
        find: find::needle(state),
        here: find::here(state, side + 1),
        // Rated alone, a response says nothing of the other.
        diff: if sides == 2 && !form::alone(state) {
            state.diff
        } else {
            DiffView::Off
        },
        ink: (p.side(side, sides), p.wash(side, sides)),
        marks: &open.form.draft.judgment.marks,
    })
}

fn look(state: &AppState) -> Look {
    Look {
        raw: state.raw,
        invisible: state.invisible,
    }
}

// -----------------------------------------------------------------------------------------
// Context

fn context(
    ui: &mut Ui,
    state: &AppState,
    reading: &mut Reading,
    compact: bool,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let Some(open) = state.open_item() else {
        return;
    };
    let turns = &open.item.context;
    let height = ui.available_height();
    let margin = Margin::symmetric(if compact { 20 } else { 24 }, 0);
    if state.context_open {
        let show = show_context(state, open, p);
        let most = (height * if compact { 0.6 } else { 0.5 }).max(140.0);
        let tall = if turns.is_empty() {
            56.0
        } else {
            reading.height(ui, &show).min(most)
        };
        Panel::top("context")
            .exact_size(tall)
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::new().fill(p.bg))
            .show(ui, |ui| {
                if turns.is_empty() {
                    ui.add_space(space::L);
                    controls::note(ui, words::NO_CONTEXT_OPEN);
                } else {
                    if let Some(place) = open.place.as_ref().and_then(|p| p.scroll.first()) {
                        reading.come_back(ui, &show, *place);
                    }
                    if find::turn_here(state, 0) && reading.take_turn(find::turn(state)) {
                        reading.go(ui, &show);
                    }
                    reading.show(ui, &show);
                }
            });
        return;
    }
    let asked = turns.iter().rposition(|t| t.role == Speaker::User);
    let earlier = asked.unwrap_or(turns.len());
    let tall = if compact { 48.0 } else { 112.0 };
    let frame = Frame::new().fill(p.bg).inner_margin(margin);
    Panel::top("context")
        .exact_size(tall)
        .resizable(false)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| {
            if compact {
                controls::landmark(ui, ui.max_rect(), words::CONTEXT);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    if earlier > 0 {
                        controls::text(
                            ui,
                            &words::earlier_turns(earlier),
                            theme::ui(theme::SMALL),
                            p.text_3,
                        );
                        if controls::key_cap(ui, &state.key("context"))
                            .interact(Sense::click())
                            .clicked()
                        {
                            actions.push(Action::ToggleContext);
                        }
                    }
                    question(ui, open, asked, 1, &state.key("context"), actions);
                });
                return;
            }
            controls::landmark(ui, ui.max_rect(), words::CONTEXT);
            ui.add_space(space::M);
            ui.horizontal(|ui| {
                let font = theme::ui(theme::SMALL);
                if earlier > 0 {
                    controls::text(ui, &words::earlier_turns(earlier), font.clone(), p.text_3);
                    if controls::key_cap(ui, &state.key("context"))
                        .interact(Sense::click())
                        .clicked()
                    {
                        actions.push(Action::ToggleContext);
                    }
                    let before = turns[..earlier]
                        .iter()
                        .find(|t| t.role == Speaker::User)
                        .or(turns.first());
                    if let Some(turn) = before {
                        controls::text(
                            ui,
                            &preview::first_line(&turn.content, 110),
                            font,
                            p.text_3,
                        );
                    }
                } else if let Some(at) = asked {
                    controls::text(ui, &words::you_asked(at / 2 + 1), font, p.text_3);
                    controls::key_cap(ui, &state.key("context"));
                } else {
                    controls::text(ui, words::NO_CONTEXT, font, p.text_3);
                }
            });
            ui.add_space(2.0);
            if earlier > 0
                && let Some(at) = asked
            {
                controls::text(
                    ui,
                    &words::you_asked(at / 2 + 1),
                    theme::ui(theme::SMALL),
                    p.text_3,
                );
            }
            let rows = if earlier > 0 { 2 } else { 3 };
            question(ui, open, asked, rows, &state.key("context"), actions);
        });
}

/// The last thing the person said, as far as it fits; all of it on `key`.
fn question(
    ui: &mut Ui,
    open: &OpenItem,
    asked: Option<usize>,
    rows: usize,
    key: &str,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let Some(turn) = asked.and_then(|at| open.item.context.get(at)) else {
        return;
    };
    let size = if rows == 1 { 16.0 } else { theme::READING };
    let mut job = egui::text::LayoutJob::simple(
        preview::truncate(turn.content.trim(), 600)
            .replace('\n', if rows == 1 { " " } else { "\n" }),
        theme::serif(size),
        p.text,
        ui.available_width(),
    );
    job.wrap.max_rows = rows;
    job.wrap.break_anywhere = rows == 1;
    let galley = ui.painter().layout_job(job);
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::click());
    let elided = galley.elided;
    ui.painter().galley(rect.min, galley, p.text);
    response.widget_info(|| WidgetInfo::labeled(Role::Paragraph, true, &turn.content));
    if response.clicked() {
        actions.push(Action::ToggleContext);
    }
    if elided {
        response.on_hover_text(words::question_told(key));
    }
}

// -----------------------------------------------------------------------------------------
// Responses

fn responses(
    ui: &mut Ui,
    state: &mut AppState,
    reading: &mut Reading,
    compact: bool,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let scrolls = std::mem::take(&mut state.scroll);
    let scroll = |side: usize| {
        scrolls
            .iter()
            .filter(|s| s.0 == side)
            .map(|s| s.1)
            .sum::<f32>()
    };
    let Some(open) = state.open_item() else {
        return;
    };
    let sides = open.shown.len();
    let area = ui.available_rect_before_wrap();
    ui.painter().rect_filled(area, 0.0, p.panel);
    let both = sides == 2 && (!compact || form::comparing(state)) && !form::alone(state);
    if state.diff != DiffView::Off
        && let (Some(a), Some(b)) = (
            show_response(state, open, 0, p),
            show_response(state, open, 1, p),
        )
    {
        // Measured as they will be shown: in half the room where both stand side by side.
        let width = if both {
            (area.width() / 2.0).floor()
        } else {
            area.width()
        };
        let column = Rect::from_min_size(area.min, vec2(width, area.height()));
        let room = ui.new_child(UiBuilder::new().id_salt("compare").max_rect(column));
        reading.compare(&room, &a, &b);
    }
    if both {
        let half = (area.width() / 2.0).floor();
        for side in 0..2 {
            let left = area.left() + half * side as f32;
            let column = Rect::from_min_max(
                pos2(left, area.top()),
                pos2(
                    if side == 0 { left + half } else { area.right() },
                    area.bottom(),
                ),
            );
            response_column(
                ui,
                state,
                reading,
                side,
                column,
                compact,
                scroll(side),
                actions,
            );
        }
        let keys = [0, 1].map(|side| show_response(state, open, side, p).map(|show| show.key));
        match keys {
            [Some(a), Some(b)] if state.locked => reading.follow(ui.ctx(), a, b),
            _ => reading.settle(),
        }
        let line = pos2(area.left() + half, area.top() + 4.0);
        ui.painter()
            .vline(line.x, line.y..=area.bottom(), Stroke::new(1.0, p.rule));
        margin_chip(ui, state, pos2(area.left() + half, area.top() + 1.0), area);
    } else {
        let side = state.side.min(sides.saturating_sub(1));
        response_column(
            ui,
            state,
            reading,
            side,
            area,
            compact || sides != 2,
            scroll(side),
            actions,
        );
    }
}

#[expect(clippy::too_many_arguments, reason = "called from one place")]
fn response_column(
    ui: &mut Ui,
    state: &AppState,
    reading: &mut Reading,
    side: usize,
    column: Rect,
    compact: bool,
    scroll: f32,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let Some(open) = state.open_item() else {
        return;
    };
    if open.response(side).is_none() {
        return;
    }
    let sides = open.shown.len();
    let alone = sides != 2 || (compact && !form::comparing(state)) || form::alone(state);
    let rule = Rect::from_min_size(column.min, vec2(column.width(), 4.0));
    controls::spine(ui.painter(), rule, side, sides, p);
    let head_height = if compact { 42.0 } else { 44.0 };
    let head = Rect::from_min_size(
        column.min + vec2(0.0, 4.0),
        vec2(column.width(), head_height),
    );
    let mut header = ui.new_child(
        UiBuilder::new()
            .id_salt(("head", side))
            .max_rect(head.shrink2(vec2(if compact { 20.0 } else { 28.0 }, 0.0)))
            .layout(Layout::left_to_right(Align::Center)),
    );
    head_of(&mut header, state, open, side, alone, actions);
    ui.painter()
        .hline(column.x_range(), head.bottom(), Stroke::new(1.0, p.rule));
    let body = Rect::from_min_max(pos2(column.left(), head.bottom() + 1.0), column.max);
    if open.editing == Some(side) {
        rewrite::show(ui, state, open, side, body, actions);
        return;
    }
    let mut text = ui.new_child(UiBuilder::new().id_salt(("body", side)).max_rect(body));
    text.set_clip_rect(body.intersect(ui.clip_rect()));
    let Some(show) = show_response(state, open, side, p) else {
        return;
    };
    let show = Show { scroll, ..show };
    controls::landmark(&text, body, show.name);
    if let Some(place) = open
        .place
        .as_ref()
        .and_then(|place| place.scroll.get(side + 1))
    {
        reading.come_back(&text, &show, *place);
    }
    if find::turn_here(state, side + 1) && reading.take_turn(find::turn(state)) {
        reading.go(&text, &show);
    }
    reading.show(&mut text, &show);
    // Told when it is whole, and only where it changed.
    if !ui.input(|i| i.pointer.any_down()) {
        let selected = reading.selected(&show);
        let known = open.selected.as_ref();
        match selected {
            Some(span) if known.is_none_or(|known| *known != (side, span.clone())) => {
                actions.push(Action::Selected(Some((side, span))));
            }
            None if known.is_some_and(|known| known.0 == side) => {
                actions.push(Action::Selected(None));
            }
            _ => {}
        }
    }
}

/// Letter, score and length of a response.
fn head_of(
    ui: &mut Ui,
    state: &AppState,
    open: &OpenItem,
    side: usize,
    alone: bool,
    actions: &mut Vec<Action>,
) {
    let p = Palette::now(ui.ctx());
    let sides = open.shown.len();
    ui.spacing_mut().item_spacing.x = space::M;
    if alone && sides > 1 {
        // The other responses wait as tabs.
        for other in 0..sides {
            if other == side {
                side_letter(ui, other, sides);
                score(ui, state, open, other);
            } else {
                let score = open
                    .score(other)
                    .and_then(|s| s.as_ref().ok())
                    .filter(|_| state.scores_visible() && !form::alone(state));
                let label = match score {
                    Some(score) => format!("{} {:.2}", letter(other), score.score),
                    None => letter(other),
                };
                let font = theme::ui_bold(14.0);
                let galley = ui
                    .painter()
                    .layout_no_wrap(label, font, p.side(other, sides));
                let (rect, response) =
                    ui.allocate_exact_size(vec2(galley.size().x + 16.0, 30.0), Sense::click());
                let top = Rect::from_min_size(rect.min, vec2(rect.width(), 3.0));
                controls::spine(ui.painter(), top, other, sides, p);
                ui.painter().galley(
                    rect.center() - galley.size() / 2.0 + vec2(0.0, 1.0),
                    galley,
                    p.text,
                );
                response.widget_info(|| {
                    WidgetInfo::labeled(Role::Tab, true, words::show_response(&letter(other)))
                });
                if response
                    .on_hover_text(words::show_response_told(&state.key("flip")))
                    .clicked()
                {
                    actions.push(Action::FocusSide(other));
                }
            }
        }
    } else {
        side_letter(ui, side, sides);
        score(ui, state, open, side);
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let counted = state.schema().is_none_or(|s| !s.hide_counts);
        let known = open
            .score(side)
            .and_then(|s| s.as_ref().ok())
            .filter(|_| state.scores_visible() && counted);
        if open.rewritten(side).is_some() {
            let chip = controls::chip(ui, "", words::REWRITTEN, words::REWRITTEN_TOLD);
            if chip.clicked() {
                actions.push(Action::EditResponse(Some(side)));
            }
        }
        if counted && let Some(response) = open.response(side) {
            let words: usize = response
                .turns
                .iter()
                .map(|t| t.content.split_whitespace().count())
                .sum();
            let room = ui.available_width() > 150.0;
            if room || known.is_none() {
                let told = words::words(words);
                controls::text(ui, &told, theme::ui(theme::SMALL), p.text_3);
            }
        }
        if let Some(score) = known {
            let mut text = words::tokens(score.tokens);
            if score.truncated {
                text.push_str(words::CUT);
            }
            let response = controls::text(ui, &text, theme::ui(theme::SMALL), p.text_3);
            if score.truncated {
                response.on_hover_text(words::CUT_TOLD);
            }
        }
        reveal(ui, open, side);
    });
}

fn side_letter(ui: &mut Ui, side: usize, sides: usize) {
    let p = Palette::now(ui.ctx());
    controls::text(ui, &letter(side), theme::ui_bold(19.0), p.side(side, sides));
}

/// The score of a response: painted the moment it arrives.
fn score(ui: &mut Ui, state: &AppState, open: &OpenItem, side: usize) {
    let p = Palette::now(ui.ctx());
    if !state.scores_visible() {
        let hidden = state
            .project
            .as_ref()
            .is_some_and(|p| p.info.policy == ScorePolicy::Hidden);
        if !matches!(state.model, ModelState::Off) {
            let (word, why) = if hidden {
                (words::HIDDEN, words::HIDDEN_TOLD)
            } else {
                (words::SEALED, words::SEALED_TOLD)
            };
            controls::text(ui, word, theme::ui(theme::SMALL), p.text_3).on_hover_text(why);
        }
        return;
    }
    let name = letter(side);
    match open.score(side) {
        Some(Ok(score)) => {
            let value = format!("{:.2}", score.score).replace('-', "−");
            let response = controls::text(ui, &value, theme::ui_bold(15.0), p.text);
            response.widget_info(|| {
                WidgetInfo::labeled(Role::Label, true, words::score_of(&name, &value))
            });
            if let Some(margin) = open.margin() {
                let part = probability(if side == 1 { margin } else { -margin });
                let told = words::probability_of(&name, part * 100.0);
                controls::level_bar(ui, part as f32, vec2(110.0, 5.0), p.ink[3], &told)
                    .on_hover_text(told);
            }
            for (attribute, value) in &score.attributes {
                controls::text(
                    ui,
                    &format!("{attribute} {value:.1}"),
                    theme::ui(theme::SMALL),
                    p.text_2,
                );
            }
        }
        Some(Err(why)) => {
            controls::text(ui, words::NO_SCORE, theme::ui(theme::SMALL), p.error)
                .on_hover_text(why);
        }
        None => match &state.model {
            ModelState::Ready(_) => {
                controls::text(ui, words::SCORING, theme::ui(theme::SMALL), p.text_3);
            }
            ModelState::Loading(_) => {
                controls::text(ui, words::MODEL_LOADING, theme::ui(theme::SMALL), p.text_3);
            }
            ModelState::Failed(_, why) => {
                controls::text(ui, words::SCORES_OFF, theme::ui(theme::SMALL), p.text_3)
                    .on_hover_text(why);
            }
            ModelState::Off => {}
        },
    }
    by_others(ui, state, open, side);
}

/// The scores of a response by models beside the one that scores, each with its name; those for which there is no room together.
fn by_others(ui: &mut Ui, state: &AppState, open: &OpenItem, side: usize) {
    // Room that the counts at the other end take.
    const KEPT: f32 = 150.0;
    let p = Palette::now(ui.ctx());
    let small = theme::ui(theme::SMALL);
    let (mut more, mut hidden) = (0, vec![]);
    for card in state.library.ready_beside() {
        let of = |side: usize| {
            let known = open.beside.get(&card.info.id.key())?;
            Some(known.get(open.shown.get(side)?)?.score)
        };
        let Some(score) = of(side) else { continue };
        let value = format!("{score:.2}").replace('-', "−");
        let name = &card.info.name;
        let told = beside::scores(name, &letter(side), &value);
        let margin = match (of(0), of(1), open.shown.len()) {
            (Some(a), Some(b), 2) => match a.partial_cmp(&b) {
                Some(std::cmp::Ordering::Equal) | None => beside::equal(name),
                _ => beside::margin(name, &letter(usize::from(b > a)), (b - a).abs()),
            },
            _ => told.clone(),
        };
        let text = format!("{} {value}", preview::truncate(name, 14));
        let painter = ui.painter();
        let galley = painter.layout_no_wrap(text, small.clone(), p.text_2);
        if more > 0 || galley.size().x + KEPT > ui.available_width() {
            more += 1;
            hidden.extend([told, margin]);
            continue;
        }
        let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
        ui.painter().galley(rect.min, galley, p.text_2);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &told));
        response.on_hover_text(margin);
    }
    if more > 0 {
        let told = hidden.join("\n");
        let response = controls::text(ui, &format!("+{more}"), small, p.text_2);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &told));
        response.on_hover_text(told);
    }
}

/// Probability that the better-scored response is preferred, after Bradley and Terry.
fn probability(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin).exp())
}

/// The margin on the line between the responses.
fn margin_chip(ui: &Ui, state: &AppState, centre: egui::Pos2, clip: Rect) {
    let p = Palette::now(ui.ctx());
    let Some(margin) = state
        .open_item()
        .and_then(OpenItem::margin)
        .filter(|_| state.scores_visible())
    else {
        return;
    };
    let side = usize::from(margin > 0.0);
    let font = theme::ui_bold(theme::SMALL);
    let mut job = egui::text::LayoutJob::default();
    let format = |font, color| egui::text::TextFormat {
        font_id: font,
        color,
        ..Default::default()
    };
    let lead = format!("{} +{:.2}", letter(side), margin.abs());
    job.append(&lead, 0.0, format(font, p.side(side, 2)));
    let likely = words::probability(probability(margin.abs()));
    job.append(&likely, 8.0, format(theme::ui(theme::SMALL), p.text_2));
    let galley = ui.painter().layout_job(job);
    let rect = Rect::from_center_size(centre, galley.size() + vec2(22.0, 8.0));
    let painter = ui.painter().with_clip_rect(clip.expand(20.0));
    painter.rect(
        rect,
        10.0,
        p.panel,
        Stroke::new(1.0, p.rule),
        StrokeKind::Inside,
    );
    painter.galley(rect.center() - galley.size() / 2.0, galley, p.text);
    let response = ui.interact(rect, ui.scope_id().with("margin"), Sense::hover());
    let told = words::margin(&lead, probability(margin.abs()));
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &told));
    response.on_hover_text(words::MARGIN_TOLD);
}

/// Model names and reference labels: only after one's own commit.
fn reveal(ui: &mut Ui, open: &OpenItem, side: usize) {
    if !open.committed() {
        return;
    }
    let p = Palette::now(ui.ctx());
    let canonical = open.order.get(side).copied();
    let model = open.sources.iter().find_map(|s| {
        let at = s.order.iter().position(|i| Some(*i) == canonical)?;
        s.models.get(at).cloned().flatten()
    });
    let key = open.shown.get(side).copied();
    let votes = open
        .references
        .iter()
        .filter(|r| r.role == ReferenceRole::Vote);
    let verdicts = open
        .references
        .iter()
        .filter(|r| r.role == ReferenceRole::Verdict);
    let prefers = |r: &&crate::domain::ReferenceLabel| matches!(r.judgment.preference, Some(Preference::Better { response, .. }) if Some(response) == key);
    let mut parts = vec![];
    parts.extend(model);
    match votes.filter(prefers).count() {
        0 => {}
        n => parts.push(words::votes(n)),
    }
    if verdicts.filter(prefers).count() > 0 {
        parts.push(words::PREFERRED_BY_DATA.to_owned());
    }
    let rated = key.and_then(|k| {
        open.references
            .iter()
            .find_map(|r| r.judgment.ratings.get(k, "helpfulness"))
    });
    if let Some(rated) = rated {
        parts.push(words::helpfulness(rated));
    }
    if !parts.is_empty() {
        controls::text(
            ui,
            &parts.join(" · "),
            theme::ui_medium(theme::SMALL),
            p.text_2,
        )
        .on_hover_text(words::REVEALED_TOLD);
    }
}

// -----------------------------------------------------------------------------------------
// Nothing to label

fn centred(ui: &mut Ui, title: &str, text: &str, add: impl FnOnce(&mut Ui)) {
    let p = Palette::now(ui.ctx());
    let area = ui.available_rect_before_wrap();
    ui.painter().rect_filled(area, 0.0, p.panel);
    let card = Rect::from_center_size(
        area.center(),
        vec2(460.0_f32.min(area.width() - 32.0), 240.0),
    );
    let mut inner = ui.new_child(UiBuilder::new().max_rect(card));
    let heading = controls::text(&mut inner, title, theme::serif(24.0), p.text);
    heading.widget_info(|| WidgetInfo::labeled(Role::Heading, true, title));
    inner.add_space(space::S);
    controls::note(&mut inner, text);
    inner.add_space(space::L);
    inner.horizontal(add);
}

fn empty(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    if state.opening {
        centred(ui, words::OPENING, words::OPENING_TOLD, |_| {});
        return;
    }
    let (title, text) = if state.project.is_some() {
        (words::NO_ITEMS, words::NO_ITEMS_TOLD)
    } else {
        (words::NOTHING_OPEN, words::NOTHING_OPEN_TOLD)
    };
    centred(ui, title, text, |ui| {
        if state.can_write()
            && controls::button(ui, everywhere::IMPORT_DATA, true, true, vec2(0.0, 34.0)).clicked()
        {
            actions.push(Action::PickImport);
        }
        let primary = state.project.is_none();
        if controls::button(ui, words::SAMPLE, primary, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::StartSample);
        }
        if controls::button(ui, everywhere::OPEN_PROJECT, false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::PickProject);
        }
    });
}

fn finished(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let Some(project) = &state.project else {
        return;
    };
    let counts = project.info.counts;
    let text = words::finished_told(counts.labelled, counts.skipped, counts.flagged);
    centred(ui, words::FINISHED, &text, |ui| {
        if controls::button(ui, words::EXPORT, true, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Show(crate::app::Screen::Export));
        }
        if controls::button(ui, words::SHOW_QUEUE, false, true, vec2(0.0, 34.0)).clicked() {
            actions.push(Action::Show(crate::app::Screen::Queue));
        }
        if controls::button(ui, words::SHOW_LAST_ITEM, false, true, vec2(0.0, 34.0)).clicked()
            && let Some(open) = &project.open
        {
            actions.push(Action::OpenPosition(open.position));
        }
    });
}
