//! Records as plain values: what a person, a membership, a visit or a contact says, without how it is stored.
//!
//! A record is made from the flat entries of its document and turned back into them; reading is lenient (a field that
//! cannot be understood is absent, never a panic), and what a record does not know stays in the document untouched.
pub mod contact;
pub mod date;
pub mod entries;
pub mod id;
pub mod id_number;
pub mod kind;
pub mod list;
pub mod name;
pub mod party;
pub mod person;
pub mod phone;
pub mod visit;
pub mod welfare;

pub use contact::Contact;
pub use date::{Date, PartialDate, Timestamp};
pub use entries::{Entries, Patch, Value};
pub use id::{ChangeHash, DeviceId, DocId, EpochId, UnitId, UserId};
pub use kind::{Class, Kind};
pub use party::Party;
pub use person::{Person, Phone};
pub use visit::Visit;
pub use welfare::Welfare;

/// A record kind that can be read from the entries of its document and written back.
pub trait Record: Sized {
    /// The kind whose shape the entries follow.
    const KIND: Kind;

    /// Reads a record; fields that are missing or unreadable come out empty.
    fn from_entries(entries: &Entries) -> Self;

    /// The entries that say the same as this record. Writes go through [`Patch::between`] on two such maps.
    fn to_entries(&self) -> Entries;
}
