//! The pages. Each reads what it shows from the contexts and hands signals and callbacks to components.
mod draft;
mod form;
pub(crate) mod history;
mod load;
pub(crate) mod more;
pub(crate) mod not_found;
pub(crate) mod office;
pub(crate) mod people;
pub(crate) mod person;
pub(crate) mod person_edit;
pub(crate) mod sign_in;
pub(crate) mod sync;
pub(crate) mod today;
pub(crate) mod visit;
pub(crate) mod visit_edit;
