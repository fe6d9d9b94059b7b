//! The part of the suite about phones that ask to be let in.

use zoufang_core::record::{DeviceId, Timestamp, UserId};
use zoufang_core::seal::PublicKey;

use super::{DEVICE, account};
use crate::store::{Device, Recovery, Store};

async fn enrol(store: &dyn Store, user: UserId, id: DeviceId) {
    let (label, former) = ("手机".to_owned(), Vec::new());
    let device = Device { id, user, label, enrolled_at: Timestamp(1), revoked_at: None, former };
    store.add_device(&device).await.expect("device");
}

fn asked(device: DeviceId, number: u8, at: i64) -> Recovery {
    Recovery { device, request: vec![number; 90], asked_at: Timestamp(at), answer: None }
}

/// The recovery key is what was set last, also none, and each change is seen in the version.
pub async fn a_recovery_key_is_told(store: &dyn Store) {
    assert_eq!(store.recovery_key().await.expect("key"), None);
    for key in [Some(PublicKey([1; 32])), Some(PublicKey([2; 32])), None] {
        let before = store.directory_version().await.expect("version");
        store.put_recovery_key(key).await.expect("put");
        assert_eq!(store.recovery_key().await.expect("key"), key);
        assert!(store.directory_version().await.expect("version") > before);
    }
    assert_eq!(store.sync_key().await.expect("key"), None, "another key");
}

/// A phone has one request, which is answered as it was made, until it is taken back or too old.
pub async fn a_phone_that_asks_is_answered(store: &dyn Store) {
    let user = store.add_account(&account("a")).await.expect("add");
    let second = DeviceId(7);
    for id in [DEVICE, second] {
        enrol(store, user, id).await;
    }
    let (first, other) = (asked(DEVICE, 1, 5), asked(second, 2, 4));
    for recovery in [&first, &other] {
        store.put_recovery(recovery).await.expect("put");
    }
    assert_eq!(store.recoveries().await.expect("all"), [other.clone(), first.clone()]);
    assert!(store.answer_recovery(DEVICE, &first.request, &[9; 80]).await.expect("answer"));
    let answered = Recovery { answer: Some(vec![9; 80]), ..first.clone() };
    assert_eq!(store.recovery(DEVICE).await.expect("answered"), Some(answered));
    assert_eq!(store.recovery(second).await.expect("not this one"), Some(other.clone()));
    // Another request takes the place of the first one, and an answer to that comes too late.
    let again = asked(DEVICE, 3, 6);
    store.put_recovery(&again).await.expect("again");
    assert!(!store.answer_recovery(DEVICE, &first.request, &[8; 80]).await.expect("too late"));
    assert_eq!(store.recovery(DEVICE).await.expect("again"), Some(again.clone()));
    store.forget_recoveries(Timestamp(4)).await.expect("forget");
    assert_eq!(store.recoveries().await.expect("all"), [again]);
    store.remove_recovery(DEVICE).await.expect("remove");
    assert_eq!(store.recovery(DEVICE).await.expect("none"), None);
    assert!(!store.answer_recovery(DEVICE, &[3; 90], &[8; 80]).await.expect("taken back"));
}

/// With a phone that is ended goes its request, and it makes no other one.
pub async fn a_phone_that_is_ended_asks_nothing(store: &dyn Store) {
    let user = store.add_account(&account("a")).await.expect("add");
    let second = DeviceId(7);
    for id in [DEVICE, second] {
        enrol(store, user, id).await;
        store.put_recovery(&asked(id, 1, 5)).await.expect("put");
    }
    store.revoke_device(DEVICE, Timestamp(6)).await.expect("revoke");
    store.put_recovery(&asked(DEVICE, 2, 7)).await.expect("put");
    store.put_recovery(&asked(DeviceId(99), 2, 7)).await.expect("of nobody");
    assert_eq!(store.recoveries().await.expect("all"), [asked(second, 1, 5)]);
}
