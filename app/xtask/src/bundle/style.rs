//! One style sheet out of `style/`: imports joined, made small, and lowered for the oldest browser that can run the app.

use std::path::Path;

use anyhow::{Result, anyhow};
use lightningcss::{
    bundler::{Bundler, FileProvider},
    stylesheet::{MinifyOptions, ParserOptions, PrinterOptions},
    targets::{Browsers, Targets},
};

/// The floor is Chrome 99: older ones lack cascade layers, and from 96 down also wasm's reference types.
const CHROME: u32 = 99 << 16;
/// Safari 15.4 is the first with cascade layers.
const SAFARI: u32 = (15 << 16) | (4 << 8);
const FIREFOX: u32 = 97 << 16;

/// Reads the sheet at `index` with everything it imports.
///
/// # Errors
/// When a file is missing or is not CSS; the message names file, line and column.
pub(crate) fn bundle(index: &Path) -> Result<String> {
    let files = FileProvider::new();
    let mut bundler = Bundler::new(&files, None, ParserOptions::default());
    let mut sheet = bundler.bundle(index).map_err(|error| anyhow!("style: {error}"))?;
    let targets = targets();
    sheet
        .minify(MinifyOptions { targets, ..MinifyOptions::default() })
        .map_err(|error| anyhow!("style: {error}"))?;
    let options = PrinterOptions { minify: true, targets, ..PrinterOptions::default() };
    Ok(sheet.to_css(options).map_err(|error| anyhow!("style: {error}"))?.code)
}

fn targets() -> Targets {
    Targets::from(Browsers {
        android: Some(CHROME),
        chrome: Some(CHROME),
        edge: Some(CHROME),
        firefox: Some(FIREFOX),
        ios_saf: Some(SAFARI),
        safari: Some(SAFARI),
        ..Browsers::default()
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn bundled(name: &str, css: &str) -> Result<String> {
        let folder = std::env::temp_dir().join(format!("zoufang-style-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("part.css"), ".part { color: light-dark(#fff, #000); & b { margin: 0 } }")?;
        fs::write(folder.join("index.css"), css)?;
        let result = bundle(&folder.join("index.css"));
        fs::remove_dir_all(&folder)?;
        result
    }

    #[test]
    fn imports_are_joined_into_their_layer_and_lowered() {
        let css = bundled(
            "join",
            "@layer a, b; @import url(\"part.css\") layer(b); :root { color-scheme: light dark }",
        )
        .expect("this is CSS");
        assert!(!css.contains("@import") && css.contains("@layer b{"), "{css}");
        assert!(!css.contains("light-dark("), "{css}");
        assert!(css.contains(".part b"), "nesting must be lowered: {css}");
    }

    #[test]
    fn a_missing_import_is_an_error_and_not_a_smaller_sheet() {
        assert!(bundled("missing", "@import url(\"gone.css\");").is_err());
    }
}
