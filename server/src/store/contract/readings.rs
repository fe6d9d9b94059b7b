//! The part of the suite about the access log.

use futures_util::future::join_all;
use zoufang_core::access::Sensitive;
use zoufang_core::record::list::AccessReason;
use zoufang_core::record::{DocId, Timestamp, UnitId};

use super::{DEVICE, OTHER, UNIT, USER, doc};
use crate::readings::{Chain, check};
use crate::store::{ReadingEntry, ReadingLine, ReadingsOf, Store};

fn reading(id: u8, unit: UnitId, person: u8) -> ReadingEntry {
    ReadingEntry {
        id: DocId([id; 16]),
        user: USER,
        device: DEVICE,
        unit,
        person: doc(person),
        what: Sensitive::Phone,
        why: AccessReason::Call,
        read_at: Timestamp(i64::from(id)),
        received_at: Timestamp(100),
    }
}

fn ids(lines: &[ReadingLine]) -> Vec<(u64, u8)> {
    lines.iter().map(|line| (line.seq, line.entry.id.0[0])).collect()
}

/// Readings stand in one chain, each once, whoever adds them at the same time, and are found by unit and person.
pub async fn readings_are_one_chain(store: &dyn Store) {
    assert_eq!(check(store, None).await.expect("check"), Chain::Whole(0, [0; 32]));
    store.append_readings(&[]).await.expect("nothing");
    let first = [reading(1, UNIT, 1), reading(2, OTHER, 2), reading(1, UNIT, 1)];
    store.append_readings(&first).await.expect("append");
    store.append_readings(&[reading(2, OTHER, 2), reading(3, UNIT, 2)]).await.expect("again");
    let all = store.readings(ReadingsOf::All, None, 10).await.expect("all");
    assert_eq!(ids(&all), [(3, 3), (2, 2), (1, 1)]);
    assert_eq!(all[2].entry, first[0]);
    let of_unit = store.readings(ReadingsOf::Unit(UNIT), None, 10).await.expect("of unit");
    assert_eq!(ids(&of_unit), [(3, 3), (1, 1)]);
    let of_person = store.readings(ReadingsOf::Person(doc(2)), Some(3), 10).await.expect("of person");
    assert_eq!(ids(&of_person), [(2, 2)]);
    assert_eq!(ids(&store.readings(ReadingsOf::All, None, 1).await.expect("one")), [(3, 3)]);
    assert_eq!(ids(&store.readings_after(1, 1).await.expect("after")), [(2, 2)]);

    let many: Vec<[ReadingEntry; 2]> =
        (10..30).map(|id| [reading(id, UNIT, 1), reading(id + 100, OTHER, 1)]).collect();
    let added = join_all(many.iter().map(|both| store.append_readings(both))).await;
    assert!(added.iter().all(Result::is_ok), "{added:?}");
    let Chain::Whole(count, _) = check(store, None).await.expect("check") else {
        panic!("the chain is broken")
    };
    assert_eq!(count, 43);
}
