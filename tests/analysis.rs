//! Several labels to one verdict, by HelpSteer2's rule.

use proptest::prelude::*;
use tiebreak::analysis::aggregate::{aggregate_values, most_agreeing, verdict};
use tiebreak::analysis::near::{Near, NearDuplicates, signature};
use tiebreak::domain::*;

#[test]
fn one_or_two_values_are_all_taken() {
    assert_eq!(most_agreeing(&[]), Vec::<usize>::new());
    assert_eq!(most_agreeing(&[2.0]), [0]);
    assert_eq!(most_agreeing(&[4.0, 0.0]), [0, 1]);
    assert_eq!(aggregate_values(&[]), None);
    assert_eq!(aggregate_values(&[3.0]), Some(3));
    assert_eq!(aggregate_values(&[4.0, 0.0]), Some(2));
}

#[test]
fn the_three_that_agree_most_are_taken() {
    assert_eq!(most_agreeing(&[0.0, 4.0, 3.0, 4.0]), [1, 2, 3]);
    assert_eq!(aggregate_values(&[0.0, 4.0, 3.0, 4.0]), Some(4));
    assert_eq!(most_agreeing(&[1.0, 4.0, 1.0, 4.0, 1.0]), [0, 2, 4]);
    assert_eq!(aggregate_values(&[-3.0, 2.0, 3.0, 2.0, -3.0]), Some(2));
}

#[test]
fn ties_go_to_the_three_nearest_to_the_median_of_all() {
    // {0,1,2}, {1,2,3} and {2,3,4} are equally close together; the median is 2.
    assert_eq!(most_agreeing(&[0.0, 1.0, 2.0, 3.0, 4.0]), [1, 2, 3]);
    assert_eq!(aggregate_values(&[0.0, 1.0, 2.0, 3.0, 4.0]), Some(2));
    // {0,0,1} and {1,1,0}... of 0,0,1,1: spread 2 each, the median 0.5 is equally far from both: the first in time.
    assert_eq!(most_agreeing(&[0.0, 1.0, 0.0, 1.0]), [0, 1, 2]);
    assert_eq!(aggregate_values(&[0.0, 1.0, 0.0, 1.0]), Some(0));
}

#[test]
fn what_is_still_tied_goes_to_the_first_in_time() {
    assert_eq!(most_agreeing(&[1.0, 0.0, 1.0, 0.0]), [0, 1, 2]);
    assert_eq!(aggregate_values(&[1.0, 0.0, 1.0, 0.0]), Some(1));
    assert_eq!(most_agreeing(&[2.0; 5]), [0, 1, 2]);
}

#[test]
fn halves_are_rounded_up_also_below_zero() {
    assert_eq!(aggregate_values(&[1.0, 2.0]), Some(2));
    assert_eq!(aggregate_values(&[-1.0, -2.0]), Some(-1));
    assert_eq!(aggregate_values(&[-1.0, 0.0]), Some(0));
    assert_eq!(aggregate_values(&[-3.0, -2.0]), Some(-2));
    // Thirds go to the nearest.
    assert_eq!(aggregate_values(&[-1.0, -1.0, -2.0]), Some(-1));
    assert_eq!(aggregate_values(&[-2.0, -2.0, -1.0]), Some(-2));
    assert_eq!(aggregate_values(&[1.0, 1.0, 2.0]), Some(1));
}

fn keys() -> [ResponseKey; 2] {
    let (item, order) = Item::new(
        vec![Turn::user("Which?")],
        vec![
            vec![Turn::assistant("First.")],
            vec![Turn::assistant("Second.")],
        ],
    )
    .unwrap();
    [item.responses[order[0]].key, item.responses[order[1]].key]
}

