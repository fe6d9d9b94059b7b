//! The access log: who saw a sensitive value in full, when, on which device and why, as a chain in which each line's hash covers all
//! before it. It holds ids and codes only.
//!
//! Whoever writes down the hash of the last line finds out later whether anything before it was changed or taken out. Somebody with
//! the database could make the whole chain anew, but not one that ends in the hash that was written down.

use sha2::{Digest, Sha256};

use zoufang_core::record::list::ValueList;

use crate::store::{ReadingEntry, ReadingLine, Result, Store};

/// Before what is hashed, so that the hash means nothing else.
const CHAINED_FOR: &[u8] = b"zoufang access log 1\n";
/// Lines read at once by a check.
const PAGE: u32 = 1_000;

/// What stands before the first line.
pub const BEGINNING: [u8; 32] = [0; 32];

/// The hash of a line: SHA-256 of a fixed text, the hash before it (32 bytes), its number (8), its id (16), user (8), device (8),
/// unit (8), person (16), then the codes of what and why, each with its length before it (1), and the times when it was read and
/// received (8 each). Numbers are big-endian.
#[must_use]
pub fn chained(before: &[u8; 32], seq: u64, entry: &ReadingEntry) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(CHAINED_FOR);
    hash.update(before);
    hash.update(seq.to_be_bytes());
    hash.update(entry.id.0);
    hash.update(u64::from(entry.user.0).to_be_bytes());
    hash.update(entry.device.0.to_be_bytes());
    hash.update(u64::from(entry.unit.0).to_be_bytes());
    hash.update(entry.person.0);
    for code in [entry.what.code(), entry.why.code()] {
        hash.update([u8::try_from(code.len()).unwrap_or(u8::MAX)]);
        hash.update(code);
    }
    hash.update(entry.read_at.0.to_be_bytes());
    hash.update(entry.received_at.0.to_be_bytes());
    hash.finalize().into()
}

/// What a check of the whole log finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Every line is as it was written: so many, and the hash of the last.
    Whole(u64, [u8; 32]),
    /// The first line that does not go on from the one before it, or is not there.
    Broken(u64),
    /// The chain is whole, but it is another one: the line that was written down is not in it as it was.
    Other(u64),
}

/// Checks the whole log, from its first line; and that it holds the line that somebody wrote down, with its number and hash.
///
/// # Errors
/// If the store fails.
pub async fn check(store: &dyn Store, noted: Option<(u64, [u8; 32])>) -> Result<Chain> {
    let (mut seq, mut before) = (0, BEGINNING);
    loop {
        let lines = store.readings_after(seq, PAGE).await?;
        if lines.is_empty() {
            let gone = noted.filter(|(noted, _)| *noted > seq);
            return Ok(gone.map_or(Chain::Whole(seq, before), |(noted, _)| Chain::Other(noted)));
        }
        for line in lines {
            seq += 1;
            if line.seq != seq || line.hash != chained(&before, seq, &line.entry) {
                return Ok(Chain::Broken(seq));
            }
            before = line.hash;
            if noted.is_some_and(|(noted, hash)| noted == seq && hash != before) {
                return Ok(Chain::Other(seq));
            }
        }
    }
}

/// Gives entries their places after the last line; what is in the log already is to be left out before.
#[must_use]
pub fn chain(last: Option<(u64, [u8; 32])>, entries: Vec<ReadingEntry>) -> Vec<ReadingLine> {
    let (mut seq, mut before) = last.unwrap_or((0, BEGINNING));
    let line = |entry: ReadingEntry| {
        seq += 1;
        before = chained(&before, seq, &entry);
        ReadingLine { seq, entry, hash: before }
    };
    entries.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use zoufang_core::access::Sensitive;
    use zoufang_core::record::list::AccessReason;
    use zoufang_core::record::{DeviceId, DocId, Timestamp, UnitId, UserId};

    use super::*;
    use crate::store::hex;

    fn entry() -> ReadingEntry {
        ReadingEntry {
            id: DocId([1; 16]),
            user: UserId(2),
            device: DeviceId(3),
            unit: UnitId(4),
            person: DocId([5; 16]),
            what: Sensitive::IdNumber,
            why: AccessReason::Benefit,
            read_at: Timestamp(6),
            received_at: Timestamp(7),
        }
    }

    /// Made once with Python's hashlib from what the doc comment says.
    #[test]
    fn the_hash_is_the_one_that_was_written_down() {
        assert_eq!(
            hex(&chained(&BEGINNING, 1, &entry())),
            "03e0496d4fbe0748853062b1eefa45e6e490a6f8d0ad2493540829b9adf43f26"
        );
    }

    #[test]
    fn every_part_of_a_line_is_covered() {
        let of = |change: fn(&mut ReadingEntry)| {
            let mut entry = entry();
            change(&mut entry);
            chained(&BEGINNING, 1, &entry)
        };
        let changes: [fn(&mut ReadingEntry); 9] = [
            |entry| entry.id.0[0] ^= 1,
            |entry| entry.user.0 ^= 1,
            |entry| entry.device.0 ^= 1,
            |entry| entry.unit.0 ^= 1,
            |entry| entry.person.0[0] ^= 1,
            |entry| entry.what = Sensitive::Phone,
            |entry| entry.why = AccessReason::Call,
            |entry| entry.read_at.0 ^= 1,
            |entry| entry.received_at.0 ^= 1,
        ];
        let whole = chained(&BEGINNING, 1, &entry());
        for (place, change) in changes.into_iter().enumerate() {
            assert_ne!(of(change), whole, "part {place}");
        }
        assert_ne!(chained(&BEGINNING, 2, &entry()), whole);
        assert_ne!(chained(&whole, 1, &entry()), whole);
    }
}
