//! Work that would hold up other requests: done on the threads that are kept for it.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::spawn_blocking;

use crate::error::{Error, Result};

/// Does work off the async threads; on a runtime of one thread, which has no other request to hold up, here and now, so
/// that a simulated server does everything in one order.
///
/// # Errors
/// If the work panicked or the runtime is going down.
pub async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return Ok(work());
    }
    spawn_blocking(work).await.map_err(|error| Error::Internal(Box::new(error)))
}
