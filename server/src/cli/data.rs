//! Opening the data: the database that was named, the keys that belong to it, and the sealing between.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{CliError, Result};
use crate::account::token;
use crate::config::{DataFolder, KeyPlace};
use crate::crash::crash_point;
use crate::keys::{Keys, KeysError};
use crate::layout::{self, Moved};
use crate::reseal;
use crate::state::system_clock;
use crate::store::at_rest::{Ring, SealedStore};
use crate::store::postgres::PostgresStore;
use crate::store::sqlite::SqliteStore;
use crate::store::{County, Mark, Store};
use crate::units;

pub(super) const DATABASE: &str = "zoufang.sqlite";
/// The keys file in the folder of the data.
pub(super) const KEYS: &str = "keys";
/// The keys themselves, as in a file, for those who keep secrets in the environment.
const KEYS_VARIABLE: &str = "ZOUFANG_KEYS";

/// A database and its keys.
pub(super) struct Data {
    /// What lies in the database, sealed.
    pub(super) below: Arc<dyn Store>,
    /// The keys.
    pub(super) keys: Keys,
    /// What seals.
    pub(super) ring: Arc<Ring>,
}

impl Data {
    /// Opens the database, makes it if it is missing, and finds its keys.
    pub(super) async fn open(place: &DataFolder) -> Result<Self> {
        let below: Arc<dyn Store> = match &place.database.database_url {
            Some(url) => Arc::new(PostgresStore::open(&url.0, County::default()).await?),
            None => {
                private_folder(&place.data)?;
                Arc::new(SqliteStore::open_busy(&place.data.join(DATABASE), County::default()).await?)
            }
        };
        let keys = keys(&place.keys, &place.data, below.as_ref()).await?;
        let ring = Arc::new(keys.at_rest());
        if below.mark(Mark::SealedUnder).await?.is_some_and(|key| !ring.has(key)) {
            return Err(KeysError::Others.into());
        }
        keys.agree(below.as_ref()).await?;
        Ok(Self { below, keys, ring })
    }

    /// The store as the program uses it: data that were never sealed are sealed first, and an empty store gets the units.
    pub(super) async fn store(&self) -> Result<Arc<dyn Store>> {
        if reseal::seal_what_is_clear(&self.below, &self.ring).await? {
            tracing::info!("records are sealed on the disk from now on");
        }
        let store = SealedStore::over(Arc::clone(&self.below), Arc::clone(&self.ring));
        if store.units().await?.is_empty() {
            let (units, codes) = units::listed()?;
            crash_point!("units.before");
            store.put_units(&units, &codes).await?;
            crash_point!("units.after");
        }
        let Moved { records, files } =
            layout::bring_up_to_date(&store, &token::random_u64, system_clock()()).await?;
        if records + files > 0 {
            tracing::info!(records, files, "records lie in logs by class from now on");
        }
        Ok(Arc::new(store))
    }
}

/// The store of a command that needs nothing else.
pub(super) async fn open_store(place: &DataFolder) -> Result<Arc<dyn Store>> {
    Data::open(place).await?.store().await
}

/// The server's keys.
async fn keys(place: &KeyPlace, folder: &Path, store: &dyn Store) -> Result<Keys> {
    let in_environment = std::env::var(KEYS_VARIABLE).ok().map(Zeroizing::new);
    Ok(match (in_environment, &place.keys_file) {
        (Some(text), _) => Keys::of_text(&text)?,
        (None, Some(path)) => Keys::of_file(path)?,
        (None, None) => {
            private_folder(folder)?;
            let path = folder.join(KEYS);
            // A new key would open nothing of what is there, and phones would be told of it for nothing.
            if store.sync_key().await?.is_some() && !path.exists() {
                return Err(KeysError::Others.into());
            }
            Keys::of_file_or_new(&path)?
        }
    })
}

/// Makes the folder if it is missing; nobody else may look into it.
pub(super) fn private_folder(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|source| CliError::Io { what: format!("make folder {}", folder.display()), source })
}
