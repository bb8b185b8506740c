//! A labeler's day: every mode by keys, what is asked beside the ratings, undo of everything, rewriting, finding, practice, one's own
//! keys, and coming back to the same place.

use std::path::Path;

use tiebreak::app::Action;
use tiebreak::app::form::Field;
use tiebreak::app::settings::Settings;
use tiebreak::app::state::{DiffView, SettingsTab};
use tiebreak::domain::*;

use crate::support::*;

const PAIRS: &str = "helpsteer2_validation_first8.jsonl";
const WHY: &str = "The other one misses the point.";

pub(super) fn dispatch(shown: &mut Shown, action: Action) {
    shown.state_mut().app.dispatch(action);
    shown.step();
    shown.step();
}

/// Changes what the project asks, and waits until it does.
pub(super) fn ask(shown: &mut Shown, change: impl FnOnce(&mut LabelSchema)) {
    let mut schema = state(shown).schema().unwrap().clone();
    let version = schema.version;
    change(&mut schema);
    dispatch(shown, Action::SetSchema(Box::new(schema)));
    until(shown, "the schema is in force", |s| {
        state(s).schema().unwrap().version == version + 1
    });
    until_saved(shown);
}

pub(super) fn labels(project: &Path) -> Vec<Label> {
    let labels = events(project).into_iter().filter_map(|e| match e.body {
        EventBody::Label(label) => Some(*label),
        _ => None,
    });
    labels.collect()
}

// -----------------------------------------------------------------------------------------
// Modes

#[test]
fn a_whole_helpsteer2_item_is_twelve_keystrokes_beside_the_reason() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    let keys = "3 3 4 2 2 1 2 4 1 1 2";
    press(&mut shown, keys);
    type_text(&mut shown, WHY);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    assert_eq!(keys.split(' ').count() + 1, 12);
    let labels = labels(&project);
    assert_eq!(labels.len(), 1);
    assert_eq!(labels[0].context.mode, Mode::SideBySide);
    assert_eq!(labels[0].context.schema, "helpsteer2@1");
}

#[test]
fn sequential_shows_and_rates_one_after_the_other_before_they_are_compared() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    ask(&mut shown, |s| s.mode = Mode::Sequential);
    shown.step();
    let open = state(&shown).open_item().unwrap();
    let word = |side: usize| {
        open.original(side)
            .unwrap()
            .chars()
            .take(24)
            .collect::<String>()
    };
    let (a, b) = (word(0), word(1));
    let reads = |shown: &Shown, text: &str| told(shown).iter().any(|t| t.starts_with(text));
    assert!(reads(&shown, &a) && !reads(&shown, &b), "A stands alone");
    // Neither B nor the comparison comes before A is rated.
    for early in ["B", "I"] {
        press(&mut shown, early);
        assert_eq!(
            state(&shown).focus(),
            Some(Field::Rating {
                side: 0,
                attribute: 0
            }),
            "after {early}"
        );
    }
    press(&mut shown, "3 3 3 3 3");
    shown.step();
    assert!(!reads(&shown, &a) && reads(&shown, &b), "B stands alone");
    press(&mut shown, "7");
    assert_eq!(labels(&project).len(), 0);
    press(&mut shown, "1 1 1 1 1");
    assert_eq!(state(&shown).focus(), Some(Field::Preference));
    shown.step();
    assert!(reads(&shown, &a) && reads(&shown, &b), "both are compared");
    press(&mut shown, "2");
    type_text(&mut shown, WHY);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let label = &labels(&project)[0];
    assert_eq!(label.context.mode, Mode::Sequential);
    assert!(
        label.context.schema.starts_with("helpsteer2@2-"),
        "{}",
        label.context.schema
    );
}

#[test]
fn quick_ab_is_one_digit_and_enter() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    ask(&mut shown, |s| {
        s.mode = Mode::QuickAb;
        s.max_strength = 1;
        s.allow_tie = true;
        s.min_justification = 0;
    });
    assert!(!begins(&shown, "Helpfulness"));
    for (digit, sign) in [("1", -1), ("7", 1), ("4", 0)] {
        let at = labels(&project).len();
        press(&mut shown, digit);
        press(&mut shown, "Enter");
        until(&mut shown, "the label", |_| {
            labels(&project).len() == at + 1
        });
        until(&mut shown, "the next item", |s| {
            state(s).labelling() && !s.state().app.state.project.as_ref().unwrap().moving
        });
        let label = &labels(&project)[at];
        let [a, b] = label.context.shown[..] else {
            panic!()
        };
        assert_eq!(label.judgment.preference.unwrap().signed(a, b), Some(sign));
        assert_eq!(label.context.mode, Mode::QuickAb);
        std::thread::sleep(std::time::Duration::from_millis(160));
    }
}

