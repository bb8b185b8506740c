//! What a model's files say of it, and what does not fit into memory.

use tiebreak::reward::local::facts::{ModelFacts, facts, free_memory};
use tiebreak::reward::{self, DtypeChoice, LoadOptions, ModelRef, RewardError};

use super::{copy, fixture, options};

fn of(name: &str) -> ModelFacts {
    facts(&ModelRef::Path(fixture(name)), &options()).unwrap()
}

#[test]
fn facts_are_those_of_the_loaded_model() {
    for name in [
        "llama-1",
        "llama-5",
        "qwen3.gguf",
        "gemma2",
        "armo",
        "bert",
        "modernbert",
        "tiny-zarr.nemo",
        "steerlm",
    ] {
        let model = ModelRef::Path(fixture(name));
        let Ok(said) = facts(&model, &LoadOptions::default()) else {
            panic!("{name}")
        };
        let loaded = reward::load(&model, &LoadOptions::default()).unwrap();
        let info = loaded.info();
        assert_eq!(
            (said.parameters, said.context),
            (info.parameters, info.context),
            "{name}"
        );
        assert_eq!(said.precision, info.dtype);
        assert!(
            info.id.head.starts_with(&said.head),
            "{name}: {}",
            said.head
        );
        assert_eq!(said.name, info.name);
        assert!(said.memory > said.weights_bytes && said.weights_bytes >= said.parameters);
    }
    let llama = of("llama-1");
    assert_eq!(
        (llama.family.as_str(), llama.outputs, llama.template),
        ("Llama", 1, Some(true))
    );
    assert_eq!(of("llama-5").outputs, 5);
    assert_eq!((of("bert").outputs, of("bert").template), (2, None));
    assert_eq!(of("qwen3.gguf").family, "Qwen3");
    let built_in = facts(&ModelRef::Default, &LoadOptions::default()).unwrap();
    assert_eq!(built_in.weights_bytes, built_in.parameters * 4);
}

#[test]
fn a_missing_template_and_a_licence_are_said() {
    let folder = copy("llama-1");
    for name in ["chat_template.jinja", "chat_template.json"] {
        std::fs::remove_file(folder.path().join(name)).ok();
    }
    let settings = folder.path().join("tokenizer_config.json");
    let text = std::fs::read_to_string(&settings).unwrap();
    let mut about: serde_json::Value = serde_json::from_str(&text).unwrap();
    about.as_object_mut().unwrap().remove("chat_template");
    std::fs::write(&settings, about.to_string()).unwrap();
    let readme = "---\ntags: [x]\nlicense: \"apache-2.0\"\n---\nlicense: none\n";
    std::fs::write(folder.path().join("README.md"), readme).unwrap();
    let model = ModelRef::Path(folder.path().to_owned());
    let said = facts(&model, &options()).unwrap();
    assert_eq!(
        (said.template, said.licence.as_deref()),
        (Some(false), Some("apache-2.0"))
    );
}

#[test]
fn weights_that_do_not_fit_are_refused_before_they_are_read() {
    assert!(free_memory().is_none_or(|free| free > 1 << 20));
    for name in ["llama-1", "bert"] {
        let said = of(name);
        let within = |memory: u64, dtype| {
            let options = LoadOptions {
                memory: Some(memory),
                dtype,
                ..options()
            };
            reward::load(&ModelRef::Path(fixture(name)), &options).map(|_| ())
        };
        let needed = said.parameters * 4;
        within(needed, DtypeChoice::F32).unwrap();
        let error = within(needed - 1, DtypeChoice::F32).unwrap_err();
        assert!(
            matches!(&error, RewardError::Memory { needed: n, free, .. } if *n == needed && *free == needed - 1)
        );
        assert!(error.to_string().contains("it was not loaded"), "{error}");
        assert!(error.hint().is_some_and(|h| h.contains("q8_0")));
    }
}
