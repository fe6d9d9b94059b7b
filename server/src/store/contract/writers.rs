//! Writers beside each other, what they claim, and what is told of their commits.

use std::collections::BTreeSet;
use std::time::Duration;

use zoufang_core::record::Timestamp;

use super::{DEVICE, OTHER, UNIT, account, append, change, doc, hash, state, visit};
use crate::store::office::{Filter, Projection};
use crate::store::{Claim, Listener, News, Store, StoreError, TokenHash, WriteTx};

/// A second writer waits for the first, and sees what it wrote.
pub async fn writers_take_turns(store: &dyn Store) {
    let mut first: Box<dyn WriteTx> = store.begin().await.expect("begin");
    first.append(&change(UNIT, 1)).await.expect("append");
    let second = async {
        let mut tx = store.begin().await.expect("begin");
        let seq = tx.append(&change(UNIT, 2)).await.expect("append");
        tx.commit().await.expect("commit");
        seq
    };
    let commit_first = async {
        tokio::task::yield_now().await;
        first.commit().await.expect("commit");
    };
    let (seq, ()) = tokio::join!(second, commit_first);
    assert_eq!(seq, 2);
}

/// What was claimed is answered as what was not, before and after it is written.
pub async fn a_claim_changes_no_answer(store: &dyn Store) {
    append(store, UNIT, [1]).await;
    let claim = |numbers: &[u8]| Claim {
        units: BTreeSet::from([UNIT]),
        docs: numbers.iter().copied().map(doc).collect(),
        hashes: numbers.iter().copied().map(hash).collect(),
        numbers: numbers.iter().map(|number| (doc(*number), vec![*number; 16], 1)).collect(),
    };
    let mut tx = store.begin().await.expect("begin");
    tx.claim(&claim(&[1, 2])).await.expect("claim");
    assert_eq!(tx.document(doc(1)).await.expect("document"), Some(state(UNIT, 1)));
    assert_eq!(tx.document(doc(2)).await.expect("document"), None);
    assert_eq!(tx.change(hash(1)).await.expect("change").map(|known| known.seq), Some(1));
    assert_eq!(tx.change(hash(2)).await.expect("change"), None);
    assert!(tx.has_change_seq(doc(1), &[1; 16], 1).await.expect("ask"));
    assert!(!tx.has_change_seq(doc(2), &[2; 16], 1).await.expect("ask"));
    assert_eq!(tx.append(&change(UNIT, 2)).await.expect("append"), 2);
    tx.put_document(&state(UNIT, 2), &[2]).await.expect("document");
    tx.put_projection(doc(2), UNIT, &Projection::Visit(visit("2026-08-01", &[7]))).await.expect("projection");
    tx.claim(&claim(&[1, 2, 3])).await.expect("claim");
    assert_eq!(tx.document(doc(2)).await.expect("document"), Some(state(UNIT, 2)));
    assert_eq!(tx.change(hash(2)).await.expect("change").map(|known| known.seq), Some(2));
    assert!(tx.has_change_seq(doc(2), &[2; 16], 1).await.expect("ask"));
    assert_eq!(tx.changes_of(doc(2)).await.expect("changes").len(), 1);
    assert_eq!(tx.append(&change(UNIT, 3)).await.expect("append"), 3);
    tx.put_document(&state(UNIT, 3), &[3]).await.expect("document");
    assert_eq!(tx.documents(None, 9).await.expect("documents").len(), 3);
    tx.commit().await.expect("commit");
    assert_eq!(store.tails(&[UNIT]).await.expect("tails")[0].last_seq, 3);
    let filter = Filter { units: vec![UNIT], limit: 10, ..Filter::default() };
    assert_eq!(store.visits(&filter).await.expect("visits").len(), 1);
    let mut tx = store.begin().await.expect("begin");
    tx.claim(&claim(&[3])).await.expect("claim");
    assert!(matches!(tx.append(&change(UNIT, 3)).await, Err(StoreError::Taken(_))));
}

/// The next piece of news of this sort; a test that waits in vain fails.
async fn heard(listener: &mut Listener, wanted: impl Fn(&News) -> bool) -> News {
    let hear = async {
        loop {
            let news = listener.next().await.expect("the store is there");
            if wanted(&news) {
                return news;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), hear).await.expect("news")
}

/// Who listens hears of what was committed, and of nothing else.
pub async fn what_is_committed_is_told(store: &dyn Store) {
    let mut listener = store.news();
    // A store that listens to others may need a moment before it hears anything.
    for round in 0.. {
        store.close_session(TokenHash([9; 32])).await.expect("close");
        let hear = heard(&mut listener, |news| *news == News::Sessions);
        if tokio::time::timeout(Duration::from_millis(250), hear).await.is_ok() {
            break;
        }
        assert!(round < 100, "nothing is heard");
    }
    let mut dropped = store.begin().await.expect("begin");
    dropped.append(&change(UNIT, 1)).await.expect("append");
    drop(dropped);
    append(store, UNIT, [2, 3]).await;
    let unit = |news: &News| matches!(news, News::Unit { .. });
    assert_eq!(heard(&mut listener, unit).await, News::Unit { unit: UNIT, last_seq: 2 });
    append(store, OTHER, [4]).await;
    assert_eq!(heard(&mut listener, unit).await, News::Unit { unit: OTHER, last_seq: 1 });
    store.add_account(&account("a")).await.expect("add");
    heard(&mut listener, |news| *news == News::Directory).await;
    store.put_units(&[], &[]).await.expect("units");
    heard(&mut listener, |news| *news == News::Directory).await;
    store.revoke_device(DEVICE, Timestamp(1)).await.expect("revoke");
    heard(&mut listener, |news| *news == News::Sessions).await;
}
