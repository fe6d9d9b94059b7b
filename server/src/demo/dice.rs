//! A small generator of numbers that are the same for the same seed (SplitMix64).
//!
//! Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

/// A seeded generator; not for secrets.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.next() % u64::from(end)).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of some things.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = self.below(u32::try_from(from.len()).unwrap_or(1)) as usize;
        &from[at]
    }

    /// One of some things, each as often as its weight says.
    pub(super) fn weighed<T: Copy>(&mut self, from: &[(T, u32)]) -> T {
        let mut left = self.below(from.iter().map(|(_, weight)| weight).sum());
        let mut chosen = from[0].0;
        for (thing, weight) in from {
            chosen = *thing;
            if left < *weight {
                break;
            }
            left -= weight;
        }
        chosen
    }
}
