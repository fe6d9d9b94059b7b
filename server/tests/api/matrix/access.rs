//! The rows about the access log: who tells of readings, and who reads of them.

use super::*;

/// Whose lines a list shows; the officer's has no names.
fn listed_of(case: &Case<'_>) -> &'static [Place] {
    match case.rights.role {
        Role::TownshipHead => OWN_TOWNSHIP,
        Role::PrivacyOfficer => ALL,
        Role::VillageWorker
        | Role::VillageBranch
        | Role::TownshipWorker
        | Role::TownshipParty
        | Role::CityDuty
        | Role::CityDepartment
        | Role::CityLeader
        | Role::SystemAdmin => &[],
    }
}

/// Of whom all lines are read, to answer that person.
fn answered_of(case: &Case<'_>) -> &'static [Place] {
    if case.rights.role == Role::TownshipWorker { OWN_TOWNSHIP } else { listed_of(case) }
}

fn readings(id: u8, place: Place) -> Value {
    json!({ "readings": [{
        "id": doc(id).to_string(), "person": doc(place.id(1)).to_string(), "unit": 0, "what": "phone", "why": "call",
        "at_ms": 1_790_000_000_000_i64,
    }] })
}

/// The places of the people that these lines are about.
fn about(answer: &crate::server::Answer) -> BTreeSet<Place> {
    let json = answer.json();
    let people: Vec<&str> =
        json["items"].as_array().unwrap().iter().map(|item| item["person"].as_str().unwrap()).collect();
    Place::ALL.into_iter().filter(|place| people.contains(&doc(place.id(1)).to_string().as_str())).collect()
}

pub(super) async fn noted(case: &Case<'_>) {
    // Somebody has read in each place, before this role does: whoever it is, what was read is kept.
    for place in Place::ALL {
        let phone = case.server.phone(place.login()).await;
        let answer =
            case.server.post("/api/v1/access", Some(&phone.token), &readings(place.id(20), place)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{place:?}");
    }
    let store = &case.server.app.store;
    let before = store.readings_head().await.unwrap().seq;
    for place in Place::ALL {
        let body = readings(place.id(21), place);
        let answer = case.server.post("/api/v1/access", Some(&case.phone.token), &body).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{} {place:?}", case.says("readings"));
    }
    let added = Place::ALL.len() as u64;
    assert_eq!(store.readings_head().await.unwrap().seq, before + added, "{}", case.says("readings"));
}

pub(super) async fn listed(case: &Case<'_>) {
    for asked in [None].into_iter().chain(ALL.iter().copied().map(Some)) {
        let unit = asked.map(|place| format!("?unit={}", place.unit(case.server).0));
        let answer = case.get(&format!("/api/v1/access{}", unit.unwrap_or_default())).await;
        let under = asked.map_or(ALL, Place::under);
        let shown: BTreeSet<Place> =
            listed_of(case).iter().copied().filter(|place| under.contains(place)).collect();
        let status = if shown.is_empty() { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert_eq!(answer.status, status, "{} {asked:?}", case.says("access"));
        let names = if case.rights.role == Role::TownshipHead {
            with_records(shown.clone())
        } else {
            BTreeSet::new()
        };
        assert_eq!(named(&answer.body), names, "{} {asked:?}", case.says("names in access"));
        if status == StatusCode::OK {
            assert_eq!(about(&answer), with_records(shown), "{} {asked:?}", case.says("access"));
        }
    }
}

pub(super) async fn checked(case: &Case<'_>) {
    let may = case.rights.role == Role::PrivacyOfficer;
    let status = if may { StatusCode::OK } else { StatusCode::NOT_FOUND };
    assert_eq!(case.get("/api/v1/access/check").await.status, status, "{}", case.says("check"));
}

pub(super) async fn of_person(case: &Case<'_>) {
    for place in Place::ALL {
        let answer = case.get(&format!("/api/v1/people/{}/access", doc(place.id(1)))).await;
        let may = answered_of(case).contains(&place);
        let status = if may { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(answer.status, status, "{} {place:?}", case.says("access of a person"));
        assert_eq!(named(&answer.body), BTreeSet::new(), "{}", case.says("access of a person"));
        if may {
            assert_eq!(about(&answer), set(&[place]), "{}", case.says("access of a person"));
        }
    }
    let answer = case.get(&format!("/api/v1/people/{}/access", doc(251))).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", case.says("access of nobody"));
}
