//! Makes the bundle: the wasm module, its JavaScript, one style sheet, the shell page and the service worker.
//!
//! Every file but the shell, the service worker and what keeps its name in `public` is named by its content, so that it
//! can be cached for ever. The folder is built aside and swapped in whole. Nothing is done when nothing changed.

mod compile;
mod compress;
mod fill;
mod markup;
mod size;
mod split;
mod style;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    place::Place,
    setup,
    shell::{note, say},
    stamp::{Digest, files},
};

/// What the bundle is made of: a change in any of these makes a new one.
const INPUTS: [&str; 8] = [
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    "app/core",
    "app/web",
    "app/xtask/src/bundle",
    "public",
    "style",
];

/// Switches of `cargo xtask bundle`.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct Options {
    /// Build for a quick look: not optimized, lightly compressed, with debug assertions.
    #[arg(long)]
    pub(crate) dev: bool,
    /// Features of zoufang-web to switch on; such a bundle goes to a folder of its own.
    #[arg(long, value_delimiter = ',')]
    pub(crate) features: Vec<String>,
    /// Put the bundle here instead of `dist`.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Keep the names of functions, for a profiler.
    #[arg(long)]
    pub(crate) names: bool,
    /// Fail when the first load is over its limit.
    #[arg(long)]
    pub(crate) check_size: bool,
}

impl Options {
    /// Where this bundle goes.
    pub(crate) fn folder(&self, place: &Place) -> PathBuf {
        match &self.out {
            Some(out) => place.root.join(out),
            None if self.features.is_empty() => place.dist(),
            None => place.wasm_target.join(format!("dist-{}", self.features.join("-"))),
        }
    }
}

/// `cargo xtask bundle`.
pub(crate) fn command(place: &Place, options: &Options) -> Result<()> {
    let folder = make(place, options)?;
    size::report(&folder)?;
    if options.check_size { size::check(&folder) } else { Ok(()) }
}

/// Makes the bundle unless it is current, and returns its folder.
///
/// # Errors
/// When the tool chain is missing, the app does not compile, or a file cannot be written.
pub(crate) fn make(place: &Place, options: &Options) -> Result<PathBuf> {
    let toolchain = setup::build(place)?;
    let folder = options.folder(place);
    let stamp = stamp_path(place, &folder);
    let inputs = inputs(place, options, &toolchain.version()?)?;
    if fs::read_to_string(&stamp).is_ok_and(|found| Some(found) == current(&inputs, &folder)) {
        note(format!("the bundle in {} is current", folder.display()));
        return Ok(folder);
    }
    say("Building the app for the browser");
    let build = place.wasm_target.join("bundle");
    recreate(&build)?;
    let parts = compile::compile(place, options, &toolchain, &build.join("bindgen"))?;
    let made = build.join("dist");
    fs::create_dir_all(&made)?;
    say("Naming, filling in and compressing the files");
    fill::assemble(place, &parts, &style::bundle(&place.root.join("style/index.css"))?, &made)?;
    markup::check(&made)?;
    compress::folder(&made, options.dev)?;
    swap(&made, &folder)?;
    fs::write(&stamp, current(&inputs, &folder).context("the bundle just made cannot be read")?)?;
    Ok(folder)
}

fn inputs(place: &Place, options: &Options, compiler: &str) -> Result<String> {
    let mut digest = Digest::default();
    for input in INPUTS {
        digest.tree(&place.root, &place.root.join(input))?;
    }
    digest.part("compiler", compiler.as_bytes());
    digest.part("options", format!("{} {:?} {}", options.dev, options.features, options.names).as_bytes());
    Ok(digest.text())
}

/// What the stamp of a current bundle says: its inputs, and that its files are still as they were made.
fn current(inputs: &str, folder: &Path) -> Option<String> {
    let mut digest = Digest::default();
    for file in files(folder).ok()? {
        digest.part(&file.to_string_lossy(), &fs::metadata(&file).ok()?.len().to_le_bytes());
    }
    Some(format!("{inputs} {}", digest.text()))
}

fn stamp_path(place: &Place, folder: &Path) -> PathBuf {
    place
        .wasm_target
        .join(format!("bundle-{}.stamp", Digest::of(folder.to_string_lossy().as_bytes()).short()))
}

fn recreate(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} could not be emptied", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("{} could not be made", folder.display()))
}

/// Puts the new folder in the old one's place: a reader sees one version or the other, never a mixture.
fn swap(made: &Path, folder: &Path) -> Result<()> {
    // Beside the target, since a rename must not cross file systems.
    let name = folder.file_name().context("the bundle needs a folder name")?.to_string_lossy();
    let (fresh, old) =
        (folder.with_file_name(format!(".{name}-new")), folder.with_file_name(format!(".{name}-old")));
    recreate(&fresh)?;
    for file in files(made)? {
        let target = fresh.join(file.strip_prefix(made)?);
        fs::create_dir_all(target.parent().unwrap_or(&fresh))?;
        fs::copy(&file, &target)?;
    }
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    if folder.exists() {
        fs::rename(folder, &old)?;
    }
    fs::rename(&fresh, folder)?;
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    Ok(())
}
