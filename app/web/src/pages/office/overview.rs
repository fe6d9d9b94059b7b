//! Figures by unit: the unit above first, then its villages.
use leptos::prelude::*;
use zoufang_core::record::Timestamp;

use crate::{
    components::{empty::Skeleton, problem::ProblemNotice},
    context::{
        office::{self, UnitFigures},
        use_session,
    },
    i18n::t,
    pages::load::Read,
    platform::clock,
};

/// The table.
#[component]
pub(crate) fn Overview() -> impl IntoView {
    let session = use_session();
    let read: RwSignal<Read<Vec<UnitFigures>>> = RwSignal::new(None);
    let load = move || {
        read.set(None);
        leptos::task::spawn_local(async move {
            let result =
                office::get::<office::Overview>(session, "overview").await.map(|overview| overview.units);
            read.try_set(Some(result));
        });
    };
    load();
    view! {
        <section class="section">
            <div class="section__head">
                <h2>{t::office_units}</h2>
                <button type="button" class="button" on:click=move |_| load()>{t::office_refresh}</button>
            </div>
            {move || read.with(|read| match read {
                None => view! { <Skeleton/> }.into_any(),
                Some(Err(problem)) => {
                    let problem = problem.clone();
                    view! { <ProblemNotice problem=Signal::stored(problem) retry=Callback::new(move |()| load())/> }.into_any()
                }
                Some(Ok(units)) => view! { <Table units=units.clone()/> }.into_any(),
            })}
        </section>
    }
}

#[component]
fn Table(units: Vec<UnitFigures>) -> impl IntoView {
    let sum = |figure: fn(&UnitFigures) -> u64| units.iter().map(figure).sum::<u64>();
    let sums = [
        sum(|unit| unit.people),
        sum(|unit| unit.visits_month),
        sum(|unit| unit.visits),
        sum(|unit| unit.contacts),
    ];
    let line = |unit: UnitFigures| {
        let last = unit.last_received_ms.map(Timestamp);
        let figures = [unit.people, unit.visits_month, unit.visits, unit.contacts];
        view! {
            <tr>
                <th scope="row">{unit.unit_name}</th>
                {figures.map(|figure| view! { <td class="table__figure">{figure}</td> }).collect_view()}
                <td>{move || last.map_or_else(|| t::office_nothing_yet().to_owned(), clock::moment_words)}</td>
            </tr>
        }
    };
    view! {
        <div class="table-place" tabindex="0" role="region" aria-label=t::office_units>
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">{t::office_unit}</th>
                        <th scope="col" class="table__figure">{t::office_people}</th>
                        <th scope="col" class="table__figure">{t::office_visits_month}</th>
                        <th scope="col" class="table__figure">{t::office_visits}</th>
                        <th scope="col" class="table__figure">{t::office_contacts}</th>
                        <th scope="col">{t::office_last}</th>
                    </tr>
                </thead>
                <tbody>{units.into_iter().map(line).collect_view()}</tbody>
                <tfoot>
                    <tr>
                        <th scope="row">{t::office_sum}</th>
                        {sums.map(|sum| view! { <td class="table__figure strong">{sum}</td> }).collect_view()}
                        <td></td>
                    </tr>
                </tfoot>
            </table>
        </div>
    }
}
