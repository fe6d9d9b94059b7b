//! When to try again after a failure.

/// Shortest wait, in ms.
pub const WAIT_MIN_MS: i64 = 2_000;
/// Longest wait, in ms.
pub const WAIT_MAX_MS: i64 = 300_000;

/// The wait before try number `failures + 1`: doubled each time, with up to half of it taken off by `dice` (0 to 255), so
/// that phones that lost the office's line together do not come back together.
#[must_use]
pub fn wait_ms(failures: u32, dice: u8) -> i64 {
    let doubled = WAIT_MIN_MS.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(WAIT_MAX_MS);
    doubled - doubled / 2 * i64::from(dice) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        assert_eq!(wait_ms(1, 0), WAIT_MIN_MS);
        assert_eq!(wait_ms(1, 255), WAIT_MIN_MS / 2);
        assert_eq!(wait_ms(u32::MAX, 0), WAIT_MAX_MS);
        assert!((1..20).all(|n| wait_ms(n, 0) <= wait_ms(n + 1, 0)));
    }
}
