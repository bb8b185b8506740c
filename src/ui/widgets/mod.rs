//! Things that are drawn on several screens.

pub mod controls;
pub mod highlighter;
pub mod icons;
pub mod layout;
pub mod reading;
