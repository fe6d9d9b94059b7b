//! The ingest gate: each hostile push gets its named verdict, quickly, and leaves nothing behind.

use std::time::{Duration, Instant};

use automerge::transaction::Transactable;
use automerge::{AutoCommit, ROOT};
use axum::http::StatusCode;
use zoufang_core::document::{Document, LogChange};
use zoufang_core::record::{DeviceId, Entries, Kind, Patch, Value};
use zoufang_core::sync::gate::{DOC_CHANGES_MAX, Refusal};
use zoufang_core::sync::wire::{Push, Verdict};

use crate::hostile;
use crate::server::{Phone, Server, doc};

const VERDICT_MAX: Duration = Duration::from_millis(50);

fn refused(refusal: Refusal) -> Verdict {
    Verdict::Refused(refusal)
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// A first change of the kind of a person with these keys, without our checks.
fn unchecked(phone: &Phone<'_>, id: u8, keys: &[(&str, &str)]) -> Vec<u8> {
    let mut document = AutoCommit::new().with_actor(phone.device.actor([id; 8]));
    document.put(ROOT, "created_by", i64::from(phone.user.0)).unwrap();
    for (key, value) in keys {
        document.put(ROOT, *key, *value).unwrap();
    }
    document.commit();
    document.get_last_local_change().unwrap().raw_bytes().to_vec()
}

#[tokio::test]
async fn a_hostile_push_gets_its_verdict_quickly_and_leaves_nothing() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (known, mut known_document) = village.person(1, server.village, "张伟");
    assert_eq!(village.push(vec![known.clone()]).await, [Verdict::Accepted(1)]);
    let person = |id| village.person(id, server.village, "王芳").0;
    let with = |push: &Push, raw: Vec<u8>| Push { raw, ..push.clone() };
    let stranger =
        Phone { server: &server, token: village.token.clone(), device: DeviceId(9), user: village.user };
    let forger = Phone {
        server: &server,
        token: village.token.clone(),
        device: village.device,
        user: zoufang_core::record::UserId(3),
    };
    let bomb =
        hostile::with_operations(&village.device.actor([7; 8]).to_bytes().try_into().unwrap(), 2_000_000);
    assert!(bomb.len() <= 111, "{} bytes", bomb.len());
    village.edit(&known, &mut known_document, 2, &Patch::set("address", text("一组")));
    let unknown_dependency =
        village.edit(&known, &mut known_document, 3, &Patch::set("address", text("二组")));
    let mut damaged = person(4).raw;
    *damaged.last_mut().unwrap() ^= 1;
    let too_big = unchecked(&village, 4, &[("address", &"字".repeat(100_000))]);
    let cases = [
        ("foreign unit", Push { unit: server.neighbour, ..person(4) }, refused(Refusal::NotInScope)),
        ("unit above", Push { unit: server.township, ..person(4) }, refused(Refusal::NotInScope)),
        (
            "no such unit",
            Push { unit: zoufang_core::record::UnitId(9_999), ..person(4) },
            refused(Refusal::NotInScope),
        ),
        ("kind of another role", Push { kind: Kind::Party, ..person(4) }, refused(Refusal::Role)),
        ("foreign actor", stranger.person(4, server.village, "王芳").0, refused(Refusal::WrongActor)),
        ("another creator", forger.person(4, server.village, "王芳").0, refused(Refusal::WrongCreator)),
        ("deflated", with(&person(4), hostile::deflated(&person(4).raw)), refused(Refusal::NotRaw)),
        ("two million operations", with(&person(4), bomb), refused(Refusal::TooManyOps)),
        ("too big", with(&person(4), too_big), refused(Refusal::TooBig)),
        ("nothing", with(&person(4), Vec::new()), refused(Refusal::Malformed)),
        ("garbage", with(&person(4), vec![0x85; 300]), refused(Refusal::Malformed)),
        ("one bit off", with(&person(4), damaged), refused(Refusal::Malformed)),
        (
            "jump of the first operation",
            with(&person(4), hostile::with_start_op(&person(4).raw, 200)),
            refused(Refusal::BadStartOp),
        ),
        (
            "same actor and number",
            with(&known, village.person(1, server.village, "别人").0.raw),
            refused(Refusal::DuplicateSeq),
        ),
        (
            "another kind",
            with(&Push { kind: Kind::Visit, ..known.clone() }, village.visit(4, server.village, 1).0.raw),
            refused(Refusal::WrongDocument),
        ),
        (
            "a change of another document",
            with(&person(4), known.raw.clone()),
            refused(Refusal::WrongDocument),
        ),
        ("missing dependency", unknown_dependency.clone(), Verdict::Pending),
        (
            "a document that a restored server has lost",
            Push { doc: person(5).doc, ..unknown_dependency },
            Verdict::Pending,
        ),
        (
            "unknown key",
            with(&person(4), unchecked(&village, 4, &[("attitude", "bad")])),
            refused(Refusal::UnknownKey),
        ),
        (
            "value of another type",
            with(&person(4), unchecked(&village, 4, &[("birth", "soon")])),
            refused(Refusal::BadValue),
        ),
        ("no creator", with(&person(4), nobodys(&village)), refused(Refusal::WrongCreator)),
        ("replay", known.clone(), Verdict::Duplicate(1)),
    ];
    let before = server.row_counts().await;
    for (name, push, expected) in cases {
        let mut fastest = Duration::MAX;
        for _ in 0..3 {
            let started = Instant::now();
            assert_eq!(village.push(vec![push.clone()]).await, [expected], "{name}");
            fastest = fastest.min(started.elapsed());
        }
        assert!(fastest < VERDICT_MAX, "{name} took {fastest:?}");
        assert_eq!(server.row_counts().await, before, "{name} left something");
    }
}

