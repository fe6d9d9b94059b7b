//! Records from rows, the same in both databases: whoever selects gives the columns in the order named here.

use zoufang_core::record::list::Role;
use zoufang_core::record::{DeviceId, DocId, Timestamp, UnitId};
use zoufang_core::sync::wire::Control;

use crate::readings::{Head, Line, Reading};

use super::codec::{
    Columns, to_array, to_bytes, to_bytes_option, to_digest, to_doc, to_doc_option, to_hash, to_i64,
    to_i64_option, to_ids, to_kind, to_text, to_u64, to_unit, to_user,
};
use super::office::{
    ContactLine, ContactProjection, PersonLine, PersonProjection, UnitFigures, VisitLine, VisitProjection,
};
use super::{
    Account, ChangeRecord, Device, DeviceLine, DocumentState, Erasure, KnownChange, Late, LogEntry, Move,
    Principal, Recovery, Result, Segment, SignKey, Signer, StoreError, Tail, Ticket, Unit, UnitCode,
    level_of,
};

/// `seq, doc, kind, hash, raw, user, received_at`
pub(super) fn entry_of(row: &impl Columns) -> Result<LogEntry> {
    Ok(LogEntry {
        seq: to_u64(row, 0)?,
        doc: to_doc(row, 1)?,
        kind: to_kind(row, 2)?,
        hash: to_hash(row, 3)?,
        raw: to_bytes(row, 4)?,
        user: to_user(row, 5)?,
        received_at: Timestamp(to_i64(row, 6)?),
    })
}

/// `doc, kind, unit, created_by, max_op, bytes, changes, re_rooted` (0 or 1)
pub(super) fn state_of(row: &impl Columns) -> Result<DocumentState> {
    Ok(DocumentState {
        doc: to_doc(row, 0)?,
        kind: to_kind(row, 1)?,
        unit: to_unit(row, 2)?,
        created_by: to_user(row, 3)?,
        max_op: to_u64(row, 4)?,
        size_bytes: to_u64(row, 5)?,
        changes: to_u64(row, 6)?,
        re_rooted: to_i64(row, 7)? != 0,
    })
}

/// `seq, id, user, device, unit, person, what, why, read_at, received_at, prev, hash`
pub(super) fn line_of(row: &impl Columns) -> Result<Line> {
    let reading = Reading {
        id: to_array(row, 1)?,
        user: to_user(row, 2)?,
        device: DeviceId(to_u64(row, 3)?),
        unit: to_unit(row, 4)?,
        person: to_doc(row, 5)?,
        what: to_text(row, 6)?,
        why: to_text(row, 7)?,
        read_at: Timestamp(to_i64(row, 8)?),
        received_at: Timestamp(to_i64(row, 9)?),
    };
    Ok(Line { seq: to_u64(row, 0)?, reading, prev: to_array(row, 10)?, hash: to_array(row, 11)? })
}

/// `seq, hash` of the last line, if there is one.
pub(super) fn head_of(row: Option<&impl Columns>) -> Result<Head> {
    let head = row.map(|row| Ok(Head { seq: to_u64(row, 0)?, hash: to_array(row, 1)? }));
    head.unwrap_or(Ok(Head::default()))
}

/// A control record as it is stored.
pub(super) fn control_of(bytes: &[u8]) -> Result<Control> {
    minicbor::decode(bytes).map_err(|_| StoreError::Corrupt("control"))
}

/// `unit, seq, doc, kind, hash, raw, device, user, actor, change_seq, start_op, max_op, received_at`: the change and its
/// number.
pub(super) fn record_of(row: &impl Columns) -> Result<(u64, ChangeRecord)> {
    let change = ChangeRecord {
        unit: to_unit(row, 0)?,
        doc: to_doc(row, 2)?,
        kind: to_kind(row, 3)?,
        hash: to_hash(row, 4)?,
        raw: to_bytes(row, 5)?,
        device: DeviceId(to_u64(row, 6)?),
        user: to_user(row, 7)?,
        actor: to_bytes(row, 8)?,
        change_seq: to_u64(row, 9)?,
        start_op: to_u64(row, 10)?,
        max_op: to_u64(row, 11)?,
        received_at: Timestamp(to_i64(row, 12)?),
    };
    Ok((to_u64(row, 1)?, change))
}

/// `moved_at, from_unit, to_unit`
pub(super) fn move_of(row: &impl Columns, doc: DocId) -> Result<Move> {
    Ok(Move { doc, at: Timestamp(to_i64(row, 0)?), from: to_unit(row, 1)?, to: to_unit(row, 2)? })
}

