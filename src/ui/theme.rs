//! Colours, type and space: every token of the design in one place, and the proof that it can be read.

use std::sync::Arc;

use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Stroke, TextStyle,
    Visuals,
};

use crate::app::settings::{Face, Reading, Theme};

/// Space between things, in points.
pub mod space {
    /// Hair.
    pub const XS: f32 = 4.0;
    /// Between parts of one thing.
    pub const S: f32 = 8.0;
    /// Between things.
    pub const M: f32 = 12.0;
    /// Between groups.
    pub const L: f32 = 16.0;
    /// Around text.
    pub const XL: f32 = 24.0;
}

/// Colours of a theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Which theme it is.
    pub theme: Theme,
    /// Ground.
    pub bg: Color32,
    /// Ground of what is read.
    pub panel: Color32,
    /// Ground of what lies deeper: code, rails, bars.
    pub sunken: Color32,
    /// Decorative lines.
    pub rule: Color32,
    /// Borders of controls.
    pub control: Color32,
    /// Text, and ink of controls.
    pub text: Color32,
    /// Text of second rank.
    pub text_2: Color32,
    /// Text of third rank.
    pub text_3: Color32,
    /// Side A.
    pub a: Color32,
    /// Ground of side A.
    pub a_wash: Color32,
    /// Side B.
    pub b: Color32,
    /// Ground of side B.
    pub b_wash: Color32,
    /// Something is wrong.
    pub error: Color32,
    /// Levels of ink, 0 to 4.
    pub ink: [Color32; 5],
    /// The ring around what the keyboard is at.
    pub focus: Color32,
}

const fn hex(rgb: u32) -> Color32 {
    Color32::from_rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
}

/// Ink on warm paper.
pub const PAPER: Palette = Palette {
    theme: Theme::Paper,
    bg: hex(0x00F7_F5F0),
    panel: hex(0x00FF_FEFB),
    sunken: hex(0x00EE_EBE3),
    rule: hex(0x00D6_D1C4),
    control: hex(0x0085_7F70),
    text: hex(0x0023_211C),
    text_2: hex(0x005A_564C),
    text_3: hex(0x006A_6559),
    a: hex(0x000B_5C8C),
    a_wash: hex(0x00E6_F0F6),
    b: hex(0x009A_4A00),
    b_wash: hex(0x00FB_EEDF),
    error: hex(0x00A3_173B),
    ink: [
        hex(0x00EF_EDE7),
        hex(0x00D3_CFC4),
        hex(0x00A8_A396),
        hex(0x006B_665B),
        hex(0x0023_211C),
    ],
    focus: hex(0x0023_211C),
};

/// Light on slate.
pub const SLATE: Palette = Palette {
    theme: Theme::Slate,
    bg: hex(0x0016_181C),
    panel: hex(0x001D_2025),
    sunken: hex(0x0012_1417),
    rule: hex(0x0036_3B44),
    control: hex(0x007A_8190),
    text: hex(0x00E6_E2D9),
    text_2: hex(0x00B0_ABA0),
    text_3: hex(0x0091_8C82),
    a: hex(0x006D_B9E8),
    a_wash: hex(0x0015_2A38),
    b: hex(0x00F0_A45B),
    b_wash: hex(0x0035_2516),
    error: hex(0x00F2_869F),
    ink: [
        hex(0x0026_2A31),
        hex(0x0045_4A53),
        hex(0x006B_6F76),
        hex(0x00AF_ABA2),
        hex(0x00E6_E2D9),
    ],
    focus: hex(0x00E6_E2D9),
};

/// White on black, with a yellow focus.
pub const CONTRAST: Palette = Palette {
    theme: Theme::Contrast,
    bg: hex(0x0000_0000),
    panel: hex(0x0000_0000),
    sunken: hex(0x0016_1616),
    rule: hex(0x008C_8C8C),
    control: hex(0x00FF_FFFF),
    text: hex(0x00FF_FFFF),
    text_2: hex(0x00FF_FFFF),
    text_3: hex(0x00DD_DDDD),
    a: hex(0x0080_CCFF),
    a_wash: hex(0x0000_2B4D),
    b: hex(0x00FF_B366),
    b_wash: hex(0x0047_2600),
    error: hex(0x00FF_9DB2),
    ink: [
        hex(0x0020_2020),
        hex(0x0048_4848),
        hex(0x0076_7676),
        hex(0x00BF_BFBF),
        hex(0x00FF_FFFF),
    ],
    focus: hex(0x00FF_D84D),
};

