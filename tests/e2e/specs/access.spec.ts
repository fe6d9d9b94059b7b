// Sensitive values: masked on every page; in full for a reason, for a minute, after the reading was kept; and who reads the log of it.
import { expect, test } from '@playwright/test';
import { Device, masked } from '../harness/device.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
const MINUTE = 60_000;

/** How many readings wait on a device. */
async function waiting(device: Device): Promise<number> {
  return await device.rows('reading');
}

test('a number is masked, is shown for a reason and a minute, and the log says so to those who may read it', async () => {
  test.setTimeout(300_000);
  const server = await Server.start();
  const village = await Device.open(server.url);
  await village.enrol('cys');
  const { page } = village;
  const id = await village.openPerson(PERSON);
  await village.openForm(id);
  await page.locator('#phones input[type=tel]').first().fill('15411112222');
  await village.save();
  await expect(village.phones.first()).toHaveText(masked('15411112222'));
  await village.expectSynced();

  // Nowhere in the page, its history or its form: not hidden, but not there.
  for (const path of [`/people/${id}`, `/people/${id}/history`, `/people/${id}/edit`]) {
    await village.go(path);
    await expect(page.getByText(masked('15411112222')).first()).toBeVisible();
    expect(await page.content(), path).not.toContain('15411112222');
    for (const field of await page.locator('input').all()) expect(await field.inputValue()).not.toContain('15411112222');
  }

  // Without a line. A second thought leaves nothing in the log.
  await page.clock.install();
  await village.go(`/people/${id}`);
  await village.offline(true);
  const line = page.locator('.phone-line').first();
  await line.getByRole('button', { name: '看全' }).click();
  await expect(page.getByRole('dialog')).toContainText('为什么要看完整的号码');
  await page.getByRole('dialog').getByRole('button', { name: '取消' }).click();
  expect(await waiting(village)).toBe(0);
  await line.getByRole('button', { name: '看全' }).click();
  await page.locator('[data-why=identity]').click();
  await expect(village.phones.first()).toHaveText('15411112222');
  expect(await waiting(village)).toBe(1);
  await page.clock.fastForward(MINUTE + 2_000);
  await expect(village.phones.first()).toHaveText(masked('15411112222'));
  expect(await page.content()).not.toContain('15411112222');

  // Hidden by hand, and when the page is.
  await line.getByRole('button', { name: '看全' }).click();
  await page.locator('[data-why=correct]').click();
  await expect(village.phones.first()).toHaveText('15411112222');
  await line.getByRole('button', { name: /隐藏/ }).click();
  await expect(village.phones.first()).toHaveText(masked('15411112222'));

  // One tap calls: that is a reading, too.
  await page.evaluate(() => {
    document.addEventListener('click', (event) => {
      const link = (event.target as Element).closest('a[href^="tel:"]');
      if (!link) return;
      event.preventDefault();
      document.documentElement.dataset['dialled'] = link.getAttribute('href') ?? '';
    });
  });
  await line.getByRole('button', { name: '打电话' }).click();
  await expect(page.locator('html[data-dialled="tel:15411112222"]')).toBeAttached();
  expect(await waiting(village)).toBe(3);
  // The ID number is not for a village worker.
  await expect(page.locator('.facts').getByText(/\d{6}\*{8}\w{4}/)).toBeVisible();
  await expect(page.locator('.facts').getByRole('button', { name: '看全' })).toHaveCount(0);

  // With the next sync they are the server's.
  await village.offline(false);
  await village.go('/sync');
  await village.settled(async () => await page.getByRole('button', { name: '立即同步' }).click());
  await expect.poll(async () => await waiting(village)).toBe(0);

  // The township sees the ID number for a reason, and tells the person who asks who looked.
  const township = await Device.open(server.url, { width: 1280 });
  await township.enrol('syhead');
  await township.openPerson(PERSON);
  await township.page.locator('.facts').getByRole('button', { name: '看全' }).click();
  await expect(township.page.locator('[data-why=call]')).toHaveCount(0);
  await township.page.locator('[data-why=benefit]').click();
  await expect(township.page.locator('.facts .sensitive__value')).toHaveText(/^\d{17}[\dX]$/);
  await expect.poll(async () => await waiting(township)).toBe(0);
  await township.page.getByRole('link', { name: '谁看过' }).click();
  await expect(township.page.locator('.access-line')).toHaveCount(4);
  const told = await township.page.locator('main').innerText();
  for (const words of ['李春梅', '赵国栋', '核对身份', '打电话联系', '办理待遇或证件', '身份证号']) expect(told).toContain(words);
  expect(told).not.toContain('15411112222');
  await township.go('/more');
  await township.page.getByRole('link', { name: '查看记录' }).click();
  await expect(township.page.locator('.access-line').first()).toContainText(`看了${PERSON}的身份证号`);

  // The privacy officer reads that it was read, and not of whom.
  const officer = await Device.open(server.url);
  await officer.enrol('privacy');
  await officer.go('/more/access');
  await expect(officer.page.locator('.access-line')).toHaveCount(4);
  await expect(officer.page.locator('.access-head')).toContainText('第 4 条');
  expect(await officer.page.content()).not.toContain(PERSON);

  for (const text of ['15411112222', PERSON]) expect(server.log).not.toContain(text);
  expect(server.command('access-log', 'check')).toContain('4 readings, chain whole');
  expect([...village.complaints, ...township.complaints, ...officer.complaints]).toEqual([]);
  await Promise.all([village.dispose(), township.dispose(), officer.dispose()]);
  await server.dispose();
});

test('what cannot be noted is not shown, and what the log lacks outlives a sign-out', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.enrol('cys');
  const { page } = device;
  const id = await device.openPerson(PERSON);
  await device.offline(true);
  const line = page.locator('.phone-line').first();
  const shown = await device.phones.first().innerText();
  await page.evaluate(() => {
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (...args: Parameters<typeof put>) {
      if (this.name === 'reading') throw new DOMException('full', 'QuotaExceededError');
      return put.apply(this, args);
    };
  });
  await line.getByRole('button', { name: '看全' }).click();
  await page.locator('[data-why=identity]').click();
  await expect(page.getByRole('dialog').locator('.notice')).toBeVisible();
  await expect(device.phones.first()).toHaveText(shown);
  await page.getByRole('dialog').getByRole('button', { name: '取消' }).click();
  await line.getByRole('button', { name: '打电话' }).click();
  await expect(page.locator('main .notice[data-kind=problem]').first()).toBeVisible();
  expect(await waiting(device)).toBe(0);

  // Signed out without a line: the reading is still there, for the same person and for nobody else.
  await device.go(`/people/${id}`);
  await page.locator('.phone-line').first().getByRole('button', { name: '看全' }).click();
  await page.locator('[data-why=identity]').click();
  await expect(device.phones.first()).not.toHaveText(shown);
  await device.go('/more');
  await page.getByRole('button', { name: '退出登录' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '退出登录' }).click();
  await expect(page.locator('.toast')).toContainText('没有上传的内容还在本机');
  expect(await waiting(device)).toBe(1);
  await device.offline(false);
  await device.go('/sign-in');
  await device.typeSignIn('sy');
  await expect(page.locator('main .notice[data-kind=problem]')).toContainText('1');
  await device.typeSignIn('cys');
  await device.expectSynced();
  await expect.poll(async () => await waiting(device)).toBe(0);
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
});
