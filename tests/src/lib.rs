//! A device without a browser, a real server process, and a line between them that can be cut: for tests over the whole
//! path, and for measurements.

pub mod device;
pub mod disk;
pub mod fuzz;
pub mod line;
pub mod made;
pub mod news;
pub mod post;
pub mod process;
pub mod server;

pub use device::{Device, Sync};
pub use line::Line;
pub use news::News;
pub use process::{Launch, Process};
pub use server::Server;
