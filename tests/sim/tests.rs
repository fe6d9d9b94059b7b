//! Tests of the simulator itself: the oracle on paper, the same seed twice, and a few seeds from end to end.
use std::collections::BTreeMap;

use zoufang_core::record::{DeviceId, DocId, Kind, UnitId, UserId, Value};

use crate::{
    config::{Changes, Config},
    oracle::{Edit, EditId, Oracle, Seen},
    run,
    trace::Trace,
};

fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}

/// Adds an edit of one field, made by somebody who had seen these.
fn edit(oracle: &mut Oracle, key: &str, value: Option<Value>, before: &[EditId], at_s: i64) -> EditId {
    let mut hash = [0; 32];
    hash[0] = u8::try_from(oracle.len()).unwrap();
    oracle.add(Edit {
        doc: DocId([1; 16]),
        kind: Kind::Person,
        unit: UnitId(1),
        user: UserId(1),
        device: DeviceId(1),
        at_s,
        sets: BTreeMap::from([(key.to_owned(), value)]),
        before: before.iter().copied().collect(),
        hash,
    })
}

#[test]
fn on_paper_two_values_stand_until_somebody_who_saw_both_chooses() {
    let mut oracle = Oracle::default();
    let first = edit(&mut oracle, "name", text("a"), &[], 1);
    let one = edit(&mut oracle, "name", text("b"), &[first], 9);
    let other = edit(&mut oracle, "name", text("c"), &[first], 5);
    let mut seen = Seen::from([first, one, other]);
    let shown = oracle.fields(&seen).remove("name").unwrap();
    assert_eq!(shown.values.len(), 2);
    assert_eq!(Some(shown.top), text("b"), "the newest by the writers' clocks is shown");
    assert_eq!(oracle.heads(&seen).len(), 2);
    let same = BTreeMap::from([("name".to_owned(), text("b"))]);
    assert_eq!(oracle.differing(&seen, &same), same, "a choice is written, also of what is shown");
    seen.insert(edit(&mut oracle, "name", text("c"), &[first, one, other], 6));
    let shown = oracle.fields(&seen).remove("name").unwrap();
    assert_eq!((shown.values.len(), Some(shown.top)), (1, text("c")));
    assert_eq!(oracle.heads(&seen).len(), 1);
}

#[test]
fn on_paper_taking_away_loses_to_what_it_did_not_see() {
    let mut oracle = Oracle::default();
    let first = edit(&mut oracle, "address", text("a"), &[], 1);
    let gone = edit(&mut oracle, "address", None, &[first], 2);
    assert!(oracle.fields(&Seen::from([first, gone])).is_empty());
    let beside = edit(&mut oracle, "address", text("b"), &[first], 2);
    let shown = oracle.fields(&Seen::from([first, gone, beside])).remove("address").unwrap();
    assert_eq!(Some(shown.top), text("b"));
}

#[test]
fn a_trace_is_told_from_another_by_every_event() {
    let hash = |events: &[(&'static str, u64)]| {
        let mut trace = Trace::new(false);
        events.iter().for_each(|(what, number)| trace.note(1, what, 0, &[*number], &[]));
        trace.finish().0
    };
    assert_eq!(hash(&[("a", 1)]), hash(&[("a", 1)]));
    assert_ne!(hash(&[("a", 1)]), hash(&[("a", 2)]));
    assert_ne!(hash(&[("a", 1), ("b", 1)]), hash(&[("b", 1), ("a", 1)]));
}

#[test]
fn a_few_seeds_lose_nothing_and_do_the_same_again() {
    let small = Changes { phones: Some(3), days: Some(2), ..Changes::default() };
    for seed in 1..=8 {
        let outcome = run::checked(&Config::draw(seed, &small), true);
        assert!(outcome.failure.is_none(), "seed {seed}: {:?}", outcome.failure);
        assert!(outcome.repeated && outcome.edits > 0, "seed {seed}");
    }
}
