//! The server dies at every place at which it writes, one after the other, and nothing is lost or half there.
//!
//! Each scenario is done once to count the points that it passes, then once for each point, from the same data and the
//! same device: the process aborts there, is started again, and is looked at before and after the device goes on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ground;
mod scenario;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ground::{Ground, Postgres, Sqlite};
use scenario::Scenario;
use zoufang_core::{record::ChangeHash, sync::session::Phase};
use zoufang_server::{
    audit::{Audit, audit, office},
    rebuild::rebuild,
    store::Store,
};
use zoufang_tests::{Device, Launch};

/// From the start of the process until it listens.
const START_MAX: Duration = Duration::from_secs(5);
/// A device on a good line has come to an end after so many syncs.
const SYNCS_MAX: usize = 5;

macro_rules! dies_on {
    ($module:ident, $ground:ident, $($scenario:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $scenario() {
                    super::die_everywhere(super::scenario::$scenario::<super::$ground>());
                }
            )*
        }
    };
}

macro_rules! dies_everywhere {
    ($($scenario:ident)*) => {
        dies_on!(sqlite, Sqlite, $($scenario)*);
        dies_on!(postgres, Postgres, $($scenario)*);

        /// The names of the points that each scenario passes on this ground.
        fn all_passed<G: Ground>() -> Vec<Vec<String>> {
            let folder = tempfile::tempdir().unwrap();
            let log = folder.path().join("points");
            vec![$(count(&scenario::$scenario::<G>(), &log),)*]
        }
    };
}
dies_everywhere!(first_start sign_in push parcels lost_phone segment building_anew import retention readings asks_to_be_let_in is_let_in);

/// How the server is started on these data.
fn launch<G: Ground>(ground: &G) -> Launch {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_crash-server"));
    Launch { program, shell: None, data: ground.arguments(), variables: Vec::new() }
}

/// The names of the points that a run passed.
fn passed(log: &Path) -> Vec<String> {
    fs::read_to_string(log).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Does a scenario to its end, and says which points it passed.
fn count<G: Ground>(scenario: &Scenario<G>, log: &Path) -> Vec<String> {
    let (ground, mut device) = (scenario.ground.copy(), scenario.device.copy());
    (scenario.act)(&launch(&ground).with("ZOUFANG_CRASH_LOG", log), &mut device, log);
    let points = passed(log);
    fs::remove_file(log).unwrap();
    points
}

#[test]
fn every_point_of_the_source_is_passed_and_both_stores_pass_the_same() {
    let (sqlite, postgres) = (all_passed::<Sqlite>(), all_passed::<Postgres>());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/src");
    let names = |scenarios: &[Vec<String>]| scenarios.iter().flatten().cloned().collect::<BTreeSet<_>>();
    let all = points_in(&source);
    let is_own = |folder: &String| folder == Sqlite::FOLDER || folder == Postgres::FOLDER;
    let is_shared = |name: &String| all.get(name).is_some_and(|folders| !folders.iter().any(is_own));
    for (found, ours) in [(names(&sqlite), Sqlite::FOLDER), (names(&postgres), Postgres::FOLDER)] {
        let wanted = all.iter().filter(|(name, folders)| is_shared(name) || folders.contains(ours));
        let wanted: BTreeSet<String> = wanted.map(|(name, _)| name.clone()).collect();
        assert_eq!(found, wanted, "{ours}: points that are passed, and points that are written");
    }
    let without_own = |scenarios: &[Vec<String>]| -> Vec<Vec<String>> {
        scenarios.iter().map(|names| names.iter().filter(|name| is_shared(name)).cloned().collect()).collect()
    };
    assert_eq!(without_own(&sqlite), without_own(&postgres), "the same points in the same order");
}

/// The points that are written below a folder, each with the stores in whose files it is.
fn points_in(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut points: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            for (name, stores) in points_in(&path) {
                points.entry(name).or_default().extend(stores);
            }
            continue;
        }
        let mark = "crash_point!(\"";
        let text = fs::read_to_string(&path).unwrap();
        let store = path.iter().skip_while(|part| *part != "store").nth(1);
        let store = store.map(|part| Path::new(part).file_stem().unwrap().to_str().unwrap().to_owned());
        for name in text.split(mark).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()) {
            points.entry(name).or_default().extend(store.clone());
        }
    }
    points
}

