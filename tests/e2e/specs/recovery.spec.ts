// A forgotten PIN where the organisation has a recovery key: the phone asks, its keeper lets it in with the real program, and nothing is lost.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { type Page, expect, test } from '@playwright/test';
import { DEAD, dieAt } from '../harness/death.ts';
import { Device } from '../harness/device.ts';
import { Line } from '../harness/line.ts';
import { MINUTE, OTHER_PIN, PIN, WAITS_MS, WRONG_PIN } from '../harness/pins.ts';
import { PASSWORD, Server, serverProgram } from '../harness/server.ts';

const PERSON = '高革强';
const FACTS = '水井结冰挑不了水';
const TYPED = '写到一半的话';
const ADDRESS = '搬到三组';
const NEIGHBOUR = '211381103200';
/** What is left of a parcel that the server refused. */
const REFUSED_BYTES = 1;
const THIRD_PIN = '640913';

/** A stick with a recovery key, as the operator makes it. */
class Stick {
  readonly folder = mkdtempSync(join(tmpdir(), 'zoufang-e2e-stick-'));
  readonly file = join(this.folder, 'recovery.key');
  readonly publicKey: string;
  readonly fingerprint: string;

  constructor() {
    const said = execFileSync(serverProgram(), ['recovery-key', '--out', this.file], { encoding: 'utf8' });
    this.publicKey = /^public key: ([0-9a-f]{64})$/m.exec(said)?.[1] ?? '';
    this.fingerprint = /as phones show it: ([0-9A-F ]{24})$/m.exec(said)?.[1] ?? '';
    expect([this.publicKey.length, this.fingerprint.length]).toEqual([64, 24]);
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** The slots of the phone, each as hex; of what is no bytes the name alone. */
async function slots(page: Page): Promise<Record<string, string>> {
  return await page.evaluate(async () => {
    const done = async <T>(request: IDBRequest<T>): Promise<T> =>
      await new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await done(indexedDB.open('zoufang.keys'));
    const table = database.transaction('slot').objectStore('slot');
    const [names, values] = await Promise.all([done(table.getAllKeys()), done(table.getAll())]);
    database.close();
    const hex = (value: unknown): string => (value instanceof Uint8Array ? [...value].map((byte) => byte.toString(16).padStart(2, '0')).join('') : '');
    return Object.fromEntries(names.map((name, index) => [String(name), hex(values[index])]));
  });
}

async function slot(page: Page): Promise<string> {
  await expect.poll(async () => Object.keys(await slots(page))).toContain('recovery');
  return (await slots(page))['recovery'] ?? '';
}

async function forget(page: Page): Promise<void> {
  await page.reload();
  await page.getByRole('button', { name: /忘记|forgot/ }).click();
}

async function signIn(page: Page, user = 'cys'): Promise<void> {
  await page.locator('#user').fill(user);
  await page.locator('#password').fill(PASSWORD);
  await page.locator('button[type=submit]').click();
}

/** The six digits that the phone shows. */
async function shownNumber(page: Page): Promise<string> {
  await expect(page.locator('#check-number')).toHaveText(/^\d{3} \d{3}$/);
  return await page.locator('#check-number').innerText();
}

async function look(page: Page): Promise<void> {
  await page.getByRole('button', { name: '看看打开了没有' }).click();
}

function asking(server: Server): string {
  return server.command('recover');
}

/** The one phone that asks. */
function deviceThatAsks(server: Server): string {
  return /^device ([0-9a-f]{16}) /m.exec(asking(server))?.[1] ?? '';
}

function letIn(server: Server, stick: Stick, number: string): string {
  return server.command('recover', '--device', deviceThatAsks(server), '--check', number, '--key-file', stick.file);
}

/** Chooses a PIN, and waits until it is kept. */
async function choose(page: Page, pin: string): Promise<void> {
  await page.locator('#new-pin').fill(pin);
  await page.locator('#new-pin-again').fill(pin);
  await page.locator('button[type=submit]').click();
  // It is kept when the form is gone.
  await expect(page.locator('#new-pin')).toHaveCount(0);
}

/** Saves a visit, and begins another to the same person, without a line. */
async function leaveUnsent(device: Device): Promise<{ path: string; id: string }> {
  const path = await device.logVisit({ person: PERSON, facts: FACTS });
  const id = await device.openPerson(PERSON);
  await device.go(`/visits/new?person=${id}`);
  await device.page.locator('textarea#facts').fill(TYPED);
  await expect.poll(async () => await device.rows('draft')).toBe(1);
  return { path, id };
}

test('who is let in finds the unsent visit and the draft, and the visit arrives once', async () => {
  const stick = new Stick();
  const server = await Server.start(['--recovery-key', stick.publicKey]);
  const line = await Line.open(() => server.port);
  const [village, township] = [await Device.open(line.url), await Device.open(server.url)];
  await village.enrol('cys');
  await township.enrol('sy');
  const before = await slot(village.page);
  await village.go('/more');
  await expect(village.page.locator('#recovery-key')).toContainText(stick.fingerprint);

  // A visit that no parcel carries away, and a draft.
  await line.down();
  await village.holdParcels();
  const { path, id } = await leaveUnsent(village);
  await line.up();

  await forget(village.page);
  await expect(village.page.getByText('请人打开，什么都不会丢')).toBeVisible();
  await signIn(village.page);
  const number = await shownNumber(village.page);
  const listed = asking(server);
  expect(listed).toContain('login "cys"');
  for (const hidden of [number, number.replace(' ', '')]) expect(listed).not.toContain(hidden);

  // Another number, or another key: nothing is done.
  const other = new Stick();
  const wrong = number.startsWith('000') ? '111222' : '000111';
  expect(() => letIn(server, stick, wrong)).toThrow(/check number is another/);
  expect(() => letIn(server, other, number)).toThrow(/does not open it/);
  await look(village.page);
  await expect(village.page.getByText(/看过，还没有打开/)).toBeVisible();

  // The app is closed meanwhile; whoever comes back types the password again, since no token lies beside the lock.
  await village.close();
  await village.start();
  await village.holdParcels();
  await village.page.goto(line.url);
  await forget(village.page);
  expect(await shownNumber(village.page)).toBe(number);
  await expect(village.page.locator('#user')).toHaveValue('cys');
  expect(letIn(server, stick, number)).toContain('is let in');
  await signIn(village.page);
  await expect(village.page.getByText('手机已经打开，什么都没有丢')).toBeVisible();
  await expect(village.page.locator('body')).not.toContainText(PERSON);

  // Until a PIN is chosen nothing has changed: the phone that dies here asks once more.
  await forget(village.page);
  await signIn(village.page);
  await expect(village.page.getByText('手机已经打开，什么都没有丢')).toBeVisible();
  await choose(village.page, OTHER_PIN);
  await village.expectSynced();
  expect(await village.rows('draft')).toBe(1);
  const after = await slots(village.page);
  expect(Object.keys(after).sort()).toEqual(['device', 'drawn', 'pin', 'recovery']);
  expect(after['recovery']).not.toBe(before);
  await expect.poll(() => asking(server)).toContain('no phone asks');

  // The old PIN opens nothing; behind the new one is all of it.
  await village.page.goto(`${line.url}/visits/new?person=${id}`);
  await village.page.locator('#pin').fill(PIN);
  await expect(village.page.getByText('不对，还可以试 9 次')).toBeVisible();
  await village.page.locator('#pin').fill(OTHER_PIN);
  await expect(village.page.locator('textarea#facts')).toHaveValue(TYPED);
  await township.go(path);
  await expect(township.page.locator('main')).toContainText(FACTS);
  await township.go(`/people/${id}`);
  await expect(township.page.getByText(FACTS)).toHaveCount(1);

  for (const text of [number.replace(' ', ''), PASSWORD, PERSON]) expect(server.log).not.toContain(text);
  expect([...village.complaints, ...township.complaints]).toEqual([]);
  await Promise.all([village.dispose(), township.dispose()]);
  await line.close();
  await server.dispose();
  stick.dispose();
  other.dispose();
});

test('a phone that died in the middle of another PIN is let in, and reads what is under the key of before', async () => {
  const stick = new Stick();
  const server = await Server.start(['--recovery-key', stick.publicKey]);
  const line = await Line.open(() => server.port);
  const device = await Device.open(line.url);
  await device.enrol('cys');
  await slot(device.page);
  await line.down();
  const { path, id } = await leaveUnsent(device);

  // The slot of the next PIN is there, and not one row is under its key yet.
  await device.page.addInitScript(dieAt, { death: { at: 4, point: 'begin' as const }, word: DEAD });
  await device.page.goto(`${line.url}/more/pin`);
  await device.page.locator('#pin').fill(PIN);
  await device.page.locator('#pin-now').fill(PIN);
  await device.page.locator('#new-pin').fill(OTHER_PIN);
  await device.page.locator('#new-pin-again').fill(OTHER_PIN);
  const dead = device.page.waitForEvent('console', (message) => message.text() === DEAD);
  await device.page.evaluate(() => Object.assign(window, { writes: 0 }));
  await device.page.locator('main button[type=submit]').click({ noWaitAfter: true });
  await dead;
  await device.kill();
  await device.start();
  await device.holdParcels();
  await line.up();
  await device.page.goto(line.url);
  expect(Object.keys(await slots(device.page))).toContain('former');

  await forget(device.page);
  await signIn(device.page);
  letIn(server, stick, await shownNumber(device.page));
  await look(device.page);
  await expect(device.page.getByText('手机已经打开，什么都没有丢')).toBeVisible();
  await choose(device.page, THIRD_PIN);
  await device.expectSynced();
  await expect.poll(async () => Object.keys(await slots(device.page))).not.toContain('former');
  await device.page.goto(`${line.url}/visits/new?person=${id}`);
  await device.page.locator('#pin').fill(THIRD_PIN);
  await expect(device.page.locator('textarea#facts')).toHaveValue(TYPED);
  await device.page.goto(line.url + path);
  await device.page.locator('#pin').fill(THIRD_PIN);
  await expect(device.page.locator('main')).toContainText(FACTS);
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await line.close();
  await server.dispose();
  stick.dispose();
});

test('what was refused while the phone was locked is told to whoever forgot the PIN, and is there for who is let in', async () => {
  const stick = new Stick();
  const server = await Server.start(['--recovery-key', stick.publicKey]);
  const line = await Line.open(() => server.port);
  const device = await Device.open(line.url);
  const { page } = device;
  await device.enrol('cys');
  await device.introduced();
  await slot(page);
  const id = await device.openPerson(PERSON);
  await line.down();
  await device.openForm(id);
  await page.locator('#address').fill(ADDRESS);
  await device.save();
  // It went where its author reads nothing, and began anew there.
  expect(server.command('record', 'move', '--id', id, '--to', NEIGHBOUR)).toMatch(/records? moved/);
  expect(server.command('record', 'erase-fields', '--id', id, '--key', 'address')).toMatch(/changes became/);
  await line.up();
  await device.wakeWithAppClosed();
  await page.goto(`${line.url}/healthz`);
  await expect.poll(async () => await device.sizes('parcel')).toEqual([REFUSED_BYTES]);

  // Nobody loses it unasked.
  await page.goto(line.url);
  await expect(page.getByText('有 1 条被退回')).toBeVisible();
  await forget(page);
  await expect(page.getByText('草稿和被退回的记录也都在')).toBeVisible();
  await page.getByRole('button', { name: '不等了，重新开始' }).click();
  await expect(page.locator('.notice').getByText('有 1 条被退回或没有封好的记录')).toBeVisible();
  await signIn(page);
  const question = page.getByRole('dialog', { name: '真的要重新开始吗？' });
  await expect(question).toContainText('有 1 条被退回');
  await question.getByRole('button', { name: '取消' }).click();
  expect(await device.rows('outbox')).toBe(1);

  await page.getByRole('button', { name: '还是请人打开' }).click();
  await signIn(page);
  letIn(server, stick, await shownNumber(page));
  await look(page);
  await choose(page, OTHER_PIN);
  await page.goto(`${line.url}/sync`);
  await page.locator('#pin').fill(OTHER_PIN);
  await expect(page.getByText('被服务器退回的修改')).toBeVisible();
  await expect(page.locator('main')).toContainText(ADDRESS);
  expect(server.log).not.toContain(ADDRESS);
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await line.close();
  await server.dispose();
  stick.dispose();
});

test('after ten wrong PINs somebody can still let the phone in', async () => {
  test.setTimeout(300_000);
  const stick = new Stick();
  const server = await Server.start(['--recovery-key', stick.publicKey]);
  const device = await Device.open(server.url);
  const { page } = device;
  await device.enrol('cys');
  await slot(page);
  const path = await device.logVisit({ person: PERSON, facts: FACTS });
  await device.expectSynced();
  await page.clock.install();
  await page.reload();
  for (let tries = 1; tries <= 10; tries += 1) {
    const wait = WAITS_MS[tries - 5];
    if (wait !== undefined) {
      await expect(page.getByText(/请等 .+ 再试/)).toBeVisible();
      await page.clock.fastForward(wait + 1_000);
      await expect(page.getByText(/请等 .+ 再试/)).toBeHidden();
    }
    await page.locator('#pin').fill(WRONG_PIN);
    if (tries < 10) await expect(page.locator('form')).toHaveAttribute('data-left', String(10 - tries));
  }
  await expect(page.getByText('错了 10 次，这个 PIN 码不能再用')).toBeVisible();
  expect(Object.keys(await slots(page)).sort()).toEqual(['device', 'drawn', 'recovery']);

  // Somebody else's password asks nothing here, and leaves no session behind.
  await signIn(page, 'sy');
  await expect(page.getByText('这个账号不能打开这部手机')).toBeVisible();
  expect(asking(server)).toContain('no phone asks');
  await signIn(page);
  const number = await shownNumber(page);
  letIn(server, stick, number);
  // The page looks by itself.
  await page.clock.fastForward(16_000);
  await expect(page.getByText('手机已经打开，什么都没有丢')).toBeVisible();
  // Nobody is there to choose a PIN: the phone does not stay open.
  await page.clock.fastForward(11 * MINUTE);
  await expect(page.getByText('错了 10 次，这个 PIN 码不能再用')).toBeVisible();
  await signIn(page);
  await choose(page, OTHER_PIN);
  await page.goto(server.url + path);
  await page.locator('#pin').fill(OTHER_PIN);
  await expect(page.locator('main')).toContainText(FACTS);
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
  stick.dispose();
});

test('a request is taken back, and whoever remembers the PIN needs nobody', async () => {
  const stick = new Stick();
  const server = await Server.start(['--recovery-key', stick.publicKey, '--enrol-by-code']);
  const code = (): string => server.command('user', 'code', '--login', 'cys').slice(0, 8);
  const device = await Device.open(server.url);
  const { page } = device;
  await device.go('/');
  await device.typeSignIn('cys');
  await page.locator('#code').fill(code());
  await page.locator('button[type=submit]').click();
  await device.choosePin();
  await device.expectSynced();
  await slot(page);

  // As a new phone, this one needs a code.
  await forget(page);
  await signIn(page);
  await page.locator('#code').fill(code());
  await page.locator('button[type=submit]').click();
  const first = await shownNumber(page);
  const id = deviceThatAsks(server);
  await page.getByRole('button', { name: '撤回请求' }).click();
  await page.locator('dialog[open]').getByRole('button', { name: '撤回请求' }).click();
  await expect(page.getByText('请求已撤回')).toBeVisible();
  expect(asking(server)).toContain('no phone asks');
  expect(() => server.command('recover', '--device', id, '--check', first, '--key', stick.file)).toThrow(/does not ask/);
  expect(Object.keys(await slots(page))).not.toContain('asked');

  await signIn(page);
  await page.locator('#code').fill(code());
  await page.locator('button[type=submit]').click();
  const second = await shownNumber(page);
  expect(second).not.toBe(first);
  expect(() => letIn(server, stick, first)).toThrow(/check number is another/);
  await page.getByRole('button', { name: '想起来了，返回' }).click();
  await device.unlock();
  await device.expectSynced();
  await expect.poll(() => asking(server)).toContain('no phone asks');
  await expect.poll(async () => Object.keys(await slots(page))).not.toContain('asked');

  // One that is too old, or that a restored server has no more, is said to be gone.
  await forget(page);
  await signIn(page);
  await page.locator('#code').fill(code());
  await page.locator('button[type=submit]').click();
  await shownNumber(page);
  await page.context().route('**/api/v1/recovery', (route) => route.fulfill({ json: { state: 'none' } }));
  await look(page);
  await expect(page.getByText('这个请求已经没有了')).toBeVisible();
  await expect(page.locator('#user')).toBeVisible();
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
  stick.dispose();
});

test('another recovery key is told, and taken on a person\'s word only', async () => {
  const [stick, other] = [new Stick(), new Stick()];
  const words = ['--recovery-key', stick.publicKey];
  const server = await Server.start(words);
  const device = await Device.open(server.url);
  const { page } = device;
  await device.enrol('cys');
  const before = await slot(page);
  words[1] = other.publicKey;
  await server.stop();
  await server.run();
  await device.go('/');
  await expect(page.getByText('服务器给了另一把恢复密钥')).toBeVisible();
  await page.getByRole('link', { name: '去“更多”里核对' }).click();
  await expect(page.locator('#recovery-key')).toContainText(stick.fingerprint);
  await expect(page.locator('.notice', { hasText: '服务器给了另一把恢复密钥' })).toContainText(other.fingerprint);
  // Also another PIN stays with the key that was there.
  await device.go('/more/pin');
  await page.locator('#pin-now').fill(PIN);
  await choose(page, OTHER_PIN);
  await expect(page.getByText('PIN 码已更换')).toBeVisible();
  const changed = await slot(page);
  expect(changed).not.toBe(before);
  expect(changed).toContain(stick.publicKey);

  await page.getByRole('button', { name: '核对过了，换成这一把' }).click();
  await page.locator('dialog[open]').getByRole('button', { name: '核对过了，换成这一把' }).click();
  await expect(page.locator('#recovery-key')).toContainText(other.fingerprint);
  await expect(page.getByText('服务器给了另一把恢复密钥')).toHaveCount(0);
  expect(await slot(page)).toContain(other.publicKey);

  // A server that has no key any more takes nothing away: its next word would be believed unseen.
  words.length = 0;
  await server.stop();
  await server.run();
  await device.settled(async () => await page.reload().then(async () => await page.locator('#pin').fill(OTHER_PIN)));
  expect(await slot(page)).toContain(other.publicKey);
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
  stick.dispose();
  other.dispose();
});

for (const look of [{ name: 'zh-360' }, { name: 'en-360', language: 'en' as const }, { name: 'zh-320-dark', width: 320, dark: true }]) {
  test(`how it looks: ${look.name}`, async ({}, info) => {
    const [stick, other] = [new Stick(), new Stick()];
    const words = ['--recovery-key', stick.publicKey];
    const server = await Server.start(words);
    const device = await Device.open(server.url, look);
    const { page } = device;
    const check = async (name: string): Promise<void> => {
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: info.outputPath(`${name}.png`), fullPage: true });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map((found) => `${name}: ${found.id}: ${found.nodes.map((node) => node.html).join(' | ')}`)).toEqual([]);
      const isWide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
      expect(isWide, `${name} scrolls sideways`).toBe(false);
    };
    await device.go('/');
    await device.signIn('cys');
    await device.expectSynced();
    await slot(page);
    words[1] = other.publicKey;
    await server.stop();
    await server.run();
    await device.go('/');
    await expect(page.locator('main a[href="/more"]')).toBeVisible();
    await check('1-today');
    await device.go('/more');
    await expect(page.locator('#recovery-key')).toBeVisible();
    await check('2-more');
    await forget(page);
    await expect(page.locator('.steps')).toBeVisible();
    await check('3-ask');
    await page.locator('main > button:not([type=submit])').first().click();
    await expect(page.locator('.notice[data-kind=warn]')).toBeVisible();
    await check('4-anew');
    await page.locator('main > button:not([type=submit])').first().click();
    await signIn(page);
    const number = await shownNumber(page);
    await check('5-asked');
    await forget(page);
    await shownNumber(page);
    await check('6-come-back');
    letIn(server, stick, number);
    await signIn(page);
    await expect(page.locator('#new-pin')).toBeVisible();
    await check('7-let-in');
    expect(device.complaints).toEqual([]);
    await device.dispose();
    await server.dispose();
    stick.dispose();
    other.dispose();
  });
}