/// A person whom nobody made.
fn nobodys(phone: &Phone<'_>) -> Vec<u8> {
    let mut entries = Entries::default();
    entries.put_text("name", Some("王芳"));
    Document::new(Kind::Person)
        .commit(phone.device.actor([4; 8]), phone.user, crate::server::NOW, &Patch::from(entries))
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_body_of_two_megabytes_is_refused() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let before = server.row_counts().await;
    let started = Instant::now();
    let answer = village.post(vec![0; 2 * 1024 * 1024]).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    let mut chunks: Vec<Result<Vec<u8>, std::io::Error>> = (0..64).map(|_| Ok(vec![0; 32 * 1024])).collect();
    chunks.push(Err(std::io::Error::other("read beyond the limit")));
    let streamed = crate::server::request(axum::http::Method::POST, "/api/v1/sync", Some(&village.token))
        .header(axum::http::header::CONTENT_TYPE, zoufang_core::sync::wire::CONTENT_TYPE)
        .body(axum::body::Body::from_stream(futures_util::stream::iter(chunks)))
        .unwrap();
    assert_eq!(server.send(streamed).await.code(), "too_large", "also without a length");
    assert!(started.elapsed() < 2 * VERDICT_MAX);
    assert_eq!(server.row_counts().await, before);
}

#[tokio::test]
async fn a_refused_change_leaves_the_others() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (one, _) = village.person(1, server.village, "张伟");
    let (other, _) = village.person(2, server.village, "王芳");
    let foreign = Push { unit: server.neighbour, ..village.person(3, server.village, "李强").0 };
    let verdicts = village.push(vec![one, foreign, other.clone(), other]).await;
    assert_eq!(
        verdicts,
        [Verdict::Accepted(1), refused(Refusal::NotInScope), Verdict::Accepted(2), Verdict::Duplicate(2)]
    );
}

#[tokio::test]
async fn what_stands_on_a_refused_change_is_refused_with_it() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (push, mut document) = village.person(1, server.village, "张伟");
    village.push(vec![push.clone()]).await;
    let change = LogChange { raw: push.raw.clone(), author: village.user, received_at: None };
    let mut fork = Document::load(Kind::Person, [change]).unwrap();
    let mut bad = village.edit(&push, &mut document, 2, &Patch::set("address", text("一组")));
    let after = village.edit(&push, &mut document, 3, &Patch::set("address", text("二组")));
    bad.raw = hostile::deflated(&bad.raw);
    let beside = village.edit(&push, &mut fork, 4, &Patch::set("away_place", text("沈阳市")));
    let verdicts = village.push(vec![bad, after, beside]).await;
    assert_eq!(verdicts, [refused(Refusal::NotRaw), refused(Refusal::AfterRefused), Verdict::Accepted(2)]);
}

#[tokio::test]
async fn a_visit_is_its_authors_but_others_may_add_a_note() {
    let server = Server::start().await;
    let (village, township) = (server.phone("village").await, server.phone("township").await);
    let (push, document) = village.visit(1, server.village, 9);
    village.push(vec![push.clone()]).await;
    let rewritten = township.edit(&push, &mut document.clone(), 2, &Patch::set("facts", text("没事")));
    assert_eq!(township.push(vec![rewritten]).await, [refused(Refusal::NotAuthor)]);
    let note = township.edit(&push, &mut document.clone(), 3, &Patch::set("note/a.text", text("已转民政")));
    assert_eq!(township.push(vec![note]).await, [Verdict::Accepted(2)]);
    let corrected = village.edit(&push, &mut document.clone(), 4, &Patch::set("facts", text("院墙已修")));
    assert_eq!(village.push(vec![corrected]).await, [Verdict::Accepted(3)]);
}