#[test]
fn ranking_moves_cards_by_keys_and_ties_them() {
    let home = Home::of_mina("off");
    let project = three_replies(&home).1;
    let mut shown = home.open_at_item(&project);
    ask(&mut shown, |s| {
        s.mode = Mode::Ranking;
        s.min_justification = 0;
    });
    let [a, b, c] = state(&shown).open_item().unwrap().shown[..] else {
        panic!()
    };
    press(&mut shown, "Enter");
    assert_eq!(
        labels(&project).len(),
        0,
        "an order that nobody has touched is no ranking"
    );
    press(&mut shown, "3 Up Up");
    assert!(tells(&shown, "Response C, place 1 of 3"));
    press(&mut shown, "2 =");
    let ranking = || vec![vec![c], vec![a, b]];
    let now = |shown: &Shown| {
        state(shown)
            .open_item()
            .unwrap()
            .form
            .draft
            .judgment
            .ranking
            .clone()
    };
    assert_eq!(now(&shown), ranking());
    // Out of the tie, and by undo back into it.
    press(&mut shown, "Up");
    assert_eq!(now(&shown), vec![vec![c], vec![b], vec![a]]);
    press(&mut shown, "Ctrl+Z");
    assert_eq!(now(&shown), ranking());
    press(&mut shown, "Enter");
    until_told(&mut shown, "All done");
    let label = &labels(&project)[0];
    assert_eq!(label.judgment.ranking, ranking());
    assert_eq!(label.context.mode, Mode::Ranking);
}

#[test]
fn rating_only_asks_no_comparison() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    ask(&mut shown, |s| s.mode = Mode::RatingOnly);
    assert!(!begins(&shown, "Preference"));
    press(&mut shown, "0 1 2 3 4 4 3 2 1 0 Escape Enter");
    until_told(&mut shown, "Item 2 of 4");
    let label = &labels(&project)[0];
    assert_eq!(label.judgment.preference, None);
    assert_eq!(label.context.mode, Mode::RatingOnly);
}

#[test]
fn reason_tags_and_confidence_are_said_by_digits() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    ask(&mut shown, |s| {
        s.tags = vec!["facts".to_owned(), "style".to_owned(), "safety".to_owned()];
        s.confidence = true;
        s.allow_tie = true;
    });
    press(&mut shown, "1 1 1 1 1 1 1 1 1 1 4");
    type_text(&mut shown, WHY);
    press(&mut shown, "Tab");
    assert_eq!(state(&shown).focus(), Some(Field::Tags));
    press(&mut shown, "3 1 2 2 Tab 4 Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let judgment = &labels(&project)[0].judgment;
    assert_eq!(judgment.tags, ["facts", "safety"]);
    assert_eq!(judgment.confidence, Some(4));
    assert_eq!(judgment.preference, Some(Preference::Tie));
}

#[test]
fn a_schema_that_nobody_could_answer_is_refused_and_old_labels_stay() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let before = labels(&project);
    let mut schema = state(&shown).schema().unwrap().clone();
    schema.attributes[1].name = schema.attributes[0].name.clone();
    dispatch(&mut shown, Action::SetSchema(Box::new(schema)));
    assert!(begins(&shown, "two attributes are called helpfulness"));
    assert_eq!(state(&shown).schema().unwrap().version, 1);
    ask(&mut shown, |s| {
        s.attributes.truncate(1);
        s.attributes[0].max = 2;
        s.attributes[0].anchors.truncate(3);
    });
    assert_eq!(labels(&project), before, "no label is rewritten");
    press(&mut shown, "Escape 3");
    assert!(
        tells(&shown, "Helpfulness of A, not rated"),
        "3 is beyond the scale now"
    );
    drop(shown);
    // The project is what its events say, also for whoever opens it next.
    assert_eq!(reader(&project).schema().unwrap().attributes.len(), 1);
    assert_eq!(
        reader(&project).view().unwrap(),
        View::fold(&events(&project))
    );
}

// -----------------------------------------------------------------------------------------
// Doubts

#[test]
fn a_rating_against_the_preference_is_asked_about_once_and_recorded() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "4 4 4 2 2 1 1 1 2 2 6");
    type_text(&mut shown, "The one on the right is better.");
    press(&mut shown, "Ctrl+Enter");
    assert!(tells(
        &shown,
        "You rated A higher and prefer B. Ctrl Enter keeps it."
    ));
    assert!(begins(&shown, "The reason says left or right"));
    until_saved(&mut shown);
    assert_eq!(labels(&project).len(), 0, "it is a question first");
    std::thread::sleep(std::time::Duration::from_millis(160));
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let doubts = &labels(&project)[0].context.doubts;
    for doubt in ["rated-against-preference", "names-sides", "too-fast"] {
        assert!(doubts.iter().any(|d| d == doubt), "{doubt} of {doubts:?}");
    }
}

#[test]
fn a_change_after_the_question_asks_again() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "4 4 4 2 2 1 1 1 2 2 6");
    type_text(&mut shown, WHY);
    press(&mut shown, "Ctrl+Enter");
    assert!(begins(&shown, "You rated A higher"));
    press(&mut shown, "Escape 2");
    assert!(!begins(&shown, "You rated A higher"));
    std::thread::sleep(std::time::Duration::from_millis(160));
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let label = &labels(&project)[0];
    assert!(
        !label
            .context
            .doubts
            .iter()
            .any(|d| d == "rated-against-preference")
    );
}

