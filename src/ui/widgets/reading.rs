//! The reading view: a conversation of any length in a column, of which only what is in view is laid out and painted; with what
//! was found, where it differs from another, and where in it one is.

use std::collections::BTreeMap;

use egui::{Color32, Rect, ScrollArea, Ui};

use super::differ::Differ;
use super::document::Document;
use super::highlighter::Highlighter;
use super::layout::Measure;
use crate::app::settings::Reading as Settings;
use crate::app::state::{DiffView, Unmarkable};
use crate::domain::{ItemId, ResponseKey, Span, SpanMark, Turn};
use crate::ui::theme::{Palette, Setting};

/// Which text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The shared context.
    Context,
    /// A response.
    Response(ResponseKey),
    /// A response as somebody would have it, by a number that changes with every change.
    Edited(ResponseKey, u64),
    /// A text that belongs to no item, by a number that changes with it.
    Text(u64),
}

/// How a text is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Look {
    /// As it is stored, without reading its marks.
    pub raw: bool,
    /// With characters that nobody sees written out.
    pub invisible: bool,
}

/// Which document is shown.
pub type Key = (ItemId, Part, Look);

/// Documents that have been shown lately.
pub struct Reading {
    documents: BTreeMap<Key, Document>,
    highlighter: Highlighter,
    differ: Differ,
    clock: u64,
    set: Setting,
    /// The last request to go to what was found that was carried out.
    turn: u64,
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
    /// What is looked for.
    pub find: &'a str,
    /// Which of those found here is the one to look at.
    pub here: Option<usize>,
    /// How differences are shown, where there are any.
    pub diff: DiffView,
    /// Colour and ground of differences, and of what is marked.
    pub ink: (Color32, Color32),
    /// What is marked, here and in other texts.
    pub marks: &'a [SpanMark],
}