/// `ticket, ticket_shown, ticket_first`
pub(super) fn ticket_of(row: &impl Columns) -> Result<Ticket> {
    let shown = to_i64_option(row, 1)?.map(i64::cast_unsigned);
    Ok(Ticket { current: to_u64(row, 0)?, shown, first: to_hash(row, 2)? })
}

/// `unit, seq, erased_at, device or null`, in the order of what they are about.
pub(super) fn erasures_of(rows: &[impl Columns]) -> Result<Vec<Erasure>> {
    let mut erasures: Vec<Erasure> = Vec::new();
    for row in rows {
        let (unit, seq, at) = (to_unit(row, 0)?, to_u64(row, 1)?, Timestamp(to_i64(row, 2)?));
        if erasures.last().is_none_or(|last| (last.unit, last.seq) != (unit, seq)) {
            erasures.push(Erasure { unit, seq, at, waiting_for: Vec::new() });
        }
        if let (Some(device), Some(last)) = (to_i64_option(row, 3)?, erasures.last_mut()) {
            last.waiting_for.push(DeviceId(device.cast_unsigned()));
        }
    }
    Ok(erasures)
}

/// `doc, seq, max_op`
pub(super) fn known_of(row: &impl Columns) -> Result<KnownChange> {
    Ok(KnownChange { doc: to_doc(row, 0)?, seq: to_u64(row, 1)?, max_op: to_u64(row, 2)? })
}

/// `unit, last_seq, digest, count, bytes, cuts, control_seq`
pub(super) fn tail_of(row: &impl Columns) -> Result<Tail> {
    Ok(Tail {
        unit: to_unit(row, 0)?,
        last_seq: to_u64(row, 1)?,
        digest: to_digest(row, 2)?,
        count: to_u64(row, 3)?,
        size_bytes: to_u64(row, 4)?,
        cuts: to_u64(row, 5)?,
        control_seq: to_u64(row, 6)?,
    })
}

/// `to_seq, bytes, frame`
pub(super) fn segment_of(row: &impl Columns, unit: UnitId, from_seq: u64) -> Result<Segment> {
    Ok(Segment {
        unit,
        from_seq,
        to_seq: to_u64(row, 0)?,
        size_bytes: to_u64(row, 1)?,
        frame: to_bytes(row, 2)?,
    })
}

/// `unit, parent, level, kind, name, short_name, pinyin, initials`
pub(super) fn unit_of(row: &impl Columns) -> Result<Unit> {
    let parent = to_i64_option(row, 1)?.map(|unit| u32::try_from(unit).map(UnitId)).transpose();
    Ok(Unit {
        id: to_unit(row, 0)?,
        parent: parent.map_err(|_| StoreError::Corrupt("unit"))?,
        level: level_of(&to_text(row, 2)?).ok_or(StoreError::Corrupt("level"))?,
        kind: to_text(row, 3)?,
        name: to_text(row, 4)?,
        short_name: to_text(row, 5)?,
        pinyin: to_text(row, 6)?,
        initials: to_text(row, 7)?,
    })
}

/// `code, from_year, until_year, unit, name`
pub(super) fn unit_code_of(row: &impl Columns) -> Result<UnitCode> {
    let year = |value: i64| u16::try_from(value).map_err(|_| StoreError::Corrupt("year"));
    Ok(UnitCode {
        code: to_text(row, 0)?,
        from_year: year(to_i64(row, 1)?)?,
        until_year: to_i64_option(row, 2)?.map(year).transpose()?,
        unit: to_unit(row, 3)?,
        name: to_text(row, 4)?,
    })
}

/// `user, login, name, role, unit, password, disabled_at`
pub(super) fn account_of(row: &impl Columns) -> Result<Account> {
    Ok(Account {
        id: to_user(row, 0)?,
        login: to_text(row, 1)?,
        name: to_text(row, 2)?,
        role: to_text(row, 3)?.parse::<Role>().map_err(|_| StoreError::Corrupt("role"))?,
        unit: to_unit(row, 4)?,
        password: to_text(row, 5)?,
        disabled: to_i64_option(row, 6)?.is_some(),
    })
}

/// As an account, then `device, expires_at, former`
pub(super) fn principal_of(row: &impl Columns) -> Result<Principal> {
    Ok(Principal {
        account: account_of(row)?,
        device: DeviceId(to_u64(row, 7)?),
        expires_at: Timestamp(to_i64(row, 8)?),
        former: to_ids(row, 9)?,
    })
}

