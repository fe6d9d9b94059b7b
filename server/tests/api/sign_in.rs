//! `/api/v1/sign-in`, `/sign-out`, `/me`

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use serde_json::json;
use zoufang_server::account::session::{ADDRESS_TRIES_MAX, SESSION_MS, TRY_WINDOW_MS};
use zoufang_server::assets::Assets;
use zoufang_server::{App, router};

use crate::server::{PASSWORD, Server, request};

#[tokio::test]
async fn a_worker_signs_in_and_out() {
    let server = Server::start().await;
    let answer = server.try_sign_in("village", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let body = answer.json();
    let token = body["token"].as_str().unwrap();
    assert_eq!((token.len(), body["device"].as_str().unwrap().len()), (43, 16));
    assert_eq!(body["user"]["unit_name"], "朝阳寺村");
    assert_eq!(body["user"]["role"], "village_worker");
    let me = server.get("/api/v1/me", Some(token)).await.json();
    assert_eq!((&me["user"], &me["device"], &me["epoch"]), (&body["user"], &body["device"], &body["epoch"]));
    assert_eq!(server.post("/api/v1/sign-out", Some(token), &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get("/api/v1/me", Some(token)).await.code(), "signed_out");
}

#[tokio::test]
async fn a_known_device_keeps_its_id_and_another_users_does_not() {
    let server = Server::start().await;
    let device = server.phone("village").await.device.to_string();
    let again = async |user: &str, device: &str| {
        let body = json!({ "user": user, "password": PASSWORD, "device_label": "", "device": device });
        server.post("/api/v1/sign-in", None, &body).await.json()["device"].as_str().unwrap().to_owned()
    };
    assert_eq!(again("village", &device).await, device);
    assert_ne!(again("township", &device).await, device);
    // A server restored from a backup does not know it: it goes on, so that what it holds is taken.
    assert_eq!(again("village", "00000000000000ab").await, "00000000000000ab");
    assert_ne!(again("township", "00000000000000ab").await, "00000000000000ab");
    server.app.store.revoke_device(device.parse().unwrap(), server.app.now()).await.unwrap();
    assert_ne!(again("village", &device).await, device);
}

#[tokio::test]
async fn a_session_ends_after_thirty_days() {
    let server = Server::start().await;
    let phone = server.phone("village").await;
    server.pass_ms(SESSION_MS - 1);
    assert_eq!(server.get("/api/v1/me", Some(&phone.token)).await.status, StatusCode::OK);
    server.pass_ms(1);
    let answer = server.get("/api/v1/me", Some(&phone.token)).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "signed_out"));
}

#[tokio::test]
async fn an_unknown_login_and_a_wrong_password_look_the_same() {
    let server = Server::start().await;
    for (user, password) in
        [("village", "wrong"), ("nobody", PASSWORD), ("", ""), ("village", &"x".repeat(1_000))]
    {
        let answer = server.try_sign_in(user, password).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "bad_credentials"),
            "{user}"
        );
    }
}

