//! Files into a project, and projects that somebody else has open.

use serde_json::Value;
use tiebreak::app::Action;
use tiebreak::store::{Access, Project};

use crate::support::*;

/// Two good rows, one without a reply, one that is no JSON, one good row twice.
const ROWS: &str = "{\"prompt\":\"Name a colour.\",\"chosen\":\"Blue.\",\"rejected\":\"Bread.\"}\n\
                    {\"prompt\":\"Count.\",\"chosen\":\"1 2 3\",\"rejected\":\"No\"}\n\
                    {\"prompt\":\"Nothing?\",\"chosen\":\"Yes\"}\n\
                    {\"prompt\":\"Broken\n\
                    {\"prompt\":\"Count.\",\"chosen\":\"1 2 3\",\"rejected\":\"No\"}\n";

#[test]
fn an_import_with_bad_rows_reports_what_the_command_line_reports() {
    let home = Home::of_mina("off");
    let rows = home.write("rows.jsonl", ROWS);
    let run = home.run(&["import", "cli.tiebreak", rows.to_str().unwrap(), "--json"]);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(
        (report["read"].as_u64(), report["imported"].as_u64()),
        (Some(5), Some(3))
    );

    let path = home.project("window", &[]);
    let mut shown = home.open(Some(&path));
    until_told(&mut shown, "No items yet");
    shown.state_mut().app.dispatch(Action::Import(vec![rows]));
    until_told(&mut shown, "3 rows ready, 2 set aside");
    assert!(tells(&shown, "Name a colour."), "{:?}", told(&shown));
    let rejected = report["rejected"].as_array().unwrap();
    let line = |one: &Value| {
        let reason = one["reason"].as_str().unwrap();
        format!("rows.jsonl row {}: {reason}", one["row"])
    };
    click(&mut shown, "See what is set aside");
    for one in rejected {
        assert!(tells(&shown, &line(one)), "{}", line(one));
    }
    assert_eq!(reader(&path).count().unwrap(), 0, "nothing is written yet");
    click_below(&mut shown, "Import");
    until_told(&mut shown, "Imported");
    let expected = format!(
        "{} of {} rows came in as {}; {} set aside. {} new items, {} responses, {} reference labels; {} rows were known already.",
        report["imported"],
        report["read"],
        report["format"].as_str().unwrap(),
        rejected.len(),
        report["items"],
        report["responses"],
        report["reference_labels"],
        report["duplicates"],
    );
    assert!(
        tells(&shown, &expected),
        "{expected}\n\n{}",
        told(&shown).join("\n")
    );
    for one in rejected {
        assert!(tells(&shown, &line(one)), "{}", line(one));
    }
    click(&mut shown, "Start labeling");
    until_told(&mut shown, "Item 1 of 2");
}

#[test]
fn a_late_preview_of_an_earlier_recipe_does_not_take_the_place_of_the_right_one() {
    let (home, path) = Home::with_project("helpsteer2_validation_first8.jsonl");
    let mut shown = home.open_at_item(&path);
    press(&mut shown, "Ctrl+5");
    let earlier = state(&shown).recipe.clone();
    click(&mut shown, "trl");
    until_told(&mut shown, "Nothing committed yet");
    shown.state_mut().app.dispatch(Action::Preview {
        recipe: earlier,
        lines: vec!["{}".to_owned()],
        available: 1,
    });
    shown.step();
    assert!(tells(&shown, "Nothing committed yet"));
}

#[test]
fn data_dropped_on_the_welcome_gets_a_project_beside_it() {
    let home = Home::new();
    home.settle(&tiebreak::app::settings::Settings {
        model: "off".to_owned(),
        ..Default::default()
    });
    let rows = home.write("my.rows.jsonl", ROWS);
    let mut shown = home.open(None);
    assert!(tells(&shown, "Welcome to Tiebreak"));
    let files = vec![rows.clone()];
    shown.state_mut().app.dispatch(Action::Import(files));
    until_told(&mut shown, "Import my.rows.jsonl…");
    press(&mut shown, "Ctrl+A");
    type_keys(&mut shown, "mina");
    press(&mut shown, "Enter");
    until_told(&mut shown, "3 rows ready, 2 set aside");
    press(&mut shown, "Escape");
    assert!(!home.file("my.rows.tiebreak").exists());
    shown.state_mut().app.dispatch(Action::Import(vec![rows]));
    until_told(&mut shown, "3 rows ready, 2 set aside");
    press(&mut shown, "Enter");
    until_told(&mut shown, "Imported");
    click(&mut shown, "Start labeling");
    until_told(&mut shown, "Item 1 of 2");
    assert!(home.file("my.rows.tiebreak").exists());
    assert!(!home.places().sample().exists());
}

