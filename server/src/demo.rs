//! Demonstration data: real units, synthetic people, sign-ins for each role, and a year of plausible visits.
//!
//! The same seed makes the same records for the same day. Everything goes through the same gate as a phone's changes.

mod dice;
mod words;
mod year;

use std::collections::BTreeMap;

use zoufang_core::access::Level;
use zoufang_core::query::Row;
use zoufang_core::record::list::Role;
use zoufang_core::record::{DeviceId, Kind, Timestamp, UnitId, UserId};
use zoufang_core::sync::wire::{Push, Verdict};

use crate::account::password;
use crate::error::{Error, Result};
use crate::import;
use crate::ingest::{Authority, ingest_within};
use crate::store::{Device, NewAccount, Store, StoreError};
use crate::sync::segment;
use crate::units::UnitTable;
use dice::Dice;

const PEOPLE_CSV: &str = include_str!("../data/demo_people.csv");
const DAY_MS: i64 = 86_400_000;
/// The people were entered so long ago.
const ENTERED_DAYS_AGO: i64 = 380;
/// Documents read at once.
const BATCH: u32 = 2_000;
/// The password of every demonstration account.
pub const PASSWORD: &str = "zoufang-demo";

/// An account whose sign-in is shown.
pub struct DemoAccount {
    /// What to type.
    pub login: &'static str,
    /// The human's name; invented.
    pub name: &'static str,
    /// The role.
    pub role: Role,
    /// Code of the unit.
    pub unit: &'static str,
    /// What to tell about it.
    pub shown: &'static str,
}

/// The accounts whose sign-ins are shown, one for each role.
pub const ACCOUNTS: &[DemoAccount] = &[
    DemoAccount {
        login: "cys",
        name: "李春梅",
        role: Role::VillageWorker,
        unit: "211381103201",
        shown: "village worker, 上园镇 朝阳寺村",
    },
    DemoAccount {
        login: "sy",
        name: "王建军",
        role: Role::TownshipWorker,
        unit: "211381103000",
        shown: "township worker, 上园镇",
    },
    DemoAccount {
        login: "syhead",
        name: "赵国栋",
        role: Role::TownshipHead,
        unit: "211381103000",
        shown: "township head, 上园镇",
    },
    DemoAccount {
        login: "cg",
        name: "刘志远",
        role: Role::TownshipWorker,
        unit: "211381001000",
        shown: "sub-district worker, 城关街道",
    },
    DemoAccount {
        login: "city",
        name: "孙丽华",
        role: Role::CityDuty,
        unit: "211381000000",
        shown: "city officer, 北票市",
    },
    DemoAccount {
        login: "admin",
        name: "周伟",
        role: Role::SystemAdmin,
        unit: "211381000000",
        shown: "administrator, no content",
    },
    DemoAccount {
        login: "privacy",
        name: "吴静",
        role: Role::PrivacyOfficer,
        unit: "211381000000",
        shown: "privacy officer, the access log",
    },
];

/// How much was made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Made {
    /// People.
    pub people: usize,
    /// Party memberships.
    pub memberships: usize,
    /// Visits.
    pub visits: usize,
    /// Contacts with Party members.
    pub contacts: usize,
}

/// Who writes the logs of a unit, on which device.
#[derive(Clone, Copy)]
struct Author {
    user: UserId,
    device: DeviceId,
}

