//! The contract of stores, on each store.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod at_rest;
mod guarded;
mod interleaved;
mod lost_line;
mod readings;

use std::sync::Arc;

use tempfile::TempDir;
use zoufang_core::record::EpochId;
use zoufang_server::keys::Keys;
use zoufang_server::store::at_rest::SealedStore;
use zoufang_server::store::memory::MemoryStore;
use zoufang_server::store::postgres::PostgresStore;
use zoufang_server::store::postgres::cluster::Cluster;
use zoufang_server::store::sqlite::SqliteStore;
use zoufang_server::store::{County, Store};

async fn in_memory() -> (MemoryStore, ()) {
    (MemoryStore::new(EpochId(1)), ())
}

async fn in_sqlite() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (SqliteStore::open(&folder.path().join("store.sqlite"), County::default()).await.unwrap(), folder)
}

/// A store over a new database of the shared cluster.
async fn in_postgres() -> (PostgresStore, String) {
    let url = Cluster::shared().url(&Cluster::shared().database().unwrap());
    (PostgresStore::open(&url, County::default()).await.unwrap(), url)
}

/// A store over another one, in which everything is sealed.
fn sealed(below: impl Store) -> SealedStore {
    Keys::of_text(&"07".repeat(32)).unwrap().seal(Arc::new(below))
}

async fn sealed_in_memory() -> (SealedStore, ()) {
    (sealed(in_memory().await.0), ())
}

async fn sealed_in_sqlite() -> (SealedStore, TempDir) {
    let (store, folder) = in_sqlite().await;
    (sealed(store), folder)
}

async fn sealed_in_postgres() -> (SealedStore, String) {
    let (store, url) = in_postgres().await;
    (sealed(store), url)
}

mod sealed_memory {
    zoufang_server::store_contract!(super::sealed_in_memory);
}

mod sealed_sqlite {
    zoufang_server::store_contract!(super::sealed_in_sqlite);
}

mod sealed_postgres {
    zoufang_server::store_contract!(super::sealed_in_postgres);
}

mod memory {
    zoufang_server::store_contract!(super::in_memory);
}

mod sqlite {
    zoufang_server::store_contract!(super::in_sqlite);

    #[tokio::test]
    async fn the_library_cannot_lose_a_wal() {
        let (store, _folder) = super::in_sqlite().await;
        let version = store.library_version().await.unwrap();
        let parts: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
        assert!(parts >= vec![3, 51, 3], "{version}");
    }

    /// What is committed is in the write-ahead log; it comes into the file while the store is open, and no commit does it.
    #[tokio::test]
    async fn a_task_makes_the_checkpoints() {
        use std::time::{Duration, Instant};
        use zoufang_server::store::{County, Store, sqlite::SqliteStore};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let store = SqliteStore::open_busy(&path, County(1)).await.unwrap();
        zoufang_server::store::contract::accounts_and_logins(&store).await;
        let (size, start) = (|| std::fs::metadata(&path).unwrap().len(), Instant::now());
        while size() < 64 * 1024 {
            assert!(start.elapsed() < Duration::from_secs(30), "{} bytes", size());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        store.close().await;
    }

    #[tokio::test]
    async fn counties_in_one_file_do_not_see_each_other() {
        use zoufang_server::store::{County, Store, sqlite::SqliteStore};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let one = SqliteStore::open(&path, County(1)).await.unwrap();
        let two = SqliteStore::open(&path, County(2)).await.unwrap();
        zoufang_server::store::contract::accounts_and_logins(&one).await;
        zoufang_server::store::contract::accounts_and_logins(&two).await;
        assert_ne!(one.epoch().await.unwrap(), two.epoch().await.unwrap());
    }
}

mod postgres {
    zoufang_server::store_contract!(super::in_postgres);

    #[tokio::test]
    async fn counties_in_one_database_do_not_see_each_other() {
        use zoufang_server::store::{County, Store, postgres::PostgresStore};
        let (one, url) = super::in_postgres().await;
        let two = PostgresStore::open(&url, County(2)).await.unwrap();
        zoufang_server::store::contract::accounts_and_logins(&one).await;
        zoufang_server::store::contract::accounts_and_logins(&two).await;
        assert_ne!(one.epoch().await.unwrap(), two.epoch().await.unwrap());
    }

    #[tokio::test]
    async fn a_nul_in_a_text_is_no_fault() {
        use zoufang_server::store::Store;
        let (store, _) = super::in_postgres().await;
        assert!(store.account_by_login("a\0b").await.unwrap().is_none());
    }
}
