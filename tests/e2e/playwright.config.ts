// How the browser tests run: one at a time, since each starts its own server and browsers on a machine of two cores.
import { defineConfig } from '@playwright/test';

// Where the counts go that `TESTING.md` is made of.
const report = process.env.ZOUFANG_E2E_REPORT;

export default defineConfig({
  testDir: './specs',
  workers: 1,
  retries: 0,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter: report ? [['list'], ['json', { outputFile: report }]] : [['list']],
  forbidOnly: true,
  globalSetup: './harness/setup.ts',
});
