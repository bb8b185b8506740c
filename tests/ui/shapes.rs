//! Items of one or three responses are shown and rated one by one, without a preference.

use tiebreak::domain::*;

use crate::support::*;

#[test]
fn a_single_response_is_rated_without_a_preference() {
    let home = Home::of_mina("off");
    let rows = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello?\"},{\"role\":\"assistant\",\"content\":\"Hello, reader.\"}]}\n\
                {\"messages\":[{\"role\":\"user\",\"content\":\"And?\"},{\"role\":\"assistant\",\"content\":\"Nothing else.\"}]}\n";
    let project = home.project("one", &[home.write("one.jsonl", rows)]);
    let mut shown = home.open_at_item(&project);
    let item = item(&shown);
    assert_eq!(item.responses.len(), 1);
    assert!(told(&shown).iter().any(|t| t.contains("Hello, reader.")));
    assert!(tells(&shown, "One at a time"));
    assert!(!begins(&shown, "Preference"), "there is nothing to compare");
    assert!(!tells(&shown, "Neither valid"));
    press(&mut shown, "0 1 2 3 4");
    // A justification is not asked for.
    press(&mut shown, "Escape Enter");
    until_told(&mut shown, "Item 2 of 2");
    let Some(Outcome::Labelled(label)) = reader(&project).outcome(item.id, "mina").unwrap() else {
        panic!("there is no label")
    };
    assert_eq!(label.judgment.preference, None);
    assert_eq!(label.context.mode, Mode::OneAtATime);
    let values = label.judgment.ratings.0[&item.responses[0].key].values();
    // By name: coherence, complexity, correctness, helpfulness, verbosity.
    assert_eq!(
        values.copied().collect::<Vec<_>>(),
        [2.0, 3.0, 1.0, 0.0, 4.0]
    );
}

#[test]
fn three_responses_are_rated_one_after_the_other() {
    let home = Home::of_mina("off");
    let (item, path) = three_replies(&home);

    let mut shown = home.open_at_item(&path);
    let sides = state(&shown).open_item().unwrap().shown.clone();
    assert_eq!(sides.len(), 3);
    for (side, letter) in ["A", "B", "C"].into_iter().enumerate() {
        let text = item.response(sides[side]).unwrap().1.text().to_owned();
        assert!(
            told(&shown).iter().any(|t| t.contains(&text)),
            "{letter} is read"
        );
        assert!(begins(&shown, &format!("Helpfulness of {letter}")));
        assert!(!begins(&shown, "Preference"));
        let level = (side + 1).to_string();
        press(&mut shown, &[level.as_str(); 5].join(" "));
    }
    press(&mut shown, "Ctrl+Enter");
    until(&mut shown, "the label", |_| events(&path).len() == 1);
    let Some(Outcome::Labelled(label)) = reader(&path).outcome(item.id, "mina").unwrap() else {
        panic!("there is no label")
    };
    for (side, key) in sides.iter().enumerate() {
        let values: Vec<f64> = label.judgment.ratings.0[key].values().copied().collect();
        assert_eq!(values, [(side + 1) as f64; 5]);
    }
    assert_eq!(label.judgment.preference, None);
    until_told(&mut shown, "All done");
}
