//! Recent visits and contacts of the units overseen, a page at a time.
use leptos::prelude::*;
use zoufang_core::record::{
    Date, Timestamp,
    list::{Channel, NeedTopic, PartyContactTopic, ValueList, VisitResult},
};

use crate::{
    components::{
        empty::{Empty, Skeleton},
        icon::Icon,
        problem::ProblemNotice,
    },
    context::{
        office::{self, Lines, OfficeContact, OfficeVisit, Visited},
        problem::Problem,
        use_session,
    },
    i18n::{Text, label, t},
    platform::clock,
};

/// Lines asked for at a time.
const LINES: usize = 50;

/// What a line of either table shows.
#[derive(Clone, PartialEq, Eq)]
struct Line {
    id: String,
    day: String,
    unit: String,
    people: Vec<Visited>,
    codes: Vec<Code>,
    by: String,
    received_at: Timestamp,
}

/// A value of a list, shown in the language spoken now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Code {
    Channel(Channel),
    Result(VisitResult),
    Need(NeedTopic),
    Topic(PartyContactTopic),
}

impl Code {
    fn words(self) -> &'static str {
        match self {
            Self::Channel(value) => label(value),
            Self::Result(value) => label(value),
            Self::Need(value) => label(value),
            Self::Topic(value) => label(value),
        }
    }
}

fn code<T: ValueList>(code: Option<&str>, of: fn(T) -> Code) -> Option<Code> {
    code.and_then(T::of_code).map(of)
}

impl From<OfficeVisit> for Line {
    fn from(visit: OfficeVisit) -> Self {
        let first =
            [code(visit.channel.as_deref(), Code::Channel), code(visit.result.as_deref(), Code::Result)];
        let needs = visit.needs.iter().map(|need| code(Some(need), Code::Need));
        let codes = first.into_iter().chain(needs).flatten().collect();
        Self {
            id: visit.id,
            day: visit.happened_on,
            unit: visit.unit_name,
            people: visit.people,
            codes,
            by: visit.by,
            received_at: Timestamp(visit.received_at_ms),
        }
    }
}

impl From<OfficeContact> for Line {
    fn from(contact: OfficeContact) -> Self {
        let codes = [
            code(contact.topic.as_deref(), Code::Topic),
            code(contact.channel.as_deref(), Code::Channel),
            code(contact.result.as_deref(), Code::Result),
        ];
        let (people, codes) = (contact.person.into_iter().collect(), codes.into_iter().flatten().collect());
        Self {
            id: contact.id,
            day: contact.happened_on,
            unit: contact.unit_name,
            people,
            codes,
            by: contact.by,
            received_at: Timestamp(contact.received_at_ms),
        }
    }
}

/// Both tables.
#[component]
pub(crate) fn RecentVisits() -> impl IntoView {
    view! {
        <LinesTable title=t::office_recent_visits path="visits"/>
        <LinesTable title=t::office_recent_contacts path="contacts"/>
    }
}

async fn read_lines(
    session: crate::context::session::SessionCtx,
    path: &str,
    after: Option<&str>,
) -> Result<(Vec<Line>, Option<String>), Problem> {
    let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
    let path_and_query = format!("{path}?limit={LINES}{after}");
    if path == "visits" {
        let lines: Lines<OfficeVisit> = office::get(session, &path_and_query).await?;
        Ok((lines.items.into_iter().map(Line::from).collect(), lines.next))
    } else {
        let lines: Lines<OfficeContact> = office::get(session, &path_and_query).await?;
        Ok((lines.items.into_iter().map(Line::from).collect(), lines.next))
    }
}

/// One table, with a button for the next page.
#[component]
fn LinesTable(title: Text, path: &'static str) -> impl IntoView {
    let session = use_session();
    let lines = RwSignal::new(Vec::<Line>::new());
    let next = RwSignal::new(None::<String>);
    let (busy, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let load = move || {
        busy.set(true);
        problem.set(None);
        let after = next.get_untracked();
        leptos::task::spawn_local(async move {
            match read_lines(session, path, after.as_deref()).await {
                Ok((more, then)) => {
                    lines.try_update(|lines| lines.extend(more));
                    next.try_set(then);
                }
                Err(cause) => {
                    problem.try_set(Some(cause));
                }
            }
            busy.try_set(false);
        });
    };
    load();
    let nothing = move || !busy.get() && problem.with(Option::is_none) && lines.with(Vec::is_empty);
    view! {
        <section class="section">
            <h2>{title}</h2>
            <Show when=move || !lines.with(Vec::is_empty)>
                <div class="table-place" tabindex="0" role="region" aria-label=title>
                    <table class="table">
                        <thead>
                            <tr>
                                <th scope="col">{t::field_happened_on}</th>
                                <th scope="col">{t::office_unit}</th>
                                <th scope="col">{t::field_people}</th>
                                <th scope="col">{t::office_what}</th>
                                <th scope="col">{t::office_by}</th>
                                <th scope="col">{t::office_last}</th>
                            </tr>
                        </thead>
                        <tbody><For each=move || lines.get() key=|line| line.id.clone() children=line_view/></tbody>
                    </table>
                </div>
            </Show>
            <Show when=nothing><Empty icon=Icon::Today title=t::office_nothing_yet/></Show>
            <Show when=move || busy.get()><Skeleton rows=2/></Show>
            {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem) retry=Callback::new(move |()| load())/> })}
            <Show when=move || next.with(Option::is_some) && !busy.get()>
                <button type="button" class="button" on:click=move |_| load()>{t::office_more}</button>
            </Show>
        </section>
    }
}

fn line_view(line: Line) -> impl IntoView {
    let Line { day, unit, people, codes, by, received_at, .. } = line;
    let names = people
        .into_iter()
        .map(|person| person.name)
        .filter(|name| !name.is_empty())
        .collect::<Vec<_>>()
        .join("、");
    let day_words = move || day.parse::<Date>().map_or_else(|_| day.clone(), clock::day_words);
    let what = move || codes.iter().map(|code| code.words()).collect::<Vec<_>>().join(" · ");
    view! {
        <tr>
            <td>{day_words}</td>
            <td>{unit}</td>
            <th scope="row">{names}</th>
            <td class="table__words">{what}</td>
            <td>{by}</td>
            <td>{move || clock::moment_words(received_at)}</td>
        </tr>
    }
}
