//! Pickles read as data: what a file says is built of plain values, and nothing of it is ever called.
//!
//! Values lie in one list and point at each other by number, so that depth, cycles and repetition cost nothing. The instructions are those
//! of Python's `pickletools`.

use std::collections::HashMap;

/// No checkpoint says more.
const MOST_VALUES: usize = 1 << 23;

/// A value, by its place in [`Pickle::values`].
pub(super) type Id = usize;

/// What a pickle can say.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// `None`, and all that says nothing of weights: flags, fractions, bytes, numbers beyond 64 bits.
    Nothing,
    Number(i64),
    Text(String),
    /// A tuple, list or set.
    Sequence(Vec<Id>),
    Map(Vec<(Id, Id)>),
    /// The name of something that Python would look up.
    Global(String, String),
    /// Something that Python would make: of what, from which arguments; the state it would be given, and what would be put into it.
    Made {
        what: Id,
        arguments: Id,
        state: Option<Id>,
        items: Vec<(Id, Id)>,
    },
    /// Something outside of the pickle.
    Outside(Id),
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(super) struct Pickle {
    values: Vec<Value>,
    /// The value that it stands for.
    pub(super) top: Id,
}

impl Pickle {
    /// Reads a pickle at the beginning of `bytes`; gives its length, too.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize), String> {
        let mut machine = Machine {
            bytes,
            at: 0,
            pickle: Self::default(),
            stack: vec![],
            marks: vec![],
            memo: HashMap::new(),
        };
        match machine.run() {
            Ok(()) => {
                let mut pickle = machine.pickle;
                pickle.top = machine.stack.pop().ok_or("an empty pickle")?;
                Ok((pickle, machine.at))
            }
            Err(reason) => Err(format!("{reason} at byte {} of the pickle", machine.at)),
        }
    }

    pub(super) fn get(&self, id: Id) -> &Value {
        self.values.get(id).unwrap_or(&Value::Nothing)
    }

    /// What [`Value::Outside`] says, of every such value.
    pub(super) fn outside(&self) -> impl Iterator<Item = Id> {
        self.values.iter().filter_map(|value| match value {
            Value::Outside(id) => Some(*id),
            _ => None,
        })
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Numbers that are not negative.
    pub(super) fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        let items = self.sequence(id)?.iter();
        items
            .map(|item| usize::try_from(self.number(*item)?).ok())
            .collect()
    }

    /// The entries of a dictionary, plain or ordered.
    pub(super) fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.get(id) {
            Value::Map(entries) => Some(entries),
            Value::Made { what, items, .. } => match self.get(*what) {
                Value::Global(_, name) if name == "OrderedDict" || name == "defaultdict" => {
                    Some(items)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The name and arguments of something that would be made.
    pub(super) fn made(&self, id: Id) -> Option<(&str, &str, &[Id])> {
        let Value::Made {
            what, arguments, ..
        } = self.get(id)
        else {
            return None;
        };
        let Value::Global(module, name) = self.get(*what) else {
            return None;
        };
        Some((module, name, self.sequence(*arguments)?))
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    pickle: Pickle,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = usize::try_from(count)
            .ok()
            .filter(|count| *count <= rest.len());
        let count = count.ok_or("it is cut off")?;
        self.at += count;
        Ok(&rest[..count])
    }

    /// A number of that many bytes, the lowest first.
    fn unsigned(&mut self, bytes: u64) -> Result<u64, String> {
        let taken = self.take(bytes)?;
        Ok(taken
            .iter()
            .rev()
            .fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|b| *b == b'\n')
            .ok_or("it is cut off")?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_bad| "text that is not UTF-8".to_owned())
    }

    fn utf8(&mut self, count: u64) -> Result<Value, String> {
        let bytes = self.take(count)?;
        let text = String::from_utf8_lossy(bytes).into_owned();
        Ok(Value::Text(text))
    }

    fn put(&mut self, value: Value) -> Result<Id, String> {
        let values = &mut self.pickle.values;
        if values.len() >= MOST_VALUES {
            return Err("more values than any checkpoint has".to_owned());
        }
        values.push(value);
        Ok(values.len() - 1)
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        let id = self.put(value)?;
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, String> {
        self.stack.pop().ok_or_else(|| "nothing to take".to_owned())
    }

    fn top(&self) -> Result<Id, String> {
        self.stack
            .last()
            .copied()
            .ok_or_else(|| "nothing to take".to_owned())
    }

    /// What was put since the last mark.
    fn since_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or("no mark")?))
    }

    fn append(&mut self, to: Id, more: Vec<Id>) {
        // What is no list (a list of a kind of its own) is not looked into.
        if let Some(Value::Sequence(items)) = self.pickle.values.get_mut(to) {
            items.extend(more);
        }
    }

    fn set(&mut self, to: Id, more: &[Id]) -> Result<(), String> {
        if !more.len().is_multiple_of(2) {
            return Err("a key without a value".to_owned());
        }
        let pairs = more
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[key, value]| (*key, *value));
        match self.pickle.values.get_mut(to) {
            Some(Value::Map(items) | Value::Made { items, .. }) => items.extend(pairs),
            _ => return Err("an entry of what is no dictionary".to_owned()),
        }
        Ok(())
    }

    fn make(&mut self, what: Id, arguments: Id) -> Result<(), String> {
        self.push(Value::Made {
            what,
            arguments,
            state: None,
            items: vec![],
        })
    }

    #[expect(clippy::too_many_lines, reason = "one line an instruction")]
    fn run(&mut self) -> Result<(), String> {
        loop {
            let code = self.take(1)?[0];
            match code {
                b'.' => return Ok(()),
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.since_mark()?),
                b'2' => {
                    let top = self.top()?;
                    self.stack.push(top);
                }
                b'N' | 0x88 | 0x89 => self.push(Value::Nothing)?,
                b'I' | b'L' => {
                    let line = self.line()?;
                    let number = number(line)?;
                    self.push(number)?;
                }
                b'J' => {
                    let number = self.unsigned(4)? as u32;
                    self.push(Value::Number(i64::from(number.cast_signed())))?;
                }
                b'K' => {
                    let number = self.unsigned(1)?;
                    self.push(Value::Number(number.cast_signed()))?;
                }
                b'M' => {
                    let number = self.unsigned(2)?;
                    self.push(Value::Number(number.cast_signed()))?;
                }
                0x8a | 0x8b => {
                    let count = self.unsigned(if code == 0x8a { 1 } else { 4 })?;
                    let bytes = self.take(count)?;
                    self.push(long(bytes))?;
                }
                b'F' => {
                    self.line()?;
                    self.push(Value::Nothing)?;
                }
                b'G' => {
                    self.take(8)?;
                    self.push(Value::Nothing)?;
                }
                b'S' | b'V' => {
                    let line = self.line()?;
                    let text = line.trim_matches(['\'', '"']).to_owned();
                    self.push(Value::Text(text))?;
                }
                b'T' | b'X' | b'U' | 0x8c | 0x8d => {
                    let count = self.unsigned(match code {
                        b'T' | b'X' => 4,
                        b'U' | 0x8c => 1,
                        _ => 8,
                    })?;
                    let text = self.utf8(count)?;
                    self.push(text)?;
                }
                b'B' | b'C' | 0x8e | 0x96 => {
                    let count = self.unsigned(match code {
                        b'B' => 4,
                        b'C' => 1,
                        _ => 8,
                    })?;
                    self.take(count)?;
                    self.push(Value::Nothing)?;
                }
                b')' | b']' | 0x8f => self.push(Value::Sequence(vec![]))?,
                b'}' => self.push(Value::Map(vec![]))?,
                b't' | b'l' | 0x91 => {
                    let items = self.since_mark()?;
                    self.push(Value::Sequence(items))?;
                }
                0x85..=0x87 => {
                    let count = usize::from(code - 0x84);
                    let from = self
                        .stack
                        .len()
                        .checked_sub(count)
                        .ok_or("nothing to take")?;
                    let items = self.stack.split_off(from);
                    self.push(Value::Sequence(items))?;
                }
                b'd' => {
                    let items = self.since_mark()?;
                    let map = self.put(Value::Map(vec![]))?;
                    self.set(map, &items)?;
                    self.stack.push(map);
                }
                b'a' => {
                    let item = self.pop()?;
                    let to = self.top()?;
                    self.append(to, vec![item]);
                }
                b'e' | 0x90 => {
                    let items = self.since_mark()?;
                    let to = self.top()?;
                    self.append(to, items);
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    let to = self.top()?;
                    self.set(to, &[key, value])?;
                }
                b'u' => {
                    let items = self.since_mark()?;
                    let to = self.top()?;
                    self.set(to, &items)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?.to_owned(), self.line()?.to_owned());
                    self.push(Value::Global(module, name))?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    // Nothing that Python looks up is called by a page of text.
                    let text = |id| {
                        self.pickle
                            .text(id)
                            .filter(|t| t.len() <= 1_024)
                            .map(str::to_owned)
                    };
                    let (Some(module), Some(name)) = (text(module), text(name)) else {
                        return Err("a name that is no text".to_owned());
                    };
                    self.push(Value::Global(module, name))?;
                }
                b'R' | 0x81 => {
                    let (arguments, what) = (self.pop()?, self.pop()?);
                    self.make(what, arguments)?;
                }
                0x92 => {
                    let (_named, arguments, what) = (self.pop()?, self.pop()?, self.pop()?);
                    self.make(what, arguments)?;
                }
                b'b' => {
                    let given = self.pop()?;
                    let to = self.top()?;
                    if let Some(Value::Made { state, .. }) = self.pickle.values.get_mut(to) {
                        *state = Some(given);
                    }
                }
                b'i' => {
                    let (module, name) = (self.line()?.to_owned(), self.line()?.to_owned());
                    let items = self.since_mark()?;
                    let what = self.put(Value::Global(module, name))?;
                    let arguments = self.put(Value::Sequence(items))?;
                    self.make(what, arguments)?;
                }
                b'o' => {
                    let mut items = self.since_mark()?;
                    if items.is_empty() {
                        return Err("nothing to make".to_owned());
                    }
                    let what = items.remove(0);
                    let arguments = self.put(Value::Sequence(items))?;
                    self.make(what, arguments)?;
                }
                b'p' | b'q' | b'r' | 0x94 => {
                    let key = match code {
                        b'p' => self
                            .line()?
                            .parse()
                            .map_err(|_bad| "a place that is no number")?,
                        b'q' => self.unsigned(1)?,
                        b'r' => self.unsigned(4)?,
                        _ => self.memo.len() as u64,
                    };
                    let top = self.top()?;
                    if self.memo.len() >= MOST_VALUES {
                        return Err("more values than any checkpoint has".to_owned());
                    }
                    self.memo.insert(key, top);
                }
                b'g' | b'h' | b'j' => {
                    let key: u64 = match code {
                        b'g' => self
                            .line()?
                            .parse()
                            .map_err(|_bad| "a place that is no number")?,
                        b'h' => self.unsigned(1)?,
                        _ => self.unsigned(4)?,
                    };
                    let id = self.memo.get(&key).ok_or("a place where nothing was put")?;
                    self.stack.push(*id);
                }
                b'P' => {
                    let line = self.line()?.to_owned();
                    let id = self.put(Value::Text(line))?;
                    self.push(Value::Outside(id))?;
                }
                b'Q' => {
                    let id = self.pop()?;
                    self.push(Value::Outside(id))?;
                }
                other => return Err(format!("the instruction {other:#04x}")),
            }
            if self.stack.len() > MOST_VALUES || self.marks.len() > MOST_VALUES {
                return Err("more values than any checkpoint has".to_owned());
            }
        }
    }
}

/// A whole number in digits; `00` and `01` are flags.
fn number(text: &str) -> Result<Value, String> {
    Ok(match text.trim_end_matches('L') {
        "00" | "01" => Value::Nothing, // flags
        digits => Value::Number(
            digits
                .parse()
                .map_err(|_bad| format!("the number {text:?}"))?,
        ),
    })
}

/// A whole number in two's complement, the lowest byte first; nothing where it is beyond all sizes.
fn long(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Nothing;
    }
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let filled = if negative { -1i64 } else { 0 };
    let number = bytes
        .iter()
        .rev()
        .fold(filled, |n, byte| n << 8 | i64::from(*byte));
    Value::Number(number)
}
