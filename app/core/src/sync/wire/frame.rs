//! Bytes of requests and frames: magic, compression, checksum, bounds.
//!
//! Inflating and checksums come from flate2, which Automerge brings along; deflating from miniz_oxide, whose one compressor
//! is a fifth of the size of zlib-rs's on the phone.
use std::io::Read;

use flate2::{Crc, bufread::DeflateDecoder};
use minicbor::Decode;
use miniz_oxide::deflate::compress_to_vec;

use super::{CURSORS_MAX, Frame, PUSH_MAX, Page, SyncRequest, WireError, packed::Packed};
use crate::encode;

const REQUEST_MAGIC: [u8; 4] = *b"ZFQ1";
const ANSWER_MAGIC: [u8; 4] = *b"ZFA1";
const PLAIN: u8 = 0;
const DEFLATED: u8 = 1;
/// Below this, compressing costs more than it saves.
const COMPRESS_BYTES_MIN: usize = 64;
const DEFLATE_LEVEL: u8 = 9;
/// The version of the protocol from which on a phone reads packed pages, and is told the epoch before its first.
pub const PACKED_SINCE: u8 = 3;
/// The first type of frame whose checksum is also of the type and the compression.
const HEAD_SUMMED_SINCE: u8 = 9;
/// Length, type, compression, checksum.
const FRAME_HEAD_BYTES: usize = 10;

/// Largest frame as sent.
pub const FRAME_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Largest content after decompression.
pub const INFLATED_BYTES_MAX: usize = 8 * 1024 * 1024;

pub(in crate::sync) fn pack(content: Vec<u8>) -> (u8, Vec<u8>) {
    if content.len() < COMPRESS_BYTES_MIN {
        return (PLAIN, content);
    }
    let packed = compress_to_vec(&content, DEFLATE_LEVEL);
    if packed.len() < content.len() { (DEFLATED, packed) } else { (PLAIN, content) }
}

pub(in crate::sync) fn unpack(compression: u8, content: &[u8]) -> Result<Vec<u8>, WireError> {
    match compression {
        PLAIN => Ok(content.to_vec()),
        DEFLATED => {
            let mut inflated = Vec::new();
            let mut decoder = DeflateDecoder::new(content).take(INFLATED_BYTES_MAX as u64 + 1);
            decoder.read_to_end(&mut inflated).map_err(|_| WireError::Malformed)?;
            if inflated.len() > INFLATED_BYTES_MAX { Err(WireError::TooBig) } else { Ok(inflated) }
        }
        _ => Err(WireError::Malformed),
    }
}

/// CRC-32 as in gzip.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The checksum of a frame. The first types leave themselves and the compression out; so from one of them a flipped bit must
/// not make a later type, which a phone passes over if it does not know it.
fn frame_checksum(kind: u8, compression: u8, content: &[u8]) -> u32 {
    if kind < HEAD_SUMMED_SINCE {
        return checksum(content);
    }
    let mut crc = Crc::new();
    crc.update(&[kind, compression]);
    crc.update(content);
    crc.sum()
}

fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, WireError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode().map_err(|_| WireError::Malformed)?;
    if decoder.position() == bytes.len() { Ok(value) } else { Err(WireError::Malformed) }
}

/// The bytes of a request body.
#[must_use]
pub fn encode_request(request: &SyncRequest) -> Vec<u8> {
    let (compression, content) = pack(encode(request));
    let mut bytes = REQUEST_MAGIC.to_vec();
    bytes.push(compression);
    bytes.extend(checksum(&content).to_le_bytes());
    bytes.extend(content);
    bytes
}

