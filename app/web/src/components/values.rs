//! The words of a document's keys and values, for conflicts, histories and refused changes.
use zoufang_core::access::{Read, Sensitive};
use zoufang_core::record::{
    DocId, Kind, Timestamp, Value,
    list::{
        Channel, ContactWish, DisabilityNature, Entitlement, Floating, GloryPlaque, Honor, NeedTopic,
        PartyContactTopic, PartyStatus, PersonKind, PhoneOwner, PreferenceCard, Relation, Residence,
        ServiceBranch, ServiceClass, Settlement, Sex, SupportStatus, ValueList, VisitReason, VisitResult,
    },
};

use super::sensitive::masked;
use crate::{
    context::readings::Reader,
    i18n::{label, t},
    platform::clock,
};

/// Keys that say nothing to a reader: who made the record stands in its head.
pub(crate) fn is_inner(key: &str) -> bool {
    matches!(key, "created_by" | "created_at")
        || key.ends_with(".by") && key.starts_with("note/")
        || key.ends_with(".at") && key.starts_with("note/")
}

/// The name of a field.
pub(crate) fn field_words(key: &str) -> String {
    let words = match key {
        "name" => t::field_name(),
        "kind" => t::field_kind(),
        "sex" => t::field_sex(),
        "ethnicity" => t::field_ethnicity(),
        "birth" => t::field_birth(),
        "id_number" => t::field_id_number(),
        "address" => t::field_address(),
        "residence" => t::field_residence(),
        "away_place" => t::field_away_place(),
        "entitlements_confirmed_on" => t::field_entitlements_confirmed(),
        "disability.grade" => t::field_disability_grade(),
        "disability.nature" => t::field_disability_nature(),
        "service.enlisted" => t::field_enlisted(),
        "service.discharged" => t::field_discharged(),
        "service.class" => t::field_service_class(),
        "service.branch" => t::field_service_branch(),
        "settlement" => t::field_settlement(),
        "support_status" => t::field_support(),
        "relation_to_soldier" => t::field_relation(),
        "soldier_name" => t::field_soldier_name(),
        "glory_plaque.state" => t::field_plaque(),
        "glory_plaque.on" => t::field_plaque_on(),
        "preference_card.state" => t::field_card(),
        "preference_card.on" => t::field_card_on(),
        "contact_wish" => t::field_contact_wish(),
        "contact_wish_on" => t::field_contact_wish_on(),
        "death.on" => t::field_death(),
        "death.reported_by" => t::field_death_reported(),
        "notice_given" => t::field_notice_given(),
        "happened_on" => t::field_happened_on(),
        "late_reason" => t::field_late_reason(),
        "channel" => t::field_channel(),
        "result" => t::field_result(),
        "facts" => t::field_facts(),
        "told_person" => t::field_told(),
        "photo_consent" => t::field_photo_consent(),
        "signature" => t::field_signature(),
        "topic" => t::field_topic(),
        "took_part.where" => t::field_took_part(),
        "took_part.on" => t::field_took_part_on(),
        "wishes" => t::field_wishes(),
        "status" => t::field_party_status(),
        "joined" => t::field_party_joined(),
        "branch" => t::field_party_branch(),
        "floating" => t::field_party_floating(),
        "away_since" => t::field_away_since(),
        "branch_contact" => t::field_branch_contact(),
        "person" => t::field_people(),
        _ => return entry_words(key),
    };
    words.to_owned()
}

/// The name of an entry of a set or list.
fn entry_words(key: &str) -> String {
    let (prefix, member) = key.split_once('/').unwrap_or((key, ""));
    let words = match prefix {
        "phone" if member.ends_with(".owner") => t::field_phone_owner(),
        "phone" if member.ends_with(".worked_on") => t::field_phone_worked(),
        "phone" => t::field_phone(),
        "entitlement" => t::field_entitlements(),
        "honor" => t::field_honors(),
        "kin" => t::field_kin(),
        "person" => t::field_people(),
        "visitor" => t::field_visitors(),
        "reason" => t::field_reasons(),
        "need" => t::field_needs(),
        "promise" => t::field_promise(),
        "goods" => t::field_goods(),
        "photo" => t::field_photo(),
        "note" => t::field_note(),
        "joins" => t::field_joins(),
        _ => return key.to_owned(),
    };
    words.to_owned()
}

