//! `POST /api/v1/sync`: what a phone gets.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use zoufang_core::document::{Document, LogChange};
use zoufang_core::query::Row;
use zoufang_core::record::{Class, EpochId, Kind, Patch, UnitId, Value};
use zoufang_core::sync::digest::Digest;
use zoufang_core::sync::scan::scan;
use zoufang_core::sync::wire::{
    CONTENT_TYPE, End, Frame, Page, Problem, SyncRequest, VERSION, Verdict, encode_request,
};
use zoufang_server::sync::brotli::STREAMS_MAX;
use zoufang_server::sync::segment::seal;

use crate::server::{Phone, Server, doc, request, verdicts};

fn pages(frames: &[Frame]) -> Vec<&Page> {
    frames.iter().filter_map(|frame| if let Frame::Page(page) = frame { Some(page) } else { None }).collect()
}

fn end(frames: &[Frame]) -> End {
    match frames.last() {
        Some(Frame::End(end)) => *end,
        other => panic!("no end: {other:?}"),
    }
}

#[tokio::test]
async fn a_visit_logged_in_the_village_reaches_the_township() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (person, _) = village.person(1, server.village, "张伟");
    let (visit, made) = village.visit(2, server.village, 1);
    assert_eq!(village.push(vec![person, visit.clone()]).await, [Verdict::Accepted(1), Verdict::Accepted(1)]);
    let township = server.phone("township").await;
    let frames = township
        .sync(&SyncRequest { directory_version: 0, ..township.request(Vec::new(), Vec::new()) })
        .await
        .frames();
    let visits = server.village.log(Class::Visits);
    let scope = frames
        .iter()
        .find_map(|frame| if let Frame::Scope(scope) = frame { Some(scope) } else { None })
        .unwrap();
    assert!(
        scope.contains(&(server.village, 1))
            && scope.contains(&(visits, 1))
            && scope.contains(&(server.township, 0))
            && scope.len() > 10
    );
    let directory = frames
        .iter()
        .find_map(|frame| if let Frame::Directory(directory) = frame { Some(directory) } else { None })
        .unwrap();
    assert!(directory.users.iter().any(|user| user.id == village.user && user.name == "name of village"));
    assert!(!directory.users.iter().any(|user| user.name == "name of neighbour"), "nobody from elsewhere");
    assert!(directory.units.iter().any(|unit| unit.id == server.village && unit.code == "211381103201"));
    let pages = pages(&frames);
    assert_eq!((pages.len(), pages[0].unit), (2, server.village));
    let page = pages[1];
    assert_eq!((page.unit, page.from_seq, page.to_seq, page.count, page.complete), (visits, 0, 1, 1, true));
    let hash = |raw: &[u8]| scan(raw).unwrap().hash;
    assert_eq!(
        page.digest,
        page.items.iter().fold(Digest::default(), |digest, item| digest.with(hash(&item.raw)))
    );
    let item = &page.items[0];
    assert_eq!((item.doc, item.kind, item.author), (doc(2), Kind::Visit, village.user));
    let change =
        LogChange { raw: item.raw.clone(), author: item.author, received_at: Some(item.received_at) };
    let document = Document::load(Kind::Visit, [change]).unwrap();
    assert_eq!((document.entries(), document.heads()), (made.entries(), made.heads()));
    assert!(page.rows.contains(&Row::of(doc(2), &document, visits)), "the row is the one a phone would make");
    assert!(!end(&frames).more);
}

#[tokio::test]
async fn an_idle_sync_is_an_end_and_small() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (person, _) = village.person(1, server.village, "张伟");
    village.push(vec![person]).await;
    let cursors = vec![(server.village, 1), (server.village.log(Class::Visits), 0)];
    let ask = village.request(cursors, Vec::new());
    let answer = village.sync(&ask).await;
    assert!(matches!(answer.frames().as_slice(), [Frame::End(End { more: false, .. })]));
    assert!(encode_request(&ask).len() < 300 && answer.body.len() < 300);
}

