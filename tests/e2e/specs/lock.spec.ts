// The lock: a PIN opens the app, each try is counted before it is made, and a forgotten PIN costs no saved visit.
import { type Page, expect, test } from '@playwright/test';
import { Device } from '../harness/device.ts';
import { Line } from '../harness/line.ts';
import { MINUTE, OTHER_PIN, PIN, WAITS_MS, WRONG_PIN } from '../harness/pins.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
const FACTS = '水井结冰挑不了水';
const TYPED = '写到一半的话';

async function left(device: Device): Promise<number> {
  await expect(device.page.locator('#pin')).toBeVisible();
  return Number(await device.page.locator('form').getAttribute('data-left'));
}

/** Tries a PIN that does not open. */
async function tryWrong(device: Device): Promise<void> {
  const before = await left(device);
  await device.page.locator('#pin').fill(WRONG_PIN);
  await expect(device.page.locator('form, main h1 + .notice').first()).toBeVisible();
  if (before > 1) await expect(device.page.locator('form')).toHaveAttribute('data-left', String(before - 1));
}

/** Reloads the page without opening the lock. */
async function lock(device: Device): Promise<void> {
  await device.page.reload();
  await expect(device.page.locator('#pin')).toBeVisible();
}

/** The keys of the slots' table, and the ids of the data keys that rows of the store are sealed under. */
async function keys(page: Page): Promise<{ slots: string[]; ids: string[] }> {
  return await page.evaluate(async () => {
    const done = async <T>(request: IDBRequest<T>): Promise<T> =>
      await new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const slots = await done(indexedDB.open('zoufang.keys'));
    const names = await done(slots.transaction('slot').objectStore('slot').getAllKeys());
    slots.close();
    const store = await done(indexedDB.open('zoufang'));
    const ids = new Set<string>();
    for (const table of [...store.objectStoreNames].filter((table) => table !== 'parcel' && table !== 'inbox')) {
      const values: Uint8Array[] = await done(store.transaction(table).objectStore(table).getAll());
      for (const value of values) ids.add([...value.slice(0, 5)].join('.'));
    }
    store.close();
    return { slots: names.map(String), ids: [...ids] };
  });
}

/** The page believes that it is hidden, or in front again. */
async function hide(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (hidden ? 'hidden' : 'visible') });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

test('a PIN opens on every address, and nothing else does', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.enrol('cys');
  const path = await device.logVisit({ person: PERSON, facts: FACTS });
  await device.expectSynced();
  // Nothing on the phone opens the data key without a PIN, and all rows are under that one key.
  const { slots, ids } = await keys(device.page);
  expect(slots.sort()).toEqual(['attempts', 'device', 'drawn', 'pin']);
  expect(ids).toHaveLength(1);

  await device.page.goto(server.url + path);
  await expect(device.page.locator('#pin')).toBeVisible();
  await expect(device.page.locator('body')).not.toContainText(FACTS);
  await expect(device.page.locator('body')).not.toContainText(PERSON);
  for (const after of [9, 8]) {
    await tryWrong(device);
    expect(await left(device)).toBe(after);
    await expect(device.page.getByText(`不对，还可以试 ${after} 次`)).toBeVisible();
  }
  await device.unlock();
  // The address is still there, and the count begins anew.
  await expect(device.page.locator('main')).toContainText(FACTS);
  await lock(device);
  expect(await left(device)).toBe(10);
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
});

