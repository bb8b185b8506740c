//! Lays out one block of a conversation: its text as jobs and its lines and grounds as shapes, relative to the block.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Align, Color32, FontId, Galley, Painter, Rect, Stroke, Vec2, pos2, vec2};

use super::highlighter::Highlighter;
use crate::text::highlight::Ink;
use crate::text::markdown::{Alignment, Block, Joint, Kind, Run, plain_text};
use crate::ui::theme::{self, Palette, Setting};

/// What a block is laid out for; a change of any lays it out anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// Width of the column in points.
    pub width: f32,
    /// Colours.
    pub palette: &'static Palette,
    /// Whether code is wrapped.
    pub wrap: bool,
    /// Pixels per point, which decides how galleys are rounded.
    pub pixels_per_point: f32,
    /// Sizes and cuts.
    pub set: Setting,
}

/// One thing to paint.
pub enum Piece {
    /// Text that can be selected: where, how large, and what. Not the galley itself, which is worth nothing when the window library
    /// draws its letters anew, as for another theme; it keeps those in view, so that asking again is cheap.
    /// The last says which part of the block's text it is (see [`parts`]); a list's marker is none.
    Text(Vec2, Vec2, Arc<LayoutJob>, Option<usize>),
    /// A ground or a line.
    Ground(Rect, Color32, Stroke),
}

/// A block that has been laid out.
pub struct Laid {
    /// Its height, with the gap above it.
    pub height: f32,
    /// Gap above it.
    pub gap: f32,
    /// What to paint, relative to the top left corner below the gap.
    pub pieces: Vec<Piece>,
    /// Width of its content, where it is wider than the column.
    pub wide: Option<f32>,
    /// Whether its syntax is not known yet.
    pub provisional: bool,
}

const INDENT: f32 = 28.0;
const PADDING: Vec2 = vec2(12.0, 9.0);

/// The text of a block in parts, as it is searched and compared: one for running text and code, one per cell of a table.
pub fn parts(block: &Block) -> Vec<String> {
    match &block.kind {
        Kind::Heading { runs, .. } | Kind::Paragraph { runs } => vec![plain_text(runs)],
        Kind::Code { text, .. } => vec![text.clone()],
        Kind::Table { header, rows, .. } => std::iter::once(header)
            .chain(rows)
            .flat_map(|row| row.iter().map(|cell| plain_text(cell)))
            .collect(),
        Kind::Rule => vec![],
    }
}

/// A guess at the height of a block that has not been laid out, from the number of its characters.
pub fn estimate(block: &Block, measure: &Measure) -> f32 {
    let (width, set) = (measure.width, &measure.set);
    let lines = |chars: usize, per_line: f32, breaks: usize| {
        (chars as f32 / per_line.max(8.0)).ceil().max(1.0) + breaks as f32
    };
    match &block.kind {
        Kind::Heading { .. } => 40.0,
        Kind::Paragraph { runs } => {
            let chars: usize = runs.iter().map(|r| r.text.len()).sum();
            let breaks: usize = runs.iter().map(|r| r.text.matches('\n').count()).sum();
            12.0 + set.line * lines(chars, width / (set.size * 0.47), breaks)
        }
        Kind::Code { text, .. } => {
            12.0 + 18.0 + set.code_line * (text.matches('\n').count() + 1) as f32
        }
        Kind::Table { rows, .. } => 12.0 + 34.0 * (rows.len() + 1) as f32,
        Kind::Rule => 25.0,
    }
}

