//! The phone's store in IndexedDB: reads everything at the start, in steps that leave the screen its turns, then runs one
//! plan of the core at a time.
//!
//! "Saved" is true when [`Store::run`] has returned: the strict transaction committed, and memory says so after it.
mod db;
mod fault;
mod lock;
pub(crate) mod recovery;
mod seal;
pub(crate) mod slots;
mod stretch;

use std::{
    cell::{Cell, Ref, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use async_lock::Mutex;
use zoufang_core::{
    access::Reading,
    encode, gather,
    phone::{self, Batch, Draft, Op, Phone, Plan, SegmentId, Segments, Settled, Stored, Table},
    seal::Keyring,
    sync::session::Outgoing,
};

use crate::platform::pace::{self, Pace};
use db::Db;
pub(crate) use fault::Fault;
pub(crate) use lock::{Lock, Tried};
use seal::{Opened, Seals};
pub(crate) use stretch::serve as serve_worker;

/// Most steps of tidying at one start.
const TIDY_STEPS_MAX: usize = 64;

/// The key in table `meta` that says that nothing is in clear any more.
const SEALED: &str = "sealed";
/// Rows are sealed anew in batches of so many bytes.
const ANEW_AT_ONCE_BYTES: usize = 512 * 1024;

/// The open store and what the phone holds.
pub(crate) struct Store {
    db: RefCell<Rc<Db>>,
    seals: Seals,
    /// Something in the outbox cannot be read, so this app cannot send it; its sealed copy can still be delivered.
    pub(crate) unread_outbox: bool,
    phone: RefCell<Phone>,
    /// One plan at a time: a plan is made from what memory says, which must not change before it is settled.
    turn: Mutex<()>,
    closed: Cell<bool>,
    /// Another tab has the store: only drafts are kept here.
    left: Cell<bool>,
}

impl Store {
    /// Opens the store and reads what is held. `blocked` is called if a window with an older version must be closed first.
    pub(crate) async fn open(keyring: &Keyring, blocked: impl Fn() + 'static) -> Result<Self, Fault> {
        let seals = Seals::new(keyring);
        let db = Db::open(blocked).await?;
        seal_anew(&db, &seals).await?;
        if !keyring.former().is_empty() {
            slots::forget_former().await?;
        }
        let all = async |table| Ok::<_, Fault>(opened(&seals, table, db.all(table).await?));
        let stored = Stored {
            meta: all(Table::Meta).await?,
            outbox: all(Table::Outbox).await?,
            log_keys: db.keys(Table::Log).await?,
            parcel_keys: db.keys(Table::Parcel).await?,
            ..Stored::default()
        };
        let pace = Pace::begin();
        let mut phone = Phone::begin(&stored);
        pace.step().await;
        let mut damaged = false;
        for (key, value) in db.all(Table::Block).await? {
            let clear = seals.open(Table::Block, &key, &value);
            damaged |= clear.is_none();
            phone.read_block(&key, &clear.unwrap_or_default().1);
            pace.step().await;
        }
        for (name, value) in db.all(Table::Row).await? {
            let clear = seals.open(Table::Row, &name, &value);
            damaged |= clear.is_none();
            phone.read_row(&clear.unwrap_or_default().1);
            pace.step().await;
        }
        if damaged {
            make_rows_anew(&db, &seals, &mut phone).await?;
        }
        let unread_outbox = stored.outbox.iter().any(|(_, value)| value.is_empty());
        let (phone, db) = (RefCell::new(phone), RefCell::new(Rc::new(db)));
        Ok(Self {
            phone,
            db,
            seals,
            unread_outbox,
            turn: Mutex::new(()),
            closed: Cell::new(false),
            left: Cell::new(false),
        })
    }

    /// Nothing more is written: another store, with other keys, takes this one's place.
    pub(crate) async fn close(&self) {
        let _turn = self.turn.lock().await;
        self.closed.set(true);
    }

    /// Another tab writes from now on; of this one only what is typed.
    pub(crate) fn leave(&self) {
        self.left.set(true);
    }

    /// Keeps the next start short, one small transaction after the other. Only its speed is at stake, so a failure ends it.
    pub(crate) async fn tidy(&self) {
        for _ in 0..TIDY_STEPS_MAX {
            let Ok(Some(_)) = self.run(Phone::plan_tidy).await else { return };
            pace::turn().await;
        }
    }

    /// What the phone holds.
    pub(crate) fn phone(&self) -> Ref<'_, Phone> {
        self.phone.borrow()
    }

    /// Reads what is held together with the segments it needs. It takes its turn: what a plan moves from the outbox into a segment
    /// meanwhile would be in neither.
    pub(crate) async fn read<T>(
        &self,
        needs: impl FnOnce(&Phone) -> BTreeSet<SegmentId>,
        read: impl FnOnce(&Phone, &Segments) -> T,
    ) -> Result<T, Fault> {
        let _turn = self.turn.lock().await;
        let needs = needs(&self.phone());
        let segments = self.segments(needs).await?;
        Ok(read(&self.phone(), &segments))
    }

    /// Segments of the log; whoever asks has the turn.
    async fn segments(&self, ids: impl IntoIterator<Item = SegmentId>) -> Result<Segments, Fault> {
        let ids: Vec<SegmentId> = ids.into_iter().collect();
        let keys: Vec<String> = ids.iter().map(SegmentId::to_string).collect();
        let db = Rc::clone(&self.db.borrow());
        let values = db.get(Table::Log, &keys).await?;
        let opened = ids.into_iter().zip(&keys).zip(values).filter_map(|((id, key), value)| {
            let (_, clear) = self.seals.open(Table::Log, key, &value?)?;
            Some((id, clear))
        });
        Ok(gather(opened))
    }

    /// Makes a plan, writes it in one strict transaction, settles it. `None` if there is nothing to do.
    pub(crate) async fn run(
        &self,
        plan: impl FnOnce(&Phone) -> Option<Plan>,
    ) -> Result<Option<Settled>, Fault> {
        self.run_with(|_| BTreeSet::new(), |phone, _| Ok::<_, Fault>(plan(phone))).await
    }

    /// As [`Self::run`], for plans that read segments, or can fail. What is needed is asked when their turn has come.
    pub(crate) async fn run_with<E: From<Fault>>(
        &self,
        needs: impl FnOnce(&Phone) -> BTreeSet<SegmentId>,
        plan: impl FnOnce(&Phone, &Segments) -> Result<Option<Plan>, E>,
    ) -> Result<Option<Settled>, E> {
        let _turn = self.turn.lock().await;
        let needs = needs(&self.phone());
        let segments = self.segments(needs).await?;
        let pace = Pace::begin();
        let planned = plan(&self.phone(), &segments)?;
        let Some(plan) = planned else { return Ok(None) };
        pace.step().await;
        if self.left.get() {
            return Err(Fault::Closed.into());
        }
        self.write(&plan.batch).await?;
        let settled = self.phone.borrow_mut().settle(plan);
        self.make_up_parcels().await;
        Ok(Some(settled))
    }

    /// Parcels of what was saved before the server's key was known. A parcel that cannot be written costs nothing that is saved, and
    /// is written after a later plan.
    async fn make_up_parcels(&self) {
        loop {
            let Some(plan) = self.phone().plan_parcels() else { return };
            if self.write(&plan.batch).await.is_err() {
                return;
            }
            self.phone.borrow_mut().settle(plan);
        }
    }

    /// Leaves a question for the service worker, unless the last one says the same. Its letters only save waiting, so a failure is
    /// none.
    pub(crate) async fn leave_question(&self) {
        let Ok(seed) = random() else { return };
        let _ = self.run(|phone| phone.plan_question(&seed)).await;
    }

    /// The letters that the service worker keeps, with their keys, newest first: what an older one tells besides is what became of
    /// parcels.
    pub(crate) async fn letters(&self) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let db = Rc::clone(&self.db.borrow());
        let mut rows = db.all(Table::Inbox).await?;
        rows.retain(|(key, _)| key.starts_with(phone::LETTER));
        rows.reverse();
        Ok(rows)
    }

    /// Takes letters away that were opened, or can never be.
    pub(crate) async fn drop_letters(&self, keys: impl IntoIterator<Item = String>) -> Result<(), Fault> {
        self.write(&keys.into_iter().map(|key| Op::Delete(Table::Inbox, key)).collect()).await
    }

    /// What the next request says.
    pub(crate) async fn outgoing(&self) -> Result<Option<Outgoing>, Fault> {
        self.read(Phone::needs_outgoing, Phone::outgoing).await
    }

    /// Keeps a draft, or takes it away.
    pub(crate) async fn put_draft(&self, key: &str, draft: Option<&Draft>) -> Result<(), Fault> {
        let op = match draft {
            Some(draft) => Op::Put(Table::Draft, key.to_owned(), draft.to_bytes()),
            None => Op::Delete(Table::Draft, key.to_owned()),
        };
        self.write(&vec![op]).await
    }

    /// All drafts by the keys of their forms.
    pub(crate) async fn drafts(&self) -> Result<BTreeMap<String, Draft>, Fault> {
        let db = Rc::clone(&self.db.borrow());
        let rows = db.all(Table::Draft).await?.into_iter();
        let rows = rows.filter_map(|(name, value)| self.seals.open(Table::Draft, &name, &value));
        Ok(gather(rows.filter_map(|(key, value)| Some((key, Draft::of_bytes(&value)?)))))
    }

    /// Keeps that a sensitive value is about to be seen, under an id drawn for it.
    pub(crate) async fn put_reading(&self, id: &str, reading: &Reading) -> Result<(), Fault> {
        self.write(&vec![Op::Put(Table::Reading, id.to_owned(), encode(reading))]).await
    }

    /// The readings that the server does not have yet, by their ids.
    pub(crate) async fn readings(&self) -> Result<BTreeMap<String, Reading>, Fault> {
        let db = Rc::clone(&self.db.borrow());
        let rows = db.all(Table::Reading).await?.into_iter();
        let rows = rows.filter_map(|(name, value)| self.seals.open(Table::Reading, &name, &value));
        Ok(gather(rows.filter_map(|(id, value)| Some((id, minicbor::decode(&value).ok()?)))))
    }

    /// Forgets readings that the server has.
    pub(crate) async fn drop_readings(&self, ids: impl IntoIterator<Item = String>) -> Result<(), Fault> {
        self.write(&ids.into_iter().map(|id| Op::Delete(Table::Reading, id)).collect()).await
    }

    /// Writes a batch; a connection that the browser has closed is opened again, once.
    async fn write(&self, batch: &Batch) -> Result<(), Fault> {
        if self.closed.get() {
            return Err(Fault::Closed);
        }
        let sync_key = self.phone().sync_key();
        let sealed = self.seals.batch(batch, sync_key)?;
        let db = Rc::clone(&self.db.borrow());
        match db.write(&sealed).await {
            Err(Fault::Closed) => {
                let db = Rc::new(Db::open(|| ()).await?);
                self.db.replace(Rc::clone(&db));
                db.write(&sealed).await
            }
            other => other,
        }
    }
}