/// Reads a request body; its size was bounded by the caller.
///
/// # Errors
/// [`WireError`] for anything that is not exactly one request within the bounds.
pub fn decode_request(body: &[u8]) -> Result<SyncRequest, WireError> {
    let (magic, rest) = body.split_at_checked(4).ok_or(WireError::NotOurs)?;
    if magic != REQUEST_MAGIC {
        return Err(WireError::NotOurs);
    }
    let (compression, rest) = rest.split_first().ok_or(WireError::Malformed)?;
    let (sum, content) = rest.split_at_checked(4).ok_or(WireError::Malformed)?;
    // Damage on the way must not be taken for a change that the gate would refuse for ever.
    if checksum(content).to_le_bytes() != sum {
        return Err(WireError::Damaged);
    }
    let request: SyncRequest = decode(&unpack(*compression, content)?)?;
    let told = request.told.as_ref().map_or(0, Vec::len);
    if request.cursors.len() > CURSORS_MAX || request.push.len() > PUSH_MAX || told > PUSH_MAX {
        return Err(WireError::TooBig);
    }
    super::repair::check(&request)?;
    Ok(request)
}

/// The bytes with which every answer begins.
#[must_use]
pub fn encode_answer_start() -> Vec<u8> {
    ANSWER_MAGIC.to_vec()
}

/// The bytes of one frame. They depend on the frame alone, so the server may keep them and send them to many phones.
#[must_use]
pub fn encode_frame(frame: &Frame) -> Vec<u8> {
    let (kind, content) = match frame {
        Frame::Verdicts(verdicts) => (1, encode(verdicts)),
        Frame::Scope(units) => (2, encode(units)),
        Frame::Directory(directory) => (3, encode(directory)),
        Frame::Page(page) => (4, encode(page)),
        Frame::End(end) => (5, encode(end)),
        Frame::Problem(problem) => (6, encode(problem)),
        Frame::Repair(buckets) => (7, encode(buckets)),
        Frame::Ticket(ticket) => (8, encode(ticket)),
        Frame::Epoch(epoch) => (10, encode(epoch)),
    };
    framed(kind, content)
}

/// The bytes of a page's frame for a phone that speaks this version of the protocol.
#[must_use]
pub fn encode_page(page: Page, version: u8) -> Vec<u8> {
    if version < PACKED_SINCE {
        return encode_frame(&Frame::Page(page));
    }
    match Packed::of(page) {
        Ok(packed) => framed(9, encode(&packed)),
        Err(page) => encode_frame(&Frame::Page(*page)),
    }
}

fn framed(kind: u8, content: Vec<u8>) -> Vec<u8> {
    let (compression, content) = pack(content);
    as_sent(kind, compression, &content)
}

fn as_sent(kind: u8, compression: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FRAME_HEAD_BYTES + content.len());
    bytes.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend([kind, compression]);
    bytes.extend(frame_checksum(kind, compression, content).to_le_bytes());
    bytes.extend(content);
    bytes
}

/// The same piece of an answer with no frame compressed by itself, for a line that compresses all of it; frames that would
/// be too big stay as they are.
///
/// # Errors
/// [`WireError`] if it is not the beginning of an answer or whole frames.
pub fn loosened(piece: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut loose = Vec::new();
    let mut rest = piece;
    if let Some(frames) = piece.strip_prefix(&ANSWER_MAGIC) {
        loose.extend(ANSWER_MAGIC);
        rest = frames;
    }
    while !rest.is_empty() {
        let (head, after) = FrameHead::split(rest)?.ok_or(WireError::Malformed)?;
        let (content, next) = after.split_at_checked(head.length).ok_or(WireError::Malformed)?;
        let plain = unpack(head.compression, content)?;
        if plain.len() > FRAME_BYTES_MAX {
            loose.extend(&rest[..FRAME_HEAD_BYTES + head.length]);
        } else {
            loose.extend(as_sent(head.kind, PLAIN, &plain));
        }
        rest = next;
    }
    Ok(loose)
}

struct FrameHead {
    length: usize,
    kind: u8,
    compression: u8,
    checksum: u32,
}

impl FrameHead {
    /// The head at the beginning of these bytes, and what follows; `None` if they are too few.
    fn split(bytes: &[u8]) -> Result<Option<(Self, &[u8])>, WireError> {
        let Some((head, after)) = bytes.split_at_checked(FRAME_HEAD_BYTES) else { return Ok(None) };
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let length = usize::try_from(word(0)).map_err(|_| WireError::TooBig)?;
        if length > FRAME_BYTES_MAX {
            return Err(WireError::TooBig);
        }
        Ok(Some((Self { length, kind: head[4], compression: head[5], checksum: word(6) }, after)))
    }
}

