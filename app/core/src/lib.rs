//! The pure core of Zoufang: records and their documents, the sync protocol, sealing, the rules of access and
//! search.
//!
//! It reads no clock, draws no random number, does no input or output and holds no global: time, randomness and
//! actor ids are arguments. It builds for the host and for wasm32, and phone and server run the same code.
pub mod access;
pub mod document;
mod encode;
mod gather;
pub mod phone;
pub mod query;
pub mod record;
pub mod seal;
pub mod sync;

pub use encode::encode;
pub use gather::gather;
