//! Models on this machine, computed by candle.

mod backbone;
mod base;
mod checkpoint;
mod config;
mod deberta;
mod device;
mod distributed;
mod encoder;
pub mod facts;
mod files;
mod gate;
mod gguf;
mod head;
pub mod hub;
mod layout;
mod nemo;
mod pickle;
pub mod pull;
mod source;
mod weights;

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use candle_core::quantized::GgmlDType;
use candle_core::{Device, Tensor};

use self::backbone::cpu::{AUTO, CpuDecoder, Memory};
use self::backbone::decoder::{self, Decoder};
use self::backbone::linear::{Loader, Precision};
use self::device::Engine;
use self::files::Files;
use self::head::{Head, Plan};
use self::weights::Weights;
use super::batch::{self, Packed};
use super::prompt::ChatTemplate;
use super::tokens::{Encoded, Encoder};
use super::{
    Course, DtypeChoice, HeadChoice, LoadOptions, Loops, ModelRef, RewardError, ScoreOutput,
    ScoreStats, Scorer, ScorerInfo, preset,
};
use crate::domain::{Role, ScorerId, Turn};
use crate::task::Cancel;

pub use self::backbone::cpu;
pub use self::base::{Base, free};
pub use self::encoder::PairScorer;

/// Weights that take more than this in f32 are quantised when no precision is asked for, whatever the device.
pub const AUTO_F32_BYTES: u64 = 4 << 30;
/// A model of so many weights is computed in f32 when no precision is asked for.
pub const AUTO_F32: u64 = 50_000_000;

/// What lies below the head: a conversation becomes tokens, and these a hidden state.
pub(crate) struct Backbone {
    encoder: Encoder,
    layers: Layers,
    engine: Engine,
    memory: Mutex<Memory>,
    reads: Reads,
    /// A token that is written after every text, unless the text ends in it.
    appended: Option<u32>,
    /// The token that ends a text, where it is the padding token, too.
    pad_and_end: Option<u32>,
    context: usize,
    vocabulary: usize,
    batch_tokens: usize,
    sharing: bool,
}

/// A request of so few texts is someone's who reads or writes them: they are likely to come again, a little changed.
const FEW_ROWS: usize = 2;

/// Conversations that become tokens together, while those before are computed.
const BLOCK: usize = 64;

/// What computes the layers.
enum Layers {
    /// The loops of [`cpu`].
    Own(CpuDecoder),
    /// Operations of candle's.
    Candle(Decoder),
}

/// Which tokens of a conversation a head reads.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reads {
    /// The last one that is not padding (the rule of transformers' sequence classifiers), the first one if all are; the last one of all
    /// where there is no padding token.
    NotPadding(Option<u32>),
    /// The one before the first padding, else the last one; and the first token of the last end of a prompt.
    WithPrompt { pad: Option<u32>, end: Vec<u32> },
}

impl Reads {
    /// Their positions in `ids`, which is not empty.
    fn positions(&self, ids: &[u32]) -> Result<Vec<usize>, RewardError> {
        let last = ids.len() - 1;
        match self {
            Self::NotPadding(pad) => {
                let found = pad.map(|pad| ids.iter().rposition(|id| *id != pad));
                Ok(vec![found.map_or(last, Option::unwrap_or_default)])
            }
            Self::WithPrompt { pad, end } => {
                let padding = pad.and_then(|pad| ids.iter().position(|id| *id == pad));
                // One before the first token is the last one, as in the authors' code.
                let pooled = padding.map_or(last, |at| at.checked_sub(1).unwrap_or(last));
                let prompt = ids
                    .windows(end.len().max(1))
                    .rposition(|w| w == end.as_slice());
                let prompt = prompt.ok_or_else(|| {
                    RewardError::Template(
                        "nothing marks the end of the prompt, where this model's gate reads; its own template does".to_owned(),
                    )
                })?;
                Ok(vec![pooled, prompt])
            }
        }
    }
}

