//! A phone whose PIN is forgotten asks, is let in by whoever has the recovery key, or takes that back.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use zoufang_core::record::DeviceId;
use zoufang_core::seal::{DataKey, KeyId, RecoveryRequest, RecoverySlot, SecretKey};
use zoufang_core::sync::wire::Frame;
use zoufang_server::recovery::{ASKED_MS, RecoverError, announce, let_in};

use crate::server::{Answer, Phone, Server, request};

pub(crate) const PATH: &str = "/api/v1/recovery";

pub(crate) fn recovery() -> SecretKey {
    SecretKey::of_seed(&[1; 32])
}

/// The key of one request.
fn once(number: u8) -> SecretKey {
    SecretKey::of_seed(&[100 + number; 32])
}

/// A request for a phone; its data key is 32 times this number.
pub(crate) fn asking(device: DeviceId, number: u8) -> RecoveryRequest {
    let key = DataKey::from_parts(KeyId(number.into()), &[number; 32]);
    let slot = RecoverySlot::seal(recovery().public(), device, &key, [50 + number; 32]).unwrap();
    RecoveryRequest { slot, answer_to: once(number).public() }
}

pub(crate) async fn ask(server: &Server, token: &str, asked: &RecoveryRequest) -> Answer {
    put(server, token, &json!({ "request": STANDARD.encode(minicbor::to_vec(asked).unwrap()) })).await
}

async fn put(server: &Server, token: &str, body: &Value) -> Answer {
    let request = request(Method::PUT, PATH, Some(token)).header(header::CONTENT_TYPE, "application/json");
    server.send(request.body(Body::from(body.to_string())).unwrap()).await
}

pub(crate) async fn take_back(server: &Server, token: &str) -> StatusCode {
    server.send(request(Method::DELETE, PATH, Some(token)).body(Body::empty()).unwrap()).await.status
}

pub(crate) async fn state(server: &Server, token: &str) -> String {
    looked(server, token).await["state"].as_str().unwrap().to_owned()
}

async fn looked(server: &Server, token: &str) -> Value {
    let answer = server.get(PATH, Some(token)).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()
}

