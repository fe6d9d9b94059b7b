//! What the side-by-side bench of sync engines asks of a page, answered by the app itself (`cargo xtask bench --peers`).
//!
//! Only there with the feature `bench`. It adds no way of its own to the records: all is done through the contexts that
//! pages use, so a record is saved, sent, read and counted as for a person who taps. Sync is paused as a person pauses
//! it, since the bench allows it in `sync` only, and a page of the app otherwise tries as soon as it is open.
use std::{cell::RefCell, future::Future, rc::Rc};

use gloo::timers::future::TimeoutFuture;
use js_sys::{Function, JSON, Object, Promise, Reflect};
use leptos::prelude::*;
use serde_json::{Value as Json, json};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use zoufang_core::record::Patch;

use crate::context::{
    library::{Library, Opened, Phase},
    problem::Problem,
    session::SessionCtx,
    sync::{Sync, SyncState},
    use_library, use_session, use_sync,
};

mod overview;
mod record;

/// The account that `tests/bench/peers/adapter.mjs` makes before the server starts, the first of four. The password
/// protects nothing: such a server holds the bench's made records and listens on this machine only.
const LOGIN: &str = "bench1";
const PASSWORD: &str = "made records only";
/// The page measures its own start at this address.
const COLD_START: &str = "coldStart";

/// The app, as the bench uses it.
#[derive(Clone)]
struct Bench {
    library: Library,
    session: SessionCtx,
    sync: Sync,
    /// Who waits for the phase of the library or the state of the sync to change.
    waiting: Rc<RefCell<Vec<Function>>>,
}

/// Sets `window.bench`. The contexts must be there.
pub(crate) fn provide() {
    let bench =
        Bench { library: use_library(), session: use_session(), sync: use_sync(), waiting: Rc::default() };
    bench.watch();
    let functions = Object::new();
    let cold = gloo::utils::window().location().search().is_ok_and(|search| search.contains(COLD_START));
    if cold {
        // Begun here and not when it is asked for.
        let started = promise(bench.clone().cold_start());
        set(&functions, COLD_START, move |_, _| started.clone());
    }
    let add = |name, run: fn(Bench, Json, Json) -> Promise| {
        let bench = bench.clone();
        set(&functions, name, move |first, second| run(bench.clone(), first, second));
    };
    add("installed", |_, _, _| promise(installed()));
    add("open", |bench, _, _| promise(bench.open()));
    add("seed", |bench, records, _| promise(bench.seed(records)));
    add("edit", |bench, day, _| promise(bench.edit(day)));
    add("sync", |bench, _, _| promise(bench.sync()));
    add("overview", |bench, _, _| promise(bench.overview()));
    add("read", |bench, ids, _| promise(bench.read(ids)));
    add("readConflict", |bench, id, field| promise(bench.read_conflict(id, field)));
    let _ = Reflect::set(&gloo::utils::window(), &JsValue::from_str("bench"), &functions);
}

/// The app can start without a network: its service worker has kept every file.
async fn installed() -> Result<Json, Problem> {
    let ready = gloo::utils::window().navigator().service_worker().ready();
    let ready = ready.map_err(|_| Problem::StorageFails("service worker"))?;
    JsFuture::from(ready).await.map_err(|_| Problem::StorageFails("service worker"))?;
    Ok(Json::Null)
}

impl Bench {
    /// Wakes those who wait, whenever something changes.
    fn watch(&self) {
        let (phase, state, waiting) = (self.library.phase(), self.sync.state(), Rc::clone(&self.waiting));
        Effect::new(move |_| {
            phase.with(|_| ());
            state.with(|_| ());
            for resolve in waiting.take() {
                let _ = resolve.call0(&JsValue::UNDEFINED);
            }
        });
    }

    /// Waits for the next change.
    async fn change(&self) {
        let promise = Promise::new(&mut |resolve, _| self.waiting.borrow_mut().push(resolve));
        let _ = JsFuture::from(promise).await;
    }

    /// Waits until the records are there.
    async fn ready(&self) -> Result<(), Problem> {
        let phase = self.library.phase();
        loop {
            match phase.get_untracked() {
                Phase::Ready => return Ok(()),
                Phase::Failed(problem) => return Err(problem),
                Phase::Loading | Phase::Locked => self.change().await,
            }
        }
    }

    async fn open(self) -> Result<Json, Problem> {
        self.ready().await?;
        self.pause().await;
        Ok(Json::Null)
    }

    async fn pause(&self) {
        self.sync.pause();
        let state = self.sync.state();
        while state.get_untracked() != SyncState::Paused {
            self.change().await;
        }
    }

    /// Signs in where nobody is. Peers know no accounts; on a new phone it is part of what it measures.
    async fn sign_in(&self) -> Result<(), Problem> {
        if self.session.token().is_none() {
            self.session.sign_in(LOGIN, PASSWORD, "bench", None).await?;
        }
        Ok(())
    }

    async fn seed(self, records: Json) -> Result<Json, Problem> {
        self.sign_in().await?;
        self.create(&records).await
    }

    async fn create(&self, records: &Json) -> Result<Json, Problem> {
        let user = self.session.user().get_untracked().ok_or(Problem::SignInAgain)?;
        for given in records.as_array().into_iter().flatten() {
            let made = record::entries_of(given, user.id).ok_or(Problem::NotFound)?;
            self.library.create_as(made.doc, made.kind, user.unit, made.entries).await?;
        }
        Ok(Json::Null)
    }