/// A conversation that has gone through the backbone.
struct Passed {
    index: usize,
    tokens: usize,
    truncated: bool,
}

/// Conversations as tokens.
#[derive(Default)]
struct Tokens {
    rows: Vec<Vec<u32>>,
    /// What the head reads of each.
    read: Vec<Vec<usize>>,
    about: Vec<Passed>,
    /// Those that cannot be given to the model, and why.
    failed: Vec<(usize, String)>,
    took: Duration,
}

/// Takes the pooled hidden states of a batch.
type OnBatch<'a> = dyn FnMut(&[Passed], &Tensor) -> Result<(), RewardError> + 'a;

impl Backbone {
    /// Checks the files and reads the weights of the layers.
    fn load(
        files: &Files,
        engine: Engine,
        precision: Precision,
        options: &LoadOptions,
    ) -> Result<Self, RewardError> {
        let config = &files.config;
        decoder::check(config, &files.weights)?;
        let loader = Loader {
            weights: &files.weights,
            device: &engine.device,
            precision,
        };
        let parts = precision
            .parts()
            .filter(|_| engine.device.is_cpu() && options.loops != Loops::Candle);
        let isa = match options.loops {
            Loops::With(isa) => isa,
            _ => cpu::Isa::here(),
        };
        let layers = engine.run(|| match parts {
            Some(parts) => CpuDecoder::load(config, &loader, parts, isa).map(Layers::Own),
            None => Decoder::load(config, &loader, &engine.devices).map(Layers::Candle),
        })?;
        let template = ChatTemplate::new(&files.template, files.special.clone())?;
        let encoder = Encoder::new(files.splitter.clone(), template);
        Ok(Self {
            layers,
            vocabulary: config.vocab,
            memory: Mutex::default(),
            engine,
            reads: Reads::NotPadding(config.pad),
            appended: config.head.reward_token,
            pad_and_end: config.pad.filter(|pad| {
                !files.special.eos.is_empty() && encoder.token(*pad) == files.special.eos
            }),
            context: options.max_length.unwrap_or(config.context),
            batch_tokens: options.batch_tokens.unwrap_or(batch::DEFAULT_TOKENS),
            sharing: !options.no_sharing,
            encoder,
        })
    }

    /// Token ids as the model is given them.
    fn encode(&self, turns: &[Turn]) -> Result<Encoded, RewardError> {
        let last = self.vocabulary;
        let limit = match self.appended {
            Some(_) => self.context.saturating_sub(1),
            None => self.context,
        };
        let mut encoded = self.encoder.encode(turns, limit)?;
        if let Some(token) = self.appended
            && encoded.ids.last() != Some(&token)
        {
            encoded.ids.push(token);
        }
        match encoded.ids.iter().find(|&&id| id as usize >= last) {
            Some(id) => Err(RewardError::Tokenizer(format!(
                "it wrote token {id}, but the model knows {last} tokens only"
            ))),
            None => Ok(encoded),
        }
    }

    /// The same of one text, going on from what was kept of one that begins like it; exactly the same numbers come of it.
    fn compute_rest(
        &self,
        ids: &[u32],
        positions: &[usize],
        cancel: &Cancel,
    ) -> Result<(Tensor, usize), RewardError> {
        let Layers::Own(own) = &self.layers else {
            let batch = batch::rest(ids, 0);
            let hidden = self.compute(&batch, &[positions.to_vec()], cancel)?;
            return Ok((hidden, ids.len()));
        };
        // What is read must be computed.
        let limit = positions.iter().min().copied().unwrap_or_default();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = &mut *memory;
        let hidden = self.engine.run(|| {
            let (from, known) = memory.like(ids, limit).unzip();
            let mut kept = own.kept(from, known.unwrap_or_default(), ids.len());
            let batch = batch::rest(ids, known.unwrap_or_default());
            let pooled: Vec<_> = positions.iter().map(|at| batch.place(0, *at)).collect();
            let hidden = own.forward(&batch, &pooled, Some(&mut kept), cancel)?;
            kept.name(ids);
            memory.keep(kept);
            let width = hidden.len() / pooled.len().max(1);
            let hidden = Tensor::from_vec(hidden, (pooled.len(), width), &Device::Cpu)?;
            Ok::<_, RewardError>((hidden, batch.ids.len()))
        })?;
        Ok(hidden)
    }

