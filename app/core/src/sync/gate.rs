//! The gate: everything a change must pass before it enters the log, cheap checks first.
//!
//! A change that passed is never refused by anyone else, and a refused one leaves nothing behind. The checks that need
//! the server's tables ask through [`Known`].
use minicbor::{Decode, Encode};

use super::scan::{ScanError, Scanned};
use crate::{
    document::shape::{self, Merge},
    record::{ChangeHash, DeviceId, Kind, UserId, Value},
};

/// Largest request body, in bytes (as sent).
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Most changes in one document.
pub const DOC_CHANGES_MAX: u64 = 2_000;
/// Most bytes of all changes of one document.
pub const DOC_BYTES_MAX: u64 = 1024 * 1024;
/// So long after a document moved to another unit, changes of its old unit are still taken and routed, in ms: 30 days.
pub const LATE_EDIT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// How far ahead of the server a writer's clock may be before the change's time is no longer taken as such, in ms. It is
/// not a reason to refuse: clocks are wrong, and order follows causality.
pub const CLOCK_AHEAD_MS: i64 = 5 * 60 * 1000;

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, thiserror::Error)]
#[cbor(index_only)]
pub enum Refusal {
    /// The unit is not the user's.
    #[n(0)]
    #[error("not_in_scope")]
    NotInScope,
    /// The actor is not one of this device.
    #[n(1)]
    #[error("wrong_actor")]
    WrongActor,
    /// A deflated or other chunk.
    #[n(2)]
    #[error("not_raw")]
    NotRaw,
    /// The change is bigger than allowed.
    #[n(3)]
    #[error("too_big")]
    TooBig,
    /// The change has more operations than allowed.
    #[n(4)]
    #[error("too_many_ops")]
    TooManyOps,
    /// The bytes are no flat change, or Automerge does not take it.
    #[n(5)]
    #[error("malformed")]
    Malformed,
    /// The document has another kind or unit than said.
    #[n(6)]
    #[error("wrong_document")]
    WrongDocument,
    /// Another change has the same actor and number.
    #[n(7)]
    #[error("duplicate_seq")]
    DuplicateSeq,
    /// The first operation's number is not right after what the change depends on.
    #[n(8)]
    #[error("bad_start_op")]
    BadStartOp,
    /// A key that the kind does not have.
    #[n(9)]
    #[error("unknown_key")]
    UnknownKey,
    /// A value that the key may not have.
    #[n(10)]
    #[error("bad_value")]
    BadValue,
    /// Only the record's author may change this.
    #[n(11)]
    #[error("not_author")]
    NotAuthor,
    /// The document has reached its budget.
    #[n(12)]
    #[error("over_budget")]
    OverBudget,
    /// The role may not write this kind.
    #[n(13)]
    #[error("role")]
    Role,
    /// A new document does not say who made it, or names another.
    #[n(14)]
    #[error("wrong_creator")]
    WrongCreator,
    /// A change that came before it in the same document was refused.
    #[n(15)]
    #[error("after_refused")]
    AfterRefused,
    /// The document was erased.
    #[n(16)]
    #[error("erased")]
    Erased,
    /// It builds on a history that the document no longer has: it began anew from its values. To be made again on those.
    #[n(17)]
    #[error("re_rooted")]
    ReRooted,
    /// The document went to another unit more than [`LATE_EDIT_MS`] ago.
    #[n(18)]
    #[error("moved")]
    Moved,
}

impl Refusal {
    /// All refusals, for tables of texts.
    pub const ALL: &'static [Self] = &[
        Self::NotInScope,
        Self::WrongActor,
        Self::NotRaw,
        Self::TooBig,
        Self::TooManyOps,
        Self::Malformed,
        Self::WrongDocument,
        Self::DuplicateSeq,
        Self::BadStartOp,
        Self::UnknownKey,
        Self::BadValue,
        Self::NotAuthor,
        Self::OverBudget,
        Self::Role,
        Self::WrongCreator,
        Self::AfterRefused,
        Self::Erased,
        Self::ReRooted,
        Self::Moved,
    ];

    /// What a phone is told that speaks this version of the protocol, which may not know every refusal.
    #[must_use]
    pub fn told_in(self, version: u8) -> Self {
        let newer = matches!(self, Self::ReRooted | Self::Moved);
        if newer && version < 2 { Self::WrongDocument } else { self }
    }

    /// The code in answers, tables and texts.
    #[must_use]
    pub fn code(self) -> String {
        self.to_string()
    }
}

