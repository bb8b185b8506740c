//! Words of reward models.

words! {
    /// Whose labels are studied, and what is said while they are counted.
    study {
        LABELS = "Labels";
        COLLECTED = "Collected here";
        COLLECTED_TOLD = "What annotators of this project have committed";
        REFERENCE = "Came with the data";
        REFERENCE_TOLD = "Verdicts and votes of the imported files";
        NO_PROJECT = "Open a project first: its labels are what is looked at here.";
        counting(done: u64, total: u64) = "Counting… {done} of {total} items";
        LISTED_TOLD = "Only items that you have answered are listed: others' labels of the rest stay hidden until then.";
        none_listed(n: u64) = "1 more, on an item that you have not answered, or beyond the first 200." or
            "{n} more, on items that you have not answered, or beyond the first 200.";
        percent(part: f64) = "{part:.0} %";
        between(low: f64, high: f64) = "{low:.0} to {high:.0} %";
        people(n: usize) = "1 person" or "{n} people";
        parting_row(item: u64, preview: &str, more: &str) = "Item {item}: {preview}. {more}";
    }

    /// Where the model and people part ways.
    inspect {
        TITLE = "Where the model and people part ways";
        TOLD = "Every pair in which somebody preferred one response, beside the scores of the loaded model";
        HIDDEN = "Scores of this project are hidden, and so is what follows from them. Change the policy in the top bar to look at them.";
        NO_MODEL = "No model is loaded. Load one, and its scores are held against the labels.";
        MODEL_LOADING = "The model is being loaded…";
        TO_MODELS = "Go to Models";
        NO_LABELS = "No pair has a preference yet. Label some, or look at those that came with the data.";
        NO_SCORES = "No scores of this model yet.";
        unscored(n: u64) = "1 pair has no scores of this model yet." or "{n} pairs have no scores of this model yet.";
        SCORE_ALL = "Score what has no score";
        AGREES = "agrees with people";
        PAIRS = "pairs";
        CALIBRATION = "calibration error";
        CALIBRATION_TOLD = "Expected calibration error in 15 bins: how far the probability that follows from the margin is from how often people agree. 0 is perfect";
        LONGER = "the longer one preferred";
        LONGER_TOLD = "How often people preferred the longer response: a model that only counts words would agree as often";
        TIES = "equal scores";
        MARGINS = "Margins";
        MODEL_AGREES = "agrees";
        MODEL_OTHERWISE = "prefers the other";
        margins_told(n: u64, wins: u64, reach: f64) = "Margins of {n} pairs, from -{reach:.1} to {reach:.1}: above 0 in {wins}";
        RELIABILITY = "Calibration";
        RELIABILITY_TOLD = "Across: how sure the model is. Up: how often people agree. On the dashed line both are the same.";
        bin(claimed: f64, right: f64, n: u64) = "{claimed:.0} % sure, {right:.0} % right, {n} pairs";
        reliability_told(bins: &str) = "Calibration: {bins}";
        SLICES = "Kinds of pairs";
        FEW = "few";
        CHOSEN_LONGER = "Preferred one longer";
        SAME_LENGTH = "Same length";
        CHOSEN_SHORTER = "Preferred one shorter";
        SLIGHT = "Slightly better";
        CLEAR = "Better, much better";
        SINGLE_TURN = "One prompt";
        MULTI_TURN = "Several prompts";
        CODE = "With code";
        ONE_LIST = "Only one has a list";
        ONE_BOLD = "Only one has bold words";
        slice(name: &str, percent: f64, low: f64, high: f64, n: u64) = "{name}: {percent:.0} % ({low:.0} to {high:.0}) of {n}";
        PARTINGS = "Where they part ways";
        NO_PARTINGS = "Nowhere: the model prefers what people prefer.";
        margin(margin: f64) = "margin {margin:.2}";
    }

    /// What models beside the one that scores say of a response.
    beside {
        scores(name: &str, response: &str, score: &str) = "{name}: score of {response} {score}";
        margin(name: &str, response: &str, margin: f64) = "{name} prefers {response} by {margin:.2}";
        equal(name: &str) = "{name} gives both the same score";
    }

    /// How far annotators agree.
    agreement {
        TITLE = "How far people agree";
        TOLD = "Items that two or more annotators have labelled, independently of each other";
        NONE = "Two or more people are needed on the same items. Let a second person label in this project under a name of their own, or look at the votes that came with the data.";
        shared(n: u64, of: u64) = "{n} of {of} labelled items have labels of two or more.";
        ATTRIBUTE = "Attribute";
        PREFERENCE = "Preference";
        THINGS = "n";
        ALPHA = "alpha";
        ALPHA_TOLD = "Krippendorff's alpha, ordinal: 1 is perfect, 0 is chance. He asks for 0.80, and for 0.67 where conclusions are tentative";
        KAPPA = "kappa";
        KAPPA_TOLD = "Cohen's kappa with quadratic weights, over all pairs of annotators together";
        SAME = "same";
        SAME_TOLD = "How often two annotators gave the very same value";
        UNKNOWN = "–";
        figures(name: &str, n: u64, alpha: &str, kappa: &str, same: &str) = "{name}: {n} compared, alpha {alpha}, kappa {kappa}, the same in {same}";
        more(nominal: &str, interval: &str, fleiss: &str, cohen: &str) =
            "Alpha nominal {nominal}, interval {interval}; Fleiss' kappa {fleiss}; Cohen's kappa without weights {cohen}.";
        MATRIX = "Pairs of annotators";
        MATRIX_TOLD = "Kappa with quadratic weights; the more ink, the closer they are";
        matrix_more(n: usize) = "1 more annotator is not shown" or "{n} more annotators are not shown";
        cell(first: &str, second: &str, kappa: &str, n: u64) = "{first} and {second}: {kappa}, {n} compared";
        CONFLICTS = "Where they do not";
        NO_CONFLICTS = "Nowhere, on what you have answered.";
    }

    /// The reward model.
    models {
        TITLE = "Reward models";
        TOLD = "It runs on this computer. Labeling never waits for it, and never needs it";
        LOAD_FOLDER = "Load a folder…";
        LOAD_FILE = "Load a file…";
        DROP_TOLD = "or drop one on the window";
        ODD_PATH = "its path is not UTF-8";
        FAMILY = "Family";
        OUTPUTS = "Outputs";
        LICENCE = "Licence";
        NO_LICENCE = "not said in its files";
        TEMPLATE = "Chat template";
        TEMPLATE_OWN = "its own";
        TEMPLATE_NONE = "no chat template";
        TEMPLATE_PAIR = "none: it reads pairs";
        MEMORY = "Memory";
        takes(needed: f64) = "about {needed:.1} GB";
        takes_of(needed: f64, free: f64) = "about {needed:.1} GB, {free:.1} GB are free";
        stored(stored: &str, precision: &str) = "stored {stored}, computed {precision}";
        tried(how: &str) = "Tried out: {how}";
        probe(good: f64, bad: f64) = "a good answer {good:.2}, a bad one {bad:.2}; the same text got the same score";
        probe_odd(good: f64, bad: f64) = "a bad answer {bad:.2} is not below a good one {good:.2}: a weak model, or the wrong template";
        probe_unsteady(good: f64, again: f64) = "the same text got {good} and {again}: do not trust it";
        OTHERS = "All models";
        LOOKING = "Looking at the models…";
        BUILT_IN = "built in";
        HUB = "from the hub's cache";
        SCORES = "scores";
        COMPARED = "compared";
        USE = "Use";
        COMPARE = "Compare";
        COMPARE_TOLD = "Its scores stand beside those of the model that scores";
        COMPARE_FULL = "Three models are compared already";
        NO_LONGER = "No longer";
        FORGET = "Forget";
        FORGET_TOLD = "Takes it off this list; its files stay";
        TOO_LARGE = "larger than what is free";
        PROJECT = "Scores of this project";
        all_scored(name: &str) = "Every item has a score by {name}.";
        unscored(n: u64, name: &str) = "1 item has no score by {name} yet." or "{n} items have no score by {name} yet.";
        SCORE_ALL = "Score them";
        PAUSE = "Pause";
        GO_ON = "Go on";
        paused(done: u64, total: u64) = "Paused after {done} of {total} items. What is computed is kept.";
        scored(done: u64, total: u64) = "{done} of {total} items";
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
}
