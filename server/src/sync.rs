//! Answers to `POST /api/v1/sync`: frames, one after the other, made while they are sent.
//!
//! An answer holds no more than one page in memory at a time. Pages that can never change again are kept encoded.

pub mod answer;
pub mod brotli;
pub mod directory;
pub mod exchange;
pub mod inbox;
pub mod late;
pub mod page;
pub mod parcel;
pub mod segment;
mod stray;