#[tokio::test]
async fn own_changes_do_not_come_back_but_the_cursor_moves_on() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (person, _) = village.person(1, server.village, "张伟");
    let frames = village.sync(&village.request(vec![(server.village, 0)], vec![person])).await.frames();
    assert_eq!(verdicts(&frames), [Verdict::Accepted(1)]);
    let page = pages(&frames)[0];
    assert_eq!((page.to_seq, page.items.len(), page.rows.len(), page.complete), (1, 0, 0, true));
}

#[tokio::test]
async fn concurrent_edits_of_two_phones_meet() {
    let server = Server::start().await;
    let (village, township) = (server.phone("village").await, server.phone("township").await);
    let (push, mut here) = village.person(1, server.village, "张伟");
    village.push(vec![push.clone()]).await;
    let first = LogChange { raw: push.raw.clone(), author: village.user, received_at: None };
    let mut there = Document::load(Kind::Person, [first]).unwrap();
    let name = |text: &str| Patch::set("name", Value::Text(text.to_owned()));
    let one = village.edit(&push, &mut here, 2, &name("张玮"));
    let other = township.edit(&push, &mut there, 3, &name("张炜"));
    assert_eq!(village.push(vec![one]).await, [Verdict::Accepted(2)]);
    assert_eq!(township.push(vec![other.clone()]).await, [Verdict::Accepted(3)]);
    let frames = village.sync(&village.request(vec![(server.village, 2)], Vec::new())).await.frames();
    let page = pages(&frames)[0];
    assert_eq!((page.items.len(), page.items[0].author), (1, township.user));
    here.apply([LogChange { raw: other.raw, author: township.user, received_at: None }]).unwrap();
    assert_eq!((page.rows[0].heads.clone(), page.rows[0].conflicts), (here.heads(), 1));
}

#[tokio::test]
async fn a_phone_gets_only_its_units() {
    let server = Server::start().await;
    let neighbour = server.phone("neighbour").await;
    let (person, _) = neighbour.person(1, server.neighbour, "王芳");
    neighbour.push(vec![person]).await;
    for user in ["village", "township", "city", "admin"] {
        let phone = server.phone(user).await;
        let frames = phone.sync(&phone.request(vec![(server.neighbour, 0)], Vec::new())).await.frames();
        assert!(pages(&frames).is_empty(), "{user}");
    }
}

#[tokio::test]
async fn an_answer_stops_at_the_bytes_that_were_wanted() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    fill(&village, server.village, 40).await;
    let log = server.village.log(Class::Visits);
    let (mut cursor, mut rounds, mut seen) = (0, 0, 0);
    loop {
        let ask = SyncRequest { want_bytes: 1, ..village.request(vec![(log, cursor)], Vec::new()) };
        let frames = village.sync(&ask).await.frames();
        for page in pages(&frames) {
            assert_eq!(page.from_seq, cursor);
            cursor = page.to_seq;
            seen += page.items.len();
        }
        rounds += 1;
        if !end(&frames).more {
            break;
        }
    }
    assert_eq!(seen, 40 * 25);
    assert!(rounds > 1, "one round would have been everything");
}

#[tokio::test]
async fn segments_say_the_same_as_pages() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    fill(&village, server.village, 40).await;
    let log = server.village.log(Class::Visits);
    // Packed pages are what phones of version 3 read, and nothing else of theirs may depend on it.
    let all = async |version| {
        let ask = village.request(vec![(log, 0)], Vec::new());
        let answer = village.sync(&SyncRequest { want_bytes: u32::MAX, version, ..ask }).await;
        let packed = answer.frame_types().iter().filter(|kind| **kind == 9).count();
        let frames = answer.frames();
        let pages: Vec<Page> = pages(&frames).into_iter().cloned().collect();
        assert_eq!(packed, if version == Some(3) { pages.len() } else { 0 }, "version {version:?}");
        let mut rows: Vec<_> = pages.iter().flat_map(|page| page.rows.clone()).collect();
        rows.sort_by_key(|row| row.doc);
        (pages.iter().flat_map(|page| page.items.clone()).collect::<Vec<_>>(), rows)
    };
    let store = server.app.store.as_ref();
    let before = all(None).await;
    assert_eq!((before.0.len(), before.1.len()), (1_000, 1_000));
    assert_eq!(all(Some(3)).await, before);
    seal(store, log).await.unwrap();
    let sealed = store.sealed(log).await.unwrap();
    assert!(sealed.to_seq > 0 && sealed.to_seq < 1_000, "full pages only");
    for version in [None, Some(2), Some(3)] {
        assert_eq!(all(version).await, before);
    }
    assert_eq!(seal(store, log).await.unwrap(), 0, "nothing to do twice");
}

