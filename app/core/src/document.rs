//! A record as an Automerge document: created, edited, merged, read, with its conflicts and its history.
//!
//! A document is flat (see [`crate::record::entries`]) and short-lived: it is loaded from raw changes to edit, to merge
//! or to show its history, and dropped. Identity lives outside: the envelope of a change says who wrote it, and an
//! Automerge actor is used for one editing session only.
pub mod conflict;
pub mod history;
mod re_root;
mod resolve;
pub mod shape;

pub use re_root::RootChange;

use std::collections::{BTreeMap, BTreeSet};

use automerge::{
    ActorId, Automerge, Change, ObjId, ROOT, ReadDoc, ScalarValue, TextEncoding,
    transaction::{CommitOptions, Transactable},
};

use crate::{
    gather,
    record::{ChangeHash, DeviceId, Entries, Kind, Patch, Timestamp, UserId, Value},
    sync::scan::Scanned,
};

/// One change as the logs keep it: raw bytes, and what the envelope says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChange {
    /// The raw (not deflated) Automerge change.
    pub raw: Vec<u8>,
    /// Who wrote it.
    pub author: UserId,
    /// When the server took it, by its clock; `None` while it is only on this phone.
    pub received_at: Option<Timestamp>,
}

/// Why a document cannot be built or changed.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The bytes are no change.
    #[error("change cannot be read")]
    Unreadable,
    /// Automerge refuses the change.
    #[error("change does not apply: {0}")]
    DoesNotApply(#[from] automerge::AutomergeError),
    /// A change came before one that it depends on.
    #[error("change depends on one that is missing")]
    MissingDependency,
    /// A key is not in the shape of the kind.
    #[error("key is not in the shape of this kind")]
    UnknownKey,
}

/// What the envelope says of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who wrote it.
    pub author: UserId,
    /// When the server took it.
    pub received_at: Option<Timestamp>,
}

/// A loaded document.
#[derive(Debug, Clone)]
pub struct Document {
    kind: Kind,
    inner: Automerge,
    envelopes: BTreeMap<ChangeHash, Envelope>,
}

