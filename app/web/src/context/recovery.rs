//! The way back after a forgotten PIN: asking to be let in, looking whether it was done, and going on with the same store.
//!
//! The session of such a phone is in memory only: a token that lay beside the locked store would open at the server what the lock
//! keeps closed. Whoever comes back to the page later signs in again, to look.
use std::rc::Rc;

use gloo::net::http::Method;
use leptos::{prelude::*, task::spawn_local};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use zoufang_core::{
    encode,
    record::{DeviceId, Timestamp},
    seal::PublicKey,
};

use super::{
    hub::Hub,
    problem::Problem,
    session::{SIGN_OUT_PATH, SessionCtx, SignInBody, sign_in_at},
};
use crate::{
    i18n::t,
    platform::base64::{of_base64, to_base64},
    store::recovery::{self, Asked, WayBack},
    sync::{Answer, call_json},
};

const PATH: &str = "/api/v1/recovery";

/// The recovery key of this phone's slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecoveryView {
    /// The key that the slot is for.
    pub(crate) key: PublicKey,
    /// Another one that the server says now.
    pub(crate) other: Option<PublicKey>,
}

/// A request that waits, as its page says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AskedView {
    /// Six digits to be said on the phone.
    pub(crate) check_number: String,
    /// What the user signs in with.
    pub(crate) login: String,
    /// When it was asked.
    pub(crate) at: Timestamp,
}

/// What the page finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Somebody can let this phone in.
    pub(crate) may_ask: bool,
    /// Somebody was asked to.
    pub(crate) asked: Option<AskedView>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nobody has let it in yet.
    Waiting,
    /// The server has none any more.
    Gone,
    /// This phone is open; a new PIN is chosen next.
    LetIn,
}

#[derive(Serialize)]
struct AskBody {
    request: String,
}

#[derive(Deserialize)]
struct StateBody {
    state: String,
    #[serde(default)]
    answer: Option<String>,
}

/// The way back, as pages use it.
#[derive(Clone, Copy)]
pub(crate) struct RecoveryCtx {
    hub: Hub,
}

impl RecoveryCtx {
    /// That of a hub.
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub }
    }

    /// The recovery key of this phone's slot, once the store is open; none where the organisation has none.
    pub(crate) fn view(self) -> Signal<Option<RecoveryView>> {
        self.hub.recovery.into()
    }

    /// Whether somebody has just let this phone in.
    pub(crate) fn is_let_in(self) -> bool {
        self.hub.let_in.get_value()
    }

    /// Whether it was signed in to look, since this page was loaded.
    pub(crate) fn may_look(self) -> bool {
        self.hub.asker.with_value(Option::is_some)
    }

    /// Takes another recovery key, which a person has compared.
    pub(crate) async fn take_key(self, key: PublicKey) -> Result<(), Problem> {
        let turn = self.hub.slots_turn.get_value();
        let _turn = turn.lock().await;
        let keyring = self.hub.keyring.get_value().ok_or(Problem::StorageFails("closed"))?;
        let device = self.hub.device_id().ok_or(Problem::SignInAgain)?;
        self.hub.still_holds()?;
        recovery::take_key(&keyring, device, key).await?;
        self.hub.recovery.set(Some(RecoveryView { key, other: None }));
        Ok(())
    }

    /// What stands on this phone about it.
    pub(crate) async fn look(self) -> Result<Found, Problem> {
        let WayBack { slot, asked } = recovery::look().await?;
        Ok(Found { may_ask: slot.is_some(), asked: asked.as_ref().map(view_of) })
    }

    /// Signs in and asks for this phone to be let in.
    pub(crate) async fn ask(
        self,
        user: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<AskedView, Problem> {
        let WayBack { slot, .. } = recovery::look().await?;
        let slot = slot.ok_or(Problem::StorageFails("recovery"))?;
        let token = self.sign_in((user, password), slot.device(), code, true).await?;
        let asked = Asked::new(slot, user)?;
        let body = AskBody { request: to_base64(&encode(&asked.request)) };
        done(Method::PUT, &token, Some(&body)).await?;
        self.hub.still_holds()?;
        recovery::keep(&asked).await?;
        Ok(view_of(&asked))
    }

    /// Signs in to look what became of it.
    pub(crate) async fn come_back(self, user: &str, password: &str) -> Result<(), Problem> {
        let slot = recovery::look().await?.slot.ok_or(Problem::StorageFails("recovery"))?;
        self.sign_in((user, password), slot.device(), None, false).await.map(drop)
    }

    /// Looks what became of the request; if somebody has answered it, opens the store, and asks for a new PIN.
    pub(crate) async fn check(self) -> Result<Fate, Problem> {
        let Some(asked) = recovery::look().await?.asked else { return Ok(Fate::Gone) };
        let account = self.hub.asker.get_value().ok_or(Problem::SignInAgain)?;
        let token = account.token.as_deref().unwrap_or_default();
        let answer = match call_json::<StateBody>(Method::GET, PATH, Some(token), None::<&()>).await? {
            Answer::Ok(StateBody { state, .. }) if state == "waiting" => return Ok(Fate::Waiting),
            Answer::Ok(StateBody { answer, .. }) => answer,
            Answer::Refused(401, ..) => {
                self.hub.asker.set_value(None);
                return Err(Problem::SignInAgain);
            }
            Answer::Refused(..) => return Err(Problem::ServerDown),
        };
        let Some(answer) = answer else {
            recovery::forget().await?;
            return Ok(Fate::Gone);
        };
        let key = of_base64(&answer).and_then(|answer| asked.opened(&answer)).ok_or(Problem::OtherAnswer)?;
        let keyring = recovery::keyring(key).await?;
        self.hub.still_holds()?;
        let lock = self.hub.lock.get_value();
        *lock.lock().await = None;
        self.hub.let_in.set_value(true);
        self.hub.needs_pin.set(true);
        self.hub.open_here_with(keyring).await;
        // Without it the sync asks for the password once more, and that is all.
        let _ = SessionCtx::new(self.hub).keep(account).await;
        Ok(Fate::LetIn)
    }

    /// Takes the request back, at the server first: what is forgotten here only could still be answered there.
    pub(crate) async fn take_back(self) -> Result<(), Problem> {
        let account = self.hub.asker.get_value().ok_or(Problem::SignInAgain)?;
        done(Method::DELETE, account.token.as_deref().unwrap_or_default(), None::<&()>).await?;
        recovery::forget().await?;
        Ok(())
    }

    /// Gives the token of a session for the phone that the slot is of.
    async fn sign_in(
        self,
        (user, password): (&str, &str),
        device: DeviceId,
        code: Option<&str>,
        anew: bool,
    ) -> Result<String, Problem> {
        let body = SignInBody {
            user,
            password,
            device_label: t::sign_in_device_default(),
            device: Some(device.to_string()),
            is_copy: false,
            anew,
            former: Vec::new(),
            code,
        };
        let account = sign_in_at(&body).await?;
        let token = account.token.clone().unwrap_or_default();
        if account.device != device {
            // Another user, or a phone that was ended meanwhile.
            let signed_out =
                call_json::<IgnoredAny>(Method::POST, SIGN_OUT_PATH, Some(&token), None::<&()>).await;
            drop(signed_out);
            return Err(Problem::OtherUser);
        }
        self.hub.asker.set_value(Some(account));
        Ok(token)
    }
}

