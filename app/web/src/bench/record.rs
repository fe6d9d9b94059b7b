//! The bench's records as records of Zoufang, and back: nothing is left out.
//!
//! One field of the bench is one scalar of the document, as it is with the peers (an element each of a list or a
//! checklist). What has a counterpart stands there. What has none stands under a key of the same shape with a value of
//! the same type and length, and of the merge class that such a field would have, so that the number of operations,
//! the bytes and the checks of the gate are what they would be if the shape had it.
//!
//! Counterparts of a person: name, sex, birth, address, phone, next of kin with their phone; `idCardTail` as the ID
//! number, which the row holds masked; `updatedAt` as the time of making. Without one: `village` (a document's place is
//! its unit; here all are in one) as `away_place`, `household`, `bloodType` as `ethnicity`, `allergy`, the two
//! `conditions` as one code each of two lists that a village worker may write, `updatedBy` (each change has its author already) as the only other user
//! that a file can name, and `careLevel` as the one keep-both text left.
//!
//! Counterparts of a visit: the person, the worker, the reason, the note as facts, the checklist as six needs, each yes
//! or no. `startedAt` is the time of making, exact to the millisecond, and the day besides, as every visit has it.
//! Without one: `minutes`, blood pressure, `glucose` and `weight` (in tenths: documents hold whole numbers) as numbers of
//! goods; `nextVisit` as the day of a promise. Each record has its maker besides, as every record has.
use serde_json::{Map, Value as Json, json};
use zoufang_core::record::{
    Date, DocId, Entries, Kind, Timestamp, UserId, Value,
    list::{Honor, NeedTopic, Settlement, Sex, ValueList, VisitReason},
};

mod id;

use id::entry_of;
pub(super) use id::{doc_of, id_of};

