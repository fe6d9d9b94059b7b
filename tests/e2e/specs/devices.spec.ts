// A lost phone: two taps end it, what it had still arrives in a box, and it wipes itself at its first contact; nobody else can wipe it.
import { type Page, expect, test } from '@playwright/test';
import { Device } from '../harness/device.ts';
import { Line } from '../harness/line.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
const FACTS = '后院的枯树要倒了';
const OTHER_FACTS = '想问春耕补贴怎么领';

/** What is left in the databases of the app: names of databases, and rows by table. */
async function left(page: Page): Promise<string[]> {
  return await page.evaluate(async () => {
    const done = async <T>(request: IDBRequest<T>): Promise<T> =>
      await new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const found: string[] = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await done(indexedDB.open(name ?? ''));
      for (const table of database.objectStoreNames) {
        for (const key of await done(database.transaction(table).objectStore(table).getAllKeys())) found.push(`${name}/${table}/${String(key)}`);
      }
      database.close();
    }
    return found;
  });
}

/** Ends a phone, from the office: two taps from the page. */
async function end(head: Device, id: string): Promise<void> {
  await head.go('/more/devices');
  await head.page.locator(`[data-device="${id}"]`).getByRole('button', { name: '丢失或停用' }).click();
  await head.page.locator('dialog[open] .button--primary').click();
  await expect(head.page.locator(`[data-device="${id}"]`)).toHaveAttribute('data-state', 'revoked');
}

test('a lost phone is ended with two taps, brings what it had, and wipes itself', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const [phone, head] = [await Device.open(line.url), await Device.open(server.url, { width: 1280 })];
  await phone.enrol('cys');
  await head.enrol('syhead');
  const id = await phone.introduced();
  await line.down();
  const path = await phone.logVisit({ person: PERSON, facts: FACTS });
  const other = await phone.logVisit({ person: PERSON, facts: OTHER_FACTS });
  await end(head, id);

  // Somebody who speaks for the server does not know the word: nothing is lost.
  await line.wiper();
  await phone.go('/sync');
  await phone.page.waitForTimeout(2_000);
  await phone.expectWaiting(2);

  // First contact: it is in front and unlocked.
  await line.up();
  await phone.page.reload();
  await expect(phone.page.locator('#user')).toBeVisible({ timeout: 30_000 });
  const rows = await left(phone.page);
  expect(rows.filter((row) => !/^zoufang(\.keys\/slot\/(device|device-slot)|\/meta\/sealed)$/.test(row))).toEqual([]);

  await head.go('/more/devices');
  const wiped = head.page.locator(`[data-device="${id}"]`);
  await expect(wiped).toHaveAttribute('data-state', 'wiped');
  await wiped.getByRole('button', { name: '看看哪些人的信息在上面' }).click();
  await expect(head.page.getByText(PERSON)).toBeVisible();

  // The head takes one visit and lets the other go.
  await head.go('/more/late');
  const taken = head.page.locator('.late-row', { hasText: FACTS });
  await expect(head.page.locator('.late-row')).toHaveCount(2);
  await taken.getByRole('button', { name: '收下' }).click();
  await expect(taken).toHaveCount(0);
  await head.page.locator('.late-row', { hasText: OTHER_FACTS }).getByRole('button', { name: '不要' }).click();
  await head.page.locator('dialog[open] .button--primary').click();
  await expect(head.page.locator('.late-row')).toHaveCount(0);
  await expect(async () => {
    await head.go(path);
    await expect(head.page.locator('main')).toContainText(FACTS, { timeout: 3_000 });
  }).toPass();
  await head.go(other);
  await expect(head.page.locator('main')).not.toContainText(OTHER_FACTS);
  expect(server.log).not.toContain(FACTS);

  // Its user enrols it anew, as another device.
  await phone.signIn('cys');
  await phone.expectSynced();
  expect(head.complaints).toEqual([]);
  await Promise.all([phone.dispose(), head.dispose()]);
  await line.close();
  await server.dispose();
});

test('a locked phone that its finder opens is wiped before anybody types a PIN', async () => {
  const server = await Server.start();
  const [phone, head] = [await Device.open(server.url), await Device.open(server.url, { width: 1280 })];
  await phone.enrol('cys');
  await head.enrol('syhead');
  const id = await phone.introduced();
  await phone.page.goto('about:blank');
  await end(head, id);
  await phone.page.goto(`${server.url}/people`);
  await expect(phone.page.locator('#user')).toBeVisible({ timeout: 30_000 });
  expect((await left(phone.page)).filter((row) => /pin|account|parcel|outbox|log\//.test(row))).toEqual([]);
  await Promise.all([phone.dispose(), head.dispose()]);
  await server.dispose();
});
