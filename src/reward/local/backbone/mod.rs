//! Backbones: from token ids to hidden states. [`cpu`] has its own loops; [`decoder`] is made of candle's operations, for GPUs and for
//! the quantised types of GGUF files.

pub mod cpu;
pub(crate) mod decoder;
pub(crate) mod linear;
pub(crate) mod ops;
