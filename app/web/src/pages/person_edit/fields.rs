//! The fields of a person's file, in four groups.
use leptos::prelude::*;
use zoufang_core::{
    access::{Read, Sensitive, may_write_key},
    document::shape::{LINE_CHARS_MAX, NAME_CHARS_MAX},
    record::{
        Kind,
        list::{Entitlement, GloryPlaque, PreferenceCard},
    },
};

use super::model::{PersonForm, TypedDate, phone_warning};
use crate::{
    components::{
        choice::{ChoiceMany, ChoiceOne, toggle},
        date_field::DateField,
        error_summary::Fault,
        icon::{Glyph, Icon},
        select_field::SelectField,
        sensitive::masked,
        text_field::{FieldFault, TextField},
    },
    context::{readings::Reader, use_session},
    i18n::{Text, t},
    platform::clock,
};

/// The fault of one field.
pub(crate) fn fault_of(faults: Signal<Vec<Fault>>, field: &'static str) -> Signal<Option<String>> {
    Signal::derive(move || {
        faults.with(|faults| faults.iter().find(|(at, _)| *at == field).map(|(_, words)| words.clone()))
    })
}

/// A date of which a part may lack.
#[component]
fn PartialDateField(
    form: RwSignal<PersonForm>,
    faults: Signal<Vec<Fault>>,
    date: TypedDate,
    label: Text,
) -> impl IntoView {
    view! {
        <TextField
            id=date.field()
            label=label
            hint=t::person_date_hint
            value=Signal::derive(move || form.with(|form| form.date_text(date)))
            on_input=move |text| form.update(|form| form.type_date(date, text))
            error=fault_of(faults, date.field())
            optional=true
            short=true
        />
    }
}

/// Name, kind, sex, birth, ID number.
#[component]
pub(crate) fn BasicFields(
    /// The form.
    form: RwSignal<PersonForm>,
    /// What is wrong.
    faults: Signal<Vec<Fault>>,
) -> impl IntoView {
    let in_file = form.with_untracked(|form| form.person.id_number.clone());
    let reads = Reader::now().right(Sensitive::IdNumber) != Read::Hidden;
    let in_file = in_file.filter(|_| reads).map(|number| masked(Sensitive::IdNumber, &number));
    view! {
        <TextField
            id="name"
            label=t::field_name
            chars_max=NAME_CHARS_MAX
            value=Signal::derive(move || form.with(|form| form.person.name.clone()))
            on_input=move |text| form.update(|form| form.person.name = text)
            error=fault_of(faults, "name")
        />
        <ChoiceOne
            id="kind"
            label=t::field_kind
            value=Signal::derive(move || form.with(|form| form.person.kind))
            on_pick=move |kind| form.update(|form| form.person.kind = Some(kind))
        />
        <ChoiceOne
            id="sex"
            label=t::field_sex
            value=Signal::derive(move || form.with(|form| form.person.sex))
            on_pick=move |sex| form.update(|form| form.person.sex = Some(sex))
        />
        <PartialDateField form=form faults=faults date=TypedDate::Birth label=t::field_birth/>
        <div class="stack stack--close">
            <TextField
                id="id_number"
                label=t::field_id_number
                hint=t::person_id_hint
                value=Signal::derive(move || form.with(|form| form.id_typed.clone()))
                on_input=move |text| form.update(|form| form.id_typed = text)
                error=fault_of(faults, "id_number")
                warning=Signal::derive(move || form.with(PersonForm::id_warning))
                optional=true
            />
            {in_file.map(|masked| view! { <p class="small muted figures">{move || t::person_id_in_file(&masked)}</p> })}
        </div>
    }
}

