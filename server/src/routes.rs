//! Handlers, one module per noun.

pub mod access;
pub mod authority;
pub mod caller;
pub mod codes;
pub mod devices;
pub mod fallback;
pub mod health;
pub mod inbox;
pub mod me;
pub mod news;
pub mod office;
pub mod parcels;
pub mod people;
pub mod recovery;
pub mod sign_in;
pub mod sync;
