//! A server in this process with two villages, a township, a city officer and an administrator.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;
use zoufang_core::document::Document;
use zoufang_core::record::list::{Channel, Role, VisitReason, VisitResult};
use zoufang_core::record::{
    Date, DeviceId, DocId, Entries, EpochId, Kind, Patch, Person, Record, Timestamp, UnitId, UserId, Visit,
};
use zoufang_core::sync::wire::{
    CONTENT_TYPE, Frame, FrameReader, Push, SyncRequest, Verdict, encode_request,
};
use zoufang_server::account::password;
use zoufang_server::assets::Assets;
use zoufang_server::keys::Keys;
use zoufang_server::overload::Gates;
use zoufang_server::store::sqlite::SqliteStore;
use zoufang_server::store::{County, NewAccount, Store};
use zoufang_server::units::{self, UnitTable};
use zoufang_server::{App, router};

pub(crate) const PASSWORD: &str = "correct horse";
/// The server's key.
pub(crate) const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
pub(crate) const NOW: Timestamp = Timestamp(1_795_000_000_000);

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The type of each frame, as it was sent.
    pub(crate) fn frame_types(&self) -> Vec<u8> {
        let mut types = Vec::new();
        let mut rest = &self.body[4..];
        while let Some((head, after)) = rest.split_at_checked(10) {
            types.push(head[4]);
            rest = &after[u32::from_le_bytes(head[..4].try_into().unwrap()) as usize..];
        }
        types
    }

    pub(crate) fn frames(&self) -> Vec<Frame> {
        assert_eq!(self.status, StatusCode::OK, "{}", String::from_utf8_lossy(&self.body));
        let mut reader = FrameReader::new();
        let frames = reader.push(&self.body).unwrap();
        assert!(reader.is_at_boundary());
        frames
    }
}

/// A server with accounts `village`, `neighbour` (another township's village), `township`, `head`, `city`, `admin`, `officer` (of privacy).
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) epoch: EpochId,
    pub(crate) village: UnitId,
    pub(crate) sibling: UnitId,
    pub(crate) neighbour: UnitId,
    pub(crate) township: UnitId,
    pub(crate) county: UnitId,
    clock: Arc<AtomicI64>,
    router: Router,
    pub(crate) _folder: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("store.sqlite"), County::default()).await.unwrap();
        let store = Keys::of_text(&"07".repeat(32)).unwrap().seal(Arc::new(store));
        let (units, codes) = units::listed().unwrap();
        store.put_units(&units, &codes).await.unwrap();
        let table = UnitTable::read(&store).await.unwrap();
        let unit = |code| table.by_code(code).unwrap();
        let (village, sibling, neighbour) =
            (unit("211381103201"), unit("211381103200"), unit("211381001001"));
        let (township, county) = (unit("211381103000"), unit("211381000000"));
        let hash = password::hash(PASSWORD).unwrap();
        for (login, role, unit) in [
            ("village", Role::VillageWorker, village),
            ("neighbour", Role::VillageWorker, neighbour),
            ("township", Role::TownshipWorker, township),
            ("head", Role::TownshipHead, township),
            ("city", Role::CityDuty, county),
            ("admin", Role::SystemAdmin, county),
            ("sibling", Role::VillageWorker, sibling),
            ("officer", Role::PrivacyOfficer, county),
        ] {
            let account = NewAccount {
                login: login.to_owned(),
                name: format!("name of {login}"),
                role,
                unit,
                password: hash.clone(),
            };
            store.add_account(&account).await.unwrap();
        }
        let epoch = store.epoch().await.unwrap();
        let clock = Arc::new(AtomicI64::new(NOW.0));
        let mut app = App::new(Arc::new(store), Assets::new(Some(folder.path().join("dist"))));
        let ticking = Arc::clone(&clock);
        app.clock = Arc::new(move || Timestamp(ticking.load(Ordering::Relaxed)));
        let keys = Keys::of_text(KEY).unwrap();
        keys.agree(app.store.as_ref()).await.unwrap();
        app.sync_keys = keys.sync().into();
        app.wipe_keys = keys.wipe().into();
        let router = router(app.clone());
        Self { app, epoch, village, sibling, neighbour, township, county, clock, router, _folder: folder }
    }

    pub(crate) fn pass_ms(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// As after a start with other keys.
    pub(crate) fn use_keys(&mut self, keys: &Keys) {
        self.app.sync_keys = keys.sync().into();
        self.app.wipe_keys = keys.wipe().into();
        self.router = router(self.app.clone());
    }

    /// As a server that asks for one-time codes.
    pub(crate) fn want_codes(&mut self) {
        self.app.enrol_by_code = true;
        self.router = router(self.app.clone());
    }

    /// As a server that works on so many requests of a kind at once.
    pub(crate) fn work_on(&mut self, at_once: usize) {
        self.app.gates = Arc::new(Gates::new(at_once));
        self.router = router(self.app.clone());
    }

    /// So often streams of news say that they are alive.
    pub(crate) fn beat_every(&mut self, heartbeat: std::time::Duration) {
        self.app.heartbeat = heartbeat;
        self.router = router(self.app.clone());
    }

    /// The answer as it comes, for those that have no end.
    pub(crate) async fn respond(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.respond(request).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.send(request(Method::GET, path, token).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let request = request(Method::POST, path, token).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn try_sign_in(&self, user: &str, password: &str) -> Answer {
        self.post(
            "/api/v1/sign-in",
            None,
            &serde_json::json!({ "user": user, "password": password, "device_label": "test" }),
        )
        .await
    }

    /// Signs in on a new phone.
    pub(crate) async fn phone(&self, user: &str) -> Phone<'_> {
        let answer = self.try_sign_in(user, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.code());
        let body = answer.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Phone {
            server: self,
            token: text(&body["token"]),
            device: text(&body["device"]).parse().unwrap(),
            user: UserId(u32::try_from(body["user"]["id"].as_u64().unwrap()).unwrap()),
        }
    }

    pub(crate) async fn row_counts(&self) -> Vec<(&'static str, u64)> {
        self.app.store.row_counts().await.unwrap()
    }
}

pub(crate) fn request(method: Method, path: &str, token: Option<&str>) -> axum::http::request::Builder {
    let builder = Request::builder().method(method).uri(path);
    match token {
        Some(token) => builder.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => builder,
    }
}

/// A signed-in device that speaks the protocol by hand.
pub(crate) struct Phone<'s> {
    pub(crate) server: &'s Server,
    pub(crate) token: String,
    pub(crate) device: DeviceId,
    pub(crate) user: UserId,
}

