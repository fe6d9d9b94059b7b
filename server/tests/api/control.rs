//! Moves, erasure, new beginnings, repair and copies of devices, as the route answers them.

use zoufang_core::record::{ChangeHash, Class, DocId, Kind, Patch, Timestamp, UnitId, Value};
use zoufang_core::sync::gate::{LATE_EDIT_MS, Refusal};
use zoufang_core::sync::scan::scan;
use zoufang_core::sync::wire::{
    Bucket, Control, End, Frame, Page, Probe, Problem, Push, Stray, SyncRequest, VERSION, Verdict, Want,
};
use zoufang_server::command::{self, Long};

use crate::server::{Phone, Server, doc, verdicts};

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn hash(push: &Push) -> ChangeHash {
    scan(&push.raw).unwrap().hash
}

fn end(frames: &[Frame]) -> End {
    frames.iter().find_map(|frame| if let Frame::End(end) = frame { Some(*end) } else { None }).unwrap()
}

/// The ticket comes before anything else, so that a phone which dies while it keeps an answer never has a verdict without it.
fn ticket(frames: &[Frame]) -> Option<u64> {
    let Some(Frame::Ticket(ticket)) = frames.first() else { panic!("no ticket before the verdicts") };
    Some(*ticket)
}

impl Phone<'_> {
    /// A request of this build's version of the protocol.
    fn today(&self, cursors: Vec<(UnitId, u64)>, push: Vec<Push>) -> SyncRequest {
        SyncRequest { version: Some(VERSION), ..self.request(cursors, push) }
    }

    async fn page(&self, unit: UnitId, from: u64) -> Page {
        let frames = self.sync(&self.today(vec![(unit, from)], Vec::new())).await.frames();
        let page = frames.into_iter().find_map(|frame| match frame {
            Frame::Page(page) if page.unit == unit => Some(page),
            Frame::Verdicts(_)
            | Frame::Scope(_)
            | Frame::Directory(_)
            | Frame::Page(_)
            | Frame::End(_)
            | Frame::Problem(_)
            | Frame::Repair(_)
            | Frame::Ticket(_)
            | Frame::Epoch(_) => None,
        });
        page.unwrap()
    }
}

fn docs(page: &Page) -> Vec<DocId> {
    page.items.iter().map(|item| item.doc).collect()
}

#[tokio::test]
async fn a_document_moves_with_its_changes_and_late_edits_follow_it_for_30_days() {
    let server = Server::start().await;
    let (village, township) = (server.phone("village").await, server.phone("township").await);
    let (person, mut document) = village.person(1, server.village, "张伟");
    let (visit, _) = village.visit(2, server.village, 1);
    village.push(vec![person.clone(), visit]).await;
    let late = village.edit(&person, &mut document, 3, &Patch::set("address", text("三组")));
    let store = server.app.store.as_ref();
    let with = command::with_person(store, doc(1)).await.unwrap();
    assert_eq!(with, [doc(1), doc(2)]);
    assert_eq!(command::move_documents(store, &with, server.sibling, server.app.now()).await.unwrap(), 2);
    assert_eq!(
        command::move_documents(store, &with, server.sibling, server.app.now()).await.unwrap(),
        0,
        "there already"
    );

    for (id, class) in [(1, Class::Files), (2, Class::Visits)] {
        let page = village.page(server.village.log(class), 0).await;
        let to = server.sibling.log(class);
        assert_eq!(docs(&page), [] as [DocId; 0]);
        assert_eq!(page.controls, [Control::MovedOut { doc: doc(id), to }]);
        assert!(page.complete && page.count == 0 && page.digest.0 == 0, "nothing is left to compare");
        assert_eq!(docs(&township.page(to, 0).await), [doc(id)]);
    }
    let everybody = serde_json::json!({ "text": "" });
    let office = server.post("/api/v1/office/people/search", Some(&township.token), &everybody).await.json();
    let units: Vec<u64> =
        office["items"].as_array().unwrap().iter().filter_map(|line| line["unit"].as_u64()).collect();
    assert_eq!(units, [u64::from(server.sibling.0)], "the office finds it where it went, once");

    // What the old unit wrote before it heard of that is taken and stands with the document.
    assert_eq!(village.push(vec![late]).await, [Verdict::Accepted(2)]);
    assert_eq!(township.page(server.sibling, 1).await.items.len(), 1);
    // A move of long ago is no longer followed.
    let (other, mut document) = village.person(5, server.village, "王芳");
    village.push(vec![other.clone()]).await;
    let later = village.edit(&other, &mut document, 6, &Patch::set("address", text("四组")));
    let long_ago = zoufang_core::record::Timestamp(server.app.now().0 - LATE_EDIT_MS - 1);
    command::move_documents(store, &[doc(5)], server.sibling, long_ago).await.unwrap();
    assert_eq!(
        village.push(vec![later.clone()]).await,
        [Verdict::Refused(Refusal::WrongDocument)],
        "in words of version 1"
    );
    let today = village.sync(&village.today(Vec::new(), vec![later])).await.frames();
    assert_eq!(verdicts(&today), [Verdict::Refused(Refusal::Moved)]);
    // The old unit is not sent what a record that went away began anew with, so its edit cannot be made on that.
    let (third, mut document) = village.person(7, server.village, "李强");
    village.push(vec![third.clone()]).await;
    let on_old = village.edit(&third, &mut document, 8, &Patch::set("address", text("五组")));
    command::move_documents(store, &[doc(7)], server.sibling, server.app.now()).await.unwrap();
    command::re_root(store, doc(7), |_| false, server.app.random.as_ref(), server.app.now()).await.unwrap();
    let request = SyncRequest { ticket: ticket(&today), ..village.today(Vec::new(), vec![on_old]) };
    let answer = village.sync(&request).await.frames();
    assert_eq!(verdicts(&answer), [Verdict::Refused(Refusal::Moved)]);
}

