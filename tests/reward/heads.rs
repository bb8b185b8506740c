//! Heads that are more than a matrix: gates, scales, appended tokens, weighted outputs; against plain torch, written from the reference.

use std::collections::BTreeMap;

use serde::Deserialize;
use tiebreak::reward::local::LocalScorer;
use tiebreak::reward::{LoadOptions, ModelRef, Preset, Scorer as _};

use super::{Message, copy, fixture, load_error, model, options, score, turns};

#[derive(Deserialize)]
struct Row {
    messages: Vec<Message>,
    ids: Vec<u32>,
    outputs: Vec<f64>,
    score: Option<f64>,
}

fn rows(name: &str) -> Vec<Row> {
    let text = std::fs::read(fixture("heads.json")).unwrap();
    let mut all: BTreeMap<String, Vec<Row>> = serde_json::from_slice(&text).unwrap();
    all.remove(name).unwrap()
}

/// Every conversation, alone and all together: tokens, outputs and score.
fn agrees(scorer: &mut LocalScorer, name: &str) {
    let rows = rows(name);
    assert!(rows.len() >= 10);
    let conversations: Vec<_> = rows.iter().map(|r| turns(&r.messages)).collect();
    let (together, _) = score(scorer, &conversations);
    assert_eq!(together.len(), rows.len());
    for ((row, conversation), together) in rows.iter().zip(&conversations).zip(together) {
        assert_eq!(scorer.encode(conversation).unwrap().ids, row.ids);
        let (alone, _) = score(scorer, std::slice::from_ref(conversation));
        for output in [&alone[0], &together] {
            if let Some(expected) = row
                .score
                .or((row.outputs.len() == 1).then(|| row.outputs[0]))
            {
                assert!(
                    (output.score - expected).abs() < 1e-4,
                    "{} {expected}",
                    output.score
                );
            }
            let names = &scorer.info().attributes;
            for (name, expected) in names.iter().zip(&row.outputs) {
                let found = output.attributes[name];
                assert!((found - expected).abs() < 1e-4, "{name} {found} {expected}");
            }
        }
        assert!((alone[0].score - together.score).abs() < 1e-5);
    }
}

#[test]
fn armo_weighs_nineteen_rewards_by_a_gate_that_reads_the_end_of_the_prompt() {
    let mut scorer = model("armo");
    agrees(&mut scorer, "armo");
    let names = &scorer.info().attributes;
    assert_eq!(names.len(), 19);
    assert_eq!(names[0], "helpsteer-helpfulness");
    assert_eq!(scorer.info().id.head, "regression_layer");
    // The gate is no constant: rewards alone, in another order of size, do not tell the score.
    let rows = rows("armo");
    let mean = |row: &Row| row.outputs.iter().sum::<f64>() / 19.0;
    assert!(
        rows.iter()
            .any(|row| (row.score.unwrap() - mean(row)).abs() > 0.01)
    );
}

#[test]
fn a_text_without_the_end_of_a_prompt_is_told_and_the_rest_is_scored() {
    let options = LoadOptions {
        template: Some("{{ messages[-1].content }}{% if messages | length > 2 %}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nyes{% endif %}".to_owned()),
        ..options()
    };
    let mut scorer = LocalScorer::load(&ModelRef::Path(fixture("armo")), &options).unwrap();
    let rows = rows("armo");
    let conversations: Vec<_> = rows.iter().map(|r| turns(&r.messages)).collect();
    let mut given = vec![];
    let stats = scorer
        .score(
            &conversations,
            &tiebreak::task::Cancel::default(),
            &mut |at, _| given.push(at),
        )
        .unwrap();
    assert!(!given.is_empty() && !stats.failed.is_empty());
    assert_eq!(given.len() + stats.failed.len(), rows.len());
    assert!(
        stats.failed[0].1.contains("end of the prompt"),
        "{}",
        stats.failed[0].1
    );
}

#[test]
fn beavers_outputs_are_brought_to_one_scale_where_it_says_so() {
    agrees(&mut model("beaver"), "beaver");
    let raw = copy("beaver");
    std::fs::copy(
        fixture("beaver-raw/config.json"),
        raw.path().join("config.json"),
    )
    .unwrap();
    let path = ModelRef::Path(raw.path().to_owned());
    agrees(
        &mut LocalScorer::load(&path, &options()).unwrap(),
        "beaver-raw",
    );
}

