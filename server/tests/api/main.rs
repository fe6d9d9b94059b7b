//! The routes, one module per URL, and the ingest gate.

mod assets;
mod cli;
mod gate;
mod hostile;
mod office;
mod server;
mod sign_in;
mod sync;
