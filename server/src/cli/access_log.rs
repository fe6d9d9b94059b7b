//! `access-log check`: whether the access log is one whole chain.

use super::data::open_store;
use super::{Result, say};
use crate::audit::access_log;
use crate::config::AccessLogCommand;

pub(super) async fn run(AccessLogCommand::Check(options): AccessLogCommand) -> Result<()> {
    let store = open_store(&options.folder).await?;
    let found = access_log(store.as_ref(), options.head).await;
    store.close().await;
    let head = found?;
    say(&format!("{} readings, chain whole, head {head}", head.seq))
}
