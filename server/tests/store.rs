//! The contract of stores, on each store.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tempfile::TempDir;
use zoufang_core::record::EpochId;
use zoufang_server::store::County;
use zoufang_server::store::memory::MemoryStore;
use zoufang_server::store::sqlite::SqliteStore;

async fn in_memory() -> (MemoryStore, ()) {
    (MemoryStore::new(EpochId(1)), ())
}

async fn in_sqlite() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (SqliteStore::open(&folder.path().join("store.sqlite"), County::default()).await.unwrap(), folder)
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