#[tokio::test]
async fn a_long_answer_is_one_brotli_stream_for_those_who_take_it() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    fill(&village, server.village, 40).await;
    let log = server.village.log(Class::Visits);
    let ask = async |from, encodings: &str| {
        let ask = village.request(vec![(log, from)], Vec::new());
        let body = encode_request(&SyncRequest { want_bytes: u32::MAX, version: Some(3), ..ask });
        let request = request(Method::POST, "/api/v1/sync", Some(&village.token))
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header(header::ACCEPT_ENCODING, encodings);
        server.send(request.body(Body::from(body)).unwrap()).await
    };
    // Full pages as segments, the last one as a page.
    seal(server.app.store.as_ref(), log).await.unwrap();
    let plain = ask(0, "gzip, br;q=0").await;
    assert!(plain.headers.get(header::CONTENT_ENCODING).is_none());
    let mut squeezed = ask(0, "gzip, deflate, br").await;
    assert_eq!(squeezed.headers[header::CONTENT_ENCODING], "br");
    assert!(squeezed.body.len() * 10 < plain.body.len() * 9, "a tenth fewer bytes at least");
    let mut whole = Vec::new();
    std::io::Read::read_to_end(&mut brotli::Decompressor::new(&squeezed.body[..], 4096), &mut whole).unwrap();
    squeezed.body = whole;
    assert_eq!(squeezed.frames(), plain.frames());
    let short = ask(990, "br").await;
    assert!(short.headers.get(header::CONTENT_ENCODING).is_none(), "not worth it");
    let _all = server.app.brotlis.acquire_many(u32::try_from(STREAMS_MAX).unwrap()).await.unwrap();
    let busy = ask(0, "br").await;
    assert!(busy.headers.get(header::CONTENT_ENCODING).is_none(), "no more than a few at once");
}

/// Many visits, 25 a request.
async fn fill(phone: &Phone<'_>, unit: UnitId, requests: u8) {
    for request in 0..requests {
        let mut pushes = Vec::new();
        for number in 0..25 {
            let (mut push, _) = phone.visit(number, unit, 1);
            push.doc.0[0] = request + 100;
            // The same bytes may not stand in two documents.
            let mut document = Document::new(Kind::Visit);
            let change = LogChange { raw: push.raw.clone(), author: phone.user, received_at: None };
            document.apply([change]).unwrap();
            let mut entries = document.entries();
            entries.put_text("facts", Some(format!("{request} {number} {}", "院墙要修，".repeat(20))));
            let (other, _) = phone.first(number, unit, Kind::Visit, entries);
            pushes.push(zoufang_core::sync::wire::Push { raw: other.raw, ..push });
        }
        assert!(phone.push(pushes).await.iter().all(|verdict| matches!(verdict, Verdict::Accepted(_))));
    }
}

