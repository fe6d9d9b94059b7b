//! A strict reader of raw change chunks, made for input that may be hostile.
//!
//! It reads what the gate needs without expanding anything: a change of 111 bytes can claim two million operations, so
//! operations are counted by summing run lengths before any is read, and more than [`OPS_MAX`] end the scan. It takes
//! only what our documents are made of: scalars set under, or deleted from, keys of the root, each key once; and only
//! in the very bytes that Automerge would write, since it builds changes again from what it holds.
//!
//! Source of the format: the Automerge binary format specification, section "change chunks".
use sha2::{Digest, Sha256};

use crate::record::{ChangeHash, DeviceId, Value};

mod columns;
mod runs;

/// Largest change, in bytes.
pub const CHANGE_BYTES_MAX: usize = 256 * 1024;
/// Most operations in one change.
pub const OPS_MAX: usize = 1_000;
/// Most dependencies of one change.
const DEPS_MAX: usize = 64;
/// Most other actors named by one change.
const ACTORS_MAX: usize = 256;

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const TYPE_CHANGE: u8 = 1;
const TYPE_DEFLATED: u8 = 2;

/// Why a chunk is not one of our changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// More than [`CHANGE_BYTES_MAX`].
    #[error("change is too big")]
    TooBig,
    /// A deflated change or another kind of chunk: only raw changes are shipped.
    #[error("chunk is not a raw change")]
    NotRaw,
    /// More than [`OPS_MAX`] operations.
    #[error("change has too many operations")]
    TooManyOps,
    /// The checksum does not fit the content.
    #[error("checksum of the change is wrong")]
    Checksum,
    /// Not of the format, or not flat.
    #[error("change is malformed")]
    Malformed,
}

/// One operation of a flat change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedOp {
    /// The key under the root.
    pub key: String,
    /// What it sets; `None` deletes.
    pub value: Option<Value>,
    /// The values that it replaces, by the operations that set them.
    pub replaces: Vec<Replaced>,
}

/// An operation, by its number and its actor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replaced {
    /// The number.
    pub counter: u64,
    /// The actor.
    pub actor: Vec<u8>,
}

/// What a change says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Its hash.
    pub hash: ChangeHash,
    /// The actor.
    pub actor: Vec<u8>,
    /// The actor's number of this change, from 1.
    pub seq: u64,
    /// The number of the first operation.
    pub start_op: u64,
    /// The number of the last operation.
    pub max_op: u64,
    /// The writer's clock, in seconds.
    pub time: i64,
    /// The changes it depends on.
    pub deps: Vec<ChangeHash>,
    /// What it does.
    pub ops: Vec<ScannedOp>,
}

impl Scanned {
    /// Whether the server made it, as the beginning of a document.
    #[must_use]
    pub fn is_root_of_server(&self) -> bool {
        self.deps.is_empty() && DeviceId::of_actor(&self.actor) == Some(DeviceId::SERVER)
    }
}

/// Reads one raw change.
///
/// # Errors
/// [`ScanError`] for anything that is not exactly one raw, flat change within the bounds.
pub fn scan(raw: &[u8]) -> Result<Scanned, ScanError> {
    if raw.len() > CHANGE_BYTES_MAX {
        return Err(ScanError::TooBig);
    }
    let mut input = Input(raw);
    if input.take(4)? != MAGIC {
        return Err(ScanError::Malformed);
    }
    let checksum = input.take(4)?;
    let hashed = input.0;
    let body = body_of(input)?;
    let hash: [u8; 32] = Sha256::digest(hashed).into();
    if hash[..4] != *checksum {
        return Err(ScanError::Checksum);
    }
    read(body, ChangeHash(hash))
}

/// Reads what [`without_checksum`] gave, together with its hash.
///
/// # Errors
/// As [`scan`]; that the hash is the chunk's is not asked.
pub fn scan_hashed(hashed: &[u8], hash: ChangeHash) -> Result<Scanned, ScanError> {
    read(body_of(Input(hashed))?, hash)
}

