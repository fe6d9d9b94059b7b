//! Identifiers. All are made outside the core; this file gives them types, text forms and bounds.
use std::{fmt, str::FromStr};

use minicbor::{Decode, Encode, bytes::ByteArray};

use super::Class;

/// A text that is not an identifier of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidId(pub &'static str);

/// A document's id: 128 bits, written as 26 characters of Crockford's base 32 (the text form of a ULID).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId(pub [u8; 16]);

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl DocId {
    /// A ULID from the phone's clock in milliseconds and 80 random bits: ids made on one phone sort by time.
    #[must_use]
    pub fn from_parts(at: super::Timestamp, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&at.0.max(0).to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        Self(bytes)
    }
}

impl DocId {
    /// The id of what is kept of a person beside the file, for fewer eyes ([`super::Welfare`]); and of that, the person's. So two phones
    /// mean the same document, and no key has to name the person.
    #[must_use]
    pub const fn beside(self) -> Self {
        let mut bytes = self.0;
        bytes[6] ^= 0x80;
        Self(bytes)
    }
}

impl fmt::Display for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from_be_bytes(self.0);
        for place in (0..26).rev() {
            let digit = (number >> (place * 5)) as usize & 31;
            f.write_str(std::str::from_utf8(&CROCKFORD[digit..=digit]).map_err(|_| fmt::Error)?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for DocId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId("document id");
        if text.len() != 26 {
            return Err(invalid);
        }
        let mut number: u128 = 0;
        for (place, byte) in text.bytes().enumerate() {
            let upper = byte.to_ascii_uppercase();
            let digit = CROCKFORD.iter().position(|candidate| *candidate == upper).ok_or(invalid)? as u128;
            // 26 digits hold 130 bits: the first may only be 0 to 7.
            if place == 0 && digit > 7 {
                return Err(invalid);
            }
            number = (number << 5) | digit;
        }
        Ok(Self(number.to_be_bytes()))
    }
}

macro_rules! bytes_id {
    ($name:ident, $len:literal) => {
        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                c: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                ByteArray::from(self.0).encode(e, c)
            }
        }
        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, c: &mut C) -> Result<Self, minicbor::decode::Error> {
                Ok(Self(ByteArray::<$len>::decode(d, c)?.into()))
            }
        }
    };
}
bytes_id!(DocId, 16);
bytes_id!(ChangeHash, 32);

/// The SHA-256 hash by which Automerge names a change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeHash(pub [u8; 32]);

impl fmt::Display for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<automerge::ChangeHash> for ChangeHash {
    fn from(hash: automerge::ChangeHash) -> Self {
        Self(hash.0)
    }
}

impl From<ChangeHash> for automerge::ChangeHash {
    fn from(hash: ChangeHash) -> Self {
        Self(hash.0)
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode, serde::Serialize, serde::Deserialize)]
        #[cbor(transparent)]
        #[serde(transparent)]
        pub struct $name(#[n(0)] pub $inner);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.parse().map(Self).map_err(|_| InvalidId(stringify!($name)))
            }
        }
    };
}
number_id! {
    /// A user account, bound to a human.
    UserId(u32)
}
number_id! {
    /// A unit: city, township or village. Our own number, since codes change and are merged. Also the number of one of a unit's
    /// logs: the unit's own number, with what the log holds in the bits above it; that of its files is the unit's itself.
    UnitId(u32)
}

impl UnitId {
    /// Units are numbered below 2^14, so that a log's number takes at most three bytes on the wire.
    const BITS: u32 = 14;

    /// The log of this unit that holds records of a class.
    #[must_use]
    pub const fn log(self, class: Class) -> Self {
        Self(self.unit().0 | ((class as u32) << Self::BITS))
    }

    /// The unit that a log is of; of a unit, itself.
    #[must_use]
    pub const fn unit(self) -> Self {
        Self(self.0 & ((1 << Self::BITS) - 1))
    }

    /// All logs of this unit.
    pub fn logs(self) -> impl Iterator<Item = Self> {
        Class::ALL.iter().map(move |class| self.log(*class))
    }
}
number_id! {
    /// The server's log epoch: a new one is drawn when a server is restored from a backup.
    EpochId(u64)
}

/// An enrolled device. It is the first half of every actor id that the device writes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct DeviceId(#[n(0)] pub u64);

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for DeviceId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        // A sign would be read, too.
        if text.len() != 16 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidId("device id"));
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| InvalidId("device id"))
    }
}

impl DeviceId {
    /// The device that stands for the server itself in the logs.
    pub const SERVER: Self = Self(0);

    /// An actor of this device: its id and 8 random bytes, new for each editing session and document. An actor that
    /// two tabs or two copies of a phone share would make two changes with one number, which wedges a document.
    #[must_use]
    pub fn actor(self, random: [u8; 8]) -> automerge::ActorId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.0.to_be_bytes());
        bytes[8..].copy_from_slice(&random);
        automerge::ActorId::from(bytes)
    }

    /// The device that an actor belongs to, if it has our form.
    #[must_use]
    pub fn of_actor(actor: &[u8]) -> Option<Self> {
        let device: [u8; 8] = actor.get(..8)?.try_into().ok()?;
        (actor.len() == 16).then(|| Self(u64::from_be_bytes(device)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_ids_survive_their_text_form() {
        for bytes in [[0; 16], [255; 16], [7; 16]] {
            let id = DocId(bytes);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!("8ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<DocId>().is_err(), "more than 128 bits");
        assert!("0000000000000000000000000U".parse::<DocId>().is_err(), "U is not a digit");
    }

    #[test]
    fn what_stands_beside_a_person_leads_back() {
        let person = DocId([7; 16]);
        assert_ne!(person.beside(), person);
        assert_eq!(person.beside().beside(), person);
    }

    #[test]
    fn a_log_tells_its_unit() {
        let unit = UnitId(335);
        let logs: Vec<UnitId> = unit.logs().collect();
        assert_eq!(logs[0], unit, "the log of files has the unit's own number");
        assert!(logs.iter().all(|log| log.unit() == unit));
        assert_eq!(logs.iter().collect::<std::collections::BTreeSet<_>>().len(), Class::ALL.len());
        assert_eq!(unit.log(Class::Visits).log(Class::Files), unit);
    }

    #[test]
    fn an_actor_tells_its_device() {
        let device = DeviceId(0x0123_4567_89ab_cdef);
        assert_eq!(DeviceId::of_actor(device.actor([9; 8]).to_bytes()), Some(device));
        assert_eq!(DeviceId::of_actor(&[1, 2, 3]), None);
    }
}