#[tokio::test]
async fn a_document_stays_in_its_unit() {
    let server = Server::start().await;
    let township = server.phone("township").await;
    let (push, mut document) = township.person(1, server.village, "张伟");
    township.push(vec![push.clone()]).await;
    let edit = township.edit(&push, &mut document, 2, &Patch::set("address", text("一组")));
    // A phone may hold it elsewhere, if the server was put back to before it came here: who works here, too, edits it here.
    let elsewhere = Push { unit: server.sibling, ..edit.clone() };
    assert_eq!(township.push(vec![elsewhere]).await, [Verdict::Accepted(2)]);
    let tails = server.app.store.tails(&[server.village, server.sibling]).await.unwrap();
    assert_eq!((tails[0].count, tails[1].count), (2, 0));
    let (other, mut theirs) = township.person(2, server.sibling, "李娜");
    township.push(vec![other.clone()]).await;
    let village = server.phone("village").await;
    let edit = village.edit(&other, &mut theirs, 3, &Patch::set("address", text("二组")));
    let not_here = Push { unit: server.village, ..edit };
    assert_eq!(
        village.push(vec![not_here]).await,
        [refused(Refusal::WrongDocument)],
        "who does not, may not"
    );
    let begun =
        Push { unit: server.sibling, raw: township.person(1, server.sibling, "别人").0.raw, ..push };
    assert_eq!(township.push(vec![begun]).await, [refused(Refusal::WrongDocument)], "nor is it begun twice");
}

#[tokio::test]
async fn roles_write_what_they_may_where_they_may() {
    let server = Server::start().await;
    let accepted = Verdict::Accepted(1);
    for (user, kind, unit, expected) in [
        ("village", Kind::Contact, server.village, accepted),
        ("head", Kind::Party, server.township, accepted),
        ("township", Kind::Person, server.sibling, accepted),
        ("village", Kind::Person, server.sibling, refused(Refusal::NotInScope)),
        ("city", Kind::Person, server.county, refused(Refusal::Role)),
        ("city", Kind::Person, server.village, refused(Refusal::NotInScope)),
        ("admin", Kind::Person, server.county, refused(Refusal::NotInScope)),
    ] {
        let phone = server.phone(user).await;
        let (mut push, _) = phone.first(1, unit, kind, Entries::default());
        push.doc = doc(u8::try_from(phone.user.0).unwrap() * 10 + kind.code());
        assert_eq!(phone.push(vec![push]).await, [expected], "{user} {kind:?}");
    }
}

#[tokio::test]
async fn a_document_has_a_budget() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (first, mut document) = village.person(1, server.village, "张伟");
    assert_eq!(village.push(vec![first.clone()]).await, [Verdict::Accepted(1)]);
    let mut left = DOC_CHANGES_MAX - 1;
    let mut number = 0;
    while left > 0 {
        let count = left.min(1_000);
        let pushes = (0..count).map(|_| {
            number += 1;
            village.edit(&first, &mut document, 2, &Patch::set("address", text(&format!("{number}组"))))
        });
        let verdicts = village.push(pushes.collect()).await;
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted(_))));
        left -= count;
    }
    // Segments are made in the background, from what was accepted before.
    let counts = async || {
        server.row_counts().await.into_iter().filter(|(table, _)| *table != "segment").collect::<Vec<_>>()
    };
    let before = counts().await;
    let beyond = village.edit(&first, &mut document, 2, &Patch::set("address", text("一组")));
    assert_eq!(village.push(vec![beyond]).await, [refused(Refusal::OverBudget)]);
    assert_eq!(counts().await, before);
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
            match key {
                "disability.grade" => entries.put_int(key, Some(7_u32)),
                "support_status" => entries.put_text(key, Some("none")),
                "entitlements_confirmed_on" => entries.put_text(key, Some("2026-01-01")),
                _ => entries.put_set("entitlement", ["martyr_survivor"]),
            }
            let kind = if key.starts_with("entitlement") { Kind::Person } else { Kind::Welfare };
            phone.first(id, server.village, kind, entries).0
        };
        let refused = village.push(vec![entries(&village, id)]).await;
        assert_eq!(refused, [Verdict::Refused(Refusal::Role)], "{key}");
        let taken = township.push(vec![entries(&township, id + 50)]).await;
        assert!(matches!(taken[..], [Verdict::Accepted(_)]), "{key} {taken:?}");
    }
}
