//! What all handlers share.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Mutex, Semaphore};
use zoufang_core::record::{DeviceId, EpochId, Timestamp, UnitId};
use zoufang_core::seal::SecretKey;

use crate::account::code::CodeKey;
use crate::account::session::Unforgiven;
use crate::account::token;
use crate::assets::Assets;
use crate::error::Result;
use crate::keys::WipeKey;
use crate::news::{HEARTBEAT, Places};
use crate::overload::Gates;
use crate::people::People;
use crate::store::{Store, Tail};
use crate::sync::brotli;
use crate::sync::segment::Segments;
use crate::throttle::{self, Throttle};
use crate::units::{UnitCache, UnitTable};

/// So often it is written down which devices were heard of.
const HEARD_EVERY_MS: i64 = 60_000;
/// Devices whose last cursors are kept in mind.
const SEEN_MAX: usize = 4_096;

/// Where the server's time comes from; tests give their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of the machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}

/// Where the server's random numbers come from; a simulation gives its own.
pub type Random = Arc<dyn Fn() -> Result<u64> + Send + Sync>;

/// The cursors that were noted last of every device, by unit.
type Seen = Arc<Mutex<BTreeMap<DeviceId, BTreeMap<UnitId, u64>>>>;

/// Devices that were heard of since that was written down last.
#[derive(Default)]
struct Heard {
    devices: std::sync::Mutex<BTreeMap<DeviceId, Timestamp>>,
    written_at: AtomicI64,
    /// One writes at a time: a list that comes meanwhile waits for what is being written.
    turn: Mutex<()>,
}

impl Heard {
    /// Says whether it is time to write.
    fn note(&self, device: DeviceId, now: Timestamp) -> bool {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner).insert(device, now);
        let written_at = self.written_at.load(Ordering::Relaxed);
        now.0 - written_at >= HEARD_EVERY_MS
            && self
                .written_at
                .compare_exchange(written_at, now.0, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    fn take(&self, now: Timestamp) -> Vec<(DeviceId, Timestamp)> {
        self.written_at.store(now.0, Ordering::Relaxed);
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *devices).into_iter().collect()
    }
}

/// What all handlers share. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The server's clock.
    pub clock: Clock,
    /// The ids it draws.
    pub random: Random,
    /// What opens parcels, the key in use first; without any, none is opened.
    pub sync_keys: Arc<[SecretKey]>,
    /// What wipes devices that were revoked, the key in use first.
    pub wipe_keys: Arc<[WipeKey]>,
    /// What one-time codes are hashed with.
    pub code_key: CodeKey,
    /// Whether a phone that is enrolled needs a one-time code.
    pub enrol_by_code: bool,
    /// The files of the app.
    pub assets: Assets,
    /// The certificate, in DER, of the authority that phones in a local network are told to trust; only with `--lan`.
    pub authority: Option<Arc<[u8]>>,
    /// TLS is spoken, by us or by a proxy before us.
    pub tls: bool,
    /// The last entry of `X-Forwarded-For` is the caller.
    pub behind_proxy: bool,
    /// Segments are made in the background after a push; a simulation makes them when it says.
    pub seals: bool,
    /// So often a stream of news says that it is alive.
    pub heartbeat: Duration,
    /// Who may have a stream of news.
    pub places: Places,
    /// Who was heard of and not written down yet.
    heard: Arc<Heard>,
    /// What is known of segments, and whose turn it is to make some.
    pub segments: Arc<Segments>,
    /// What devices said last of their cursors.
    seen: Seen,
    units: Arc<UnitCache>,
    /// What the office finds people by.
    pub people: Arc<People>,
    pub(crate) unforgiven: Unforgiven,
    /// How much is worked on at once.
    pub gates: Arc<Gates>,
    /// Who asked without being known.
    pub(crate) strangers: Arc<Throttle>,
    /// Who asked whether the server is ready.
    pub(crate) monitors: Arc<Throttle>,
    /// Passwords that were computed; a test counts them.
    pub passwords_computed: Arc<AtomicU64>,
    /// Answers that are compressed as one stream.
    pub brotlis: Arc<Semaphore>,
}