test('a phone that is killed in the middle of a try gives no free try', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.enrol('cys');
  const DEAD = 'the battery is flat';
  /** Stands still for ever at a step of the next try. */
  const dieAt = ({ step, word }: { step: string; word: string }): void => {
    const die = (): never => {
      console.log(word);
      for (;;);
    };
    const { put } = IDBObjectStore.prototype;
    const { commit } = IDBTransaction.prototype;
    const { postMessage, terminate } = Worker.prototype;
    const { sign } = SubtleCrypto.prototype;
    IDBObjectStore.prototype.put = function (value, key) {
      if (key === 'attempts' && step === 'before it is counted') die();
      const request = put.call(this, value, key);
      if (key === 'attempts' && step === 'while it is counted') request.addEventListener('success', die);
      return request;
    };
    IDBTransaction.prototype.commit = function () {
      commit.call(this);
      if (this.db.name === 'zoufang.keys') this.addEventListener('complete', () => step === 'when it is counted' && die());
    };
    Worker.prototype.postMessage = function (...said: unknown[]) {
      Reflect.apply(postMessage, this, said);
      if (step === 'while it is tried') die();
    };
    Worker.prototype.terminate = function () {
      terminate.call(this);
      if (step === 'when it is stretched') die();
    };
    SubtleCrypto.prototype.sign = async function (...asked) {
      const made = await sign.apply(this, asked);
      if (step === 'when it is known') die();
      return made;
    };
  };
  // How many tries may be left. The browser may still write what it was told to write.
  const steps: [string, number[]][] = [
    ['before it is counted', [10]],
    ['while it is counted', [9, 10]],
    ['when it is counted', [9]],
    ['while it is tried', [9]],
    ['when it is stretched', [9]],
    ['when it is known', [9]],
  ];
  for (const [step, after] of steps) {
    await device.page.addInitScript(dieAt, { step, word: DEAD });
    const dead = device.page.waitForEvent('console', (message) => message.text() === DEAD);
    await lock(device);
    expect(await left(device), step).toBe(10);
    await Promise.all([dead, device.page.locator('#pin').fill(WRONG_PIN).catch(() => undefined)]);
    await device.kill();
    await device.start();
    await device.page.goto(server.url);
    expect(after, step).toContain(await left(device));
    await device.unlock();
    await device.expectSynced();
  }
  await device.dispose();
  await server.dispose();
});

test('after ten wrong PINs, with waits that no clock shortens, the saved visit still arrives', async () => {
  test.setTimeout(300_000);
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const [village, township] = [await Device.open(line.url), await Device.open(server.url)];
  const { page } = village;
  await village.enrol('cys');
  await township.enrol('sy');
  await line.down();
  const path = await village.logVisit({ person: PERSON, facts: FACTS });
  await page.clock.install();
  await lock(village);
  await expect(page.getByText('还有 1 条已保存的记录没有上传')).toBeVisible();
  for (let tries = 1; tries <= 4; tries += 1) await tryWrong(village);
  for (const [index, wait] of WAITS_MS.entries()) {
    await expect(page.getByText(/请等 .+ 再试/)).toBeVisible();
    await expect(page.getByRole('button', { name: '打开', exact: true })).toBeDisabled();
    if (index === 0) {
      // A reload and a phone whose clock is set a day ahead shorten nothing.
      await page.clock.setSystemTime(Date.now() + 24 * 60 * MINUTE);
      await lock(village);
      await expect(page.getByText(/请等 .+ 再试/)).toBeVisible();
      await page.locator('#pin').fill(PIN);
      expect(await left(village)).toBe(6);
      await page.locator('#pin').fill('');
    }
    await page.clock.setSystemTime(Date.now());
    await page.clock.fastForward(wait + 1_000);
    await expect(page.getByText(/请等 .+ 再试/)).toBeHidden();
    if (index + 1 < WAITS_MS.length) await tryWrong(village);
  }
  await page.locator('#pin').fill(WRONG_PIN);
  await expect(page.getByText('错了 10 次，这个 PIN 码不能再用')).toBeVisible();
  await page.reload();
  await expect(page.getByText('错了 10 次，这个 PIN 码不能再用')).toBeVisible();
  expect((await keys(page)).slots.sort()).toEqual(['device', 'drawn']);

  // Without a line nothing is deleted.
  const signIn = async (): Promise<void> => {
    await page.locator('#user').fill('cys');
    await page.locator('#password').fill('zoufang-demo');
    await page.locator('button[type=submit]').click();
  };
  await signIn();
  await expect(page.getByText('服务器没有回应')).toBeVisible();
  await expect(page.getByText('还有 1 条已保存的记录没有上传')).toBeVisible();

  await line.up();
  await signIn();
  await page.locator('#new-pin').fill(OTHER_PIN);
  await page.locator('#new-pin-again').fill(OTHER_PIN);
  await page.locator('button[type=submit]').click();
  // The phone's clock has run ahead by the waits: somebody should look at it, and everything is there.
  await village.expectState('attention');
  await village.expectWaiting(0);
  await expect(async () => {
    await township.go(path);
    await expect(township.page.locator('main')).toContainText(FACTS, { timeout: 3_000 });
  }).toPass();
  await page.goto(line.url + path);
  await page.locator('#pin').fill(OTHER_PIN);
  await expect(page.locator('main')).toContainText(FACTS);
  expect([...village.complaints, ...township.complaints]).toEqual([]);
  await Promise.all([village.dispose(), township.dispose()]);
  await line.close();
  await server.dispose();
});

