//! Backbones: from token ids to hidden states.

pub(crate) mod decoder;
pub mod int8;
pub(crate) mod linear;
pub(crate) mod ops;
