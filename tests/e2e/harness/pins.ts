// PINs that tests type, and how long the lock makes people wait.

/** The PIN of every phone. */
export const PIN = '280419';
/** What it is changed to. */
export const OTHER_PIN = '739184';
/** What opens nothing. */
export const WRONG_PIN = '918273';

export const MINUTE = 60_000;
/** What is waited before the fifth try and each one after it. */
export const WAITS_MS: readonly number[] = [30_000, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 120 * MINUTE, 120 * MINUTE];
