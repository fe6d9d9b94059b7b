//! Every decoder refuses garbage with an error: random bytes, and good bytes with a few of them changed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
use proptest::prelude::*;
use zoufang_core::{
    document::{Document, LogChange},
    query::Row,
    record::{ChangeHash, DeviceId, DocId, EpochId, Kind, Patch, Timestamp, UnitId, UserId, Value},
    sync::{
        scan,
        wire::{
            self, Bucket, Control, End, Frame, FrameReader, Item, Page, Probe, Push, Stray, SyncRequest,
            VERSION, Verdict, Want,
        },
    },
};

fn change() -> Vec<u8> {
    let mut document = Document::new(Kind::Visit);
    let mut patch = Patch::set("facts", Value::Text("看病就医，已联系卫生院".to_owned()));
    patch.0.insert("created_by".to_owned(), Some(Value::Int(7)));
    patch.0.insert("need/medical".to_owned(), Some(Value::Bool(true)));
    document
        .commit(DeviceId(7).actor([1; 8]), UserId(7), Timestamp(1_795_449_600_000), &patch)
        .unwrap()
        .unwrap()
}

fn request() -> SyncRequest {
    let push = vec![Push { doc: DocId([3; 16]), kind: Kind::Visit, unit: UnitId(5), raw: change() }];
    SyncRequest {
        epoch: EpochId(1),
        device: DeviceId(7),
        directory_version: 2,
        cursors: vec![(UnitId(5), 300)],
        push,
        want_bytes: 1 << 20,
        version: Some(VERSION),
        ticket: Some(77),
        probes: vec![Probe::of(UnitId(5), &[], [ChangeHash([9; 32])])],
        strays: vec![Stray { unit: UnitId(5), docs: vec![DocId([7; 16])] }],
        wants: vec![Want { unit: UnitId(5), hashes: vec![ChangeHash([8; 32])] }],
        held: Some((Default::default(), 3)),
        told: Some(vec![ChangeHash([7; 32])]),
    }
}

fn frames() -> Vec<Frame> {
    let log = LogChange { raw: change(), author: UserId(7), received_at: None };
    let document = Document::load(Kind::Visit, [log]).unwrap();
    let row = Row::of(DocId([3; 16]), &document, UnitId(5));
    let item = Item {
        doc: DocId([3; 16]),
        kind: Kind::Visit,
        author: UserId(7),
        received_at: Timestamp(9),
        raw: change(),
    };
    let page = Page {
        unit: UnitId(5),
        from_seq: 0,
        to_seq: 1,
        items: vec![item],
        rows: vec![row],
        digest: Default::default(),
        count: 1,
        complete: true,
        controls: vec![
            Control::MovedOut { doc: DocId([4; 16]), to: UnitId(6) },
            Control::Erased { doc: DocId([5; 16]) },
        ],
    };
    vec![
        Frame::Verdicts(vec![Verdict::Accepted(1), Verdict::Pending]),
        Frame::Page(page),
        Frame::Repair(vec![Bucket {
            unit: UnitId(5),
            prefix: vec![1].into(),
            hashes: Some(vec![ChangeHash([1; 32])]),
        }]),
        Frame::Ticket(5),
        Frame::Epoch(EpochId(1)),
        Frame::End(End { more: false, epoch: EpochId(1), server_time: Timestamp(3) }),
    ]
}

fn answer() -> Vec<u8> {
    let encode = |frame: &Frame| {
        if let Frame::Page(page) = frame {
            [wire::encode_page(page.clone(), 2), wire::encode_page(page.clone(), VERSION)].concat()
        } else {
            wire::encode_frame(frame)
        }
    };
    wire::encode_answer_start().into_iter().chain(frames().iter().flat_map(encode)).collect()
}

/// The frames of [`answer`] as they are read: the page both ways.
fn frames_read() -> Vec<Frame> {
    let mut frames = frames();
    let page = frames.iter().position(|frame| matches!(frame, Frame::Page(_))).unwrap();
    frames.insert(page, frames[page].clone());
    frames
}

