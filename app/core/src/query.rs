//! What screens and lists read: rows made from documents, an index of them in memory, and the search.
//!
//! The same code makes rows on the phone and on the server. A screen reads projections through this module only.
pub mod index;
mod readings;
pub mod row;
pub mod search;

pub use index::Index;
pub use row::{ContactRow, PartyRow, PersonRow, Row, RowBody, VisitRow};
