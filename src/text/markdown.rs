//! Markdown of model replies as a flat list of small blocks, for a view that lays out only what is visible.
//!
//! Chat models mean a single newline, so it stays one. HTML is literal text, an image its alt text and address (nothing is ever
//! fetched), and what Markdown would hide (definitions of link references) is shown as written. Marks themselves are
//! not shown: for the text as it is stored there is [`raw_blocks`].

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::pieces::{PARAGRAPH_BYTES, cut_code, cut_runs};
use super::spans::Spoken;

/// A table of more columns than this is shown as its source.
const MOST_COLUMNS: usize = 40;
/// A table of more rows than this is cut.
const TABLE_ROWS: usize = 100;
/// Raw text is cut into blocks of at most this many lines.
const RAW_LINES: usize = 40;

/// One block and where it stands. Small enough to lay out at once: about 4,000 bytes of text or 200 lines of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub kind: Kind,
    /// How many lists it is in; 0 is outside of any.
    pub indent: u8,
    /// How many quotes it is in.
    pub quote: u8,
    /// What stands before its first line in a list: `•`, `1.`, `[ ]` or `[x]`. Only the first block of a list item has one.
    pub marker: Option<String>,
    /// How it follows the block before it.
    pub joint: Joint,
}

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A heading.
    Heading {
        /// 1 (the largest) to 6.
        level: u8,
        /// Its text.
        runs: Vec<Run>,
    },
    /// Running text; lines are parted by `\n` within the runs.
    Paragraph {
        /// Its text; empty for a list item without any.
        runs: Vec<Run>,
    },
    /// Code, its lines parted by `\n`, without a last one.
    Code {
        /// What follows the opening fence, whole; empty where nothing does. [`super::highlight`] reads the first word.
        language: String,
        /// The code, as written.
        text: String,
    },
    /// A table. Each row has as many cells as the header.
    Table {
        /// How each column is set.
        alignments: Vec<Alignment>,
        /// The cells of the first row, and empty ones where another row has more. Repeated where the table is a later part
        /// of a long one.
        header: Vec<Vec<Run>>,
        /// The cells of the other rows.
        rows: Vec<Vec<Vec<Run>>>,
    },
    /// A line across.
    Rule,
}

/// How a block follows the one before it. Joined so, the parts of a cut paragraph or code block are the whole again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Joint {
    /// It is a block of its own.
    #[default]
    New,
    /// It is a later part of the same one, from a new line on: the newline between them is in neither.
    Line,
    /// It is a later part of the same line, which is too long to lay out at once.
    Inline,
}

/// How a table's column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    /// Also where the source says nothing.
    Left,
    /// Centred.
    Centre,
    /// Right.
    Right,
}

/// Text in one style.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "styles are independent of each other"
)]
pub struct Run {
    /// The text, never empty.
    pub text: String,
    /// Strong.
    pub bold: bool,
    /// Emphasised.
    pub italic: bool,
    /// Code within text.
    pub code: bool,
    /// Struck through.
    pub strike: bool,
    /// The address it leads to, as written.
    pub link: Option<String>,
}

impl Run {
    /// Text in no style.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Whether both differ in nothing but their text.
    pub(super) fn same_style(&self, other: &Self) -> bool {
        (self.bold, self.italic, self.code, self.strike)
            == (other.bold, other.italic, other.code, other.strike)
            && self.link == other.link
    }
}

/// The text of runs, without their styles.
pub fn plain_text(runs: &[Run]) -> String {
    runs.iter().map(|run| run.text.as_str()).collect()
}

/// Reads Markdown (`CommonMark` with tables, strikethrough, task lists; text between dollar signs is left as it is).
/// Takes any text, in time proportional to its length.
pub fn blocks(markdown: &str) -> Vec<Block> {
    read(Builder::new(markdown)).finish()
}

/// What [`blocks`] shows and where it comes from.
pub(super) fn spoken(markdown: &str) -> Spoken {
    let mut builder = Builder::new(markdown);
    builder.spoken = Some(Spoken::default());
    read(builder).spoken.unwrap_or_default()
}

fn read(mut builder: Builder<'_>) -> Builder<'_> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_MATH;
    for (event, range) in Parser::new_ext(builder.source, options).into_offset_iter() {
        builder.event(event, range);
    }
    builder
}

