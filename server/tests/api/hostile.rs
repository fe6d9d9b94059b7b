//! Change chunks as no honest phone makes them, put together byte by byte.

use sha2::{Digest, Sha256};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
pub(crate) const TYPE_CHANGE: u8 = 1;
pub(crate) const TYPE_DEFLATED: u8 = 2;

/// A number as the format writes it: seven bits a byte, low ones first.
pub(crate) fn unsigned(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

/// As [`unsigned`], with a sign bit.
fn signed(number: i64) -> Vec<u8> {
    let mut bytes = unsigned(number.cast_unsigned());
    if bytes.last().is_some_and(|byte| byte & 0x40 != 0) {
        *bytes.last_mut().unwrap() |= 0x80;
        bytes.push(0);
    }
    bytes
}

/// A chunk of this type around a body; the checksum is that of the uncompressed change, as it should be.
pub(crate) fn chunk(body: &[u8]) -> Vec<u8> {
    let mut hashed = vec![TYPE_CHANGE];
    hashed.extend(unsigned(body.len() as u64));
    hashed.extend(body);
    [&MAGIC[..], &Sha256::digest(&hashed)[..4], &hashed].concat()
}

/// The body of a raw change.
pub(crate) fn body(raw: &[u8]) -> &[u8] {
    assert_eq!(raw[8], TYPE_CHANGE);
    let length_bytes = raw[9..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    &raw[9 + length_bytes..]
}

/// The same change, deflated.
pub(crate) fn deflated(raw: &[u8]) -> Vec<u8> {
    let packed = miniz_oxide::deflate::compress_to_vec(body(raw), 9);
    let mut chunk = raw[..8].to_vec();
    chunk.push(TYPE_DEFLATED);
    chunk.extend(unsigned(packed.len() as u64));
    chunk.extend(packed);
    chunk
}

/// The same first change (no dependencies, 16 bytes of actor, number 1, first operation 1) with another first operation.
pub(crate) fn with_start_op(raw: &[u8], start_op: u64) -> Vec<u8> {
    let body = body(raw);
    assert_eq!((body[0], body[1], body[18], body[19]), (0, 16, 1, 1));
    chunk(&[&body[..19], &unsigned(start_op), &body[20..]].concat())
}

/// A change of about a hundred bytes that sets one key `count` times: every column is a single run.
pub(crate) fn with_operations(actor: &[u8; 16], count: i64) -> Vec<u8> {
    let run = |value: &[u8]| [&signed(count)[..], value].concat();
    let columns: [(u8, Vec<u8>); 5] = [
        (0x15, run(b"\x04name")),                // key: the text "name"
        (0x34, unsigned(count.cast_unsigned())), // insert: so many times no
        (0x42, run(&[1])),                       // action: set
        (0x56, run(&[0])),                       // value: null
        (0x70, run(&[0])),                       // predecessors: none
    ];
    let mut body = vec![0, 16];
    body.extend(actor);
    body.extend([1, 1, 0, 0, 0]); // number, first operation, time, message, other actors
    body.extend(unsigned(columns.len() as u64));
    for (spec, bytes) in &columns {
        body.push(*spec);
        body.extend(unsigned(bytes.len() as u64));
    }
    for (_, bytes) in &columns {
        body.extend(bytes);
    }
    chunk(&body)
}
