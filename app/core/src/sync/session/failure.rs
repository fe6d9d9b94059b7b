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

/// A server that is busy and does not say for how long is given so many seconds.
const BUSY_S: u32 = 5;

impl Failure {
    /// What a status other than success says of a sync. `ours`: the answer has the form of our server's errors;
    /// `retry_after_s`: what it asks to wait, 0 if it does not.
    #[must_use]
    pub fn of_status(status: u16, ours: bool, retry_after_s: u32) -> Self {
        match status {
            // Another device's session is of no use here: signing in makes a new one.
            401 | 403 if ours => Self::SignInNeeded,
            426 if ours => Self::TooOld,
            429 | 503 => Self::Busy(retry_after_s.max(BUSY_S)),
            500..=599 => Self::Server,
            _ if ours => Self::Server,
            _ => Self::NotOurs,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_a_person_can_do() {
        for (status, ours, failure) in [
            (401, true, Failure::SignInNeeded),
            (403, true, Failure::SignInNeeded),
            (403, false, Failure::NotOurs),
            (426, true, Failure::TooOld),
            (400, true, Failure::Server),
            (404, false, Failure::NotOurs),
            (429, true, Failure::Busy(5)),
            (503, false, Failure::Busy(5)),
            (500, false, Failure::Server),
            (507, true, Failure::Server),
        ] {
            assert_eq!(Failure::of_status(status, ours, 0), failure, "{status}");
        }
        assert_eq!(Failure::of_status(503, true, 30), Failure::Busy(30));
    }
}
