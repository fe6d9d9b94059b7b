//! Who gets what: every route, for every role, with records of every unit around it. A route that has no row here fails.
//!
//! What a role may is written down once more, in plain lists: the code that decides is not asked.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use zoufang_core::query::Row;
use zoufang_core::record::list::{Role, ValueList};
use zoufang_core::record::{Entries, Kind, Timestamp, UnitId};
use zoufang_core::sync::gate::Refusal;
use zoufang_core::sync::parcel::Fate;
use zoufang_core::sync::wire::{Frame, Push, SyncRequest, VERSION, Verdict};
use zoufang_server::account::password;
use zoufang_server::ingest::{Authority, ingest_within};
use zoufang_server::store::NewAccount;

#[path = "matrix/access.rs"]
mod access;
#[path = "matrix/devices.rs"]
mod devices;
#[path = "matrix/inbox.rs"]
mod inbox;
#[path = "matrix/office.rs"]
mod office;
#[path = "matrix/recovery.rs"]
mod recovery;

use crate::parcels::{Signer, body, fates, parcel};
use crate::server::{PASSWORD, Phone, Server, doc, request};

/// A unit, by what it is to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Village,
    /// Another village of the same township.
    Sibling,
    /// A village of another township.
    Neighbour,
    /// The township of the first two.
    Township,
    County,
}
use Place::{County, Neighbour, Sibling, Township, Village};

impl Place {
    /// Those that have records: a person, a visit and a contact each.
    const ALL: [Self; 4] = [Village, Sibling, Neighbour, Township];

    fn unit(self, server: &Server) -> UnitId {
        match self {
            Village => server.village,
            Sibling => server.sibling,
            Neighbour => server.neighbour,
            Township => server.township,
            County => server.county,
        }
    }

    /// The person there: a name that is nowhere else.
    fn name(self) -> &'static str {
        match self {
            Village => "甲子丑",
            Sibling => "乙寅卯",
            Neighbour => "丙辰巳",
            Township => "丁午未",
            County => "戊申酉",
        }
    }

    /// Who makes records there.
    fn login(self) -> &'static str {
        match self {
            Village => "village",
            Sibling => "sibling",
            Neighbour => "neighbour",
            Township | County => "township",
        }
    }

    fn id(self, kind: u8) -> u8 {
        10 * kind + self as u8
    }

    /// The places of a unit and below it.
    fn under(self) -> &'static [Self] {
        match self {
            Village => &[Village],
            Sibling => &[Sibling],
            Neighbour => &[Neighbour],
            Township => &[Village, Sibling, Township],
            County => &[Village, Sibling, Neighbour, Township, County],
        }
    }
}

/// What a role may, as domain (d) has it so far.
struct Rights {
    role: Role,
    home: Place,
    /// Whose records are on the phone.
    holds: &'static [Place],
    /// Whose lists and figures are read online.
    oversees: &'static [Place],
    writes: &'static [Kind],
    /// Kinds of records that come to the phone.
    reads: &'static [Kind],
    /// Kinds of records that are listed online.
    lists: &'static [Kind],
    moves: bool,
}

const OWN_TOWNSHIP: &[Place] = &[Village, Sibling, Township];
const ALL: &[Place] = &[Village, Sibling, Neighbour, Township, County];
/// What is in every log of a unit's files.
const FILES: &[Kind] = &[Kind::Person, Kind::Party, Kind::Contact];
const FILES_AND_VISITS: &[Kind] = &[Kind::Person, Kind::Party, Kind::Visit, Kind::Contact];

const fn at_village(role: Role, writes: &'static [Kind], reads: &'static [Kind]) -> Rights {
    Rights {
        role,
        home: Village,
        holds: &[Village],
        oversees: &[Village],
        writes,
        reads,
        lists: reads,
        moves: false,
    }
}

const fn at_township(role: Role, writes: &'static [Kind], reads: &'static [Kind], moves: bool) -> Rights {
    Rights {
        role,
        home: Township,
        holds: OWN_TOWNSHIP,
        oversees: OWN_TOWNSHIP,
        writes,
        reads,
        lists: reads,
        moves,
    }
}

const fn of_city(role: Role, lists: &'static [Kind]) -> Rights {
    Rights {
        role,
        home: County,
        holds: &[County],
        oversees: ALL,
        writes: &[],
        reads: FILES,
        lists,
        moves: false,
    }
}

const fn without_content(role: Role) -> Rights {
    Rights {
        role,
        home: County,
        holds: &[],
        oversees: &[],
        writes: &[],
        reads: &[],
        lists: &[],
        moves: false,
    }
}

