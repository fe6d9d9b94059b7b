//! A device: the core's phone and session over real HTTP. It has no timers: a sync goes on until the session waits.

use std::{
    collections::VecDeque,
    io::Read,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use zoufang_core::{
    document::Document,
    phone::{Account, Edit, Plan, Settled},
    record::{ChangeHash, DeviceId, DocId, Entries, Kind, Patch, Timestamp, UnitId, UserId},
    sync::{
        session::{Effect, Event, Failure, Phase, Session},
        wire::CONTENT_TYPE,
    },
};

use crate::{disk::Disk, post::KeyBytes};

/// More requests than this in one sync are a fault.
const REQUESTS_MAX: usize = 1_000;
const PIECE_BYTES: usize = 16 * 1024;

/// What a sync took, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// Requests sent.
    pub requests: usize,
    /// Bytes of their bodies.
    pub up_bytes: usize,
    /// Bytes of the answers' bodies.
    pub down_bytes: usize,
    /// What the screen would say.
    pub phase: Phase,
}

/// A device.
#[derive(Debug)]
pub struct Device {
    base: String,
    disk: Disk,
    phone: zoufang_core::phone::Phone,
    session: Session,
    drawn: u64,
    /// What its browser keeps: the key that it signs with, once it has one.
    pub(crate) key: KeyBytes,
}

