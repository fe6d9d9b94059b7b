//! Puts a brotli and a gzip file beside every file that shrinks, so that the server never compresses while someone waits.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};

use crate::stamp::files;

const KINDS: [&str; 7] = ["wasm", "js", "css", "html", "svg", "webmanifest", "json"];

/// Compresses the files of a folder: as small as can be, or quickly.
///
/// # Errors
/// When a file cannot be read or written.
pub(crate) fn folder(folder: &Path, quick: bool) -> Result<()> {
    let wanted: Vec<PathBuf> = files(folder)?
        .into_iter()
        .filter(|file| file.extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known)))
        .collect();
    // One thread a kind of compression: brotli of the wasm module takes the longest by far.
    thread::scope(|scope| {
        let brotli = scope.spawn(|| each(&wanted, "br", |content| brotli(content, quick)));
        let gzip = each(&wanted, "gz", |content| gzip(content, quick));
        brotli.join().map_err(|_| anyhow::anyhow!("the compressing thread ended early"))?.and(gzip)
    })
}

fn each(files: &[PathBuf], suffix: &str, compress: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Result<()> {
    for file in files {
        let content = fs::read(file).with_context(|| format!("{} could not be read", file.display()))?;
        let target = PathBuf::from(format!("{}.{suffix}", file.display()));
        fs::write(&target, compress(&content)?)
            .with_context(|| format!("{} could not be written", target.display()))?;
    }
    Ok(())
}

/// Brotli as a browser reads it.
///
/// # Errors
/// Never for content in memory; the compressor's signature allows it.
fn brotli(content: &[u8], quick: bool) -> Result<Vec<u8>> {
    let params = BrotliEncoderParams {
        quality: if quick { 5 } else { 11 },
        // 24 is the largest window that browsers accept.
        lgwin: 24,
        size_hint: content.len(),
        ..BrotliEncoderParams::default()
    };
    let mut small = Vec::new();
    brotli::BrotliCompress(&mut &content[..], &mut small, &params)?;
    Ok(small)
}

fn gzip(content: &[u8], quick: bool) -> Result<Vec<u8>> {
    let level = if quick { Compression::fast() } else { Compression::best() };
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn both_forms_read_back_as_they_were() {
        let content = "走访 ".repeat(2000).into_bytes();
        let mut read = Vec::new();
        brotli::BrotliDecompress(&mut &brotli(&content, false).expect("compress")[..], &mut read)
            .expect("brotli");
        assert_eq!(read, content);
        read.clear();
        flate2::read::GzDecoder::new(&gzip(&content, false).expect("compress")[..])
            .read_to_end(&mut read)
            .expect("gzip");
        assert_eq!(read, content);
    }
}
