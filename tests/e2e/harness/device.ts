// A device: a browser with a profile on disk, which can be killed and opened again, and what a worker does on it.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type CDPSession, type Locator, type Page, chromium, expect } from '@playwright/test';
import { ARGUMENTS, EXECUTABLE } from './chromium.mjs';
import { PIN } from './pins.ts';
import { PASSWORD } from './server.ts';


/** Kills every process whose command line names the profile; where the system lists no processes as files, by pkill. */
function killAll(profile: string): void {
  if (!existsSync('/proc/self/cmdline')) {
    execFileSync('pkill', ['-KILL', '-f', profile]);
    return;
  }
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(profile)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

/** A phone number as pages show it. */
export function masked(number: string): string {
  return `${number.slice(0, 3)}****${number.slice(-4)}`;
}

export interface Look {
  width?: number;
  height?: number;
  language?: 'zh' | 'en';
  dark?: boolean;
  touch?: boolean;
}

export interface Visit {
  person: string;
  channel?: string;
  result?: string;
  reason?: string;
  need?: string;
  facts?: string;
}

export class Device {
  private context!: BrowserContext;
  page!: Page;
  /** Errors and warnings that the pages wrote to the console, and requests to any other host. */
  readonly complaints: string[] = [];

  private constructor(
    readonly profile: string,
    private readonly base: string,
    private readonly look: Look,
  ) {}

  /** A new device that knows the app at one address. */
  static async open(base: string, look: Look = {}): Promise<Device> {
    const device = new Device(mkdtempSync(join(tmpdir(), 'zoufang-e2e-profile-')), base, look);
    await device.start();
    return device;
  }

  /** Opens the browser on its profile. */
  async start(): Promise<void> {
    const { width = 360, height = 800, language = 'zh', dark = false, touch = false } = this.look;
    this.context = await chromium.launchPersistentContext(this.profile, {
      executablePath: EXECUTABLE,
      args: ARGUMENTS,
      viewport: { width, height },
      hasTouch: touch,
      locale: 'zh-CN',
      timezoneId: 'Asia/Shanghai',
      colorScheme: dark ? 'dark' : 'light',
    });
    if (language === 'en') await this.context.addInitScript(() => localStorage.setItem('zoufang.language', 'en'));
    this.page = this.context.pages()[0] ?? (await this.context.newPage());
    this.watch(this.page);
  }

  /** Which of these texts stand in a file of the browser's profile, as UTF-8 or UTF-16, and in which file. */
  found(texts: string[]): string[] {
    const wanted = texts.flatMap((text) => [Buffer.from(text, 'utf8'), Buffer.from(text, 'utf16le')].map((bytes) => ({ text, bytes })));
    const files = readdirSync(this.profile, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return files.flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      const content = readFileSync(path);
      return wanted.filter(({ bytes }) => content.includes(bytes)).map(({ text }) => `${text} in ${path.slice(this.profile.length)}`);
    });
  }

  /** Another device with a copy of this one's storage, which is closed meanwhile: a phone that was moved by a backup tool. */
  async copy(): Promise<Device> {
    await this.close();
    const copied = new Device(mkdtempSync(join(tmpdir(), 'zoufang-e2e-profile-')), this.base, this.look);
    cpSync(this.profile, copied.profile, { recursive: true, filter: (path) => !path.includes('Singleton') });
    await this.start();
    await copied.start();
    return copied;
  }

  /** Another tab of the same browser. */
  async newTab(): Promise<Page> {
    const page = await this.context.newPage();
    this.watch(page);
    return page;
  }

  private watch(page: Page): void {
    page.on('pageerror', (error) => this.complaints.push(`page error: ${error.message}`));
    page.on('console', (message) => {
      // A failed request is a line in the console whatever the app does about it.
      if (message.type() === 'error' && !/Failed to load resource|net::ERR|error occurred when fetching the script/.test(message.text())) {
        this.complaints.push(`console: ${message.text()}`);
      }
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(this.base) && !request.url().startsWith('data:')) this.complaints.push(`asks another host: ${request.url()}`);
    });
  }

  /** Kills every process of the browser, as a flat battery would. */
  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.context.once('close', resolve));
    killAll(this.profile);
    await gone;
  }

  async close(): Promise<void> {
    await this.context.close();
  }

  async dispose(): Promise<void> {
    await this.context.close().catch(() => undefined);
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async offline(isOffline: boolean): Promise<void> {
    await this.context.setOffline(isOffline);
  }

  async cdp(): Promise<CDPSession> {
    return await this.context.newCDPSession(this.page);
  }

  /** Closes the app, but not the browser: its service worker goes on. The browser wakes it as it does when a line is there again, or as
   * it does now and then. */
  async wakeWithAppClosed(how: 'sync' | 'periodic' = 'sync'): Promise<void> {
    const session = await this.cdp();
    const found = new Promise<string>((resolve) => {
      session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        const [first] = registrations;
        if (first) resolve(first.registrationId);
      });
    });
    await session.send('ServiceWorker.enable');
    const registrationId = await found;
    const origin = new URL(this.base).origin;
    await this.page.goto('about:blank');
    if (how === 'sync') await session.send('ServiceWorker.dispatchSyncEvent', { origin, registrationId, tag: 'parcels', lastChance: false });
    else await session.send('ServiceWorker.dispatchPeriodicSyncEvent', { origin, registrationId, tag: 'inbox' });
  }

  /** Opens an address; where the lock or the choice of a PIN stands before it, goes through. */
  async go(path: string): Promise<void> {
    await this.page.goto(this.base + path);
    await this.unlock();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.unlock();
  }

  /** Types the PIN if a page asks for it, and chooses it if there is none yet. */
  async unlock(page = this.page): Promise<void> {
    // The app's pages, or a page at its address that is none of them.
    await page.locator('#main, #user, body > pre').first().waitFor();
    if (await page.locator('#pin').isVisible()) {
      await page.locator('#pin').fill(PIN);
      await page.locator('#pin').waitFor({ state: 'detached' });
    } else if (await page.locator('main.sign-in #new-pin').isVisible()) {
      await this.choosePin(page);
      await page.locator('main.sign-in #new-pin').waitFor({ state: 'detached' });
    }
  }

  async choosePin(page = this.page): Promise<void> {
    await page.locator('#new-pin').fill(PIN);
    await page.locator('#new-pin-again').fill(PIN);
    await page.locator('button[type=submit]').click();
  }

  /** The sync state on every page. */
  get chip(): Locator {
    return this.page.locator('.sync-chip');
  }

  async expectState(state: 'offline' | 'paused' | 'waiting' | 'running' | 'done' | 'attention', timeout = 60_000): Promise<void> {
    await expect(this.chip).toHaveAttribute('data-state', state, { timeout });
  }

  /** Everything is at the server, and nothing waits. */
  async expectSynced(): Promise<void> {
    await this.expectState('done');
    await expect(this.chip).toHaveAttribute('data-waiting', '0');
  }

  /** Does what begins a sync, and waits until that is over: before it begins the chip says that all is well, too. */
  async settled<T>(act: () => Promise<T>): Promise<T> {
    const [done] = await Promise.all([act(), this.page.waitForResponse('**/api/v1/sync')]);
    await this.expectSynced();
    return done;
  }

  /** Nothing that the service worker hands in gets through, whichever of its two addresses it takes, until the returned function is
   * called. Other requests go on. */
  async holdParcels(): Promise<() => Promise<void>> {
    const paths = /\/api\/v1\/(parcels|inbox)$/;
    await this.page.context().route(paths, (route) => route.abort());
    return async () => await this.page.context().unroute(paths);
  }

  async expectWaiting(count: number): Promise<void> {
    await expect(this.chip).toHaveAttribute('data-waiting', String(count));
  }

  async typeSignIn(user: string, password = PASSWORD): Promise<void> {
    await this.page.locator('#user').fill(user);
    await this.page.locator('#password').fill(password);
    await this.page.locator('button[type=submit]').click();
  }

  /** Signs in on a phone that nobody has used, and chooses a PIN. */
  async signIn(user: string): Promise<void> {
    await this.typeSignIn(user);
    await this.choosePin();
  }

  /** Signs in, waits for the first sync, and lets the service worker take charge. */
  async enrol(user: string): Promise<void> {
    await this.go('/');
    await this.signIn(user);
    await this.expectSynced();
    await this.page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    await this.reload();
    await expect.poll(() => this.page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
    await this.expectSynced();
  }

  /** Signs in on a phone whose clock is wrong: everything is synced, and somebody must look at the clock. */
  async enrolWithWrongClock(user: string): Promise<void> {
    await this.go('/');
    await this.signIn(user);
    await this.expectState('attention');
    await expect(this.chip).toHaveAttribute('data-waiting', '0');
  }

  /** Waits until the rows of the people list are there, and counts the people. */
  async peopleCount(): Promise<number> {
    await this.go('/people');
    await expect(this.page.locator('[data-at="0"]')).toBeVisible();
    return Number.parseInt(await this.page.locator('.people__tools [role=status]').innerText(), 10);
  }

  /** Searches and gives the names found, in order. */
  async search(text: string): Promise<string[]> {
    await this.page.locator('.people__tools input[type=search]').fill(text);
    return await this.page.locator('.person-row .row__title').allInnerTexts();
  }

  /** Finds a person and opens their page; gives the document's id. */
  async openPerson(name: string): Promise<string> {
    await this.go('/people');
    await this.page.locator('.people__tools input[type=search]').fill(name);
    await this.page.locator('.person-row', { hasText: name }).first().click();
    await expect(this.page.locator('.person__name')).toHaveText(name);
    return this.page.url().split('/').at(-1) ?? '';
  }

  /** Answers the questions of a visit that is open in the form. */
  async fillVisit(visit: Omit<Visit, 'person'>): Promise<void> {
    const { channel = 'home', result = 'met', reason, need, facts } = visit;
    await this.page.locator(`#channel input[value=${channel}]`).check();
    await this.page.locator(`#result input[value=${result}]`).check();
    if (reason) await this.page.locator(`#reasons input[value=${reason}]`).check();
    if (need) await this.page.locator(`#needs input[value=${need}]`).check();
    if (facts) await this.page.locator('textarea#facts').fill(facts);
  }

  /** Presses save and waits for the word that it is saved. */
  async save(): Promise<void> {
    await this.page.locator('form button[type=submit]').click();
    await expect(this.page.locator('.toast', { hasText: /已保存在本机|Saved on this device/ }).last()).toBeVisible();
  }

  /** Logs a visit; gives the address of the record. */
  async logVisit(visit: Visit): Promise<string> {
    const id = await this.openPerson(visit.person);
    await this.go(`/visits/new?person=${id}`);
    await this.fillVisit({ reason: 'routine', ...visit });
    await this.save();
    await this.page.waitForURL(/\/visits\/[^/]+$/);
    return new URL(this.page.url()).pathname;
  }

  /** Logs a contact with a Party member; gives the address of the record. */
  async logContact(person: string, topic: string, wishes: string): Promise<string> {
    const id = await this.openPerson(person);
    await this.go(`/contacts/new?person=${id}`);
    await this.page.locator(`#topic input[value=${topic}]`).check();
    await this.page.locator('textarea#wishes').fill(wishes);
    await this.fillVisit({});
    await this.save();
    await this.page.waitForURL(/\/contacts\/[^/]+$/);
    return new URL(this.page.url()).pathname;
  }

  /** Opens the form of a person's file. */
  async openForm(id: string): Promise<void> {
    await this.go(`/people/${id}/edit`);
    await expect(this.page.locator('#phones input[type=tel]').first()).toBeVisible();
  }

  /** Waits until the server knows this phone's key, and the phone the hash of the word that wipes it; gives the phone's id.
   * No script can read the key. */
  async introduced(): Promise<string> {
    const known = async (): Promise<string> =>
      await this.page.evaluate(async () => {
        const names = (await indexedDB.databases()).map(({ name }) => name);
        if (!names.includes('zoufang.device')) return '';
        return await new Promise<string>((resolve) => {
          const request = indexedDB.open('zoufang.device');
          request.onsuccess = () => {
            const asked = request.result.transaction('device').objectStore('device').get('me');
            asked.onsuccess = () => {
              const me = asked.result;
              const ready = me?.known && /^[0-9a-f]{64}$/.test(me.wipe) && me.keys.privateKey.extractable === false;
              resolve(ready ? me.device : '');
            };
            request.result.close();
          };
        });
      });
    await expect.poll(known).not.toBe('');
    return await known();
  }

  /** The numbers on a person's page, as they are shown: masked. */
  get phones(): Locator {
    return this.page.locator('.phone-line .sensitive__value');
  }

  /** The heads of a person's file on this device. */
  async heads(id: string): Promise<string> {
    await this.go(`/people/${id}`);
    return (await this.page.locator('[data-heads]').getAttribute('data-heads')) ?? '';
  }

  /** Whether any row of the app's store holds this text, in whatever form: as text or as the bytes of it. */
  async stores(text: string): Promise<boolean> {
    return await this.page.evaluate(async (text) => {
      const wanted = new TextEncoder().encode(text);
      const holds = (bytes: Uint8Array): boolean => {
        for (let at = bytes.indexOf(wanted[0] ?? 0); at >= 0; at = bytes.indexOf(wanted[0] ?? 0, at + 1)) {
          if (wanted.every((byte, place) => bytes[at + place] === byte)) return true;
        }
        return false;
      };
      const found = (value: unknown): boolean => {
        if (typeof value === 'string') return value.includes(text);
        if (value instanceof ArrayBuffer) return holds(new Uint8Array(value));
        if (ArrayBuffer.isView(value)) return holds(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
        return typeof value === 'object' && value !== null && Object.values(value).some(found);
      };
      const done = async <T>(request: IDBRequest<T>): Promise<T> =>
        await new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      for (const { name } of await indexedDB.databases()) {
        const database = await done(indexedDB.open(name ?? ''));
        try {
          for (const store of database.objectStoreNames) {
            if ((await done(database.transaction(store).objectStore(store).getAll())).some(found)) return true;
          }
        } finally {
          database.close();
        }
      }
      return false;
    }, text);
  }

  /** How many rows a table of the app's store has. */
  async rows(table: string): Promise<number> {
    return (await this.sizes(table)).length;
  }

  /** How long each value of a table is, in the order of its keys. */
  async sizes(table: string): Promise<number[]> {
    return await this.page.evaluate(async (table) => {
      const done = async <T>(request: IDBRequest<T>): Promise<T> =>
        await new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      const database = await done(indexedDB.open('zoufang'));
      const values: Uint8Array[] = await done(database.transaction(table).objectStore(table).getAll());
      database.close();
      return values.map(({ length }) => length);
    }, table);
  }

  /** Puts bytes, given in hex, into a table of the app's store, past the app. */
  async put(table: string, key: string, hex: string): Promise<void> {
    await this.page.evaluate(
      async ({ table, key, hex }) => {
        const database = await new Promise<IDBDatabase>((resolve, reject) => {
          const request = indexedDB.open('zoufang');
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
        const transaction = database.transaction(table, 'readwrite');
        transaction.objectStore(table).put(Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16)), key);
        await new Promise((resolve) => (transaction.oncomplete = resolve));
        database.close();
      },
      { table, key, hex },
    );
  }

  /** Flips a bit of every row of a table of the app's store, or puts each row's bytes in the place of the next one's. */
  async damage(table: string, how: 'flip' | 'swap'): Promise<void> {
    await this.page.evaluate(
      async ({ table, how }) => {
        const done = async <T>(request: IDBRequest<T>): Promise<T> =>
          await new Promise((resolve, reject) => {
            request.onsuccess = () => resolve(request.result);
            request.onerror = () => reject(request.error);
          });
        const database = await done(indexedDB.open('zoufang'));
        const transaction = database.transaction(table, 'readwrite');
        const rows = transaction.objectStore(table);
        const keys = await done(rows.getAllKeys());
        const values: Uint8Array[] = await done(rows.getAll());
        for (const [index, key] of keys.entries()) {
          const bytes = (how === 'swap' ? values[(index + 1) % values.length] : values[index]) ?? new Uint8Array();
          const at = (index * 37) % bytes.length;
          if (how === 'flip') bytes[at] = (bytes[at] ?? 0) ^ (1 << index % 8);
          rows.put(bytes, key);
        }
        await new Promise((resolve) => (transaction.oncomplete = resolve));
        database.close();
      },
      { table, how },
    );
  }

  /** The values of a field in conflict, each with who and when. */
  conflict(field: string): Locator {
    return this.page.locator('.conflict-card', { hasText: field });
  }
}
