//! A device that is lost: revoked, heard of once more, wiped by a word that only this server has, and what it brought decided on.

use axum::http::StatusCode;
use serde_json::json;
use sha2::{Digest, Sha256};
use zoufang_core::record::{Class, Patch, Value};
use zoufang_core::seal::SecretKey;
use zoufang_core::sync::wire::Verdict;

use crate::parcels::{Signer, body, parcel};
use crate::server::{Answer, Phone, Server};

async fn revoke(server: &Server, by: &Phone<'_>, device: &Phone<'_>) {
    let path = format!("/api/v1/devices/{}/revoke", device.device);
    let answer = server.post(&path, Some(&by.token), &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.code());
}

async fn late(server: &Server, head: &Phone<'_>) -> Vec<serde_json::Value> {
    let answer = server.get("/api/v1/late", Some(&head.token)).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()["items"].as_array().unwrap().clone()
}

async fn device(server: &Server, by: &Phone<'_>, of: &Phone<'_>) -> serde_json::Value {
    let answer = server.get("/api/v1/devices", Some(&by.token)).await.json();
    let items = answer["items"].as_array().unwrap();
    items.iter().find(|item| item["id"] == of.device.to_string()).unwrap().clone()
}

fn hash(word: &[u8]) -> String {
    Sha256::digest(word).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The word of an answer that wipes.
fn word(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, StatusCode::GONE, "{}", answer.code());
    assert_eq!(answer.headers["content-type"], "application/vnd.zoufang.wipe");
    answer.body.clone()
}

#[tokio::test]
async fn a_lost_phone_is_ended_brings_what_it_had_once_and_wipes_itself() {
    let server = Server::start().await;
    let (village, head) = (server.phone("village").await, server.phone("head").await);
    let (signer, mark) = Signer::marked(&village).await;
    let (person, _) = village.person(1, server.village, "张伟");
    let (visit, mut document) = village.visit(2, server.village, 1);
    assert!(matches!(village.push(vec![person]).await[..], [Verdict::Accepted(_)]));
    revoke(&server, &head, &village).await;
    let refused = village.sync(&village.request(Vec::new(), Vec::new())).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "its first request afterwards");

    // What waits on it is kept, in order and once, and nothing of it is in a log.
    let edit = village.edit(&visit, &mut document, 3, &Patch::set("facts", Value::Text("门锁坏了".into())));
    let before = server.row_counts().await;
    let brought = body(&[parcel(&server, &visit), parcel(&server, &edit), b"torn".to_vec()]);
    for _ in 0..2 {
        assert_eq!(hash(&word(&signer.deliver(&server, brought.clone()).await)), mark);
    }
    assert_eq!(server.row_counts().await, before);
    let item = device(&server, &head, &village).await;
    assert_eq!((item["late"].as_u64(), item["wiped_at_ms"].as_i64()), (Some(2), None));
    assert!(item["revoked_at_ms"].is_i64());
    server.pass_ms(5);
    let wiped = signer.wiped(&server).await;
    assert_eq!(wiped.status, StatusCode::NO_CONTENT);
    let item = device(&server, &head, &village).await;
    assert_eq!(item["wiped_at_ms"].as_i64(), Some(server.app.now().0));

    // The head takes it: it is in the log as if it had come in time, by its author.
    let items = late(&server, &head).await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["changes"].as_array().unwrap().len(), 2);
    assert_eq!(items[0]["user_name"], "name of village");
    let path = format!("/api/v1/late/{}/{}", village.device, visit.doc);
    let taken = json!({ "take": true, "hashes": items[0]["hashes"] });
    // What came after the list was read is not decided on.
    let more = village.edit(&visit, &mut document, 4, &Patch::set("facts", Value::Text("又坏了".into())));
    word(&signer.deliver(&server, body(&[parcel(&server, &more)])).await);
    let answer = server.post(&path, Some(&head.token), &taken).await;
    assert_eq!(answer.json()["refused"], json!([]));
    let items = late(&server, &head).await;
    assert_eq!(items[0]["changes"].as_array().unwrap().len(), 1);
    let dropped = json!({ "take": false, "hashes": items[0]["hashes"] });
    assert_eq!(server.post(&path, Some(&head.token), &dropped).await.json()["refused"], json!([]));
    assert!(late(&server, &head).await.is_empty());
    let again = server.phone("village").await;
    assert_ne!(again.device, village.device, "an ended device does not come back");
    let log = server.app.store.read_log(server.village.log(Class::Visits), 0, 1 << 20).await.unwrap();
    let authors: Vec<_> =
        log.entries.iter().filter(|entry| entry.doc == visit.doc).map(|entry| entry.user).collect();
    assert_eq!(authors, [village.user; 2]);
    let answer = server.post(&path, Some(&head.token), &taken).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "once");
}

