// How the browser tests run: one at a time, since each starts its own server and browsers on a machine of two cores.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: './specs',
  workers: 1,
  retries: 0,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  forbidOnly: true,
  globalSetup: './harness/setup.ts',
});
