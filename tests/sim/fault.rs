//! What can go wrong: every kind of fault, how often each comes in a seed, and how often each came.

use std::collections::BTreeMap;

use crate::dice::Dice;

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $most:literal;)*) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Fault { $($(#[doc = $doc])+ $name),* }

        impl Fault {
            /// All kinds.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in reports and switches.
            pub(crate) fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// The highest rate that a seed draws, in thousandths of the occasions.
            fn most(self) -> u32 {
                match self { $(Self::$name => $most),* }
            }
        }
    };
}

faults! {
    /// A request does not reach the server.
    Drop = "drop", 300;
    /// The server did its work, and the answer never comes.
    AnswerLost = "answer-lost", 300;
    /// A request reaches the server twice, the second time late.
    Duplicate = "duplicate", 200;
    /// A message takes minutes.
    Delay = "delay", 200;
    /// Requests overtake each other.
    Reorder = "reorder", 200;
    /// An answer is cut at any byte.
    Truncate = "truncate", 300;
    /// A request is cut at any byte.
    TruncateUp = "truncate-up", 100;
    /// Bits of an answer flip.
    Corrupt = "corrupt", 200;
    /// Bits of a request flip.
    CorruptUp = "corrupt-up", 100;
    /// A captive portal answers with a page of its own, at times under our content type.
    Portal = "portal", 200;
    /// The phone has no network for a while.
    Offline = "offline", 500;
    /// The phone stops at any time.
    PhoneCrash = "phone-crash", 200;
    /// The phone stops when a transaction is planned and not written.
    CrashBeforeWrite = "crash-before-write", 60;
    /// The phone stops when a transaction is written and nobody was told.
    CrashAfterWrite = "crash-after-write", 60;
    /// The phone's store fails to write.
    StoreFails = "store-fails", 60;
    /// The phone's store is full for a while.
    StoreFull = "store-full", 40;
    /// The phone's disk goes back to an older state.
    DiskRollback = "disk-rollback", 60;
    /// The phone's disk is copied to a second phone, and both go on.
    Clone = "cloned-storage", 60;
    /// A second tab takes over in the middle.
    SecondTab = "second-tab", 200;
    /// The first tab's last transaction is committed after the second tab has read the disk. Only by request: nothing keeps a
    /// browser from it yet.
    LateWriter = "late-writer", 40;
    /// The phone's clock is wrong, or jumps.
    WrongClock = "wrong-clock", 300;
    /// The server's clock is wrong, or jumps.
    ServerClock = "server-clock", 100;
    /// The server stops at any step of a request.
    ServerCrash = "server-crash", 60;
    /// A step of the server's store fails.
    ServerStoreFails = "server-store-fails", 60;
    /// The server is down for a while.
    ServerDown = "server-down", 100;
    /// The server is restored from a backup, under a new epoch.
    Restore = "server-restored", 300;
    /// The server's disk goes back to a backup, and nobody tells it: the epoch stays. Only by request, since the design has no
    /// answer to it but the new epoch.
    ServerRollback = "server-rolled-back", 200;
    /// A session ends before its time.
    SessionEnds = "session-ends", 80;
    /// A device is revoked.
    Revoked = "device-revoked", 60;
    /// A village moves to another township, so that scopes change.
    ScopeChange = "scope-change", 200;
    /// The office moves a record to another unit.
    Moved = "record-moved", 200;
    /// The office erases a record.
    Erased = "record-erased", 100;
    /// The office begins a record anew, without its history.
    ReRooted = "record-re-rooted", 150;
    /// A phone speaks an older version of the protocol, from the start or from now on.
    OldClient = "old-client", 100;
    /// While nobody looks at a phone, its service worker delivers what it read of the outbox some time ago, once or twice.
    Delivered = "parcels-delivered", 500;
    /// While nobody looks at a phone, its service worker asks what is new, once or twice; a later start takes the letter in, which is late,
    /// and there twice at times.
    Letter = "letters-opened", 500;
}

impl Fault {
    /// What the office does to records on the server: no faults, but they meet every fault.
    pub(crate) const OF_THE_OFFICE: &'static [Self] = &[Self::Moved, Self::Erased, Self::ReRooted];
}

/// How often each kind comes, in thousandths of its occasions; one that is not here does not come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rates(BTreeMap<Fault, u32>);

impl Rates {
    /// What a seed draws: about two kinds in five, each at a rate of its own.
    pub(crate) fn draw(dice: &mut Dice, seed: u64) -> Self {
        let mut rates = BTreeMap::new();
        // What came later draws from chance of its own, so that a seed stays what it was.
        let (mut later, mut latest) = (Dice::new(seed, 6), Dice::new(seed, 8));
        for fault in Fault::ALL.iter().filter(|fault| !Self::BY_REQUEST.contains(fault)) {
            let dice = if *fault == Fault::Delivered {
                &mut later
            } else if *fault == Fault::Letter {
                &mut latest
            } else {
                &mut *dice
            };
            let (on, rate) = (dice.happens(400), dice.below(fault.most() as usize));
            if on {
                rates.insert(*fault, u32::try_from(rate + 1).unwrap_or(1));
            }
        }
        Self(rates)
    }

    /// Kinds that no seed draws, since nothing withstands them yet.
    const BY_REQUEST: &'static [Fault] = &[Fault::ServerRollback, Fault::LateWriter];

    /// Takes a kind in, at a middling rate.
    pub(crate) fn with(&mut self, fault: Fault) {
        self.0.insert(fault, fault.most() / 2);
    }

    /// Leaves a kind out.
    pub(crate) fn without(&mut self, fault: Fault) {
        self.0.remove(&fault);
    }

    /// The rate of a kind.
    pub(crate) fn of(&self, fault: Fault) -> u32 {
        self.0.get(&fault).copied().unwrap_or(0)
    }

    /// The kinds that come.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Fault> {
        self.0.keys().copied()
    }
}

/// How often each kind came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts(pub(crate) BTreeMap<Fault, u64>);

impl Counts {
    /// One more.
    pub(crate) fn count(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    /// Those of another seed, too.
    pub(crate) fn add(&mut self, other: &Self) {
        for (fault, count) in &other.0 {
            *self.0.entry(*fault).or_default() += count;
        }
    }
}