impl Palette {
    /// The palette of a theme.
    pub fn of(theme: Theme) -> &'static Self {
        match theme {
            Theme::Paper => &PAPER,
            Theme::Slate => &SLATE,
            Theme::Contrast => &CONTRAST,
        }
    }

    /// The palette that a painter should use now.
    pub fn now(ctx: &egui::Context) -> &'static Self {
        let shown = ctx.data(|data| data.get_temp::<Theme>(shown_theme()));
        Self::of(shown.unwrap_or_default())
    }

    /// Colour of the response at a place from the left; only pairs have colours.
    pub fn side(&self, side: usize, sides: usize) -> Color32 {
        match (side, sides) {
            (0, 1 | 2) => self.a,
            (1, 2) => self.b,
            _ => self.text,
        }
    }

    /// Ground in the colour of a side.
    pub fn wash(&self, side: usize, sides: usize) -> Color32 {
        match (side, sides) {
            (0, 1 | 2) => self.a_wash,
            (1, 2) => self.b_wash,
            _ => self.sunken,
        }
    }

    /// Text that can be read on a level of ink: the theme's own where it can, else white or black.
    pub fn on_ink(&self, level: usize) -> Color32 {
        let ground = self.ink[level.min(4)];
        let colours = [self.text, self.panel, Color32::WHITE, Color32::BLACK];
        let readable = colours.into_iter().find(|c| contrast(*c, ground) >= 4.5);
        readable.unwrap_or(self.text)
    }

    fn visuals(&self) -> Visuals {
        let mut visuals = if self.theme == Theme::Paper {
            Visuals::light()
        } else {
            Visuals::dark()
        };
        visuals.panel_fill = self.bg;
        visuals.window_fill = self.panel;
        visuals.window_stroke = Stroke::new(1.0, self.rule);
        visuals.window_corner_radius = CornerRadius::same(6);
        visuals.extreme_bg_color = self.panel;
        visuals.text_edit_bg_color = Some(self.panel);
        visuals.faint_bg_color = self.sunken;
        visuals.code_bg_color = self.sunken;
        visuals.override_text_color = Some(self.text);
        visuals.weak_text_color = Some(self.text_3);
        visuals.hyperlink_color = self.text;
        visuals.error_fg_color = self.error;
        visuals.warn_fg_color = self.text;
        visuals.selection.bg_fill = self.ink[1];
        visuals.selection.stroke = Stroke::new(1.0, self.text);
        visuals.popup_shadow = egui::epaint::Shadow::NONE;
        visuals.window_shadow = egui::epaint::Shadow {
            offset: [0, 8],
            blur: 24,
            spread: 0,
            color: Color32::from_black_alpha(56),
        };
        for (widget, fill, stroke) in [
            (&mut visuals.widgets.noninteractive, self.bg, self.rule),
            (&mut visuals.widgets.inactive, self.panel, self.control),
            (&mut visuals.widgets.hovered, self.sunken, self.text_2),
            (&mut visuals.widgets.active, self.sunken, self.text),
            (&mut visuals.widgets.open, self.sunken, self.text),
        ] {
            widget.bg_fill = fill;
            widget.weak_bg_fill = fill;
            widget.bg_stroke = Stroke::new(1.0, stroke);
            widget.fg_stroke = Stroke::new(1.0, self.text);
            widget.corner_radius = CornerRadius::same(3);
            widget.expansion = 0.0;
        }
        visuals
    }
}

