//! The offline right: after 30 days without a whole answer of the server a phone shows no record until it has one.
//!
//! It takes nothing away: what is saved stays, and goes up with the sync that opens the app again. The most that was ever spent is
//! kept, so that a clock that is set back gives no day back; an answer begins the count anew, so that a clock that ran far ahead
//! locks nobody out for good. Between two looks at the clock nothing is counted: a phone that is off, and whose clock is set back
//! before the next start, has spent nothing.
use super::{Phone, SyncMeta, plan::Plan};
use crate::record::Timestamp;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// So many days a phone may be without an answer.
const DAYS_MAX: u64 = 30;
/// From this day on it is said.
const WARNED_FROM_DAY: u64 = 23;
/// What is spent is kept so often: a clock that is set back between two starts gives less than this back.
const KEPT_EVERY_MS: u64 = 60 * 60 * 1000;

/// Whether the app may show records without having heard the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OfflineRight {
    /// It may.
    #[default]
    Held,
    /// It may for so many days more, the one that has begun included.
    Warned(u64),
    /// It may not.
    Ended,
}

impl OfflineRight {
    fn of(spent_ms: u64) -> Self {
        match spent_ms / DAY_MS {
            DAYS_MAX.. => Self::Ended,
            day @ WARNED_FROM_DAY.. => Self::Warned(DAYS_MAX - day),
            _ => Self::Held,
        }
    }
}

impl Phone {
    /// The offline right, by this phone's clock.
    #[must_use]
    pub fn offline_right(&self, now: Timestamp) -> OfflineRight {
        OfflineRight::of(if self.account.is_some() { self.spent_ms(now) } else { 0 })
    }

    /// Keeps what is spent, if that is worth a transaction. To be asked at each start and now and then.
    #[must_use]
    pub fn plan_offline(&self, now: Timestamp) -> Option<Plan> {
        self.account.as_ref()?;
        let spent_ms = self.spent_ms(now);
        let begins = self.meta.last_answer.is_none() && self.meta.offline_since.is_none();
        if !begins && spent_ms < self.meta.spent_ms.saturating_add(KEPT_EVERY_MS) {
            return None;
        }
        let mut plan = Plan::of(self);
        let offline_since = self.meta.offline_since.or(Some(now));
        plan.set_meta(SyncMeta { spent_ms, offline_since, ..self.meta.clone() });
        Some(plan)
    }

    fn spent_ms(&self, now: Timestamp) -> u64 {
        let begun = self.meta.offline_since.map(|since| (since, since));
        let passed = self.meta.last_answer.or(begun).map_or(0, |since| passed_ms(since, now));
        passed.max(self.meta.spent_ms)
    }
}

