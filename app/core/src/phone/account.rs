//! Whose phone this is: signing in, running out, signing out, and changing hands.
use minicbor::{Decode, Encode};

use super::{
    Phone,
    plan::{Batch, Op, Plan, Table},
};
use crate::record::{DeviceId, UnitId, UserId, list::Role};

/// The account that the phone is enrolled for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Account {
    /// The user.
    #[n(0)]
    pub user: UserId,
    /// The name that the user signs in with.
    #[n(1)]
    pub sign_in_name: String,
    /// The human's name.
    #[n(2)]
    pub name: String,
    /// The role.
    #[n(3)]
    pub role: Role,
    /// The unit.
    #[n(4)]
    pub unit: UnitId,
    /// The unit's name.
    #[n(5)]
    pub unit_name: String,
    /// The device that this phone is enrolled as.
    #[n(6)]
    pub device: DeviceId,
    /// The session's token; `None` after a sign-out that had to keep what waits.
    #[n(7)]
    pub token: Option<String>,
    /// The devices that this phone was before its storage turned out to be a copy; their changes are this phone's, too.
    #[cbor(n(8), default)]
    pub former: Vec<DeviceId>,
}

impl Account {
    /// Whether a device's changes are this phone's to send.
    pub(super) fn writes_as(&self, device: Option<DeviceId>) -> bool {
        device.is_some_and(|device| device == self.device || self.former.contains(&device))
    }
}

/// Why a user cannot sign in on this phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInRefusal {
    /// So many changes of another user wait on this phone: they must be sent first, by that user.
    #[error("another user's changes wait on this phone")]
    OthersWork(usize),
}

impl Phone {
    /// Enrols the phone, or gives it a new token. What another user left is deleted, but never what waits.
    ///
    /// # Errors
    /// [`SignInRefusal::OthersWork`] if changes of another user have no receipt yet.
    pub fn plan_sign_in(&self, account: Account) -> Result<Plan, SignInRefusal> {
        let mut plan = Plan::of(self);
        if self.account.as_ref().is_some_and(|old| old.user != account.user) {
            if !self.outbox.is_empty() {
                return Err(SignInRefusal::OthersWork(self.outbox.len()));
            }
            plan.forget();
        }
        let before = self.account.as_ref().filter(|_| !plan.forget);
        let mut former = before.map(|old| old.former.clone()).unwrap_or_default();
        former.extend(before.map(|old| old.device).filter(|old| *old != account.device));
        if self.meta.cloned && !plan.forget {
            plan.set_meta(super::SyncMeta { cloned: false, ..self.meta.clone() });
        }
        plan.set_account(Some(Account { former, ..account }));
        Ok(plan)
    }

    /// Signs out. With nothing waiting, everything is deleted; else only the token goes, and what waits stays.
    pub fn plan_sign_out(&self) -> Plan {
        let mut plan = Plan::of(self);
        match (&self.account, self.outbox.is_empty()) {
            (Some(account), false) => plan.set_account(Some(Account { token: None, ..account.clone() })),
            (_, true) => plan.forget(),
            (None, false) => {}
        }
        plan
    }

    /// The server found that this storage is a copy: the token goes, and the next sign-in asks for a device id of its own.
    pub(super) fn plan_cloned(&self) -> Plan {
        let mut plan = self.plan_signed_out_by_server();
        plan.set_meta(super::SyncMeta { cloned: true, ticket: None, told: Vec::new(), ..self.meta.clone() });
        plan
    }

    /// Drops the token that the server no longer takes; everything else stays.
    pub fn plan_signed_out_by_server(&self) -> Plan {
        let mut plan = Plan::of(self);
        if let Some(account) = &self.account {
            plan.set_account(Some(Account { token: None, ..account.clone() }));
        }
        plan
    }
}

impl Plan {
    /// Empties every table. Called with an empty outbox only.
    fn forget(&mut self) {
        self.forget = true;
        self.batch.extend(emptied());
    }
}

/// Empties every table. For a store of which everything has arrived, or nothing can be read.
#[must_use]
pub fn emptied() -> Batch {
    Table::ALL.iter().map(|table| Op::Clear(*table)).collect()
}
