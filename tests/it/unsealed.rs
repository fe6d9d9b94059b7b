//! The store of a phone whose app did not seal yet, frozen: what it holds is read today, and a browser test upgrades it in place
//! (`tests/e2e/specs/sealed.spec.ts`). Written once by `ZOUFANG_WRITE_UNSEALED=1 cargo test -p zoufang-tests --test it unsealed`.

use std::{env, fs, path::Path};

use serde_json::{Value, json};
use zoufang_core::{
    phone::{Draft, DraftText, Op, Table},
    record::{Entries, Kind, Timestamp},
};
use zoufang_tests::{
    disk::Disk,
    made::{self, Dice},
};

use crate::{device, fill, home, server};

const PEOPLE: usize = 30;
const NAME: &str = "赵卓群";
const FACTS: &str = "屋后排水沟堵了";
const DRAFT: &str = "写到一半的话";

fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/fixtures/unsealed-store.json")
}

/// Makes the store as that app had it: every value behind a byte 0.
fn write() {
    let server = server();
    let mut village = device(&server.url(), "village");
    fill(&mut village, PEOPLE - 1, 1, 11);
    let mut entries = Entries::default();
    entries.put_text("name", Some(NAME));
    let person = village.create(Kind::Person, home(&village), entries).unwrap();
    village.sync().unwrap();
    let user = village.phone().account().unwrap().user;
    let mut visit = made::visit(&mut Dice::new(3), person, user);
    visit.put_text("facts", Some(FACTS));
    village.create(Kind::Visit, home(&village), visit).unwrap();
    let mut text = DraftText::default();
    text.entries.put_text("facts", Some(DRAFT));
    let draft = Draft { saved_at: Timestamp(1_795_000_000_000), text };
    let rows =
        village.disk().rows().map(|(table, key, value)| (table.name(), key.to_owned(), value.to_vec()));
    let of_draft = (Table::Draft.name(), Draft::key("visit-new", person), draft.to_bytes());
    let rows: Vec<Value> = rows
        .filter(|(table, _, _)| *table != Table::Parcel.name())
        .chain([of_draft])
        .map(|(table, key, value)| {
            let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            json!([table, key, format!("00{hex}")])
        })
        .collect();
    let stored = json!({ "people": PEOPLE, "name": NAME, "facts": FACTS, "draft": DRAFT, "person": person.to_string(), "rows": rows });
    fs::write(path(), stored.to_string()).unwrap();
}

#[test]
fn what_an_app_that_did_not_seal_has_kept_is_still_read() {
    if env::var_os("ZOUFANG_WRITE_UNSEALED").is_some() {
        write();
    }
    let stored: Value = serde_json::from_str(&fs::read_to_string(path()).unwrap()).unwrap();
    let mut disk = Disk::default();
    for row in stored["rows"].as_array().unwrap() {
        let [table, key, value] = [0, 1, 2].map(|at| row[at].as_str().unwrap());
        let table = *Table::ALL.iter().find(|known| known.name() == table).unwrap();
        let value: Vec<u8> = (2..value.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&value[at..at + 2], 16).unwrap())
            .collect();
        disk.write(&vec![Op::Put(table, key.to_owned(), value)]);
    }
    let phone = disk.phone();
    let people = phone.rows().filter(|row| row.kind() == Kind::Person).count();
    assert_eq!((people, phone.waiting()), (PEOPLE, 1));
    assert!(phone.account().is_some_and(|account| account.token.is_some()));
}
