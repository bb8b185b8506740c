//! `tokenizer.model`, the vocabulary of `SentencePiece`: read as it is, and text split as the library of that name splits it.
//!
//! After Kudo and Richardson (2018, arXiv 1808.06226) and the library's own rules: normalisation by the longest match in the file's table,
//! then the best path of a unigram model, or merges by score; what is in no piece falls back to bytes, where the model has them.

use std::collections::{BinaryHeap, HashMap};

use super::RewardError;

/// What stands for a space.
const SPACE: &str = "\u{2581}";
/// Bytes of a piece, or of what a character is replaced by: no vocabulary has longer ones, and one that had would take time without end.
const LONGEST: usize = 1_024;
/// No vocabulary has more pieces.
const MOST_PIECES: usize = 1 << 22;

/// A vocabulary and how text becomes its pieces.
#[derive(Debug, Clone)]
pub struct SentencePiece {
    pieces: Vec<Piece>,
    /// Pieces that text can become, by their text.
    index: HashMap<Vec<u8>, u32>,
    /// Pieces that are taken whole wherever they stand.
    whole: Vec<Vec<u8>>,
    /// The longest piece, in bytes.
    longest: usize,
    bytes: Option<Box<[u32; 256]>>,
    unknown: u32,
    merges: bool,
    normaliser: Normaliser,
    /// Least and greatest score of a normal piece.
    scores: (f32, f32),
}

#[derive(Debug, Clone)]
struct Piece {
    text: String,
    score: f32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

/// How text is written before it is split.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "as the file has them")]
struct Normaliser {
    /// A double array over what is replaced, and what it is replaced by.
    table: Option<(Vec<u32>, Vec<u8>)>,
    add_prefix: bool,
    remove_extra: bool,
    escape: bool,
    space_at_end: bool,
}

/// Fields of a protocol buffer: number and value.
struct Fields<'a>(&'a [u8]);

enum Value<'a> {
    Number(u64),
    Float(f32),
    Bytes(&'a [u8]),
}

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next field: its number and value. `None` where the bytes make none.
    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Bytes(self.take(8)?),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Float(f32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            _ => return None,
        };
        Some((key >> 3, value))
    }
}

/// Calls `on_field` for each field; false where the bytes make no message.
fn each<'a>(bytes: &'a [u8], mut on_field: impl FnMut(u64, Value<'a>) -> bool) -> bool {
    let mut fields = Fields(bytes);
    while !fields.0.is_empty() {
        let Some((number, value)) = fields.field() else {
            return false;
        };
        if !on_field(number, value) {
            return false;
        }
    }
    true
}

