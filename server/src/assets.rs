//! The files of the app: embedded when the server is built, or read from a folder while developing.
//!
//! The bundle brings each text file also as `.br` and `.gz`; nothing is compressed here. A file with a hash in its name
//! never changes and may be kept for ever; all others are asked for again each time.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::headers::accepts;

#[derive(RustEmbed)]
#[folder = "$ZOUFANG_EMBED"]
struct Embedded;

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
const MISSING: &str =
    "The app is not in this server: build it with `cargo xtask bundle`, then build the server again.\n";
/// A name part after `-` of at least so many hex digits is a hash.
const HASH_DIGITS_MIN: usize = 8;

/// Where the files come from.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    folder: Option<PathBuf>,
}

struct File {
    bytes: Bytes,
    encoding: Option<&'static str>,
}

impl Assets {
    /// The embedded files, or those of a folder.
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// Answers a GET of a path that no route has: a file, or the app's page, which knows its own routes.
    pub async fn answer(&self, path: &str, request: &HeaderMap) -> Response {
        let path = path.trim_start_matches('/');
        let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
        let path = if is_file { path } else { "index.html" };
        let Some(file) = self.find(path, request).await else {
            return if path == "index.html" {
                (StatusCode::SERVICE_UNAVAILABLE, MISSING).into_response()
            } else {
                Error::NotFound.into_response()
            };
        };
        respond(path, file, request)
    }

    async fn find(&self, path: &str, request: &HeaderMap) -> Option<File> {
        for (encoding, suffix) in [(Some("br"), ".br"), (Some("gzip"), ".gz"), (None, "")] {
            if encoding.is_none_or(|encoding| accepts(request, encoding))
                && let Some(bytes) = self.read(&format!("{path}{suffix}")).await
            {
                return Some(File { bytes, encoding });
            }
        }
        None
    }

    async fn read(&self, path: &str) -> Option<Bytes> {
        let Some(folder) = &self.folder else {
            return Embedded::get(path).map(|file| match file.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            });
        };
        let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if inside { tokio::fs::read(folder.join(path)).await.ok().map(Bytes::from) } else { None }
    }
}

fn respond(path: &str, file: File, request: &HeaderMap) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = file.encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if has_hash(path) {
        headers.insert(header::CACHE_CONTROL, IMMUTABLE);
        return (headers, Body::from(file.bytes)).into_response();
    }
    headers.insert(header::CACHE_CONTROL, REVALIDATE);
    let hash: String = Sha256::digest(&file.bytes)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    let same = request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if same {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, Body::from(file.bytes)).into_response()
    }
}

fn has_hash(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split(['.', '_'])
        .filter_map(|part| part.rsplit_once('-'))
        .any(|(_, hash)| hash.len() >= HASH_DIGITS_MIN && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hash_makes_a_file_immutable() {
        assert!(has_hash("boot-0123abcd.js"));
        assert!(has_hash("pkg/zoufang-0123abcdef_bg.wasm"));
        for path in ["index.html", "sw.js", "icon-192.png", "manifest.webmanifest", "zoufang-web.js"] {
            assert!(!has_hash(path), "{path}");
        }
    }

    #[test]
    fn an_encoding_with_weight_zero_is_refused() {
        let request =
            |value| HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
        assert!(accepts(&request("gzip, br"), "br"));
        assert!(accepts(&request("gzip;q=0.5"), "gzip"));
        assert!(!accepts(&request("br;q=0, gzip"), "br"));
        assert!(!accepts(&request("brotli"), "br"));
    }

    #[tokio::test]
    async fn no_path_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("dist")).unwrap();
        std::fs::write(folder.path().join("secret.txt"), "x").unwrap();
        let assets = Assets::new(Some(folder.path().join("dist")));
        for path in ["../secret.txt", "/secret.txt", "a/../../secret.txt"] {
            assert!(assets.read(path).await.is_none(), "{path}");
        }
    }
}