#[test]
fn a_project_that_somebody_writes_to_opens_for_reading_only() {
    let (home, path) = Home::with_project("helpsteer2_validation_first8.jsonl");
    let nora = Project::open(&path, Access::Write { owner: "Nora" }).unwrap();
    let mut shown = home.open(Some(&path));
    until(&mut shown, "the owner's name", |s| {
        begins(s, "Nora has this project open since ")
    });
    assert!(state(&shown).project.is_none());
    click(&mut shown, "Open read-only");
    until_told(&mut shown, "Item 1 of 4");
    assert!(tells(&shown, "This project is open for reading only"));
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter F X Shift+S");
    press(&mut shown, "Escape Ctrl+Z");
    shown.state_mut().app.dispatch(Action::CommitOrMissing);
    shown
        .state_mut()
        .app
        .dispatch(Action::Skip("no".to_owned()));
    shown
        .state_mut()
        .app
        .dispatch(Action::Flag("no".to_owned()));
    for _ in 0..20 {
        shown.step();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let open = state(&shown).open_item().unwrap();
    assert!(open.form.draft.judgment.is_empty(), "{:?}", open.form);
    assert!(events(&path).is_empty());
    assert_eq!(reader(&path).counts_for("mina").unwrap().drafts, 0);
    // Reading goes on.
    press(&mut shown, "Alt+Right");
    until_told(&mut shown, "Item 2 of 4");
    drop(shown);

    nora.close().unwrap();
    let mut shown = home.open_at_item(&path);
    press(&mut shown, "3");
    until_saved(&mut shown);
    assert_eq!(reader(&path).counts_for("mina").unwrap().drafts, 1);
}

#[test]
fn a_window_lets_go_of_its_project_when_somebody_takes_over() {
    let (home, path) = Home::with_project("helpsteer2_validation_first8.jsonl");
    let mut mina = home.open_at_item(&path);
    press(&mut mina, "3");
    until_saved(&mut mina);

    let other = Home::of_mina("off");
    other.settle(&tiebreak::app::settings::Settings {
        annotator: "nora".to_owned(),
        model: "off".to_owned(),
        ..Default::default()
    });
    let mut nora = other.open(Some(&path));
    until(&mut nora, "the owner's name", |s| {
        begins(s, "mina has this project open since ")
    });
    click(&mut nora, "Take over");
    until_told(&mut nora, "Item 1 of 4");
    assert!(!tells(&nora, "This project is open for reading only"));
    until(&mut mina, "who took over", |s| {
        begins(s, "nora has taken over this project.")
    });
    until_told(&mut mina, "This project is open for reading only");
    // What was on Mina's screen still is, and can go on in a copy.
    let open = state(&mina).open_item().unwrap();
    assert!(open.form.touched && !open.form.draft.judgment.is_empty());
    assert!(tells(&mina, "Save a copy elsewhere…"));
    // Mina's rating is there, and Nora writes.
    assert_eq!(reader(&path).counts_for("mina").unwrap().drafts, 1);
    press(&mut nora, "2");
    until_saved(&mut nora);
    assert_eq!(reader(&path).counts_for("nora").unwrap().drafts, 1);
}

#[test]
fn what_does_not_let_go_is_not_taken_by_force() {
    let (home, path) = Home::with_project("helpsteer2_validation_first8.jsonl");
    // A program that writes and looks for nobody's wishes.
    let held = Project::open(&path, Access::Write { owner: "a command" }).unwrap();
    let mut shown = home.open(Some(&path));
    until(&mut shown, "the owner's name", |s| {
        begins(s, "a command has this project open since ")
    });
    click(&mut shown, "Take over");
    until(&mut shown, "that it did not work", |s| {
        begins(s, "a command on ")
    });
    assert!(state(&shown).project.is_none());
    drop(held);
    assert!(!home.file(".work.tiebreak.wanted").exists());
}

#[test]
fn what_cannot_be_saved_goes_on_in_a_copy_elsewhere() {
    let (home, path) = Home::with_project("helpsteer2_validation_first8.jsonl");
    let mut shown = home.open_at_item(&path);
    fill(&mut shown);
    until_saved(&mut shown);
    let draft = state(&shown)
        .open_item()
        .unwrap()
        .form
        .draft
        .judgment
        .clone();
    let item = state(&shown).open_item().unwrap().item.id;
    // Another program holds the file for longer than a write waits.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // The item is not left while its answer cannot be kept.
    press(&mut shown, "Escape Alt+Right");
    until(&mut shown, "that it was not saved", |s| {
        tells(s, "Save a copy elsewhere…")
    });
    assert_eq!(state(&shown).open_item().unwrap().item.id, item);
    press(&mut shown, "Ctrl+Enter");
    until(&mut shown, "that it was not saved", |s| {
        tells(s, "Save a copy elsewhere…")
    });
    click(&mut shown, "Save a copy elsewhere…");
    until_told(&mut shown, "Save a copy of the project");
    let copy = home.file("copy.tiebreak");
    type_keys(&mut shown, copy.to_str().unwrap());
    press(&mut shown, "Enter");
    until(&mut shown, "the copy", |s| {
        let open = state(s).project.as_ref();
        open.is_some_and(|p| p.info.path.ends_with("copy.tiebreak") && p.open.is_some())
    });
    let open = state(&shown).open_item().unwrap();
    assert_eq!((open.item.id, &open.form.draft.judgment), (item, &draft));
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    assert_eq!(events(&copy).len(), 1);
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    assert!(events(&path).is_empty());
}

#[test]
fn rows_of_ones_own_are_told_by_their_fields_and_that_is_remembered() {
    let home = Home::of_mina("off");
    let rows = home.write(
        "own.csv",
        "Question,l,r,w,seconds\nWhy?,Because.,No idea.,left,12\nWhen?,Now.,Never.,both of them,3\n",
    );
    let path = home.project("window", &[]);
    let mut shown = home.open(Some(&path));
    until_told(&mut shown, "No items yet");
    let files = || Action::Import(vec![rows.clone()]);
    shown.state_mut().app.dispatch(files());
    until_told(
        &mut shown,
        "The fields of these rows are not a format that is known. Say what they mean.",
    );
    // The name of one field says what it is; without replies there is nothing to show.
    assert!(
        begins(&shown, "What Question means: prompt"),
        "{:?}",
        told(&shown)
    );
    assert!(
        begins(&shown, "Not yet: no fields are the replies"),
        "{:?}",
        told(&shown)
    );
    click_below(&mut shown, "What l means: nothing, kept");
    click_below(&mut shown, "response a");
    until(&mut shown, "the meaning", |s| {
        begins(s, "What l means: response a")
    });
    for (field, meaning) in [("r", "response_b"), ("w", "preferred")] {
        let action = Action::MapField(field.to_owned(), Some(meaning.to_owned()));
        shown.state_mut().app.dispatch(action);
    }
    until_told(&mut shown, "Because.");
    assert!(
        begins(&shown, "Row 2: preferred is `both of them`: not a or b"),
        "{:?}",
        told(&shown)
    );
    click_below(&mut shown, "Continue");
    until_told(&mut shown, "1 row ready, 1 set aside");
    click_below(&mut shown, "Change what the fields mean");
    until(&mut shown, "the fields", |s| {
        begins(s, "What l means: response a")
    });
    click_below(&mut shown, "Continue");
    until_told(&mut shown, "1 row ready, 1 set aside");
    click_below(&mut shown, "Import");
    until_told(&mut shown, "Imported");
    assert_eq!(reader(&path).count().unwrap(), 1);
    // The same fields again: everything is filled in, and what is there already is said.
    press(&mut shown, "Escape");
    shown.state_mut().app.dispatch(files());
    until(&mut shown, "the meaning", |s| {
        begins(s, "What w means: preferred")
    });
    click_below(&mut shown, "Continue");
    until_told(
        &mut shown,
        "1 item is in the project already; it gains the labels that came with it.",
    );
}

#[test]
fn a_data_file_opened_with_the_program_is_looked_at() {
    let home = Home::of_mina("off");
    let rows = home.write("rows.jsonl", ROWS);
    let mut shown = home.open(Some(&rows));
    until_told(&mut shown, "3 rows ready, 2 set aside");
    assert!(
        tells(
            &shown,
            "A new project for them is made beside the file: rows.tiebreak."
        ),
        "{:?}",
        told(&shown)
    );
    assert!(
        tells(&shown, "1 row repeats an earlier one."),
        "{:?}",
        told(&shown)
    );
}

#[cfg(unix)]
#[test]
fn an_import_that_is_stopped_says_that_nothing_came_in() {
    let home = Home::of_mina("off");
    let path = home.project("window", &[]);
    let pipe = home.file("pipe.jsonl");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let mut shown = home.open(Some(&path));
    until_told(&mut shown, "No items yet");
    shown
        .state_mut()
        .app
        .dispatch(Action::Import(vec![pipe.clone()]));
    std::fs::write(&pipe, ROWS).unwrap();
    until_told(&mut shown, "3 rows ready, 2 set aside");
    // The second time nobody writes, and the import waits.
    click_below(&mut shown, "Import");
    until(&mut shown, "it runs", |s| state(s).job.is_some());
    shown.state_mut().app.dispatch(Action::CancelJob);
    until_told(&mut shown, "Import stopped");
    assert!(
        tells(&shown, "Nothing came in: the project is as it was."),
        "{:?}",
        told(&shown)
    );
    assert_eq!(reader(&path).count().unwrap(), 0);
    std::fs::write(&pipe, "").unwrap();
}
