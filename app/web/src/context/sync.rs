//! The state of the sync, as pages see it.
use std::sync::Arc;

use leptos::prelude::*;
use zoufang_core::{
    gather,
    phone::{OfflineRight, OutState, OutboxRow, Phone},
    record::{DocId, Kind, Patch, Timestamp},
    sync::{
        scan,
        session::{Event, Failure, Phase as LinePhase},
    },
};

use super::{hub::Hub, problem::Problem};
use crate::platform::badge;

/// What the sync is doing, in the words of the chip on every page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SyncState {
    /// No network.
    Offline,
    /// The person stopped it.
    Paused,
    /// So many changes wait.
    Waiting(usize),
    /// On its way; `total` is 0 while unknown.
    Running {
        /// Changes or bytes done.
        done: u64,
        /// Of so many.
        total: u64,
    },
    /// Everything is at the server.
    Done {
        /// Since when.
        at: Timestamp,
    },
    /// Somebody must look.
    Attention(Problem),
}

/// A change that the server refused; its values stay readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedChange {
    /// The record.
    pub(crate) doc: DocId,
    /// Its kind.
    pub(crate) kind: Kind,
    /// The server's reason.
    pub(crate) code: String,
    /// When it was refused.
    pub(crate) at: Timestamp,
    /// What it would have set.
    pub(crate) values: Patch,
}

/// The sync, as pages use it.
#[derive(Clone, Copy)]
pub(crate) struct Sync {
    hub: Hub,
    state: Memo<SyncState>,
    waiting: Memo<usize>,
    refused: Memo<Arc<Vec<RefusedChange>>>,
}

/// A clock that is wrong by more than this is told, in ms.
const CLOCK_OFF_MS: i64 = 5 * 60 * 1000;

impl Sync {
    /// The sync of a hub.
    pub(crate) fn new(hub: Hub) -> Self {
        // Before the store is open nothing is known; the service worker has counted.
        let counted = Memo::new(move |_| hub.of_outbox(Phone::waiting));
        Effect::new(move |_| {
            if let Some(count) = counted.get() {
                badge::show(count);
            }
        });
        let waiting = Memo::new(move |_| counted.get().unwrap_or_default());
        let refused = Memo::new(move |_| {
            let refused =
                hub.of_outbox(|phone| phone.refused().filter_map(refused_change).collect::<Vec<_>>());
            Arc::new(refused.unwrap_or_default())
        });
        let state =
            Memo::new(move |_| state_of(hub, waiting.get(), refused.with(|refused| refused.is_empty())));
        Self { hub, state, waiting, refused }
    }

    /// What it is doing.
    pub(crate) fn state(self) -> Signal<SyncState> {
        self.state.into()
    }

    /// How many changes have no receipt.
    pub(crate) fn waiting(self) -> Signal<usize> {
        self.waiting.into()
    }

    /// When the last whole answer came.
    pub(crate) fn last_at(self) -> Signal<Option<Timestamp>> {
        let last = self.hub.last_answer;
        Signal::derive(move || last.get().map(|(at, _)| at))
    }

    /// Whether records may be shown, so long after the last answer.
    pub(crate) fn offline_right(self) -> Signal<OfflineRight> {
        self.hub.offline_right.into()
    }

    /// What the server refused.
    pub(crate) fn refused(self) -> Signal<Arc<Vec<RefusedChange>>> {
        self.refused.into()
    }

    /// What the server refused of a record, as one patch.
    pub(crate) fn refused_values(self, doc: DocId) -> Patch {
        let mut all = Patch::default();
        self.refused.with_untracked(|refused| {
            for change in refused.iter().filter(|change| change.doc == doc) {
                all.0.extend(change.values.0.clone());
            }
        });
        all
    }

    /// The person asks for it: goes on, also after [`Self::pause`].
    pub(crate) fn resume(self) {
        self.hub.resume();
    }

    /// The person stops the sync until they ask for it again or open the app anew.
    pub(crate) fn pause(self) {
        self.hub.tell(Event::Pause);
    }

    /// The user has read a refused change and lets it go.
    pub(crate) async fn dismiss(self, doc: DocId) -> Result<(), Problem> {
        let store = self.hub.device()?.store;
        let hashes: Vec<_> = store.phone().outbox_of(doc).map(|row| row.hash).collect();
        for hash in hashes {
            let dismissed = store
                .run_with(
                    |phone| phone.needs_dismiss(hash),
                    |phone, segments| Ok::<_, Problem>(Some(phone.plan_dismiss(hash, segments))),
                )
                .await?;
            if let Some(settled) = dismissed {
                self.hub.take(settled);
            }
        }
        Ok(())
    }
}

fn state_of(hub: Hub, waiting: usize, none_refused: bool) -> SyncState {
    let last = hub.last_answer.get();
    let settled = match (waiting, last) {
        (0, Some((at, off))) if off.abs() <= CLOCK_OFF_MS => SyncState::Done { at },
        (0, Some((_, off))) => SyncState::Attention(Problem::WrongClock(off / 60_000)),
        (0, None) => SyncState::Offline,
        (count, _) => SyncState::Waiting(count),
    };
    match hub.line.get() {
        LinePhase::Running => {
            let (done, total) = hub.progress.get();
            SyncState::Running { done, total }
        }
        LinePhase::Failed(failure)
            if failure.needs_person()
                || matches!(
                    failure,
                    Failure::NotOurs | Failure::Store | Failure::Server | Failure::Garbled
                ) =>
        {
            SyncState::Attention(failure.into())
        }
        LinePhase::Offline | LinePhase::Failed(Failure::Unreachable) => SyncState::Offline,
        LinePhase::Paused => SyncState::Paused,
        LinePhase::Idle | LinePhase::Failed(_) if !none_refused => {
            SyncState::Attention(Problem::Refused(String::new()))
        }
        LinePhase::Idle | LinePhase::Failed(_) => settled,
    }
}

fn refused_change(row: &OutboxRow) -> Option<RefusedChange> {
    let OutState::Refused(refusal, at) = row.state else { return None };
    let ops = scan::scan(&row.raw).map(|scanned| scanned.ops).unwrap_or_default();
    let values = Patch(gather(ops.into_iter().map(|op| (op.key, op.value))));
    Some(RefusedChange { doc: row.doc, kind: row.kind, code: refusal.code(), at, values })
}

/// The sync of this app.
pub(crate) fn use_sync() -> Sync {
    expect_context()
}
