//! Phone numbers as they are typed and as they are shown.

/// Why a text is not taken as a phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPhone {
    /// Nothing was typed.
    #[error("phone number is empty")]
    Empty,
    /// A letter or a word stands in it.
    #[error("phone number has something else than digits")]
    NotDigits,
    /// Not 7 to 16 digits.
    #[error("phone number has too few or too many digits")]
    Length,
}

/// Cleans a typed number: full-width digits become digits, spaces go, one hyphen after an area code stays, `+86` goes.
///
/// # Errors
/// [`InvalidPhone`] for words, or fewer than 7 or more than 16 digits. A mobile number of a wrong length is a matter for
/// a warning ([`looks_complete`]), not for a refusal.
pub fn parse_phone(typed: &str) -> Result<String, InvalidPhone> {
    let mut number = String::new();
    for c in typed.trim().chars() {
        match c {
            '0'..='9' => number.push(c),
            '０'..='９' => number.extend(char::from_digit(c as u32 - '０' as u32, 10)),
            '-' | '－' | '—' if !number.is_empty() && !number.ends_with('-') => number.push('-'),
            '+' | '＋' if number.is_empty() => number.push('+'),
            c if c.is_whitespace() => {}
            _ => return Err(InvalidPhone::NotDigits),
        }
    }
    let number = number.strip_prefix("+86").unwrap_or(&number).trim_matches('-').trim_start_matches('+');
    match number.bytes().filter(u8::is_ascii_digit).count() {
        0 => Err(InvalidPhone::Empty),
        7..=16 => {
            let mobile = number.starts_with('1') && !number.starts_with("10");
            Ok(if mobile { number.replace('-', "") } else { number.to_owned() })
        }
        _ => Err(InvalidPhone::Length),
    }
}

/// Whether a number has the form of a Chinese mobile (11 digits, 1…) or of a landline (7-8 digits, area code or not).
#[must_use]
pub fn looks_complete(number: &str) -> bool {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    if number.starts_with('1') { digits == 11 } else { matches!(digits, 7 | 8 | 11 | 12) }
}

/// A number with its middle hidden: `154****5678`.
#[must_use]
pub fn masked(number: &str) -> String {
    let chars: Vec<char> = number.chars().collect();
    if chars.len() < 8 {
        return "*".repeat(chars.len());
    }
    let tail: String = chars[chars.len() - 4..].iter().collect();
    let head: String = chars[..3].iter().collect();
    format!("{head}{}{tail}", "*".repeat(chars.len() - 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_numbers_are_cleaned() {
        assert_eq!(parse_phone(" 154 1234 5678 ").as_deref(), Ok("15412345678"));
        assert_eq!(parse_phone("１５４-1234-5678").as_deref(), Ok("15412345678"));
        assert_eq!(parse_phone("0421-0834424").as_deref(), Ok("0421-0834424"));
        assert_eq!(parse_phone("+86 15412345678").as_deref(), Ok("15412345678"));
        assert_eq!(parse_phone("儿子15412345678"), Err(InvalidPhone::NotDigits));
        assert_eq!(parse_phone("12345"), Err(InvalidPhone::Length));
        assert_eq!(parse_phone(" "), Err(InvalidPhone::Empty));
    }

    #[test]
    fn a_short_mobile_is_taken_but_noticed() {
        assert!(parse_phone("1541234567").is_ok_and(|number| !looks_complete(&number)));
        assert!(looks_complete("15412345678") && looks_complete("0421-0834424"));
    }

    #[test]
    fn the_middle_is_hidden() {
        assert_eq!(masked("15412345678"), "154****5678");
        assert_eq!(masked("1234567"), "*******");
    }
}
