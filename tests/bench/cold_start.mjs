// Cold start, offline: signs in, waits until everything is on the device, then opens the list in a new page, again and
// again, with the network off, at full speed and at 6x CPU throttle. Prints one line of JSON.
// Usage: node cold_start.mjs <address> <user> <password>
import { launch, noteFirstRow } from './phone.mjs';

const [address, user, password] = process.argv.slice(2);
const ROUNDS = 5;

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 360, height: 800 } });
await noteFirstRow(context);
const page = await context.newPage();
await page.goto(address);
await page.fill('#user', user);
await page.fill('#password', password);
await page.click('button[type=submit]');
await page.waitForSelector('.sync-chip[data-state=done]', { timeout: 300_000 });
await page.evaluate(() => navigator.serviceWorker.ready);
await page.goto(`${address}/people`);
await page.waitForSelector('[data-at="0"]');
await context.setOffline(true);

async function coldStart(rate) {
  const fresh = await context.newPage();
  const cdp = await context.newCDPSession(fresh);
  await cdp.send('Emulation.setCPUThrottlingRate', { rate });
  await fresh.goto(`${address}/people`);
  const ms = await (await fresh.waitForFunction(() => window.firstRow, undefined, { timeout: 120_000 })).jsonValue();
  await fresh.close();
  return ms;
}

const people = Number.parseInt(await page.locator('.people__tools [role=status]').innerText(), 10);
await page.close();
const found = { full: [], slow: [], people };
for (let round = 0; round < ROUNDS; round += 1) {
  found.full.push(await coldStart(1));
  found.slow.push(await coldStart(6));
}
await browser.close();
console.log(JSON.stringify(found));
