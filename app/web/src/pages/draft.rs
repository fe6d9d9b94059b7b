//! Keeping what is typed: at most half a second later, and at once when the page is left or hidden.
//!
//! Invariant: while a form has typed text that is not kept, it is counted in `DraftDesk::unkept`.
use std::time::Duration;

use gloo::events::EventListener;
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use zoufang_core::{phone::DraftText, record::Timestamp};

use crate::context::{drafts::DraftDesk, library::Library, problem::Problem, use_library};

/// How long typed text may wait.
const KEEP_AFTER: Duration = Duration::from_millis(500);

/// Keeps the text of one form.
#[derive(Clone, Copy)]
pub(crate) struct Keeper {
    library: Library,
    desk: DraftDesk,
    key: StoredValue<String>,
    blank: StoredValue<DraftText>,
    /// Text that is not kept yet; `None` in it: as good as nothing was typed, so no draft is to be kept.
    waiting: StoredValue<Option<Option<DraftText>>>,
    timer: StoredValue<Option<TimeoutHandle>>,
    closed: StoredValue<bool>,
    /// When the text was last kept.
    pub(crate) kept_at: RwSignal<Option<Timestamp>>,
    /// Why it could not be kept.
    pub(crate) problem: RwSignal<Option<Problem>>,
}

impl Keeper {
    /// Keeps `text` under `key` from its first change on; a text that says what `blank` says is no draft.
    pub(crate) fn new(key: String, blank: DraftText, text: Signal<DraftText>) -> Self {
        let desk: DraftDesk = expect_context();
        let keeper = Self {
            library: use_library(),
            desk,
            key: StoredValue::new(key),
            blank: StoredValue::new(blank),
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
        let blank = self.blank.with_value(|blank| blank == text);
        let typed = (!blank).then(|| text.clone());
        let first =
            self.waiting.try_update_value(|waiting| waiting.replace(typed).is_none()).unwrap_or(false);
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
        let Some(typed) = self.waiting.try_update_value(Option::take).flatten() else { return };
        let key = self.key.get_value();
        let (library, desk, kept_at, problem) = (self.library, self.desk, self.kept_at, self.problem);
        leptos::task::spawn_local(async move {
            let some = typed.is_some();
            let result = match typed {
                Some(text) => library.save_draft(&key, text).await,
                None => library.drop_draft(&key).await,
            };
            desk.unkept.update(|count| *count = count.saturating_sub(1));
            match result {
                Ok(()) => {
                    kept_at.try_set(some.then(crate::platform::clock::now));
                    problem.try_set(None);
                }
                Err(cause) => {
                    problem.try_set(Some(cause));
                }
            }
        });
    }
}
