//! Bytes as text, as JSON carries them.

/// The bytes as base64.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    // The browser reads each byte as the character of that number.
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    gloo::utils::window().btoa(&text).unwrap_or_default()
}

/// The bytes of a base64 text.
pub(crate) fn of_base64(text: &str) -> Option<Vec<u8>> {
    let text = gloo::utils::window().atob(text).ok()?;
    text.chars().map(|byte| u8::try_from(byte).ok()).collect()
}
