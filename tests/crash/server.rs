//! The server with crash points; see `zoufang_server::crash`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    zoufang_server::cli::run(zoufang_server::config::Cli::parse())
}
