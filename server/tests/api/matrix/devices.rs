//! The rows about devices: who sees and ends whose, and who decides what a revoked one brought.

use std::collections::BTreeSet;

use zoufang_core::sync::scan::scan;

use super::*;
use crate::parcels::Answered;

/// Whose devices a role sees: those of the people at these places.
fn reach(case: &Case<'_>) -> &'static [Place] {
    match case.rights.role {
        Role::TownshipHead => OWN_TOWNSHIP,
        Role::SystemAdmin => ALL,
        Role::VillageWorker
        | Role::VillageBranch
        | Role::TownshipWorker
        | Role::TownshipParty
        | Role::CityDuty
        | Role::CityDepartment
        | Role::CityLeader
        | Role::PrivacyOfficer => &[],
    }
}

fn is_head(case: &Case<'_>) -> bool {
    case.rights.role == Role::TownshipHead
}

fn status(may: bool, good: StatusCode) -> StatusCode {
    if may { good } else { StatusCode::NOT_FOUND }
}

pub(super) async fn listed(case: &Case<'_>) {
    let mut expected = BTreeSet::from([case.phone.device.to_string()]);
    let mut others = BTreeSet::new();
    for place in Place::ALL {
        let phone = case.server.phone(place.login()).await;
        others.insert(phone.device.to_string());
        if reach(case).contains(&place) {
            expected.insert(phone.device.to_string());
        }
    }
    let answer = case.get("/api/v1/devices").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", case.says("devices"));
    let items = answer.json()["items"].as_array().unwrap().clone();
    let ids = items.iter().map(|item| item["id"].as_str().unwrap().to_owned());
    let asked: BTreeSet<String> =
        ids.filter(|id| others.contains(id) || *id == case.phone.device.to_string()).collect();
    assert_eq!(asked, expected, "{}", case.says("devices"));
    let own = items.iter().find(|item| item["this"] == true).unwrap();
    assert_eq!((own["id"].as_str().unwrap(), &own["own"]), (&*case.phone.device.to_string(), &json!(true)));
}

pub(super) async fn people(case: &Case<'_>) {
    for place in Place::ALL {
        let phone = case.server.phone(place.login()).await;
        let answer = case.get(&format!("/api/v1/devices/{}/people", phone.device)).await;
        let may = is_head(case) && OWN_TOWNSHIP.contains(&place);
        assert_eq!(answer.status, status(may, StatusCode::OK), "{} {place:?}", case.says("people"));
        let names = if may { with_records(place.under().iter().copied()) } else { BTreeSet::new() };
        assert_eq!(named(&answer.body), names, "{} {place:?}", case.says("people"));
    }
    // Their own: a role that is not a head asks nobody's names by it.
    let answer = case.get(&format!("/api/v1/devices/{}/people", case.phone.device)).await;
    assert_eq!(answer.status, status(is_head(case), StatusCode::OK), "{}", case.says("own people"));
}

pub(super) async fn revoked(case: &Case<'_>) {
    let revoke = async |device: String| {
        let path = format!("/api/v1/devices/{device}/revoke");
        case.server.post(&path, Some(&case.phone.token), &json!({})).await.status
    };
    for place in Place::ALL {
        let phone = case.server.phone(place.login()).await;
        let may = reach(case).contains(&place);
        assert_eq!(
            revoke(phone.device.to_string()).await,
            status(may, StatusCode::NO_CONTENT),
            "{} {place:?}",
            case.says("revoke")
        );
        let me = case.server.get("/api/v1/me", Some(&phone.token)).await.status;
        assert_eq!(
            me,
            if may { StatusCode::UNAUTHORIZED } else { StatusCode::OK },
            "{}",
            case.says("revoke")
        );
    }
    let other = case.server.phone(&case.rights.role.to_string()).await;
    assert_eq!(revoke(other.device.to_string()).await, StatusCode::NO_CONTENT, "{}", case.says("own"));
    assert_eq!(revoke(case.phone.device.to_string()).await, StatusCode::BAD_REQUEST, "{}", case.says("this"));
    assert_eq!(revoke("00000000000000ff".to_owned()).await, StatusCode::NOT_FOUND);
}

pub(super) async fn not_wiped(case: &Case<'_>) {
    let signer = Signer::known(&case.phone).await;
    assert_eq!(signer.wiped(case.server).await.status, StatusCode::UNAUTHORIZED, "{}", case.says("in use"));
}

/// A device of each place that was revoked and brings a visit.
async fn bring(case: &Case<'_>, place: Place, id: u8) -> Answered {
    let phone = case.server.phone(place.login()).await;
    let signer = Signer::known(&phone).await;
    let (visit, _) = phone.visit(id, place.unit(case.server), place.id(1));
    case.server.app.store.revoke_device(phone.device, case.server.app.now()).await.unwrap();
    let answer = signer.deliver(case.server, body(&[parcel(case.server, &visit)])).await;
    assert_eq!(answer.status, StatusCode::GONE);
    Answered { device: phone.device, doc: visit.doc, hash: scan(&visit.raw).unwrap().hash.to_string() }
}

pub(super) async fn late(case: &Case<'_>) {
    let mut expected = BTreeSet::new();
    for (place, id) in Place::ALL.into_iter().zip(200..) {
        let brought = bring(case, place, id).await;
        if is_head(case) && OWN_TOWNSHIP.contains(&place) {
            expected.insert(brought.doc.to_string());
        }
    }
    let answer = case.get("/api/v1/late").await;
    assert_eq!(answer.status, status(is_head(case), StatusCode::OK), "{}", case.says("late"));
    if is_head(case) {
        let items = answer.json()["items"].as_array().unwrap().clone();
        let docs: BTreeSet<String> =
            items.iter().map(|item| item["doc"].as_str().unwrap().to_owned()).collect();
        assert_eq!(docs, expected);
    }
}

pub(super) async fn decided(case: &Case<'_>) {
    for (take, first) in [(true, 210), (false, 220)] {
        for (place, id) in Place::ALL.into_iter().zip(first..) {
            let brought = bring(case, place, id).await;
            let path = format!("/api/v1/late/{}/{}", brought.device, brought.doc);
            let decision = json!({ "take": take, "hashes": [brought.hash] });
            let before = case.server.row_counts().await;
            let answer = case.server.post(&path, Some(&case.phone.token), &decision).await;
            let may = is_head(case) && OWN_TOWNSHIP.contains(&place);
            assert_eq!(answer.status, status(may, StatusCode::OK), "{} {place:?}", case.says("decide"));
            assert_eq!(case.server.row_counts().await != before, may && take, "{}", case.says("decide"));
        }
    }
}

/// Whose devices they may end, for those they make a code; for themselves nobody does.
pub(super) async fn code(case: &Case<'_>) {
    let make = async |login: &str| {
        case.server.post("/api/v1/enrol-codes", Some(&case.phone.token), &json!({ "user": login })).await
    };
    for place in Place::ALL {
        let answer = make(place.login()).await;
        assert_eq!(
            answer.status,
            status(reach(case).contains(&place), StatusCode::OK),
            "{} {place:?}",
            case.says("code")
        );
    }
    for login in [case.rights.role.to_string().as_str(), "nobody"] {
        assert_eq!(make(login).await.status, StatusCode::NOT_FOUND, "{} {login}", case.says("code"));
    }
}
