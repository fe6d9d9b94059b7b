// What was saved arrives while the app is closed: sealed on the phone, delivered by the service worker, and nothing is sent twice.
import { expect, test } from '@playwright/test';
import { Device } from '../harness/device.ts';
import { Line } from '../harness/line.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
const FACTS = '院墙塌了一段怕砸人';

/** The parcels on a phone: how many bytes each has; none for one that arrived. */
async function parcels(device: Device): Promise<number[]> {
  return await device.page.evaluate(async () => {
    const done = async <T>(request: IDBRequest<T>): Promise<T> =>
      await new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await done(indexedDB.open('zoufang'));
    const values = await done(database.transaction('parcel').objectStore('parcel').getAll());
    database.close();
    return values.map((value: Uint8Array) => value.length);
  });
}

test('a visit that was saved without a line arrives while the app is closed', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const [village, township] = [await Device.open(line.url), await Device.open(server.url)];
  await village.enrol('cys');
  await township.enrol('sy');
  await village.introduced();
  await line.down();
  const path = await village.logVisit({ person: PERSON, facts: FACTS });
  const sizes = await parcels(village);
  expect(sizes).toHaveLength(1);
  expect(sizes[0]).toBeGreaterThan(100);

  await line.up();
  await village.wakeWithAppClosed();
  // The township reads it, and the phone has not been opened.
  await expect(async () => {
    await township.go(path);
    await expect(township.page.locator('main')).toContainText(FACTS, { timeout: 3_000 });
  }).toPass();

  // Opened again, the phone learns by a sync that everything is there.
  const sent: string[] = [];
  village.page.on('request', (request) => sent.push(new URL(request.url()).pathname));
  await village.go('/');
  await village.expectSynced();
  expect(await parcels(village)).toEqual([]);
  expect(sent.filter((path) => path === '/api/v1/parcels' || path === '/api/v1/inbox')).toEqual([]);
  expect(server.log).not.toContain(FACTS);
  expect([...village.complaints, ...township.complaints]).toEqual([]);
  await Promise.all([village.dispose(), township.dispose()]);
  await line.close();
  await server.dispose();
});

test('an answer that is not ours is no receipt, and what arrived is emptied and not deleted', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const device = await Device.open(line.url);
  await device.enrol('cys');
  await device.introduced();
  await line.down();
  await device.logVisit({ person: PERSON, facts: FACTS });
  await line.portal();
  await device.wakeWithAppClosed();
  await device.page.waitForTimeout(1_000);
  const [size] = await kept(device, line);
  expect(size).toBeGreaterThan(100);

  await line.up();
  await device.wakeWithAppClosed();
  await expect.poll(() => kept(device, line)).toEqual([0]);
  await device.go('/');
  await device.expectSynced();
  await device.dispose();
  await line.close();
  await server.dispose();
});

/** The parcels, read from a page at our address that is not the app. */
async function kept(device: Device, line: Line): Promise<number[]> {
  await device.page.goto(`${line.url}/healthz`);
  return await parcels(device);
}