const RIGHTS: &[Rights] = &[
    at_village(Role::VillageWorker, &[Kind::Person, Kind::Visit, Kind::Contact], FILES_AND_VISITS),
    at_village(Role::VillageBranch, &[Kind::Contact], FILES),
    at_township(Role::TownshipWorker, Kind::ALL, Kind::ALL, false),
    at_township(Role::TownshipHead, Kind::ALL, Kind::ALL, true),
    at_township(Role::TownshipParty, &[Kind::Party, Kind::Contact], FILES, false),
    of_city(Role::CityDuty, FILES_AND_VISITS),
    of_city(Role::CityDepartment, FILES_AND_VISITS),
    // Figures, and nobody's name.
    of_city(Role::CityLeader, &[]),
    without_content(Role::PrivacyOfficer),
    without_content(Role::SystemAdmin),
];

/// A signed-in device of a role, on a server with records everywhere.
struct Case<'s> {
    server: &'s Server,
    rights: &'s Rights,
    phone: Phone<'s>,
}

type Line = (&'static str, &'static str, for<'c> fn(&'c Case<'c>) -> LocalBoxFuture<'c, ()>);

/// Every route. In this order: what ends something comes last.
const ROWS: &[Line] = &[
    ("GET", "/healthz", |case| open(case, "/healthz").boxed_local()),
    ("GET", "/readyz", |case| open(case, "/readyz").boxed_local()),
    // Without `--lan` it is not there; with it: `server/tests/api/assets.rs`.
    ("GET", "/ca.crt", |case| absent(case, "/ca.crt").boxed_local()),
    ("POST", "/api/v1/sign-in", |_| async {}.boxed_local()),
    ("GET", "/api/v1/me", |case| me(case).boxed_local()),
    ("GET", "/api/v1/news", |case| news(case).boxed_local()),
    ("GET", "/api/v1/office/overview", |case| office::overview(case).boxed_local()),
    ("GET", "/api/v1/office/visits", |case| office::listed(case, "visits", Kind::Visit).boxed_local()),
    ("GET", "/api/v1/office/contacts", |case| office::listed(case, "contacts", Kind::Contact).boxed_local()),
    ("POST", "/api/v1/office/people/search", |case| office::searched(case).boxed_local()),
    ("POST", "/api/v1/sync", |case| synced(case).boxed_local()),
    ("PUT", "/api/v1/device-key", |case| Signer::known(&case.phone).map(drop).boxed_local()),
    ("POST", "/api/v1/parcels", |case| delivered(case).boxed_local()),
    ("POST", "/api/v1/inbox", |case| inbox::asked(case).boxed_local()),
    ("POST", "/api/v1/enrol-codes", |case| devices::code(case).boxed_local()),
    ("PUT", "/api/v1/recovery", |case| recovery::asked(case).boxed_local()),
    ("GET", "/api/v1/recovery", |case| recovery::looked(case).boxed_local()),
    ("DELETE", "/api/v1/recovery", |case| recovery::taken_back(case).boxed_local()),
    ("GET", "/api/v1/devices", |case| devices::listed(case).boxed_local()),
    ("GET", "/api/v1/devices/{id}/people", |case| devices::people(case).boxed_local()),
    ("POST", "/api/v1/devices/{id}/revoke", |case| devices::revoked(case).boxed_local()),
    ("POST", "/api/v1/device-wiped", |case| devices::not_wiped(case).boxed_local()),
    ("GET", "/api/v1/late", |case| devices::late(case).boxed_local()),
    ("POST", "/api/v1/late/{device}/{doc}", |case| devices::decided(case).boxed_local()),
    ("POST", "/api/v1/access", |case| access::noted(case).boxed_local()),
    ("GET", "/api/v1/access", |case| access::listed(case).boxed_local()),
    ("GET", "/api/v1/access/check", |case| access::checked(case).boxed_local()),
    ("GET", "/api/v1/people/{id}/access", |case| access::of_person(case).boxed_local()),
    ("POST", "/api/v1/people/{id}/move", |case| moved(case).boxed_local()),
    ("POST", "/api/v1/sign-out", |case| signed_out(case).boxed_local()),
];

#[tokio::test]
async fn every_role_gets_its_own_at_every_route_and_nothing_else() {
    for rights in RIGHTS {
        let mut server = Server::start().await;
        server.beat_every(Duration::from_millis(20));
        for place in Place::ALL {
            make_records(&server, place).await;
        }
        let login = enter(&server, rights).await;
        let case = Case { server: &server, rights, phone: server.phone(&login).await };
        for (_, _, check) in ROWS {
            check(&case).await;
        }
    }
}

