//! Sync by log shipping: the wire format, the gate that the server holds every change to, and the phone's session.
//!
//! Nothing here does input or output. The protocol in words: `server/PROTOCOL.md`.
pub mod backoff;
pub mod carried;
pub mod digest;
pub mod gate;
pub mod inbox;
pub mod news;
pub mod parcel;
pub mod scan;
pub mod session;
pub mod wire;
