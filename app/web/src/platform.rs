//! What the browser gives: its clock, its preferences, the service worker, the install prompt, the storage's promise, the
//! icon's number.
//!
//! The only module, beside the store and the transport, that touches web-sys.
pub(crate) mod badge;
pub(crate) mod base64;
pub(crate) mod clock;
pub(crate) mod file;
pub(crate) mod focus;
pub(crate) mod idle;
pub(crate) mod install;
pub(crate) mod link;
pub(crate) mod one_tab;
pub(crate) mod pace;
pub(crate) mod post;
pub(crate) mod preference;
pub(crate) mod random;
pub(crate) mod storage;
pub(crate) mod update;
