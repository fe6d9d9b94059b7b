//! The strict reader takes every change that a phone of ours writes: it knows one form of bytes only, and this holds that
//! it is the right one.
use proptest::prelude::*;
use zoufang_core::{
    document::{Document, LogChange},
    record::{DeviceId, Kind, Patch, Timestamp, UserId, Value},
    sync::scan::{ScanError, scan},
};

fn logged(raw: &[u8]) -> LogChange {
    LogChange { raw: raw.to_vec(), author: UserId(7), received_at: None }
}

/// Entries of lists and sets, and single fields: many keys of equal and of unlike length.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("facts".to_owned()),
        Just("told_person".to_owned()),
        (0..40_u32).prop_map(|number| format!("person/{number:026}")),
        (0..40_u32).prop_map(|number| format!("visitor/{number}")),
    ]
}

fn value() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        1 => Just(None),
        2 => any::<bool>().prop_map(|flag| Some(Value::Bool(flag))),
        1 => prop_oneof![any::<i64>(), -200..200_i64].prop_map(|number| Some(Value::Int(number))),
        2 => "\\PC{0,80}".prop_map(|text| Some(Value::Text(text))),
    ]
}

fn patch() -> impl Strategy<Value = Patch> {
    prop::collection::btree_map(key(), value(), 1..60).prop_map(Patch)
}

/// Each edit: who, whether he has seen everything or only his own copy, and what.
fn edits() -> impl Strategy<Value = Vec<(usize, bool, Patch)>> {
    prop::collection::vec((0..4_usize, any::<bool>(), patch()), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_change_of_ours_is_taken(edits in edits()) {
        let mut copies = vec![Document::new(Kind::Visit); 4];
        let mut log: Vec<Vec<u8>> = Vec::new();
        let mut gate = Document::new(Kind::Visit);
        for (number, (who, seen, patch)) in edits.into_iter().enumerate() {
            if seen {
                copies[who].apply(log.iter().map(|raw| logged(raw))).unwrap();
            }
            let actor = DeviceId(who as u64).actor([u8::try_from(number).unwrap(); 8]);
            let Some(raw) = copies[who].commit(actor, UserId(7), Timestamp(5_000), &patch).unwrap() else { continue };
            let scanned = scan(&raw);
            prop_assert!(scanned.is_ok(), "{scanned:?} {raw:02x?}");
            prop_assert!(gate.admits(&scanned.unwrap()));
            gate.apply([logged(&raw)]).unwrap();
            prop_assert!(gate.raw_changes().contains(&raw));
            log.push(raw);
        }
    }
}

#[test]
fn as_many_operations_as_are_allowed_are_taken() {
    for (count, taken) in [(1_000, true), (1_001, false)] {
        let keys =
            (0..count).map(|number| (format!("person/{number:026}"), Some(Value::Bool(number % 7 == 0))));
        let patch = Patch(keys.collect());
        let raw = Document::new(Kind::Visit)
            .commit(DeviceId(1).actor([1; 8]), UserId(7), Timestamp(0), &patch)
            .unwrap()
            .unwrap();
        assert_eq!(
            scan(&raw).map(|scanned| scanned.ops.len()),
            if taken { Ok(count) } else { Err(ScanError::TooManyOps) }
        );
    }
}