fn die_everywhere<G: Ground>(scenario: Scenario<G>) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("points");
    let points = count(&scenario, &log);
    let deadly = points.iter().enumerate().filter(|(_, name)| (scenario.dies_at)(name));
    let deadly: Vec<(usize, &String)> = deadly.map(|(at, name)| (at + 1, name)).collect();
    for (number, name) in deadly.iter().copied() {
        let _ = fs::remove_file(&log);
        let (ground, mut device) = (scenario.ground.copy(), scenario.device.copy());
        let before = waiting(&device);
        let dying =
            launch(&ground).with("ZOUFANG_CRASH_LOG", &log).with("ZOUFANG_CRASH_AT", number.to_string());
        (scenario.act)(&dying, &mut device, &log);
        let place = format!("{} {number}/{} ({name})", scenario.name, points.len());
        assert_eq!(passed(&log)[..], points[..number], "{place}: it died elsewhere");
        let receipts: BTreeSet<ChangeHash> = before.difference(&waiting(&device)).copied().collect();
        goes_on(&scenario, &ground, &mut device, &before, &receipts, &place);
    }
    let least = scenario.points_min;
    assert!(points.len() >= least, "{}: only {points:?}", scenario.name);
    // Kept for TESTING.md by `cargo xtask test`.
    eprintln!("{} over {}: died at {} points", scenario.name, G::FOLDER, deadly.len());
}

fn waiting(device: &Device) -> BTreeSet<ChangeHash> {
    device.phone().outbox().map(|row| row.hash).collect()
}

/// The server starts, everything agrees, what has a receipt is there, and the device comes to an end.
fn goes_on<G: Ground>(
    scenario: &Scenario<G>,
    ground: &G,
    device: &mut Device,
    all: &BTreeSet<ChangeHash>,
    receipts: &BTreeSet<ChangeHash>,
    place: &str,
) {
    (scenario.again)(&launch(ground));
    let start = Instant::now();
    let mut process = launch(ground).serve().unwrap();
    assert!(start.elapsed() < START_MAX, "{place}: {:?} to start", start.elapsed());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = ground.open().await;
        let held = look(ground, &store, place).await;
        assert!(receipts.iter().all(|hash| held.changes.contains_key(hash)), "{place}: a receipt was lost");
        device.move_to(&process.url());
        (scenario.sign_in)(device);
        let mut syncs = 0;
        while device.sync().unwrap().phase != Phase::Idle || device.phone().waiting() > 0 {
            syncs += 1;
            assert!(syncs < SYNCS_MAX, "{place}: the device does not come to an end");
        }
        let end = look(ground, &store, place).await;
        assert!(all.iter().all(|hash| end.changes.contains_key(hash)), "{place}: a change is missing");
        for tail in store.tails(&store.units_with_log().await.unwrap()).await.unwrap() {
            assert_eq!(
                device.phone().held(tail.unit),
                (tail.digest, tail.count),
                "{place}: the device's log"
            );
        }
        // All readings or none, and all once the answer could go out.
        let kept = held.readings == end.readings;
        assert!(kept || held.readings == 0 && !place.contains("access.after"), "{place}: {}", held.readings);
        (scenario.end)(&end, place);
        G::close(store).await;
    });
    process.kill();
}

/// The database is sound, its parts agree, and building rows and projections anew changes nothing.
async fn look<G: Ground>(ground: &G, store: &G::Opened, place: &str) -> Audit {
    assert_eq!(ground.faults(store).await, Vec::<String>::new(), "{place}");
    let store = ground.unsealed(store);
    let found = audit(&store).await.unwrap();
    assert_eq!(found.faults, Vec::<String>::new(), "{place}");
    let before = office(&store).await.unwrap();
    rebuild(&store).await.unwrap();
    assert_eq!(office(&store).await.unwrap(), before, "{place}: projections");
    found
}
