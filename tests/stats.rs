//! Intervals, calibration and agreement against other implementations and by hand.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use tiebreak::analysis::kappa::{Agreement, Unit, cohen_kappa};
use tiebreak::analysis::partings::{Collector, Slice, Verdict};
use tiebreak::analysis::stats::{calibration_error, wilson};
use tiebreak::domain::{Item, Turn};

#[test]
fn wilson_agrees_with_statsmodels() {
    // statsmodels.stats.proportion.proportion_confint(hits, n, method="wilson")
    for (hits, n, low, high) in [
        (44, 100, 0.346_720_3, 0.537_719_0),
        (0, 10, 0.0, 0.277_532_8),
        (131, 131, 0.971_511_3, 1.0),
    ] {
        let (l, h) = wilson(hits, n);
        assert!(
            (l - low).abs() < 1e-6 && (h - high).abs() < 1e-6,
            "{hits}/{n}: {l} {h}"
        );
    }
    assert_eq!(wilson(0, 0), (0.0, 1.0));
}

#[test]
fn a_calibrated_model_has_no_error() {
    // sigmoid(ln 3) is 0.75: right three times out of four.
    let margin = 3.0_f64.ln();
    let margins = [margin, margin, margin, -margin];
    assert!(calibration_error(&margins).is_some_and(|e| e < 1e-12));
    assert!(calibration_error(&[margin, -margin]).is_some_and(|e| (e - 0.25).abs() < 1e-12));
    assert_eq!(calibration_error(&[]), None);
}

/// A table of ratings, annotators by things, and what other implementations say of it: `fixtures/analysis/make_agreement.py`.
#[derive(Deserialize)]
struct Known {
    name: String,
    table: Vec<Vec<Option<f64>>>,
    alpha_nominal: Option<f64>,
    alpha_ordinal: Option<f64>,
    alpha_interval: Option<f64>,
    cohen: BTreeMap<String, [Option<f64>; 2]>,
    fleiss: Option<f64>,
}

fn units(table: &[Vec<Option<f64>>]) -> Vec<Unit> {
    let said = |thing: usize| {
        let column = table.iter().enumerate();
        column.filter_map(move |(who, row)| Some((who, row[thing]?)))
    };
    (0..table[0].len())
        .map(|thing| said(thing).collect())
        .collect()
}

#[test]
fn agreement_is_that_of_krippendorff_scikit_learn_and_statsmodels() {
    let known: Vec<Known> =
        serde_json::from_str(include_str!("fixtures/analysis/agreement.json")).unwrap();
    assert_eq!(known.len(), 6);
    let same = |ours: Option<f64>, theirs: Option<f64>, what: &str| match (ours, theirs) {
        (None, None) => {}
        (Some(a), Some(b)) => assert!((a - b).abs() < 1e-12, "{what}: {a}, not {b}"),
        other => panic!("{what}: {other:?}"),
    };
    for case in known {
        let units = units(&case.table);
        let found = Agreement::of(&units);
        same(found.alpha_nominal, case.alpha_nominal, &case.name);
        same(found.alpha_ordinal, case.alpha_ordinal, &case.name);
        same(found.alpha_interval, case.alpha_interval, &case.name);
        if case.table.iter().flatten().all(Option::is_some) {
            same(found.fleiss, case.fleiss, &case.name);
        }
        assert_eq!(found.couples.len(), case.cohen.len());
        for couple in &found.couples {
            let [kappa, quadratic] = case.cohen[&format!("{},{}", couple.first, couple.second)];
            same(couple.kappa, kappa, &case.name);
            same(couple.quadratic, quadratic, &case.name);
        }
    }
}

#[test]
fn what_is_said_once_agrees_with_nothing() {
    let found = Agreement::of(&[vec![(0, 1.0)], vec![(1, 2.0)], vec![]]);
    assert_eq!(
        (found.n, found.alpha_ordinal, found.percent),
        (0, None, None)
    );
    assert!(found.fleiss.is_none() && found.couples.is_empty());
    assert_eq!(cohen_kappa(&[], true), None);
    // Half of two things the same; 0 and -0 are one value.
    let found = Agreement::of(&[vec![(0, 0.0), (1, -0.0)], vec![(0, 0.0), (1, 1.0)]]);
    assert_eq!((found.n, found.percent), (2, Some(0.5)));
}

proptest! {
    #[test]
    fn agreement_does_not_depend_on_the_order_of_things_or_people(
        table in proptest::collection::vec(proptest::collection::vec(proptest::option::of(0_u8..4), 12), 2..5),
        turn in 0_usize..12,
    ) {
        let table: Vec<Vec<Option<f64>>> =
            table.into_iter().map(|row| row.into_iter().map(|v| v.map(f64::from)).collect()).collect();
        let mut other = table.clone();
        other.reverse();
        for row in &mut other {
            row.rotate_left(turn);
        }
        let (a, b) = (Agreement::of(&units(&table)), Agreement::of(&units(&other)));
        let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() < 1e-9 && a <= 1.0 + 1e-12,
            (a, b) => a == b,
        };
        prop_assert!(near(a.alpha_nominal, b.alpha_nominal) && near(a.alpha_ordinal, b.alpha_ordinal));
        prop_assert!(near(a.alpha_interval, b.alpha_interval) && near(a.fleiss, b.fleiss));
        prop_assert!(near(a.pooled_kappa(true), b.pooled_kappa(true)) && near(a.percent, b.percent));
    }
}

