//! What lies on the server's disk tells nothing of people: marked values go through everything that a phone can bring, and are then
//! looked for in every file that the server and its database wrote, and in what it logged.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use memchr::memmem;
use tempfile::TempDir;
use zoufang_core::{
    document::shape::{self, FieldType},
    record::{
        Entries, Kind, Patch, Value,
        list::{PersonKind, Role},
    },
};
use zoufang_server::{
    account::password,
    audit::{audit, office},
    import,
    keys::Keys,
    rebuild::rebuild,
    reseal::seal_what_is_clear,
    store::{
        County, NewAccount, Store,
        postgres::{
            PostgresStore,
            cluster::{Cluster, Disk},
        },
        sqlite::SqliteStore,
    },
    units,
};
use zoufang_tests::{
    Device,
    device::now,
    process::Launch,
    server::{KEYS, PASSWORD, program},
};

use crate::{TOWNSHIP, VILLAGE, home};

const PEOPLE: usize = 400;
const MARK: &str = "雀";

/// Values that no file may hold, and nothing else holds.
#[derive(Default)]
struct Canaries(Vec<String>);

impl Canaries {
    /// Another one, of at most so many characters.
    fn next(&mut self, chars_max: usize) -> String {
        let canary: String = format!("{MARK}{:03}鸣金丝笼外", self.0.len()).chars().take(chars_max).collect();
        self.0.push(canary.clone());
        canary
    }

    /// A record with a canary in each of its texts.
    fn record(&mut self, kind: Kind) -> Entries {
        let mut entries = Entries::default();
        for field in shape::of(kind).fields() {
            if let FieldType::Text(chars_max) = field.value {
                entries.put_text(&field.key.replace('*', "01A"), Some(self.next(chars_max)));
            }
        }
        entries
    }

    /// The files below a folder, and other texts, that hold one; with how many were looked into.
    fn found(&self, folder: &Path, said: &str) -> (Vec<String>, usize) {
        let (mut found, mut count) = (Vec::new(), 0);
        let mut folders = vec![folder.to_owned()];
        // All begin with one character that nothing else here has.
        let holds = |bytes: &[u8]| {
            memmem::find_iter(bytes, MARK.as_bytes())
                .any(|at| self.0.iter().any(|canary| bytes[at..].starts_with(canary.as_bytes())))
        };
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = fs::read(&path) {
                    count += 1;
                    if holds(&bytes) {
                        found.push(path.display().to_string());
                    }
                }
            }
        }
        if holds(said.as_bytes()) {
            found.push("the log".to_owned());
        }
        (found, count)
    }
}

/// A server's data, the folder with all files of them, and what must live as long.
fn on_sqlite() -> (Launch, PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let data = vec!["--data".into(), folder.path().into()];
    (launch(data, Vec::new()), folder.path().to_owned(), folder)
}

fn on_postgres() -> (Launch, PathBuf, Cluster) {
    let cluster = Cluster::start(Disk::Synced).unwrap();
    let url = cluster.url(&cluster.database().unwrap());
    let launch =
        launch(vec!["--database-url".into(), url.into()], vec![("ZOUFANG_KEYS".into(), KEYS.into())]);
    let folder = cluster.data();
    (launch, folder, cluster)
}

fn launch(data: Vec<OsString>, variables: Vec<(String, OsString)>) -> Launch {
    Launch { program: program().to_owned(), shell: None, data, variables }
}

fn signed_in(url: &str, login: &str) -> Device {
    let mut device = Device::new(url);
    device.sign_in(login, PASSWORD).unwrap();
    device.sync().unwrap();
    device
}

