//! The operation columns of a change: counted first, then read.
use std::collections::BTreeSet;

use super::{Input, OPS_MAX, Replaced, ScanError, ScannedOp, runs::expand};
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
const PREDS_MAX: usize = 10_000;

/// Reads the column table and the columns behind it; `actors` are those that the change names, its own among them.
pub(super) fn read(input: &mut Input<'_>, actors: &[&[u8]]) -> Result<Vec<ScannedOp>, ScanError> {
    let count = input.size()?;
    if count > COLUMNS_MAX {
        return Err(ScanError::Malformed);
    }
    let mut table = Vec::new();
    for _ in 0..count {
        table.push((input.unsigned()?, input.size()?));
    }
    // In their order, each once and none empty, as Automerge writes them.
    let sorted = table.is_sorted_by(|(before, _), (after, _)| before < after);
    if !sorted || table.iter().any(|(_, size)| *size == 0) {
        return Err(ScanError::Malformed);
    }
    let (mut keys, mut actions, mut metas, mut raw) = (Input(&[]), Input(&[]), Input(&[]), Input(&[]));
    let (mut inserts, mut preds) = (Input(&[]), Preds::default());
    for (spec, size) in table {
        let column = Input(input.take(size)?);
        match spec {
            KEY_STRING => keys = column,
            ACTION => actions = column,
            VALUE_META => metas = column,
            VALUE_RAW => raw = column,
            INSERT => inserts = column,
            PRED_COUNT => preds.counts = column,
            PRED_ACTOR => preds.actors = column,
            PRED_COUNTER => preds.counters = column,
            // An object, an element, a mark, a deflated or a later version's column: the document would not be flat.
            _ => return Err(ScanError::Malformed),
        }
    }
    let actions = expand(actions, OPS_MAX, Input::unsigned)?;
    check_inserts(inserts, actions.len())?;
    let keys = expand(keys, OPS_MAX, |column| {
        let bytes = column.prefixed()?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| ScanError::Malformed)
    })?;
    let metas = expand(metas, OPS_MAX, Input::unsigned)?;
    let replaces = preds.read(actors)?;
    if [keys.len(), metas.len(), replaces.len()].iter().any(|count| *count != actions.len()) {
        return Err(ScanError::Malformed);
    }
    let mut ops = Vec::with_capacity(actions.len());
    for (((action, key), meta), replaces) in actions.into_iter().zip(keys).zip(metas).zip(replaces) {
        let value = value(meta, &mut raw)?;
        let sound = match action {
            ACTION_PUT => value.is_some(),
            // What replaces nothing is forgotten by Automerge.
            ACTION_DELETE => value.is_none() && !replaces.is_empty(),
            _ => false,
        };
        if !sound {
            return Err(ScanError::Malformed);
        }
        ops.push(ScannedOp { key, value, replaces });
    }
    if raw.0.is_empty() && each_key_once(&ops) { Ok(ops) } else { Err(ScanError::Malformed) }
}

/// Each key has one operation; only a choice between concurrent values has two, one after the other: all of them go, and
/// the chosen one is set as a value of its own.
fn each_key_once(ops: &[ScannedOp]) -> bool {
    let mut seen = BTreeSet::new();
    let mut last: Option<&ScannedOp> = None;
    ops.iter().all(|op| {
        let chosen = last.is_some_and(|last| last.key == op.key && last.value.is_none())
            && op.value.is_some()
            && op.replaces.is_empty();
        last = Some(op);
        seen.insert(&op.key) || chosen
    })
}

/// The columns that say which values operations replace.
struct Preds<'a> {
    counts: Input<'a>,
    actors: Input<'a>,
    counters: Input<'a>,
}

impl Default for Preds<'_> {
    fn default() -> Self {
        Self { counts: Input(&[]), actors: Input(&[]), counters: Input(&[]) }
    }
}

impl Preds<'_> {
    /// For each operation what it replaces. The counts are summed before anything is made; each actor is one that the
    /// change names, and each other one that it names is used.
    fn read(self, actors: &[&[u8]]) -> Result<Vec<Vec<Replaced>>, ScanError> {
        let counts = expand(self.counts, OPS_MAX, Input::unsigned)?;
        let total = counts.iter().try_fold(0u64, |total, count| total.checked_add(*count));
        if total.is_none_or(|total| total > PREDS_MAX as u64) {
            return Err(ScanError::TooManyOps);
        }
        let named = expand(self.actors, PREDS_MAX, Input::unsigned)?;
        let deltas = expand(self.counters, PREDS_MAX, Input::signed)?;
        if named.len() != deltas.len() || total != Some(named.len() as u64) {
            return Err(ScanError::Malformed);
        }
        let used: BTreeSet<u64> = named.iter().copied().filter(|actor| *actor > 0).collect();
        if used.len() + 1 != actors.len() {
            return Err(ScanError::Malformed);
        }
        let mut counter = 0i64;
        let mut all = named.into_iter().zip(deltas).map(|(actor, delta)| {
            let actor = usize::try_from(actor).ok().and_then(|actor| actors.get(actor));
            counter = counter.checked_add(delta).ok_or(ScanError::Malformed)?;
            let small = u32::try_from(counter).ok().filter(|counter| *counter > 0);
            match (actor, small) {
                (Some(actor), Some(counter)) => {
                    Ok(Replaced { counter: u64::from(counter), actor: actor.to_vec() })
                }
                (None, _) | (_, None) => Err(ScanError::Malformed),
            }
        });
        let mut replaces = Vec::with_capacity(counts.len());
        for count in counts {
            let count = usize::try_from(count).map_err(|_| ScanError::TooManyOps)?;
            let of_one: Vec<Replaced> = all.by_ref().take(count).collect::<Result<_, _>>()?;
            if !of_one.is_sorted_by(|before, after| before < after) {
                return Err(ScanError::Malformed);
            }
            replaces.push(of_one);
        }
        Ok(replaces)
    }
}

/// A flat document inserts into no list: the column may only say "no", once for each operation.
fn check_inserts(mut column: Input<'_>, ops: usize) -> Result<(), ScanError> {
    if column.size()? == ops && column.0.is_empty() { Ok(()) } else { Err(ScanError::Malformed) }
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
