//! libfiu, which lets calls of the C library fail, for the tests of a disk that fails. They are skipped, with a word, where
//! it is not there: it comes with Debian only.

use std::path::Path;

use super::debian;
use crate::shell::note;

const LIBRARY: &str = "/usr/lib/fiu/fiu_posix_preload.so";

/// Installs Debian's fiu-utils where that is possible; says so where it is not.
pub(crate) fn ready() {
    if Path::new(LIBRARY).exists() {
        return;
    }
    if let Err(error) = debian::install("libfiu (for the tests of a failing disk)", &["fiu-utils"]) {
        note(format!("{error:#}; the tests that need it will be skipped"));
    }
}
