//! Small sound inputs for each target, for the fuzzer to begin from.

use minicbor::{Encode, to_vec};
use zoufang_core::{
    access::Level,
    document::{Document, LogChange},
    phone::{Draft, DraftText, Table},
    query::Row,
    record::{ChangeHash, DeviceId, DocId, EpochId, Kind, Timestamp, UnitId, UserId, list::Role},
    seal::SecretKey,
    sync::{
        digest::Digest,
        gate::Refusal,
        inbox, parcel,
        session::Commit,
        wire::{
            Control, Directory, DirectoryUnit, DirectoryUser, End, Item, Page, Probe, Problem, Push, Stray,
            SyncRequest, VERSION, Verdict, Want, decode_request, encode_answer_start, encode_frame,
            encode_request,
        },
    },
};
use zoufang_tests::fuzz::{base, explode, framed, worked};

/// A byte vector of the protocol, from its hex.
macro_rules! vector {
    ($name:literal) => {
        bytes(include_str!(concat!("../../app/core/tests/vectors/data/", $name, ".hex")))
    };
}

/// The seeds of a target, by name.
pub(crate) fn of(target: &str) -> Vec<(String, Vec<u8>)> {
    let seeds = match target {
        "answer" => answers(),
        "change" => base().raw.iter().cloned().chain([vector!("change")]).collect(),
        "columns" => columns(),
        "import" => import(),
        "inbox" => inboxes(),
        "ingest" => ingest(),
        "parcel" => parcels(),
        "request" => requests(),
        "session" => sessions(),
        "stored" => stored(),
        "value" => values(),
        other => panic!("no seeds for {other}"),
    };
    seeds.into_iter().enumerate().map(|(number, seed)| (format!("seed-{number:02}"), seed)).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn cbor(value: impl Encode<()>) -> Vec<u8> {
    to_vec(value).unwrap()
}

fn answers() -> Vec<Vec<u8>> {
    // A first byte of 0 says: raw bytes, whose magic the target writes.
    let raw = |vector: Vec<u8>| [&[0], &vector[4..]].concat();
    let mut seeds = vec![raw(vector!("page")), raw(vector!("directory")), raw(vector!("problem-internal"))];
    seeds.extend(sessions());
    seeds.push(raw(vector!("page-packed")));
    seeds
}

/// As the target takes them: a body, a parcel, what is in a parcel.
fn parcels() -> Vec<Vec<u8>> {
    let push = Push { doc: DocId([1; 16]), kind: Kind::Visit, unit: UnitId(5), raw: vector!("change") };
    let key = SecretKey::of_seed(&[7; 32]).public();
    let sealed = parcel::seal(cbor(&push), key, [9; 32]).unwrap();
    let body = parcel::encode_body([sealed.as_slice(), b"short", b""]);
    let plain = [&[2, 0], cbor(&push).as_slice()].concat();
    vec![[&[0], body.as_slice()].concat(), [&[1], sealed.as_slice()].concat(), plain]
}

/// As the target takes them: a body, what is in a question, what is in a letter, what a letter says.
fn inboxes() -> Vec<Vec<u8>> {
    let first = decode_request(&vector!("request-first")).unwrap();
    let request = SyncRequest { epoch: EpochId(1), ..first };
    let key = SecretKey::of_seed(&[5; 32]).public();
    let question = cbor(&inbox::Question { request, token: "token".into(), inbox: key });
    let verdicts = vec![(ChangeHash([1; 32]), Verdict::Pending)];
    let letter = inbox::Letter { verdicts, answer: b"ZFA1".to_vec() };
    let end = part(5, &End { more: false, epoch: EpochId(1), server_time: Timestamp(3) });
    let said =
        |verdict: u8, doc: u8| [&[3, verdict, 1], part(4, &page(DocId([doc; 16]))).as_slice(), &end].concat();
    let body = inbox::encode_body(&question, [&b"short"[..], b""]);
    vec![
        [&[0], body.as_slice()].concat(),
        [&[1, 0], question.as_slice()].concat(),
        [&[2], cbor(&letter).as_slice()].concat(),
        said(0, 2),
        said(1, 1),
        said(2, 1),
    ]
}

/// A frame as the targets make it from parts: type, no compression, content.
fn part(kind: u8, content: &impl Encode<()>) -> Vec<u8> {
    [&[kind, 0], framed(&cbor(content)).as_slice()].concat()
}

fn sessions() -> Vec<Vec<u8>> {
    let verdicts = |verdict: Verdict| part(1, &vec![verdict]);
    let scope = part(2, &vec![(UnitId(5), 3_u64), (UnitId(6), 0)]);
    let end = part(5, &End { more: false, epoch: EpochId(1), server_time: Timestamp(3) });
    let whole = |parts: &[Vec<u8>]| [&[1], parts.concat().as_slice()].concat();
    vec![
        whole(&[
            part(8, &9_u64),
            verdicts(Verdict::Accepted(1)),
            scope.clone(),
            part(3, &directory()),
            end.clone(),
        ]),
        whole(&[verdicts(Verdict::Refused(Refusal::BadValue)), end.clone()]),
        whole(&[verdicts(Verdict::Pending), part(4, &page(DocId([1; 16]))), end.clone()]),
        whole(&[scope, part(4, &page(DocId([2; 16]))), end]),
        whole(&[part(6, &Problem::EpochChanged(EpochId(9)))]),
    ]
}

fn directory() -> Directory {
    let user =
        DirectoryUser { id: UserId(7), name: "village".into(), role: Role::VillageWorker, unit: UnitId(5) };
    let unit = DirectoryUnit {
        id: UnitId(5),
        code: "211381103201".into(),
        name: "village".into(),
        short_name: "village".into(),
        level: Level::Village,
        parent: None,
        initials: "v".into(),
    };
    Directory { version: 2, users: vec![user], units: vec![unit], sync_key: None, recovery_key: None }
}

fn items(doc: DocId) -> Vec<Item> {
    let item = |raw: &Vec<u8>| Item {
        doc,
        kind: Kind::Visit,
        author: UserId(7),
        received_at: Timestamp(9),
        raw: raw.clone(),
    };
    base().raw.iter().map(item).collect()
}

fn page(doc: DocId) -> Page {
    let logged =
        |item: Item| LogChange { raw: item.raw, author: item.author, received_at: Some(item.received_at) };
    let document = Document::load(Kind::Visit, items(doc).into_iter().map(logged)).unwrap();
    Page {
        unit: UnitId(5),
        from_seq: 0,
        to_seq: 3,
        items: items(doc),
        rows: vec![Row::of(doc, &document, UnitId(5))],
        digest: base().hashes.iter().fold(Digest::default(), |digest, hash| digest.with(*hash)),
        count: 3,
        complete: true,
        controls: vec![Control::ReRooted { doc }, Control::MovedOut { doc: DocId([9; 16]), to: UnitId(6) }],
    }
}

fn requests() -> Vec<Vec<u8>> {
    let push =
        |raw: &Vec<u8>| Push { doc: DocId([3; 16]), kind: Kind::Visit, unit: UnitId(5), raw: raw.clone() };
    let request = SyncRequest {
        epoch: EpochId(1),
        device: DeviceId(7),
        directory_version: 1,
        cursors: vec![(UnitId(5), 300), (UnitId(6), 0)],
        push: base().raw.iter().map(push).collect(),
        want_bytes: 1 << 20,
        version: Some(VERSION),
        ticket: Some(9),
        probes: vec![Probe::of(UnitId(5), &[], base().hashes.iter().copied())],
        strays: vec![Stray { unit: UnitId(5), docs: vec![DocId([7; 16])] }],
        wants: vec![Want { unit: UnitId(5), hashes: base().hashes.clone() }],
        held: Some((Digest(1), 2)),
        told: Some(base().hashes.clone()),
    };
    vec![vector!("request-first"), vector!("request-push"), encode_request(&request), cbor(&request)]
}

fn columns() -> Vec<Vec<u8>> {
    let base = base();
    let mut seeds: Vec<Vec<u8>> = base.raw.iter().map(|raw| explode(raw, &base.hashes)).collect();
    // On top of both heads, by a new actor; and the same change by the same actor once more.
    let mut on_top = seeds[1].clone();
    on_top[0] = 2 | 2 << 2 | 3 << 4;
    on_top[2] = 9;
    on_top.splice(4..5, [1, 2, 0, 1]);
    seeds.push(on_top.clone());
    seeds.push([on_top, seeds[1].clone()].concat());
    seeds
}

fn ingest() -> Vec<Vec<u8>> {
    let recipes = columns();
    // A sound change of the base is flag 6 and its number.
    let sound = |number: u8, last: u8| vec![0x40 | last, number];
    let first = [vec![0], sound(0, 0), sound(1, 0), sound(2, 0x80)].concat();
    let built = |recipe: &Vec<u8>| [&[0x80 | 2 << 2], recipe.as_slice()].concat();
    let mut seeds = vec![first.clone(), [vec![1], sound(0, 0x80)].concat()];
    seeds.push([first.clone(), vec![0], built(&recipes[1])].concat());
    seeds.push([first.clone(), vec![1], built(&recipes[3])].concat());
    seeds.push([vec![0], built(&recipes[0]), first].concat());
    seeds
}

fn import() -> Vec<Vec<u8>> {
    let line = |id: &str, rest: &str| format!("{id},1,张伟,veteran,{rest}\n");
    let full = "male,1950-03,29131919700420061X,154-1234-5678,self,,三组12号,home,,three_attributes,1970-12,,full,1975-07-01,no,";
    let texts = [
        line("p1", full),
        [
            line("p1", full),
            line("p2", "female,,,,,,,,,,,,,,,"),
            line("p3", "x,19,1,儿子,,,,,,;,,;;,none,,,\""),
        ]
        .concat(),
        format!("person_id,village_code,name,kind\n{}", "p1,1,\"李, 强\",veteran\np2,2,王五,martyr_family\n"),
        "\u{feff}person_id,name\n".to_owned(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}

fn stored() -> Vec<Vec<u8>> {
    let (mut phone, mut disk) = worked();
    let dump = |disk: &zoufang_tests::disk::Disk| -> Vec<u8> {
        let row = |(table, key, value): (Table, &str, &[u8])| {
            let number = Table::ALL.iter().position(|found| *found == table).unwrap();
            [&[u8::try_from(number).unwrap()], framed(key.as_bytes()).as_slice(), &framed(value)].concat()
        };
        disk.rows().flat_map(row).collect()
    };
    let mut seeds = vec![dump(&disk)];
    let commits = [
        Commit::Scope(vec![(UnitId(5), 3)]),
        Commit::Directory(directory()),
        Commit::Page(page(DocId([2; 16]))),
        Commit::End(End { more: false, epoch: EpochId(1), server_time: Timestamp(3) }, Default::default()),
    ];
    for commit in commits {
        let segments = disk.segments(phone.needs(&commit));
        let plan = phone.plan_commit(&commit, &segments, Timestamp(5));
        disk.write(&plan.batch);
        phone.settle(plan);
    }
    seeds.push(dump(&disk));
    let mut text = DraftText { base: base().hashes[..1].to_vec(), ..DraftText::default() };
    text.entries.put_text("facts", Some("水管"));
    text.typed.insert("happened_on".into(), "2026-1".into());
    let draft = Draft { saved_at: Timestamp(5), text }.to_bytes();
    seeds.push([&[5], framed(b"person").as_slice(), &framed(&draft)].concat());
    seeds
}

fn values() -> Vec<Vec<u8>> {
    let texts = [
        "1950",
        "1950-03",
        "1950-03-29",
        "00000000000000000000000001",
        "0000000000000007",
        "+86 154-1234-5678",
        "0421-0834424",
        "买买提•艾力",
        "29131919700420061X",
        "phone/01A.number",
        "zhangwei",
        "王wu",
    ];
    let mut seeds: Vec<Vec<u8>> = texts.into_iter().map(|text| text.as_bytes().to_vec()).collect();
    let entry = |key: &str, value: &str| {
        [&[0], framed(key.as_bytes()).as_slice(), &framed(value.as_bytes())].concat()
    };
    let flag = |key: &str| [&[2], framed(key.as_bytes()).as_slice(), &[1]].concat();
    let entries = [
        vec![0; 10],
        entry("name", "张伟"),
        entry("phone/01A.number", "15412345678"),
        entry("happened_on", "2026-11-24"),
        flag("need/medical"),
        flag("person/00000000000000000000000001"),
    ];
    seeds.push(entries.concat());
    // Raw bytes of an answer are a text, too.
    seeds.push(
        [encode_answer_start(), encode_frame(&zoufang_core::sync::wire::Frame::Problem(Problem::Internal))]
            .concat(),
    );
    seeds
}
