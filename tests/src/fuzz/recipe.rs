//! Changes built from parts: the envelope is always sound, so that mutations reach the columns and what is behind them.
//!
//! A recipe is: a byte of flags (bits 0-1 dependencies, 2-3 other actors, 4-5 the actor), the actor's number (1 byte),
//! the first operation's number (2 bytes; from 0xff00 on counted down from 2^32), a byte for each dependency and each
//! other actor, the number of columns, and for each its specification (1 byte) and its content (a piece).

use sha2::{Digest, Sha256};
use zoufang_core::record::{ChangeHash, DeviceId};

use super::pieces::{Pieces, framed};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const HEAD_BYTES: usize = 9;
const COLUMNS_MAX: u8 = 17;

/// The device that made changes are of.
pub(super) const DEVICE: DeviceId = DeviceId(7);

/// The actors that a recipe can name: three of [`DEVICE`], and one of another device.
pub(super) fn actor(number: u8) -> Vec<u8> {
    let device = if number & 3 == 3 { DeviceId(9) } else { DEVICE };
    device.actor([1 + (number & 3); 8]).to_bytes().to_vec()
}

/// Makes the change that a recipe describes; `known` are the changes that it can depend on.
pub(super) fn build(pieces: &mut Pieces<'_>, known: &[ChangeHash]) -> Vec<u8> {
    let flags = pieces.byte();
    let seq = u64::from(pieces.byte());
    let start_op = match u64::from(pieces.number()) {
        far @ 0xff00.. => (1 << 32) - (0x1_0000 - far),
        near => near,
    };
    let mut body = Vec::new();
    let deps = flags & 3;
    leb(&mut body, u64::from(deps));
    for _ in 0..deps {
        let choice = pieces.byte();
        body.extend(known.get(usize::from(choice)).map_or([choice; 32], |hash| hash.0));
    }
    prefixed(&mut body, &actor(flags >> 4));
    leb(&mut body, seq);
    leb(&mut body, start_op);
    body.extend([0, 0]); // Time and message.
    let others = (flags >> 2) & 3;
    leb(&mut body, u64::from(others));
    for _ in 0..others {
        prefixed(&mut body, &actor(pieces.byte()));
    }
    let count = pieces.byte() % (COLUMNS_MAX + 1);
    let columns: Vec<(u8, &[u8])> = (0..count).map(|_| (pieces.byte(), pieces.piece())).collect();
    leb(&mut body, u64::from(count));
    for (spec, content) in &columns {
        leb(&mut body, u64::from(*spec));
        leb(&mut body, content.len() as u64);
    }
    body.extend(columns.iter().flat_map(|(_, content)| content.iter().copied()));
    let mut raw = MAGIC.to_vec();
    raw.extend([0; 4]);
    raw.push(1);
    prefixed(&mut raw, &body);
    reseal(&mut raw);
    raw
}

/// Gives bytes the magic of a change and the checksum that fits them.
pub(super) fn reseal(raw: &mut [u8]) {
    if raw.len() < HEAD_BYTES {
        return;
    }
    let hash = Sha256::digest(&raw[8..]);
    raw[..4].copy_from_slice(&MAGIC);
    raw[4..8].copy_from_slice(&hash[..4]);
}

/// The recipe of a change that our own code wrote, as a seed; `known` as for building it.
///
/// # Panics
/// When it is no such change.
#[must_use]
pub fn explode(raw: &[u8], known: &[ChangeHash]) -> Vec<u8> {
    let mut input = Reader(&raw[HEAD_BYTES..]);
    input.leb();
    let deps: Vec<[u8; 32]> = (0..input.leb()).map(|_| input.take(32).try_into().expect("a hash")).collect();
    let actor_bytes = input.prefixed();
    let (seq, start_op) = (input.leb(), input.leb());
    input.leb();
    input.prefixed();
    let others: Vec<&[u8]> = (0..input.leb()).map(|_| input.prefixed()).collect();
    let sizes: Vec<(u64, u64)> = (0..input.leb()).map(|_| (input.leb(), input.leb())).collect();
    let number_of = |bytes: &[u8]| (0..4).find(|number| actor(*number) == bytes).expect("an actor of ours");
    let low = |number: u64| u8::try_from(number).expect("a small number");
    let count = |length: usize| low(length as u64);
    let mut recipe =
        vec![count(deps.len()) | count(others.len()) << 2 | number_of(actor_bytes) << 4, low(seq)];
    recipe.extend(u16::try_from(start_op).expect("a small number").to_le_bytes());
    for dep in deps {
        let at = known.iter().position(|hash| hash.0 == dep).expect("a known change");
        recipe.push(count(at));
    }
    recipe.extend(others.into_iter().map(number_of));
    recipe.push(count(sizes.len()));
    for (spec, size) in sizes {
        recipe.push(low(spec));
        recipe.extend(framed(input.take(usize::try_from(size).expect("a size"))));
    }
    recipe
}

fn leb(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

fn prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    leb(out, bytes.len() as u64);
    out.extend(bytes);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(count);
        self.0 = tail;
        head
    }

    fn leb(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        number
    }

    fn prefixed(&mut self) -> &'a [u8] {
        let count = self.leb();
        self.take(usize::try_from(count).expect("a size"))
    }
}
