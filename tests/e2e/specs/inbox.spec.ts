// What is new comes while the app is closed: fetched by the service worker, sealed for the app, and there at the next unlock, also without
// a line.
import { type Page, expect, test } from '@playwright/test';
import { Device } from '../harness/device.ts';
import { Line } from '../harness/line.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
const OTHER = '盖海和';
const FACTS = '菜园的篱笆倒了';
/** Nobody else is called so. */
const RENAMED = '鲜于朙蕤';
const NEIGHBOUR = '211381103200';

/** The keys of the inbox, from any page at the app's address. */
async function inbox(page: Page): Promise<string[]> {
  return await page.evaluate(async () => {
    const done = async <T>(request: IDBRequest<T>): Promise<T> =>
      await new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await done(indexedDB.open('zoufang'));
    const keys = await done(database.transaction('inbox').objectStore('inbox').getAllKeys());
    database.close();
    return keys.map(String);
  });
}

/** A phone that has synced, has left a question and can sign. */
async function enrolled(line: Line): Promise<Device> {
  const device = await Device.open(line.url);
  await device.enrol('cys');
  await device.introduced();
  await expect.poll(async () => await inbox(device.page)).toEqual(['question']);
  return device;
}

/** Waits for so many letters, with the app closed. */
async function letters(device: Device, line: Line, ends: string[]): Promise<void> {
  await device.page.goto(`${line.url}/healthz`);
  const kept = async (): Promise<string[]> => (await inbox(device.page)).filter((key) => key.startsWith('letter/')).map((key) => key.slice(-1));
  await expect.poll(kept, { timeout: 30_000 }).toEqual(ends);
  await device.page.goto('about:blank');
}

/** What the service worker has put on the app's icon last. */
async function watchBadge(device: Device): Promise<() => Promise<number | undefined>> {
  const [worker] = device.page.context().serviceWorkers();
  if (!worker) throw new Error('no service worker');
  await worker.evaluate(() => {
    const shown: number[] = [];
    Object.assign(globalThis, { shown });
    Object.assign(navigator, { setAppBadge: async (count: number) => void shown.push(count), clearAppBadge: async () => void shown.push(0) });
  });
  return async () => await worker.evaluate(() => (globalThis as unknown as { shown: number[] }).shown.at(-1));
}

test('what another wrote and the receipt of what was saved are there at the unlock, without a line', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const [village, township] = [await enrolled(line), await Device.open(server.url)];
  await township.enrol('sy');
  const badge = await watchBadge(village);
  await line.down();
  const path = await village.logVisit({ person: PERSON, facts: FACTS });
  await village.reload();
  await village.expectWaiting(1);
  await expect.poll(badge).toBe(1);
  const id = await township.openPerson(OTHER);
  await township.settled(async () => {
    await township.openForm(id);
    await township.page.locator('#name').fill(RENAMED);
    await township.save();
  });

  await line.up();
  await village.wakeWithAppClosed();
  await letters(village, line, ['v']);
  expect(await badge()).toBe(0);
  // The letter lies on the phone, and no file of it tells anything.
  await line.down();
  await village.close();
  expect(village.found([RENAMED, FACTS, OTHER])).toEqual([]);

  await village.start();
  await village.go('/people');
  await village.expectState('offline');
  await expect.poll(async () => await village.search(RENAMED)).toEqual([RENAMED]);
  expect(await village.search(OTHER)).toEqual([]);
  await village.expectWaiting(0);
  await village.go(path);
  await expect(village.page.locator('main')).toContainText(FACTS);
  await expect(village.page.locator('.record-state')).toHaveAttribute('data-state', 'delivered');
  // The next question goes on from here.
  await expect.poll(async () => await inbox(village.page)).toEqual(['question']);

  // With a line the sync finds nothing to mend.
  await line.up();
  await village.settled(async () => await village.reload());
  await expect(village.page.locator('main')).toContainText(FACTS);
  expect(await village.rows('outbox')).toBe(0);
  for (const text of [RENAMED, FACTS]) expect(server.log).not.toContain(text);
  expect([...village.complaints, ...township.complaints]).toEqual([]);
  await Promise.all([village.dispose(), township.dispose()]);
  await line.close();
  await server.dispose();
});

