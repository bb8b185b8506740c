//! Matrices of the layers, in the precision that was chosen, and how they are read.

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{DType, Device, Tensor};

use super::cpu::{Kind, Parts};
use crate::reward::RewardError;
use crate::reward::local::weights::Weights;

/// Precision of the layers' matrices; everything else is always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// 32-bit floating point.
    F32,
    /// 16 bits, the upper half of f32.
    Bf16,
    /// 16 bits, with more digits and a smaller range.
    F16,
    /// 8-bit groups, made at loading, for the loops of [`super::cpu`].
    Int8,
    /// 8-bit groups and bf16, by kind of matrix: [`super::cpu::AUTO`] or what was asked for.
    Mixed(Parts),
    /// Blocks of candle's, made at loading.
    Quantised(GgmlDType),
    /// The types of a GGUF file.
    AsStored(GgmlDType),
}

impl Precision {
    pub(crate) fn name(self) -> String {
        match self {
            Self::F32 => "f32".to_owned(),
            Self::Bf16 => "bf16".to_owned(),
            Self::F16 => "f16".to_owned(),
            Self::Int8 => "int8".to_owned(),
            Self::Mixed(parts) => parts.name(),
            Self::Quantised(dtype) | Self::AsStored(dtype) => match dtype {
                GgmlDType::Q2K => "q2_k".to_owned(),
                GgmlDType::Q3K => "q3_k".to_owned(),
                GgmlDType::Q4K => "q4_k".to_owned(),
                GgmlDType::Q5K => "q5_k".to_owned(),
                GgmlDType::Q6K => "q6_k".to_owned(),
                other => format!("{other:?}").to_lowercase(),
            },
        }
    }

    /// What candle's operations compute in.
    fn dtype(self) -> DType {
        match self {
            Self::Bf16 => DType::BF16,
            Self::F16 => DType::F16,
            _ => DType::F32,
        }
    }

    /// How the loops of [`super::cpu`] keep each kind of matrix, where they compute it.
    pub(crate) fn parts(self) -> Option<Parts> {
        match self {
            Self::F32 | Self::F16 => Some(Parts::all(Kind::F32)),
            Self::Bf16 => Some(Parts::all(Kind::Bf16)),
            Self::Int8 => Some(Parts::all(Kind::Int8)),
            Self::Mixed(parts) => Some(parts),
            Self::Quantised(_) | Self::AsStored(_) => None,
        }
    }
}

/// Reads tensors onto a device.
pub(crate) struct Loader<'a> {
    pub(crate) weights: &'a Weights,
    pub(crate) device: &'a Device,
    pub(crate) precision: Precision,
}

impl Loader<'_> {
    /// The same onto another device.
    pub(crate) fn on<'b>(&'b self, device: &'b Device) -> Loader<'b> {
        Loader { device, ..*self }
    }

    /// Values in f32, of as many digits as the precision keeps where that is a matter of rounding.
    pub(crate) fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, RewardError> {
        let mut values = self.weights.f32(name, shape)?;
        if self.precision == Precision::F16 {
            for value in &mut values {
                *value = half::f16::from_f32(*value).to_f32();
            }
        }
        Ok(values)
    }

    /// A tensor in the type that the precision computes in.
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, RewardError> {
        Ok(self.dense(name, shape)?.to_dtype(self.precision.dtype())?)
    }

    /// A norm's weights: those of the file, or one more.
    pub(crate) fn norm(
        &self,
        name: &str,
        size: usize,
        from_one: bool,
    ) -> Result<Tensor, RewardError> {
        let weights = self.dense(&format!("{name}.weight"), &[size])?;
        let weights = if from_one { (weights + 1.0)? } else { weights };
        Ok(weights.to_dtype(self.precision.dtype())?)
    }

    /// A tensor in f32.
    pub(crate) fn dense(&self, name: &str, shape: &[usize]) -> Result<Tensor, RewardError> {
        self.weights.check(name, shape)?;
        let values = self.weights.f32(name, shape)?;
        Ok(Tensor::from_vec(values, shape, self.device)?)
    }

    /// A matrix `[rows, columns]` in the chosen precision.
    pub(crate) fn matrix(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<QMatMul, RewardError> {
        let shape = [rows, columns];
        self.weights.check(name, &shape)?;
        match (self.precision, self.weights) {
            (Precision::AsStored(_), Weights::Gguf { file, .. }) => {
                let order = self.weights.reordered(name);
                let stored =
                    file.quantised(&self.weights.name_in_file(name), &shape, order, self.device)?;
                Ok(QMatMul::from_qtensor(stored)?)
            }
            (Precision::Quantised(dtype), _) => {
                // Where rows are not whole blocks, blocks of 32.
                let fits = |dtype: &GgmlDType| columns.is_multiple_of(dtype.block_size());
                let Some(dtype) = [dtype, GgmlDType::Q8_0].into_iter().find(fits) else {
                    return Ok(QMatMul::Tensor(self.dense(name, &shape)?));
                };
                let values =
                    Tensor::from_vec(self.weights.f32(name, &shape)?, &shape, &Device::Cpu)?;
                let quantised = QTensor::quantize_onto(&values, dtype, self.device)?;
                Ok(QMatMul::from_qtensor(quantised)?)
            }
            _ => Ok(QMatMul::Tensor(self.tensor(name, &shape)?)),
        }
    }

    /// `NAME.weight` `[outputs, inputs]` and, where the model has one, `NAME.bias`.
    pub(crate) fn linear(
        &self,
        name: &str,
        outputs: usize,
        inputs: usize,
        bias: bool,
    ) -> Result<Linear, RewardError> {
        let bias = bias
            .then(|| self.tensor(&format!("{name}.bias"), &[outputs]))
            .transpose()?;
        let weight = self.matrix(&format!("{name}.weight"), outputs, inputs)?;
        Ok(Linear { weight, bias })
    }
}

/// `x · Wᵀ + b`.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: QMatMul,
    bias: Option<Tensor>,
}

impl Linear {
    /// `[n, inputs]` to `[n, outputs]`.
    pub(crate) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let y = candle_core::Module::forward(&self.weight, x)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}
