//! One document of the reading view: its lines, of which only those in view are laid out; where in it something was found, where it
//! differs from another, and how it is painted.

use std::collections::HashMap;
use std::ops::Range;

use egui::text_selection::LabelSelectionState;
use egui::{
    Color32, Galley, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::controls;
use super::highlighter::Highlighter;
use super::layout::{self, Laid, Measure, Piece};
use super::reading::{Key, Look, Part, Show};
use super::selection::{Chosen, Selecting, Selection, selecting};
use crate::app::state::DiffView;
use crate::app::state::Unmarkable;
use crate::app::words::document as words;
use crate::domain::{Role as Speaker, Span as Spot, SpanMark, Turn};
use crate::text::diff::Span;
use crate::text::find::find;
use crate::text::glyphs;
use crate::text::markdown::{Block, Joint, Kind, blocks, raw_blocks};
use crate::ui::theme;

/// One line of a document: who speaks, or a block of what is said.
pub(super) enum Line {
    Speaker(String),
    Block(Block),
}

/// A place in a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) part: usize,
    pub(super) characters: Range<usize>,
    /// How much of the line stands before it, and up to its end: by characters.
    pub(super) within: Range<f32>,
}

pub(super) struct Document {
    pub(super) lines: Vec<Line>,
    pub(super) laid: Vec<Option<Laid>>,
    pub(super) heights: Vec<f32>,
    pub(super) measure: Option<Measure>,
    pub(super) offset: f32,
    /// The offset at the end of the last frame: if it is another now, somebody scrolled.
    pub(super) last: f32,
    /// How far wide code has been scrolled, by line.
    pub(super) aside: HashMap<usize, f32>,
    pub(super) used: u64,
    /// What was looked for, and where it was found.
    pub(super) found: (String, Vec<Place>),
    /// With what it was compared, and where it differs.
    pub(super) differs: Option<(Key, Vec<Place>)>,
    /// Lines that are folded, because they are the same on both sides.
    pub(super) folded: Vec<bool>,
    /// Where each turn begins: a line.
    pub(super) turns: Vec<usize>,
    /// What is selected.
    pub(super) selection: Option<Selection>,
    /// What was found and looked at last: it stays selected when the search is closed, so that keys alone can select.
    pub(super) was_here: Option<Place>,
    /// Where what was selected last stands in the stored text.
    pub(super) spot: Option<(Chosen, Result<Spot, Unmarkable>)>,
    /// What is marked, and where.
    pub(super) marked: (Vec<SpanMark>, Vec<Place>),
}

/// Air above and below a document.
const BOTTOM: f32 = 40.0;
/// Height of the line that stands for folded ones.
const FOLD: f32 = 28.0;

/// Height of the line that says who speaks: with air above it, but for the first.
fn speaker_height(line: usize) -> f32 {
    if line == 0 { 22.0 } else { 40.0 }
}

impl Document {
    pub(super) fn new(show: &Show<'_>) -> Self {
        let (mut lines, mut turns) = (vec![], vec![]);
        let Look { raw, invisible } = show.key.2;
        for (at, turn) in show.turns.iter().enumerate() {
            turns.push(lines.len());
            if show.speakers {
                lines.push(Line::Speaker(speaker(turn, show.first_turn + at)));
            }
            let written;
            let content = if invisible {
                written = glyphs::written_out(&turn.content);
                &written
            } else {
                &turn.content
            };
            let said = if raw {
                raw_blocks(content)
            } else {
                blocks(content)
            };
            if said.is_empty() {
                lines.push(Line::Speaker(words::EMPTY.to_owned()));
            }
            lines.extend(said.into_iter().map(Line::Block));
            if let Some(calls) = &turn.tool_calls {
                let text = serde_json::to_string_pretty(calls).unwrap_or_default();
                lines.push(Line::Speaker(words::TOOL_CALL.to_owned()));
                lines.extend(raw_blocks(&text).into_iter().map(Line::Block));
            }
        }
        let count = lines.len();
        Self {
            lines,
            laid: std::iter::repeat_with(|| None).take(count).collect(),
            heights: vec![0.0; count],
            measure: None,
            offset: 0.0,
            last: 0.0,
            aside: HashMap::new(),
            used: 0,
            found: (String::new(), vec![]),
            differs: None,
            folded: vec![],
            turns,
            selection: None,
            was_here: None,
            spot: None,
            marked: (vec![], vec![]),
        }
    }

