//! The part of the suite about what happens to documents and devices besides changes.

use zoufang_core::record::{ChangeHash, DeviceId, Timestamp, UnitId, UserId};
use zoufang_core::sync::wire::Control;

use super::{DEVICE, OTHER, UNIT, account, append, change, doc, hash, person, project, state};
use crate::store::office::Projection;
use crate::store::{ChangeRecord, Device, DocumentState, Move, Segment, Store, Ticket};

fn enrolled(id: DeviceId, user: UserId) -> Device {
    let label = String::new();
    Device { id, user, label, enrolled_at: Timestamp(1), revoked_at: None, former: Vec::new() }
}

async fn take_out(store: &dyn Store, number: u8) -> Vec<ChangeRecord> {
    let mut tx = store.begin().await.expect("begin");
    let taken = tx.take_out(doc(number)).await.expect("take out");
    tx.remove_document(doc(number)).await.expect("remove");
    tx.commit().await.expect("commit");
    taken
}

/// Changes taken out are given back whole and leave gaps; digest, count and bytes follow; they may stand in another log.
pub async fn what_is_taken_out_leaves_a_gap(store: &dyn Store) {
    append(store, UNIT, [1, 2, 3]).await;
    append(store, OTHER, [4]).await;
    project(store, UNIT, [(2, Projection::Person(person(b"a body")))]).await;
    let mut tx = store.begin().await.expect("begin");
    let taken = tx.take_out(doc(2)).await.expect("take out");
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].hash, &taken[0].raw, &taken[0].actor), (hash(2), &vec![2; 100], &vec![2; 16]));
    tx.remove_document(doc(2)).await.expect("remove");
    assert_eq!(tx.append(&ChangeRecord { unit: OTHER, ..taken[0].clone() }).await.expect("append"), 2);
    tx.put_document(&state(OTHER, 2), &[2]).await.expect("document");
    tx.commit().await.expect("commit");
    let page = store.read_log(UNIT, 0, usize::MAX).await.expect("log");
    assert_eq!(page.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 3]);
    let summed = zoufang_core::sync::digest::Digest::default().with(hash(1)).with(hash(3));
    assert_eq!(
        (page.tail.digest, page.tail.count, page.tail.size_bytes, page.tail.cuts),
        (summed, 2, 200, 1)
    );
    assert_eq!(page.tail.last_seq, 3, "the end stays where it was");
    let other = store.read_log(OTHER, 0, usize::MAX).await.expect("log");
    assert_eq!(other.entries.iter().map(|entry| entry.hash).collect::<Vec<_>>(), [hash(4), hash(2)]);
    assert!(store.people(&[UNIT, OTHER]).await.expect("people").is_empty());
    let mut tx = store.begin().await.expect("begin");
    assert_eq!(tx.document(doc(2)).await.expect("document").expect("known").unit, OTHER);
    assert_eq!(tx.changes_of(doc(2)).await.expect("changes").len(), 1);
    let known = tx.change(hash(2)).await.expect("change").expect("known");
    assert_eq!((known.doc, known.seq), (doc(2), 2));
    let of_unit = tx.documents_of_unit(OTHER).await.expect("documents");
    assert_eq!(
        of_unit.iter().map(|(state, row)| (state.doc, row.clone())).collect::<Vec<_>>(),
        [(doc(2), vec![2]), (doc(4), vec![4])]
    );
    assert!(tx.take_out(doc(77)).await.expect("nothing").is_empty());
    drop(tx);
    assert_eq!(store.tails(&[UNIT]).await.expect("tails")[0].cuts, 1, "nothing was cut by nothing");
    append(store, UNIT, [5]).await;
    assert_eq!(store.tails(&[UNIT]).await.expect("tails")[0].last_seq, 4, "no number is given twice");
}

/// A segment that was read before a cut could hold what was erased: it is not kept, and older ones from there on go.
pub async fn a_segment_read_before_a_cut_is_not_kept(store: &dyn Store) {
    let segment =
        |from_seq, to_seq| Segment { unit: UNIT, from_seq, to_seq, size_bytes: 10, frame: vec![1; 3] };
    append(store, UNIT, 1..=9).await;
    store.put_segment(&segment(0, 2), 0).await.expect("put");
    store.put_segment(&segment(2, 5), 0).await.expect("put");
    assert_eq!(take_out(store, 4).await.len(), 1);
    assert_eq!(store.segment(UNIT, 0).await.expect("segment"), Some(segment(0, 2)));
    assert_eq!(store.segment(UNIT, 2).await.expect("segment"), None);
    store.put_segment(&segment(2, 7), 0).await.expect("put");
    assert_eq!(store.segment(UNIT, 2).await.expect("segment"), None, "read before the cut");
    store.put_segment(&segment(2, 7), 1).await.expect("put");
    assert_eq!(store.segment(UNIT, 2).await.expect("segment"), Some(segment(2, 7)));
    assert_eq!(store.sealed(UNIT).await.expect("sealed").to_seq, 7);
}