/// Everything that a phone can bring: changes, edits, parcels, late work of a lost phone, searches, and requests that are refused.
fn bring(url: &str, canaries: &mut Canaries) {
    let mut device = signed_in(url, "village");
    let (unit, user) = (home(&device), device.phone().account().unwrap().user);
    let write = |device: &mut Device, canaries: &mut Canaries| {
        let mut person = canaries.record(Kind::Person);
        person.put_code("kind", Some(PersonKind::Veteran));
        let doc = device.create(Kind::Person, unit, person).unwrap();
        for kind in [Kind::Visit, Kind::Contact] {
            let mut visit = canaries.record(kind);
            visit.put_flag(&format!("person/{doc}"), true);
            visit.put_flag(&format!("visitor/{user}"), true);
            visit.put_text("happened_on", Some("2026-11-02"));
            device.create(kind, unit, visit).unwrap();
        }
        doc
    };
    let doc = write(&mut device, canaries);
    device.sync().unwrap();
    assert_eq!((device.phone().waiting(), device.phone().outbox().count()), (0, 0), "all of it was taken");
    let patch = Patch::set("address", Value::Text(canaries.next(9)));
    device.edit(doc, Vec::new(), patch).unwrap();
    device.introduce().unwrap();
    assert_eq!(device.deliver().unwrap().len(), 1);
    device.sync().unwrap();

    // A lost phone brings what it has, and its head looks at it.
    let mut lost = signed_in(url, "village");
    lost.introduce().unwrap();
    write(&mut lost, canaries);
    let mut head = signed_in(url, "head");
    let party = canaries.record(Kind::Party);
    head.create(Kind::Party, unit, party).unwrap();
    head.sync().unwrap();
    assert_eq!(head.phone().outbox().count(), 0);
    let id = lost.phone().account().unwrap().device;
    head.call("POST", &format!("/api/v1/devices/{id}/revoke"), "{}").unwrap();
    assert!(lost.deliver().is_err());
    assert!(head.call("GET", "/api/v1/late", "").unwrap().contains("\"hashes\""));

    // Searches, good and bad.
    let name = &canaries.0[0];
    let found =
        head.call("POST", "/api/v1/office/people/search", &format!("{{\"text\":\"{name}\"}}")).unwrap();
    assert!(found.contains(&doc.to_string()), "a search finds by name what is sealed");
    assert!(head.call("GET", "/api/v1/office/visits", "").unwrap().contains(name.as_str()));
    assert!(
        head.call("POST", "/api/v1/office/people/search", &format!("{{\"text\":[\"{name}\"]}}")).is_err()
    );
    assert!(head.call("POST", "/api/v1/sign-in", &format!("{{\"user\":\"{name}\"}}")).is_err());
}

fn nothing_is_in_clear(launch: &Launch, folder: &Path) {
    for (login, role, unit) in [("village", "village_worker", VILLAGE), ("head", "township_head", TOWNSHIP)] {
        assert!(launch.add_user(login, role, unit).unwrap().success());
    }
    let mut canaries = Canaries::default();
    let mut process = launch.with("ZOUFANG_LOG", "debug").serve().unwrap();
    bring(&process.url(), &mut canaries);
    assert!(canaries.0.len() >= 50, "{}", canaries.0.len());
    // While it runs, with a write-ahead log, and after its death.
    let (found, count) = canaries.found(folder, "");
    assert_eq!((found, count > 2), (Vec::new(), true));
    let said = process.kill();
    assert_eq!(canaries.found(folder, &said).0, Vec::<String>::new());
    // They are there, for who has the keys.
    let process = launch.serve().unwrap();
    let again = signed_in(&process.url(), "village");
    assert!(again.phone().rows().any(|row| row.person().is_some_and(|person| person.name == canaries.0[0])));
}

#[test]
fn no_text_of_a_record_is_in_a_file_of_sqlite() {
    let (launch, folder, _held) = on_sqlite();
    nothing_is_in_clear(&launch, &folder);
}

#[test]
fn no_text_of_a_record_is_in_a_file_of_postgresql() {
    let (launch, folder, _held) = on_postgres();
    nothing_is_in_clear(&launch, &folder);
}

