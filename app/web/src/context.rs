//! What pages share: the records on this phone, the sync, the person signed in, the page's head, unsaved drafts.
//!
//! Pages ask for these; components take signals and callbacks instead.
pub(crate) mod devices;
pub(crate) mod drafts;
pub(crate) mod hub;
pub(crate) mod library;
pub(crate) mod lock;
pub(crate) mod office;
mod online;
pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod readings;
pub(crate) mod recovery;
pub(crate) mod session;
pub(crate) mod sync;
pub(crate) mod toasts;

pub(crate) use library::use_library;
pub(crate) use lock::use_lock;
pub(crate) use page::{page_head, page_head_of_person};
pub(crate) use recovery::use_recovery;
pub(crate) use session::use_session;
pub(crate) use sync::use_sync;
