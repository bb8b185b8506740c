//! The one mutable truth that the faces show.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::commands::{self, Shortcut};
use super::export::ExportRecipe;
use super::form::{Field, Form, fields, first_field, shown_keys};
use super::import::{ImportReport, ImportSheet};
pub use super::job::JobState;
use super::library::LibraryState;
pub use super::reading::{DiffView, Drawer, FindState, Place, SettingsTab, Unmarkable};
use super::settings::Settings;
pub use super::study::{Agreed, StudyState, TrainingState};
use crate::analysis::tally::Tally;
use crate::app::words::screens as words;
use crate::dataset::{ExportReport, ReadAs};
use crate::domain::{
    Draft, Event, History, Item, ItemId, LabelSchema, Outcome, ReferenceLabel, ResponseKey, Score,
    ScorePolicy, SourceRow, Span,
};
use crate::reward::{ModelRef, ScorerInfo};
use crate::store::{Indexed, ItemSummary};

/// The screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Screen {
    /// Read and label one item.
    Annotate,
    /// The list of items.
    Queue,
    /// Where the model and people part ways.
    Inspect,
    /// How far people agree among themselves.
    Agreement,
    /// Write a data set.
    Export,
    /// Load a reward model.
    Models,
    /// Change how the program looks and what the project asks.
    Settings,
}

impl Screen {
    /// Those that are there, in the order of the rail.
    pub const ALL: [Self; 7] = [
        Self::Annotate,
        Self::Queue,
        Self::Inspect,
        Self::Agreement,
        Self::Export,
        Self::Models,
        Self::Settings,
    ];

    /// Name on the rail.
    pub fn title(self) -> &'static str {
        match self {
            Self::Annotate => words::ANNOTATE,
            Self::Queue => words::QUEUE,
            Self::Inspect => words::INSPECT,
            Self::Agreement => words::AGREEMENT,
            Self::Export => words::EXPORT,
            Self::Models => words::MODELS,
            Self::Settings => words::SETTINGS,
        }
    }
}

/// Panels over the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overlay {
    /// First run: who are you, and what shall be opened?
    Welcome,
    /// All keys.
    CheatSheet,
    /// Commands by name.
    Palette,
    /// Why is the item skipped?
    Skip,
    /// What should be looked at?
    FlagNote,
    /// What is to be said about the item?
    Comment,
    /// How one's practice label compares with the one that came with the item.
    Feedback,
    /// One's own labels in numbers.
    Tally,
    /// What will come in, before it does.
    ImportSheet,
    /// What came in.
    ImportReport,
    /// Are scores visible while labeling?
    Policy,
    /// Where is the file? For systems without a file dialog.
    Path(Pick),
}

/// Why a file is being picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pick {
    /// To open a project.
    Project,
    /// To make a project.
    NewProject,
    /// To import data.
    Import,
    /// To say where an export goes.
    Export,
    /// To say where a copy of the project goes.
    Copy,
    /// To say where a trained model goes.
    Trained,
    /// To load a model folder.
    ModelFolder,
    /// To load a model file.
    ModelFile,
}

/// What the annotator has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Items in all.
    pub total: u64,
    /// Items this annotator labelled.
    pub labelled: u64,
    /// Items this annotator skipped.
    pub skipped: u64,
    /// Items this annotator flagged.
    pub flagged: u64,
    /// Drafts of this annotator.
    pub drafts: u64,
    /// Items this annotator put off.
    pub later: u64,
    /// Items this annotator labelled for practice.
    pub practised: u64,
}

/// A project as it is when it has been opened.
#[derive(Debug, Clone)]
pub struct ProjectInfo {
    /// Its file.
    pub path: PathBuf,
    /// Its name.
    pub title: String,
    /// What is asked.
    pub schema: LabelSchema,
    /// Whether scores are visible.
    pub policy: ScorePolicy,
    /// The guidelines in force.
    pub guidelines: Option<String>,
    /// Seed of the sides.
    pub seed: u64,
    /// Whether it can only be read.
    pub read_only: bool,
    /// What has been done.
    pub counts: Counts,
    /// What can be undone.
    pub history: History,
}