/// How long ago an answer came, from this phone's clock and the server's at that time. A clock that was set back since then ran ahead
/// then, or runs behind now: only the server's time tells the first.
fn passed_ms((here, server): (Timestamp, Timestamp), now: Timestamp) -> u64 {
    let since = if now >= here { here } else { server };
    u64::try_from(now.0.saturating_sub(since.0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        phone::Account,
        record::{DeviceId, UnitId, UserId, list::Role},
    };

    const DAY: i64 = 24 * 60 * 60 * 1000;
    const START: i64 = 20_000 * DAY;

    fn at(day: i64) -> Timestamp {
        Timestamp(START + day * DAY)
    }

    /// A phone that is enrolled, and has heard the server when its clock and the server's said this.
    fn phone(last_answer: Option<(Timestamp, Timestamp)>) -> Phone {
        let account = Account {
            user: UserId(1),
            sign_in_name: String::new(),
            name: String::new(),
            role: Role::VillageWorker,
            unit: UnitId(1),
            unit_name: String::new(),
            device: DeviceId(1),
            token: None,
            former: Vec::new(),
        };
        Phone {
            account: Some(account),
            meta: SyncMeta { last_answer, ..SyncMeta::default() },
            ..Phone::default()
        }
    }

    /// Looks at the clock, as the app does at each start.
    fn look(phone: &mut Phone, now: Timestamp) -> OfflineRight {
        if let Some(plan) = phone.plan_offline(now) {
            phone.settle(plan);
        }
        // As it is read at the next start.
        let bytes = minicbor::to_vec(&phone.meta).unwrap();
        phone.meta = minicbor::decode(&bytes).unwrap();
        phone.offline_right(now)
    }

    fn hear(phone: &mut Phone, here: Timestamp, server: Timestamp) {
        phone.meta.last_answer = Some((here, server));
        phone.meta.spent_ms = 0;
    }

    #[test]
    fn it_is_said_from_day_23_on_and_ends_after_30_days() {
        let mut phone = phone(Some((at(0), at(0))));
        for (now, right) in [
            (at(0), OfflineRight::Held),
            (Timestamp(at(23).0 - 1), OfflineRight::Held),
            (at(23), OfflineRight::Warned(7)),
            (at(29), OfflineRight::Warned(1)),
            (Timestamp(at(30).0 - 1), OfflineRight::Warned(1)),
            (at(30), OfflineRight::Ended),
            (at(4_000), OfflineRight::Ended),
        ] {
            assert_eq!(look(&mut phone, now), right, "{now:?}");
        }
    }

    #[test]
    fn a_phone_that_never_synced_is_counted_from_its_first_start() {
        let mut phone = phone(None);
        assert_eq!(look(&mut phone, at(0)), OfflineRight::Held);
        assert_eq!(look(&mut phone, at(29)), OfflineRight::Warned(1));
        assert_eq!(look(&mut phone, at(30)), OfflineRight::Ended);
        hear(&mut phone, at(31), at(31));
        assert_eq!(look(&mut phone, at(32)), OfflineRight::Held);
    }

    #[test]
    fn a_phone_that_nobody_is_signed_in_on_has_nothing_to_end() {
        let phone = Phone::default();
        assert_eq!(phone.offline_right(at(99)), OfflineRight::Held);
        assert!(phone.plan_offline(at(99)).is_none());
    }

    #[test]
    fn a_clock_that_is_set_back_gives_no_day_back() {
        let mut phone = phone(Some((at(0), at(0))));
        assert_eq!(look(&mut phone, at(25)), OfflineRight::Warned(5));
        assert_eq!(look(&mut phone, at(1)), OfflineRight::Warned(5));
        assert_eq!(look(&mut phone, at(-50)), OfflineRight::Warned(5));
        assert_eq!(look(&mut phone, at(30)), OfflineRight::Ended);
        assert_eq!(look(&mut phone, at(2)), OfflineRight::Ended);
    }

    #[test]
    fn a_clock_far_ahead_locks_out_until_the_server_is_heard() {
        let mut phone = phone(Some((at(0), at(0))));
        assert_eq!(look(&mut phone, at(9_000)), OfflineRight::Ended);
        assert_eq!(look(&mut phone, at(1)), OfflineRight::Ended);
        // Heard while it still runs ahead, and set right after that: then the server's time counts.
        hear(&mut phone, at(9_001), at(2));
        assert_eq!(look(&mut phone, at(9_001)), OfflineRight::Held);
        assert_eq!(look(&mut phone, at(3)), OfflineRight::Held);
        assert_eq!(look(&mut phone, at(32)), OfflineRight::Ended);
    }

    #[test]
    fn what_is_spent_is_kept_by_the_hour() {
        let mut phone = phone(Some((at(0), at(0))));
        assert!(phone.plan_offline(Timestamp(START + 59 * 60_000)).is_none());
        let plan = phone.plan_offline(Timestamp(START + 60 * 60_000)).unwrap();
        phone.settle(plan);
        assert!(phone.plan_offline(Timestamp(START + 61 * 60_000)).is_none());
    }
}