/// Bytes drawn by chance.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Fault::Fails("random"))?;
    Ok(bytes)
}

/// Rows under a former key, and what an app of an older version wrote in clear, are sealed under the key of today, a batch after the
/// other; the mark that there are none comes last. Whenever the app dies meanwhile, the next start goes on.
async fn seal_anew(db: &Db, seals: &Seals) -> Result<(), Fault> {
    let mark = db.get(Table::Meta, &[SEALED.to_owned()]).await?.pop().flatten().unwrap_or_default();
    if seals.open(Table::Meta, SEALED, &mark).is_some() {
        return Ok(());
    }
    // Once everything was sealed, a row in clear is not ours.
    let takes_clear = seals.open_former(Table::Meta, SEALED, &mark).is_none();
    let tables =
        [Table::Log, Table::Block, Table::Row, Table::Outbox, Table::Draft, Table::Reading, Table::Meta];
    for table in tables {
        let pace = Pace::begin();
        let (mut batch, mut bytes) = (Batch::new(), 0);
        for (name, value) in db.all(table).await? {
            if (table, name.as_str()) == (Table::Meta, SEALED) {
                continue;
            }
            bytes += value.len();
            batch.extend(seals.instead(table, &name, &value, takes_clear)?);
            if bytes > ANEW_AT_ONCE_BYTES {
                db.write(&std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            pace.step().await;
        }
        db.write(&batch).await?;
    }
    let mark = Op::Put(Table::Meta, SEALED.to_owned(), Vec::new());
    db.write(&seals.batch(&vec![mark], None)?).await
}

/// The service worker leaves so many bytes in place of a parcel that the server refused (`public/post.js`).
const REFUSED_BYTES: usize = 1;

/// What can be told of a locked store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// So many saved changes wait for a line; the service worker delivers them.
    pub(crate) waiting: usize,
    /// So many saved changes the server refused, or cannot be given without the PIN.
    pub(crate) only_by_pin: usize,
}

/// What a locked store holds that is nowhere else.
pub(crate) async fn held() -> Result<Held, Fault> {
    let db = Db::open(|| ()).await?;
    let held = held_in(&db).await;
    db.close();
    held
}

async fn held_in(db: &Db) -> Result<Held, Fault> {
    let parcels = db.all(Table::Parcel).await?;
    let waiting = parcels.iter().filter(|(_, value)| value.len() > REFUSED_BYTES).count();
    // Those that were refused on their way, and those that never had a parcel.
    let safe = |value: &[u8]| value.len() != REFUSED_BYTES;
    let safe: BTreeSet<&String> =
        parcels.iter().filter(|(_, value)| safe(value)).map(|(key, _)| key).collect();
    let outbox = db.keys(Table::Outbox).await?;
    let only_by_pin = outbox.iter().filter(|key| !safe.contains(key)).count();
    Ok(Held { waiting, only_by_pin })
}

/// Empties a store whose PIN is forgotten and forgets its keys, if nothing waits for a line any more. Says how much waits.
pub(crate) async fn begin_anew() -> Result<usize, Fault> {
    let db = Db::open(|| ()).await?;
    let Held { waiting, .. } = held_in(&db).await?;
    if waiting == 0 {
        db.write(&phone::emptied()).await?;
        slots::erase().await?;
    }
    db.close();
    Ok(waiting)
}

/// Rows that cannot be opened are made anew from the log, in one transaction.
async fn make_rows_anew(db: &Db, seals: &Seals, phone: &mut Phone) -> Result<(), Fault> {
    let pace = Pace::begin();
    let mut segments = Segments::new();
    for (key, value) in db.all(Table::Log).await? {
        if let (Some(id), Some((_, clear))) = (SegmentId::of_key(&key), seals.open(Table::Log, &key, &value))
        {
            segments.insert(id, clear);
        }
        pace.step().await;
    }
    let plan = phone.plan_rows_anew(&segments);
    db.write(&seals.batch(&plan.batch, None)?).await?;
    phone.settle(plan);
    Ok(())
}

/// The rows in clear. One that cannot be opened stays as an empty one: it says nothing, but its key is not given anew.
fn opened(seals: &Seals, table: Table, rows: Vec<(String, Vec<u8>)>) -> Vec<Opened> {
    let open = |(name, value): (String, Vec<u8>)| {
        seals.open(table, &name, &value).unwrap_or_else(|| (name, Vec::new()))
    };
    rows.into_iter().map(open).collect()
}
