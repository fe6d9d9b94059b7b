//! What was saved is delivered while nobody is signed in, and the phone's next sync finds it there.

use zoufang_core::{
    record::Kind,
    sync::{parcel::Fate, session::Phase},
};
use zoufang_tests::made::{self, Dice};

use crate::{device, fill, held, home, server};

#[test]
fn a_day_is_delivered_without_a_session_and_read_by_the_township() {
    let server = server();
    let mut village = device(&server.url(), "village");
    let people = fill(&mut village, 20, 0, 1);
    village.sync().unwrap();
    village.introduce().unwrap();
    let (unit, user, mut dice) = (home(&village), village.phone().account().unwrap().user, Dice::new(2));
    for person in &people {
        village.create(Kind::Visit, unit, made::visit(&mut dice, *person, user)).unwrap();
    }
    // The app was closed and opened meanwhile.
    village.restart();
    for _ in 0..2 {
        assert_eq!(village.deliver().unwrap(), vec![Fate::Stored; 20]);
    }
    let mut township = device(&server.url(), "township");
    township.sync().unwrap();
    assert_eq!(township.phone().rows().count(), 40);
    assert_eq!(village.phone().waiting(), 20, "the receipts come with a sync");
    let sync = village.sync().unwrap();
    assert_eq!((sync.requests, sync.phase, village.phone().waiting()), (1, Phase::Idle, 0));
    assert_eq!(held(&village, unit), held(&township, unit));
    assert_eq!(village.deliver().unwrap(), []);
}