// -----------------------------------------------------------------------------------------
// Later, comments, undo, history

#[test]
fn what_is_put_off_comes_back_when_nothing_else_is_left() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "T");
    until_told(&mut shown, "Item 2 of 4");
    for next in [3, 4, 1] {
        std::thread::sleep(std::time::Duration::from_millis(160));
        fill(&mut shown);
        press(&mut shown, "Ctrl+Enter");
        until_told(&mut shown, &format!("Item {next} of 4"));
    }
    assert_eq!(reader(&project).counts_for("mina").unwrap().later, 1);
    std::thread::sleep(std::time::Duration::from_millis(160));
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "All done");
    let counts = reader(&project).counts_for("mina").unwrap();
    assert_eq!((counts.later, counts.labelled), (0, 4));
}

#[test]
fn undo_takes_back_ratings_comments_flags_and_labels_one_by_one() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "3 2");
    press(&mut shown, "C");
    type_text(&mut shown, "Is this an old one?");
    press(&mut shown, "Enter");
    until(&mut shown, "the comment", |s| {
        state(s).open_item().unwrap().comments == ["Is this an old one?"]
    });
    until_saved(&mut shown);
    press(&mut shown, "Ctrl+Z");
    until(&mut shown, "no comment", |s| {
        let open = state(s).open_item().unwrap();
        open.comments.is_empty() && state(s).labelling()
    });
    until_saved(&mut shown);
    assert!(
        begins(&shown, "Correctness of A, 2 of 4"),
        "the ratings stay"
    );
    press(&mut shown, "Ctrl+Z");
    assert!(tells(&shown, "Correctness of A, not rated"));
    press(&mut shown, "Ctrl+Z");
    assert!(tells(&shown, "Helpfulness of A, not rated"));
    press(&mut shown, "Ctrl+Shift+Z Ctrl+Shift+Z");
    assert!(begins(&shown, "Correctness of A, 2 of 4"));
    // Nothing was deleted: every deed is in the log.
    let kinds: Vec<String> = events(&project)
        .iter()
        .map(|e| e.body.kind().to_owned())
        .collect();
    assert_eq!(kinds, ["comment", "undo"]);
}

#[test]
fn the_history_tells_before_and_after_and_restores() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    press(&mut shown, "Escape Alt+Left");
    until_told(&mut shown, "Item 1 of 4");
    let first = labels(&project)[0].clone();
    press(&mut shown, "A 0");
    std::thread::sleep(std::time::Duration::from_millis(160));
    press(&mut shown, "Ctrl+Enter");
    until(&mut shown, "a second label", |_| {
        labels(&project).len() == 2
    });
    until(&mut shown, "the next item", |s| {
        state(s).labelling() && !tells(s, "Item 1 of 4")
    });
    press(&mut shown, "R");
    until_told(&mut shown, "Item 1 of 4");
    press(&mut shown, "H");
    let old = first
        .judgment
        .ratings
        .get(first.context.shown[0], "helpfulness")
        .unwrap();
    until_told(&mut shown, &format!("Helpfulness of A: {old} \u{2192} 0"));
    // It stands in the form first, a step of undo away from what was there, and counts once it is committed.
    click(&mut shown, "Restore");
    assert!(begins(&shown, &format!("Helpfulness of A, {old} of 4")));
    assert_eq!(labels(&project).len(), 2);
    std::thread::sleep(std::time::Duration::from_millis(160));
    press(&mut shown, "Ctrl+Enter");
    until(&mut shown, "a third label", |_| labels(&project).len() == 3);
    assert_eq!(labels(&project)[2].judgment, first.judgment);
}

#[test]
fn one_comes_back_to_the_same_item_field_caret_and_block() {
    let home = Home::of_mina("off");
    let long: String = (0..80).fold(String::new(), |text, n| {
        text + &format!("Paragraph number {n} of a long reply.\n\n")
    });
    let lines: String = (0..3)
        .map(|n| serde_json::json!({"prompt": format!("Question {n}"), "chosen": long, "rejected": format!("short {n}")}).to_string() + "\n")
        .collect();
    let file = home.write("long.jsonl", &lines);
    let project = home.project("long", &[file]);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "Alt+Right");
    until_told(&mut shown, "Item 2 of 3");
    let side = (0..2)
        .find(|s| {
            state(&shown)
                .open_item()
                .unwrap()
                .original(*s)
                .unwrap()
                .len()
                > 100
        })
        .unwrap();
    press(&mut shown, if side == 0 { "A" } else { "B" });
    press(&mut shown, "Space Space");
    press(&mut shown, "I");
    type_text(&mut shown, "It says more");
    press(&mut shown, "ArrowLeft ArrowLeft ArrowLeft ArrowLeft");
    let first_seen = |shown: &Shown| {
        let seen = told(shown)
            .into_iter()
            .find(|t| t.starts_with("Paragraph number"));
        seen.unwrap()
    };
    until_saved(&mut shown);
    shown.step();
    let before = first_seen(&shown);
    assert_ne!(before, "Paragraph number 0 of a long reply.");
    drop(shown);
    let mut shown = home.open(Some(&project));
    until_told(&mut shown, "Item 2 of 3");
    for _ in 0..4 {
        shown.step();
    }
    assert_eq!(state(&shown).focus(), Some(Field::Justification));
    assert_eq!(first_seen(&shown), before);
    type_text(&mut shown, "far ");
    let said = &state(&shown)
        .open_item()
        .unwrap()
        .form
        .draft
        .judgment
        .justification;
    assert_eq!(said, "It says far more");
}

