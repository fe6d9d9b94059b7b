//! The inbox: parcels up without a session, and down a letter that only the phone can open that has left the question.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zoufang_core::record::{DeviceId, Patch, UnitId, Value};
use zoufang_core::seal::SecretKey;
use zoufang_core::sync::gate::Refusal;
use zoufang_core::sync::inbox::{
    ANSWER_BYTES_MAX, CONTENT_TYPE, Letter, Question, bound, encode_body, open_letter, seal_question, signed,
};
use zoufang_core::sync::parcel::{self, Fate};
use zoufang_core::sync::wire::{Control, Frame, Page, Problem, SyncRequest, VERSION, Verdict};
use zoufang_server::account::session::SESSION_MS;
use zoufang_server::command::erase;
use zoufang_server::keys::Keys;
use zoufang_server::throttle::FAILED_MAX;

use crate::parcels::{Signer, parcel};
use crate::server::{Answer, Phone, Server, doc, request};

const STORED: u8 = Fate::Stored as u8;

/// A question with what opens the letter to it.
pub(crate) struct Left {
    question: Question,
    secret: SecretKey,
}

impl Left {
    /// What a phone asks that holds its units' logs up to these cursors.
    pub(crate) fn by(phone: &Phone<'_>, cursors: Vec<(UnitId, u64)>) -> Self {
        let secret = SecretKey::of_seed(&[5; 32]);
        let request = SyncRequest { version: Some(VERSION), ..phone.request(cursors, Vec::new()) };
        Self { question: Question { request, token: phone.token.clone(), inbox: secret.public() }, secret }
    }

    fn clear(&self) -> Vec<u8> {
        minicbor::to_vec(&self.question).unwrap()
    }

    fn sealed(&self, server: &Server) -> Vec<u8> {
        seal_question(self.clear(), server.app.sync_keys[0].public(), [6; 32]).unwrap()
    }

    fn body(&self, server: &Server, parcels: &[Vec<u8>]) -> Vec<u8> {
        encode_body(&self.sealed(server), parcels.iter().map(Vec::as_slice))
    }

    fn open(&self, sealed: &[u8]) -> Letter {
        open_letter(&self.secret, &bound(self.question.request.device, &self.clear()), sealed).unwrap()
    }

    /// Asks with parcels: their fates, and the letter.
    pub(crate) async fn ask(
        &self,
        server: &Server,
        signer: &Signer,
        parcels: &[Vec<u8>],
    ) -> (Vec<u8>, Letter) {
        let answer = post(server, signer, self.body(server, parcels)).await;
        let (fates, letter) = said(&answer, parcels.len());
        (fates, self.open(&letter))
    }
}

impl Left {
    /// Asks where no letter is due: what came in its place.
    pub(crate) async fn ask_for_nothing(
        &self,
        server: &Server,
        signer: &Signer,
        parcels: &[Vec<u8>],
    ) -> (Vec<u8>, Vec<u8>) {
        said(&post(server, signer, self.body(server, parcels)).await, parcels.len())
    }
}

fn said(answer: &Answer, parcels: usize) -> (Vec<u8>, Vec<u8>) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.code());
    assert_eq!(answer.headers[header::CONTENT_TYPE], CONTENT_TYPE);
    let (fates, letter) = answer.body.split_at(parcels);
    (fates.to_vec(), letter.to_vec())
}

async fn post(server: &Server, signer: &Signer, body: Vec<u8>) -> Answer {
    let signature = URL_SAFE_NO_PAD.encode(signer.sign(&signed(signer.device, &body)));
    send(server, &signer.device.to_string(), &signature, body).await
}

async fn send(server: &Server, device: &str, signature: &str, body: Vec<u8>) -> Answer {
    let request = request(Method::POST, "/api/v1/inbox", None)
        .header(header::CONTENT_TYPE, CONTENT_TYPE)
        .header("x-zoufang-device", device)
        .header("x-zoufang-signature", signature);
    server.send(request.body(Body::from(body)).unwrap()).await
}

fn pages(letter: &Letter) -> Vec<Page> {
    let page = |frame| if let Frame::Page(page) = frame { Some(page) } else { None };
    letter.frames().into_iter().filter_map(page).collect()
}

