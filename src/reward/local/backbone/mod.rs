//! Backbones: from token ids to hidden states.

pub(crate) mod decoder;
pub(crate) mod linear;
pub(crate) mod ops;