test('a change that was refused on its way is told at the unlock, also when newer letters came', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const village = await enrolled(line);
  const id = await village.openPerson(PERSON);
  await line.down();
  await village.openForm(id);
  await village.page.locator('#address').fill('搬到三组');
  await village.save();
  // It went where its author reads nothing, and began anew there.
  expect(server.command('record', 'move', '--id', id, '--to', NEIGHBOUR)).toMatch(/records? moved/);
  expect(server.command('record', 'erase-fields', '--id', id, '--key', 'address')).toMatch(/changes became/);
  await line.up();
  await village.wakeWithAppClosed();
  await letters(village, line, ['v']);
  await village.go('/healthz');
  await village.wakeWithAppClosed('periodic');
  await letters(village, line, ['v', 'n']);
  await village.wakeWithAppClosed('periodic');
  await letters(village, line, ['v', 'n']);

  await line.down();
  await village.go('/sync');
  await village.expectState('offline');
  await expect(village.page.getByText('被服务器退回的修改')).toBeVisible();
  await village.expectWaiting(0);
  await village.go('/people');
  expect(await village.search(PERSON)).toEqual([]);
  expect(village.complaints).toEqual([]);
  await village.dispose();
  await line.close();
  await server.dispose();
});

test('a letter that is nobody’s costs nothing, and signing out leaves neither letter nor question', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const village = await enrolled(line);
  const people = await village.peopleCount();
  await village.wakeWithAppClosed('periodic');
  await letters(village, line, ['n']);
  await village.go('/healthz');
  await village.damage('inbox', 'flip');
  for (const [key, hex] of [
    ['letter/0000000007/v', '00'],
    ['letter/0000000008/n', '01'.repeat(200)],
  ] as const) {
    await village.put('inbox', key, hex);
  }
  await line.down();
  expect(await village.peopleCount()).toBe(people);
  await expect.poll(async () => (await inbox(village.page)).filter((key) => key !== 'question')).toEqual([]);
  // A question that the server cannot open keeps nothing back: the parcel arrives, and the sync goes on.
  await village.logVisit({ person: PERSON, facts: FACTS });
  await line.up();
  await village.wakeWithAppClosed();
  await village.page.goto(`${line.url}/healthz`);
  await expect.poll(async () => await village.sizes('parcel')).toEqual([0]);
  await village.go('/');
  await village.expectSynced();

  await village.go('/more');
  await village.page.getByRole('button', { name: '退出登录' }).click();
  await village.page.getByRole('dialog').getByRole('button', { name: '退出登录' }).click();
  await expect(village.page.locator('#user')).toBeVisible();
  await expect.poll(async () => await inbox(village.page)).toEqual([]);
  expect(village.complaints).toEqual([]);
  await village.dispose();
  await line.close();
  await server.dispose();
});

test('where a server of an older version was put in place, what was saved still arrives', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const village = await enrolled(line);
  await line.down();
  await village.logVisit({ person: PERSON, facts: FACTS });
  const asked: string[] = [];
  await village.page.context().route(/\/api\/v1\/(parcels|inbox)$/, async (route) => {
    const path = new URL(route.request().url()).pathname;
    asked.push(path);
    // An older server knows no such address.
    if (path === '/api/v1/inbox') await route.fulfill({ status: 404, contentType: 'application/problem+json', body: '{"code":"not_found"}' });
    else await route.continue();
  });
  await line.up();
  await village.wakeWithAppClosed();
  await village.page.goto(`${line.url}/healthz`);
  await expect.poll(async () => await village.sizes('parcel')).toEqual([0]);
  expect(asked).toEqual(['/api/v1/inbox', '/api/v1/parcels']);
  expect(await inbox(village.page)).toEqual(['question']);
  await village.go('/');
  await village.expectSynced();
  await village.expectWaiting(0);
  expect(village.complaints).toEqual([]);
  await village.dispose();
  await line.close();
  await server.dispose();
});
