//! Plots as ink on paper: columns, shares with their intervals, margins, calibration. Each says in words what it shows.

use egui::{Align2, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::controls;
use crate::analysis::partings::{Bin, Partings};
use crate::analysis::tally::Share;
use crate::app::words::{inspect, tally as words};
use crate::ui::theme::{self, Palette, space};

/// Columns of ink, each with its number above and its name below.
pub fn histogram(ui: &mut Ui, name: &str, columns: impl Iterator<Item = (String, u64)>) {
    const HEIGHT: f32 = 46.0;
    let p = Palette::now(ui.ctx());
    let columns: Vec<(String, u64)> = columns.collect();
    let most = columns
        .iter()
        .map(|(_, n)| *n)
        .max()
        .unwrap_or_default()
        .max(1);
    controls::text(ui, name, theme::ui(12.0), p.text_2);
    let width = (ui.available_width() - 16.0).min(280.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT + 30.0), Sense::hover());
    let step = width / columns.len().max(1) as f32;
    let base = rect.top() + 14.0 + HEIGHT;
    for (at, (label, n)) in columns.iter().enumerate() {
        let x = rect.left() + step * (at as f32 + 0.5);
        let tall = HEIGHT * *n as f32 / most as f32;
        let bar = Rect::from_min_max(
            pos2(x - step * 0.32, base - tall),
            pos2(x + step * 0.32, base),
        );
        ui.painter().rect_filled(bar, 0.0, p.ink[3]);
        let small = theme::ui(10.5);
        if *n > 0 {
            let above = pos2(x, bar.top() - 1.0);
            ui.painter().text(
                above,
                Align2::CENTER_BOTTOM,
                n.to_string(),
                small.clone(),
                p.text_2,
            );
        }
        ui.painter().text(
            pos2(x, base + 3.0),
            Align2::CENTER_TOP,
            label,
            small,
            p.text_3,
        );
    }
    ui.painter()
        .hline(rect.x_range(), base, Stroke::new(1.0, p.control));
    let told: Vec<String> = columns.iter().map(|(l, n)| format!("{l}: {n}")).collect();
    let told = format!("{name}. {}", told.join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &told));
}

/// A share on a line from 0 to 100 %, with its interval and the middle marked.
pub fn share(ui: &mut Ui, name: &str, share: &Share, note: &str) {
    let p = Palette::now(ui.ctx());
    let Some(part) = share.part() else {
        controls::note(ui, &words::no_pairs(name));
        return;
    };
    let told = words::share(
        name,
        part * 100.0,
        share.low * 100.0,
        share.high * 100.0,
        share.count,
        share.of,
    );
    let font = if share.leans() {
        theme::ui_bold(12.0)
    } else {
        theme::ui(12.0)
    };
    controls::text(ui, &told, font, p.text);
    let width = (ui.available_width() - 16.0).min(280.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 16.0), Sense::hover());
    let x = |part: f64| rect.left() + width * part as f32;
    let y = rect.center().y;
    let line = |from: f32, to: f32, stroke| ui.painter().hline(from..=to, y, stroke);
    line(rect.left(), rect.right(), Stroke::new(1.0, p.rule));
    ui.painter()
        .vline(x(0.5), rect.y_range(), Stroke::new(1.0, p.control));
    line(x(share.low), x(share.high), Stroke::new(3.0, p.ink[3]));
    ui.painter().circle_filled(pos2(x(part), y), 4.0, p.text);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &told));
    controls::text(ui, note, theme::ui(theme::SMALL), p.text_3);
    ui.add_space(space::S);
}