    /// Every part of the text, with the line and the part of it.
    pub(super) fn parts(&self) -> impl Iterator<Item = (usize, usize, String)> {
        self.lines.iter().enumerate().flat_map(|(line, what)| {
            let parts = match what {
                Line::Block(block) => layout::parts(block),
                Line::Speaker(_) => vec![],
            };
            parts
                .into_iter()
                .enumerate()
                .map(move |(part, text)| (line, part, text))
        })
    }

    /// Places with how far into their lines they are.
    pub(super) fn places(&self, found: Vec<(usize, usize, Range<usize>)>) -> Vec<Place> {
        let mut lengths: (usize, Vec<usize>) = (usize::MAX, vec![]);
        let place = |(line, part, characters): (usize, usize, Range<usize>)| {
            if lengths.0 != line {
                let parts = match &self.lines[line] {
                    Line::Block(block) => layout::parts(block),
                    Line::Speaker(_) => vec![],
                };
                lengths = (line, parts.iter().map(|p| p.chars().count()).collect());
            }
            let whole = lengths.1.iter().sum::<usize>().max(1) as f32;
            let before: usize = lengths.1.iter().take(part).sum();
            let within = (before + characters.start) as f32 / whole
                ..(before + characters.end) as f32 / whole;
            Place {
                line,
                part,
                characters,
                within,
            }
        };
        found.into_iter().map(place).collect()
    }

    pub(super) fn look_for(&mut self, text: &str) {
        if self.found.0 == text {
            return;
        }
        let mut found = vec![];
        if !text.is_empty() {
            for (line, part, said) in self.parts() {
                found.extend(find(text, &said).into_iter().map(|at| (line, part, at)));
            }
        }
        let places = self.places(found);
        self.found = (text.to_owned(), places);
    }

    pub(super) fn take_differences(&mut self, with: Key, spans: &[Span]) {
        let index: Vec<(usize, usize)> = self.parts().map(|(line, part, _)| (line, part)).collect();
        let known = spans.iter().filter_map(|span| {
            let (line, part) = *index.get(span.part)?;
            Some((line, part, span.characters.clone()))
        });
        let places = self.places(known.collect());
        self.differs = Some((with, places));
        self.folded.clear();
    }

    /// Folds what is the same on both sides, or unfolds it.
    pub(super) fn fold(&mut self, wanted: bool) {
        let wanted = wanted && self.differs.is_some();
        if wanted != self.folded.is_empty() {
            return;
        }
        let anchor = self.top_line();
        if wanted {
            self.folded = vec![true; self.lines.len()];
            for place in self.differs.iter().flat_map(|(_, places)| places) {
                self.folded[place.line] = false;
            }
            for (at, line) in self.lines.iter().enumerate() {
                if matches!(line, Line::Speaker(_)) {
                    self.folded[at] = false;
                }
            }
        } else {
            self.folded.clear();
        }
        let before: f32 = (0..anchor.0).map(|at| self.height(at)).sum();
        self.offset = before;
    }

    /// Height of a line as it is shown now: one line stands for all that are folded in a row.
    pub(super) fn height(&self, at: usize) -> f32 {
        let folded = |at: usize| self.folded.get(at).copied().unwrap_or(false);
        if !folded(at) {
            self.heights.get(at).copied().unwrap_or(0.0)
        } else if at == 0 || !folded(at - 1) {
            FOLD
        } else {
            0.0
        }
    }

    pub(super) fn total(&self) -> f32 {
        (0..self.lines.len()).map(|at| self.height(at)).sum::<f32>() + BOTTOM
    }

    /// Takes a new width or theme; what was at the top stays there.
    pub(super) fn measure(&mut self, measure: &Measure) {
        if self.measure == Some(*measure) {
            return;
        }
        let anchor = self.measure.map(|_| self.top_line());
        for (at, line) in self.lines.iter().enumerate() {
            self.laid[at] = None;
            self.heights[at] = match line {
                Line::Speaker(_) => speaker_height(at),
                Line::Block(block) => layout::estimate(block, measure),
            };
        }
        self.measure = Some(*measure);
        if let Some((line, part)) = anchor {
            let before: f32 = (0..line).map(|at| self.height(at)).sum();
            self.offset = before + part * self.height(line);
        }
    }

