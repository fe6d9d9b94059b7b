//! Where the data of the measured server lie.

use std::{ffi::OsString, sync::Arc};

use anyhow::Result;
use tempfile::TempDir;
use zoufang_server::keys::Keys;
use zoufang_server::store::{
    self, County, Mark,
    postgres::{
        PostgresStore,
        cluster::{Cluster, Disk},
    },
    sqlite::SqliteStore,
};
use zoufang_tests::{
    Launch,
    server::{KEYS, program},
};

use super::Store;
use crate::machine;

const FILE: &str = "zoufang.sqlite";

/// A folder with a file, or a database in a cluster.
pub(super) enum Data {
    Sqlite(TempDir),
    Postgres(Cluster, String),
}

impl Data {
    /// Nothing yet. A cluster's processes keep to the cores that this process is on now.
    pub(super) fn empty(store: Store) -> Result<Self> {
        Ok(match store {
            Store::Sqlite => Self::Sqlite(tempfile::tempdir()?),
            Store::Postgres => {
                let cluster = Cluster::start(Disk::Synced)?;
                let name = cluster.database()?;
                Self::Postgres(cluster, name)
            }
        })
    }

    /// Opens the store in this process.
    pub(super) async fn open(&self) -> Result<Arc<dyn store::Store>> {
        let below: Arc<dyn store::Store> = match self {
            Self::Sqlite(folder) => {
                Arc::new(SqliteStore::open(&folder.path().join(FILE), County::default()).await?)
            }
            Self::Postgres(cluster, name) => {
                Arc::new(PostgresStore::open(&cluster.url(name), County::default()).await?)
            }
        };
        let keys = Keys::of_text(KEYS)?;
        // The server would tell each device of its key first.
        keys.agree(below.as_ref()).await?;
        below.put_mark(Mark::SealedUnder, keys.at_rest().current()).await?;
        Ok(Arc::new(keys.seal(below)))
    }

    /// Does now what the database would do some time after many changes.
    pub(super) fn tidy(&self) -> Result<()> {
        if let Self::Postgres(cluster, name) = self {
            cluster.sql(name, "vacuum analyze")?;
            cluster.sql(name, "checkpoint")?;
        }
        Ok(())
    }

    /// The release server over them, on its core.
    pub(super) fn launch(&self) -> Launch {
        let data: Vec<OsString> = match self {
            Self::Sqlite(folder) => vec!["--data".into(), folder.path().into()],
            Self::Postgres(cluster, name) => vec!["--database-url".into(), cluster.url(name).into()],
        };
        let shell = format!("unset ZOUFANG_DATABASE_URL; exec {} \"$@\"", machine::ON_FIRST_CORE);
        let variables = vec![("ZOUFANG_KEYS".to_owned(), KEYS.into())];
        Launch { program: program().to_owned(), shell: Some(shell), data, variables }
    }
}