test('what waits goes up while the lock is in front, and another person cannot begin anew over it', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const device = await Device.open(line.url);
  const { page } = device;
  await device.enrol('cys');
  await line.down();
  await device.logVisit({ person: PERSON, facts: FACTS });
  await lock(device);
  await expect(page.getByText('还有 1 条已保存的记录没有上传')).toBeVisible();
  await page.getByRole('button', { name: '忘记 PIN 码' }).click();
  await line.up();
  await expect(page.getByText('已保存的记录都已上传')).toBeVisible({ timeout: 30_000 });
  await page.getByRole('button', { name: '想起来了，返回' }).click();
  await device.unlock();
  await device.expectSynced();

  await line.down();
  await device.logVisit({ person: PERSON, facts: '第二次' });
  await lock(device);
  await page.getByRole('button', { name: '忘记 PIN 码' }).click();
  // Nothing gets through but the sign-in, so that something still waits.
  const letParcelsGo = await device.holdParcels();
  await line.up();
  await page.locator('#user').fill('sy');
  await page.locator('#password').fill('zoufang-demo');
  await page.locator('button[type=submit]').click();
  await expect(page.getByText('这部手机上还有另一位工作人员的 1 条记录没有上传')).toBeVisible();
  await letParcelsGo();
  await page.getByRole('button', { name: '想起来了，返回' }).click();
  await device.unlock();
  await device.expectSynced();
  await device.dispose();
  await line.close();
  await server.dispose();
});

test('the app locks when nobody is there, and keeps what is typed', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  const { page } = device;
  await device.enrol('cys');
  const id = await device.openPerson(PERSON);
  await page.clock.install();
  const isLocked = async (locked: boolean): Promise<void> => await expect(page.locator('#pin')).toBeVisible({ visible: locked });

  await device.go(`/visits/new?person=${id}`);
  await page.locator('textarea#facts').fill(TYPED);
  await page.clock.fastForward(9 * MINUTE);
  await isLocked(false);
  await page.locator('textarea#facts').press('End');
  await page.clock.fastForward(9 * MINUTE);
  await isLocked(false);
  await page.clock.fastForward(2 * MINUTE);
  await isLocked(true);
  await device.unlock();
  await expect(page.locator('textarea#facts')).toHaveValue(TYPED);

  // In the background for a minute, then for three.
  await hide(page, true);
  await page.clock.fastForward(MINUTE);
  await hide(page, false);
  await isLocked(false);
  await hide(page, true);
  await page.clock.fastForward(3 * MINUTE);
  await isLocked(true);
  await device.unlock();

  // Somebody is called from the app: a talk may take longer.
  await device.go(`/people/${id}`);
  await page.evaluate(() => {
    document.addEventListener('click', (event) => {
      if (!(event.target as Element).closest('a[href^="tel:"]')) return;
      event.preventDefault();
      document.documentElement.dataset['dialled'] = 'yes';
    });
  });
  await page.locator('.phone-link').first().click();
  await expect(page.locator('html[data-dialled]')).toBeAttached();
  await hide(page, true);
  await page.clock.fastForward(8 * MINUTE);
  await isLocked(false);
  await page.clock.fastForward(3 * MINUTE);
  await isLocked(true);
  await device.unlock();

  await device.go('/more');
  await page.getByRole('button', { name: '现在锁上' }).click();
  await isLocked(true);
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
});