#[test]
fn couples_with_little_in_common_do_not_pull_kappa_to_chance() {
    // Nine couples agree on the one thing that they share, the tenth does not: alone, none of them has a kappa above 0.
    let unit = |n: usize, a: f64, b: f64| vec![(2 * n, a), (2 * n + 1, b)];
    let mut units: Vec<Unit> = (0..9).map(|n| unit(n, 1.0, 1.0)).collect();
    units.push(unit(9, 1.0, 0.0));
    let found = Agreement::of(&units);
    assert!(
        found
            .couples
            .iter()
            .all(|c| c.kappa.is_none_or(|k| k <= 0.0))
    );
    // Together they have no more: chance is only known within a couple. What two have in common counts by how much it is.
    assert_eq!(found.pooled_kappa(false), Some(0.0));
    let mut units: Vec<Unit> = (0..100)
        .map(|n| vec![(0, f64::from(n % 2)), (1, f64::from(n % 2))])
        .collect();
    units.push(vec![(2, 1.0), (3, 0.0)]);
    let kappa = Agreement::of(&units).pooled_kappa(false).unwrap();
    assert!((kappa - (1.0 - 1.0 / 51.0)).abs() < 1e-12, "{kappa}");
}

#[test]
fn pairs_on_which_model_and_people_part_ways_are_counted_by_kind() {
    let item = |chosen: &str, rejected: &str, prompts: usize| {
        let mut context = vec![];
        for _ in 0..prompts {
            context.push(Turn::user("And?"));
            context.push(Turn::assistant("So."));
        }
        context.push(Turn::user("Then?"));
        let turns = |text: &str| vec![Turn::assistant(text)];
        Item::new(context, vec![turns(chosen), turns(rejected)])
            .unwrap()
            .0
    };
    let mut found = Collector::default();
    for (at, (chosen, rejected, prompts, strength, scores, listed)) in [
        ("- one\n- two\n- three", "no", 0, Some(3), [2.0, 1.0], true),
        (
            "short",
            "rather **longer** than that",
            1,
            Some(1),
            [0.5, 1.5],
            true,
        ),
        (
            "```\nlet a = 1;\n```",
            "let a: i32 = 10;;;",
            1,
            None,
            [0.0, 4.0],
            true,
        ),
        ("even", "odds", 0, Some(2), [1.0, 1.0], true),
        ("not", "now", 0, Some(2), [f64::NAN, 1.0], true),
    ]
    .into_iter()
    .enumerate()
    {
        let item = item(chosen, rejected, prompts);
        let turns = |text: &str| {
            item.responses
                .iter()
                .position(|r| r.text() == text)
                .unwrap()
        };
        found.take(&Verdict {
            item: &item,
            position: at as u64,
            preview: "Then?",
            annotator: "mina",
            chosen: turns(chosen),
            strength,
            scores,
            listed,
        });
    }
    let found = found.finish();
    // What has no score is no pair; equal scores agree with nobody.
    assert_eq!(
        (found.all.n, found.all.accuracy, found.all.ties),
        (4, 0.25, 1)
    );
    assert_eq!(found.margins.iter().sum::<u64>(), 4);
    assert_eq!(found.margins[10..].iter().sum::<u64>(), 1);
    assert_eq!(found.reliability.iter().map(|b| b.n).sum::<u64>(), 4);
    let listed: Vec<(u64, f64)> = found
        .partings
        .iter()
        .map(|p| (p.position, p.margin))
        .collect();
    assert_eq!(
        (listed, found.more),
        (vec![(2, -4.0), (1, -1.0), (3, 0.0)], 0)
    );
    let of = |slice: Slice| {
        let found = found.slices.iter().find(|s| s.slice == slice);
        found.map(|s| (s.n, (s.accuracy * s.n as f64).round() as u64))
    };
    assert_eq!(of(Slice::ChosenLonger), Some((1, 1)));
    assert_eq!(of(Slice::ChosenShorter), Some((1, 0)));
    assert_eq!(of(Slice::SameLength), Some((2, 0)));
    assert_eq!(of(Slice::Slight), Some((1, 0)));
    assert_eq!(of(Slice::Clear), Some((2, 1)));
    assert_eq!(of(Slice::SingleTurn), Some((2, 1)));
    assert_eq!(of(Slice::MultiTurn), Some((2, 0)));
    assert_eq!(of(Slice::Code), Some((1, 0)));
    assert_eq!(of(Slice::OneList), Some((1, 1)));
    assert_eq!(of(Slice::OneBold), Some((1, 0)));
}

#[test]
fn few_pairs_that_are_not_answered_are_not_told_by_what_they_change() {
    let turns = |text: &str| vec![Turn::assistant(text)];
    let of = |closed: usize| {
        let mut found = Collector::default();
        for at in 0..closed + 3 {
            let context = vec![Turn::user(format!("Question {at}?"))];
            let item = Item::new(context, vec![turns("yes"), turns("no, never")])
                .unwrap()
                .0;
            found.take(&Verdict {
                item: &item,
                position: at as u64,
                preview: "",
                annotator: "",
                chosen: 0,
                strength: None,
                scores: [0.0, 1.0],
                listed: at < 3,
            });
        }
        let found = found.finish();
        (
            found.all.n,
            found.margins.iter().sum::<u64>(),
            found.more,
            found.slices.iter().map(|s| s.n).max(),
        )
    };
    assert_eq!(of(0), (3, 3, 0, Some(3)));
    assert_eq!(of(1), of(0));
    assert_eq!(of(4), of(0));
    assert_eq!(of(5), (8, 8, 5, Some(8)));
}
