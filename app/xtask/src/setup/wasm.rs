//! A Rust that compiles for wasm32-unknown-unknown: rustup's where it has the target, else Debian's with a std built here.
//!
//! Debian ships a newer Rust (`rustc-web`) but no std for wasm32, so the second way compiles std once from Debian's own
//! source package. `ZOUFANG_NO_RUSTUP_TARGET=1` takes that way at once, for networks without rustup's servers.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::debian;
use crate::{
    place::Place,
    shell::{cargo, find, note, output, run, run_within, say},
};

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "lld-22"];
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/wasm32-unknown-unknown/lib";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
/// Linkers that read what Rust 1.96 writes, newest first.
const LINKERS: [&str; 4] = ["wasm-ld-22", "wasm-ld-21", "wasm-ld-20", "wasm-ld"];
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// The compiler that the bundle is built with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The one that runs this program; it has the target.
    Own,
    /// Debian's, with the std built by this set-up.
    Debian {
        /// The wasm-ld to link with.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// What it is, in words.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Own => "the toolchain in use".into(),
            Self::Debian { linker } => format!("Debian's rustc-web, linking with {}", linker.display()),
        }
    }

    /// Cargo for wasm32 builds, at the root, with its own target folder.
    pub(crate) fn cargo(&self, place: &Place) -> Command {
        match self {
            Self::Own => {
                let mut command = cargo(place);
                command.env("CARGO_TARGET_DIR", &place.wasm_target);
                command
            }
            Self::Debian { linker } => {
                let mut command = debian_cargo();
                command
                    .current_dir(&place.root)
                    .env("CARGO_TARGET_DIR", &place.wasm_target)
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        }
    }

    /// The compiler's version, for telling whether a bundle is still current.
    pub(crate) fn version(&self) -> Result<String> {
        Ok(format!(
            "{} std from source: {}",
            output(rustc(self).arg("--version"))?.trim(),
            self.has_std_source()
        ))
    }

    /// Whether the source of std lies beside the compiler, so that std can be built for size with the app.
    pub(crate) fn has_std_source(&self) -> bool {
        let sysroot = output(rustc(self).args(["--print", "sysroot"])).unwrap_or_default();
        let own = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/std/Cargo.toml");
        own.is_file() || matches!(self, Self::Debian { .. }) && Path::new(DEBIAN_SOURCE).is_file()
    }
}

/// Finds or makes a Rust for wasm32.
///
/// # Errors
/// When neither way works; the message says what to install.
pub(crate) fn ready(place: &Place) -> Result<Toolchain> {
    let without_rustup = env::var_os("ZOUFANG_NO_RUSTUP_TARGET").is_some_and(|value| value != "0");
    if !without_rustup && compiles(place, &Toolchain::Own) {
        return Ok(with_std_source(Toolchain::Own));
    }
    if let Some(toolchain) = debian_toolchain()
        && compiles(place, &toolchain)
    {
        return Ok(toolchain);
    }
    say("Rust has no wasm32 target yet");
    if !without_rustup && find("rustup").is_some() {
        let added = run_within(Command::new("rustup").args(["target", "add", TARGET]), RUSTUP_LIMIT);
        if added && compiles(place, &Toolchain::Own) {
            return Ok(with_std_source(Toolchain::Own));
        }
        note("rustup could not add it; trying Debian's Rust");
    }
    make_debian_toolchain(place).context(
        "no Rust for wasm32: run `rustup target add wasm32-unknown-unknown`, or on Debian as root let this set-up install rustc-web",
    )
}

/// Fetches the source of std where it is missing and rustup has it. Without it the bundle is larger by a twelfth.
fn with_std_source(toolchain: Toolchain) -> Toolchain {
    if !toolchain.has_std_source() && find("rustup").is_some() {
        say("Fetching the source of Rust's standard library, to build it for size");
        if !run_within(Command::new("rustup").args(["component", "add", "rust-src"]), RUSTUP_LIMIT) {
            note("rustup could not fetch it: the bundle will be larger");
        }
    }
    toolchain
}

