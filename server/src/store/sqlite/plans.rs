//! No statement reads a whole table of records: SQLite, which knows nothing of the sizes of tables here, would rather walk
//! a table by its primary key than use an index beside it, and that cannot be seen before there are many records.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Row};

use super::SqliteStore;
use crate::store::County;

const SOURCES: [&str; 10] = [
    include_str!("accounts.rs"),
    include_str!("ahead.rs"),
    include_str!("control.rs"),
    include_str!("devices.rs"),
    include_str!("log.rs"),
    include_str!("office.rs"),
    include_str!("readings.rs"),
    include_str!("recovery.rs"),
    include_str!("send.rs"),
    include_str!("tx.rs"),
];
/// What may be read from end to end: there are few, or it is done rarely.
const WHOLE: [&str; 7] = [
    // Sign-in tries that failed lately.
    "delete from login_try where county = ? and at <= ?",
    // An operator asks who has not read of an erasure.
    "select e.unit, e.seq, e.erased_at, d.device",
    // Somebody looks at the list of devices.
    "select d.device, d.user, d.label, d.enrolled_at, d.revoked_at, d.former, d.seen_at",
    // Few wait, and hardly anything is erased.
    "delete from late where county = ? and doc = ?",
    // Few phones ask, and for a week at most.
    "delete from recovery where county = ? and asked_at <= ?",
    // A person is erased or moves.
    "delete from person where county = ? and doc = ?",
    "select coalesce(max(user), 0) + 1 from user",
];

/// The statements in these files, as far as they are written in one piece.
fn statements() -> BTreeSet<&'static str> {
    let words = ["select ", "insert ", "update ", "delete "];
    let pieces = SOURCES.iter().flat_map(|source| source.split('"'));
    pieces.filter(|piece| words.iter().any(|word| piece.starts_with(word))).collect()
}

/// Whether everything of a county is meant.
fn means_all(sql: &str) -> bool {
    let head = sql.split(" order by ").next().unwrap_or_default().trim_end();
    head.ends_with("where county = ?") || WHOLE.iter().any(|whole| sql.starts_with(whole))
}

#[tokio::test]
async fn every_statement_finds_its_records_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.sqlite"), County::default()).await.unwrap();
    let (mut seen, mut slow) = (0, Vec::new());
    for sql in statements() {
        let explain = AssertSqlSafe(format!("explain query plan {sql}"));
        let steps = sqlx::query(explain).fetch_all(&store.read).await.unwrap();
        seen += 1;
        for step in steps {
            let step: String = step.get("detail");
            let walks = step.ends_with("(county=?)") || step.contains("(county=?) LEFT-JOIN");
            let scans =
                step.starts_with("SCAN ") && !step.contains("VIRTUAL TABLE") && !step.contains("CONSTANT");
            if (walks || scans) && !means_all(sql) {
                slow.push((sql, step));
            }
        }
    }
    assert!(seen > 40, "only {seen} statements were found");
    assert!(slow.is_empty(), "{slow:#?}");
}

/// Each index that is written is one more page at a random place, for each change, once there are many records.
#[tokio::test]
async fn an_edit_of_a_document_writes_no_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.sqlite"), County::default()).await.unwrap();
    let sql = statements().into_iter().find(|sql| sql.starts_with("update doc set")).unwrap();
    let steps = sqlx::query(AssertSqlSafe(format!("explain {sql}"))).fetch_all(&store.read).await.unwrap();
    let opened = steps.iter().filter(|step| step.get::<&str, _>("opcode") == "OpenWrite").count();
    assert_eq!(opened, 1, "{sql}");
}
