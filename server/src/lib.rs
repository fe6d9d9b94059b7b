//! Sync server of Zoufang (走访): accounts and devices, the ingest gate, one append-only log per unit, streamed answers,
//! the office's read API, and the embedded app.
//!
//! Handlers are thin and sit over one [`store::Store`]; what a change may do is decided by the rules of `zoufang-core`,
//! the same that phones run. Nothing is cached per document: memory does not grow with the number of records.

pub mod account;
pub mod assets;
pub mod audit;
pub mod backup;
mod body;
pub mod cli;
pub mod command;
pub mod config;
mod crash;
pub mod demo;
pub mod error;
pub mod headers;
pub mod import;
pub mod ingest;
pub mod keys;
pub mod lan;
pub mod layout;
pub mod news;
pub mod overload;
pub mod papers;
pub mod people;
pub mod projection;
pub mod readings;
pub mod rebuild;
pub mod recovery;
pub mod reseal;
pub mod retention;
pub mod router;
pub mod routes;
pub mod state;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod throttle;
pub mod units;
pub mod work;

pub use router::router;
pub use state::{App, Clock};