/// An item as read from the project, with everything that belongs to it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Place in the project, from 0.
    pub position: u64,
    /// The item.
    pub item: Arc<Item>,
    /// What this annotator made of it.
    pub outcome: Option<Outcome>,
    /// This annotator's flag and its note.
    pub flag: Option<String>,
    /// This annotator's draft.
    pub draft: Option<Draft>,
    /// This annotator's comments that stand.
    pub comments: Vec<String>,
    /// Whether what was sealed has been shown to this annotator.
    pub revealed: bool,
    /// Whether the draft was changed after this annotator's last deed, so that undo takes back that change first.
    pub draft_is_newer: bool,
    /// Whether it is for practice: which of how many, from 0.
    pub practice: Option<(usize, usize)>,
    /// Where its reader was.
    pub place: Option<Place>,
    /// Where it came from: for after the commit.
    pub sources: Vec<SourceRow>,
    /// The labels that came with it: for after the commit.
    pub references: Vec<ReferenceLabel>,
    /// Scores known for it and those ahead.
    pub scores: Vec<Score>,
    /// The scorer they are by.
    pub scorer: Option<String>,
    /// The next unlabelled items.
    pub ahead: Vec<Arc<Item>>,
}

/// The item on the desk.
#[derive(Debug, Clone)]
pub struct OpenItem {
    /// Place in the project, from 0.
    pub position: u64,
    /// The item.
    pub item: Arc<Item>,
    /// Canonical indices from left to right.
    pub order: Vec<usize>,
    /// Keys from left to right.
    pub shown: Vec<ResponseKey>,
    /// The form.
    pub form: Form,
    /// What this annotator made of it.
    pub outcome: Option<Outcome>,
    /// This annotator's flag and its note.
    pub flag: Option<String>,
    /// This annotator's comments.
    pub comments: Vec<String>,
    /// Whether what was sealed has been shown to this annotator.
    pub revealed: bool,
    /// Whether it is for practice: which of how many, from 0.
    pub practice: Option<(usize, usize)>,
    /// Where its reader was before, until the view has gone there.
    pub place: Option<Place>,
    /// Where it came from.
    pub sources: Vec<SourceRow>,
    /// The labels that came with it.
    pub references: Vec<ReferenceLabel>,
    /// Scores, or why there is none.
    pub scores: BTreeMap<ResponseKey, Result<Score, String>>,
    /// The next unlabelled items and which of their responses have scores.
    pub ahead: Vec<(Arc<Item>, BTreeSet<ResponseKey>)>,
    /// Scores by models beside the one that scores, by the key of their scorer.
    pub beside: BTreeMap<String, BTreeMap<ResponseKey, Score>>,
    /// What is selected in a response, to be marked: a place from the left, and the span. An error where it is no text as stored.
    pub selected: Option<(usize, Result<Span, Unmarkable>)>,
    /// The response that is being rewritten: a place from the left.
    pub editing: Option<usize>,
    /// Scores of rewrites, with what they said then.
    pub rescored: BTreeMap<ResponseKey, (String, Result<f64, String>)>,
}

impl OpenItem {
    /// Lays an item on the desk.
    pub fn new(opened: Opened, annotator: &str, seed: u64, schema: &LabelSchema) -> Self {
        let Opened {
            position,
            item,
            outcome,
            flag,
            draft,
            comments,
            revealed,
            draft_is_newer,
            practice,
            place,
            sources,
            references,
            scores,
            scorer: _,
            ahead,
        } = opened;
        let order = item.shown_order(annotator, seed);
        let shown = shown_keys(&item, &order);
        let labelled = match &outcome {
            Some(Outcome::Labelled(label) | Outcome::Practised(label)) => Some(Draft {
                judgment: label.judgment.clone(),
                ..Draft::default()
            }),
            _ => None,
        };
        let touched = draft.is_some();
        let first = first_field(schema, shown.len());
        let mut form = Form::new(draft.or(labelled).unwrap_or_default(), first);
        form.touched = touched;
        form.deeds_since = usize::from(!draft_is_newer);
        // What was begun under an earlier schema may say what this one does not ask.
        form.draft.judgment.fit(schema, &shown);
        if let Some(focus) = place.as_ref().and_then(|p| p.focus)
            && fields(schema, shown.len()).contains(&focus)
        {
            form.focus = focus;
        }
        let mut open = Self {
            position,
            order,
            shown,
            form,
            outcome,
            flag,
            comments,
            revealed,
            practice,
            place,
            sources,
            references,
            scores: BTreeMap::new(),
            beside: BTreeMap::new(),
            selected: None,
            editing: None,
            rescored: BTreeMap::new(),
            ahead: ahead
                .into_iter()
                .map(|item| (item, BTreeSet::new()))
                .collect(),
            item,
        };
        for score in scores {
            open.take_score(score);
        }
        open
    }

    /// Takes a score for this item or one ahead; false if it is for neither.
    pub fn take_score(&mut self, score: Score) -> bool {
        if score.item == self.item.id {
            self.scores.insert(score.response, Ok(score));
            return true;
        }
        match self
            .ahead
            .iter_mut()
            .find(|(item, _)| item.id == score.item)
        {
            Some((_, scored)) => {
                scored.insert(score.response);
                true
            }
            None => false,
        }
    }