#[test]
fn a_change_after_the_scores_were_shown_is_kept_but_the_first_answer_counts() {
    for (policy, counts) in [(ScorePolicy::Sealed, 0), (ScorePolicy::Live, 1)] {
        let (home, project) = Home::with_project(PAIRS);
        let mut shown = home.open_at_item(&project);
        if policy == ScorePolicy::Sealed {
            dispatch(&mut shown, Action::SetPolicy(policy));
            until_saved(&mut shown);
        }
        fill(&mut shown);
        press(&mut shown, "Ctrl+Enter");
        until_told(&mut shown, "Item 2 of 4");
        press(&mut shown, "Escape R");
        until_told(&mut shown, "Item 1 of 4");
        press(&mut shown, "A 0");
        let told = begins(&shown, "The scores have been shown. This change is kept");
        assert_eq!(told, policy == ScorePolicy::Sealed);
        std::thread::sleep(std::time::Duration::from_millis(160));
        press(&mut shown, "Ctrl+Enter");
        until(&mut shown, "a second label", |_| {
            labels(&project).len() == 2
        });
        let said = labels(&project);
        assert!(!said[0].context.post_reveal && said[1].context.post_reveal);
        drop(shown);
        let mut used = vec![];
        reader(&project)
            .for_each_item(|record| {
                used.extend(record.labels.into_iter().map(|(_, _, _, label)| label));
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(used, [said[counts].clone()], "{policy:?}");
    }
}

#[test]
fn an_answer_given_anew_after_looking_is_never_taken_for_blind() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    dispatch(&mut shown, Action::SetPolicy(ScorePolicy::Sealed));
    until_saved(&mut shown);
    // Undone at once, nothing was seen: the second answer is as blind as the first.
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    press(&mut shown, "Escape Ctrl+Z");
    until_told(&mut shown, "Item 1 of 4");
    until_saved(&mut shown);
    std::thread::sleep(std::time::Duration::from_millis(160));
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    assert!(!labels(&project)[1].context.post_reveal);
    // Looked at, undone, and answered again: not blind, whatever the log counts now.
    press(&mut shown, "Escape R");
    until_told(&mut shown, "Item 1 of 4");
    press(&mut shown, "Ctrl+Z");
    until(&mut shown, "it is undone", |s| {
        state(s).open_item().unwrap().outcome.is_none() && state(s).labelling()
    });
    until_saved(&mut shown);
    std::thread::sleep(std::time::Duration::from_millis(160));
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    assert!(labels(&project)[2].context.post_reveal);
}

#[test]
fn a_draft_under_an_older_schema_is_committed_as_the_new_one_asks() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    ask(&mut shown, |s| s.tags = vec!["facts".to_owned()]);
    press(&mut shown, "4 4 4 4 4 4 4 4 4 4 1");
    type_text(&mut shown, WHY);
    press(&mut shown, "Tab 1");
    until_saved(&mut shown);
    ask(&mut shown, |s| {
        s.attributes[0].max = 2;
        s.attributes[0].anchors.truncate(3);
        s.attributes.remove(4);
        s.max_strength = 1;
        s.tags.clear();
    });
    let now = |shown: &Shown| {
        state(shown)
            .open_item()
            .unwrap()
            .form
            .draft
            .judgment
            .clone()
    };
    assert_eq!(
        now(&shown).preference,
        None,
        "much better is not asked any more"
    );
    assert!(tells(&shown, "Helpfulness of A, not rated"));
    press(&mut shown, "A 2 B 2 Escape");
    dispatch(&mut shown, Action::Focus(Field::Preference));
    press(&mut shown, "1 Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let label = &labels(&project)[0];
    assert!(label.judgment.tags.is_empty());
    for values in label.judgment.ratings.0.values() {
        assert_eq!(values.len(), 4);
        assert!(values["helpfulness"] <= 2.0 && !values.contains_key("verbosity"));
    }
    assert!(matches!(
        label.judgment.preference,
        Some(Preference::Better {
            strength: Some(1),
            ..
        })
    ));
}

#[test]
fn a_mode_that_asks_nothing_of_an_item_says_so() {
    let home = Home::of_mina("off");
    let project = three_replies(&home).1;
    let mut shown = home.open_at_item(&project);
    ask(&mut shown, |s| {
        s.mode = Mode::QuickAb;
        s.min_justification = 0;
    });
    press(&mut shown, "ArrowDown Tab ArrowUp 1 Enter");
    until_saved(&mut shown);
    assert!(labels(&project).is_empty());
    assert!(begins(
        &shown,
        "In this mode nothing is asked of such an item"
    ));
}

#[test]
fn undo_after_the_last_item_takes_back_the_commit_not_a_letter() {
    let home = Home::of_mina("off");
    let row = serde_json::json!({"prompt": "Q", "chosen": "one", "rejected": "two"});
    let file = home.write("one.jsonl", &format!("{row}\n"));
    let project = home.project("one", &[file]);
    let mut shown = home.open_at_item(&project);
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "All done");
    press(&mut shown, "Ctrl+Z");
    until(&mut shown, "the commit is undone", |s| {
        state(s).open_item().is_some_and(|o| o.outcome.is_none()) && state(s).labelling()
    });
    assert_eq!(events(&project).len(), 2);
    let judgment = &state(&shown).open_item().unwrap().form.draft.judgment;
    assert_eq!(*judgment, labels(&project)[0].judgment, "whole");
}

