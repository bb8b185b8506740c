//! The reading view: a conversation of any length in a column, of which only what is in view is laid out and painted.

use std::collections::{BTreeMap, HashMap};

use egui::text_selection::LabelSelectionState;
use egui::{
    Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::highlighter::Highlighter;
use super::layout::{self, Laid, Measure, Piece};
use crate::app::settings::Reading as Settings;
use crate::domain::{ItemId, ResponseKey, Role as Speaker, Turn};
use crate::text::markdown::{Block, Kind, blocks, raw_blocks};
use crate::ui::theme::{self, Palette, Setting};

/// Which text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The shared context.
    Context,
    /// A response.
    Response(ResponseKey),
}

/// Which document is shown.
pub type Key = (ItemId, Part, bool);

/// One line of a document: who speaks, or a block of what is said.
enum Line {
    Speaker(String),
    Block(Block),
}

struct Document {
    lines: Vec<Line>,
    laid: Vec<Option<Laid>>,
    heights: Vec<f32>,
    measure: Option<Measure>,
    offset: f32,
    /// How far wide code has been scrolled, by line.
    aside: HashMap<usize, f32>,
    used: u64,
}

/// Documents that have been shown lately.
pub struct Reading {
    documents: BTreeMap<Key, Document>,
    highlighter: Highlighter,
    clock: u64,
    set: Setting,
}

/// How a document is shown.
pub struct Show<'a> {
    /// Which one.
    pub key: Key,
    /// Its turns.
    pub turns: &'a [Turn],
    /// Whether turns are named; a single reply needs no name.
    pub speakers: bool,
    /// Number of the first turn, for its name.
    pub first_turn: usize,
    /// Widest column in points, where it is not the one of the settings.
    pub max_width: Option<f32>,
    /// Space left and right of the column.
    pub margin: f32,
    /// Whether a column narrower than its space stands in the middle of it.
    pub centred: bool,
    /// Whether code is wrapped.
    pub wrap: bool,
    /// Scrolling asked for, in parts of the height.
    pub scroll: f32,
    /// Name for people who do not see it, such as `Response A`.
    pub name: &'a str,
}

/// Air above and below a document.
const BOTTOM: f32 = 40.0;

/// Height of the line that says who speaks: with air above it, but for the first.
fn speaker_height(line: usize) -> f32 {
    if line == 0 { 22.0 } else { 40.0 }
}

impl Reading {
    /// Nothing shown yet.
    pub fn new(ctx: &egui::Context) -> Self {
        Self {
            documents: BTreeMap::new(),
            highlighter: Highlighter::new(ctx.clone()),
            clock: 0,
            set: Setting::of(Settings::default()),
        }
    }

    /// Takes how text is set, and what was found out about code since the last frame.
    pub fn begin_frame(&mut self, settings: Settings) {
        self.set = Setting::of(settings);
        if self.highlighter.drain() {
            for document in self.documents.values_mut() {
                for laid in &mut document.laid {
                    if laid.as_ref().is_some_and(|l| l.provisional) {
                        *laid = None;
                    }
                }
            }
        }
    }

    /// Height that a document would take in a column as wide as there is, as far as it is known.
    pub fn height(&mut self, ui: &Ui, show: &Show<'_>) -> f32 {
        let (document, ..) = self.prepare(ui, show);
        document.heights.iter().sum::<f32>() + BOTTOM
    }

    /// Shows a document in all the space there is.
    pub fn show(&mut self, ui: &mut Ui, show: &Show<'_>) {
        let size = ui.available_size();
        let (document, highlighter, left) = self.prepare(ui, show);
        document.offset += show.scroll * size.y;
        let total: f32 = document.heights.iter().sum::<f32>() + BOTTOM;
        document.offset = document.offset.clamp(0.0, (total - size.y).max(0.0));
        let area = ScrollArea::vertical()
            .id_salt(show.key)
            .auto_shrink([false, false])
            .animated(false)
            .vertical_scroll_offset(document.offset);
        let output = area.show_viewport(ui, |ui, viewport| {
            document.paint(ui, highlighter, viewport, left, total, show.name);
        });
        document.offset = output.state.clamped_offset().y;
    }

    /// Finds or reads a document and measures it; also gives where its column begins.
    fn prepare(&mut self, ui: &Ui, show: &Show<'_>) -> (&mut Document, &mut Highlighter, f32) {
        self.clock += 1;
        let clock = self.clock;
        // Kept: the documents of the items around; forgotten: those of long ago.
        if self.documents.len() > 24 {
            self.documents.retain(|_, d| d.used + 2_000 > clock);
        }
        let document = self
            .documents
            .entry(show.key)
            .or_insert_with(|| Document::new(show));
        document.used = clock;
        let room = ui.available_width() - 2.0 * show.margin - 6.0;
        let most = show.max_width.unwrap_or(self.set.width);
        let width = room.min(most).max(120.0).floor();
        let free = (ui.available_width() - width) / 2.0;
        let left = if show.centred && width >= most.floor() {
            free.floor()
        } else {
            show.margin
        };
        document.measure(&Measure {
            width,
            palette: Palette::now(ui.ctx()),
            wrap: show.wrap,
            pixels_per_point: ui.ctx().pixels_per_point(),
            set: self.set,
        });
        (document, &mut self.highlighter, left)
    }
}