    /// Gives `on_batch` the hidden states `[tokens, hidden]` of the tokens that the head reads, batch by batch, in rising order of index.
    fn pooled(
        &self,
        conversations: &[Vec<Turn>],
        cancel: &Cancel,
        on_batch: &mut OnBatch<'_>,
    ) -> Result<ScoreStats, RewardError> {
        let mut stats = ScoreStats::default();
        // While some are computed, the next ones are written as tokens.
        let blocks: Vec<Range<usize>> = (0..conversations.len())
            .step_by(BLOCK)
            .map(|first| first..conversations.len().min(first + BLOCK))
            .collect();
        // Candle's path keeps nothing: there a pair shares its beginning in one batch.
        let few = conversations.len() <= FEW_ROWS
            && self.sharing
            && matches!(self.layers, Layers::Own(_));
        let mut next = blocks
            .first()
            .map(|b| self.tokens(conversations, b.clone(), cancel));
        for index in 0..blocks.len() {
            let Some(tokens) = next.take().transpose()? else {
                break;
            };
            stats.tokens += tokens.about.iter().map(|a| a.tokens as u64).sum::<u64>();
            stats.encode += tokens.took;
            let start = Instant::now();
            std::thread::scope(|scope| {
                let ahead = blocks.get(index + 1).cloned();
                let ahead = ahead.map(|b| scope.spawn(|| self.tokens(conversations, b, cancel)));
                let computed = if few {
                    self.compute_few(&tokens, cancel, on_batch)
                } else {
                    self.compute_all(&tokens, cancel, on_batch)
                };
                let failed = || Err(RewardError::Tokenizer("it failed inside".to_owned()));
                next = ahead.map(|ahead| ahead.join().unwrap_or_else(|_panic| failed()));
                stats.tokens_computed += computed?;
                Ok::<_, RewardError>(())
            })?;
            stats.compute += start.elapsed();
            stats.failed.extend(tokens.failed);
        }
        Ok(stats)
    }

    /// Some of the conversations as tokens.
    fn tokens(
        &self,
        conversations: &[Vec<Turn>],
        which: Range<usize>,
        cancel: &Cancel,
    ) -> Result<Tokens, RewardError> {
        let start = Instant::now();
        let mut tokens = Tokens::default();
        for index in which {
            if cancel.is_cancelled() {
                return Err(RewardError::Cancelled);
            }
            let turns = &conversations[index];
            let encoded = if turns.is_empty() {
                Err(RewardError::Template(
                    "the conversation has no turns".to_owned(),
                ))
            } else {
                self.encode(turns).and_then(|encoded| {
                    let positions = self.reads.positions(&encoded.ids)?;
                    Ok((encoded, positions))
                })
            };
            match encoded {
                Ok((encoded, positions)) => {
                    tokens.read.push(positions);
                    tokens.about.push(Passed {
                        index,
                        tokens: encoded.ids.len(),
                        truncated: encoded.truncated,
                    });
                    tokens.rows.push(encoded.ids);
                }
                Err(reason) => tokens.failed.push((index, reason.to_string())),
            }
        }
        tokens.took = start.elapsed();
        Ok(tokens)
    }

    /// Text by text, each going on from one before; gives the number of tokens computed.
    fn compute_few(
        &self,
        tokens: &Tokens,
        cancel: &Cancel,
        on_batch: &mut OnBatch<'_>,
    ) -> Result<u64, RewardError> {
        let mut computed = 0;
        let rows = tokens.rows.iter().zip(&tokens.read).zip(&tokens.about);
        for ((ids, positions), passed) in rows {
            let (hidden, new) = self.compute_rest(ids, positions, cancel)?;
            on_batch(std::slice::from_ref(passed), &hidden)?;
            computed += new as u64;
        }
        Ok(computed)
    }

