//! Downloading from a server that behaves as the Hugging Face hub does, on its bad days, too.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::Digest as _;
use tempfile::TempDir;
use tiebreak::reward::local::pull::{Hub, Pulled};
use tiebreak::reward::{self, ModelRef, RewardError};
use tiebreak::task::{Cancel, Progress};

use super::{fixture, options};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A request: its path, and its headers in lower case.
#[derive(Clone)]
struct Asked {
    path: String,
    headers: BTreeMap<String, String>,
}

/// An answer: the status, headers, the body, and after how many bytes of it the connection drops.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    drop_after: Option<usize>,
}

impl Answer {
    fn of(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![],
            body: body.into(),
            drop_after: None,
        }
    }
}

/// A server on a port of its own, which keeps what it was asked.
#[derive(Clone)]
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    fn start(answer: impl Fn(&Asked, usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(vec![]));
        let known: Arc<Mutex<Vec<Asked>>> = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let Some(request) = read(&stream) else {
                    continue;
                };
                let before = known.lock().unwrap();
                let times = before.iter().filter(|a| a.path == request.path).count();
                drop(before);
                known.lock().unwrap().push(request.clone());
                write(stream, &answer(&request, times));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines.take_while(|l| !l.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    Some(Asked {
        path,
        headers: headers.collect(),
    })
}

fn write(mut stream: TcpStream, answer: &Answer) {
    let headers: Vec<String> = answer
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let head = format!(
        "HTTP/1.1 {} x\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n",
        answer.status,
        answer.body.len(),
        headers.concat()
    );
    let sent = answer.drop_after.unwrap_or(answer.body.len());
    stream.write_all(head.as_bytes()).ok();
    stream.write_all(&answer.body[..sent]).ok();
}

/// A model as the hub has it: small files by git's hash, large ones by their own.
fn listing(files: &BTreeMap<String, Vec<u8>>) -> Value {
    let siblings: Vec<Value> = files
        .iter()
        .map(|(name, bytes)| {
            let mut about = json!({"rfilename": name, "size": bytes.len()});
            if name.ends_with(".safetensors") {
                about["blobId"] = json!("0".repeat(40));
                let sha = sha2::Sha256::digest(bytes);
                about["lfs"] =
                    json!({"sha256": hex(&sha), "size": bytes.len(), "pointerSize": 134});
            } else {
                let mut hasher = sha1::Sha1::new();
                hasher.update(format!("blob {}\0", bytes.len()));
                hasher.update(bytes);
                about["blobId"] = json!(hex(&hasher.finalize()));
            }
            about
        })
        .collect();
    json!({"id": "tiny/llama", "sha": COMMIT, "siblings": siblings})
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The files of the tiny model, and what is not needed of a model.
fn files() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(fixture("llama-1")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        files.insert(name, std::fs::read(path).unwrap());
    }
    for (name, text) in [
        (".gitattributes", "*.safetensors filter=lfs"),
        ("README.md", "---\nlicense: mit\n---\n"),
        ("pytorch_model.bin", "not taken"),
        ("onnx/model.onnx", "not taken"),
        ("../../../escape.json", "never taken"),
        ("training.png", "not taken"),
    ] {
        files.insert(name.to_owned(), text.as_bytes().to_vec());
    }
    files
}

/// The answer of a well-behaved hub; `None` where the path is not its own.
fn hub(files: &BTreeMap<String, Vec<u8>>, asked: &Asked) -> Answer {
    let resolve = format!("/tiny/llama/resolve/{COMMIT}/");
    if asked.path == "/api/models/tiny/llama/revision/main?blobs=true" {
        return Answer::of(200, listing(files).to_string());
    }
    match asked
        .path
        .strip_prefix(&resolve)
        .and_then(|name| files.get(name))
    {
        Some(bytes) => part(bytes, asked),
        None => Answer::of(404, "Entry not found"),
    }
}

/// The bytes that a request wants.
fn part(bytes: &[u8], asked: &Asked) -> Answer {
    let range = asked.headers.get("range");
    let Some(from) = range.and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
    else {
        return Answer::of(200, bytes);
    };
    let mut answer = Answer::of(206, &bytes[from..]);
    let span = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    answer.headers.push(("Content-Range".to_owned(), span));
    answer
}

fn at(server: &Server, token: Option<&str>, cache: &Path) -> Hub {
    let hub = Hub::new(&server.address, token.map(str::to_owned), cache.to_owned()).unwrap();
    hub.with_pause(Duration::from_millis(1))
}

fn pull(hub: &Hub, report: &mut dyn FnMut(Progress)) -> Result<Pulled, RewardError> {
    hub.pull("tiny/llama", None, None, &Cancel::default(), report)
}

fn largest(files: &BTreeMap<String, Vec<u8>>) -> usize {
    files["model.safetensors"].len()
}

#[test]
fn a_model_comes_into_the_cache_and_loads_from_there() {
    let (files, cache) = (files(), TempDir::new().unwrap());
    let copy = files.clone();
    let server = Server::start(move |asked, _| hub(&copy, asked));
    let mut last = Progress::default();
    let hub = at(&server, None, cache.path());
    let pulled = pull(&hub, &mut |progress| {
        assert!(progress.done >= last.done && progress.done <= progress.total);
        last = progress;
    })
    .unwrap();
    assert_eq!((last.done, last.total), (pulled.bytes, pulled.bytes));
    assert_eq!(
        (pulled.commit.as_str(), pulled.downloaded),
        (COMMIT, pulled.bytes)
    );
    let model = cache.path().join("models--tiny--llama");
    assert_eq!(pulled.folder, model.join("snapshots").join(COMMIT));
    assert_eq!(
        std::fs::read_to_string(model.join("refs/main")).unwrap(),
        COMMIT
    );
    let mut names: Vec<String> = std::fs::read_dir(&pulled.folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(
        names.contains(&"README.md".to_owned()) && names.contains(&"model.safetensors".to_owned())
    );
    for not_taken in [
        ".gitattributes",
        "pytorch_model.bin",
        "model.onnx",
        "training.png",
        "escape.json",
    ] {
        assert!(!names.iter().any(|n| n == not_taken), "{not_taken}");
    }
    // The same model by its folder.
    let weights = |path: &Path| {
        let model = ModelRef::Path(path.to_owned());
        reward::load(&model, &options())
            .unwrap()
            .info()
            .id
            .weights
            .clone()
    };
    assert_eq!(weights(&pulled.folder), weights(&fixture("llama-1")));
    // Nothing came a second time, and nobody was asked for more than the list.
    let before = server.asked().len();
    assert_eq!(pull(&hub, &mut |_| {}).unwrap().downloaded, 0);
    assert_eq!(server.asked().len(), before + 1);
}

#[test]
fn a_dropped_connection_goes_on_where_it_was() {
    let (files, cache) = (files(), TempDir::new().unwrap());
    let copy = files.clone();
    let server = Server::start(move |asked, times| {
        let mut answer = hub(&copy, asked);
        if asked.path.ends_with("/model.safetensors") && times < 3 {
            answer.drop_after = Some(answer.body.len() / 3);
        }
        answer
    });
    let pulled = pull(&at(&server, None, cache.path()), &mut |_| {}).unwrap();
    assert_eq!(pulled.downloaded, pulled.bytes);
    let ranges: Vec<Option<String>> = server
        .asked()
        .into_iter()
        .filter(|a| a.path.ends_with("/model.safetensors"))
        .map(|mut a| a.headers.remove("range"))
        .collect();
    assert_eq!(ranges.len(), 4);
    assert_eq!(ranges[0], None);
    let third = largest(&files) / 3;
    assert_eq!(
        ranges[1].as_deref(),
        Some(format!("bytes={third}-").as_str())
    );
}

#[test]
fn what_has_come_is_kept_when_the_hub_goes_away_and_when_one_stops() {
    let (files, cache) = (files(), TempDir::new().unwrap());
    let copy = files.clone();
    let server = Server::start(move |asked, _| {
        let mut answer = hub(&copy, asked);
        if asked.path.ends_with("/model.safetensors") {
            // Some bytes at first, then never any again.
            let has = asked.headers.contains_key("range");
            answer.drop_after = Some(if has { 0 } else { 1_000 });
        }
        answer
    });
    let error = pull(&at(&server, None, cache.path()), &mut |_| {}).unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("dropped 5 times at 1000 of") && told.contains("is kept"),
        "{told}"
    );
    let model = cache.path().join("models--tiny--llama");
    assert!(
        !model.join("snapshots").exists(),
        "half a model is no model"
    );
    // Another day, and stopped on the way.
    let copy = files.clone();
    let server = Server::start(move |asked, _| hub(&copy, asked));
    let cancel = Cancel::default();
    let stopped =
        at(&server, None, cache.path()).pull("tiny/llama", None, None, &cancel, &mut |p| {
            if p.done + 1 > p.total / 2 {
                cancel.cancel();
            }
        });
    assert!(matches!(stopped, Err(RewardError::Cancelled)));
    let pulled = pull(&at(&server, None, cache.path()), &mut |_| {}).unwrap();
    assert!(pulled.downloaded < pulled.bytes - 999, "{pulled:?}");
}

#[test]
fn a_server_that_knows_no_ranges_begins_anew() {
    let (files, cache) = (files(), TempDir::new().unwrap());
    let copy = files.clone();
    let server = Server::start(move |asked, times| {
        let mut plain = asked.clone();
        plain.headers.remove("range");
        let mut answer = hub(&copy, &plain);
        if asked.path.ends_with("/model.safetensors") && times == 0 {
            answer.drop_after = Some(5_000);
        }
        answer
    });
    pull(&at(&server, None, cache.path()), &mut |_| {}).unwrap();
}

#[test]
fn other_bytes_than_listed_are_thrown_away() {
    for (extra, what) in [(0, "another checksum"), (1, "longer than listed")] {
        let (files, cache) = (files(), TempDir::new().unwrap());
        let copy = files.clone();
        let server = Server::start(move |asked, _| {
            let mut answer = hub(&copy, asked);
            if asked.path.ends_with("/model.safetensors") {
                let last = answer.body.len() - 1;
                answer.body[last] ^= 1;
                answer.body.extend(vec![0; extra]);
            }
            answer
        });
        let error = pull(&at(&server, None, cache.path()), &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
        let blobs = std::fs::read_dir(cache.path().join("models--tiny--llama/blobs")).unwrap();
        for blob in blobs {
            let name = blob.unwrap().file_name().into_string().unwrap();
            assert!(!name.ends_with(".incomplete"), "{name}");
        }
        assert!(!cache.path().join("models--tiny--llama/snapshots").exists());
    }
}

#[test]
fn the_token_goes_to_the_hub_and_not_to_where_it_sends_one() {
    let (files, cache) = (files(), TempDir::new().unwrap());
    let copy = files.clone();
    // Another host: a name of the same machine.
    let store = Server::start(move |asked, _| {
        let name = asked.path.trim_start_matches('/');
        part(&copy[name], asked)
    });
    let elsewhere = store.address.replace("127.0.0.1", "localhost");
    let copy = files.clone();
    let server = Server::start(move |asked, _| {
        if asked.headers.get("authorization").map(String::as_str) != Some("Bearer hf_secret") {
            return Answer::of(401, "Invalid username or password.");
        }
        let mut answer = hub(&copy, asked);
        if asked.path.ends_with("/model.safetensors") {
            answer = Answer::of(302, "");
            let to = format!("{elsewhere}/model.safetensors");
            answer.headers.push(("Location".to_owned(), to));
        }
        answer
    });
    let closed = pull(&at(&server, None, cache.path()), &mut |_| {}).unwrap_err();
    assert!(closed.to_string().contains("set HF_TOKEN"), "{closed}");
    let wrong = pull(&at(&server, Some("hf_wrong"), cache.path()), &mut |_| {}).unwrap_err();
    assert!(
        wrong.to_string().contains("closed to the account") && !wrong.to_string().contains("hf_")
    );
    pull(&at(&server, Some("hf_secret"), cache.path()), &mut |_| {}).unwrap();
    let kept = store.asked();
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].headers.contains_key("authorization"));
    // Nor in the clear to anybody who listens.
    let far = Hub::new(
        "http://hub.example",
        Some("hf_secret".to_owned()),
        cache.path().to_owned(),
    );
    let told = far.err().unwrap().to_string();
    assert!(
        told.contains("is not sent") && !told.contains("hf_secret"),
        "{told}"
    );
}

