//! The byte vectors of the wire format: each message as a value, and its bytes as they are kept in `data`.
//!
//! Shared by the test of the host and by the example that runs as wasm, so that both read the same bytes the same way.
use zoufang_core::{
    access::Level,
    document::{Document, LogChange},
    query::Row,
    record::{DeviceId, DocId, EpochId, Kind, Patch, Timestamp, UnitId, UserId, Value, list::Role},
    sync::{
        digest::Digest,
        gate::Refusal,
        scan,
        wire::{
            self, Directory, DirectoryUnit, DirectoryUser, End, Frame, FrameReader, Item, Page, Problem,
            Push, SyncRequest, Verdict,
        },
    },
};

/// A message, of whichever direction.
#[derive(Debug)]
enum Message {
    Change(Vec<u8>),
    Request(SyncRequest),
    Answer(Frame),
}

/// One vector.
pub(crate) struct Vector {
    /// Its name, and that of its file.
    pub name: &'static str,
    kept: &'static str,
    message: Message,
}

macro_rules! vector {
    ($name:literal, $message:expr) => {
        Vector { name: $name, kept: include_str!(concat!("data/", $name, ".hex")), message: $message }
    };
}

/// All vectors.
#[must_use]
pub(crate) fn all() -> Vec<Vector> {
    use Message::{Answer, Change, Request};
    vec![
        vector!("change", Change(change())),
        vector!("request-first", Request(first_request())),
        vector!("request-push", Request(pushing_request())),
        vector!("verdicts", Answer(Frame::Verdicts(verdicts()))),
        vector!("scope", Answer(Frame::Scope(vec![(UnitId(5), 0), (UnitId(70_000), 1 << 40)]))),
        vector!("directory", Answer(Frame::Directory(directory()))),
        vector!("page", Answer(Frame::Page(page()))),
        vector!(
            "end",
            Answer(Frame::End(End { more: true, epoch: EpochId(u64::MAX), server_time: Timestamp(-1) }))
        ),
        vector!("problem-epoch", Answer(Frame::Problem(Problem::EpochChanged(EpochId(9))))),
        vector!("problem-internal", Answer(Frame::Problem(Problem::Internal))),
    ]
}

impl Vector {
    /// The message as this build writes it, in hex, 64 digits a line.
    #[must_use]
    pub(crate) fn written(&self) -> String {
        let bytes = self.bytes();
        let mut text = String::new();
        for line in bytes.chunks(32) {
            for byte in line {
                text.push_str(&format!("{byte:02x}"));
            }
            text.push('\n');
        }
        text
    }

    /// Whether this build writes the kept bytes, and reads them back as the message.
    ///
    /// # Errors
    /// What differs, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.written() != self.kept {
            return Err(format!("{}: other bytes are written:\n{}", self.name, self.written()));
        }
        let bytes = self.bytes();
        let same = match &self.message {
            Message::Change(raw) => {
                let scanned = scan::scan(raw).map_err(|error| format!("{}: {error}", self.name))?;
                let log = LogChange { raw: raw.clone(), author: UserId(7), received_at: None };
                let loaded = Document::load(Kind::Visit, [log]).map_err(|error| format!("{error}"))?;
                loaded.heads() == [scanned.hash]
            }
            Message::Request(request) => wire::decode_request(&bytes).as_ref() == Ok(request),
            Message::Answer(frame) => FrameReader::new().push(&bytes) == Ok(vec![frame.clone()]),
        };
        if same { Ok(()) } else { Err(format!("{}: the bytes are read as something else", self.name)) }
    }

    fn bytes(&self) -> Vec<u8> {
        match &self.message {
            Message::Change(raw) => raw.clone(),
            Message::Request(request) => wire::encode_request(request),
            Message::Answer(frame) => [wire::encode_answer_start(), wire::encode_frame(frame)].concat(),
        }
    }
}

fn change() -> Vec<u8> {
    let mut patch = Patch::set("facts", Value::Text("看病就医，已联系卫生院；𠮷".to_owned()));
    patch.0.insert("created_by".to_owned(), Some(Value::Int(7)));
    patch.0.insert("need/medical".to_owned(), Some(Value::Bool(true)));
    Document::new(Kind::Visit)
        .commit(DeviceId(7).actor([1; 8]), UserId(7), Timestamp(1_795_449_600_000), &patch)
        .expect("a valid patch")
        .expect("a patch that changes something")
}

fn first_request() -> SyncRequest {
    SyncRequest {
        epoch: EpochId(0),
        device: DeviceId(0x0123_4567_89ab_cdef),
        directory_version: 0,
        cursors: Vec::new(),
        push: Vec::new(),
        want_bytes: 1 << 20,
    }
}

fn pushing_request() -> SyncRequest {
    let push = Push { doc: DocId([3; 16]), kind: Kind::Visit, unit: UnitId(5), raw: change() };
    SyncRequest {
        epoch: EpochId(1),
        directory_version: 2,
        cursors: vec![(UnitId(5), 300), (UnitId(6), 0)],
        push: vec![push],
        ..first_request()
    }
}

fn verdicts() -> Vec<Verdict> {
    let refusals = [Refusal::NotInScope, Refusal::BadValue, Refusal::Erased];
    let refused = refusals.into_iter().map(Verdict::Refused);
    [Verdict::Accepted(1), Verdict::Duplicate(1 << 33), Verdict::Pending].into_iter().chain(refused).collect()
}

fn directory() -> Directory {
    let unit = DirectoryUnit {
        id: UnitId(5),
        code: "431381001001".to_owned(),
        name: "某某社区居民委员会".to_owned(),
        short_name: "某某".to_owned(),
        level: Level::Village,
        parent: Some(UnitId(2)),
        initials: "mm".to_owned(),
    };
    let user =
        DirectoryUser { id: UserId(7), name: "张三".to_owned(), role: Role::VillageWorker, unit: unit.id };
    Directory { version: 3, users: vec![user], units: vec![unit] }
}

fn page() -> Page {
    let log = LogChange { raw: change(), author: UserId(7), received_at: Some(Timestamp(9)) };
    let document = Document::load(Kind::Visit, [log.clone()]).expect("its own change");
    let item = Item {
        doc: DocId([3; 16]),
        kind: Kind::Visit,
        author: log.author,
        received_at: Timestamp(9),
        raw: log.raw,
    };
    Page {
        unit: UnitId(5),
        from_seq: 300,
        to_seq: 301,
        items: vec![item],
        rows: vec![Row::of(DocId([3; 16]), &document, UnitId(5))],
        digest: Digest(u128::MAX - 1),
        count: 301,
        complete: true,
    }
}