impl App {
    /// An application over a store, without TLS, with the machine's clock.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, assets: Assets) -> Self {
        Self {
            store,
            clock: system_clock(),
            random: Arc::new(token::random_u64),
            sync_keys: Arc::new([]),
            wipe_keys: Arc::new([]),
            code_key: CodeKey::default(),
            enrol_by_code: false,
            assets,
            authority: None,
            tls: false,
            behind_proxy: false,
            seals: true,
            heartbeat: HEARTBEAT,
            places: Places::default(),
            segments: Arc::default(),
            seen: Arc::default(),
            heard: Arc::default(),
            units: Arc::default(),
            people: Arc::default(),
            unforgiven: Unforgiven::default(),
            gates: Arc::default(),
            strangers: Arc::new(Throttle::new(throttle::FAILED_MAX)),
            monitors: Arc::new(Throttle::new(throttle::READY_MAX)),
            passwords_computed: Arc::default(),
            brotlis: Arc::new(Semaphore::new(brotli::STREAMS_MAX)),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The units as of now.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn units(&self) -> Result<Arc<UnitTable>> {
        Ok(self.units.table(self.store.as_ref()).await?)
    }

    /// The log's epoch, and the units as of now.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn epoch_and_units(&self) -> Result<(EpochId, Arc<UnitTable>)> {
        let (epoch, version) = self.store.versions().await?;
        Ok((epoch, self.units.table_of(self.store.as_ref(), version).await?))
    }

    /// Notes up to where a device holds the logs, as far as that says of a control record that it was read: a sync of which it says
    /// nothing new writes nothing.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn note_cursors(
        &self,
        device: DeviceId,
        tails: &[Tail],
        cursors: &BTreeMap<UnitId, u64>,
    ) -> Result<()> {
        let due: Vec<(UnitId, u64)> = {
            let seen = self.seen.lock().await;
            let noted = |unit| seen.get(&device).and_then(|units| units.get(&unit)).copied();
            let held = tails.iter().filter_map(|tail| Some((tail, *cursors.get(&tail.unit)?)));
            let news = held.filter(|(tail, cursor)| match noted(tail.unit) {
                Some(noted) => *cursor < noted || noted < tail.control_seq && noted < *cursor,
                None => true,
            });
            news.map(|(tail, cursor)| (tail.unit, cursor)).collect()
        };
        if due.is_empty() {
            return Ok(());
        }
        self.store.note_cursors(device, &due, self.now()).await?;
        let mut seen = self.seen.lock().await;
        if seen.len() >= SEEN_MAX {
            seen.clear();
        }
        seen.entry(device).or_default().extend(due);
        Ok(())
    }

    /// A device was heard of. That is written down for all devices together, once in a while and beside the answer: only a list
    /// waits for it.
    pub fn hear(&self, device: DeviceId) {
        let now = self.now();
        if !self.heard.note(device, now) || !self.seals {
            return;
        }
        let app = self.clone();
        tokio::spawn(async move {
            if let Err(error) = app.write_heard().await {
                tracing::warn!(%error, "when devices were heard of is not written down");
            }
        });
    }

    /// Writes down which devices were heard of.
    ///
    /// # Errors
    /// If the store fails; it is written down later then.
    pub async fn write_heard(&self) -> Result<()> {
        let _turn = self.heard.turn.lock().await;
        let heard = self.heard.take(self.now());
        if heard.is_empty() {
            return Ok(());
        }
        let written = self.store.touch_devices(&heard).await;
        if written.is_err() {
            for (device, at) in heard {
                self.heard.note(device, at);
            }
        }
        Ok(written?)
    }

    /// The address that tries are counted under: an IPv6 network of 64 bits is one.
    #[must_use]
    pub fn caller(&self, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
        let last = forwarded_for.filter(|_| self.behind_proxy).and_then(|list| list.rsplit(',').next());
        throttle::network(last.and_then(|address| address.trim().parse().ok()).unwrap_or(peer))
    }
}
