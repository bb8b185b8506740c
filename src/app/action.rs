//! What a person, a face or a finished piece of work can ask of the program.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::commands::Shortcut;
use super::export::{ExportRecipe, Labels};
use super::form::Field;
use super::import::{ImportReport, ImportSheet};
use super::library::ModelEntry;
use super::settings::Settings;
use super::state::{
    Agreed, Counts, Drawer, ModelCard, Opened, Overlay, Pick, Place, ProjectInfo, Screen,
    SettingsTab, Unmarkable,
};
use super::study::{Concord, Inspection};
use super::train::TrainReport;
use crate::analysis::tally::Tally;
use crate::dataset::ExportReport;
use crate::domain::{
    Event, EventId, History, Item, ItemId, LabelSchema, Preference, ResponseKey, Score,
    ScorePolicy, ScorerId, Span,
};
use crate::reward::train::Loss;
use crate::reward::{ModelRef, Probe};
use crate::store::{Indexed, ItemSummary};
use crate::task::Progress;

/// A request to change the state.
#[derive(Debug, Clone)]
pub enum Action {
    // What a person asks for --------------------------------------------------------------
    /// Show a screen.
    Show(Screen),
    /// Show a panel over the screen.
    Open(Overlay),
    /// Carry out the command of that id, if it makes sense now.
    Command(&'static str),
    /// Close the panel, leave the text, or go back one step.
    Back,
    /// The labeler's name has been typed.
    SetAnnotator(String),
    /// Begin with the sample project.
    StartSample,
    /// Ask for a project file.
    PickProject,
    /// Ask for the name of a new project.
    PickNewProject,
    /// Ask for data files to import.
    PickImport,
    /// Ask for a place for the export.
    PickExport,
    /// Ask for a model.
    PickModel(Pick),
    /// A file dialog was closed, with these paths or none.
    Picked(Pick, Vec<PathBuf>),
    /// There is no file dialog: ask for the path.
    AskPath(Pick),
    /// Open this project, making it if there is none.
    OpenProject(PathBuf),
    /// Open this project, which somebody else has open, for reading.
    OpenReadOnly(PathBuf),
    /// Ask whoever has this project open to let go of it, and open it.
    TakeOver(PathBuf),
    /// Write a copy of the project elsewhere and go on there.
    SaveCopy,
    /// Look at these files, to import them; open a project that is among them.
    Import(Vec<PathBuf>),
    /// Import what was looked at; where its fields are still to be told, look again with what was told of them.
    ImportSheet,
    /// Say what the field at that path of the rows to import means, or that it means nothing.
    MapField(String, Option<String>),
    /// Go back to what the fields mean.
    EditMapping,
    /// Stop the running import or export.
    CancelJob,
    /// Move the keyboard to a field.
    Focus(Field),
    /// Move to the next field.
    NextField,
    /// Move to the previous field.
    PreviousField,
    /// Go to a response.
    FocusSide(usize),
    /// Show a response, wherever the keyboard is.
    LookAt(usize),
    /// Show the other response.
    FlipSide,
    /// A digit was pressed: its meaning depends on the focused field.
    Digit(u8),
    /// Rate the attribute of a response.
    Rate {
        /// The response, counted from the left.
        side: usize,
        /// The attribute, in the schema's order.
        attribute: usize,
        /// The level.
        level: i32,
    },
    /// Prefer, on the bar from left (negative) to right (positive).
    Prefer(i32),
    /// Move the preference by one step.
    MovePreference(i32),
    /// Neither response is valid; again takes it back.
    NeitherValid,
    /// Take a card in hand, to rank it: a place from the left.
    PickCard(usize),
    /// Move the card in hand up (negative) or down.
    MoveCard(i64),
    /// Tie the card in hand with those above it.
    TieCard,
    /// Choose a reason tag of the schema, or take it back.
    ToggleTag(usize),
    /// Say how sure one is, 1 to 5.
    Confidence(u8),
    /// This is selected in a response now (a place from the left), or nothing any more.
    Selected(Option<(usize, Result<Span, Unmarkable>)>),
    /// Mark what is selected; a mark that is there already is taken in hand.
    Mark,
    /// Take a marked span in hand, to give it a tag: a place in the list of marks.
    PickMark(usize),
    /// Give the mark in hand this tag of the schema, or take the tag away again.
    TagMark(usize),
    /// Take a mark away.
    Unmark(usize),
    /// Clear the focused field.
    ClearField,
    /// The keyboard is in the text now.
    TextEntered,
    /// The justification has been edited.
    Justify(String),
    /// Commit if complete, else go to the first missing field.
    CommitOrMissing,
    /// Skip the open item.
    Skip(String),
    /// Put the open item off: it comes back when nothing else is left.
    Later,
    /// Say something about the open item that belongs to no field.
    Comment(String),
    /// Rewrite a response: a place from the left; without one, no more.
    EditResponse(Option<usize>),
    /// A response has been rewritten so far.
    Rewrite {
        /// The response, counted from the left.
        side: usize,
        /// The new text of its last turn.
        text: String,
    },
    /// Flag the open item with a note.
    Flag(String),
    /// Flag the open item, or take the flag back.
    ToggleFlag,
    /// Undo one's last deed.
    Undo,
    /// Redo what was undone last.
    Redo,
    /// Change the score policy of the project from here on.
    SetPolicy(ScorePolicy),
    /// Change the label schema of the project from here on; its version is raised.
    SetSchema(Box<LabelSchema>),
    /// Change the guidelines of the project from here on.
    SetGuidelines(String),
    /// Show a drawer beside the responses, or close it.
    ToggleDrawer(Drawer),
    /// Say again what an earlier event of the open item said.
    Restore(EventId),
    /// Show the item that was labelled last, with what is visible after the commit.
    Reveal,
    /// Go some items on or back.
    Step(i64),
    /// Go to the next item without a label.
    NextUnlabelled,
    /// Open the item at a position.
    OpenPosition(u64),
    /// Scroll the focused response by a part of its height.
    Scroll(f32),
    /// Show or fold earlier turns.
    ToggleContext,
    /// Rendered or raw text.
    ToggleRaw,
    /// Wrap code or let it scroll.
    ToggleWrap,
    /// Differences between the responses: none, marks, only differences.
    CycleDiff,
    /// Whether both responses scroll together, block by block.
    ToggleLock,
    /// Whether characters that nobody sees are written out.
    ToggleInvisible,
    /// Open the search in the item, or close it.
    Find(bool),
    /// What is looked for in the item.
    FindText(String),
    /// Go to the next (1) or the one before (-1).
    FindNext(i64),
    /// The keyboard is in the search now.
    FindEntered,
    /// How often the text was found: in the context and in each response.
    Found(Vec<usize>),
    /// Hide everything but the item, or show it again.
    ToggleFocusMode,
    /// The keyboard goes to the next (1) panel or the one before (-1).
    CyclePanel(i64),
    /// Change the settings of this person.
    Settings(Box<Settings>),
    /// Show a part of the settings.
    ShowSettings(SettingsTab),
    /// Choose a key for a command: the next one pressed. Without a command: no more.
    ChooseKey(Option<&'static str>),
    /// This key was chosen for that command.
    Bind(&'static str, Shortcut),
    /// The same, though it is taken from another command.
    BindAnyway(&'static str, Shortcut),
    /// The command gets its own keys back; without one, all do.
    Unbind(Option<&'static str>),
    /// Move the selected row of the item list.
    QueueMove(i64),
    /// Go to the search of the item list.
    QueueFocusSearch,
    /// Search the item list.
    QueueSearch(String),
    /// Rows of the item list that are in view.
    QueueView {
        /// First row.
        from: u64,
        /// Rows in view.
        rows: u64,
    },
    /// Change what is exported and how.
    Recipe(ExportRecipe),
    /// Write the export.
    Export,
    /// Load a model.
    LoadModel(ModelRef),
    /// Compute no scores any more.
    UnloadModel,
    /// Load a model beside the one that scores, to compare them.
    LoadBeside(ModelRef),
    /// Drop a model beside.
    UnloadBeside(ModelRef),
    /// Take a model off the list of those added.
    ForgetModel(ModelRef),
    /// Compute the scores of all items that have none.
    ScoreAll,
    /// Let that wait: what is computed stays.
    PauseScoring,
    /// Put the items of which the model is least certain first, or not.
    Uncertain(bool),
    /// Choose what a head of one's own is to make small.
    TrainLoss(Loss),
    /// Train a head on the labels of the project.
    Train,
    /// Study whose labels.
    Study(Labels),
    /// Compare annotators by this attribute.
    StudyAttribute(usize),
    /// Count labels no further.
    StopStudy,
    /// Open the item of that id.
    OpenItem(ItemId),
    /// Light or dark.
    ToggleTheme,
    /// Larger, smaller, or normal (0).
    Zoom(i32),
    /// The window tells what it is like: its layout holds one response at a time.
    Compact(bool),
    /// Where the reader is now, to come back to.
    KeepPlace(Box<Place>),
    /// The view has gone to where its reader was.
    PlaceTaken,
    /// Time passed before the open item.
    Elapsed {
        /// Milliseconds in use.
        active_ms: u64,
        /// Milliseconds without use.
        idle_ms: u64,
    },
    /// Take a notice away.
    DismissNotice,

    // What finished work reports ----------------------------------------------------------
    /// A project is open.
    ProjectOpened(Box<ProjectInfo>),
    /// A project could not be opened.
    ProjectFailed {
        /// Which.
        path: PathBuf,
        /// Why, what is safe, what to do.
        message: String,
        /// Whether somebody else has it open.
        locked: bool,
    },
    /// An item was read.
    Opened(Box<Opened>),
    /// There is no such item, or none left to label.
    NothingToOpen,
    /// Events are on disk.
    Appended {
        /// The events.
        events: Vec<Event>,
        /// When the commit returned.
        at: Timestamp,
        /// The counts after them.
        counts: Counts,
        /// What can be undone now.
        history: History,
    },
    /// Events could not be written.
    AppendFailed {
        /// Why.
        message: String,
    },
    /// A draft is on disk.
    DraftSaved {
        /// When the commit returned.
        at: Timestamp,
    },
    /// Something that is no label could not be read or written: labels are not affected.
    Trouble {
        /// What, and what to do.
        message: String,
    },
    /// A draft or event could not be written.
    StoreFailed {
        /// Why, what is safe, what to do.
        message: String,
    },
    /// Rows of the item list.
    Listed {
        /// Position of the first row in the filtered list.
        from: u64,
        /// Rows in the filtered list.
        total: u64,
        /// The rows.
        rows: Vec<ItemSummary>,
        /// Items without a score, where the order depends on scores.
        unscored: u64,
    },
    /// One's own labels were counted.
    Tallied(Box<Tally>),
    /// What was done about an item was read, oldest first.
    HistoryRead {
        /// The item.
        item: ItemId,
        /// What was done.
        events: Vec<Event>,
    },
    /// How far the model agrees with the labels was counted.
    Agreed {
        /// By the scorer of this key.
        scorer: String,
        /// What was counted.
        agreed: Agreed,
    },
    /// What was being counted cannot be.
    StudyFailed {
        /// Why.
        message: String,
    },
    /// How far counting labels is.
    Counting(Progress),
    /// Where the model and people part ways was found; nothing where that was stopped or failed.
    Inspected(Option<Box<Inspection>>),
    /// Annotators were compared; nothing where that was stopped or failed.
    Compared(Option<Box<Concord>>),
    /// Scores of the whole project are there, or as far as it came.
    AllScored {
        /// Items that cannot be scored.
        failed: u64,
    },
    /// A head was trained.
    Trained(Box<TrainReport>),
    /// No head was trained.
    TrainFailed {
        /// Why, and what to do; nothing where it was stopped.
        message: Option<String>,
    },
    /// Scores kept in the project were read.
    ScoresRead {
        /// The items asked about.
        items: Vec<Arc<Item>>,
        /// What is known of them.
        scores: Vec<Score>,
        /// By this scorer.
        scorer: String,
    },
    /// A model is being loaded.
    ModelLoading(ModelRef),
    /// A model is ready.
    ModelReady(Box<ModelCard>),
    /// A model could not be loaded: labeling goes on without scores.
    ModelFailed {
        /// Which.
        model: ModelRef,
        /// Why.
        message: String,
    },
    /// A model is ready beside the one that scores.
    BesideReady(Box<ModelCard>),
    /// It could not be loaded.
    BesideFailed {
        /// Which.
        model: ModelRef,
        /// Why.
        message: String,
    },
    /// Responses of an item were scored by a model beside.
    ScoredBeside {
        /// By this scorer.
        scorer: ScorerId,
        /// Their scores; what cannot be scored has none.
        scores: Vec<Score>,
    },
    /// A model was tried on texts of which everybody knows the better one.
    Probed {
        /// The key of its scorer.
        scorer: String,
        /// How it did.
        probe: Result<Probe, String>,
    },
    /// The models were looked at.
    ModelsListed {
        /// All of them.
        entries: Vec<ModelEntry>,
        /// Bytes of memory that are free, where the system says so.
        free: Option<u64>,
    },
    /// Items without a score by the scorer of that key were counted.
    Unscored {
        /// The key.
        scorer: String,
        /// How many.
        items: u64,
    },
    /// A response was scored.
    Scored {
        /// The score.
        score: Score,
        /// By this scorer.
        scorer: ScorerId,
        /// Milliseconds it took.
        took_ms: f64,
    },
    /// A rewrite was scored.
    Rescored {
        /// The item.
        item: ItemId,
        /// The response.
        response: ResponseKey,
        /// What it said then.
        text: String,
        /// Its score, or why there is none.
        score: Result<f64, String>,
        /// By this scorer.
        scorer: ScorerId,
    },
    /// A response could not be scored.
    ScoreFailed {
        /// The item.
        item: ItemId,
        /// The response.
        response: ResponseKey,
        /// Why.
        message: String,
    },
    /// How far the import or export is.
    Job(Progress),
    /// How far the index of words is; nothing when it is whole.
    Indexed(Option<Indexed>),
    /// Files were looked at; nothing where that was stopped.
    LookedAt(Option<Box<ImportSheet>>),
    /// Somebody else asked for the open project and has it now: this one only reads.
    TakenOver {
        /// Who.
        by: String,
    },
    /// An import ended.
    Imported(Box<ImportReport>),
    /// An export ended.
    Exported(Box<ExportReport>),
    /// The first rows of the export as it is set up.
    Preview {
        /// What was previewed.
        recipe: ExportRecipe,
        /// The first lines.
        lines: Vec<String>,
        /// The labels there are to export.
        available: u64,
    },
    /// An import or export failed; nothing was changed.
    JobFailed {
        /// Why.
        message: String,
    },
}

/// What a preference means for the form, from the position on the bar.
pub fn preference_at(position: i32, left: ResponseKey, right: ResponseKey) -> Option<Preference> {
    Preference::from_signed(i64::from(position), left, right)
}
