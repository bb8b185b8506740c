//! Items do not depend on order; labels point at responses; the log is a set.

use proptest::prelude::*;
use tiebreak::domain::*;

fn pair(a: &str, b: &str) -> (Item, Vec<usize>) {
    Item::new(
        vec![Turn::user("Why?")],
        vec![vec![Turn::assistant(a)], vec![Turn::assistant(b)]],
    )
    .unwrap()
}

fn label(better: ResponseKey, strength: u8) -> EventBody {
    EventBody::Label(Box::new(Label {
        judgment: Judgment {
            preference: Some(Preference::Better {
                response: better,
                strength: Some(strength),
            }),
            ..Judgment::default()
        },
        context: LabelContext {
            shown: vec![better],
            mode: Mode::SideBySide,
            policy: ScorePolicy::Live,
            scores: vec![],
            scorer: None,
            beside: vec![],
            active_ms: 1,
            idle_ms: 0,
            schema: "helpsteer2@1".to_owned(),
            guideline_version: None,
            doubts: vec![],
            post_reveal: false,
        },
    }))
}

#[test]
fn swapped_sides_are_the_same_item() {
    let (one, order) = pair("Because.", "No idea.");
    let (two, swapped) = pair("No idea.", "Because.");
    assert_eq!(one, two);
    assert_eq!(order, swapped.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(one.responses[order[0]].text(), "Because.");
}

#[test]
fn other_texts_roles_or_contexts_are_other_items() {
    let (item, _) = pair("a", "b");
    assert_ne!(item.id, pair("a", "c").0.id);
    assert_ne!(item.id, pair("a", "a").0.id);
    assert_ne!(item.id, pair("ab", "").0.id);
    let other = Item::new(
        vec![Turn::new(Role::System, "Why?")],
        vec![vec![Turn::assistant("a")], vec![Turn::assistant("b")]],
    );
    assert_ne!(item.id, other.unwrap().0.id);
    let moved = Item::new(
        vec![],
        vec![
            vec![Turn::user("Why?"), Turn::assistant("a")],
            vec![Turn::user("Why?"), Turn::assistant("b")],
        ],
    );
    assert_ne!(item.id, moved.unwrap().0.id);
}

#[test]
fn item_ids_never_change_between_versions() {
    // Computed by the `blake3` package of Python from the form that `domain/hash.rs` describes.
    let (item, _) = pair("Because.", "No idea.");
    assert_eq!(
        item.id.to_string(),
        "86f46630a04eb955326cbe9e7d932aa34b96a6ebc9edf0c244ecb1ce46397c84"
    );
}

#[test]
fn fields_outside_the_conversation_are_not_hashed() {
    let (plain, _) = pair("a", "b");
    let mut turn = Turn::assistant("a");
    turn.extra.insert("model".to_owned(), "secret-7b".into());
    let (marked, _) = Item::new(
        vec![Turn::user("Why?")],
        vec![vec![turn], vec![Turn::assistant("b")]],
    )
    .unwrap();
    assert_eq!(plain.id, marked.id);
    let mut call = Turn::assistant("a");
    call.tool_calls = Some(serde_json::json!([{"name": "f", "arguments": {}}]));
    let (calling, _) = Item::new(
        vec![Turn::user("Why?")],
        vec![vec![call], vec![Turn::assistant("b")]],
    )
    .unwrap();
    assert_ne!(plain.id, calling.id);
}

#[test]
fn identical_responses_are_told_apart_by_occurrence() {
    let (item, order) = pair("same", "same");
    assert_eq!(order, [0, 1]);
    assert_eq!(item.responses[0].key.hash, item.responses[1].key.hash);
    assert_eq!(
        item.responses
            .iter()
            .map(|r| r.key.occurrence)
            .collect::<Vec<_>>(),
        [0, 1]
    );
    let key = item.responses[1].key;
    assert_eq!(key.to_string().parse::<ResponseKey>().unwrap(), key);
    assert_eq!(item.response(key).unwrap().0, 1);
}

#[test]
fn whole_conversations_share_what_they_begin_with() {
    let talk = |second: &str, last: &str| {
        vec![
            Turn::user("u1"),
            Turn::assistant("a1"),
            Turn::user(second),
            Turn::assistant(last),
        ]
    };
    let (late, _) = Item::from_conversations(vec![talk("u2", "x"), talk("u2", "y")]).unwrap();
    assert_eq!(late.context.len(), 3);
    let (early, _) = Item::from_conversations(vec![talk("u2", "x"), talk("u3", "x")]).unwrap();
    assert_eq!(
        (early.context.len(), early.responses[0].turns.len()),
        (2, 2)
    );
    let (equal, _) = Item::from_conversations(vec![talk("u2", "x"), talk("u2", "x")]).unwrap();
    assert_eq!((equal.context.len(), equal.responses.len()), (3, 2));
    let (nested, _) =
        Item::from_conversations(vec![talk("u2", "x"), talk("u2", "x")[..2].to_vec()]).unwrap();
    assert_eq!(nested.context.len(), 1);
}

#[test]
fn what_cannot_be_judged_is_refused() {
    assert_eq!(Item::new(vec![], vec![]), Err(ItemError::NoResponse));
    assert_eq!(
        Item::new(vec![], vec![vec![]]),
        Err(ItemError::EmptyResponse(0))
    );
    let user_last = Item::new(
        vec![],
        vec![vec![Turn::assistant("a")], vec![Turn::user("b")]],
    );
    assert_eq!(user_last, Err(ItemError::NotAssistant(1)));
}

#[test]
fn sides_are_stable_and_differ_between_items_and_people() {
    let items: Vec<Item> = (0..200)
        .map(|n| pair(&format!("left {n}"), &format!("right {n}")).0)
        .collect();
    let swapped = |who: &str| {
        items
            .iter()
            .filter(|i| i.shown_order(who, 7) == [1, 0])
            .count()
    };
    assert!((70..=130).contains(&swapped("mina")), "{}", swapped("mina"));
    assert!(
        items
            .iter()
            .any(|i| i.shown_order("mina", 7) != i.shown_order("omar", 7))
    );
    assert!(
        items
            .iter()
            .any(|i| i.shown_order("mina", 7) != i.shown_order("mina", 8))
    );
    assert!(
        items
            .iter()
            .all(|i| i.shown_order("mina", 7) == i.shown_order("mina", 7))
    );
}

#[test]
fn strength_is_relative_to_the_response() {
    let (item, order) = pair("first in file", "second in file");
    let [first, second] = [item.responses[order[0]].key, item.responses[order[1]].key];
    for value in [-3, -2, -1, 0, 1, 2, 3, -100] {
        let preference = Preference::from_signed(value, first, second).unwrap();
        assert_eq!(preference.signed(first, second), Some(value as i32));
        let back = preference.signed(second, first).unwrap();
        assert_eq!(back, if value == -100 { -100 } else { -value as i32 });
    }
    assert_eq!(Preference::from_signed(4, first, second), None);
    assert_eq!(
        Preference::Better {
            response: first,
            strength: None
        }
        .signed(first, second),
        None
    );
}

#[test]
fn events_survive_their_stored_form() {
    let (item, _) = pair("a", "b");
    let key = item.responses[0].key;
    let target = EventId::new();
    let bodies = [
        label(key, 2),
        EventBody::Skip {
            reason: "not English".to_owned(),
        },
        EventBody::Flag {
            note: String::new(),
        },
        EventBody::Unflag,
        EventBody::Undo { target },
        EventBody::Redo { target },
        EventBody::Policy {
            policy: ScorePolicy::Sealed,
        },
        EventBody::Unknown {
            kind: "hologram".to_owned(),
            payload: serde_json::json!({"x": 1}),
        },
    ];
    for body in bodies {
        let text = body.payload().to_string();
        assert_eq!(
            EventBody::parse(body.kind(), serde_json::from_str(&text).unwrap()),
            body
        );
    }
}

#[test]
fn several_people_vote_on_one_item() {
    let (item, _) = pair("a", "b");
    let [a, b] = [item.responses[0].key, item.responses[1].key];
    let events = [
        Event::now("mina", Some(item.id), label(a, 1)),
        Event::now("omar", Some(item.id), label(b, 3)),
        Event::now("mina", Some(item.id), label(a, 2)),
    ];
    let view = View::fold(&events);
    assert_eq!(view.outcomes.len(), 2);
    let Outcome::Labelled(mina) = &view.outcomes[&(item.id, "mina".to_owned())].1 else {
        panic!("not labelled")
    };
    assert_eq!(
        mina.judgment.preference,
        Some(Preference::Better {
            response: a,
            strength: Some(2)
        })
    );
}

#[test]
fn undo_uncovers_the_label_before_and_only_ones_own() {
    let (item, _) = pair("a", "b");
    let key = item.responses[0].key;
    let mut log = vec![
        Event::now("mina", Some(item.id), label(key, 1)),
        Event::now("mina", Some(item.id), label(key, 3)),
    ];
    let strength = |log: &[Event]| match &View::fold(log)
        .outcomes
        .get(&(item.id, "mina".to_owned()))?
        .1
    {
        Outcome::Labelled(l) => match l.judgment.preference? {
            Preference::Better { strength, .. } => strength,
            _ => None,
        },
        _ => None,
    };
    log.push(Event::now(
        "omar",
        Some(item.id),
        EventBody::Undo { target: log[1].id },
    ));
    assert_eq!(strength(&log), Some(3), "nobody undoes another's label");
    log.push(Event::now(
        "mina",
        Some(item.id),
        EventBody::Undo { target: log[1].id },
    ));
    assert_eq!(strength(&log), Some(1));
    let history = History::of("mina", &log);
    assert_eq!(
        (history.undo.len(), history.redo.clone()),
        (1, vec![log[1].id])
    );
    log.push(Event::now(
        "mina",
        Some(item.id),
        EventBody::Redo { target: log[1].id },
    ));
    assert_eq!(strength(&log), Some(3));
    log.push(Event::now(
        "mina",
        Some(item.id),
        EventBody::Skip {
            reason: "odd".to_owned(),
        },
    ));
    assert_eq!(strength(&log), None);
    assert!(History::of("mina", &log).redo.is_empty());
}

/// A log of deeds by two people on three items: each step is (person, item, deed).
fn log_of(steps: &[(u8, u8, u8)]) -> Vec<Event> {
    let items: Vec<Item> = (0..3)
        .map(|n| pair(&format!("a{n}"), &format!("b{n}")).0)
        .collect();
    let mut log: Vec<Event> = vec![];
    for (who, item, deed) in steps {
        let who = ["mina", "omar"][usize::from(*who) % 2];
        let item = &items[usize::from(*item) % 3];
        let history = History::of(who, &log);
        let body = match deed % 7 {
            0 | 1 => label(item.responses[usize::from(*deed) % 2].key, 1 + deed % 3),
            2 => EventBody::Skip {
                reason: format!("r{deed}"),
            },
            3 => EventBody::Flag {
                note: String::new(),
            },
            4 => EventBody::Unflag,
            5 => match history.undo.last() {
                Some(target) => EventBody::Undo { target: *target },
                None => continue,
            },
            _ => match history.redo.last() {
                Some(target) => EventBody::Redo { target: *target },
                None => continue,
            },
        };
        log.push(Event::now(who, Some(item.id), body));
    }
    log
}

proptest! {
    #[test]
    fn the_view_is_a_function_of_the_set_of_events(
        steps in prop::collection::vec((0u8..2, 0u8..3, 0u8..21), 0..40),
        seed in any::<u64>(),
        cut in 0usize..40,
    ) {
        let log = log_of(&steps);
        let view = View::fold(&log);
        // Any order.
        let mut shuffled = log.clone();
        shuffled.sort_by_key(|e| blake3_of(seed, e));
        prop_assert_eq!(&View::fold(&shuffled), &view);
        // Merging is a union: commutative and idempotent.
        let (left, right) = log.split_at(cut.min(log.len()));
        prop_assert_eq!(&View::fold(right.iter().chain(left)), &view);
        prop_assert_eq!(&View::fold(log.iter().chain(&log)), &view);
        // Undoing everything leaves nothing of one's own.
        let mut undone = log.clone();
        for who in ["mina", "omar"] {
            while let Some(target) = History::of(who, &undone).undo.last().copied() {
                undone.push(Event::now(who, None, EventBody::Undo { target }));
            }
        }
        let empty = View::fold(&undone);
        prop_assert!(empty.outcomes.is_empty() && empty.flags.is_empty());
    }
}

fn blake3_of(seed: u64, event: &Event) -> u64 {
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = std::hash::DefaultHasher::new();
    (seed, event.id).hash(&mut hasher);
    hasher.finish()
}

// -----------------------------------------------------------------------------------------
// Schemas and doubts

#[test]
fn schemas_are_identified_by_content_from_the_second_version_on() {
    let first = LabelSchema::helpsteer2();
    assert_eq!(first.id(), "helpsteer2@1");
    let changed = |title: &str| LabelSchema {
        version: 2,
        attributes: vec![Attribute {
            title: title.to_owned(),
            ..first.attributes[0].clone()
        }],
        ..first.clone()
    };
    let (one, two) = (changed("One"), changed("Two"));
    assert!(one.id().starts_with("helpsteer2@2-"));
    assert_ne!(one.id(), two.id(), "two people who each changed version 1");
    let text = serde_json::to_string(&one).unwrap();
    let again: LabelSchema = serde_json::from_str(&text).unwrap();
    assert_eq!((again.id(), &again), (one.id(), &one));
    // What an earlier version wrote reads with what is new left out.
    let mut old: serde_json::Value = serde_json::from_str(&text).unwrap();
    for new in [
        "mode",
        "tags",
        "confidence",
        "hide_counts",
        "shuffle",
        "practice",
    ] {
        old.as_object_mut().unwrap().remove(new);
    }
    old["attributes"][0]
        .as_object_mut()
        .unwrap()
        .remove("required");
    let read: LabelSchema = serde_json::from_value(old).unwrap();
    assert_eq!(read, one);
}

#[test]
fn schemas_that_nobody_could_answer_are_named() {
    let good = LabelSchema::helpsteer2();
    assert_eq!(good.check(), Ok(()));
    let wrong = |change: fn(&mut LabelSchema)| {
        let mut schema = LabelSchema::helpsteer2();
        change(&mut schema);
        schema.check().unwrap_err()
    };
    assert_eq!(wrong(|s| s.name = " ".to_owned()), SchemaError::NoName);
    assert_eq!(wrong(|s| s.max_strength = 4), SchemaError::Strength);
    assert_eq!(
        wrong(|s| s.attributes[2].name.clear()),
        SchemaError::NoAttributeName(3)
    );
    assert!(matches!(
        wrong(|s| s.attributes[0].max = 10),
        SchemaError::Scale(_)
    ));
    assert!(matches!(
        wrong(|s| s.attributes[0].min = 4),
        SchemaError::Scale(_)
    ));
    assert!(matches!(
        wrong(|s| s.attributes[0].max = 1),
        SchemaError::Anchors(_)
    ));
    let empty = wrong(|s| {
        s.mode = Mode::RatingOnly;
        s.attributes.clear();
    });
    assert_eq!(empty, SchemaError::Nothing);
}

#[test]
fn doubts_are_about_praise_sides_time_and_identity() {
    let (item, _) = pair("I am ChatGPT, and the sky is green.", "The sky is blue.");
    let schema = LabelSchema::helpsteer2();
    let shown = [item.responses[0].key, item.responses[1].key];
    let found = |judgment: &Judgment, active_ms: u64| {
        let texts = item.responses.iter().map(Response::text).collect();
        let given = Circumstances {
            schema: &schema,
            shown: &shown,
            texts,
            active_ms,
        };
        doubts(judgment, &given)
    };
    let judged = |a: [f64; 5], b: [f64; 5], better: usize| {
        let mut judgment = Judgment {
            preference: Some(Preference::Better {
                response: shown[better],
                strength: Some(2),
            }),
            ..Judgment::default()
        };
        for (key, levels) in [(shown[0], a), (shown[1], b)] {
            for (attribute, level) in schema.attributes.iter().zip(levels) {
                judgment.ratings.set(key, &attribute.name, Some(level));
            }
        }
        judgment
    };
    let against = Doubt::RatedAgainst { higher: 0 };
    // Lower in all that praises; what only describes does not matter.
    assert!(
        found(
            &judged([4., 4., 3., 0., 0.], [1., 4., 3., 4., 4.], 1),
            60_000
        )
        .contains(&against)
    );
    for agreed in [
        judged([4., 4., 4., 2., 2.], [1., 1., 1., 2., 2.], 0),
        judged([4., 1., 4., 2., 2.], [1., 2., 1., 2., 2.], 1),
        judged([3., 3., 3., 4., 4.], [3., 3., 3., 1., 1.], 1),
    ] {
        assert!(
            !found(&agreed, 60_000)
                .iter()
                .any(|d| matches!(d, Doubt::RatedAgainst { .. }))
        );
    }
    let plain = judged([4.; 5], [1.; 5], 0);
    assert_eq!(found(&plain, 60_000), [Doubt::Identity]);
    assert_eq!(found(&plain, 100), [Doubt::TooFast, Doubt::Identity]);
    for (reason, sides) in [
        ("The left one is right.", true),
        ("I like the response on the right", true),
        ("The right answer is in B.", false),
        ("B gives the right answer", false),
        ("The right column is better.", true),
        ("A is right about the left bank of the river.", false),
        ("It has the right idea and nothing is left out", false),
        ("A gets it right.", false),
    ] {
        let judgment = Judgment {
            justification: reason.to_owned(),
            ..plain.clone()
        };
        assert_eq!(
            found(&judgment, 60_000).contains(&Doubt::NamesSides),
            sides,
            "{reason}"
        );
    }
}

#[test]
fn models_that_name_themselves_are_found() {
    for (text, found) in [
        ("As ChatGPT, I cannot do that.", vec!["As ChatGPT"]),
        (
            "Hello! I\u{2019}m Claude, made by Anthropic.",
            vec!["I\u{2019}m Claude", "made by Anthropic"],
        ),
        ("I was trained by OpenAI.", vec!["trained by OpenAI"]),
        (
            "The last llama in Peru; it was as gemini as stars go.",
            vec!["as gemini"],
        ),
        ("Claude Monet painted it. Bards sang.", vec![]),
        ("He was chatgptish", vec![]),
    ] {
        let words: Vec<&str> = identity_words(text)
            .into_iter()
            .map(|range| &text[range])
            .collect();
        assert_eq!(words, found, "{text}");
    }
}

#[test]
fn new_deeds_survive_their_stored_form() {
    let (item, _) = pair("a", "b");
    let EventBody::Label(label) = label(item.responses[0].key, 2) else {
        panic!()
    };
    for body in [
        EventBody::Later,
        EventBody::Comment {
            text: "odd".to_owned(),
        },
        EventBody::Practice(label),
        EventBody::Schema {
            schema: Box::new(LabelSchema::helpsteer2()),
        },
        EventBody::Guidelines {
            text: "# Be fair".to_owned(),
        },
    ] {
        let text = body.payload().to_string();
        let again = EventBody::parse(body.kind(), serde_json::from_str(&text).unwrap());
        assert_eq!(again, body);
    }
}
