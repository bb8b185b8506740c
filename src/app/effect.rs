//! What a change of state asks of the world: the disk, a model, the window.

use std::path::PathBuf;
use std::sync::Arc;

use super::export::{ExportRecipe, Labels};
use super::settings::Settings;
use super::state::{Pick, Place};
use super::train::TrainRecipe;
use crate::dataset::ReadAs;
use crate::domain::{Draft, Event, EventBody, Item, ItemId, ResponseKey, Score, ScorerId};
use crate::reward::ModelRef;

/// Which item to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The one at a position.
    Position(u64),
    /// The one of an id.
    Id(ItemId),
    /// The next without a label after a position, going round once; from the start where there is none.
    NextUnlabelled(Option<u64>),
    /// Where this annotator left off.
    Resume,
}

/// What to do when events are on disk.
#[derive(Debug, Clone)]
pub enum Afterwards {
    /// Stay.
    Stay,
    /// Read another item.
    Open(Target),
}

/// A request to the outside.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Open a project, making an empty one if there is none.
    OpenProject {
        /// Its file.
        path: PathBuf,
        /// Only for reading.
        read_only: bool,
    },
    /// Open the sample project, making it the first time.
    OpenSample,
    /// Read an item.
    OpenItem(Target),
    /// Append events.
    Append {
        /// What happened.
        events: Vec<Event>,
        /// What then.
        then: Afterwards,
    },
    /// Undo or redo the newest event that can be.
    Reverse {
        /// The event that says so.
        body: EventBody,
    },
    /// Keep a draft, or drop it.
    PutDraft(ItemId, Option<Draft>),
    /// Remember where the reader is.
    KeepPlace(Place),
    /// Count one's own labels.
    Tally,
    /// Read what was done about an item: by this annotator only, or by all.
    ReadHistory(ItemId, bool),
    /// Keep scores.
    PutScores(ScorerId, Vec<Score>),
    /// Read the scores of some items by a scorer.
    ReadScores(Vec<Arc<Item>>, String),
    /// Read rows of the item list.
    List {
        /// Text to look for.
        search: String,
        /// First row.
        from: u64,
        /// Rows.
        rows: u64,
    },
    /// Put the items of which the model is least certain first, or not.
    Order {
        /// Whether it is so.
        uncertain: bool,
    },
    /// Count how far this model, which is loaded, agrees with the labels.
    CountAgreed(ModelRef),
    /// Find where this scorer, of this key, and people part ways.
    Inspect(String, Labels),
    /// Compare what annotators said.
    Compare(Labels),
    /// Neither is wanted any more.
    StopStudy,
    /// Score all items that have no score by this model.
    ScoreAll(ModelRef),
    /// Train a head on the project's labels.
    Train(TrainRecipe),
    /// Load a model.
    LoadModel(ModelRef),
    /// Drop the model.
    UnloadModel,
    /// Load a model beside it.
    LoadBeside(ModelRef),
    /// Drop one beside it.
    UnloadBeside(ModelRef),
    /// Score an item by all models beside.
    ScoreBeside(Arc<Item>),
    /// Look which models there are.
    ListModels,
    /// Keep a model in the list.
    AddModel(ModelRef),
    /// Take one off the list.
    ForgetModel(ModelRef),
    /// Count the items without a score by the scorer of that key.
    CountUnscored(String),
    /// Score these responses, item by item in this order, and nothing else.
    Score(Vec<(Arc<Item>, Vec<ResponseKey>)>),
    /// Score a response as it is being rewritten, once nobody types.
    Rescore(Arc<Item>, ResponseKey, String),
    /// Ask whoever has a project open to let go of it, wait for that, and open it.
    TakeOver(PathBuf),
    /// Copy the project to a new file, with this draft of an item, and open that.
    SaveCopy(PathBuf, Option<(ItemId, Draft)>),
    /// Look at files, to import them.
    LookAt(Vec<PathBuf>, ReadAs),
    /// Import files.
    Import(Vec<PathBuf>, ReadAs),
    /// Write an export.
    Export(ExportRecipe),
    /// Show the first lines of an export.
    Preview(ExportRecipe),
    /// Stop the running import or export.
    CancelJob,
    /// Show a file dialog.
    Pick(Pick),
    /// Keep the settings.
    SaveSettings(Settings),
}