/// Phones: number and whose it is.
#[component]
pub(crate) fn PhoneFields(
    /// The form.
    form: RwSignal<PersonForm>,
    /// What is wrong.
    faults: Signal<Vec<Fault>>,
) -> impl IntoView {
    let ids = Memo::new(move |_| form.with(|form| form.person.phones.keys().cloned().collect::<Vec<_>>()));
    view! {
        <fieldset class="field" id="phones">
            <legend class="field__label">{t::field_phone}</legend>
            <FieldFault error=fault_of(faults, "phones")/>
            <div class="stack">
                <For each=move || ids.get() key=Clone::clone children=move |id| view! { <PhoneField form=form id=id/> }/>
                <button type="button" class="button" on:click=move |_| form.update(PersonForm::add_phone)>
                    <Glyph icon=Icon::Plus/>
                    {t::person_add_phone}
                </button>
            </div>
        </fieldset>
    }
}

#[component]
fn PhoneField(form: RwSignal<PersonForm>, id: String) -> impl IntoView {
    let id = StoredValue::new(id);
    let phone = Signal::derive(move || {
        form.with(|form| id.with_value(|id| form.person.phones.get(id).cloned())).unwrap_or_default()
    });
    let change = move |change: &dyn Fn(&mut zoufang_core::record::Phone)| {
        form.update(|form| {
            if let Some(phone) = id.with_value(|id| form.person.phones.get_mut(id)) {
                change(phone);
            }
        });
    };
    let remove = move |_| {
        form.update(|form| {
            id.with_value(|id| form.person.phones.remove(id));
        });
    };
    let typed = Signal::derive(move || {
        form.with(|form| id.with_value(|id| form.phones_typed.get(id).cloned())).unwrap_or_default()
    });
    let in_file = form.with_untracked(|form| id.with_value(|id| form.is_in_file(id)));
    let number = if in_file {
        view! {
            <p class="strong figures">{move || masked(Sensitive::Phone, &phone.get().number)}</p>
            <TextField
                id=id.with_value(|id| format!("phone-{id}"))
                label=t::person_phone_new
                hint=t::person_phone_hint
                kind="tel"
                keyboard="tel"
                value=typed
                on_input=move |text: String| form.update(|form| id.with_value(|id| form.type_phone(id, text)))
                warning=Signal::derive(move || phone_warning(&typed.get()))
                optional=true
            />
        }
        .into_any()
    } else {
        view! {
            <TextField
                id=id.with_value(|id| format!("phone-{id}"))
                label=t::person_phone_number
                kind="tel"
                keyboard="tel"
                value=Signal::derive(move || phone.get().number)
                on_input=move |text: String| change(&|phone| phone.number.clone_from(&text))
                warning=Signal::derive(move || phone_warning(&phone.get().number))
            />
        }
        .into_any()
    };
    view! {
        <div class="card">
            {number}
            <div class="form__phone">
                <SelectField
                    id=id.with_value(|id| format!("owner-{id}"))
                    label=t::field_phone_owner
                    value=Signal::derive(move || phone.get().owner)
                    on_pick=move |owner| change(&|phone| phone.owner = owner)
                />
                <button type="button" class="button button--problem" on:click=remove>{t::action_remove}</button>
            </div>
        </div>
    }
}

/// Address, residence, wish.
#[component]
pub(crate) fn AddressFields(
    /// The form.
    form: RwSignal<PersonForm>,
) -> impl IntoView {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    view! {
        <TextField
            id="address"
            label=t::field_address
            chars_max=LINE_CHARS_MAX
            value=Signal::derive(move || form.with(|form| form.person.address.clone().unwrap_or_default()))
            on_input=move |text| form.update(|form| form.person.address = some(text))
            optional=true
        />
        <ChoiceOne
            id="residence"
            label=t::field_residence
            value=Signal::derive(move || form.with(|form| form.person.residence))
            on_pick=move |residence| form.update(|form| form.person.residence = Some(residence))
            optional=true
        />
        <TextField
            id="away_place"
            label=t::field_away_place
            chars_max=NAME_CHARS_MAX
            hint=t::person_away_hint
            value=Signal::derive(move || form.with(|form| form.person.away_place.clone().unwrap_or_default()))
            on_input=move |text| form.update(|form| form.person.away_place = some(text))
            optional=true
        />
        <ChoiceOne
            id="contact_wish"
            label=t::field_contact_wish
            value=Signal::derive(move || form.with(|form| form.person.contact_wish))
            on_pick=move |wish| {
                form.update(|form| {
                    form.person.contact_wish = Some(wish);
                    form.person.contact_wish_on = Some(clock::today());
                });
            }
            optional=true
        />
    }
}

