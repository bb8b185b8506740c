//! Whatever the texts are: HH-RLHF comes out byte for byte, pairs come back whole, other formats carry an item or leave it out.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::round_trip::{again, labelled, left_out, preferring};
use super::*;

/// Words that are hard to split, and any text.
fn content() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        3 => "[a-z ]{0,6}",
        1 => any::<String>(),
        1 => prop::sample::select(vec![
            "\n", "\n\n", "Human:", "Assistant:", "\n\nHuman: ", "\n\nAssistant:", "\n<extra_id_1>User\n",
            "\n<extra_id_1>Assistant", "\r\n", "\u{2028}", "\"", "\\",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(word, 0..4).prop_map(|words| words.concat())
}

fn turn() -> impl Strategy<Value = Turn> {
    let role = prop::sample::select(vec![Role::User, Role::Assistant, Role::System, Role::Tool]);
    (
        role,
        content(),
        prop::option::weighted(0.1, Just(json!([{"name": "f"}]))),
        prop::option::weighted(0.1, content()),
    )
        .prop_map(|(role, content, tool_calls, name)| {
            let mut turn = Turn::new(role, content);
            turn.tool_calls = tool_calls;
            turn.extra
                .extend(name.map(|name| ("name".to_owned(), Value::from(name))));
            turn
        })
}

fn response() -> impl Strategy<Value = Vec<Turn>> {
    (prop::collection::vec(turn(), 0..3), content()).prop_map(|(mut turns, last)| {
        turns.push(Turn::assistant(last));
        turns
    })
}

#[derive(Debug, Clone)]
struct Said {
    preference: Option<(bool, Option<u8>)>,
    ratings: Vec<(bool, String, f64)>,
    justification: String,
}

fn said() -> impl Strategy<Value = Said> {
    let rating = (
        any::<bool>(),
        content(),
        prop_oneof![(-5..5_i8).prop_map(f64::from), -1e3..1e3],
    );
    (
        prop::option::of((any::<bool>(), prop::option::of(1..=3_u8))),
        prop::collection::vec(rating, 0..4),
        content(),
    )
        .prop_map(|(preference, ratings, justification)| Said {
            preference,
            ratings,
            justification,
        })
}

impl Said {
    fn of(self, item: &Item) -> Judgment {
        let key = |first: bool| item.responses[usize::from(first)].key;
        let mut ratings = Ratings::default();
        for (first, name, value) in self.ratings {
            ratings.set(key(first), &name, Some(value));
        }
        Judgment {
            ratings,
            preference: self.preference.map(|(first, strength)| Preference::Better {
                response: key(first),
                strength,
            }),
            justification: self.justification,
            ..Judgment::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn hh_texts_come_out_byte_for_byte(
        shared in prop::collection::vec((any::<bool>(), content()), 0..4),
        ends in [prop::collection::vec((any::<bool>(), content()), 0..3), prop::collection::vec((any::<bool>(), content()), 0..3)],
    ) {
        let text = |end: &[(bool, String)]| {
            let mut text = "\n\nHuman:".to_owned();
            for (human, content) in shared.iter().chain(end) {
                text.push_str(content);
                text.push_str(if *human { "\n\nHuman: " } else { "\n\nAssistant: " });
            }
            text
        };
        let line = json!({"chosen": text(&ends[0]), "rejected": text(&ends[1])}).to_string();
        let (report, rows) = import_text(&line);
        prop_assert_eq!(report.imported + report.rejected_in_all, 1);
        if !rows.is_empty() {
            let (report, out) = export(Format::HhRlhf, &again(&rows), false);
            if left_out(&report).is_empty() {
                prop_assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), serde_json::from_str::<Value>(&line).unwrap());
            } else {
                prop_assert!(false, "{:?}", report.left_out);
            }
        }
    }

    #[test]
    fn pairs_come_back_whole(
        context in prop::collection::vec(turn(), 0..4),
        responses in [response(), response()],
        verdict in said(),
        votes in prop::collection::vec((prop::option::of(content()), prop::option::of(content()), said()), 0..3),
        id in content(),
        meta in content(),
    ) {
        let (item, order) = Item::new(context, responses.to_vec()).unwrap();
        prop_assume!(item.responses[0].key.hash != item.responses[1].key.hash);
        let mut judgment = verdict.of(&item);
        judgment.preference.get_or_insert(Preference::Better { response: item.responses[0].key, strength: None });
        let votes: Vec<Vote> = votes
            .into_iter()
            .map(|(annotator, time, said)| Vote { annotator, time, judgment: said.of(&item), extra: Map::new() })
            // A vote that says nothing of anybody is not one.
            .filter(|vote| vote.annotator.is_some() || !vote.judgment.is_empty())
            .collect();
        let row = ExportRow {
            item: item.clone(),
            source: Some(SourceRow {
                file: "f".into(),
                format: "pairs".into(),
                row: 1,
                id: Some(id),
                order,
                models: vec![Some("one".into()), None],
                extra: Map::from_iter([("meta".to_owned(), json!(meta)), ("set".to_owned(), json!("s"))]),
            }),
            judgment,
            extra: Map::new(),
            votes,
        };
        let (report, text) = export(Format::Pairs, std::slice::from_ref(&row), true);
        if report.rows == 0 {
            prop_assert_eq!(left_out(&report), [("reply-repeats-prompt", 1)]);
        } else {
            let (report, rows) = import_text(&text);
            prop_assert_eq!((report.imported, report.format), (1, Some(Format::Pairs)));
            let back = export_row(&rows[0]);
            prop_assert_eq!(&back.item, &row.item);
            prop_assert_eq!(&back.judgment, &row.judgment);
            prop_assert_eq!(&back.votes, &row.votes);
            let (source, ours) = (back.source.as_ref().unwrap(), row.source.as_ref().unwrap());
            prop_assert_eq!(&source.id, &ours.id);
            prop_assert_eq!(&source.extra, &ours.extra);
            // The models follow their responses, whichever is first now.
            let model = |source: &SourceRow, index| source.order.iter().position(|at| *at == index).and_then(|at| source.models[at].clone());
            prop_assert_eq!(model(source, 0), model(ours, 0));
            prop_assert_eq!(model(source, 1), model(ours, 1));
            prop_assert_eq!(export(Format::Pairs, &[back], true).1, text);
        }
    }

    #[test]
    fn other_formats_give_back_the_item_or_leave_it_out(
        context in prop::collection::vec(turn(), 0..4),
        responses in [response(), response()],
        format in prop::sample::select(vec![Format::Trl, Format::HhRlhf, Format::HelpSteer2, Format::HelpSteer2Preference]),
    ) {
        let (item, _) = Item::new(context, responses.to_vec()).unwrap();
        let mut judgment = preferring(0, Some(2))(&item);
        for response in &item.responses {
            for name in ["helpfulness", "correctness", "coherence", "complexity", "verbosity"] {
                judgment.ratings.set(response.key, name, Some(3.0));
            }
        }
        let (report, text) = export(format, &[labelled(item.clone(), judgment.clone())], true);
        if report.rows > 0 {
            let (report, rows) = import_text(&text);
            prop_assert_eq!((report.format, report.rejected_in_all), (Some(format), 0));
            prop_assert_eq!(rows[0].item.id, item.id);
            let back = &rows[0].references[0].judgment;
            match format {
                Format::HelpSteer2 => prop_assert_eq!(&back.ratings, &judgment.ratings),
                Format::HelpSteer2Preference => prop_assert_eq!(back.preference, judgment.preference),
                _ => prop_assert_eq!(back.preference, preferring(0, None)(&item).preference),
            }
        } else {
            prop_assert_eq!(report.left_out.len(), 1);
        }
    }
}
