//! Where one record is: only on this phone, on its way, confirmed by the server, or refused.
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::{context::library::RecordState, i18n::t};

/// The state in a word with an icon.
#[component]
pub(crate) fn RecordStateBadge(
    /// Where the record is.
    #[prop(into)]
    state: Signal<RecordState>,
) -> impl IntoView {
    let parts = move || match state.get() {
        RecordState::OnlyHere => ("only-here", Icon::PhoneOnly, t::record_only_here()),
        RecordState::Sending => ("sending", Icon::Sync, t::record_sending()),
        RecordState::Delivered => ("delivered", Icon::Check, t::record_delivered()),
        RecordState::Refused(_) => ("refused", Icon::Warning, t::record_refused()),
    };
    view! {
        <span class="record-state" data-state=move || parts().0>
            <Glyph icon=Signal::derive(move || parts().1) small=true/>
            {move || parts().2}
        </span>
    }
}
