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
    assert!(
        listed.contains("tiny/llama-1\tLlamaForSequenceClassification"),
        "{listed}"
    );
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
