//! Line icons, drawn for this project on a 24 x 24 grid. They stand beside words, never instead of them.
use leptos::prelude::*;

/// The icons that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Back,
    Check,
    Info,
    More,
    Office,
    Offline,
    Pause,
    People,
    PhoneCall,
    PhoneOnly,
    Plus,
    Remove,
    Search,
    Sync,
    Today,
    Upload,
    Warning,
}

impl Icon {
    fn paths(self) -> &'static str {
        match self {
            Self::Back => r#"<path d="M15 5l-7 7 7 7"/>"#,
            Self::Check => r#"<path d="M5 13l4 4L19 7"/>"#,
            Self::Info => r#"<circle cx="12" cy="12" r="9"/><path d="M12 11v6M12 7v.5"/>"#,
            Self::More => {
                r#"<circle cx="5" cy="12" r="1.5"/><circle cx="12" cy="12" r="1.5"/><circle cx="19" cy="12" r="1.5"/>"#
            }
            Self::Office => r#"<path d="M4 20h16M6 20V5h8v15M14 10h4v10M9 9h2M9 13h2"/>"#,
            Self::Offline => {
                r#"<path d="M3 3l18 18M6.500 9.500a12 12 0 0 1 4-2M14 7.300a12 12 0 0 1 7 3.700M9 14a5 5 0 0 1 5 .3M12 19v.5"/>"#
            }
            Self::Pause => r#"<path d="M8 5v14M16 5v14"/>"#,
            Self::People => {
                r#"<circle cx="9" cy="8" r="3.5"/><path d="M3 20c0-4 2.500-6 6-6s6 2 6 6M16 5a3.500 3.500 0 0 1 0 6.500M17.500 14.500c2.300.6 3.500 2.500 3.500 5.500"/>"#
            }
            Self::PhoneCall => {
                r#"<path d="M5 4h4l2 5-2.500 1.500a11 11 0 0 0 5 5L15 13l5 2v4a1 1 0 0 1-1 1A15 15 0 0 1 4 5a1 1 0 0 1 1-1z"/>"#
            }
            Self::PhoneOnly => r#"<rect x="7" y="3" width="10" height="18" rx="2"/><path d="M11 18h2"/>"#,
            Self::Plus => r#"<path d="M12 5v14M5 12h14"/>"#,
            Self::Remove => r#"<path d="M6 6l12 12M18 6L6 18"/>"#,
            Self::Search => r#"<circle cx="11" cy="11" r="6"/><path d="M20 20l-4.500-4.500"/>"#,
            Self::Sync => {
                r#"<path d="M20 11a8 8 0 0 0-14-4L4 9M4 4v5h5M4 13a8 8 0 0 0 14 4l2-2M20 20v-5h-5"/>"#
            }
            Self::Today => {
                r#"<rect x="4" y="5" width="16" height="15" rx="2"/><path d="M4 10h16M8 3v4M16 3v4M9 15l2 2 4-4"/>"#
            }
            Self::Upload => r#"<path d="M12 19V6M6 11l6-6 6 6"/>"#,
            Self::Warning => r#"<path d="M12 4L2.500 20h19zM12 10v4M12 17v.5"/>"#,
        }
    }
}

/// One icon.
#[component]
pub(crate) fn Glyph(
    /// Which.
    #[prop(into)]
    icon: Signal<Icon>,
    /// Of the height of the text beside it.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    let class = if small { "icon icon--small" } else { "icon" };
    view! {
        <svg
            class=class
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            stroke-width="2"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
            inner_html=move || icon.get().paths()
        ></svg>
    }
}
