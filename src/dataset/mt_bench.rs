//! MT-bench: conversations of two models, and votes on their first or second turn in the same or in other files. The
//! conversations are held until all files are read, since votes may stand before or after them.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::DatasetError;
use super::messages::{shortened, take_id, take_text, turns};
use super::pairs::whole;
use super::read::{Collector, Place, Row};
use crate::domain::{Item, Preference, ReferenceLabel, Role, Turn};

/// Question, first model, second model.
type Key = (String, String, String);

/// Conversations and votes, waiting for each other.
#[derive(Default)]
pub(super) struct MtBench {
    conversations: Vec<Conversation>,
    index: HashMap<Key, usize>,
    votes: Vec<Vote>,
}

struct Conversation {
    file: String,
    row: u64,
    key: Key,
    sides: [Vec<Turn>; 2],
    extra: Map<String, Value>,
    votes: Vec<Vote>,
}

struct Vote {
    file: String,
    row: u64,
    key: Key,
    turn: usize,
    winner: Winner,
    annotator: Option<String>,
    time: Option<String>,
    extra: Map<String, Value>,
    /// Whether the row also holds the conversations, so that it is counted with them.
    counted: bool,
}

#[derive(Clone, Copy)]
enum Winner {
    A,
    B,
    Tie,
}

impl MtBench {
    /// Takes a row of conversations, of a vote, or of both.
    pub fn row(&mut self, place: Place<'_>, row: Map<String, Value>, out: &mut Collector<'_>) {
        if let Err(reason) = self.take(place, row, out) {
            out.reject(place.file, place.row, reason);
        }
    }

    fn take(
        &mut self,
        place: Place<'_>,
        mut row: Map<String, Value>,
        out: &mut Collector<'_>,
    ) -> Result<(), String> {
        let key = (
            take_id(&mut row, "question_id").ok_or("it has no question_id")?,
            take_text(&mut row, "model_a").ok_or("it has no model_a")?,
            take_text(&mut row, "model_b").ok_or("it has no model_b")?,
        );
        let sides = match (
            row.shift_remove("conversation_a"),
            row.shift_remove("conversation_b"),
        ) {
            (Some(a), Some(b)) => Some([
                conversation("conversation_a", a)?,
                conversation("conversation_b", b)?,
            ]),
            (None, None) => None,
            _ => return Err("it has only one of conversation_a and conversation_b".to_owned()),
        };
        if let Some([a, b]) = &sides
            && a.len() != b.len()
        {
            return Err("conversation_a and conversation_b differ in length".to_owned());
        }
        if sides.is_none() || row.contains_key("winner") {
            let counted = sides.is_some();
            let mut vote = vote(place, &key, &mut row)?;
            if let Some([side, _]) = &sides
                && vote.turn > side.len() / 2
            {
                return Err(no_turn(vote.turn));
            }
            vote.counted = counted;
            if !counted {
                vote.extra = row;
                self.votes.push(vote);
                return Ok(());
            }
            self.votes.push(vote);
        }
        let Some(sides) = sides else {
            return Ok(());
        };
        if let Some(at) = self.index.get(&key) {
            let known = &self.conversations[*at].sides;
            let same = known.iter().zip(&sides).all(|(a, b)| {
                a.len() == b.len() && a.iter().zip(b).all(|(one, other)| one.same(other))
            });
            if !same {
                self.votes
                    .pop_if(|vote| vote.row == place.row && vote.file == place.file);
                return Err(
                    "other conversations of the same question and models came before".to_owned(),
                );
            }
            out.joined(1);
            return Ok(());
        }
        self.index.insert(key.clone(), self.conversations.len());
        self.conversations.push(Conversation {
            file: place.file.to_owned(),
            row: place.row,
            key,
            sides,
            extra: row,
            votes: Vec::new(),
        });
        Ok(())
    }

    /// Joins the votes to the conversations and passes on an item per turn.
    pub fn finish(self, out: &mut Collector<'_>) -> Result<(), DatasetError> {
        let Self {
            mut conversations,
            index,
            votes,
        } = self;
        for mut vote in votes {
            let at = index.get(&vote.key).copied().or_else(|| {
                // The same two models the other way round.
                let (question, a, b) = &vote.key;
                let at = index.get(&(question.clone(), b.clone(), a.clone()))?;
                vote.winner = match vote.winner {
                    Winner::A => Winner::B,
                    Winner::B => Winner::A,
                    Winner::Tie => Winner::Tie,
                };
                Some(*at)
            });
            let found = at.map(|at| &mut conversations[at]);
            match found {
                Some(found) if vote.turn <= found.sides[0].len() / 2 => {
                    out.joined(u64::from(!vote.counted));
                    found.votes.push(vote);
                }
                Some(_) => {
                    out.reject(&vote.file, vote.row, no_turn(vote.turn));
                }
                None => {
                    let (question, ..) = &vote.key;
                    let reason = format!(
                        "no conversations of question {} and these two models came in; give their file too",
                        shortened(question)
                    );
                    out.reject(&vote.file, vote.row, reason);
                }
            }
        }
        for conversation in conversations {
            conversation.pass_on(out)?;
        }
        Ok(())
    }
}

