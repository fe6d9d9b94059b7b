//! The bench's ids (`visit:000042`) as document ids, and back.
//!
//! A document's id is drawn from the clock and from chance. The bench names its records, and asks for them by these names
//! on every phone, so here the clock stands at a time that follows from the number, and chance is a scramble of it: ids as
//! long, as even and as hard to compress as the real ones, from which the number can be read again.
use serde_json::Value as Json;
use zoufang_core::record::{DocId, Timestamp};

/// Between two records, in ms; the bench's visits are as far apart.
const STEP_MS: i64 = 37 * 60_000;
/// When the first of a kind is made, in ms since 1970: 2024-01-01 for persons, 2025-01-06 for visits.
const KINDS: [(&str, i64); 2] = [("visit:", 1_736_121_600_000), ("person:", 1_704_067_200_000)];
const DIGITS: usize = 6;

/// The document of an id.
pub(in crate::bench) fn doc_of(id: &Json) -> Option<DocId> {
    id_bits(id, 0)
}

/// The id of a document; `None` if it is not one of the bench's.
pub(in crate::bench) fn id_of(doc: DocId) -> Option<String> {
    let mut at = [0; 8];
    at[2..].copy_from_slice(&doc.0[..6]);
    let at = i64::from_be_bytes(at);
    let (prefix, begin) = KINDS.into_iter().find(|(_, begin)| at >= *begin)?;
    let id = format!("{prefix}{:0DIGITS$}", (at - begin) / STEP_MS);
    (doc_of(&Json::from(id.as_str())) == Some(doc)).then_some(id)
}

/// The id of the `number`th entry of a record's lists, as the app gives them: as long and as random as a document's.
pub(super) fn entry_of(id: &Json, number: u64) -> Option<String> {
    id_bits(id, 1 + number).map(|id| id.to_string())
}

fn id_bits(id: &Json, salt: u64) -> Option<DocId> {
    let (prefix, begin, number) = KINDS.into_iter().find_map(|(prefix, begin)| {
        Some((prefix, begin, id.as_str()?.strip_prefix(prefix)?.parse::<u32>().ok()?))
    })?;
    let seed = u64::from(number) << 8 | u64::from(prefix == "visit:") << 7 | salt;
    let (first, second) = (scramble(seed), scramble(!seed));
    let jitter = i64::try_from(first % STEP_MS.unsigned_abs()).ok()?;
    let mut random = [0; 10];
    random[..8].copy_from_slice(&second.to_be_bytes());
    random[8..].copy_from_slice(&first.to_be_bytes()[..2]);
    Some(DocId::from_parts(Timestamp(begin + i64::from(number) * STEP_MS + jitter), random))
}

/// Sebastiano Vigna's finaliser of SplitMix64.
fn scramble(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
