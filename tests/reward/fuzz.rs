//! Spoilt model files for as long as one likes: `TIEBREAK_FUZZ_SECONDS=3600 cargo test --test all reward::fuzz -- --ignored --nocapture`. A
//! panic names the seed; `TIEBREAK_FUZZ_SEED=N` begins with it.

use std::path::Path;
use std::time::{Duration, Instant};

use tiebreak::reward::{self, ModelRef};

use super::{copy, fixture, options};

/// Numbers without end from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// Changes a few bytes, drops, repeats or moves some, or cuts the rest off; mostly near the beginning, where files describe themselves.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(6) {
            let near = if self.below(3) == 0 {
                bytes.len()
            } else {
                bytes.len().min(2_000)
            };
            let at = self.below(near);
            let count = 1 + self.below(24);
            let end = (at + count).min(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
                3 => bytes[at..end].fill(0xff),
                4 => bytes[at..end].fill(0),
                5 => {
                    let from = self.below(bytes.len());
                    let other = bytes[from..(from + count).min(bytes.len())].to_vec();
                    bytes.splice(at..end, other);
                }
                _ if at < bytes.len() => bytes[at] = self.next() as u8,
                _ => {}
            }
            if bytes.is_empty() {
                return;
            }
        }
    }
}

/// A folder of the fixtures, with one of its files taken from another place, and that file's name; or one file by itself.
const TARGETS: [(&str, &str, &str); 13] = [
    ("llama-1", "pytorch_model.bin", "pickled/pytorch_model.bin"),
    (
        "llama-1",
        "pytorch_model.bin",
        "pickled-legacy/pytorch_model.bin",
    ),
    ("llama-1", "pytorch_model.bin", "pickled-kinds/kinds.bin"),
    ("llama-1", "model.safetensors", "llama-1/model.safetensors"),
    ("llama-1", "config.json", "llama-1/config.json"),
    ("llama-1", "tokenizer.model", "spm-bpe.model"),
    ("llama-1", "tokenizer.model", "spm-unigram.model"),
    ("bert", "config.json", "bert/config.json"),
    ("modernbert", "config.json", "modernbert/config.json"),
    ("deberta-v3", "config.json", "deberta-v3/config.json"),
    ("", "spoilt.gguf", "qwen3.gguf"),
    ("", "spoilt.nemo", "tiny-zarr.nemo"),
    ("", "spoilt.nemo", "tiny-dist.nemo"),
];

#[test]
#[ignore = "runs as long as it is told to"]
fn spoilt_files_are_answered_and_never_panic() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let time = Duration::from_secs(number("TIEBREAK_FUZZ_SECONDS").unwrap_or(60));
    let mut seed = number("TIEBREAK_FUZZ_SEED").unwrap_or(1);
    let folders = TARGETS.map(|(folder, ..)| match folder {
        "" => tempfile::tempdir().unwrap(),
        folder => copy(folder),
    });
    let (started, mut files, mut loaded) = (Instant::now(), 0u64, 0u64);
    while started.elapsed() < time {
        let mut dice = Dice(seed);
        let at = dice.below(TARGETS.len());
        let (folder, name, from) = TARGETS[at];
        let there: &Path = folders[at].path();
        let path = there.join(name);
        let mut bytes = std::fs::read(fixture(from)).unwrap();
        dice.spoil(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        // The file that stands before the one that is spoilt makes way for it.
        match name {
            "pytorch_model.bin" => drop(std::fs::remove_file(there.join("model.safetensors"))),
            "tokenizer.model" => drop(std::fs::remove_file(there.join("tokenizer.json"))),
            _ => {}
        }
        let model = ModelRef::Path(if folder.is_empty() {
            path
        } else {
            there.to_owned()
        });
        let answer = std::panic::catch_unwind(|| {
            reward::load(&model, &options()).map(|mut scorer| {
                let talk = r#"[{"role": "user", "content": "What? 日本 "}, {"role": "assistant", "content": "So, it is."}]"#;
                let talk: Vec<super::Message> = serde_json::from_str(talk).unwrap();
                let cancel = tiebreak::task::Cancel::default();
                drop(scorer.score(&[super::turns(&talk)], &cancel, &mut |_, _| {}));
            })
        });
        let answer = answer.unwrap_or_else(|_| panic!("seed {seed}: {from}"));
        if let Err(error) = &answer {
            assert!(!error.to_string().is_empty(), "seed {seed}: {from}");
        }
        files += 1;
        loaded += u64::from(answer.is_ok());
        seed += 1;
    }
    eprintln!(
        "{files} files in {:.0?}, {loaded} of them loaded, next seed {seed}",
        started.elapsed()
    );
}
