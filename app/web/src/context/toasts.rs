//! Things said in passing, some with a way to undo.
use std::sync::Arc;

use leptos::prelude::*;

/// How long one is shown.
const SHOWN_MS: u64 = 10_000;
/// The most at a time; older ones go.
const TOASTS_MAX: usize = 3;

/// What an undo button does. Not a callback of leptos: it outlives the component that said the toast.
pub(crate) type Undo = Arc<dyn Fn() + Send + Sync>;

/// One thing said.
#[derive(Clone)]
pub(crate) struct Toast {
    /// Number, for the list.
    pub(crate) id: u32,
    /// The words.
    pub(crate) text: String,
    /// What the undo button does.
    pub(crate) undo: Option<Undo>,
}

/// The toasts shown now.
#[derive(Clone, Copy)]
pub(crate) struct Toasts {
    list: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

impl Toasts {
    /// None.
    pub(crate) fn new() -> Self {
        Self { list: RwSignal::new(Vec::new()), next: StoredValue::new(0) }
    }

    /// Those shown now.
    pub(crate) fn list(self) -> Signal<Vec<Toast>> {
        self.list.into()
    }

    /// Says something.
    pub(crate) fn say(self, text: impl Into<String>) {
        self.push(text.into(), None);
    }

    /// Says something that can be undone while it is shown.
    pub(crate) fn say_with_undo(self, text: impl Into<String>, undo: impl Fn() + Send + Sync + 'static) {
        self.push(text.into(), Some(Arc::new(undo)));
    }

    /// Takes one away.
    pub(crate) fn close(self, id: u32) {
        self.list.update(|list| list.retain(|toast| toast.id != id));
    }

    fn push(self, text: String, undo: Option<Undo>) {
        let id = self.next.get_value();
        self.next.set_value(id.wrapping_add(1));
        self.list.update(|list| {
            list.push(Toast { id, text, undo });
            if list.len() > TOASTS_MAX {
                list.remove(0);
            }
        });
        set_timeout(move || self.close(id), std::time::Duration::from_millis(SHOWN_MS));
    }
}

/// The toasts of this app.
pub(crate) fn use_toasts() -> Toasts {
    expect_context()
}