    /// The text of the last turn of a response as it came.
    pub fn original(&self, side: usize) -> Option<&str> {
        Some(self.response(side)?.turns.last()?.content.as_str())
    }

    /// The text of a response as the annotator would have it, where it was rewritten.
    pub fn rewritten(&self, side: usize) -> Option<&str> {
        let key = self.shown.get(side)?;
        self.form.draft.judgment.edits.get(key).map(String::as_str)
    }

    /// The score of the response at a place from the left.
    pub fn score(&self, side: usize) -> Option<&Result<Score, String>> {
        self.scores.get(self.shown.get(side)?)
    }

    /// How many of the next items have all their scores.
    pub fn ready_ahead(&self) -> usize {
        self.ahead
            .iter()
            .filter(|(item, scored)| scored.len() == item.responses.len())
            .count()
    }

    /// The response at a place from the left.
    pub fn response(&self, side: usize) -> Option<&crate::domain::Response> {
        self.item.responses.get(*self.order.get(side)?)
    }

    /// Score of B less score of A, once both are there.
    pub fn margin(&self) -> Option<f64> {
        match (self.score(0)?, self.score(1)?) {
            (Ok(a), Ok(b)) if self.shown.len() == 2 => Some(b.score - a.score),
            _ => None,
        }
    }

    /// Whether this annotator has committed a label: what was hidden may be shown.
    pub fn committed(&self) -> bool {
        matches!(
            self.outcome,
            Some(Outcome::Labelled(_) | Outcome::Practised(_))
        )
    }
}

/// What is known of the last write.
#[derive(Debug, Clone, PartialEq)]
pub enum Saved {
    /// Nothing to save yet.
    Clean,
    /// On its way to the disk.
    Saving,
    /// On the disk since then.
    At(Timestamp),
    /// Not on the disk: why.
    Failed(String),
}

/// The open project.
#[derive(Debug, Clone)]
pub struct ProjectState {
    /// What it is.
    pub info: ProjectInfo,
    /// The item on the desk.
    pub open: Option<OpenItem>,
    /// The last write.
    pub saved: Saved,
    /// Everything assigned is labelled or skipped.
    pub finished: bool,
    /// An event is on its way; no further one is made until it is on disk.
    pub appending: bool,
    /// Drafts that are on their way to the disk.
    pub drafts_in_flight: u32,
    /// Another item is on its way; nothing is said of this one any more.
    pub moving: bool,
}

impl ProjectState {
    /// Whether nothing is on its way, so that something may be said of the open item.
    pub fn settled(&self) -> bool {
        !self.appending && !self.moving
    }
}

/// A loaded model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCard {
    /// What was asked for.
    pub model: ModelRef,
    /// What it is.
    pub info: ScorerInfo,
    /// Milliseconds from the request to the first score.
    pub load_ms: f64,
}

/// What scores.
#[derive(Debug, Clone)]
pub enum ModelState {
    /// Nothing: scores are off.
    Off,
    /// Being loaded.
    Loading(ModelRef),
    /// Ready.
    Ready(Box<ModelCard>),
    /// Could not be loaded: why.
    Failed(ModelRef, String),
}

/// The item list.
#[derive(Debug, Clone, Default)]
pub struct QueueState {
    /// Text looked for.
    pub search: String,
    /// Whether the keyboard is to go to the search.
    pub focus_search: bool,
    /// Selected row of the filtered list.
    pub selected: u64,
    /// Rows of the filtered list.
    pub total: u64,
    /// First row that was read.
    pub from: u64,
    /// The rows that were read.
    pub rows: Vec<ItemSummary>,
    /// Items without a score, which come last where the least certain come first.
    pub unscored: u64,
    /// The window of rows that was asked for last.
    pub wanted: (u64, u64),
}

/// A message that stays until it is dismissed.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// What happened, what is safe, what to do.
    pub text: String,
    /// Whether something is wrong.
    pub error: bool,
    /// What can be done about it with one press.
    pub offers: Vec<Offer>,
}

impl Notice {
    /// Something is wrong.
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            error: true,
            offers: vec![],
        }
    }

    /// Something is good to know.
    pub fn told(text: impl Into<String>) -> Self {
        Self {
            error: false,
            ..Self::error(text)
        }
    }
}

/// A way out that a message offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// Open a project, which somebody else has open, for reading.
    ReadOnly(PathBuf),
    /// Ask whoever has that project open to let go of it.
    TakeOver(PathBuf),
    /// Write the project, with the open answer, to another place and go on there.
    SaveCopy,
    /// Show what was looked at and is ready to import.
    Import,
}