#[tokio::test]
async fn an_erasure_is_acknowledged_by_a_cursor_that_has_passed_it_and_by_no_other() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let pushes: Vec<Push> = (1..=3).map(|id| village.person(id, server.village, "张伟").0).collect();
    village.push(pushes).await;
    let store = server.app.store.as_ref();
    let waits_after = async |cursor| {
        village.sync(&village.today(vec![(server.village, cursor)], Vec::new())).await.frames();
        store.erasures().await.unwrap().iter().any(|erasure| !erasure.waiting_for.is_empty())
    };
    command::erase(store, doc(3), server.app.now()).await.unwrap();
    assert!(waits_after(1).await, "a device that holds the log");
    let (other, _) = village.person(4, server.village, "王芳");
    village.push(vec![other]).await;
    assert!(waits_after(3).await, "it has read up to the erasure");
    assert!(!waits_after(4).await);
    assert!(!waits_after(5).await);
    assert!(waits_after(2).await, "a disk that was put back");
    assert!(!waits_after(5).await);
    command::erase(store, doc(4), server.app.now()).await.unwrap();
    assert!(waits_after(5).await, "another one");
    assert!(!waits_after(6).await);
}

#[tokio::test]
async fn an_erased_document_is_gone_from_every_answer_and_never_comes_back() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (person, mut document) = village.person(1, server.village, "CANARY");
    let (other, _) = village.person(2, server.village, "王芳");
    village.push(vec![person.clone(), other]).await;
    assert_eq!(village.page(server.village, 0).await.to_seq, 2);
    village.sync(&village.today(vec![(server.village, 2)], Vec::new())).await.frames();
    let edit = village.edit(&person, &mut document, 3, &Patch::set("address", text("三组")));
    let store = server.app.store.as_ref();
    command::erase(store, doc(1), server.app.now()).await.unwrap();
    assert!(command::erase(store, doc(1), server.app.now()).await.is_err(), "once");
    let waiting = store.erasures().await.unwrap();
    assert_eq!(waiting[0].waiting_for, [village.device]);

    for push in [person, edit] {
        let frames = village.sync(&village.today(vec![(server.village, 3)], vec![push])).await.frames();
        // The ticket of the first push is not shown by the second: this test looks at the gate only.
        let verdicts = verdicts(&frames);
        assert!(verdicts.is_empty() || verdicts == [Verdict::Refused(Refusal::Erased)], "{verdicts:?}");
    }
    let page = village.page(server.village, 2).await;
    assert_eq!((page.controls, page.count), (vec![Control::Erased { doc: doc(1) }], 1));
    village
        .sync(&village.today(vec![(server.village, 3), (server.village.log(Class::Visits), 0)], Vec::new()))
        .await
        .frames();
    assert!(store.erasures().await.unwrap()[0].waiting_for.is_empty(), "the cursor says that it was read");
    let everybody = serde_json::json!({ "text": "" });
    let token = server.phone("township").await.token;
    let office = server.post("/api/v1/office/people/search", Some(&token), &everybody).await;
    assert_eq!(office.json()["items"].as_array().unwrap().len(), 1);
    assert!(!String::from_utf8_lossy(&office.body).contains("CANARY"));
}

