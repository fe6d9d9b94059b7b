// The phone dies at every place at which it writes: before each transaction of the app's store, after its first row, and before
// it is complete. What a person was told is saved is there afterwards, and at the server once.
import { expect, test } from '@playwright/test';
import { DEAD, POINTS, dieAt, type Death } from '../harness/death.ts';
import { Device } from '../harness/device.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
/** What a worker does within one page from a person's on: a visit without signal, then a new address with it. */
async function work(device: Device, mark: string, said: string[]): Promise<void> {
  const { page } = device;
  await device.offline(true);
  await page.locator('main').getByRole('link', { name: '新走访' }).click();
  const text = `${mark}，没有信号`;
  await device.fillVisit({ reason: 'routine', facts: text });
  await device.save();
  said.push(text);
  await device.settled(() => device.offline(false));
  await page.locator('main').getByRole('link', { name: PERSON }).click();
  await page.locator('main').getByRole('link', { name: '修改', exact: true }).click();
  await page.locator('#address').fill(mark);
  await device.settled(() => device.save());
}

test('a phone that dies at any place at which it writes has what it said it saved', async () => {
  test.setTimeout(900_000);
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.enrol('cys');
  await device.close();
  const said: string[] = [];

  /** One life of the same phone; gives how many writing transactions there were if it did not die. */
  const live = async (death: Death, mark: string): Promise<number | undefined> => {
    await device.start();
    const { page } = device;
    const dead = new Promise<undefined>((resolve) => page.on('console', (message) => message.text() === DEAD && resolve(undefined)));
    await page.addInitScript(dieAt, { death, word: DEAD });
    // It is charged and opened again: what was said to be saved is there, once, and goes up.
    await device.go('/');
    await device.expectSynced();
    // What the start itself writes is no part of the work.
    await device.settled(() => device.openPerson(PERSON));
    for (const text of said) await expect(page.locator('.row', { hasText: text }), `before ${mark}: ${text}`).toHaveCount(1);
    await page.evaluate(() => Object.assign(window, { writes: 0 }));
    const done = work(device, mark, said).then(async () => await page.evaluate(() => (window as unknown as { writes: number }).writes));
    const writes = await Promise.race([dead, done]);
    await device.kill();
    await done.catch(() => undefined);
    return writes;
  };

  const whole = (await live({ at: 0, point: 'begin' }, '全程')) ?? 0;
  expect(whole).toBeGreaterThan(5);
  const met: string[] = [];
  for (let at = 1; at <= whole; at += 1) {
    for (const point of POINTS) {
      const mark = `第${at}次${point}`;
      if ((await live({ at, point }, mark)) === undefined) met.push(mark);
    }
  }
  console.log(`the phone died at ${met.length} places in ${whole} transactions`);
  // How many drafts are kept depends on how quickly is typed: nearly every place must be met, not every one.
  expect(met.length).toBeGreaterThanOrEqual((whole - 2) * POINTS.length);

  // At the server each is there once.
  const fresh = await Device.open(server.url);
  await fresh.enrol('cys');
  await fresh.openPerson(PERSON);
  for (const text of said) await expect(fresh.page.locator('.row', { hasText: text }), text).toHaveCount(1);
  await Promise.all([fresh.dispose(), device.dispose()]);
  await server.dispose();
});
