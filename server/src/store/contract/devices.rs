//! The part of the suite about what is known of devices.

use zoufang_core::record::{DeviceId, Kind, Timestamp, UserId};

use super::{DEVICE, OTHER, UNIT, account, doc, hash};
use crate::store::{Device, Late, Store};

/// A user's code is good once, until it expires, and a later one takes its place.
pub async fn a_code_is_taken_once(store: &dyn Store) {
    let (user, other) = (UserId(1), UserId(2));
    let (first, second) = ([1; 32], [2; 32]);
    assert!(!store.take_enrol_code(user, first, Timestamp(1)).await.expect("none"));
    store.put_enrol_code(user, first, Timestamp(10)).await.expect("put");
    assert!(!store.take_enrol_code(user, second, Timestamp(1)).await.expect("wrong"));
    assert!(!store.take_enrol_code(other, first, Timestamp(1)).await.expect("of another"));
    assert!(!store.take_enrol_code(user, first, Timestamp(10)).await.expect("too late"));
    assert!(store.take_enrol_code(user, first, Timestamp(9)).await.expect("in time"));
    assert!(!store.take_enrol_code(user, first, Timestamp(9)).await.expect("used"));
    store.put_enrol_code(user, first, Timestamp(10)).await.expect("put");
    store.put_enrol_code(user, second, Timestamp(20)).await.expect("another");
    assert!(!store.take_enrol_code(user, first, Timestamp(1)).await.expect("the one before"));
    let both = futures_util::future::join(
        store.take_enrol_code(user, second, Timestamp(1)),
        store.take_enrol_code(user, second, Timestamp(1)),
    );
    let (one, two) = both.await;
    assert_ne!(one.expect("one"), two.expect("two"), "one of two gets it");
}

/// Contact and wiping are kept for each device, and what a revoked one brought waits in its order until it is taken or let go.
pub async fn devices_are_listed_with_what_they_brought_late(store: &dyn Store) {
    let user = store.add_account(&account("a")).await.expect("add");
    let second = DeviceId(7);
    for id in [DEVICE, second] {
        let device = Device {
            id,
            user,
            label: "手机".to_owned(),
            enrolled_at: Timestamp(1),
            revoked_at: None,
            former: Vec::new(),
        };
        store.add_device(&device).await.expect("device");
    }
    store.touch_devices(&[(second, Timestamp(5))]).await.expect("touch");
    store
        .touch_devices(&[(second, Timestamp(6)), (DeviceId(99), Timestamp(6))])
        .await
        .expect("one that is not there");
    store.revoke_device(second, Timestamp(7)).await.expect("revoke");
    for at in [8, 9] {
        store.put_wiped(second, Timestamp(at)).await.expect("wiped");
    }
    let late = |number: u8, document: u8, unit, at| Late {
        device: second,
        doc: doc(document),
        kind: Kind::Visit,
        unit,
        hash: hash(number),
        raw: vec![number; 3],
        received_at: Timestamp(at),
    };
    // The hashes are not in the order in which they came.
    let first = [late(9, 1, UNIT, 10), late(3, 1, UNIT, 10), late(5, 2, OTHER, 10)];
    store.put_late(&first).await.expect("put");
    store.put_late(&[late(3, 1, UNIT, 12), late(4, 1, UNIT, 12)]).await.expect("put again");
    let all = [&first[..], &[late(4, 1, UNIT, 12)]].concat();
    assert_eq!(store.late().await.expect("late"), all);
    let lines = store.devices().await.expect("devices");
    assert_eq!(lines.len(), 2);
    let line = lines.iter().find(|line| line.device.id == second).expect("there");
    assert_eq!((line.seen_at, line.wiped_at, line.late), (Some(Timestamp(6)), Some(Timestamp(8)), 4));
    assert_eq!(line.device.revoked_at, Some(Timestamp(7)));
    let line = lines.iter().find(|line| line.device.id == DEVICE).expect("there");
    assert_eq!((line.seen_at, line.wiped_at, line.late), (None, None, 0));
    store.remove_late(second, &[hash(9), hash(3), hash(4)]).await.expect("remove");
    store.remove_late(DEVICE, &[hash(5)]).await.expect("of another device");
    assert_eq!(store.late().await.expect("late"), first[2..]);
    // What is erased is erased here, too.
    let mut tx = store.begin().await.expect("begin");
    tx.put_erasure(doc(2), OTHER, 1, Timestamp(20)).await.expect("erase");
    tx.commit().await.expect("commit");
    assert_eq!(store.late().await.expect("late"), []);
}
