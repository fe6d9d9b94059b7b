//! Parcels: delivered without a session, opened by the server alone, and taken in as a push is.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use zoufang_core::record::{DeviceId, DocId, Patch, Value};
use zoufang_core::seal::SecretKey;
use zoufang_core::sync::parcel::{CONTENT_TYPE, Fate, encode_body, seal, signed, signed_key};
use zoufang_core::sync::wire::{Frame, Push, Verdict};
use zoufang_server::keys::Keys;
use zoufang_server::throttle::{FAILED_MAX, WINDOW_MS};

use crate::server::{Answer, Phone, Server, request};

/// What a phone's browser keeps of a phone: its key.
pub(crate) struct Signer {
    pub(crate) device: DeviceId,
    key: EcdsaKeyPair,
}

impl Signer {
    fn new(device: DeviceId) -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).unwrap();
        Self { device, key }
    }

    /// As [`Self::new`], and the server knows it.
    pub(crate) async fn known(phone: &Phone<'_>) -> Self {
        let signer = Self::new(phone.device);
        let answer = put_key(phone, signer.key_body()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.code());
        signer
    }

    /// As [`Self::known`], and the hash of the word that wipes the device.
    pub(crate) async fn marked(phone: &Phone<'_>) -> (Self, String) {
        let signer = Self::new(phone.device);
        let answer = put_key(phone, signer.key_body()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.code());
        let mark = answer.headers["x-zoufang-wipe"].to_str().unwrap().to_owned();
        (signer, mark)
    }

    /// The same key under the name of another device.
    pub(crate) fn in_the_name_of(self, device: DeviceId) -> Self {
        Self { device, ..self }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    fn key_body(&self) -> Vec<u8> {
        [self.key.public_key().as_ref(), &self.sign(&signed_key(self.device))].concat()
    }

    /// Says that nothing is left on the device.
    pub(crate) async fn wiped(&self, server: &Server) -> Answer {
        let signature = URL_SAFE_NO_PAD.encode(self.sign(&signed(self.device, b"wiped")));
        let request = request(Method::POST, "/api/v1/device-wiped", None)
            .header("x-zoufang-device", self.device.to_string())
            .header("x-zoufang-signature", signature);
        server.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn deliver(&self, server: &Server, body: Vec<u8>) -> Answer {
        let signature = self.sign(&signed(self.device, &body));
        send(server, &self.device.to_string(), &URL_SAFE_NO_PAD.encode(signature), body).await
    }
}

/// What a revoked device brought.
pub(crate) struct Answered {
    pub(crate) device: DeviceId,
    pub(crate) doc: DocId,
    pub(crate) hash: String,
}

async fn put_key(phone: &Phone<'_>, body: Vec<u8>) -> Answer {
    let request = request(Method::PUT, "/api/v1/device-key", Some(&phone.token));
    phone.server.send(request.body(Body::from(body)).unwrap()).await
}

async fn send(server: &Server, device: &str, signature: &str, body: Vec<u8>) -> Answer {
    let request = request(Method::POST, "/api/v1/parcels", None)
        .header(header::CONTENT_TYPE, CONTENT_TYPE)
        .header("x-zoufang-device", device)
        .header("x-zoufang-signature", signature);
    server.send(request.body(Body::from(body)).unwrap()).await
}

pub(crate) fn parcel(server: &Server, push: &Push) -> Vec<u8> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).unwrap();
    seal(minicbor::to_vec(push).unwrap(), server.app.sync_keys[0].public(), seed).unwrap()
}

pub(crate) fn body(parcels: &[Vec<u8>]) -> Vec<u8> {
    encode_body(parcels.iter().map(Vec::as_slice))
}

pub(crate) fn fates(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.code());
    answer.body.clone()
}

const STORED: u8 = Fate::Stored as u8;