    /// The line at the top and how much of it is scrolled out.
    pub(super) fn top_line(&self) -> (usize, f32) {
        let mut y = 0.0;
        for at in 0..self.lines.len() {
            let height = self.height(at);
            if y + height > self.offset {
                return (at, ((self.offset - y) / height.max(1.0)).clamp(0.0, 1.0));
            }
            y += height;
        }
        (self.lines.len(), 0.0)
    }

    /// How far one is, in blocks: 0 at the beginning, 1 at the end.
    pub(super) fn progress(&self) -> f32 {
        let (line, part) = self.top_line();
        (line as f32 + part) / self.lines.len().max(1) as f32
    }

    pub(super) fn go_to_progress(&mut self, progress: f32) {
        let at = progress * self.lines.len() as f32;
        let line = (at.floor() as usize).min(self.lines.len().saturating_sub(1));
        let before: f32 = (0..line).map(|l| self.height(l)).sum();
        self.offset = before + (at - line as f32).clamp(0.0, 1.0) * self.height(line);
    }

    pub(super) fn paint(
        &mut self,
        ui: &mut Ui,
        highlighter: &mut Highlighter,
        viewport: Rect,
        left: f32,
        total: f32,
        show: &Show<'_>,
    ) {
        let Some(measure) = self.measure else { return };
        let origin = ui.max_rect().min + vec2(left, 16.0);
        let mut y = 0.0;
        for at in 0..self.lines.len() {
            let height = self.height(at);
            if y + height + 16.0 < viewport.min.y || height == 0.0 {
                y += height;
                continue;
            }
            if y > viewport.max.y {
                break;
            }
            let pos = pos2(origin.x, origin.y + y);
            if self.folded.get(at).copied().unwrap_or(false) {
                let same = self.folded[at..].iter().take_while(|f| **f).count();
                paint_fold(ui, pos, same, &measure, at);
                y += height;
                continue;
            }
            let marks = self.marks(at, show, &measure);
            match &self.lines[at] {
                Line::Speaker(who) => paint_speaker(ui, pos, who, &measure, at),
                Line::Block(block) => {
                    let first = at == 0 || matches!(self.lines[at - 1], Line::Speaker(_));
                    let laid = self.laid[at].get_or_insert_with(|| {
                        layout::lay_out(ui.painter(), highlighter, block, first, &measure)
                    });
                    self.heights[at] = laid.height;
                    let pos = pos + vec2(0.0, laid.gap);
                    let rect =
                        Rect::from_min_size(pos, vec2(measure.width, laid.height - laid.gap));
                    let aside = &mut self.aside;
                    let chosen = paint_block(ui, rect, block, laid, &measure, at, aside, &marks);
                    if matches!(block.kind, Kind::Code { .. }) && block.joint == Joint::New {
                        self.copy_button(ui, rect, at);
                    }
                    if let Some(chosen) = chosen {
                        self.select(chosen, at);
                    }
                }
            }
            y += self.height(at);
        }
        // What is far out of view is dropped; its height stays exact.
        let (near, far) = (viewport.min.y - 4_000.0, viewport.max.y + 4_000.0);
        let mut y = 0.0;
        for at in 0..self.lines.len() {
            let height = self.height(at);
            if y + height < near || y > far {
                self.laid[at] = None;
            }
            y += height;
        }
        ui.set_min_size(vec2(ui.available_width(), total));
    }

    /// What is marked in a line.
    fn marks(&self, line: usize, show: &Show<'_>, measure: &Measure) -> Vec<Mark> {
        let mut marks = vec![];
        let of_line = |places: &[Place]| -> Range<usize> {
            let from = places.partition_point(|p| p.line < line);
            from..from + places[from..].partition_point(|p| p.line == line)
        };
        if show.diff != DiffView::Off
            && let Some((_, places)) = &self.differs
        {
            marks.extend(places[of_line(places)].iter().map(|place| Mark {
                part: place.part,
                characters: place.characters.clone(),
                ground: show.ink.1,
                line: Some(show.ink.0),
                frame: None,
            }));
        }
        let p = measure.palette;
        let marked = &self.marked.1;
        marks.extend(marked[of_line(marked)].iter().map(|place| Mark {
            part: place.part,
            characters: place.characters.clone(),
            ground: show.ink.1,
            line: None,
            frame: Some(show.ink.0),
        }));
        let was_here = self.was_here.iter();
        for place in was_here.filter(|w| w.line == line && self.found.0.is_empty()) {
            marks.push(Mark {
                part: place.part,
                characters: place.characters.clone(),
                ground: p.ink[1],
                line: Some(p.text),
                frame: None,
            });
        }
        for at in of_line(&self.found.1) {
            let place = &self.found.1[at];
            let here = show.here == Some(at);
            marks.push(Mark {
                part: place.part,
                characters: place.characters.clone(),
                ground: if here { p.ink[2] } else { p.ink[1] },
                line: here.then_some(p.text),
                frame: None,
            });
        }
        marks
    }

