// Whether the screen goes on answering: the long tasks of the page's thread while a phone syncs, starts, saves and searches,
// at full speed and at 6x CPU throttle. Asks for changes of others by a line `{"want":"changes"}` and waits for a line
// back; prints one line of JSON at the end. The app must be built with its feature `bench`. With PROFILE=<folder> it writes
// a CPU profile of each step there; `cargo xtask bundle --names` builds an app that has names for it.
// Usage: node smooth.mjs <address> <user> <password>
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { launch, noteFirstRow, someVisits } from './phone.mjs';

const [address, user, password] = process.argv.slice(2);
const RATES = [1, 6];
const { PROFILE } = process.env;
const SYNC_MS = 600_000;
const WAITING_MANY = 2_000;
const SAVES = 50;

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const found = [];

/** Another device makes changes and sends them. */
async function changesOfOthers() {
  console.log(JSON.stringify({ want: 'changes' }));
  await answers.next();
}

const browser = await launch();

/** A new phone, whose pages note their long tasks and when the first row of the list of people is drawn. */
async function phone() {
  const context = await browser.newContext({ viewport: { width: 360, height: 800 }, locale: 'zh-CN' });
  await context.addInitScript(() => {
    window.tasks = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.tasks.push([entry.startTime, entry.duration]);
    }).observe({ type: 'longtask', buffered: true });
  });
  await noteFirstRow(context);
  return context;
}

/** Does something at a pace and notes how long it took and the long tasks meanwhile. */
async function measure(name, page, rate, work) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Emulation.setCPUThrottlingRate', { rate });
  await page.evaluate(() => (window.tasks.length = 0)).catch(() => undefined);
  if (PROFILE) {
    await cdp.send('Profiler.enable');
    await cdp.send('Profiler.setSamplingInterval', { interval: 250 });
    await cdp.send('Profiler.start');
  }
  const since = performance.now();
  const extra = await work();
  const ms = performance.now() - since;
  if (PROFILE) {
    const { profile } = await cdp.send('Profiler.stop');
    writeFileSync(`${PROFILE}/${name.replaceAll(/\W+/g, '-')}-${rate}-${found.length}.cpuprofile`, JSON.stringify(profile));
  }
  // Entries of the observer come a moment after their task.
  const tasks = await page.evaluate(() => new Promise((resolve) => setTimeout(() => resolve(window.tasks), 100)));
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  await cdp.detach();
  const lengths = tasks.map(([, length]) => length);
  const row = { name, rate, ms, longest: Math.max(0, ...lengths), count: lengths.length, total: lengths.reduce((a, b) => a + b, 0), ...extra };
  found.push(row);
}

const synced = (page) => page.waitForSelector('.sync-chip[data-state=done][data-waiting="0"]', { timeout: SYNC_MS });

async function firstSync(rate) {
  const context = await phone();
  const page = await context.newPage();
  await page.goto(`${address}/people`);
  await page.fill('#user', user);
  await page.fill('#password', password);
  await measure('first sync', page, rate, async () => {
    const begun = await page.evaluate(() => {
      document.querySelector('button[type=submit]').click();
      return performance.now();
    });
    const usable = (await page.evaluate(() => window.firstRow)) - begun;
    await synced(page);
    return { usable };
  });
  return context;
}

async function coldStart(context, rate) {
  const page = await context.newPage();
  await measure('cold start', page, rate, async () => {
    await page.goto(`${address}/people`);
    return { usable: await page.evaluate(() => window.firstRow) };
  });
  await page.close();
}

const saves = async (page, count) => await page.evaluate((made) => window.bench.seed(made), someVisits(count));

async function day(context, rate) {
  const page = await context.newPage();
  await page.goto(`${address}/`);
  await synced(page);
  await page.waitForSelector('.visit-row');
  await measure('opening the list of people', page, rate, async () => {
    await page.click('nav a[href="/people"]');
    await page.waitForSelector('[data-at="0"]');
  });
  await measure('search, letter by letter', page, rate, async () => {
    await page.locator('.people__tools input[type=search]').pressSequentially('zhangwei', { delay: 150 });
  });
  await page.locator('.people__tools input[type=search]').fill('');
  await context.setOffline(true);
  await page.waitForSelector('.sync-chip[data-state=offline]');
  await changesOfOthers();
  await measure('changes of others come', page, rate, async () => {
    await context.setOffline(false);
    await synced(page);
  });
  await context.setOffline(true);
  await page.waitForSelector('.sync-chip[data-state=offline]');
  await measure('saves, nothing waits', page, rate, () => saves(page, SAVES));
  await saves(page, WAITING_MANY - 2 * SAVES);
  await measure('saves, many wait', page, rate, () => saves(page, SAVES));
  await measure('many changes go', page, rate, async () => {
    await context.setOffline(false);
    await synced(page);
  });
  await page.close();
}

for (const rate of RATES) {
  const context = await firstSync(rate);
  const page = context.pages()[0];
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await page.waitForSelector('[data-at="0"]');
  await page.close();
  await context.setOffline(true);
  for (let round = 0; round < 3; round += 1) await coldStart(context, rate);
  await context.setOffline(false);
  await day(context, rate);
  await context.close();
}
await browser.close();
console.log(JSON.stringify(found));
process.exit(0);
