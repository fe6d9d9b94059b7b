//! What stands in a database in the place of another, or with a bit changed, is found.

use std::sync::Arc;

use zoufang_core::record::{ChangeHash, DeviceId, DocId, EpochId, Kind, Timestamp, UnitId, UserId};
use zoufang_server::keys::Keys;
use zoufang_server::store::memory::MemoryStore;
use zoufang_server::store::{ChangeRecord, DocumentState, Resealed, Store, StoreError};

const UNIT: UnitId = UnitId(12);

fn change(number: u8) -> ChangeRecord {
    ChangeRecord {
        unit: UNIT,
        doc: DocId([number; 16]),
        kind: Kind::Visit,
        hash: ChangeHash([number; 32]),
        raw: format!("some facts {number}").into_bytes(),
        device: DeviceId(1),
        user: UserId(1),
        actor: vec![number; 16],
        change_seq: 1,
        start_op: 1,
        max_op: 1,
        received_at: Timestamp(1),
    }
}

fn state(number: u8) -> DocumentState {
    DocumentState {
        doc: DocId([number; 16]),
        kind: Kind::Visit,
        unit: UNIT,
        created_by: UserId(1),
        max_op: 1,
        size_bytes: 1,
        changes: 1,
        re_rooted: false,
    }
}

/// Two changes and two rows; the store below, and the one that seals.
async fn two() -> (Arc<dyn Store>, impl Store) {
    let below: Arc<dyn Store> = Arc::new(MemoryStore::new(EpochId(1)));
    let store = Keys::of_text(&"07".repeat(32)).unwrap().seal(Arc::clone(&below));
    let mut tx = store.begin().await.unwrap();
    for number in [1, 2] {
        tx.append(&change(number)).await.unwrap();
        tx.put_document(&state(number), &[number; 40]).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(store.read_log(UNIT, 0, usize::MAX).await.unwrap().entries.len(), 2);
    (below, store)
}

async fn put(below: &dyn Store, number: u8, raw: Vec<u8>) {
    let resealed = Resealed { hash: ChangeHash([number; 32]), raw };
    below.reseal_changes(UNIT, &[resealed]).await.unwrap();
}

#[tokio::test]
async fn a_change_in_the_place_of_another_is_found() {
    let (below, store) = two().await;
    let sealed = below.read_log(UNIT, 0, usize::MAX).await.unwrap().entries;
    put(below.as_ref(), 1, sealed[1].raw.clone()).await;
    assert!(matches!(store.read_log(UNIT, 0, usize::MAX).await, Err(StoreError::Corrupt(_))));
    assert!(matches!(store.changes(UNIT, &[sealed[0].hash]).await, Err(StoreError::Corrupt(_))));
    assert_eq!(store.changes(UNIT, &[sealed[1].hash]).await.unwrap().len(), 1, "the other is as it was");
}

#[tokio::test]
async fn every_flipped_bit_and_a_change_in_clear_are_found() {
    let (below, store) = two().await;
    let sealed = below.read_log(UNIT, 0, usize::MAX).await.unwrap().entries[0].raw.clone();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        put(below.as_ref(), 1, flipped).await;
        assert!(store.read_log(UNIT, 0, usize::MAX).await.is_err(), "bit {bit}");
    }
    put(below.as_ref(), 1, change(1).raw).await;
    assert!(store.read_log(UNIT, 0, usize::MAX).await.is_err(), "in clear");
    put(below.as_ref(), 1, sealed).await;
    assert!(store.read_log(UNIT, 0, usize::MAX).await.is_ok());
}

#[tokio::test]
async fn a_row_in_the_place_of_another_is_found() {
    let (below, store) = two().await;
    let rows = below.rows(&[DocId([1; 16]), DocId([2; 16])]).await.unwrap();
    let mut tx = below.begin().await.unwrap();
    tx.put_document(&state(1), &rows[1].1).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(store.rows(&[DocId([1; 16])]).await, Err(StoreError::Corrupt(_))));
    assert_eq!(store.rows(&[DocId([2; 16])]).await.unwrap(), [(DocId([2; 16]), vec![2; 40])]);
}
