//! Downloading a model from the Hugging Face hub, or from a server that speaks its protocol, into the hub's cache.
//!
//! Of a model only what is needed to score with it is taken. A file is written to `blobs/HASH.incomplete`, goes on where a dropped connection
//! left it, and gets its name when its checksum is right; the commit's folder is linked when all files are there.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use sha2::Digest as _;
use ureq::config::RedirectAuthHeaders;
use ureq::http::{Response, header};
use ureq::{Agent, Body};

use super::hub::{folder_of, is_id, snapshot as snapshot_of};
use crate::reward::RewardError;
use crate::task::{Cancel, Progress};

/// Where the hub is unless `HF_ENDPOINT` says otherwise.
const ENDPOINT: &str = "https://huggingface.co";
/// A connection that says nothing for so long is dropped.
const SILENCE: Duration = Duration::from_secs(30);
/// Connections that may drop one after the other without a byte having come.
const TRIES: u32 = 5;
/// What a list of files takes at most.
const MOST_LISTED: u64 = 16 << 20;

/// A hub to download from.
pub struct Hub {
    endpoint: String,
    token: Option<String>,
    cache: PathBuf,
    agent: Agent,
    pause: Duration,
}

/// A file of a model, as the hub lists it.
#[derive(Deserialize)]
struct Listed {
    rfilename: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default, rename = "blobId")]
    blob: Option<String>,
    #[serde(default)]
    lfs: Option<Large>,
}

/// What the hub says of a large file.
#[derive(Deserialize)]
struct Large {
    sha256: String,
    size: u64,
}

/// What the hub says of a model.
#[derive(Deserialize)]
struct About {
    sha: String,
    #[serde(default)]
    siblings: Vec<Listed>,
}

/// What is to be downloaded: a name, a size, and what it hashes to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    name: String,
    size: u64,
    hash: Hash,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hash {
    /// SHA-256 of a large file.
    Sha256(String),
    /// SHA-1 of git's object of a small one.
    Git(String),
}

impl Hash {
    fn text(&self) -> &str {
        match self {
            Self::Sha256(text) | Self::Git(text) => text,
        }
    }

    /// Whether a file of `size` bytes has it.
    fn is_of(&self, path: &Path, size: u64) -> std::io::Result<bool> {
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 1 << 20];
        let mut each = |take: &mut dyn FnMut(&[u8])| -> std::io::Result<()> {
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(()),
                    n => take(&buffer[..n]),
                }
            }
        };
        let found = match self {
            Self::Sha256(_) => {
                let mut hasher = sha2::Sha256::new();
                each(&mut |bytes| hasher.update(bytes))?;
                hex(&hasher.finalize())
            }
            Self::Git(_) => {
                let mut hasher = sha1::Sha1::new();
                hasher.update(format!("blob {size}\0"));
                each(&mut |bytes| hasher.update(bytes))?;
                hex(&hasher.finalize())
            }
        };
        Ok(found == self.text())
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A downloaded model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The folder of the commit.
    pub folder: PathBuf,
    /// What loads as a model: that folder, or the one file in it that is one.
    pub path: PathBuf,
    /// Whether its id alone leads there, too: it does to `main`.
    pub by_id: bool,
    /// The commit.
    pub commit: String,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Bytes that were downloaded now.
    pub downloaded: u64,
}

