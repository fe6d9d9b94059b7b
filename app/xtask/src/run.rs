//! Starts the server in the foreground, with the bundle just made inside it.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::{
    bundle,
    place::Place,
    shell::{cargo, note, run, say},
};

/// Switches of `cargo xtask run` and `serve`.
#[derive(Args, Debug, Clone)]
pub(crate) struct Options {
    /// Build app and server quickly instead of small and fast.
    #[arg(long)]
    dev: bool,
    /// Serve phones in the local network: TLS with a certificate of the server's own; how phones come to trust it is printed.
    #[arg(long)]
    lan: bool,
    /// Arguments for the server, as `--listen 127.0.0.1:8080`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// `cargo xtask run`: demonstration data; the server prints its address and the sign-ins.
pub(crate) fn demo(place: &Place, options: &Options) -> Result<()> {
    start(place, options, "demo")
}

/// `cargo xtask serve`.
pub(crate) fn serve(place: &Place, options: &Options) -> Result<()> {
    start(place, options, "serve")
}

fn start(place: &Place, options: &Options, mode: &str) -> Result<()> {
    bundle::make(place, &bundle::Options { dev: options.dev, ..bundle::Options::default() })?;
    let program = build_server(place, options.dev)?;
    say(format!("Starting the server ({mode}); Ctrl+C ends it"));
    let lan = options.lan.then_some("--lan");
    hand_over(Command::new(program).arg(mode).args(lan).args(&options.arguments).current_dir(&place.root))
}

/// Builds the server with the bundle inside and returns where the program lies.
///
/// # Errors
/// When it does not compile.
pub(crate) fn build_server(place: &Place, quick: bool) -> Result<std::path::PathBuf> {
    say("Building the server");
    let mut command = cargo(place);
    command
        .args(["build", "--package", "zoufang-server", "--bin", "zoufang-server"])
        .env("ZOUFANG_DIST", place.dist());
    if !quick {
        command.arg("--release");
    }
    run(&mut command)?;
    Ok(place.server(if quick { "debug" } else { "release" }))
}

/// Becomes the other program, so that signals and the exit code are its own.
#[cfg(unix)]
fn hand_over(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    note("");
    Err(anyhow::Error::new(command.exec()).context("the server could not be started"))
}

#[cfg(not(unix))]
fn hand_over(command: &mut Command) -> Result<()> {
    note("");
    run(command)
}
