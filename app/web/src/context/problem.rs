//! What can go wrong, as plain causes. `components/problem.rs` says them to the user.

/// A cause that the user can be told. Nothing in it names a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// There is no network.
    #[error("no network")]
    Offline,
    /// The server does not answer, or answers with an error.
    #[error("server does not answer")]
    ServerDown,
    /// Something else answered in the server's place: a captive portal, a proxy.
    #[error("another site answered")]
    NotOurServer,
    /// So many saved changes of a phone whose PIN is forgotten did not arrive.
    #[error("{0} changes were not delivered")]
    Undelivered(usize),
    /// Wrong user name or password.
    #[error("wrong user or password")]
    BadCredentials,
    /// The password is right, and a one-time code is needed, too.
    #[error("a code is needed")]
    CodeNeeded,
    /// The one-time code is not good.
    #[error("wrong code")]
    CodeWrong,
    /// Too many wrong tries.
    #[error("locked for {0} s")]
    Locked(u32),
    /// The sign-in has run out or was revoked.
    #[error("signed out by the server")]
    SignInAgain,
    /// The role may not do this.
    #[error("not allowed")]
    NotAllowed,
    /// So many changes of another user wait on this phone.
    #[error("another user's {0} changes wait here")]
    OthersWork(usize),
    /// A phone is enrolled for somebody else, or was ended.
    #[error("another user's phone")]
    OtherUser,
    /// What came as the answer to a request does not open this phone.
    #[error("not the answer to the request")]
    OtherAnswer,
    /// Another tab or window has the store.
    #[error("open in another tab")]
    OtherTab,
    /// The phone's storage is full.
    #[error("storage is full")]
    StorageFull,
    /// It is so full that not even a try of the PIN can be counted.
    #[error("storage is full, and the phone is locked")]
    FullAndLocked,
    /// The phone's storage cannot be opened or written.
    #[error("storage fails: {0}")]
    StorageFails(&'static str),
    /// The phone's clock differs from the server's by so many minutes.
    #[error("clock is wrong by {0} min")]
    WrongClock(i64),
    /// A record cannot be put together from its changes; its bytes are kept.
    #[error("record is damaged")]
    Damaged,
    /// There is no such record on this phone.
    #[error("no such record")]
    NotFound,
    /// The server speaks a newer protocol.
    #[error("app is too old")]
    TooOld,
    /// The server refused a change, with this code.
    #[error("refused: {0}")]
    Refused(String),
}

impl Problem {
    /// A short code to read out on the phone.
    pub(crate) fn code(&self) -> String {
        match self {
            Self::Offline => "N1".to_owned(),
            Self::ServerDown => "N2".to_owned(),
            Self::NotOurServer => "N3".to_owned(),
            Self::Undelivered(_) => "N4".to_owned(),
            Self::BadCredentials => "A1".to_owned(),
            Self::Locked(_) => "A2".to_owned(),
            Self::CodeNeeded => "A6".to_owned(),
            Self::CodeWrong => "A7".to_owned(),
            Self::SignInAgain => "A3".to_owned(),
            Self::NotAllowed => "A4".to_owned(),
            Self::OthersWork(_) => "A5".to_owned(),
            Self::OtherUser => "A8".to_owned(),
            Self::OtherAnswer => "K1".to_owned(),
            Self::OtherTab => "S3".to_owned(),
            Self::StorageFull => "S1".to_owned(),
            Self::FullAndLocked => "S4".to_owned(),
            Self::StorageFails(place) => format!("S2-{place}"),
            Self::WrongClock(_) => "C1".to_owned(),
            Self::Damaged => "D1".to_owned(),
            Self::NotFound => "D2".to_owned(),
            Self::TooOld => "V1".to_owned(),
            Self::Refused(code) => format!("R-{code}"),
        }
    }
}