#[tokio::test]
async fn a_parcel_arrives_without_a_session_and_its_receipt_comes_with_a_sync() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::known(&village).await;
    let (person, mut document) = village.person(1, server.village, "张伟");
    let edit = village.edit(&person, &mut document, 2, &Patch::set("address", Value::Text("一组".into())));
    let (visit, _) = village.visit(3, server.village, 1);
    let parcels = [&person, &edit, &visit].map(|push| parcel(&server, push));
    server.pass_ms(zoufang_server::account::session::SESSION_MS + 1);
    assert_eq!(village.sync(&village.request(Vec::new(), Vec::new())).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(fates(&signer.deliver(&server, body(&parcels)).await), [STORED; 3]);
    // Once more: an answer was lost.
    assert_eq!(fates(&signer.deliver(&server, body(&parcels)).await), [STORED; 3]);
    assert!(server.row_counts().await.contains(&("log", 3)));
    let again = server.phone("village").await;
    let again = Phone { device: village.device, ..again };
    let answer = again.sync(&village.request(Vec::new(), vec![person.clone()])).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "a session of another device");
}

#[tokio::test]
async fn the_next_push_finds_its_changes_there() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::known(&village).await;
    let (person, _) = village.person(1, server.village, "张伟");
    signer.deliver(&server, body(&[parcel(&server, &person)])).await;
    assert_eq!(village.push(vec![person]).await, [Verdict::Duplicate(1)]);
}

#[tokio::test]
async fn each_parcel_has_a_fate_of_its_own() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::known(&village).await;
    let (sound, _) = village.person(1, server.village, "张伟");
    let (foreign, _) = village.person(2, server.neighbour, "王芳");
    let (unsent, mut document) = village.person(3, server.village, "李强");
    let above = village.edit(&unsent, &mut document, 4, &Patch::set("address", Value::Text("二组".into())));
    let other_key =
        seal(minicbor::to_vec(&sound).unwrap(), SecretKey::of_seed(&[9; 32]).public(), [1; 32]).unwrap();
    let mut touched = parcel(&server, &sound);
    *touched.last_mut().unwrap() ^= 1;
    let parcels = [
        other_key,
        parcel(&server, &foreign),
        touched,
        parcel(&server, &sound),
        parcel(&server, &above),
        Vec::new(),
    ];
    let fates = fates(&signer.deliver(&server, body(&parcels)).await);
    let expected =
        [Fate::Unreadable, Fate::Refused, Fate::Unreadable, Fate::Stored, Fate::Pending, Fate::Unreadable];
    assert_eq!(fates, expected.map(|fate| fate as u8));
    assert!(server.row_counts().await.contains(&("log", 1)));
}

#[tokio::test]
async fn only_the_device_itself_delivers() {
    let server = Server::start().await;
    let (village, other) = (server.phone("village").await, server.phone("neighbour").await);
    let signer = Signer::known(&village).await;
    let stranger = Signer::known(&other).await;
    let (person, _) = village.person(1, server.village, "张伟");
    let sound = body(&[parcel(&server, &person)]);
    let by = |signer: &Signer, device: DeviceId, body: &[u8]| {
        URL_SAFE_NO_PAD.encode(signer.sign(&signed(device, body)))
    };
    let device = village.device.to_string();
    let changed = body(&[parcel(&server, &person), Vec::new()]);
    for (what, device, signature, body) in [
        ("another device's key", device.clone(), by(&stranger, village.device, &sound), sound.clone()),
        ("a signature of another body", device.clone(), by(&signer, village.device, &changed), sound.clone()),
        ("an unknown device", DeviceId(5).to_string(), by(&signer, DeviceId(5), &sound), sound.clone()),
        ("no device", "x".to_owned(), by(&signer, village.device, &sound), sound.clone()),
        ("no signature", device.clone(), String::new(), sound.clone()),
        ("a short signature", device.clone(), URL_SAFE_NO_PAD.encode([1; 63]), sound.clone()),
    ] {
        let answer = send(&server, &device, &signature, body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "signed_out"),
            "{what}"
        );
    }
    // What another device wrote is refused by the gate, whoever delivers it.
    let fate = fates(&stranger.deliver(&server, sound.clone()).await);
    assert_eq!(fate, [Fate::Refused as u8]);
    server.app.store.revoke_device(village.device, server.app.now()).await.unwrap();
    assert_eq!(signer.deliver(&server, sound).await.status, StatusCode::GONE, "revoked");
    assert!(server.row_counts().await.contains(&("log", 0)));
}