/// A judgment by its strength in the file's order, and the helpfulness of both.
fn judgment(signed: i64, ratings: Option<[f64; 2]>, why: &str) -> Judgment {
    let [first, second] = keys();
    let mut judgment = Judgment {
        preference: Preference::from_signed(signed, first, second),
        justification: why.to_owned(),
        ..Judgment::default()
    };
    if let Some(ratings) = ratings {
        for (key, value) in [first, second].into_iter().zip(ratings) {
            judgment.ratings.set(key, "helpfulness", Some(value));
        }
    }
    judgment
}

fn verdict_of(judgments: &[Judgment]) -> Judgment {
    verdict(&judgments.iter().collect::<Vec<_>>(), Some(keys()))
}

#[test]
fn attributes_are_aggregated_each_by_itself() {
    let all = [
        judgment(2, Some([0.0, 4.0]), "one"),
        judgment(2, Some([1.0, 0.0]), "two"),
        judgment(-3, Some([1.0, 3.0]), "three"),
        judgment(1, Some([4.0, 4.0]), "four"),
    ];
    let verdict = verdict_of(&all);
    let [first, second] = keys();
    assert_eq!(verdict.ratings.get(first, "helpfulness"), Some(1.0));
    assert_eq!(verdict.ratings.get(second, "helpfulness"), Some(4.0));
    // 2, 2 and 1 agree most: 5/3 is nearest to 2.
    assert_eq!(
        verdict.preference,
        Preference::from_signed(2, first, second)
    );
    assert_eq!(verdict.justification, "one");
}

#[test]
fn the_reason_is_one_for_the_direction_of_the_verdict() {
    let all = [
        judgment(-1, None, "the first"),
        judgment(3, None, "the second"),
        judgment(3, None, "me too"),
    ];
    let verdict = verdict_of(&all);
    let [first, second] = keys();
    // (-1 + 3 + 3) / 3 is nearest to 2.
    assert_eq!(
        verdict.preference,
        Preference::from_signed(2, first, second)
    );
    assert_eq!(verdict.justification, "the second");
}

#[test]
fn opposite_votes_are_a_tie() {
    let verdict = verdict_of(&[judgment(-2, None, "a"), judgment(2, None, "b")]);
    assert_eq!(verdict.preference, Some(Preference::Tie));
    // -1 and -2 are rounded up to -1, from either side of the file.
    let [first, second] = keys();
    let verdict = verdict_of(&[judgment(-1, None, ""), judgment(-2, None, "")]);
    assert_eq!(
        verdict.preference,
        Preference::from_signed(-1, first, second)
    );
}

#[test]
fn neither_valid_wins_where_more_than_half_say_so() {
    let neither = || judgment(-100, None, "both refuse");
    let good = |signed| judgment(signed, None, "good");
    let [first, second] = keys();
    let verdict = verdict_of(&[neither(), good(2), neither()]);
    assert_eq!(verdict.preference, Some(Preference::NeitherValid));
    assert_eq!(verdict.justification, "both refuse");
    // Half is not enough; those votes are left aside.
    let verdict = verdict_of(&[neither(), good(2)]);
    assert_eq!(
        verdict.preference,
        Preference::from_signed(2, first, second)
    );
    assert_eq!(verdict.justification, "good");
    let verdict = verdict_of(&[neither(), good(2), neither(), good(3)]);
    assert_eq!(
        verdict.preference,
        Preference::from_signed(3, first, second)
    );
    assert_eq!(
        verdict_of(&[neither()]).preference,
        Some(Preference::NeitherValid)
    );
}

#[test]
fn a_single_vote_is_its_own_verdict() {
    let [first, second] = keys();
    let unknown = Judgment {
        preference: Some(Preference::Better {
            response: second,
            strength: None,
        }),
        ..Judgment::default()
    };
    assert_eq!(verdict_of(std::slice::from_ref(&unknown)), unknown);
    assert_eq!(verdict_of(&[]), Judgment::default());
    let one = judgment(-3, Some([4.0, 1.0]), "clearly");
    assert_eq!(verdict_of(std::slice::from_ref(&one)), one);
    assert_eq!(one.preference.unwrap().signed(first, second), Some(-3));
}

