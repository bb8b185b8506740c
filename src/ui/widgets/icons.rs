//! The icons of the rail, drawn with lines so that they are sharp at every size.

use egui::{Color32, Painter, Pos2, Rect, Stroke, StrokeKind, pos2, vec2};

use crate::app::Screen;

/// Draws the icon of a screen in a square.
pub fn screen(painter: &Painter, screen: Screen, square: Rect, color: Color32) {
    let stroke = Stroke::new(1.5, color);
    let at =
        |x: f32, y: f32| -> Pos2 { square.min + vec2(square.width() * x, square.height() * y) };
    let line = |a: Pos2, b: Pos2| {
        painter.line_segment([a, b], stroke);
    };
    match screen {
        Screen::Annotate => {
            for x in [0.06, 0.56] {
                let page = Rect::from_min_max(at(x, 0.12), at(x + 0.38, 0.88));
                painter.rect_stroke(page, 1.0, stroke, StrokeKind::Middle);
            }
        }
        Screen::Queue => {
            for (y, x) in [(0.2, 0.95), (0.5, 0.95), (0.8, 0.6)] {
                line(at(0.05, y), at(x, y));
            }
        }
        Screen::Inspect => {
            let lens = at(0.42, 0.42);
            painter.circle_stroke(lens, square.width() * 0.32, stroke);
            line(at(0.66, 0.66), at(0.95, 0.95));
        }
        Screen::Agreement => {
            for x in [0.36, 0.64] {
                painter.circle_stroke(at(x, 0.5), square.width() * 0.3, stroke);
            }
        }
        Screen::Export => {
            line(at(0.5, 0.05), at(0.5, 0.65));
            line(at(0.26, 0.42), at(0.5, 0.66));
            line(at(0.74, 0.42), at(0.5, 0.66));
            line(at(0.08, 0.9), at(0.92, 0.9));
        }
        Screen::Models => {
            let chip = Rect::from_min_max(at(0.2, 0.2), at(0.8, 0.8));
            painter.rect_stroke(chip, 1.0, stroke, StrokeKind::Middle);
            painter.rect_stroke(
                chip.shrink(square.width() * 0.17),
                0.0,
                stroke,
                StrokeKind::Middle,
            );
            for part in [0.35, 0.65] {
                line(at(part, 0.04), at(part, 0.2));
                line(at(part, 0.8), at(part, 0.96));
                line(at(0.04, part), at(0.2, part));
                line(at(0.8, part), at(0.96, part));
            }
        }
        Screen::Settings => {
            for (y, x) in [(0.22, 0.7), (0.5, 0.3), (0.78, 0.58)] {
                line(at(0.05, y), at(0.95, y));
                painter.circle_filled(at(x, y), square.width() * 0.13, color);
            }
        }
    }
}

/// A triangle with a bar: something needs attention.
pub fn warning(painter: &Painter, square: Rect, color: Color32) {
    let stroke = Stroke::new(1.5, color);
    let top = pos2(square.center().x, square.top());
    let (left, right) = (square.left_bottom(), square.right_bottom());
    painter.add(egui::Shape::closed_line(vec![top, right, left], stroke));
    let middle = square.center() + vec2(0.0, 1.0);
    painter.line_segment([middle - vec2(0.0, 2.5), middle + vec2(0.0, 1.5)], stroke);
    painter.circle_filled(middle + vec2(0.0, 4.0), 0.9, color);
}

/// A small flag.
pub fn flag(painter: &Painter, square: Rect, color: Color32) {
    let x = square.left() + 2.0;
    painter.line_segment(
        [pos2(x, square.top()), pos2(x, square.bottom())],
        Stroke::new(1.5, color),
    );
    let cloth = Rect::from_min_max(
        pos2(x, square.top()),
        pos2(square.right(), square.center().y + 1.0),
    );
    painter.rect_filled(cloth, 0.0, color);
}