#[tokio::test]
async fn edits_on_a_history_that_is_gone_are_sent_back_to_be_made_again() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (person, mut document) = village.person(1, server.village, "张伟");
    let secret = village.edit(&person, &mut document, 2, &Patch::set("address", text("CANARY")));
    village.push(vec![person.clone(), secret.clone()]).await;
    let edit = village.edit(&person, &mut document, 3, &Patch::set("residence", text("away")));
    let built_on = village.edit(&person, &mut document, 4, &Patch::set("away_place", text("沈阳")));
    let store = server.app.store.as_ref();
    let counts =
        command::re_root(store, doc(1), |key| key == "address", server.app.random.as_ref(), server.app.now())
            .await
            .unwrap();
    assert_eq!(counts, (2, 1));
    let again = edit.clone();
    let frames = village.sync(&village.today(vec![(server.village, 2)], vec![edit, built_on])).await.frames();
    assert_eq!(
        verdicts(&frames),
        [Verdict::Refused(Refusal::ReRooted), Verdict::Refused(Refusal::AfterRefused)]
    );
    let page = village.page(server.village, 0).await;
    assert_eq!(
        (page.controls.clone(), page.items.len(), page.count),
        (vec![Control::ReRooted { doc: doc(1) }], 1, 1)
    );
    // One that has read all of it and holds the old history beside it is told once more, also if it cannot ask.
    let whole = vec![(server.village, 4), (server.village.log(Class::Visits), 0)];
    let mut shown = ticket(&frames);
    for old in [again, person.clone()] {
        let request =
            SyncRequest { version: Some(2), ticket: shown, ..village.today(whole.clone(), vec![old]) };
        let frames = village.sync(&request).await.frames();
        let told = |frame: &Frame| matches!(frame, Frame::Page(told) if told.to_seq == 0 && told.controls == page.controls && told.items == page.items);
        assert_eq!(frames.iter().filter(|frame| told(frame)).count(), 1, "{frames:?}");
        shown = ticket(&frames).or(shown);
        let request = SyncRequest { version: None, ticket: None, ..request };
        assert!(!village.sync(&request).await.frames().iter().any(told), "version 1 knows no controls");
    }
    assert!(!page.items[0].raw.windows(6).any(|bytes| bytes == b"CANARY"));
    // A phone that never heard its receipts brings the old history once more: it was taken in, and does not come back.
    assert_eq!(
        village.push(vec![person.clone(), secret]).await,
        [Verdict::Duplicate(0), Verdict::Duplicate(0)]
    );
    assert_eq!(village.page(server.village, 0).await.count, 1);
    // Long histories are shortened the same way; what is short stays.
    let long = Long { changes_min: 2, unchanged_since: Timestamp(i64::MAX) };
    assert_eq!(command::compact(store, long, server.app.random.as_ref(), server.app.now()).await.unwrap(), 0);
    let next = village.person(5, server.village, "李强").0;
    assert_eq!(
        village.push(vec![next]).await,
        [Verdict::Accepted(5)],
        "the log goes on after what was taken out"
    );
}

