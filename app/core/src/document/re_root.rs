//! Beginning a document anew from its values: its history is shortened, or a field is erased with all that it ever held.
use automerge::{
    ActorId, Automerge, ROOT, ReadDoc, ScalarValue, TextEncoding,
    transaction::{CommitOptions, Transactable},
};

use super::{Document, DocumentError};
use crate::record::UserId;

/// One change of a document that began anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootChange {
    /// The raw change.
    pub raw: Vec<u8>,
    /// Who wrote the values in it.
    pub author: UserId,
}

/// A value beside the one that Automerge shows.
struct Rival {
    key: String,
    value: ScalarValue,
    author: UserId,
    time: i64,
}

impl Document {
    /// The changes of a document that says what this one says now, without the history and without the keys that `drops`
    /// names. Concurrent values stay concurrent, each with its author and time; keys of a later version stay.
    ///
    /// `author` stands for values whose author is not known; `next_actor` gives a fresh actor for each change.
    ///
    /// # Errors
    /// [`DocumentError`] if Automerge cannot read or write a value.
    pub fn re_root(
        &self,
        author: UserId,
        drops: impl Fn(&str) -> bool,
        mut next_actor: impl FnMut() -> ActorId,
    ) -> Result<Vec<RootChange>, DocumentError> {
        let mut root = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
        root.set_actor(next_actor());
        let (mut settled, mut rivals, mut newest) = (Vec::new(), Vec::new(), 0);
        for key in self.inner.keys(ROOT).filter(|key| !drops(key)) {
            let mut all = Vec::new();
            for (value, id) in self.inner.get_all(ROOT, &key)? {
                let Some(value) = value.as_scalar().cloned() else { continue };
                let hash = self.inner.hash_for_opid(&id);
                let time = hash
                    .and_then(|hash| self.inner.get_change_meta_by_hash(&hash))
                    .map_or(0, |meta| meta.timestamp);
                let envelope = hash.and_then(|hash| self.envelopes.get(&hash.into()));
                let author = envelope.map_or(author, |envelope| envelope.author);
                newest = newest.max(time);
                all.push(Rival { key: key.clone(), value, author, time });
            }
            if all.len() > 1 { rivals.extend(all) } else { settled.extend(all) }
        }
        let mut transaction = root.transaction();
        for held in settled {
            transaction.put(ROOT, held.key, held.value)?;
        }
        transaction.commit_with(CommitOptions::default().with_time(newest));
        let mut changes: Vec<RootChange> = root
            .get_last_local_change()
            .map(|change| RootChange { raw: change.raw_bytes().to_vec(), author })
            .into_iter()
            .collect();
        // Each rival in a change of its own on the same root: so they are concurrent again.
        for rival in rivals {
            let mut beside = root.clone();
            beside.set_actor(next_actor());
            let mut transaction = beside.transaction();
            transaction.put(ROOT, rival.key, rival.value)?;
            transaction.commit_with(CommitOptions::default().with_time(rival.time));
            let change = beside.get_last_local_change();
            changes.extend(
                change.map(|change| RootChange { raw: change.raw_bytes().to_vec(), author: rival.author }),
            );
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        document::LogChange,
        record::{DeviceId, Kind, Patch, Timestamp, Value},
    };

    fn write(document: &mut Document, number: u8, author: u32, at: i64, key: &str, value: &str) -> LogChange {
        let patch = Patch::set(key, Value::Text(value.into()));
        let actor = DeviceId(u64::from(number)).actor([number; 8]);
        let raw = document.commit(actor, UserId(author), Timestamp(at), &patch).unwrap().unwrap();
        LogChange { raw, author: UserId(author), received_at: None }
    }

    #[test]
    fn values_and_conflicts_stay_and_the_history_goes() {
        let mut one = Document::new(Kind::Person);
        write(&mut one, 1, 7, 1_000, "name", "张伟");
        write(&mut one, 2, 7, 2_000, "address", "一组");
        write(&mut one, 3, 7, 3_000, "address", "二组");
        let mut other = one.clone();
        let rival = write(&mut other, 4, 8, 5_000, "birth", "1951");
        write(&mut one, 5, 7, 4_000, "birth", "1952");
        one.apply([rival]).unwrap();
        let mut actors = 100_u8;
        let changes = one
            .re_root(
                UserId(1),
                |key| key == "address",
                || {
                    actors += 1;
                    DeviceId(0).actor([actors; 8])
                },
            )
            .unwrap();
        let log = changes.iter().map(|change| LogChange {
            raw: change.raw.clone(),
            author: change.author,
            received_at: None,
        });
        let anew = Document::load(Kind::Person, log).unwrap();
        assert_eq!(anew.entries().text("name").as_deref(), Some("张伟"));
        assert_eq!(anew.entries().text("address"), None);
        let bytes = changes.iter().flat_map(|change| change.raw.clone()).collect::<Vec<u8>>();
        for gone in ["一组", "二组"] {
            assert!(!bytes.windows(gone.len()).any(|found| found == gone.as_bytes()), "no trace of {gone}");
        }
        let told = |document: &Document| {
            let conflicts = document.conflicts();
            let claims = conflicts.iter().flat_map(|conflict| conflict.claims.iter());
            let mut told: Vec<_> =
                claims.map(|claim| (claim.value.clone(), claim.author, claim.at)).collect();
            told.sort();
            told
        };
        assert_eq!(told(&one).len(), 2);
        assert_eq!(told(&anew), told(&one));
    }
}
