//! Where is it kept? The project file `NAME.tiebreak`: an `SQLite` database with its own application id, in WAL mode with
//! `synchronous=FULL`, which any `SQLite` tool opens.
//!
//! - [`Project`] creates, opens, backs up and closes it; closed, it is one file.
//! - [`Writer`] is a handle to the one thread that writes; "saved" may be said when a call has returned.
//! - [`Reader`] reads on a connection of its own, from any thread, also while another process writes.
//!
//! `schema_v1.sql` says what the tables mean. People's deeds are append-only events; current labels are a view over them, equal to
//! [`crate::domain::View::fold`], and additionally kept in two derived tables that lists and queues use.

mod arriving;
mod checkpoint;
mod error;
mod features;
mod fresh;
mod items;
mod list;
mod lock;
mod log;
mod project;
mod reader;
mod rows;
mod scores;
mod search;
mod writer;

pub use error::StoreError;
pub use features::FeatureCache;
pub use items::ItemRecord;
pub use list::{Counts, Filter, Info, ItemSummary, Order, Status};
pub use lock::TakeOver;
pub use project::{
    APPLICATION_ID, Access, Project, ProjectSettings, SCHEMA_VERSION, is_project,
    validate_migrations,
};
pub use reader::Reader;
pub use rows::{ImportedRow, PutRows};
pub use search::Indexed;
pub use writer::{Pending, Writer};