#[test]
fn internlm2_unfuses_its_matrices_and_pools_the_token_that_it_appends() {
    agrees(&mut model("internlm2"), "internlm2");
    // A matrix of another size is named, as the file names it.
    let folder = copy("internlm2");
    let config = std::fs::read_to_string(folder.path().join("config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    config["num_key_value_heads"] = 4.into();
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let told = load_error(folder.path().to_owned());
    assert!(told.contains("attention.wqkv.weight"), "{told}");
}

#[test]
fn nine_outputs_are_weighed_by_a_preset_or_by_weights_of_ones_own() {
    let mut plain = model("steerlm");
    agrees(&mut plain, "steerlm");
    let rows = rows("steerlm");
    let conversations: Vec<_> = rows.iter().map(|r| turns(&r.messages)).collect();
    let mut keys = vec![plain.info().id.key()];
    // In the order of the model: quality, toxicity, humor, creativity, then HelpSteer's five.
    let cases = [
        (
            "nemotron-340b",
            [0.0, 0.0, 0.0, 0.0, 0.3, 0.74, 0.46, 0.47, -0.33],
        ),
        (
            "steerlm-70b",
            [0.0, 0.0, 0.0, 0.0, 0.65, 0.8, 0.45, 0.55, -0.4],
        ),
        ("helpfulness", [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
        (
            "quality=2,toxicity=-1.5",
            [2.0, -1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        ),
    ];
    for (preset, weights) in cases {
        let options = LoadOptions {
            weights: Some(preset.parse().unwrap()),
            ..options()
        };
        let path = ModelRef::Path(fixture("steerlm"));
        let mut scorer = LocalScorer::load(&path, &options).unwrap();
        let (found, _) = score(&mut scorer, &conversations);
        for (row, found) in rows.iter().zip(&found) {
            let expected: f64 = row.outputs.iter().zip(weights).map(|(x, w)| x * w).sum();
            assert!(
                (found.score - expected).abs() < 1e-3,
                "{preset} {} {expected}",
                found.score
            );
        }
        keys.push(scorer.info().id.key());
    }
    // Other weights make another scorer: their scores never stand for each other.
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
    for wrong in ["", "helpfulness=", "=1", "a=1,a=2", "nemotron", "a=inf"] {
        assert!(wrong.parse::<Preset>().is_err(), "{wrong}");
    }
    let options = LoadOptions {
        weights: Some("speed=1".parse().unwrap()),
        ..options()
    };
    let told = LocalScorer::load(&ModelRef::Path(fixture("steerlm")), &options)
        .err()
        .unwrap();
    assert!(
        told.to_string()
            .contains("no output `speed` (it has quality"),
        "{told}"
    );
}

#[test]
fn the_course_of_a_score_ends_in_it_and_does_not_look_ahead() {
    let cancel = tiebreak::task::Cancel::default();
    for name in ["internlm2", "steerlm", "beaver", "armo"] {
        let mut scorer = model(name);
        let talk = |reply: &str| {
            let json = serde_json::json!([
                {"role": "user", "content": "What is it?"}, {"role": "assistant", "content": "A fox."},
                {"role": "user", "content": "What does it do?"}, {"role": "assistant", "content": reply},
            ]);
            turns(&serde_json::from_value::<Vec<Message>>(json).unwrap())
        };
        let (short, long) = (
            talk("The quick brown fox jumps"),
            talk("The quick brown fox jumps over the lazy dog."),
        );
        let course = scorer.course(&short, &cancel).unwrap();
        let whole = score(&mut scorer, std::slice::from_ref(&short)).0[0].score;
        let first = score(&mut scorer, &[short[..2].to_vec()]).0[0].score;
        let after: Vec<usize> = course.turns.iter().map(|(turn, _)| *turn).collect();
        assert_eq!(after, [1, 3], "{name}");
        assert!((course.turns[0].1.unwrap() - first).abs() < 1e-5);
        assert!((course.turns[1].1.unwrap() - whole).abs() < 1e-5);
        // The last token is the one that is pooled.
        let last = course.tokens.last().unwrap();
        assert!((last.2 - whole).abs() < 1e-5, "{name} {} {whole}", last.2);
        // What comes later changes nothing of what was before.
        let longer = scorer.course(&long, &cancel).unwrap();
        let both = course.tokens.iter().zip(&longer.tokens);
        let same: Vec<_> = both.take_while(|(a, b)| a.0 == b.0).collect();
        // (Beaver's template writes nothing after a reply, so that one reply begins the other.)
        assert!(same.len() > 5, "{name} {}", same.len());
        assert!(same.iter().all(|(a, b)| (a.2 - b.2).abs() < 1e-5), "{name}");
    }
}

#[test]
fn a_models_own_preset_is_found_by_its_name() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("Llama3-70B-SteerLM-RM");
    std::fs::rename(copy("steerlm").keep(), &folder).unwrap();
    let scorer = LocalScorer::load(&ModelRef::Path(folder), &options()).unwrap();
    assert_eq!(scorer.info().id.head, "score, steerlm-70b");
    // A model of that name whose outputs are others is left as it is.
    let folder = home.path().join("Nemotron-4-340B-Reward");
    std::fs::rename(copy("llama-1").keep(), &folder).unwrap();
    let scorer = LocalScorer::load(&ModelRef::Path(folder), &options()).unwrap();
    assert_eq!(scorer.info().id.head, "score");
}