/// The bench's words and the codes they stand for.
type Words<T> = [(&'static str, T)];

const REASONS: &Words<VisitReason> = &[
    ("慢病随访", VisitReason::Routine),
    ("产后访视", VisitReason::MajorChange),
    ("新生儿访视", VisitReason::ReturnedHome),
    ("用药指导", VisitReason::PersonAsked),
    ("康复训练", VisitReason::LookBack),
    ("健康宣教", VisitReason::Festival),
];
const CHECKLIST: &Words<NeedTopic> = &[
    ("量血压", NeedTopic::Medical),
    ("测血糖", NeedTopic::Living),
    ("查用药", NeedTopic::BenefitClaim),
    ("看伤口", NeedTopic::ElderCare),
    ("问睡眠", NeedTopic::Psychological),
    ("防跌倒", NeedTopic::Housing),
];
const CONDITIONS: [&str; 6] = ["高血压", "2型糖尿病", "冠心病", "慢阻肺", "脑卒中后遗症", "关节炎"];
/// Their accounts are made in this order, the first with the id 1.
const WORKERS: [&str; 4] = ["周红梅", "陈志远", "马晓燕", "罗永康"];

/// Fields of a person that are texts under a key of their own.
const PERSON_TEXTS: [(&str, &str); 9] = [
    ("name", "name"),
    ("born", "birth"),
    ("idCardTail", "id_number"),
    ("address", "address"),
    ("village", "away_place"),
    ("household", "kin/household.name"),
    ("bloodType", "ethnicity"),
    ("allergy", "kin/allergy.kinship"),
    ("careLevel", "soldier_name"),
];
/// Fields of a visit that are numbers, and how many units of the document make one.
const VISIT_NUMBERS: [(&str, i64); 5] =
    [("minutes", 1), ("systolic", 1), ("diastolic", 1), ("glucose", 10), ("weight", 10)];

/// A record to make.
pub(super) struct Made {
    pub(super) doc: DocId,
    pub(super) kind: Kind,
    pub(super) entries: Entries,
}

/// The record that the bench gives, made by `user`; `None` if it is not as the bench's data are.
pub(super) fn entries_of(given: &Json, user: UserId) -> Option<Made> {
    let doc = doc_of(&given["id"])?;
    let mut entries = Entries::default();
    entries.put_int("created_by", Some(user.0));
    let kind = if given["type"] == "visit" {
        put_visit(&mut entries, given)?;
        Kind::Visit
    } else {
        put_person(&mut entries, given)?;
        Kind::Person
    };
    Some(Made { doc, kind, entries })
}

fn put_person(e: &mut Entries, given: &Json) -> Option<()> {
    e.put_int("created_at", Some(time_of(&given["updatedAt"])?.0));
    for (field, key) in PERSON_TEXTS {
        e.put_text(key, Some(given[field].as_str()?));
    }
    e.put_code("sex", Some(if given["sex"] == "男" { Sex::Male } else { Sex::Female }));
    let (phone, kin) = (key_of(&given["id"], &json!("phone"))?, kin_key(&given["id"])?);
    e.put_text(&phone, Some(given["phone"].as_str()?));
    e.put_text(&format!("{kin}.name"), Some(given["kin"].as_str()?));
    e.put_text(&format!("{kin}.phone"), Some(given["kinPhone"].as_str()?));
    let condition = |at: usize| CONDITIONS.iter().position(|word| given["conditions"][at] == *word);
    e.put_code("settlement", Settlement::ALL.get(condition(0)?).copied());
    e.put_set("honor", Honor::ALL.get(condition(1)?).copied());
    e.put_int("death.reported_by", Some(worker_of(&given["updatedBy"])?.0));
    Some(())
}

fn put_visit(e: &mut Entries, given: &Json) -> Option<()> {
    let started_at = time_of(&given["startedAt"])?;
    e.put_int("created_at", Some(started_at.0));
    e.put_text("happened_on", Some(Date::in_china(started_at)));
    e.put_set("person", Some(doc_of(&given["person"])?));
    e.put_set("visitor", Some(worker_of(&given["worker"])?));
    e.put_set("reason", Some(code_of(REASONS, given["reason"].as_str()?)?));
    for (field, units) in VISIT_NUMBERS {
        e.put_int(&number_key(field), Some(scaled(&given[field], units)?));
    }
    for (item, done) in given["checklist"].as_object()? {
        let key = format!("need/{}", code_of(CHECKLIST, item)?);
        e.0.insert(key, Value::Bool(done.as_bool()?));
    }
    e.put_text("facts", Some(given["note"].as_str()?));
    e.put_text("promise/next.by", Some(given["nextVisit"].as_str()?));
    Some(())
}

/// The record as the bench gave it, from what the document says now.
pub(super) fn given_of(id: &Json, e: &Entries) -> Option<Json> {
    let mut given = Map::new();
    given.insert("id".to_owned(), id.clone());
    let put = if e.get("happened_on").is_some() { visit_given } else { person_given };
    put(&mut given, id, e)?;
    Some(Json::Object(given))
}

fn person_given(given: &mut Map<String, Json>, id: &Json, e: &Entries) -> Option<()> {
    let kin = kin_key(id)?;
    let mut put = |field: &str, value: Json| drop(given.insert(field.to_owned(), value));
    put("type", json!("person"));
    for (field, key) in PERSON_TEXTS {
        put(field, e.text(key)?.into());
    }
    put("sex", e.parsed::<Sex>("sex")?.zh().into());
    put("phone", e.text(&key_of(id, &json!("phone"))?)?.into());
    put("kin", e.text(&format!("{kin}.name"))?.into());
    put("kinPhone", e.text(&format!("{kin}.phone"))?.into());
    let settlement = e.parsed::<Settlement>("settlement")?;
    let first = Settlement::ALL.iter().position(|code| *code == settlement)?;
    let second = Honor::ALL.iter().position(|code| e.set::<Honor>("honor").contains(code))?;
    put("conditions", json!([CONDITIONS.get(first)?, CONDITIONS.get(second)?]));
    put("updatedAt", time_text(Timestamp(e.int("created_at")?)).into());
    put("updatedBy", worker_text(e.int("death.reported_by")?)?.into());
    Some(())
}

fn visit_given(given: &mut Map<String, Json>, _: &Json, e: &Entries) -> Option<()> {
    let mut put = |field: &str, value: Json| drop(given.insert(field.to_owned(), value));
    put("type", json!("visit"));
    put("person", id_of(*e.set("person").first()?)?.into());
    put("startedAt", time_text(Timestamp(e.int("created_at")?)).into());
    put("worker", worker_text(e.set::<UserId>("visitor").first()?.0)?.into());
    put("reason", reason_text(*e.set("reason").first()?)?.into());
    for (field, units) in VISIT_NUMBERS {
        let number: i64 = e.int(&number_key(field))?;
        put(
            field,
            if units == 1 { json!(number) } else { json!(f64::from(i32::try_from(number).ok()?) / 10.0) },
        );
    }
    let items = CHECKLIST
        .iter()
        .map(|(item, topic)| (String::from(*item), Json::from(e.flag(&format!("need/{}", topic.code())))));
    put("checklist", Json::Object(items.collect()));
    put("note", e.text("facts")?.into());
    put("nextVisit", e.text("promise/next.by")?.into());
    Some(())
}

/// The key of a person's field that the bench edits.
pub(super) fn key_of(id: &Json, field: &Json) -> Option<String> {
    match field.as_str()? {
        "phone" => Some(format!("phone/{}.number", entry_of(id, 0)?)),
        field => PERSON_TEXTS.iter().find(|(name, _)| *name == field).map(|(_, key)| String::from(*key)),
    }
}

/// What an edit of the bench sets.
pub(super) fn value_of(edit: &Json) -> Option<(String, Value)> {
    Some((key_of(&edit["id"], &edit["field"])?, Value::Text(edit["value"].as_str()?.to_owned())))
}

/// The bench's word for a reason.
pub(super) fn reason_text(reason: VisitReason) -> Option<&'static str> {
    REASONS.iter().find(|(_, code)| *code == reason).map(|(word, _)| *word)
}

/// A time as JavaScript writes it.
pub(super) fn time_text(at: Timestamp) -> String {
    // Milliseconds since 1970 are far below 2^53.
    let ms = at.0 as f64;
    js_sys::Date::new(&ms.into()).to_iso_string().into()
}

fn time_of(text: &Json) -> Option<Timestamp> {
    let ms = js_sys::Date::parse(text.as_str()?);
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are far below 2^53")]
    ms.is_finite().then_some(Timestamp(ms as i64))
}

fn kin_key(id: &Json) -> Option<String> {
    Some(format!("kin/{}", entry_of(id, 1)?))
}

fn number_key(field: &str) -> String {
    format!("goods/{field}.value_fen")
}

fn scaled(number: &Json, units: i64) -> Option<i64> {
    if units == 1 {
        return number.as_i64();
    }
    #[expect(clippy::cast_possible_truncation, reason = "weights and sugar are small")]
    Some((number.as_f64()? * 10.0).round() as i64)
}

fn code_of<T: ValueList>(words: &Words<T>, word: &str) -> Option<T> {
    words.iter().find(|(known, _)| *known == word).map(|(_, code)| *code)
}

fn worker_of(name: &Json) -> Option<UserId> {
    let place = WORKERS.iter().position(|worker| name == worker)?;
    u32::try_from(place + 1).ok().map(UserId)
}

fn worker_text(id: u32) -> Option<&'static str> {
    WORKERS.get(usize::try_from(id).ok()?.checked_sub(1)?).copied()
}
