//! `tiebreak model`: which models there are, and where.

use super::*;

#[test]
fn a_model_in_the_hubs_cache_is_found_by_its_id_and_nothing_else_is() {
    let home = Home::new();
    let cache = home.file("hub");
    let model = cache.join("models--tiny--llama-1");
    let snapshot = model.join("snapshots/0123456789abcdef");
    std::fs::create_dir_all(&snapshot).unwrap();
    std::fs::create_dir_all(model.join("refs")).unwrap();
    std::fs::write(model.join("refs/main"), "0123456789abcdef\n").unwrap();
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reward/llama-1");
    for entry in std::fs::read_dir(tiny).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, snapshot.join(path.file_name().unwrap())).unwrap();
    }
    let run = |arguments: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_tiebreak"))
            .args(arguments)
            .env("HF_HUB_CACHE", &cache)
            .output()
            .unwrap()
    };
    let listed = run(&["model", "list"]);
    succeeds(&listed);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.starts_with("default\tTiebreak mini\n"), "{listed}");
    assert!(listed.contains("tiny/llama-1\tLlama, score"), "{listed}");
    let shown = run(&["model", "show", "tiny/llama-1", "--json"]);
    succeeds(&shown);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["name"], "tiny/llama-1");
    // The same model by its folder is the same scorer.
    let folder = run(&["model", "show", tiny, "--json"]);
    let folder: Value = serde_json::from_slice(&folder.stdout).unwrap();
    assert_eq!(shown["weights"], folder["weights"]);
    for wrong in ["tiny/other", "../llama-1", "tiny/../x"] {
        let refused = run(&["model", "show", wrong]);
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
    }
    let told = String::from_utf8(run(&["model", "show", "tiny/other"]).stderr).unwrap();
    assert!(told.contains("nor a model in the hub's cache"), "{told}");
}

#[test]
fn a_model_is_downloaded_and_loads_by_its_id() {
    let home = Home::new();
    let cache = home.file("hub");
    let run = |arguments: &[&str], offline: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_tiebreak"))
            .args(arguments)
            .env("HF_HUB_CACHE", &cache)
            .env("HF_ENDPOINT", crate::reward::hub::serve_tiny())
            .env("HF_HUB_OFFLINE", offline)
            .env("HF_TOKEN", "hf_secret")
            .env("TIEBREAK_LOG", "trace")
            .output()
            .unwrap()
    };
    let refused = run(&["model", "pull", "tiny/llama"], "1");
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        told.contains("HF_HUB_OFFLINE is set: nothing is downloaded\nhint: "),
        "{told}"
    );
    let pulled = run(&["model", "pull", "tiny/llama", "--json"], "");
    succeeds(&pulled);
    // Not even in a log that says everything.
    assert!(!String::from_utf8_lossy(&pulled.stderr).contains("hf_secret"));
    let pulled: Value = serde_json::from_slice(&pulled.stdout).unwrap();
    assert_eq!(pulled["bytes"], pulled["downloaded"]);
    let again = run(&["model", "pull", "tiny/llama"], "");
    succeeds(&again);
    assert_eq!(
        String::from_utf8(again.stdout).unwrap().trim(),
        pulled["path"].as_str().unwrap()
    );
    // Offline from here on.
    let checked = run(&["model", "check", "tiny/llama", "--json"], "1");
    succeeds(&checked);
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(checked["name"], "tiny/llama");
}

#[test]
fn a_model_without_a_template_is_checked_as_raw_text_and_told() {
    let home = Home::new();
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reward/llama-1");
    let model = home.file("bare");
    std::fs::create_dir(&model).unwrap();
    for entry in std::fs::read_dir(tiny).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, model.join(path.file_name().unwrap())).unwrap();
    }
    std::fs::remove_file(model.join("chat_template.jinja")).ok();
    let settings = model.join("tokenizer_config.json");
    let text = std::fs::read_to_string(&settings).unwrap();
    let mut about: Value = serde_json::from_str(&text).unwrap();
    about.as_object_mut().unwrap().remove("chat_template");
    about["eos_token"] = about["pad_token"].clone();
    std::fs::write(&settings, about.to_string()).unwrap();
    let kinds = |output: &std::process::Output| -> Vec<String> {
        succeeds(output);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let warnings = report["warnings"].as_array().unwrap().iter();
        warnings
            .map(|w| w["kind"].as_str().unwrap().to_owned())
            .collect()
    };
    let checked = home.run(&["model", "check", "bare", "--json"]);
    assert_eq!(kinds(&checked), ["pad-is-eos", "no-template"]);
    let checked = home.run(&["model", "check", "bare", "--template", "hh", "--json"]);
    assert_eq!(kinds(&checked), ["pad-is-eos"]);
    // Only a check goes on without one.
    let scored = home.run(&["model", "show", "bare"]);
    assert_eq!(scored.status.code(), Some(2));
}