#[tokio::test]
async fn another_epoch_is_told_before_anything_else() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let epoch = server.app.store.epoch().await.unwrap();
    let (person, _) = village.person(1, server.village, "张伟");
    let ask = SyncRequest { epoch: EpochId(epoch.0 ^ 1), ..village.request(Vec::new(), vec![person]) };
    let frames = village.sync(&ask).await.frames();
    assert_eq!(frames, [Frame::Problem(Problem::EpochChanged(epoch))], "nothing after it");
    assert_eq!(server.app.store.tails(&[server.village]).await.unwrap()[0].count, 0, "nothing was taken in");
    let ahead = SyncRequest { epoch, ..village.request(vec![(server.village, 5)], Vec::new()) };
    assert_eq!(
        village.sync(&ahead).await.frames()[0],
        Frame::Problem(Problem::EpochChanged(epoch)),
        "a cursor beyond the end"
    );
    village.push(vec![village.person(1, server.village, "张伟").0]).await;
    let cut = SyncRequest { epoch: EpochId(0), ..village.request(vec![(server.village, 1)], Vec::new()) };
    assert_eq!(
        village.sync(&cut).await.frames(),
        [Frame::Problem(Problem::EpochChanged(epoch))],
        "a cursor of nobody knows which log"
    );
}

#[tokio::test]
async fn the_epoch_is_told_before_the_first_page() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    village.push(vec![village.person(1, server.village, "张伟").0]).await;
    let first = |version| SyncRequest {
        epoch: EpochId(0),
        version,
        ..village.request(Vec::new(), vec![village.person(2, server.village, "王芳").0])
    };
    let types = village.sync(&first(Some(VERSION))).await.frame_types();
    let at = |kind| types.iter().position(|found| *found == kind);
    assert_eq!(at(10), at(8).map(|ticket| ticket + 1), "right after the ticket: {types:?}");
    assert!(at(10) < at(1) && at(10) < at(2) && at(10) < at(9), "{types:?}");
    assert!(!village.sync(&first(Some(2))).await.frame_types().contains(&10), "a new kind of frame");
    let known = SyncRequest { version: Some(VERSION), ..village.request(Vec::new(), Vec::new()) };
    assert!(!village.sync(&known).await.frame_types().contains(&10), "it knows");
}

#[tokio::test]
async fn a_session_is_bound_to_its_device() {
    let server = Server::start().await;
    let (one, other) = (server.phone("village").await, server.phone("village").await);
    let answer = one.sync(&SyncRequest { device: other.device, ..one.request(Vec::new(), Vec::new()) }).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "wrong_device"));
    server.app.store.revoke_device(one.device, server.app.now()).await.unwrap();
    assert_eq!(one.sync(&one.request(Vec::new(), Vec::new())).await.code(), "signed_out");
    assert_eq!(other.sync(&other.request(Vec::new(), Vec::new())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_of_the_protocol_is_refused() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let good = encode_request(&village.request(Vec::new(), Vec::new()));
    for body in [
        Vec::new(),
        b"ZFQ1".to_vec(),
        b"<html>portal</html>".to_vec(),
        good[..good.len() - 1].to_vec(),
        [&good[..], b"x"].concat(),
    ] {
        let answer = village.post(body).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "bad_request"));
    }
    let request = request(Method::POST, "/api/v1/sync", Some(&village.token))
        .header(header::CONTENT_TYPE, "text/plain");
    let answer = server.send(request.body(Body::from(good)).unwrap()).await;
    assert_eq!(answer.code(), "unsupported_media_type");
}

#[tokio::test]
async fn villages_of_a_township_know_each_others_workers() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let names = |frames: Vec<Frame>| -> Vec<String> {
        let directory = frames
            .into_iter()
            .find_map(|frame| if let Frame::Directory(directory) = frame { Some(directory) } else { None })
            .unwrap();
        directory.users.into_iter().map(|user| user.name).collect()
    };
    let of = |device: &str| format!("name of {device}");
    let ask = SyncRequest { directory_version: 0, ..village.request(Vec::new(), Vec::new()) };
    let known = names(village.sync(&ask).await.frames());
    for beside in ["village", "sibling", "township"] {
        assert!(known.contains(&of(beside)), "{beside} is not among {known:?}");
    }
    assert!(!known.contains(&of("neighbour")), "a village of another township");
}
