//! The operation columns of a change: counted first, then read.
use super::{Input, OPS_MAX, ScanError, ScannedOp};
use crate::record::Value;

// Column specifications: column id in the upper bits, then the deflate bit, then the type.
const KEY_STRING: u64 = 0x15;
const INSERT: u64 = 0x34;
const ACTION: u64 = 0x42;
const VALUE_META: u64 = 0x56;
const VALUE_RAW: u64 = 0x57;
const PRED_COUNT: u64 = 0x70;
const PRED_ACTOR: u64 = 0x71;
const PRED_COUNTER: u64 = 0x73;

const COLUMNS_MAX: usize = 16;
const ACTION_PUT: u64 = 1;
const ACTION_DELETE: u64 = 3;
/// Most concurrent values that the operations of one change may replace, in sum.
const PREDS_MAX: u64 = 10_000;

/// Reads the column table and the columns behind it.
pub(super) fn read(input: &mut Input<'_>) -> Result<Vec<ScannedOp>, ScanError> {
    let count = input.size()?;
    if count > COLUMNS_MAX {
        return Err(ScanError::Malformed);
    }
    let mut table = Vec::new();
    for _ in 0..count {
        table.push((input.unsigned()?, input.size()?));
    }
    let (mut keys, mut actions, mut metas, mut raw) = (Input(&[]), Input(&[]), Input(&[]), Input(&[]));
    for (spec, size) in table {
        let column = Input(input.take(size)?);
        match spec {
            KEY_STRING => keys = column,
            ACTION => actions = column,
            VALUE_META => metas = column,
            VALUE_RAW => raw = column,
            INSERT => no_inserts(column)?,
            PRED_COUNT => {
                let total = runs(column, |column| column.unsigned())?
                    .into_iter()
                    .flatten()
                    .try_fold(0u64, u64::checked_add);
                if total.is_none_or(|total| total > PREDS_MAX) {
                    return Err(ScanError::TooManyOps);
                }
            }
            PRED_ACTOR | PRED_COUNTER => drop(long_runs(column)?),
            // An object, an element, a mark or a later version's column: the document would not be flat.
            _ if size == 0 => {}
            _ => return Err(ScanError::Malformed),
        }
    }
    let actions = runs(actions, |column| column.unsigned())?;
    let keys = runs(keys, |column| {
        let bytes = column.prefixed()?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| ScanError::Malformed)
    })?;
    let metas = runs(metas, |column| column.unsigned())?;
    if keys.len() != actions.len() || metas.len() > actions.len() {
        return Err(ScanError::Malformed);
    }
    let mut ops = Vec::with_capacity(actions.len());
    for (at, (action, key)) in actions.into_iter().zip(keys).enumerate() {
        let found = value(metas.get(at).copied().flatten().unwrap_or(0), &mut raw)?;
        let key = key.ok_or(ScanError::Malformed)?;
        match action {
            Some(ACTION_PUT) => ops.push(ScannedOp { key, value: Some(found.ok_or(ScanError::Malformed)?) }),
            Some(ACTION_DELETE) => ops.push(ScannedOp { key, value: None }),
            _ => return Err(ScanError::Malformed),
        }
    }
    if raw.0.is_empty() { Ok(ops) } else { Err(ScanError::Malformed) }
}

/// Expands a run-length column, refusing to make more than [`OPS_MAX`] values.
fn runs<'a, T: Clone>(
    mut column: Input<'a>,
    mut read: impl FnMut(&mut Input<'a>) -> Result<T, ScanError>,
) -> Result<Vec<Option<T>>, ScanError> {
    let mut values = Vec::new();
    while !column.0.is_empty() {
        let run = column.signed()?;
        let count = if run == 0 { column.unsigned()? } else { run.unsigned_abs() };
        if count == 0 || count.saturating_add(values.len() as u64) > OPS_MAX as u64 {
            return Err(if count == 0 { ScanError::Malformed } else { ScanError::TooManyOps });
        }
        let count = usize::try_from(count).map_err(|_| ScanError::TooManyOps)?;
        match run {
            0 => values.extend(std::iter::repeat_n(None, count)),
            1.. => {
                let value = read(&mut column)?;
                values.extend(std::iter::repeat_n(Some(value), count));
            }
            _ => {
                for _ in 0..count {
                    values.push(Some(read(&mut column)?));
                }
            }
        }
    }
    Ok(values)
}

/// Walks a run-length column of numbers that may be longer than the operations, without making its values.
fn long_runs(mut column: Input<'_>) -> Result<u64, ScanError> {
    let mut total = 0u64;
    while !column.0.is_empty() {
        let run = column.signed()?;
        let count = if run == 0 { column.unsigned()? } else { run.unsigned_abs() };
        total = total.saturating_add(count);
        if total > PREDS_MAX {
            return Err(ScanError::TooManyOps);
        }
        let values = match run {
            0 => 0,
            1.. => 1,
            _ => count,
        };
        for _ in 0..values {
            column.signed()?;
        }
    }
    Ok(total)
}

/// A flat document inserts into no list: the column may only say "no", in one run.
fn no_inserts(mut column: Input<'_>) -> Result<(), ScanError> {
    if column.0.is_empty() {
        return Ok(());
    }
    if column.unsigned()? > OPS_MAX as u64 {
        return Err(ScanError::TooManyOps);
    }
    if column.0.is_empty() { Ok(()) } else { Err(ScanError::Malformed) }
}

/// The value that a metadata number and the raw column tell: type in the lower four bits, then the length.
fn value(meta: u64, raw: &mut Input<'_>) -> Result<Option<Value>, ScanError> {
    let length = usize::try_from(meta >> 4).map_err(|_| ScanError::Malformed)?;
    let mut bytes = Input(raw.take(length)?);
    let value = match meta & 15 {
        0 => None,
        1 => Some(Value::Bool(false)),
        2 => Some(Value::Bool(true)),
        3 => Some(Value::Int(i64::try_from(bytes.unsigned()?).map_err(|_| ScanError::Malformed)?)),
        4 => Some(Value::Int(bytes.signed()?)),
        6 => Some(Value::Text(
            std::str::from_utf8(bytes.take(length)?).map_err(|_| ScanError::Malformed)?.to_owned(),
        )),
        _ => return Err(ScanError::Malformed),
    };
    if bytes.0.is_empty() { Ok(value) } else { Err(ScanError::Malformed) }
}
