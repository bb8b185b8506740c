//! Words of reading, judging and looking back.

words! {
    /// Practice: one's own answer beside the one that came with the data.
    practice {
        PRACTICE = "Practice";
        item_of(at: usize, of: usize) = "Practice {at} of {of}";
        TOLD = "Your answer beside the one that came with this item. It does not count; talk about what surprises you.";
        YOURS = "yours";
        REFERENCE = "reference";
        GO_ON = "Go on";
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
        question_told(key: &str) = "{key} shows all of it";
        show_response(letter: &str) = "Show response {letter}";
        show_response_told(key: &str) = "{key} shows the other response";
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
        NO_ITEMS_TOLD = "Drop data files or folders here, or import them: HelpSteer, HH-RLHF, TRL, UltraFeedback, RewardBench, arena battles, ShareGPT, \
             any pairs or messages, as JSON lines, CSV or Parquet.";
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
        commit_by_key(key: &str) = "{key} commits";
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
        complete(key: &str) = "Complete. {key} commits.";
        incomplete(what: &str, key: &str) = "{what}. {key} goes to the first.";
        NOTHING_ASKED = "In this mode nothing is asked of such an item: skip it, or put it off.";
        rate_first(response: &str) = "Sequential: rate {response} first, by itself.";
        select_first(key: &str) = "Select words of a response first: with the mouse, or find them ({key}).";
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
}
