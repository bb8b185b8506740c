//! Training: losses against PyTorch's, fits, splits, refusals, and the model that is written.

use serde_json::Value;
use tempfile::tempdir;
use tiebreak::app::train::{TrainFailed, TrainInput, TrainRecipe, TrainReport, train};
use tiebreak::domain::{Item, Turn};
use tiebreak::reward::local::{Base, LocalScorer};
use tiebreak::reward::train::loss::{of_pair, of_values};
use tiebreak::reward::train::{
    Example, Features, Fit, FitOptions, Loss, Target, TrainError, TrainingSet, fit, split,
};
use tiebreak::reward::{ModelRef, Scorer as _};
use tiebreak::task::Cancel;

use super::{fixture, options};

/// Whether both are the same to twelve digits.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1e-300)
}

#[test]
fn losses_and_their_derivatives_are_those_of_pytorch() {
    let text = std::fs::read_to_string(fixture("losses.json")).unwrap();
    let known: Value = serde_json::from_str(&text).unwrap();
    let pairs = known["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 135);
    for row in pairs {
        let number = |key: &str| row[key].as_f64().unwrap();
        let loss: Loss = row["loss"].as_str().unwrap().parse().unwrap();
        let (value, derivative) = of_pair(loss, number("margin"), number("strength"));
        assert!(close(value, number("value")), "{row}: {value}");
        assert!(
            close(derivative, number("derivative")),
            "{row}: {derivative}"
        );
    }
    let regression = &known["regression"];
    let rows = |key: &str| regression[key].as_array().unwrap().clone();
    let numbers = |row: &Value| -> Vec<Option<f64>> {
        row.as_array().unwrap().iter().map(Value::as_f64).collect()
    };
    let (mut sum, mut count, mut derivatives) = (0.0, 0, vec![]);
    for (outputs, values) in rows("outputs").iter().zip(rows("values").iter()) {
        let outputs: Vec<f64> = numbers(outputs).into_iter().flatten().collect();
        let (square, of_row, n) = of_values(&outputs, &numbers(values));
        sum += square;
        count += n;
        derivatives.push(of_row);
    }
    assert!(close(
        sum / count as f64,
        regression["value"].as_f64().unwrap()
    ));
    for (ours, theirs) in derivatives.iter().zip(rows("derivatives").iter()) {
        for (a, b) in ours.iter().zip(numbers(theirs)) {
            assert!(close(a / count as f64, b.unwrap()), "{a} {b:?}");
        }
    }
}

/// Numbers between -1 and 1 that are always the same.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

const WIDTH: usize = 12;

/// Features of which the first says how good a text is, over a large constant part, and pairs of `prompts` prompts that follow it.
fn made_up(prompts: usize, pairs_each: usize) -> (TrainingSet, Features) {
    let mut noise = Noise(5);
    let mut set = TrainingSet::default();
    let mut values: Vec<f32> = vec![];
    let item = item("Anything", ["a", "b"]);
    for prompt in 0..prompts {
        for _ in 0..pairs_each {
            let at = set.texts.len();
            let qualities = [noise.next(), noise.next()];
            for quality in qualities {
                let mut x: Vec<f32> = (0..WIDTH).map(|_| noise.next() as f32).collect();
                x[0] = 3.0 * quality as f32 + 40.0;
                x[1] = 25.0;
                values.extend(x);
                set.texts.push(vec![]);
            }
            let better = usize::from(qualities[1] > qualities[0]);
            set.examples.push(Example {
                target: Target::Pair {
                    chosen: at + better,
                    rejected: at + 1 - better,
                    strength: 1.0 + f64::from((qualities[0] - qualities[1]).abs() > 0.7),
                },
                group: prompt as u64,
                item: item.id,
                annotator: "mina".to_owned(),
            });
        }
    }
    let features = Features {
        values,
        width: WIDTH,
    };
    (set, features)
}

fn item(prompt: &str, responses: [&str; 2]) -> Item {
    let responses = responses.map(|r| vec![Turn::assistant(r)]);
    Item::new(vec![Turn::user(prompt)], responses.to_vec())
        .unwrap()
        .0
}

fn fitted(set: &TrainingSet, features: &Features, loss: Loss, seed: u64) -> (Fit, Vec<bool>) {
    let options = FitOptions { loss, seed };
    fit(set, features, options, &Cancel::default(), &mut |_, _| {}).unwrap()
}

#[test]
fn a_head_finds_what_the_labels_follow_and_the_same_seed_gives_the_same_head() {
    let (set, features) = made_up(60, 4);
    for loss in [Loss::BradleyTerry, Loss::Margin, Loss::Scaled] {
        let (first, held) = fitted(&set, &features, loss, 1);
        let right = |of: &dyn Fn(usize) -> bool| {
            let at: Vec<usize> = (0..set.examples.len()).filter(|at| of(*at)).collect();
            let wins = at.iter().filter(|at| first.margins[**at] > 0.0).count();
            wins as f64 / at.len() as f64
        };
        assert!(right(&|at| held[at]) > 0.9, "{loss:?}");
        // Nothing but the first feature matters.
        let weight = &first.weight[0];
        let rest = weight[1..].iter().map(|w| w.abs()).fold(0.0, f64::max);
        assert!(
            weight[0] > 0.0 && weight[0] * 3.0 > 2.0 * rest,
            "{loss:?} {weight:?}"
        );
        let wins = first.cross_fitted.iter().filter(|m| **m > 0.0).count();
        assert!(
            wins as f64 > 0.9 * set.examples.len() as f64,
            "{loss:?} {wins}"
        );
        let (again, _) = fitted(&set, &features, loss, 1);
        assert_eq!(first, again);
        let (other, other_held) = fitted(&set, &features, loss, 2);
        assert_ne!(held, other_held);
        assert_ne!(first.weight, other.weight);
    }
}

#[test]
fn regression_keeps_its_level_without_an_intercept() {
    let (pairs, features) = made_up(50, 2);
    let mut set = TrainingSet {
        outputs: vec!["helpfulness".to_owned(), "verbosity".to_owned()],
        texts: pairs.texts.clone(),
        ..TrainingSet::default()
    };
    for text in 0..set.texts.len() {
        let quality = f64::from((features.row(text)[0] - 40.0) / 3.0);
        set.examples.push(Example {
            target: Target::Values {
                text,
                // The second is missing now and then.
                values: vec![Some(2.5 + quality), (text % 3 != 0).then_some(3.0)],
            },
            group: text as u64 / 4,
            ..pairs.examples[0].clone()
        });
    }
    let (fit, held) = fitted(&set, &features, Loss::Regression, 3);
    for (at, predicted) in fit.predicted.iter().enumerate() {
        let Target::Values { values, .. } = &set.examples[at].target else {
            panic!()
        };
        let off = (predicted[0] - values[0].unwrap()).abs();
        assert!(off < 0.25, "{at} {} {predicted:?} {values:?}", held[at]);
        assert!((predicted[1] - 3.0).abs() < 0.25, "{at} {predicted:?}");
    }
    // The head alone, as it is written: no intercept beside it.
    let dot: f64 = fit.weight[0]
        .iter()
        .zip(features.row(7))
        .map(|(w, x)| w * f64::from(*x))
        .sum();
    assert!((dot - fit.predicted[7][0]).abs() < 1e-9);
}

#[test]
fn prompts_are_never_on_both_sides() {
    let (set, _) = made_up(23, 3);
    for seed in 0..40 {
        let held = split(&set, seed).unwrap();
        let groups = |side: bool| -> std::collections::BTreeSet<u64> {
            let of = set.examples.iter().zip(&held).filter(|(_, h)| **h == side);
            of.map(|(e, _)| e.group).collect()
        };
        assert!(groups(true).is_disjoint(&groups(false)));
        let share = held.iter().filter(|h| **h).count() as f64 / held.len() as f64;
        assert!((0.2..0.26).contains(&share), "{share}");
    }
}

fn rows(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn run(
    file: &std::path::Path,
    base: &str,
    loss: Loss,
    output: &std::path::Path,
    cache: &std::path::Path,
) -> Result<TrainReport, TrainFailed> {
    let recipe = TrainRecipe {
        base: match base {
            "default" => ModelRef::Default,
            name => ModelRef::Path(fixture(name)),
        },
        loss,
        seed: 1,
        output: output.to_owned(),
    };
    let files = [file.to_owned()];
    let input = TrainInput::Files(&files);
    train(
        &input,
        &recipe,
        cache,
        &options(),
        &Cancel::default(),
        &mut |_| {},
    )
}

#[test]
fn what_cannot_be_learned_from_is_refused_in_words() {
    let home = tempdir().unwrap();
    let refused = |text: &str, loss: Loss| {
        let (_folder, path) = rows(text);
        let output = home.path().join("head");
        let error = run(&path, "llama-1", loss, &output, home.path()).unwrap_err();
        assert!(!output.exists());
        assert!(error.hint().is_some(), "{error}");
        error.to_string()
    };
    let messages = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Ho\"}]}\n";
    let said = refused(messages, Loss::Regression);
    assert!(said.contains("regression learns from ratings"), "{said}");
    let tie =
        "{\"prompt\":\"Hi\",\"response_1\":\"a\",\"response_2\":\"b\",\"preference_strength\":0}\n";
    let said = refused(&tie.repeat(2).replacen("Hi", "Ho", 1), Loss::BradleyTerry);
    assert!(said.contains("all 2 labels are ties"), "{said}");
    let pair = "{\"prompt\":\"Hi\",\"chosen\":\"a\",\"rejected\":\"b\"}\n{\"prompt\":\"hi \",\"chosen\":\"c\",\"rejected\":\"b\"}\n";
    let said = refused(pair, Loss::BradleyTerry);
    assert!(said.contains("all labels are about one prompt"), "{said}");

    let (mut set, mut features) = made_up(4, 2);
    features.values[3] = f32::NAN;
    let options = FitOptions {
        loss: Loss::BradleyTerry,
        seed: 1,
    };
    let fitted = fit(&set, &features, options, &Cancel::default(), &mut |_, _| {});
    assert!(matches!(fitted, Err(TrainError::NotFinite(_))));
    set.examples.clear();
    assert_eq!(split(&set, 1), Err(TrainError::NoExamples));
    // A model behind a protocol gives scores, not features.
    assert!("http://127.0.0.1:1/v1".parse::<ModelRef>().is_err());
}

#[test]
fn the_written_model_is_the_base_with_the_new_head() {
    let texts: Vec<Vec<Turn>> = (0..4)
        .map(|n| {
            let said = ["jumps", "over the dog", "Paris", "is lazy."][n];
            vec![Turn::user("The quick brown fox"), Turn::assistant(said)]
        })
        .collect();
    for (base, outputs) in [
        ("llama-1", 1),
        ("llama-5", 5),
        ("llama-nopad", 1),
        ("llama-1.q8_0.gguf", 2),
    ] {
        let home = tempdir().unwrap();
        let model = Base::load(&ModelRef::Path(fixture(base)), &options()).unwrap();
        let mut features = vec![vec![]; texts.len()];
        model
            .features(&texts, &Cancel::default(), &mut |at, x| features[at] = x)
            .unwrap();
        let mut noise = Noise(9);
        let head: Vec<Vec<f32>> = (0..outputs)
            .map(|_| (0..model.width()).map(|_| noise.next() as f32).collect())
            .collect();
        let names: Vec<String> = if outputs == 1 {
            vec![]
        } else {
            (0..outputs).map(|n| format!("quality {n}")).collect()
        };
        let folder = home.path().join("new");
        model
            .write(&folder, &head, &names, &[("README.md", "me".to_owned())])
            .unwrap();
        assert_eq!(
            std::fs::read_to_string(folder.join("README.md")).unwrap(),
            "me"
        );
        let mut scorer = LocalScorer::load(&ModelRef::Path(folder.clone()), &options()).unwrap();
        assert_eq!(scorer.info().attributes, names);
        let mut checked = 0;
        scorer
            .score(&texts, &Cancel::default(), &mut |at, found| {
                let of = |w: &Vec<f32>| {
                    w.iter()
                        .zip(&features[at])
                        .map(|(w, x)| f64::from(w * x))
                        .sum::<f64>()
                };
                let expected: Vec<f64> = head.iter().map(of).collect();
                let mean = expected.iter().sum::<f64>() / expected.len() as f64;
                assert!(
                    (found.score - mean).abs() < 1e-4,
                    "{base} {} {mean}",
                    found.score
                );
                for (name, expected) in names.iter().zip(&expected) {
                    assert!((found.attributes[name] - expected).abs() < 1e-4, "{base}");
                }
                checked += 1;
            })
            .unwrap();
        assert_eq!(checked, texts.len());
        let error = model.write(&folder, &head, &names, &[]).unwrap_err();
        assert!(error.to_string().contains("is not empty"), "{error}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_trained_head_beats_length_and_a_head_of_shuffled_labels_on_other_prompts() {
    let home = tempdir().unwrap();
    let data = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/datasets/training/truthfulqa.jsonl"
    );
    let lines: Vec<Value> = std::fs::read_to_string(data)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let prompt = |row: &Value| row["messages"][0]["content"].as_str().unwrap().to_owned();
    // Every third prompt is for the test.
    let mut prompts: Vec<String> = lines.iter().map(prompt).collect();
    prompts.sort();
    prompts.dedup();
    let left: std::collections::BTreeSet<&String> = prompts.iter().step_by(3).collect();
    let (test, learn): (Vec<Value>, Vec<Value>) = lines
        .into_iter()
        .partition(|row| left.contains(&prompt(row)));
    let write = |name: &str, rows: &[Value]| {
        let path = home.path().join(name);
        let rows: Vec<String> = rows.iter().map(Value::to_string).collect();
        std::fs::write(&path, rows.join("\n")).unwrap();
        path
    };
    let mut noise = Noise(1);
    let shuffled: Vec<Value> = learn
        .iter()
        .map(|row| {
            let mut row = row.clone();
            if noise.next() > 0.0 {
                let chosen = row["chosen"].take();
                row["chosen"] = row["rejected"].take();
                row["rejected"] = chosen;
            }
            row
        })
        .collect();
    let head = |name: &str, rows: &[Value]| {
        let (file, output) = (
            write(&format!("{name}.jsonl"), rows),
            home.path().join(name),
        );
        let report = run(&file, "default", Loss::BradleyTerry, &output, home.path()).unwrap();
        (report, output)
    };
    let (report, right) = head("right", &learn);
    let (again, wrong) = head("wrong", &shuffled);
    // The same texts: nothing is computed twice.
    assert_eq!(
        (report.features_computed, again.features_computed),
        (report.texts, 0)
    );
    assert!(report.curve.len() >= report.best_epoch && report.best_epoch > 0);

    let turns = |row: &Value, key: &str| {
        vec![
            Turn::user(prompt(row)),
            Turn::assistant(row[key].as_str().unwrap()),
        ]
    };
    let texts: Vec<Vec<Turn>> = test
        .iter()
        .flat_map(|row| [turns(row, "chosen"), turns(row, "rejected")])
        .collect();
    let accuracy = |folder: &std::path::Path| {
        let mut scorer = LocalScorer::load(&ModelRef::Path(folder.to_owned()), &options()).unwrap();
        let mut found = vec![0.0; texts.len()];
        scorer
            .score(&texts, &Cancel::default(), &mut |at, output| {
                found[at] = output.score;
            })
            .unwrap();
        let wins = found.chunks(2).filter(|pair| pair[0] > pair[1]).count();
        wins as f64 / test.len() as f64
    };
    let longer = test.iter().filter(|row| {
        row["chosen"].as_str().unwrap().chars().count()
            > row["rejected"].as_str().unwrap().chars().count()
    });
    let longer = longer.count() as f64 / test.len() as f64;
    let (right, wrong) = (accuracy(&right), accuracy(&wrong));
    assert!(
        right > longer + 0.1,
        "trained {right}, longer {longer}, shuffled {wrong}"
    );
    assert!(right > wrong + 0.1, "trained {right}, shuffled {wrong}");
}

#[test]
fn what_the_base_cannot_be_given_is_left_out_and_counted() {
    let home = tempdir().unwrap();
    // The template of this model wants users and assistants to take turns.
    let row = |n: usize, first: &str| {
        format!(
            "{{\"messages\":[{first}{{\"role\":\"user\",\"content\":\"Number {n}?\"}}],\"chosen\":\"Yes {n}.\",\"rejected\":\"No\"}}"
        )
    };
    let odd = "{\"role\":\"user\",\"content\":\"Twice\"},";
    let mut rows: Vec<String> = (0..8).map(|n| row(n, "")).collect();
    rows.push(row(8, odd));
    let (_folder, path) = self::rows(&rows.join("\n"));
    let output = home.path().join("head");
    let report = run(
        &path,
        "llama-nopad",
        Loss::BradleyTerry,
        &output,
        home.path(),
    )
    .unwrap();
    assert_eq!((report.examples, report.left_out), (8, 1));
}