#[tokio::test]
async fn what_cannot_be_taken_stays_and_says_why() {
    let server = Server::start().await;
    let (village, head) = (server.phone("village").await, server.phone("head").await);
    let signer = Signer::known(&village).await;
    let (visit, mut document) = village.visit(2, server.village, 1);
    let edit = village.edit(&visit, &mut document, 3, &Patch::set("facts", Value::Text("x".into())));
    revoke(&server, &head, &village).await;
    // The change that it builds on never came.
    word(&signer.deliver(&server, body(&[parcel(&server, &edit)])).await);
    let path = format!("/api/v1/late/{}/{}", village.device, visit.doc);
    let hashes = &late(&server, &head).await[0]["hashes"];
    let answer = server.post(&path, Some(&head.token), &json!({ "take": true, "hashes": hashes })).await;
    assert_eq!(answer.json()["refused"], json!(["pending"]));
    assert_eq!(late(&server, &head).await.len(), 1);
    let answer = server.post(&path, Some(&head.token), &json!({ "take": false, "hashes": hashes })).await;
    assert_eq!(answer.json()["refused"], json!([]));
    assert!(late(&server, &head).await.is_empty());
    let answer = server.post(&path, Some(&head.token), &json!({ "keep": false })).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_device_whose_parcels_cannot_be_kept_is_not_told_the_word() {
    let server = Server::start().await;
    let (village, head) = (server.phone("village").await, server.phone("head").await);
    let signer = Signer::known(&village).await;
    let (visit, _) = village.visit(2, server.village, 1);
    revoke(&server, &head, &village).await;
    // Sealed to a key that this server has lost.
    let other = SecretKey::of_seed(&[9; 32]).public();
    let sealed = zoufang_core::sync::parcel::seal(minicbor::to_vec(&visit).unwrap(), other, [1; 32]).unwrap();
    let answer = signer.deliver(&server, body(&[parcel(&server, &visit), sealed])).await;
    assert_eq!((answer.status, answer.body), (StatusCode::GONE, Vec::new()));
    assert_eq!(late(&server, &head).await.len(), 1);
}

#[tokio::test]
async fn nobody_else_wipes_or_says_that_it_is_wiped() {
    let server = Server::start().await;
    let (village, other, head) =
        (server.phone("village").await, server.phone("neighbour").await, server.phone("head").await);
    let (signer, mark) = Signer::marked(&village).await;
    let (stranger, other_mark) = Signer::marked(&other).await;
    assert_ne!(mark, other_mark, "each device has a word of its own");
    assert_eq!(signer.wiped(&server).await.status, StatusCode::UNAUTHORIZED, "a device in use");
    revoke(&server, &head, &village).await;
    // Another device's key in its name hears nothing.
    assert_eq!(stranger.deliver(&server, body(&[])).await.status, StatusCode::OK, "a device in use");
    let borrowed = stranger.in_the_name_of(village.device);
    assert_eq!(borrowed.deliver(&server, body(&[])).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(borrowed.wiped(&server).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(hash(&word(&signer.deliver(&server, body(&[])).await)), mark, "also with nothing to bring");
}

#[tokio::test]
async fn it_is_known_when_a_device_was_heard_of() {
    let server = Server::start().await;
    let (village, head) = (server.phone("village").await, server.phone("head").await);
    assert_eq!(device(&server, &head, &village).await["seen_at_ms"], serde_json::Value::Null);
    server.pass_ms(100_000);
    village.sync(&village.request(Vec::new(), Vec::new())).await;
    assert_eq!(device(&server, &head, &village).await["seen_at_ms"].as_i64(), Some(server.app.now().0));
}
