//! What is read online: figures, lists, and who is found.

use super::*;

pub(super) async fn overview(case: &Case<'_>) {
    let answer = case.get("/api/v1/office/overview").await;
    if case.rights.oversees.is_empty() {
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", case.says("overview"));
        return;
    }
    assert_eq!(named(&answer.body), set(&[]), "figures name nobody");
    let json = answer.json();
    let units: Vec<u64> =
        json["units"].as_array().unwrap().iter().map(|unit| unit["unit"].as_u64().unwrap()).collect();
    let places = ALL.iter().copied().filter(|place| units.contains(&place.unit(case.server).0.into()));
    assert_eq!(places.collect::<BTreeSet<_>>(), set(case.rights.oversees), "{}", case.says("overview"));
}

/// What a list of a kind shows that is asked for a unit, and for all.
fn shown(case: &Case<'_>, asked: Option<Place>, kind: Kind) -> BTreeSet<Place> {
    let under = if case.rights.lists.contains(&kind) { asked.map_or(ALL, Place::under) } else { &[] };
    case.rights.oversees.iter().copied().filter(|place| under.contains(place)).collect()
}

pub(super) async fn listed(case: &Case<'_>, list: &str, kind: Kind) {
    for asked in [None].into_iter().chain(ALL.iter().copied().map(Some)) {
        let unit = asked.map(|place| format!("?unit={}", place.unit(case.server).0));
        let path = format!("/api/v1/office/{list}{}", unit.unwrap_or_default());
        judge(case, &case.get(&path).await, asked, (list, kind));
    }
}

pub(super) async fn searched(case: &Case<'_>) {
    for asked in [None].into_iter().chain(ALL.iter().copied().map(Some)) {
        let body = json!({ "text": "", "unit": asked.map(|place| place.unit(case.server).0) });
        let path = "/api/v1/office/people/search";
        let answer = case.server.post(path, Some(&case.phone.token), &body).await;
        judge(case, &answer, asked, ("search", Kind::Person));
        let says_visits = answer.body.windows(18).any(|said| said == b"\"last_visit_on\":\"2");
        let reads_visits = answer.status == StatusCode::OK && case.rights.lists.contains(&Kind::Visit);
        assert_eq!(says_visits, reads_visits, "{} {asked:?}", case.says("search"));
    }
}

fn judge(case: &Case<'_>, answer: &crate::server::Answer, asked: Option<Place>, (what, kind): (&str, Kind)) {
    let shown = shown(case, asked, kind);
    let status = if shown.is_empty() { StatusCode::NOT_FOUND } else { StatusCode::OK };
    assert_eq!(answer.status, status, "{} {asked:?}", case.says(what));
    assert_eq!(named(&answer.body), with_records(shown), "{} {asked:?}", case.says(what));
}