    /// A way to copy the code of a block, whole, however many lines of the view it is cut into.
    fn copy_button(&self, ui: &mut Ui, rect: Rect, at: usize) {
        if !ui.rect_contains_pointer(rect) {
            return;
        }
        let size = vec2(52.0, 24.0);
        let corner = pos2(rect.right() - size.x - 6.0, rect.top() + 5.0);
        let area = Rect::from_min_size(corner, size);
        let mut child = ui.new_child(UiBuilder::new().max_rect(area).id_salt(("copy", at)));
        if controls::button(&mut child, words::COPY, false, true, size).clicked() {
            let mut whole = String::new();
            for (n, line) in self.lines[at..].iter().enumerate() {
                match line {
                    Line::Block(Block {
                        kind: Kind::Code { text, .. },
                        joint,
                        ..
                    }) if n == 0 || *joint != Joint::New => {
                        if *joint == Joint::Line {
                            whole.push('\n');
                        }
                        whole.push_str(text);
                    }
                    _ => break,
                }
            }
            ui.ctx().copy_text(whole);
        }
    }

    /// Who speaks, at the top, while the head of the turn is scrolled out.
    pub(super) fn sticky_head(&self, ui: &Ui, view: Rect, left: f32, show: &Show<'_>) {
        let Some(measure) = self.measure.filter(|_| show.speakers) else {
            return;
        };
        let mut y = 16.0;
        let mut current = None;
        for at in 0..self.lines.len() {
            if y + self.height(at) > self.offset {
                break;
            }
            if let Line::Speaker(who) = &self.lines[at] {
                current = Some(who);
            }
            y += self.height(at);
        }
        let Some(who) = current else { return };
        let p = measure.palette;
        let strip = Rect::from_min_size(view.min, vec2(view.width() - 12.0, 24.0));
        let ground = if matches!(show.key.1, Part::Context) {
            p.bg
        } else {
            p.panel
        };
        ui.painter().rect_filled(strip, 0.0, ground);
        ui.painter()
            .hline(strip.x_range(), strip.bottom(), Stroke::new(1.0, p.rule));
        ui.painter().text(
            pos2(strip.left() + left, strip.center().y),
            egui::Align2::LEFT_CENTER,
            who,
            theme::ui(theme::SMALL),
            p.text_3,
        );
    }

    /// Where in a long document one is, with what was found and where it differs: a thin strip at the right.
    pub(super) fn minimap(&mut self, ui: &Ui, view: Rect, total: f32, show: &Show<'_>) {
        const WIDTH: f32 = 7.0;
        let differs = show.diff != DiffView::Off && self.differs.is_some();
        let long = total > view.height() * 1.5;
        if !long || !(differs || !self.found.1.is_empty() || total > view.height() * 4.0) {
            return;
        }
        let Some(measure) = self.measure else { return };
        let p = measure.palette;
        let strip = Rect::from_min_max(
            pos2(view.right() - WIDTH - 9.0, view.top() + 2.0),
            pos2(view.right() - 9.0, view.bottom() - 2.0),
        );
        let painter = ui.painter_at(strip);
        painter.rect_filled(strip, 0.0, p.sunken);
        let mut tops = Vec::with_capacity(self.lines.len());
        let mut y = 0.0;
        for at in 0..self.lines.len() {
            tops.push(y);
            y += self.height(at);
        }
        let scale = strip.height() / total.max(1.0);
        // What falls on the same pixels as the one before is drawn once: there may be a hundred thousand.
        let ticks = |places: &[Place], color: Color32, from: f32| {
            let mut drawn = f32::NEG_INFINITY;
            for place in places {
                let height = self.height(place.line);
                let above = tops.get(place.line).copied().unwrap_or(0.0);
                let top = strip.top() + (above + place.within.start * height) * scale;
                let bottom = strip.top() + (above + place.within.end * height) * scale;
                let bottom = bottom.max(top + 1.5);
                if bottom <= drawn + 0.5 {
                    continue;
                }
                let min = pos2(strip.left() + from, top.max(drawn));
                let rect = Rect::from_min_max(min, pos2(strip.right(), bottom));
                painter.rect_filled(rect, 0.0, color);
                drawn = bottom;
            }
        };
        if differs && let Some((_, places)) = &self.differs {
            ticks(places, show.ink.0, 0.0);
        }
        ticks(&self.found.1, p.text, 2.0);
        let window = Rect::from_min_size(
            pos2(strip.left(), strip.top() + self.offset * scale),
            vec2(WIDTH, (view.height() * scale).max(8.0)),
        );
        painter.rect_stroke(window, 1.0, Stroke::new(1.0, p.text_2), StrokeKind::Inside);
        let id = ui.scope_id().with(("minimap", show.key));
        let response = ui.interact(strip.expand(2.0), id, Sense::click_and_drag());
        response.widget_info(|| {
            WidgetInfo::labeled(Role::ScrollBar, true, words::overview_of(show.name))
        });
        if let Some(pointer) = response.interact_pointer_pos() {
            let wanted = (pointer.y - strip.top()) / scale - view.height() / 2.0;
            self.offset = wanted.clamp(0.0, (total - view.height()).max(0.0));
            ui.ctx().request_repaint();
        }
    }
}