#[tokio::test]
async fn every_route_has_a_row_and_every_role_its_rights() {
    let server = Server::start().await;
    let document = server.get("/api/v1/openapi.json", None).await.json();
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        routes
            .extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let rows: BTreeSet<_> =
        ROWS.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(routes, rows);
    assert_eq!(
        RIGHTS.iter().map(|rights| rights.role.to_string()).collect::<BTreeSet<_>>().len(),
        Role::ALL.len()
    );
    // What a route does not take, it takes from nobody.
    let phone = server.phone("head").await;
    for (_, path, _) in ROWS {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if routes.contains(&(method.to_string(), (*path).to_owned())) {
                continue;
            }
            let path =
                path.replace("{id}", &doc(1).to_string()).replace("{device}", "1").replace("{doc}", "1");
            let asked = request(method.clone(), &path, Some(&phone.token)).body(Body::empty()).unwrap();
            assert_eq!(server.send(asked).await.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
}

/// A person, a visit, a contact, a membership and a welfare file in a unit.
async fn make_records(server: &Server, place: Place) {
    let phone = server.phone(place.login()).await;
    let unit = place.unit(server);
    let (person, _) = phone.person(place.id(1), unit, place.name());
    let (visit, _) = phone.visit(place.id(2), unit, place.id(1));
    let mut contact = Entries::default();
    contact.put_set("person", [doc(place.id(1))]);
    contact.put_text("happened_on", Some("2026-11-01"));
    contact.put_text("topic", Some("org_life"));
    let (contact, _) = phone.first(place.id(3), unit, Kind::Contact, contact);
    let verdicts = phone.push(vec![person, visit, contact]).await;
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted(_))), "{place:?} {verdicts:?}");
    // What not every village worker may write.
    let mut party = Entries::default();
    party.put_text("person", Some(doc(place.id(1))));
    let mut welfare = Entries::default();
    welfare.put_text("support_status", Some("none"));
    let made = [(place.id(4), Kind::Party, party), (place.id(5), Kind::Welfare, welfare)];
    let pushes = made.map(|(id, kind, entries)| phone.first(id, unit, kind, entries).0);
    let authority = Authority {
        user: phone.user,
        device: phone.device,
        former: Vec::new(),
        scope: unit.logs().collect(),
        role: None,
    };
    let mut tx = server.app.store.begin().await.unwrap();
    let verdicts = ingest_within(tx.as_mut(), &authority, pushes.to_vec(), Timestamp(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted(_))), "{place:?} {verdicts:?}");
}

/// An account of the role, in its unit; gives the login.
async fn enter(server: &Server, rights: &Rights) -> String {
    let login = rights.role.to_string();
    let account = NewAccount {
        login: login.clone(),
        name: "somebody".to_owned(),
        role: rights.role,
        unit: rights.home.unit(server),
        password: password::hash(PASSWORD).unwrap(),
    };
    server.app.store.add_account(&account).await.unwrap();
    login
}

/// The places whose people are named in these bytes.
fn named(bytes: &[u8]) -> BTreeSet<Place> {
    let holds = |name: &str| bytes.windows(name.len()).any(|part| part == name.as_bytes());
    ALL.iter().copied().filter(|place| holds(place.name())).collect()
}

fn set(places: &[Place]) -> BTreeSet<Place> {
    places.iter().copied().collect()
}

/// As [`set`], of places that have records.
fn with_records(places: impl IntoIterator<Item = Place>) -> BTreeSet<Place> {
    places.into_iter().filter(|place| Place::ALL.contains(place)).collect()
}

impl Case<'_> {
    fn says(&self, what: &str) -> String {
        format!("{} {what}", self.rights.role)
    }

    async fn get(&self, path: &str) -> crate::server::Answer {
        self.server.get(path, Some(&self.phone.token)).await
    }
}

async fn open(case: &Case<'_>, path: &str) {
    assert_eq!(case.server.get(path, None).await.status, StatusCode::OK, "{path}");
}

async fn absent(case: &Case<'_>, path: &str) {
    assert_eq!(case.server.get(path, None).await.status, StatusCode::NOT_FOUND, "{path}");
}

async fn me(case: &Case<'_>) {
    let me = case.get("/api/v1/me").await;
    assert_eq!(me.status, StatusCode::OK);
    assert_eq!(me.json()["user"]["role"], case.rights.role.to_string());
}

/// Of the logs that there are, those of units that are held are named; what comes after them says only that the line lives.
async fn news(case: &Case<'_>) {
    let asked = request(Method::GET, "/api/v1/news", Some(&case.phone.token)).body(Body::empty()).unwrap();
    let mut stream = case.server.respond(asked).await.into_body().into_data_stream();
    let mut text = String::new();
    while !text.contains("\n:") && !text.starts_with(':') {
        text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    let units: BTreeSet<u64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str::<Value>(data).unwrap()["unit"].as_u64().unwrap())
        .collect();
    let logs = |place: Place| {
        let unit = place.unit(case.server);
        case.rights.reads.iter().map(move |kind| u64::from(unit.log(kind.class()).0))
    };
    let held = with_records(case.rights.holds.iter().copied()).into_iter().flat_map(logs).collect();
    assert_eq!(units, held, "{}", case.says("news"));
}

