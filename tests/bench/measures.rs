//! The measures that need no browser: real devices of the core against the release server over loopback.
#![expect(clippy::cast_precision_loss, reason = "figures of a table")]

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use zoufang_core::{
    record::{DocId, Kind, Patch, Value},
    sync::session::Phase,
};
use zoufang_tests::{
    Device, Server, Sync,
    made::{self, Dice},
    server::PASSWORD,
};

use crate::report::Report;

const TOWNSHIP: &str = "211381103000";
const VILLAGE: &str = "211381103201";
const VISITS_A_PERSON: usize = 4;
/// Changes in one sync while filling: as many as one request takes.
const BATCH: usize = 1_500;
const ROUNDS: usize = 5;

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn start() -> Result<Server> {
    Server::start(&[("village", "village_worker", VILLAGE), ("sy", "township_worker", TOWNSHIP)])
}

fn signed_in(server: &Server, user: &str) -> Result<Device> {
    let mut device = Device::new(&server.url());
    device.sign_in(user, PASSWORD)?;
    Ok(device)
}

fn whole(sync: &Sync) -> Result<()> {
    ensure!(sync.phase == Phase::Idle, "a sync ended with {:?}", sync.phase);
    Ok(())
}

/// 40 visits and 10 edits, saved without signal, then one sync.
pub(crate) fn day_in_the_field(report: &mut Report) -> Result<()> {
    let server = start()?;
    let mut device = signed_in(&server, "village")?;
    whole(&device.sync()?)?;
    let account = device.phone().account().context("signed in")?;
    let (unit, user) = (account.unit, account.user);
    let mut dice = Dice::new(1);
    let mut people = Vec::new();
    for _ in 0..40 {
        people.push(device.create(Kind::Person, unit, made::person(&mut dice))?);
    }
    whole(&device.sync()?)?;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        for person in &people {
            device.create(Kind::Visit, unit, made::visit(&mut dice, *person, user))?;
        }
        for person in people.iter().take(10) {
            let patch = Patch::set("address", Value::Text(format!("第{round}次改{}号", dice.below(100))));
            device.edit(*person, Vec::new(), patch)?;
        }
        let began = Instant::now();
        let sync = device.sync()?;
        times.push(ms(began));
        whole(&sync)?;
        if round == 0 {
            report.at_most(
                "a day in the field (40 visits, 10 edits): requests",
                sync.requests as f64,
                "",
                1.0,
            );
            report.at_most("a day in the field: up", sync.up_bytes as f64 / 1024.0, "KB", 15.0);
            report.note("a day in the field: down", sync.down_bytes as f64, "B");
        }
    }
    report.note("a day in the field: time on loopback (median of 5)", median(times), "ms");
    Ok(())
}

/// A township with many documents, and the device that made them.
pub(crate) struct Place {
    pub(crate) server: Server,
    device: Device,
    documents: usize,
    dice: Dice,
    last_person: Option<DocId>,
}

impl Place {
    /// Makes the documents through the real gate.
    pub(crate) fn fill(report: &mut Report, documents: usize) -> Result<Self> {
        let server = start()?;
        report.note("server memory, empty", server.memory_bytes() as f64 / 1e6, "MB");
        let mut device = signed_in(&server, "sy")?;
        whole(&device.sync()?)?;
        let mut place = Self { server, device, documents: 0, dice: Dice::new(2), last_person: None };
        let rate = place.grow(documents)?;
        report.note(format!("taken in, up to {documents} documents"), rate, "changes/s");
        Ok(place)
    }

    /// So many documents more.
    pub(crate) fn more(&mut self, documents: usize) -> Result<()> {
        self.grow(self.documents + documents).map(drop)
    }

    /// Makes documents until there are so many; gives how many the server took a second.
    fn grow(&mut self, documents: usize) -> Result<f64> {
        let account = self.device.phone().account().context("signed in")?;
        let user = account.user;
        let units: Vec<_> = self
            .device
            .phone()
            .scope()
            .iter()
            .map(|(unit, _)| *unit)
            .filter(|unit| *unit != account.unit)
            .collect();
        let (mut sent, mut seconds) = (0, 0.0);
        let mut unit = units[0];
        while self.documents < documents {
            for _ in 0..BATCH.min(documents - self.documents) {
                if self.documents.is_multiple_of(VISITS_A_PERSON + 1) {
                    unit = units[self.dice.below(units.len())];
                    let person = made::person(&mut self.dice);
                    self.last_person = Some(self.device.create(Kind::Person, unit, person)?);
                } else {
                    let person = self.last_person.context("a person comes first")?;
                    let visit = made::visit(&mut self.dice, person, user);
                    self.device.create(Kind::Visit, unit, visit)?;
                }
                self.documents += 1;
                sent += 1;
            }
            let began = Instant::now();
            whole(&self.device.sync()?)?;
            seconds += began.elapsed().as_secs_f64();
        }
        Ok(sent as f64 / seconds)
    }
}

/// A sync of a device that has everything and nothing to say.
pub(crate) fn idle(report: &mut Report, place: &mut Place) -> Result<()> {
    whole(&place.device.sync()?)?;
    let sync = place.device.sync()?;
    whole(&sync)?;
    let documents = place.documents;
    report.at_most(format!("idle sync, {documents} documents: requests"), sync.requests as f64, "", 1.0);
    report.at_most("idle sync: up", sync.up_bytes as f64, "B", 300.0);
    report.at_most("idle sync: down", sync.down_bytes as f64, "B", 300.0);
    Ok(())
}

/// First syncs of new devices.
pub(crate) fn first_sync(report: &mut Report, place: &Place) -> Result<()> {
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let mut device = signed_in(&place.server, "sy")?;
        let began = Instant::now();
        let sync = device.sync()?;
        times.push(ms(began));
        whole(&sync)?;
        ensure!(device.phone().rows().count() == place.documents, "a first sync brought not everything");
        if round == 0 {
            let documents = place.documents;
            report.at_most(
                format!("first sync, {documents} documents: requests"),
                sync.requests as f64,
                "",
                10.0,
            );
            report.note("first sync: down", sync.down_bytes as f64 / 1024.0, "KB");
            report.note("first sync: a document", sync.down_bytes as f64 / documents as f64, "B");
        }
    }
    report.note("first sync: time on loopback (median of 5)", median(times), "ms");
    report.note("server memory after first syncs", place.server.memory_bytes() as f64 / 1e6, "MB");
    Ok(())
}

/// The server with ten times as many documents.
pub(crate) fn memory(report: &mut Report, mut place: Place, documents: usize) -> Result<()> {
    let before = place.documents;
    let first = place.grow(before + 1_500)?;
    place.grow(documents)?;
    let last = place.grow(documents + 1_500)?;
    report.note(
        format!("cost of a change at {documents} documents, to that at {before}"),
        first / last,
        "times",
    );
    report.at_most(
        format!("server memory with {documents} documents"),
        place.server.memory_bytes() as f64 / 1e6,
        "MB",
        300.0,
    );
    report.note("database on disk", place.server.disk_bytes() as f64 / 1e6, "MB");
    Ok(())
}
