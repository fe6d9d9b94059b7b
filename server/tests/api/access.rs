//! The access log: what comes is chained once, whatever comes with it; nobody changes it unseen. And the gate asks for each key.

use axum::http::StatusCode;
use serde_json::{Value, json};
use zoufang_core::record::{Entries, Kind};
use zoufang_core::sync::gate::Refusal;
use zoufang_core::sync::wire::Verdict;
use zoufang_server::readings::{Chain, check};
use zoufang_server::store::{County, ReadingsOf, Store, sqlite::SqliteStore};

use crate::server::{Phone, Server, doc};

const PATH: &str = "/api/v1/access";

fn reading(number: u8) -> Value {
    json!({ "id": doc(number).to_string(), "person": doc(200).to_string(), "unit": 7, "what": "id_number", "why": "benefit", "at_ms": 5 })
}

impl Phone<'_> {
    async fn note(&self, readings: &[Value]) -> StatusCode {
        self.server.post(PATH, Some(&self.token), &json!({ "readings": readings })).await.status
    }
}

#[tokio::test]
async fn what_comes_twice_is_noted_once_and_what_is_malformed_not_at_all() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let count = async || server.app.store.readings(ReadingsOf::All, None, 100).await.unwrap().len();
    assert_eq!(village.note(&[reading(1), reading(2)]).await, StatusCode::NO_CONTENT);
    assert_eq!(village.note(&[reading(2), reading(3)]).await, StatusCode::NO_CONTENT);
    assert_eq!(count().await, 3);
    let without = |key: &str, value: Value| {
        let mut body = reading(4);
        body[key] = value;
        body
    };
    for body in [
        without("id", json!("short")),
        without("person", json!("高革强")),
        without("what", json!("attitude")),
        without("why", json!("because")),
        without("unit", json!(-1)),
        without("at_ms", json!("now")),
    ] {
        let answer =
            server.post(PATH, Some(&village.token), &json!({ "readings": [reading(5), body] })).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("高革强"),
            "an answer says nothing of anybody"
        );
    }
    let many: Vec<Value> = (10..91).map(reading).collect();
    assert_eq!(village.note(&many).await, StatusCode::BAD_REQUEST);
    assert_eq!(village.note(&many[..80]).await, StatusCode::NO_CONTENT);
    assert_eq!(count().await, 83);
}

#[tokio::test]
async fn where_a_file_stands_is_the_servers_word_and_names_are_for_those_who_hold_it() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (person, _) = village.person(200, server.village, "高革强");
    village.push(vec![person]).await;
    village.note(&[reading(1)]).await;
    let lines = server.app.store.readings(ReadingsOf::All, None, 10).await.unwrap();
    assert_eq!(lines[0].entry.unit, server.village);
    let head = server.phone("head").await;
    let told = server.get(PATH, Some(&head.token)).await.json();
    assert_eq!(told["lines"][0]["person_name"], "高革强");
    assert_eq!(told["lines"][0]["user_name"], "name of village");
    // Parts follow each other without a gap.
    village.note(&(2..=7).map(reading).collect::<Vec<_>>()).await;
    let (mut seqs, mut before) = (Vec::new(), String::new());
    loop {
        let part = server.get(&format!("{PATH}?limit=3{before}"), Some(&head.token)).await.json();
        seqs.extend(part["lines"].as_array().unwrap().iter().map(|line| line["seq"].as_u64().unwrap()));
        match part["next"].as_u64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(seqs, [7, 6, 5, 4, 3, 2, 1]);
    let bad = server.get(&format!("{PATH}?before=x"), Some(&head.token)).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
}

/// The log refuses changes; one that is made all the same is found, with its place.
#[tokio::test]
async fn a_line_that_was_changed_or_taken_out_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let store = SqliteStore::open(&path, County::default()).await.unwrap();
    let entry = |number: u8| zoufang_server::store::ReadingEntry {
        id: doc(number),
        user: zoufang_core::record::UserId(1),
        device: zoufang_core::record::DeviceId(2),
        unit: zoufang_core::record::UnitId(3),
        person: doc(9),
        what: zoufang_core::access::Sensitive::Phone,
        why: zoufang_core::record::list::AccessReason::Call,
        read_at: zoufang_core::record::Timestamp(4),
        received_at: zoufang_core::record::Timestamp(5),
    };
    store.append_readings(&(1..=5).map(entry).collect::<Vec<_>>()).await.unwrap();
    let Chain::Whole(5, hash) = check(&store, None).await.unwrap() else { panic!("broken") };
    assert_eq!(check(&store, Some((5, hash))).await.unwrap(), Chain::Whole(5, hash));
    // A whole chain that somebody made anew, or cut at its end, is not the one that was written down.
    assert_eq!(check(&store, Some((4, hash))).await.unwrap(), Chain::Other(4));
    assert_eq!(check(&store, Some((6, hash))).await.unwrap(), Chain::Other(6));
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    for sql in ["update access_log set user = 7 where seq = 3", "delete from access_log where seq = 3"] {
        assert!(sqlx::query(sql).execute(&pool).await.is_err(), "{sql}");
    }
    for trigger in ["access_log_no_update", "access_log_no_delete"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("drop trigger {trigger}"))).execute(&pool).await.unwrap();
    }
    sqlx::query("update access_log set user = 7 where seq = 4").execute(&pool).await.unwrap();
    assert_eq!(check(&store, None).await.unwrap(), Chain::Broken(4));
    sqlx::query("delete from access_log where seq = 2").execute(&pool).await.unwrap();
    assert_eq!(check(&store, None).await.unwrap(), Chain::Broken(2));
}

/// Benefits, health and money are the township's to establish.
#[tokio::test]
async fn a_village_worker_writes_no_benefits_health_or_money() {
    let server = Server::start().await;
    let (village, township) = (server.phone("village").await, server.phone("township").await);
    let keys =
        ["support_status", "entitlement/martyr_survivor", "disability.grade", "entitlements_confirmed_on"];
    for (id, key) in (1..).zip(keys) {
        let entries = |phone: &Phone<'_>, id: u8| {
            let mut entries = Entries::default();
            entries.put_text("name", Some("张伟"));
            match key {
                "disability.grade" => entries.put_int(key, Some(7_u32)),
                "support_status" => entries.put_text(key, Some("none")),
                "entitlements_confirmed_on" => entries.put_text(key, Some("2026-01-01")),
                _ => entries.put_set("entitlement", ["martyr_survivor"]),
            }
            phone.first(id, server.village, Kind::Person, entries).0
        };
        let refused = village.push(vec![entries(&village, id)]).await;
        assert_eq!(refused, [Verdict::Refused(Refusal::Role)], "{key}");
        let taken = township.push(vec![entries(&township, id + 50)]).await;
        assert!(matches!(taken[..], [Verdict::Accepted(_)]), "{key} {taken:?}");
    }
}
