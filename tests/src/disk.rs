//! The device's store: tables of bytes in memory, written batch by batch as the browser's driver does.

use std::collections::BTreeMap;

use zoufang_core::phone::{Batch, Op, Phone, SegmentId, Segments, Stored, Table};

/// What lies on the disk.
#[derive(Debug, Clone, Default)]
pub struct Disk(BTreeMap<(Table, String), Vec<u8>>);

impl Disk {
    /// Writes a batch, all of it.
    pub fn write(&mut self, batch: &Batch) {
        for op in batch {
            match op {
                Op::Put(table, key, value) => drop(self.0.insert((*table, key.clone()), value.clone())),
                Op::Delete(table, key) => drop(self.0.remove(&(*table, key.clone()))),
                Op::Clear(table) => self.0.retain(|(kept, _), _| kept != table),
            }
        }
    }

    /// The segments with these ids.
    pub fn segments(&self, ids: impl IntoIterator<Item = SegmentId>) -> Segments {
        let read = |id: SegmentId| Some((id, self.0.get(&(Table::Log, id.to_string()))?.clone()));
        ids.into_iter().filter_map(read).collect()
    }

    /// What lies under a key.
    #[must_use]
    pub fn get(&self, table: Table, key: &str) -> Option<&[u8]> {
        self.0.get(&(table, key.to_owned())).map(Vec::as_slice)
    }

    /// Leaves of the sync's state what an app of an older version writes, whose state has so many fields.
    pub fn as_of_fields(&mut self, fields: u8) {
        let Some(state) = self.0.get_mut(&(Table::Meta, "sync".to_owned())) else { return };
        let mut decoder = minicbor::Decoder::new(state);
        let written = decoder.array().ok().flatten().expect("the state is a list");
        if written <= fields.into() {
            return;
        }
        let start = decoder.position();
        (0..fields).for_each(|_| decoder.skip().expect("a field"));
        let mut old = minicbor::to_vec([(); 0]).expect("a list");
        old[0] |= fields;
        old.extend(&state[start..decoder.position()]);
        *state = old;
    }

    /// Everything that lies there: table, key, value.
    pub fn rows(&self) -> impl Iterator<Item = (Table, &str, &[u8])> {
        self.0.iter().map(|((table, key), value)| (*table, key.as_str(), value.as_slice()))
    }

    /// What a phone that starts now holds.
    #[must_use]
    pub fn phone(&self) -> Phone {
        let all = |wanted: Table| {
            let rows = self.0.iter().filter(move |((table, _), _)| *table == wanted);
            rows.map(|((_, key), value)| (key.clone(), value.clone())).collect::<Vec<_>>()
        };
        let keys = |table| all(table).into_iter().map(|(key, _)| key).collect();
        Phone::read(&Stored {
            meta: all(Table::Meta),
            outbox: all(Table::Outbox),
            blocks: all(Table::Block),
            rows: all(Table::Row),
            log_keys: keys(Table::Log),
            parcel_keys: keys(Table::Parcel),
        })
    }
}
