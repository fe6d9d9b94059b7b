//! The program: reads the command line and does what the library says.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use zoufang_server::cli;
use zoufang_server::config::Cli;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
