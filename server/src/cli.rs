//! What the program does for each command. What a person is to read goes to standard output, logs to standard error.

mod access_log;
mod backup;
mod data;
mod demo;
mod erased;
mod import;
mod lan;
mod rebuild;
mod record;
mod recover;
mod reseal;
mod retain;
mod serve;
mod user;

use std::io::Write;
use std::process::ExitCode;

use crate::config::{Cli, Command, LogFormat, UserCommand};
use crate::store::StoreError;
use crate::telemetry;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Something about a file, a folder or a socket.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The keys cannot be used.
    #[error("{0}")]
    Keys(#[from] crate::keys::KeysError),
    /// A backup cannot be made or read.
    #[error("{0}")]
    Backup(#[from] crate::backup::BackupError),
    /// A phone is not let in.
    #[error("{0}")]
    Recover(#[from] crate::recovery::RecoverError),
    /// There is no certificate for the local network.
    #[error("{0}")]
    Lan(#[from] crate::lan::LanError),
    /// The access log is not whole.
    #[error(transparent)]
    AccessLog(#[from] crate::audit::ChainError),
    /// The server's own part failed.
    #[error("{0}")]
    Server(#[from] crate::error::Error),
    /// What was given cannot be used.
    #[error("{0}")]
    Usage(String),
}

type Result<T> = std::result::Result<T, CliError>;

/// Runs a command to its end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let pretty = matches!(cli.command, Command::Demo(_));
    let format = cli.log_format.unwrap_or(if pretty { LogFormat::Pretty } else { LogFormat::Json });
    telemetry::start(&cli.log, format);
    let done = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(dispatch(cli.command)),
        Err(source) => Err(CliError::Io { what: "start".to_owned(), source }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "zoufang-server: {}", with_sources(&error));
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command) -> Result<()> {
    match command {
        Command::Serve(serve) => serve::run(serve).await,
        Command::Demo(demo) => demo::run(demo).await,
        Command::User(UserCommand::Add(add)) => user::add(add).await,
        Command::User(UserCommand::Code(options)) => user::make_code(options).await,
        Command::ImportPeople(import) => import::run(import).await,
        Command::Openapi => say(&crate::router::openapi()
            .to_pretty_json()
            .map_err(|error| CliError::Usage(error.to_string()))?),
        Command::Rebuild(folder) => rebuild::run(&folder).await,
        Command::Reseal(folder) => reseal::run(&folder).await,
        Command::Paper(options) => retain::paper(&options),
        Command::Retain(options) => retain::run(options).await,
        Command::BackupKey(options) => backup::key(&options),
        Command::Backup(options) => backup::write(options).await,
        Command::Restore(options) => backup::restore(options).await,
        Command::RecoveryKey(options) => recover::key(&options),
        Command::Recover(options) => recover::run(options).await,
        Command::Record(command) => record::run(command).await,
        Command::Compact(compact) => record::compact(compact).await,
        Command::NewEpoch(folder) => record::new_epoch(folder).await,
        Command::Erasures(folder) => record::erasures(folder).await,
        Command::AccessLog(command) => access_log::run(command).await,
    }
}

/// A line for the person at the terminal.
fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let said = writeln!(out, "{text}").and_then(|()| out.flush());
    said.map_err(|source| CliError::Io { what: "write to standard output".to_owned(), source })
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
