//! Finding people as people type: characters, full pinyin, initials, any mix, or the end of a phone or ID number.
use super::{index::PersonEntry, readings};

/// Readings that a surname has and the dictionary lists late or not at all. The first one decides the order of lists.
/// Source: common usage of surnames in 通用规范汉字表 readings.
const SURNAMES: &[(char, &[&str])] = &[
    ('单', &["shan", "dan"]),
    ('解', &["xie", "jie"]),
    ('曾', &["zeng", "ceng"]),
    ('查', &["zha", "cha"]),
    ('仇', &["qiu", "chou"]),
    ('盖', &["gai", "ge"]),
    ('任', &["ren"]),
    ('尉', &["yu", "wei"]),
    ('区', &["ou", "qu"]),
    ('朴', &["piao", "pu"]),
    ('覃', &["qin", "tan"]),
    ('翟', &["zhai", "di"]),
    ('乐', &["yue", "le"]),
    ('华', &["hua"]),
    ('卜', &["bu"]),
    ('缪', &["miao", "mou"]),
    ('万', &["wan", "mo"]),
    ('繁', &["po", "fan"]),
    ('冼', &["xian"]),
    ('逄', &["pang"]),
    ('员', &["yun", "yuan"]),
    ('重', &["chong", "zhong"]),
    ('种', &["chong", "zhong"]),
    ('石', &["shi"]),
    ('车', &["che"]),
];

/// A name made ready for the search: each character with its readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameKey(Vec<(char, Vec<&'static str>)>);

impl NameKey {
    /// The key of a name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let letters = name.chars().filter(|c| !c.is_whitespace() && *c != '·').enumerate();
        Self(letters.map(|(at, c)| (c.to_ascii_lowercase(), readings(c, at == 0))).collect())
    }

    /// What lists are ordered by: the first reading of each character, then the characters.
    #[must_use]
    pub fn sort_key(&self) -> String {
        let mut key = String::new();
        for (c, readings) in &self.0 {
            match readings.first() {
                Some(reading) => key.push_str(reading),
                None => key.push(*c),
            }
            key.push(' ');
        }
        key.extend(self.0.iter().map(|(c, _)| *c));
        key
    }

    /// The first letters, as typed on a keyboard (`zgq`).
    #[must_use]
    pub fn initials(&self) -> String {
        self.0
            .iter()
            .map(|(c, readings)| readings.first().and_then(|reading| reading.chars().next()).unwrap_or(*c))
            .collect()
    }

    /// Whether a typed text, without spaces and in lower case, reads some part of the name from a character on.
    fn reads(&self, typed: &[char]) -> bool {
        (0..self.0.len()).any(|start| reads_from(&self.0[start..], typed))
    }
}

fn readings(c: char, first: bool) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    if first && let Some((_, surname)) = SURNAMES.iter().find(|(surname, _)| *surname == c) {
        found.extend_from_slice(surname);
    }
    for reading in readings::of(c) {
        if !found.contains(&reading) {
            found.push(reading);
        }
    }
    found
}

/// Matches typed letters against characters: each character takes itself, or one or more first letters of a reading.
fn reads_from(name: &[(char, Vec<&'static str>)], typed: &[char]) -> bool {
    let Some(letter) = typed.first() else { return true };
    let Some(((c, readings), rest)) = name.split_first() else { return false };
    if c == letter && reads_from(rest, &typed[1..]) {
        return true;
    }
    readings.iter().any(|reading| {
        let common = reading.chars().zip(typed).take_while(|(own, typed)| same_letter(*own, **typed)).count();
        (1..=common).rev().any(|taken| reads_from(rest, &typed[taken..]))
    })
}

/// `ü` may be typed as `v` or `u`.
fn same_letter(own: char, typed: char) -> bool {
    own == typed || own == 'ü' && matches!(typed, 'v' | 'u')
}

/// A typed text, made ready.
#[derive(Clone, Debug)]
pub struct Query {
    typed: Vec<char>,
    digits: Option<String>,
}

impl Query {
    /// Reads what was typed; spaces do not count.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let typed: Vec<char> =
            text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
        let number = typed.len() >= 2
            && typed
                .iter()
                .enumerate()
                .all(|(at, c)| c.is_ascii_digit() || *c == 'x' && at + 1 == typed.len());
        let digits = number.then(|| typed.iter().collect::<String>().to_ascii_uppercase());
        Self { typed, digits }
    }

    /// Whether it finds a person.
    #[must_use]
    pub fn finds(&self, entry: &PersonEntry) -> bool {
        if self.typed.is_empty() {
            return true;
        }
        let Some(person) = entry.row.person() else { return false };
        match &self.digits {
            // Four digits are the end of a number; a masked ID number shows its last four.
            Some(digits) => {
                let in_phone = person.phones.iter().any(|(number, _)| {
                    if digits.len() <= 4 {
                        number.ends_with(digits)
                    } else {
                        number.replace('-', "").contains(digits)
                    }
                });
                let tail = digits.get(digits.len().saturating_sub(4)..).unwrap_or(digits);
                in_phone
                    || person.id_masked.as_deref().is_some_and(|id| id.ends_with(tail) && digits.len() >= 4)
            }
            None => entry.key.reads(&self.typed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(name: &str, text: &str) -> bool {
        NameKey::of(name).reads(&Query::of(text).typed)
    }

    #[test]
    fn names_are_found_as_people_type() {
        for text in [
            "zhangjianguo",
            "zjg",
            "zhang jg",
            "建国",
            "张建国",
            "zhangj",
            "ZJG",
            "jg",
            "张jg",
            "jianguo",
            "z",
        ] {
            assert!(finds("张建国", text), "{text}");
        }
        for text in ["zgj", "lijg", "guojian", "zhangx"] {
            assert!(!finds("张建国", text), "{text}");
        }
    }

    #[test]
    fn surnames_are_found_by_their_own_reading() {
        for (name, text) in [
            ("单宝玉", "shan"),
            ("解放", "xie"),
            ("曾志永", "zeng"),
            ("查理", "zha"),
            ("仇大海", "qiu"),
            ("盖国良", "gai"),
            ("盖国良", "ge"),
            ("任强", "ren"),
            ("尉迟恭", "yuchi"),
            ("吕梁", "lv"),
            ("吕梁", "lu"),
            ("吕梁", "lü"),
        ] {
            assert!(finds(name, text), "{name} {text}");
        }
    }

    #[test]
    fn rare_characters_do_not_break_the_search() {
        assert!(finds("王𣲗", "王𣲗") && finds("王𣲗", "w") && finds("王𣲗", "𣲗"));
        assert!(finds("买买提·艾力", "mmtal"));
    }
}