#[tokio::test]
async fn a_body_that_is_none_is_refused_whole() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::known(&village).await;
    let (person, _) = village.person(1, server.village, "张伟");
    let mut cut = body(&[parcel(&server, &person), parcel(&server, &person)]);
    cut.pop();
    assert_eq!(signer.deliver(&server, cut).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(signer.deliver(&server, vec![0; (1 << 20) + 1]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(server.row_counts().await.contains(&("log", 0)));
    let json = request(Method::POST, "/api/v1/parcels", None)
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-zoufang-device", village.device.to_string())
        .header("x-zoufang-signature", URL_SAFE_NO_PAD.encode([1; 64]));
    let answer = server.send(json.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_key_is_kept_only_from_who_has_its_other_half() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::new(village.device);
    let sound = signer.key_body();
    let mut touched = sound.clone();
    touched[10] ^= 1;
    let others = Signer::new(DeviceId(5)).key_body();
    for body in [Vec::new(), sound[..64].to_vec(), sound[..128].to_vec(), touched, others, vec![4; 129]] {
        assert_eq!(put_key(&village, body).await.status, StatusCode::BAD_REQUEST);
    }
    let nobody = request(Method::PUT, "/api/v1/device-key", None);
    let answer = server.send(nobody.body(Body::from(sound.clone())).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(put_key(&village, sound).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn phones_learn_the_key_with_the_directory_and_old_parcels_open_after_it_changed() {
    let mut server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::known(&village).await;
    let told = |answer: &Answer| {
        let directory = answer.frames().into_iter().find_map(|frame| {
            if let Frame::Directory(directory) = frame {
                Some((directory.version, directory.sync_key))
            } else {
                None
            }
        });
        directory.unwrap()
    };
    let mut ask = village.request(Vec::new(), Vec::new());
    ask.directory_version = 0;
    let (version, key) = told(&village.sync(&ask).await);
    assert_eq!(key, Some(server.app.sync_keys[0].public()));
    let (person, _) = village.person(1, server.village, "张伟");
    let old = parcel(&server, &person);
    let device = village.device;
    let token = village.token.clone();
    let user = village.user;
    let keys = Keys::of_text(&format!("{}\n{}", "ab".repeat(32), crate::server::KEY)).unwrap();
    keys.agree(server.app.store.as_ref()).await.unwrap();
    server.use_keys(&keys);
    let village = Phone { server: &server, token, device, user };
    ask.directory_version = version;
    let (_, key) = told(&village.sync(&ask).await);
    assert_eq!(key, Some(keys.sync()[0].public()), "a new key is told at once");
    assert_eq!(fates(&signer.deliver(&server, body(&[old])).await), [STORED]);
}

#[tokio::test]
async fn an_address_that_nobody_signs_for_is_held_off_and_phones_behind_it_are_not_counted() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let signer = Signer::known(&village).await;
    let stranger = Signer::new(DeviceId(7));
    for _ in 0..FAILED_MAX {
        assert_eq!(fates(&signer.deliver(&server, body(&[])).await), [0; 0]);
        assert_eq!(stranger.deliver(&server, body(&[])).await.status, StatusCode::UNAUTHORIZED);
    }
    for answer in [stranger.deliver(&server, body(&[])).await, stranger.wiped(&server).await] {
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many"));
        let seconds = (WINDOW_MS / 1000).to_string();
        assert_eq!(answer.headers[header::RETRY_AFTER].to_str().unwrap(), seconds);
    }
    server.pass_ms(WINDOW_MS);
    assert_eq!(stranger.deliver(&server, body(&[])).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(fates(&signer.deliver(&server, body(&[])).await), [0; 0]);
}
