//! The texts of the app in both languages, and which of them is spoken now.
//!
//! Every text is a function made from `i18n/*.toml` by the build script; it reads the language as a signal, so a view
//! that shows it changes with the language. Words of value lists come from the core.
use std::fmt::Display;

use leptos::prelude::*;
use zoufang_core::record::list::ValueList;

use crate::platform::preference;

/// The functions of all texts.
pub(crate) mod t {
    #![expect(non_upper_case_globals, reason = "they are called as functions")]
    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
}

/// A text without placeholders, as components take it.
pub(crate) type Text = fn() -> &'static str;

/// A language of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Chinese, the first.
    Zh,
    /// English.
    En,
}

impl Language {
    /// The tag for the `lang` attribute.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    fn of_tag(tag: &str) -> Self {
        if tag == "en" { Self::En } else { Self::Zh }
    }
}

thread_local! {
    static LANGUAGE: ArcRwSignal<Language> = ArcRwSignal::new(preference::read(preference::LANGUAGE).map_or(Language::Zh, |tag| Language::of_tag(&tag)));
}

/// The language spoken now; tracked.
pub(crate) fn language() -> Language {
    LANGUAGE.with(ArcRwSignal::get)
}

/// Speaks another language from now on, and on the next start.
pub(crate) fn set_language(language: Language) {
    preference::write(preference::LANGUAGE, Some(language.tag()));
    LANGUAGE.with(|signal| signal.set(language));
}

/// The words of a list's value.
pub(crate) fn label<T: ValueList>(value: T) -> &'static str {
    pick(value.zh(), value.en())
}

/// The words of several values, with the separator of the language.
pub(crate) fn labels<'a, T: ValueList>(values: impl IntoIterator<Item = &'a T>) -> String {
    let words: Vec<&str> = values.into_iter().map(|value| label(*value)).collect();
    words.join(pick("、", ", "))
}

fn pick(chinese: &'static str, english: &'static str) -> &'static str {
    match language() {
        Language::Zh => chinese,
        Language::En => english,
    }
}

fn fill(text: &str, values: &[(&str, &dyn Display)]) -> String {
    values
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), &value.to_string()))
}