impl Document {
    fn new(show: &Show<'_>) -> Self {
        let mut lines = vec![];
        for (at, turn) in show.turns.iter().enumerate() {
            if show.speakers {
                lines.push(Line::Speaker(speaker(turn, show.first_turn + at)));
            }
            let raw = show.key.2;
            let said = if raw {
                raw_blocks(&turn.content)
            } else {
                blocks(&turn.content)
            };
            if said.is_empty() {
                lines.push(Line::Speaker("(empty)".to_owned()));
            }
            lines.extend(said.into_iter().map(Line::Block));
            if let Some(calls) = &turn.tool_calls {
                let text = serde_json::to_string_pretty(calls).unwrap_or_default();
                lines.push(Line::Speaker("Calls a tool".to_owned()));
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
            aside: HashMap::new(),
            used: 0,
        }
    }

    /// Takes a new width or theme; what was at the top stays there.
    fn measure(&mut self, measure: &Measure) {
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
            self.offset = self.heights[..line].iter().sum::<f32>()
                + part * self.heights.get(line).copied().unwrap_or(0.0);
        }
    }

    /// The line at the top and how much of it is scrolled out.
    fn top_line(&self) -> (usize, f32) {
        let mut y = 0.0;
        for (at, height) in self.heights.iter().enumerate() {
            if y + height > self.offset {
                return (at, ((self.offset - y) / height.max(1.0)).clamp(0.0, 1.0));
            }
            y += height;
        }
        (self.heights.len(), 0.0)
    }

    fn paint(
        &mut self,
        ui: &mut Ui,
        highlighter: &mut Highlighter,
        viewport: Rect,
        left: f32,
        total: f32,
        name: &str,
    ) {
        let Some(measure) = self.measure else { return };
        let origin = ui.max_rect().min + vec2(left, 16.0);
        let mut y = 0.0;
        for at in 0..self.lines.len() {
            let height = self.heights[at];
            if y + height + 16.0 < viewport.min.y {
                y += height;
                continue;
            }
            if y > viewport.max.y {
                break;
            }
            match &self.lines[at] {
                Line::Speaker(who) => {
                    paint_speaker(ui, pos2(origin.x, origin.y + y), who, &measure, at);
                }
                Line::Block(block) => {
                    let first = at == 0 || matches!(self.lines[at - 1], Line::Speaker(_));
                    let laid = self.laid[at].get_or_insert_with(|| {
                        layout::lay_out(ui.painter(), highlighter, block, first, &measure)
                    });
                    self.heights[at] = laid.height;
                    let at_pos = pos2(origin.x, origin.y + y + laid.gap);
                    paint_block(ui, at_pos, block, laid, &measure, at, &mut self.aside, name);
                }
            }
            y += self.heights[at];
        }
        // What is far out of view is dropped; its height stays exact.
        let (near, far) = (viewport.min.y - 4_000.0, viewport.max.y + 4_000.0);
        let mut y = 0.0;
        for (at, height) in self.heights.iter().enumerate() {
            if y + height < near || y > far {
                self.laid[at] = None;
            }
            y += height;
        }
        ui.set_min_size(vec2(ui.available_width(), total));
    }
}

/// Who speaks, for the head of a turn.
pub fn speaker(turn: &Turn, number: usize) -> String {
    match turn.role {
        Speaker::User => format!("You asked, turn {}", number / 2 + 1),
        Speaker::Assistant => format!("Reply, turn {}", number / 2 + 1),
        Speaker::System => "Instructions".to_owned(),
        Speaker::Tool => "A tool answered".to_owned(),
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
    at: egui::Pos2,
    block: &Block,
    laid: &Laid,
    measure: &Measure,
    line: usize,
    aside: &mut HashMap<usize, f32>,
    name: &str,
) {
    let rect = Rect::from_min_size(at, vec2(measure.width, laid.height - laid.gap));
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
            Piece::Text(offset, size, job) => {
                let pos = at + *offset - vec2(shift, 0.0);
                let area = Rect::from_min_size(pos, *size);
                if !area.intersects(child.clip_rect()) {
                    continue;
                }
                let galley = child.painter().layout_job(job.as_ref().clone());
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
    debug_assert!(!name.is_empty(), "a text needs a name");
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