#[test]
fn n_goes_from_one_put_off_item_to_the_next() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    for next in ["Item 2 of 4", "Item 3 of 4", "Item 4 of 4", "Item 1 of 4"] {
        press(&mut shown, "T");
        until_told(&mut shown, next);
        until_saved(&mut shown);
    }
    for next in ["Item 2 of 4", "Item 3 of 4", "Item 4 of 4", "Item 1 of 4"] {
        press(&mut shown, "N");
        until_told(&mut shown, next);
    }
}

#[test]
fn a_practice_item_stays_one_however_it_is_opened() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    ask(&mut shown, |s| s.practice = 9);
    press(&mut shown, "N");
    // As many as there are with a label of their own, not as many as were wished for.
    until_told(&mut shown, "Practice 1 of 4");
    press(&mut shown, "F");
    until_saved(&mut shown);
    press(&mut shown, "Ctrl+Z");
    until(&mut shown, "the flag is gone", |s| {
        state(s).open_item().unwrap().flag.is_none() && state(s).labelling()
    });
    assert!(tells(&shown, "Practice 1 of 4"));
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "reference");
    assert!(labels(&project).is_empty());
}

// -----------------------------------------------------------------------------------------
// Reading

#[test]
fn text_is_found_in_the_prompt_and_both_responses() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "Ctrl+F");
    type_text(&mut shown, "MASTER");
    until(&mut shown, "it is found", |s| begins(s, "1 of 28"));
    let counts = [
        "prompt 1 \u{b7} A 10 \u{b7} B 17",
        "prompt 1 \u{b7} A 17 \u{b7} B 10",
    ];
    assert!(
        counts
            .iter()
            .any(|c| told(&shown).iter().any(|t| t.contains(c)))
    );
    press(&mut shown, "F3 F3");
    assert!(begins(&shown, "3 of 28"));
    press(&mut shown, "Shift+F3 Shift+F3 Shift+F3");
    assert!(begins(&shown, "28 of 28"), "it goes round");
    press(&mut shown, "Escape Escape");
    assert!(state(&shown).find.is_none());
}

#[test]
fn only_differences_folds_what_is_the_same() {
    let home = Home::of_mina("off");
    let common = "The same paragraph stands on both sides of this comparison.\n\n".repeat(6);
    let row = serde_json::json!({
        "prompt": "Q", "chosen": format!("{common}The end is blue."), "rejected": format!("{common}The end is green."),
    });
    let file = home.write("d.jsonl", &format!("{row}\n"));
    let project = home.project("d", &[file]);
    let mut shown = home.open_at_item(&project);
    let same = |shown: &Shown| {
        told(shown)
            .iter()
            .filter(|t| t.starts_with("The same paragraph"))
            .count()
    };
    let all = same(&shown);
    assert!(all >= 12);
    press(&mut shown, "D");
    assert_eq!(state(&shown).diff, DiffView::Marks);
    assert_eq!(same(&shown), all);
    press(&mut shown, "D");
    shown.step();
    assert_eq!(same(&shown), 0);
    assert!(tells(&shown, "6 parts the same"));
    assert!(tells(&shown, "The end is blue."));
    press(&mut shown, "D");
    assert_eq!(same(&shown), all);
}

#[test]
fn both_responses_scroll_together_when_locked() {
    let home = Home::of_mina("off");
    let long = |word: &str| (0..60).fold(String::new(), |t, n| t + &format!("{word} {n}\n\n"));
    let row = serde_json::json!({"prompt": "Q", "chosen": long("one"), "rejected": long("two")});
    let file = home.write("l.jsonl", &format!("{row}\n"));
    let project = home.project("l", &[file]);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "L A Space Space");
    for _ in 0..4 {
        shown.step();
    }
    let first = |word: &str| {
        let seen = told(&shown)
            .into_iter()
            .find(|t| t.starts_with(word))
            .unwrap();
        seen[word.len() + 1..].parse::<i32>().unwrap()
    };
    assert!(first("one") > 5);
    assert!(
        (first("one") - first("two")).abs() <= 1,
        "{} {}",
        first("one"),
        first("two")
    );
}

