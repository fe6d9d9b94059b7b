//! The routes, one module per URL, and the ingest gate.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod assets;
mod cli;
mod control;
mod devices;
mod gate;
mod hostile;
mod inbox;
mod layout;
mod matrix;
mod news;
mod office;
mod overload;
mod parcels;
mod recovery;
mod retention;
mod server;
mod sign_in;
mod sync;