/// Characters that are pointed out: on a ground, with a line below.
struct Mark {
    part: usize,
    characters: Range<usize>,
    ground: Color32,
    line: Option<Color32>,
    frame: Option<Color32>,
}

/// Where characters stand in a laid out text, row by row.
fn rects(galley: &Galley, characters: &Range<usize>) -> Vec<Rect> {
    let mut found = vec![];
    let mut at = 0;
    for row in &galley.rows {
        let count = row.glyphs.len();
        let (from, to) = (characters.start.max(at), characters.end.min(at + count));
        if from < to {
            let (first, last) = (&row.glyphs[from - at], &row.glyphs[to - at - 1]);
            let min = row.pos + vec2(first.pos.x, 0.0);
            let max = row.pos + vec2(last.pos.x + last.advance_width, row.size.y);
            found.push(Rect::from_min_max(min, max));
        }
        at += count + usize::from(row.ends_with_newline);
        if at >= characters.end {
            break;
        }
    }
    found
}

/// The line that stands for what is the same on both sides.
fn paint_fold(ui: &Ui, at: egui::Pos2, same: usize, measure: &Measure, line: usize) {
    let p = measure.palette;
    let told = words::parts_the_same(same);
    let rect = Rect::from_min_size(at, vec2(measure.width, FOLD));
    let galley = ui
        .painter()
        .layout_no_wrap(told.clone(), theme::ui(theme::SMALL), p.text_3);
    let y = rect.center().y;
    let from = rect.left() + galley.size().x + 10.0;
    ui.painter()
        .hline(from..=rect.right(), y, Stroke::new(1.0, p.rule));
    let pos = pos2(rect.left(), y - galley.size().y / 2.0);
    ui.painter().galley(pos, galley, p.text_3);
    let response = ui.interact(rect, ui.scope_id().with(("fold", line)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Note, true, &told));
}

/// Who speaks, for the head of a turn.
pub fn speaker(turn: &Turn, number: usize) -> String {
    match turn.role {
        Speaker::User => words::you_asked(number / 2 + 1),
        Speaker::Assistant => words::reply(number / 2 + 1),
        Speaker::System => words::INSTRUCTIONS.to_owned(),
        Speaker::Tool => words::TOOL_ANSWERED.to_owned(),
    }
}

fn paint_speaker(ui: &Ui, at: egui::Pos2, who: &str, measure: &Measure, line: usize) {
    let galley = ui.painter().layout_no_wrap(
        who.to_owned(),
        theme::ui(theme::SMALL),
        measure.palette.text_3,
    );
    let rect = Rect::from_min_size(at, vec2(measure.width, speaker_height(line)));
    let response = ui.interact(rect, ui.scope_id().with(("speaker", line)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, who));
    ui.painter().galley(
        at + vec2(0.0, speaker_height(line) - galley.size().y - 5.0),
        galley,
        measure.palette.text_3,
    );
}

