//! A notice: something to know, to mind, or that went wrong.
use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// How weighty a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// To know.
    Info,
    /// It went well.
    Good,
    /// To mind.
    Warn,
    /// It went wrong.
    Problem,
}

impl Weight {
    fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Problem => "problem",
        }
    }

    fn icon(self) -> Icon {
        match self {
            Self::Info => Icon::Info,
            Self::Good => Icon::Check,
            Self::Warn | Self::Problem => Icon::Warning,
        }
    }
}

/// A title and what belongs under it.
#[component]
pub(crate) fn Notice(
    /// How weighty.
    weight: Weight,
    /// The title.
    #[prop(into)]
    title: Signal<String>,
    /// What belongs under it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let role = (weight == Weight::Problem).then_some("alert");
    view! {
        <div class="notice" data-kind=weight.name() role=role>
            <Glyph icon=weight.icon()/>
            <div class="notice__body">
                <p class="notice__title">{title}</p>
                {children.map(|children| children())}
            </div>
        </div>
    }
}
