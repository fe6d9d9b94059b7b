//! More than the server can do at once: who is not served is told when to come again, and nothing of it is lost. Counts and states
//! only; how long it takes stands in the bench.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Barrier,
    thread,
};

use zoufang_core::sync::{
    session::{Failure, Phase},
    wire::{CONTENT_TYPE, encode_request},
};
use zoufang_server::store::{County, Store, sqlite::SqliteStore};
use zoufang_tests::{Device, News, Server};

use crate::{ACCOUNTS, device, fill, until};

/// Requests of a kind that this server works on at once.
const AT_ONCE: usize = 2;

fn small_server() -> Server {
    Server::start_with(&ACCOUNTS, &[("ZOUFANG_AT_ONCE", "2")]).unwrap()
}

/// What a device would send now.
fn pending(device: &Device) -> Vec<u8> {
    let phone = device.phone();
    let outgoing = phone.outgoing(&device.disk().segments(phone.needs_outgoing())).unwrap();
    encode_request(&outgoing.request)
}

/// A sync that is at work for as long as another process writes.
fn begin(server: &Server, token: &str, body: &[u8]) -> TcpStream {
    let mut line = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let head = format!(
        "POST /api/v1/sync HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {token}\r\ncontent-type: {CONTENT_TYPE}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    line.write_all(&[head.as_bytes(), body].concat()).unwrap();
    line
}

struct Said {
    status: u16,
    retry_after: Option<String>,
    body: String,
}

fn said(answer: ureq::http::Response<ureq::Body>) -> Said {
    let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    Said { status, retry_after, body: answer.into_body().read_to_string().unwrap_or_default() }
}

fn get(server: &Server, path: &str, token: &str) -> Said {
    let request = ureq::get(format!("{}{path}", server.url())).config().http_status_as_error(false).build();
    said(request.header("authorization", format!("Bearer {token}")).call().unwrap())
}

fn post_nothing(server: &Server, token: &str) -> Said {
    let request = ureq::post(format!("{}/api/v1/sync", server.url()));
    let request = request.config().http_status_as_error(false).build();
    let request =
        request.header("content-type", CONTENT_TYPE).header("authorization", format!("Bearer {token}"));
    said(request.send(&b"nothing"[..]).unwrap())
}

#[test]
fn who_finds_no_turn_is_told_when_to_come_again_and_loses_nothing() {
    let server = small_server();
    let mut village = device(&server.url(), "village");
    let made = fill(&mut village, 5, 1, 1).len();
    let token = village.phone().account().unwrap().token.clone().unwrap();
    let body = pending(&village);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = server.folder().join("zoufang.sqlite");
    let (store, writing) = runtime.block_on(async {
        let store = SqliteStore::open(&database, County::default()).await.unwrap();
        let writing = store.begin().await.unwrap();
        (store, writing)
    });
    let mut held: Vec<TcpStream> = (0..AT_ONCE).map(|_| begin(&server, &token, &body)).collect();
    until("no turn is left", || (post_nothing(&server, &token).status == 503).then_some(()));

    // Four times as many as have a turn, at the same moment.
    let start = Barrier::new(4 * AT_ONCE);
    let answers: Vec<Said> = thread::scope(|scope| {
        let one = || {
            start.wait();
            post_nothing(&server, &token)
        };
        let all: Vec<_> = (0..4 * AT_ONCE).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for answer in answers {
        assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("5")));
        assert!(answer.body.contains("\"code\":\"busy\""), "{}", answer.body);
        assert!(answer.body.contains("\"retry_after_s\":5"), "{}", answer.body);
    }

    // A phone waits as long as it is told, and keeps what it has.
    assert_eq!(village.sync().unwrap().phase, Phase::Failed(Failure::Busy(5)));
    assert_eq!(village.phone().waiting(), made);

    // Who asks for something else is served: health, the lists, and the news.
    assert_eq!(get(&server, "/healthz", &token).body, "ok");
    assert_eq!(get(&server, "/api/v1/me", &token).status, 200);
    News::open(&server.url(), &token).unwrap();

    // The turns are given back, and everything arrives once.
    runtime.block_on(async {
        drop(writing);
        store.close().await;
    });
    for line in &mut held {
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!((village.sync().unwrap().phase, village.phone().waiting()), (Phase::Idle, 0));
    assert_eq!(device(&server.url(), "village").phone().rows().count(), made);
}

#[test]
fn a_crowd_gets_an_answer_each() {
    let server = small_server();
    let village = device(&server.url(), "township");
    let token = village.phone().account().unwrap().token.clone().unwrap();
    let crowd = 4 * (AT_ONCE + 16 * AT_ONCE);
    let start = Barrier::new(crowd);
    let answers: Vec<Said> = thread::scope(|scope| {
        let one = || {
            start.wait();
            get(&server, "/api/v1/office/overview", &token)
        };
        let all: Vec<_> = (0..crowd).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    let sent_away =
        answers.iter().filter(|answer| answer.status == 503 && answer.retry_after.is_some()).count();
    assert!(served >= AT_ONCE, "{served} served");
    assert_eq!(served + sent_away, crowd, "everybody has an answer");
    assert_eq!(get(&server, "/api/v1/office/overview", &token).status, 200, "and then it goes on");
}

#[test]
fn sign_ins_wait_for_each_other_and_none_of_them_counts_as_wrong() {
    let server = small_server();
    let crowd = 12;
    let start = Barrier::new(crowd);
    thread::scope(|scope| {
        let one = || {
            start.wait();
            // More than five wrong ones would lock the account.
            device(&server.url(), "village")
        };
        let all: Vec<_> = (0..crowd).map(|_| scope.spawn(one)).collect();
        for one in all {
            one.join().unwrap();
        }
    });
}
