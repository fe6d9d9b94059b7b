//! `user add`, `user code`

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use zoufang_core::record::list::Role;

use super::data::{Data, open_store};
use super::{CliError, Result, say};
use crate::account::{code, password};
use crate::config::{UserAdd, UserCode};
use crate::crash::crash_point;
use crate::state::system_clock;
use crate::store::{NewAccount, StoreError};
use crate::units::UnitTable;

pub(super) async fn add(options: UserAdd) -> Result<()> {
    let role: Role =
        options.role.parse().map_err(|_| CliError::Usage(format!("no role {}", options.role)))?;
    let password = read_password(options.password_file.as_deref())?;
    if password.chars().count() < password::PASSWORD_CHARS_MIN {
        return Err(CliError::Usage(format!(
            "the password needs at least {} characters",
            password::PASSWORD_CHARS_MIN
        )));
    }
    let store = open_store(&options.folder).await?;
    let unit = UnitTable::read(store.as_ref())
        .await?
        .by_code(&options.unit)
        .ok_or_else(|| CliError::Usage(format!("no unit {}", options.unit)))?;
    let account = NewAccount {
        login: options.login,
        name: options.name,
        role,
        unit,
        password: password::hash(&password)?,
    };
    crash_point!("account.before");
    let id = store.add_account(&account).await.map_err(|error| match error {
        StoreError::Taken(_) => CliError::Usage(format!("the login {} is taken", account.login)),
        StoreError::Full
        | StoreError::Disk(_)
        | StoreError::Busy
        | StoreError::Overtaken
        | StoreError::Address(_)
        | StoreError::Unfit(_)
        | StoreError::Unreachable { .. }
        | StoreError::Corrupt(_)
        | StoreError::Migration(_)
        | StoreError::Database(_) => error.into(),
    })?;
    crash_point!("account.after");
    store.close().await;
    say(&format!("user {id} added"))
}

/// Makes a one-time code, for whoever has nobody to make one: the first administrator.
pub(super) async fn make_code(options: UserCode) -> Result<()> {
    let data = Data::open(&options.folder).await?;
    let store = data.store().await?;
    let account = store.account_by_login(&options.login).await?;
    let account = account.ok_or_else(|| CliError::Usage(format!("no login {}", options.login)))?;
    let (code, _) = code::make(store.as_ref(), &data.keys.codes(), account.id, system_clock()()).await?;
    store.close().await;
    say(&format!("{code} is good once, for a day"))
}

/// The first line of the file, of what is typed unseen, or of standard input.
fn read_password(file: Option<&Path>) -> Result<String> {
    let failed = |source| CliError::Io { what: "read the password".to_owned(), source };
    if file.is_none() && std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ").map_err(failed);
    }
    let text = match file {
        Some(file) => std::fs::read_to_string(file).map_err(failed)?,
        None => {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
            line
        }
    };
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
