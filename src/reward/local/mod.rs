//! Models on this machine, computed by candle.

mod backbone;
mod config;
mod device;
mod files;
mod gguf;
mod head;
mod source;
mod weights;

use std::time::Instant;

use self::backbone::decoder::{self, Decoder};
use self::backbone::linear::{Loader, Precision};
use self::device::Engine;
use self::files::Files;
use self::head::Head;
use self::weights::Weights;
use super::batch::{self, Packed};
use super::prompt::ChatTemplate;
use super::tokens::{Encoded, Encoder};
use super::{
    DtypeChoice, LoadOptions, ModelRef, RewardError, ScoreOutput, ScoreStats, Scorer, ScorerInfo,
};
use crate::domain::{ScorerId, Turn};
use crate::task::Cancel;

/// Weights that take more than this in f32 are quantised when no precision is asked for.
pub const AUTO_F32_BYTES: u64 = 4 << 30;

/// A decoder with a reward head.
pub struct LocalScorer {
    info: ScorerInfo,
    encoder: Encoder,
    decoder: Decoder,
    head: Head,
    engine: Engine,
    pad: Option<u32>,
    batch_tokens: usize,
    sharing: bool,
}

impl LocalScorer {
    /// Opens a model's files, checks them and reads the weights.
    pub fn load(model: &ModelRef, options: &LoadOptions) -> Result<Self, RewardError> {
        if options.max_length == Some(0) || options.batch_tokens == Some(0) {
            return Err(RewardError::Option(
                "a length of 0 tokens leaves nothing to score".to_owned(),
            ));
        }
        let engine = Engine::new(options)?;
        let files = Files::open(model, options.template.as_deref())?;
        let config = &files.config;
        // The head first: a model without one is told apart from a broken file.
        let outputs = head::outputs(&files.weights, config.hidden)?;
        decoder::check(config, &files.weights)?;

        let parameters = files.parameters();
        let precision = precision(options.dtype, &files.weights, parameters);
        let loader = Loader {
            weights: &files.weights,
            device: &engine.device,
            precision,
        };
        let decoder = engine.run(|| Decoder::load(config, &loader))?;
        let head = Head::load(&loader, config.hidden, outputs, &config.outputs)?;
        let template = ChatTemplate::new(&files.template, files.special.clone())?;
        let info = ScorerInfo {
            id: ScorerId {
                name: files.name.clone(),
                weights: files.weights_hash()?,
                template: files.template_hash(),
                head: "score".to_owned(),
                dtype: precision.name(),
            },
            name: files.name,
            device: engine.describe(),
            dtype: precision.name(),
            context: options.max_length.unwrap_or(config.context),
            parameters,
            attributes: head.names.clone(),
        };
        Ok(Self {
            info,
            encoder: Encoder::new(files.tokenizer, template)?,
            decoder,
            head,
            pad: config.pad,
            engine,
            batch_tokens: options.batch_tokens.unwrap_or(batch::DEFAULT_TOKENS),
            sharing: !options.no_sharing,
        })
    }

    /// Token ids as the model is given them.
    pub fn encode(&self, turns: &[Turn]) -> Result<Encoded, RewardError> {
        let last = self.decoder.vocabulary();
        let encoded = self.encoder.encode(turns, self.info.context)?;
        match encoded.ids.iter().find(|&&id| id as usize >= last) {
            Some(id) => Err(RewardError::Tokenizer(format!(
                "it wrote token {id}, but the model knows {last} tokens only"
            ))),
            None => Ok(encoded),
        }
    }

    fn compute(&self, batch: &Packed, cancel: &Cancel) -> Result<Vec<Vec<f32>>, RewardError> {
        let pooled: Vec<_> = (0..batch.rows.len())
            .map(|row| batch.pooled(row, self.pad))
            .collect();
        self.engine.run(|| {
            let hidden = self.decoder.forward(batch, &pooled, cancel)?;
            Ok(self.head.forward(&hidden)?)
        })
    }
}

impl Scorer for LocalScorer {
    fn info(&self) -> &ScorerInfo {
        &self.info
    }

    fn score(
        &mut self,
        conversations: &[Vec<Turn>],
        cancel: &Cancel,
        on_result: &mut dyn FnMut(usize, ScoreOutput),
    ) -> Result<ScoreStats, RewardError> {
        let mut stats = ScoreStats::default();
        let start = Instant::now();
        let (mut rows, mut about) = (Vec::new(), Vec::new());
        for (index, turns) in conversations.iter().enumerate() {
            if cancel.is_cancelled() {
                return Err(RewardError::Cancelled);
            }
            let encoded = if turns.is_empty() {
                Err(RewardError::Template(
                    "the conversation has no turns".to_owned(),
                ))
            } else {
                self.encode(turns)
            };
            match encoded {
                Ok(encoded) => {
                    stats.tokens += encoded.ids.len() as u64;
                    rows.push(encoded.ids);
                    about.push((index, encoded.truncated));
                }
                Err(reason) => stats.failed.push((index, reason.to_string())),
            }
        }
        let groups = batch::group(&rows, self.batch_tokens, self.sharing);
        let batches = batch::pack(groups, &rows, self.batch_tokens);
        stats.encode = start.elapsed();

        let start = Instant::now();
        for batch in &batches {
            if cancel.is_cancelled() {
                return Err(RewardError::Cancelled);
            }
            for (offset, outputs) in self.compute(batch, cancel)?.iter().enumerate() {
                let row = batch.first + offset;
                let (index, truncated) = about[row];
                on_result(index, self.head.score(outputs, rows[row].len(), truncated));
            }
            stats.tokens_computed += batch.ids.len() as u64;
        }
        stats.compute = start.elapsed();
        Ok(stats)
    }
}

fn precision(choice: DtypeChoice, weights: &Weights, parameters: u64) -> Precision {
    let small = parameters.saturating_mul(4) <= AUTO_F32_BYTES;
    match (choice, weights) {
        (DtypeChoice::F32, _) => Precision::F32,
        (DtypeChoice::Auto, _) if small => Precision::F32,
        (DtypeChoice::Auto, Weights::Gguf { file, .. }) => Precision::AsStored(file.main_type()),
        (DtypeChoice::Auto | DtypeChoice::Q8_0, _) => Precision::Q8_0,
    }
}
