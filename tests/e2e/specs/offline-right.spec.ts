// The offline right: what a phone shows that has not heard the server for weeks, and that nothing it saved is lost by it.
import { expect, test } from '@playwright/test';
import { Device } from '../harness/device.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
const FACTS = '菜窖漏水要补';
const DAY_MS = 24 * 60 * 60 * 1000;

let server: Server;
let device: Device;

test.beforeEach(async () => {
  server = await Server.start();
  device = await Device.open(server.url);
  await device.enrol('cys');
});

test.afterEach(async () => {
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
});

/** Begins the app anew so many days later. */
async function later(days: number): Promise<void> {
  await device.page.clock.setSystemTime(Date.now() + days * DAY_MS);
  await device.reload();
}

test('from day 23 on it is said on the first page', async () => {
  await device.offline(true);
  await device.page.clock.install();
  await later(22);
  await expect(device.page.locator('.today__date')).toBeVisible();
  await expect(device.page.getByText(/再过 \d+ 天须联网一次/)).toHaveCount(0);
  await later(23.5);
  await expect(device.page.getByText('再过 7 天须联网一次')).toBeVisible();
  await later(29.5);
  await expect(device.page.getByText('再过 1 天须联网一次')).toBeVisible();
  // Records are still there.
  expect(await device.peopleCount()).toBe(32);
});

test('after 30 days no record is shown, on no address and by no clock, and what was saved waits', async () => {
  await device.offline(true);
  const path = await device.logVisit({ person: PERSON, facts: FACTS });
  await device.page.clock.install();
  await later(30.5);
  const { page } = device;
  for (const address of ['/', '/people', path, '/more']) {
    await device.go(address);
    await expect(page.locator('main[data-offline-ended] h1')).toHaveText('请联网一次');
    await expect(page.locator('html')).not.toContainText(PERSON);
    await expect(page.locator('html')).not.toContainText(FACTS);
  }
  await expect(page.locator('h1')).toBeFocused();
  await expect(page.getByText('保存过的都在，还有 1 条待上传')).toBeVisible();
  await device.expectWaiting(1);
  expect(await device.rows('outbox')).toBe(1);
  expect(await device.rows('parcel')).toBe(1);
  await page.getByRole('button', { name: '立即同步' }).click();
  await device.expectState('offline');
  // What waits can be carried to a computer that has a line: the file shows nothing of it.
  await page.getByRole('button', { name: '做成文件' }).click();
  await expect(page.getByText('文件做好了，里面有 1 条修改')).toBeVisible();
  // A clock that is set back gives no day back.
  await later(1);
  await expect(page.locator('main[data-offline-ended]')).toBeVisible();
});

test('once there is a line the app opens by itself, and the visit has arrived', async () => {
  await device.offline(true);
  const path = await device.logVisit({ person: PERSON, facts: FACTS });
  await device.page.clock.install();
  await later(31);
  await expect(device.page.locator('main[data-offline-ended]')).toBeVisible();
  await device.offline(false);
  // It opens where it was.
  await expect(device.page.locator('main[data-offline-ended]')).toHaveCount(0);
  await device.expectWaiting(0);
  await device.go(path);
  await expect(device.page.locator('main')).toContainText(FACTS);
  // Another phone of the station has it, too.
  const other = await Device.open(server.url);
  await other.enrol('cys');
  await other.openPerson(PERSON);
  await expect(other.page.locator('.row', { hasText: FACTS })).toHaveCount(1);
  await other.dispose();
});
