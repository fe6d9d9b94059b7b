//! What can go wrong in a sync, told apart as far as a person can do something about it.

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The server could not be reached.
    Unreachable,
    /// Something answered that is not our server: a captive portal, a proxy's page.
    NotOurs,
    /// The sign-in has run out or was revoked.
    SignInNeeded,
    /// The server says that this app is too old.
    TooOld,
    /// The server is busy: it says for how long, in seconds.
    Busy(u32),
    /// The server failed.
    Server,
    /// The answer was cut off.
    CutOff,
    /// The answer was damaged on its way.
    Garbled,
    /// There is no room on this phone.
    StoreFull,
    /// This phone's store failed.
    Store,
}

impl Failure {
    /// Whether trying again is of no use before a person did something.
    #[must_use]
    pub fn needs_person(self) -> bool {
        matches!(self, Self::SignInNeeded | Self::TooOld | Self::StoreFull)
    }

    /// The wait that the server asked for, in ms.
    pub(super) fn wait_ms(self) -> Option<i64> {
        match self {
            Self::Busy(seconds) => Some(i64::from(seconds.clamp(1, 600)) * 1000),
            Self::Unreachable
            | Self::NotOurs
            | Self::SignInNeeded
            | Self::TooOld
            | Self::Server
            | Self::CutOff
            | Self::Garbled
            | Self::StoreFull
            | Self::Store => None,
        }
    }

    /// A short code for texts and tests.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::NotOurs => "not_ours",
            Self::SignInNeeded => "sign_in_needed",
            Self::TooOld => "too_old",
            Self::Busy(_) => "busy",
            Self::Server => "server",
            Self::CutOff => "cut_off",
            Self::Garbled => "garbled",
            Self::StoreFull => "store_full",
            Self::Store => "store",
        }
    }
}