#[tokio::test]
async fn a_letter_brings_what_a_sync_would_and_what_became_of_each_parcel() {
    let server = Server::start().await;
    let (village, township) = (server.phone("village").await, server.phone("township").await);
    let signer = Signer::known(&village).await;
    let (person, mut document) = village.person(1, server.village, "张伟");
    village.push(vec![person.clone()]).await;
    let (other, _) = township.person(2, server.village, "李强");
    township.push(vec![other.clone()]).await;
    let edit = village.edit(&person, &mut document, 3, &Patch::set("address", Value::Text("一组".into())));
    let (foreign, _) = village.person(4, server.neighbour, "王芳");
    let left = Left::by(&village, vec![(server.village, 1)]);
    let mut parcels: Vec<Vec<u8>> = [&edit, &foreign].into_iter().map(|push| parcel(&server, push)).collect();
    parcels.push(b"broken".to_vec());
    let (fates, letter) = left.ask(&server, &signer, &parcels).await;
    assert_eq!(fates, [STORED, Fate::Refused as u8, Fate::Unreadable as u8]);
    let verdicts: Vec<Verdict> = letter.verdicts.iter().map(|(_, verdict)| *verdict).collect();
    assert_eq!(verdicts, [Verdict::Accepted(3), Verdict::Refused(Refusal::NotInScope)]);
    let pages = pages(&letter);
    let raws: Vec<&[u8]> = pages.iter().flat_map(|page| &page.items).map(|item| &item.raw[..]).collect();
    assert_eq!(raws, [&other.raw[..], &edit.raw[..]]);
    assert_eq!((pages[0].from_seq, pages.last().unwrap().to_seq), (1, 3));
    assert!(matches!(letter.frames().last(), Some(Frame::End(end)) if !end.more));
    // Nothing of it can be read on the way.
    let answer = post(&server, &signer, left.body(&server, &[])).await;
    assert!(!answer.body.windows(6).any(|part| part == "李强".as_bytes()));
    // A repetition says the same of what is there now.
    let (fates, again) = left.ask(&server, &signer, &parcels[..1]).await;
    assert_eq!((fates.as_slice(), again.verdicts[0].1), (&[STORED][..], Verdict::Duplicate(3)));
}

#[tokio::test]
async fn parcels_arrive_whatever_is_wrong_with_the_question() {
    let mut server = Server::start().await;
    let strange = Keys::of_text(&"ab".repeat(32)).unwrap();
    let village = server.phone("village").await;
    let neighbour = server.phone("neighbour").await;
    let signer = Signer::known(&village).await;
    let sound = || Left::by(&village, Vec::new());
    let with = |change: fn(&mut Question)| {
        let mut left = sound();
        change(&mut left.question);
        left.sealed(&server)
    };
    let mut of_another = Left::by(&neighbour, Vec::new());
    of_another.question.token.clone_from(&village.token);
    let mut in_another_session = sound();
    in_another_session.question.token.clone_from(&neighbour.token);
    let questions = [
        ("none", Vec::new()),
        ("to another key", seal_question(sound().clear(), strange.sync()[0].public(), [1; 32]).unwrap()),
        ("a parcel", parcel::seal(sound().clear(), server.app.sync_keys[0].public(), [1; 32]).unwrap()),
        ("another device's", Left::by(&neighbour, Vec::new()).sealed(&server)),
        ("another device's in this session", of_another.sealed(&server)),
        ("in another device's session", in_another_session.sealed(&server)),
        ("no session", with(|question| question.token.clear())),
        ("of another log", with(|question| question.request.epoch.0 ^= 1)),
    ];
    for (id, (what, question)) in (1..).zip(questions) {
        let (person, _) = village.person(id, server.village, "张伟");
        let body = encode_body(&question, [&parcel(&server, &person)[..]]);
        let (fates, letter) = said(&post(&server, &signer, body).await, 1);
        assert_eq!((fates.as_slice(), letter.len()), (&[STORED][..], 0), "{what}");
    }
    assert!(server.row_counts().await.contains(&("log", 8)));
    // Of a user who works on no unit nothing is told, and a session that is over reads nothing.
    let admin = server.phone("admin").await;
    let of_admin = Signer::known(&admin).await;
    let answer = post(&server, &of_admin, Left::by(&admin, Vec::new()).body(&server, &[])).await;
    assert_eq!(said(&answer, 0).1.len(), 0);
    let body = sound().body(&server, &[]);
    assert_ne!(said(&post(&server, &signer, body.clone()).await, 0).1.len(), 0);
    server.pass_ms(SESSION_MS + 1);
    assert_eq!(said(&post(&server, &signer, body).await, 0).1.len(), 0);
    // A question to an older key of the server's is still opened.
    server.pass_ms(-SESSION_MS - 1);
    let (device, token, user) = (village.device, village.token.clone(), village.user);
    let old = sound().body(&server, &[]);
    let keys = Keys::of_text(&format!("{}\n{}", "ab".repeat(32), crate::server::KEY)).unwrap();
    server.use_keys(&keys);
    let village = Phone { server: &server, token, device, user };
    let letter = said(&post(&server, &signer, old).await, 0).1;
    assert!(!Left::by(&village, Vec::new()).open(&letter).frames().is_empty());
}