/// How far apart three values are, and how far from the median of all.
fn distances(values: &[f64], chosen: &[usize]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let median = f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]);
    let [a, b, c] = [0, 1, 2].map(|at| values[chosen[at]]);
    let spread = (a - b).abs() + (b - c).abs() + (a - c).abs();
    let off = [a, b, c].iter().map(|v| (v - median).abs()).sum();
    (spread, off)
}

proptest! {
    /// Who came first decides among equals only: three chosen in another order are as close together and as near to the median.
    #[test]
    fn the_order_of_annotators_decides_among_equals_only(
        values in proptest::collection::vec((-3_i8..=3).prop_map(f64::from), 3..9),
        turn in 0_usize..9,
    ) {
        let chosen = most_agreeing(&values);
        prop_assert_eq!(chosen.len(), 3);
        prop_assert!(chosen[0] < chosen[1] && chosen[1] < chosen[2]);
        let mut other = values.clone();
        other.rotate_left(turn % values.len());
        other.reverse();
        let found = distances(&values, &chosen);
        prop_assert_eq!(found, distances(&other, &most_agreeing(&other)));
        // Nothing is better than what was chosen.
        for i in 0..values.len() {
            for j in i + 1..values.len() {
                for k in j + 1..values.len() {
                    prop_assert!(found <= distances(&values, &[i, j, k]));
                }
            }
        }
    }

    /// An aggregated value is never outside of what was given, and two or three votes count whatever their order.
    #[test]
    fn an_aggregated_value_is_among_those_given(values in proptest::collection::vec((-3_i8..=4).prop_map(f64::from), 1..9)) {
        let value = aggregate_values(&values).unwrap() as f64;
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!((low..=high).contains(&value));
        if values.len() <= 3 {
            let mut other = values.clone();
            other.reverse();
            prop_assert_eq!(aggregate_values(&values), aggregate_values(&other));
        }
    }
}

#[test]
fn ones_own_labels_are_counted_by_side_and_by_length() {
    use tiebreak::analysis::tally::Tally;
    use tiebreak::domain::*;
    let schema = LabelSchema::helpsteer2();
    let mut labelled = vec![];
    for n in 0..20_usize {
        let reply = |text: String| vec![Turn::assistant(text)];
        let (item, order) = Item::new(
            vec![Turn::user(format!("Question {n}"))],
            vec![
                reply(format!("short {n}")),
                reply(format!("a longer reply {n}")),
            ],
        )
        .unwrap();
        let (short, long) = (item.responses[order[0]].key, item.responses[order[1]].key);
        // The short one stands at the left in even ones; the left one is preferred in 15 of 18; two are ties.
        let shown = if n % 2 == 0 {
            vec![short, long]
        } else {
            vec![long, short]
        };
        let preference = match n {
            18 | 19 => Preference::Tie,
            _ => Preference::Better {
                response: shown[usize::from(n < 3)],
                strength: Some(2),
            },
        };
        let mut judgment = Judgment {
            preference: Some(preference),
            ..Judgment::default()
        };
        judgment
            .ratings
            .set(shown[0], "helpfulness", Some((n % 5) as f64));
        let context = LabelContext {
            shown,
            mode: Mode::SideBySide,
            policy: ScorePolicy::Live,
            scores: vec![],
            scorer: None,
            beside: vec![],
            active_ms: 1_000 * (n as u64 + 1),
            idle_ms: 0,
            schema: schema.id(),
            guideline_version: None,
            post_reveal: false,
            doubts: if n == 0 {
                vec!["too-fast".to_owned()]
            } else {
                vec![]
            },
        };
        labelled.push((item, Label { judgment, context }));
    }
    let tally = Tally::of(&schema, labelled.iter().map(|(item, label)| (item, label)));
    assert_eq!(tally.labels, 20);
    assert_eq!((tally.left.count, tally.left.of), (15, 18));
    assert!(
        tally.left.leans(),
        "15 of 18 is no accident: {:?}",
        tally.left
    );
    // By hand: 1 of 3 at the right is long (n = 0, 2 are long at the right, n = 1 short), 7 of 15 at the left (odd ones).
    let long_at_left = (3..18).filter(|n| n % 2 == 1).count() as u64;
    assert_eq!(
        (tally.longer.count, tally.longer.of),
        (long_at_left + 2, 18)
    );
    assert!(!tally.longer.leans());
    assert_eq!(tally.strengths, [(-2, 15), (0, 2), (2, 3)].into());
    assert_eq!(tally.levels[0], ("Helpfulness".to_owned(), vec![4; 5]));
    assert_eq!(tally.median_seconds(), Some(11.0));
    assert_eq!(tally.doubts, [("too-fast".to_owned(), 1)].into());
}

