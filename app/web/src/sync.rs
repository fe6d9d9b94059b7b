//! The driver of the core's sync session: it owns the line, the timers and the store; the session owns the order.
mod driver;
mod news;
mod transport;

pub(crate) use driver::{Driver, Listener};
pub(crate) use news::News;
pub(crate) use transport::{Answer, HandedIn, call_json, hand_in};
