//! Names of people: normalising what was typed, and counting characters as people do.

/// Why a name is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing was typed.
    #[error("name is empty")]
    Empty,
    /// More than [`NAME_CHARS_MAX`] characters.
    #[error("name is too long")]
    TooLong,
    /// A control character or a digit.
    #[error("name has a character that no name has")]
    NotAName,
}

/// The longest name taken, in characters (not bytes: a rare character has four).
pub const NAME_CHARS_MAX: usize = 40;

/// Cleans a typed name: outer and, between Chinese characters, inner spaces go (`张　伟` -> `张伟`), the many dots used in
/// transcribed names become `·`. Characters outside the basic plane are kept as they are.
///
/// # Errors
/// [`InvalidName`] if nothing is left, or it is no name.
pub fn parse_name(typed: &str) -> Result<String, InvalidName> {
    let dotted: String =
        typed.chars().map(|c| if matches!(c, '•' | '・' | '‧' | '．' | '∙') { '·' } else { c }).collect();
    let words: Vec<&str> = dotted.split_whitespace().collect();
    let latin = words.iter().all(|word| word.is_ascii());
    let name = words.join(if latin { " " } else { "" });
    if name.is_empty() {
        return Err(InvalidName::Empty);
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(InvalidName::TooLong);
    }
    if name.chars().any(|c| c.is_control() || c.is_numeric() && !('\u{3007}'..='\u{3007}').contains(&c)) {
        return Err(InvalidName::NotAName);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padded_and_rare_names_are_understood() {
        assert_eq!(parse_name(" 张　伟 ").as_deref(), Ok("张伟"));
        assert_eq!(parse_name("买买提•艾力").as_deref(), Ok("买买提·艾力"));
        assert_eq!(parse_name("𣲗䶮㛃𬭎").as_deref(), Ok("𣲗䶮㛃𬭎"));
        assert_eq!(parse_name("John  Smith").as_deref(), Ok("John Smith"));
        assert_eq!(parse_name("李〇").as_deref(), Ok("李〇"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        assert_eq!(parse_name(" 　"), Err(InvalidName::Empty));
        assert_eq!(parse_name("张3"), Err(InvalidName::NotAName));
        assert_eq!(parse_name(&"𣲗".repeat(NAME_CHARS_MAX)).map(|n| n.chars().count()), Ok(NAME_CHARS_MAX));
        assert_eq!(parse_name(&"𣲗".repeat(NAME_CHARS_MAX + 1)), Err(InvalidName::TooLong));
    }
}