/// The text exactly as it is, as paragraphs of at most 40 lines: joined as their joints say (and by a newline at
/// [`Joint::Line`]), they are the text.
pub fn raw_blocks(text: &str) -> Vec<Block> {
    let mut groups: Vec<String> = Vec::new();
    let mut lines = 0;
    for line in text.split('\n') {
        match groups.last_mut() {
            Some(group) if lines < RAW_LINES && group.len() + line.len() < PARAGRAPH_BYTES => {
                group.push('\n');
                group.push_str(line);
                lines += 1;
            }
            _ => {
                groups.push(line.to_owned());
                lines = 1;
            }
        }
    }
    let mut blocks = Vec::with_capacity(groups.len());
    for (index, group) in groups.into_iter().enumerate() {
        for (joint, runs) in cut_runs(vec![Run::plain(group)]) {
            blocks.push(Block {
                kind: Kind::Paragraph { runs },
                indent: 0,
                quote: 0,
                marker: None,
                joint: match joint {
                    Joint::New if index > 0 => Joint::Line,
                    joint => joint,
                },
            });
        }
    }
    blocks
}

/// What the text being read belongs to.
enum Leaf {
    /// Nothing yet, or the text of a list item that is not set off as a paragraph.
    Loose,
    Paragraph,
    Heading(u8),
    Code(String, String),
    Table(Table),
}

struct Table {
    source: Range<usize>,
    alignments: Vec<Alignment>,
    header: Vec<Vec<Run>>,
    rows: Vec<Vec<Vec<Run>>>,
    row: Vec<Vec<Run>>,
}

