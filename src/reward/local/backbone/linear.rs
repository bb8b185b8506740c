//! Matrices of the layers, in the precision that was chosen, and how they are read.

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{Device, Tensor};

use super::int8::Int8Matrix;
use crate::reward::RewardError;
use crate::reward::local::weights::Weights;

/// Precision of the layers' matrices; everything else is always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// 32-bit floating point.
    F32,
    /// 8-bit blocks, made at loading.
    Q8_0,
    /// 8-bit groups, made at loading, for this processor's own instructions.
    Int8,
    /// The types of a GGUF file.
    AsStored(GgmlDType),
}

impl Precision {
    pub(crate) fn name(self) -> String {
        match self {
            Self::F32 => "f32".to_owned(),
            Self::Q8_0 => "q8_0".to_owned(),
            Self::Int8 => "int8".to_owned(),
            Self::AsStored(dtype) => match dtype {
                GgmlDType::Q2K => "q2_k".to_owned(),
                GgmlDType::Q3K => "q3_k".to_owned(),
                GgmlDType::Q4K => "q4_k".to_owned(),
                GgmlDType::Q5K => "q5_k".to_owned(),
                GgmlDType::Q6K => "q6_k".to_owned(),
                other => format!("{other:?}").to_lowercase(),
            },
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
            (Precision::Q8_0 | Precision::Int8, _)
                if columns.is_multiple_of(GgmlDType::Q8_0.block_size()) =>
            {
                let values =
                    Tensor::from_vec(self.weights.f32(name, &shape)?, &shape, &Device::Cpu)?;
                let quantised = QTensor::quantize_onto(&values, GgmlDType::Q8_0, self.device)?;
                Ok(QMatMul::from_qtensor(quantised)?)
            }
            _ => Ok(QMatMul::Tensor(self.dense(name, &shape)?)),
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
            .then(|| self.dense(&format!("{name}.bias"), &[outputs]))
            .transpose()?;
        let name = format!("{name}.weight");
        let weight = if self.precision == Precision::Int8 {
            let shape = [outputs, inputs];
            self.weights.check(&name, &shape)?;
            let values = self.weights.f32(&name, &shape)?;
            Matrix::Int8(Int8Matrix::new(&values, outputs, inputs))
        } else {
            Matrix::Any(self.matrix(&name, outputs, inputs)?)
        };
        Ok(Linear { weight, bias })
    }
}

/// Weights in one of the precisions.
#[derive(Debug)]
enum Matrix {
    Any(QMatMul),
    Int8(Int8Matrix),
}

/// `x · Wᵀ + b`.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: Matrix,
    bias: Option<Tensor>,
}

impl Linear {
    /// `[n, inputs]` to `[n, outputs]`.
    pub(crate) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let y = match &self.weight {
            Matrix::Any(weight) => candle_core::Module::forward(weight, x)?,
            Matrix::Int8(weight) => x.contiguous()?.apply_op1_no_bwd(&weight)?,
        };
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}