#[test]
fn invisible_characters_are_counted_and_written_out_on_demand() {
    let home = Home::of_mina("off");
    let row =
        serde_json::json!({"prompt": "Q", "chosen": "zero\u{200B}width", "rejected": "plain"});
    let file = home.write("i.jsonl", &format!("{row}\n"));
    let project = home.project("i", &[file]);
    let mut shown = home.open_at_item(&project);
    assert!(tells(&shown, "1 odd character"));
    assert!(!tells(&shown, "zero\u{27E8}U+200B\u{27E9}width"));
    press(&mut shown, "Shift+V");
    assert!(tells(&shown, "zero\u{27E8}U+200B\u{27E9}width"));
}

#[test]
fn what_has_no_glyph_or_runs_from_right_to_left_is_said() {
    let home = Home::of_mina("off");
    // A sign that Unicode has not given to anybody has no glyph anywhere.
    let row = serde_json::json!({"prompt": "Q", "chosen": "odd: \u{1FBFA}", "rejected": "\u{5E9}\u{5DC}\u{5D5}\u{5DD}"});
    let file = home.write("g.jsonl", &format!("{row}\n"));
    let project = home.project("g", &[file]);
    let mut shown = home.open_at_item(&project);
    shown.step();
    assert!(tells(&shown, "right-to-left text"));
    assert!(
        told(&shown).iter().any(|t| t.ends_with("no glyph")),
        "{:?}",
        told(&shown)
    );
}

// -----------------------------------------------------------------------------------------
// Rewriting

#[test]
fn a_response_is_rewritten_with_a_live_score_and_its_changes() {
    let home = Home::of_mina("default");
    let project = home.project("work", &[fixture(PAIRS)]);
    let mut shown = home.open_at_item(&project);
    until(&mut shown, "scores", |s| {
        state(s).open_item().unwrap().score(0).is_some()
    });
    press(&mut shown, "A E");
    shown.step();
    type_text(&mut shown, "Nonsense! ");
    until(&mut shown, "a score of the rewrite", |s| {
        !state(s).open_item().unwrap().rescored.is_empty()
    });
    let open = state(&shown).open_item().unwrap();
    let text = open.rewritten(0).unwrap().to_owned();
    assert!(text.contains("Nonsense! ") && text.len() > 100, "{text}");
    let (scored, score) = &open.rescored[&open.shown[0]];
    assert_eq!(*scored, text);
    let (before, now) = (
        open.score(0).unwrap().as_ref().unwrap().score,
        *score.as_ref().unwrap(),
    );
    assert!((before - now).abs() > 1e-6, "{before} {now}");
    assert!(begins(&shown, &format!("Score of the rewrite: {now:.2}")));
    // What came with the data stays; the rewrite is in the label, survives a restart, and can be undone.
    let original = open.original(0).unwrap().to_owned();
    assert!(!original.contains("Nonsense"));
    until_saved(&mut shown);
    drop(shown);
    let mut shown = home.open_at_item(&project);
    assert_eq!(
        state(&shown).open_item().unwrap().rewritten(0),
        Some(text.as_str())
    );
    press(&mut shown, "Escape Ctrl+Z");
    assert_eq!(state(&shown).open_item().unwrap().rewritten(0), None);
    press(&mut shown, "Ctrl+Shift+Z");
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let label = &labels(&project)[0];
    assert_eq!(label.judgment.edits[&label.context.shown[0]], text);
}

#[test]
fn a_sealed_project_scores_no_rewrite() {
    let home = Home::of_mina("default");
    let project = home.project("work", &[fixture(PAIRS)]);
    let mut shown = home.open_at_item(&project);
    until(&mut shown, "scores", |s| {
        state(s).open_item().unwrap().score(0).is_some()
    });
    dispatch(&mut shown, Action::SetPolicy(ScorePolicy::Sealed));
    until_saved(&mut shown);
    press(&mut shown, "A E");
    type_text(&mut shown, "Nonsense! ");
    for _ in 0..80 {
        shown.step();
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(state(&shown).open_item().unwrap().rescored.is_empty());
    assert!(!begins(&shown, "Score of the rewrite"));
}

// -----------------------------------------------------------------------------------------
// Guidelines, practice, own keys, own numbers

#[test]
fn guidelines_stand_beside_the_responses_and_labels_name_their_version() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "G");
    shown.step();
    assert!(begins(&shown, "Nobody has written guidelines"));
    dispatch(
        &mut shown,
        Action::SetGuidelines("# House rules\n\nBe *fair*.".to_owned()),
    );
    until_told(&mut shown, "House rules");
    assert!(tells(&shown, "Be fair."));
    press(&mut shown, "G");
    until_saved(&mut shown);
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let version = labels(&project)[0]
        .context
        .guideline_version
        .clone()
        .unwrap();
    assert_eq!(
        version,
        tiebreak::app::guidelines::version("# House rules\n\nBe *fair*.")
    );
}

