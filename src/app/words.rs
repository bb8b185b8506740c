//! Every word of the window, in one table, ordered by place: to reword or translate, change this file only. Titles of commands are in `commands.rs`.
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
        IMPORT_TOLD = "Path of a .jsonl or .json file, plain or gzip.";
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
        DATA_TOLD = "Your data (.jsonl or .json, plain or gzip) can also be dropped into the window; its project is made beside it.";
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

    /// Practice: one's own answer beside the one that came with the data.
    practice {
        PRACTICE = "Practice";
        item_of(at: usize, of: usize) = "Practice {at} of {of}";
        TOLD = "Your answer beside the one that came with this item. It does not count; talk about what surprises you.";
        YOURS = "yours";
        REFERENCE = "reference";
        GO_ON = "Go on";
    }

    /// What comes in with an import: before it, and after.
    import {
        title(files: &str) = "Import {files}";
        ready(n: u64, set_aside: u64) = "{n} row ready, {set_aside} set aside" or "{n} rows ready, {set_aside} set aside";
        read_as(format: &dyn std::fmt::Display, described: &str) = "Read as {format}: {described}.";
        SEVERAL_FORMATS = "The files are of more than one format.";
        unusual(n: u64) = " {n} unusual things in them are listed after the import.";
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
        more_rejected(n: u64) = "and {n} more";
        STOPPED = "Import stopped";
        IMPORTED = "Imported";
        came_in(imported: u64, read: u64, format: &str, set_aside: usize) = "{imported} of {read} rows came in as {format}; {set_aside} set aside.";
        brought(items: u64, responses: u64, labels: u64, known: u64) =
            " {items} new items, {responses} responses, {labels} reference labels; {known} rows were known already.";
        SET_ASIDE = "Set aside";
        warnings(n: usize) = "Unusual, but in: {n}";
        warning(kind: &str, n: usize, first: &str, more: &str) = "{kind}: {n} rows ({first}{more})";
        START_LABELING = "Start labeling";
    }

    /// Reading and judging: the context and the responses.
    annotate {
        CONTEXT = "Context";
        RESPONSE = "Response";
        RESPONSES = [
            "Response A", "Response B", "Response C", "Response D", "Response E", "Response F", "Response G", "Response H", "Response I",
        ];
        NO_CONTEXT_OPEN = "  These conversations begin with the responses themselves: there is nothing before them";
        NO_CONTEXT = "No context: the responses are whole conversations";
        you_asked(turn: usize) = "You asked, turn {turn}";
        earlier_turns(n: usize) = "1 earlier turn" or "{n} earlier turns";
        QUESTION_TOLD = "P shows all of it";
        show_response(letter: &str) = "Show response {letter}";
        SHOW_RESPONSE_TOLD = "Q shows the other response";
        REWRITTEN = "rewritten";
        REWRITTEN_TOLD = "You have rewritten this response";
        words(n: usize) = "{n} words";
        tokens(n: u32) = "{n} tokens";
        CUT = ", cut";
        CUT_TOLD = "The conversation is longer than the model can read: its oldest turns were left out of the score";
        HIDDEN = "hidden";
        HIDDEN_TOLD = "Scores of this project are never shown while labeling";
        SEALED = "sealed";
        SEALED_TOLD = "Scores of this project are shown after the commit";
        score_of(response: &str, score: &str) = "Score of {response} {score}";
        probability_of(response: &str, percent: f64) = "Probability that {response} is preferred, as the model sees it: {percent:.0} %";
        NO_SCORE = "no score";
        SCORING = "scoring…";
        MODEL_LOADING = "model is loading…";
        SCORES_OFF = "scores are off";
        probability(part: f64) = "P {part:.2}";
        margin(lead: &str, probability: f64) = "Margin: {lead}, probability {probability:.2}";
        MARGIN_TOLD = "How far apart the scores are, and how likely the model takes that preference to be";
        votes(n: usize) = "1 vote" or "{n} votes";
        PREFERRED_BY_DATA = "preferred by the data";
        helpfulness(rated: f64) = "helpfulness {rated} in the data";
        REVEALED_TOLD = "Shown after your own commit";
        OPENING = "Opening…";
        OPENING_TOLD = "Reading the project.";
        NO_ITEMS = "No items yet";
        NO_ITEMS_TOLD = "Drop data files here, or import them: HelpSteer2, HelpSteer2-Preference, HH-RLHF, TRL, JudgeBench, MT-Bench, \
             chosen/rejected pairs or message lists, as .jsonl or .json, plain or gzip.";
        NOTHING_OPEN = "Nothing is open";
        NOTHING_OPEN_TOLD = "Open a project, or try the sample conversations. A name that does not exist yet makes a new project.";
        SAMPLE = "Sample conversations";
        FINISHED = "All done";
        finished_told(labelled: u64, skipped: u64, flagged: u64) =
            "You have labelled everything assigned to you ({labelled}). {skipped} skipped, {flagged} flagged.";
        EXPORT = "Export…";
        SHOW_QUEUE = "Look through the list";
        SHOW_LAST_ITEM = "Back to the last item";
    }

    /// A conversation as it is laid out.
    document {
        EMPTY = "(empty)";
        TOOL_CALL = "Calls a tool";
        COPY = "Copy";
        overview_of(name: &str) = "Overview of {name}";
        parts_the_same(n: usize) = "1 part the same" or "{n} parts the same";
        you_asked(turn: usize) = "You asked, turn {turn}";
        reply(turn: usize) = "Reply, turn {turn}";
        INSTRUCTIONS = "Instructions";
        TOOL_ANSWERED = "A tool answered";
    }

    /// Finding text in the open item.
    find {
        HINT = "Find in this item";
        NOT_FOUND = "Not found";
        found(at: usize, total: usize) = "{at} of {total}";
        PROMPT = "prompt";
        BEFORE = "Before";
        NEXT = "Next";
    }

    /// What stands beside the responses on demand: the guidelines, and the history of the item.
    drawer {
        GUIDELINES = "Guidelines";
        HISTORY = "History of this item";
        NOTHING_DONE = "Nothing has been done about this item yet.";
        OTHERS_SEALED = "What others said of it is shown after your own commit.";
        undone(title: &str) = "{title}, undone";
        RESTORE = "Restore";
    }

    /// What was done about an item.
    history {
        LABELLED = "Labelled";
        LABELLED_AGAIN = "Labelled again";
        SKIPPED = "Skipped";
        PUT_OFF = "Put off";
        COMMENTED = "Commented";
        PRACTISED = "Practised";
        SCORES_SHOWN = "Scores were shown";
        FLAGGED = "Flagged";
        FLAG_TAKEN_BACK = "Flag taken back";
        undone(what: &str) = "Undone: {what}";
        redone(what: &str) = "Redone: {what}";
        NOTHING = "nothing";
        characters(n: usize) = "{n} characters";
        rewrite_of(response: &str) = "Rewrite of {response}";
        sureness(level: u8) = "{level} of 5";
        TIE = "the same";
        NEITHER_VALID = "neither valid";
        ANOTHER_RESPONSE = "another";
    }

    /// Another wording of a response.
    rewrite {
        rewriting(response: &str) = "Rewriting {response}";
        DONE = "Done";
        TAKE_BACK = "As it was";
        NOTHING_CHANGED = "Nothing is changed yet. What you change is shown here; the response itself stays as it came.";
        TOO_LONG = "This text is too long to show its changes while it is being typed.";
        CHANGES = "Changes";
        SCORING = "scoring…";
        score_of(score: &str) = "Score of the rewrite: {score}";
    }

    /// The form, and its steps in a small window.
    form {
        FORM = "Form";
        RANKING_HINT = "best first";
        RATINGS_HINT = "0–4, then on";
        DESCRIPTIVE = "describes";
        not_rated(attribute: &str, response: &str) = "{attribute} of {response}, not rated";
        rated(attribute: &str, response: &str, level: i32, max: i32, anchor: &str) = "{attribute} of {response}, {level} of {max}: {anchor}";
        level(attribute: &str, response: &str, level: i32) = "{attribute} of {response}: {level}";
        LEFT_END = "A much better";
        RIGHT_END = "B much better";
        characters(n: usize) = "{n} characters";
        characters_needed(n: usize, needed: usize) = "{n} characters, {needed} needed";
        characters_of(n: usize, needed: usize) = "{n} of {needed} characters";
        COMMIT_BY_KEY = "Ctrl Enter commits";
        COMMIT = "Commit  ↵";
        NEXT_FIELD = "Next open field  ↵";
        LABELLED = "Labelled";
        SKIP = "Skip…";
        FLAG = "Flag";
        UNFLAG = "Unflag";
        flagged(note: &str) = "Flagged: {note}";
        READ_ONLY = "Open for reading only.";
        SCORES_SHOWN = "The scores have been shown. This change is kept beside your first answer; exports use the first.";
        RANKING_KEYS = "1–9 picks a card · ↑ ↓ move it · = ties it with the one above";
        ranked(response: &str, place: usize, places: usize) = "Response {response}, place {place} of {places}";
        ranked_tied(response: &str, place: usize, places: usize) = "Response {response}, place {place} of {places}, tied";
        not_ranked(response: &str) = "Response {response}, not ranked";
        rate(response: &str) = "Rate {response}";
        COMPARE = "Compare";
        RANK = "Rank";
        FLIP_TOLD = "shows the other response";
        ratings_open(n: usize, response: &str) = "1 rating of {response} is open" or "{n} ratings of {response} are open";
        PREFERENCE_OPEN = "the preference is open";
        RANKING_OPEN = "the ranking is open: a digit picks a card";
        reason_open(more: usize) = "the reason needs {more} more characters";
        COMPLETE = "Complete. Enter commits.";
        incomplete(what: &str) = "{what}. Enter goes to the first.";
        NOTHING_ASKED = "In this mode nothing is asked of such an item: skip it, or put it off.";
        rate_first(response: &str) = "Sequential: rate {response} first, by itself.";
        SELECT_FIRST = "Select words of a response first: with the mouse, or find them (Ctrl F).";
        WRITTEN_OUT = "Characters are written out: show the text as it is to mark it.";
        NO_PLACE = "This is not shown as it is stored: show it raw to mark it.";
        marked(response: &str, text: &str) = "{response}: {text}";
        marked_for(response: &str, text: &str, tag: &str) = "{response}: {text}, {tag}";
        MARK_UNTAGGED = "no reason";
        TAKE_MARK_AWAY = "take it away";
        take_mark_away(mark: &str) = "Take away: {mark}";
        PICK_FIRST = "Pick a card first: 1 to 9.";
        NO_TIE = "These guidelines have no \"the same\": choose the side that is slightly better.";
    }

    /// The list of items.
    queue {
        SEARCH = "Search";
        SEARCH_HINT = "Search the text of prompts and responses";
        CLEAR_SEARCH = "Clear the search";
        items(n: u64) = "1 item" or "{n} items";
        NEXT_UNLABELLED = "Next unlabelled";
        NO_ITEMS = "No items yet. Import data, or drop files here";
        none_found(search: &str) = "No items hold \"{search}\"";
        ORDER_UNCERTAIN = "Order: least certain";
        ORDER_IMPORTED = "Order: as imported";
        ORDER_TOLD = "What the model is least certain of first, with a fifth of all items drawn at random among them";
        score_items(n: u64) = "Score {n} items";
        SCORE_ITEMS_TOLD = "They have no score yet and come last";
        DRAFT = "draft";
        LABELLED = "✓ labelled";
        SKIPPED = "skipped";
        LATER = "later";
        PRACTISED = "practised";
        turns(n: u32) = "1 turn" or "{n} turns";
        turns_and_responses(turns: &str, n: u32) = "{turns}, {n} responses";
        row(number: u64, preview: &str, status: &str) = "Item {number}: {preview} {status}";
        row_flagged(number: u64, preview: &str, status: &str) = "Item {number}: {preview} {status}, flagged";
    }

    /// Writing a data set.
    export {
        HELPSTEER2_TOLD = "One line per response with its five ratings";
        HELPSTEER2_PREFERENCE_TOLD = "A strength from −3 to 3 and the reasons";
        TRL_TOLD = "Prompt, chosen, rejected as messages";
        HH_RLHF_TOLD = "Whole transcripts, byte for byte";
        PAIRS_TOLD = "Every field, with every annotator's own";
        FORMAT = "Format";
        LABELS = "Labels";
        COLLECTED = "Collected here";
        COLLECTED_TOLD = "Of several, the three that agree most";
        REFERENCE = "Reference";
        REFERENCE_TOLD = "The labels that came with the data";
        OTHER_FIELDS = "Also other fields of the source";
        TO = "To";
        OUTPUT = "Output";
        OUTPUT_HINT = "labels.jsonl, or a folder";
        EXPORT = "Export";
        CHOOSE = "Choose…";
        written(rows: u64) = "1 row written" or "{rows} rows written";
        NOTHING_WRITTEN = "Nothing was written";
        NOTHING_WRITTEN_TOLD = "No item has a label that this format can carry. Commit some labels, or choose the reference labels";
        file(path: &dyn std::fmt::Display, rows: u64, sha256: &str) = "{path} · {rows} rows · sha256 {sha256}…";
        left_out(n: u64, reason: &str) = "Left out: {n} × {reason}";
        FIRST_ROWS = "First rows";
        not_yours_yet(n: u64) = "{n} items have labels. Rows are shown here once you have labelled their items yourself";
        NO_REFERENCE = "The data came without labels";
        NOTHING_COMMITTED = "Nothing committed yet";
        drafts_waiting(n: u64) = "Nothing committed yet. 1 draft is waiting" or "Nothing committed yet. {n} drafts are waiting";
        GO_ON = "Go on labeling";
        labelled_items(n: u64) = "1 labelled item" or "{n} labelled items";
        READING = "Reading…";
    }

    /// The reward model.
    models {
        TITLE = "Reward model";
        TOLD = "It runs on this computer. Labeling never waits for it, and never needs it";
        LOAD_FOLDER = "Load a folder…";
        LOAD_FILE = "Load a file…";
        USE_BUILT_IN = "Use the built-in one";
        TURN_OFF = "Turn scores off";
        KINDS_TOLD = "A folder with safetensors or pytorch_model.bin, or one .gguf or .nemo file, with a reward head. A score can be compared with that of the other response to the same prompt, not between prompts";
        NONE = "No model";
        NONE_TOLD = "You can label without a model. Load one, and its scores appear beside the responses";
        loading(model: &dyn std::fmt::Display) = "Loading {model}…";
        LOADING_TOLD = "You can go on labeling meanwhile";
        failed(model: &dyn std::fmt::Display) = "{model} could not be loaded";
        FAILED_TOLD = "Labeling still works; scores are off";
        DEVICE = "Device";
        PRECISION = "Precision";
        PARAMETERS = "Parameters";
        billions(n: f64) = "{n:.1} B";
        millions(n: f64) = "{n:.1} M";
        CONTEXT = "Context";
        tokens(n: usize) = "{n} tokens";
        HEAD = "Head";
        LOADED_IN = "Loaded in";
        LAST_RESPONSE = "Last response";
        WEIGHTS = "Weights";
        ENGINE_FAILED_ON_MODEL = "The model engine failed on this model.";
        ENGINE_FAILED_ON_TEXT = "The model engine failed on this text.";
    }

    /// A head of one's own: what it learns from, how it went, and which labels it doubts.
    training {
        TITLE = "A head of one's own";
        TOLD = "Fits a new last layer for the loaded model to the labels of this project. The rest of it stays as it is, so that some \
         hundreds of labels are enough and it takes minutes";
        NEEDED_FIRST = "Open a project and load a model first";
        train_on(model: &str) = "Train on {model}";
        FOLDER = "Folder…";
        steps(done: u64, total: u64) = "{done} of {total} steps";
        steps_told(steps: &str) = "{steps}. What is computed is kept if you stop; labeling can go on";
        goes_to(folder: &dyn std::fmt::Display) = "The new model goes to {folder}";
        DRAWN_AT_RANDOM = "items drawn at random";
        OTHER_ITEMS = "the other items";
        agreed_on(wins: u64, n: u64, items: &str, percent: f64, low: f64, high: f64) = "{wins} of {n} on {items} ({percent:.0} %, {low:.0} to {high:.0})";
        agrees(parts: &str) = "The loaded model agrees with the labels of this project: {parts}.";
        TRAINED_HERE = "It was trained in this program, perhaps on these very labels: then this says how well it knows them by heart";
        trained_on(labels: usize) = "Trained on {labels} labels";
        USE = "Use this model";
        is_in(folder: &dyn std::fmt::Display) = "It is in {folder}";
        DOUBTED = "Labels of yours that it doubts";
        DOUBTED_HIDDEN = "Scores are hidden in this project, and so are these";
        DOUBTED_NONE = "None: heads that had not learned from a prompt agreed with each of your labels of it";
        DOUBTED_TOLD = "Each was judged by a head that had not learned from its prompt. A slip of yours, or of the model: read it again and decide";
        doubted(item: &str, margin: f64) = "Item {item}, margin {margin:.2}";
        error_between(value: f64, low: f64, high: f64) = "{value:.2} ({low:.2} to {high:.2})";
        percent_between(value: f64, low: f64, high: f64) = "{value:.0} % ({low:.0} to {high:.0})";
        ERROR = "Root mean squared error";
        AGREEMENT = "Agreement with the labels";
        labels(n: usize) = "1 label" or "{n} labels";
        prompts(n: usize) = "1 prompt" or "{n} prompts";
        outcome(metric: &str, held_out: &str, labels: &str, prompts: &str, learned: &str) =
            "{metric}: {held_out} on {labels} of {prompts} held out, {learned} on those it learned from.";
        FEW_LABELS = " So few labels say little: mind the interval.";
        length_baseline(percent: f64) = " Picking the longer response: {percent:.0} % of the held-out ones.";
        left_out(n: usize) = " {n} labels say nothing of this kind and were left out.";
        epoch(number: usize) = "epoch {number}";
        LEARNED_FROM = "learned from";
        HELD_OUT = "held out";
        curve(best: usize, epochs: usize, loss: f64) = "Loss per epoch: the held-out part is lowest at epoch {best} of {epochs}, {loss:.3}";
    }

    /// Settings: their tabs, how text is set, and which key does what.
    settings {
        READING = "Reading";
        KEYS = "Keys";
        ASKED = "What is asked";
        GUIDELINES = "Guidelines";
        TYPEFACE = "Typeface";
        SERIF = "Source Serif";
        SERIF_TOLD = "A text face for long reading";
        SANS = "Inter";
        SANS_TOLD = "Without serifs, as in the controls";
        SIZE = "Size";
        points(size: f32) = "{size} pt";
        LINE_HEIGHT = "Line height";
        LONGEST_LINE = "Longest line";
        characters(n: u16) = "{n} characters";
        ZOOM = "Everything";
        THEME = "Theme";
        PAPER = "Paper";
        PAPER_TOLD = "Ink on warm paper";
        SLATE = "Slate";
        SLATE_TOLD = "Light on slate";
        CONTRAST = "High contrast";
        CONTRAST_TOLD = "White on black, with a yellow focus";
        NO_MOTION = "Nothing moves by itself in this program, so that there is no motion to reduce.";
        SAMPLE = "A reader of many answers needs a line that the eye finds again without looking for it: not too long, not too close to the next, and in letters that can be told apart at the end of the day. “1, l and I” are three of them.";
        LESS = "less";
        MORE = "more";
        KEYS_TOLD = "Digits and brackets go by their place on the keyboard, letters by what they type. Escape stays.";
        RESET_ALL = "All keys as they were";
        CHOOSING = "press a key, Esc leaves it";
        CHANGE = "Change";
        change_key_of(command: &str) = "Change the key of: {command}";
        RESET = "Reset";
        key_taken(key: &dyn std::fmt::Display, command: &str) = "{key} is the key of “{command}”.";
        TAKE_KEY = "Take it from there";
        LEAVE_KEY = "Leave it";
        key_refused(key: &dyn std::fmt::Display) = "{key} cannot be the key of that: it types something, or leaves a text.";
    }

    /// Settings: what the project asks.
    schema {
        NO_PROJECT = "Open a project first: what is asked is kept in it.";
        TOLD = "A change is an event of the project and makes a new version. Labels made before keep the version they were made under.";
        BEGIN_WITH = "Begin with";
        HELPSTEER2 = "HelpSteer2";
        SEVEN_STEPS = "Seven steps with a tie";
        QUICK_AB = "Quick A/B";
        MODE = "Mode";
        SIDE_BY_SIDE_TOLD = "Both responses open from the start";
        SEQUENTIAL_TOLD = "Rate A alone, then B alone, then compare and say why";
        QUICK_AB_TOLD = "Only which one is better";
        RANKING_TOLD = "All responses in an order, ties allowed; of two, exported as a preference";
        RATINGS_TOLD = "Only ratings, no comparison";
        ONE_STRENGTH = "Binary: A or B";
        TWO_STRENGTHS = "Better, slightly better";
        THREE_STRENGTHS = "Much better, better, slightly better";
        ALLOW_TIE = "“The same” can be chosen";
        ALLOW_NEITHER = "“Neither valid” can be chosen";
        REASON = "Reason";
        REASON_NEEDED = "Needed";
        REASON_OPTIONAL = "optional";
        characters(n: usize) = "{n} characters";
        TAGS = "Reason tags";
        TAGS_HINT = "separated by commas";
        OTHER_SWITCHES = "Besides";
        CONFIDENCE = "Ask how sure the annotator is, 1 to 5";
        HIDE_COUNTS = "Hide counts of words and tokens";
        SHUFFLE = "Each annotator gets the items in an order of their own";
        PRACTICE = "Practice first";
        PRACTICE_NONE = "none";
        practice_items(n: usize) = "{n} items";
        PRACTICE_TOLD = "Practice items come from those that brought a label with them; each is answered with that label, and none counts.";
        use_as_version(version: u32) = "Use this as version {version}";
        cannot_be_used(error: &dyn std::fmt::Display) = "This cannot be used yet: {error}.";
        unchanged(error: &dyn std::fmt::Display) = "{error}. Nothing was changed.";
        ATTRIBUTES = "Attributes";
        ATTRIBUTE_NAME = "Name";
        ATTRIBUTE_FIELD = "Name in files";
        ATTRIBUTE_QUESTION = "The question it answers";
        ATTRIBUTE_HIGHEST = "Highest level";
        ATTRIBUTE_LEVEL = "What this level means";
        ATTRIBUTE_REQUIRED = "Required";
        ATTRIBUTE_DESCRIPTIVE = "Describes, does not praise";
        ATTRIBUTE_REMOVE = "Remove";
        ATTRIBUTE_ADD = "Add an attribute";
        new_attribute(number: usize) = "Attribute {number}";
    }

    /// Settings: the project's guidelines.
    guidelines {
        NO_PROJECT = "Open a project first: its guidelines are kept in it.";
        none_yet(key: &str) = "In Markdown, shown beside the responses with {key}. Until there are any, what the schema says is shown.";
        in_force(key: &str, version: &str) =
            "In Markdown, shown beside the responses with {key}. In force: version {version}. Every label records the version it was made under.";
        HINT = "What makes an answer good here? What is a tie? What shall be flagged?";
        PUT_IN_FORCE = "Put in force";
        BEGIN_WITH_SCHEMA = "Begin with the schema";
    }

    /// Guidelines that follow from the schema alone, in Markdown: a piece where something is asked.
    schema_guidelines {
        BEGINNING = "Nobody has written guidelines for this project yet. This is what its schema asks.\n";
        DESCRIPTIVE = " It describes; more is not better.";
        LEVELS = "\n\n| Level | Meaning |\n| ---: | --- |\n";
        PREFERENCE = "\n## Preference\n\nWhich one would you rather have, all things considered?";
        NO_TIE = " There is no tie: where they are nearly even, choose the one that is slightly better.";
        RANKING = "\n## Ranking\n\nBest first; responses that are even share a place.\n";
        why(characters: usize) = "\n## Why\n\nSay what decided it, in at least {characters} characters, as you would to a colleague. Name the responses A and B.\n";
    }

    /// What is going on meanwhile, as the status bar names it.
    jobs {
        looking_at(files: &str) = "Looking at {files}";
        importing(files: &str) = "Importing {files}";
        files(n: usize) = "{n} files";
        writing(path: &dyn std::fmt::Display) = "Writing {path}";
        scoring(model: &str) = "Scoring all items with {model}";
        training(model: &str) = "Training a head on {model}";
    }

    /// Projects that this program makes, as they are called.
    project {
        SAMPLE = "Sample conversations";
        UNTITLED = "Project";
    }

    /// What is said of what happened: what it was, what is safe, what to do.
    notices {
        taken_over(by: &str) = "{by} has taken over this project. Everything you saved is in it; from here on this window only reads it.";
        ready_to_import(rows: u64) = "{rows} rows are ready to import.";
        imported(imported: u64, read: u64) = "Imported {imported} of {read} rows. Ctrl K shows the report of the last import.";
        unscorable(n: u64) = "{n} responses cannot be scored by this model; their items come last.";
        READ_ONLY_NO_IMPORT = "This project is open for reading only, so nothing can be imported into it. Open another one first.";
        READ_ONLY_NOW = "This project is open for reading only now, so nothing was imported.";
        answer_not_saved(why: &str) = "{why} Your answer is still on the screen: press Enter to try again, or save a copy elsewhere.";
        NO_PROJECT = "No project is open.";
        NO_PROJECT_TO_WRITE = "No project is open for writing: nothing was saved.";
        FAILED_INSIDE = "This failed inside the program. What was saved before is safe.";
        SAVING_ENDED = "The part of the program that saves has ended: nothing more is saved. Close the window and open it again.";
        no_thread(error: &dyn std::fmt::Display) = "No thread could be started: {error}";
        settings_not_kept(path: &dyn std::fmt::Display, error: &dyn std::fmt::Display) = "The settings could not be kept in {path}: {error}. Labels are not affected.";
        scores_not_kept(error: &dyn std::fmt::Display) = "Scores could not be kept: {error}. They will be computed again; labels are not affected.";
        not_imported(error: &dyn std::fmt::Display) = "{error}. Nothing was imported.";
        labels_not_affected(error: &dyn std::fmt::Display) = "{error}. Labels are not affected.";
        labels_not_affected_by(error: &dyn std::fmt::Display, code: &str) = "{error} ({code}). Labels are not affected.";
        hint(hint: &str) = " Hint: {hint}.";
        no_sample(path: &dyn std::fmt::Display, error: &dyn std::fmt::Display) = "The sample project could not be made at {path}: {error}";
        not_let_go(owner: &str, host: &str) =
            "{owner} on {host} did not let go of this project. A command may be writing to it, or that computer may be asleep. Nothing was changed; close it there, or open it read-only.";
        taken_over_unreadable(by: &str, error: &dyn std::fmt::Display) = "{by} has taken over this project, and it cannot be read: {error}. What was saved before is safe.";
    }
}