/// A control record has a number of its own in the log and comes with the page that it stands in.
pub async fn controls_share_the_numbers(store: &dyn Store) {
    append(store, UNIT, [1, 2]).await;
    let moved = Control::MovedOut { doc: doc(2), to: OTHER };
    let mut tx = store.begin().await.expect("begin");
    assert_eq!(tx.append_control(UNIT, &moved).await.expect("control"), 3);
    assert_eq!(
        tx.append_control(OTHER, &Control::Schema { version: 9 }).await.expect("control"),
        1,
        "a log of its own"
    );
    tx.put_move(&Move { doc: doc(2), from: UNIT, to: OTHER, at: Timestamp(5) }).await.expect("move");
    tx.put_move(&Move { doc: doc(2), from: OTHER, to: UNIT, at: Timestamp(6) }).await.expect("move");
    tx.commit().await.expect("commit");
    append(store, UNIT, [3, 4]).await;
    let read = async |after, bytes_max| {
        let page = store.read_log(UNIT, after, bytes_max).await.expect("log");
        (page.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), page.controls, page.to_seq)
    };
    assert_eq!(read(0, 200).await, (vec![1, 2], vec![(3, moved.clone())], 3));
    assert_eq!(read(2, 100).await, (vec![4], vec![(3, moved.clone())], 4));
    assert_eq!(read(3, 500).await, (vec![4, 5], vec![], 5));
    assert_eq!(read(5, 500).await, (vec![], vec![], 5));
    let other = store.read_log(OTHER, 0, 100).await.expect("log");
    assert_eq!((other.to_seq, other.tail.count, other.is_complete()), (1, 0, true));
    let tails = store.tails(&[UNIT, OTHER, UnitId(99)]).await.expect("tails");
    let control_seqs: Vec<u64> = tails.iter().map(|tail| tail.control_seq).collect();
    assert_eq!(
        (control_seqs, other.tail.control_seq),
        (vec![3, 1, 0], 1),
        "also after the changes behind it"
    );
    let mut tx = store.begin().await.expect("begin");
    let moves = tx.moves_of(doc(2)).await.expect("moves");
    assert_eq!(
        moves.iter().map(|moved| (moved.from, moved.to, moved.at.0)).collect::<Vec<_>>(),
        [(UNIT, OTHER, 5), (OTHER, UNIT, 6)]
    );
    assert!(tx.moves_of(doc(3)).await.expect("moves").is_empty());
}

/// A document that began anew knows what it left behind, until it is erased.
pub async fn what_is_left_behind_is_remembered(store: &dyn Store) {
    append(store, UNIT, [1]).await;
    let (one, two) = (ChangeHash([1; 32]), ChangeHash([2; 32]));
    let mut tx = store.begin().await.expect("begin");
    tx.put_replaced(doc(1), &[one]).await.expect("put");
    tx.put_replaced(doc(1), &[one]).await.expect("once more");
    tx.put_replaced(doc(1), &[]).await.expect("nothing");
    tx.commit().await.expect("commit");
    let mut tx = store.begin().await.expect("begin");
    assert!(tx.is_replaced(doc(1), one).await.expect("ask"));
    assert!(!tx.is_replaced(doc(1), two).await.expect("ask"));
    assert!(!tx.is_replaced(doc(2), one).await.expect("ask"), "of this document");
    tx.put_erasure(doc(1), UNIT, 2, Timestamp(4)).await.expect("erasure");
    assert!(!tx.is_replaced(doc(1), one).await.expect("ask"));
    tx.commit().await.expect("commit");
}

