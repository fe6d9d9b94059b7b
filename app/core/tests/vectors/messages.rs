//! The byte vectors of the wire format: each message as a value, and its bytes as they are kept in `data`.
//!
//! Shared by the test of the host and by the example that runs as wasm, so that both read the same bytes the same way.
use zoufang_core::{
    access::Level,
    document::{Document, LogChange},
    query::Row,
    record::{
        ChangeHash, DeviceId, DocId, EpochId, Kind, Patch, Timestamp, UnitId, UserId, Value, list::Role,
    },
    seal::SecretKey,
    sync::{
        digest::Digest,
        gate::Refusal,
        inbox::{self, Letter, Question},
        scan,
        wire::{
            self, Bucket, Control, Directory, DirectoryUnit, DirectoryUser, End, Frame, FrameReader, Item,
            Page, Probe, Problem, Push, Stray, SyncRequest, VERSION, Verdict, Want,
        },
    },
};

/// A message, of whichever direction.
enum Message {
    Change(Vec<u8>),
    Request(SyncRequest),
    Answer(Frame),
    /// A page as phones of this version of the protocol are sent it.
    Page(Page, u8),
    /// A body of the inbox: the question, sealed to the key of 32 bytes 1, and a parcel.
    Inbox(Box<Question>),
    /// A letter to it.
    Letter(Letter),
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
    use Message::{Answer, Change, Page, Request};
    vec![
        vector!("change", Change(change())),
        vector!("request-first", Request(first_request())),
        vector!("request-push", Request(pushing_request())),
        vector!("verdicts", Answer(Frame::Verdicts(verdicts()))),
        vector!("scope", Answer(Frame::Scope(vec![(UnitId(5), 0), (UnitId(70_000), 1 << 40)]))),
        vector!("directory", Answer(Frame::Directory(directory()))),
        vector!("page", Page(page(), 2)),
        vector!("page-packed", Page(wire::Page { controls: controls(), ..two_changes() }, VERSION)),
        vector!("page-packed-first", Page(one_change(), VERSION)),
        vector!("request-repair", Request(repairing_request())),
        vector!("repair", Answer(Frame::Repair(buckets()))),
        vector!("page-controls", Page(wire::Page { controls: controls(), ..page() }, 2)),
        vector!("end", Answer(Frame::End(end()))),
        vector!("ticket", Answer(Frame::Ticket(u64::MAX))),
        vector!("epoch", Answer(Frame::Epoch(EpochId(9)))),
        vector!("problem-epoch", Answer(Frame::Problem(Problem::EpochChanged(EpochId(9))))),
        vector!("problem-internal", Answer(Frame::Problem(Problem::Internal))),
        vector!("problem-cloned", Answer(Frame::Problem(Problem::Cloned))),
        vector!("request-told", Request(telling_request())),
        vector!("inbox", Message::Inbox(Box::new(question()))),
        vector!("letter", Message::Letter(letter())),
    ]
}