#[expect(clippy::too_many_arguments, reason = "called from one place")]
fn paint_block(
    ui: &mut Ui,
    rect: Rect,
    block: &Block,
    laid: &Laid,
    measure: &Measure,
    line: usize,
    aside: &mut HashMap<usize, f32>,
    marks: &[Mark],
) -> Option<Selecting> {
    let mut chosen_here = None;
    let at = rect.min;
    let mut shift = 0.0;
    if let Some(wide) = laid.wide {
        let most = (wide - measure.width).max(0.0);
        let offset = aside.entry(line).or_default();
        if ui.rect_contains_pointer(rect) {
            let delta = ui.input(egui::InputState::smooth_scroll_delta);
            *offset -= delta.x;
        }
        *offset = offset.clamp(0.0, most);
        shift = *offset;
    }
    let clip = ui.clip_rect().intersect(rect.expand(1.0));
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(("block", line)));
    if laid.wide.is_some() {
        child.set_clip_rect(clip);
    }
    for (number, piece) in laid.pieces.iter().enumerate() {
        match piece {
            Piece::Ground(ground, fill, stroke) => {
                let ground = ground.translate(at.to_vec2());
                child
                    .painter()
                    .rect(ground, 3.0, *fill, *stroke, StrokeKind::Inside);
            }
            Piece::Text(offset, size, job, part) => {
                let pos = at + *offset - vec2(shift, 0.0);
                let area = Rect::from_min_size(pos, *size);
                if !area.intersects(child.clip_rect()) {
                    continue;
                }
                let galley = child.painter().layout_job(job.as_ref().clone());
                for mark in marks.iter().filter(|m| Some(m.part) == *part) {
                    for found in rects(&galley, &mark.characters) {
                        let found = found.translate(pos.to_vec2());
                        child.painter().rect_filled(found, 0.0, mark.ground);
                        if let Some(color) = mark.line {
                            let under = Rect::from_min_max(
                                pos2(found.left(), found.bottom() - 2.0),
                                found.max,
                            );
                            child.painter().rect_filled(under, 0.0, color);
                        }
                        if let Some(color) = mark.frame {
                            let stroke = Stroke::new(1.0, color);
                            let around = found.shrink2(vec2(0.0, 1.0));
                            child
                                .painter()
                                .rect_stroke(around, 2.0, stroke, StrokeKind::Outside);
                        }
                    }
                }
                let sense = Sense::click_and_drag() | Sense::hover();
                let response = child.interact(area, child.scope_id().with(number), sense);
                let role = match &block.kind {
                    Kind::Heading { .. } => Role::Heading,
                    Kind::Code { .. } => Role::Code,
                    Kind::Table { .. } => Role::Cell,
                    _ if block.marker.is_some() => Role::ListItem,
                    _ => Role::Paragraph,
                };
                response.widget_info(|| WidgetInfo::labeled(role, true, galley.text()));
                LabelSelectionState::label_text_selection(
                    &child,
                    &response,
                    pos,
                    galley.clone(),
                    measure.palette.text,
                    Stroke::NONE,
                );
                link(&response, block, &galley, pos);
                let place = part.map(|part| (line, part));
                let chosen = place.and_then(|p| selecting(&child, &response, &galley, pos, p));
                chosen_here = chosen.or(chosen_here);
            }
        }
    }
    if let Some(wide) = laid.wide {
        // How far the code goes on to the right.
        let track = Rect::from_min_size(
            pos2(rect.left() + 1.0, rect.bottom() - 4.0),
            vec2(rect.width() - 2.0, 3.0),
        );
        let part = measure.width / wide;
        let thumb = Rect::from_min_size(
            pos2(track.left() + track.width() * shift / wide, track.top()),
            vec2(track.width() * part, 3.0),
        );
        ui.painter()
            .rect_filled(thumb, 1.5, measure.palette.control);
    }
    chosen_here
}

/// Shows where a link leads. It is never followed by itself: what a model wrote is not to be trusted.
fn link(response: &egui::Response, block: &Block, galley: &egui::Galley, pos: egui::Pos2) {
    let (Kind::Paragraph { runs } | Kind::Heading { runs, .. }) = &block.kind else {
        return;
    };
    if !response.hovered() || runs.iter().all(|r| r.link.is_none()) {
        return;
    }
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let under = galley.cursor_from_pos(pointer - pos).index.0;
    let mut reached = 0;
    for run in runs {
        reached += run.text.chars().count();
        if under < reached {
            if let Some(link) = &run.link {
                response.clone().on_hover_text(link);
            }
            return;
        }
    }
}