#[test]
fn practice_comes_first_is_answered_and_never_counts() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    ask(&mut shown, |s| s.practice = 2);
    press(&mut shown, "N");
    until_told(&mut shown, "Practice 1 of 2");
    let first = item(&shown).id;
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "reference");
    assert!(begins(&shown, "Helpfulness of A"));
    press(&mut shown, "Escape");
    until_told(&mut shown, "Practice 2 of 2");
    assert_ne!(item(&shown).id, first);
    std::thread::sleep(std::time::Duration::from_millis(160));
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "reference");
    press(&mut shown, "Escape");
    until(&mut shown, "real work", |s| {
        let open = state(s).open_item().unwrap();
        open.practice.is_none() && state(s).labelling()
    });
    let counts = reader(&project).counts_for("mina").unwrap();
    assert_eq!((counts.practised, counts.labelled), (2, 0));
    assert_eq!(reader(&project).info().unwrap().labels, 0);
    assert_eq!(
        reader(&project).view().unwrap(),
        View::fold(&events(&project))
    );
    assert!(labels(&project).is_empty());
}

#[test]
fn each_annotator_gets_the_items_in_an_order_of_their_own() {
    let home = Home::of_mina("off");
    let mut lines = String::new();
    for n in 0..12 {
        let (one, two) = (format!("a {n}"), format!("b {n}"));
        let row = serde_json::json!({"prompt": format!("Q {n}"), "chosen": one, "rejected": two});
        lines.push_str(&row.to_string());
        lines.push('\n');
    }
    let file = home.write("many.jsonl", &lines);
    let project = home.project("many", &[file]);
    let mut orders = vec![];
    for who in ["mina", "omar"] {
        home.settle(&Settings {
            annotator: who.to_owned(),
            model: "off".to_owned(),
            ..Settings::default()
        });
        let mut shown = home.open_at_item(&project);
        if who == "mina" {
            ask(&mut shown, |s| s.shuffle = true);
        }
        let mut seen = vec![];
        for n in 0..12 {
            if n > 0 || who == "mina" {
                let before = item(&shown).id;
                press(&mut shown, if n == 0 { "N" } else { "T" });
                until(&mut shown, "another item", |s| {
                    item(s).id != before && state(s).labelling()
                });
                until_saved(&mut shown);
            }
            seen.push(state(&shown).open_item().unwrap().position);
        }
        orders.push(seen);
    }
    for order in &orders {
        let all: std::collections::BTreeSet<u64> = order.iter().copied().collect();
        assert!(all.len() >= 11, "each once: {order:?}");
        assert_ne!(*order, (0..12).collect::<Vec<u64>>());
    }
    assert_ne!(orders[0], orders[1]);
    // The same again after a restart, for the same person.
    assert_eq!(
        reader(&project).by_lot("omar", 7).unwrap()[..3],
        orders[1][..3]
    );
}

#[test]
fn keys_are_chosen_by_pressing_them_and_never_mean_two_things() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    dispatch(&mut shown, Action::ShowSettings(SettingsTab::Keys));
    dispatch(&mut shown, Action::ChooseKey(Some("later")));
    press(&mut shown, "D");
    // D has a meaning already: nothing changes before that is said.
    assert!(begins(&shown, "D is the key of"));
    assert!(state(&shown).settings.keys.is_empty());
    dispatch(&mut shown, Action::ChooseKey(Some("later")));
    press(&mut shown, "Shift+T");
    assert_eq!(state(&shown).settings.keys["later"], ["Shift T"]);
    until(&mut shown, "they are kept", |_| {
        Settings::read(&home.places().settings())
            .keys
            .contains_key("later")
    });
    press(&mut shown, "Ctrl+1 T");
    until_saved(&mut shown);
    assert!(events(&project).is_empty(), "T means nothing any more");
    press(&mut shown, "Shift+T");
    until_told(&mut shown, "Item 2 of 4");
    dispatch(
        &mut shown,
        Action::BindAnyway("later", "D".parse().unwrap()),
    );
    assert_eq!(state(&shown).key("later"), "D");
    assert_eq!(state(&shown).key("diff"), "", "it was taken from there");
    dispatch(&mut shown, Action::Unbind(None));
    assert_eq!(
        (state(&shown).key("later"), state(&shown).key("diff")),
        ("T".to_owned(), "D".to_owned())
    );
}

#[test]
fn every_key_reads_back_from_its_text() {
    for command in tiebreak::app::commands::COMMANDS {
        for key in command.keys {
            assert_eq!(key.to_string().parse(), Ok(*key), "{key}");
        }
    }
}

#[test]
fn ones_own_labels_are_told_in_numbers() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    press(&mut shown, "3 3 3 3 3 1 1 1 1 1 2");
    type_text(&mut shown, WHY);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    press(&mut shown, "Escape");
    dispatch(&mut shown, Action::Open(tiebreak::app::Overlay::Tally));
    until(&mut shown, "the numbers", |s| {
        begins(s, "The left one preferred: 100 %")
    });
    assert!(begins(&shown, "Helpfulness. 0: 0, 1: 1, 2: 0, 3: 1, 4: 0"));
    assert!(begins(&shown, "1 of 4 labelled"));
}