/// What the township establishes, where the role may write it, and service; seldom changed in the field.
#[component]
pub(crate) fn ServiceFields(
    /// The form.
    form: RwSignal<PersonForm>,
    /// What is wrong.
    faults: Signal<Vec<Fault>>,
) -> impl IntoView {
    let role = use_session().user().with_untracked(|user| user.as_ref().map(|user| user.role));
    let may_write = move |key: &str| role.is_some_and(|role| may_write_key(role, Kind::Person, key));
    view! {
        <Show when=move || may_write("entitlement/")>
            <ChoiceMany
                id="entitlements"
                label=t::field_entitlements
                value=Signal::derive(move || form.with(|form| form.person.entitlements.clone()))
                on_toggle=move |entitlement: Entitlement| form.update(|form| toggle(&mut form.person.entitlements, entitlement))
                optional=true
            />
        </Show>
        <PartialDateField form=form faults=faults date=TypedDate::Enlisted label=t::field_enlisted/>
        <PartialDateField form=form faults=faults date=TypedDate::Discharged label=t::field_discharged/>
        <SelectField
            id="service_class"
            label=t::field_service_class
            value=Signal::derive(move || form.with(|form| form.person.service_class))
            on_pick=move |class| form.update(|form| form.person.service_class = class)
        />
        <SelectField
            id="service_branch"
            label=t::field_service_branch
            value=Signal::derive(move || form.with(|form| form.person.service_branch))
            on_pick=move |branch| form.update(|form| form.person.service_branch = branch)
        />
        <SelectField
            id="settlement"
            label=t::field_settlement
            value=Signal::derive(move || form.with(|form| form.person.settlement))
            on_pick=move |settlement| form.update(|form| form.person.settlement = settlement)
        />
    }
}

/// Plaque, card and the privacy notice: what the household was given, and when.
#[component]
pub(crate) fn GivenFields(
    /// The form.
    form: RwSignal<PersonForm>,
) -> impl IntoView {
    view! {
        <SelectField
            id="preference_card"
            label=t::field_card
            value=Signal::derive(move || form.with(|form| form.person.preference_card))
            on_pick=move |card| form.update(|form| form.person.preference_card = card)
        />
        <Show when=move || form.with(|form| form.person.preference_card.is_some_and(|card| card != PreferenceCard::NotApplied))>
            <DateField
                id="preference_card_on"
                label=t::field_card_on
                value=Signal::derive(move || form.with(|form| form.person.preference_card_on))
                on_pick=move |day| form.update(|form| form.person.preference_card_on = day)
                optional=true
            />
        </Show>
        <SelectField
            id="glory_plaque"
            label=t::field_plaque
            value=Signal::derive(move || form.with(|form| form.person.glory_plaque))
            on_pick=move |plaque| form.update(|form| form.person.glory_plaque = plaque)
        />
        <Show when=move || form.with(|form| form.person.glory_plaque == Some(GloryPlaque::Hung))>
            <DateField
                id="glory_plaque_on"
                label=t::field_plaque_on
                value=Signal::derive(move || form.with(|form| form.person.glory_plaque_on))
                on_pick=move |day| form.update(|form| form.person.glory_plaque_on = day)
                optional=true
            />
        </Show>
        <DateField
            id="notice_given"
            label=t::field_notice_given
            value=Signal::derive(move || form.with(|form| form.person.notice_given))
            on_pick=move |day| form.update(|form| form.person.notice_given = day)
            optional=true
        />
    }
}
