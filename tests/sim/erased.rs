//! After an erasure nothing of the record is anywhere: not on a disk that was told, not on the server.

use std::collections::BTreeSet;

use anyhow::Result;
use zoufang_core::{
    phone::Table,
    record::{DocId, Value},
    sync::wire::{Frame, FrameReader, Item, Page, encode_answer_start},
};

use crate::{
    phone::SimPhone,
    world::{Kind, World},
};

/// A text is looked for after an erasure if it has so many bytes: shorter ones are found by chance.
const TEXT_BYTES_MIN: usize = 16;

impl World {
    /// An erased record of which something is on the disk of a phone that was told of it.
    pub(crate) fn erased_on(&self, phone: &SimPhone) -> Option<DocId> {
        if phone.old {
            return None;
        }
        let in_outbox = phone.image.outbox.keys().map(|id| self.oracle.edit(*id).doc);
        // What was refused for another reason, where the record's unit is not read any more, stays until a person lets it go.
        let refused: BTreeSet<DocId> = in_outbox.collect();
        self.oracle.erased.iter().copied().filter(|doc| !refused.contains(doc)).find(|doc| {
            let texts = self.texts_of(*doc);
            phone.image.disk.rows().any(|(table, key, value)| {
                let by_id = matches!(table, Table::Log | Table::Outbox | Table::Draft)
                    && (contains(value, &doc.0) || key.contains(&doc.to_string()));
                by_id || texts.iter().any(|text| contains(value, text.as_bytes()))
            })
        })
    }

    /// Long texts of a record that are in no other.
    fn texts_of(&self, doc: DocId) -> BTreeSet<&str> {
        let texts = |wanted: bool| {
            let edits = self.oracle.edits().filter(move |(_, edit)| (edit.doc == doc) == wanted);
            edits.flat_map(|(_, edit)| edit.sets.values().flatten()).filter_map(|value| match value {
                // Ids of people are in the keys of other records, too.
                Value::Text(text) if text.len() >= TEXT_BYTES_MIN && text.parse::<DocId>().is_err() => {
                    Some(text.as_str())
                }
                Value::Text(_) | Value::Int(_) | Value::Bool(_) => None,
            })
        };
        let others: BTreeSet<&str> = texts(false).collect();
        texts(true).filter(|text| !others.contains(text)).collect()
    }

    /// The server has nothing of an erased record: no state, no row, no line for the office, nothing in a segment.
    pub(crate) fn check_erased(&mut self) -> Result<()> {
        let store = self.server.store();
        let office = self.server.run(self.office(store.as_ref()))?;
        let mut frames: Vec<Page> = Vec::new();
        for unit in self.above.keys() {
            let mut from = 0;
            while let Some(segment) = self.server.run(store.segment(*unit, from))? {
                from = segment.to_seq;
                let mut reader = FrameReader::new();
                let bytes = [encode_answer_start(), segment.frame].concat();
                for frame in reader.push(&bytes)? {
                    if let Frame::Page(page) = frame {
                        frames.push(page);
                    }
                }
            }
        }
        for doc in self.oracle.erased.clone() {
            let in_segment = frames.iter().any(|page| {
                page.items.iter().any(|item| item.doc == doc) || page.rows.iter().any(|row| row.doc == doc)
            });
            let row = !self.server.run(store.rows(&[doc]))?.is_empty();
            let state = self.server.document(doc)?.is_some();
            let told = self.texts_of(doc).iter().any(|text| office.contains(*text));
            if in_segment || row || state || told {
                let words = format!(
                    "the server has something of an erased record: segment {in_segment}, row {row}, state {state}, office {told}"
                );
                self.fail(Kind::Diverged, None, Some(doc), words);
            }
        }
        Ok(())
    }
}

/// A document of which changes lie in the logs on a phone's disk, though it is not one of these.
pub(crate) fn ghost(phone: &SimPhone, is_here: impl Fn(&DocId) -> bool) -> Option<DocId> {
    let logs = phone.image.disk.rows().filter(|(table, ..)| *table == Table::Log);
    logs.filter_map(|(_, _, value)| minicbor::decode::<Vec<Item>>(value).ok())
        .flatten()
        .map(|item| item.doc)
        .find(|doc| !is_here(doc))
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len().max(1)).any(|found| found == wanted)
}