/// Messages as builds of earlier versions of the protocol write them: they are read for ever, and written no more.
#[must_use]
pub(crate) fn frozen() -> Vec<Vector> {
    use Message::{Answer, Page, Request};
    let first = |version| SyncRequest { version, ..first_request() };
    let push = |version| SyncRequest { version, ..pushing_request() };
    let repair = SyncRequest { version: Some(2), strays: Vec::new(), ..repairing_request() };
    vec![
        vector!("v1/request-first", Request(first(None))),
        vector!("v1/request-push", Request(push(None))),
        vector!("v1/page", Answer(Frame::Page(page()))),
        vector!("v1/end", Answer(Frame::End(end()))),
        vector!("v2/request-first", Request(first(Some(2)))),
        vector!("v2/request-push", Request(push(Some(2)))),
        vector!("v2/request-repair", Request(repair)),
        vector!("v2/verdicts", Answer(Frame::Verdicts(verdicts()))),
        vector!("v2/page", Answer(Frame::Page(page()))),
        vector!("v2/page-controls", Answer(Frame::Page(wire::Page { controls: controls(), ..page() }))),
        vector!("v2/repair", Answer(Frame::Repair(buckets()))),
        vector!("v2/ticket", Answer(Frame::Ticket(u64::MAX))),
        vector!("v2/end", Answer(Frame::End(end()))),
        vector!("v3/request-first", Request(first(Some(3)))),
        vector!("v3/request-push", Request(push(Some(3)))),
        vector!("v3/request-repair", Request(SyncRequest { version: Some(3), ..repairing_request() })),
        vector!("v3/page-packed", Page(wire::Page { controls: controls(), ..two_changes() }, 3)),
        vector!("v3/page-packed-first", Page(one_change(), 3)),
        vector!("v3/epoch", Answer(Frame::Epoch(EpochId(9)))),
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
            Message::Inbox(question) => {
                let (sealed, parcels) =
                    inbox::decode_body(&bytes).map_err(|error| format!("{}: {error}", self.name))?;
                let opened = inbox::open_question(&[SecretKey::of_seed(&[1; 32])], sealed);
                parcels == [PARCEL]
                    && opened.is_ok_and(|(read, bound)| read == **question && bound == bound_to())
            }
            Message::Letter(letter) => {
                inbox::open_letter(&SecretKey::of_seed(&[5; 32]), &bound_to(), &bytes).as_ref() == Ok(letter)
            }
            Message::Change(raw) => {
                let scanned = scan::scan(raw).map_err(|error| format!("{}: {error}", self.name))?;
                let log = LogChange { raw: raw.clone(), author: UserId(7), received_at: None };
                let loaded = Document::load(Kind::Visit, [log]).map_err(|error| format!("{error}"))?;
                loaded.heads() == [scanned.hash]
            }
            Message::Request(request) => wire::decode_request(&bytes).as_ref() == Ok(request),
            Message::Answer(frame) => FrameReader::new().push(&bytes) == Ok(vec![frame.clone()]),
            Message::Page(page, _) => FrameReader::new().push(&bytes) == Ok(vec![Frame::Page(page.clone())]),
        };
        if same { Ok(()) } else { Err(format!("{}: the bytes are read as something else", self.name)) }
    }

    /// Whether this build reads the kept bytes as the message.
    ///
    /// # Errors
    /// What is read instead, in words.
    pub(crate) fn check_frozen(&self) -> Result<(), String> {
        let digits: Vec<char> = self.kept.chars().filter(|char| !char.is_whitespace()).collect();
        let byte =
            |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap_or_default();
        let bytes: Vec<u8> = digits.chunks(2).map(byte).collect();
        let same = match &self.message {
            Message::Inbox(_) | Message::Letter(_) => return Err(format!("{}: not frozen yet", self.name)),
            Message::Change(raw) => *raw == bytes,
            Message::Request(request) => wire::decode_request(&bytes).as_ref() == Ok(request),
            Message::Answer(frame) => FrameReader::new().push(&bytes) == Ok(vec![frame.clone()]),
            Message::Page(page, _) => FrameReader::new().push(&bytes) == Ok(vec![Frame::Page(page.clone())]),
        };
        if same { Ok(()) } else { Err(format!("{}: the bytes are read as something else", self.name)) }
    }

    fn bytes(&self) -> Vec<u8> {
        match &self.message {
            Message::Inbox(question) => {
                let clear = encoded(question);
                let sealed = inbox::seal_question(clear, SecretKey::of_seed(&[1; 32]).public(), [9; 32]);
                inbox::encode_body(&sealed.unwrap_or_default(), [PARCEL])
            }
            Message::Letter(letter) => {
                let to = SecretKey::of_seed(&[5; 32]).public();
                inbox::seal_letter(letter, to, &bound_to(), [8; 32]).unwrap_or_default()
            }
            Message::Change(raw) => raw.clone(),
            Message::Request(request) => wire::encode_request(request),
            Message::Answer(frame) => [wire::encode_answer_start(), wire::encode_frame(frame)].concat(),
            Message::Page(page, version) => {
                [wire::encode_answer_start(), wire::encode_page(page.clone(), *version)].concat()
            }
        }
    }
}

/// What stands for a parcel in a body.
const PARCEL: &[u8] = b"parcel";

fn encoded(value: impl minicbor::Encode<()>) -> Vec<u8> {
    minicbor::to_vec(value).unwrap_or_default()
}

