//! What a phone loads before it shows anything, and the limit on it: a village link carries it once per version. What comes
//! later is told beside it.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use super::fill::LATER;
use crate::{
    shell::{note, say},
    stamp::files,
};

/// Limit on the first load, compressed with brotli.
const FIRST_LOAD_MAX_BYTES: u64 = 700 * 1000;
/// The kinds of file that are loaded before the first page is there.
const FIRST_LOAD: [&str; 4] = ["wasm", "js", "css", "html"];

struct Row {
    name: String,
    is_later: bool,
    plain_bytes: u64,
    gzip_bytes: u64,
    brotli_bytes: u64,
}

/// Prints the size of each file of the first load.
pub(crate) fn report(folder: &Path) -> Result<()> {
    let rows = rows(folder)?;
    say(format!("The bundle in {}", folder.display()));
    note(format!("{:<36} {:>10} {:>10} {:>10}", "file", "bytes", "gzip", "brotli"));
    for row in &rows {
        note(format!(
            "{:<36} {:>10} {:>10} {:>10}",
            row.name, row.plain_bytes, row.gzip_bytes, row.brotli_bytes
        ));
    }
    let line = |name: &str, rows: &[&Row], end: &str| {
        let sum = |of: fn(&Row) -> u64| rows.iter().map(|row| of(row)).sum::<u64>();
        let (plain, gzip, brotli) =
            (sum(|row| row.plain_bytes), sum(|row| row.gzip_bytes), sum(|row| row.brotli_bytes));
        note(format!("{name:<36} {plain:>10} {gzip:>10} {brotli:>10}{end}"));
    };
    let (later, first): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.is_later);
    line("first load", &first, &format!("  (limit {FIRST_LOAD_MAX_BYTES})"));
    line("comes later", &later, "");
    Ok(())
}

/// Fails when the first load is over its limit.
pub(crate) fn check(folder: &Path) -> Result<()> {
    let bytes = first_load(&rows(folder)?);
    if bytes > FIRST_LOAD_MAX_BYTES {
        bail!("the first load is {bytes} bytes (brotli), over the limit of {FIRST_LOAD_MAX_BYTES}");
    }
    Ok(())
}

fn first_load(rows: &[Row]) -> u64 {
    rows.iter().filter(|row| !row.is_later).map(|row| row.brotli_bytes).sum()
}

fn rows(folder: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for file in files(folder)? {
        if !file.extension().is_some_and(|kind| FIRST_LOAD.iter().any(|wanted| kind == *wanted)) {
            continue;
        }
        let size = |suffix: &str| {
            let path = format!("{}{suffix}", file.display());
            Ok::<_, anyhow::Error>(fs::metadata(&path).with_context(|| format!("{path} is missing"))?.len())
        };
        let name = file.strip_prefix(folder)?.display().to_string();
        let is_later = name.starts_with(LATER);
        rows.push(Row {
            name,
            is_later,
            plain_bytes: size("")?,
            gzip_bytes: size(".gz")?,
            brotli_bytes: size(".br")?,
        });
    }
    if rows.is_empty() {
        bail!("{} holds no bundle", folder.display());
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_over_the_limit_fails() {
        let folder = std::env::temp_dir().join(format!("zoufang-size-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("folder");
        let fill = |bytes: u64| {
            for name in ["app.wasm", "app.wasm.gz"] {
                fs::write(folder.join(name), "").expect("file");
            }
            fs::File::create(folder.join("app.wasm.br")).and_then(|file| file.set_len(bytes)).expect("file");
        };
        fill(FIRST_LOAD_MAX_BYTES);
        assert!(check(&folder).is_ok());
        fill(FIRST_LOAD_MAX_BYTES + 1);
        assert!(check(&folder).is_err());
        fs::remove_dir_all(&folder).expect("clean");
        assert!(check(&folder).is_err(), "an empty folder is no small bundle");
    }
}
