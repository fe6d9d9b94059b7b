//! Requests and answers.

use zoufang_core::sync::wire::{
    Frame, FrameReader, Page, VERSION, decode_request, encode_answer_start, encode_frame, encode_page,
    encode_request,
};

use super::pieces::Pieces;

const FRAME_HEAD_BYTES: usize = 10;
/// CRC-32, bit by bit: an own one, so that the reader's is not measured by itself.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

/// A request: as it stands, or as the content after a sound head.
pub(super) fn request(input: &[u8]) {
    let content = [b"ZFQ1\0", input].concat();
    for body in [input, &content] {
        if let Ok(request) = decode_request(body) {
            let again = decode_request(&encode_request(&request));
            assert_eq!(again.as_ref(), Ok(&request), "what was read can be written and read again");
        }
    }
}

/// The frames that an input describes: type, compression and content of each; the first byte 0 for raw bytes.
pub(super) fn answer_bytes(input: &[u8]) -> Vec<u8> {
    let mut pieces = Pieces(input);
    if pieces.byte() == 0 {
        return [&encode_answer_start(), pieces.0].concat();
    }
    let mut bytes = encode_answer_start();
    while !pieces.is_empty() {
        let (kind, compression, content) = (pieces.byte(), pieces.byte(), pieces.piece());
        bytes.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend([kind, compression]);
        bytes.extend(crc32(content).to_le_bytes());
        bytes.extend(content);
    }
    bytes
}

/// An answer, in one piece and in many: the frames are the same, or the answer is refused both ways.
pub(super) fn answer(input: &[u8]) {
    let bytes = answer_bytes(input);
    let mut reader = FrameReader::new();
    let whole = reader.push(&bytes);
    let mut in_pieces = FrameReader::new();
    let (mut frames, mut refused) = (Vec::new(), false);
    let mut rest = bytes.as_slice();
    let mut at = 0;
    while !rest.is_empty() && !refused {
        // The input itself says where the line cuts.
        let length = 1 + usize::from(input.get(at % input.len().max(1)).copied().unwrap_or(0));
        at += FRAME_HEAD_BYTES - 1;
        let (head, tail) = rest.split_at(length.min(rest.len()));
        match in_pieces.push(head) {
            Ok(read) => frames.extend(read),
            Err(_) => refused = true,
        }
        rest = tail;
    }
    match whole {
        Ok(whole) => {
            assert!(!refused && whole == frames, "cuts make no difference");
            assert_eq!(reader.is_at_boundary(), in_pieces.is_at_boundary());
            let again = [encode_answer_start(), whole.iter().flat_map(encode_frame).collect()].concat();
            assert_eq!(
                FrameReader::new().push(&again),
                Ok(whole.clone()),
                "what was read can be written and read again"
            );
            whole.iter().for_each(packs);
        }
        Err(_) => assert!(refused, "cuts make no difference"),
    }
}

/// A page that is packed is the same page, but for the order of its rows.
fn packs(frame: &Frame) {
    let Frame::Page(page) = frame else { return };
    let by_document = |mut page: Page| {
        page.rows.sort_by_key(|row| row.doc);
        Frame::Page(page)
    };
    let packed = [encode_answer_start(), encode_page(page.clone(), VERSION)].concat();
    let read = FrameReader::new().push(&packed).map(|mut frames| match frames.pop() {
        Some(Frame::Page(page)) if frames.is_empty() => Some(by_document(page)),
        _ => None,
    });
    assert_eq!(read, Ok(Some(by_document(page.clone()))), "a packed page is the same page");
}
