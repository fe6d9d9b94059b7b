//! Random entry ids for the collections of a record.
use zoufang_core::record::DocId;

use super::clock;

/// A new id for an entry of a collection (a phone, a note): 26 characters, sorting by time.
pub(crate) fn entry_id() -> String {
    let mut random = [0; 10];
    // Without the browser's random numbers nothing can be saved anyway; the clock alone still tells entries apart.
    let _ = getrandom::fill(&mut random);
    DocId::from_parts(clock::now(), random).to_string()
}
