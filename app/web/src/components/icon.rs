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
    /// The line, as the `d` of a path.
    fn path(self) -> &'static str {
        match self {
            Self::Back => "M15 5l-7 7 7 7",
            Self::Check => "M5 13l4 4L19 7",
            Self::Info => "M3 12a9 9 0 1 0 18 0a9 9 0 1 0 -18 0zM12 11v6M12 7v.5",
            Self::More => {
                "M3.5 12a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0 -3 0zM10.5 12a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0 -3 0zM17.5 12a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0 -3 0z"
            }
            Self::Office => "M4 20h16M6 20V5h8v15M14 10h4v10M9 9h2M9 13h2",
            Self::Offline => {
                "M3 3l18 18M6.500 9.500a12 12 0 0 1 4-2M14 7.300a12 12 0 0 1 7 3.700M9 14a5 5 0 0 1 5 .3M12 19v.5"
            }
            Self::Pause => "M8 5v14M16 5v14",
            Self::People => {
                "M5.5 8a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0zM3 20c0-4 2.500-6 6-6s6 2 6 6M16 5a3.500 3.500 0 0 1 0 6.500M17.500 14.500c2.300.6 3.500 2.500 3.500 5.500"
            }
            Self::PhoneCall => {
                "M5 4h4l2 5-2.500 1.500a11 11 0 0 0 5 5L15 13l5 2v4a1 1 0 0 1-1 1A15 15 0 0 1 4 5a1 1 0 0 1 1-1z"
            }
            Self::PhoneOnly => {
                "M9 3h6a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-6a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2zM11 18h2"
            }
            Self::Plus => "M12 5v14M5 12h14",
            Self::Remove => "M6 6l12 12M18 6L6 18",
            Self::Search => "M5 11a6 6 0 1 0 12 0a6 6 0 1 0 -12 0zM20 20l-4.500-4.500",
            Self::Sync => "M20 11a8 8 0 0 0-14-4L4 9M4 4v5h5M4 13a8 8 0 0 0 14 4l2-2M20 20v-5h-5",
            Self::Today => {
                "M6 5h12a2 2 0 0 1 2 2v11a2 2 0 0 1 -2 2h-12a2 2 0 0 1 -2 -2v-11a2 2 0 0 1 2 -2zM4 10h16M8 3v4M16 3v4M9 15l2 2 4-4"
            }
            Self::Upload => "M12 19V6M6 11l6-6 6 6",
            Self::Warning => "M12 4L2.500 20h19zM12 10v4M12 17v.5",
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
        >
            <path d=move || icon.get().path()/>
        </svg>
    }
}