#[tokio::test]
async fn a_log_that_differs_is_compared_by_ranges_and_only_what_is_missing_is_sent() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let pushes: Vec<Push> = (1..=40).map(|id| village.person(id, server.village, "张伟").0).collect();
    village.push(pushes.clone()).await;
    let tail = server.app.store.tails(&[server.village]).await.unwrap()[0];
    let held = |digest, count| SyncRequest {
        held: Some((digest, count)),
        ..village.today(vec![(server.village, 40), (server.village.log(Class::Visits), 0)], Vec::new())
    };
    let same = village.sync(&held(tail.digest, 40)).await.frames();
    assert!(matches!(&same[..], [Frame::End(_)]), "nothing is said where nothing differs: {}", same.len());
    let missing = hash(&pushes[7]);
    let differs = village.sync(&held(tail.digest.without(missing), 39)).await.frames();
    let says_what_is_there = |frames: &[Frame]| {
        frames.iter().any(|frame| matches!(frame, Frame::Page(page) if page.complete && page.items.is_empty() && page.digest == tail.digest))
    };
    assert!(says_what_is_there(&differs));
    // A phone that has a change which waits for one that the server lost brings it each time.
    let (lost, mut document) = village.person(41, server.village, "李强");
    let waits = village.edit(&lost, &mut document, 2, &Patch::set("name", text("李勇")));
    let waiting = SyncRequest { push: vec![waits], ..held(tail.digest.without(missing), 39) };
    let waiting = village.sync(&waiting).await.frames();
    assert_eq!(verdicts(&waiting), [Verdict::Pending]);
    assert!(says_what_is_there(&waiting));
    let here = pushes.iter().map(hash).filter(|hash| *hash != missing);
    let probe = SyncRequest {
        probes: vec![Probe::of(server.village, &[], here), Probe::of(server.neighbour, &[], [])],
        ..village.today(vec![(server.village, 40), (server.village.log(Class::Visits), 0)], Vec::new())
    };
    let frames = village.sync(&probe).await.frames();
    let buckets: Vec<Bucket> = frames
        .into_iter()
        .find_map(|frame| if let Frame::Repair(buckets) = frame { Some(buckets) } else { None })
        .unwrap();
    assert_eq!(buckets.len(), 1, "of the user's units only, and only where it differs");
    assert!(buckets[0].hashes.as_ref().unwrap().contains(&missing));
    let want = |unit| SyncRequest {
        wants: vec![Want { unit, hashes: vec![missing] }],
        ..village.today(vec![(server.village, 40), (server.village.log(Class::Visits), 0)], Vec::new())
    };
    let frames = village.sync(&want(server.village)).await.frames();
    assert!(frames.iter().any(|frame| matches!(frame, Frame::Page(page) if page.items.len() == 1 && page.items[0].raw == pushes[7].raw && page.to_seq == 0)));
    let frames = village.sync(&want(server.neighbour)).await.frames();
    assert!(matches!(&frames[..], [Frame::End(_)]), "not of another unit");
}

#[tokio::test]
async fn a_lost_ticket_comes_once_more_with_a_refusal() {
    let server = Server::start().await;
    let phone = server.phone("township").await;
    let (push, _) = phone.person(1, server.village, "张伟");
    let send = async |ticket, push| {
        phone.sync(&SyncRequest { ticket, ..phone.today(Vec::new(), push) }).await.frames()
    };
    let lost = ticket(&send(None, vec![push.clone()]).await);
    let store = server.app.store.as_ref();
    let mut village =
        store.units().await.unwrap().into_iter().find(|unit| unit.id == server.village).unwrap();
    village.parent = Some(server.county);
    store.put_units(&[village], &[]).await.unwrap();
    let again = send(None, vec![push]).await;
    assert_eq!(verdicts(&again), [Verdict::Refused(Refusal::NotInScope)]);
    assert_eq!(ticket(&again), lost);
    let (next, _) = phone.person(2, server.sibling, "李娜");
    assert_eq!(verdicts(&send(lost, vec![next]).await), [Verdict::Accepted(1)]);
}