    async fn edit(self, day: Json) -> Result<Json, Problem> {
        self.create(&day["visits"]).await?;
        for edit in day["edits"].as_array().into_iter().flatten() {
            let Opened { document, .. } = self.open_record(&edit["id"]).await?;
            let doc = record::doc_of(&edit["id"]).ok_or(Problem::NotFound)?;
            let (key, value) = record::value_of(edit).ok_or(Problem::NotFound)?;
            // As a form does: on the heads that were seen.
            self.library.edit(doc, document.heads(), Patch::set(&key, value)).await?;
        }
        Ok(Json::Null)
    }

    async fn open_record(&self, id: &Json) -> Result<Opened, Problem> {
        self.library.open(record::doc_of(id).ok_or(Problem::NotFound)?).await
    }

    /// In sync is what the app itself tells its user: the last answer was whole, all of it is stored, and no change of
    /// this phone is without its receipt. One request carries at most 900 KB of changes; where more waits, as after
    /// seeding, the rest is asked for at once and not left to the app's next round a minute later.
    async fn sync(self) -> Result<Json, Problem> {
        self.sign_in().await?;
        let state = self.sync.state();
        let mut left = usize::MAX;
        self.sync.resume();
        loop {
            self.change().await;
            match state.get_untracked() {
                SyncState::Paused | SyncState::Running { .. } => {}
                SyncState::Done { .. } => {
                    // What an answer gives a reason to ask at once is asked in the next task.
                    TimeoutFuture::new(0).await;
                    if matches!(state.get_untracked(), SyncState::Done { .. }) {
                        break;
                    }
                }
                SyncState::Attention(problem) => return Err(problem),
                SyncState::Waiting(waiting) if waiting < left => {
                    left = waiting;
                    self.sync.resume();
                }
                SyncState::Offline | SyncState::Waiting(_) => return Err(Problem::ServerDown),
            }
        }
        self.pause().await;
        Ok(Json::Null)
    }

    async fn overview(self) -> Result<Json, Problem> {
        Ok(self.library.index().with_untracked(|index| overview::of(index)))
    }

    async fn read(self, ids: Json) -> Result<Json, Problem> {
        let mut records = Vec::new();
        for id in ids.as_array().into_iter().flatten() {
            let opened = self.open_record(id).await?;
            records.push(record::given_of(id, &opened.document.entries()).ok_or(Problem::Damaged)?);
        }
        Ok(Json::Array(records))
    }

    /// The value that lists and forms show, and those that the record's page offers beside it.
    async fn read_conflict(self, id: Json, field: Json) -> Result<Json, Problem> {
        let Opened { document, .. } = self.open_record(&id).await?;
        let given = record::given_of(&id, &document.entries()).ok_or(Problem::Damaged)?;
        let shown = field.as_str().map_or(Json::Null, |field| given[field].clone());
        let key = record::key_of(&id, &field).ok_or(Problem::NotFound)?;
        let conflict = document.conflicts().into_iter().find(|conflict| conflict.key == key);
        let claims = conflict.into_iter().flat_map(|conflict| conflict.claims);
        let values = claims.filter_map(|claim| claim.value.as_text().map(Json::from));
        let others: Vec<Json> = values.filter(|value| *value != shown).collect();
        Ok(json!({ "shown": shown, "alsoRetrievable": others }))
    }

    /// From the navigation until the first list's figures are there; the app draws its first page meanwhile.
    async fn cold_start(self) -> Result<Json, Problem> {
        self.ready().await?;
        let overview = self.clone().overview().await?;
        Ok(json!({ "ms": since_navigation_ms(), "overview": overview }))
    }
}

/// `performance.now()`, without a feature of web-sys for it: all crates that draw would have to be built once more.
fn since_navigation_ms() -> Option<f64> {
    let performance = Reflect::get(&gloo::utils::window(), &JsValue::from_str("performance")).ok()?;
    let now = Reflect::get(&performance, &JsValue::from_str("now")).ok()?.dyn_into::<Function>().ok()?;
    now.call0(&performance).ok()?.as_f64()
}

fn promise(work: impl Future<Output = Result<Json, Problem>> + 'static) -> Promise {
    future_to_promise(async move {
        match work.await {
            Ok(result) => JSON::parse(&result.to_string()),
            Err(problem) => Err(js_sys::Error::new(&problem.to_string()).into()),
        }
    })
}

/// Adds a function of at most two arguments; they and the result are JSON.
fn set(functions: &Object, name: &str, run: impl Fn(Json, Json) -> Promise + 'static) {
    let closure: Closure<dyn Fn(JsValue, JsValue) -> Promise> =
        Closure::new(move |first: JsValue, second: JsValue| run(json_of(&first), json_of(&second)));
    let _ = Reflect::set(functions, &JsValue::from_str(name), &closure.into_js_value());
}

fn json_of(value: &JsValue) -> Json {
    let text = JSON::stringify(value).ok().and_then(|text| text.dyn_into::<js_sys::JsString>().ok());
    text.and_then(|text| serde_json::from_str(&String::from(text)).ok()).unwrap_or_default()
}
