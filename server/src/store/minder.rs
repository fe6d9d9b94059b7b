//! A task that looks after a store, and ends with it.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;

/// The task; it ends when the store is closed, or with its last clone.
pub(super) struct Minder {
    stop: Arc<Notify>,
    task: Mutex<JoinHandle<()>>,
}

impl Minder {
    /// Starts the task, which is given the word to stop.
    pub(super) fn start<F>(task: impl FnOnce(Arc<Notify>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = Arc::new(Notify::new());
        let task = Mutex::new(tokio::spawn(task(Arc::clone(&stop))));
        Self { stop, task }
    }

    pub(super) async fn stop(&self) {
        let mut task = self.task.lock().await;
        self.stop.notify_one();
        // A second call finds it ended.
        if !task.is_finished() {
            let _ = (&mut *task).await;
        }
    }
}

impl Drop for Minder {
    fn drop(&mut self) {
        self.task.get_mut().abort();
    }
}