impl SentencePiece {
    /// Reads `tokenizer.model`; `file` names it in messages.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, RewardError> {
        let bad = |reason: &str| RewardError::malformed(file, reason);
        let mut pieces: Vec<Piece> = vec![];
        let (mut kind, mut byte_fallback, mut space_at_end) = (1, false, false);
        let mut normaliser = Normaliser {
            table: None,
            add_prefix: true,
            remove_extra: true,
            escape: true,
            space_at_end: false,
        };
        let mut whole = true;
        let sound = each(bytes, |number, value| match (number, value) {
            (1, Value::Bytes(bytes)) => match piece(bytes) {
                Some(piece) if pieces.len() < MOST_PIECES => {
                    pieces.push(piece);
                    true
                }
                _ => false,
            },
            (2, Value::Bytes(trainer)) => each(trainer, |number, value| {
                match (number, value) {
                    (3, Value::Number(n)) => kind = n,
                    (24, Value::Number(n)) => space_at_end = n != 0,
                    (35, Value::Number(n)) => byte_fallback = n != 0,
                    _ => {}
                }
                true
            }),
            (3, Value::Bytes(spec)) => each(spec, |number, value| {
                match (number, value) {
                    (2, Value::Bytes(table)) if !table.is_empty() => {
                        normaliser.table = double_array(table);
                        whole &= normaliser.table.is_some();
                    }
                    (3, Value::Number(n)) => normaliser.add_prefix = n != 0,
                    (4, Value::Number(n)) => normaliser.remove_extra = n != 0,
                    (5, Value::Number(n)) => normaliser.escape = n != 0,
                    _ => {}
                }
                true
            }),
            _ => true,
        });
        normaliser.space_at_end = space_at_end;
        if !sound || pieces.is_empty() {
            return Err(bad("it is cut off, or no SentencePiece model"));
        }
        if !whole {
            return Err(bad("its table of characters makes no sense"));
        }
        if kind != 1 && kind != 2 {
            return Err(bad("it is neither a unigram nor a BPE model"));
        }
        Self::new(pieces, normaliser, kind == 2, byte_fallback)
            .ok_or_else(|| bad("it has no piece for the unknown, or not all of its bytes"))
    }

    /// A vocabulary of BPE with byte fallback, spaces kept, as Llama 2 has it: pieces with scores and kinds (1 normal, 2 unknown, 3 control,
    /// 4 user-defined, 5 unused, 6 byte).
    pub fn of_pieces(
        pieces: impl IntoIterator<Item = (String, f32, u64)>,
        add_prefix: bool,
    ) -> Option<Self> {
        let piece = |(text, score, kind)| {
            Some(Piece {
                text,
                score,
                kind: Kind::of(kind)?,
            })
        };
        let pieces: Option<Vec<Piece>> = pieces.into_iter().map(piece).collect();
        let normaliser = Normaliser {
            table: None,
            add_prefix,
            remove_extra: false,
            escape: true,
            space_at_end: false,
        };
        Self::new(pieces?, normaliser, true, true)
    }

    fn new(
        pieces: Vec<Piece>,
        normaliser: Normaliser,
        merges: bool,
        byte_fallback: bool,
    ) -> Option<Self> {
        let mut index = HashMap::new();
        let (mut whole, mut unknown, mut scores) = (vec![], None, (f32::MAX, f32::MIN));
        let mut bytes = [u32::MAX; 256];
        for (id, piece) in (0u32..).zip(&pieces) {
            match piece.kind {
                Kind::Normal | Kind::UserDefined | Kind::Unused if piece.text.len() > LONGEST => {}
                Kind::Normal | Kind::UserDefined | Kind::Unused => {
                    index.entry(piece.text.as_bytes().to_vec()).or_insert(id);
                }
                Kind::Unknown => unknown = unknown.or(Some(id)),
                Kind::Byte => {
                    let hex = piece.text.strip_prefix("<0x")?.strip_suffix('>')?;
                    bytes[usize::from(u8::from_str_radix(hex, 16).ok()?)] = id;
                }
                Kind::Control => {}
            }
            match piece.kind {
                Kind::UserDefined => whole.push(piece.text.as_bytes().to_vec()),
                Kind::Normal => scores = (scores.0.min(piece.score), scores.1.max(piece.score)),
                _ => {}
            }
        }
        whole.sort_by_key(|text| std::cmp::Reverse(text.len()));
        whole.retain(|text| !text.is_empty() && text.len() <= LONGEST);
        if byte_fallback && bytes.contains(&u32::MAX) {
            return None;
        }
        Some(Self {
            longest: index.keys().map(Vec::len).max().unwrap_or(0),
            index,
            whole,
            bytes: byte_fallback.then(|| Box::new(bytes)),
            unknown: unknown?,
            merges,
            normaliser,
            scores,
            pieces,
        })
    }

    /// Number of pieces.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether it has no pieces; never so.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The text of a piece; empty where there is none of that number.
    pub fn piece(&self, id: u32) -> &str {
        self.pieces.get(id as usize).map_or("", |piece| &piece.text)
    }

    /// The score of a piece, and its kind by the number that files give it.
    pub fn about(&self, id: u32) -> Option<(f32, u64)> {
        let piece = self.pieces.get(id as usize)?;
        Some((piece.score, piece.kind as u64 + 1))
    }

    /// The piece of that text, of whatever kind.
    pub fn id(&self, text: &str) -> Option<u32> {
        let at = self.pieces.iter().position(|piece| piece.text == text)?;
        u32::try_from(at).ok()
    }

    /// The pieces that are taken whole wherever they stand, with their ids.
    pub fn user_defined(&self) -> impl Iterator<Item = (&str, u32)> {
        let numbered = self.pieces.iter().zip(0u32..);
        let user = numbered.filter(|(piece, _)| piece.kind == Kind::UserDefined);
        user.map(|(piece, id)| (piece.text.as_str(), id))
    }

    /// Whether a piece is none that text can become: the unknown, or a control symbol.
    pub fn is_special(&self, id: u32) -> bool {
        let kind = self.pieces.get(id as usize).map(|piece| piece.kind);
        matches!(kind, Some(Kind::Control | Kind::Unknown))
    }

    /// Ids of `text`, without a beginning or an end, each with where it starts in `text`, in bytes.
    pub fn encode(&self, text: &str) -> Vec<(u32, usize)> {
        self.encode_part(text, true)
    }

    /// The same of a part of a text, which is written with a space before it only where that is asked for (and the model does so).
    pub fn encode_part(&self, text: &str, prefix: bool) -> Vec<(u32, usize)> {
        let (written, origins) = self.normalise(text.as_bytes(), prefix);
        let split = if self.merges {
            self.merge(&written)
        } else {
            self.best_path(&written)
        };
        let mut ids: Vec<(u32, usize)> = Vec::with_capacity(split.len());
        let mut start = 0;
        let mut after_unknown = false;
        for (id, length) in split {
            let origin = origins.get(start).copied().unwrap_or(text.len());
            let is_unknown = id == self.unknown;
            match &self.bytes {
                Some(bytes) if is_unknown => {
                    let piece = &written[start..start + length];
                    ids.extend(piece.iter().map(|byte| (bytes[usize::from(*byte)], origin)));
                }
                // What is unknown in a row is one piece.
                _ if is_unknown && after_unknown => {}
                _ => ids.push((id, origin)),
            }
            after_unknown = is_unknown;
            start += length;
        }
        ids
    }

    /// The longest piece that is taken whole at the beginning of `text`.
    fn whole_at<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let found = self.whole.iter().find(|piece| text.starts_with(piece));
        found.map(|piece| &text[..piece.len()])
    }

    /// What the beginning of `text` is written as, and how many bytes of it that is.
    fn normalised_start<'a>(&'a self, text: &'a [u8]) -> (&'a [u8], usize) {
        if let Some(piece) = self.whole_at(text) {
            return (piece, piece.len());
        }
        let mut longest = None;
        if let Some((units, strings)) = &self.normaliser.table {
            longest = prefixes(units, text).last().and_then(|(length, value)| {
                let written = strings.get(value..)?;
                let end = written.iter().take(LONGEST).position(|byte| *byte == 0)?;
                Some((&written[..end], length))
            });
        }
        longest.unwrap_or_else(|| {
            let length = width(text[0]).min(text.len());
            (&text[..length], length)
        })
    }

    /// The text as it is split, and where each byte of it comes from.
    fn normalise(&self, text: &[u8], prefix: bool) -> (Vec<u8>, Vec<usize>) {
        let n = &self.normaliser;
        let prefix = n.add_prefix && prefix;
        let (mut written, mut origins) = (vec![], vec![]);
        let mut at = 0;
        if n.remove_extra {
            while at < text.len() {
                let (start, length) = self.normalised_start(&text[at..]);
                if start != b" " {
                    break;
                }
                at += length;
            }
        }
        if at == text.len() {
            return (written, origins);
        }
        let space: &[u8] = if n.escape { SPACE.as_bytes() } else { b" " };
        let mut push = |bytes: &[u8], origin: usize| {
            written.extend_from_slice(bytes);
            origins.extend(std::iter::repeat_n(origin, bytes.len()));
        };
        if prefix && !n.space_at_end {
            push(space, at);
        }
        let mut after_space = n.remove_extra;
        while at < text.len() {
            let (mut start, length) = self.normalised_start(&text[at..]);
            while after_space && start.first() == Some(&b' ') {
                start = &start[1..];
            }
            if !start.is_empty() {
                for byte in start.chunks(1) {
                    push(if byte == b" " { space } else { byte }, at);
                }
                after_space = start.ends_with(b" ");
            }
            at += length;
            after_space &= n.remove_extra;
        }
        if n.remove_extra {
            while written.ends_with(space) {
                written.truncate(written.len() - space.len());
            }
            origins.truncate(written.len());
        }
        if prefix && n.space_at_end {
            written.extend_from_slice(space);
            origins.extend(std::iter::repeat_n(text.len(), space.len()));
        }
        (written, origins)
    }

    /// The pieces of the greatest sum of scores, with their lengths.
    fn best_path(&self, text: &[u8]) -> Vec<(u32, usize)> {
        #[derive(Clone, Copy)]
        struct End {
            id: u32,
            score: f32,
            start: Option<usize>,
        }
        let unknown_score = self.scores.0 - 10.0;
        let none = End {
            id: self.unknown,
            score: 0.0,
            start: None,
        };
        let mut ends = vec![none; text.len() + 1];
        let mut start = 0;
        while start < text.len() {
            let before = ends[start].score;
            let one = width(text[start]).min(text.len() - start);
            let mut has_one = false;
            let most = self.longest.min(text.len() - start);
            let mut offer = |length: usize, id: u32, score: f32| {
                let end = &mut ends[start + length];
                if end.start.is_none() || score > end.score {
                    *end = End {
                        id,
                        score,
                        start: Some(start),
                    };
                }
            };
            for length in 1..=most {
                let Some(&id) = self.index.get(&text[start..start + length]) else {
                    continue;
                };
                let Piece { score, kind, .. } = self.pieces[id as usize];
                let score = match kind {
                    Kind::Unused => continue,
                    Kind::UserDefined => length as f32 * self.scores.1 - 0.1,
                    _ => score,
                };
                offer(length, id, score + before);
                has_one |= length == one;
            }
            if !has_one {
                offer(one, self.unknown, unknown_score + before);
            }
            start += one;
        }
        let (mut path, mut end) = (vec![], text.len());
        while end > 0 {
            let End { id, start, .. } = ends[end];
            let Some(start) = start else { break };
            path.push((id, end - start));
            end = start;
        }
        path.reverse();
        path
    }

    /// Characters merged in the order of their pieces' scores, the left-most of equal ones first.
    fn merge(&self, text: &[u8]) -> Vec<(u32, usize)> {
        let mut symbols: Vec<Symbol> = vec![];
        let mut at = 0;
        while at < text.len() {
            let whole = self.whole_at(&text[at..]).map(<[u8]>::len);
            let length = whole.unwrap_or_else(|| width(text[at]).min(text.len() - at));
            let index = symbols.len();
            symbols.push(Symbol {
                start: at,
                length,
                previous: index.checked_sub(1),
                next: (at + length < text.len()).then_some(index + 1),
                whole: whole.is_some(),
            });
            at += length;
        }
        let mut merger = Merger {
            model: self,
            text,
            symbols,
            queue: BinaryHeap::new(),
            unused: HashMap::new(),
        };
        for right in 1..merger.symbols.len() {
            merger.offer(Some(right - 1), Some(right));
        }
        merger.run();
        let mut found = vec![];
        let mut next = (!merger.symbols.is_empty()).then_some(0);
        while let Some(index) = next {
            let symbol = merger.symbols[index];
            merger.put(symbol.start..symbol.start + symbol.length, &mut found);
            next = symbol.next;
        }
        found
    }

    /// The id of a piece of text; the unknown where there is none.
    fn id_of(&self, piece: &[u8]) -> u32 {
        self.index.get(piece).copied().unwrap_or(self.unknown)
    }
}

