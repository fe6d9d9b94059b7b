//! Splits the app's wasm module at the functions marked with `wasm_split`: what only they need goes into modules that are
//! fetched when they are called, and everything else stays in the first one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};

/// The name under which the first module imports the functions that fetch the others.
const LINK: &str = "./__split.js";

/// A module that comes later.
pub(crate) struct Later {
    /// The name by which [`Split::link`]'s JavaScript asks for it.
    pub(crate) name: String,
    /// The module.
    pub(crate) wasm: Vec<u8>,
}

/// The app in parts.
pub(crate) struct Split {
    /// The first module, for wasm-bindgen.
    pub(crate) main: PathBuf,
    /// The others.
    pub(crate) later: Vec<Later>,
    loader: String,
}

/// Splits the module at `path` into `folder`, which is made anew.
///
/// # Errors
/// When the module was linked without its relocations, or a file cannot be read or written.
pub(crate) fn split(path: &Path, folder: &Path) -> Result<Split> {
    let parts = folder.join("split");
    fs::create_dir_all(&parts)?;
    let input = fs::read(path).with_context(|| format!("{} was not made", path.display()))?;
    // wasm-bindgen names its files after this one.
    let main = parts.join("zoufang.wasm");
    let mut options = wasm_split_cli_support::Options::new(&input);
    options.output_dir = &parts;
    options.main_out_path = &main;
    options.link_name = LINK;
    let made = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow!("the module could not be split: {error:#}"))?;
    let later = made.split_modules.iter().map(|path| {
        let name =
            path.file_name().context("a part of the module has no name")?.to_string_lossy().into_owned();
        Ok(Later { name, wasm: without_names(&fs::read(path)?)? })
    });
    Ok(Split { later: later.collect::<Result<_>>()?, loader: fs::read_to_string(parts.join(LINK))?, main })
}

impl Split {
    /// Writes the loader of the later modules into the JavaScript of the first one. As files of their own each would import
    /// the other, and neither could be named by its content.
    ///
    /// # Errors
    /// When either file does not look as it did in the versions this was written for.
    pub(crate) fn link(&self, js: &str) -> Result<String> {
        let loader = self.loader.lines().filter(|line| !line.starts_with("import "));
        let loader: String = loader.map(|line| format!("{line}\n")).collect();
        let exports: Vec<&str> = loader
            .lines()
            .filter_map(|line| line.strip_prefix("export const ")?.split([' ', '=']).next())
            .collect();
        let from = format!("from \"{LINK}\"");
        let Some(import) = js.lines().find(|line| line.starts_with("import ") && line.contains(&from)) else {
            if exports.is_empty() {
                return Ok(js.to_owned());
            }
            bail!("the first module does not import {LINK}");
        };
        let name = import.strip_prefix("import * as ").and_then(|rest| rest.split(' ').next()).with_context(
            || format!("the first module imports {LINK} in another way than before: {import}"),
        )?;
        let inline = format!(
            "const {name} = (() => {{\n{}return {{ {} }};\n}})();",
            loader.replace("export const ", "const "),
            exports.join(", ")
        );
        Ok(js.replacen(import, &inline, 1))
    }
}

/// A module without its custom sections: names of functions and the like, which only tools read.
fn without_names(wasm: &[u8]) -> Result<Vec<u8>> {
    const HEADER_BYTES: usize = 8;
    let (header, mut rest) =
        wasm.split_at_checked(HEADER_BYTES).context("a part of the module is cut off")?;
    let mut kept = header.to_vec();
    while let Some((&kind, after)) = rest.split_first() {
        let (size, size_bytes) = leb128(after).context("a part of the module is malformed")?;
        let (section, next) =
            rest.split_at_checked(1 + size_bytes + size).context("a part of the module is cut off")?;
        if kind != 0 {
            kept.extend_from_slice(section);
        }
        rest = next;
    }
    Ok(kept)
}

/// A number in LEB128 and how many bytes it takes.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut number = 0;
    for (place, byte) in bytes.iter().enumerate().take(5) {
        number |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((number, place + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_stands_in_the_first_modules_javascript() {
        let split = Split {
            main: PathBuf::new(),
            later: Vec::new(),
            loader: "import { initSync } from \"./main.js\";\nlet a = 1;\nexport const load = a;\n".into(),
        };
        let js = split.link("import * as import1 from \"./__split.js\"\nrest\n").expect("linked");
        assert_eq!(
            js,
            "const import1 = (() => {\nlet a = 1;\nconst load = a;\nreturn { load };\n})();\nrest\n"
        );
        assert!(split.link("rest").is_err(), "nothing fetches the later modules");
    }

    #[test]
    fn custom_sections_go_and_others_stay() {
        let wasm = b"\0asm\x01\0\0\0\x01\x02ab\x00\x03abc\x0a\x01z";
        assert_eq!(without_names(wasm).expect("parsed"), b"\0asm\x01\0\0\0\x01\x02ab\x0a\x01z");
        assert!(without_names(&wasm[..wasm.len() - 1]).is_err());
    }
}
