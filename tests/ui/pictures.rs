//! How the screens look. `UPDATE_SNAPSHOTS=1 cargo test --test all ui::pictures` takes new pictures: look at each.

use std::io::Write as _;
use std::path::PathBuf;

use egui_kittest::wgpu::WgpuTestRenderer;
use egui_kittest::{Harness, SnapshotOptions, SnapshotResults};
use tiebreak::app::Action;
use tiebreak::app::settings::Theme;
use tiebreak::domain::*;
use tiebreak::store::{Access, Project};
use tiebreak::ui::Window;

use crate::support::*;

/// A renderer; none where no driver can draw.
fn renderer() -> Option<WgpuTestRenderer> {
    std::panic::catch_unwind(WgpuTestRenderer::new).ok()
}

/// A project with a draft, so that the form has something to show and nothing has a time.
fn project(home: &Home) -> PathBuf {
    let path = home.project("pictures", &[fixture("helpsteer2_validation_first8.jsonl")]);
    let project = Project::open(&path, Access::Write { owner: "mina" }).unwrap();
    let item = project.reader().unwrap().item_at(0).unwrap().unwrap();
    let mut judgment = Judgment {
        preference: Some(Preference::Better {
            response: item.responses[0].key,
            strength: Some(2),
        }),
        justification: "It says what replication is for, and warns of what it is not.".to_owned(),
        ..Judgment::default()
    };
    for (at, response) in item.responses.iter().enumerate() {
        let attributes = LabelSchema::helpsteer2().attributes;
        for (i, attribute) in attributes.iter().enumerate().skip(at) {
            let level = (i * 2 + at) % 5;
            judgment
                .ratings
                .set(response.key, &attribute.name, Some(level as f64));
        }
    }
    let draft = Draft {
        judgment,
        ..Draft::default()
    };
    project
        .writer()
        .unwrap()
        .put_draft(item.id, "mina", Some(&draft))
        .unwrap();
    project.close().unwrap();
    path
}

/// Marks some words of both responses: the first mark has a tag, the second waits for one.
fn mark(shown: &mut Shown) {
    let mut schema = state(shown).schema().unwrap().clone();
    schema.tags = ["false", "beside the point", "too long", "unsafe"]
        .map(str::to_owned)
        .to_vec();
    let set = Action::SetSchema(Box::new(schema));
    shown.state_mut().app.dispatch(set);
    until(shown, "the tags", |s| {
        !state(s).schema().unwrap().tags.is_empty() && state(s).labelling()
    });
    for side in [0, 1] {
        let open = state(shown).open_item().unwrap();
        let content = open.original(side).unwrap();
        let from = content.find(' ').unwrap() + 1;
        let to = from + content[from..].match_indices(' ').nth(5).unwrap().0;
        let span = Span::of(0, content, from..to).unwrap();
        let selected = Action::Selected(Some((side, Ok(span))));
        for action in [selected, Action::Mark, Action::TagMark(1)] {
            if side == 0 || !matches!(action, Action::TagMark(_)) {
                shown.state_mut().app.dispatch(action);
            }
        }
        until_saved(shown);
    }
}

