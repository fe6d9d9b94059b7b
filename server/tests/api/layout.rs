//! Data of before there were logs by class: what lay in one log is brought to its own, and phones follow.

use zoufang_core::document::{Document, LogChange};
use zoufang_core::record::{Class, DeviceId, Entries, Kind, Patch, Timestamp, UserId, Value};
use zoufang_core::sync::gate::Refusal;
use zoufang_core::sync::scan::scan;
use zoufang_core::sync::wire::{Control, Frame, Page, SyncRequest, VERSION, Verdict};
use zoufang_server::account::token::random_u64;
use zoufang_server::command;
use zoufang_server::layout::{Moved, bring_up_to_date};
use zoufang_server::projection;
use zoufang_server::store::{ChangeRecord, Mark, Store};

use crate::server::{NOW, Phone, Server, doc};

const DEVICE: DeviceId = DeviceId(77);

fn pages(frames: Vec<Frame>) -> Vec<Page> {
    frames
        .into_iter()
        .filter_map(|frame| if let Frame::Page(page) = frame { Some(page) } else { None })
        .collect()
}

impl Phone<'_> {
    async fn whole(&self) -> Vec<Page> {
        let request = SyncRequest { version: Some(VERSION), ..self.request(Vec::new(), Vec::new()) };
        pages(self.sync(&request).await.frames())
    }
}

/// Puts a visit where it lay before: in the log of files.
async fn put_back(server: &Server, id: u8) {
    let mut tx = server.app.store.begin().await.unwrap();
    let mut state = tx.document(doc(id)).await.unwrap().unwrap();
    let changes = tx.take_out(doc(id)).await.unwrap();
    tx.remove_document(doc(id)).await.unwrap();
    state.unit = server.village;
    for change in &changes {
        tx.append(&ChangeRecord { unit: state.unit, ..change.clone() }).await.unwrap();
    }
    let logged = changes.iter().map(|change| LogChange {
        raw: change.raw.clone(),
        author: change.user,
        received_at: Some(change.received_at),
    });
    let document = Document::load(state.kind, logged).unwrap();
    let (row, said) = projection::of(state.doc, &document, state.unit, state.created_by, NOW);
    tx.put_document(&state, &row).await.unwrap();
    tx.put_projection(state.doc, state.unit, &said).await.unwrap();
    tx.commit().await.unwrap();
}

/// Writes into a person's file what it held before, by two hands at once.
async fn put_into_file(server: &Server, id: u8, grades: &[(UserId, i64)]) {
    let mut tx = server.app.store.begin().await.unwrap();
    let mut state = tx.document(doc(id)).await.unwrap().unwrap();
    let before = tx.changes_of(doc(id)).await.unwrap();
    let first = before.last().unwrap().clone();
    for (number, (user, grade)) in (1..).zip(grades) {
        let logged = LogChange { raw: first.raw.clone(), author: first.user, received_at: None };
        let mut document = Document::load(Kind::Welfare, [logged]).unwrap();
        let patch = Patch::set("disability.grade", Value::Int(*grade));
        let actor = DEVICE.actor([number; 8]);
        let raw = document.commit(actor, *user, Timestamp(2_000), &patch).unwrap().unwrap();
        let scanned = scan(&raw).unwrap();
        state.max_op = state.max_op.max(scanned.max_op);
        state.changes += 1;
        let record = ChangeRecord {
            unit: state.unit,
            doc: state.doc,
            kind: state.kind,
            hash: scanned.hash,
            raw,
            device: DEVICE,
            user: *user,
            actor: scanned.actor,
            change_seq: scanned.seq,
            start_op: scanned.start_op,
            max_op: scanned.max_op,
            received_at: NOW,
        };
        tx.append(&record).await.unwrap();
    }
    let row = server.app.store.rows(&[doc(id)]).await.unwrap().remove(0).1;
    tx.put_document(&state, &row).await.unwrap();
    tx.commit().await.unwrap();
}

async fn bring(store: &dyn Store) -> Moved {
    bring_up_to_date(store, &random_u64, NOW).await.unwrap()
}

