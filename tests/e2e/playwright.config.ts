// How the browser tests run: two files at a time on a machine of two cores, since a browser mostly waits. Each test starts its own
// server and browsers.
import { defineConfig } from '@playwright/test';

// Where the counts go that `TESTING.md` is made of.
const report = process.env.ZOUFANG_E2E_REPORT;

export default defineConfig({
  testDir: './specs',
  workers: 2,
  retries: 0,
  timeout: 240_000,
  expect: { timeout: 30_000 },
  reporter: report ? [['list'], ['json', { outputFile: report }]] : [['list']],
  forbidOnly: true,
  globalSetup: './harness/setup.ts',
});
