// What others write comes by itself, by the server's news, long before a phone asks on its own.
import { expect, test } from '@playwright/test';
import { Device, masked } from '../harness/device.ts';
import { Line } from '../harness/line.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
/** A phone asks by itself every 60 s; news are a few seconds away. */
const SOON = { timeout: 20_000 };

async function phoneNumber(device: Device, id: string): Promise<void> {
  await device.openForm(id);
  await device.page.locator('#phones input[type=tel]').first().fill('15411112222');
  await device.save();
  await device.expectSynced();
}

test('what another phone writes is here within seconds, and an own save asks the server once', async () => {
  const server = await Server.start();
  const [writer, reader] = [await Device.open(server.url), await Device.open(server.url)];
  await writer.enrol('cys');
  await reader.enrol('cys');
  const id = await reader.settled(() => reader.openPerson(PERSON));
  await writer.settled(() => writer.openForm(id));
  const asked: string[] = [];
  for (const [name, device] of [['writer', writer], ['reader', reader]] as const) {
    device.page.on('request', (request) => request.url().endsWith('/api/v1/sync') && asked.push(name));
  }

  await writer.page.locator('#phones input[type=tel]').first().fill('15411112222');
  await writer.save();
  await expect(reader.phones.first()).toHaveText(masked('15411112222'), SOON);
  // The news of the own save came to the writer as well, who waits before it asks, and then has no reason to.
  await writer.page.waitForTimeout(4_000);
  expect(asked.sort()).toEqual(['reader', 'writer']);

  expect([...writer.complaints, ...reader.complaints]).toEqual([]);
  await Promise.all([writer.dispose(), reader.dispose()]);
  await server.dispose();
});

test('a stream that breaks is opened again, and what was missed comes with it', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const [writer, reader] = [await Device.open(server.url), await Device.open(line.url)];
  await writer.enrol('cys');
  await reader.enrol('cys');
  const id = await reader.openPerson(PERSON);
  await line.down();
  await phoneNumber(writer, id);
  await line.up();
  await expect(reader.phones.first()).toHaveText(masked('15411112222'), SOON);

  expect([...writer.complaints, ...reader.complaints]).toEqual([]);
  await Promise.all([writer.dispose(), reader.dispose()]);
  await line.close();
  await server.dispose();
});

test('the first sync has the line for itself', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.enrol('cys');
  const seen: string[] = [];
  const note = (what: string) => (message: { url(): string }) => {
    const name = /\/api\/v1\/(sync|news)$/.exec(message.url())?.[1];
    if (name) seen.push(`${name} ${what}`);
  };
  device.page.on('request', note('asked'));
  device.page.on('response', note('answered'));
  await device.reload();
  await expect.poll(() => seen.includes('news asked'), SOON).toBe(true);
  expect(seen.slice(0, 3)).toEqual(['sync asked', 'sync answered', 'news asked']);

  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
});
