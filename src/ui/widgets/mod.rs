//! Things that are drawn on several screens.

pub mod controls;
pub mod differ;
mod document;
pub mod highlighter;
pub mod icons;
pub mod layout;
pub mod plots;
pub mod reading;
mod selection;