#[derive(Debug, Clone, Copy)]
struct Symbol {
    start: usize,
    length: usize,
    previous: Option<usize>,
    next: Option<usize>,
    whole: bool,
}

/// A pair that could be merged: a better one is greater.
#[derive(Debug, PartialEq)]
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    length: usize,
}

impl Eq for Pair {}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_score = self.score.total_cmp(&other.score);
        by_score.then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

struct Merger<'a> {
    model: &'a SentencePiece,
    text: &'a [u8],
    symbols: Vec<Symbol>,
    queue: BinaryHeap<Pair>,
    /// Where pieces that must not come out were merged: the length of their left part.
    unused: HashMap<&'a [u8], usize>,
}

impl Merger<'_> {
    fn offer(&mut self, left: Option<usize>, right: Option<usize>) {
        let (Some(left), Some(right)) = (left, right) else {
            return;
        };
        let (a, b) = (self.symbols[left], self.symbols[right]);
        if a.whole || b.whole {
            return;
        }
        let piece = &self.text[a.start..a.start + a.length + b.length];
        let Some(&id) = self.model.index.get(piece) else {
            return;
        };
        let Piece { score, kind, .. } = self.model.pieces[id as usize];
        self.queue.push(Pair {
            score,
            left,
            right,
            length: piece.len(),
        });
        if kind == Kind::Unused {
            self.unused.insert(piece, a.length);
        }
    }

    fn run(&mut self) {
        while let Some(Pair {
            left,
            right,
            length,
            ..
        }) = self.queue.pop()
        {
            let (a, b) = (self.symbols[left], self.symbols[right]);
            // One of them has been merged otherwise meanwhile.
            if a.length == 0 || b.length == 0 || a.length + b.length != length {
                continue;
            }
            self.symbols[left].length = length;
            self.symbols[left].next = b.next;
            self.symbols[right].length = 0;
            if let Some(next) = b.next {
                self.symbols[next].previous = Some(left);
            }
            self.offer(a.previous, Some(left));
            self.offer(Some(left), b.next);
        }
    }

    /// Puts a piece out, an unused one as the parts that it was merged from.
    fn put(&self, range: std::ops::Range<usize>, found: &mut Vec<(u32, usize)>) {
        let mut open = vec![range];
        while let Some(range) = open.pop() {
            let piece = &self.text[range.clone()];
            let id = self.model.id_of(piece);
            let unused = self.model.pieces[id as usize].kind == Kind::Unused;
            match self.unused.get(piece).filter(|_| unused) {
                Some(left) => {
                    let middle = range.start + left;
                    open.push(middle..range.end);
                    open.push(range.start..middle);
                }
                None => found.push((id, piece.len())),
            }
        }
    }
}

