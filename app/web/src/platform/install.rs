//! Putting the app on the home screen: the browser's prompt where there is one, a guide where there is none.
use std::cell::RefCell;

use gloo::events::{EventListener, EventListenerOptions};
use js_sys::{Function, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

thread_local! {
    static PROMPT: RefCell<Option<JsValue>> = const { RefCell::new(None) };
}

/// How the app can be installed in this browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstallWay {
    /// It runs as an app already.
    Installed,
    /// The browser has a prompt ready.
    Prompt,
    /// Safari on iPhone and iPad: by hand, through the share menu.
    ShareMenu,
    /// WeChat's own browser: open a real one first.
    LeaveWeChat,
    /// By hand, through the browser's menu.
    BrowserMenu,
}

/// The state of the installation.
#[derive(Clone, Copy)]
pub(crate) struct Install {
    way: RwSignal<InstallWay>,
}

impl Install {
    /// Keeps the browser's prompt when it comes.
    pub(crate) fn new() -> Self {
        let install = Self { way: RwSignal::new(first_guess()) };
        let window = gloo::utils::window();
        EventListener::new_with_options(
            &window,
            "beforeinstallprompt",
            EventListenerOptions::enable_prevent_default(),
            move |event| {
                event.prevent_default();
                PROMPT.set(Some(event.clone().into()));
                install.way.set(InstallWay::Prompt);
            },
        )
        .forget();
        EventListener::new(&window, "appinstalled", move |_| install.way.set(InstallWay::Installed)).forget();
        install
    }

    /// How the app can be installed.
    pub(crate) fn way(self) -> Signal<InstallWay> {
        self.way.into()
    }

    /// Shows the browser's prompt; it works once.
    pub(crate) fn prompt(self) {
        let Some(event) = PROMPT.take() else { return };
        let prompt = Reflect::get(&event, &JsValue::from_str("prompt"))
            .ok()
            .and_then(|prompt| prompt.dyn_into::<Function>().ok());
        if let Some(prompt) = prompt {
            let _ = prompt.call0(&event);
        }
        self.way.set(InstallWay::BrowserMenu);
    }
}

fn first_guess() -> InstallWay {
    let window = gloo::utils::window();
    let standalone =
        window.match_media("(display-mode: standalone)").ok().flatten().is_some_and(|query| query.matches());
    let agent = window.navigator().user_agent().unwrap_or_default();
    if standalone {
        InstallWay::Installed
    } else if agent.contains("MicroMessenger") {
        InstallWay::LeaveWeChat
    } else if agent.contains("iPhone") || agent.contains("iPad") {
        InstallWay::ShareMenu
    } else {
        InstallWay::BrowserMenu
    }
}
