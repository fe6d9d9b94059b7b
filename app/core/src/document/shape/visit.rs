//! Keys of a visit log, and those that a Party-member contact record has besides.
use super::{
    FACTS_CHARS_MAX, Field, FieldType::*, GOODS_CHARS_MAX, LINE_CHARS_MAX, Merge::*, NAME_CHARS_MAX,
    SIGNATURE_CHARS_MAX, TOLD_CHARS_MAX, TOOK_PART_CHARS_MAX, code, field, sensitive,
};
use crate::record::list::{Channel, NeedTopic, PartyContactTopic, VisitReason, VisitResult};

pub(super) const FIELDS: &[Field] = &[
    field("created_by", Int(1, u32::MAX as i64), Append),
    field("created_at", Int(0, i64::MAX), Append),
    field("person/*", Flag, Append),
    field("happened_on", Date, Append),
    field("late_reason", Text(LINE_CHARS_MAX), Append),
    field("visitor/*", Flag, Union),
    field("channel", Code(code::<Channel>), Append),
    field("result", Code(code::<VisitResult>), Append),
    field("reason/*", FlagOf(code::<VisitReason>), Append),
    field("need/*", FlagOf(code::<NeedTopic>), Append),
    field("facts", Text(FACTS_CHARS_MAX), Append),
    field("told_person", Text(TOLD_CHARS_MAX), Append),
    field("promise/*.what", Text(LINE_CHARS_MAX), Append),
    field("promise/*.who", Text(NAME_CHARS_MAX), Append),
    field("promise/*.by", Date, Append),
    field("promise/*.removed", Flag, Append),
    field("goods/*.what", Text(GOODS_CHARS_MAX), Append),
    field("goods/*.value_fen", Int(0, 100_000_000), Append),
    field("goods/*.removed", Flag, Append),
    // A photo itself is no part of the document: only its SHA-256 in hex, by which it is stored and sent.
    field("photo/*.sha256", Text(64), Append),
    field("photo/*.removed", Flag, Append),
    field("photo_consent", Flag, Append),
    field("signature", Text(SIGNATURE_CHARS_MAX), Append),
    field("note/*.text", Text(300), Union),
    field("note/*.by", Int(1, u32::MAX as i64), Union),
    field("note/*.at", Int(0, i64::MAX), Union),
];

pub(super) const CONTACT_FIELDS: &[Field] = &[
    sensitive("topic", Code(code::<PartyContactTopic>), Append),
    sensitive("took_part.where", Text(TOOK_PART_CHARS_MAX), Append),
    sensitive("took_part.on", Date, Append),
    sensitive("wishes", Text(300), Append),
];