test('another PIN brings another key, whenever the phone dies meanwhile', async () => {
  test.setTimeout(300_000);
  const server = await Server.start();
  const device = await Device.open(server.url);
  const { page } = device;
  await device.enrol('cys');
  const people = await device.peopleCount();
  const id = await device.openPerson(PERSON);
  await device.go(`/visits/new?person=${id}`);
  await page.locator('textarea#facts').fill(TYPED);
  await expect.poll(async () => await device.rows('draft')).toBe(1);
  const before = (await keys(page)).ids;

  const change = async (now: string, next: string): Promise<void> => {
    await device.page.locator('#pin-now').fill(now);
    await device.page.locator('#new-pin').fill(next);
    await device.page.locator('#new-pin-again').fill(next);
    await device.page.locator('main button[type=submit]').click();
  };
  await device.go('/more/pin');
  for (const [now, next, fault] of [
    [PIN, '123456', '太好猜了'],
    [PIN, '12345', '要 6 位数字'],
    [WRONG_PIN, OTHER_PIN, '现在的 PIN 码不对'],
  ] as const) {
    await change(now, next);
    await expect(page.locator('.field__error').filter({ hasText: fault })).toBeVisible();
  }
  await change(PIN, OTHER_PIN);
  await expect(page.getByText('PIN 码已更换')).toBeVisible();
  await device.expectSynced();
  const after = await keys(page);
  expect(after.slots).not.toContain('former');
  expect(after.ids).toHaveLength(1);
  expect(after.ids).not.toEqual(before);
  await lock(device);
  await tryWrong(device);
  await page.locator('#pin').fill(OTHER_PIN);
  await expect(page.locator('#pin')).toBeHidden();
  expect(await peopleBehind(device, server.url, OTHER_PIN)).toBe(people);

  // The phone dies at a transaction of the change: when the new slot is there, in the middle of the tables, at the mark, at the end.
  const DEAD = 'the battery is flat';
  const dieAt = ({ at, word }: { at: number; word: string }): void => {
    const { commit } = IDBTransaction.prototype;
    let writes = 0;
    IDBTransaction.prototype.commit = function () {
      commit.call(this);
      const isChange = location.pathname === '/more/pin' && document.querySelector('main form[data-busy=true]');
      if (!isChange || !['zoufang', 'zoufang.keys'].includes(this.db.name)) return;
      writes += 1;
      if (writes !== at) return;
      this.addEventListener('complete', () => {
        console.log(word);
        for (;;);
      });
    };
  };
  let pin: string = OTHER_PIN;
  let met = 0;
  for (const at of [3, 5, 7, 8]) {
    const next = pin === OTHER_PIN ? PIN : OTHER_PIN;
    await device.page.addInitScript(dieAt, { at, word: DEAD });
    const dead = device.page.waitForEvent('console', (message) => message.text() === DEAD);
    await device.page.goto(`${server.url}/more/pin`);
    await device.page.locator('#pin').fill(pin);
    await change(pin, next);
    const changed = device.page.getByText('PIN 码已更换').waitFor();
    met += await Promise.race([dead.then(() => 1), changed.then(() => 0)]);
    await device.kill();
    await Promise.allSettled([dead, changed]);
    await device.start();
    // From the first of these on the new PIN is the one.
    pin = next;
    expect(await peopleBehind(device, server.url, pin), `died at ${at}`).toBe(people);
    await device.expectSynced();
    const found = await keys(device.page);
    expect(found.ids, `died at ${at}`).toHaveLength(1);
    expect(found.slots).not.toContain('former');
    await device.page.goto(`${server.url}/visits/new?person=${id}`);
    await device.page.locator('#pin').fill(pin);
    await expect(device.page.locator('textarea#facts')).toHaveValue(TYPED);
  }
  expect(met).toBeGreaterThanOrEqual(3);
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
});

test('who signs out leaves nothing, and the next person chooses a PIN of their own', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  const { page } = device;
  await device.enrol('cys');
  const before = (await keys(page)).ids;
  await device.go('/more');
  await page.getByRole('button', { name: '退出登录' }).click();
  await page.locator('dialog[open]').getByRole('button', { name: '退出登录' }).click();
  await expect(page.locator('#user')).toBeVisible();
  // The form is there a moment before the keys are drawn anew.
  await expect.poll(async () => (await keys(page)).slots.sort()).toEqual(['device', 'device-slot']);
  await device.typeSignIn('sy');
  await expect(page.locator('#new-pin')).toBeVisible();
  await page.reload();
  // Killed before a PIN was chosen: it is asked for again.
  await expect(page.locator('#new-pin')).toBeVisible();
  await device.choosePin();
  await device.expectSynced();
  const { slots, ids } = await keys(page);
  expect(slots.sort()).toEqual(['device', 'drawn', 'pin']);
  expect(ids).toHaveLength(1);
  expect(ids).not.toEqual(before);
  await lock(device);
  await device.unlock();
  await device.expectSynced();
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
});

/** The number of people on the phone, which is opened with this PIN. */
async function peopleBehind(device: Device, url: string, pin: string): Promise<number> {
  await device.page.goto(`${url}/people`);
  await device.page.locator('#pin').fill(pin);
  await expect(device.page.locator('[data-at="0"]')).toBeVisible();
  return Number.parseInt(await device.page.locator('.people__tools [role=status]').innerText(), 10);
}
