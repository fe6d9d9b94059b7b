//! The rows about the access log: who adds to it, who reads all of it, and who tells a person what it says of them.

use super::*;

/// Whether the role's scope has the place.
fn tells(case: &Case<'_>, place: Place) -> bool {
    match case.rights.role {
        Role::PrivacyOfficer => true,
        Role::TownshipHead | Role::TownshipWorker => case.rights.holds.contains(&place),
        Role::VillageWorker
        | Role::VillageBranch
        | Role::TownshipParty
        | Role::CityDuty
        | Role::CityDepartment
        | Role::CityLeader
        | Role::SystemAdmin => false,
    }
}

/// A reading of the person of a place; `number` makes its id.
fn reading(place: Place, number: u8) -> Value {
    let (id, person) = (doc(number).to_string(), doc(place.id(1)).to_string());
    json!({ "id": id, "person": person, "unit": 1, "what": "phone", "why": "call", "at_ms": 1_790_000_000_000_i64 })
}

/// Everybody notes what they saw, wherever it stands by now.
pub(super) async fn noted(case: &Case<'_>) {
    let readings: Vec<Value> =
        Place::ALL.into_iter().zip(100..).map(|(place, number)| reading(place, number)).collect();
    let body = json!({ "readings": readings });
    let answer = case.server.post("/api/v1/access", Some(&case.phone.token), &body).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", case.says("noted"));
    assert_eq!(case.server.post("/api/v1/access", None, &body).await.status, StatusCode::UNAUTHORIZED);
}

pub(super) async fn log(case: &Case<'_>) {
    let answer = case.get("/api/v1/access").await;
    let (reads, named_at) = match case.rights.role {
        Role::PrivacyOfficer => (set(&Place::ALL), BTreeSet::new()),
        Role::TownshipHead => (with_records(OWN_TOWNSHIP.iter().copied()), set(OWN_TOWNSHIP)),
        Role::VillageWorker
        | Role::VillageBranch
        | Role::TownshipWorker
        | Role::TownshipParty
        | Role::CityDuty
        | Role::CityDepartment
        | Role::CityLeader
        | Role::SystemAdmin => {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", case.says("log"));
            return;
        }
    };
    assert_eq!(answer.status, StatusCode::OK, "{}", case.says("log"));
    assert_eq!(named(&answer.body), with_records(named_at), "{}", case.says("names in the log"));
    let json = answer.json();
    let lines = json["lines"].as_array().unwrap();
    let people: BTreeSet<&str> = lines.iter().map(|line| line["person"].as_str().unwrap()).collect();
    let found = Place::ALL.into_iter().filter(|place| people.contains(&*doc(place.id(1)).to_string()));
    assert_eq!(found.collect::<BTreeSet<_>>(), reads, "{}", case.says("log"));
    assert_eq!(json["head"].is_object(), case.rights.role == Role::PrivacyOfficer);
}

pub(super) async fn of_person(case: &Case<'_>) {
    for place in Place::ALL {
        let answer = case.get(&format!("/api/v1/people/{}/access", doc(place.id(1)))).await;
        let status = if tells(case, place) { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(answer.status, status, "{} {place:?}", case.says("access"));
        if status == StatusCode::OK {
            assert_eq!(answer.json()["lines"].as_array().unwrap().len(), 1, "{}", case.says("access"));
        }
    }
}
