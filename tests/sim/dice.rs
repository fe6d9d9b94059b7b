//! Chance with a seed: every draw of a simulation comes from here.

use zoufang_tests::made;

/// Dice of one purpose.
#[derive(Debug, Clone)]
pub(crate) struct Dice(made::Dice);

impl Dice {
    /// The dice of a seed; each purpose has its own, so that one more draw here changes nothing there.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut mix = made::Dice::new(seed);
        let start = mix.roll() ^ purpose.wrapping_mul(0x2545_f491_4f6c_dd1d);
        Self(made::Dice::new(start))
    }

    /// 64 bits.
    pub(crate) fn roll(&mut self) -> u64 {
        self.0.roll()
    }

    /// A byte.
    pub(crate) fn byte(&mut self) -> u8 {
        self.roll().to_le_bytes()[0]
    }

    /// A place below `bound`; 0 if there is none.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound)
    }

    /// A number of ms from `min` to `max`.
    pub(crate) fn between(&mut self, min: i64, max: i64) -> i64 {
        let width = max.saturating_sub(min).max(0).cast_unsigned() + 1;
        min + (self.roll() % width).cast_signed()
    }

    /// Whether something happens that happens so many times in a thousand.
    pub(crate) fn happens(&mut self, per_mille: u32) -> bool {
        self.roll() % 1000 < u64::from(per_mille)
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).copied()
    }

    /// Bytes that never came before, as far as 64 bits go.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for piece in bytes.chunks_mut(8) {
            let roll = self.roll().to_be_bytes();
            piece.copy_from_slice(&roll[..piece.len()]);
        }
        bytes
    }
}
