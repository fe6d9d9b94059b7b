//! A day in the field, and a phone with nothing to say.

use zoufang_core::{
    record::{Kind, Patch, Value},
    sync::session::{PUSH_BYTES_MAX, Phase},
};
use zoufang_tests::made::{self, Dice};

use crate::{device, fill, home, server};

#[test]
fn a_day_in_the_field_goes_up_in_one_small_request() {
    let server = server();
    let mut village = device(&server.url(), "village");
    let people = fill(&mut village, 40, 0, 1);
    village.sync().unwrap();
    let (unit, user, mut dice) = (home(&village), village.phone().account().unwrap().user, Dice::new(2));
    for person in &people {
        village.create(Kind::Visit, unit, made::visit(&mut dice, *person, user)).unwrap();
    }
    for (number, person) in people.iter().take(10).enumerate() {
        let patch = Patch::set("address", Value::Text(format!("新{number}组")));
        village.edit(*person, Vec::new(), patch).unwrap();
    }
    assert_eq!(village.phone().waiting(), 50);
    let sync = village.sync().unwrap();
    assert_eq!((sync.requests, sync.phase, village.phone().waiting()), (1, Phase::Idle, 0));
    assert!(sync.up_bytes <= 15 * 1024, "{} bytes up", sync.up_bytes);
}

#[test]
fn a_phone_with_nothing_to_say_says_it_in_one_small_request() {
    let server = server();
    let mut village = device(&server.url(), "village");
    fill(&mut village, 50, 3, 3);
    village.sync().unwrap();
    let sync = village.sync().unwrap();
    assert_eq!((sync.requests, sync.phase), (1, Phase::Idle));
    assert!(sync.up_bytes < 300 && sync.down_bytes < 300, "{sync:?}");
}

#[test]
fn a_first_sync_brings_everything_in_few_requests() {
    let server = server();
    let mut village = device(&server.url(), "village");
    fill(&mut village, 100, 4, 4);
    village.sync().unwrap();
    let mut township = device(&server.url(), "township");
    let sync = township.sync().unwrap();
    assert_eq!(sync.requests, 1);
    assert!(sync.down_bytes < 500 * 120, "{} bytes down", sync.down_bytes);
    assert_eq!(township.phone().rows().count(), 500);
    assert_eq!(township.phone().held(home(&village)), village.phone().held(home(&village)));
    // What memory says is what a restart reads.
    township.restart();
    assert_eq!(township.phone().rows().count(), 500);
}

#[test]
fn more_than_one_request_takes_goes_in_one_sync() {
    let server = server();
    let mut village = device(&server.url(), "village");
    fill(&mut village, 300, 6, 5);
    assert_eq!(village.phone().waiting(), 2_100);
    let bytes: usize = village.phone().outbox().map(|row| row.raw.len() + 64).sum();
    let sync = village.sync().unwrap();
    assert_eq!((sync.phase, village.phone().waiting()), (Phase::Idle, 0));
    assert_eq!(sync.requests, bytes.div_ceil(PUSH_BYTES_MAX), "each is full but the last: {sync:?}");
}
