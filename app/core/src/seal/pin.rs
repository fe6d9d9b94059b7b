//! What a person types to open the app: six digits, or a passphrase of eight characters and more.
use zeroize::{Zeroize, ZeroizeOnDrop};

const DIGITS: usize = 6;
const PASSPHRASE_MIN: usize = 8;
const PASSPHRASE_MAX: usize = 128;
/// Six digits that many people take and that are no run or pattern.
const COMMON: &[&str] =
    &["520131", "131452", "520520", "147258", "258369", "159357", "112358", "888666", "666888"];

/// A PIN that may be taken, or one that is tried.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin(String);

/// Why a PIN may not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPin {
    /// Neither six digits nor a passphrase.
    #[error("not six digits, and not eight characters or more")]
    Length,
    /// A run, a pattern, or one of those that everybody takes.
    #[error("easy to guess")]
    Common,
    /// The birthday of somebody in the file.
    #[error("somebody's birthday")]
    Birthday,
}

impl Pin {
    /// A PIN that somebody wants to take. `birthdays` are dates of people in the file, each as digits of year, month and day.
    ///
    /// # Errors
    /// When it would be guessed in a few tries, or is too short.
    pub fn choose<'a>(text: &str, birthdays: impl IntoIterator<Item = &'a str>) -> Result<Self, WeakPin> {
        let length = text.chars().count();
        let is_pin = length == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_pin && !(PASSPHRASE_MIN..=PASSPHRASE_MAX).contains(&length) {
            return Err(WeakPin::Length);
        }
        if is_run(text) || is_repeated(text) || COMMON.contains(&text) {
            return Err(WeakPin::Common);
        }
        // 19650812 is taken as it is, as 650812 and as 081265.
        let is_of = |date: &str| {
            let turned = || format!("{}{}", &date[4..], &date[2..4]);
            date.len() == 8 && date.is_ascii() && (text == date || text == &date[2..] || text == turned())
        };
        if birthdays.into_iter().any(is_of) {
            return Err(WeakPin::Birthday);
        }
        Ok(Self(text.to_owned()))
    }

    /// What was typed at the lock.
    #[must_use]
    pub fn tried(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, to be stretched elsewhere.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Whether each character is the one after, or before, the one in front of it: 123456, 987654, abcdefgh, also 890123.
fn is_run(text: &str) -> bool {
    let code = |byte: u8| if byte.is_ascii_digit() { byte - b'0' } else { byte };
    let steps = |by: u8| {
        text.as_bytes().windows(2).all(|two| {
            let next = code(two[0]).wrapping_add(by);
            let next = if two[0].is_ascii_digit() { next.wrapping_add(10) % 10 } else { next };
            code(two[1]) == next
        })
    };
    steps(1) || steps(if text.bytes().all(|byte| byte.is_ascii_digit()) { 9 } else { u8::MAX })
}

/// Whether it is a shorter text, of at most three characters, again and again: 111111, 121212, 123123.
fn is_repeated(text: &str) -> bool {
    let text = text.as_bytes();
    (1..=3).any(|length| text.chunks(length).all(|chunk| text.starts_with(chunk)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weakness(text: &str) -> Option<WeakPin> {
        Pin::choose(text, ["19650812", "1965", ""]).err()
    }

    #[test]
    fn what_is_guessed_first_is_not_taken() {
        for pin in [
            "123456", "654321", "890123", "321098", "000000", "121212", "123123", "520131", "abcdefgh",
            "aaaaaaaa",
        ] {
            assert_eq!(weakness(pin), Some(WeakPin::Common), "{pin}");
        }
        for pin in ["650812", "081265", "19650812"] {
            assert_eq!(weakness(pin), Some(WeakPin::Birthday), "{pin}");
        }
    }

    #[test]
    fn six_digits_or_a_passphrase() {
        for pin in ["", "12345", "1234567", "12a456", "七个字的口令啊"] {
            assert_eq!(weakness(pin), Some(WeakPin::Length), "{pin}");
        }
        for pin in ["280419", "917364", "八个汉字的口令吧", "correct horse", "73920184"] {
            assert_eq!(weakness(pin), None, "{pin}");
        }
        assert_eq!(weakness(&"长".repeat(PASSPHRASE_MAX + 1)), Some(WeakPin::Length));
    }
}