struct Builder<'a> {
    source: &'a str,
    blocks: Vec<Block>,
    leaf: Leaf,
    runs: Vec<Run>,
    /// The source up to here is accounted for.
    seen: usize,
    /// The next number of each list around, `None` for bullets.
    lists: Vec<Option<u64>>,
    quotes: usize,
    marker: Option<String>,
    bold: usize,
    italic: usize,
    strike: usize,
    links: Vec<String>,
    /// Where what is shown comes from, if that is asked.
    spoken: Option<Spoken>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            blocks: Vec::new(),
            leaf: Leaf::Loose,
            runs: Vec::new(),
            seen: 0,
            lists: Vec::new(),
            quotes: 0,
            marker: None,
            bold: 0,
            italic: 0,
            strike: 0,
            links: Vec::new(),
            spoken: None,
        }
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        let between_blocks = matches!(self.leaf, Leaf::Loose) && self.runs.is_empty();
        let begins = matches!(event, Event::Start(_));
        let starts_block = matches!(&event, Event::Start(tag) if is_block(tag));
        if starts_block || matches!(event, Event::Rule) {
            self.end_loose();
        }
        if starts_block || matches!(event, Event::Start(Tag::TableCell)) {
            self.spoken.iter_mut().for_each(Spoken::part);
        }
        if between_blocks || starts_block {
            let upto = if matches!(event, Event::End(_)) {
                range.end
            } else {
                range.start
            };
            self.show_skipped(upto);
        }
        match event {
            Event::Start(tag) => self.start(tag, &range),
            Event::End(tag) => self.end(tag, &range),
            Event::Text(text) => self.text(&text, &range),
            Event::Code(text) => self.push(&text, true, &range),
            // Formulas are shown as their source, set apart like code.
            Event::InlineMath(text) => self.push(&format!("${text}$"), true, &range),
            Event::DisplayMath(text) => self.push(&format!("$${text}$$"), true, &range),
            Event::Html(text) | Event::InlineHtml(text) | Event::FootnoteReference(text) => {
                self.push(&text, false, &range);
            }
            Event::SoftBreak | Event::HardBreak => self.push("\n", false, &range),
            Event::Rule => self.emit(Kind::Rule),
            Event::TaskListMarker(done) => {
                self.marker = Some(if done { "[x]" } else { "[ ]" }.to_owned());
            }
        }
        // What begins is accounted for by what is in it.
        self.seen = self.seen.max(if begins { range.start } else { range.end });
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.leaf = Leaf::Paragraph,
            Tag::Heading { level, .. } => self.leaf = Leaf::Heading(level as u8),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.trim().to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.leaf = Leaf::Code(language, String::new());
            }
            Tag::Table(alignments) => {
                self.leaf = Leaf::Table(Table {
                    source: range.clone(),
                    alignments: alignments.into_iter().map(Alignment::from).collect(),
                    header: Vec::new(),
                    rows: Vec::new(),
                    row: Vec::new(),
                });
            }
            Tag::BlockQuote(_) => {
                self.emit_lone_marker();
                self.quotes += 1;
            }
            Tag::List(first) => {
                self.emit_lone_marker();
                self.lists.push(first);
            }
            Tag::Item => {
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let marker = format!("{number}.");
                        *number = number.saturating_add(1);
                        marker
                    }
                    _ => "•".to_owned(),
                });
            }
            Tag::Emphasis => self.italic += 1,
            Tag::Strong => self.bold += 1,
            Tag::Strikethrough => self.strike += 1,
            Tag::Link {
                link_type,
                dest_url,
                ..
            } => self.links.push(match link_type {
                LinkType::Email => format!("mailto:{dest_url}"),
                _ => dest_url.into_string(),
            }),
            Tag::Image { dest_url, .. } => self.links.push(dest_url.into_string()),
            // Their cells and text make them; the others are not switched on.
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: &Range<usize>) {
        match tag {
            TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::CodeBlock
            | TagEnd::HtmlBlock
            | TagEnd::Table => self.end_leaf(),
            TagEnd::TableCell => {
                if let Leaf::Table(table) = &mut self.leaf {
                    table.row.push(std::mem::take(&mut self.runs));
                }
            }
            TagEnd::TableHead => {
                self.show_extra_cells(range.end);
                if let Leaf::Table(table) = &mut self.leaf {
                    table.header = std::mem::take(&mut table.row);
                }
            }
            TagEnd::TableRow => {
                self.show_extra_cells(range.end);
                if let Leaf::Table(table) = &mut self.leaf {
                    let row = std::mem::take(&mut table.row);
                    table.rows.push(row);
                }
            }
            TagEnd::Item => {
                self.end_loose();
                self.show_skipped(range.end);
                self.emit_lone_marker();
            }
            TagEnd::List(_) => {
                self.end_loose();
                self.lists.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.end_loose();
                self.show_skipped(range.end);
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Strikethrough => self.strike = self.strike.saturating_sub(1),
            TagEnd::Link => {
                self.links.pop();
            }
            TagEnd::Image => {
                if let Some(address) = self.links.last().cloned() {
                    self.push(&format!(" ({address})"), false, range);
                }
                self.links.pop();
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, range: &Range<usize>) {
        if let Leaf::Code(_, code) = &mut self.leaf {
            code.push_str(text);
            self.say(text, range);
            return;
        }
        // Markdown takes the backslash of `\[` and `\{` for an escape; model replies mean LaTeX by it.
        let escaped = range.start > self.seen
            && self.source[..range.start].ends_with('\\')
            && text.starts_with(['(', ')', '[', ']', '{', '}', ',', ';', ':', '%', '&']);
        if escaped {
            self.push("\\", false, &(range.start - 1..range.start));
        }
        self.push(text, false, range);
    }

    fn say(&mut self, text: &str, range: &Range<usize>) {
        if let Some(spoken) = &mut self.spoken {
            spoken.say(self.source, text, range);
        }
    }

    /// Takes text that comes from `range` of the source.
    fn push(&mut self, text: &str, code: bool, range: &Range<usize>) {
        if text.is_empty() {
            return;
        }
        self.say(text, range);
        let run = Run {
            text: text.to_owned(),
            bold: self.bold > 0,
            italic: self.italic > 0,
            strike: self.strike > 0,
            code,
            link: self.links.last().cloned(),
        };
        match self.runs.last_mut() {
            Some(last) if last.same_style(&run) => last.text.push_str(text),
            _ => self.runs.push(run),
        }
    }

    /// Ends text of a list item that is not set off as a paragraph.
    fn end_loose(&mut self) {
        if matches!(self.leaf, Leaf::Loose) && !self.runs.is_empty() {
            self.end_leaf();
        }
    }

    fn end_leaf(&mut self) {
        match std::mem::replace(&mut self.leaf, Leaf::Loose) {
            Leaf::Loose | Leaf::Paragraph => {
                for (joint, runs) in cut_runs(self.take_runs()) {
                    self.emit_part(Kind::Paragraph { runs }, joint);
                }
            }
            Leaf::Heading(level) => {
                for (joint, runs) in cut_runs(self.take_runs()) {
                    self.emit_part(Kind::Heading { level, runs }, joint);
                }
            }
            Leaf::Code(language, text) => {
                for (joint, text) in cut_code(text.strip_suffix('\n').unwrap_or(&text)) {
                    let language = language.clone();
                    self.emit_part(Kind::Code { language, text }, joint);
                }
            }
            Leaf::Table(table) => self.end_table(table),
        }
    }

    /// Markdown drops the cells of a row that its header has no column for; they are shown, as written.
    fn show_extra_cells(&mut self, row_end: usize) {
        let rest = self.source.get(self.seen..row_end).unwrap_or_default();
        let rest = rest.trim().trim_matches('|');
        if let Leaf::Table(table) = &mut self.leaf
            && !rest.is_empty()
        {
            table.row.extend(rest.split('|').map(|cell| {
                let cell = cell.trim();
                let run = (!cell.is_empty()).then(|| Run::plain(cell));
                run.into_iter().collect()
            }));
        }
    }

    fn end_table(&mut self, mut table: Table) {
        let rows = table.rows.iter();
        let columns = rows.map(Vec::len).fold(table.header.len(), usize::max);
        if columns <= MOST_COLUMNS {
            table.header.resize(columns, Vec::new());
            table.alignments.resize(columns, Alignment::Left);
            for row in &mut table.rows {
                row.resize(columns, Vec::new());
            }
        } else {
            for (joint, text) in cut_code(self.source[table.source].trim_end()) {
                let language = String::new();
                self.emit_part(Kind::Code { language, text }, joint);
            }
            return;
        }
        let mut rows = table.rows.into_iter().peekable();
        let mut joint = Joint::New;
        loop {
            let part = Kind::Table {
                alignments: table.alignments.clone(),
                header: table.header.clone(),
                rows: rows.by_ref().take(TABLE_ROWS).collect(),
            };
            self.emit_part(part, joint);
            joint = Joint::Line;
            if rows.peek().is_none() {
                break;
            }
        }
    }

    /// The runs read, without the newlines at their end (an HTML block has them).
    fn take_runs(&mut self) -> Vec<Run> {
        while let Some(last) = self.runs.last_mut() {
            let kept = last.text.trim_end_matches(['\n', '\r']).len();
            last.text.truncate(kept);
            if kept > 0 {
                break;
            }
            self.runs.pop();
        }
        std::mem::take(&mut self.runs)
    }

    /// Shows source that no event speaks of, up to `upto`, where it holds more than marks: definitions of link references.
    fn show_skipped(&mut self, upto: usize) {
        let Some(skipped) = self.source.get(self.seen..upto) else {
            return;
        };
        self.seen = upto;
        if !skipped.contains("]:") {
            return;
        }
        let lines: Vec<&str> = skipped
            .lines()
            .map(|line| {
                let line = line.trim_start_matches([' ', '\t', '>']).trim_end();
                line.find('[')
                    .filter(|at| line[..*at].chars().all(is_list_mark))
                    .map_or(line, |at| &line[at..])
            })
            .filter(|line| !line.is_empty())
            .collect();
        for (joint, runs) in cut_runs(vec![Run::plain(lines.join("\n"))]) {
            self.emit_part(Kind::Paragraph { runs }, joint);
        }
    }

    /// Shows the marker of a list item that begins with a list or a quote, or has nothing in it.
    fn emit_lone_marker(&mut self) {
        if self.marker.is_some() {
            self.emit(Kind::Paragraph { runs: Vec::new() });
        }
    }

    fn emit(&mut self, kind: Kind) {
        self.emit_part(kind, Joint::New);
    }

    fn emit_part(&mut self, kind: Kind, joint: Joint) {
        self.blocks.push(Block {
            kind,
            indent: u8::try_from(self.lists.len()).unwrap_or(u8::MAX),
            quote: u8::try_from(self.quotes).unwrap_or(u8::MAX),
            marker: self.marker.take(),
            joint,
        });
    }

    fn finish(mut self) -> Vec<Block> {
        self.end_loose();
        self.show_skipped(self.source.len());
        self.blocks
    }
}

impl From<pulldown_cmark::Alignment> for Alignment {
    fn from(alignment: pulldown_cmark::Alignment) -> Self {
        match alignment {
            pulldown_cmark::Alignment::Center => Self::Centre,
            pulldown_cmark::Alignment::Right => Self::Right,
            pulldown_cmark::Alignment::None | pulldown_cmark::Alignment::Left => Self::Left,
        }
    }
}

fn is_block(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Paragraph
            | Tag::Heading { .. }
            | Tag::BlockQuote(_)
            | Tag::CodeBlock(_)
            | Tag::HtmlBlock
            | Tag::List(_)
            | Tag::Item
            | Tag::Table(_)
    )
}

fn is_list_mark(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, ' ' | '\t' | '>' | '-' | '*' | '+' | '.' | ')')
}
