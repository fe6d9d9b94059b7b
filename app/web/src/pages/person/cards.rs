//! The cards of a person's page: how to reach them, and the facts of the file.
use leptos::prelude::*;
use zoufang_core::{
    access::Sensitive,
    query::RowBody,
    record::{DocId, Kind, Person},
};

use crate::{
    components::{
        facts::Facts,
        sensitive::{PhoneLine, SensitiveValue},
    },
    context::{use_library, use_session},
    i18n::{Text, label, labels, t},
    platform::clock,
};

/// Phones to call with one tap, and where the person lives.
#[component]
pub(crate) fn ReachCard(
    /// The person's document.
    doc: DocId,
    /// The person.
    person: Person,
) -> impl IntoView {
    let phones: Vec<_> = person.phones.clone().into_iter().collect();
    let none = phones.is_empty();
    let session = use_session();
    let phone = |(id, phone): (String, zoufang_core::record::Phone)| view! { <PhoneLine id=id phone=phone/> };
    let items = Signal::derive(move || {
        let facts: Vec<(Text, Option<String>)> = vec![
            (t::field_address, person.address.clone()),
            (t::field_residence, person.residence.map(|residence| label(residence).to_owned())),
            (t::field_away_place, person.away_place.clone()),
            (t::field_contact_wish, person.contact_wish.map(|wish| label(wish).to_owned())),
        ];
        facts
    });
    view! {
        <section class="card">
            <div class="card__head">
                <h2>{t::person_reach}</h2>
                <Show when=move || session.may_write(Kind::Person)>
                    <a class="button button--quiet" href=format!("/people/{doc}/edit")>{t::action_edit}</a>
                </Show>
            </div>
            {phones.into_iter().map(phone).collect_view()}
            {none.then(|| view! { <p class="muted">{t::person_no_phone}</p> })}
            <Facts items=items/>
        </section>
    }
}

/// The facts of the file, as far as the reader may see them.
#[component]
pub(crate) fn FactsCard(
    /// The person's document.
    doc: DocId,
    /// The person.
    person: Person,
) -> impl IntoView {
    let id_number = person.id_number.clone();
    let items = Signal::derive(move || file_facts(&person));
    let id_line = |number: String| {
        view! {
            <dl class="facts">
                <div class="facts__item">
                    <dt>{t::field_id_number}</dt>
                    <dd><SensitiveValue what=Sensitive::IdNumber key="id_number".to_owned() value=number/></dd>
                </div>
            </dl>
        }
    };
    view! {
        <section class="card">
            <h2>{t::person_file}</h2>
            {id_number.map(id_line)}
            <Facts items=items/>
            <Facts items=party_facts(doc)/>
        </section>
    }
}

fn file_facts(person: &Person) -> Vec<(Text, Option<String>)> {
    vec![
        (t::field_kind, person.kind.map(|kind| label(kind).to_owned())),
        (t::field_entitlements, Some(labels(&person.entitlements))),
        (t::field_entitlements_confirmed, person.entitlements_confirmed_on.map(clock::day_words)),
        (t::field_enlisted, person.enlisted.map(clock::partial_words)),
        (t::field_discharged, person.discharged.map(clock::partial_words)),
        (t::field_service_class, person.service_class.map(|class| label(class).to_owned())),
        (t::field_service_branch, person.service_branch.map(|branch| label(branch).to_owned())),
        (t::field_settlement, person.settlement.map(|settlement| label(settlement).to_owned())),
        (t::field_honors, Some(labels(&person.honors))),
        (t::field_relation, person.relation_to_soldier.map(|relation| label(relation).to_owned())),
        (t::field_soldier_name, person.soldier_name.clone()),
        (t::field_card, person.preference_card.map(|card| label(card).to_owned())),
        (t::field_card_on, person.preference_card_on.map(clock::day_words)),
        (t::field_plaque, person.glory_plaque.map(|plaque| label(plaque).to_owned())),
        (t::field_plaque_on, person.glory_plaque_on.map(clock::day_words)),
        (t::field_notice_given, person.notice_given.map(clock::day_words)),
    ]
}

/// The Party membership, if this phone has one.
fn party_facts(doc: DocId) -> Signal<Vec<(Text, Option<String>)>> {
    let library = use_library();
    Signal::derive(move || {
        let membership = library.index().with(|index| index.membership_of(doc).cloned());
        let Some(RowBody::Party(party)) = membership.map(|row| row.body.clone()) else { return Vec::new() };
        let facts: Vec<(Text, Option<String>)> = vec![
            (t::field_party_status, party.status.map(|status| label(status).to_owned())),
            (t::field_party_floating, party.floating.map(|floating| label(floating).to_owned())),
        ];
        facts
    })
}
