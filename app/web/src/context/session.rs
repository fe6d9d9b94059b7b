//! Who is signed in on this phone.
use gloo::net::http::Method;
use leptos::prelude::*;
use zoufang_core::{
    access::{keeps_files, may_read, may_write, sees_office},
    phone::{Account, Phone, SignInRefusal},
    record::{Class, DeviceId, Kind, UnitId, UserId, list::Role},
    sync::session::{Event, Failure},
};

use super::{hub::Hub, problem::Problem, readings};
use crate::{
    i18n::t,
    platform::post,
    store::{self, recovery, slots},
    sync::{Answer, call_json},
};

const SIGN_IN_PATH: &str = "/api/v1/sign-in";
pub(super) const SIGN_OUT_PATH: &str = "/api/v1/sign-out";

/// The person signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedIn {
    /// The account.
    pub(crate) id: UserId,
    /// The human's name.
    pub(crate) name: String,
    /// What they do.
    pub(crate) role: Role,
    /// Where.
    pub(crate) unit: UnitId,
    /// The unit's name.
    pub(crate) unit_name: String,
}

impl SignedIn {
    /// What pages may know of an account.
    pub(super) fn of(account: &Account) -> Self {
        Self {
            id: account.user,
            name: account.name.clone(),
            role: account.role,
            unit: account.unit,
            unit_name: account.unit_name.clone(),
        }
    }
}

/// What a phone signs in with.
#[derive(serde::Serialize)]
pub(super) struct SignInBody<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a str,
    pub(super) device_label: &'a str,
    pub(super) device: Option<String>,
    pub(super) is_copy: bool,
    pub(super) anew: bool,
    pub(super) former: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'a str>,
}

#[derive(serde::Deserialize)]
struct SignInAnswer {
    token: String,
    device: String,
    user: UserAnswer,
}

#[derive(serde::Deserialize)]
struct UserAnswer {
    id: UserId,
    name: String,
    role: Role,
    unit: UnitId,
    unit_name: String,
}

/// The session, as pages use it.
#[derive(Clone, Copy)]
pub(crate) struct SessionCtx {
    hub: Hub,
}

