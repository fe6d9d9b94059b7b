//! Tells the embedding where the app's bundle lies: `ZOUFANG_DIST`, or `dist` at the root of the repository.
//! A missing folder becomes an empty one, so that the server compiles before the first bundle is made.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-env-changed=ZOUFANG_DIST");
    let root = PathBuf::from(env("CARGO_MANIFEST_DIR"));
    let said = std::env::var_os("ZOUFANG_DIST").map(PathBuf::from);
    // A folder that is not there would count as changed at every build.
    if said.is_none() {
        println!("cargo::rerun-if-changed={}", root.join("../dist").display());
    }
    let dist = said.unwrap_or_else(|| root.join("../dist"));
    let dist = if dist.is_dir() { dist } else { empty(&PathBuf::from(env("OUT_DIR"))) };
    let dist = dist.canonicalize().unwrap_or(dist);
    println!("cargo::rustc-env=ZOUFANG_EMBED={}", dist.display());
    println!("cargo::rerun-if-changed={}", dist.display());
}

fn empty(out: &Path) -> PathBuf {
    let folder = out.join("no-bundle");
    let _ = std::fs::create_dir_all(&folder);
    folder
}

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
