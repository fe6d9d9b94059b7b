//! What may stand in which file.

use crate::tree::{Source, sources};

const LINES_MAX: usize = 500;

/// Crates that only some files may use: the crate, where it is at home, and why.
const HOMES: [(&str, &[&str], &str); 3] = [
    ("web_sys", &["app/web/"], "only the web app knows a browser"),
    ("js_sys", &["app/web/"], "only the web app knows a browser"),
    ("sqlx", &["server/src/store.rs", "server/src/store/", "server/tests/store"], "SQL stands in the store"),
];

/// Addresses and paths of whoever's machine it was; none belongs into the project.
const FOREIGN: [&str; 5] = [
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("registry.npmjs", ".org"),
    concat!("arti", "factory"),
    concat!("/wo", "rk/"),
];

fn rust() -> impl Iterator<Item = Source> {
    sources().into_iter().filter(|source| source.path.ends_with(".rs"))
}

#[test]
fn words_stay_at_home() {
    // These checks name what they look for.
    for source in rust().filter(|source| !source.path.starts_with("app/xtask/tests/tidy/")) {
        for (word, homes, why) in HOMES {
            if homes.iter().any(|home| source.path.starts_with(home)) {
                continue;
            }
            let line = code(&source.text).position(|line| uses(line, word));
            assert!(line.is_none(), "{}: `{word}` does not belong here: {why}", source.path);
        }
    }
}

/// What makes elements or code of a text. The policy of `public/boot.js` refuses it in browsers that know Trusted Types; here nobody
/// may write it at all.
const MADE_OF_TEXT: [&str; 9] = [
    "inner_html",
    "outer_html",
    "insert_adjacent",
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "eval(",
    "new Function",
];

#[test]
fn the_app_makes_no_elements_and_no_code_of_text() {
    let ours = |path: &str| {
        let is_code = [".rs", ".js", ".html"].iter().any(|kind| path.ends_with(kind));
        is_code && (path.starts_with("app/web/") || path.starts_with("public/"))
    };
    let sources: Vec<_> = sources().into_iter().filter(|source| ours(&source.path)).collect();
    assert!(sources.iter().any(|source| source.path == "public/boot.js"));
    for source in sources {
        for word in MADE_OF_TEXT {
            assert!(
                !code(&source.text).any(|line| line.contains(word)),
                "{}: `{word}` would run foreign text",
                source.path
            );
        }
    }
}

#[test]
fn modules_are_named_by_their_file() {
    for source in rust() {
        assert!(
            !source.path.ends_with("/mod.rs"),
            "{}: name it after its folder, beside the folder",
            source.path
        );
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for source in rust() {
        let lines = source.text.lines().count();
        assert!(lines <= LINES_MAX, "{}: {lines} lines, more than {LINES_MAX}: split it", source.path);
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for source in rust() {
        assert!(
            source.text.starts_with("//"),
            "{}: the first line must say what the file is for",
            source.path
        );
    }
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    for source in sources() {
        for word in FOREIGN {
            let line = source.text.lines().position(|line| names(line, word));
            assert!(line.is_none(), "{}:{}: names `{word}`", source.path, line.unwrap_or_default() + 1);
        }
    }
}

/// The lines of a file that are not comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"))
}

/// Whether a line uses a crate: by a path into it, or by importing it whole.
fn uses(line: &str, name: &str) -> bool {
    let part = |other: char| other.is_alphanumeric() || other == '_';
    line.match_indices(name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        let whole = !before.ends_with(part) && !after.starts_with(part);
        whole && (after.starts_with("::") || before.ends_with("use ") || before.ends_with("extern crate "))
    })
}

/// Whether a line names an address or an absolute path; a path inside another path is not meant.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !word.starts_with('/')
            || !before.is_some_and(|other| other.is_alphanumeric() || "._-*/".contains(other))
    })
}

#[test]
fn uses_and_names_are_told_from_what_looks_like_them() {
    assert!(uses("use abc::Row;", "abc") && uses("use abc as b;", "abc") && uses("x = abc::f()", "abc"));
    assert!(!uses("use abcd::Row; xabc::f", "abc") && !uses("\"info,abc=warn\"", "abc"));
    assert!(names("at /somewhere/x", "/somewhere/"));
    assert!(!names("in tests/somewhere/x", "/somewhere/"));
}
