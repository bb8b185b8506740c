//! Features of texts under a base model, kept so that they are computed once: an `SQLite` file per base model. It holds nothing that
//! cannot be computed again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::StoreError;

/// A file of features.
pub struct FeatureCache {
    db: Connection,
    path: PathBuf,
    width: usize,
}

impl FeatureCache {
    /// Opens the file, or makes it; `width` is the count of numbers in a feature. A file that is damaged is made anew.
    pub fn open(path: &Path, width: usize) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| StoreError::io("create", folder, &e))?;
        }
        let db = match Self::connect(path) {
            Err(StoreError::NotAProject(_) | StoreError::Damaged { .. }) => {
                std::fs::remove_file(path).map_err(|e| StoreError::io("replace", path, &e))?;
                // Its log must not be read into the new one.
                for ending in ["-wal", "-shm"] {
                    let mut log = path.as_os_str().to_owned();
                    log.push(ending);
                    std::fs::remove_file(log).ok();
                }
                Self::connect(path)?
            }
            db => db?,
        };
        Ok(Self {
            db,
            path: path.to_owned(),
            width,
        })
    }

    fn connect(path: &Path) -> Result<Connection, StoreError> {
        (|| {
            let db = Connection::open(path)?;
            db.busy_timeout(Duration::from_secs(5))?;
            db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
            // What a power cut takes is computed again.
            db.pragma_update(None, "synchronous", "normal")?;
            db.execute_batch(
                "CREATE TABLE IF NOT EXISTS feature (text BLOB PRIMARY KEY, x BLOB NOT NULL) WITHOUT ROWID",
            )?;
            Ok(db)
        })()
        .map_err(|e| StoreError::sqlite(path, &e))
    }

    /// The feature of a text, if it is known.
    pub fn get(&self, text: &[u8; 32]) -> Result<Option<Vec<f32>>, StoreError> {
        let read = || {
            self.db
                .prepare_cached("SELECT x FROM feature WHERE text = ?1")?
                .query_row([text.as_slice()], |row| row.get::<_, Vec<u8>>(0))
                .optional()
        };
        let bytes = match read().map_err(|e| StoreError::sqlite(&self.path, &e)) {
            // What cannot be read is computed again.
            Err(StoreError::Damaged { .. }) => None,
            bytes => bytes?,
        };
        // Of another width it is none of ours.
        let bytes = bytes.filter(|bytes| bytes.len() == self.width * 4);
        Ok(bytes.map(|bytes| {
            bytes
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect()
        }))
    }

    /// Keeps features, all or none.
    pub fn put(&self, features: &[([u8; 32], Vec<f32>)]) -> Result<(), StoreError> {
        let write = || {
            let change = self.db.unchecked_transaction()?;
            for (text, x) in features {
                let bytes: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
                change
                    .prepare_cached("INSERT OR REPLACE INTO feature (text, x) VALUES (?1, ?2)")?
                    .execute(params![text.as_slice(), bytes])?;
            }
            change.commit()
        };
        write().map_err(|e| StoreError::sqlite(&self.path, &e))
    }
}