/// Cuts an answer into frames as its bytes come in.
#[derive(Debug, Default)]
pub struct FrameReader {
    pending: Vec<u8>,
    started: bool,
}

impl FrameReader {
    /// A reader at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and gives the frames that they complete.
    ///
    /// # Errors
    /// [`WireError`]; the frames before the damage are lost to the caller, who asks again from the last stored cursor.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, WireError> {
        self.pending.extend_from_slice(bytes);
        let mut rest = self.pending.as_slice();
        if !self.started {
            let seen = rest.len().min(4);
            if rest[..seen] != ANSWER_MAGIC[..seen] {
                return Err(WireError::NotOurs);
            }
            if seen < 4 {
                return Ok(Vec::new());
            }
            self.started = true;
            rest = &rest[4..];
        }
        let mut frames = Vec::new();
        while let Some((head, after)) = FrameHead::split(rest)? {
            let Some((content, next)) = after.split_at_checked(head.length) else { break };
            // No frame is of type 0.
            if head.kind == 0 || frame_checksum(head.kind, head.compression, content) != head.checksum {
                return Err(WireError::Damaged);
            }
            // A frame of a later version's type is passed over: its content is nothing that we must know.
            frames.extend(decode_frame(head.kind, &unpack(head.compression, content)?)?);
            rest = next;
        }
        self.pending = rest.to_vec();
        Ok(frames)
    }

    /// Whether the answer may end here: no part of a frame is left over.
    #[must_use]
    pub fn is_at_boundary(&self) -> bool {
        self.started && self.pending.is_empty()
    }
}

fn decode_frame(kind: u8, content: &[u8]) -> Result<Option<Frame>, WireError> {
    Ok(Some(match kind {
        1 => Frame::Verdicts(decode(content)?),
        2 => Frame::Scope(decode(content)?),
        3 => Frame::Directory(decode(content)?),
        4 => Frame::Page(decode(content)?),
        5 => Frame::End(decode(content)?),
        6 => Frame::Problem(decode(content)?),
        7 => Frame::Repair(decode(content)?),
        8 => Frame::Ticket(decode(content)?),
        9 => Frame::Page(decode::<Packed>(content)?.into_page()),
        10 => Frame::Epoch(decode(content)?),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{End, Verdict},
        *,
    };
    use crate::record::{EpochId, Timestamp, UnitId};

    fn frames() -> Vec<Vec<u8>> {
        let mut page = Page {
            unit: UnitId(5),
            from_seq: 0,
            to_seq: 9,
            items: Vec::new(),
            rows: Vec::new(),
            digest: Default::default(),
            count: 0,
            complete: true,
            controls: Vec::new(),
        };
        let packed = encode_page(page.clone(), super::super::VERSION);
        page.to_seq = 1;
        let end = End { more: false, epoch: EpochId(1), server_time: Timestamp(2) };
        let others = [
            Frame::Verdicts(vec![Verdict::Pending]),
            Frame::Scope(vec![(UnitId(1), 2)]),
            Frame::Ticket(7),
            Frame::Epoch(EpochId(7)),
            Frame::End(end),
            Frame::Page(page),
        ];
        others.iter().map(encode_frame).chain([packed]).collect()
    }

    #[test]
    fn no_flipped_bit_makes_a_frame_one_that_is_passed_over() {
        for frame in frames() {
            for bit in 0..frame.len() * 8 {
                let mut answer = encode_answer_start();
                answer.extend(&frame);
                answer[4 + bit / 8] ^= 1 << (bit % 8);
                let mut reader = FrameReader::new();
                let passed_over = reader.push(&answer) == Ok(Vec::new()) && reader.is_at_boundary();
                assert!(!passed_over, "type {}, bit {bit}", frame[4]);
            }
        }
    }
}
