//! The strict reader of changes against Automerge's own, and what Automerge makes of what the reader let through.

use std::sync::OnceLock;

use automerge::{
    Change, ScalarValue,
    legacy::{Key, ObjectId, OpType},
};
use zoufang_core::{
    document::{Document, LogChange},
    query::Row,
    record::{ChangeHash, DocId, Kind, Patch, Timestamp, UnitId, UserId, Value},
    sync::scan::{self, OPS_MAX, Scanned},
};

use super::{
    pieces::Pieces,
    recipe::{actor, build, reseal},
};

/// More changes in one input teach nothing new.
const CHANGES_MAX: usize = 4;

/// The bytes of one change, with the checksum put right.
pub(super) fn raw(input: &[u8]) {
    let mut raw = input.to_vec();
    reseal(&mut raw);
    apply(read(&raw).into_iter().map(|scanned| (raw.clone(), scanned)).collect());
}

/// Changes built from recipes, on top of a document and of each other.
pub(super) fn columns(input: &[u8]) {
    let mut pieces = Pieces(input);
    let mut known = base().hashes.clone();
    let mut batch = Vec::new();
    while !pieces.is_empty() && batch.len() < CHANGES_MAX {
        let raw = build(&mut pieces, &known);
        if let Some(scanned) = read(&raw) {
            known.push(scanned.hash);
            batch.push((raw, scanned));
        }
    }
    apply(batch);
}

/// A document with two concurrent changes, so that there is something to depend on and to conflict with.
#[derive(Debug)]
pub struct Base {
    document: Document,
    /// Its changes, in causal order.
    pub raw: Vec<Vec<u8>>,
    /// Their hashes.
    pub hashes: Vec<ChangeHash>,
}

/// The document.
///
/// # Panics
/// When it cannot be made: never.
pub fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut first = Document::new(Kind::Visit);
        let mut patch = Patch::set("facts", Value::Text("水管已修好".into()));
        patch.0.insert("created_by".into(), Some(Value::Int(7)));
        let mut raw = vec![commit(&mut first, 0, &patch)];
        let mut other = first.clone();
        raw.push(commit(&mut first, 1, &Patch::set("facts", Value::Text("水管没有修好".into()))));
        raw.push(commit(&mut other, 2, &Patch::set("facts", Value::Text("水管下周修".into()))));
        let document =
            Document::load(Kind::Visit, raw.iter().cloned().map(logged)).expect("a sound document");
        let hashes = raw.iter().map(|raw| scan::scan(raw).expect("a sound change").hash).collect();
        Base { document, raw, hashes }
    })
}

fn commit(document: &mut Document, number: u8, patch: &Patch) -> Vec<u8> {
    let actor = automerge::ActorId::from(actor(number));
    document.commit(actor, UserId(7), Timestamp(0), patch).expect("keys of the kind").expect("a difference")
}

fn logged(raw: Vec<u8>) -> LogChange {
    LogChange { raw, author: UserId(7), received_at: None }
}

/// Scans a change. What the scan says, Automerge must say, too; what it refuses is not looked at.
fn read(raw: &[u8]) -> Option<Scanned> {
    let scanned = scan::scan(raw).ok()?;
    let change = Change::from_bytes(raw.to_vec()).expect("what the scan takes, Automerge reads");
    assert_eq!(ChangeHash::from(change.hash()), scanned.hash);
    assert_eq!(change.actor_id().to_bytes(), scanned.actor);
    assert_eq!(change.seq(), scanned.seq);
    assert_eq!(change.start_op().get(), scanned.start_op);
    assert_eq!(change.max_op(), scanned.max_op);
    assert_eq!(change.timestamp(), scanned.time);
    assert_eq!(change.raw_bytes(), raw, "the bytes that are logged are those that are applied");
    let deps: Vec<ChangeHash> = change.deps().iter().map(|dep| (*dep).into()).collect();
    assert_eq!(deps, scanned.deps);
    assert_eq!(change.len(), scanned.ops.len());
    assert!(scanned.ops.len() <= OPS_MAX);
    let expanded = change.decode();
    assert_eq!(expanded.operations.len(), scanned.ops.len());
    for (theirs, ours) in expanded.operations.iter().zip(&scanned.ops) {
        assert!(matches!(theirs.obj, ObjectId::Root) && !theirs.insert, "flat");
        assert!(matches!(&theirs.key, Key::Map(key) if *key == ours.key), "key");
        match (&theirs.action, &ours.value) {
            (OpType::Delete, None) => {}
            (OpType::Put(ScalarValue::Str(a)), Some(Value::Text(b))) => assert_eq!(a.as_str(), b),
            (OpType::Put(ScalarValue::Int(a)), Some(Value::Int(b))) => assert_eq!(a, b),
            (OpType::Put(ScalarValue::Uint(a)), Some(Value::Int(b))) => assert_eq!(i64::try_from(*a), Ok(*b)),
            (OpType::Put(ScalarValue::Boolean(a)), Some(Value::Bool(b))) => assert_eq!(a, b),
            (theirs, ours) => panic!("another operation: {theirs:?}, not {ours:?}"),
        }
    }
    Some(scanned)
}

/// Applies what the gate would let through, alone and on top of the base; what is applied can be read, order does not
/// matter, and the bytes that come out are those that went in.
fn apply(batch: Vec<(Vec<u8>, Scanned)>) {
    let mut grown = base().document.clone();
    let mut taken = base().raw.clone();
    for (raw, scanned) in batch {
        let mut alone = Document::new(Kind::Visit);
        if passes(&alone, &scanned) && alone.apply([logged(raw.clone())]).is_ok() {
            look(&alone);
        }
        if !passes(&grown, &scanned) || grown.raw_changes().contains(&raw) {
            continue;
        }
        let mut next = grown.clone();
        if next.apply([logged(raw.clone())]).is_ok() {
            grown = next;
            taken.push(raw);
            look(&grown);
        }
    }
    let again = Document::load(Kind::Visit, taken.iter().rev().cloned().map(logged));
    let again = again.expect("the same changes in another order");
    assert_eq!(again.heads(), grown.heads());
    assert_eq!(again.entries(), grown.entries());
    assert_eq!(again.conflicts(), grown.conflicts());
    let mut given_back = grown.raw_changes();
    given_back.sort();
    taken.sort();
    assert!(given_back == taken, "a change is built again as it was");
}

/// What the gate asks of a change's place in its document.
fn passes(document: &Document, scanned: &Scanned) -> bool {
    scanned.start_op <= document.max_op() + 1 && document.admits(scanned)
}

/// Reads everything that screens read, and writes once.
fn look(document: &Document) {
    let _ = Row::of(DocId([1; 16]), document, UnitId(1));
    let _ = document.history();
    let _ = document.history_of("facts");
    let mut edited = document.clone();
    let mut own = actor(0);
    own[15] = 0xee;
    let patch = Patch::set("facts", Value::Text("后来".into()));
    let device_actor = automerge::ActorId::from(own);
    if document.max_op() < u64::from(u32::MAX) - 16 {
        let written =
            edited.commit(device_actor, UserId(7), Timestamp(0), &patch).expect("a key of the kind");
        assert!(written.is_some() || document.entries().text("facts").as_deref() == Some("后来"));
    }
}