impl Reading {
    /// Nothing shown yet.
    pub fn new(ctx: &egui::Context) -> Self {
        Self {
            documents: BTreeMap::new(),
            highlighter: Highlighter::new(ctx.clone()),
            differ: Differ::new(ctx.clone()),
            clock: 0,
            set: Setting::of(Settings::default()),
            turn: 0,
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

    /// How text is set.
    pub fn setting(&self) -> Setting {
        self.set
    }

    /// Height that a document would take in a column as wide as there is, as far as it is known.
    pub fn height(&mut self, ui: &Ui, show: &Show<'_>) -> f32 {
        let (document, ..) = self.prepare(ui, show);
        document.total()
    }

    /// How often a text is found in a document, whether that is in view or not.
    pub fn count(&mut self, ui: &Ui, show: &Show<'_>) -> usize {
        let (document, ..) = self.prepare(ui, show);
        document.found.1.len()
    }

    /// Whether the view has yet to go to what was found, and notes that it will have.
    pub fn take_turn(&mut self, turn: u64) -> bool {
        std::mem::replace(&mut self.turn, turn) != turn
    }

    /// Whether the view has yet to go to what was found.
    pub fn has_turn(&self, turn: u64) -> bool {
        self.turn != turn
    }

    /// Goes to the found place that a document is to show.
    pub fn go(&mut self, ui: &Ui, show: &Show<'_>) {
        let height = ui.available_height().max(120.0);
        let (document, ..) = self.prepare(ui, show);
        let place = show.here.and_then(|at| document.found.1.get(at).cloned());
        if let Some(place) = place {
            let y: f32 = (0..place.line).map(|at| document.height(at)).sum();
            // Within a long block about where the text stands.
            let into = place.within.start;
            let y = y + into * document.height(place.line);
            if y < document.offset + 30.0 || y > document.offset + height - 60.0 {
                document.offset = (y - height / 3.0).max(0.0);
            }
        }
    }

    /// Compares two documents, so that both show where they differ; false while that is not known.
    pub fn compare(&mut self, ui: &Ui, one: &Show<'_>, two: &Show<'_>) -> bool {
        self.prepare(ui, one);
        self.prepare(ui, two);
        let keys = (one.key, two.key);
        let [a, b] = [one.key, two.key].map(|key| self.documents.get(&key));
        let (Some(a), Some(b)) = (a, b) else {
            return false;
        };
        let known = |document: &Document, with: Key| {
            document
                .differs
                .as_ref()
                .is_some_and(|(key, _)| *key == with)
        };
        if known(a, two.key) && known(b, one.key) {
            return true;
        }
        let texts = || [a, b].map(|d| d.parts().map(|(_, _, text)| text).collect());
        let Some(answer) = self.differ.differences(keys, texts) else {
            return false;
        };
        for (side, (key, with)) in [(one.key, two.key), (two.key, one.key)]
            .into_iter()
            .enumerate()
        {
            if let Some(document) = self.documents.get_mut(&key) {
                document.take_differences(with, &answer[side]);
            }
        }
        true
    }

    /// Lets the one of two documents that nobody scrolled follow the other, block by block.
    pub fn follow(&mut self, ctx: &egui::Context, one: Key, two: Key) {
        let moved = |key: &Key| {
            let document = self.documents.get(key)?;
            Some((document.offset - document.last).abs() > 0.5)
        };
        let (leader, follower) = match (moved(&one), moved(&two)) {
            (Some(true), Some(false)) => (one, two),
            (Some(false), Some(true)) => (two, one),
            _ => return self.settle(),
        };
        let place = self.documents.get(&leader).map(Document::progress);
        if let (Some(place), Some(document)) = (place, self.documents.get_mut(&follower)) {
            document.go_to_progress(place);
            ctx.request_repaint();
        }
        self.settle();
    }

    /// Takes note of where all documents are.
    pub fn settle(&mut self) {
        for document in self.documents.values_mut() {
            document.last = document.offset;
        }
    }

    /// Where a document stands, to come back to: line, and how much of it is scrolled out.
    pub fn place(&self, key: &Key) -> Option<(usize, f32)> {
        let document = self.documents.get(key).filter(|d| d.measure.is_some())?;
        Some(document.top_line())
    }

    /// Comes back to a place.
    pub fn come_back(&mut self, ui: &Ui, show: &Show<'_>, (line, part): (usize, f32)) {
        let (document, ..) = self.prepare(ui, show);
        let line = line.min(document.lines.len().saturating_sub(1));
        let before: f32 = (0..line).map(|at| document.height(at)).sum();
        document.offset = before + part * document.height(line);
    }

    /// What is selected in a document, or else found and looked at: where it stands in the text as stored.
    pub fn selected(&mut self, show: &Show<'_>) -> Option<Result<Span, Unmarkable>> {
        self.documents.get_mut(&show.key)?.selected(show)
    }

    /// Shows a document in all the space there is.
    pub fn show(&mut self, ui: &mut Ui, show: &Show<'_>) {
        let size = ui.available_size();
        let top = ui.cursor().min;
        let view = Rect::from_min_size(top, size);
        // A press lets go of what was selected, wherever in the texts it is; the text under it begins a new selection.
        let pressed = ui.input(|i| {
            let at = i.pointer.press_origin();
            i.pointer.primary_pressed() && at.is_some_and(|at| view.contains(at))
        });
        if pressed {
            for document in self.documents.values_mut() {
                document.selection = None;
                document.was_here = None;
            }
        }
        let (document, highlighter, left) = self.prepare(ui, show);
        document.offset += show.scroll * size.y;
        let total = document.total();
        document.offset = document.offset.clamp(0.0, (total - size.y).max(0.0));
        let area = ScrollArea::vertical()
            .id_salt(show.key)
            .auto_shrink([false, false])
            .animated(false)
            .vertical_scroll_offset(document.offset);
        let output = area.show_viewport(ui, |ui, viewport| {
            document.paint(ui, highlighter, viewport, left, total, show);
        });
        document.offset = output.state.clamped_offset().y;
        document.sticky_head(ui, view, left, show);
        document.minimap(ui, view, total, show);
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
        document.look_for(show.find);
        document.take_marks(show);
        document.fold(show.diff == DiffView::Only);
        (document, &mut self.highlighter, left)
    }
}
