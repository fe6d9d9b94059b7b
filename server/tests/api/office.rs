//! `/api/v1/office/…`

use axum::http::StatusCode;
use serde_json::{Value, json};
use zoufang_core::record::{Kind, Person, Phone, Record};

use crate::server::{Server, doc};

async fn with_records() -> Server {
    let server = Server::start().await;
    let (village, neighbour) = (server.phone("village").await, server.phone("neighbour").await);
    let person = Person {
        name: "单宝玉".to_owned(),
        id_number: Some("291319195304200614".to_owned()),
        phones: [("1".to_owned(), Phone { number: "15443741979".to_owned(), ..Phone::default() })].into(),
        ..Person::default()
    };
    let (person, _) = village.first(1, server.village, Kind::Person, person.to_entries());
    let (visit, _) = village.visit(2, server.village, 1);
    village.push(vec![person, visit]).await;
    let (person, _) = neighbour.person(3, server.neighbour, "王芳");
    let (mut visit, _) = neighbour.visit(4, server.neighbour, 3);
    let (contact, _) = neighbour.first(5, server.neighbour, Kind::Contact, {
        let mut entries = zoufang_core::record::Entries::default();
        entries.put_set("person", [doc(3)]);
        entries.put_text("happened_on", Some("2026-11-01"));
        entries.put_text("topic", Some("org_life"));
        entries
    });
    visit.doc = doc(4);
    neighbour.push(vec![person, visit, contact]).await;
    server
}

async fn units_of(server: &Server, user: &str, path: &str) -> Vec<u64> {
    let phone = server.phone(user).await;
    let answer = server.get(path, Some(&phone.token)).await;
    assert_eq!(answer.status, StatusCode::OK, "{user} {path}");
    answer.json()["items"].as_array().unwrap().iter().map(|item| item["unit"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn the_city_sees_figures_of_all_and_a_village_its_own() {
    let server = with_records().await;
    let overview = async |user: &str| {
        let phone = server.phone(user).await;
        server.get("/api/v1/office/overview", Some(&phone.token)).await
    };
    let city = overview("city").await.json();
    let units = city["units"].as_array().unwrap();
    assert_eq!(units.len(), 333);
    let village = units.iter().find(|unit| unit["unit"] == server.village.0).unwrap();
    assert_eq!(
        (&village["people"], &village["visits"], &village["visits_month"], &village["contacts"]),
        (&json!(1), &json!(1), &json!(1), &json!(0))
    );
    assert_eq!((&village["unit_name"], &village["parent"]), (&json!("朝阳寺村"), &json!(server.township.0)));
    assert_eq!(overview("village").await.json()["units"].as_array().unwrap().len(), 1);
    assert_eq!(overview("admin").await.status, StatusCode::NOT_FOUND, "no content for the administrator");
}

#[tokio::test]
async fn lists_show_only_what_the_role_oversees() {
    let server = with_records().await;
    let (village, neighbour) = (u64::from(server.village.0), u64::from(server.neighbour.0));
    assert_eq!(units_of(&server, "city", "/api/v1/office/visits").await, [neighbour, village]);
    assert_eq!(units_of(&server, "township", "/api/v1/office/visits").await, [village]);
    assert_eq!(units_of(&server, "village", "/api/v1/office/contacts").await, [0; 0]);
    assert_eq!(units_of(&server, "neighbour", "/api/v1/office/contacts").await, [neighbour]);
    let below = format!("/api/v1/office/visits?unit={}", server.township.0);
    assert_eq!(units_of(&server, "city", &below).await, [village]);
    let phone = server.phone("village").await;
    let foreign = format!("/api/v1/office/visits?unit={}", server.neighbour.0);
    assert_eq!(server.get(&foreign, Some(&phone.token)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.get("/api/v1/office/visits?from=soon", Some(&phone.token)).await.code(), "bad_request");
}

#[tokio::test]
async fn a_visit_says_who_whom_and_when() {
    let server = with_records().await;
    let phone = server.phone("township").await;
    let visit = server.get("/api/v1/office/visits", Some(&phone.token)).await.json()["items"][0].clone();
    assert_eq!(visit["people"], json!([{ "id": doc(1).to_string(), "name": "单宝玉" }]));
    assert_eq!(
        (&visit["by"], &visit["channel"], &visit["reasons"]),
        (&json!("name of village"), &json!("home"), &json!(["festival"]))
    );
    assert!(visit.get("facts").is_none(), "no texts in lists");
}

#[tokio::test]
async fn lists_go_on_where_they_stopped() {
    let server = with_records().await;
    let phone = server.phone("city").await;
    let mut path = "/api/v1/office/visits?limit=1".to_owned();
    let mut seen = Vec::new();
    loop {
        let body = server.get(&path, Some(&phone.token)).await.json();
        seen.extend(body["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        let Some(next) = body["next"].as_str() else { break };
        path = format!("/api/v1/office/visits?limit=1&after={next}");
    }
    assert_eq!(seen, [json!(doc(4).to_string()), json!(doc(2).to_string())]);
}

#[tokio::test]
async fn people_are_found_and_their_numbers_masked() {
    let server = with_records().await;
    let phone = server.phone("city").await;
    let search = async |text: &str| {
        let answer =
            server.post("/api/v1/office/people/search", Some(&phone.token), &json!({ "text": text })).await;
        answer.json()["items"].as_array().unwrap().clone()
    };
    for text in ["单宝玉", "宝玉", "shanbaoyu", "sby", "SBY", "1979", "0614"] {
        let found = search(text).await;
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(
            (&found[0]["phone_masked"], &found[0]["id_masked"]),
            (&json!("154****1979"), &json!("291319********0614"))
        );
        assert_eq!(
            found[0]["last_visit_on"],
            Value::String(zoufang_core::record::Date::in_china(crate::server::NOW).to_string())
        );
    }
    assert_eq!(search("").await.len(), 2);
    assert!(
        search("李").await.is_empty()
            && search("15443741979").await.is_empty()
            && search("%").await.is_empty()
    );
}
