//! Words of lists, exports, settings, and of what happened.

words! {
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
        imported(imported: u64, read: u64, key: &str) = "Imported {imported} of {read} rows. {key} shows the report of the last import.";
        unscorable(n: u64) = "{n} responses cannot be scored by this model; their items come last.";
        READ_ONLY_NO_IMPORT = "This project is open for reading only, so nothing can be imported into it. Open another one first.";
        READ_ONLY_NOW = "This project is open for reading only now, so nothing was imported.";
        answer_not_saved(why: &str, key: &str) = "{why} Your answer is still on the screen: press {key} to try again, or save a copy elsewhere.";
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