impl SessionCtx {
    /// The session of a hub.
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub }
    }

    /// Who is signed in; `None` before the first sign-in. A person whose sign-in has run out still works on this phone.
    pub(crate) fn user(self) -> Signal<Option<SignedIn>> {
        self.hub.user.into()
    }

    /// Whether it is known yet who is signed in.
    pub(crate) fn known(self) -> Signal<bool> {
        self.hub.known.into()
    }

    /// Whether the person signed in may read what stands in logs of a class; tracked.
    pub(crate) fn may_read(self, class: Class) -> bool {
        self.has_role(|role| may_read(role, class))
    }

    /// Whether the person signed in may write records of a kind; tracked.
    pub(crate) fn may_write(self, kind: Kind) -> bool {
        self.has_role(|role| may_write(role, kind))
    }

    /// Whether people's files are on this phone, as far as the role of the person signed in goes; tracked.
    pub(crate) fn keeps_files(self) -> bool {
        self.has_role(keeps_files)
    }

    /// Whether the person signed in looks at office pages; tracked.
    pub(crate) fn sees_office(self) -> bool {
        self.has_role(sees_office)
    }

    fn has_role(self, may: impl Fn(Role) -> bool) -> bool {
        self.hub.user.with(|user| user.as_ref().is_some_and(|user| may(user.role)))
    }

    /// Whether the server found that this phone's storage is a copy of another's.
    pub(crate) fn is_copy(self) -> Signal<bool> {
        self.hub.cloned.into()
    }

    /// The token for online pages; `None` when signing in is due.
    pub(crate) fn token(self) -> Option<String> {
        self.hub
            .device()
            .ok()
            .and_then(|device| device.store.phone().account().and_then(|account| account.token.clone()))
    }

    /// Signs in and enrols this phone under a label. What waits on the phone stays; another user's work is not touched.
    pub(crate) async fn sign_in(
        self,
        user: &str,
        password: &str,
        device_label: &str,
        code: Option<&str>,
    ) -> Result<(), Problem> {
        let store = self.hub.device()?.store;
        let body = {
            let phone = store.phone();
            let enrolled = phone.account().filter(|account| account.sign_in_name == user);
            SignInBody {
                user,
                password,
                device_label,
                device: enrolled.map(|account| account.device.to_string()),
                is_copy: phone.is_cloned(),
                anew: false,
                code,
                former: enrolled.map_or_else(Vec::new, |account| {
                    account.former.iter().map(ToString::to_string).collect()
                }),
            }
        };
        let account = sign_in_at(&body).await?;
        self.keep(account).await?;
        self.hub.wake();
        Ok(())
    }

    /// Keeps the account that has signed in.
    pub(super) async fn keep(self, account: Account) -> Result<(), Problem> {
        let store = self.hub.device()?.store;
        // What another user looked at goes out in that user's name, or not at all.
        let user = account.user;
        let others = store.readings().await?.into_values().filter(|reading| reading.user != user).count();
        if others > 0 {
            return Err(Problem::OthersWork(others));
        }
        let plan = |phone: &Phone| {
            phone
                .plan_sign_in(account)
                .map(Some)
                .map_err(|SignInRefusal::OthersWork(count)| Problem::OthersWork(count))
        };
        let settled = store.run_with(|_| Default::default(), |phone, _| plan(phone)).await?;
        let settled = settled.unwrap_or_default();
        let forgotten = settled.forgotten;
        self.hub.take(settled);
        self.hub.introduce();
        self.hub.tend_recovery();
        if forgotten { self.hub.ask_for_new_pin().await } else { Ok(()) }
    }

    /// Signs in on a phone whose PIN is forgotten: what was saved is delivered first, then the phone begins anew. Nothing is
    /// deleted while something waits.
    pub(crate) async fn begin_anew(
        self,
        user: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<(), Problem> {
        let device = post::device().await.map_err(|_| Problem::StorageFails("device"))?;
        let was_asked = recovery::look().await.is_ok_and(|found| found.asked.is_some());
        let device_label = t::sign_in_device_default();
        let body = SignInBody {
            user,
            password,
            device_label,
            device: device.clone(),
            is_copy: false,
            anew: true,
            former: Vec::new(),
            code,
        };
        let account = sign_in_at(&body).await?;
        let waiting = store::held().await?.waiting;
        // In another name nothing of it would be taken.
        if waiting > 0 && device.as_deref() != Some(&account.device.to_string()) {
            return Err(Problem::OthersWork(waiting));
        }
        if let Some(token) = &account.token {
            post::introduce(account.device, token);
        }
        self.hub.deliver_all().await?;
        self.hub.still_holds()?;
        let left = store::begin_anew().await?;
        if left > 0 {
            return Err(Problem::Undelivered(left));
        }
        self.hub.open_emptied().await?;
        self.keep(account).await?;
        if was_asked {
            // Nobody needs to let it in any more; without a line the request ends by itself.
            let _ = self.hub.forget_request().await;
        }
        Ok(())
    }

    /// Signs out; records that are not uploaded stay on this phone, and so does all of it while the access log lacks a reading. Says whether nothing is left.
    pub(crate) async fn sign_out(self) -> Result<bool, Problem> {
        let device = self.hub.device()?;
        let delivered = readings::deliver(&device.store).await;
        if let Some(token) = self.token() {
            // The server forgets the token if it can be told; the phone forgets it in any case.
            let _ =
                call_json::<serde::de::IgnoredAny>(Method::POST, SIGN_OUT_PATH, Some(&token), None::<&()>)
                    .await;
        }
        self.hub.still_holds()?;
        // Rows of the outbox that cannot be read do not count as waiting; their sealed copies must arrive first.
        let waiting = store::held().await?.waiting;
        if waiting > 0 && device.store.phone().waiting() == 0 {
            post::deliver();
            return Err(Problem::Undelivered(waiting));
        }
        let readings_left = match delivered {
            Ok(left) => left,
            Err(_) => device.store.readings().await?.len(),
        };
        let plan = |phone: &Phone| {
            if readings_left > 0 { phone.plan_signed_out_by_server() } else { phone.plan_sign_out() }
        };
        let settled = device.store.run(|phone| Some(plan(phone))).await?;
        let settled = settled.unwrap_or_default();
        let forgotten = settled.forgotten;
        self.hub.take(settled);
        self.hub.tell(Event::Failed(Failure::SignInNeeded));
        if forgotten {
            // What the files of the browser still hold of it can be read by nobody, and whoever is next chooses a PIN.
            self.hub.close_store().await;
            slots::erase().await?;
            self.hub.open(false);
        }
        Ok(forgotten)
    }
}

/// Asks the server.
pub(super) async fn sign_in_at(body: &SignInBody<'_>) -> Result<Account, Problem> {
    let answer = match call_json::<SignInAnswer>(Method::POST, SIGN_IN_PATH, None, Some(body)).await? {
        Answer::Ok(answer) => answer,
        Answer::Refused(_, code, retry_after_s) => return Err(refused(&code, retry_after_s)),
    };
    Ok(Account {
        user: answer.user.id,
        sign_in_name: body.user.to_owned(),
        name: answer.user.name,
        role: answer.user.role,
        unit: answer.user.unit,
        unit_name: answer.user.unit_name,
        device: answer.device.parse::<DeviceId>().map_err(|_| Problem::NotOurServer)?,
        token: Some(answer.token),
        former: Vec::new(),
    })
}

fn refused(code: &str, retry_after_s: u32) -> Problem {
    match code {
        "bad_credentials" => Problem::BadCredentials,
        "code_needed" => Problem::CodeNeeded,
        "code_wrong" => Problem::CodeWrong,
        "locked" => Problem::Locked(retry_after_s),
        other => Problem::Refused(other.to_owned()),
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable if !gloo::utils::window().navigator().on_line() => Self::Offline,
            Failure::Unreachable
            | Failure::Busy(_)
            | Failure::Server
            | Failure::CutOff
            | Failure::Garbled => Self::ServerDown,
            Failure::NotOurs => Self::NotOurServer,
            Failure::SignInNeeded => Self::SignInAgain,
            Failure::TooOld => Self::TooOld,
            Failure::StoreFull => Self::StorageFull,
            Failure::Store => Self::StorageFails("sync"),
        }
    }
}

/// The session of this app.
pub(crate) fn use_session() -> SessionCtx {
    expect_context()
}
