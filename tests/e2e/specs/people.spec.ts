// Finding people as people type, a long list without jank, the keyboard, and the office.
import { expect, test } from '@playwright/test';
import { Device } from '../harness/device.ts';
import { Server } from '../harness/server.ts';

test('people are found by name, pinyin, initials, last four digits and village', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url, { width: 1280 });
  await device.enrol('sy');
  expect(await device.peopleCount()).toBe(679);

  // Only the rows in sight are drawn.
  expect(await device.page.locator('.person-row').count()).toBeLessThan(60);

  for (const text of ['高革强', 'gaogeqiang', 'ggq', 'gao gq', '革强']) expect(await device.search(text), text).toContain('高革强');
  await device.search('高革强');
  await device.page.locator('.person-row').first().click();
  const phone = await device.phones.first().innerText();
  expect(await device.search(phone.trim().slice(-4))).toContain('高革强');
  // A village by its initials, and by its name.
  expect((await device.search('朝阳寺')).length).toBeGreaterThan(5);
  expect(await device.search('没有这个人')).toEqual([]);
  await expect(device.page.getByText('没有找到')).toBeVisible();

  // ID numbers are masked on every page of a person.
  await device.search('高革强');
  await device.page.locator('.person-row').first().click();
  await expect(device.page.getByText(/\d{6}\*{8}\w{4}/)).toBeVisible();
  expect(await device.page.locator('main').innerText()).not.toMatch(/\d{17}[\dX]/);
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
});

test('an ID number that no record takes is told before it is saved', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.enrol('cys');
  await device.go('/people/new');
  await device.page.locator('#name').fill('张试');
  await device.page.locator('#id_number').fill('211381 19480305 12345');
  await device.page.locator('form button[type=submit]').click();
  await expect(device.page.locator('.error-summary')).toContainText('证件号最多 18 位');
  // One that only looks wrong is taken, with spaces as people type them.
  await device.page.locator('#id_number').fill('211381 19480305 123x');
  await device.save();
  await device.expectSynced();
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
});

test('a list, a person and a form by the keyboard alone', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url, { width: 1280 });
  await device.enrol('sy');
  await device.go('/people');
  await expect(device.page.locator('[data-at="0"]')).toBeVisible();
  const { keyboard } = device.page;
  await keyboard.press('/');
  await keyboard.type('ggq');
  await keyboard.press('ArrowDown');
  await expect(device.page.locator('[data-at="0"]')).toBeFocused();
  await keyboard.press('Enter');
  await expect(device.page.locator('.person__name')).toHaveText('高革强');

  // The way back keeps the search.
  await device.page.goBack();
  await expect(device.page.locator('.people__tools input[type=search]')).toHaveValue('ggq');
  await device.page.goForward();

  // From the person to a new visit, and an empty form names what is missing and leads there.
  await device.page.getByRole('main').getByRole('link', { name: '新走访' }).focus();
  await keyboard.press('Enter');
  await expect(device.page.locator('form')).toBeVisible();
  await device.page.locator('form button[type=submit]').focus();
  await keyboard.press('Enter');
  await expect(device.page.locator('.error-summary')).toBeFocused();
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await expect(device.page.locator('#channel input').first()).toBeFocused();
  await keyboard.press('Space');
  await expect(device.page.locator('#channel input').first()).toBeChecked();
  await device.dispose();
  await server.dispose();
});

test('the city reads figures and recent visits of all units, and no file', async () => {
  const server = await Server.start();
  const city = await Device.open(server.url, { width: 1280 });
  await city.enrol('city');
  // No list that stays empty, and no word of a button that is not there: the figures are what this account is for.
  await expect(city.page.locator('.nav a[href="/people"]')).toBeHidden();
  await city.page.setViewportSize({ width: 360, height: 800 });
  await expect(city.page.locator('.nav a[href="/office"]')).toBeVisible();
  await city.page.locator('main .empty a[href="/office"]').click();
  await expect(city.page.locator('.nav a[href="/office"]')).toHaveAttribute('aria-current', 'page');
  await city.page.setViewportSize({ width: 1280, height: 800 });
  await expect(city.page.locator('.table').first().locator('tbody tr')).toHaveCount(333);
  await expect(city.page.getByText('最近走访')).toBeVisible();
  expect(await city.page.locator('main').innerText()).not.toMatch(/\d{11}/);
  await city.go('/people');
  await expect(city.page.locator('.person-row')).toHaveCount(0);
  expect(city.complaints).toEqual([]);
  await city.dispose();
  await server.dispose();
});

test('a village worker sees no office pages and no other village', async () => {
  const server = await Server.start();
  const village = await Device.open(server.url, { width: 1280 });
  await village.enrol('cys');
  await expect(village.page.locator('.nav a[href="/sync"]')).toBeVisible();
  await expect(village.page.locator('.nav a[href="/office"]')).toBeHidden();
  await village.go('/office');
  await expect(village.page.locator('.empty')).toBeVisible();
  await expect(village.page.locator('.table')).toHaveCount(0);
  await village.dispose();
  await server.dispose();
});

test('what was promised on a visit, and what a household was given, is kept and read back', async () => {
  const server = await Server.start();
  const village = await Device.open(server.url);
  await village.enrol('cys');
  const id = await village.openPerson('高革强');
  await village.go(`/visits/new?person=${id}`);
  await village.fillVisit({ channel: 'home', result: 'met', reason: 'routine' });
  await village.page.getByRole('button', { name: '添加承诺' }).click();
  const promise = village.page.locator('#promises .card');
  await promise.getByLabel('答应办什么').fill('带来慢病证的申请表');
  await expect(promise.getByLabel('谁来办')).toHaveValue('李春梅');
  // Without a day it is not yet a promise.
  await village.page.locator('form button[type=submit]').click();
  await expect(village.page.locator('.error-summary')).toContainText('哪天前');
  const day = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
  await promise.locator('input[type=date]').fill(day);
  await village.save();
  await village.page.waitForURL(/\/visits\/[^/]+$/);
  await expect(village.page.locator('.facts')).toContainText('带来慢病证的申请表（李春梅，');

  await village.openForm(id);
  await village.page.locator('#glory_plaque').selectOption('hung');
  await village.page.locator('#glory_plaque_on input[type=date]').fill('2026-07-30');
  await village.page.locator('#preference_card').selectOption('applied');
  await village.save();
  await village.expectSynced();
  const fresh = await Device.open(server.url);
  await fresh.enrol('cys');
  await fresh.go(`/people/${id}`);
  await expect(fresh.page.locator('.facts').filter({ hasText: '光荣牌' })).toContainText('已悬挂');
  await expect(fresh.page.locator('.facts').filter({ hasText: '优待证' })).toContainText('已申请');
  expect(village.complaints).toEqual([]);
  await Promise.all([village.dispose(), fresh.dispose()]);
  await server.dispose();
});

test('colleagues can be named as visitors, and no account of the program itself', async () => {
  const server = await Server.start();
  const township = await Device.open(server.url);
  await township.enrol('sy');
  const id = await township.openPerson('高革强');
  await township.go(`/visits/new?person=${id}`);
  await expect(township.page.locator('#visitors').getByRole('button', { name: '王建军' })).toHaveAttribute('aria-pressed', 'true');
  const names = await township.page.locator('#visitors button').allInnerTexts();
  expect(names.length).toBeGreaterThan(1);
  expect(names).not.toContain('名册导入');
  expect(township.complaints).toEqual([]);
  await township.dispose();
  await server.dispose();
});
