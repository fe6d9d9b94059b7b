//! The browser is told to make no elements of text (`require-trusted-types-for`), so a module that holds markup of ours would show
//! nothing in its place. The `view!` macro of leptos writes markup for an element that consists of literals alone: say one of its
//! attributes by an expression then, as `components/mark.rs` does.

use std::{fs, path::Path};

use anyhow::{Result, bail};

use crate::stamp::files;

/// Fails when a wasm module in `folder` holds markup.
pub(crate) fn check(folder: &Path) -> Result<()> {
    for file in files(folder)?.into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "wasm"))
    {
        if let Some(found) = find(&fs::read(&file)?) {
            bail!("{} holds markup, which the browser would refuse: {found}", file.display());
        }
    }
    Ok(())
}

/// The first thing like `<p class="`, or like `</p>`.
fn find(bytes: &[u8]) -> Option<String> {
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'<').map(|(at, _)| at);
    let found = starts.map(|at| &bytes[at..]).find(|rest| is_markup(rest))?;
    Some(found.iter().take(40).map(|byte| char::from(*byte)).filter(|c| !c.is_control()).collect())
}

fn is_markup(bytes: &[u8]) -> bool {
    let name = |bytes: &[u8]| {
        bytes
            .iter()
            .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || **byte == b'-')
            .count()
    };
    if let Some(rest) = bytes.strip_prefix(b"</") {
        let length = name(rest);
        // Instructions look like `</a>` now and then; longer names they do not spell.
        return length > 2 && rest.get(length) == Some(&b'>');
    }
    let rest = &bytes[1..];
    let length = name(rest);
    let Some(attribute) = rest.get(length..).and_then(|rest| rest.strip_prefix(b" ")) else { return false };
    length > 0 && name(attribute) > 1 && attribute[name(attribute)..].starts_with(b"=\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_told_from_what_looks_like_it() {
        assert_eq!(
            find(b"\0\0<img src=\"/icon.svg\" alt=\"\">").as_deref(),
            Some("<img src=\"/icon.svg\" alt=\"\">")
        );
        assert!(find(b"text</span>").is_some());
        assert_eq!(find(b"a <b and c> d</a> <j \x01 vs; <alloc::x>"), None);
    }
}
