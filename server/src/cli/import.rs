//! `import-people`: people from a CSV file.

use super::data::open_store;
use super::{CliError, Result, say};
use crate::account::password::NO_PASSWORD;
use crate::config;
use crate::import;
use crate::state::system_clock;
use crate::store::{NewAccount, Store};
use crate::units::UnitTable;
use zoufang_core::access::Level;
use zoufang_core::record::UserId;
use zoufang_core::record::list::Role;

/// The account in whose name the program itself enters people; nobody can sign in with it.
const OWN_LOGIN: &str = "import";
const OWN_NAME: &str = "名册导入";

pub(super) async fn run(options: config::ImportPeople) -> Result<()> {
    let text = std::fs::read_to_string(&options.file);
    let text =
        text.map_err(|source| CliError::Io { what: format!("read {}", options.file.display()), source })?;
    let store = open_store(&options.folder).await?;
    let by = match &options.by {
        Some(login) => store
            .account_by_login(login)
            .await?
            .map(|account| account.id)
            .ok_or_else(|| CliError::Usage(format!("no account {login}")))?,
        None => own_account(store.as_ref()).await?,
    };
    let report = import::people(store.as_ref(), &text, by, system_clock()()).await?;
    for fault in &report.faults {
        say(&format!("line {}: {}", fault.line, fault.code))?;
    }
    let (people, memberships) = (report.people, report.memberships);
    say(&format!(
        "{people} people and {memberships} Party memberships added, {} were there, {} lines left out",
        report.known, report.left_out
    ))?;
    store.close().await;
    Ok(())
}

async fn own_account(store: &dyn Store) -> Result<UserId> {
    if let Some(account) = store.account_by_login(OWN_LOGIN).await? {
        return Ok(account.id);
    }
    let table = UnitTable::read(store).await?;
    let unit =
        table.units.values().find(|unit| unit.level == Level::County).map(|unit| unit.id).unwrap_or_default();
    let account = NewAccount {
        login: OWN_LOGIN.to_owned(),
        name: OWN_NAME.to_owned(),
        role: Role::SystemAdmin,
        unit,
        password: NO_PASSWORD.to_owned(),
    };
    Ok(store.add_account(&account).await?)
}
