//! Two server processes over one PostgreSQL: what one takes in, the other gives out, and tells of at once.

use std::{collections::BTreeMap, time::Duration};

use zoufang_core::{
    record::UnitId,
    sync::session::{Failure, Phase},
};
use zoufang_server::store::postgres::cluster::Cluster;
use zoufang_tests::{Device, News, Server, server::PASSWORD};

use crate::{ACCOUNTS, TOWNSHIP, device, fill, held, home};

/// A loaded machine is slow; the news themselves take milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two processes over a new database.
fn two() -> (Server, Server) {
    let cluster = Cluster::shared();
    let url = cluster.url(&cluster.database().unwrap());
    (Server::start_on(Some(&url), &ACCOUNTS).unwrap(), Server::start_on(Some(&url), &[]).unwrap())
}

fn news(server: &Server, device: &Device) -> News {
    let account = device.phone().account().unwrap();
    News::open(&server.url(), account.token.as_deref().unwrap()).unwrap()
}

#[test]
fn news_cross_from_one_process_to_the_other() {
    let (one, two) = two();
    let mut village = device(&one.url(), "village");
    let mut township = device(&two.url(), "township");
    let unit = home(&village);
    let (above, below) = (news(&two, &township), news(&one, &village));
    for round in 1..=3 {
        let made = fill(&mut village, 2, 1, round);
        village.sync().unwrap();
        let mut seqs = BTreeMap::new();
        while unit.logs().any(|log| seqs.get(&log).copied().unwrap_or(0) < village.phone().held(log).1) {
            let (told, seq) = above.next(PATIENCE).unwrap().unwrap();
            assert_eq!(UnitId(told).unit(), unit);
            seqs.insert(UnitId(told), seq);
        }
        township.sync().unwrap();
        for doc in made {
            assert_eq!(township.open(doc).unwrap().heads(), village.open(doc).unwrap().heads());
        }
        assert_eq!(held(&township, unit), held(&village, unit));
        let (told, _) = below.next(PATIENCE).unwrap().unwrap();
        assert_eq!(UnitId(told).unit(), unit, "who pushed hears it, too, and finds nothing new");
    }
    assert_eq!(village.sync().unwrap().phase, Phase::Idle);
}

#[test]
fn a_phone_goes_on_with_the_process_that_is_left() {
    let (mut one, two) = two();
    let mut village = device(&one.url(), "village");
    let made = fill(&mut village, 3, 1, 80);
    village.sync().unwrap();
    let listening = news(&one, &village);
    one.kill();
    while listening.next(PATIENCE).unwrap().is_some() {}
    fill(&mut village, 1, 1, 81);
    assert_eq!(village.sync().unwrap().phase, Phase::Failed(Failure::Unreachable));
    // The session is in the database, not in the process.
    village.move_to(&two.url());
    assert_eq!(village.sync().unwrap().phase, Phase::Idle);
    assert_eq!(village.phone().waiting(), 0);
    let fresh = device(&two.url(), "village");
    assert_eq!(fresh.phone().held(home(&village)), village.phone().held(home(&village)));
    assert!(made.iter().all(|doc| fresh.open(*doc).is_ok()));
}

#[test]
fn an_account_that_one_process_adds_is_known_to_all() {
    let (one, two) = two();
    let mut township = device(&two.url(), "township");
    assert!(Device::new(&two.url()).sign_in("later", PASSWORD).is_err());
    one.add_user("later", "township_worker", TOWNSHIP).unwrap();
    assert!(Device::new(&two.url()).sign_in("later", PASSWORD).is_ok());
    township.sync().unwrap();
    let names: Vec<&str> = township.phone().directory().users.iter().map(|user| user.name.as_str()).collect();
    assert!(names.contains(&"later"), "{names:?}");
}

#[test]
fn a_revoked_session_ends_its_stream_in_every_process() {
    let (one, two) = two();
    let village = device(&one.url(), "village");
    let listening = news(&two, &village);
    let token = village.phone().account().unwrap().token.clone().unwrap();
    ureq::post(format!("{}/api/v1/sign-out", one.url()))
        .header("authorization", format!("Bearer {token}"))
        .send_empty()
        .unwrap();
    while listening.next(PATIENCE).unwrap().is_some() {}
}

#[test]
fn a_server_with_open_streams_stops_at_once() {
    let (mut one, _two) = two();
    let village = device(&one.url(), "village");
    let listening = news(&one, &village);
    assert!(one.stop(Duration::from_secs(8)).unwrap(), "it would wait ten seconds for an open stream");
    while listening.next(PATIENCE).unwrap().is_some() {}
}
