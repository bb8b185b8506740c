//! Controls: keys, chips, buttons, rating scales, the preference bar, spines.

use egui::{
    Align2, Color32, CornerRadius, Painter, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

use crate::app::words;
use crate::domain::Attribute;
use crate::ui::theme::{self, Palette};

/// The ring around what the keyboard is on: two points of ink after two of air.
pub fn focus_ring(painter: &Painter, rect: Rect, p: &Palette) {
    painter.rect_stroke(
        rect.expand(4.0),
        6.0,
        Stroke::new(2.0, p.focus),
        StrokeKind::Inside,
    );
}

/// A key as it stands on the keyboard.
pub fn key_cap(ui: &mut Ui, key: &str) -> Response {
    let p = Palette::now(ui.ctx());
    let galley = ui
        .painter()
        .layout_no_wrap(key.to_owned(), theme::ui(theme::SMALL), p.text_2);
    let size = vec2(galley.size().x + 10.0, 18.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect(
        rect,
        3.0,
        p.panel,
        Stroke::new(1.0, p.rule),
        StrokeKind::Inside,
    );
    ui.painter()
        .galley(rect.center() - galley.size() / 2.0, galley, p.text_2);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words::cheat_sheet::key(key)));
    response
}

/// Text in the style of controls.
pub fn text(ui: &mut Ui, text: &str, font: egui::FontId, color: Color32) -> Response {
    ui.add(egui::Label::new(egui::RichText::new(text).font(font).color(color)).truncate())
}

/// Tells people who do not see it when what it says changes, once they pause.
pub fn live(ui: &Ui, response: &Response) {
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_live(egui::accesskit::Live::Polite);
    });
}

/// A part of the window that F6 goes to: a region with a name. Told anew in every frame, in the order of reading.
pub fn landmark(ui: &Ui, rect: egui::Rect, name: &str) {
    let id = egui::Id::unique(("landmark", name));
    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::Region, true, name));
    ui.ctx().data_mut(|data| {
        let all: &mut Vec<egui::Id> = data.get_temp_mut_or_default(landmarks());
        all.push(id);
    });
    if response.has_focus() {
        let p = Palette::now(ui.ctx());
        let stroke = Stroke::new(2.0, p.focus);
        let layer = egui::LayerId::new(egui::Order::Foreground, id);
        let painter = ui.ctx().layer_painter(layer);
        painter.rect_stroke(rect.shrink(1.0), 0.0, stroke, StrokeKind::Inside);
    }
}

fn landmarks() -> egui::Id {
    egui::Id::unique("landmarks")
}

/// Takes the keyboard some landmarks on, at the end of a frame.
pub fn go_to_landmark(ctx: &egui::Context, by: i64) {
    let all: Vec<egui::Id> =
        ctx.data_mut(|data| std::mem::take(data.get_temp_mut_or_default(landmarks())));
    if by == 0 || all.is_empty() {
        return;
    }
    let focused = ctx.memory(egui::Memory::focused);
    let at = focused.and_then(|id| all.iter().position(|l| *l == id));
    let next = match at {
        Some(at) => (at as i64 + by).rem_euclid(all.len() as i64) as usize,
        None if by > 0 => 0,
        None => all.len() - 1,
    };
    ctx.memory_mut(|memory| memory.request_focus(all[next]));
}

/// Small text of second rank that wraps.
pub fn note(ui: &mut Ui, text: &str) -> Response {
    let p = Palette::now(ui.ctx());
    ui.add(
        egui::Label::new(
            egui::RichText::new(text)
                .font(theme::ui(theme::UI))
                .color(p.text_2),
        )
        .wrap(),
    )
}