/// As an account, then `former, sign_key, revoked_at`
pub(super) fn signer_of(row: &impl Columns) -> Result<Signer> {
    let key = to_bytes(row, 8)?.try_into().map_err(|_| StoreError::Corrupt("key of a device"))?;
    let revoked = to_i64_option(row, 9)?.is_some();
    Ok(Signer { account: account_of(row)?, former: to_ids(row, 7)?, key: SignKey(key), revoked })
}

/// `device, user, label, enrolled_at, revoked_at, former`
pub(super) fn device_of(row: &impl Columns) -> Result<Device> {
    Ok(Device {
        id: DeviceId(to_u64(row, 0)?),
        user: to_user(row, 1)?,
        label: to_text(row, 2)?,
        enrolled_at: Timestamp(to_i64(row, 3)?),
        revoked_at: to_i64_option(row, 4)?.map(Timestamp),
        former: to_ids(row, 5)?,
    })
}

/// `device, request, asked_at, answer`
pub(super) fn recovery_of(row: &impl Columns) -> Result<Recovery> {
    Ok(Recovery {
        device: DeviceId(to_u64(row, 0)?),
        request: to_bytes(row, 1)?,
        asked_at: Timestamp(to_i64(row, 2)?),
        answer: to_bytes_option(row, 3)?,
    })
}

/// As a device, then `seen_at, wiped_at`, and how many late changes it has.
pub(super) fn device_line_of(row: &impl Columns) -> Result<DeviceLine> {
    Ok(DeviceLine {
        device: device_of(row)?,
        seen_at: to_i64_option(row, 6)?.map(Timestamp),
        wiped_at: to_i64_option(row, 7)?.map(Timestamp),
        late: to_u64(row, 8)?,
    })
}

/// `device, doc, kind, unit, hash, raw, received_at`
pub(super) fn late_of(row: &impl Columns) -> Result<Late> {
    Ok(Late {
        device: DeviceId(to_u64(row, 0)?),
        doc: to_doc(row, 1)?,
        kind: to_kind(row, 2)?,
        unit: to_unit(row, 3)?,
        hash: to_hash(row, 4)?,
        raw: to_bytes(row, 5)?,
        received_at: Timestamp(to_i64(row, 6)?),
    })
}

/// `unit, people, visits of the month, visits, contacts, last received`
pub(super) fn figures_of(row: &impl Columns) -> Result<UnitFigures> {
    Ok(UnitFigures {
        unit: to_unit(row, 0)?,
        people: to_u64(row, 1)?,
        visits_month: to_u64(row, 2)?,
        visits: to_u64(row, 3)?,
        contacts: to_u64(row, 4)?,
        last_received_ms: to_i64_option(row, 5)?,
    })
}

/// `doc, unit, happened_on, created_by, received_at, body`; the people come after.
pub(super) fn visit_of(row: &impl Columns) -> Result<VisitLine> {
    Ok(VisitLine {
        doc: to_doc(row, 0)?,
        unit: to_unit(row, 1)?,
        visit: VisitProjection {
            happened_on: to_text(row, 2)?,
            people: Vec::new(),
            created_by: to_user(row, 3)?,
            received_at: Timestamp(to_i64(row, 4)?),
            body: to_bytes(row, 5)?,
        },
        people: Vec::new(),
    })
}

/// Adds the people of visits, `visit, person, body of the person or null`, to their lines.
pub(super) fn add_visited(lines: &mut [VisitLine], rows: &[impl Columns]) -> Result<()> {
    for row in rows {
        let (visit, person, body) = (to_doc(row, 0)?, to_doc(row, 1)?, to_bytes_option(row, 2)?);
        if let Some(line) = lines.iter_mut().find(|line| line.doc == visit) {
            line.visit.people.push(person);
            line.people.push(body);
        }
    }
    Ok(())
}

/// `doc, unit, happened_on, person, created_by, received_at, body, body of the person or null`
pub(super) fn contact_of(row: &impl Columns) -> Result<ContactLine> {
    Ok(ContactLine {
        doc: to_doc(row, 0)?,
        unit: to_unit(row, 1)?,
        contact: ContactProjection {
            happened_on: to_text(row, 2)?,
            person: to_doc_option(row, 3)?,
            created_by: to_user(row, 4)?,
            received_at: Timestamp(to_i64(row, 5)?),
            body: to_bytes(row, 6)?,
        },
        person: to_bytes_option(row, 7)?,
    })
}

/// `doc, unit, body`
pub(super) fn person_of(row: &impl Columns) -> Result<PersonLine> {
    let person = PersonProjection { body: to_bytes(row, 2)? };
    Ok(PersonLine { doc: to_doc(row, 0)?, unit: to_unit(row, 1)?, person })
}