#[test]
fn a_request_damaged_on_its_way_is_nobodys_change() {
    let good = wire::encode_request(&request());
    for place in 0..good.len() {
        for bit in 0..8 {
            let mut damaged = good.clone();
            damaged[place] ^= 1 << bit;
            assert!(wire::decode_request(&damaged).is_err(), "bit {bit} of byte {place}");
        }
        assert!(wire::decode_request(&good[..place]).is_err(), "cut at {place}");
    }
}

#[test]
fn good_messages_come_back_as_they_were() {
    assert_eq!(wire::decode_request(&wire::encode_request(&request())), Ok(request()));
    let bytes = answer();
    for cut in 0..bytes.len() {
        let mut reader = FrameReader::new();
        let mut read = reader.push(&bytes[..cut]).unwrap();
        read.extend(reader.push(&bytes[cut..]).unwrap());
        assert_eq!(read, frames_read());
        assert!(reader.is_at_boundary());
    }
}

fn spoil(mut bytes: Vec<u8>, damage: &[(usize, u8)]) -> Vec<u8> {
    for (at, xor) in damage {
        let at = at % bytes.len();
        bytes[at] ^= xor;
    }
    bytes
}

fn damage() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((any::<usize>(), 1u8..), 1..4)
}

/// Applies what a scan let through: Automerge, too, must answer with an error at worst.
fn apply(raw: Vec<u8>) {
    if scan::scan(&raw).is_ok() {
        let _ = Document::load(Kind::Visit, [LogChange { raw, author: UserId(1), received_at: None }]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(scan::scan(&bytes).is_err());
        prop_assert!(wire::decode_request(&bytes).is_err());
        let with_magic = |magic: &[u8]| magic.iter().chain(&bytes).copied().collect::<Vec<u8>>();
        let _ = wire::decode_request(&with_magic(b"ZFQ1\0"));
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        // With a right checksum the garbage reaches the decoder.
        let _ = wire::decode_request(&with_magic(&[b"ZFQ1\0", crc.sum().to_le_bytes().as_slice()].concat()));
        let _ = FrameReader::new().push(&with_magic(b"ZFA1"));
        let _ = minicbor::decode::<Row>(&bytes);
    }

    #[test]
    fn damaged_changes(damage in damage(), cut in any::<prop::sample::Index>()) {
        let mut raw = spoil(change(), &damage);
        let _ = scan::scan(&raw[..cut.index(raw.len())]);
        // With a right checksum the damage reaches the columns.
        let hash = <sha2::Sha256 as sha2::Digest>::digest(&raw[8..]);
        raw[4..8].copy_from_slice(&hash[..4]);
        raw[..4].copy_from_slice(&[0x85, 0x6f, 0x4a, 0x83]);
        apply(raw);
    }

    #[test]
    fn damaged_messages(damage in damage()) {
        let _ = wire::decode_request(&spoil(wire::encode_request(&request()), &damage));
        let _ = FrameReader::new().push(&spoil(answer(), &damage));
    }
}

/// A good change with another number in the place of its actor's seq, which is one byte here.
fn with_seq(seq: u8) -> Vec<u8> {
    let mut raw = change();
    let at = raw.windows(8).position(|bytes| bytes == [1; 8]).unwrap() + 8;
    assert_eq!(raw[at], 1);
    raw[at] = seq;
    let hash = <sha2::Sha256 as sha2::Digest>::digest(&raw[8..]);
    raw[4..8].copy_from_slice(&hash[..4]);
    raw
}

/// Automerge 0.12.0 panics on these ("called unwrap on None"), which would take the whole page down with it.
#[test]
fn an_actor_without_its_first_change_is_refused() {
    let log = |raw: Vec<u8>| LogChange { raw, author: UserId(1), received_at: None };
    assert!(scan::scan(&with_seq(3)).is_ok_and(|scanned| scanned.seq == 3));
    assert!(Document::load(Kind::Visit, [log(with_seq(3))]).is_err());
    let mut document = Document::load(Kind::Visit, [log(change())]).unwrap();
    assert!(document.apply([log(with_seq(3))]).is_err());
    // Numbered right, but not built on its predecessor: whatever Automerge says, it does not panic.
    let _ = document.apply([log(with_seq(2))]);
    let _ = Document::load(Kind::Visit, [log(with_seq(2)), log(change())]);
    let _ = Document::load(Kind::Visit, [log(with_seq(3)), log(with_seq(2)), log(change())]);
}