/// Everything.
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches of the view are independent of each other"
)]
pub struct AppState {
    /// Kept between runs.
    pub settings: Settings,
    /// The screen.
    pub screen: Screen,
    /// The panel over it.
    pub overlay: Option<Overlay>,
    /// The open project.
    pub project: Option<ProjectState>,
    /// A project is being opened.
    pub opening: bool,
    /// What scores.
    pub model: ModelState,
    /// Milliseconds until the last score of an item was there.
    pub last_score_ms: Option<f64>,
    /// The item list.
    pub queue: QueueState,
    /// How to export.
    pub recipe: ExportRecipe,
    /// First lines of the export, and how many labels there are.
    pub preview: Option<(ExportRecipe, Vec<String>, u64)>,
    /// The last export.
    pub exported: Option<ExportReport>,
    /// The last import.
    pub imported: Option<ImportReport>,
    /// A head of one's own.
    pub training: TrainingState,
    /// The models there are, and those beside the one that scores.
    pub library: LibraryState,
    /// Model and people, and people among themselves.
    pub study: StudyState,
    /// How far the model agrees with the labels of the project, once that was counted.
    pub agreed: Option<Agreed>,
    /// Whether the items of which the model is least certain come first.
    pub uncertain: bool,
    /// The running import or export.
    pub job: Option<JobState>,
    /// How far the index of words is, while it is made.
    pub indexed: Option<Indexed>,
    /// The message.
    pub notice: Option<Notice>,
    /// Whether earlier turns are unfolded.
    pub context_open: bool,
    /// Whether the text is shown raw.
    pub raw: bool,
    /// Whether code is wrapped.
    pub wrap: bool,
    /// How differences are shown.
    pub diff: DiffView,
    /// Whether both responses scroll together.
    pub locked: bool,
    /// Whether invisible characters are written out.
    pub invisible: bool,
    /// The search within the item.
    pub find: Option<FindState>,
    /// What stands beside the responses.
    pub drawer: Option<Drawer>,
    /// What was done about an item, once it was read.
    pub item_history: Option<(ItemId, Vec<Event>)>,
    /// One's own labels in numbers, once they were counted.
    pub tally: Option<Box<Tally>>,
    /// Whether only the item is shown.
    pub focus_mode: bool,
    /// The panel that the keyboard should go to, counted up or down by each request.
    pub panel: i64,
    /// The item labelled last.
    pub last_labelled: Option<ItemId>,
    /// The part of the settings that is shown.
    pub settings_tab: SettingsTab,
    /// The command whose key is being chosen: the next one pressed is it.
    pub choosing_key: Option<&'static str>,
    /// A key that was chosen for a command and means another one already.
    pub key_clash: Option<(&'static str, Shortcut, &'static str)>,
    /// Whether the window holds one response at a time.
    pub compact: bool,
    /// The response that is read or rated.
    pub side: usize,
    /// Scrolling asked for and not yet done: side and part of its height.
    pub scroll: Vec<(usize, f32)>,
    /// When the last commit was made, against accidental second ones.
    pub last_commit: Option<Instant>,
    /// Whether to try the sample when the welcome is done; else this path.
    pub start: Option<PathBuf>,
    /// The keyboard is to go into the text of the justification.
    pub enter_text: bool,
    /// Files that wait for a word before they are imported.
    pub sheet: Option<Box<ImportSheet>>,
    /// Files that were dropped before anybody gave a name.
    pub dropped: Vec<PathBuf>,
    /// Files to import once the project for them is open.
    pub import_next: Option<(Vec<PathBuf>, ReadAs)>,
    /// The item to go to once the next project is open.
    pub go_to: Option<ItemId>,
    /// Whether a file dialog is open.
    pub picking: Option<Pick>,
}

impl AppState {
    /// The state before anything is open.
    pub fn new(settings: Settings, start: Option<PathBuf>) -> Self {
        let overlay = settings.annotator.is_empty().then_some(Overlay::Welcome);
        Self {
            settings,
            screen: Screen::Annotate,
            overlay,
            project: None,
            opening: false,
            model: ModelState::Off,
            last_score_ms: None,
            queue: QueueState::default(),
            recipe: ExportRecipe::default(),
            preview: None,
            exported: None,
            imported: None,
            training: TrainingState::default(),
            library: LibraryState::default(),
            study: StudyState::default(),
            agreed: None,
            uncertain: false,
            job: None,
            indexed: None,
            notice: None,
            context_open: false,
            raw: false,
            wrap: false,
            diff: DiffView::Off,
            locked: false,
            invisible: false,
            find: None,
            drawer: None,
            item_history: None,
            tally: None,
            focus_mode: false,
            panel: 0,
            last_labelled: None,
            settings_tab: SettingsTab::default(),
            choosing_key: None,
            key_clash: None,
            compact: false,
            side: 0,
            scroll: vec![],
            last_commit: None,
            start,
            enter_text: false,
            sheet: None,
            dropped: vec![],
            import_next: None,
            go_to: None,
            picking: None,
        }
    }

