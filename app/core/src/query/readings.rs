//! How characters are read: plain pinyin without tones, every reading of each, the usual one first.
//!
//! The table is made by the build script from the pinyin crate's dictionary. Tones and the rarest blocks are left out:
//! nobody types tones into a search, and what every phone loads over a village link must be small.
include!(concat!(env!("OUT_DIR"), "/readings.rs"));

/// For each character of the blocks where its readings begin in `LISTS`: all low bytes, then all high bytes.
static PLACES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/readings.bin"));

/// The readings of a character; none if it is not in the table.
pub(super) fn of(c: char) -> impl Iterator<Item = &'static str> {
    let begin = place(c).unwrap_or(0);
    let list = if begin == 0 { &[] } else { LISTS.get(begin..).unwrap_or(&[]) };
    let length = list.iter().position(|id| id & LAST != 0).map_or(0, |last| last + 1);
    list[..length].iter().filter_map(|id| SYLLABLES.get(usize::from(id & !LAST)).copied())
}

fn place(c: char) -> Option<usize> {
    let mut before = 0;
    for (first, last) in BLOCKS {
        if (first..=last).contains(&c) {
            let at = before + (u32::from(c) - u32::from(first)) as usize;
            let (low, high) = (PLACES.get(at)?, PLACES.get(PLACES.len() / 2 + at)?);
            return Some(usize::from(u16::from_le_bytes([*low, *high])));
        }
        before += (u32::from(last) - u32::from(first)) as usize + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::of;

    fn read(c: char) -> Vec<&'static str> {
        of(c).collect()
    }

    #[test]
    fn characters_have_their_readings_the_usual_first() {
        assert_eq!(read('张'), ["zhang"]);
        assert_eq!(read('国'), ["guo"]);
        assert_eq!(read('吕')[0], "lü");
        assert!(read('单').contains(&"dan") && read('单').contains(&"shan"));
        assert_eq!(read('一'), ["yi"], "the first of the block");
        assert!(!read('㛃').is_empty(), "Extension A");
    }

    #[test]
    fn what_is_no_such_character_has_none() {
        for c in ['a', '·', '\u{4dc0}', '\u{a000}', '𣲗', '\u{33ff}'] {
            assert!(read(c).is_empty(), "{c}");
        }
    }
}
