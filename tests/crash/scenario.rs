//! What the server is doing when it dies.

mod recovery;

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use zoufang_core::record::{DocId, Entries, Kind, Patch, Value};
use zoufang_server::audit::Audit;
use zoufang_tests::{
    Device, Launch,
    made::{self, Dice},
    server::PASSWORD,
};

use crate::{ground::Ground, launch, passed};
pub(crate) use recovery::{asks_to_be_let_in, is_let_in};

const VILLAGE: &str = "211381103201";
const LOGIN: &str = "village";
const TOWNSHIP: &str = "211381103000";
const HEAD: &str = "head";
/// Bytes of changes from which a log has a segment.
const SEGMENT_BYTES: usize = 192 * 1024;
/// A background task, or the end of a process, is waited for so long.
const WAIT_MAX: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(5);

/// One scenario: from the same data and device, the same thing is done.
pub(crate) struct Scenario<G> {
    pub(crate) name: &'static str,
    pub(crate) ground: G,
    pub(crate) device: Device,
    /// Does it, with a server that may die at any moment. The points that were passed are in the file.
    pub(crate) act: fn(&Launch, &mut Device, &Path),
    /// What an operator does again after the crash.
    pub(crate) again: fn(&Launch),
    /// What the device's user does again.
    pub(crate) sign_in: fn(&mut Device),
    /// What must be there at the end.
    pub(crate) end: fn(&Audit, &str),
    /// At which of the points it is to die: others may be those of another scenario.
    pub(crate) dies_at: fn(&str) -> bool,
    /// Fewer points than this are a fault of the test.
    pub(crate) points_min: usize,
}

fn enter(device: &mut Device) {
    device.sign_in(LOGIN, PASSWORD).unwrap();
}

fn nothing(_: &Launch) {}

fn as_it_is(_: &mut Device) {}

fn anything(_: &Audit, _: &str) {}

fn add_user(launch: &Launch) {
    launch.add_user(LOGIN, "village_worker", VILLAGE).unwrap();
}

fn with_account<G: Ground>() -> G {
    let ground = G::empty();
    assert!(launch(&ground).add_user(LOGIN, "village_worker", VILLAGE).unwrap().success());
    ground
}

/// A device that has signed in and synced what `fill` made; then `rest` is made and waits.
fn worked<G: Ground>(fill: fn(&mut Device), rest: fn(&mut Device)) -> (G, Device) {
    let ground: G = with_account();
    let process = launch(&ground).serve().unwrap();
    let mut device = Device::new(&process.url());
    enter(&mut device);
    fill(&mut device);
    while device.phone().waiting() > 0 || device.phone().scope().is_empty() {
        device.sync().unwrap();
    }
    rest(&mut device);
    (ground, device)
}

/// The first start on an empty machine, by the command that makes the first account.
pub(crate) fn first_start<G: Ground>() -> Scenario<G> {
    Scenario {
        name: "first start",
        ground: G::empty(),
        device: Device::new(""),
        act: |launch, _, _| add_user(launch),
        // It says that the login is taken if it was.
        again: add_user,
        sign_in: enter,
        end: anything,
        dies_at: |_| true,
        points_min: G::FIRST_POINTS_MIN,
    }
}

/// A device signs in.
pub(crate) fn sign_in<G: Ground>() -> Scenario<G> {
    Scenario {
        name: "sign-in",
        ground: with_account(),
        device: Device::new(""),
        act: |launch, device, _| {
            if let Ok(process) = launch.serve() {
                device.move_to(&process.url());
                if device.sign_in(LOGIN, PASSWORD).is_ok() {
                    let _ = device.introduce();
                }
            }
        },
        again: nothing,
        sign_in: enter,
        end: anything,
        dies_at: |_| true,
        points_min: 12,
    }
}

fn some(device: &mut Device) {
    let mut dice = Dice::new(1);
    let (unit, user) = account(device);
    let person = device.create(Kind::Person, unit, made::person(&mut dice)).unwrap();
    device.create(Kind::Visit, unit, made::visit(&mut dice, person, user)).unwrap();
}

fn account(device: &Device) -> (zoufang_core::record::UnitId, zoufang_core::record::UserId) {
    let account = device.phone().account().unwrap();
    (account.unit, account.user)
}

/// New records, and changes of old ones.
fn more(device: &mut Device) {
    let old: Vec<_> = device.phone().rows().map(|row| (row.doc, row.kind())).collect();
    some(device);
    for (doc, kind) in old {
        let key = if kind == Kind::Person { "address" } else { "facts" };
        device.edit(doc, Vec::new(), Patch::set(key, Value::Text("后来改了".into()))).unwrap();
    }
}