/// How many pairs have which margin: those on which the model agrees to the right of zero, those on which it does not to the left.
pub fn margins(ui: &mut Ui, found: &Partings) {
    const HEIGHT: f32 = 110.0;
    let p = Palette::now(ui.ctx());
    let width = ui.available_width().min(560.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT + 40.0), Sense::hover());
    let base = rect.top() + 16.0 + HEIGHT;
    let most = found
        .margins
        .iter()
        .copied()
        .max()
        .unwrap_or_default()
        .max(1);
    let step = width / found.margins.len() as f32;
    let middle = found.margins.len() / 2;
    for (at, n) in found.margins.iter().enumerate() {
        let x = rect.left() + step * at as f32;
        let tall = HEIGHT * *n as f32 / most as f32;
        let bar = Rect::from_min_max(pos2(x + 1.0, base - tall), pos2(x + step - 1.0, base));
        // Agreement is full ink; what is not is an outline, so that no colour is needed to tell them apart.
        if at >= middle {
            ui.painter().rect_filled(bar, 0.0, p.ink[3]);
        } else if *n > 0 {
            let stroke = Stroke::new(1.0, p.ink[3]);
            ui.painter().rect_filled(bar, 0.0, p.ink[1]);
            ui.painter()
                .rect_stroke(bar, 0.0, stroke, egui::StrokeKind::Inside);
        }
    }
    let painter = ui.painter();
    painter.hline(rect.x_range(), base, Stroke::new(1.0, p.control));
    let zero = rect.center().x;
    painter.vline(
        zero,
        rect.top() + 12.0..=base + 4.0,
        Stroke::new(1.0, p.text),
    );
    let small = theme::ui(theme::SMALL);
    for (x, align, text) in [
        (
            rect.left(),
            Align2::LEFT_TOP,
            format!("{:.1}", -found.reach),
        ),
        (zero, Align2::CENTER_TOP, "0".to_owned()),
        (
            rect.right(),
            Align2::RIGHT_TOP,
            format!("{:.1}", found.reach),
        ),
    ] {
        painter.text(pos2(x, base + 5.0), align, text, small.clone(), p.text_3);
    }
    for (x, align, text) in [
        (zero - 8.0, Align2::RIGHT_TOP, inspect::MODEL_OTHERWISE),
        (zero + 8.0, Align2::LEFT_TOP, inspect::MODEL_AGREES),
    ] {
        painter.text(pos2(x, rect.top()), align, text, small.clone(), p.text_2);
    }
    let wins = (found.all.accuracy * found.all.n as f64).round() as u64;
    let told = inspect::margins_told(found.all.n, wins, found.reach);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &told));
}

/// How often people agree beside how sure the model is, from one half to one; a point per bin, as large as its share of the pairs.
pub fn reliability(ui: &mut Ui, bins: &[Bin]) {
    const SIDE: f32 = 170.0;
    let p = Palette::now(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(SIDE + 178.0, SIDE + 36.0), Sense::hover());
    let plot = Rect::from_min_size(rect.min + vec2(44.0, 6.0), vec2(SIDE, SIDE));
    let at = |claimed: f64, right: f64| -> Pos2 {
        pos2(
            plot.left() + ((claimed - 0.5) * 2.0) as f32 * SIDE,
            plot.bottom() - right as f32 * SIDE,
        )
    };
    let painter = ui.painter();
    let small = theme::ui(theme::SMALL);
    for part in [0.0, 0.5, 1.0] {
        let y = at(0.5, part).y;
        painter.hline(plot.x_range(), y, Stroke::new(1.0, p.rule));
        let label = format!("{:.0} %", part * 100.0);
        painter.text(
            pos2(plot.left() - 5.0, y),
            Align2::RIGHT_CENTER,
            label,
            small.clone(),
            p.text_3,
        );
    }
    for (part, align) in [(0.5, Align2::LEFT_TOP), (1.0, Align2::RIGHT_TOP)] {
        let label = format!("{:.0} %", part * 100.0);
        painter.text(
            at(part, 0.0) + vec2(0.0, 4.0),
            align,
            label,
            small.clone(),
            p.text_3,
        );
    }
    // Perfect calibration.
    let ideal = vec![at(0.5, 0.5), at(1.0, 1.0)];
    painter.extend(Shape::dashed_line(
        &ideal,
        Stroke::new(1.0, p.control),
        4.0,
        4.0,
    ));
    let total: u64 = bins.iter().map(|b| b.n).sum();
    let known: Vec<&Bin> = bins.iter().filter(|b| b.n > 0).collect();
    let points: Vec<Pos2> = known.iter().map(|b| at(b.claimed, b.right)).collect();
    painter.add(Shape::line(points.clone(), Stroke::new(1.5, p.text)));
    for (bin, point) in known.iter().zip(&points) {
        let share = bin.n as f32 / total.max(1) as f32;
        painter.circle_filled(*point, 2.5 + 5.0 * share.sqrt(), p.text);
    }
    let note = pos2(plot.right() + 12.0, plot.top());
    let job =
        egui::text::LayoutJob::simple(inspect::RELIABILITY_TOLD.to_owned(), small, p.text_3, 120.0);
    let galley = painter.layout_job(job);
    painter.galley(note, galley, p.text_3);
    let said: Vec<String> = known
        .iter()
        .map(|b| inspect::bin(b.claimed * 100.0, b.right * 100.0, b.n))
        .collect();
    let told = inspect::reliability_told(&said.join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &told));
}
