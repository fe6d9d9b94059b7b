//! Keys of a Party membership; all are sensitive by our choice (domain brief, section f 3).
use super::{Field, FieldType::*, Merge::*, code, field, sensitive};
use crate::record::list::{Floating, PartyStatus};

pub(super) const FIELDS: &[Field] = &[
    field("created_by", Int(1, u32::MAX as i64), Append),
    field("created_at", Int(0, i64::MAX), Append),
    field("person", Ref, Keep),
    sensitive("status", Code(code::<PartyStatus>), Keep),
    sensitive("joined", PartialDate, Keep),
    sensitive("branch", Text(60), Keep),
    sensitive("floating", Code(code::<Floating>), Latest),
    sensitive("away_since", Date, Latest),
    sensitive("joins/*", Flag, Union),
    sensitive("branch_contact", Text(40), Latest),
];
