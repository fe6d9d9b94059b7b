//! The server's keys: they lie beside the database and never in it.
//!
//! A line of the file is one key of 32 bytes in hex digits. The first is in use; those below it were before, and open what was
//! sealed then. From each follow the sync key to which phones seal parcels, and the key of what lies in the database.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;
use zoufang_core::record::DeviceId;
use zoufang_core::seal::{DataKey, KeyId, PublicKey, SecretKey};

use crate::account::code::CodeKey;
use crate::crash::crash_point;
use crate::store::at_rest::{Ring, SealedStore};
use crate::store::{Store, StoreError};

const KEY_BYTES: usize = 32;
/// More keys than this were never in use at once: the file is something else.
const KEYS_MAX: usize = 64;

/// Why the keys cannot be used. None of it repeats a key.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or made.
    #[error("{what}")]
    File {
        /// What was tried.
        what: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line is no key.
    #[error("line {0} of the keys is not 32 bytes as 64 hex digits")]
    Line(usize),
    /// There is no key, or there are too many.
    #[error("there is no key, or there are more than {KEYS_MAX}")]
    Count,
    /// The data were used with a key that is not among these.
    #[error(
        "these data belong to other keys: put the keys file of this database back (ZOUFANG_KEYS_FILE), the key in use first. \
         Nothing was changed"
    )]
    Others,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The system gives no randomness.
    #[error("the system gives no random numbers")]
    Random,
}

/// The keys, the one in use first.
pub struct Keys(Vec<Zeroizing<[u8; KEY_BYTES]>>);

impl Keys {
    /// The keys of a text.
    ///
    /// # Errors
    /// If a line is none, or if there is none.
    pub fn of_text(text: &str) -> Result<Self, KeysError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                keys.push(key_of_hex(line).ok_or(KeysError::Line(index + 1))?);
            }
        }
        if (1..=KEYS_MAX).contains(&keys.len()) { Ok(Self(keys)) } else { Err(KeysError::Count) }
    }

    /// The keys of a file.
    ///
    /// # Errors
    /// If it cannot be read or holds none.
    pub fn of_file(path: &Path) -> Result<Self, KeysError> {
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        Self::of_text(&text.map_err(failed("read", path))?)
    }

    /// The keys of a file, which is made with a new key if it is missing.
    ///
    /// # Errors
    /// If it can be neither read nor made.
    pub fn of_file_or_new(path: &Path) -> Result<Self, KeysError> {
        match std::fs::exists(path).map_err(failed("look for", path))? {
            true => Self::of_file(path),
            false => Self::make(path),
        }
    }

    /// What opens the slots of phones, if this is the file of the recovery key.
    #[must_use]
    pub fn recovery(&self) -> SecretKey {
        SecretKey::of_seed(&derived(&self.0[0], b"zoufang recovery key"))
    }

    fn make(path: &Path) -> Result<Self, KeysError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *key).map_err(|_| KeysError::Random)?;
        let mut text = Zeroizing::new(String::from(
            "# The keys of this server. Whoever has them and the data reads everything.\n# Without them nothing in the data can be read: keep a copy apart from the data.\n",
        ));
        text.push_str(&Zeroizing::new(hex::encode(*key)));
        text.push('\n');
        // Under another name first: a half-written key is worse than none.
        let draft = path.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let write = || {
            let mut file = options.open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            crash_point!("keys.file.before");
            std::fs::rename(&draft, path)?;
            path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
        };
        write().map_err(failed("make", path))?;
        crash_point!("keys.file.after");
        Ok(Self(vec![key]))
    }

    /// The keys that open parcels, the one in use first.
    #[must_use]
    pub fn sync(&self) -> Vec<SecretKey> {
        self.0.iter().map(|key| SecretKey::of_seed(&derived(key, b"zoufang sync key"))).collect()
    }

    /// What seals records on the server's disk, the key in use first.
    #[must_use]
    pub fn at_rest(&self) -> Ring {
        let key = |key: &Zeroizing<[u8; KEY_BYTES]>| {
            let [a, b, c, d, ..] = *derived(key, b"zoufang at rest: id");
            DataKey::from_parts(KeyId(u32::from_be_bytes([a, b, c, d])), &derived(key, b"zoufang at rest"))
        };
        Ring::of(&self.0.iter().map(key).collect::<Vec<_>>())
    }

    /// What opens backups, if this is the file of the offline key.
    #[must_use]
    pub fn backup(&self) -> SecretKey {
        SecretKey::of_seed(&derived(&self.0[0], b"zoufang backup key"))
    }

    /// The keys as a file holds them.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let lines: Vec<String> = self.0.iter().map(|key| hex::encode(**key)).collect();
        Zeroizing::new(lines.join("\n"))
    }

    /// A store in which everything is sealed under these keys.
    #[must_use]
    pub fn seal(&self, below: Arc<dyn Store>) -> SealedStore {
        SealedStore::over(below, Arc::new(self.at_rest()))
    }

    /// What one-time codes are hashed with. A code is good for a day, so that the key in use is enough.
    #[must_use]
    pub fn codes(&self) -> CodeKey {
        CodeKey::new(derived(&self.0[0], b"zoufang one-time codes"))
    }

    /// What wipes devices, the key in use first.
    #[must_use]
    pub fn wipe(&self) -> Vec<WipeKey> {
        self.0.iter().map(|key| WipeKey(derived(key, b"zoufang wipe key"))).collect()
    }

    /// Tells phones which key to seal to; only if these are the keys that the data were used with.
    ///
    /// # Errors
    /// [`KeysError::Others`] if they are not.
    pub async fn agree(&self, store: &dyn Store) -> Result<(), KeysError> {
        let ours: Vec<PublicKey> = self.sync().iter().map(SecretKey::public).collect();
        let known = store.sync_key().await?;
        match known {
            Some(known) if known == ours[0] => return Ok(()),
            Some(known) if !ours.contains(&known) => return Err(KeysError::Others),
            Some(_) => tracing::info!("the key in use is another now"),
            None => {}
        }
        crash_point!("keys.agree.before");
        store.put_sync_key(ours[0]).await?;
        crash_point!("keys.agree.after");
        Ok(())
    }
}