#[test]
fn the_screens_look_as_they_did() {
    const WIDE: (f32, f32) = (1440.0, 900.0);
    const SMALL: (f32, f32) = (1024.0, 700.0);
    let mut pictures = vec![];
    for (screen, keys) in [
        ("annotate", "Ctrl+1"),
        ("queue", "Ctrl+2"),
        ("inspect", "Ctrl+3"),
        ("agreement", "Ctrl+4"),
        ("export", "Ctrl+5"),
        ("models", "Ctrl+6"),
        ("settings", "Ctrl+7"),
    ] {
        for (size, width) in [(WIDE, "1440"), (SMALL, "1024")] {
            for (theme, kind) in [(Theme::Paper, "light"), (Theme::Slate, "dark")] {
                pictures.push((format!("{screen}-{width}-{kind}"), keys, None, size, theme));
            }
        }
    }
    // What a labeler asks for while reading, and the other modes.
    for (name, keys, mode, size, theme) in [
        ("differences", "D", None, WIDE, Theme::Paper),
        ("guidelines", "G", None, WIDE, Theme::Slate),
        ("rewrite", "B E", None, SMALL, Theme::Paper),
        ("contrast", "A", None, WIDE, Theme::Contrast),
        (
            "sequential",
            "A",
            Some(Mode::Sequential),
            WIDE,
            Theme::Paper,
        ),
        ("ranking", "2 Up", Some(Mode::Ranking), SMALL, Theme::Slate),
        ("marks", "Ctrl+1", None, WIDE, Theme::Paper),
        ("marks-small", "Ctrl+1", None, SMALL, Theme::Slate),
    ] {
        pictures.push((name.to_owned(), keys, mode, size, theme));
    }
    if renderer().is_none() {
        let message =
            "PICTURES SKIPPED: no driver can draw here (Debian: apt install mesa-vulkan-drivers)";
        assert!(std::env::var_os("CI").is_none(), "{message}");
        // Past the test runner, which keeps what a test prints to itself.
        writeln!(std::io::stderr(), "\n*** {message} ***\n").unwrap();
        return;
    }
    let mut results = SnapshotResults::new();
    // Drivers round differently at the edges of letters.
    let options = SnapshotOptions::new().threshold(1.0).max_failed_pixels(200);
    for (name, keys, mode, size, theme) in pictures {
        let home = Home::new();
        home.settle(&tiebreak::app::settings::Settings {
            model: if keys == "Ctrl+3" { "default" } else { "off" }.to_owned(),
            ..in_theme(theme)
        });
        let path = project(&home);
        let studied = ["Ctrl+3", "Ctrl+4"].contains(&keys);
        if studied {
            super::study::labelled_by_two(&path);
        }
        let places = home.places();
        let mut shown: Shown = Harness::builder()
            .with_size(egui::vec2(size.0, size.1))
            // Half of the pixels in each direction: a quarter of the bytes, and every shift still shows.
            .with_pixels_per_point(0.5)
            .allow_missing_glyphs()
            .renderer(renderer().unwrap())
            .build_eframe(move |cc| Window::new(&cc.egui_ctx, places, Some(path)).unwrap());
        until(&mut shown, "an item", |s| {
            told(s)
                .iter()
                .any(|t| t.starts_with("Item ") && t.ends_with("of 4"))
        });
        if keys == "Ctrl+3" {
            until(&mut shown, "the model", |s| {
                matches!(state(s).model, tiebreak::app::state::ModelState::Ready(_))
            });
            shown.state_mut().app.dispatch(Action::ScoreAll);
            until(&mut shown, "all scores", |s| state(s).job.is_none());
        }
        if let Some(mode) = mode {
            let mut schema = state(&shown).schema().unwrap().clone();
            schema.mode = mode;
            let set = tiebreak::app::Action::SetSchema(Box::new(schema));
            shown.state_mut().app.dispatch(set);
            until(&mut shown, "the mode", |s| {
                state(s).schema().unwrap().mode == mode && state(s).labelling()
            });
            until_saved(&mut shown);
        }
        if name.starts_with("marks") {
            mark(&mut shown);
        }
        press(&mut shown, keys);
        until(&mut shown, "the screen is filled", |s| {
            let state = state(s);
            match keys {
                "Ctrl+2" => state.queue.rows.len() == 4,
                "Ctrl+3" => state.study.inspection.is_some(),
                "Ctrl+4" => state.study.concord.is_some(),
                "Ctrl+5" => state.preview.is_some(),
                "Ctrl+6" => state.library.entries.is_some(),
                _ => true,
            }
        });
        // What was saved on the way would tell the time.
        until_saved(&mut shown);
        let state = &mut shown.state_mut().app.state;
        state.last_score_ms = None;
        // What this machine has is another's affair.
        state.library.free = None;
        if let Some(entries) = &mut state.library.entries {
            entries.retain(|e| e.origin == tiebreak::app::library::Origin::BuiltIn);
        }
        if let Some(project) = &mut state.project {
            project.saved = tiebreak::app::state::Saved::Clean;
        }
        // Whatever is laid out over several frames has come to rest.
        for _ in 0..8 {
            shown.step();
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        results.add(shown.try_snapshot_options(&name, &options));
    }
    results.unwrap();
}