/// Whether an empty library compiles: a std that is missing, or of another version, fails here and not in mid-build.
fn compiles(place: &Place, toolchain: &Toolchain) -> bool {
    if fs::create_dir_all(&place.wasm_target).is_err() {
        return false;
    }
    rustc(toolchain)
        .args([
            "--target",
            TARGET,
            "--crate-type",
            "lib",
            "--crate-name",
            "probe",
            "--emit",
            "metadata",
            "-",
            "-o",
        ])
        .arg(place.wasm_target.join("probe.rmeta"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn rustc(toolchain: &Toolchain) -> Command {
    match toolchain {
        Toolchain::Own => Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())),
        Toolchain::Debian { .. } => Command::new("/usr/bin/rustc"),
    }
}

fn debian_toolchain() -> Option<Toolchain> {
    let linker = LINKERS.into_iter().find_map(find)?;
    Path::new("/usr/bin/rustc").is_file().then_some(Toolchain::Debian { linker })
}

/// Debian's cargo, kept apart from rustup's: its shims stand first on the PATH and would take over rustc and clippy.
fn debian_cargo() -> Command {
    let mut path = std::ffi::OsString::from("/usr/bin:/bin:");
    path.push(env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("/usr/bin/cargo");
    command
        .env("PATH", path)
        .env("RUSTC", "/usr/bin/rustc")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("RUSTDOC")
        .env_remove("CARGO");
    command
}

fn make_debian_toolchain(place: &Place) -> Result<Toolchain> {
    if debian_toolchain().is_none()
        || !Path::new("/usr/bin/cargo").is_file()
        || !Path::new(DEBIAN_SOURCE).is_file()
    {
        debian::install("a Rust for wasm32", &DEBIAN_PACKAGES)?;
    }
    let toolchain = debian_toolchain()
        .context("Debian's Rust or its linker wasm-ld was not found after the installation")?;
    build_std(place, &toolchain)?;
    if !compiles(place, &toolchain) {
        bail!("the std just built for wasm32 does not work with /usr/bin/rustc");
    }
    if find("rustup").is_some() {
        // For people at the keyboard: `cargo +system …`. The builds here do not depend on it.
        let _ = output(Command::new("rustup").args(["toolchain", "link", "system", "/usr"]));
    }
    Ok(toolchain)
}

/// Compiles std for wasm32 from Debian's source and puts it where Debian's rustc looks for it.
fn build_std(place: &Place, toolchain: &Toolchain) -> Result<()> {
    say("Building Rust's standard library for wasm32, once (under a minute)");
    let folder = place.wasm_target.join("std");
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "#![no_std]\n")?;
    let manifest = "[package]\nname = \"seed\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest)?;
    let mut command = toolchain.cargo(place);
    command
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        // Debian's own compiler, allowed to build its own std.
        .env("RUSTC_BOOTSTRAP", "1")
        // The bundle is linked with LTO, which needs the bitcode that cargo leaves out of libraries.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .args(["build", "-Zbuild-std=std,panic_abort,proc_macro", "--release", "--target", TARGET]);
    run(&mut command)?;
    install_std(&folder.join("target").join(TARGET).join("release/deps"))
}

fn install_std(built: &Path) -> Result<()> {
    let libraries: Vec<PathBuf> = fs::read_dir(built)
        .with_context(|| format!("{} was not built", built.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension() == Some(OsStr::new("rlib")))
        .filter(|path| !path.to_string_lossy().contains("libseed-"))
        .collect();
    let folder = OsStr::new(DEBIAN_LIBRARY);
    debian::run_as_root("rm", &[OsStr::new("-rf"), folder])?;
    debian::run_as_root("mkdir", &[OsStr::new("-p"), folder])?;
    let mut arguments: Vec<&OsStr> = vec![OsStr::new("-t"), folder];
    arguments.extend(libraries.iter().map(|path| path.as_os_str()));
    debian::run_as_root("cp", &arguments)
}
