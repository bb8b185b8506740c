//! The design's colours can be read: every contrast is computed again.

use egui::Color32;
use tiebreak::ui::theme::{PAPER, SLATE, contrast};

#[test]
fn every_pair_of_tokens_that_meet_can_be_read() {
    for p in [&PAPER, &SLATE] {
        let text = [
            ("text on bg", p.text, p.bg),
            ("text on panel", p.text, p.panel),
            ("text on sunken", p.text, p.sunken),
            ("text-2 on bg", p.text_2, p.bg),
            ("text-2 on panel", p.text_2, p.panel),
            ("text-2 on sunken", p.text_2, p.sunken),
            ("text-3 on bg", p.text_3, p.bg),
            ("text-3 on panel", p.text_3, p.panel),
            ("text-3 on sunken", p.text_3, p.sunken),
            ("A on panel", p.a, p.panel),
            ("A on bg", p.a, p.bg),
            ("text on A wash", p.text, p.a_wash),
            ("B on panel", p.b, p.panel),
            ("B on bg", p.b, p.bg),
            ("text on B wash", p.text, p.b_wash),
            ("error on panel", p.error, p.panel),
            ("error on bg", p.error, p.bg),
            ("panel on A", p.panel, p.a),
            ("panel on B", p.panel, p.b),
            ("primary button", p.panel, p.text),
        ];
        for (what, fore, ground) in text {
            assert!(
                contrast(fore, ground) >= 4.5,
                "{:?}: {what} {:.2}",
                p.theme,
                contrast(fore, ground)
            );
        }
        for level in 0..5 {
            let found = contrast(p.on_ink(level), p.ink[level]);
            assert!(
                found >= 4.5,
                "{:?}: digit on ink {level} {found:.2}",
                p.theme
            );
        }
        for (what, ground) in [("panel", p.panel), ("bg", p.bg)] {
            let found = contrast(p.control, ground);
            assert!(
                found >= 3.0,
                "{:?}: control border on {what} {found:.2}",
                p.theme
            );
        }
    }
}

#[test]
fn contrast_is_that_of_the_standard() {
    assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-9);
    assert!((contrast(PAPER.text, PAPER.panel) - 15.9).abs() < 0.1);
    assert!((contrast(SLATE.text, SLATE.panel) - 12.6).abs() < 0.1);
}