#[tokio::test]
async fn a_phone_that_asks_after_a_document_is_told_where_it_went() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (here, there) =
        (village.person(1, server.village, "张伟").0, village.person(2, server.village, "王芳").0);
    village.push(vec![here, there]).await;
    command::move_documents(server.app.store.as_ref(), &[doc(2)], server.sibling, server.app.now())
        .await
        .unwrap();
    let ask = |unit| SyncRequest {
        strays: vec![Stray { unit, docs: vec![doc(1), doc(2), doc(3)] }],
        ..village.today(vec![(server.village, 3), (server.village.log(Class::Visits), 0)], Vec::new())
    };
    let frames = village.sync(&ask(server.village)).await.frames();
    let Some(Frame::Page(page)) = frames.first() else { panic!("{frames:?}") };
    assert_eq!((page.unit, page.to_seq, page.complete), (server.village, 0, false));
    let gone = Control::MovedOut { doc: doc(2), to: server.sibling };
    assert_eq!(page.controls, [gone], "nothing is said of what is here, and of what nobody knows");
    let frames = village.sync(&ask(server.neighbour)).await.frames();
    assert!(matches!(&frames[..], [Frame::End(_)]), "not of another unit");
    // Of what began anew the phone may hold the old history: it is sent whole.
    let (store, now) = (server.app.store.as_ref(), server.app.now());
    command::re_root(store, doc(1), |_| false, server.app.random.as_ref(), now).await.unwrap();
    let request = SyncRequest {
        cursors: vec![(server.village, 5), (server.village.log(Class::Visits), 0)],
        ..ask(server.village)
    };
    let frames = village.sync(&request).await.frames();
    let page = |frame| if let Frame::Page(page) = frame { Some(page) } else { None };
    let anew = |page: &Page| page.controls == [Control::ReRooted { doc: doc(1) }];
    let page = frames.into_iter().filter_map(page).find(anew).unwrap();
    assert_eq!((docs(&page), page.rows.len(), page.to_seq), (vec![doc(1)], 1, 0));
}

#[tokio::test]
async fn a_change_of_the_request_is_sent_back_where_the_phone_is_told_to_drop_its_document() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (person, _) = village.person(1, server.village, "张伟");
    let (other, _) = village.person(2, server.village, "王芳");
    village.push(vec![person.clone()]).await;
    let store = server.app.store.as_ref();
    command::re_root(store, doc(1), |_| false, server.app.random.as_ref(), server.app.now()).await.unwrap();
    let pages = async |phone: &Phone<'_>, cursor, push| {
        let frames = phone.sync(&phone.today(vec![(server.village, cursor)], push)).await.frames();
        let page = |frame| if let Frame::Page(page) = frame { Some(page) } else { None };
        frames.into_iter().filter_map(page).collect::<Vec<Page>>()
    };
    let again = pages(&village, 0, vec![other]).await;
    assert_eq!(docs(&again[0]), [doc(1), doc(2)], "a control is in the page");
    let another = server.phone("village").await;
    let (third, _) = another.person(3, server.village, "李娜");
    assert_eq!(docs(&pages(&another, 4, vec![third]).await[0]), [] as [DocId; 0], "the phone has it");
}

#[tokio::test]
async fn a_history_is_shortened_when_nobody_has_changed_it_for_long() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (person, mut document) = village.person(1, server.village, "张伟");
    let edit = village.edit(&person, &mut document, 2, &Patch::set("address", text("三组")));
    village.push(vec![person, edit]).await;
    let compact = async |unchanged_since| {
        let long = Long { changes_min: 2, unchanged_since };
        let (store, now) = (server.app.store.as_ref(), server.app.now());
        command::compact(store, long, server.app.random.as_ref(), now).await.unwrap()
    };
    let now = server.app.now();
    assert_eq!(compact(now).await, 0, "it was changed then");
    assert_eq!(compact(Timestamp(now.0 + 1)).await, 1);
}

