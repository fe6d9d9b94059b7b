//! `GET /api/v1/news`

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, StatusCode, header};
use futures_util::StreamExt;
use serde_json::json;
use tokio::time::timeout;
use zoufang_core::record::UnitId;
use zoufang_core::sync::wire::Verdict;
use zoufang_server::account::session::SESSION_MS;
use zoufang_server::news::DEVICE_STREAMS_MAX;
use zoufang_server::store::{NewAccount, TokenHash};

use crate::server::{Phone, Server, request};

const PATIENCE: Duration = Duration::from_secs(20);

/// A stream that is being read.
struct News {
    body: BodyDataStream,
    text: String,
}

impl News {
    async fn open(server: &Server, token: &str) -> Self {
        let response = server
            .respond(request(Method::GET, "/api/v1/news", Some(token)).body(Body::empty()).unwrap())
            .await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event, heartbeats left out; `None` at the end.
    async fn next(&mut self) -> Option<(u64, u64)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.starts_with(':') {
                    continue;
                }
                let data = event.strip_prefix("event: unit\ndata: ").unwrap();
                let data: serde_json::Value = serde_json::from_str(data).unwrap();
                assert_eq!(data.as_object().unwrap().len(), 2, "unit and seq and nothing else");
                return Some((data["unit"].as_u64().unwrap(), data["seq"].as_u64().unwrap()));
            }
            let bytes = timeout(PATIENCE, self.body.next()).await.expect("something comes")?.unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

async fn push(phone: &Phone<'_>, id: u8, unit: UnitId) {
    let verdicts = phone.push(vec![phone.person(id, unit, "李春梅").0]).await;
    assert!(matches!(verdicts[0], Verdict::Accepted(_)));
}

#[tokio::test]
async fn only_who_has_signed_in_hears_news() {
    let server = Server::start().await;
    let answer = server.get("/api/v1/news", None).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "signed_out"));
}

#[tokio::test]
async fn news_are_of_the_own_units_only() {
    let server = Server::start().await;
    let (village, neighbour, township) =
        (server.phone("village").await, server.phone("neighbour").await, server.phone("township").await);
    push(&village, 1, server.village).await;
    let here = u64::from(server.village.0);
    let mut own = News::open(&server, &village.token).await;
    assert_eq!(own.next().await, Some((here, 1)), "first where it stands");
    let mut above = News::open(&server, &township.token).await;
    assert_eq!(above.next().await, Some((here, 1)));
    push(&neighbour, 2, server.neighbour).await;
    push(&township, 3, server.sibling).await;
    push(&township, 4, server.village).await;
    assert_eq!(own.next().await, Some((here, 2)), "nothing of the neighbour's or the sibling's");
    let mut heard = [above.next().await.unwrap(), above.next().await.unwrap()];
    heard.sort_unstable();
    let mut wanted = [(here, 2), (u64::from(server.sibling.0), 1)];
    wanted.sort_unstable();
    assert_eq!(heard, wanted, "the township hears of both its villages");
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let server = Server::start().await;
    let (out, revoked, other) =
        (server.phone("village").await, server.phone("village").await, server.phone("village").await);
    let mut streams = Vec::new();
    for phone in [&out, &revoked, &other] {
        streams.push(News::open(&server, &phone.token).await);
    }
    server.post("/api/v1/sign-out", Some(&out.token), &json!({})).await;
    assert_eq!(streams[0].next().await, None);
    server.app.store.revoke_device(revoked.device, server.app.now()).await.unwrap();
    assert_eq!(streams[1].next().await, None);
    // The one that is left goes on until its time is over.
    push(&other, 1, server.village).await;
    assert!(streams[2].next().await.is_some());
    server.pass_ms(SESSION_MS);
    server.app.store.close_session(TokenHash([0; 32])).await.unwrap();
    assert_eq!(streams[2].next().await, None);
}

#[tokio::test]
async fn a_heartbeat_finds_a_session_that_ended_by_itself() {
    let mut server = Server::start().await;
    server.beat_every(Duration::from_millis(20));
    let phone = server.phone("village").await;
    let mut news = News::open(&server, &phone.token).await;
    let beat = timeout(PATIENCE, news.body.next()).await.unwrap().unwrap().unwrap();
    assert!(beat.starts_with(b":"), "a comment");
    server.pass_ms(SESSION_MS);
    assert_eq!(news.next().await, None);
}

#[tokio::test]
async fn a_device_has_few_streams_and_a_stopping_server_none() {
    let server = Server::start().await;
    let phone = server.phone("village").await;
    let mut oldest = News::open(&server, &phone.token).await;
    let mut others = Vec::new();
    for _ in 0..DEVICE_STREAMS_MAX {
        others.push(News::open(&server, &phone.token).await);
    }
    assert_eq!(oldest.next().await, None, "the newest takes the place of the oldest");
    push(&phone, 1, server.village).await;
    for stream in &mut others {
        assert_eq!(stream.next().await, Some((u64::from(server.village.0), 1)));
    }
    server.app.places.close();
    for stream in &mut others {
        assert_eq!(stream.next().await, None);
    }
    assert_eq!(server.get("/api/v1/news", Some(&phone.token)).await.code(), "busy");
}

#[tokio::test]
async fn a_change_of_the_directory_does_not_end_a_stream() {
    let server = Server::start().await;
    let phone = server.phone("village").await;
    let mut news = News::open(&server, &phone.token).await;
    let account = NewAccount {
        login: "new".to_owned(),
        name: "新".to_owned(),
        role: zoufang_core::record::list::Role::VillageWorker,
        unit: server.village,
        password: "hash".to_owned(),
    };
    server.app.store.add_account(&account).await.unwrap();
    push(&phone, 1, server.village).await;
    assert_eq!(news.next().await, Some((u64::from(server.village.0), 1)));
}
