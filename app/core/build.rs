//! Generates the enums of `record::list` from `data/value_lists.json`, so that a code, its Chinese and its English
//! stand in one place and a wrong code does not compile; and the table of `query::readings` from the pinyin crate's
//! dictionary, a third of its size, since every phone loads it.
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::Path,
};

use pinyin::{Pinyin, ToPinyin, ToPinyinMulti};

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

/// The characters that have readings here: CJK Unified Ideographs and Extension A. Rarer ones are found by themselves.
const READ_BLOCKS: [(char, char); 2] = [('\u{3400}', '\u{4dbf}'), ('\u{4e00}', '\u{9fff}')];
/// Marks the last reading of a character in the list of readings.
const LAST: u16 = 0x8000;

fn plain_readings(c: char) -> Vec<&'static str> {
    let mut found = Vec::new();
    let multi = c.to_pinyin_multi().into_iter().flat_map(|multi| multi.into_iter().map(Pinyin::plain));
    for reading in c.to_pinyin().map(Pinyin::plain).into_iter().chain(multi) {
        if !found.contains(&reading) {
            found.push(reading);
        }
    }
    found
}

/// Writes `readings.bin` (for each character of the blocks, low bytes first and then high bytes, where its readings begin
/// in the list; 0 is none) and `readings.rs` (the list of readings, and the syllables that it counts).
fn write_readings(out: &Path) {
    let chars = || READ_BLOCKS.into_iter().flat_map(|(first, last)| first..=last);
    let syllables: BTreeSet<&str> = chars().flat_map(plain_readings).collect();
    let number = |syllable: &str| {
        let at = syllables.iter().position(|known| *known == syllable).expect("collected above");
        u16::try_from(at).expect("a few hundred syllables")
    };
    let mut lists: BTreeMap<Vec<u16>, usize> = BTreeMap::new();
    for c in chars() {
        *lists.entry(plain_readings(c).into_iter().map(number).collect()).or_default() += 1;
    }
    // Frequent lists first: small numbers compress better.
    let mut ordered: Vec<_> = lists.into_iter().filter(|(list, _)| !list.is_empty()).collect();
    ordered.sort_by_key(|(list, count)| (std::cmp::Reverse(*count), list.clone()));
    let (mut all, mut begins) = (vec![LAST], BTreeMap::new());
    for (list, _) in ordered {
        begins.insert(list.clone(), u16::try_from(all.len()).expect("a few thousand readings"));
        let last = list.len() - 1;
        all.extend(list.into_iter().enumerate().map(|(at, id)| if at == last { id | LAST } else { id }));
    }
    let place = |c: char| {
        let list: Vec<u16> = plain_readings(c).into_iter().map(number).collect();
        begins.get(&list).copied().unwrap_or(0).to_le_bytes()
    };
    let table: Vec<u8> = chars().map(|c| place(c)[0]).chain(chars().map(|c| place(c)[1])).collect();
    fs::write(out.join("readings.bin"), table).expect("OUT_DIR can be written");
    let text = format!(
        "const BLOCKS: [(char, char); {}] = {READ_BLOCKS:?};\nconst LAST: u16 = {LAST};\nstatic SYLLABLES: [&str; {}] = {:?};\nstatic LISTS: [u16; {}] = {all:?};\n",
        READ_BLOCKS.len(),
        syllables.len(),
        syllables.iter().collect::<Vec<_>>(),
        all.len()
    );
    fs::write(out.join("readings.rs"), text).expect("OUT_DIR can be written");
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
    let folder = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&folder).join("value_lists.rs"), out).expect("OUT_DIR can be written");
    write_readings(Path::new(&folder));
}