impl Kind {
    fn of(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::Normal,
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => return None,
        })
    }
}

fn piece(bytes: &[u8]) -> Option<Piece> {
    let mut piece = Piece {
        text: String::new(),
        score: 0.0,
        kind: Kind::Normal,
    };
    let sound = each(bytes, |number, value| {
        match (number, value) {
            (1, Value::Bytes(text)) => match std::str::from_utf8(text) {
                Ok(text) => text.clone_into(&mut piece.text),
                Err(_not_text) => return false,
            },
            (2, Value::Float(score)) => piece.score = score,
            (3, Value::Number(kind)) => match Kind::of(kind) {
                Some(kind) => piece.kind = kind,
                None => return false,
            },
            _ => {}
        }
        true
    });
    (sound && piece.score.is_finite()).then_some(piece)
}

/// Length in bytes of the character that begins so.
fn width(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
        _ => 1,
    }
}

/// The table of a normaliser: a double array (as Darts-clone writes it) and the strings that it points to.
fn double_array(table: &[u8]) -> Option<(Vec<u32>, Vec<u8>)> {
    let (size, rest) = table.split_at_checked(4)?;
    let size = u32::from_le_bytes(size.try_into().ok()?) as usize;
    let (units, strings) = rest.split_at_checked(size)?;
    let units = units
        .as_chunks::<4>()
        .0
        .iter()
        .map(|unit| u32::from_le_bytes(*unit));
    Some((units.collect(), strings.to_vec()))
}

/// The beginnings of `text` that a double array holds, from the shortest to the longest: length and value.
fn prefixes<'a>(units: &'a [u32], text: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let offset = |unit: u32| ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize;
    let mut node = units.first().map_or(usize::MAX, |root| offset(*root));
    let mut read = 0;
    std::iter::from_fn(move || {
        while let Some(&byte) = text.get(read) {
            node ^= usize::from(byte);
            let unit = *units.get(node)?;
            if unit & 0x8000_00ff != u32::from(byte) {
                return None;
            }
            node ^= offset(unit);
            read += 1;
            if unit >> 8 & 1 == 1 {
                let leaf = *units.get(node)?;
                return Some((read, (leaf & 0x7fff_ffff) as usize));
            }
        }
        None
    })
}
