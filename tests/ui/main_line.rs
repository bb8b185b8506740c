//! From the welcome to a label to an export, with the embedded model.

use egui::Role;
use egui_kittest::kittest::Queryable as _;
use serde_json::{Value, json};
use tiebreak::domain::*;

use crate::support::*;

fn scores_are_there(shown: &Shown) -> bool {
    begins(shown, "Score of A") && begins(shown, "Score of B")
}

/// The score that is told for a side.
fn told_score(shown: &Shown, side: &str) -> String {
    let lead = format!("Score of {side} ");
    let told = told(shown);
    let score = told.iter().find_map(|t| t.strip_prefix(&lead)).unwrap();
    score.replace('−', "-")
}

fn sample_row(row: usize) -> Value {
    let text = include_str!("../../datasets/sample/mt-bench/conversations.jsonl");
    serde_json::from_str(text.lines().nth(row).unwrap()).unwrap()
}

#[test]
fn the_sample_is_labelled_by_keyboard_undone_redone_reopened_and_exported() {
    let home = Home::new();
    let sample = home.places().sample();

    // The welcome asks for a name only.
    let mut shown = home.open(None);
    assert!(tells(&shown, "Welcome to Tiebreak"));
    press(&mut shown, "Ctrl+A");
    type_keys(&mut shown, "mina");
    press(&mut shown, "Enter");
    until_told(&mut shown, "Item 1 of 114");
    until(&mut shown, "both scores", scores_are_there);
    let scores = [told_score(&shown, "A"), told_score(&shown, "B")];
    assert!(begins(&shown, "Margin: "), "the margin is live too");

    // Ten digits, a preference, a reason, a commit.
    let item = item(&shown);
    let sides = state(&shown).open_item().unwrap().shown.clone();
    fill(&mut shown);
    assert!(tells(&shown, "Preference, B better"));
    until_saved(&mut shown);
    assert_eq!(reader(&sample).outcome(item.id, "mina").unwrap(), None);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 114");
    assert!(begins(&shown, "Saved "));
    assert!(tells(&shown, "Preference, not given"), "a fresh form");

    // The label is in the project, with its circumstances.
    let label = label_of(&sample, item.id);
    let rated = |side: usize| {
        LabelSchema::helpsteer2()
            .attributes
            .iter()
            .map(|a| label.judgment.ratings.get(sides[side], &a.name).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(rated(0), [3.0, 2.0, 4.0, 1.0, 0.0]);
    assert_eq!(rated(1), [4.0, 4.0, 4.0, 2.0, 3.0]);
    let better = Preference::Better {
        response: sides[1],
        strength: Some(2),
    };
    assert_eq!(label.judgment.preference, Some(better));
    assert_eq!(label.judgment.justification, WHY);
    let context = &label.context;
    assert_eq!(context.shown, sides);
    assert_eq!(context.mode, Mode::SideBySide);
    assert_eq!(context.policy, ScorePolicy::Live);
    assert_eq!(context.schema, LabelSchema::helpsteer2().id());
    assert!(context.active_ms > 0, "time in use is counted");
    let made_by = context.scorer.as_ref().unwrap();
    let seen: Vec<String> = sides
        .iter()
        .map(|key| {
            let score = context.scores.iter().find(|s| s.response == *key).unwrap();
            format!("{:.2}", score.score)
        })
        .collect();
    assert_eq!(seen, scores, "the label tells the scores that were visible");
    let kept = reader(&sample).scores(item.id, &made_by.key()).unwrap();
    assert_eq!(kept.len(), 2, "scores are kept by scorer");

    // Undo brings the item back with the form filled; redo labels it again.
    press(&mut shown, "Ctrl+Z");
    until_told(&mut shown, "Item 1 of 114");
    until_told(&mut shown, "Preference, B better");
    assert!(tells(&shown, WHY));
    assert!(begins(&shown, "Helpfulness of A, 3 of 4: "));
    assert_eq!(reader(&sample).outcome(item.id, "mina").unwrap(), None);
    press(&mut shown, "Ctrl+Shift+Z");
    until_told(&mut shown, "Labelled");
    assert_eq!(label_of(&sample, item.id), label);

    // A draft of another item, then the window is closed and opened again.
    press(&mut shown, "N");
    until_told(&mut shown, "Item 2 of 114");
    press(&mut shown, "1");
    until_saved(&mut shown);
    drop(shown);
    let mut shown = home.open(None);
    until_told(&mut shown, "Item 2 of 114");
    assert!(begins(&shown, "Helpfulness of A, 1 of 4: "), "the draft");
    assert_eq!(label_of(&sample, item.id), label);
    // Undo takes back the rating of the draft first, also after a restart, and then the label before it.
    press(&mut shown, "Ctrl+Z");
    until_told(&mut shown, "Helpfulness of A, not rated");
    until_saved(&mut shown);
    press(&mut shown, "Ctrl+Z");
    until_told(&mut shown, "Item 1 of 114");
    assert_eq!(reader(&sample).outcome(item.id, "mina").unwrap(), None);
    press(&mut shown, "Ctrl+Shift+Z");
    until_told(&mut shown, "Labelled");

    // The export is what it must be, byte for byte, in the window and on the command line.
    let time = events(&sample)
        .iter()
        .find(|e| matches!(e.body, EventBody::Label(_)))
        .map(|e| e.time.to_string())
        .unwrap();
    let b_won = item.response(sides[1]).unwrap().1.text() == last(&sample_row(0), "conversation_b");
    for (format, expected) in [
        ("helpsteer2-preference", preference_line(b_won)),
        ("pairs", pair_line(&sample, item.id, b_won, &time)),
    ] {
        let output = home.file(&format!("{format}.jsonl"));
        press(&mut shown, "Ctrl+5");
        click(&mut shown, format);
        click(&mut shown, "Output");
        press(&mut shown, "Ctrl+A");
        type_text(&mut shown, output.to_str().unwrap());
        shown.get_by_role_and_label(Role::Button, "Export").click();
        until(&mut shown, "the export", |s| {
            state(s).exported.is_some() && told(s).iter().any(|t| t.ends_with("written"))
        });
        assert_eq!(std::fs::read_to_string(&output).unwrap(), expected);
        let by_command = home.file(&format!("command-{format}.jsonl"));
        let run = home.run(&[
            "export",
            sample.to_str().unwrap(),
            "--format",
            format,
            "--output",
            by_command.to_str().unwrap(),
        ]);
        assert_eq!(run.status.code(), Some(0), "{run:?}");
        assert_eq!(std::fs::read_to_string(&by_command).unwrap(), expected);
    }
    assert_eq!(state(&shown).notice, None);
}

fn label_of(project: &std::path::Path, item: ItemId) -> Label {
    match reader(project).outcome(item, "mina").unwrap() {
        Some(Outcome::Labelled(label)) => *label,
        other => panic!("no label but {other:?}"),
    }
}

/// The first reply of a conversation of the sample.
fn last(row: &Value, side: &str) -> String {
    row[side][1]["content"].as_str().unwrap().to_owned()
}

/// The first item of the sample, labelled by [`fill`], as HelpSteer2-Preference has it.
fn preference_line(b_won: bool) -> String {
    let row = sample_row(0);
    let strength = if b_won { 2 } else { -2 };
    let text = |value: &Value| value.to_string();
    let why = text(&json!(WHY));
    format!(
        "{{\"split\": \"train\", \"prompt\": {}, \"response_1\": {}, \"response_2\": {}, \"preference_strength\": {strength}, \
         \"preference_statement\": {why}, \"preference_elaboration\": \"\", \
         \"three_most_similar_preferences\": [{{\"statement\":{why},\"elaboration\":\"\",\"strength\":{strength}}}], \
         \"all_preferences_unprocessed\": [{{\"strength\":{strength},\"justification\":{why}}}]}}\n",
        row["conversation_a"][0]["content"],
        row["conversation_a"][1]["content"],
        row["conversation_b"][1]["content"],
    )
}

/// The same as a pair with all that is known of it.
fn pair_line(project: &std::path::Path, item: ItemId, b_won: bool, time: &str) -> String {
    let row = sample_row(0);
    let (chosen, rejected) = if b_won { ("b", "a") } else { ("a", "b") };
    let reply = |side: &str| json!(last(&row, &format!("conversation_{side}")));
    let rejected_ratings = json!({"coherence": 4, "complexity": 1, "correctness": 2, "helpfulness": 3, "verbosity": 0});
    let chosen_ratings = json!({"coherence": 4, "complexity": 2, "correctness": 4, "helpfulness": 4, "verbosity": 3});
    let ratings = json!({"chosen": chosen_ratings, "rejected": rejected_ratings});
    let id = reader(project).sources(item).unwrap()[0]
        .id
        .clone()
        .unwrap_or_else(|| item.to_string());
    let vote = json!([{
        "annotator": "mina", "time": time, "preference": "chosen", "strength": 2, "justification": WHY, "ratings": ratings,
    }]);
    format!(
        "{{\"id\": {}, \"messages\": {}, \"chosen\": {}, \"rejected\": {}, \"strength\": 2, \"justification\": {}, \"ratings\": {ratings}, \
         \"chosen_model\": {}, \"rejected_model\": {}, \"votes\": {vote}}}\n",
        json!(id),
        json!([{"role": "user", "content": row["conversation_a"][0]["content"]}]),
        reply(chosen),
        reply(rejected),
        json!(WHY),
        row[format!("model_{chosen}")],
        row[format!("model_{rejected}")],
    )
}

#[test]
fn ratings_come_out_as_helpsteer2_has_them() {
    let (home, project) = Home::with_project("helpsteer2_validation_first8.jsonl");
    let mut shown = home.open_at_item(&project);
    let item = item(&shown);
    let left = state(&shown).open_item().unwrap().shown[0];
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    drop(shown);
    let output = home.file("out.jsonl");
    let arguments = [
        "export",
        project.to_str().unwrap(),
        "--format",
        "helpsteer2",
        "--output",
        output.to_str().unwrap(),
    ];
    assert_eq!(home.run(&arguments).status.code(), Some(0));
    let source = std::fs::read_to_string(fixture("helpsteer2_validation_first8.jsonl")).unwrap();
    let line = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let is_left = item.response(left).unwrap().1.text() == row["response"];
        let ratings = if is_left {
            [3, 2, 4, 1, 0]
        } else {
            [4, 4, 4, 2, 3]
        };
        format!(
            "{{\"prompt\": {}, \"response\": {}, \"helpfulness\": {}, \"correctness\": {}, \"coherence\": {}, \"complexity\": {}, \"verbosity\": {}}}\n",
            row["prompt"],
            row["response"],
            ratings[0],
            ratings[1],
            ratings[2],
            ratings[3],
            ratings[4]
        )
    };
    let expected: String = source.lines().take(2).map(line).collect();
    assert_eq!(std::fs::read_to_string(output).unwrap(), expected);
}
