//! Who finds no turn is told so, and what comes over weak lines keeps none.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode, header};
use futures_util::stream;
use tokio::sync::mpsc;
use zoufang_core::sync::wire::{CONTENT_TYPE, Verdict, encode_request};

use crate::server::{Server, request};

/// A body that comes in two parts, the second when it is said.
fn in_two_parts(whole: &[u8]) -> (Body, impl FnOnce() + use<>) {
    let (first, second) = whole.split_at(whole.len() / 2);
    let (sender, receiver) = mpsc::unbounded_channel::<io::Result<Bytes>>();
    sender.send(Ok(Bytes::copy_from_slice(first))).unwrap();
    let parts = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    let rest = Bytes::copy_from_slice(second);
    (Body::from_stream(parts), move || sender.send(Ok(rest)).unwrap())
}

#[tokio::test]
async fn while_all_turns_of_syncs_are_taken_everything_else_is_served() {
    let mut server = Server::start().await;
    server.work_on(1);
    let phone = server.phone("village").await;
    let turn = server.app.gates.sync().await.unwrap();
    let answer = phone.sync(&phone.request(Vec::new(), Vec::new())).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    assert_eq!(answer.headers[header::RETRY_AFTER], "5");
    for path in ["/healthz", "/readyz", "/api/v1/me"] {
        assert_eq!(server.get(path, Some(&phone.token)).await.status, StatusCode::OK, "{path}");
    }
    drop(turn);
    assert_eq!(phone.sync(&phone.request(Vec::new(), Vec::new())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_slow_upload_keeps_nobody_from_being_served() {
    let mut server = Server::start().await;
    server.work_on(1);
    let (slow, quick) = (server.phone("village").await, server.phone("neighbour").await);
    let (person, _) = slow.person(1, server.village, "张伟");
    let (body, go_on) = in_two_parts(&encode_request(&slow.request(Vec::new(), vec![person])));
    let upload = request(Method::POST, "/api/v1/sync", Some(&slow.token))
        .header(header::CONTENT_TYPE, CONTENT_TYPE)
        .body(body)
        .unwrap();
    let meanwhile = async {
        let (person, _) = quick.person(2, server.neighbour, "李娜");
        assert_eq!(quick.push(vec![person]).await, [Verdict::Accepted(1)]);
        go_on();
    };
    let (answer, ()) = tokio::join!(server.send(upload), meanwhile);
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(crate::server::verdicts(&answer.frames()), [Verdict::Accepted(1)], "nothing of it is lost");
}

#[tokio::test]
async fn a_stranger_who_sends_slowly_keeps_nobody_from_being_served() {
    let mut server = Server::start().await;
    server.work_on(1);
    let phone = server.phone("township").await;
    let (body, go_on) = in_two_parts(b"{\"readings\":[]}");
    let stranger = request(Method::POST, "/api/v1/access", None)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .unwrap();
    let meanwhile = async {
        assert_eq!(server.get("/api/v1/me", Some(&phone.token)).await.status, StatusCode::OK);
        go_on();
    };
    let (answer, ()) = tokio::join!(server.send(stranger), meanwhile);
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
