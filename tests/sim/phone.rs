//! A simulated phone: the core's phone and session in a tab, a disk under them, and beside the disk what the oracle knows
//! to be on it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use zoufang_core::{
    phone::{Account, Brought, Edit as Save, Phone, Plan},
    record::{ChangeHash, DeviceId, DocId, Patch, UnitId, UserId, list::Role},
    sync::{
        gate::Refusal,
        session::{Commit, Session},
    },
};
use zoufang_tests::disk::Disk;

use crate::oracle::{EditId, Seen};

/// Fields of the sync's state, as apps of these versions wrote it.
const FIELDS_OF_VERSION_1: u8 = 5;
const FIELDS_OF_VERSION_2: u8 = 10;

/// Where an edit without a receipt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Out {
    /// It waits.
    Waiting,
    /// The server refused it; a person can read it.
    Refused(Refusal),
}

/// A form that a person has open; it is a draft on the disk, so it outlives the app.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) doc: DocId,
    /// The heads that the person sees, as the app keeps them.
    pub(crate) base: Vec<ChangeHash>,
    /// The edits that the person sees, as the oracle keeps them.
    pub(crate) seen: Seen,
}

/// What lies on a disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    pub(crate) disk: Disk,
    /// The edits on it by document, without refused ones.
    pub(crate) held: BTreeMap<DocId, Seen>,
    /// Those of them that came from the server or had its receipt.
    pub(crate) logged: Seen,
    /// Those without a receipt.
    pub(crate) outbox: BTreeMap<EditId, Out>,
    pub(crate) forms: Vec<Form>,
    /// The units that it holds, as the last stored scope said.
    pub(crate) scope: BTreeSet<UnitId>,
    /// The version of the app that wrote it, where that was not the newest.
    pub(crate) version: Option<u8>,
}

impl Image {
    /// Every edit on it, refused ones too.
    pub(crate) fn edits(&self) -> Seen {
        self.held.values().flatten().chain(self.outbox.keys()).copied().collect()
    }

    /// How many edits wait.
    pub(crate) fn waiting(&self) -> usize {
        self.outbox.values().filter(|out| **out == Out::Waiting).count()
    }
}

/// Something that the store is to do, one at a time.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    /// What the session wants kept.
    Commit(Box<Commit>),
    /// What a person saves; the edits that the person saw, if a form was open.
    Save(Box<Save>, Option<Seen>),
    /// A sign-in.
    Account(Box<Account>),
    /// The server does not take the token any more.
    SignedOut,
    /// A person lets a refused change go.
    Dismiss(EditId, ChangeHash),
    /// Old rows are gathered into blocks.
    Tidy,
    /// What waited before the server's key was known gets parcels.
    Parcels,
    /// What letters of the inbox bring and was not looked at yet.
    Letters(VecDeque<Brought>),
    /// What a letter wants kept.
    Late(Box<Commit>),
    /// A question is left for the service worker.
    Question,
}

/// A job under way.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) job: Job,
    pub(crate) plan: Plan,
    pub(crate) written: bool,
}

/// The app in one tab.
#[derive(Debug)]
pub(crate) struct Tab {
    pub(crate) phone: Phone,
    pub(crate) session: Session,
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) running: Option<Running>,
    /// A step of the store is on the agenda.
    pub(crate) stepping: bool,
    /// The request whose answer is listened to.
    pub(crate) call: Option<u64>,
    /// The newest timer; older ones are dropped.
    pub(crate) timer: u64,
    /// It has looked for letters.
    pub(crate) begun: bool,
    /// Letters are being taken in: the session waits.
    pub(crate) opening: bool,
}

impl Tab {
    /// The app as it starts from a disk.
    fn start(image: &Image) -> Self {
        Self {
            phone: image.disk.phone(),
            session: Session::new(),
            jobs: VecDeque::new(),
            running: None,
            stepping: false,
            call: None,
            timer: 0,
            begun: false,
            opening: false,
        }
    }
}

/// A phone.
#[derive(Debug)]
pub(crate) struct SimPhone {
    pub(crate) login: String,
    pub(crate) user: UserId,
    pub(crate) role: Role,
    pub(crate) home: UnitId,
    pub(crate) device: DeviceId,
    pub(crate) image: Image,
    pub(crate) tab: Option<Tab>,
    /// Counts starts, so that what was meant for an earlier one is dropped.
    pub(crate) life: u64,
    pub(crate) online: bool,
    /// How far its clock is from the true time, in ms.
    pub(crate) clock_off_ms: i64,
    /// Its store is full until then.
    pub(crate) full_until: i64,
    /// Its device was revoked: what waits on it stays there.
    pub(crate) revoked: bool,
    /// The version of the protocol that its app speaks, where that is not the newest.
    pub(crate) version: Option<u8>,
    /// The app is in a person's hand since then, or was last.
    pub(crate) open_since: i64,
    /// The app is in a person's hand until then.
    pub(crate) open_until: i64,
    pub(crate) snapshot: Option<Image>,
}

impl SimPhone {
    /// Its app is of version 1, to which nobody tells what the office does to records.
    pub(crate) fn is_of_version_1(&self) -> bool {
        self.version == Some(1)
    }

    /// Starts the app from the disk.
    pub(crate) fn start(&mut self) {
        match self.image.version {
            written if written == self.version => {}
            Some(1) => self.image.disk.as_of_fields(FIELDS_OF_VERSION_1),
            Some(_) => self.image.disk.as_of_fields(FIELDS_OF_VERSION_2),
            None => {}
        }
        self.image.version = self.version;
        self.life += 1;
        self.tab = Some(Tab::start(&self.image));
    }

    /// A phone with nothing on it.
    pub(crate) fn new(login: String, user: UserId, role: Role, home: UnitId, device: DeviceId) -> Self {
        Self {
            login,
            user,
            role,
            home,
            device,
            image: Image::default(),
            tab: None,
            life: 0,
            online: true,
            clock_off_ms: 0,
            full_until: 0,
            revoked: false,
            version: None,
            open_since: 0,
            open_until: 0,
            snapshot: None,
        }
    }
}

/// A patch with one key.
pub(crate) fn patch(pairs: impl IntoIterator<Item = (String, Option<zoufang_core::record::Value>)>) -> Patch {
    let mut patch = Patch::default();
    patch.0.extend(pairs);
    patch
}
