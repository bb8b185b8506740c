//! Every word of the window, in one table, ordered by place: to reword or translate, change this folder only. Titles of commands are in `commands.rs`.
//!
//! A line is a name and what is said. What the words are about is given in round brackets and stands in the words in braces; `or` parts
//! one from many, by the number given first; several that belong together stand in square brackets.

/// One function or constant per line of the table below.
macro_rules! words {
    ($($(#[$doc:meta])* $place:ident { $($name:ident $(($($given:ident: $kind:ty),*))? = $text:tt $(or $many:literal)?;)* })*) => {
        $($(#[$doc])*
        #[expect(missing_docs, reason = "the words are their own documentation")]
        pub mod $place {
            $(words!(@ $name $(($($given: $kind),*))? = $text $(or $many)?);)*
        })*
    };
    (@ $name:ident = [$($text:literal),* $(,)?]) => {
        pub const $name: &[&str] = &[$($text),*];
    };
    (@ $name:ident = $text:literal) => {
        pub const $name: &str = $text;
    };
    (@ $name:ident($($given:ident: $kind:ty),*) = $text:literal) => {
        pub fn $name($($given: $kind),*) -> String {
            format!($text)
        }
    };
    (@ $name:ident($n:ident: $number:ty $(, $given:ident: $kind:ty)*) = $one:literal or $many:literal) => {
        pub fn $name($n: $number $(, $given: $kind)*) -> String {
            if $n == 1 { format!($one) } else { format!($many) }
        }
    };
}

mod labeling;
mod names;
mod program;
mod research;

pub use labeling::*;
pub use names::*;
pub use program::*;
pub use research::*;

words! {
    /// What stands in several places.
    everywhere {
        PROGRAM = "Tiebreak";
        CANCEL = "Cancel";
        CLOSE = "Close";
        STOP = "Stop";
        IMPORT_DATA = "Import data…";
        OPEN_PROJECT = "Open project…";
        DROP_CHANGES = "Back to what is in force";
        attribute_of(attribute: &str, response: &str) = "{attribute} of {response}";
        quoted(said: &str) = "“{said}”";
        milliseconds(ms: f64) = "{ms:.0} ms";
    }

    /// What an annotator is asked, wherever it is named.
    asked {
        RATINGS = "Ratings";
        PREFERENCE = "Preference";
        RANKING = "Ranking";
        WHY = "Why";
        REASONS = "Reasons";
        HOW_SURE = "How sure";
        MARKED = "Marked";
        NEITHER_VALID = "Neither valid";
        TIE = "The same";
        slightly_better(response: &str) = "{response} slightly better";
        better(response: &str) = "{response} better";
        much_better(response: &str) = "{response} much better";
        NOT_GIVEN = "not given";
        preference_is(said: &str) = "Preference, {said}";
        PREFERENCE_QUESTION = "Which one would you rather have? ";
        PREFERENCE_KEYS = "1 2 3 for the left one, 5 6 7 for the right one";
        WHY_QUESTION = "Why? ";
        WHY_TOLD = "Say what decided it, as you would to a colleague";
        WHY_HINT = "Why is it better?";
        JUSTIFICATION = "Justification";
        SURENESS = ["a guess", "unsure", "fairly sure", "sure", "certain"];
        sureness_is(level: u8, word: &str) = "Confidence {level} of 5: {word}";
    }

    /// The screens, as the rail names them.
    screens {
        ANNOTATE = "Annotate";
        QUEUE = "Queue";
        INSPECT = "Inspect";
        AGREEMENT = "Agreement";
        EXPORT = "Export";
        MODELS = "Models";
        SETTINGS = "Settings";
    }

    /// What stands around every screen: the rail, the top bar, the status bar, notices.
    chrome {
        SCREENS = "Screens";
        PROJECT_AND_MODEL = "Project and model";
        READ_ONLY = "Read only";
        READ_ONLY_TOLD = "This project is open for reading only";
        SCORES_LIVE = "Live scores";
        SCORES_SEALED = "Sealed scores";
        SCORES_HIDDEN = "Hidden scores";
        POLICY_TOLD = "Whether scores are visible while labeling is a rule of the project, recorded with every label";
        counts(labelled: u64, skipped: u64, later: u64, flagged: u64, drafts: u64) =
            "{labelled} labelled, {skipped} skipped, {later} later, {flagged} flagged, {drafts} drafts";
        item_of(at: u64, total: u64) = "Item {at} of {total}";
        MODE_TOLD = "The mode of this project; recorded with every label";
        PRACTICE_TOLD = "Answered with the label that came with the item; it does not count";
        LABELLED = "Labelled";
        LABELLED_TOLD = "You have labelled this item";
        NO_MODEL = "No model";
        NO_MODEL_MEANS = "scores off";
        MODEL = "Model";
        MODEL_LOADING = "loading…";
        MODEL_FAILED = "Model failed";
        MODEL_FAILED_MEANS = "labeling goes on";
        reward_model(name: &str) = "Reward model: {name}";
        MODEL_TOLD = "The reward model. Click for the Models screen";
        SAVING = "Saving…";
        saved_at(time: &dyn std::fmt::Display) = "Saved {time}";
        NOT_SAVED = "Not saved";
        CHEAT_SHEET = "all keys";
        next_ready(n: usize) = "next {n} ready";
        DIFFERENCES_MARKED = "differences marked";
        ONLY_DIFFERENCES = "only differences";
        SCROLLING_TOGETHER = "scrolling together";
        INVISIBLE_WRITTEN_OUT = "invisible written out";
        KEYS_GO_TO_TEXT = "TEXT";
        KEYS_ARE_COMMANDS = "KEYS";
        SHOW_RENDERED = "rendered";
        SHOW_RAW = "raw";
        UNDO = "undo";
        NEXT_OPEN = "next open";
        BACK_TO_KEYS = "back to keys";
        COMMIT = "commit";
        rows_per_second(rate: u64) = "{rate} rows/s";
        seconds_left(n: u64) = "{n} s left";
        minutes_left(n: u64) = "{n} min left";
        indexing(percent: u64) = "Search index {percent} %";
        INDEXING_TOLD = "Search is right meanwhile, and slower";
        STOP_TOLD = "Nothing saved so far is lost";
        odd_characters(n: usize) = "{n} odd character" or "{n} odd characters";
        odd_characters_told(names: &str, key: &str) = "{names}. {key} writes them out";
        no_glyph(n: usize) = "1 character has no glyph" or "{n} characters have no glyph";
        no_glyph_told(list: &str) = "No font of this computer has them: {list}";
        NAMES_ITS_AUTHOR = "a response names its author";
        NAMES_ITS_AUTHOR_TOLD = "It says which model wrote it. Judge what it says, not who says it; the label records that it did";
        RIGHT_TO_LEFT = "right-to-left text";
        RIGHT_TO_LEFT_TOLD = "Letters are shaped and words kept whole, but mixed lines may stand in the order in which they are stored. Do not judge by the order of words";
        PICKING = "Choose in the file dialog";
        PICK_BY_PATH = "Type the path instead";
        DISMISS = "Dismiss";
        OPEN_READ_ONLY = "Open read-only";
        TAKE_OVER = "Take over";
        IMPORT = "Import…";
        SAVE_A_COPY = "Save a copy elsewhere…";
        COPY_DETAILS = "Copy details";
        details(text: &str, version: &str, system: &str, machine: &str) = "{text}\nTiebreak {version} on {system} {machine}";
        TOO_SMALL = "This window is too small to read in: make it at least 900 by 600";
    }

    /// The dialogs of the system in which files are chosen.
    dialogs {
        OPEN_A_PROJECT = "Open a project";
        PROJECT_FILES = "Tiebreak project";
        MAKE_A_PROJECT = "Make a project";
        IMPORT_DATA = "Import data";
        DATA_FILES = "Data";
        EXPORT_TO = "Export to";
        SAVE_A_COPY = "Save a copy of the project";
        TRAINED_FOLDER = "New folder for the model";
        MODEL_FOLDER = "Folder of a reward model";
        MODEL_FILE = "Reward model file";
        MODEL_FILES = "GGUF, NeMo, safetensors, PyTorch";
    }

    /// Asking for a path where there is no file dialog.
    path {
        PROJECT = "Open a project";
        PROJECT_TOLD = "Path of a .tiebreak file.";
        NEW_PROJECT = "Make a project";
        NEW_PROJECT_TOLD = "Path of a .tiebreak file that does not exist yet.";
        IMPORT = "Import data";
        IMPORT_TOLD = "Path of a file or a folder: JSON, CSV or Parquet, plain, gzip or zstd.";
        EXPORT = "Export";
        EXPORT_TOLD = "Path of the file to write.";
        COPY = "Save a copy of the project";
        COPY_TOLD = "Path of a .tiebreak file that does not exist yet, on another disk perhaps.";
        TRAINED = "A head of one's own";
        TRAINED_TOLD = "Path of a new folder for the model.";
        MODEL = "Load a model";
        MODEL_FOLDER_TOLD = "Path of a folder with config.json, tokenizer.json and safetensors.";
        MODEL_FILE_TOLD = "Path of a .gguf or .nemo file with a reward head.";
        PATH = "Path";
        OPEN = "Open";
    }

    /// The first thing that a new person sees.
    welcome {
        TITLE = "Welcome to Tiebreak";
        TOLD = "Read two replies side by side, see what a reward model on this computer thinks of them, and say which one is better, and why.";
        NAME_ASKED = "Your name or initials, recorded with every label";
        NAME = "Your name";
        NAME_HINT = "Name or initials";
        open(project: &str) = "Open {project}";
        TRY_SAMPLE = "Try it: sample conversations";
        import(files: &str) = "Import {files}…";
        IMPORT_DATA = "Open your data…";
        DATA_TOLD = "Your data (JSON, CSV or Parquet; plain, gzip or zstd) can also be dropped into the window; its project is made beside it.";
        MODEL_TOLD = "You can label without a model. A small one is built in; add another later in Models.";
    }

    /// All keys, and what the digits mean: that depends on the focused field.
    cheat_sheet {
        TITLE = "All keys";
        DIGITS_RATE = "Set the focused attribute, then on to the next";
        DIGITS_LEFT = "Comparing: left much better, better, slightly better";
        DIGITS_RIGHT = "Comparing: right slightly better, better, much better";
        key(key: &str) = "Key {key}";
    }

    /// The palette of commands.
    palette {
        COMMAND = "Command";
        HINT = "What do you want to do?";
        NONE_FOUND = "No command is called that";
    }

    /// Saying why an item is skipped.
    skip {
        TITLE = "Skip this item";
        TOLD = "Say why; it is recorded, and the item can be found again in the list.";
        REASON = "Reason";
        REASONS = ["Not my language", "Outside my field", "Unsafe to read", "Broken text", "Same response twice"];
        SKIP = "Skip";
    }

    /// A comment on an item.
    comment {
        TITLE = "Comment on this item";
        TOLD = "About the item, not a part of its label. It stays in the project and in the item's history.";
        COMMENT = "Comment";
        HINT = "What is to be said?";
    }

    /// Flagging an item.
    flag {
        TITLE = "Flag this item";
        TOLD = "For somebody to look at later. The label is not affected.";
        NOTE = "Note";
        HINT = "What should be looked at?";
        FLAG = "Flag";
    }

    /// Whether scores are visible while labeling.
    policy {
        TITLE = "Score policy";
        TOLD = "A rule of the project for everybody who labels in it. A change is an event in its log, and every label records the rule it was made under.";
        LIVE = "Live";
        LIVE_TOLD = "Scores are visible while reading";
        SEALED = "Sealed";
        SEALED_TOLD = "Scores are computed, and shown after one's own commit";
        HIDDEN = "Hidden";
        HIDDEN_TOLD = "Scores are never shown to the labeler";
    }

    /// One's own labels in numbers.
    tally {
        TITLE = "My labels";
        counts(labelled: u64, total: u64, skipped: u64, later: u64, flagged: u64, left: u64) =
            "{labelled} of {total} labelled, {skipped} skipped, {later} put off, {flagged} flagged; {left} to go.";
        COUNTING = "Counting…";
        NOTHING = "Nothing is labelled yet: there is nothing to count.";
        pace(duration: &str) = "The middle label took {duration} with the window in use. Reading takes what it takes: no pace is asked of you.";
        seconds(seconds: f64) = "{seconds:.0} s";
        minutes(minutes: f64) = "{minutes:.1} min";
        LEVELS = "Levels";
        STRENGTH = "Strength, by side as you saw it";
        neither_valid(n: u64) = "Neither valid: {n}";
        LEANING = "Leaning";
        LEFT = "The left one preferred";
        LEFT_TOLD = "Sides are drawn by lot, so one half is to be expected.";
        LONGER = "The longer one preferred";
        LONGER_TOLD = "Longer is often better; how often is for you to judge.";
        RATED_AGAINST_PREFERENCE = "rated one higher, preferred the other";
        NAMES_SIDES = "reason names left or right";
        TOO_FAST = "faster than the responses can be read";
        IDENTITY_WORDS = "a response says which model wrote it";
        no_pairs(name: &str) = "{name}: no pairs yet";
        share(name: &str, part: f64, low: f64, high: f64, count: u64, of: u64) =
            "{name}: {part:.0} % ({low:.0} to {high:.0}), {count} of {of}";
    }

    /// What comes in with an import: before it, and after.
    import {
        title(files: &str) = "Import {files}";
        ready(n: u64, set_aside: u64) = "{n} row ready, {set_aside} set aside" or "{n} rows ready, {set_aside} set aside";
        read_as(format: &dyn std::fmt::Display, described: &str) = "Read as {format}: {described}.";
        SEVERAL_FORMATS = "The files are of more than one format.";
        unusual(n: u64) = " {n} unusual things in them are listed after the import.";
        known(n: u64) = "{n} item is in the project already; it gains the labels that came with it." or
            "{n} items are in the project already; they gain the labels that came with them.";
        repeated(n: u64) = "{n} row repeats an earlier one." or "{n} rows repeat earlier ones.";
        near(n: u64) = "{n} row says almost the same as an earlier one." or "{n} rows say almost the same as an earlier one.";
        near_row(file: &str, row: u64, of_file: &str, of_row: u64) = "{file} row {row}: almost {of_file} row {of_row}";
        into_open(project: &str) = "They go into the open project, {project}.";
        into_new(file: &str) = "A new project for them is made beside the file: {file}.";
        NO_ITEM = "No row of these files is an item.";
        first(n: usize) = "The first item" or "The first {n} items";
        HIDE_SET_ASIDE = "Hide what is set aside";
        SEE_SET_ASIDE = "See what is set aside";
        IMPORT = "Import";
        turn(number: usize) = "Turn {number}";
        PROMPT = "Prompt";
        response(number: usize) = "Response {number}";
        more_responses(n: usize) = "and {n} more responses";
        rejected(file: &str, row: u64, reason: &str) = "{file} row {row}: {reason}";
        rejected_file(file: &str, reason: &str) = "{file}: {reason}";
        more_rejected(n: u64) = "and {n} more";
        STOPPED = "Import stopped";
        UNKNOWN = "The fields of these rows are not a format that is known. Say what they mean.";
        FIELD = "Field";
        EXAMPLE = "In the first rows";
        MEANS = "Means";
        NOTHING = "nothing, kept";
        rating_of(reply: &str) = "rating{reply}";
        OF_A = " of a";
        OF_B = " of b";
        meaning(path: &str) = "What {path} means";
        AS_THEY_LOOK = "The first rows as they will look";
        not_yet(why: &dyn std::fmt::Display) = "Not yet: {why}.";
        row_fails(number: usize, why: &str) = "Row {number}: {why}";
        RESPONSE = "Response";
        RESPONSE_A = "Response a";
        RESPONSE_B = "Response b";
        LABEL = "Label";
        FIRST_BETTER = "a is better";
        SECOND_BETTER = "b is better";
        TIE = "a tie";
        NEITHER = "neither is valid";
        RATED = "rated";
        said_by(said: &str, who: &str) = "{said}, says {who}";
        CONTINUE = "Continue";
        CHANGE_FIELDS = "Change what the fields mean";
        AS_IT_WAS = "Nothing came in: the project is as it was.";
        NEAR = "Almost the same";
        IMPORTED = "Imported";
        came_in(imported: u64, read: u64, format: &str, set_aside: usize) = "{imported} of {read} rows came in as {format}; {set_aside} set aside.";
        brought(items: u64, responses: u64, labels: u64, known: u64) =
            " {items} new items, {responses} responses, {labels} reference labels; {known} rows were known already.";
        SET_ASIDE = "Set aside";
        warnings(n: usize) = "Unusual, but in: {n}";
        warning(kind: &str, n: usize, first: &str, more: &str) = "{kind}: {n} rows ({first}{more})";
        START_LABELING = "Start labeling";
    }
}