impl From<ScanError> for Refusal {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::TooBig => Self::TooBig,
            ScanError::NotRaw => Self::NotRaw,
            ScanError::TooManyOps => Self::TooManyOps,
            ScanError::Checksum | ScanError::Malformed => Self::Malformed,
        }
    }
}

/// What the server knows of the document that a change is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Who made the document; `None` if there is none yet.
    pub created_by: Option<UserId>,
    /// The number of its newest operation.
    pub max_op: u64,
    /// Its changes.
    pub changes: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether the document ever began anew from its values.
    pub re_rooted: bool,
}

/// Who pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pusher<'f> {
    /// The signed-in user.
    pub user: UserId,
    /// The device that the session is bound to.
    pub device: DeviceId,
    /// The ids that the device had before its storage turned out to be a copy.
    pub former: &'f [DeviceId],
}

/// What the gate says of a change whose scope and role were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It may be applied and appended.
    Pass,
    /// These dependencies are not known: keep it on the phone and send it again with them.
    Pending,
}

/// Checks one scanned change against its document.
///
/// `max_op_of` gives the number of the newest operation of a known change of this document.
///
/// # Errors
/// The [`Refusal`]; the first that applies, cheap ones first.
pub fn check(
    scanned: &Scanned,
    raw_len: usize,
    kind: Kind,
    pusher: Pusher<'_>,
    known: &Known,
    mut max_op_of: impl FnMut(ChangeHash) -> Option<u64>,
) -> Result<Passage, Refusal> {
    let device = DeviceId::of_actor(&scanned.actor);
    if !device.is_some_and(|device| device == pusher.device || pusher.former.contains(&device)) {
        return Err(Refusal::WrongActor);
    }
    check_ops(scanned, kind)?;
    let mut newest = 0;
    for dep in &scanned.deps {
        match max_op_of(*dep) {
            Some(max_op) => newest = newest.max(max_op),
            // What it builds on may have gone with the old history; if not, making it again costs nothing.
            None if known.re_rooted => return Err(Refusal::ReRooted),
            None => return Ok(Passage::Pending),
        }
    }
    check_authors(scanned, kind, pusher.user, known)?;
    if scanned.start_op <= newest || scanned.start_op > known.max_op + 1 {
        return Err(Refusal::BadStartOp);
    }
    if known.changes >= DOC_CHANGES_MAX || known.bytes.saturating_add(raw_len as u64) > DOC_BYTES_MAX {
        return Err(Refusal::OverBudget);
    }
    Ok(Passage::Pass)
}

fn check_ops(scanned: &Scanned, kind: Kind) -> Result<(), Refusal> {
    let shape = shape::of(kind);
    for op in &scanned.ops {
        let field = shape.field(&op.key).ok_or(Refusal::UnknownKey)?;
        if op.value.as_ref().is_some_and(|value| !field.accepts(&op.key, value)) {
            return Err(Refusal::BadValue);
        }
    }
    Ok(())
}

/// Who may write what. Asked when all that the change builds on is known: a server that was restored does not know who made
/// a document until its maker offers it again, and an edit that comes before that must wait and not be refused.
fn check_authors(scanned: &Scanned, kind: Kind, user: UserId, known: &Known) -> Result<(), Refusal> {
    let shape = shape::of(kind);
    let mut creator = None;
    for op in &scanned.ops {
        if op.key == "created_by" {
            creator = op.value.as_ref().and_then(Value::as_int);
        }
        let append = shape.field(&op.key).is_some_and(|field| field.merge == Merge::Append);
        if append && known.created_by.is_some_and(|author| author != user) {
            return Err(Refusal::NotAuthor);
        }
    }
    match known.created_by {
        // The first change of a document names its maker, who is the one that pushes it.
        None if creator != Some(i64::from(user.0)) => Err(Refusal::WrongCreator),
        // Nobody, not even the author, may rewrite who made a document.
        Some(author) if creator.is_some_and(|named| named != i64::from(author.0)) => {
            Err(Refusal::WrongCreator)
        }
        None | Some(_) => Ok(()),
    }
}