impl Phone<'_> {
    pub(crate) fn request(&self, cursors: Vec<(UnitId, u64)>, push: Vec<Push>) -> SyncRequest {
        SyncRequest {
            epoch: self.server.epoch,
            device: self.device,
            directory_version: u32::MAX,
            cursors,
            push,
            want_bytes: 1 << 20,
            version: None,
            ticket: None,
            probes: Vec::new(),
            wants: Vec::new(),
            strays: Vec::new(),
            held: None,
            told: None,
        }
    }

    pub(crate) async fn sync(&self, sync: &SyncRequest) -> Answer {
        self.post(encode_request(sync)).await
    }

    pub(crate) async fn post(&self, body: Vec<u8>) -> Answer {
        let request = request(Method::POST, "/api/v1/sync", Some(&self.token))
            .header(header::CONTENT_TYPE, CONTENT_TYPE);
        self.server.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Pushes, and gives the verdicts.
    pub(crate) async fn push(&self, push: Vec<Push>) -> Vec<Verdict> {
        let count = push.len();
        let verdicts = verdicts(&self.sync(&self.request(Vec::new(), push)).await.frames());
        assert_eq!(verdicts.len(), count);
        verdicts
    }

    /// The first change of a document, by this user on this device.
    pub(crate) fn first(&self, id: u8, unit: UnitId, kind: Kind, mut entries: Entries) -> (Push, Document) {
        entries.put_int("created_by", Some(self.user.0));
        entries.put_int("created_at", Some(NOW.0));
        let mut document = Document::new(kind);
        let raw = document
            .commit(self.device.actor([id; 8]), self.user, NOW, &Patch::from(entries))
            .unwrap()
            .unwrap();
        (Push { doc: doc(id), kind, unit, raw }, document)
    }

    pub(crate) fn person(&self, id: u8, unit: UnitId, name: &str) -> (Push, Document) {
        self.first(id, unit, Kind::Person, Person { name: name.to_owned(), ..Person::default() }.to_entries())
    }

    pub(crate) fn visit(&self, id: u8, unit: UnitId, person: u8) -> (Push, Document) {
        let visit = Visit {
            people: [doc(person)].into(),
            happened_on: Some(Date::in_china(NOW)),
            visitors: [self.user].into(),
            channel: Some(Channel::Home),
            result: Some(VisitResult::Met),
            reasons: [VisitReason::Festival].into(),
            facts: Some("院墙要修".to_owned()),
            ..Visit::default()
        };
        self.first(id, unit, Kind::Visit, visit.to_entries())
    }

    /// A later change of a document that was loaded or made here.
    pub(crate) fn edit(&self, push: &Push, document: &mut Document, session: u8, patch: &Patch) -> Push {
        let raw = document.commit(self.device.actor([session; 8]), self.user, NOW, patch).unwrap().unwrap();
        Push { raw, ..push.clone() }
    }
}

pub(crate) fn doc(id: u8) -> DocId {
    DocId([id; 16])
}

pub(crate) fn verdicts(frames: &[Frame]) -> Vec<Verdict> {
    frames
        .iter()
        .find_map(|frame| if let Frame::Verdicts(verdicts) = frame { Some(verdicts.clone()) } else { None })
        .unwrap_or_default()
}
