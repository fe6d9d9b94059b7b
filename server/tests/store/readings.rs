//! The access log in a database: what it refuses, what the check finds, and several processes that add to it at once.

use std::path::Path;
use std::process::{Command, Output};

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use zoufang_core::record::{DeviceId, DocId, Timestamp, UnitId, UserId};
use zoufang_server::audit::{ChainError, access_log};
use zoufang_server::readings::{Head, Reading, Which};
use zoufang_server::store::postgres::PostgresStore;
use zoufang_server::store::postgres::cluster::Cluster;
use zoufang_server::store::sqlite::SqliteStore;
use zoufang_server::store::{County, Store};

use crate::in_postgres;

fn reading(number: u16) -> Reading {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    Reading {
        id,
        user: UserId(1),
        device: DeviceId(1),
        unit: UnitId(12),
        person: DocId([7; 16]),
        what: "phone".to_owned(),
        why: "call".to_owned(),
        read_at: Timestamp(1),
        received_at: Timestamp(2),
    }
}

/// A folder as the program makes it, with five readings.
async fn with_readings(folder: &Path) {
    let store = SqliteStore::open(&folder.join("zoufang.sqlite"), County::default()).await.unwrap();
    store.append_readings(&[1, 2, 3, 4, 5].map(reading)).await.unwrap();
    store.close().await;
}

async fn write(folder: &Path, sql: &str) -> Result<(), sqlx::Error> {
    let url = format!("sqlite://{}", folder.join("zoufang.sqlite").display());
    let mut connection = SqliteConnection::connect(&url).await?;
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
    connection.close().await?;
    done.map(|_| ())
}

/// What an operator's command says.
fn check(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zoufang-server"));
    command.args(["access-log", "check"]).args(more).env("ZOUFANG_DATA", folder);
    command.env_remove("ZOUFANG_DATABASE_URL").env("ZOUFANG_LOG", "off").output().unwrap()
}

fn whole(folder: &Path, more: &[&str]) -> String {
    let output = check(folder, more);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn broken(folder: &Path, more: &[&str]) -> String {
    let output = check(folder, more);
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap().trim().to_owned()
}

#[tokio::test]
async fn sqlite_refuses_to_change_a_line_and_the_check_finds_who_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert_eq!(whole(path, &[]), format!("0 readings, chain whole, head {}", Head::default()));
    with_readings(path).await;
    let said = whole(path, &[]);
    let head = said.strip_prefix("5 readings, chain whole, head ").unwrap().to_owned();
    assert!(head.starts_with("5:") && head.parse::<Head>().is_ok(), "{head}");
    for slip in ["update access_log set why = 'benefit'", "delete from access_log where seq = 5"] {
        assert!(write(path, slip).await.unwrap_err().to_string().contains("access log stay"), "{slip}");
    }
    assert_eq!(whole(path, &["--head", &head]), said, "nothing happened");

    // Each is undone by putting the file back.
    let (file, kept) = (path.join("zoufang.sqlite"), path.join("kept"));
    std::fs::copy(&file, &kept).unwrap();
    let without = "drop trigger access_log_stays; drop trigger access_log_keeps;";
    for (harm, seq) in [
        ("update access_log set why = 'benefit' where seq = 3", 3),
        ("update access_log set user = 2 where seq = 1", 1),
        ("update access_log set read_at = read_at + 1 where seq = 5", 5),
        ("update access_log set person = x'00' where seq = 4", 4),
        ("delete from access_log where seq = 2", 2),
        ("update access_log set seq = 6 where seq = 5", 5),
        ("update access_log set prev = zeroblob(32), hash = zeroblob(32) where seq = 2", 2),
    ] {
        write(path, &format!("{without} {harm}")).await.unwrap();
        assert_eq!(
            broken(path, &[]),
            format!("zoufang-server: the access log breaks at reading {seq}"),
            "{harm}"
        );
        std::fs::copy(&kept, &file).unwrap();
    }

    // An end that was cut off shows only against what was written down.
    write(path, &format!("{without} delete from access_log where seq > 3")).await.unwrap();
    let short = whole(path, &[]);
    assert!(short.starts_with("3 readings, chain whole, head 3:"));
    let gone = "zoufang-server: the access log ends before reading 5, which was written down";
    assert_eq!(broken(path, &["--head", &head]), gone);
    // So does one that was made anew.
    let store = SqliteStore::open(&file, County::default()).await.unwrap();
    store.append_readings(&[reading(8), reading(9)]).await.unwrap();
    store.close().await;
    assert!(whole(path, &[]).starts_with("5 readings, chain whole"));
    assert_eq!(broken(path, &["--head", &head]), "zoufang-server: the access log breaks at reading 5");
    assert!(broken(path, &["--head", "5:12"]).contains("not the head"));
}

#[tokio::test]
async fn postgres_refuses_to_change_a_line_and_the_check_finds_who_did() {
    let (store, url) = in_postgres().await;
    store.append_readings(&[1, 2, 3].map(reading)).await.unwrap();
    let sql = |text: &str| Cluster::shared().sql(url.rsplit('/').next().unwrap(), text);
    for slip in [
        "update access_log set why = 'benefit'",
        "delete from access_log where seq = 3",
        "truncate access_log",
    ] {
        assert!(sql(slip).is_err(), "{slip}");
    }
    let head = access_log(&store, None).await.unwrap();
    assert_eq!(head.seq, 3);
    sql("alter table access_log disable trigger all; update access_log set device = 2 where seq = 2")
        .unwrap();
    assert!(matches!(access_log(&store, Some(head)).await, Err(ChainError::Broken(2))));
}

/// Two processes over one database, each with several writers at once, and phones that send again what the other process has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_make_one_chain() {
    let (one, url) = in_postgres().await;
    let two = PostgresStore::open(&url, County::default()).await.unwrap();
    let writers: Vec<_> = (0..8_u16)
        .map(|writer| {
            let store = if writer % 2 == 0 { one.clone() } else { two.clone() };
            tokio::spawn(async move {
                for round in 0..20 {
                    let shared = reading(5_000 + round);
                    store.append_readings(&[reading(writer * 100 + round), shared]).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(access_log(&two, None).await.unwrap().seq, 8 * 20 + 20);
    let newest = one.readings(&Which::All, None, 1).await.unwrap();
    assert_eq!(newest[0].head(), two.readings_head().await.unwrap());
}
