//! Other bytes in the place of those that are stored.

use zoufang_core::record::Timestamp;

use super::{DEVICE, OTHER, UNIT, append, doc, hash};
use crate::store::{Late, Mark, Resealed, Segment, Store};

/// Changes and late work get other bytes, and the log's size follows; what is not there stays so; segments are forgotten.
pub async fn what_is_stored_is_sealed_anew(store: &dyn Store) {
    assert_eq!(store.mark(Mark::SealedUnder).await.expect("ask"), None);
    for key in [u32::MAX, 7] {
        store.put_mark(Mark::SealedUnder, key).await.expect("note");
        assert_eq!(store.mark(Mark::SealedUnder).await.expect("ask"), Some(key));
    }
    store.put_mark(Mark::Layout, 3).await.expect("note");
    let marks =
        (store.mark(Mark::Layout).await.expect("ask"), store.mark(Mark::SealedUnder).await.expect("ask"));
    assert_eq!(marks, (Some(3), Some(7)), "one note says nothing of another");
    append(store, UNIT, [1, 2]).await;
    append(store, OTHER, [3]).await;
    let late = |raw: &[u8]| Late {
        device: DEVICE,
        doc: doc(8),
        kind: zoufang_core::record::Kind::Visit,
        unit: UNIT,
        hash: hash(8),
        raw: raw.to_vec(),
        received_at: Timestamp(9),
    };
    store.put_late(&[late(b"before")]).await.expect("late");
    let segment = Segment { unit: UNIT, from_seq: 0, to_seq: 1, size_bytes: 1, frame: vec![1] };
    store.put_segment(&segment, 0).await.expect("segment");
    let resealed = |number, raw: &[u8]| Resealed { hash: hash(number), raw: raw.to_vec() };
    store.reseal_changes(UNIT, &[resealed(2, &[4; 100])]).await.expect("reseal");
    let before = store.tails(&[UNIT, OTHER]).await.expect("tails");
    let anew = [resealed(2, &[5; 130]), resealed(3, &[5; 200]), resealed(9, &[5; 300])];
    store.reseal_changes(UNIT, &anew).await.expect("reseal");
    store.reseal_late(&[late(b"after"), Late { hash: hash(9), ..late(b"nobody's") }]).await.expect("reseal");
    store.forget_segments().await.expect("forget");
    store.forget_overwritten().await.expect("forget");
    let after = store.tails(&[UNIT, OTHER]).await.expect("tails");
    assert_eq!((after[0].size_bytes, after[1]), (before[0].size_bytes + 30, before[1]));
    assert_eq!((after[0].digest, after[0].last_seq, after[0].count), (before[0].digest, 2, 2));
    assert_eq!(store.segment(UNIT, 0).await.expect("segment"), None);
}