/// What stands behind a chunk's type and length.
fn body_of(mut input: Input<'_>) -> Result<Input<'_>, ScanError> {
    match input.byte()? {
        TYPE_CHANGE => {}
        TYPE_DEFLATED | 0 => return Err(ScanError::NotRaw),
        _ => return Err(ScanError::Malformed),
    }
    if input.size()? == input.0.len() { Ok(input) } else { Err(ScanError::Malformed) }
}

/// A chunk without its magic and its checksum, which [`with_checksum`] puts back, and its hash; `None` if either is wrong.
#[must_use]
pub fn without_checksum(raw: &[u8]) -> Option<(&[u8], ChangeHash)> {
    let (checksum, hashed) = raw.strip_prefix(&MAGIC)?.split_at_checked(4)?;
    let hash: [u8; 32] = Sha256::digest(hashed).into();
    (hash[..4] == *checksum).then_some((hashed, ChangeHash(hash)))
}

/// The chunk of which [`without_checksum`] made this, and its hash.
#[must_use]
pub fn with_checksum(hashed: &[u8]) -> (Vec<u8>, ChangeHash) {
    let hash: [u8; 32] = Sha256::digest(hashed).into();
    ([&MAGIC, &hash[..4], hashed].concat(), ChangeHash(hash))
}

fn read(mut input: Input<'_>, hash: ChangeHash) -> Result<Scanned, ScanError> {
    let deps_count = input.size()?;
    if deps_count > DEPS_MAX {
        return Err(ScanError::Malformed);
    }
    let mut deps = Vec::new();
    for _ in 0..deps_count {
        deps.push(ChangeHash(input.take(32)?.try_into().map_err(|_| ScanError::Malformed)?));
    }
    if !deps.is_sorted_by(|before, after| before < after) {
        return Err(ScanError::Malformed);
    }
    let actor = input.prefixed()?;
    let seq = input.unsigned()?;
    let start_op = input.unsigned()?;
    let time = input.signed()?;
    let message = input.prefixed()?;
    let others = input.size()?;
    if others > ACTORS_MAX || !message.is_empty() {
        return Err(ScanError::Malformed);
    }
    let mut actors = vec![actor];
    for _ in 0..others {
        actors.push(input.prefixed()?);
    }
    if !actors[1..].is_sorted_by(|before, after| before < after) || actors[1..].contains(&actor) {
        return Err(ScanError::Malformed);
    }
    let ops = columns::read(&mut input, &actors)?;
    // Bytes after the columns would be a later version's; a flat change of ours has none.
    if !input.0.is_empty() || seq == 0 || start_op == 0 || ops.is_empty() || u32::try_from(start_op).is_err()
    {
        return Err(ScanError::Malformed);
    }
    let max_op = start_op + ops.len() as u64 - 1;
    let actor = actor.to_vec();
    Ok(Scanned { hash, actor, seq, start_op, max_op, time, deps, ops })
}

/// What is left to read.
#[derive(Clone, Copy)]
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ScanError> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(ScanError::Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, ScanError> {
        Ok(self.take(1)?[0])
    }

    fn unsigned(&mut self) -> Result<u64, ScanError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(ScanError::Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                // A last byte of nothing is one too many.
                return if byte == 0 && shift > 0 { Err(ScanError::Malformed) } else { Ok(value) };
            }
        }
        Err(ScanError::Malformed)
    }

    fn signed(&mut self) -> Result<i64, ScanError> {
        let mut value = 0i64;
        let mut before = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                // A last byte that only repeats the sign of the one before is one too many; the tenth has one bit.
                let sign = before & 0x40 != 0;
                let idle = shift > 0 && byte == if sign { 0x7f } else { 0 };
                if idle || shift == 63 && !matches!(byte, 0 | 0x7f) {
                    return Err(ScanError::Malformed);
                }
                let filled = shift + 7;
                if filled < 64 && byte & 0x40 != 0 {
                    value |= -1 << filled;
                }
                return Ok(value);
            }
            before = byte;
        }
        Err(ScanError::Malformed)
    }

    fn size(&mut self) -> Result<usize, ScanError> {
        usize::try_from(self.unsigned()?).map_err(|_| ScanError::Malformed)
    }

    fn prefixed(&mut self) -> Result<&'a [u8], ScanError> {
        let size = self.size()?;
        self.take(size)
    }
}
