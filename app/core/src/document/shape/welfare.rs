//! Keys of what a person's pension and help rest on. Before version 4 of the protocol they stood in the person's file.
use super::{Field, FieldType::*, Merge::*, code, field, sensitive};
use crate::record::list::{DisabilityNature, SupportStatus};

pub(super) const FIELDS: &[Field] = &[
    field("created_by", Int(1, u32::MAX as i64), Append),
    field("created_at", Int(0, i64::MAX), Append),
    sensitive("disability.grade", Int(1, 10), Keep),
    sensitive("disability.nature", Code(code::<DisabilityNature>), Keep),
    sensitive("support_status", Code(code::<SupportStatus>), Latest),
];