impl Conversation {
    fn pass_on(self, out: &mut Collector<'_>) -> Result<(), DatasetError> {
        let (question, a, b) = self.key;
        let rounds = self.sides[0].len() / 2;
        for round in 1..=rounds {
            let sides = self.sides.iter().map(|side| side[..2 * round].to_vec());
            let (item, order) = match Item::from_conversations(sides.collect()) {
                Ok(made) => made,
                Err(err) => {
                    out.reject(&self.file, self.row, err.to_string());
                    return Ok(());
                }
            };
            let better = |at: usize| Preference::Better {
                response: item.responses[order[at]].key,
                strength: None,
            };
            let votes = self.votes.iter().filter(|vote| vote.turn == round);
            let rows_of_votes = votes.clone().filter(|vote| !vote.counted).count() as u64;
            let references = votes
                .map(|vote| {
                    let preference = match vote.winner {
                        Winner::A => better(0),
                        Winner::B => better(1),
                        Winner::Tie => Preference::Tie,
                    };
                    ReferenceLabel {
                        time: vote.time.clone(),
                        extra: vote.extra.clone(),
                        ..ReferenceLabel::vote(vote.annotator.clone(), preference)
                    }
                })
                .collect();
            let mut extra = Map::from_iter([("turn".to_owned(), round.into())]);
            extra.extend(self.extra.clone());
            let place = Place {
                file: &self.file,
                row: self.row,
                format: super::Format::MtBench,
            };
            let models = vec![Some(a.clone()), Some(b.clone())];
            // Both turns of a question stand in one row: their ids differ.
            let source = place.source(Some(format!("{question}#{round}")), order, models, extra);
            out.item(
                Row {
                    item,
                    source,
                    references,
                    rows: rows_of_votes + u64::from(round == 1),
                },
                u64::from(round == 1),
            )?;
        }
        Ok(())
    }
}

fn no_turn(turn: usize) -> String {
    format!("the conversations have no turn {turn}")
}

/// Rounds of a conversation at most: each becomes an item with all before it, so that many would grow with their square.
const ROUNDS: usize = 8;

fn conversation(name: &str, value: Value) -> Result<Vec<Turn>, String> {
    let turns = turns(name, value)?;
    let alternates = turns.iter().enumerate().all(|(at, turn)| {
        turn.role
            == if at % 2 == 0 {
                Role::User
            } else {
                Role::Assistant
            }
    });
    if turns.is_empty() || turns.len() % 2 == 1 || !alternates {
        return Err(format!(
            "{name} does not alternate between user and assistant"
        ));
    }
    if turns.len() > 2 * ROUNDS {
        return Err(format!(
            "{name} has {} rounds, where MT-bench has 2: more than {ROUNDS} are not read",
            turns.len() / 2
        ));
    }
    Ok(turns)
}

fn vote(place: Place<'_>, key: &Key, row: &mut Map<String, Value>) -> Result<Vote, String> {
    let winner = row.get("winner").and_then(Value::as_str);
    let winner = match winner {
        Some("model_a") => Winner::A,
        Some("model_b") => Winner::B,
        Some(tie) if tie.starts_with("tie") => Winner::Tie,
        Some(other) => {
            return Err(format!(
                "winner is `{}`, not model_a, model_b or tie",
                shortened(other)
            ));
        }
        None => return Err("it has no winner".to_owned()),
    };
    // "tie (inconsistent)" says more than a tie: it stays.
    if row
        .get("winner")
        .and_then(Value::as_str)
        .is_some_and(|text| !text.starts_with("tie "))
    {
        row.shift_remove("winner");
    }
    let turn = row.get("turn").and_then(whole).unwrap_or(0);
    let turn = usize::try_from(turn).ok().filter(|turn| *turn > 0);
    let turn = turn.ok_or("it has no turn of 1 or more")?;
    row.shift_remove("turn");
    let judge = match row.get("judge") {
        Some(Value::String(name)) => Some(name.clone()),
        // The judge model and the name of its prompt.
        Some(Value::Array(list)) => list.first().and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let annotator = match judge {
        Some(name) if name.starts_with("gpt4") => Some("gpt-4".to_owned()),
        other => {
            if row.get("judge").is_some_and(Value::is_string) {
                row.shift_remove("judge");
            }
            other
        }
    };
    let time = take_id(row, "tstamp");
    Ok(Vote {
        file: place.file.to_owned(),
        row: place.row,
        key: key.clone(),
        turn,
        winner,
        annotator,
        time,
        extra: Map::new(),
        counted: false,
    })
}
