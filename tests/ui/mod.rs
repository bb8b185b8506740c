//! The window, driven by its accessibility tree and a keyboard, with the model and the project that people have.

/// What is hidden until one's own commit.
mod blindness;
/// The table of commands.
mod commands;
/// A labeler's day.
mod day;
/// Files into a project, and projects that others have open.
mod files;
/// What keys do to the form.
mod form;
/// The list of models.
mod library;
/// From the welcome to an export.
mod main_line;
/// Spans that are marked.
mod marks;
/// Models that cannot be loaded.
mod models;
/// How the screens look.
mod pictures;
/// Items that are not pairs.
mod shapes;
/// How long frames take.
#[path = "../speed/window.rs"]
mod speed;
/// Where model and people part ways, and people among themselves.
mod study;
/// Heads of one's own, and the order by uncertainty.
mod training;