/// Lays out a block.
pub fn lay_out(
    painter: &Painter,
    highlighter: &mut Highlighter,
    block: &Block,
    first: bool,
    measure: &Measure,
) -> Laid {
    let (p, set) = (measure.palette, &measure.set);
    let gap = match (block.joint, &block.kind) {
        _ if first => 0.0,
        (Joint::New, Kind::Heading { .. }) => 18.0,
        (Joint::New, _) if block.marker.is_some() => 6.0,
        (Joint::New, _) => 12.0,
        _ => 0.0,
    };
    let left = f32::from(block.indent) * INDENT + f32::from(block.quote) * 16.0;
    let width = (measure.width - left).max(80.0);
    let mut laid = Laid {
        height: 0.0,
        gap,
        pieces: vec![],
        wide: None,
        provisional: false,
    };
    match &block.kind {
        Kind::Heading { level, runs } => {
            let size = [22.0, 20.0, 18.5, 17.5, 16.5, 16.5][usize::from(*level - 1).min(5)]
                * (set.size / theme::READING);
            text(
                painter,
                &mut laid,
                runs,
                vec2(left, 0.0),
                width,
                size,
                true,
                measure,
            );
        }
        Kind::Paragraph { runs } => {
            if let Some(marker) = &block.marker {
                let galley = painter.layout_no_wrap(marker.clone(), set.text(), p.text_2);
                let x = (left - 8.0 - galley.size().x).max(0.0);
                let y = (set.line - galley.size().y) / 2.0;
                laid.pieces.push(Piece::Text(
                    vec2(x, y),
                    galley.size(),
                    galley.job.clone(),
                    None,
                ));
            }
            if runs.is_empty() {
                laid.height = set.line;
            } else {
                text(
                    painter,
                    &mut laid,
                    runs,
                    vec2(left, 0.0),
                    width,
                    set.size,
                    false,
                    measure,
                );
            }
        }
        Kind::Code { language, text } => code(
            painter,
            highlighter,
            &mut laid,
            text,
            language,
            left,
            width,
            measure,
            block.joint,
        ),
        Kind::Table {
            header,
            rows,
            alignments,
        } => table(
            painter, &mut laid, header, rows, alignments, left, width, measure,
        ),
        Kind::Rule => {
            let line = Rect::from_min_size(pos2(left, 6.0), vec2(width, 1.0));
            laid.pieces.push(Piece::Ground(line, p.rule, Stroke::NONE));
            laid.height = 13.0;
        }
    }
    for level in 0..block.quote {
        let x = f32::from(block.indent) * INDENT + f32::from(level) * 16.0 + 3.0;
        let bar = Rect::from_min_size(pos2(x, 0.0), vec2(2.0, laid.height));
        laid.pieces
            .insert(0, Piece::Ground(bar, p.control, Stroke::NONE));
    }
    laid.height += gap;
    laid
}

#[expect(
    clippy::too_many_arguments,
    reason = "a paragraph has that many properties"
)]
fn text(
    painter: &Painter,
    laid: &mut Laid,
    runs: &[Run],
    at: Vec2,
    width: f32,
    size: f32,
    strong: bool,
    measure: &Measure,
) {
    let galley = painter.layout_job(job(runs, width, size, strong, measure));
    laid.height = laid.height.max(at.y + galley.size().y);
    laid.pieces
        .push(Piece::Text(at, galley.size(), galley.job.clone(), Some(0)));
}

fn job(runs: &[Run], width: f32, size: f32, strong: bool, measure: &Measure) -> LayoutJob {
    let (p, set) = (measure.palette, &measure.set);
    let mut job = LayoutJob {
        wrap: TextWrapping {
            max_width: width,
            ..TextWrapping::default()
        },
        ..LayoutJob::default()
    };
    for run in runs {
        let cut = match (run.code, run.bold || strong, run.italic) {
            (true, true, _) => "mono-bold",
            (true, false, _) => "mono",
            (false, bold, italic) => set.cut(bold, italic),
        };
        // There is no cut that is both bold and italic, and none of the sans that is italic.
        let slanted = run.italic && !run.code && !cut.ends_with("italic");
        let font_id = FontId::new(
            if run.code { size * 0.84 } else { size },
            theme::family(cut),
        );
        job.append(
            &run.text,
            0.0,
            TextFormat {
                font_id,
                color: p.text,
                // Code within text has a ground of its own height, centred in the line.
                line_height: (!run.code).then(|| (size * set.line / set.size).round()),
                background: if run.code {
                    p.sunken
                } else {
                    Color32::TRANSPARENT
                },
                underline: if run.link.is_some() {
                    Stroke::new(1.0, p.text_3)
                } else {
                    Stroke::NONE
                },
                strikethrough: if run.strike {
                    Stroke::new(1.0, p.text_2)
                } else {
                    Stroke::NONE
                },
                italics: slanted,
                valign: Align::Center,
                ..TextFormat::default()
            },
        );
    }
    job
}

