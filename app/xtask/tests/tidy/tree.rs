//! The files of the repository that people write: everything but builds, downloads and version control.

use std::{
    fs,
    path::{Path, PathBuf},
};

const NOT_OURS: [&str; 8] = [
    ".git",
    ".zoufang",
    "dist",
    "node_modules",
    "playwright-report",
    "target",
    "test-results",
    "fuzz-corpus",
];

/// Root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("app/xtask lies in the repository")
        .to_path_buf()
}

/// One file: its path below the root, with slashes, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// All text files.
pub(crate) fn sources() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                open.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.push(Source { path: below(&root, &path), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 20, "only {} files found: is this the repository?", found.len());
    found
}

/// The folders directly in a folder, by name.
pub(crate) fn folders(path: &str) -> Vec<String> {
    let folder = root().join(path);
    let names = entries(&folder).into_iter().filter(|path| path.is_dir());
    let mut names: Vec<String> = names.map(|path| below(&folder, &path)).collect();
    names.sort();
    names
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(listed) = fs::read_dir(folder) else { return Vec::new() };
    listed.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| ours(path)).collect()
}

fn ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !(NOT_OURS.contains(&&*name) || name.starts_with("target-") || name.starts_with(".dist-"))
}

fn below(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).expect("found below it").to_string_lossy().replace('\\', "/")
}
