// What happens to records besides changes: they move to another village, are erased, begin anew; and a phone's storage is copied.
import { expect, test } from '@playwright/test';
import { Device, masked } from '../harness/device.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
const OTHER = '盖海和';
const NEIGHBOUR = '211381103200';

async function syncNow(device: Device): Promise<void> {
  await device.go('/sync');
  await device.page.getByRole('button', { name: '立即同步' }).click();
  await device.expectSynced();
}

/** The names that the list shows for a search. */
async function found(device: Device, name: string): Promise<string[]> {
  await device.go('/people');
  await expect(device.page.locator('[data-at="0"]')).toBeVisible();
  return await device.search(name);
}

test('a person moves to another village while the old one writes without signal', async () => {
  const server = await Server.start();
  server.addVillager('syc', '测试员', NEIGHBOUR);
  const old = await Device.open(server.url);
  const fresh = await Device.open(server.url);
  await old.enrol('cys');
  await fresh.enrol('syc');
  const id = await old.openPerson(PERSON);
  expect(await found(fresh, PERSON)).toEqual([]);

  // Without signal: a new phone number.
  await old.offline(true);
  await old.openForm(id);
  await old.page.locator('#phones input[type=tel]').first().fill('15411112222');
  await old.save();
  await old.expectWaiting(1);
  expect(server.command('record', 'move', '--id', id, '--to', NEIGHBOUR)).toMatch(/^[1-9]\d* records moved/);

  // What was written is taken along; then the file is no longer on this phone, and nothing is refused.
  await old.offline(false);
  await syncNow(old);
  await syncNow(old);
  expect(await found(old, PERSON)).toEqual([]);
  await old.go('/sync');
  await expect(old.page.getByText('被服务器退回的修改')).toHaveCount(0);
  await syncNow(fresh);
  expect(await found(fresh, PERSON)).toEqual([PERSON]);
  await fresh.go(`/people/${id}`);
  await expect(fresh.phones).toHaveText(masked('15411112222'));
  await fresh.go(`/people/${id}/history`);
  await expect(fresh.page.getByText('李春梅').first()).toBeVisible();

  expect([...old.complaints, ...fresh.complaints]).toEqual([]);
  await Promise.all([old.dispose(), fresh.dispose()]);
  await server.dispose();
});

test('an erased visit leaves no byte on a phone, and what waits for it does not bring it back', async () => {
  const facts = '这一条以后要删除的内容';
  const server = await Server.start();
  const village = await Device.open(server.url);
  const township = await Device.open(server.url);
  await village.enrol('cys');
  await township.enrol('sy');
  const path = await village.logVisit({ person: PERSON, facts });
  await village.expectSynced();
  await syncNow(township);
  await township.go(path);
  await expect(township.page.getByText(facts, { exact: true })).toBeVisible();
  const held = await village.rows('row');

  // The township adds a note without signal, while the record is erased.
  await township.offline(true);
  await township.page.locator('main textarea').fill('离线时补充的一条');
  await township.page.getByRole('button', { name: '保存补充' }).click();
  await township.expectWaiting(1);
  expect(server.command('record', 'erase', '--id', path.split('/').at(-1) ?? '')).toContain('erased');
  expect(server.command('erasures')).toContain('not yet read by');

  await township.offline(false);
  for (const device of [village, township]) {
    await syncNow(device);
    await syncNow(device);
    await device.go(path);
    await expect(device.page.getByText('本机没有这条记录')).toBeVisible();
  }
  // What is left on a disk is looked at where it lies in clear: `an_erased_document_leaves_nothing_on_any_phone` of the core.
  expect(await village.rows('row')).toBeLessThan(held);
  expect(server.command('erasures')).toContain('read by every phone');
  const fresh = await Device.open(server.url);
  await fresh.enrol('cys');
  await fresh.go(path);
  await expect(fresh.page.getByText('本机没有这条记录')).toBeVisible();
  await Promise.all([village.dispose(), township.dispose(), fresh.dispose()]);
  await server.dispose();
});

test('a record begins anew, and an edit on its old history is made again', async () => {
  const server = await Server.start();
  const village = await Device.open(server.url);
  await village.enrol('cys');
  const id = await village.openPerson(OTHER);
  await village.offline(true);
  await village.openForm(id);
  await village.page.locator('#phones input[type=tel]').first().fill('15455556666');
  await village.save();
  await village.expectWaiting(1);
  expect(server.command('record', 'erase-fields', '--id', id, '--key', 'address')).toMatch(/changes became/);
  await village.offline(false);
  await syncNow(village);
  await syncNow(village);
  await village.go(`/people/${id}`);
  await expect(village.phones).toHaveText(masked('15455556666'));
  await expect(village.page.locator('.facts').getByText(/朝阳寺村.+组/)).toHaveCount(0);
  const fresh = await Device.open(server.url);
  await fresh.enrol('cys');
  expect(await fresh.heads(id)).toBe(await village.heads(id));
  expect([...village.complaints, ...fresh.complaints]).toEqual([]);
  await Promise.all([village.dispose(), fresh.dispose()]);
  await server.dispose();
});

test('a copied phone is told so, and both go on without losing anything', async () => {
  const server = await Server.start();
  const phone = await Device.open(server.url);
  await phone.enrol('cys');
  await phone.logVisit({ person: PERSON, facts: '复制之前' });
  await phone.expectSynced();
  const copy = await phone.copy();
  const own = await phone.logVisit({ person: PERSON, facts: '原来的手机记的' });
  await phone.expectSynced();
  const other = await copy.logVisit({ person: OTHER, facts: '复制的手机记的' });
  await copy.expectState('attention');
  await copy.expectWaiting(1);
  await copy.go('/sync');
  await copy.page.getByRole('link', { name: '重新登录' }).click();
  await expect(copy.page.getByText('这部手机的数据像是从别处复制来的')).toBeVisible();
  await copy.typeSignIn('cys');
  await copy.expectSynced();
  await syncNow(phone);
  await syncNow(copy);
  for (const device of [phone, copy]) {
    for (const [path, facts] of [[own, '原来的手机记的'], [other, '复制的手机记的']] as const) {
      await device.go(path);
      await expect(device.page.getByText(facts, { exact: true })).toBeVisible();
    }
  }
  await Promise.all([phone.dispose(), copy.dispose()]);
  await server.dispose();
});