/// An erasure is remembered by document, and says which devices in use have not read of it.
pub async fn erasures_know_who_has_not_read(store: &dyn Store) {
    let user = store.add_account(&account("cys")).await.expect("account");
    for number in 1..=3 {
        store.add_device(&enrolled(DeviceId(number), user)).await.expect("device");
    }
    append(store, UNIT, [1]).await;
    for (device, seq) in [(1, 1), (2, 1), (3, 1)] {
        store.note_cursors(DeviceId(device), &[(UNIT, seq), (OTHER, 0)], Timestamp(2)).await.expect("note");
    }
    store.revoke_device(DeviceId(3), Timestamp(3)).await.expect("revoke");
    let mut tx = store.begin().await.expect("begin");
    assert!(!tx.is_erased(doc(1)).await.expect("ask"));
    tx.take_out(doc(1)).await.expect("take out");
    tx.remove_document(doc(1)).await.expect("remove");
    let seq = tx.append_control(UNIT, &Control::Erased { doc: doc(1) }).await.expect("control");
    tx.put_erasure(doc(1), UNIT, seq, Timestamp(4)).await.expect("erasure");
    assert!(tx.is_erased(doc(1)).await.expect("ask"));
    assert!(!tx.is_erased(doc(2)).await.expect("ask"));
    tx.commit().await.expect("commit");
    let waiting = async || {
        let erasures = store.erasures().await.expect("erasures");
        assert_eq!(
            (erasures.len(), erasures[0].unit, erasures[0].seq, erasures[0].at),
            (1, UNIT, 2, Timestamp(4))
        );
        erasures[0].waiting_for.clone()
    };
    assert_eq!(waiting().await, [DeviceId(1), DeviceId(2)]);
    store.note_cursors(DeviceId(2), &[(UNIT, 2)], Timestamp(5)).await.expect("note");
    assert_eq!(waiting().await, [DeviceId(1)]);
    store.note_cursors(DeviceId(1), &[(UNIT, 9)], Timestamp(6)).await.expect("note");
    assert!(waiting().await.is_empty());
}

/// A log tells its hashes by their first bytes, and single changes by their hash.
pub async fn a_log_is_asked_by_hash(store: &dyn Store) {
    append(store, UNIT, [1, 2, 3]).await;
    append(store, OTHER, [4]).await;
    assert_eq!(store.hashes(UNIT, &[]).await.expect("hashes").len(), 3);
    assert_eq!(store.hashes(UNIT, &[2, 2]).await.expect("hashes"), [hash(2)]);
    assert!(store.hashes(UNIT, &[2, 3]).await.expect("hashes").is_empty());
    let changes = store.changes(UNIT, &[hash(3), hash(4), hash(1)]).await.expect("changes");
    assert_eq!(
        changes.iter().map(|entry| entry.hash).collect::<Vec<_>>(),
        [hash(1), hash(3)],
        "of this log only"
    );
}

/// Of a document that began anew all changes are read, in the unit where it lies; of others nothing.
pub async fn what_began_anew_is_read_whole(store: &dyn Store) {
    append(store, UNIT, [1, 2]).await;
    let mut tx = store.begin().await.expect("begin");
    let second = ChangeRecord { doc: doc(1), hash: hash(9), actor: vec![9; 16], ..change(UNIT, 9) };
    tx.append(&second).await.expect("append");
    tx.put_document(&DocumentState { re_rooted: true, ..state(UNIT, 1) }, &[1]).await.expect("document");
    tx.commit().await.expect("commit");
    let read = async |unit, of| {
        let changes = store.begun_anew(unit, of).await.expect("changes");
        changes.into_iter().map(|entry| (entry.seq, entry.hash)).collect::<Vec<_>>()
    };
    assert_eq!(read(UNIT, doc(1)).await, [(1, hash(1)), (3, hash(9))]);
    assert_eq!(read(OTHER, doc(1)).await, []);
    assert_eq!(read(UNIT, doc(2)).await, [], "it never began anew");
    assert_eq!(read(UNIT, doc(3)).await, []);
}

/// A device's ticket is what was last put, and a new epoch forgets all of them.
pub async fn tickets_and_epochs(store: &dyn Store) {
    let user = store.add_account(&account("cys")).await.expect("account");
    store.add_device(&enrolled(DEVICE, user)).await.expect("device");
    for ticket in [
        Ticket { current: u64::MAX, shown: None, first: hash(1) },
        Ticket { current: 2, shown: Some(u64::MAX), first: hash(2) },
    ] {
        let mut tx = store.begin().await.expect("begin");
        tx.put_ticket(DEVICE, &ticket).await.expect("put");
        tx.commit().await.expect("commit");
        let mut tx = store.begin().await.expect("begin");
        assert_eq!(tx.ticket(DEVICE).await.expect("ticket"), Some(ticket));
    }
    store.renew_epoch(zoufang_core::record::EpochId(77)).await.expect("renew");
    assert_eq!(store.epoch().await.expect("epoch").0, 77);
    let mut tx = store.begin().await.expect("begin");
    assert_eq!(tx.ticket(DEVICE).await.expect("ticket"), None);
}
