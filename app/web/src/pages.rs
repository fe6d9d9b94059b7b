//! The pages. Each reads what it shows from the contexts and hands signals and callbacks to components.
mod draft;
mod form;
mod history;
pub(crate) mod later;
mod load;
mod more;
pub(crate) mod not_found;
mod office;
pub(crate) mod people;
pub(crate) mod person;
mod person_edit;
pub(crate) mod sign_in;
mod sync;
pub(crate) mod today;
mod visit;
mod visit_edit;
