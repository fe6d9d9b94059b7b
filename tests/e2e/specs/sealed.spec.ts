// The store on the phone is sealed: nobody reads the files of the browser, and what an older app left in clear is sealed in place.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { DEAD, dieAt } from '../harness/death.ts';
import { Device } from '../harness/device.ts';
import { Line } from '../harness/line.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
const FACTS = '灶间漏雨要换瓦片';
const DRAFT = '还没有保存的半句话';
/** A start that has not died by then makes no such write. */
const STARTED_MS = 15_000;

interface Unsealed {
  people: number;
  name: string;
  facts: string;
  draft: string;
  person: string;
  rows: [table: string, key: string, hex: string][];
}

const UNSEALED = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/unsealed-store.json'), 'utf8')) as Unsealed;

/** The files below a folder that hold a text, in the form of the web or in that of a Windows program. */
function filesWith(folder: string, text: string): string[] {
  const forms = [Buffer.from(text, 'utf8'), Buffer.from(text, 'utf16le')];
  const found: string[] = [];
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const about = statSync(path, { throwIfNoEntry: false });
    if (about?.isDirectory()) found.push(...filesWith(path, text));
    else if (about?.isFile()) {
      const bytes = readFileSync(path);
      if (forms.some((form) => bytes.includes(form))) found.push(path);
    }
  }
  return found;
}

/** How many rows of the store begin with the byte of what is not sealed. */
async function clearRows(device: Device): Promise<number> {
  return await device.page.evaluate(async () => {
    const done = async <T>(request: IDBRequest<T>): Promise<T> =>
      await new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await done(indexedDB.open('zoufang'));
    let count = 0;
    for (const table of database.objectStoreNames) {
      const values: Uint8Array[] = await done(database.transaction(table).objectStore(table).getAll());
      count += values.filter((value) => value[0] === 0).length;
    }
    database.close();
    return count;
  });
}

test('nothing that people wrote can be read in the files of the browser', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.enrol('cys');
  const path = await device.logVisit({ person: PERSON, facts: FACTS });
  await device.expectSynced();
  const id = await device.openPerson(PERSON);
  await device.go(`/visits/new?person=${id}`);
  await device.page.locator('textarea#facts').fill(DRAFT);
  await expect.poll(async () => await device.rows('draft')).toBe(1);
  for (const text of [PERSON, FACTS, DRAFT, id]) expect(await device.stores(text), text).toBe(false);
  expect(await clearRows(device)).toBe(0);

  // All of it is there, read with the key.
  await device.reload();
  await expect(device.page.locator('textarea#facts')).toHaveValue(DRAFT);
  await device.go(path);
  await expect(device.page.locator('main')).toContainText(FACTS);
  await device.page.goto('about:blank');
  await device.close();
  for (const text of [PERSON, FACTS, DRAFT]) expect(filesWith(join(device.profile, 'Default', 'IndexedDB'), text), text).toEqual([]);
  await device.dispose();
  await server.dispose();
});

test('what an app left that did not seal is sealed in place, whenever it dies meanwhile', async () => {
  test.setTimeout(600_000);
  const server = await Server.start();
  // The start dies before its first write, before its second, until it makes no more.
  let deaths = 0;
  for (let died = true; died; ) {
    const device = await Device.open(server.url);
    // A page at the app's address that is not the app.
    await device.go('/healthz');
    await device.page.evaluate(async (rows) => {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open('zoufang', 1);
        request.onupgradeneeded = () => {
          for (const table of ['meta', 'outbox', 'log', 'block', 'row', 'draft']) request.result.createObjectStore(table);
        };
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      const transaction = database.transaction([...database.objectStoreNames], 'readwrite');
      for (const [table, key, hex] of rows) {
        const bytes = Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
        transaction.objectStore(table).put(bytes, key);
      }
      await new Promise((resolve) => (transaction.oncomplete = resolve));
      database.close();
    }, UNSEALED.rows);
    expect(await device.stores(UNSEALED.name)).toBe(true);

    const dead = new Promise<boolean>((resolve) => device.page.on('console', (message) => message.text() === DEAD && resolve(true)));
    await device.page.addInitScript(dieAt, { death: { at: deaths + 1, point: 'begin' as const }, word: DEAD, fromStart: true });
    await device.page.goto(server.url, { waitUntil: 'commit' });
    died = await Promise.race([dead, device.page.waitForTimeout(STARTED_MS).then(() => false)]);
    deaths += died ? 1 : 0;
    await device.kill();
    await device.start();
    expect(await device.peopleCount()).toBe(UNSEALED.people);
    expect(await device.search(UNSEALED.name)).toEqual([UNSEALED.name]);
    await device.expectWaiting(1);
    await device.go(`/visits/new?person=${UNSEALED.person}`);
    await expect(device.page.locator('textarea#facts')).toHaveValue(UNSEALED.draft);
    expect(await clearRows(device)).toBe(0);
    for (const text of [UNSEALED.name, UNSEALED.facts, UNSEALED.draft, UNSEALED.person]) expect(await device.stores(text), text).toBe(false);
    // A row in clear is not believed any more.
    await device.go('/healthz');
    await device.put('row', 'x', UNSEALED.rows.find(([table]) => table === 'row' || table === 'block')?.[2] ?? '00');
    expect(await device.peopleCount()).toBe(UNSEALED.people);
    await device.dispose();
  }
  console.log(`the start died before each of ${deaths} writes`);
  expect(deaths).toBeGreaterThan(8);
  await server.dispose();
});

test('rows that were changed or put in the place of others are found, and everything is there again', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.enrol('cys');
  const people = await device.peopleCount();
  const path = await device.logVisit({ person: PERSON, facts: FACTS });
  await device.expectSynced();
  for (const damage of ['flip', 'swap'] as const) {
    await device.go('/healthz');
    for (const table of ['row', 'block', 'log', 'draft']) await device.damage(table, damage);
    await expect.poll(async () => await device.peopleCount(), { timeout: 60_000 }).toBe(people);
    await device.expectSynced();
    // A record of which only the log went bad is found when it is opened, and fetched then.
    await expect(async () => {
      await device.go(path);
      await expect(device.page.locator('main')).toContainText(FACTS, { timeout: 3_000 });
    }).toPass({ timeout: 60_000 });
  }
  // What tells who is signed in and up to where the logs are here: signing in brings everything.
  await device.go('/healthz');
  await device.damage('meta', 'flip');
  await device.go('/');
  await device.typeSignIn('cys');
  await device.expectSynced();
  await expect.poll(async () => await device.peopleCount(), { timeout: 60_000 }).toBe(people);
  await device.go(path);
  await expect(device.page.locator('main')).toContainText(FACTS);
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
});

test('a saved visit whose row was changed arrives by its sealed copy', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const [device, township] = [await Device.open(line.url), await Device.open(server.url)];
  await device.enrol('cys');
  await township.enrol('sy');
  await line.down();
  const path = await device.logVisit({ person: PERSON, facts: FACTS });
  await line.up();
  await device.go('/healthz');
  await device.damage('outbox', 'flip');
  await device.go('/');
  await expect(async () => {
    await township.go(path);
    await expect(township.page.locator('main')).toContainText(FACTS, { timeout: 3_000 });
  }).toPass();
  await Promise.all([device.dispose(), township.dispose()]);
  await line.close();
  await server.dispose();
});
