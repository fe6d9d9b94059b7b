//! The part of the suite about the access log.

use std::collections::BTreeSet;

use zoufang_core::record::{DocId, Timestamp, UnitId};

use super::{DEVICE, OTHER, UNIT, USER, append, doc};
use crate::readings::{Head, Line, Reading, Which};
use crate::store::Store;

fn reading(id: u8, unit: UnitId, person: u8) -> Reading {
    Reading {
        id: [id; 16],
        user: USER,
        device: DEVICE,
        unit,
        person: doc(person),
        what: "id_number".to_owned(),
        why: "benefit".to_owned(),
        // Phones have clocks of their own: what comes later may have been read before.
        read_at: Timestamp(i64::MAX - i64::from(id)),
        received_at: Timestamp(-1),
    }
}

/// All lines in order, after it was looked whether they are one chain without gap.
async fn chain(store: &dyn Store) -> Vec<Line> {
    let lines = store.readings_after(0, u32::MAX).await.expect("walk");
    let mut head = Head::default();
    for line in &lines {
        assert!(line.follows(head), "line {} after {}", line.seq, head.seq);
        head = line.head();
    }
    assert_eq!(store.readings_head().await.expect("head"), head);
    lines
}

/// What was said comes back as it was, in order and once, and is chained.
pub async fn readings_are_kept_once_in_one_chain(store: &dyn Store) {
    assert_eq!(store.readings_head().await.expect("head"), Head::default());
    assert_eq!(chain(store).await, []);
    store.append_readings(&[]).await.expect("nothing");
    let first = [reading(200, UNIT, 1), reading(2, OTHER, 2)];
    store.append_readings(&first).await.expect("append");
    store.append_readings(&first).await.expect("once more");
    let again = Reading { why: "call".to_owned(), ..reading(2, UNIT, 9) };
    store.append_readings(&[again, reading(3, UNIT, 1), reading(3, UNIT, 2)]).await.expect("and again");
    let lines = chain(store).await;
    assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [1, 2, 3]);
    let kept: Vec<Reading> = lines.into_iter().map(|line| line.reading).collect();
    assert_eq!(kept, [&first[..], &[reading(3, UNIT, 1)]].concat(), "the first word stays");
}

/// Lines are found by unit and person, newest first, and a list goes on where it stopped.
pub async fn readings_are_listed_newest_first(store: &dyn Store) {
    let all: Vec<Reading> =
        (1..=9).map(|id| reading(id, if id % 3 == 0 { OTHER } else { UNIT }, id % 2)).collect();
    for two in all.chunks(2) {
        store.append_readings(two).await.expect("append");
    }
    let listed = async |which: Which, before, count| {
        let lines = store.readings(&which, before, count).await.expect("list");
        lines.into_iter().map(|line| line.seq).collect::<Vec<_>>()
    };
    assert_eq!(listed(Which::All, None, 4).await, [9, 8, 7, 6]);
    assert_eq!(listed(Which::All, Some(6), 9).await, [5, 4, 3, 2, 1]);
    assert_eq!(listed(Which::All, Some(u64::MAX), 1).await, [9]);
    assert!(listed(Which::All, Some(0), 9).await.is_empty());
    assert_eq!(listed(Which::Units(vec![OTHER]), None, 9).await, [9, 6, 3]);
    assert_eq!(listed(Which::Units(vec![OTHER]), Some(9), 1).await, [6]);
    assert_eq!(listed(Which::Units(vec![UNIT, OTHER, UnitId(99)]), Some(8), 3).await, [7, 6, 5]);
    assert!(listed(Which::Units(Vec::new()), None, 9).await.is_empty());
    assert_eq!(listed(Which::Person(doc(1)), None, 9).await, [9, 7, 5, 3, 1]);
    assert_eq!(listed(Which::Person(doc(1)), Some(5), 1).await, [3]);
    let walked = store.readings_after(7, 1).await.expect("walk");
    assert_eq!(walked.iter().map(|line| &line.reading).collect::<Vec<_>>(), [&all[7]]);
    assert_eq!(store.readings_after(u64::MAX, 1).await.expect("walk"), []);
}

/// Who adds at the same time makes one chain, and what two send is kept once.
pub async fn readings_of_many_make_one_chain(store: &dyn Store) {
    let add = async |first: u8| {
        for round in 0..5 {
            let own = reading(first + round, UNIT, 1);
            store.append_readings(&[own, reading(200 + round, UNIT, 1)]).await.expect("append");
        }
    };
    tokio::join!(add(0), add(10), add(20), add(30), add(40), add(50));
    let lines = chain(store).await;
    let ids: BTreeSet<[u8; 16]> = lines.iter().map(|line| line.reading.id).collect();
    assert_eq!((lines.len(), ids.len()), (35, 35));
}

/// Where documents live is told of those that are there.
pub async fn units_of_documents_are_told(store: &dyn Store) {
    append(store, UNIT, [5, 1]).await;
    append(store, OTHER, [3]).await;
    let asked: Vec<DocId> = [9, 5, 3, 1, 5].map(doc).to_vec();
    let told = store.units_of(&asked).await.expect("units");
    assert_eq!(told, [(doc(1), UNIT), (doc(3), OTHER), (doc(5), UNIT)]);
    assert_eq!(store.units_of(&[]).await.expect("units"), []);
}
