//! People from a CSV file, into a store in memory: the file as it stands, and as lines under a sound head.

use zoufang_core::{
    access::Level,
    record::{EpochId, Timestamp, UnitId, UserId},
};
use zoufang_server::{
    error::Error,
    import::people,
    rebuild::rebuild,
    store::{Store, Unit, UnitCode, memory::MemoryStore},
};

/// A head with the columns that are more than text.
pub(crate) const HEAD: &str = "person_id,village_code,name,kind,sex,birth_date,id_number,phone,phone_owner,phone2,address,\
residence,away_place,entitlements,enlist_date,honors,party_status,party_join_date,party_floating,death_date\n";
/// The code of the one village.
const VILLAGE: &str = "1";

/// A file that says anything.
pub(super) fn import(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    super::block_on(async {
        enter(&text).await;
        let lines = format!("{HEAD}{text}");
        assert!(enter(&lines).await, "the columns are there");
    });
}

/// Enters a file twice, and says whether it could be read.
async fn enter(text: &str) -> bool {
    let store = store().await;
    let report = match people(&store, text, UserId(1), Timestamp(1)).await {
        Ok(report) => report,
        Err(Error::BadRequest(_)) => return false,
        Err(error) => panic!("a line keeps the others out: {error:?}"),
    };
    assert!(report.left_out <= report.faults.len(), "what is left out is named");
    assert!(report.faults.iter().all(|fault| fault.line >= 2), "the head is no person");
    let entered = u64::try_from(report.people + report.memberships).expect("a number");
    assert_eq!(rebuild(&store).await.expect("a rebuild"), entered, "what is counted is there");
    let again = people(&store, text, UserId(1), Timestamp(2)).await.expect("what could be read before");
    assert_eq!((again.people, again.memberships), (0, 0), "a second time makes no doubles");
    true
}

async fn store() -> MemoryStore {
    let store = MemoryStore::new(EpochId(1));
    let unit = Unit {
        id: UnitId(1),
        parent: None,
        level: Level::Village,
        kind: String::new(),
        name: String::new(),
        short_name: String::new(),
        pinyin: String::new(),
        initials: String::new(),
    };
    let code = UnitCode {
        code: VILLAGE.to_owned(),
        from_year: 2019,
        until_year: None,
        unit: UnitId(1),
        name: String::new(),
    };
    store.put_units(&[unit], &[code]).await.expect("a store that does not fail");
    store
}
