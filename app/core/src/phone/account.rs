//! Whose phone this is: signing in, running out, signing out, and changing hands.
use minicbor::{Decode, Encode};

use super::{
    Phone,
    plan::{Op, Plan, Table},
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
        plan.set_account(Some(account));
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
        self.batch.extend(Table::ALL.iter().map(|table| Op::Clear(*table)));
    }
}
