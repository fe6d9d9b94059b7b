//! Finding what differs between a unit's log here and there, without sending it: digests by ranges of hashes.
//!
//! A phone whose digest differs sends the digests of 256 buckets, by the first byte of the hash. For each that differs the
//! server answers with its hashes, or, where they are many, asks for the digests by the next byte.
use minicbor::{Decode, Encode, bytes::ByteVec};

use super::{Digest, SyncRequest, WireError};
use crate::record::{ChangeHash, DocId, UnitId};

/// Buckets of a probe: one per value of the byte after the prefix.
pub const BUCKETS: usize = 256;
/// A bucket with more changes is not answered with their hashes, but with the wish for a deeper probe.
pub const HASHES_MAX: usize = 128;
/// Most probes in a request.
pub const PROBES_MAX: usize = 16;
/// Longest prefix: more bytes would mean more than 2^32 changes in one log.
pub const PREFIX_BYTES_MAX: usize = 4;
/// Most changes that can be asked for again in one request.
pub const WANTS_MAX: usize = 2_000;
/// Most documents that can be asked after in one request.
pub const STRAYS_MAX: usize = 1_000;

/// What is held of a unit's log, of the changes whose hash begins with the prefix, by the next byte.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Probe {
    /// The unit.
    #[n(0)]
    pub unit: UnitId,
    /// The first bytes of the hashes.
    #[n(1)]
    pub prefix: ByteVec,
    /// Digest and count of each bucket that holds something, by its byte, in order.
    #[n(2)]
    pub parts: Vec<(u8, Digest, u32)>,
}

/// What the server holds of a bucket that differed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Bucket {
    /// The unit.
    #[n(0)]
    pub unit: UnitId,
    /// The first bytes of its hashes: the prefix of the probe and the bucket's own byte.
    #[n(1)]
    pub prefix: ByteVec,
    /// All its hashes; `None` if they are many: probe again with this prefix.
    #[n(2)]
    pub hashes: Option<Vec<ChangeHash>>,
}

/// Changes of a unit's log that are to be sent once more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Want {
    /// The unit.
    #[n(0)]
    pub unit: UnitId,
    /// Their hashes.
    #[n(1)]
    pub hashes: Vec<ChangeHash>,
}

impl Probe {
    /// The probe of these hashes.
    #[must_use]
    pub fn of(unit: UnitId, prefix: &[u8], hashes: impl IntoIterator<Item = ChangeHash>) -> Self {
        Self { unit, prefix: prefix.to_vec().into(), parts: parts(prefix, hashes) }
    }

    /// The buckets in which these hashes, all of those that begin with the prefix, differ from what was probed.
    #[must_use]
    pub fn differing(&self, hashes: &[ChangeHash]) -> Vec<Bucket> {
        let there = parts(&self.prefix, hashes.iter().copied());
        let find = |parts: &[(u8, Digest, u32)], byte| {
            parts.iter().find(|part| part.0 == byte).map(|part| (part.1, part.2))
        };
        let mut buckets = Vec::new();
        for byte in 0..=u8::MAX {
            let ours = find(&there, byte);
            if find(&self.parts, byte) == ours {
                continue;
            }
            let mut prefix = self.prefix.to_vec();
            prefix.push(byte);
            let few = ours.is_none_or(|(_, count)| count as usize <= HASHES_MAX);
            let hashes = (few || prefix.len() > PREFIX_BYTES_MAX)
                .then(|| hashes.iter().copied().filter(|hash| hash.0.starts_with(&prefix)).collect());
            buckets.push(Bucket { unit: self.unit, prefix: prefix.into(), hashes });
        }
        buckets
    }
}

/// Documents of which more is held than a unit's log has: does it lie elsewhere?
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Stray {
    /// The unit.
    #[n(0)]
    pub unit: UnitId,
    /// Its documents.
    #[n(1)]
    pub docs: Vec<DocId>,
}

/// Digests and counts, by the byte after the prefix, of those hashes that begin with it.
#[must_use]
fn parts(prefix: &[u8], hashes: impl IntoIterator<Item = ChangeHash>) -> Vec<(u8, Digest, u32)> {
    let mut sums = vec![(Digest::default(), 0_u32); BUCKETS];
    for hash in hashes {
        let next = hash.0.strip_prefix(prefix).and_then(|rest| rest.first());
        if let Some((digest, count)) = next.and_then(|byte| sums.get_mut(usize::from(*byte))) {
            *digest = digest.with(hash);
            *count += 1;
        }
    }
    let held = (0..=u8::MAX).zip(sums).filter(|(_, (_, count))| *count > 0);
    held.map(|(byte, (digest, count))| (byte, digest, count)).collect()
}

/// Whether what a request compares and asks for is within the bounds.
pub(super) fn check(request: &SyncRequest) -> Result<(), WireError> {
    let SyncRequest { probes, wants, strays, .. } = request;
    let wanted: usize = wants.iter().map(|want| want.hashes.len()).sum();
    let strayed: usize = strays.iter().map(|stray| stray.docs.len()).sum();
    let wide = |probe: &Probe| probe.parts.len() > BUCKETS || probe.prefix.len() > PREFIX_BYTES_MAX;
    let many = [probes.len(), wants.len(), strays.len()].iter().any(|units| *units > PROBES_MAX);
    if many || wanted > WANTS_MAX || strayed > STRAYS_MAX || probes.iter().any(wide) {
        return Err(WireError::TooBig);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u32) -> ChangeHash {
        use sha2::{Digest as _, Sha256};
        ChangeHash(Sha256::digest(number.to_be_bytes()).into())
    }

    #[test]
    fn a_missing_change_is_found_in_its_bucket_alone() {
        let all: Vec<ChangeHash> = (0..2_000).map(hash).collect();
        let missing = all[700];
        let held = || all.iter().copied().filter(|hash| *hash != missing);
        let buckets = Probe::of(UnitId(1), &[], held()).differing(&all);
        let [bucket] = &buckets[..] else { panic!("{} buckets differ", buckets.len()) };
        assert_eq!(bucket.prefix.to_vec(), [missing.0[0]]);
        assert!(bucket.hashes.as_ref().is_some_and(|hashes| hashes.contains(&missing) && hashes.len() < 30));
        assert!(Probe::of(UnitId(1), &[], all.iter().copied()).differing(&all).is_empty());
        let surplus = Probe::of(UnitId(1), &[], all.iter().copied()).differing(&held().collect::<Vec<_>>());
        assert!(surplus[0].hashes.as_ref().is_some_and(|hashes| !hashes.contains(&missing)));
    }

    #[test]
    fn a_full_bucket_is_probed_deeper() {
        let all: Vec<ChangeHash> = (0..60_000).map(hash).collect();
        let missing = all[700];
        let held = || all.iter().copied().filter(|hash| *hash != missing);
        let first = Probe::of(UnitId(1), &[], held()).differing(&all);
        assert_eq!((first.len(), &first[0].hashes), (1, &None));
        let within: Vec<ChangeHash> =
            all.iter().copied().filter(|hash| hash.0.starts_with(&first[0].prefix)).collect();
        let second = Probe::of(UnitId(1), &first[0].prefix, held()).differing(&within);
        assert_eq!(second[0].prefix.to_vec(), missing.0[..2]);
        assert!(second[0].hashes.as_ref().is_some_and(|hashes| hashes.contains(&missing)));
    }
}