/// People in clear, as the program wrote them before it sealed.
async fn fill_in_clear(store: &dyn Store, canaries: &mut Canaries) {
    let (listed, codes) = units::listed().unwrap();
    store.put_units(&listed, &codes).await.unwrap();
    let village = units::UnitTable::read(store).await.unwrap().by_code(VILLAGE).unwrap();
    let account = NewAccount {
        login: "village".to_owned(),
        name: "village".to_owned(),
        role: Role::VillageWorker,
        unit: village,
        password: password::hash(PASSWORD).unwrap(),
    };
    let user = store.add_account(&account).await.unwrap();
    let mut text = "person_id,village_code,name,kind,address\n".to_owned();
    for number in 0..PEOPLE {
        text.push_str(&format!("{number},{VILLAGE},王芳,veteran,{}\n", canaries.next(7)));
    }
    let report = import::people(store, &text, user, now()).await.unwrap();
    assert_eq!((report.people, report.faults.len()), (PEOPLE, 0));
}

/// Data that were never sealed are sealed, whenever that stops meanwhile, and nothing of them stays in clear.
async fn is_sealed_in_place(below: Arc<dyn Store>, folder: &Path) -> Canaries {
    let mut canaries = Canaries::default();
    fill_in_clear(below.as_ref(), &mut canaries).await;
    assert_ne!(canaries.found(folder, "").0, Vec::<String>::new(), "it is in clear");
    let keys = Keys::of_text(KEYS).unwrap();
    let (ring, mut stopped) = (Arc::new(keys.at_rest()), 0);
    for stop_after_ms in (0..).map(|step| 1 << step) {
        let sealing = seal_what_is_clear(&below, &ring);
        match tokio::time::timeout(Duration::from_millis(stop_after_ms), sealing).await {
            Ok(done) => {
                assert!(done.unwrap());
                break;
            }
            Err(_) => stopped += 1,
        }
    }
    assert!(stopped >= 2, "it was stopped {stopped} times");
    assert!(!seal_what_is_clear(&below, &ring).await.unwrap(), "it is done");
    let store = keys.seal(Arc::clone(&below));
    let found = audit(&store).await.unwrap();
    assert_eq!((found.faults, found.documents), (Vec::new(), PEOPLE));
    let office = office(&store).await.unwrap();
    rebuild(&store).await.unwrap();
    assert_eq!(zoufang_server::audit::office(&store).await.unwrap(), office);
    store.close().await;
    canaries
}

#[tokio::test]
async fn what_sqlite_holds_in_clear_is_sealed_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("zoufang.sqlite"), County::default()).await.unwrap();
    let canaries = is_sealed_in_place(Arc::new(store), folder.path()).await;
    assert_eq!(canaries.found(folder.path(), ""), (Vec::new(), 1));
}

/// Its write-ahead log keeps what stood there until it is written over; the tables do not.
#[tokio::test]
async fn what_postgresql_holds_in_clear_is_sealed_in_place() {
    let cluster = Cluster::start(Disk::Synced).unwrap();
    let url = cluster.url(&cluster.database().unwrap());
    let store = PostgresStore::open(&url, County::default()).await.unwrap();
    let canaries = is_sealed_in_place(Arc::new(store), &cluster.data()).await;
    assert_eq!(canaries.found(&cluster.data().join("base"), "").0, Vec::<String>::new());
}

/// A new key takes everything over; then the old one opens nothing and is needed for nothing.
#[test]
fn a_key_is_put_away() {
    let (launch, folder, _held) = on_sqlite();
    let keys = |lines: &[&str]| {
        let path = folder.join("keys");
        fs::write(&path, lines.join("\n")).unwrap();
    };
    let (old, new) = (KEYS, &"5a".repeat(32)[..]);
    keys(&[old]);
    assert!(launch.add_user("village", "village_worker", VILLAGE).unwrap().success());
    let mut process = launch.serve().unwrap();
    let mut device = signed_in(&process.url(), "village");
    let made = crate::fill(&mut device, 3, 2, 5);
    device.sync().unwrap();
    process.kill();

    keys(&[new]);
    assert!(launch.serve().is_err(), "the old key is still needed");
    keys(&[new, old]);
    let mut process = launch.serve().unwrap();
    device.move_to(&process.url());
    let more = crate::fill(&mut device, 1, 1, 6);
    device.sync().unwrap();
    process.kill();
    assert!(launch.call(&["reseal"], "").unwrap().success());

    keys(&[new]);
    let mut process = launch.serve().unwrap();
    let fresh = signed_in(&process.url(), "village");
    assert!(made.iter().chain(&more).all(|doc| fresh.open(*doc).is_ok()));
    process.kill();
    keys(&[old]);
    assert!(launch.serve().is_err(), "the old key opens nothing any more");
    fs::remove_file(folder.join("keys")).unwrap();
    assert!(launch.serve().is_err(), "no new key is made for data that have one");
    assert!(!folder.join("keys").exists());
}