async fn answered(phone: &Phone<'_>) -> Vec<u8> {
    let answer = looked(phone.server, &phone.token).await;
    STANDARD.decode(answer["answer"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_phone_that_asks_is_let_in_by_the_recovery_key_alone() {
    let server = Server::start().await;
    let phone = server.phone("village").await;
    let store = server.app.store.as_ref();
    assert_eq!(state(&server, &phone.token).await, "none");
    let asked = asking(phone.device, 1);
    assert_eq!(ask(&server, &phone.token, &asked).await.status, StatusCode::NO_CONTENT);
    assert_eq!(state(&server, &phone.token).await, "waiting");
    assert!(looked(&server, &phone.token).await.get("answer").is_none());

    // A wrong number, another's key, a phone that does not ask: nothing is done.
    let number = asked.check_number();
    let other = if number == "000000" { "000001" } else { "000000" };
    let wrong = let_in(store, phone.device, other, &recovery()).await;
    assert!(matches!(wrong, Err(RecoverError::OtherNumber)), "{wrong:?}");
    let wrong = let_in(store, phone.device, "", &recovery()).await;
    assert!(matches!(wrong, Err(RecoverError::OtherNumber)), "{wrong:?}");
    let wrong = let_in(store, phone.device, &number, &once(1)).await;
    assert!(matches!(wrong, Err(RecoverError::Unopened(_))), "{wrong:?}");
    let wrong = let_in(store, DeviceId(9), &number, &recovery()).await;
    assert!(matches!(wrong, Err(RecoverError::NotAsked)), "{wrong:?}");
    assert_eq!(state(&server, &phone.token).await, "waiting");

    // As a person says it.
    let said = format!("{} {}", &number[..3], &number[3..]);
    let_in(store, phone.device, &said, &recovery()).await.unwrap();
    assert_eq!(state(&server, &phone.token).await, "answered");
    let answer = answered(&phone).await;
    assert_eq!(*asked.opened(&once(1), &answer).unwrap().expose(), [1; 32]);
    assert!(asked.opened(&recovery(), &answer).is_err(), "only the phone opens it");
    assert!(!answer.windows(8).any(|part| part == [1; 8]));

    // Another request takes its place, and the answer to the first one is not for it.
    let again = asking(phone.device, 2);
    assert_eq!(ask(&server, &phone.token, &again).await.status, StatusCode::NO_CONTENT);
    assert_eq!(state(&server, &phone.token).await, "waiting");
    assert!(again.opened(&once(2), &answer).is_err());
    assert_eq!(take_back(&server, &phone.token).await, StatusCode::NO_CONTENT);
    assert_eq!(state(&server, &phone.token).await, "none");
    let gone = let_in(store, phone.device, &again.check_number(), &recovery()).await;
    assert!(matches!(gone, Err(RecoverError::NotAsked)), "{gone:?}");
    assert_eq!(take_back(&server, &phone.token).await, StatusCode::NO_CONTENT, "once more");
}

#[tokio::test]
async fn a_request_is_of_the_phone_that_asks_and_is_one() {
    let server = Server::start().await;
    let (phone, other) = (server.phone("village").await, server.phone("village").await);
    assert_eq!(ask(&server, &phone.token, &asking(phone.device, 1)).await.status, StatusCode::NO_CONTENT);
    for body in [
        json!({}),
        json!({ "request": 7 }),
        json!({ "request": "" }),
        json!({ "request": "!" }),
        json!({ "request": STANDARD.encode([7; 600]) }),
        json!({ "request": STANDARD.encode(minicbor::to_vec(asking(phone.device, 2).slot).unwrap()) }),
    ] {
        assert_eq!(put(&server, &phone.token, &body).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let others = ask(&server, &other.token, &asking(phone.device, 3)).await;
    assert_eq!((others.status, others.code().as_str()), (StatusCode::BAD_REQUEST, "bad_request"));
    // Of another phone of the same user nothing is told.
    assert_eq!(state(&server, &other.token).await, "none");
    assert_eq!(take_back(&server, &other.token).await, StatusCode::NO_CONTENT);
    assert_eq!(state(&server, &phone.token).await, "waiting");
    for status in [
        server.get(PATH, None).await.status,
        take_back(&server, "nobody").await,
        ask(&server, "nobody", &asking(phone.device, 1)).await.status,
    ] {
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_request_ends_after_a_week_and_with_the_device() {
    let server = Server::start().await;
    let (phone, head) = (server.phone("village").await, server.phone("head").await);
    ask(&server, &phone.token, &asking(phone.device, 1)).await;
    server.pass_ms(ASKED_MS - 1);
    assert_eq!(state(&server, &phone.token).await, "waiting");
    server.pass_ms(1);
    assert_eq!(state(&server, &phone.token).await, "none");
    assert_eq!(server.app.store.recoveries().await.unwrap().len(), 1);
    // Who asks next takes it away; it was seen no more before.
    ask(&server, &head.token, &asking(head.device, 2)).await;
    let left = server.app.store.recoveries().await.unwrap();
    assert_eq!(left.iter().map(|asked| asked.device).collect::<Vec<_>>(), [head.device]);

    ask(&server, &phone.token, &asking(phone.device, 3)).await;
    let path = format!("/api/v1/devices/{}/revoke", phone.device);
    server.post(&path, Some(&head.token), &json!({})).await;
    assert_eq!(server.app.store.recovery(phone.device).await.unwrap(), None);
}

#[tokio::test]
async fn phones_are_told_the_recovery_key_and_that_there_is_none_any_more() {
    let server = Server::start().await;
    let phone = server.phone("village").await;
    let store = server.app.store.as_ref();
    let told = async || {
        let mut sync = phone.request(Vec::new(), Vec::new());
        sync.directory_version = 0;
        let frames = phone.sync(&sync).await.frames();
        let directory = frames
            .into_iter()
            .find_map(|frame| if let Frame::Directory(directory) = frame { Some(directory) } else { None });
        directory.map(|directory| (directory.version, directory.recovery_key)).unwrap()
    };
    let (first, key) = told().await;
    assert_eq!(key, None);
    announce(store, None).await.unwrap();
    assert_eq!(told().await, (first, None), "nothing changes for anybody");
    announce(store, Some(recovery().public())).await.unwrap();
    let (second, key) = told().await;
    assert_eq!((second > first, key), (true, Some(recovery().public())));
    announce(store, Some(recovery().public())).await.unwrap();
    assert_eq!(told().await.0, second, "told once");
    announce(store, None).await.unwrap();
    assert_eq!(told().await.1, None);
}
