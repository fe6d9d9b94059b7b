//! Signing in and out, and the extractor that says who is asking.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::{header, request::Parts};
use sha2::{Digest, Sha256};
use zoufang_core::record::{DeviceId, Timestamp};

use super::{code, password, token};
use crate::crash::crash_point;
use crate::error::{Error, Result};
use crate::state::App;
use crate::store::{Account, Device, Principal, Store, TokenHash, TryOutcome};

/// A session ends after 30 days, whatever happens in it.
pub const SESSION_MS: i64 = 30 * 24 * 3_600_000;
/// Failed tries are remembered for 15 minutes.
pub const TRY_WINDOW_MS: i64 = 15 * 60_000;
/// Failed tries for one account within the window.
pub const ACCOUNT_TRIES_MAX: u32 = 5;
/// Failed tries from one address within the window: more than for an account, since an office shares one address.
pub const ADDRESS_TRIES_MAX: u32 = 20;
const LABEL_CHARS_MAX: usize = 60;
/// A phone is rarely copied more often.
const FORMER_MAX: usize = 16;
const UNFORGIVEN_MAX: usize = 1_000;

/// A session that was just opened.
pub struct Opened {
    /// The token; it is nowhere else.
    pub token: String,
    /// Whose session.
    pub account: Account,
    /// The device it is bound to.
    pub device: DeviceId,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Opens a session if login and password fit; enrols the device if it is new.
///
/// # Errors
/// [`Error::BadCredentials`], [`Error::CodeNeeded`] or [`Error::CodeWrong`] if the device is new and the server wants a code,
/// [`Error::Locked`] after too many failed tries, or [`Error::Busy`].
pub async fn sign_in(
    app: &App,
    login: &str,
    password: String,
    device: Presented,
    (label, typed_code): (&str, Option<&str>),
    caller: IpAddr,
) -> Result<Opened> {
    if password.len() > password::PASSWORD_BYTES_MAX {
        return Err(Error::BadCredentials);
    }
    // Before the try is counted: who was sent away unheard has tried nothing.
    let _turn = app.gates.hashes.enter().await?;
    let keys = [
        (try_key("account", login), ACCOUNT_TRIES_MAX),
        (try_key("address", &caller.to_string()), ADDRESS_TRIES_MAX),
    ];
    app.unforgiven.forgive(app.store.as_ref()).await?;
    // Before the try is counted: a store that cannot be read is no wrong password.
    let account = app.store.account_by_login(login).await?.filter(|account| !account.disabled);
    let (nonce, now) = (token::random_u64()?, app.now());
    if let TryOutcome::LockedUntil(until) = app.store.begin_try(&keys, nonce, now, TRY_WINDOW_MS).await? {
        let wait_ms = until.0.saturating_sub(now.0).max(0);
        return Err(Error::Locked { retry_after_s: wait_ms.cast_unsigned().div_ceil(1000) });
    }
    crash_point!("try.after");
    let fits =
        password::verify(app, password, account.as_ref().map(|account| account.password.clone())).await?;
    let account = account.filter(|_| fits).ok_or(Error::BadCredentials)?;
    // A wrong code stays counted as a wrong password is; that one is missing is no try.
    let coded = match app.enrol_by_code && !is_enrolled(app, &account, &device).await? {
        true => code::take(app, account.id, typed_code).await,
        false => Ok(()),
    };
    if matches!(coded, Err(Error::CodeWrong)) {
        return Err(Error::CodeWrong);
    }
    crash_point!("forgive.before");
    let tried = (keys.map(|(key, _)| key), nonce);
    if let Err(error) = app.store.forgive_try(&tried.0, nonce).await {
        app.unforgiven.keep(tried);
        return Err(error.into());
    }
    crash_point!("forgive.after");
    coded?;
    admit(app, account, device, label).await
}

/// The keys of a try, and its number.
type Tried = ([[u8; 16]; 2], u64);

/// Tries with the right password that still count as wrong, since the store failed when they were to be forgotten.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unforgiven(Arc<Mutex<Vec<Tried>>>);

impl Unforgiven {
    fn all(&self) -> MutexGuard<'_, Vec<Tried>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, tried: Tried) {
        let mut all = self.all();
        // They lapse by themselves after the window.
        if all.len() < UNFORGIVEN_MAX {
            all.push(tried);
        }
    }

