//! The questions of a visit, big choices before typing, and those that only a Party-member contact has.
use leptos::prelude::*;
use zoufang_core::{
    document::shape::{FACTS_CHARS_MAX, LINE_CHARS_MAX, TOLD_CHARS_MAX, TOOK_PART_CHARS_MAX},
    record::{
        Kind,
        list::{NeedTopic, VisitReason},
    },
};

use super::model::{VisitForm, some_text};
use crate::{
    components::{
        choice::{ChoiceMany, ChoiceOne, toggle},
        date_field::DateField,
        error_summary::Fault,
        text_area::TextArea,
        text_field::TextField,
    },
    i18n::t,
    pages::person_edit::fault_of,
};

/// The longest wishes, in characters.
const WISHES_CHARS_MAX: usize = 300;

/// Day, channel, result, reasons, needs, facts, what was told.
#[component]
pub(crate) fn VisitQuestions(
    /// The form.
    form: RwSignal<VisitForm>,
    /// What is wrong.
    #[prop(into)]
    faults: Signal<Vec<Fault>>,
) -> impl IntoView {
    let visit = move |read: fn(&zoufang_core::record::Visit) -> Option<String>| {
        Signal::derive(move || form.with(|form| read(&form.contact.visit)).unwrap_or_default())
    };
    let is_visit = form.with_untracked(|form| form.kind == Kind::Visit);
    view! {
        <DateField
            id="happened_on"
            label=t::field_happened_on
            value=Signal::derive(move || form.with(|form| form.contact.visit.happened_on))
            on_pick=move |day| form.update(|form| form.contact.visit.happened_on = day)
            error=fault_of(faults, "happened_on")
        />
        <Show when=move || form.with(VisitForm::is_late)>
            <TextField
                id="late_reason"
                label=t::field_late_reason
                chars_max=LINE_CHARS_MAX
                value=visit(|visit| visit.late_reason.clone())
                on_input=move |text| form.update(|form| form.contact.visit.late_reason = some_text(text))
                error=fault_of(faults, "late_reason")
            />
        </Show>
        <ChoiceOne
            id="channel"
            label=t::field_channel
            value=Signal::derive(move || form.with(|form| form.contact.visit.channel))
            on_pick=move |channel| form.update(|form| form.contact.visit.channel = Some(channel))
            error=fault_of(faults, "channel")
        />
        <ChoiceOne
            id="result"
            label=t::field_result
            value=Signal::derive(move || form.with(|form| form.contact.visit.result))
            on_pick=move |result| form.update(|form| form.contact.visit.result = Some(result))
            error=fault_of(faults, "result")
        />
        {is_visit.then(|| view! {
            <ChoiceMany
                id="reasons"
                label=t::field_reasons
                value=Signal::derive(move || form.with(|form| form.contact.visit.reasons.clone()))
                on_toggle=move |reason: VisitReason| form.update(|form| toggle(&mut form.contact.visit.reasons, reason))
                error=fault_of(faults, "reasons")
            />
        })}
        <ChoiceMany
            id="needs"
            label=t::field_needs
            value=Signal::derive(move || form.with(|form| form.contact.visit.needs.clone()))
            on_toggle=move |need: NeedTopic| form.update(|form| toggle(&mut form.contact.visit.needs, need))
            optional=true
        />
        <TextArea
            id="facts"
            label=t::field_facts
            hint=t::visit_facts_hint
            chars_max=FACTS_CHARS_MAX
            value=visit(|visit| visit.facts.clone())
            on_input=move |text| form.update(|form| form.contact.visit.facts = some_text(text))
            error=fault_of(faults, "facts")
            optional=Signal::derive(move || form.with(|form| form.contact.visit.needs.is_empty()))
        />
        <TextArea
            id="told_person"
            label=t::field_told
            hint=t::visit_told_hint
            chars_max=TOLD_CHARS_MAX
            value=visit(|visit| visit.told_person.clone())
            on_input=move |text| form.update(|form| form.contact.visit.told_person = some_text(text))
            error=fault_of(faults, "told_person")
            optional=Signal::stored(true)
        />
    }
}

/// Topic, where the member lately took part, wishes.
#[component]
pub(crate) fn ContactQuestions(
    /// The form.
    form: RwSignal<VisitForm>,
    /// What is wrong.
    #[prop(into)]
    faults: Signal<Vec<Fault>>,
) -> impl IntoView {
    view! {
        <ChoiceOne
            id="topic"
            label=t::field_topic
            value=Signal::derive(move || form.with(|form| form.contact.topic))
            on_pick=move |topic| form.update(|form| form.contact.topic = Some(topic))
            error=fault_of(faults, "topic")
        />
        <TextField
            id="took_part_where"
            label=t::field_took_part
            chars_max=TOOK_PART_CHARS_MAX
            hint=t::contact_took_part_hint
            value=Signal::derive(move || form.with(|form| form.contact.took_part_where.clone().unwrap_or_default()))
            on_input=move |text| form.update(|form| form.contact.took_part_where = some_text(text))
            optional=true
        />
        <DateField
            id="took_part_on"
            label=t::field_took_part_on
            value=Signal::derive(move || form.with(|form| form.contact.took_part_on))
            on_pick=move |day| form.update(|form| form.contact.took_part_on = day)
            chips=false
            optional=true
        />
        <TextArea
            id="wishes"
            label=t::field_wishes
            hint=t::contact_wishes_hint
            chars_max=WISHES_CHARS_MAX
            value=Signal::derive(move || form.with(|form| form.contact.wishes.clone().unwrap_or_default()))
            on_input=move |text| form.update(|form| form.contact.wishes = some_text(text))
            optional=Signal::stored(true)
        />
    }
}