#[test]
fn f6_goes_round_the_panels() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    let focused = |shown: &Shown| {
        use egui_kittest::kittest::NodeT as _;
        let nodes = shown.root().children_recursive();
        let mut focused = nodes.filter(|n| n.accesskit_node().is_focused());
        focused.find_map(|n| n.accesskit_node().label())
    };
    let mut seen = vec![];
    for _ in 0..6 {
        press(&mut shown, "F6");
        shown.step();
        seen.push(focused(&shown).unwrap_or_default());
    }
    for panel in [
        "Screens",
        "Project and model",
        "Form",
        "Context",
        "Response A",
        "Response B",
    ] {
        assert!(seen.iter().any(|s| s == panel), "{panel} of {seen:?}");
    }
}

#[test]
fn rewrites_tags_and_confidence_leave_with_the_pairs_and_come_back() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    ask(&mut shown, |s| {
        s.tags = vec!["facts".to_owned()];
        s.confidence = true;
    });
    press(&mut shown, "1 1 1 1 1 1 1 1 1 1 2");
    type_text(&mut shown, WHY);
    press(&mut shown, "Tab 1 Tab 5");
    let text = "A better one.".to_owned();
    dispatch(&mut shown, Action::Rewrite { side: 0, text });
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let label = labels(&project)[0].clone();
    drop(shown);
    let out = home.file("out.jsonl");
    let done = home.run(&[
        "export",
        project.to_str().unwrap(),
        "--format",
        "pairs",
        "--output",
        out.to_str().unwrap(),
    ]);
    assert!(done.status.success(), "{done:?}");
    let again = home.project("again", &[out]);
    let reader = reader(&again);
    let item = reader.item_at(0).unwrap().unwrap();
    let votes = reader.references(item.id).unwrap();
    let vote = votes
        .iter()
        .find(|r| r.role == ReferenceRole::Vote)
        .unwrap();
    assert_eq!(vote.judgment, label.judgment);
}

// -----------------------------------------------------------------------------------------
// Access

#[test]
fn every_control_has_a_name_and_saves_are_told_as_they_happen() {
    use egui::accesskit::{Live, Role};
    use egui_kittest::kittest::NodeT as _;
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_at_item(&project);
    let nameless = |shown: &Shown, place: &str| {
        for node in shown.root().children_recursive() {
            let node = node.accesskit_node();
            let control = matches!(
                node.role(),
                Role::Button
                    | Role::CheckBox
                    | Role::RadioButton
                    | Role::Tab
                    | Role::TextInput
                    | Role::MultilineTextInput
                    | Role::MenuItem
                    | Role::ListItem
            );
            let named = node.label().is_some_and(|l| !l.trim().is_empty());
            assert!(
                !control || named,
                "a {:?} of {place} has no name: {:?}",
                node.role(),
                node.bounding_box()
            );
        }
    };
    for (keys, place) in [
        ("3", "annotate"),
        ("G", "guidelines"),
        ("H", "history"),
        ("H", "annotate"),
        ("E", "a rewrite"),
        ("Escape", "annotate"),
        ("Ctrl+F", "find"),
        ("Escape", "annotate"),
        ("Ctrl+2", "queue"),
        ("Ctrl+5", "export"),
        ("Ctrl+6", "models"),
        ("Ctrl+7", "settings"),
    ] {
        press(&mut shown, keys);
        shown.step();
        nameless(&shown, place);
    }
    for tab in SettingsTab::ALL {
        dispatch(&mut shown, Action::ShowSettings(tab));
        nameless(&shown, tab.title());
    }
    press(&mut shown, "Escape Ctrl+1");
    until_saved(&mut shown);
    shown.step();
    let live = shown.root().children_recursive().filter(|n| {
        let node = n.accesskit_node();
        node.live() == Live::Polite
    });
    let told: Vec<String> = live.filter_map(|n| n.accesskit_node().label()).collect();
    assert!(told.iter().any(|t| t.starts_with("Saved ")), "{told:?}");
    assert!(told.iter().any(|t| t == "Item 1 of 4"), "{told:?}");
}

#[test]
fn a_window_at_twice_the_size_still_labels() {
    let (home, project) = Home::with_project(PAIRS);
    let mut shown = home.open_sized(Some(&project), egui::vec2(1440.0, 900.0));
    until(&mut shown, "an item is open", |s| {
        state(s).open_item().is_some()
    });
    for _ in 0..10 {
        press(&mut shown, "Ctrl+Plus");
    }
    shown.step();
    assert_eq!(state(&shown).settings.zoom, 200);
    assert!(state(&shown).compact, "it has the layout of a small window");
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
}

#[test]
fn a_response_that_names_its_author_is_marked() {
    let home = Home::of_mina("off");
    let row =
        serde_json::json!({"prompt": "Q", "chosen": "As ChatGPT, I think so.", "rejected": "No."});
    let file = home.write("n.jsonl", &format!("{row}\n"));
    let project = home.project("n", &[file]);
    let mut shown = home.open_at_item(&project);
    shown.step();
    assert!(tells(&shown, "a response names its author"));
}
