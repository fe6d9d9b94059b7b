//! Two devices that changed the same record without knowing of each other.

use zoufang_core::record::{Patch, Value};

use crate::{device, fill, home, server};

#[test]
fn both_values_are_kept_until_a_person_chooses() {
    let server = server();
    let mut village = device(&server.url(), "village");
    let person = fill(&mut village, 1, 0, 60)[0];
    village.sync().unwrap();
    let mut township = device(&server.url(), "township");
    let set = |value: &str| Patch::set("phone/01A.number", Value::Text(value.to_owned()));

    village.edit(person, Vec::new(), set("15411112222")).unwrap();
    township.edit(person, Vec::new(), set("15433334444")).unwrap();
    township.edit(person, Vec::new(), Patch::set("address", Value::Text("十一组".into()))).unwrap();
    township.sync().unwrap();
    village.sync().unwrap();
    township.sync().unwrap();

    let heads = village.open(person).unwrap().heads();
    assert_eq!(heads.len(), 2);
    for device in [&village, &township] {
        let document = device.open(person).unwrap();
        assert_eq!(document.heads(), heads);
        assert_eq!(document.entries().text("address").as_deref(), Some("十一组"));
        let conflicts = document.conflicts();
        assert_eq!((conflicts.len(), conflicts[0].claims.len()), (1, 2));
        assert!(conflicts[0].claims.iter().all(|claim| claim.author.is_some()), "who wrote it is known");
        let row = device.phone().rows().find(|row| row.doc == person).unwrap();
        assert_eq!((row.conflicts, &row.heads), (1, &heads));
    }

    township.edit(person, heads, set("15411112222")).unwrap();
    township.sync().unwrap();
    village.sync().unwrap();
    for device in [&village, &township] {
        let document = device.open(person).unwrap();
        assert!(document.conflicts().is_empty());
        assert_eq!(document.entries().text("phone/01A.number").as_deref(), Some("15411112222"));
        assert_eq!(document.history_of("phone/01A.number").len(), 4, "nothing vanished");
    }
    assert_eq!(village.phone().held(home(&village)), township.phone().held(home(&village)));
}

#[test]
fn a_village_does_not_write_in_another_unit() {
    let server = server();
    let mut village = device(&server.url(), "village");
    let elsewhere = zoufang_core::record::UnitId(home(&village).0 + 1);
    let mut dice = zoufang_tests::made::Dice::new(70);
    let kind = zoufang_core::record::Kind::Person;
    let doc = village.create(kind, elsewhere, zoufang_tests::made::person(&mut dice)).unwrap();
    village.sync().unwrap();
    // Refused, readable, and not in the record any more.
    assert_eq!(village.phone().waiting(), 0);
    assert_eq!(village.phone().outbox().count(), 1);
    assert!(village.phone().rows().all(|row| row.doc != doc));
}
