//! A model that cannot be loaded never stops labeling.

use tiebreak::app::Action;
use tiebreak::app::state::ModelState;
use tiebreak::domain::*;
use tiebreak::reward::ModelRef;

use crate::support::*;

#[test]
fn labeling_goes_on_without_a_model_that_cannot_be_loaded() {
    let home = Home::new();
    let broken = home.write("broken.gguf", "GGUF, but not really");
    home.settle(&tiebreak::app::settings::Settings {
        model: broken.to_str().unwrap().to_owned(),
        ..in_theme(tiebreak::app::settings::Theme::Paper)
    });
    let project = home.project("work", &[fixture("helpsteer2_validation_first8.jsonl")]);
    let mut shown = home.open_at_item(&project);
    until(&mut shown, "the failure", |s| {
        matches!(state(s).model, ModelState::Failed(..))
    });
    until_told(&mut shown, "Reward model: Model failed");
    assert!(tells(&shown, "scores are off"));
    let id = item(&shown).id;
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 4");
    let Some(Outcome::Labelled(label)) = reader(&project).outcome(id, "mina").unwrap() else {
        panic!("there is no label")
    };
    assert!(label.context.scores.is_empty() && label.context.scorer.is_none());
    press(&mut shown, "Escape Ctrl+6");
    until_told(
        &mut shown,
        &format!("{} could not be loaded", broken.display()),
    );
    assert!(tells(&shown, "Labeling still works; scores are off"));

    // One that is not there at all, asked for in the window; and none.
    let missing = ModelRef::Path(home.file("no-such-model"));
    shown
        .state_mut()
        .app
        .dispatch(Action::LoadModel(missing.clone()));
    until_told(&mut shown, &format!("{missing} could not be loaded"));
    click(&mut shown, "Turn scores off");
    until_told(&mut shown, "No model");
}

#[test]
fn turning_the_model_on_brings_scores_to_the_open_item() {
    let home = Home::of_mina("off");
    let row = "{\"prompt\":\"Name a colour.\",\"chosen\":\"Blue.\",\"rejected\":\"Bread.\"}\n";
    let project = home.project("short", &[home.write("short.jsonl", row)]);
    let mut shown = home.open_at_item(&project);
    assert!(!begins(&shown, "Score of"));
    press(&mut shown, "Ctrl+6");
    click(&mut shown, "Use the built-in one");
    until(&mut shown, "the model", |s| {
        matches!(state(s).model, ModelState::Ready(_))
    });
    press(&mut shown, "Ctrl+1");
    until(&mut shown, "both scores", |s| {
        begins(s, "Score of A") && begins(s, "Score of B")
    });
    drop(shown);
    // It is remembered, and the scores are in the project.
    let info = reader(&project).info().unwrap();
    assert_eq!(info.scored.values().copied().collect::<Vec<_>>(), [2]);
    let settings = tiebreak::app::settings::Settings::read(&home.places().settings());
    assert_eq!(settings.model, "default");
}

#[test]
fn the_score_policy_is_changed_in_the_window_and_recorded() {
    let home = Home::of_mina("default");
    let rows = "{\"prompt\":\"Name a colour.\",\"chosen\":\"Blue.\",\"rejected\":\"Bread.\"}\n\
                {\"prompt\":\"Name a fruit.\",\"chosen\":\"Pear.\",\"rejected\":\"Pram.\"}\n";
    let project = home.project("short", &[home.write("short.jsonl", rows)]);
    let mut shown = home.open_at_item(&project);
    until(&mut shown, "a score", |s| begins(s, "Score of A"));
    click(&mut shown, "Live scores");
    until_told(&mut shown, "Score policy");
    click(&mut shown, "Sealed");
    until_told(&mut shown, "Sealed scores");
    assert!(!begins(&shown, "Score of") && !begins(&shown, "Margin"));
    assert_eq!(reader(&project).policy().unwrap(), ScorePolicy::Sealed);
    let id = item(&shown).id;
    fill(&mut shown);
    press(&mut shown, "Ctrl+Enter");
    until_told(&mut shown, "Item 2 of 2");
    let Some(Outcome::Labelled(label)) = reader(&project).outcome(id, "mina").unwrap() else {
        panic!("there is no label")
    };
    assert_eq!(label.context.policy, ScorePolicy::Sealed);
    assert!(label.context.scores.is_empty() && label.context.scorer.is_none());
    // One's own commit opens the seal, of that item only.
    assert!(!begins(&shown, "Score of"));
    press(&mut shown, "Escape Alt+Left");
    until_told(&mut shown, "Item 1 of 2");
    until(&mut shown, "the score", |s| begins(s, "Score of A"));
}

#[test]
fn scores_that_are_turned_off_while_a_model_loads_stay_off() {
    let home = Home::of_mina("off");
    let row = "{\"prompt\":\"Name a colour.\",\"chosen\":\"Blue.\",\"rejected\":\"Bread.\"}\n";
    let project = home.project("short", &[home.write("short.jsonl", row)]);
    let mut shown = home.open_at_item(&project);
    let app = &mut shown.state_mut().app;
    app.dispatch(Action::LoadModel(ModelRef::Default));
    app.dispatch(Action::UnloadModel);
    // Loading takes a tenth of a second; its answer comes too late.
    for _ in 0..60 {
        shown.step();
        assert!(matches!(state(&shown).model, ModelState::Off));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(!begins(&shown, "Score of"));
    // And one that is asked for afterwards is there.
    let app = &mut shown.state_mut().app;
    app.dispatch(Action::LoadModel(ModelRef::Default));
    until(&mut shown, "both scores", |s| {
        begins(s, "Score of A") && begins(s, "Score of B")
    });
}