fn question() -> Question {
    let request = SyncRequest {
        epoch: EpochId(1),
        directory_version: 2,
        cursors: vec![(UnitId(5), 300), (UnitId(6), 0)],
        want_bytes: inbox::WANT_BYTES,
        ..first_request()
    };
    Question { request, token: "token".to_owned(), inbox: SecretKey::of_seed(&[5; 32]).public() }
}

/// What a letter to the question is bound to.
fn bound_to() -> Vec<u8> {
    inbox::bound(question().request.device, &encoded(question()))
}

fn letter() -> Letter {
    let answer = [wire::encode_answer_start(), wire::encode_frame(&Frame::End(end()))].concat();
    let verdicts = vec![
        (ChangeHash([1; 32]), Verdict::Accepted(301)),
        (ChangeHash([2; 32]), Verdict::Refused(Refusal::NotInScope)),
    ];
    Letter { verdicts, answer }
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
        version: Some(VERSION),
        ticket: None,
        probes: Vec::new(),
        wants: Vec::new(),
        strays: Vec::new(),
        held: None,
        told: None,
    }
}

fn repairing_request() -> SyncRequest {
    let hashes = [1, 2, 2].map(|byte| ChangeHash([byte; 32]));
    SyncRequest {
        ticket: Some(77),
        probes: vec![Probe::of(UnitId(5), &[], hashes), Probe::of(UnitId(5), &[2], hashes)],
        wants: vec![Want { unit: UnitId(6), hashes: vec![ChangeHash([9; 32])] }],
        strays: vec![Stray { unit: UnitId(6), docs: vec![DocId([7; 16])] }],
        held: Some((Digest(3), 4)),
        ..first_request()
    }
}

fn telling_request() -> SyncRequest {
    SyncRequest { told: Some(vec![ChangeHash([9; 32])]), ..pushing_request() }
}

fn buckets() -> Vec<Bucket> {
    let hashes = Some(vec![ChangeHash([1; 32])]);
    vec![
        Bucket { unit: UnitId(5), prefix: vec![1].into(), hashes },
        Bucket { unit: UnitId(5), prefix: vec![2, 2].into(), hashes: None },
    ]
}

fn controls() -> Vec<Control> {
    let doc = DocId([3; 16]);
    vec![
        Control::MovedOut { doc, to: UnitId(6) },
        Control::Erased { doc },
        Control::ReRooted { doc },
        Control::Schema { version: 3 },
    ]
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

fn end() -> End {
    End { more: true, epoch: EpochId(u64::MAX), server_time: Timestamp(-1) }
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
    Directory { version: 3, users: vec![user], units: vec![unit], sync_key: None, recovery_key: None }
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
        controls: Vec::new(),
    }
}

/// A document with two changes, of which the row knows both, and one whose row is newer than the page.
fn two_changes() -> Page {
    let mut page = page();
    let log =
        |raw: &[u8]| LogChange { raw: raw.to_vec(), author: UserId(7), received_at: Some(Timestamp(9)) };
    let mut document = Document::load(Kind::Visit, [log(&page.items[0].raw)]).expect("its own change");
    let patch = Patch::set("facts", Value::Text("看病就医，已住院".to_owned()));
    let raw = document
        .commit(DeviceId(7).actor([2; 8]), UserId(7), Timestamp(1_795_449_700_000), &patch)
        .expect("a valid patch")
        .expect("a patch that changes something");
    let item = Item { raw, ..page.items[0].clone() };
    let other = DocId([4; 16]);
    page.items.push(Item { doc: other, ..page.items[0].clone() });
    page.items.push(item);
    let newer = Row { doc: other, heads: vec![ChangeHash([9; 32])], ..page.rows[0].clone() };
    page.rows = vec![newer, Row::of(DocId([3; 16]), &document, UnitId(5))];
    page
}

/// A page of a document that is one change: its row is made by the receiver.
fn one_change() -> Page {
    let mut page = page();
    page.items.truncate(1);
    let item = &page.items[0];
    let change =
        LogChange { raw: item.raw.clone(), author: item.author, received_at: Some(item.received_at) };
    let document = Document::load(item.kind, [change]).expect("its own change");
    page.rows = vec![Row::of(item.doc, &document, page.unit)];
    page
}