    /// In batches, smaller ones where these do not fit the device; gives the number of tokens computed.
    fn compute_all(
        &self,
        tokens: &Tokens,
        cancel: &Cancel,
        on_batch: &mut OnBatch<'_>,
    ) -> Result<u64, RewardError> {
        let mut computed = 0;
        batch::each(
            &tokens.rows,
            self.batch_tokens,
            self.sharing,
            device::is_out_of_memory,
            &mut |batch| {
                if cancel.is_cancelled() {
                    return Err(RewardError::Cancelled);
                }
                let rows = batch.first..batch.first + batch.rows.len();
                let hidden = self.compute(batch, &tokens.read[rows.clone()], cancel)?;
                on_batch(&tokens.about[rows], &hidden)?;
                computed += batch.ids.len() as u64;
                Ok(())
            },
        )?;
        Ok(computed)
    }

    /// Hidden states of the tokens at `positions` of each row.
    fn compute(
        &self,
        batch: &Packed,
        positions: &[Vec<usize>],
        cancel: &Cancel,
    ) -> Result<Tensor, RewardError> {
        let rows = positions.iter().enumerate();
        let pooled: Vec<_> = rows
            .flat_map(|(row, at)| at.iter().map(move |at| batch.place(row, *at)))
            .collect();
        self.engine.run(|| match &self.layers {
            Layers::Own(own) => {
                let hidden = own.forward(batch, &pooled, None, cancel)?;
                let width = hidden.len() / pooled.len().max(1);
                Ok(Tensor::from_vec(
                    hidden,
                    (pooled.len(), width),
                    &Device::Cpu,
                )?)
            }
            Layers::Candle(candle) => candle.forward(batch, &pooled, cancel),
        })
    }
}

/// A decoder with a reward head.
pub struct LocalScorer {
    info: ScorerInfo,
    backbone: Backbone,
    head: Head,
}

impl LocalScorer {
    /// Opens a model's files, checks them and reads the weights.
    pub fn load(model: &ModelRef, options: &LoadOptions) -> Result<Self, RewardError> {
        check(options)?;
        let model = &hub::resolved(model)?;
        let mut engine = Engine::new(options)?;
        let choice = head_choice(model, &options.head);
        let checked = choice == HeadChoice::Auto;
        let mut files = Files::open(model, options.template.as_deref(), checked)?;
        // The head first: a model without one is told apart from a broken file.
        let plan = Plan::find(&files.weights, files.config.hidden, &choice)?;
        if plan.last_token {
            files.config.pad = None;
        }
        let config = &files.config;
        let parameters = files.parameters();
        let own = engine.device.is_cpu() && options.loops != Loops::Candle;
        let precision = precision(options.dtype, &files.weights, parameters, own);
        if engine.device.is_cpu() {
            facts::fits(&files.name, parameters, precision, options)?;
        }
        let bytes = facts::weights_bytes(parameters, precision);
        engine.spread(bytes, options);
        let device = engine.describe();
        let mut backbone = Backbone::load(&files, engine, precision, options)?;
        if plan.gated {
            let end = backbone.encoder.shortest(&gate::PROMPT_ENDS)?;
            let pad = config.pad;
            backbone.reads = Reads::WithPrompt { pad, end };
        }
        let loader = Loader {
            weights: &files.weights,
            device: &backbone.engine.device,
            precision,
        };
        let mut head = Head::load(&loader, &plan, &config.head, config.hidden)?;
        let preset = match &options.weights {
            Some(asked) => head.weigh(asked).map(|()| Some(asked.clone()))?,
            None => preset::of_model(&files.name).filter(|own| head.weigh(own).is_ok()),
        };
        let name = match preset {
            Some(preset) => format!("{}, {}", plan.name, preset.name),
            None => plan.name,
        };
        let info = ScorerInfo {
            id: ScorerId {
                name: files.name.clone(),
                weights: files.weights_hash()?,
                template: files.template_hash(),
                head: name,
                dtype: precision.name(),
            },
            name: files.name,
            device,
            dtype: precision.name(),
            context: backbone.context,
            parameters,
            attributes: head.names.clone(),
        };
        Ok(Self {
            info,
            backbone,
            head,
        })
    }

