//! Rows, blocks and segments that went bad on the disk.
use super::{
    super::*,
    controls::{OTHER, agrees, in_units, set},
    harness::{Device, Server, UNIT, doc},
};

/// What a phone shows of each document, and where it says it lies.
fn shown(device: &Device) -> Vec<(Row, Vec<SegmentId>)> {
    device.phone.places.values().map(|place| (Row::clone(&place.row), place.segments.clone())).collect()
}

/// The app starts on the disk as it is now, and makes its rows anew.
fn start_anew(device: &mut Device) {
    device.phone = device.disk.phone();
    let keys: Vec<String> = device.disk.table(Table::Log).into_iter().map(|(key, _)| key).collect();
    let ids: Vec<SegmentId> = keys.iter().map(|key| SegmentId::of_key(key).unwrap()).collect();
    assert!(keys.iter().eq(ids.iter().map(ToString::to_string).collect::<Vec<_>>().iter()));
    let segments = device.disk.segments(ids);
    let plan = device.phone.plan_rows_anew(&segments);
    assert!(device.run(plan).wake);
}

/// A phone with rows in blocks and by themselves, and with edits that wait, also of a new record.
fn worked() -> (Device, Server) {
    let mut server = Server::default();
    let (mut writer, mut device) = (in_units(2, &[UNIT]), in_units(1, &[UNIT, OTHER]));
    for number in 1..=40 {
        writer.set(doc(number), "name", "张伟");
    }
    server.sync(&mut writer);
    server.sync(&mut device);
    set(&mut writer, 3, "address", "东街");
    server.sync(&mut writer);
    server.sync(&mut device);
    set(&mut device, 5, "address", "西街");
    device.set(doc(99), "name", "新来的");
    assert!(!device.phone.blocks.is_empty() && device.phone.waiting() == 2);
    (device, server)
}

#[test]
fn rows_that_went_bad_are_made_anew_from_the_log_and_the_outbox() {
    let (mut device, mut server) = worked();
    let before = shown(&device);
    for table in [Table::Row, Table::Block] {
        let keys: Vec<String> = device.disk.table(table).into_iter().map(|(key, _)| key).collect();
        for key in keys {
            // As a row that cannot be opened is read.
            device.disk.0.insert((table, key), Vec::new());
        }
    }
    start_anew(&mut device);
    assert_eq!(shown(&device), before);
    assert_eq!(device.phone.waiting(), 2);
    server.sync(&mut device);
    agrees(&device, &server, &[UNIT]);
    assert_eq!(device.phone.outbox().count(), 0);
}

#[test]
fn one_bad_row_does_not_leave_an_older_one_of_a_block_in_its_place() {
    let (mut device, _) = worked();
    let before = shown(&device);
    device.disk.0.insert((Table::Row, doc(3).to_string()), Vec::new());
    let stale = device.disk.phone();
    assert_ne!(stale.places[&doc(3)].segments, device.phone.places[&doc(3)].segments, "an older row");
    start_anew(&mut device);
    assert_eq!(shown(&device), before);
    assert_eq!(device.open(doc(3)).entries().text("address").as_deref(), Some("东街"));
}

#[test]
fn what_cannot_be_read_of_the_log_either_is_fetched_again() {
    let (mut device, mut server) = worked();
    server.sync(&mut device);
    let before: Vec<DocId> = device.phone.places.keys().copied().collect();
    for table in [Table::Block, Table::Log] {
        let key = device.disk.table(table).into_iter().next().unwrap().0;
        device.disk.0.insert((table, key), Vec::new());
    }
    start_anew(&mut device);
    assert!(device.phone.places.len() < before.len());
    for _ in 0..6 {
        server.sync(&mut device);
    }
    assert_eq!(device.phone.places.keys().copied().collect::<Vec<_>>(), before);
    agrees(&device, &server, &[UNIT]);
    for id in before {
        assert!(device.open(id).entries().text("name").is_some());
    }
}