#[expect(
    clippy::too_many_arguments,
    reason = "a code block has that many properties"
)]
fn code(
    painter: &Painter,
    highlighter: &mut Highlighter,
    laid: &mut Laid,
    text: &str,
    language: &str,
    left: f32,
    width: f32,
    measure: &Measure,
    joint: Joint,
) {
    let p = measure.palette;
    let inner = width - 2.0 * PADDING.x;
    let max_width = if measure.wrap { inner } else { f32::INFINITY };
    let wrap = TextWrapping {
        max_width,
        break_anywhere: true,
        ..TextWrapping::default()
    };
    let mut job = LayoutJob {
        wrap,
        ..LayoutJob::default()
    };
    let known = highlighter.spans(text, language);
    laid.provisional = known.is_none();
    let spans = known.unwrap_or_else(|| Arc::new(vec![(0..text.len(), Ink::Plain)]));
    for (range, ink) in spans.iter().cloned() {
        let (cut, color) = match ink {
            Ink::Keyword => ("mono-bold", p.text),
            Ink::Comment => ("mono", p.text_3),
            Ink::String | Ink::Number => ("mono", p.text_2),
            Ink::Plain | Ink::Name => ("mono", p.text),
        };
        job.append(
            &text[range],
            0.0,
            TextFormat {
                font_id: FontId::new(measure.set.code, theme::family(cut)),
                color,
                line_height: Some(measure.set.code_line),
                ..TextFormat::default()
            },
        );
    }
    let galley = painter.layout_job(job);
    // A later part of a long block goes on in the same box.
    let top = if joint == Joint::New { PADDING.y } else { 0.0 };
    let height = galley.size().y + top + PADDING.y;
    let ground = Rect::from_min_size(pos2(left, 0.0), vec2(width, height));
    laid.pieces.push(Piece::Ground(
        ground,
        p.sunken,
        if joint == Joint::New {
            Stroke::new(1.0, p.rule)
        } else {
            Stroke::NONE
        },
    ));
    if galley.size().x > inner {
        laid.wide = Some(galley.size().x + 2.0 * PADDING.x + left);
    }
    laid.pieces.push(Piece::Text(
        vec2(left + PADDING.x, top),
        galley.size(),
        galley.job.clone(),
        Some(0),
    ));
    laid.height = height;
}

#[expect(
    clippy::too_many_arguments,
    reason = "a table has that many properties"
)]
fn table(
    painter: &Painter,
    laid: &mut Laid,
    header: &[Vec<Run>],
    rows: &[Vec<Vec<Run>>],
    alignments: &[Alignment],
    left: f32,
    width: f32,
    measure: &Measure,
) {
    const CELL: Vec2 = vec2(10.0, 5.0);
    let p = measure.palette;
    let size = measure.set.size * (15.0 / theme::READING);
    let columns = header.len().max(1);
    let natural: Vec<f32> = (0..columns)
        .map(|column| {
            let cells = std::iter::once(header).chain(rows.iter().map(Vec::as_slice));
            let widest = cells
                .filter_map(|row| row.get(column))
                .map(|cell| {
                    painter
                        .layout_job(job(cell, f32::INFINITY, size, false, measure))
                        .size()
                        .x
                })
                .fold(0.0, f32::max);
            widest.clamp(24.0, 320.0) + 2.0 * CELL.x
        })
        .collect();
    let sum: f32 = natural.iter().sum();
    // Too wide a table is squeezed in proportion; a column keeps room for a short word.
    let scale = (width / sum).min(1.0);
    let widths: Vec<f32> = natural.iter().map(|w| (w * scale).max(48.0)).collect();
    let total: f32 = widths.iter().sum();
    let mut y = 0.0;
    for (at, row) in std::iter::once(header)
        .chain(rows.iter().map(Vec::as_slice))
        .enumerate()
    {
        let galleys: Vec<Arc<Galley>> = row
            .iter()
            .zip(&widths)
            .map(|(cell, w)| {
                painter.layout_job(job(cell, w - 2.0 * CELL.x, size, at == 0, measure))
            })
            .collect();
        let height = galleys.iter().map(|g| g.size().y).fold(size, f32::max) + 2.0 * CELL.y;
        if at == 0 {
            let ground = Rect::from_min_size(pos2(left, y), vec2(total, height));
            laid.pieces
                .push(Piece::Ground(ground, p.sunken, Stroke::NONE));
        }
        let mut x = left;
        for (column, galley) in galleys.into_iter().enumerate() {
            let free = (widths[column] - 2.0 * CELL.x - galley.size().x).max(0.0);
            let shift = match alignments.get(column) {
                Some(Alignment::Right) => free,
                Some(Alignment::Centre) => free / 2.0,
                _ => 0.0,
            };
            laid.pieces.push(Piece::Text(
                vec2(x + CELL.x + shift, y + CELL.y),
                galley.size(),
                galley.job.clone(),
                Some(at * columns + column),
            ));
            x += widths[column];
        }
        y += height;
        let line = Rect::from_min_size(pos2(left, y), vec2(total, 1.0));
        laid.pieces.push(Piece::Ground(line, p.rule, Stroke::NONE));
        y += 1.0;
    }
    if left + total > left + width + 0.5 {
        laid.wide = Some(left + total);
    }
    laid.height = y;
}
