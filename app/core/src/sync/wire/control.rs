//! Control records: what happens to a document in a unit's log besides changes.
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::record::{DocId, UnitId};

/// A control record. Whoever reads it drops what it holds of the document in this unit; the changes that follow it in
/// the log, if any, are the document's from then on.
///
/// There is no record for a document that comes into a unit: its changes are appended to the unit's log as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// The document is in another unit's log from now on.
    MovedOut {
        /// The document.
        doc: DocId,
        /// Where it went.
        to: UnitId,
    },
    /// The document was erased for good; pushes to it are refused.
    Erased {
        /// The document.
        doc: DocId,
    },
    /// The document begins anew from its values: its history was shortened, or a field was erased.
    ReRooted {
        /// The document.
        doc: DocId,
    },
    /// From here on documents may have keys of this version of the shapes.
    Schema {
        /// The version.
        version: u32,
    },
    /// A record of a later version, of which nothing is known here.
    Unknown(u32),
}

impl Control {
    /// The document that it is about.
    #[must_use]
    pub fn doc(&self) -> Option<DocId> {
        match self {
            Self::MovedOut { doc, .. } | Self::Erased { doc } | Self::ReRooted { doc } => Some(*doc),
            Self::Schema { .. } | Self::Unknown(_) => None,
        }
    }
}

impl<C> Encode<C> for Control {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, c: &mut C) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::MovedOut { doc, to } => {
                e.array(3)?.u32(0)?;
                doc.encode(e, c)?;
                to.encode(e, c)
            }
            Self::Erased { doc } => {
                e.array(2)?.u32(1)?;
                doc.encode(e, c)
            }
            Self::ReRooted { doc } => {
                e.array(2)?.u32(2)?;
                doc.encode(e, c)
            }
            Self::Schema { version } => e.array(2)?.u32(3)?.u32(*version)?.ok(),
            Self::Unknown(kind) => e.array(1)?.u32(*kind)?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for Control {
    fn decode(d: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let length = d.array()?.ok_or_else(|| decode::Error::message("control of indefinite length"))?;
        let kind = d.u32()?;
        let (control, read) = match kind {
            0 => (Self::MovedOut { doc: Decode::decode(d, c)?, to: Decode::decode(d, c)? }, 3),
            1 => (Self::Erased { doc: Decode::decode(d, c)? }, 2),
            2 => (Self::ReRooted { doc: Decode::decode(d, c)? }, 2),
            3 => (Self::Schema { version: d.u32()? }, 2),
            _ => (Self::Unknown(kind), 1),
        };
        // Fields of a later version are passed over; a record that is too short is not one.
        let rest = length.checked_sub(read).ok_or_else(|| decode::Error::message("control is too short"))?;
        for _ in 0..rest {
            d.skip()?;
        }
        Ok(control)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_and_those_of_a_later_version_are_passed_over() {
        let doc = DocId([7; 16]);
        let controls = vec![
            Control::MovedOut { doc, to: UnitId(3) },
            Control::Erased { doc },
            Control::ReRooted { doc },
            Control::Schema { version: 9 },
        ];
        let bytes = minicbor::to_vec(&controls).unwrap();
        assert_eq!(minicbor::decode::<Vec<Control>>(&bytes).unwrap(), controls);
        // [[77, "new", [1, 2]], [1, doc, "a later field"]]
        let mut later = vec![0x82, 0x83, 0x18, 77, 0x63, b'n', b'e', b'w', 0x82, 1, 2, 0x83, 1, 0x50];
        later.extend([7; 16]);
        later.extend([0x61, b'x']);
        let read = minicbor::decode::<Vec<Control>>(&later).unwrap();
        assert_eq!(read, [Control::Unknown(77), Control::Erased { doc }]);
        assert!(minicbor::decode::<Control>(&[0x81, 1]).is_err(), "an erasure of nothing");
    }
}