impl Hub {
    /// The hub of the environment: `HF_ENDPOINT`, `HF_TOKEN`, the cache of [`super::hub::cache`]; refused where `HF_HUB_OFFLINE` is set.
    pub fn of_environment() -> Result<Self, RewardError> {
        let said = |name: &str| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
        let offline = said("HF_HUB_OFFLINE").map(|v| v.to_ascii_lowercase());
        if offline.is_some_and(|v| ["1", "true", "yes", "on"].contains(&v.as_str())) {
            return Err(RewardError::Download(
                "HF_HUB_OFFLINE is set: nothing is downloaded".to_owned(),
            ));
        }
        let cache = super::hub::cache().ok_or_else(|| {
            RewardError::Download(
                "there is no folder for downloads: set HF_HOME or HF_HUB_CACHE".to_owned(),
            )
        })?;
        let endpoint = said("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        Self::new(&endpoint, said("HF_TOKEN"), cache)
    }

    /// A hub at an address, with the token of an account where one is needed, and the cache to download into.
    pub fn new(endpoint: &str, token: Option<String>, cache: PathBuf) -> Result<Self, RewardError> {
        let endpoint = endpoint.trim().trim_end_matches('/').to_owned();
        let uri: Option<ureq::http::Uri> = endpoint.parse().ok();
        let scheme = uri.as_ref().and_then(|u| u.scheme_str());
        let host = uri.as_ref().and_then(|u| u.host()).unwrap_or_default();
        let near = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
        if host.is_empty() || !matches!(scheme, Some("http" | "https")) {
            return Err(RewardError::Download(format!(
                "HF_ENDPOINT `{endpoint}` is no address"
            )));
        }
        let token = token.map(|t| t.trim().to_owned());
        if token.is_some() && scheme == Some("http") && !near {
            return Err(RewardError::Download(format!(
                "HF_TOKEN is not sent to `{endpoint}`: without https others could read it"
            )));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_connect(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .user_agent(concat!("tiebreak/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            endpoint,
            token,
            cache,
            agent: config.into(),
            pause: Duration::from_millis(500),
        })
    }

    /// Waits so long before it tries again, doubled each time.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Downloads what is needed of a model at a revision (a branch, a tag, a commit; `main` where none is named), `file` only where several
    /// single files could be meant. Reports bytes. What has come stays when it is stopped, and the next call goes on from there.
    pub fn pull(
        &self,
        id: &str,
        revision: Option<&str>,
        file: Option<&str>,
        cancel: &Cancel,
        report: &mut dyn FnMut(Progress),
    ) -> Result<Pulled, RewardError> {
        let revision = revision.unwrap_or("main");
        if !is_id(id) {
            return Err(RewardError::Option(format!(
                "`{id}` is no id of a model, which has the form OWNER/NAME"
            )));
        }
        if !is_revision(revision) {
            return Err(RewardError::Option(format!(
                "`{revision}` is no branch, tag or commit"
            )));
        }
        let about = self.about(id, revision)?;
        if !is_hex(&about.sha, 40) {
            return Err(self.odd("it names no commit"));
        }
        let wanted = choose(id, &about.siblings, file)?;
        let folder = folder_of(&self.cache, id);
        let blobs = folder.join("blobs");
        fs::create_dir_all(&blobs).map_err(RewardError::write(&blobs))?;
        let total = wanted
            .iter()
            .fold(0, |sum: u64, w| sum.saturating_add(w.size));
        let (mut before, mut downloaded) = (0_u64, 0);
        for wanted in &wanted {
            let mut told = |done: u64| {
                report(Progress {
                    done: before.saturating_add(done),
                    total,
                    rows: 0,
                });
            };
            downloaded += self.fetch(id, &about.sha, wanted, &blobs, cancel, &mut told)?;
            before = before.saturating_add(wanted.size);
        }
        let snapshot = folder.join("snapshots").join(&about.sha);
        let single = wanted.iter().map(|w| w.name.as_str());
        let mut single = single.filter(|name| is_whole(name));
        let path = single
            .next()
            .map_or_else(|| snapshot.clone(), |name| snapshot.join(name));
        for wanted in &wanted {
            link(&snapshot, wanted, &blobs)?;
        }
        let refs = folder.join("refs").join(revision);
        if revision != about.sha {
            let above = refs.parent().unwrap_or(&folder);
            fs::create_dir_all(above).map_err(RewardError::write(above))?;
            fs::write(&refs, &about.sha).map_err(RewardError::write(&refs))?;
        }
        Ok(Pulled {
            by_id: path == snapshot && snapshot_of(&self.cache, id).as_ref() == Some(&snapshot),
            path,
            folder: snapshot,
            commit: about.sha,
            bytes: total,
            downloaded,
        })
    }

    fn odd(&self, what: &str) -> RewardError {
        RewardError::Download(format!(
            "`{}` does not answer as the hub does: {what}",
            self.endpoint
        ))
    }

    fn get(&self, url: &str, from: u64) -> Result<Response<Body>, ureq::Error> {
        let mut request = self.agent.get(url);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        request.call()
    }

    fn about(&self, id: &str, revision: &str) -> Result<About, RewardError> {
        let revision = revision.replace('/', "%2F");
        let url = format!(
            "{}/api/models/{id}/revision/{revision}?blobs=true",
            self.endpoint
        );
        let mut tries = 0;
        let mut answer = loop {
            tries += 1;
            match self.get(&url, 0) {
                Ok(answer) if answer.status().is_server_error() && tries < TRIES => {}
                Ok(answer) => break answer,
                Err(error) if tries == TRIES => {
                    return Err(RewardError::Download(format!(
                        "`{}` cannot be reached: {error}",
                        self.endpoint
                    )));
                }
                Err(_) => {}
            }
            std::thread::sleep(self.pause * 2_u32.pow(tries - 1));
        };
        refused(id, answer.status().as_u16(), self.token.is_some())?;
        let body = answer.body_mut().with_config().limit(MOST_LISTED);
        let text = body
            .read_to_vec()
            .map_err(|e| self.odd(&format!("its list of files: {e}")))?;
        serde_json::from_slice(&text).map_err(|e| self.odd(&format!("its list of files: {e}")))
    }

    /// Downloads a file unless it is there; gives how many bytes came now.
    fn fetch(
        &self,
        id: &str,
        commit: &str,
        wanted: &Wanted,
        blobs: &Path,
        cancel: &Cancel,
        report: &mut dyn FnMut(u64),
    ) -> Result<u64, RewardError> {
        let path = blobs.join(wanted.hash.text());
        if fs::metadata(&path).is_ok_and(|m| m.len() == wanted.size) {
            report(wanted.size);
            return Ok(0);
        }
        let partial = blobs.join(format!("{}.incomplete", wanted.hash.text()));
        let failed = || RewardError::write(&partial);
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&partial)
            .map_err(failed())?;
        let url = format!(
            "{}/{id}/resolve/{commit}/{}",
            self.endpoint,
            escaped(&wanted.name)
        );
        let mut have = file.metadata().map_err(failed())?.len();
        if have > wanted.size {
            have = 0;
        }
        let begun = have;
        let (mut tries, mut restarts) = (0, 0);
        while have < wanted.size {
            if cancel.is_cancelled() {
                return Err(RewardError::Cancelled);
            }
            let before = have;
            let dropped = match self.get(&url, have) {
                Err(error) => error.to_string(),
                Ok(answer) if answer.status().is_server_error() => answer.status().to_string(),
                Ok(mut answer) => {
                    match answer.status().as_u16() {
                        206 if begins_at(&answer, have) => {}
                        // The whole of it, from the beginning.
                        200 => have = 0,
                        // What there is belongs to something else.
                        206 | 416 if have > 0 && restarts < TRIES => {
                            restarts += 1;
                            have = 0;
                            continue;
                        }
                        status => {
                            refused(id, status, self.token.is_some())?;
                            return Err(self.odd(&format!("status {status} for `{}`", wanted.name)));
                        }
                    }
                    file.set_len(have).map_err(failed())?;
                    file.seek(SeekFrom::Start(have)).map_err(failed())?;
                    let mut body = answer.body_mut().as_reader();
                    let mut buffer = vec![0; 1 << 18];
                    loop {
                        if cancel.is_cancelled() {
                            return Err(RewardError::Cancelled);
                        }
                        match body.read(&mut buffer) {
                            Ok(0) => break "it ended early".to_owned(),
                            Ok(n) if have + n as u64 > wanted.size => {
                                fs::remove_file(&partial).ok();
                                return Err(
                                    self.odd(&format!("`{}` is longer than listed", wanted.name))
                                );
                            }
                            Ok(n) => {
                                file.write_all(&buffer[..n]).map_err(failed())?;
                                have += n as u64;
                                report(have);
                            }
                            Err(error) => break error.to_string(),
                        }
                    }
                }
            };
            if have == wanted.size {
                break;
            }
            tries = if have > before { 1 } else { tries + 1 };
            if tries >= TRIES {
                return Err(RewardError::Download(format!(
                    "the connection dropped {TRIES} times at {have} of {} bytes of `{}`: {dropped}. What has come is kept",
                    wanted.size, wanted.name
                )));
            }
            std::thread::sleep(self.pause * 2_u32.pow(tries - 1));
        }
        file.sync_all().map_err(failed())?;
        drop(file);
        let right = wanted.hash.is_of(&partial, wanted.size);
        if !right.map_err(RewardError::io(&partial))? {
            fs::remove_file(&partial).ok();
            return Err(RewardError::Download(format!(
                "`{}` came with another checksum than the hub lists; it was thrown away",
                wanted.name
            )));
        }
        fs::rename(&partial, &path).map_err(RewardError::write(&path))?;
        Ok(have - begun.min(have))
    }
}

/// Whether a partial answer begins where it was asked to.
fn begins_at(answer: &Response<Body>, from: u64) -> bool {
    let range = answer.headers().get(header::CONTENT_RANGE);
    let text = range.and_then(|value| value.to_str().ok());
    text.and_then(|t| t.strip_prefix("bytes ")?.split_once('-'))
        .is_some_and(|(begin, _)| begin.trim().parse() == Ok(from))
}

/// What an answer's status means for whoever asked.
fn refused(id: &str, status: u16, with_token: bool) -> Result<(), RewardError> {
    let told = match (status, with_token) {
        (200..=299, _) => return Ok(()),
        (401 | 403, true) => format!(
            "`{id}` is closed to the account of HF_TOKEN: ask for access on its page, or check the token"
        ),
        (401 | 403, false) => format!(
            "`{id}` does not exist or is closed: for a closed one set HF_TOKEN to a token of an account that may read it"
        ),
        (404, _) => format!("there is no `{id}`, or no such revision of it"),
        (429, _) => "the hub asks to wait: too many requests; try again later".to_owned(),
        (status, _) => format!("the hub answered {status} for `{id}`"),
    };
    Err(RewardError::Download(told))
}

/// Which files are needed to score, of those in the model's own folder.
fn choose(id: &str, listed: &[Listed], file: Option<&str>) -> Result<Vec<Wanted>, RewardError> {
    let own = || {
        let plain = |f: &&Listed| is_file_name(&f.rfilename);
        listed.iter().filter(plain)
    };
    let nothing = |what: String| Err(RewardError::Download(format!("`{id}` {what}")));
    let named = |is: &dyn Fn(&str) -> bool| -> Vec<&str> {
        let names = own().map(|f| f.rfilename.as_str());
        names.filter(|name| is(name)).collect()
    };
    let mut weights = if let Some(file) = file {
        if !own().any(|f| f.rfilename == file) {
            return nothing(format!("has no file `{file}`"));
        }
        vec![file]
    } else {
        // As a folder is opened: what is whole, else the parts, of the first kind that is there.
        let parts = |stem: &'static str, ending: &'static str| {
            let whole = format!("{stem}{ending}");
            let found = named(&|name| name == whole);
            if found.is_empty() {
                let begins = format!("{stem}-");
                named(&|name| name.starts_with(&begins) && name.ends_with(ending))
            } else {
                found
            }
        };
        let mut found = parts("model", ".safetensors");
        if found.is_empty() {
            found = parts("pytorch_model", ".bin");
        }
        match (found.is_empty(), named(&is_whole)) {
            (false, _) => found,
            (true, single) if single.len() == 1 => single,
            (true, single) if single.is_empty() => {
                return nothing("has no weights that can be read here".to_owned());
            }
            (true, single) => {
                return nothing(format!(
                    "has several single files, name one with --file: {}",
                    single.join(", ")
                ));
            }
        }
    };
    // A file that is a whole model needs no others, and with them would be taken for a folder of another kind.
    let whole = matches!(weights.as_slice(), [one] if is_whole(one));
    if !whole {
        weights.extend(named(&|name| {
            name == "value_head.safetensors" || name == "value_head.bin"
        }));
    }
    let about = |name: &str| {
        let name = name.to_ascii_lowercase();
        let ends = |ending: &str| name.ends_with(ending);
        let beside = ends(".json") || ends(".jinja") || ends(".model") || ends(".txt");
        (beside && !whole) || name == "readme.md"
    };
    let wanted: Result<Vec<Wanted>, RewardError> = own()
        .filter(|f| weights.contains(&f.rfilename.as_str()) || about(&f.rfilename))
        .map(|f| {
            let hash = match (&f.lfs, &f.blob, f.size) {
                (Some(large), ..) if is_hex(&large.sha256, 64) => {
                    Some((Hash::Sha256(large.sha256.clone()), large.size))
                }
                (None, Some(blob), Some(size)) if is_hex(blob, 40) => {
                    Some((Hash::Git(blob.clone()), size))
                }
                _ => None,
            };
            let (hash, size) = hash.ok_or_else(|| {
                RewardError::Download(format!(
                    "the hub does not say what `{}` of `{id}` hashes to",
                    f.rfilename
                ))
            })?;
            Ok(Wanted {
                name: f.rfilename.clone(),
                size,
                hash,
            })
        })
        .collect();
    let mut wanted = wanted?;
    // Small ones first: what is wrong with them is known before the weights come.
    wanted.sort_by(|a, b| a.size.cmp(&b.size).then(a.name.cmp(&b.name)));
    Ok(wanted)
}

/// Whether a file is a whole model by itself.
fn is_whole(name: &str) -> bool {
    let ending = Path::new(name).extension();
    ending.is_some_and(|e| e.eq_ignore_ascii_case("gguf") || e.eq_ignore_ascii_case("nemo"))
}

/// A plain name, which can lead nowhere.
fn is_file_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.+ ()[],=@".contains(&b);
    !name.is_empty() && name.len() < 256 && !name.starts_with('.') && name.bytes().all(allowed)
}

fn is_revision(text: &str) -> bool {
    let part = |part: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(allowed)
    };
    text.split('/').all(part)
}

/// A name in an address.
fn escaped(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    name.bytes().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        if plain(byte) {
            text.push(byte as char);
        } else {
            write!(text, "%{byte:02X}").ok();
        }
        text
    })
}

/// Gives a blob its name in the commit's folder.
fn link(snapshot: &Path, wanted: &Wanted, blobs: &Path) -> Result<(), RewardError> {
    fs::create_dir_all(snapshot).map_err(RewardError::write(snapshot))?;
    let path = snapshot.join(&wanted.name);
    let blob = blobs.join(wanted.hash.text());
    if fs::metadata(&path).is_ok_and(|m| m.len() == wanted.size) {
        return Ok(());
    }
    fs::remove_file(&path).ok();
    #[cfg(unix)]
    let linked =
        std::os::unix::fs::symlink(Path::new("../../blobs").join(wanted.hash.text()), &path);
    // Links need a privilege there that few have.
    #[cfg(not(unix))]
    let linked = fs::hard_link(&blob, &path);
    linked
        .or_else(|_| fs::copy(&blob, &path).map(|_| ()))
        .map_err(RewardError::write(&path))
}