#[tokio::test]
async fn only_the_device_itself_asks() {
    let server = Server::start().await;
    let (village, other) = (server.phone("village").await, server.phone("neighbour").await);
    let (signer, stranger) = (Signer::known(&village).await, Signer::known(&other).await);
    let sound = Left::by(&village, Vec::new()).body(&server, &[]);
    let by = |signer: &Signer, message: Vec<u8>| URL_SAFE_NO_PAD.encode(signer.sign(&message));
    let device = village.device;
    for (what, named, signature) in [
        ("another device's key", device, by(&stranger, signed(device, &sound))),
        ("a signature of another body", device, by(&signer, signed(device, b"other"))),
        ("a signature for parcels", device, by(&signer, parcel::signed(device, &sound))),
        ("an unknown device", DeviceId(5), by(&signer, signed(DeviceId(5), &sound))),
        ("no signature", device, String::new()),
    ] {
        let answer = send(&server, &named.to_string(), &signature, sound.clone()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "signed_out"),
            "{what}"
        );
    }
    // Another device that has the question gets no letter to it.
    assert_eq!(said(&post(&server, &stranger, sound).await, 0).1.len(), 0);
}

#[tokio::test]
async fn a_revoked_device_is_told_to_wipe_itself_and_what_it_brings_is_kept() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::known(&village).await;
    let (person, _) = village.person(1, server.village, "张伟");
    server.app.store.revoke_device(village.device, server.app.now()).await.unwrap();
    let body = Left::by(&village, Vec::new()).body(&server, &[parcel(&server, &person)]);
    let answer = post(&server, &signer, body).await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/vnd.zoufang.wipe");
    assert_eq!(answer.body.len(), 32);
    assert_eq!(server.app.store.late().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_none_is_refused_whole() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::known(&village).await;
    let (person, _) = village.person(1, server.village, "张伟");
    let mut cut = Left::by(&village, Vec::new()).body(&server, &[parcel(&server, &person)]);
    cut.pop();
    for body in [cut, b"ZFI1".to_vec(), b"ZFP1".to_vec(), Vec::new()] {
        assert_eq!(post(&server, &signer, body).await.status, StatusCode::BAD_REQUEST);
    }
    let long = post(&server, &signer, vec![0; (1 << 20) + 1]).await;
    assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
    let json = request(Method::POST, "/api/v1/inbox", None)
        .header(header::CONTENT_TYPE, parcel::CONTENT_TYPE)
        .header("x-zoufang-device", village.device.to_string())
        .header("x-zoufang-signature", URL_SAFE_NO_PAD.encode([1; 64]));
    let answer = server.send(json.body(Body::from("ZFI1")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(server.row_counts().await.contains(&("log", 0)));
}

#[tokio::test]
async fn an_address_that_nobody_signs_for_is_held_off_here_as_with_parcels() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::known(&village).await;
    let body = Left::by(&village, Vec::new()).body(&server, &[]);
    let device = village.device.to_string();
    for _ in 0..FAILED_MAX {
        assert_eq!(post(&server, &signer, body.clone()).await.status, StatusCode::OK);
        let unsigned = send(&server, &device, "", body.clone()).await;
        assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED);
    }
    let answer = send(&server, &device, "", body).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many"));
}

