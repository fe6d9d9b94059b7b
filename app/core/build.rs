//! Generates the enums of `record::list` from `data/value_lists.json`, so that a code, its Chinese and its English
//! stand in one place and a wrong code does not compile.
use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::Path};

#[derive(serde::Deserialize)]
struct ValueList {
    source: String,
    values: Vec<Entry>,
}

#[derive(serde::Deserialize)]
struct Entry {
    code: String,
    zh: String,
    en: String,
}

/// Lists whose type is not called as the list is.
const TYPE_NAMES: &[(&str, &str)] = &[("branch", "ServiceBranch")];

fn camel(code: &str) -> String {
    let mut out = String::new();
    for part in code.split('_') {
        let mut chars = part.chars();
        if let Some(first) = chars.next() {
            if out.is_empty() && first.is_ascii_digit() {
                out.push('N');
            }
            out.extend(first.to_uppercase());
            out.extend(chars);
        }
    }
    // `self` is a keyword in any case.
    if out == "Self" { "Own".to_owned() } else { out }
}

fn main() {
    println!("cargo::rerun-if-changed=data/value_lists.json");
    let text =
        fs::read_to_string("data/value_lists.json").expect("data/value_lists.json is part of the crate");
    let lists: BTreeMap<String, ValueList> = serde_json::from_str(&text).expect("value_lists.json is valid");
    let mut out = String::new();
    for (list, content) in &lists {
        let name = TYPE_NAMES
            .iter()
            .find(|(key, _)| key == list)
            .map_or_else(|| camel(list), |(_, name)| (*name).to_owned());
        let variants: Vec<String> = content.values.iter().map(|value| camel(&value.code)).collect();
        let _ = write!(
            out,
            "/// Value list `{list}`. Source: {}.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]\npub enum {name} {{\n",
            content.source.replace(['[', ']'], "")
        );
        for (value, variant) in content.values.iter().zip(&variants) {
            let _ = writeln!(out, "    /// {} ({})\n    {variant},", value.zh, value.en);
        }
        let _ = write!(out, "}}\nvalue_list! {{ {name}, {list:?}, [");
        for (value, variant) in content.values.iter().zip(&variants) {
            let _ = write!(out, "({variant}, {:?}, {:?}, {:?}), ", value.code, value.zh, value.en);
        }
        out.push_str("] }\n\n");
    }
    let target = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("value_lists.rs");
    fs::write(target, out).expect("OUT_DIR can be written");
}
