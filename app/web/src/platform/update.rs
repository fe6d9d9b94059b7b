//! The service worker: registered at the start; a new version waits until the user says so.
//!
//! The page is reloaded in one place only, after the user asked for it and every draft was saved.
use std::cell::RefCell;

use gloo::events::EventListener;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ServiceWorker, ServiceWorkerContainer, ServiceWorkerRegistration, ServiceWorkerState};

const SCRIPT: &str = "/sw.js";

thread_local! {
    static REGISTRATION: RefCell<Option<ServiceWorkerRegistration>> = const { RefCell::new(None) };
}

/// Whether a new version is there, and the user's word to use it.
#[derive(Clone, Copy)]
pub(crate) struct Update {
    ready: RwSignal<bool>,
    asked: RwSignal<bool>,
}

impl Update {
    /// Registers the service worker and watches for versions.
    pub(crate) fn new() -> Self {
        let update = Self { ready: RwSignal::new(false), asked: RwSignal::new(false) };
        leptos::task::spawn_local(async move {
            if let Err(error) = update.register().await {
                leptos::logging::warn!("service worker not registered: {error:?}");
            }
        });
        update
    }

    /// Whether a new version waits.
    pub(crate) fn ready(self) -> Signal<bool> {
        self.ready.into()
    }

    /// Uses the new version: the page reloads as soon as it is in charge. Call only with every draft saved.
    pub(crate) fn apply(self) {
        self.asked.set(true);
        let waiting = REGISTRATION
            .with_borrow(|registration| registration.as_ref().and_then(ServiceWorkerRegistration::waiting));
        match waiting {
            Some(worker) => {
                let _ = worker.post_message(&JsValue::from_str("SKIP_WAITING"));
            }
            // Another tab has put it in charge already.
            None => reload(),
        }
    }

    /// Looks for a new version; called when the app comes back to the front.
    pub(crate) fn look(self) {
        REGISTRATION.with_borrow(|registration| {
            if let Some(registration) = registration {
                let _ = registration.update();
            }
        });
    }

    async fn register(self) -> Result<(), JsValue> {
        let container = gloo::utils::window().navigator().service_worker();
        self.watch_control(&container);
        let registration: ServiceWorkerRegistration =
            JsFuture::from(container.register(SCRIPT)).await?.dyn_into()?;
        if registration.waiting().is_some() && container.controller().is_some() {
            self.ready.set(true);
        }
        self.watch_found(&registration);
        REGISTRATION.set(Some(registration));
        Ok(())
    }

    /// A new worker took over: reload if this page asked for it, else offer to.
    fn watch_control(self, container: &ServiceWorkerContainer) {
        let had_controller = container.controller().is_some();
        EventListener::new(container, "controllerchange", move |_| {
            if self.asked.get_untracked() {
                reload();
            } else if had_controller {
                self.ready.set(true);
            }
        })
        .forget();
    }

    fn watch_found(self, registration: &ServiceWorkerRegistration) {
        let watched = registration.clone();
        EventListener::new(registration, "updatefound", move |_| {
            let Some(worker) = watched.installing() else { return };
            self.watch_installed(&worker);
        })
        .forget();
    }

    fn watch_installed(self, worker: &ServiceWorker) {
        let watched = worker.clone();
        EventListener::new(worker, "statechange", move |_| {
            let controlled = gloo::utils::window().navigator().service_worker().controller().is_some();
            if watched.state() == ServiceWorkerState::Installed && controlled {
                self.ready.set(true);
            }
        })
        .forget();
    }
}

fn reload() {
    let _ = gloo::utils::window().location().reload();
}
