//! The oracle: a plain log of edits, each with all the edits that its author had seen. It knows nothing of the engine and
//! uses nothing of it but ids and scalars; what a field must show is worked out here a second time, from that log alone.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use zoufang_core::record::{DeviceId, DocId, Kind, UnitId, UserId, Value};

/// An edit's number in the log.
pub(crate) type EditId = u32;

/// What a phone or the server holds of a document: numbers of edits.
pub(crate) type Seen = BTreeSet<EditId>;

/// One save that a phone's store committed.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) doc: DocId,
    pub(crate) kind: Kind,
    pub(crate) unit: UnitId,
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    /// The writer's clock, in whole seconds.
    pub(crate) at_s: i64,
    /// What it sets or takes away; only what differed from what its author saw.
    pub(crate) sets: BTreeMap<String, Option<Value>>,
    /// Every edit of the document that its author had seen.
    pub(crate) before: Seen,
    /// SHA-256 of the change without its head, by which everybody names it.
    pub(crate) hash: [u8; 32],
}

/// What a field must show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The values that nobody who saw them has replaced.
    pub(crate) values: BTreeSet<Value>,
    /// The one that stands in the record.
    pub(crate) top: Value,
}

/// How concurrent values of a key are resolved, by this file's own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Newest shown, all kept for a person's choice.
    Choice,
    /// Newest shown.
    Newest,
    /// Greatest shown.
    Greatest,
}

fn rule(key: &str) -> Rule {
    match key {
        "name" | "kind" | "birth" | "person" | "status" | "joined" | "branch" | "disability.grade" => {
            Rule::Choice
        }
        "notice_given" => Rule::Greatest,
        _ if key.starts_with("phone/") && key.ends_with(".number") => Rule::Choice,
        _ if key.ends_with(".removed") && !key.starts_with("promise/") => Rule::Greatest,
        _ if ["entitlement/", "honor/", "visitor/", "note/", "kin/"]
            .iter()
            .any(|set| key.starts_with(set)) =>
        {
            Rule::Greatest
        }
        _ => Rule::Newest,
    }
}

/// Whether a person must choose between concurrent values of a key.
pub(crate) fn is_choice(key: &str) -> bool {
    rule(key) == Rule::Choice
}

/// The log.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    edits: Vec<Edit>,
    /// By the bytes of their changes.
    by_hash: BTreeMap<[u8; 32], EditId>,
    /// Edits that an injected loss took off a disk before anybody else had them.
    pub(crate) taken_by_fault: Seen,
    /// Edits that got a receipt.
    pub(crate) receipted: Seen,
    /// Refused edits that a person let go.
    pub(crate) dismissed: Seen,
    /// Edits that a phone let go since the server said that their record went or is another.
    pub(crate) let_go: Seen,
    /// Edits that a phone made again since their document began anew.
    pub(crate) replaced: Seen,
    /// Edits that are what a phone made again.
    pub(crate) remade: Seen,
}

/// The name of a change: SHA-256 of all but magic and checksum.
pub(crate) fn hash_of(raw: &[u8]) -> [u8; 32] {
    Sha256::digest(raw.get(8..).unwrap_or_default()).into()
}

impl Oracle {
    /// All edits.
    pub(crate) fn edits(&self) -> impl Iterator<Item = (EditId, &Edit)> {
        self.edits.iter().enumerate().map(|(id, edit)| (u32::try_from(id).unwrap_or(u32::MAX), edit))
    }

    /// One edit.
    pub(crate) fn edit(&self, id: EditId) -> &Edit {
        &self.edits[id as usize]
    }

    /// How many edits there are.
    pub(crate) fn len(&self) -> usize {
        self.edits.len()
    }

    /// The edit of a change.
    pub(crate) fn find(&self, hash: &[u8; 32]) -> Option<EditId> {
        self.by_hash.get(hash).copied()
    }

    /// Adds a save that was committed.
    pub(crate) fn add(&mut self, edit: Edit) -> EditId {
        let id = u32::try_from(self.edits.len()).unwrap_or(u32::MAX);
        self.by_hash.insert(edit.hash, id);
        self.edits.push(edit);
        id
    }