fn sync_once(launch: &Launch, device: &mut Device, _: &Path) {
    if let Ok(process) = launch.serve() {
        device.move_to(&process.url());
        let _ = device.sync();
    }
}

/// A device pushes new records and changes of old ones.
pub(crate) fn push<G: Ground>() -> Scenario<G> {
    let (ground, device) = worked(some, more);
    Scenario {
        name: "push",
        ground,
        device,
        act: sync_once,
        again: nothing,
        sign_in: as_it_is,
        end: anything,
        dies_at: |_| true,
        points_min: 30,
    }
}

/// A phone delivers new records and changes of old ones while it is locked.
pub(crate) fn parcels<G: Ground>() -> Scenario<G> {
    let (ground, device) = worked(
        |device| {
            device.introduce().unwrap();
            some(device);
        },
        more,
    );
    Scenario {
        name: "parcels",
        ground,
        device,
        act: |launch, device, _| {
            if let Ok(process) = launch.serve() {
                device.move_to(&process.url());
                let _ = device.deliver();
            }
        },
        again: nothing,
        sign_in: as_it_is,
        end: anything,
        dies_at: |_| true,
        points_min: 30,
    }
}

/// A phone is lost: it is ended by its user on another one, brings what it had, wipes itself, and the head decides what becomes of it.
pub(crate) fn lost_phone<G: Ground>() -> Scenario<G> {
    let (ground, device) = worked::<G>(some, as_it_is);
    assert!(launch(&ground).add_user(HEAD, "township_head", TOWNSHIP).unwrap().success());
    Scenario {
        name: "lost phone",
        ground,
        device,
        act: |launch, device, _| {
            if let Ok(process) = launch.serve() {
                device.move_to(&process.url());
                let _ = lose(&process.url(), device);
            }
        },
        again: nothing,
        sign_in: as_it_is,
        end: anything,
        dies_at: |name| ["late.", "revoke.", "wiped."].iter().any(|of| name.starts_with(of)),
        points_min: 30,
    }
}

fn lose(url: &str, device: &mut Device) -> anyhow::Result<()> {
    let (mut lost, mut head) = (Device::new(url), Device::new(url));
    lost.sign_in(LOGIN, PASSWORD)?;
    lost.introduce()?;
    lost.sync()?;
    some(&mut lost);
    head.sign_in(HEAD, PASSWORD)?;
    let id = lost.phone().account().map(|account| account.device.to_string()).unwrap_or_default();
    device.call("POST", &format!("/api/v1/devices/{id}/revoke"), "{}")?;
    // It is told to wipe itself, which is no answer with fates.
    assert!(lost.deliver().is_err());
    lost.say_wiped()?;
    let late: serde_json::Value = serde_json::from_str(&head.call("GET", "/api/v1/late", "")?)?;
    let items = late["items"].as_array().into_iter().flatten();
    for (item, take) in items.zip([true, false]) {
        let doc = item["doc"].as_str().unwrap_or_default();
        let decision = serde_json::json!({ "take": take, "hashes": item["hashes"] }).to_string();
        head.call("POST", &format!("/api/v1/late/{id}/{doc}"), &decision)?;
    }
    Ok(())
}

/// Many changes of one visit: nearly a segment.
fn nearly_full(device: &mut Device) {
    let (unit, user) = account(device);
    let mut dice = Dice::new(2);
    let person = device.create(Kind::Person, unit, made::person(&mut dice)).unwrap();
    let visit = device.create(Kind::Visit, unit, made::visit(&mut dice, person, user)).unwrap();
    let mut round = 0;
    while bytes(device) < SEGMENT_BYTES - 1024 {
        round += 1;
        let letter = char::from_u32(0x4e00 + round).unwrap();
        let facts = String::from(letter).repeat(500);
        device.edit(visit, Vec::new(), Patch::set("facts", Value::Text(facts))).unwrap();
    }
}

fn bytes(device: &Device) -> usize {
    device.phone().outbox().map(|row| row.raw.len()).sum()
}

