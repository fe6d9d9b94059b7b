//! `reseal`: everything under the key in use, so that the keys below it can be put away.

use super::data::Data;
use super::{Result, say};
use crate::config::DataFolder;
use crate::reseal::reseal;

pub(super) async fn run(folder: &DataFolder) -> Result<()> {
    let data = Data::open(folder).await?;
    let documents = reseal(&data.below, &data.ring).await?;
    say(&format!(
        "{documents} documents are sealed under the key in use; the keys below it open parcels only, which phones sealed before"
    ))?;
    data.below.close().await;
    Ok(())
}