#[test]
fn what_is_not_there_or_makes_no_sense_is_said() {
    let cache = TempDir::new().unwrap();
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/api/models/a/none/revision/main?blobs=true" => Answer::of(404, "Repository not found"),
        "/api/models/a/page/revision/main?blobs=true" => Answer::of(200, "<html>"),
        "/api/models/a/evil/revision/main?blobs=true" => {
            Answer::of(200, json!({"sha": "../../x", "siblings": []}).to_string())
        }
        "/api/models/a/empty/revision/main?blobs=true" => {
            Answer::of(200, json!({"sha": COMMIT, "siblings": []}).to_string())
        }
        "/api/models/a/many/revision/main?blobs=true" => {
            let file = |name| json!({"rfilename": name, "size": 1, "blobId": "0".repeat(40)});
            let siblings = [file("x-q4.gguf"), file("x-q8.gguf")];
            Answer::of(
                200,
                json!({"sha": COMMIT, "siblings": siblings}).to_string(),
            )
        }
        "/api/models/a/nohash/revision/main?blobs=true" => {
            let siblings = [json!({"rfilename": "model.safetensors", "size": 1})];
            Answer::of(
                200,
                json!({"sha": COMMIT, "siblings": siblings}).to_string(),
            )
        }
        _ => Answer::of(503, "later"),
    });
    let hub = at(&server, None, cache.path());
    let told = |id: &str, revision: Option<&str>| {
        let pulled = hub.pull(id, revision, None, &Cancel::default(), &mut |_| {});
        pulled.unwrap_err().to_string()
    };
    assert!(told("a/none", None).contains("there is no `a/none`"));
    assert!(told("a/page", None).contains("does not answer as the hub does"));
    assert!(told("a/evil", None).contains("it names no commit"));
    assert!(told("a/empty", None).contains("no weights that can be read here"));
    assert!(told("a/many", None).contains("--file: x-q4.gguf, x-q8.gguf"));
    assert!(told("a/nohash", None).contains("hashes to"));
    assert!(told("a/busy", None).contains("answered 503"));
    for id in ["name", "../x", "a/../b", "a/b/c", "a b/c"] {
        assert!(told(id, None).contains("is no id"), "{id}");
    }
    for revision in ["..", "a/../b", "", "a b", "/x"] {
        assert!(
            told("a/b", Some(revision)).contains("is no branch"),
            "{revision}"
        );
    }
    let nobody = Hub::new("http://127.0.0.1:9", None, cache.path().to_owned()).unwrap();
    let nobody = nobody.with_pause(Duration::from_millis(1));
    let error = nobody.pull("a/b", None, None, &Cancel::default(), &mut |_| {});
    assert!(error.unwrap_err().to_string().contains("cannot be reached"));
    assert!(Hub::new("ftp://x", None, cache.path().to_owned()).is_err());
    assert!(
        std::fs::read_dir(cache.path()).unwrap().next().is_none(),
        "nothing is written for these"
    );
}