    /// What of a patch differs from what its author sees: a key in conflict is written in any case.
    pub(crate) fn differing(
        &self,
        seen: &Seen,
        patch: &BTreeMap<String, Option<Value>>,
    ) -> BTreeMap<String, Option<Value>> {
        let differs = |key: &str, wanted: &Option<Value>| {
            let values: Vec<&Value> = self.standing(seen, key).into_iter().map(|(_, value)| value).collect();
            match wanted {
                Some(wanted) => values.len() != 1 || values[0] != wanted,
                None => !values.is_empty(),
            }
        };
        let differing = patch.iter().filter(|(key, wanted)| differs(key, wanted));
        differing.map(|(key, wanted)| (key.clone(), wanted.clone())).collect()
    }

    /// The values of a key that no edit replaced whose author had seen them.
    fn standing(&self, seen: &Seen, key: &str) -> Vec<(EditId, &Value)> {
        let touching: Vec<EditId> =
            seen.iter().copied().filter(|id| self.edit(*id).sets.contains_key(key)).collect();
        let replaced = |id: EditId| touching.iter().any(|later| self.edit(*later).before.contains(&id));
        let standing = touching.iter().copied().filter(|id| !replaced(*id));
        standing.filter_map(|id| Some((id, self.edit(id).sets[key].as_ref()?))).collect()
    }

    /// What every field of a document must show to somebody who holds these edits.
    pub(crate) fn fields(&self, seen: &Seen) -> BTreeMap<String, Shown> {
        let keys: BTreeSet<&str> =
            seen.iter().flat_map(|id| self.edit(*id).sets.keys()).map(String::as_str).collect();
        keys.into_iter().filter_map(|key| Some((key.to_owned(), self.shown(seen, key)?))).collect()
    }

    fn shown(&self, seen: &Seen, key: &str) -> Option<Shown> {
        let standing = self.standing(seen, key);
        let top = match rule(key) {
            Rule::Choice | Rule::Newest => standing.iter().max_by_key(|(id, _)| {
                let edit = self.edit(*id);
                (edit.at_s, edit.hash)
            }),
            Rule::Greatest => standing.iter().max_by_key(|(_, value)| *value),
        };
        let top = top.map(|(_, value)| (*value).clone())?;
        Some(Shown { values: standing.into_iter().map(|(_, value)| value.clone()).collect(), top })
    }

    /// The values of a key that somebody sees who holds these edits.
    pub(crate) fn values(&self, seen: &Seen, key: &str) -> BTreeSet<Value> {
        self.standing(seen, key).into_iter().map(|(_, value)| value.clone()).collect()
    }

    /// The values that a key ever had for somebody who holds these edits.
    pub(crate) fn ever(&self, seen: &Seen, key: &str) -> BTreeSet<Value> {
        seen.iter().filter_map(|id| self.edit(*id).sets.get(key).cloned().flatten()).collect()
    }

    /// The changes that a document has after it began anew, as what each sets, by whom, and when by the writer's clock:
    /// what nobody contradicts in one, and beside it each of several values of a key.
    pub(crate) fn anew(
        &self,
        seen: &Seen,
        creator: UserId,
    ) -> Vec<(BTreeMap<String, Option<Value>>, UserId, i64)> {
        let keys: BTreeSet<&String> = seen.iter().flat_map(|id| self.edit(*id).sets.keys()).collect();
        let (mut settled, mut rivals, mut newest) = (BTreeMap::new(), Vec::new(), 0);
        for key in keys {
            let standing = self.standing(seen, key);
            newest = standing.iter().map(|(id, _)| self.edit(*id).at_s).fold(newest, i64::max);
            if let [(_, value)] = standing.as_slice() {
                settled.insert(key.clone(), Some((*value).clone()));
                continue;
            }
            rivals.extend(standing.into_iter().map(|(id, value)| {
                let edit = self.edit(id);
                (BTreeMap::from([(key.clone(), Some(value.clone()))]), edit.user, edit.at_s)
            }));
        }
        rivals.push((settled, creator, newest));
        rivals
    }

    /// Those of which everything is there that they were built on; no more can be shown.
    pub(crate) fn whole(&self, held: &Seen) -> Seen {
        held.iter().copied().filter(|id| self.edit(*id).before.is_subset(held)).collect()
    }

    /// The newest edits: those that no other one here was built on.
    pub(crate) fn heads(&self, seen: &Seen) -> BTreeSet<[u8; 32]> {
        let built_on = |id: EditId| seen.iter().any(|later| self.edit(*later).before.contains(&id));
        seen.iter().copied().filter(|id| !built_on(*id)).map(|id| self.edit(id).hash).collect()
    }
}