fn code_words<T: ValueList>(code: &str) -> String {
    T::of_code(code).map_or_else(|| code.to_owned(), |value| label(value).to_owned())
}

/// The words of a value under a key. What is sensitive is masked, or not said at all, as the reader may see it.
pub(crate) fn value_words(key: &str, value: &Value) -> String {
    let sensitive = Sensitive::of_key(Kind::Person, key);
    let right = sensitive.map(|what| (what, Reader::now().right(what)));
    if let Some((what, right)) = right.filter(|(_, right)| *right != Read::Clear) {
        return match value {
            Value::Text(text) if right != Read::Hidden => masked(what, text),
            Value::Text(_) | Value::Int(_) | Value::Bool(_) => t::value_hidden().to_owned(),
        };
    }
    whole_words(key, value)
}

/// The words of a value under a key, whatever it is: for the person whose it is.
pub(crate) fn whole_words(key: &str, value: &Value) -> String {
    match value {
        Value::Text(text) => text_words(key, text),
        Value::Int(number) if key.ends_with("value_fen") => yuan(*number),
        Value::Int(number) if key.ends_with("_at") || key.ends_with(".at") => {
            clock::moment_words(Timestamp(*number))
        }
        Value::Int(number) => number.to_string(),
        Value::Bool(flag) => flag_words(key, *flag),
    }
}

fn text_words(key: &str, text: &str) -> String {
    match key {
        "kind" => code_words::<PersonKind>(text),
        "sex" => code_words::<Sex>(text),
        "residence" => code_words::<Residence>(text),
        "disability.nature" => code_words::<DisabilityNature>(text),
        "service.class" => code_words::<ServiceClass>(text),
        "service.branch" => code_words::<ServiceBranch>(text),
        "settlement" => code_words::<Settlement>(text),
        "support_status" => code_words::<SupportStatus>(text),
        "contact_wish" => code_words::<ContactWish>(text),
        "preference_card.state" => code_words::<PreferenceCard>(text),
        "glory_plaque.state" => code_words::<GloryPlaque>(text),
        // A drawing and a digest say nothing as text; that they are there is what the history tells.
        "signature" => t::value_there().to_owned(),
        _ if key.starts_with("photo/") => t::value_there().to_owned(),
        "relation_to_soldier" => code_words::<Relation>(text),
        "channel" => code_words::<Channel>(text),
        "result" => code_words::<VisitResult>(text),
        "topic" => code_words::<PartyContactTopic>(text),
        "status" => code_words::<PartyStatus>(text),
        "floating" => code_words::<Floating>(text),
        _ if key.starts_with("phone/") && key.ends_with(".owner") => code_words::<PhoneOwner>(text),
        _ if is_date(key) => text.parse().map_or_else(|_| text.to_owned(), clock::partial_words),
        _ => text.to_owned(),
    }
}

fn is_date(key: &str) -> bool {
    let dates = [
        "birth",
        "service.enlisted",
        "service.discharged",
        "joined",
        "away_since",
        "notice_given",
        "happened_on",
        "entitlements_confirmed_on",
        "contact_wish_on",
    ];
    dates.contains(&key) || key.ends_with(".on") || key.ends_with(".worked_on") || key.ends_with(".by")
}

fn flag_words(key: &str, flag: bool) -> String {
    let (prefix, member) = key.split_once('/').unwrap_or((key, ""));
    if member.ends_with(".removed") {
        return if flag { t::value_removed() } else { t::value_kept() }.to_owned();
    }
    let words = match prefix {
        "entitlement" => code_words::<Entitlement>(member),
        "honor" => code_words::<Honor>(member),
        "reason" => code_words::<VisitReason>(member),
        "need" => code_words::<NeedTopic>(member),
        // A person or a visitor stands there as an id: the reader sees the names in the record itself.
        "person" | "visitor" if member.parse::<DocId>().is_ok() || member.parse::<u32>().is_ok() => {
            String::new()
        }
        _ => member.to_owned(),
    };
    if flag { words } else { t::value_taken_out(words) }
}

/// Money in yuan.
pub(crate) fn yuan(fen: i64) -> String {
    let (whole, rest) = (fen.div_euclid(100), fen.rem_euclid(100));
    if rest == 0 { t::value_yuan(whole) } else { t::value_yuan(format!("{whole}.{rest:02}")) }
}
