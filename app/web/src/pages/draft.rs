//! Keeping what is typed: at most half a second later, and at once when the page is left or hidden.
//!
//! Invariant: while a form has typed text that is not kept, it is counted in `DraftDesk::unkept`.
use std::{collections::BTreeMap, time::Duration};

use gloo::events::EventListener;
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use serde::{Deserialize, Serialize};
use zoufang_core::record::{Entries, Timestamp, Value};

use crate::context::{drafts::DraftDesk, library::Library, problem::Problem, use_library};

/// How long typed text may wait.
const KEEP_AFTER: Duration = Duration::from_millis(500);

/// What a form holds: the record's entries as far as they can be read, and texts that cannot be read yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DraftText {
    entries: BTreeMap<String, DraftValue>,
    /// Half-typed texts by field.
    pub(crate) typed: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum DraftValue {
    Bool(bool),
    Int(i64),
    Text(String),
}

impl DraftText {
    /// Of a record's entries.
    pub(crate) fn of(entries: Entries) -> Self {
        let value = |value| match value {
            Value::Text(text) => DraftValue::Text(text),
            Value::Int(number) => DraftValue::Int(number),
            Value::Bool(flag) => DraftValue::Bool(flag),
        };
        Self {
            entries: entries.0.into_iter().map(|(key, found)| (key, value(found))).collect(),
            typed: BTreeMap::new(),
        }
    }

    /// With a half-typed text.
    pub(crate) fn with_typed(mut self, field: &str, text: String) -> Self {
        self.typed.insert(field.to_owned(), text);
        self
    }

    /// The record's entries.
    pub(crate) fn entries(&self) -> Entries {
        let value = |value: &DraftValue| match value {
            DraftValue::Text(text) => Value::Text(text.clone()),
            DraftValue::Int(number) => Value::Int(*number),
            DraftValue::Bool(flag) => Value::Bool(*flag),
        };
        Entries(self.entries.iter().map(|(key, found)| (key.clone(), value(found))).collect())
    }

    /// Reads a kept draft; one that cannot be read is as good as none.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

/// Keeps the text of one form.
#[derive(Clone, Copy)]
pub(crate) struct Keeper {
    library: Library,
    desk: DraftDesk,
    key: StoredValue<String>,
    waiting: StoredValue<Option<String>>,
    timer: StoredValue<Option<TimeoutHandle>>,
    closed: StoredValue<bool>,
    /// When the text was last kept.
    pub(crate) kept_at: RwSignal<Option<Timestamp>>,
    /// Why it could not be kept.
    pub(crate) problem: RwSignal<Option<Problem>>,
}

impl Keeper {
    /// Keeps `text` under `key` from its first change on.
    pub(crate) fn new(key: String, text: Signal<DraftText>) -> Self {
        let desk: DraftDesk = expect_context();
        let keeper = Self {
            library: use_library(),
            desk,
            key: StoredValue::new(key),
            waiting: StoredValue::new(None),
            timer: StoredValue::new(None),
            closed: StoredValue::new(false),
            kept_at: RwSignal::new(None),
            problem: RwSignal::new(None),
        };
        Effect::new(move |before: Option<DraftText>| {
            let now = text.get();
            if before.is_some_and(|before| before != now) {
                keeper.wait(&now);
            }
            now
        });
        Effect::new(move |before: Option<u32>| {
            let now = desk.keep_now.get();
            if before.is_some_and(|before| before != now) {
                keeper.keep();
            }
            now
        });
        let hidden = EventListener::new(&gloo::utils::document(), "visibilitychange", move |_| keeper.keep());
        let hidden = StoredValue::new_local(Some(hidden));
        on_cleanup(move || {
            keeper.keep();
            hidden.update_value(|listener| drop(listener.take()));
        });
        keeper
    }

    /// The text is saved for good, or thrown away: forgets the draft and keeps no more.
    pub(crate) async fn close(self) {
        self.closed.set_value(true);
        self.stop_timer();
        if self.waiting.try_update_value(Option::take).flatten().is_some() {
            self.desk.unkept.update(|count| *count = count.saturating_sub(1));
        }
        let _ = self.library.drop_draft(&self.key.get_value()).await;
    }

    fn wait(self, text: &DraftText) {
        if self.closed.get_value() {
            return;
        }
        let Ok(json) = serde_json::to_string(text) else { return };
        let first = self.waiting.try_update_value(|waiting| waiting.replace(json).is_none()).unwrap_or(false);
        if first {
            self.desk.unkept.update(|count| *count += 1);
            self.timer.set_value(set_timeout_with_handle(move || self.keep(), KEEP_AFTER).ok());
        }
    }

    fn stop_timer(self) {
        if let Some(timer) = self.timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    }

    fn keep(self) {
        self.stop_timer();
        let Some(json) = self.waiting.try_update_value(Option::take).flatten() else { return };
        let key = self.key.get_value();
        let (library, desk, kept_at, problem) = (self.library, self.desk, self.kept_at, self.problem);
        leptos::task::spawn_local(async move {
            let result = library.save_draft(&key, &json).await;
            desk.unkept.update(|count| *count = count.saturating_sub(1));
            match result {
                Ok(()) => {
                    kept_at.try_set(Some(crate::platform::clock::now()));
                    problem.try_set(None);
                }
                Err(cause) => {
                    problem.try_set(Some(cause));
                }
            }
        });
    }
}