#[tokio::test]
async fn a_letter_is_not_longer_than_it_may_be_and_says_that_there_is_more() {
    let server = Server::start().await;
    let (village, township) = (server.phone("village").await, server.phone("township").await);
    let signer = Signer::known(&village).await;
    let mut drawn: u32 = 1;
    for id in 1..=60 {
        let (visit, mut document) = township.visit(id, server.village, 99);
        // Texts that compression finds nothing in.
        let mut text = || {
            let next = || {
                drawn = drawn.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from_u32(0x4e00 + (drawn >> 12) % 20_000).unwrap_or('一')
            };
            std::iter::repeat_with(next).take(480).collect::<String>()
        };
        let mut pushes = vec![visit.clone()];
        for session in 0..8 {
            let patch = Patch::set("facts", Value::Text(text()));
            pushes.push(township.edit(&visit, &mut document, 100 + session, &patch));
        }
        let verdicts = township.push(pushes).await;
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted(_))), "{verdicts:?}");
    }
    let (_, letter) = Left::by(&village, Vec::new()).ask(&server, &signer, &[]).await;
    assert!(letter.answer.len() <= ANSWER_BYTES_MAX, "{}", letter.answer.len());
    assert!(letter.answer.len() > ANSWER_BYTES_MAX / 4);
    assert!(matches!(letter.frames().last(), Some(Frame::End(end)) if end.more));
}

#[tokio::test]
async fn a_phone_that_was_told_by_a_letter_what_became_of_a_lost_push_is_no_copy() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::known(&village).await;
    let (first, _) = village.person(1, server.village, "张伟");
    let (second, _) = village.person(2, server.village, "李强");
    let ask = |told, push| SyncRequest {
        version: Some(VERSION),
        told,
        ..village.request(vec![(server.village, 0)], push)
    };
    // The answer is lost, and with it the ticket; a letter says what became of the change.
    village.sync(&ask(None, vec![first.clone()])).await;
    let left = Left::by(&village, vec![(server.village, 0)]);
    let (_, letter) = left.ask(&server, &signer, &[parcel(&server, &first)]).await;
    let told: Vec<_> = letter.verdicts.iter().map(|(hash, _)| *hash).collect();
    let copy = village.sync(&ask(None, vec![second.clone()])).await.frames();
    assert_eq!(copy, [Frame::Problem(Problem::Cloned)]);
    let frames = village.sync(&ask(Some(told), vec![second])).await.frames();
    assert!(matches!(frames[0], Frame::Ticket(_)), "{frames:?}");
    assert!(matches!(crate::server::verdicts(&frames)[..], [Verdict::Accepted(2)]));
}

#[tokio::test]
async fn a_question_moves_no_ticket_and_acknowledges_no_erasure() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::known(&village).await;
    let (person, _) = village.person(1, server.village, "张伟");
    let ask = |ticket, push| SyncRequest {
        version: Some(VERSION),
        ticket,
        ..village.request(vec![(server.village, 0)], push)
    };
    let frames = village.sync(&ask(None, vec![person])).await.frames();
    let ticket = frames.iter().find_map(|frame| if let Frame::Ticket(it) = frame { Some(*it) } else { None });
    let store = server.app.store.as_ref();
    erase(store, doc(1), server.app.now()).await.unwrap();
    let unread = || async { format!("{:?}", store.erasures().await.unwrap()) };
    let before = unread().await;
    let left = Left::by(&village, vec![(server.village, 2)]);
    left.ask(&server, &signer, &[]).await;
    assert_eq!(unread().await, before);
    let (_, letter) = Left::by(&village, vec![(server.village, 1)]).ask(&server, &signer, &[]).await;
    assert_eq!(pages(&letter)[0].controls, [Control::Erased { doc: doc(1) }]);
    // The ticket of before is good, so the next push is of no copy.
    let (other, _) = village.person(2, server.village, "李强");
    let frames = village.sync(&ask(ticket, vec![other])).await.frames();
    assert!(matches!(crate::server::verdicts(&frames)[..], [Verdict::Accepted(_)]), "{frames:?}");
}
