//! From Rust to wasm modules and their JavaScript: cargo, then the split into what the first screen needs and what comes
//! later, then wasm-bindgen.
//!
//! No wasm-opt: on this module it takes a seventh off the plain file and makes the compressed one, which is what crosses
//! the village link, three hundredths larger; and Debian's cannot read what today's wasm-bindgen writes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use super::{Options, split};
use crate::{
    place::Place,
    setup::wasm::Toolchain,
    shell::{note, run},
};

/// Leptos draws views through one erased type instead of compiling each view's own: half the code.
const ERASE: &str = "--cfg=erase_components";
const TARGET: &str = "wasm32-unknown-unknown";

/// The compiled app.
pub(crate) struct Parts {
    /// The wasm module that is loaded first.
    pub(crate) wasm: Vec<u8>,
    /// The modules that come later.
    pub(crate) later: Vec<split::Later>,
    /// The JavaScript that loads it.
    pub(crate) js: String,
    /// JavaScript files of libraries, by their path below the JavaScript that imports them.
    pub(crate) snippets: Vec<(PathBuf, Vec<u8>)>,
}

/// Compiles the app into `folder`.
pub(crate) fn compile(
    place: &Place,
    options: &Options,
    toolchain: &Toolchain,
    folder: &Path,
) -> Result<Parts> {
    let module = build(place, options, toolchain)?;
    note("split");
    let split = split::split(&module, folder)?;
    bindgen(&split.main, folder, options)?;
    let wasm = folder.join("zoufang_bg.wasm");
    let read = |name: &Path| fs::read(name).with_context(|| format!("{} was not made", name.display()));
    let snippets = crate::stamp::files(&folder.join("snippets"))?
        .into_iter()
        .map(|file| Ok((file.strip_prefix(folder)?.to_path_buf(), read(&file)?)))
        .collect::<Result<_>>()?;
    let js = split.link(&String::from_utf8(read(&folder.join("zoufang.js"))?)?)?;
    Ok(Parts { wasm: read(&wasm)?, later: split.later, js, snippets })
}

fn build(place: &Place, options: &Options, toolchain: &Toolchain) -> Result<PathBuf> {
    let (profile, profile_folder) = if options.dev { ("dev", "debug") } else { ("wasm", "wasm") };
    let mut command = toolchain.cargo(place);
    command.args(["build", "--package", "zoufang-web", "--target", TARGET, "--profile", profile]);
    if !options.features.is_empty() {
        command.args(["--features", &options.features.join(",")]);
    }
    // The split follows references between functions, which the linker must leave in the file.
    let mut flags = vec![ERASE.to_owned(), "-Clink-arg=--emit-relocs".to_owned()];
    if !options.dev {
        flags.extend(remap());
    }
    if !options.dev && toolchain.has_std_source() {
        small_std(&mut command);
        // Debug texts and places of panics are read by nobody on a phone: 8 KB.
        flags.push("-Zfmt-debug=none -Zlocation-detail=none".to_owned());
    }
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags.join(" "));
    run(&mut command)?;
    Ok(place.wasm_target.join(TARGET).join(profile_folder).join("zoufang-web.wasm"))
}

/// Builds std with the app: for size, and with panics that stop at once. Their messages, which nobody reads on a phone and
/// which could quote what a record says, are a twelfth of the bundle. Stable Rust keeps these switches for itself, so it
/// must be told that it may; the compiler and the source are those of the stable release.
fn small_std(command: &mut Command) {
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_PROFILE_WASM_PANIC", "immediate-abort")
        .args(["-Zpanic-immediate-abort", "-Zbuild-std=std,panic_abort"])
        .arg("-Zbuild-std-features=optimize_for_size");
}

/// Panic messages name source files: make those names short and free of this machine's folders.
fn remap() -> Vec<String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let sources = home.map(|home| home.join("registry/src")).and_then(|folder| fs::read_dir(folder).ok());
    sources
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(format!("--remap-path-prefix={}=crates", entry.ok()?.path().display())))
        // Cargo splits the flags at spaces.
        .filter(|flag| !flag.contains(' '))
        .collect()
}

/// Writes the JavaScript for a wasm module, for a browser.
fn bindgen(module: &Path, folder: &Path, options: &Options) -> Result<()> {
    note("wasm-bindgen");
    Bindgen::new()
        .input_path(module)
        .out_name("zoufang")
        .web(true)?
        .typescript(false)
        // The loader says where the module lies: its name holds a hash.
        .omit_default_module_path(true)
        .debug(options.dev)
        .keep_debug(options.dev)
        // The later modules share the table of functions.
        .keep_lld_exports(true)
        .remove_name_section(!options.dev && !options.names)
        .remove_producers_section(true)
        .generate(folder)
        .context("wasm-bindgen failed; is `wasm-bindgen` in Cargo.lock of the version app/xtask/Cargo.toml states?")
}
