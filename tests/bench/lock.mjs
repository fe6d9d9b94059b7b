// What the lock and the sealing cost: from the last digit of the PIN to the first row at 6x CPU throttle; and the cold start and saves of
// a sealed store beside those of one in clear, in the same run. The app must be built with its feature `bench`, which asks for a PIN,
// or leaves a store in clear, only if the page says so. Prints one line of JSON.
// Usage: node lock.mjs <address> <user> <password>
import { launch, noteFirstRow, someVisits } from './phone.mjs';

const [address, user, password] = process.argv.slice(2);
const ROUNDS = 5;
const THROTTLE = 6;
const SAVES = 50;
const PIN = '280419';
const SYNC_MS = 600_000;

const browser = await launch();

/** A phone with everything on it, set up so; without a network from then on. */
async function phone(setting) {
  const context = await browser.newContext({ viewport: { width: 360, height: 800 }, locale: 'zh-CN' });
  if (setting) await context.addInitScript((name) => localStorage.setItem(name, 'yes'), setting);
  await noteFirstRow(context);
  const page = await context.newPage();
  await page.goto(`${address}/people`);
  await page.fill('#user', user);
  await page.fill('#password', password);
  await page.click('button[type=submit]');
  if (setting === 'zoufang.bench.pin') {
    await page.fill('#new-pin', PIN);
    await page.fill('#new-pin-again', PIN);
    await page.click('button[type=submit]');
  }
  await page.waitForSelector('.sync-chip[data-state=done][data-waiting="0"]', { timeout: SYNC_MS });
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.close();
  await context.setOffline(true);
  return context;
}

async function throttled(context) {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: THROTTLE });
  return page;
}

async function unlock(context) {
  const page = await throttled(context);
  await page.goto(`${address}/people`);
  await page.fill('#pin', PIN.slice(0, -1));
  const typed = await page.evaluate((pin) => {
    const field = document.querySelector('#pin');
    field.value = pin;
    const since = performance.now();
    field.dispatchEvent(new Event('input', { bubbles: true }));
    return since;
  }, PIN);
  const drawn = await page.evaluate(() => window.firstRow);
  await page.close();
  return drawn - typed;
}

async function coldStart(context) {
  const page = await throttled(context);
  await page.goto(`${address}/people`);
  const ms = await page.evaluate(() => window.firstRow);
  await page.close();
  return ms;
}

async function saves(context) {
  const page = await throttled(context);
  await page.goto(`${address}/`);
  await page.waitForSelector('.sync-chip[data-state=offline]');
  const ms = await page.evaluate(async (made) => {
    const since = performance.now();
    await window.bench.seed(made);
    return performance.now() - since;
  }, someVisits(SAVES));
  await page.close();
  return ms / SAVES;
}

const found = { unlock: [], cold: { sealed: [], clear: [] }, save: { sealed: [], clear: [] } };
const locked = await phone('zoufang.bench.pin');
for (let round = 0; round < ROUNDS; round += 1) found.unlock.push(await unlock(locked));
await locked.close();
const [sealed, clear] = [await phone(), await phone('zoufang.bench.clear')];
// One beside the other, so that what else the machine does falls on both.
for (let round = 0; round < ROUNDS; round += 1) {
  found.cold.sealed.push(await coldStart(sealed));
  found.cold.clear.push(await coldStart(clear));
  found.save.sealed.push(await saves(sealed));
  found.save.clear.push(await saves(clear));
}
await browser.close();
console.log(JSON.stringify(found));