    /// The key in force of a command, as text.
    pub fn key(&self, id: &str) -> String {
        commands::find(id).map_or_else(String::new, |c| c.key_text(&self.settings))
    }

    /// The key that commits where the keyboard is: in a text another one than outside.
    pub fn commit_key(&self) -> String {
        let typing = self.focus() == Some(Field::Justification);
        self.key(if typing { "commit" } else { "enter" })
    }

    /// The item on the desk.
    pub fn open_item(&self) -> Option<&OpenItem> {
        self.project.as_ref()?.open.as_ref()
    }

    /// The item on the desk, to change.
    pub fn open_item_mut(&mut self) -> Option<&mut OpenItem> {
        self.project.as_mut()?.open.as_mut()
    }

    /// The schema of the open project.
    pub fn schema(&self) -> Option<&LabelSchema> {
        self.project.as_ref().map(|p| &p.info.schema)
    }

    /// The focused field of the item on the desk.
    pub fn focus(&self) -> Option<Field> {
        self.open_item().map(|o| o.form.focus)
    }

    /// Whether an item is on the desk, with no panel over it and no other project on its way.
    pub fn at_desk(&self) -> bool {
        self.screen == Screen::Annotate
            && self.overlay.is_none()
            && !self.opening
            && self.open_item().is_some()
    }

    /// Whether an item is being read.
    pub fn reading(&self) -> bool {
        self.at_desk() && self.project.as_ref().is_some_and(|p| !p.finished)
    }

    /// Whether an item can be labelled now.
    pub fn labelling(&self) -> bool {
        self.reading() && self.can_write()
    }

    /// Whether the project can be written.
    pub fn can_write(&self) -> bool {
        !self.opening && self.project.as_ref().is_some_and(|p| !p.info.read_only)
    }

    /// Whether a response is being rewritten.
    pub fn rewriting(&self) -> bool {
        self.open_item().is_some_and(|open| open.editing.is_some())
    }

    /// Whether a card is in hand, so that arrows move it.
    pub fn ranking(&self) -> bool {
        let held = |open: &OpenItem| open.form.focus == Field::Ranking && open.form.held.is_some();
        self.open_item().is_some_and(held)
    }

    /// The marked span that is in hand, so that a digit gives it a tag: a place in the list of marks.
    pub fn marking(&self) -> Option<usize> {
        self.open_item()?.form.marking
    }

    /// Whether there are items.
    pub fn has_items(&self) -> bool {
        self.overlay.is_none()
            && self
                .project
                .as_ref()
                .is_some_and(|p| p.info.counts.total > 0)
    }

    /// Whether there is something to undo: a change of the form, or a deed.
    pub fn can_undo(&self) -> bool {
        self.can_reverse(|history| &history.undo)
            || (self.labelling()
                && self
                    .open_item()
                    .is_some_and(|o| !o.form.draft.past.is_empty()))
    }

    /// Whether there is something to redo.
    pub fn can_redo(&self) -> bool {
        self.can_reverse(|history| &history.redo)
            || (self.labelling()
                && self
                    .open_item()
                    .is_some_and(|o| !o.form.draft.future.is_empty()))
    }

    fn can_reverse(&self, which: fn(&History) -> &Vec<crate::domain::EventId>) -> bool {
        let project = self
            .project
            .as_ref()
            .filter(|p| !which(&p.info.history).is_empty());
        self.overlay.is_none() && self.can_write() && project.is_some()
    }

    /// Position in the project of the selected row of the item list.
    pub fn queue_position(&self) -> Option<u64> {
        if self.overlay.is_some() {
            return None;
        }
        let at = self.queue.selected.checked_sub(self.queue.from)?;
        self.queue.rows.get(at as usize).map(|row| row.position)
    }

    /// Whether the labeler may see scores of the open item now.
    pub fn scores_visible(&self) -> bool {
        let Some(project) = &self.project else {
            return false;
        };
        match project.info.policy {
            ScorePolicy::Live => true,
            ScorePolicy::Sealed => project.open.as_ref().is_some_and(OpenItem::committed),
            ScorePolicy::Hidden => false,
        }
    }
}