    /// Token ids as the model is given them.
    pub fn encode(&self, turns: &[Turn]) -> Result<Encoded, RewardError> {
        self.backbone.encode(turns)
    }
}

/// What is scored of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Every token, with its text in the vocabulary.
    pub tokens: Vec<(u32, String)>,
    /// Which of them is pooled.
    pub pooled: usize,
    /// What looks wrong: a stable name and an explanation.
    pub warnings: Vec<(&'static str, String)>,
}

/// Which head is read. The 70B reward model of Nemotron 3.1 is a causal model whose reward is the logit of token 0; it says so in its name
/// only (Llama-3.1-Nemotron-70B-Reward-HF).
fn head_choice(model: &ModelRef, asked: &HeadChoice) -> HeadChoice {
    let ModelRef::Path(path) = model else {
        return asked.clone();
    };
    let nemotron = path.components().any(|part| {
        part.as_os_str()
            .to_string_lossy()
            .contains("Nemotron-70B-Reward-HF")
    });
    match asked {
        HeadChoice::Auto if nemotron => HeadChoice::Logit(0),
        asked => asked.clone(),
    }
}

/// Loads a model of whatever kind.
pub(super) fn load(
    model: &ModelRef,
    options: &LoadOptions,
) -> Result<Box<dyn Scorer>, RewardError> {
    let model = &hub::resolved(model)?;
    let folder = match model {
        ModelRef::Path(path) => files::folder_of(path),
        ModelRef::Default => None,
    };
    if let Some((folder, kind)) = folder.and_then(|f| Some((f, encoder::kind(f)?))) {
        return Ok(Box::new(PairScorer::load(folder, &kind, options)?));
    }
    Ok(Box::new(LocalScorer::load(model, options)?))
}

fn check(options: &LoadOptions) -> Result<(), RewardError> {
    if options.max_length == Some(0) || options.batch_tokens == Some(0) {
        return Err(RewardError::Option(
            "a length of 0 tokens leaves nothing to score".to_owned(),
        ));
    }
    Ok(())
}

impl Scorer for LocalScorer {
    fn info(&self) -> &ScorerInfo {
        &self.info
    }

    fn course(&mut self, turns: &[Turn], cancel: &Cancel) -> Result<Course, RewardError> {
        let backbone = &self.backbone;
        let Some((_, before)) = turns.split_last() else {
            return Err(RewardError::Template(
                "the conversation has no turns".to_owned(),
            ));
        };
        let ids = self.encode(turns)?.ids;
        let pooled = backbone.reads.positions(&ids)?;
        // Where the conversations with and without the last turn part; some templates refuse the shorter one.
        let before = if before.is_empty() {
            vec![]
        } else {
            self.encode(before).map_or(vec![], |e| e.ids)
        };
        let same = ids.iter().zip(&before).take_while(|(a, b)| a == b).count();
        let read: Vec<usize> = (same..ids.len())
            .flat_map(|at| std::iter::once(at).chain(pooled[1..].iter().copied()))
            .collect();
        let rows = [ids];
        let mut tokens = vec![];
        for packed in batch::pack(&rows, backbone.batch_tokens, false) {
            let hidden = backbone.compute(&packed, std::slice::from_ref(&read), cancel)?;
            let outputs = self.head.forward(&hidden)?;
            for (id, outputs) in rows[0][same..].iter().zip(&outputs) {
                let score = self.head.score(outputs, 0, false).score;
                tokens.push((*id, backbone.encoder.token(*id), score));
            }
        }
        let replies: Vec<usize> = (0..turns.len())
            .filter(|at| turns[*at].role == Role::Assistant)
            .collect();
        let beginnings: Vec<Vec<Turn>> = replies.iter().map(|at| turns[..=*at].to_vec()).collect();
        let mut scores = vec![None; replies.len()];
        self.score(&beginnings, cancel, &mut |at, output| {
            scores[at] = Some(output.score);
        })?;
        Ok(Course {
            tokens,
            turns: replies.into_iter().zip(scores).collect(),
        })
    }

