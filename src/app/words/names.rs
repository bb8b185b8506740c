//! What values of other rooms are called: modes, doubts, objectives, formats.

use crate::dataset::Format;
use crate::domain::{Doubt, Mode};
use crate::reward::train::Loss;

words! {
    /// How responses stand before the annotator.
    modes {
        SIDE_BY_SIDE = "Side by side";
        ONE_AT_A_TIME = "One at a time";
        SEQUENTIAL = "Sequential";
        QUICK_AB = "Quick A/B";
        RANKING = "Ranking";
        RATING_ONLY = "Rating only";
    }

    /// What is asked before an odd label is committed.
    doubts {
        rated_against(higher: &str, other: &str, commit: &str) = "You rated {higher} higher and prefer {other}. {commit} keeps it.";
        names_sides(commit: &str) =
            "The reason says left or right; others may see the sides swapped. A and B are understood. {commit} keeps it.";
    }

    /// What a head of one's own is asked to make small, and what that learns from.
    losses {
        BRADLEY_TERRY = "Bradley-Terry";
        BRADLEY_TERRY_TOLD = "which response is better";
        MARGIN = "Bradley-Terry with margins";
        MARGIN_TOLD = "which is better; strong preferences ask for a wide margin";
        SCALED = "Scaled Bradley-Terry";
        SCALED_TOLD = "which is better; strong preferences count more";
        REGRESSION = "Regression";
        REGRESSION_TOLD = "the ratings, one output per attribute";
    }

    /// What the rows of a format are.
    formats {
        HELPSTEER2 = "a prompt, a response and five ratings in each row";
        HELPSTEER2_PREFERENCE = "two responses and how much the better one is better";
        HH_RLHF = "two whole transcripts, the chosen and the rejected one";
        TRL = "a chosen and a rejected response";
        PAIRS = "a conversation and two responses to it";
        MESSAGES = "one conversation in each row";
        JUDGEBENCH = "two responses and which of them is right";
        MT_BENCH = "two conversations of two turns, and the votes about them";
        HELPSTEER3 = "two responses to a conversation, and a preference of each annotator";
        REWARDBENCH = "two responses and which of them is right, by subset";
        REWARDBENCH2 = "several responses and which of them are right";
        RM_BENCH = "right and wrong responses in three styles";
        ULTRAFEEDBACK = "several completions and their ratings";
        ARENA = "two models' conversations and which of them won";
        CSV_MAP = "rows of your own, by what you said of their fields";
        SHAREGPT = "conversations between human and gpt, alone or with two sides";
    }
}

/// Name of a mode.
pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::SideBySide => modes::SIDE_BY_SIDE,
        Mode::OneAtATime => modes::ONE_AT_A_TIME,
        Mode::Sequential => modes::SEQUENTIAL,
        Mode::QuickAb => modes::QUICK_AB,
        Mode::Ranking => modes::RANKING,
        Mode::RatingOnly => modes::RATING_ONLY,
    }
}

/// What the annotator is asked before the commit, which is on the key `commit`; nothing for what is only recorded.
pub fn question(doubt: Doubt, commit: &str) -> Option<String> {
    match doubt {
        Doubt::RatedAgainst { higher } => {
            let (higher, other) = if higher == 0 { ("A", "B") } else { ("B", "A") };
            Some(doubts::rated_against(higher, other, commit))
        }
        Doubt::NamesSides => Some(doubts::names_sides(commit)),
        Doubt::TooFast | Doubt::Identity => None,
    }
}

/// Name of an objective, and what it learns from.
pub fn loss(loss: Loss) -> (&'static str, &'static str) {
    match loss {
        Loss::BradleyTerry => (losses::BRADLEY_TERRY, losses::BRADLEY_TERRY_TOLD),
        Loss::Margin => (losses::MARGIN, losses::MARGIN_TOLD),
        Loss::Scaled => (losses::SCALED, losses::SCALED_TOLD),
        Loss::Regression => (losses::REGRESSION, losses::REGRESSION_TOLD),
    }
}

/// What the rows of a format are, in a few words.
pub fn rows_of(format: Format) -> &'static str {
    match format {
        Format::HelpSteer2 => formats::HELPSTEER2,
        Format::HelpSteer2Preference => formats::HELPSTEER2_PREFERENCE,
        Format::HhRlhf => formats::HH_RLHF,
        Format::Trl => formats::TRL,
        Format::Pairs => formats::PAIRS,
        Format::Messages => formats::MESSAGES,
        Format::JudgeBench => formats::JUDGEBENCH,
        Format::MtBench => formats::MT_BENCH,
        Format::HelpSteer3 => formats::HELPSTEER3,
        Format::RewardBench => formats::REWARDBENCH,
        Format::RewardBench2 => formats::REWARDBENCH2,
        Format::RmBench => formats::RM_BENCH,
        Format::UltraFeedback => formats::ULTRAFEEDBACK,
        Format::Arena => formats::ARENA,
        Format::ShareGpt => formats::SHAREGPT,
        Format::CsvMap => formats::CSV_MAP,
    }
}