fn of_texts(prompt: &str, replies: [&str; 2]) -> Item {
    let context = vec![Turn::user(prompt.to_owned())];
    let replies = replies.map(|reply| vec![Turn::assistant(reply.to_owned())]);
    Item::new(context, replies.into()).unwrap().0
}

#[test]
fn near_duplicates_are_alike_in_context_and_responses() {
    let long = |seed: usize| -> String {
        let words = (0..80).map(|n| format!("word{}", (n * 7 + seed * 1009) % 997));
        words.collect::<Vec<_>>().join(" ")
    };
    let (prompt, a, b) = (long(1), long(2), long(3));
    let first = of_texts(&prompt, [&a, &b]);
    let near = |name: u64, item: &Item| {
        let mut seen = NearDuplicates::default();
        assert_eq!(seen.add(1, first.id, &signature(&first)), None);
        seen.add(name, item.id, &signature(item))
    };
    let found = |same| Some(Near { name: 1, same });
    assert_eq!(near(2, &first), found(true));
    // Case, spaces and signs between words are nothing.
    let shouted = of_texts(
        &format!("  {}!", prompt.to_uppercase()),
        [&a, &b.replace(' ', "\n")],
    );
    assert_eq!(near(2, &shouted), found(false));
    // One word of eighty is little; other replies to the same prompt, or another prompt, are another item.
    assert_eq!(
        near(2, &of_texts(&prompt, [&a, &b.replacen("word", "other", 1)])),
        found(false)
    );
    assert_eq!(near(2, &of_texts(&prompt, [&long(4), &long(5)])), None);
    assert_eq!(near(2, &of_texts(&long(6), [&a, &b])), None);
    // Short texts are the same or they are not.
    let mut seen = NearDuplicates::default();
    let mut add = |name: u64, prompt: &str, replies: [&str; 2]| {
        let item = of_texts(prompt, replies);
        seen.add(name, item.id, &signature(&item))
    };
    assert_eq!(add(1, "Why?", ["Yes.", "No."]), None);
    assert_eq!(add(2, "Why?", ["Yes.", "Never."]), None);
    assert_eq!(add(3, "why", ["yes", "no"]), found(false));
    assert_eq!(add(3, "why", ["no", "yes"]), found(false));
    assert_eq!(add(4, "", ["", " "]), None);
}

/// Projects keep signatures: one made today is compared with those of years ago.
#[test]
fn a_signature_is_what_it_was() {
    let item = of_texts(
        "Why do the LEAVES of deciduous trees, e.g. Quercus robur, change colour in autumn? Bäume verlieren im Herbst ihre Blätter; \
         木の葉は秋に色が変わる。",
        [
            "Chlorophyll breaks down first; carotenoids, which were there all along, become visible (yellow and orange), and \
             anthocyanins are made anew.",
            "Because it's cold.",
        ],
    );
    // As the first version of the program that kept any had it.
    let kept = "5183b13408591ed3c591c2b2a183700e4fee5f885e20c737646808dcf021415a\
                8a511e769730b556eebba5ac991aac2ee4a2b4020b41859cfdeeec985cd8c83b";
    let made = signature(&item).map(|byte| format!("{byte:02x}")).concat();
    assert_eq!(made, kept);
}
