//! The access log: who read whose sensitive value in full, when, on which device and why. Ids and codes only, so that a line says
//! nothing personal. No IO here: how lines are chained, and whether a line follows on another.
//!
//! Each line is hashed together with the hash of the line before it: nobody changes a line, takes one out or puts one between unseen.
//! The end is another matter: whoever writes to the database can cut lines off, or make the chain anew from a line on. That
//! shows only against a [`Head`] that somebody wrote down.
//!
//! The hash of a line is the SHA-256 of these bytes, one after the other, numbers big-endian:
//!
//! | bytes | what |
//! | --- | --- |
//! | 21 | `zoufang access log 1` in ASCII, and a zero byte |
//! | 32 | `prev`: the hash of the line before; of the first line 32 zero bytes |
//! | 8 | `seq`: 1, 2, 3 … |
//! | 16 | `id` |
//! | 4, 8, 4 | `user`, `device`, `unit` |
//! | 16 | `person` |
//! | 4 + n, twice | `what`, then `why`: the number of bytes, then the bytes |
//! | 8, 8 | `read_at`, `received_at`: signed milliseconds since 1970 |

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use zoufang_core::record::{DeviceId, DocId, Timestamp, UnitId, UserId};

const DOMAIN: &[u8; 21] = b"zoufang access log 1\0";

/// That somebody read a value in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Drawn by the phone, so that a reading that is sent twice is kept once.
    pub id: [u8; 16],
    /// Who read.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// The unit of the person then.
    pub unit: UnitId,
    /// Whose value.
    pub person: DocId,
    /// Which value: code of a `Sensitive`. A text, since a later version of the program may know more.
    pub what: String,
    /// The reason: code of an `AccessReason`.
    pub why: String,
    /// The phone's clock.
    pub read_at: Timestamp,
    /// The server's clock.
    pub received_at: Timestamp,
}

/// A reading in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// 1, 2, 3 … without gap.
    pub seq: u64,
    /// The reading.
    pub reading: Reading,
    /// The hash of the line before.
    pub prev: [u8; 32],
    /// The hash of this line.
    pub hash: [u8; 32],
}

/// Where the chain ends. As text `12:` and 64 hex digits, to be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Head {
    /// Number of the last line; 0 if there is none.
    pub seq: u64,
    /// Its hash; zeros if there is none.
    pub hash: [u8; 32],
}

/// Which lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those of people of these units.
    Units(Vec<UnitId>),
    /// Those of one person.
    Person(DocId),
}

/// A text that is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the head of an access log, such as 12: and 64 hex digits")]
pub struct InvalidHead;

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, hex::encode(self.hash))
    }
}

impl FromStr for Head {
    type Err = InvalidHead;

    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let (seq, digits) = text.split_once(':').ok_or(InvalidHead)?;
        let mut hash = [0; 32];
        hex::decode_to_slice(digits, &mut hash).map_err(|_| InvalidHead)?;
        Ok(Self { seq: seq.parse().map_err(|_| InvalidHead)?, hash })
    }
}

impl Line {
    /// The line that a reading becomes at the end of a chain.
    #[must_use]
    pub fn after(head: Head, reading: Reading) -> Self {
        let (seq, prev) = (head.seq + 1, head.hash);
        let hash = hash_of(prev, seq, &reading);
        Self { seq, reading, prev, hash }
    }

    /// Whether it is the line that follows on a head, as it was written.
    #[must_use]
    pub fn follows(&self, head: Head) -> bool {
        *self == Self::after(head, self.reading.clone())
    }

    /// The end of the chain that it is the last line of.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }
}

/// Readings in their order as lines that follow on a head, each id once and none that is known.
#[must_use]
pub fn chained(mut head: Head, mut known: BTreeSet<[u8; 16]>, readings: &[Reading]) -> Vec<Line> {
    let mut lines = Vec::new();
    for reading in readings {
        if known.insert(reading.id) {
            let line = Line::after(head, reading.clone());
            head = line.head();
            lines.push(line);
        }
    }
    lines
}

