//! The access log.

use zoufang_core::record::{DocId, UnitId};

use super::State;
use crate::readings::{Head, Line, Reading, Which, chained};

impl State {
    pub(super) fn add_readings(&mut self, readings: &[Reading]) {
        let known = self.readings.iter().map(|line| line.reading.id).collect();
        self.readings.extend(chained(self.readings_head(), known, readings));
    }

    pub(super) fn readings(&self, which: &Which, before_seq: Option<u64>, count_max: u32) -> Vec<Line> {
        let is_wanted = |line: &&Line| {
            before_seq.is_none_or(|before| line.seq < before)
                && match which {
                    Which::All => true,
                    Which::Units(units) => units.contains(&line.reading.unit),
                    Which::Person(person) => *person == line.reading.person,
                }
        };
        self.readings.iter().rev().filter(is_wanted).take(count_max as usize).cloned().collect()
    }

    pub(super) fn readings_after(&self, seq: u64, count_max: u32) -> Vec<Line> {
        self.readings.iter().filter(|line| line.seq > seq).take(count_max as usize).cloned().collect()
    }

    pub(super) fn readings_head(&self) -> Head {
        self.readings.last().map(Line::head).unwrap_or_default()
    }

    pub(super) fn units_of(&self, docs: &[DocId]) -> Vec<(DocId, UnitId)> {
        let mut docs = docs.to_vec();
        docs.sort_unstable();
        docs.dedup();
        docs.into_iter().filter_map(|doc| Some((doc, self.docs.get(&doc)?.0.unit))).collect()
    }
}