#[tokio::test]
async fn a_copy_of_a_device_is_told_from_a_lost_answer_and_both_keep_their_edits() {
    let server = Server::start().await;
    let phone = server.phone("village").await;
    let push = |id| vec![phone.person(id, server.village, "张伟").0];
    let send = async |ticket, push| {
        phone.sync(&SyncRequest { ticket, ..phone.today(Vec::new(), push) }).await.frames()
    };
    let first = ticket(&send(None, push(1)).await);
    // The answer was lost: the same change comes again, with more behind it.
    let again = send(None, [push(1), push(2)].concat()).await;
    assert_eq!(verdicts(&again)[0], Verdict::Duplicate(1));
    let second = ticket(&again);
    assert_eq!(second, first);
    // The first request was under way for long, and arrives only now.
    assert_eq!(verdicts(&send(None, push(1)).await), [Verdict::Duplicate(1)]);
    let third = ticket(&send(second, push(3)).await);
    // The copy has the storage of before.
    let copy = send(second, push(9)).await;
    assert_eq!(copy, [Frame::Problem(Problem::Cloned)]);
    assert_eq!(
        server.app.store.tails(&[server.village]).await.unwrap()[0].count,
        3,
        "nothing of it was taken"
    );
    // It signs in again, gets an id of its own, and may send what it wrote under the old one.
    let body = serde_json::json!({ "user": "village", "password": crate::server::PASSWORD, "device": phone.device.to_string(), "is_copy": true });
    let answer = server.post("/api/v1/sign-in", None, &body).await.json();
    let own = Phone {
        server: &server,
        token: answer["token"].as_str().unwrap().to_owned(),
        device: answer["device"].as_str().unwrap().parse().unwrap(),
        user: phone.user,
    };
    assert_ne!(own.device, phone.device);
    let frames = own.sync(&own.today(Vec::new(), push(9))).await.frames();
    assert_eq!(verdicts(&frames), [Verdict::Accepted(4)]);
    // The other one goes on as before.
    assert_eq!(verdicts(&send(third, push(4)).await), [Verdict::Accepted(5)]);
    // After a restore no ticket is known, and any is taken.
    let epoch = zoufang_core::record::EpochId(5);
    server.app.store.renew_epoch(epoch).await.unwrap();
    let request = SyncRequest { epoch, ticket: Some(1), ..phone.today(Vec::new(), push(5)) };
    assert_eq!(verdicts(&phone.sync(&request).await.frames()), [Verdict::Accepted(6)]);
}

#[tokio::test]
async fn a_phone_of_version_1_is_not_told_what_it_cannot_know() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let pushes: Vec<Push> = (1..=3).map(|id| village.person(id, server.village, "张伟").0).collect();
    assert_eq!(village.push(pushes).await.len(), 3, "without a ticket, as often as it likes");
    let (visit, _) = village.visit(4, server.village, 1);
    assert_eq!((visit.kind, village.push(vec![visit]).await), (Kind::Visit, vec![Verdict::Accepted(1)]));
    command::erase(server.app.store.as_ref(), doc(2), server.app.now()).await.unwrap();
    let frames = village.sync(&village.request(vec![(server.village, 0)], Vec::new())).await.frames();
    let page = frames
        .iter()
        .find_map(|frame| if let Frame::Page(page) = frame { Some(page) } else { None })
        .unwrap();
    assert_eq!((page.items.len(), page.complete, page.to_seq), (2, false, 4), "its digest is not compared");
    let visits = server.village.log(Class::Visits);
    let of_visits =
        |frame: &Frame| matches!(frame, Frame::Page(page) if page.unit == visits && docs(page) == [doc(4)]);
    assert!(frames.iter().any(of_visits), "one more unit to it");
    assert!(!end(&frames).more && !frames.iter().any(|frame| matches!(frame, Frame::Ticket(_))));
    village.sync(&village.request(vec![(server.village, 4)], Vec::new())).await.frames();
    let erasures = server.app.store.erasures().await.unwrap();
    assert_eq!(erasures[0].waiting_for, [village.device], "it passed over the word of the erasure");
}

#[tokio::test]
async fn only_the_head_of_both_villages_moves_a_person() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (person, _) = village.person(1, server.village, "张伟");
    village.push(vec![person]).await;
    let path = format!("/api/v1/people/{}/move", doc(1));
    let to = |unit: UnitId| serde_json::json!({ "unit": unit.0 });
    for (user, unit, id) in [
        ("village", server.sibling, doc(1)),
        ("township", server.sibling, doc(1)),
        ("city", server.sibling, doc(1)),
        ("head", server.neighbour, doc(1)),
        ("head", server.sibling, doc(9)),
    ] {
        let token = server.phone(user).await.token;
        let answer = server.post(&format!("/api/v1/people/{id}/move"), Some(&token), &to(unit)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "not_found"), "{user}");
    }
    let head = server.phone("head").await.token;
    assert_eq!(server.post(&path, Some(&head), &serde_json::json!({})).await.status.as_u16(), 400);
    assert_eq!(server.post(&path, None, &to(server.sibling)).await.status.as_u16(), 401);
    let answer = server.post(&path, Some(&head), &to(server.sibling)).await;
    assert_eq!(answer.json()["records"], 1);
    assert_eq!(
        village.page(server.village, 0).await.controls,
        [Control::MovedOut { doc: doc(1), to: server.sibling }]
    );
}
