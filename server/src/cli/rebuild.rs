//! `rebuild`: rows and projections anew from the log.

use std::path::Path;

use super::{Result, open_store, say};
use crate::rebuild::rebuild;

pub(super) async fn run(folder: &Path) -> Result<()> {
    let store = open_store(folder).await?;
    let documents = rebuild(&store).await?;
    say(&format!("{documents} documents read"))?;
    store.close().await;
    Ok(())
}
