//! The citizen's identity number (GB 11643-1999): what it says, what looks wrong with it, how it is shown.
//!
//! A number is never refused: old cards carry area codes that no longer exist, and ledgers hold typing errors that only
//! the person can correct. What looks wrong is a warning.
use super::{Date, list::Sex};

/// The most characters of a number that a record takes.
pub const CHARS_MAX: usize = 18;

/// Something that looks wrong with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdWarning {
    /// Not 18 characters.
    Length,
    /// An old number of 15 digits; such cards are void since 2013-01-01.
    Fifteen,
    /// Something else than 17 digits and a digit or X.
    Characters,
    /// The last character does not fit the 17 before it.
    CheckDigit,
    /// Digits 7 to 14 are no day of the calendar.
    BirthDate,
    /// The birth date differs from the one in the file.
    BirthDiffers,
    /// The sex differs from the one in the file.
    SexDiffers,
    /// A number cell of a spreadsheet has lost the last three digits.
    LostDigits,
}

/// Cleans a typed number: full-width digits, spaces, and `x` for `X`.
#[must_use]
pub fn normalise(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '０'..='９' => char::from_digit(c as u32 - '０' as u32, 10).unwrap_or(c),
            'x' | 'ｘ' | 'Ｘ' => 'X',
            _ => c,
        })
        .collect()
}

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// The check character of 17 digits; `None` if they are not digits.
///
/// Source: GB 11643-1999, section 6.1 (ISO 7064 MOD 11-2).
#[must_use]
pub fn check_character(digits: &str) -> Option<char> {
    let digits: Vec<u32> = digits.chars().map(|c| c.to_digit(10)).collect::<Option<_>>()?;
    if digits.len() != 17 {
        return None;
    }
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    "10X98765432".chars().nth((sum % 11) as usize)
}

/// The birth date in a number of 18 characters.
#[must_use]
pub fn birth(number: &str) -> Option<Date> {
    let part = |range: std::ops::Range<usize>| number.get(range)?.parse().ok();
    if number.len() != 18 {
        return None;
    }
    Date::from_ymd(part(6..10)?, u8::try_from(part(10..12)?).ok()?, u8::try_from(part(12..14)?).ok()?)
}

/// The sex in a number of 18 characters: the 17th digit is odd for men.
#[must_use]
pub fn sex(number: &str) -> Option<Sex> {
    let digit = (number.len() == 18).then(|| number.chars().nth(16)?.to_digit(10))??;
    Some(if digit % 2 == 1 { Sex::Male } else { Sex::Female })
}

/// What looks wrong with a number, given what the file says of birth and sex. Area codes are not judged.
#[must_use]
pub fn warnings(
    number: &str,
    file_birth: Option<super::PartialDate>,
    file_sex: Option<Sex>,
) -> Vec<IdWarning> {
    let length = number.chars().count();
    if length == 15 && number.bytes().all(|b| b.is_ascii_digit()) {
        return vec![IdWarning::Fifteen];
    }
    if length != 18 {
        return vec![IdWarning::Length];
    }
    let (body, check) = number.split_at(number.char_indices().nth(17).map_or(0, |(at, _)| at));
    let mut found = Vec::new();
    match check_character(body) {
        None => return vec![IdWarning::Characters],
        Some(right) if !check.starts_with(right) => {
            found.push(if number.ends_with("000") { IdWarning::LostDigits } else { IdWarning::CheckDigit });
        }
        Some(_) => {}
    }
    match (birth(number), file_birth) {
        (None, _) => found.push(IdWarning::BirthDate),
        (Some(day), Some(file)) if !day.to_string().starts_with(&file.to_string()) => {
            found.push(IdWarning::BirthDiffers)
        }
        (Some(_), _) => {}
    }
    if file_sex.is_some_and(|file| sex(number).is_some_and(|own| own != file)) {
        found.push(IdWarning::SexDiffers);
    }
    found
}

/// A number as it is shown: the first six and the last four characters (`291319********123X`).
#[must_use]
pub fn masked(number: &str) -> String {
    let chars: Vec<char> = number.chars().collect();
    if chars.len() <= 10 {
        return "*".repeat(chars.len());
    }
    let last = chars.len() - 4;
    chars.iter().enumerate().map(|(at, c)| if (6..last).contains(&at) { '*' } else { *c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "29131919700420061X";

    #[test]
    fn a_right_number_has_no_warning() {
        assert_eq!(warnings(GOOD, "1970-04-20".parse().ok(), Some(Sex::Male)), []);
        assert_eq!(warnings(GOOD, "1970-04".parse().ok(), None), []);
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(warnings("291319197004200611", None, None), [IdWarning::CheckDigit]);
        assert_eq!(warnings("291319197004200000", None, None), [IdWarning::LostDigits]);
        assert_eq!(warnings("291319700420061", None, None), [IdWarning::Fifteen]);
        assert_eq!(warnings("29131", None, None), [IdWarning::Length]);
        assert_eq!(warnings("２９131919700420061X", None, None), [IdWarning::Characters]);
        assert_eq!(
            warnings(GOOD, "1971".parse().ok(), Some(Sex::Female)),
            [IdWarning::BirthDiffers, IdWarning::SexDiffers]
        );
    }

    #[test]
    fn the_birth_date_is_hidden_when_shown() {
        assert_eq!(masked(GOOD), "291319********061X");
        assert_eq!(masked("123"), "***");
    }
}