#[test]
fn what_a_folder_is_opened_from_is_taken_and_nothing_else() {
    let of = |names: &[&str], file: Option<&str>| -> Vec<String> {
        let listed: BTreeMap<String, Vec<u8>> = names
            .iter()
            .map(|name| ((*name).to_owned(), name.as_bytes().to_vec()))
            .collect();
        let cache = TempDir::new().unwrap();
        let server = Server::start(move |asked, _| hub(&listed, asked));
        let pulled = at(&server, None, cache.path())
            .pull("tiny/llama", None, file, &Cancel::default(), &mut |_| {})
            .unwrap();
        assert_eq!(pulled.by_id, !pulled.path.is_file());
        let mut found: Vec<String> = std::fs::read_dir(pulled.folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        found
    };
    assert_eq!(
        of(
            &[
                "config.json",
                "pytorch_model.bin",
                "value_head.safetensors",
                "x.gguf"
            ],
            None
        ),
        ["config.json", "pytorch_model.bin", "value_head.safetensors"]
    );
    let shards = [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    ];
    let more = [
        "adapter_model.safetensors",
        "consolidated.safetensors",
        "pytorch_model.bin",
        "value_head.bin",
    ];
    let all: Vec<&str> = shards.iter().chain(&more).copied().collect();
    let mut expected: Vec<&str> = shards.to_vec();
    expected.push("value_head.bin");
    assert_eq!(of(&all, None), expected);
    // A file that is a whole model comes alone, whatever else there is.
    let mixed = ["config.json", "model.safetensors", "m-q4.gguf", "README.md"];
    assert_eq!(of(&mixed, Some("m-q4.gguf")), ["README.md", "m-q4.gguf"]);
    assert_eq!(of(&["config.json", "m.nemo"], None), ["m.nemo"]);
}

/// The server, for tests of the command line.
pub fn serve_tiny() -> String {
    let files = files();
    Server::start(move |asked, _| hub(&files, asked)).address
}