impl Hub {
    /// The device that this phone is enrolled as.
    pub(super) fn device_id(self) -> Option<DeviceId> {
        self.device().ok()?.store.phone().account().map(|account| account.device)
    }

    /// Sees that the data key has its slot. It may fail: the next opening and the next directory do it.
    pub(super) fn tend_recovery(self) {
        if self.needs_pin.get_untracked() {
            return;
        }
        spawn_local(async move {
            let turn = self.slots_turn.get_value();
            let _turn = turn.lock().await;
            let Some((keyring, device)) = self.keyring.get_value().zip(self.device_id()) else { return };
            if self.still_holds().is_err() {
                return;
            }
            let told = self.directory.with_untracked(|directory| directory.recovery_key);
            let Ok(key) = recovery::tend(&keyring, device, told).await else { return };
            let view = key.map(|key| RecoveryView { key, other: told.filter(|told| *told != key) });
            if self.recovery.get_untracked() != view {
                self.recovery.set(view);
            }
            if view.is_some() {
                self.end_request().await;
            }
        });
    }

    /// Whoever has remembered the PIN needs nobody any more; without a line it is said at the next opening.
    async fn end_request(self) {
        if recovery::look().await.is_ok_and(|found| found.asked.is_some())
            && self.forget_request().await.is_ok()
        {
            let _ = recovery::forget().await;
        }
    }

    /// This phone is in: the server forgets that it asked, as far as it can be told; a week later it does by itself.
    pub(super) async fn forget_request(self) -> Result<(), Problem> {
        let token = SessionCtx::new(self).token().ok_or(Problem::SignInAgain)?;
        done(Method::DELETE, &token, None::<&()>).await
    }
}

fn view_of(asked: &Asked) -> AskedView {
    AskedView { check_number: asked.request.check_number(), login: asked.login.clone(), at: asked.at }
}

/// A request that has no answer but that it is done.
async fn done(method: Method, token: &str, body: Option<&impl Serialize>) -> Result<(), Problem> {
    match call_json::<IgnoredAny>(method, PATH, Some(token), body).await? {
        Answer::Ok(_) => Ok(()),
        Answer::Refused(401, ..) => Err(Problem::SignInAgain),
        Answer::Refused(..) => Err(Problem::ServerDown),
    }
}

/// The slots are written by one at a time: a slot must not be made for a key that has just lost its place.
pub(super) type SlotsTurn = StoredValue<Rc<async_lock::Mutex<()>>, LocalStorage>;

/// The way back of this app.
pub(crate) fn use_recovery() -> RecoveryCtx {
    expect_context()
}
