//! A log that differs from the server's is mended by what is missing alone.
use super::{
    super::*,
    harness::{Device, Entry, Server, UNIT, doc, hash_of},
};
use crate::sync::{
    session::{Asked, Commit},
    wire::PROBES_MAX,
};

fn filled() -> (Device, Server) {
    let (mut a, mut server) = (Device::new(1), Server::default());
    a.take(&Commit::Scope(vec![(UNIT, 0)]));
    for number in 1..=50 {
        a.set(doc(number), "name", "张伟");
    }
    server.sync(&mut a);
    assert_eq!(a.phone.held(UNIT), server.state(UNIT));
    (a, server)
}

fn settle(device: &mut Device, server: &mut Server) -> usize {
    let mut rounds = 0;
    while device.phone.is_repairing() || device.phone.waiting() > 0 {
        server.sync(device);
        rounds += 1;
        assert!(rounds < 10, "a repair ends");
    }
    rounds
}

#[test]
fn a_segment_that_went_bad_is_fetched_again_and_nothing_else() {
    let (mut a, mut server) = filled();
    let (key, bytes) = a
        .disk
        .0
        .iter()
        .find(|((table, _), _)| *table == Table::Log)
        .map(|(key, bytes)| (key.clone(), bytes.clone()))
        .unwrap();
    // Bits of one change flip on the disk.
    let middle = bytes.len() / 2;
    let mut bad = bytes.clone();
    bad[middle] ^= 0xff;
    bad[middle + 1] ^= 0xff;
    a.disk.0.insert(key.clone(), bad);
    let broken: Vec<DocId> = (1..=50)
        .map(doc)
        .filter(|doc| {
            let segments = a.disk.segments(a.phone.segments_of(*doc));
            !matches!(a.phone.document(*doc, &segments), Ok(Some((document, _))) if !document.is_empty())
        })
        .collect();
    assert!(!broken.is_empty());
    let segments = a.disk.segments(a.phone.segments_of_unit(UNIT));
    let plan = a.phone.plan_recount(UNIT, &segments);
    assert!(a.run(plan).wake);
    assert_ne!(a.phone.held(UNIT), server.state(UNIT), "counted by what can be read");
    assert_eq!(settle(&mut a, &mut server), 2, "one round to compare, one to fetch");
    assert_eq!(a.phone.held(UNIT), server.state(UNIT));
    for number in 1..=50 {
        assert_eq!(a.open(doc(number)).entries().text("name").as_deref(), Some("张伟"));
    }
}

#[test]
fn what_a_server_lost_without_a_word_is_offered_again() {
    let (mut a, mut server) = filled();
    let lost = server.items(UNIT)[7].clone();
    for entry in server.logs.get_mut(&UNIT).into_iter().flatten() {
        if matches!(entry, Entry::Change(item) if hash_of(item) == hash_of(&lost)) {
            *entry = Entry::Hole;
        }
    }
    server.sync(&mut a);
    assert!(a.phone.is_repairing());
    settle(&mut a, &mut server);
    assert_eq!((a.phone.held(UNIT), server.items(UNIT).len()), (server.state(UNIT), 50));
}

#[test]
fn a_difference_that_cannot_be_mended_is_tried_once_whatever_else_comes() {
    let (mut a, mut server) = filled();
    // The server lacks what another device wrote: this phone may not offer that.
    let mut b = Device::new(2);
    server.sync(&mut b);
    for entry in server.logs.get_mut(&UNIT).into_iter().flatten().take(1) {
        *entry = Entry::Hole;
    }
    server.sync(&mut b);
    assert!(b.phone.is_repairing());
    settle(&mut b, &mut server);
    server.sync(&mut b);
    assert!(!b.phone.is_repairing(), "once");
    assert_eq!(b.phone.places.len(), 50, "and nothing is deleted");
    b.set(doc(60), "name", "李强");
    server.sync(&mut b);
    a.set(doc(61), "name", "王芳");
    server.sync(&mut a);
    server.sync(&mut b);
    assert_eq!(
        (b.phone.places.len(), b.phone.is_repairing()),
        (52, false),
        "what both have is no difference"
    );
    // The phone that wrote it brings it back, and then the logs are the same.
    server.sync(&mut a);
    settle(&mut a, &mut server);
    server.sync(&mut b);
    assert_eq!(b.phone.held(UNIT), server.state(UNIT));
}

#[test]
fn a_comparison_goes_on_as_long_as_it_gets_anywhere() {
    let mut meta = stored::SyncMeta::default();
    meta.begin_repair(UNIT);
    meta.repairs[0].prefixes = (0..=u8::MAX).map(|byte| vec![byte].into()).collect();
    meta.repairs[0].wants = vec![ChangeHash([7; 32])];
    for part in (0..=u8::MAX).collect::<Vec<_>>().chunks(PROBES_MAX) {
        let ranges = part.iter().map(|byte| (UNIT, vec![*byte])).collect();
        meta.end_round(&Asked { ranges, ..Asked::default() });
        assert_eq!(meta.repairs.len(), 1, "something is still to be asked for");
    }
    assert!(meta.repairs[0].prefixes.is_empty());
    let mut rounds = 0;
    while !meta.repairs.is_empty() {
        meta.end_round(&Asked::default());
        rounds += 1;
        assert!(rounds < 20, "what does not come is let be");
    }
    assert!(rounds > 1);
}