/// Counted, since times say little on a busy machine: who is not there costs the same work.
#[tokio::test]
async fn an_unknown_login_costs_a_password_to_compute_as_a_known_one_does() {
    let server = Server::start().await;
    let computed = || server.app.passwords_computed.load(Ordering::Relaxed);
    for (user, password) in [("village", "wrong"), ("nobody", "wrong"), ("", "wrong"), ("village", PASSWORD)]
    {
        let before = computed();
        server.try_sign_in(user, password).await;
        assert_eq!(computed() - before, 1, "{user}");
    }
    // What is too long to be a password costs nobody anything, whoever it is for.
    for user in ["village", "nobody"] {
        let before = computed();
        server.try_sign_in(user, &"x".repeat(1_000)).await;
        assert_eq!(computed(), before, "{user}");
    }
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_account_also_after_a_restart() {
    let server = Server::start().await;
    for _ in 0..5 {
        assert_eq!(server.try_sign_in("village", "wrong").await.status, StatusCode::UNAUTHORIZED);
    }
    let locked = server.try_sign_in("village", PASSWORD).await;
    assert_eq!((locked.status, locked.code().as_str()), (StatusCode::LOCKED, "locked"));
    assert_eq!(locked.json()["retry_after_s"], TRY_WINDOW_MS / 1000);
    assert_eq!(server.try_sign_in("township", PASSWORD).await.status, StatusCode::OK, "others may");
    // The same store under a new application is what a restart leaves.
    let mut restarted = App::new(Arc::clone(&server.app.store), Assets::default());
    restarted.clock = Arc::clone(&server.app.clock);
    let body = Body::from(json!({ "user": "village", "password": PASSWORD }).to_string());
    let request = request(Method::POST, "/api/v1/sign-in", None)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .unwrap();
    let answer = tower::ServiceExt::oneshot(router(restarted), request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::LOCKED);
    server.pass_ms(TRY_WINDOW_MS);
    assert_eq!(server.try_sign_in("village", PASSWORD).await.status, StatusCode::OK, "the window is over");
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_is_locked() {
    let server = Server::start().await;
    for number in 0..ADDRESS_TRIES_MAX {
        assert_eq!(server.try_sign_in(&format!("guess{number}"), "x").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(server.try_sign_in("village", PASSWORD).await.status, StatusCode::LOCKED);
}

#[tokio::test]
async fn right_passwords_are_not_counted() {
    let server = Server::start().await;
    for _ in 0..6 {
        assert_eq!(server.try_sign_in("village", PASSWORD).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_body_of_another_form_is_a_bad_request() {
    let server = Server::start().await;
    for body in [
        json!({}),
        json!([]),
        json!({ "user": 1, "password": "" }),
        json!({ "user": "a", "password": "b", "device": "zz" }),
    ] {
        let answer = server.post("/api/v1/sign-in", None, &body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::BAD_REQUEST, "bad_request"),
            "{body}"
        );
        assert_eq!(answer.json()["request_id"], answer.headers["x-request-id"].to_str().unwrap());
    }
}

/// A new route that is not listed here, and does not ask who is there, fails this test.
#[tokio::test]
async fn every_route_but_the_public_ones_asks_who_is_there() {
    let server = Server::start().await;
    let public = ["/healthz", "/readyz", "/ca.crt", "/api/v1/sign-in"];
    let document = server.get("/api/v1/openapi.json", None).await.json();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 10);
    for (path, methods) in paths.iter().filter(|(path, _)| !public.contains(&path.as_str())) {
        for method in methods.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            for token in [None, Some("AAAA"), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")] {
                let answer =
                    server.send(request(method.clone(), path, token).body(Body::empty()).unwrap()).await;
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (StatusCode::UNAUTHORIZED, "signed_out"),
                    "{method} {path}"
                );
            }
        }
    }
}

/// Where the server asks for codes, a password alone enrols no phone; one that is enrolled goes on.
#[tokio::test]
async fn a_phone_is_enrolled_with_a_code_that_is_good_once() {
    let mut server = Server::start().await;
    let known = server.phone("village").await.device.to_string();
    let head = server.phone("head").await.token.clone();
    server.want_codes();
    let enter = async |device: Option<&str>, code: Option<&str>| {
        let body = json!({ "user": "village", "password": PASSWORD, "device": device, "code": code });
        server.post("/api/v1/sign-in", None, &body).await
    };
    let make = async || {
        let made =
            server.post("/api/v1/enrol-codes", Some(&head), &json!({ "user": "village" })).await.json();
        assert_eq!((&made["user_name"], &made["wanted"]), (&json!("name of village"), &json!(true)));
        made["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(enter(Some(&known), None).await.status, StatusCode::OK);
    // Nor is an id that the phone still knows, once its PIN is forgotten.
    let anew = json!({ "user": "village", "password": PASSWORD, "device": known, "anew": true });
    assert_eq!(server.post("/api/v1/sign-in", None, &anew).await.code(), "code_needed");
    // A made-up id, as of a server that was restored, is not enough.
    for device in [None, Some("00000000000000ab")] {
        let answer = enter(device, None).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "code_needed"));
    }
    let first = make().await;
    assert_eq!((first.len(), first.bytes().all(|digit| digit.is_ascii_digit())), (8, true));
    let code = make().await;
    assert_eq!(enter(None, Some(&first)).await.code(), "code_wrong", "another one took its place");
    let spaced = format!(" {} {}", &code[..4], &code[4..]);
    assert_eq!(enter(None, Some(&spaced)).await.status, StatusCode::OK);
    assert_eq!(enter(None, Some(&code)).await.code(), "code_wrong", "it was used");

    // It is good for a day, and a wrong one counts as a wrong password does.
    let late = make().await;
    server.pass_ms(24 * 3_600_000);
    for _ in 0..5 {
        assert_eq!(enter(None, Some(&late)).await.code(), "code_wrong");
    }
    assert_eq!(enter(None, Some(&make().await)).await.status, StatusCode::LOCKED);
    // That none was typed is no try.
    server.pass_ms(TRY_WINDOW_MS);
    for _ in 0..6 {
        assert_eq!(enter(None, None).await.code(), "code_needed");
    }
    assert_eq!(enter(None, Some(&make().await)).await.status, StatusCode::OK);
}