    fn trace(&self, turns: &[Turn]) -> Result<Trace, RewardError> {
        let Backbone { encoder, reads, .. } = &self.backbone;
        let Encoded { ids, truncated } = self.encode(turns)?;
        let pooled = reads.positions(&ids)?[0];
        let mut warnings = vec![];
        if let [first, second, ..] = ids[..]
            && first == second
            && encoder.is_special(first)
        {
            let token = encoder.token(first);
            warnings.push(("double-bos", format!("the text begins with `{token}` twice: the template and the tokenizer both write it")));
        }
        if pooled + 1 < ids.len() {
            let token = encoder.token(ids[ids.len() - 1]);
            warnings.push(("pad-at-end", format!("the text ends in `{token}`, which is the padding token too, so that an earlier token is pooled (as transformers does)")));
        }
        if let Some(token) = self.backbone.pad_and_end {
            let token = encoder.token(token);
            warnings.push(("pad-is-eos", format!("`{token}` is the padding token and ends texts, too: where a text ends in it, an earlier token is pooled")));
        }
        if truncated {
            warnings.push(("truncated", "the conversation was cut to fit".to_owned()));
        }
        let tokens = ids.iter().map(|id| (*id, encoder.token(*id))).collect();
        Ok(Trace {
            tokens,
            pooled,
            warnings,
        })
    }

    fn score(
        &mut self,
        conversations: &[Vec<Turn>],
        cancel: &Cancel,
        on_result: &mut dyn FnMut(usize, ScoreOutput),
    ) -> Result<ScoreStats, RewardError> {
        let head = &self.head;
        self.backbone
            .pooled(conversations, cancel, &mut |passed, hidden| {
                for (passed, outputs) in passed.iter().zip(head.forward(hidden)?) {
                    let score = head.score(&outputs, passed.tokens, passed.truncated);
                    on_result(passed.index, score);
                }
                Ok(())
            })
    }
}

fn precision(choice: DtypeChoice, weights: &Weights, parameters: u64, on_cpu: bool) -> Precision {
    let isa = cpu::Isa::here();
    match (choice, weights) {
        (DtypeChoice::F32, _) => Precision::F32,
        (DtypeChoice::Bf16, _) => Precision::Bf16,
        (DtypeChoice::F16, _) => Precision::F16,
        (DtypeChoice::Parts(parts), _) => Precision::Mixed(parts),
        (DtypeChoice::Q4K, _) => Precision::Quantised(GgmlDType::Q4K),
        // Of small models exact scores cost little.
        (DtypeChoice::Auto, _) if parameters <= AUTO_F32 => Precision::F32,
        (DtypeChoice::Auto, _) if on_cpu && isa.has_byte_products() => Precision::Mixed(AUTO),
        (DtypeChoice::Auto, _) if on_cpu && parameters.saturating_mul(4) <= AUTO_F32_BYTES => {
            Precision::F32
        }
        (DtypeChoice::Auto, Weights::Gguf { file, .. }) => Precision::AsStored(file.main_type()),
        (DtypeChoice::Auto, _) if !on_cpu => Precision::Bf16,
        (DtypeChoice::Auto | DtypeChoice::Q8_0, _) if on_cpu => Precision::Int8,
        (DtypeChoice::Auto | DtypeChoice::Q8_0, _) => Precision::Quantised(GgmlDType::Q8_0),
    }
}