fn hash_of(prev: [u8; 32], seq: u64, reading: &Reading) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(DOMAIN);
    sha.update(prev);
    sha.update(seq.to_be_bytes());
    sha.update(reading.id);
    sha.update(reading.user.0.to_be_bytes());
    sha.update(reading.device.0.to_be_bytes());
    sha.update(reading.unit.0.to_be_bytes());
    sha.update(reading.person.0);
    for code in [&reading.what, &reading.why] {
        // A code has a few letters; what is longer than 4 GiB does not come out of a database.
        sha.update(u32::try_from(code.len()).unwrap_or(u32::MAX).to_be_bytes());
        sha.update(code.as_bytes());
    }
    sha.update(reading.read_at.0.to_be_bytes());
    sha.update(reading.received_at.0.to_be_bytes());
    sha.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(id: u8) -> Reading {
        Reading {
            id: [id; 16],
            user: UserId(7),
            device: DeviceId(0xf000_0000_0000_0001),
            unit: UnitId(12),
            person: DocId([3; 16]),
            what: "id_number".to_owned(),
            why: "benefit".to_owned(),
            read_at: Timestamp(1_790_000_000_000),
            received_at: Timestamp(1_790_000_360_000),
        }
    }

    /// Written down: who keeps a head on paper must be able to compute it with another program, now and in ten years.
    #[test]
    fn a_line_has_the_hash_that_was_written_down() {
        let first = Line::after(Head::default(), reading(1));
        assert_eq!(
            hex::encode(first.hash),
            "da123834712315654c7e40e6be0dab095d81a9cf6f8b017ff48d1847fe13c3c4"
        );
        let second = Line::after(first.head(), reading(2));
        assert_eq!(
            second.head().to_string(),
            "2:d118845d0e715d58298085c8961cc7d2a2e08094e20d89dc43b612c816cc0370"
        );
    }

    #[test]
    fn lines_are_chained_in_their_order_and_each_id_once() {
        let head = Line::after(Head::default(), reading(9)).head();
        let known = BTreeSet::from([[9; 16]]);
        let lines = chained(head, known, &[reading(1), reading(9), reading(2), reading(1)]);
        assert_eq!(
            lines.iter().map(|line| (line.seq, line.reading.id[0])).collect::<Vec<_>>(),
            [(2, 1), (3, 2)]
        );
        assert!(lines[0].follows(head) && lines[1].follows(lines[0].head()));
        assert!(!lines[1].follows(head), "not without the line between");
    }

    #[test]
    fn no_field_changes_unseen() {
        let line = Line::after(Head::default(), reading(1));
        assert!(line.follows(Head::default()));
        let changes: [fn(&mut Line); 13] = [
            |line| line.seq = 2,
            |line| line.prev[31] ^= 1,
            |line| line.hash[0] ^= 1,
            |line| line.reading.id[15] ^= 1,
            |line| line.reading.user.0 += 1,
            |line| line.reading.device.0 += 1,
            |line| line.reading.unit.0 += 1,
            |line| line.reading.person.0[0] ^= 1,
            |line| line.reading.what = "phone".to_owned(),
            |line| line.reading.why = "call".to_owned(),
            |line| line.reading.read_at.0 += 1,
            |line| line.reading.received_at.0 -= 1,
            // The letters stay, and the border between two fields moves.
            |line| {
                line.reading.what = "id_numberb".to_owned();
                line.reading.why = "enefit".to_owned();
            },
        ];
        for (at, change) in changes.iter().enumerate() {
            let mut changed = line.clone();
            change(&mut changed);
            assert!(!changed.follows(Head::default()), "change {at}");
        }
    }

    #[test]
    fn a_head_survives_its_text_form() {
        let head = Line::after(Head { seq: 41, hash: [0xab; 32] }, reading(1)).head();
        assert_eq!(head.to_string().parse(), Ok(head));
        for text in [
            "",
            "12",
            "12:",
            "x:",
            "12:zz",
            &format!("12:{}", "é".repeat(32)),
            &format!("-1:{}", "0".repeat(64)),
        ] {
            assert_eq!(text.parse::<Head>(), Err(InvalidHead), "{text}");
        }
    }
}
