//! Generates one function per text from `i18n/zh.toml` and `i18n/en.toml`. A key or a placeholder that one language has
//! and the other lacks stops the build. Texts without placeholders are constants that hold a function pointer: functions
//! each have a type of their own, and views are compiled anew for each type that stands in them.
use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::Path};

type Texts = BTreeMap<String, String>;

/// Reads the part of TOML that the text files use: `[section]`, `key = "text"`, comments.
fn parse(path: &str) -> Texts {
    println!("cargo::rerun-if-changed={path}");
    let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut texts = Texts::new();
    let mut section = String::new();
    for (at, line) in source.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
            continue;
        }
        let entry = line
            .split_once(" = ")
            .and_then(|(key, value)| Some((key, value.strip_prefix('"')?.strip_suffix('"')?)));
        let (key, value) = entry.unwrap_or_else(|| panic!("{path}:{}: not `key = \"text\"`", at + 1));
        let known =
            texts.insert(format!("{section}_{key}"), value.replace("\\n", "\n").replace("\\\"", "\""));
        assert!(known.is_none(), "{path}:{}: {section}.{key} stands there twice", at + 1);
    }
    texts
}

/// The placeholders of a text, in the order of their names.
fn placeholders(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let (zh, en) = (parse("i18n/zh.toml"), parse("i18n/en.toml"));
    let alone: Vec<&String> = zh.keys().filter(|key| !en.contains_key(*key)).collect();
    assert!(alone.is_empty(), "i18n: missing in en.toml: {alone:?}");
    let mut out = String::new();
    for (key, english) in &en {
        let chinese = zh.get(key).unwrap_or_else(|| panic!("i18n: {key} is missing in zh.toml"));
        let names = placeholders(chinese);
        assert_eq!(names, placeholders(english), "i18n: the placeholders of {key} differ");
        let _ = writeln!(out, "/// {}", chinese.replace('\n', " "));
        if names.is_empty() {
            let _ = writeln!(
                out,
                "pub(crate) const {key}: super::Text = || super::pick({chinese:?}, {english:?});"
            );
        } else {
            let arguments: Vec<String> =
                names.iter().map(|name| format!("{name}: impl std::fmt::Display")).collect();
            let values: Vec<String> = names.iter().map(|name| format!("({name:?}, &{name})")).collect();
            let _ = writeln!(
                out,
                "pub(crate) fn {key}({}) -> String {{\n    super::fill(super::pick({chinese:?}, {english:?}), &[{}])\n}}",
                arguments.join(", "),
                values.join(", ")
            );
        }
    }
    let target = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("texts.rs");
    fs::write(target, out).expect("OUT_DIR can be written");
}