    /// Forgets them now.
    async fn forgive(&self, store: &dyn Store) -> Result<()> {
        while let Some(tried) = { self.all().pop() } {
            if let Err(error) = store.forgive_try(&tried.0, tried.1).await {
                self.keep(tried);
                return Err(error.into());
            }
        }
        Ok(())
    }
}

/// Opens a session for an account whose word is good; enrols the device if it is new.
///
/// # Errors
/// If the store fails.
pub async fn admit(app: &App, account: Account, device: Presented, label: &str) -> Result<Opened> {
    let device = enrol(app, &account, device, label).await?;
    let (token, hash) = token::draw()?;
    let expires_at = Timestamp(app.now().0 + SESSION_MS);
    crash_point!("session.before");
    app.store.open_session(hash, device, account.id, expires_at).await?;
    crash_point!("session.after");
    tracing::info!(user = account.id.0, "signed in");
    Ok(Opened { token, account, device, expires_at })
}

/// What a phone says of itself at sign-in.
#[derive(Clone, Debug, Default)]
pub struct Presented {
    /// The id it had before.
    pub device: Option<DeviceId>,
    /// It was told that its storage is a copy, so it needs an id of its own.
    pub is_copy: bool,
    /// What it held cannot be opened any more.
    pub anew: bool,
    /// The ids it had before that one, for a server that lost them with a restore.
    pub former: Vec<DeviceId>,
}

/// The device goes on under its id if it is this user's and was not revoked, or if nobody has it: a server restored from a
/// backup may not know a phone that was enrolled since, and must take what that phone holds. Else a new id is drawn.
/// A copy gets an id of its own, which may also send what was written under the one it had.
async fn enrol(app: &App, account: &Account, presented: Presented, label: &str) -> Result<DeviceId> {
    let Presented { device, is_copy, anew: _, former: claimed } = presented;
    let known = match device {
        Some(id) => app.store.device(id).await?,
        None => None,
    };
    let (id, former) = match (device, known) {
        (Some(id), Some(known)) if known.user == account.id && known.revoked_at.is_none() => {
            if !is_copy {
                return Ok(id);
            }
            (DeviceId((app.random)()?), known.former.iter().copied().chain([id]).collect())
        }
        (Some(id), None) => (id, own_devices(app, account, claimed).await?),
        (Some(_), Some(_)) | (None, _) => (DeviceId((app.random)()?), Vec::new()),
    };
    let label = label.chars().take(LABEL_CHARS_MAX).collect();
    let (user, enrolled_at) = (account.id, app.now());
    crash_point!("device.before");
    app.store.add_device(&Device { id, user, label, enrolled_at, revoked_at: None, former }).await?;
    crash_point!("device.after");
    Ok(id)
}

/// Whether the device goes on as it was: not a new one, not a copy, and not begun anew.
async fn is_enrolled(app: &App, account: &Account, presented: &Presented) -> Result<bool> {
    let Some(id) = presented.device.filter(|_| !presented.is_copy && !presented.anew) else {
        return Ok(false);
    };
    let known = app.store.device(id).await?;
    Ok(known.is_some_and(|known| known.user == account.id && known.revoked_at.is_none()))
}

/// Those of these ids that are not another user's.
async fn own_devices(app: &App, account: &Account, claimed: Vec<DeviceId>) -> Result<Vec<DeviceId>> {
    let mut own = Vec::new();
    for id in claimed.into_iter().take(FORMER_MAX) {
        if app.store.device(id).await?.is_none_or(|known| known.user == account.id) {
            own.push(id);
        }
    }
    Ok(own)
}

/// Tries are counted under a hash: what was typed as a login may be something else.
fn try_key(what: &str, value: &str) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(format!("{what}\0{value}")).into();
    let mut key = [0; 16];
    key.copy_from_slice(&hash[..16]);
    key
}

/// Who is asking, by the bearer token of the request.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The account and the device.
    pub principal: Principal,
    /// The session.
    pub token: TokenHash,
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let text = value
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let token = text.and_then(|(_, text)| token::of_text(text.trim())).ok_or(Error::SignedOut)?;
        let principal = app.store.principal(token, app.now()).await?.ok_or(Error::SignedOut)?;
        Ok(Self { principal, token })
    }
}