/// Makes the words that wipe devices.
pub struct WipeKey(Zeroizing<[u8; KEY_BYTES]>);

impl WipeKey {
    /// The word that wipes a device: nobody has it before the device was revoked.
    #[must_use]
    pub fn word(&self, device: DeviceId) -> [u8; KEY_BYTES] {
        *derived(&self.0, &device.0.to_be_bytes())
    }

    /// What a device keeps from its enrolment on, to know that word by: its hash.
    #[must_use]
    pub fn mark(&self, device: DeviceId) -> [u8; KEY_BYTES] {
        Sha256::digest(self.word(device)).into()
    }
}

/// A key for one purpose.
pub(crate) fn derived(from: &[u8; KEY_BYTES], purpose: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let expanded = Hkdf::<Sha256>::new(None, from).expand(purpose, &mut *key);
    expanded.unwrap_or_else(|_| unreachable!("32 bytes are short"));
    key
}

/// 32 bytes of 64 hex digits.
pub(crate) fn key_of_hex(line: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    hex::decode_to_slice(line, &mut *key).ok()?;
    Some(key)
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KeysError {
    let what = format!("{what} the keys file {}", path.display());
    move |source| KeysError::File { what, source }
}

#[cfg(test)]
mod tests {
    use zoufang_core::record::EpochId;

    use super::*;
    use crate::store::memory::MemoryStore;

    const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const TWO: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn keys(lines: &[&str]) -> Keys {
        Keys::of_text(&lines.join("\n")).unwrap()
    }

    #[test]
    fn a_file_is_made_once_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let made = Keys::of_file_or_new(&path).unwrap();
        let read = Keys::of_file_or_new(&path).unwrap();
        assert_eq!(made.sync()[0].public(), read.sync()[0].public());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn what_is_no_key_is_said_by_its_line() {
        let text = format!("# ours\n\n{ONE}\n{}", &TWO[1..]);
        assert!(matches!(Keys::of_text(&text), Err(KeysError::Line(4))));
        assert!(matches!(Keys::of_text("# nothing"), Err(KeysError::Count)));
        assert!(matches!(Keys::of_text(&"é".repeat(32)), Err(KeysError::Line(1))));
        assert!(matches!(Keys::of_text(&ONE.replace("0f", "+f")), Err(KeysError::Line(1))));
        let said = Keys::of_text(&ONE.replace('0', "g")).err().unwrap().to_string();
        assert!(!said.contains("1112131415"), "{said}");
    }

    #[tokio::test]
    async fn phones_are_told_of_a_new_key_and_data_of_other_keys_are_left_alone() {
        let store = MemoryStore::new(EpochId(1));
        keys(&[ONE]).agree(&store).await.unwrap();
        let version = store.directory_version().await.unwrap();
        keys(&[ONE]).agree(&store).await.unwrap();
        assert_eq!(store.directory_version().await.unwrap(), version, "nothing new is nothing to tell");
        assert!(matches!(keys(&[TWO]).agree(&store).await, Err(KeysError::Others)));
        assert_eq!(store.sync_key().await.unwrap(), Some(keys(&[ONE]).sync()[0].public()));
        keys(&[TWO, ONE]).agree(&store).await.unwrap();
        assert_eq!(store.sync_key().await.unwrap(), Some(keys(&[TWO]).sync()[0].public()));
        assert!(store.directory_version().await.unwrap() > version);
    }
}