/// New records of each kind in each place, and whether each is taken.
fn attempts(case: &Case<'_>, first: u8) -> Vec<(Push, Option<Refusal>)> {
    let mut attempts = Vec::new();
    for (number, (place, kind)) in
        ALL.iter().flat_map(|place| Kind::ALL.iter().map(move |kind| (*place, *kind))).enumerate()
    {
        let mut entries = Entries::default();
        match kind {
            Kind::Person => entries.put_text("name", Some("新来的")),
            Kind::Party => entries.put_text("person", Some(&doc(place.id(1)).to_string())),
            Kind::Visit | Kind::Contact => {
                entries.put_set("person", [doc(place.id(1))]);
                entries.put_text("happened_on", Some("2026-11-02"));
                entries.put_text("channel", Some("home"));
            }
            Kind::Welfare => entries.put_text("support_status", Some("none")),
        }
        let id = first + u8::try_from(number).unwrap();
        let (push, _) = case.phone.first(id, place.unit(case.server), kind, entries);
        let refusal = if !case.rights.holds.contains(&place) {
            Some(Refusal::NotInScope)
        } else if !case.rights.writes.contains(&kind) {
            Some(Refusal::Role)
        } else {
            None
        };
        attempts.push((push, refusal));
    }
    attempts
}

async fn synced(case: &Case<'_>) {
    let (pushes, refusals): (Vec<Push>, Vec<Option<Refusal>>) = attempts(case, 100).into_iter().unzip();
    let request = SyncRequest { version: Some(VERSION), ..case.phone.request(Vec::new(), pushes) };
    let frames = case.phone.sync(&request).await.frames();
    let verdicts = crate::server::verdicts(&frames);
    for (verdict, refusal) in verdicts.into_iter().zip(refusals) {
        match refusal {
            Some(refusal) => assert_eq!(verdict, Verdict::Refused(refusal), "{}", case.says("push")),
            None => assert!(matches!(verdict, Verdict::Accepted(_)), "{} {verdict:?}", case.says("push")),
        }
    }
    let (mut seen, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for frame in &frames {
        if let Frame::Page(page) = frame {
            kinds.extend(page.items.iter().map(|item| item.kind).chain(page.rows.iter().map(Row::kind)));
            seen.extend(page.items.iter().flat_map(|item| named(&item.raw)));
            seen.extend(named(format!("{:?}", page.rows).as_bytes()));
        }
    }
    assert_eq!(seen, with_records(case.rights.holds.iter().copied()), "{}", case.says("sync"));
    let reads: &[Kind] = if seen.is_empty() { &[] } else { case.rights.reads };
    assert_eq!(kinds, reads.iter().copied().collect(), "{}", case.says("kinds in sync"));
    let all = format!("{frames:?}");
    assert!(named(all.as_bytes()).is_subset(&seen), "{}", case.says("any frame"));
    // With another device's id nothing is said at all.
    let mut others = case.phone.request(Vec::new(), Vec::new());
    others.device = zoufang_core::record::DeviceId(5);
    assert_eq!(case.phone.sync(&others).await.status, StatusCode::FORBIDDEN);
}

async fn delivered(case: &Case<'_>) {
    let signer = Signer::known(&case.phone).await;
    let (pushes, refusals): (Vec<Push>, Vec<Option<Refusal>>) = attempts(case, 150).into_iter().unzip();
    let parcels: Vec<Vec<u8>> = pushes.iter().map(|push| parcel(case.server, push)).collect();
    let said = fates(&signer.deliver(case.server, body(&parcels)).await);
    let expected =
        refusals.into_iter().map(|refusal| if refusal.is_some() { Fate::Refused } else { Fate::Stored });
    assert_eq!(said, expected.map(|fate| fate as u8).collect::<Vec<_>>(), "{}", case.says("parcels"));
}

async fn moved(case: &Case<'_>) {
    for (from, to) in Place::ALL.into_iter().flat_map(|from| ALL.iter().map(move |to| (from, *to))) {
        let path = format!("/api/v1/people/{}/move", doc(from.id(1)));
        let body = json!({ "unit": to.unit(case.server).0 });
        let answer = case.server.post(&path, Some(&case.phone.token), &body).await;
        let may = case.rights.moves && OWN_TOWNSHIP.contains(&from) && OWN_TOWNSHIP.contains(&to);
        let status = if may { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(answer.status, status, "{} from {from:?} to {to:?}", case.says("move"));
    }
}

async fn signed_out(case: &Case<'_>) {
    let answer = case.server.post("/api/v1/sign-out", Some(&case.phone.token), &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(case.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
}
