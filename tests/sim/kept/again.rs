//! Edits that a phone makes again, since their document began anew: nothing of them is missing, and nothing is replaced that
//! their author had not seen.

use std::collections::BTreeSet;

use zoufang_core::{
    phone::{Op, OutboxRow, Plan, Table},
    sync::session::Commit,
};

use super::Written;
use crate::{
    oracle::{Edit, EditId, hash_of},
    phone::Job,
    world::{Kind, World, unit_of_log},
};

/// An edit that the phone made again, since its document began anew: as nothing, where the document says it already, as one
/// change, or as two.
pub(super) struct Remade {
    old: EditId,
    rows: Vec<OutboxRow>,
}

impl World {
    /// The edits that a plan makes again on a document's new beginning, each as none, one or two.
    pub(super) fn made_again(&self, phone: usize, job: &Job, plan: &Plan) -> Vec<Remade> {
        let mut remade: Vec<Remade> = Vec::new();
        if !matches!(job, Job::Commit(commit) if matches!(**commit, Commit::End(..))) {
            return remade;
        }
        let disk = &self.phones[phone].image.disk;
        let before = |key: &String| -> Option<EditId> {
            let row: OutboxRow = minicbor::decode(disk.get(Table::Outbox, key)?).ok()?;
            self.oracle.find(&row.hash.0)
        };
        for op in &plan.batch {
            match op {
                // What takes a new number follows what is deleted.
                Op::Delete(Table::Outbox, key) => {
                    remade.extend(before(key).map(|old| Remade { old, rows: Vec::new() }));
                }
                Op::Put(Table::Outbox, key, value) => {
                    let Ok(row) = minicbor::decode::<OutboxRow>(value) else { continue };
                    match before(key) {
                        Some(old) => remade.push(Remade { old, rows: vec![row] }),
                        None => remade.last_mut().into_iter().for_each(|last| last.rows.push(row.clone())),
                    }
                }
                Op::Put(..) | Op::Delete(..) | Op::Clear(_) => {}
            }
        }
        let same =
            |remade: &Remade| remade.rows.iter().any(|row| self.oracle.find(&row.hash.0) == Some(remade.old));
        remade.retain(|remade| !same(remade));
        remade
    }

    /// An edit was made again: nothing of it is missing, and nothing is replaced that its author had not seen.
    pub(super) fn remade(&mut self, phone: usize, Remade { old, rows }: Remade) {
        let first = self.oracle.edit(old).clone();
        self.oracle.replaced.insert(old);
        let mut said = BTreeSet::new();
        for row in rows {
            let hash = hash_of(&row.raw);
            let Some(Written { before, sets, replaces, device, .. }) = self.read(&row.raw) else {
                let words = "an edit was made again on what nobody wrote".to_owned();
                return self.fail(Kind::Diverged, Some(phone), Some(row.doc), words);
            };
            for (key, value) in &sets {
                let replaced =
                    if replaces.contains(key) { self.oracle.values(&before, key) } else { BTreeSet::new() };
                let known = self.oracle.ever(&first.before, key);
                if !replaced.is_subset(&known) {
                    let words = format!(
                        "made again, an edit replaced {replaced:?} of `{key}`, and its author knew {known:?}"
                    );
                    self.fail(Kind::Lost, Some(phone), Some(row.doc), words);
                }
                if first.sets.get(key) != Some(value) {
                    let words = format!("made again, an edit says something else of `{key}`");
                    self.fail(Kind::Lost, Some(phone), Some(row.doc), words);
                }
                said.insert(key.clone());
            }
            // Another copy of this phone may have made it again in the very same way.
            let id = self.oracle.find(&hash).unwrap_or_else(|| {
                // A copy that has an id of its own makes again what it wrote under the old one.
                let device = device.unwrap_or(first.device);
                let id = self.oracle.add(Edit {
                    unit: unit_of_log(row.unit),
                    device,
                    sets,
                    before,
                    hash,
                    ..first.clone()
                });
                self.oracle.remade.insert(id);
                id
            });
            self.note("made again", phone, &[old.into(), id.into()], &hash);
        }
        self.read_again(phone, &BTreeSet::from([first.doc]));
        let seen = self.phones[phone].image.held.get(&first.doc).cloned().unwrap_or_default();
        for (key, value) in first.sets.iter().filter(|(key, _)| !said.contains(*key)) {
            let fine = match value {
                // The new beginning says it, or said it to whoever wrote over it since.
                Some(value) => self.oracle.ever(&seen, key).contains(value),
                None => {
                    let now = self.oracle.values(&seen, key);
                    now.is_empty() || !now.is_subset(&self.oracle.values(&first.before, key))
                }
            };
            if !fine {
                let words = format!("made again, an edit does not say its `{key}` any more");
                self.fail(Kind::Lost, Some(phone), Some(first.doc), words);
            }
        }
    }
}