/// A fact in a frame, its first part strong.
pub fn chip(ui: &mut Ui, strong: &str, more: &str, name: &str) -> Response {
    let p = Palette::now(ui.ctx());
    let mut job = egui::text::LayoutJob::default();
    let format = |font, color| egui::text::TextFormat {
        font_id: font,
        color,
        ..Default::default()
    };
    job.append(strong, 0.0, format(theme::ui_bold(theme::SMALL), p.text));
    if !more.is_empty() {
        let space = if strong.is_empty() { 0.0 } else { 6.0 };
        job.append(more, space, format(theme::ui(theme::SMALL), p.text_2));
    }
    let galley = ui.painter().layout_job(job);
    let size = vec2(galley.size().x + 16.0, 22.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let stroke = if response.hovered() { p.text_2 } else { p.rule };
    ui.painter().rect(
        rect,
        3.0,
        p.panel,
        Stroke::new(1.0, stroke),
        StrokeKind::Inside,
    );
    ui.painter()
        .galley(rect.center() - galley.size() / 2.0, galley, p.text);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    response
}

/// A button. The primary one is ink with paper letters; there is one on a screen.
pub fn button(ui: &mut Ui, label: &str, primary: bool, enabled: bool, min: Vec2) -> Response {
    let p = Palette::now(ui.ctx());
    let font = if primary {
        theme::ui_bold(theme::UI)
    } else {
        theme::ui_medium(theme::UI)
    };
    let galley = ui
        .painter()
        .layout_no_wrap(label.to_owned(), font, Color32::PLACEHOLDER);
    let size = vec2((galley.size().x + 24.0).max(min.x), min.y.max(30.0));
    let sense = if enabled {
        Sense::click()
    } else {
        Sense::hover()
    };
    let (rect, response) = ui.allocate_exact_size(size, sense);
    let (fill, stroke, ink) = match (primary, enabled) {
        (true, true) => (p.text, p.text, p.panel),
        (false, true) => (
            if response.hovered() {
                p.sunken
            } else {
                p.panel
            },
            p.control,
            p.text,
        ),
        (_, false) => (p.bg, p.rule, p.text_3),
    };
    ui.painter().rect(
        rect,
        3.0,
        fill,
        Stroke::new(1.0, stroke),
        StrokeKind::Inside,
    );
    ui.painter()
        .galley(rect.center() - galley.size() / 2.0, galley, ink);
    if response.has_focus() {
        focus_ring(ui.painter(), rect, p);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, label));
    response
}

/// One of several choices, with what it means; true when it was clicked.
pub fn choice(ui: &mut Ui, chosen: bool, title: &str, note: &str) -> bool {
    let p = Palette::now(ui.ctx());
    let height = if note.is_empty() { 30.0 } else { 44.0 };
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width() - 4.0, height), Sense::click());
    if response.hovered() {
        ui.painter().rect_filled(rect, 3.0, p.sunken);
    }
    let centre = pos2(rect.left() + 12.0, rect.top() + 15.0);
    ui.painter()
        .circle_stroke(centre, 6.0, Stroke::new(1.0, p.control));
    if chosen {
        ui.painter().circle_filled(centre, 3.5, p.text);
    }
    let font = if chosen {
        theme::ui_bold(theme::UI)
    } else {
        theme::ui(theme::UI)
    };
    let x = rect.left() + 28.0;
    ui.painter().text(
        pos2(x, rect.top() + 15.0),
        Align2::LEFT_CENTER,
        title,
        font,
        p.text,
    );
    if !note.is_empty() {
        let clip = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let font = theme::ui(theme::SMALL);
        clip.text(
            pos2(x, rect.top() + 32.0),
            Align2::LEFT_CENTER,
            note,
            font,
            p.text_3,
        );
    }
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, chosen, title));
    response.clicked()
}

/// The 4-point rule of a side: solid for A, double for B, thin for any other.
pub fn spine(painter: &Painter, rect: Rect, side: usize, sides: usize, p: &Palette) {
    let color = p.side(side, sides);
    match (side, sides) {
        (0, 1 | 2) => {
            painter.rect_filled(rect, 0.0, color);
        }
        (1, 2) => {
            let along = rect.width() > rect.height();
            let thin = |r: Rect| painter.rect_filled(r, 0.0, color);
            if along {
                thin(Rect::from_min_size(rect.min, vec2(rect.width(), 1.0)));
                thin(Rect::from_min_size(
                    pos2(rect.left(), rect.bottom() - 1.0),
                    vec2(rect.width(), 1.0),
                ));
            } else {
                thin(Rect::from_min_size(rect.min, vec2(1.0, rect.height())));
                thin(Rect::from_min_size(
                    pos2(rect.right() - 1.0, rect.top()),
                    vec2(1.0, rect.height()),
                ));
            }
        }
        _ => {
            painter.rect_filled(
                Rect::from_min_size(rect.min, vec2(rect.width(), 2.0)),
                0.0,
                color,
            );
        }
    }
}