/// Contrast of two colours from 1 to 21, as WCAG 2 defines it.
pub fn contrast(a: Color32, b: Color32) -> f64 {
    fn luminance(colour: Color32) -> f64 {
        let channel = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(colour.r()) + 0.7152 * channel(colour.g()) + 0.0722 * channel(colour.b())
    }
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

// -----------------------------------------------------------------------------------------
// Type

/// Cuts of the bundled fonts: name and file.
static CUTS: &[(&str, &[u8])] = &[
    (
        "serif",
        include_bytes!("../../assets/fonts/SourceSerif4-Regular.ttf"),
    ),
    (
        "serif-italic",
        include_bytes!("../../assets/fonts/SourceSerif4-Italic.ttf"),
    ),
    (
        "serif-bold",
        include_bytes!("../../assets/fonts/SourceSerif4-SemiBold.ttf"),
    ),
    (
        "sans",
        include_bytes!("../../assets/fonts/InterTabular-Regular.ttf"),
    ),
    (
        "sans-medium",
        include_bytes!("../../assets/fonts/InterTabular-Medium.ttf"),
    ),
    (
        "sans-bold",
        include_bytes!("../../assets/fonts/InterTabular-SemiBold.ttf"),
    ),
    (
        "mono",
        include_bytes!("../../assets/fonts/JetBrainsMono-Regular.ttf"),
    ),
    (
        "mono-bold",
        include_bytes!("../../assets/fonts/JetBrainsMono-Bold.ttf"),
    ),
];

/// A family by the name of its cut.
pub fn family(cut: &'static str) -> FontFamily {
    FontFamily::Name(cut.into())
}

/// Text of controls.
pub fn ui(size: f32) -> FontId {
    FontId::new(size, family("sans"))
}

/// Text of controls, a little stronger.
pub fn ui_medium(size: f32) -> FontId {
    FontId::new(size, family("sans-medium"))
}

/// Text of controls, strong.
pub fn ui_bold(size: f32) -> FontId {
    FontId::new(size, family("sans-bold"))
}

/// Text to read.
pub fn serif(size: f32) -> FontId {
    FontId::new(size, family("serif"))
}

/// Size of controls' text.
pub const UI: f32 = 13.0;
/// Size of small text.
pub const SMALL: f32 = 11.5;
/// Size of text to read.
pub const READING: f32 = 16.5;
/// Line of text to read.
pub const READING_LINE: f32 = 26.0;
/// Size of code.
pub const CODE: f32 = 13.5;
/// Line of code.
pub const CODE_LINE: f32 = 22.0;

/// Installs fonts and both themes.
pub fn install(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::empty();
    for (name, bytes) in CUTS {
        fonts
            .font_data
            .insert((*name).to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    // What one cut lacks comes from the others, then from the system.
    let with_fallback = |first: &str| {
        let rest = ["sans", "serif", "mono"]
            .into_iter()
            .filter(|other| *other != first);
        std::iter::once(first.to_owned())
            .chain(rest.map(str::to_owned))
            .collect::<Vec<_>>()
    };
    for (name, _) in CUTS {
        fonts.families.insert(family(name), with_fallback(name));
    }
    fonts
        .families
        .insert(FontFamily::Proportional, with_fallback("sans"));
    fonts
        .families
        .insert(FontFamily::Monospace, with_fallback("mono"));
    ctx.set_fonts(fonts);
    apply(ctx, Theme::Paper);
    ctx.all_styles_mut(|style| {
        style.animation_time = 0.0;
        style.spacing.item_spacing = egui::vec2(space::S, space::XS);
        style.spacing.button_padding = egui::vec2(12.0, 6.0);
        style.spacing.interact_size.y = 20.0;
        style.spacing.scroll = egui::style::ScrollStyle::thin();
        style.interaction.selectable_labels = false;
        style.text_styles = [
            (TextStyle::Body, ui(UI)),
            (TextStyle::Button, ui_medium(UI)),
            (TextStyle::Small, ui(SMALL)),
            (TextStyle::Heading, ui_bold(20.0)),
            (TextStyle::Monospace, FontId::new(CODE, family("mono"))),
        ]
        .into();
    });
}

/// Shows a theme.
pub fn apply(ctx: &egui::Context, theme: Theme) {
    let kind = if theme == Theme::Paper {
        egui::Theme::Light
    } else {
        egui::Theme::Dark
    };
    ctx.data_mut(|data| data.insert_temp(shown_theme(), theme));
    ctx.set_visuals_of(kind, Palette::of(theme).visuals());
    ctx.set_theme(kind);
}

/// Where the window remembers which theme it shows: the window library knows only light and dark.
fn shown_theme() -> egui::Id {
    egui::Id::unique("shown-theme")
}

/// How what is read is set: sizes and cuts that follow from the settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// The typeface.
    pub face: Face,
    /// Size of text in points.
    pub size: f32,
    /// Height of a line of text in points.
    pub line: f32,
    /// Size of code in points.
    pub code: f32,
    /// Height of a line of code in points.
    pub code_line: f32,
    /// Widest column in points.
    pub width: f32,
}

impl Setting {
    /// What follows from the settings of a person.
    pub fn of(reading: Reading) -> Self {
        let reading = reading.within_limits();
        let part = reading.size / READING;
        Self {
            face: reading.face,
            size: reading.size,
            line: (reading.size * reading.line).round(),
            code: (CODE * part * 2.0).round() / 2.0,
            code_line: (CODE_LINE * part).round(),
            width: reading.width(),
        }
    }

    /// The cut for text to read.
    pub fn cut(&self, bold: bool, italic: bool) -> &'static str {
        match (self.face, bold, italic) {
            (Face::Serif, true, _) => "serif-bold",
            (Face::Serif, false, true) => "serif-italic",
            (Face::Serif, false, false) => "serif",
            (Face::Sans, true, _) => "sans-bold",
            (Face::Sans, false, _) => "sans",
        }
    }

    /// Text to read.
    pub fn text(&self) -> FontId {
        FontId::new(self.size, family(self.cut(false, false)))
    }
}
