//! Edits that are made again on a document that began anew.
use super::{
    controls::{OTHER, agrees, in_units, set},
    harness::{Server, UNIT, doc},
};
use crate::{
    record::{Patch, Value},
    sync::{session::Commit, wire::Verdict},
};

#[test]
fn unsent_edits_are_made_again_on_a_document_that_began_anew() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "张伟");
    set(&mut a, 1, "address", "to be forgotten");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    set(&mut b, 1, "residence", "away");
    set(&mut b, 1, "away_place", "沈阳");
    server.re_root(doc(1), "address");
    server.sync(&mut a);
    assert_eq!(a.open(doc(1)).entries().text("address"), None);
    assert_eq!(a.open(doc(1)).raw_changes().len(), 1);
    agrees(&a, &server, &[UNIT]);
    // b pushes both edits on the old history: refused, made again on the new one, and accepted in the next round.
    server.sync(&mut b);
    assert_eq!(b.phone.waiting(), 2);
    assert_eq!(b.open(doc(1)).entries().text("away_place").as_deref(), Some("沈阳"));
    server.sync(&mut b);
    server.sync(&mut a);
    assert_eq!(b.phone.outbox().count(), 0);
    for device in [&a, &b] {
        let entries = device.open(doc(1)).entries();
        let told = ["name", "address", "residence", "away_place"].map(|key| entries.text(key));
        assert_eq!(told.each_ref().map(Option::as_deref), [Some("张伟"), None, Some("away"), Some("沈阳")]);
        agrees(device, &server, &[UNIT]);
    }
    assert_eq!(a.open(doc(1)).heads(), b.open(doc(1)).heads());
}

#[test]
fn a_beginning_that_was_left_behind_does_not_come_back_with_its_receipt() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    server.sync(&mut a);
    a.set(doc(1), "name", "张伟");
    set(&mut a, 1, "address", "一组");
    // The answer is lost, the document begins anew, and another writes over what it says.
    let pushed = a.outgoing();
    server.push(&pushed);
    server.re_root(doc(1), "");
    server.sync(&mut b);
    set(&mut b, 1, "name", "张玮");
    server.sync(&mut b);
    a.take_page(server.page(UNIT, 0, &[]));
    a.take_end();
    assert_eq!(a.outgoing().hashes, pushed.hashes, "the server says whether it had them");
    let known = pushed.hashes.into_iter().map(|hash| (hash, Verdict::Duplicate(0)));
    a.take(&Commit::Verdicts(known.collect()));
    assert_eq!(a.phone.outbox().count(), 0);
    assert_eq!(a.open(doc(1)).values("name"), [Value::Text("张玮".into())]);
    assert_eq!(a.open(doc(1)).entries().text("address").as_deref(), Some("一组"));
    agrees(&a, &server, &[UNIT]);
}

#[test]
fn an_edit_that_is_made_again_replaces_only_what_its_author_saw() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "张伟");
    set(&mut a, 1, "birth", "1950");
    set(&mut a, 1, "address", "一组");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    set(&mut b, 1, "name", "张玮");
    let mut patch = Patch::set("birth", Value::Text("1951".into()));
    patch.0.insert("address".into(), None);
    b.edit(doc(1), patch);
    set(&mut b, 1, "birth", "1952");
    set(&mut a, 1, "birth", "1949");
    set(&mut a, 1, "address", "二组");
    server.sync(&mut a);
    server.re_root(doc(1), "");
    for _ in 0..2 {
        server.sync(&mut b);
        server.sync(&mut a);
    }
    for device in [&a, &b] {
        assert_eq!(device.phone.outbox().count(), 0);
        let document = device.open(doc(1));
        assert_eq!(
            document.values("name"),
            [Value::Text("张玮".into())],
            "the one that was seen is replaced"
        );
        let mut births = document.values("birth");
        births.sort();
        assert_eq!(births, ["1949", "1952"].map(|year| Value::Text(year.into())), "both stand");
        assert_eq!(document.entries().text("address").as_deref(), Some("二组"), "not seen, not taken away");
        agrees(device, &server, &[UNIT]);
    }
}

#[test]
fn of_two_edits_that_are_made_again_beside_neither_replaces_the_other_unless_its_author_saw_it() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "张伟");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    let heads = a.open(doc(1)).heads();
    let name = |text: &str| Patch::set("name", Value::Text(text.into()));
    a.edit_on(doc(1), heads.clone(), name("one"));
    a.edit_on(doc(1), heads, name("not having seen it"));
    let both = a.open(doc(1)).heads();
    a.edit_on(doc(1), both, Patch::set("address", Value::Text("of both".into())));
    let chosen = a.open(doc(1)).heads();
    a.edit_on(doc(1), chosen, name("one"));
    set(&mut b, 1, "name", "another's");
    server.sync(&mut b);
    server.re_root(doc(1), "no key");
    for _ in 0..3 {
        server.sync(&mut a);
    }
    server.sync(&mut b);
    for device in [&a, &b] {
        let mut names = device.open(doc(1)).values("name");
        names.sort();
        let left = ["another's", "one"].map(|name| Value::Text(name.into()));
        assert_eq!(names, left, "what the author chose, and what nobody here saw");
        assert_eq!(device.open(doc(1)).entries().text("address").as_deref(), Some("of both"));
    }
    agrees(&a, &server, &[UNIT]);
}

#[test]
fn what_is_made_again_beside_can_be_taken_back_by_a_later_edit() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "张伟");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    set(&mut a, 1, "address", "first");
    let heads = a.open(doc(1)).heads();
    let mut nothing = Patch::default();
    nothing.0.insert("address".into(), None);
    a.edit_on(doc(1), heads, nothing);
    set(&mut b, 1, "address", "another's");
    server.sync(&mut b);
    server.re_root(doc(1), "no key");
    for _ in 0..3 {
        server.sync(&mut a);
    }
    assert_eq!(a.open(doc(1)).values("address"), [Value::Text("another's".into())]);
    agrees(&a, &server, &[UNIT]);
}

#[test]
fn what_an_author_saw_is_known_also_where_the_document_went_away_and_came_back() {
    let mut server = Server::default();
    let mut a = in_units(1, &[UNIT]);
    a.set(doc(1), "name", "张伟");
    set(&mut a, 1, "address", "一组");
    server.sync(&mut a);
    let heads = a.open(doc(1)).heads();
    let mut nothing = Patch::default();
    nothing.0.insert("address".into(), None);
    a.edit_on(doc(1), heads, nothing);
    server.move_to(doc(1), OTHER);
    let page = server.page(UNIT, a.phone.meta.cursors[&UNIT].seq, &[]);
    a.take_page(page);
    assert!(!a.phone.places.contains_key(&doc(1)));
    server.re_root(doc(1), "no key");
    server.move_to(doc(1), UNIT);
    for _ in 0..3 {
        server.sync(&mut a);
    }
    assert_eq!((a.phone.waiting(), a.phone.refused().count()), (0, 0));
    assert_eq!(a.open(doc(1)).entries().text("address"), None, "it was seen, and taken away");
    agrees(&a, &server, &[UNIT]);
}