/// What a rating says, for people who do not see it: `Correctness of A, 3 of 4: small slips or omissions`.
pub fn rating_name(attribute: &Attribute, letter: &str, level: Option<i32>) -> String {
    match level {
        None => words::form::not_rated(&attribute.title, letter),
        Some(level) => {
            let anchor = attribute
                .anchors
                .get((level - attribute.min) as usize)
                .map_or("", String::as_str);
            words::form::rated(&attribute.title, letter, level, attribute.max, anchor)
        }
    }
}

/// A scale of levels; gives the level that was clicked.
pub fn rating(
    ui: &mut Ui,
    attribute: &Attribute,
    letter: &str,
    level: Option<i32>,
    focused: bool,
    enabled: bool,
    cell: Vec2,
) -> Option<i32> {
    let p = Palette::now(ui.ctx());
    let levels = (attribute.max - attribute.min + 1).max(1);
    let gap = 2.0;
    let size = vec2(cell.x * levels as f32 + gap * (levels - 1) as f32, cell.y);
    let (rect, whole) = ui.allocate_exact_size(size, Sense::focusable_noninteractive());
    let name = rating_name(attribute, letter, level);
    whole.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::RadioGroup, enabled, &name);
        info.value = level.map(f64::from);
        info
    });
    let mut clicked = None;
    for at in 0..levels {
        let value = attribute.min + at;
        let min = rect.min + vec2(at as f32 * (cell.x + gap), 0.0);
        let square = Rect::from_min_size(min, cell);
        let sense = if enabled {
            Sense::click()
        } else {
            Sense::hover()
        };
        let response = ui.interact(square, whole.id.with(at), sense);
        let chosen = level == Some(value);
        // Ink levels are those of the scale's five steps, whatever its length.
        let ink = ((at * 4) as f32 / (levels - 1).max(1) as f32).round() as usize;
        let (fill, digit) = if chosen {
            (p.ink[ink], p.on_ink(ink))
        } else if response.hovered() && enabled {
            (p.sunken, p.text)
        } else {
            (p.panel, if enabled { p.text_2 } else { p.text_3 })
        };
        let border = if chosen { p.text_2 } else { p.rule };
        ui.painter().rect(
            square,
            3.0,
            fill,
            Stroke::new(1.0, border),
            StrokeKind::Inside,
        );
        let font = if chosen {
            theme::ui_bold(12.5)
        } else {
            theme::ui_medium(12.0)
        };
        ui.painter().text(
            square.center(),
            Align2::CENTER_CENTER,
            value.to_string(),
            font,
            digit,
        );
        response.widget_info(|| {
            let label = words::form::level(&attribute.title, letter, value);
            WidgetInfo::selected(Role::RadioButton, enabled, chosen, label)
        });
        if response.clicked() {
            clicked = Some(value);
        }
        if let Some(anchor) = attribute.anchors.get(at as usize) {
            response.on_hover_text(format!("{value} · {anchor}"));
        }
    }
    if focused {
        focus_ring(ui.painter(), rect, p);
    }
    clicked
}

/// Words for a position on the preference bar.
pub fn preference_words(position: i32, left: &str, right: &str) -> String {
    let better = if position < 0 { left } else { right };
    match position.abs() {
        0 => words::asked::TIE.to_owned(),
        1 => words::asked::slightly_better(better),
        2 => words::asked::better(better),
        _ => words::asked::much_better(better),
    }
}

