//! Tests over the whole path without a browser: real devices of the core, a real server process, a line that is cut. They
//! assert counts, bytes, order and state; timings stand in the bench.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod at_rest;
mod failover;
mod field;
mod lan;
mod line;
mod meeting;
mod overload;
mod parcels;
mod processes;
mod unread;
mod unsealed;

use std::{
    thread,
    time::{Duration, Instant},
};

use zoufang_core::record::{DocId, Kind, UnitId};
use zoufang_core::sync::digest::Digest;
use zoufang_tests::{
    Device, Server,
    made::{self, Dice},
    server::PASSWORD,
};

/// 朝阳寺村 of 上园镇, and the township.
const VILLAGE: &str = "211381103201";
const TOWNSHIP: &str = "211381103000";

const ACCOUNTS: [(&str, &str, &str); 2] =
    [("village", "village_worker", VILLAGE), ("township", "township_worker", TOWNSHIP)];

const PATIENCE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(100);

/// Tries until it works.
fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(done) = attempt() {
            return done;
        }
        assert!(Instant::now() < deadline, "{what}: in vain");
        thread::sleep(AGAIN);
    }
}

fn server() -> Server {
    Server::start(&ACCOUNTS).unwrap()
}

/// A device that is signed in and has synced.
fn device(base: &str, user: &str) -> Device {
    let mut device = Device::new(base);
    device.sign_in(user, PASSWORD).unwrap();
    device.sync().unwrap();
    device
}

fn home(device: &Device) -> UnitId {
    device.phone().account().unwrap().unit
}

/// Digest and number of what a device holds of a unit, in all its logs.
fn held(device: &Device, unit: UnitId) -> (Digest, u64) {
    unit.logs()
        .map(|log| device.phone().held(log))
        .fold((Digest::default(), 0), |(digest, count), (other, more)| (digest.and(other), count + more))
}

/// Makes people and as many visits to each, without syncing.
fn fill(device: &mut Device, people: usize, visits: usize, seed: u64) -> Vec<DocId> {
    let (unit, user) = (home(device), device.phone().account().unwrap().user);
    let mut dice = Dice::new(seed);
    let mut made = Vec::new();
    for _ in 0..people {
        let person = device.create(Kind::Person, unit, made::person(&mut dice)).unwrap();
        made.push(person);
        for _ in 0..visits {
            made.push(device.create(Kind::Visit, unit, made::visit(&mut dice, person, user)).unwrap());
        }
    }
    made
}
