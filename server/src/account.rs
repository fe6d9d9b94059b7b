//! Accounts and sessions: passwords, tokens, and who is asking.

pub mod code;
pub mod password;
pub mod session;
pub mod token;

pub use session::SignedIn;