/// Fills an empty store as of `now`.
///
/// # Errors
/// If the store fails.
pub async fn fill(store: &dyn Store, now: Timestamp) -> Result<Made> {
    if store.units().await?.is_empty() {
        let (units, codes) = crate::units::listed()?;
        store.put_units(&units, &codes).await?;
    }
    let table = UnitTable::read(store).await?;
    let hash = tokio::task::spawn_blocking(|| password::hash(PASSWORD))
        .await
        .map_err(|error| Error::Internal(Box::new(error)))??;
    let entered_at = Timestamp(now.0 - ENTERED_DAYS_AGO * DAY_MS);
    let own = NewAccount {
        login: "import".to_owned(),
        name: "名册导入".to_owned(),
        role: Role::SystemAdmin,
        unit: unit_of(&table, "211381000000")?,
        password: password::NO_PASSWORD.to_owned(),
    };
    let importer = store.add_account(&own).await?;
    for account in ACCOUNTS {
        let (login, name) = (account.login.to_owned(), account.name.to_owned());
        let new = NewAccount {
            login,
            name,
            role: account.role,
            unit: unit_of(&table, account.unit)?,
            password: hash.clone(),
        };
        store.add_account(&new).await?;
    }
    let report = import::people(store, PEOPLE_CSV, importer, entered_at).await?;
    let rows = rows(store).await?;
    let authors = authors(store, &table, &rows, &hash, now).await?;
    let mut made = Made { people: report.people, memberships: report.memberships, ..Made::default() };
    for week in year::plan(&rows, &authors, now) {
        let mut tx = store.begin().await?;
        for (author, pushes) in week.pushes {
            let authority = Authority {
                user: author.user,
                device: author.device,
                former: Vec::new(),
                scope: table.all_logs(),
                role: None,
            };
            let kinds: Vec<Kind> = pushes.iter().map(|push: &Push| push.kind).collect();
            let verdicts = ingest_within(tx.as_mut(), &authority, pushes, week.received_at).await?;
            if let Some(verdict) = verdicts.iter().find(|verdict| !matches!(verdict, Verdict::Accepted(_))) {
                return Err(Error::Internal(format!("demonstration record refused: {verdict:?}").into()));
            }
            let visits = kinds.iter().filter(|kind| **kind == Kind::Visit).count();
            made.visits += visits;
            made.contacts += kinds.len() - visits;
        }
        tx.commit().await?;
    }
    for unit in store.units_with_log().await? {
        segment::seal(store, unit).await?;
    }
    Ok(made)
}

fn unit_of(table: &UnitTable, code: &str) -> Result<UnitId> {
    table.by_code(code).ok_or_else(|| StoreError::Corrupt("table of units").into())
}

/// The rows of all documents.
async fn rows(store: &dyn Store) -> Result<Vec<Row>> {
    let mut tx = store.begin().await?;
    let mut docs = Vec::new();
    loop {
        let states = tx.documents(docs.last().copied(), BATCH).await?;
        if states.is_empty() {
            break;
        }
        docs.extend(states.into_iter().map(|state| state.doc));
    }
    drop(tx);
    let rows = store.rows(&docs).await?;
    let decode = |bytes: &[u8]| minicbor::decode(bytes).map_err(|_| StoreError::Corrupt("row"));
    rows.iter().map(|(_, bytes)| Ok(decode(bytes)?)).collect()
}

/// A worker with a device for each village that has people: the one that is shown, or one made here.
async fn authors(
    store: &dyn Store,
    table: &UnitTable,
    rows: &[Row],
    hash: &str,
    now: Timestamp,
) -> Result<BTreeMap<UnitId, Author>> {
    let mut dice = Dice::new(7);
    let mut authors = BTreeMap::new();
    let known = store.accounts().await?;
    for unit in rows.iter().map(|row| row.unit) {
        let village = table.units.get(&unit).is_some_and(|unit| unit.level == Level::Village);
        if authors.contains_key(&unit) || !village {
            continue;
        }
        let user =
            match known.iter().find(|account| account.unit == unit && account.role == Role::VillageWorker) {
                Some(account) => account.id,
                None => {
                    let login =
                        format!("w{}", table.codes.get(&unit).map(|code| &code[6..]).unwrap_or_default());
                    let new = NewAccount {
                        login,
                        name: words::name(&mut dice),
                        role: Role::VillageWorker,
                        unit,
                        password: hash.to_owned(),
                    };
                    store.add_account(&new).await?
                }
            };
        let device = DeviceId(dice.next());
        store
            .add_device(&Device {
                id: device,
                user,
                label: "demo".to_owned(),
                enrolled_at: now,
                revoked_at: Some(now),
                former: Vec::new(),
            })
            .await?;
        authors.insert(unit, Author { user, device });
    }
    Ok(authors)
}
