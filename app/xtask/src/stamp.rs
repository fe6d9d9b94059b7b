//! Digests of files and folders: for names that change with the content, and for telling that nothing changed.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

/// Hex digits of a hash in a file name: enough that two versions never share one.
const NAME_LENGTH: usize = 16;

/// A growing SHA-256 over named parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Digest(Sha256);

impl Digest {
    /// The digest of one piece of content.
    pub(crate) fn of(content: &[u8]) -> Self {
        let mut digest = Self::default();
        digest.part("", content);
        digest
    }

    /// The digest of one file's content.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn of_file(path: &Path) -> Result<Self> {
        let content = fs::read(path).with_context(|| format!("{} could not be read", path.display()))?;
        Ok(Self::of(&content))
    }

    /// Adds a part; names and lengths go in too, so that no two lists of parts run together.
    pub(crate) fn part(&mut self, name: &str, content: &[u8]) {
        self.0.update((name.len() as u64).to_le_bytes());
        self.0.update(name);
        self.0.update((content.len() as u64).to_le_bytes());
        self.0.update(content);
    }

    /// Adds every file of a folder, or one file; a path that is not there adds nothing.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn tree(&mut self, root: &Path, path: &Path) -> Result<()> {
        for file in files(path)? {
            let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
            let content = fs::read(&file).with_context(|| format!("{} could not be read", file.display()))?;
            self.part(&name, &content);
        }
        Ok(())
    }

    /// The whole digest in hex.
    pub(crate) fn text(&self) -> String {
        self.0.clone().finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The short form that stands in file names.
    pub(crate) fn short(&self) -> String {
        self.text().chars().take(NAME_LENGTH).collect()
    }
}

/// All files under a path, sorted; the path itself when it is a file; nothing when it is not there.
///
/// # Errors
/// When a folder cannot be listed.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    let mut open = vec![path.to_path_buf()];
    while let Some(folder) = open.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in
            fs::read_dir(&folder).with_context(|| format!("{} could not be listed", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_borders_of_parts_count() {
        let of = |parts: &[(&str, &str)]| {
            let mut digest = Digest::default();
            for (name, content) in parts {
                digest.part(name, content.as_bytes());
            }
            digest.text()
        };
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_ne!(of(&[("a", ""), ("b", "")]), of(&[("a", "b")]));
        assert_eq!(of(&[("a", "bc")]), of(&[("a", "bc")]));
    }
}