/// A backup of a running server tells nothing, and with the offline key everything is there again, also what was saved since.
#[test]
fn a_backup_is_sealed_and_comes_back() {
    let (launch, folder, _held) = on_sqlite();
    let elsewhere = tempfile::tempdir().unwrap();
    let path = |name: &str| elsewhere.path().join(name).to_str().unwrap().to_owned();
    assert!(launch.add_user("village", "village_worker", VILLAGE).unwrap().success());
    let mut process = launch.serve().unwrap();
    let mut device = signed_in(&process.url(), "village");
    let unit = home(&device);
    let mut canaries = Canaries::default();
    let saved = device.create(Kind::Person, unit, canaries.record(Kind::Person)).unwrap();
    device.sync().unwrap();

    let made = Command::new(program()).args(["backup-key", "--to", &path("offline")]).output().unwrap();
    let said = String::from_utf8(made.stdout).unwrap();
    let public = said.lines().find_map(|line| line.strip_prefix("public key: ")).unwrap();
    let write = ["backup", "--to", &path("backup"), "--public-key", public];
    assert!(launch.call(&write, "").unwrap().success());
    assert!(!launch.call(&write, "").unwrap().success(), "a backup is not written over");
    let short = ["backup", "--to", &path("other"), "--public-key", &public[..62]];
    assert!(!launch.call(&short, "").unwrap().success());
    let mut names: Vec<_> =
        fs::read_dir(elsewhere.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["backup", "offline"], "nothing half-written is left");
    assert_eq!(canaries.found(elsewhere.path(), "").0, Vec::<String>::new());
    let keys = fs::read_to_string(folder.join("keys")).unwrap();
    let key = keys.lines().last().unwrap().as_bytes();
    assert!(memmem::find(&fs::read(path("backup")).unwrap(), key).is_none(), "nor do the keys lie in it");

    let gone = device.create(Kind::Person, unit, canaries.record(Kind::Person)).unwrap();
    device.sync().unwrap();
    let second = ["backup", "--to", &path("second"), "--public-key", public];
    assert!(launch.call(&second, "").unwrap().success());
    assert!(launch.call(&["record", "erase", "--id", &gone.to_string()], "").unwrap().success());
    let since = device.create(Kind::Person, unit, canaries.record(Kind::Person)).unwrap();
    device.sync().unwrap();
    process.kill();
    let (again, _, _held) = on_sqlite();
    let erased = folder.join("erased");
    let restore = |key: &str| {
        let named = ["restore", "--from", &path("second"), "--key", &path(key), "--erased"];
        again.call(&[&named[..], &[erased.to_str().unwrap()]].concat(), "").unwrap()
    };
    fs::write(path("wrong"), "5a".repeat(32)).unwrap();
    assert!(!restore("wrong").success());
    assert!(restore("offline").success());
    assert!(!restore("offline").success(), "data that are there are not written over");
    let process = again.serve().unwrap();
    device.move_to(&process.url());
    device.sync().unwrap();
    device.sync().unwrap();
    let fresh = signed_in(&process.url(), "village");
    assert!(fresh.open(saved).is_ok());
    assert!(fresh.open(since).is_ok(), "what a phone held since is offered again");
    assert!(fresh.open(gone).is_err(), "what was erased since does not come back, although a phone held it");
}