/// A push fills a page of the log, and the server makes a segment of it when it has answered.
pub(crate) fn segment<G: Ground>() -> Scenario<G> {
    let (ground, device) = worked(nearly_full, |device| {
        let (unit, _) = account(device);
        for number in 0..6 {
            let mut entries = Entries::default();
            entries.put_text("happened_on", Some("2026-11-02"));
            entries.put_text("facts", Some("组".repeat(100 + number)));
            device.create(Kind::Visit, unit, entries).unwrap();
        }
    });
    Scenario {
        name: "segment",
        ground,
        device,
        act: |launch, device, log| {
            let Ok(mut process) = launch.serve() else { return };
            device.move_to(&process.url());
            let _ = device.sync();
            let start = Instant::now();
            while !passed(log).iter().any(|name| name == "segment.after") && !process.ends_within(LOOK) {
                assert!(start.elapsed() < WAIT_MAX, "no segment is made");
                thread::yield_now();
            }
        },
        again: nothing,
        sign_in: as_it_is,
        end: anything,
        dies_at: |_| true,
        points_min: 20,
    }
}

/// Rows and projections are built anew.
pub(crate) fn building_anew<G: Ground>() -> Scenario<G> {
    let (ground, device) = worked(some, as_it_is);
    Scenario {
        name: "rebuild",
        ground,
        device,
        act: |launch, _, _| {
            launch.call(&["rebuild"], "").unwrap();
        },
        again: nothing,
        sign_in: as_it_is,
        end: |found, place| assert_eq!(found.documents, 2, "{place}"),
        dies_at: |_| true,
        points_min: 10,
    }
}

/// People come from a file.
pub(crate) fn import<G: Ground>() -> Scenario<G> {
    let (ground, device) = worked(some, as_it_is);
    Scenario {
        name: "import",
        ground,
        device,
        act: |launch, _, log| {
            let file = log.with_file_name("people.csv");
            let line = |id: &str, name: &str| format!("{id},{VILLAGE},{name},veteran,full\n");
            let text =
                ["person_id,village_code,name,kind,party_status\n", &line("1", "张伟"), &line("2", "王芳")];
            fs::write(&file, text.concat()).unwrap();
            launch.call(&["import-people", file.to_str().unwrap()], "").unwrap();
        },
        again: nothing,
        sign_in: as_it_is,
        end: |found, place| assert!(matches!(found.documents, 2 | 6), "{place}: {}", found.documents),
        dies_at: |_| true,
        points_min: 15,
    }
}

/// Records that were kept long enough lose what their rules name.
pub(crate) fn retention<G: Ground>() -> Scenario<G> {
    let (ground, device) = worked(
        |device| {
            let (unit, user) = account(device);
            let mut dice = Dice::new(4);
            let person = device.create(Kind::Person, unit, made::person(&mut dice)).unwrap();
            for day in ["2019-04-01", "2020-05-02"] {
                let mut visit = made::visit(&mut dice, person, user);
                visit.put_text("happened_on", Some(day));
                device.create(Kind::Visit, unit, visit).unwrap();
            }
        },
        as_it_is,
    );
    Scenario {
        name: "retention",
        ground,
        device,
        act: |launch, _, _| {
            launch.call(&["retain"], "").unwrap();
        },
        again: nothing,
        sign_in: as_it_is,
        end: |found, place| assert_eq!(found.documents, 3, "{place}"),
        dies_at: |_| true,
        points_min: 12,
    }
}

/// A phone tells which values were read in full on it, and again as long as it has no answer.
pub(crate) fn readings<G: Ground>() -> Scenario<G> {
    let (ground, device) = worked(some, as_it_is);
    Scenario {
        name: "readings",
        ground,
        device,
        act: |launch, device, _| {
            if let Ok(process) = launch.serve() {
                device.move_to(&process.url());
                let _ = tell(device);
            }
        },
        again: nothing,
        sign_in: |device| tell(device).unwrap(),
        end: |found, place| assert_eq!(found.readings, 3, "{place}"),
        dies_at: |name| name.starts_with("access."),
        points_min: 5,
    }
}

fn tell(device: &Device) -> anyhow::Result<()> {
    let (unit, _) = account(device);
    let person = device.phone().rows().map(|row| row.doc).next().unwrap_or(DocId([0; 16]));
    let reading = |id: u8| {
        serde_json::json!({
            "id": DocId([id; 16]).to_string(), "person": person.to_string(), "unit": unit.0,
            "what": "phone", "why": "call", "at_ms": 1_790_000_000_000_i64,
        })
    };
    let body = serde_json::json!({ "readings": [reading(1), reading(2), reading(3)] });
    device.call("POST", "/api/v1/access", &body.to_string())?;
    Ok(())
}
