// A phone that finds no line: what waits goes as a file to a computer that has one. A locked phone can make it; nobody can read it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { Device } from '../harness/device.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
const FACTS = ['东墙裂了一道缝', '想学开收割机'] as const;
const HASH_BYTES = 32;

/** Has a phone make the file, and gives its name and bytes. */
async function made(device: Device): Promise<{ name: string; bytes: Buffer }> {
  await device.page.getByRole('button', { name: '做成文件' }).click();
  const [download] = await Promise.all([
    device.page.waitForEvent('download'),
    device.page.getByRole('button', { name: '存到手机' }).click(),
  ]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** Hands a file in on a computer, and gives what it says. */
async function handIn(device: Device, bytes: Buffer, name = 'phone.zoufang'): Promise<string> {
  await device.go('/more/carry');
  const place = device.page.locator('#hand-in');
  await place.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/octet-stream', buffer: bytes });
  await expect(place.locator('.notice')).toBeVisible();
  return await place.locator('.notice').innerText();
}

test('what waits on a phone without a line is carried to a computer and handed in', async () => {
  const server = await Server.start();
  const [phone, office] = [await Device.open(server.url), await Device.open(server.url, { width: 1280 })];
  await phone.enrol('cys');
  await office.enrol('sy');
  await phone.introduced();
  await phone.go('/more/carry');
  await phone.page.getByRole('button', { name: '做成文件' }).click();
  await expect(phone.page.getByText('没有要上交的')).toBeVisible();

  await phone.offline(true);
  const paths = [await phone.logVisit({ person: PERSON, facts: FACTS[0] }), await phone.logVisit({ person: PERSON, facts: FACTS[1] })];
  await phone.go('/sync');
  await phone.page.getByRole('link', { name: '带文件上交' }).click();
  const { name, bytes } = await made(phone);
  expect(name).toMatch(/^zoufang-\d{4}-\d\d-\d\d-2\.zoufang$/);
  for (const text of [PERSON, ...FACTS]) expect(bytes.includes(Buffer.from(text))).toBe(false);
  await phone.expectWaiting(2);

  // Where the browser shares files it is text that it shares; where it does not after all, the file is downloaded.
  await phone.page.evaluate(() => {
    Object.assign(navigator, {
      canShare: () => true,
      share: async ({ files: [file] }: { files: [File] }) => {
        document.documentElement.dataset['shared'] = `${file.type} ${file.name}`;
        throw new DOMException('', 'NotAllowedError');
      },
    });
  });
  await phone.page.getByRole('button', { name: '做成文件' }).click();
  const [instead] = await Promise.all([phone.page.waitForEvent('download'), phone.page.getByRole('button', { name: '发送到' }).click()]);
  expect(instead.suggestedFilename()).toBe(name);
  await expect(phone.page.locator('html')).toHaveAttribute('data-shared', `text/plain ${name}.txt`);

  // What is not whole, or not what the phone has signed, brings nothing.
  const touched = Buffer.from(bytes);
  touched[touched.length - HASH_BYTES - 1]! ^= 1;
  expect(await handIn(office, touched)).toContain('文件不完整');
  expect(await handIn(office, bytes.subarray(0, bytes.length - 1))).toContain('文件不完整');
  expect(await handIn(office, Buffer.from('%PDF-1.7'), 'other.zoufang')).toContain('这不是走访的文件');
  const forged = touched.subarray(0, touched.length - HASH_BYTES);
  expect(await handIn(office, Buffer.concat([forged, createHash('sha256').update(forged).digest()]))).toContain('服务器不认这个文件');
  await office.offline(true);
  expect(await handIn(office, bytes)).toContain('没有网络');
  await office.offline(false);

  for (let time = 0; time < 2; time += 1) expect(await handIn(office, bytes)).toContain('2 条修改已在服务器上');
  await office.go('/sync');
  await office.settled(async () => await office.page.getByRole('button', { name: '立即同步' }).click());
  for (const [at, path] of paths.entries()) {
    await office.go(path);
    await expect(office.page.getByText(FACTS[at] ?? '', { exact: true })).toBeVisible();
  }

  // The phone has its receipts with its next sync, and there is nothing twice.
  await phone.offline(false);
  await phone.go('/sync');
  await phone.expectSynced();
  const id = await phone.openPerson(PERSON);
  await phone.go(`/people/${id}`);
  for (const path of paths) await expect(phone.page.locator(`a[href="${path}"]`)).toHaveCount(1);
  for (const text of [...FACTS, PERSON]) expect(server.log).not.toContain(text);
  expect([...phone.complaints, ...office.complaints]).toEqual([]);
  await Promise.all([phone.dispose(), office.dispose()]);
  await server.dispose();
});

test('a phone whose PIN is forgotten makes the file; one that was ended is told apart', async () => {
  const server = await Server.start();
  const [phone, head] = [await Device.open(server.url), await Device.open(server.url, { width: 1280 })];
  await phone.enrol('cys');
  await head.enrol('syhead');
  await phone.introduced();
  await phone.offline(true);
  await phone.logVisit({ person: PERSON, facts: FACTS[0] });
  await phone.page.reload();
  await expect(phone.page.locator('#pin')).toBeVisible();
  await phone.page.getByRole('button', { name: '忘记' }).click();
  const { bytes } = await made(phone);

  await head.go('/more/devices');
  const line = head.page.locator('.device-row', { hasText: '李春梅' }).filter({ hasText: '我的手机' });
  await line.getByRole('button', { name: '丢失或停用' }).click();
  await head.page.locator('dialog[open] .button--primary').click();
  await expect(line).toHaveAttribute('data-state', 'revoked');
  expect(await handIn(head, bytes)).toContain('那部手机已经停用');
  // The computer is not the phone: it is not wiped by what the server says to that one.
  await head.go('/more/late');
  await expect(head.page.locator('.late-row', { hasText: FACTS[0] })).toBeVisible();
  expect(await head.peopleCount()).toBeGreaterThan(600);
  expect(head.complaints).toEqual([]);
  await Promise.all([phone.dispose(), head.dispose()]);
  await server.dispose();
});
