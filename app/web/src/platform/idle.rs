//! Notices that nobody is there: the app is hidden, or nobody has touched it, for too long.
use std::{cell::Cell, rc::Rc};

use gloo::{events::EventListener, timers::callback::Timeout};
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;

/// Hidden for longer than this in ms, and somebody else may have the phone.
const HIDDEN_MS: f64 = 2.0 * 60_000.0;
/// As long as the dialler that this app opened may be in front of it: a talk belongs to the work.
const CALL_MS: f64 = 10.0 * 60_000.0;
/// Not touched for so long.
const UNTOUCHED_MS: f64 = 10.0 * 60_000.0;
/// What counts as a touch. A page also scrolls by itself.
const TOUCHES: [&str; 5] = ["pointerdown", "touchmove", "wheel", "keydown", "input"];

/// A moment by both clocks: the steady one may stand still while the phone sleeps, the other one may be set.
#[derive(Clone, Copy)]
struct Moment {
    steady: f64,
    wall: f64,
}

impl Moment {
    fn now() -> Self {
        let steady = gloo::utils::window().performance().map_or(0.0, |clock| clock.now());
        Self { steady, wall: js_sys::Date::now() }
    }

    /// How long ago, in ms, by the clock that says more.
    fn ago(self) -> f64 {
        let now = Self::now();
        (now.steady - self.steady).max(now.wall - self.wall)
    }
}

struct Watch {
    touched: Cell<Moment>,
    hidden: Cell<Option<Moment>>,
    called: Cell<Option<Moment>>,
    timer: Cell<Option<Timeout>>,
    gone: Box<dyn Fn()>,
}

/// Calls `gone` when nobody is there, and again for as long as nobody comes.
pub(crate) fn watch(gone: impl Fn() + 'static) {
    let document = gloo::utils::document();
    let watch = Rc::new(Watch {
        touched: Cell::new(Moment::now()),
        hidden: Cell::new(document.hidden().then(Moment::now)),
        called: Cell::new(None),
        timer: Cell::new(None),
        gone: Box::new(gone),
    });
    for touch in TOUCHES {
        let watch = Rc::clone(&watch);
        EventListener::new(&document, touch, move |_| watch.touched.set(Moment::now())).forget();
    }
    let on_click = Rc::clone(&watch);
    EventListener::new(&document, "click", move |event| {
        let element = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        if element.is_some_and(|element| matches!(element.closest("a[href^='tel:']"), Ok(Some(_)))) {
            on_click.called.set(Some(Moment::now()));
        }
    })
    .forget();
    let on_turn = Rc::clone(&watch);
    EventListener::new(&document, "visibilitychange", move |_| {
        if gloo::utils::document().hidden() {
            on_turn.hidden.set(Some(Moment::now()));
        }
        on_turn.look();
        if !gloo::utils::document().hidden() {
            on_turn.hidden.set(None);
        }
    })
    .forget();
    watch.look();
}

impl Watch {
    /// Says so if nobody is there; looks again when that may be so.
    fn look(self: &Rc<Self>) {
        let hidden = self.hidden.get().map(|since| {
            let called = self.called.get().filter(|call| call.ago() < CALL_MS);
            called.map_or(HIDDEN_MS, |_| CALL_MS) - since.ago()
        });
        let left = (UNTOUCHED_MS - self.touched.get().ago()).min(hidden.unwrap_or(f64::INFINITY));
        if left <= 0.0 {
            (self.gone)();
        }
        let watch = Rc::clone(self);
        let wait = if left <= 0.0 { HIDDEN_MS } else { left };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most ten minutes")]
        let timer = Timeout::new(wait as u32 + 1, move || {
            // Not from within its own call: the next timer takes the place of this one.
            spawn_local(async move { watch.look() });
        });
        self.timer.set(Some(timer));
    }
}