/// A box that is ticked or not; true when that was changed.
pub fn check(ui: &mut Ui, on: &mut bool, label: &str) -> bool {
    let p = Palette::now(ui.ctx());
    let galley = ui
        .painter()
        .layout_no_wrap(label.to_owned(), theme::ui(theme::UI), p.text);
    let (rect, response) =
        ui.allocate_exact_size(vec2(galley.size().x + 32.0, 30.0), Sense::click());
    let square = Rect::from_center_size(rect.left_center() + vec2(12.0, 0.0), vec2(14.0, 14.0));
    ui.painter().rect(
        square,
        2.0,
        if *on { p.text } else { p.panel },
        Stroke::new(1.0, if *on { p.text } else { p.control }),
        StrokeKind::Inside,
    );
    if *on {
        let tick = [
            square.left_center() + vec2(3.0, 0.0),
            square.center_bottom() + vec2(-1.0, -4.0),
            square.right_top() + vec2(-3.0, 4.0),
        ];
        ui.painter().line(tick.to_vec(), Stroke::new(2.0, p.bg));
    }
    let at = pos2(rect.left() + 28.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, p.text);
    if response.has_focus() {
        focus_ring(ui.painter(), square, p);
    }
    let pressed = response.clicked();
    *on ^= pressed;
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, *on, label));
    pressed
}

/// The bar from "A much better" to "B much better"; gives the position that was clicked.
pub fn preference(
    ui: &mut Ui,
    position: Option<i32>,
    max: i32,
    tie: bool,
    focused: bool,
    enabled: bool,
    size: Vec2,
) -> Option<i32> {
    let p = Palette::now(ui.ctx());
    let places: Vec<i32> = (-max..=max).filter(|v| *v != 0 || tie).collect();
    let gap = 4.0;
    let width = (size.x - gap * (places.len() - 1) as f32) / places.len() as f32;
    let (rect, whole) = ui.allocate_exact_size(size, Sense::focusable_noninteractive());
    whole.widget_info(|| {
        let said = position.map_or_else(
            || words::asked::NOT_GIVEN.to_owned(),
            |v| preference_words(v, "A", "B"),
        );
        WidgetInfo::labeled(
            Role::RadioGroup,
            enabled,
            words::asked::preference_is(&said),
        )
    });
    let mut clicked = None;
    for (at, place) in places.into_iter().enumerate() {
        let square = Rect::from_min_size(
            rect.min + vec2(at as f32 * (width + gap), 0.0),
            vec2(width, size.y),
        );
        let sense = if enabled {
            Sense::click()
        } else {
            Sense::hover()
        };
        let response = ui.interact(square, whole.id.with(at), sense);
        let chosen = position == Some(place);
        let which = usize::from(place > 0);
        let color = if place == 0 {
            p.text_2
        } else {
            p.side(which, 2)
        };
        let fill = if chosen {
            color
        } else if response.hovered() && enabled {
            p.wash(which, 2)
        } else {
            p.panel
        };
        let border = if chosen { color } else { p.control };
        ui.painter().rect(
            square,
            3.0,
            fill,
            Stroke::new(1.0, border),
            StrokeKind::Inside,
        );
        if place != 0 {
            let rule =
                Rect::from_min_size(square.min, vec2(width, if which == 0 { 3.0 } else { 4.0 }));
            spine(ui.painter(), rule, which, 2, p);
        }
        let mark = match place {
            0 => "=".to_owned(),
            v if v < 0 => "‹".repeat(v.unsigned_abs() as usize),
            v => "›".repeat(v.unsigned_abs() as usize),
        };
        let ink = if chosen { p.panel } else { color };
        ui.painter().text(
            square.center() + vec2(0.0, 1.0),
            Align2::CENTER_CENTER,
            mark,
            theme::ui_bold(14.0),
            ink,
        );
        let words = preference_words(place, "A", "B");
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, enabled, chosen, &words));
        if response.clicked() {
            clicked = Some(place);
        }
        response.on_hover_text(words);
    }
    if focused {
        focus_ring(ui.painter(), rect, p);
    }
    clicked
}

/// A level bar: how much of it is ink.
pub fn level_bar(ui: &mut Ui, part: f32, size: Vec2, color: Color32, name: &str) -> Response {
    let p = Palette::now(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let radius = CornerRadius::same((size.y / 2.0) as u8);
    ui.painter().rect_filled(rect, radius, p.ink[0]);
    let filled = Rect::from_min_size(
        rect.min,
        vec2(rect.width() * part.clamp(0.0, 1.0), rect.height()),
    );
    ui.painter().rect_filled(filled, radius, color);
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, name));
    response
}