/// The clock of this machine.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Device {
    /// A device with nothing on it, that knows the server at one address.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            disk: Disk::default(),
            phone: zoufang_core::phone::Phone::default(),
            session: Session::new(),
            drawn: 0,
            key: KeyBytes::new(),
        }
    }

    /// What it holds.
    #[must_use]
    pub fn phone(&self) -> &zoufang_core::phone::Phone {
        &self.phone
    }

    /// Starts anew from its disk, as after a crash: what memory said and no disk knows is gone.
    pub fn restart(&mut self) {
        self.phone = self.disk.phone();
        self.session = Session::new();
    }

    /// Another device with the same disk, as if this one had been copied: for trying one thing many times.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut copy = Self {
            disk: self.disk.clone(),
            drawn: self.drawn,
            key: self.key.clone(),
            ..Self::new(&self.base)
        };
        copy.restart();
        copy
    }

    /// Another address for the same server.
    pub fn move_to(&mut self, base: &str) {
        base.clone_into(&mut self.base);
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// What lies on it.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    fn run(&mut self, plan: Plan) -> Settled {
        self.disk.write(&plan.batch);
        let settled = self.phone.settle(plan);
        while let Some(plan) = self.phone.plan_parcels() {
            self.disk.write(&plan.batch);
            self.phone.settle(plan);
        }
        settled
    }

    /// Signs in.
    ///
    /// # Errors
    /// When the server refuses, or cannot be reached.
    pub fn sign_in(&mut self, user: &str, password: &str) -> Result<()> {
        let enrolled = self.phone.account().map(|account| account.device.to_string());
        let former = self
            .phone
            .account()
            .map(|account| account.former.iter().map(ToString::to_string).collect::<Vec<_>>());
        let former = former.unwrap_or_default();
        let body = serde_json::json!({ "user": user, "password": password, "device_label": "", "device": enrolled, "is_copy": self.phone.is_cloned(), "former": former });
        let answer = ureq::post(format!("{}/api/v1/sign-in", self.base))
            .header("content-type", "application/json")
            .send(body.to_string())
            .context("sign-in")?
            .into_body()
            .read_to_string()?;
        let answer: serde_json::Value = serde_json::from_str(&answer)?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let number =
            |value: &serde_json::Value| u32::try_from(value.as_u64().unwrap_or_default()).unwrap_or_default();
        let account = Account {
            user: UserId(number(&answer["user"]["id"])),
            sign_in_name: user.to_owned(),
            name: text(&answer["user"]["name"]),
            role: text(&answer["user"]["role"]).parse()?,
            unit: UnitId(number(&answer["user"]["unit"])),
            unit_name: text(&answer["user"]["unit_name"]),
            device: text(&answer["device"]).parse::<DeviceId>().context("device id")?,
            token: Some(text(&answer["token"])),
            former: Vec::new(),
        };
        let plan = self.phone.plan_sign_in(account)?;
        self.run(plan);
        Ok(())
    }

    /// Eight bytes that this device never gave before.
    fn draw(&mut self) -> [u8; 8] {
        self.drawn += 1;
        let mark = u64::try_from(now().0).unwrap_or_default() << 20;
        (mark ^ self.drawn).to_be_bytes()
    }

    /// Makes a record.
    ///
    /// # Errors
    /// When nobody is signed in, or the entries do not fit the kind.
    pub fn create(&mut self, kind: Kind, unit: UnitId, mut entries: Entries) -> Result<DocId> {
        let account = self.phone.account().context("nobody is signed in")?;
        let (user, device) = (account.user, account.device);
        entries.put_int("created_by", Some(user.0));
        entries.put_int("created_at", Some(now().0));
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.draw());
        random[8..].copy_from_slice(&device.0.to_be_bytes()[..2]);
        let doc = DocId::from_parts(now(), random);
        self.save(doc, Some((kind, unit.log(kind.class()))), Vec::new(), entries.into())?;
        Ok(doc)
    }

    /// Changes a record of which the person saw `base` (empty: the newest).
    ///
    /// # Errors
    /// When the record is not here or cannot be written.
    pub fn edit(&mut self, doc: DocId, base: Vec<ChangeHash>, patch: Patch) -> Result<()> {
        self.save(doc, None, base, patch)
    }

    fn save(
        &mut self,
        doc: DocId,
        new: Option<(Kind, UnitId)>,
        base: Vec<ChangeHash>,
        patch: Patch,
    ) -> Result<()> {
        let random = self.draw();
        let account = self.phone.account().context("nobody is signed in")?;
        let (actor, author) = (account.device.actor(random), account.user);
        let edit = Edit { doc, new, base, patch, actor, author, at: now() };
        let segments = self.disk.segments(self.phone.segments_of(doc));
        if let Some(plan) = self.phone.plan_edit(&edit, &segments)? {
            self.run(plan);
        }
        Ok(())
    }

    /// Opens a record.
    ///
    /// # Errors
    /// When it is not here or cannot be read.
    pub fn open(&self, doc: DocId) -> Result<Document> {
        let segments = self.disk.segments(self.phone.segments_of(doc));
        let found = self.phone.document(doc, &segments)?;
        Ok(found.context("no such record")?.0)
    }

    /// Syncs until the session waits: for the next news, or to try again.
    ///
    /// # Errors
    /// When it does not come to an end.
    pub fn sync(&mut self) -> Result<Sync> {
        let mut sync = Sync { requests: 0, up_bytes: 0, down_bytes: 0, phase: Phase::Idle };
        let mut events = VecDeque::from([Event::Wake]);
        while let Some(event) = events.pop_front() {
            for effect in self.session.handle(event, 0) {
                match effect {
                    Effect::Read => events.push_back(self.outgoing()),
                    Effect::Send(body) => {
                        sync.requests += 1;
                        sync.up_bytes += body.len();
                        if sync.requests > REQUESTS_MAX {
                            bail!("{REQUESTS_MAX} requests and no end");
                        }
                        events.extend(self.send(&body, &mut sync.down_bytes));
                    }
                    Effect::Commit(commit) => {
                        let segments = self.disk.segments(self.phone.needs(&commit));
                        let plan = self.phone.plan_commit(&commit, &segments, now());
                        let settled = self.run(plan);
                        events.push_back(Event::Committed);
                        if settled.wake {
                            events.push_back(Event::Wake);
                        }
                    }
                    Effect::Show(phase) => sync.phase = phase,
                    Effect::Cancel => events.clear(),
                    Effect::Wait(_) => {}
                }
            }
        }
        Ok(sync)
    }

    fn outgoing(&self) -> Event {
        let signed_in = self.phone.account().is_some_and(|account| account.token.is_some());
        let segments = self.disk.segments(self.phone.needs_outgoing());
        let outgoing = self.phone.outgoing(&segments).filter(|_| signed_in);
        outgoing.map_or(Event::Failed(Failure::SignInNeeded), |outgoing| Event::Outgoing(Box::new(outgoing)))
    }

    /// Sends a request and gives what comes back as the session's events.
    fn send(&self, body: &[u8], down_bytes: &mut usize) -> Vec<Event> {
        let token = self.phone.account().and_then(|account| account.token.clone()).unwrap_or_default();
        let sent = ureq::post(format!("{}/api/v1/sync", self.base))
            .config()
            .http_status_as_error(false)
            .build()
            .header("content-type", CONTENT_TYPE)
            .header("accept-encoding", "br")
            .header("authorization", format!("Bearer {token}"))
            .send(body);
        let Ok(answer) = sent else { return vec![Event::Failed(Failure::Unreachable)] };
        let kind =
            answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        match answer.status().as_u16() {
            200 if kind == CONTENT_TYPE => {}
            200 => return vec![Event::Failed(Failure::NotOurs)],
            status => {
                let ours = kind.starts_with("application/json");
                return vec![Event::Failed(Failure::of_status(status, ours, 0))];
            }
        }
        let squeezed = answer.headers().get("content-encoding").is_some_and(|encoding| encoding == "br");
        let line = Counted { line: answer.into_body().into_reader(), bytes: down_bytes };
        let mut reader: Box<dyn Read> =
            if squeezed { Box::new(brotli::Decompressor::new(line, PIECE_BYTES)) } else { Box::new(line) };
        let mut events = Vec::new();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match reader.read(&mut piece) {
                Ok(0) => break events.push(Event::AnswerEnded),
                Ok(count) => events.push(Event::Bytes(piece[..count].to_vec())),
                // A cut line; what came before it counts.
                Err(_) => break events.push(Event::AnswerEnded),
            }
        }
        events
    }
}

/// Counts bytes as they come off the line, before a browser would take a brotli stream apart.
struct Counted<'c, R> {
    line: R,
    bytes: &'c mut usize,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, piece: &mut [u8]) -> std::io::Result<usize> {
        let count = self.line.read(piece)?;
        *self.bytes += count;
        Ok(count)
    }
}