impl Document {
    /// An empty document.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            inner: Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint),
            envelopes: BTreeMap::new(),
        }
    }

    /// A document from its changes, in any order, each as often as it comes.
    ///
    /// # Errors
    /// See [`Self::apply`].
    pub fn load(kind: Kind, changes: impl IntoIterator<Item = LogChange>) -> Result<Self, DocumentError> {
        let mut document = Self::new(kind);
        document.apply(changes)?;
        Ok(document)
    }

    /// Applies changes, in any order; those that are there already change nothing.
    ///
    /// # Errors
    /// [`DocumentError`] if bytes are no change, or a dependency is neither here nor among them. The document is then
    /// to be dropped.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = LogChange>) -> Result<(), DocumentError> {
        let mut parsed = Vec::new();
        for change in changes {
            let read = Change::from_bytes(change.raw).map_err(|_| DocumentError::Unreadable)?;
            // Automerge does not ask the checksum: a damaged row would become another change.
            if read.raw_bytes().get(4..8) != read.hash().0.get(..4) {
                return Err(DocumentError::Unreadable);
            }
            let envelope = Envelope { author: change.author, received_at: change.received_at };
            let known = self.envelopes.entry(read.hash().into()).or_insert(envelope);
            known.received_at = known.received_at.or(envelope.received_at);
            parsed.push(read);
        }
        self.check_batch(&parsed)?;
        self.inner.apply_changes(parsed)?;
        Ok(())
    }

    /// Refuses what Automerge answers with a panic instead of an error: an actor without its first change, an actor that
    /// is only named, operations numbered below what they build on. A change that waits for its dependencies could be either, so a batch must bring them all.
    fn check_batch(&self, batch: &[Change]) -> Result<(), DocumentError> {
        let mut by_hash: BTreeMap<ChangeHash, u64> = BTreeMap::new();
        let mut by_number: BTreeMap<(ActorId, u64), u64> = BTreeMap::new();
        for meta in self.inner.get_changes_meta(&[]) {
            by_hash.insert(meta.hash.into(), meta.max_op);
            by_number.insert((meta.actor.into_owned(), meta.seq), meta.max_op);
        }
        for change in batch {
            by_hash.insert(change.hash().into(), change.max_op());
            by_number.insert((change.actor_id().clone(), change.seq()), change.max_op());
        }
        for change in batch {
            let mut newest = 0;
            for dep in change.deps() {
                newest = newest.max(*by_hash.get(&(*dep).into()).ok_or(DocumentError::MissingDependency)?);
            }
            if change.seq() != 1 {
                let previous = (change.actor_id().clone(), change.seq().saturating_sub(1));
                newest = newest.max(*by_number.get(&previous).ok_or(DocumentError::Unreadable)?);
            }
            let named =
                change.other_actor_ids().iter().all(|other| by_number.contains_key(&(other.clone(), 1)));
            if change.start_op().get() <= newest || !named {
                return Err(DocumentError::Unreadable);
            }
        }
        Ok(())
    }

    /// Whether a change replaces only values that stood under their key when it was written. Automerge takes any other
    /// change, too, and panics when it is later asked for the document's history.
    #[must_use]
    pub fn admits(&self, change: &Scanned) -> bool {
        let deps: Vec<automerge::ChangeHash> = change.deps.iter().map(|dep| (*dep).into()).collect();
        if !deps.iter().all(|dep| self.inner.get_change_meta_by_hash(dep).is_some()) {
            return false;
        }
        change.ops.iter().filter(|op| !op.replaces.is_empty()).all(|op| {
            let Ok(seen) = self.inner.get_all_at(ROOT, op.key.as_str(), &deps) else { return false };
            let seen: BTreeSet<(u64, &[u8])> = gather(seen.iter().filter_map(|(_, id)| match id {
                ObjId::Root => None,
                ObjId::Id(counter, actor, _) => Some((*counter, actor.to_bytes())),
            }));
            op.replaces.iter().all(|replaced| seen.contains(&(replaced.counter, replaced.actor.as_slice())))
        })
    }

    /// Writes a patch as one change and gives its raw bytes, or `None` if nothing differs. A key in conflict is written
    /// even if its value is the one shown: that is how a person chooses.
    ///
    /// `actor` is new for each editing session ([`DeviceId::actor`]); `at` is the phone's clock, kept in seconds.
    ///
    /// # Errors
    /// [`DocumentError::UnknownKey`] if a key is not in the shape of the kind; nothing is written then.
    pub fn commit(
        &mut self,
        actor: ActorId,
        author: UserId,
        at: Timestamp,
        patch: &Patch,
    ) -> Result<Option<Vec<u8>>, DocumentError> {
        let shape = shape::of(self.kind);
        let mut writes = Vec::new();
        for (key, value) in &patch.0 {
            shape.field(key).ok_or(DocumentError::UnknownKey)?;
            let current = self.inner.get_all(ROOT, key)?;
            let same = match value {
                Some(value) => {
                    current.len() == 1
                        && current.first().and_then(|(found, _)| read_value(found)).as_ref() == Some(value)
                }
                None => current.is_empty(),
            };
            if !same {
                writes.push((key, value, current.len() > 1));
            }
        }
        if writes.is_empty() {
            return Ok(None);
        }
        self.inner.set_actor(actor);
        let mut transaction = self.inner.transaction();
        for (key, value, in_conflict) in writes {
            // Automerge makes of "choose what is shown already" only a deletion of the others, which a concurrent choice of
            // another value would take the chosen one away with. So a choice is written as a value of its own.
            if in_conflict && value.is_some() {
                transaction.delete(ROOT, key)?;
            }
            match value {
                Some(Value::Text(text)) => transaction.put(ROOT, key, text.as_str())?,
                Some(Value::Int(number)) => transaction.put(ROOT, key, *number)?,
                Some(Value::Bool(flag)) => transaction.put(ROOT, key, *flag)?,
                None => transaction.delete(ROOT, key)?,
            }
        }
        transaction.commit_with(CommitOptions::default().with_time(at.0.div_euclid(1000)));
        let Some(change) = self.inner.get_last_local_change() else { return Ok(None) };
        self.envelopes.insert(change.hash().into(), Envelope { author, received_at: None });
        Ok(Some(change.raw_bytes().to_vec()))
    }

    /// The document as it was at these heads, or `None` if it never had them.
    #[must_use]
    pub fn at(&self, heads: &[ChangeHash]) -> Option<Self> {
        let heads: Vec<automerge::ChangeHash> = heads.iter().map(|head| (*head).into()).collect();
        let inner = self.inner.fork_at(&heads).ok()?;
        Some(Self { kind: self.kind, inner, envelopes: self.envelopes.clone() })
    }

    /// The kind that the document was loaded as.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The heads, sorted.
    #[must_use]
    pub fn heads(&self) -> Vec<ChangeHash> {
        let mut heads: Vec<ChangeHash> = self.inner.get_heads().into_iter().map(ChangeHash::from).collect();
        heads.sort_unstable();
        heads
    }

    /// The number of the newest operation; a new change starts one above it.
    #[must_use]
    pub fn max_op(&self) -> u64 {
        self.inner.get_changes(&[]).iter().map(Change::max_op).max().unwrap_or(0)
    }

    /// All raw changes, in an order in which each comes after those it depends on.
    #[must_use]
    pub fn raw_changes(&self) -> Vec<Vec<u8>> {
        self.inner.get_changes(&[]).iter().map(|change| change.raw_bytes().to_vec()).collect()
    }

    /// Automerge's compact saved form, for export and tests; the truth are the raw changes.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        self.inner.save()
    }

    /// The record's entries, each key resolved by its merge class. Keys that this version does not know are left out
    /// here and stay in the document.
    #[must_use]
    pub fn entries(&self) -> Entries {
        resolve::entries(self)
    }

    /// The values that stand under a key, concurrent ones beside each other.
    #[must_use]
    pub fn values(&self, key: &str) -> Vec<Value> {
        let Ok(all) = self.inner.get_all(ROOT, key) else { return Vec::new() };
        gather(all.iter().filter_map(|(value, _)| read_value(value)))
    }

    fn claims(&self, key: &str) -> Vec<conflict::Claim> {
        let Ok(all) = self.inner.get_all(ROOT, key) else { return Vec::new() };
        all.iter()
            .filter_map(|(value, id)| Some(self.claim(read_value(value)?, self.inner.hash_for_opid(id)?)))
            .collect()
    }

    fn claim(&self, value: Value, hash: automerge::ChangeHash) -> conflict::Claim {
        let meta = self.inner.get_change_meta_by_hash(&hash);
        let at_seconds = meta.as_ref().map_or(0, |meta| meta.timestamp);
        let device = meta.and_then(|meta| DeviceId::of_actor(meta.actor.to_bytes()));
        let hash = ChangeHash::from(hash);
        let envelope = self.envelopes.get(&hash);
        conflict::Claim {
            value,
            change: hash,
            author: envelope.map(|envelope| envelope.author),
            device,
            at: Timestamp(at_seconds.saturating_mul(1000)),
            received_at: envelope.and_then(|envelope| envelope.received_at),
        }
    }
}

/// A scalar that our documents use; others (a later version's) are not read.
fn read_value(value: &automerge::Value<'_>) -> Option<Value> {
    match value.as_scalar()? {
        ScalarValue::Str(text) => Some(Value::Text(text.to_string())),
        ScalarValue::Int(number) => Some(Value::Int(*number)),
        ScalarValue::Uint(number) => i64::try_from(*number).ok().map(Value::Int),
        ScalarValue::Boolean(flag) => Some(Value::Bool(*flag)),
        ScalarValue::Bytes(_)
        | ScalarValue::F64(_)
        | ScalarValue::Counter(_)
        | ScalarValue::Timestamp(_)
        | ScalarValue::Unknown { .. }
        | ScalarValue::Null => None,
    }
}