#[tokio::test]
async fn what_lay_in_one_log_is_brought_to_its_own() {
    let server = Server::start().await;
    let (village, township) = (server.phone("village").await, server.phone("township").await);
    let store = server.app.store.as_ref();
    let (person, _) = village.person(1, server.village, "张伟");
    let (other, _) = village.person(3, server.village, "李强");
    let (visit, _) = village.visit(2, server.village, 1);
    village.push(vec![person, other, visit]).await;
    put_back(&server, 2).await;
    put_into_file(&server, 1, &[(township.user, 7), (village.user, 3)]).await;
    let visits = server.get("/api/v1/office/visits", Some(&township.token)).await.json();

    assert_eq!(bring(store).await, Moved { records: 1, files: 1 });
    assert_eq!(bring(store).await, Moved::default(), "it is noted that all is done");
    store.put_mark(Mark::Layout, 0).await.unwrap();
    assert_eq!(bring(store).await, Moved::default(), "and done again it finds nothing");
    assert_eq!(server.get("/api/v1/office/visits", Some(&township.token)).await.json(), visits);

    let log = server.village.log(Class::Visits);
    let pages = village.whole().await;
    let of = |unit| pages.iter().find(|page| page.unit == unit);
    let files = of(server.village).unwrap();
    assert!(files.controls.contains(&Control::MovedOut { doc: doc(2), to: log }), "{:?}", files.controls);
    assert!(files.controls.contains(&Control::ReRooted { doc: doc(1) }), "{:?}", files.controls);
    assert_eq!(of(log).unwrap().items.iter().map(|item| item.doc).collect::<Vec<_>>(), [doc(2)]);
    let welfare = server.village.log(Class::Welfare);
    assert!(of(welfare).is_none(), "a village worker gets nothing of it");
    let says = |bytes: &[u8]| bytes.windows(10).any(|some| some == b"disability");
    assert!(!pages.iter().flat_map(|page| &page.items).any(|item| says(&item.raw)));

    let pages = township.whole().await;
    let page = pages.iter().find(|page| page.unit == welfare).unwrap();
    let logged = page.items.iter().map(|item| {
        assert_eq!((item.doc, item.kind), (doc(1).beside(), Kind::Welfare));
        LogChange { raw: item.raw.clone(), author: item.author, received_at: Some(item.received_at) }
    });
    let document = Document::load(Kind::Welfare, logged).unwrap();
    let claims = &document.conflicts()[0].claims;
    let mut grades: Vec<_> = claims.iter().map(|claim| (claim.author, claim.value.clone())).collect();
    grades.sort_by_key(|(author, _)| *author);
    let mut written = vec![(Some(township.user), Value::Int(7)), (Some(village.user), Value::Int(3))];
    written.sort_by_key(|(author, _)| *author);
    assert_eq!(grades, written, "both values, each in its author's name");
}

/// A phone of before names a unit only; what it wrote is told to have gone to the log of its kind.
#[tokio::test]
async fn a_phone_of_before_is_told_where_its_visit_stands() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (visit, _) = village.visit(2, server.village, 1);
    let cursors = village.whole().await.iter().map(|page| (page.unit, page.to_seq)).collect();
    let request = SyncRequest { version: Some(3), ..village.request(cursors, vec![visit]) };
    let frames = village.sync(&request).await.frames();
    assert_eq!(crate::server::verdicts(&frames), [Verdict::Accepted(1)]);
    let told = Control::MovedOut { doc: doc(2), to: server.village.log(Class::Visits) };
    let is_told = |page: &Page| page.unit == server.village && page.controls == [told.clone()];
    let is_moved = |frame: &Frame| matches!(frame, Frame::Page(page) if is_told(page));
    let is_receipt = |frame: &Frame| matches!(frame, Frame::Verdicts(_));
    let place_of = |frames: &[Frame], is: &dyn Fn(&Frame) -> bool| frames.iter().position(is).unwrap();
    let moved_first = place_of(&frames, &is_moved) < place_of(&frames, &is_receipt);
    assert!(moved_first, "an answer that is cut leaves nothing with a receipt in the wrong log");

    // Of what began anew the receipt is of a history that is no more, and must not be kept where the new one is.
    let (store, now) = (server.app.store.as_ref(), server.app.now());
    command::re_root(store, doc(2), |_| false, server.app.random.as_ref(), now).await.unwrap();
    let frames = village.sync(&request).await.frames();
    assert_eq!(crate::server::verdicts(&frames), [Verdict::Duplicate(0)]);
    assert!(place_of(&frames, &is_moved) > place_of(&frames, &is_receipt));
}

#[tokio::test]
async fn one_welfare_file_a_person_and_none_for_older_phones() {
    let server = Server::start().await;
    let (head, township) = (server.phone("head").await, server.phone("township").await);
    let file = |phone: &Phone<'_>, grade: u8| {
        let mut entries = Entries::default();
        entries.put_int("disability.grade", Some(grade));
        let (mut push, _) = phone.first(1, server.village, Kind::Welfare, entries);
        push.doc = doc(1).beside();
        push
    };
    assert_eq!(head.push(vec![file(&head, 4)]).await, [Verdict::Accepted(1)]);
    let second = township.push(vec![file(&township, 5)]).await;
    assert_eq!(
        second,
        [Verdict::Refused(Refusal::NotAuthor)],
        "readable on the phone, and made again by its author"
    );
    for (version, held) in [(3, false), (VERSION, true)] {
        let request = SyncRequest { version: Some(version), ..township.request(Vec::new(), Vec::new()) };
        let pages = pages(township.sync(&request).await.frames());
        let got = pages.iter().any(|page| page.unit == server.village.log(Class::Welfare));
        assert_eq!(got, held, "version {version}");
    }
}
