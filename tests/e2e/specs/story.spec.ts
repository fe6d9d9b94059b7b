// The whole path: a visit logged without signal reaches the office; what two people changed meanwhile shows both values;
// cut lines, killed browsers and killed servers lose nothing.
import { expect, test } from '@playwright/test';
import { Device, masked } from '../harness/device.ts';
import { Line } from '../harness/line.ts';
import { Server } from '../harness/server.ts';

const PEOPLE = ['高革强', '陈文志', '董凤林'] as const;
const PERSON = '盖海和';

/** Every route of the app that a village worker can open, for a person. */
function routes(id: string): string[] {
  return ['/', '/people', `/people/${id}`, `/people/${id}/edit`, `/people/${id}/history`, '/people/new', `/visits/new?person=${id}`, `/contacts/new?person=${id}`, '/sync', '/more'];
}

test('a visit logged without signal reaches the office', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const village = await Device.open(line.url);
  const township = await Device.open(server.url, { width: 1280 });

  // Both first-sync: the village has its own people, the township those of all its villages.
  await village.enrol('cys');
  await township.enrol('sy');
  expect(await village.peopleCount()).toBe(32);
  expect(await township.peopleCount()).toBe(679);
  const id = await township.openPerson(PERSON);

  // No signal, and no server either. Every route reloads.
  await village.offline(true);
  await line.down();
  for (const path of routes(id)) {
    await village.go(path);
    await expect(village.page.locator('main h2, main form, main .people__tools, main .today__date, main .timeline').filter({ visible: true }).first()).toBeVisible();
    await village.expectState('offline');
  }

  // Three visits, one contact, and a new phone.
  const facts = '屋顶漏雨，想问修缮补助怎么申请。';
  const first = await village.logVisit({ person: PEOPLE[0], need: 'housing', facts });
  await village.logVisit({ person: PEOPLE[1], channel: 'phone' });
  await village.logVisit({ person: PEOPLE[2], result: 'not_in' });
  await village.logContact('王喆', 'org_life', '想参加支部的学习');
  await village.openForm(id);
  await village.page.locator('#phones input[type=tel]').first().fill('15411112222');
  await village.save();
  await village.expectWaiting(5);
  await village.expectState('offline');

  // Meanwhile the township changes the same phone, and the address.
  await township.openForm(id);
  await township.page.locator('#phones input[type=tel]').first().fill('15433334444');
  await township.page.locator('#address').fill('朝阳寺村十一组');
  await township.save();
  await township.expectSynced();

  // The battery runs flat; the phone is opened again, still without signal: all is there.
  await village.kill();
  await village.start();
  await village.offline(true);
  await village.go(first);
  await expect(village.page.getByText(facts, { exact: true })).toBeVisible();
  await village.expectWaiting(5);
  await village.go('/');
  for (const name of PEOPLE) await expect(village.page.locator('.row', { hasText: name }).first()).toBeVisible();
  await village.go(`/people/${id}`);
  await expect(village.phones).toHaveText(masked('15411112222'));

  // The office: the line comes back and is cut in mid-sync, twice: once before the receipts, once after them. It goes on by itself.
  line.cutSyncsAfter(20, 700);
  await line.up();
  await village.offline(false);
  await village.expectSynced();
  expect(line.cutCount).toBe(2);

  // The office sees visits and contact.
  await township.go('/sync');
  await township.page.getByRole('button', { name: '立即同步' }).click();
  await township.expectSynced();
  await township.go(first);
  await expect(township.page.getByText(facts, { exact: true })).toBeVisible();
  await township.go('/office');
  await expect(township.page.locator('.table', { hasText: PEOPLE[0] }).first()).toBeVisible();

  // Both ends hold the same heads; the address is merged; both phones stand on both screens, with who and when.
  const heads = await village.heads(id);
  expect(heads.split(' ')).toHaveLength(2);
  expect(await township.heads(id)).toBe(heads);
  for (const device of [village, township]) {
    await expect(device.page.locator('.facts').getByText('朝阳寺村十一组')).toBeVisible();
    const card = device.conflict('电话');
    await expect(card.locator('.conflict-card__text')).toHaveCount(2);
    for (const number of ['15411112222', '15433334444']) await expect(card.getByText(masked(number))).toBeVisible();
    const origins = (await card.locator('.conflict-card__origin').allInnerTexts()).join(' ');
    expect(origins).toContain('李春梅');
    expect(origins).toContain('王建军');
    expect(origins).toMatch(/\d\d:\d\d/);
  }

  // One tap chooses, for both; nothing vanished.
  await township.conflict('电话').locator('.conflict-card__value', { hasText: masked('15411112222') }).getByRole('button', { name: '用这个' }).click();
  await expect(township.conflict('电话')).toHaveCount(0);
  await township.expectSynced();
  await village.go('/sync');
  await village.page.getByRole('button', { name: '立即同步' }).click();
  await village.expectSynced();
  await village.go(`/people/${id}`);
  await expect(village.conflict('电话')).toHaveCount(0);
  await expect(village.phones).toHaveText(masked('15411112222'));
  expect(await village.heads(id)).toBe(await township.heads(id));
  await village.go(`/people/${id}/history`);
  for (const number of ['15411112222', '15433334444']) await expect(village.page.getByText(masked(number)).first()).toBeVisible();

  // The server is killed right after a receipt: the visit is there when it comes back.
  const last = await village.logVisit({ person: PEOPLE[1], facts: '来电说药已经买到。' });
  await village.expectSynced();
  await server.kill();
  await server.run();
  const fresh = await Device.open(server.url);
  await fresh.enrol('cys');
  await fresh.go(last);
  await expect(fresh.page.getByText('来电说药已经买到。', { exact: true })).toBeVisible();

  expect([...village.complaints, ...township.complaints, ...fresh.complaints]).toEqual([]);
  // No name, number or text of a person in the server's log.
  for (const text of [...PEOPLE, PERSON, '15411112222', '屋顶漏雨', '李春梅']) expect(server.log).not.toContain(text);
  await Promise.all([village.dispose(), township.dispose(), fresh.dispose()]);
  await line.close();
  await server.dispose();
});

test('an answer that never comes costs a repetition and nothing else', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const village = await Device.open(line.url);
  await village.enrol('cys');

  // The request arrives and is stored; the answer does not come back, and the browser is killed while it waits.
  line.holdAnswers();
  const path = await village.logVisit({ person: PEOPLE[0], facts: '只记一次' });
  await village.expectState('running');
  await village.expectWaiting(1);
  await village.kill();
  await line.up();
  await village.start();
  await village.go(path);
  await village.expectSynced();

  const fresh = await Device.open(server.url);
  await fresh.enrol('cys');
  await fresh.openPerson(PEOPLE[0]);
  await expect(fresh.page.locator('.row', { hasText: '只记一次' })).toHaveCount(1);
  await Promise.all([village.dispose(), fresh.dispose()]);
  await line.close();
  await server.dispose();
});

test('a server restored from an old backup gets back what phones hold', async () => {
  const server = await Server.start();
  const village = await Device.open(server.url);
  await village.enrol('cys');
  const path = await village.logVisit({ person: PEOPLE[0], facts: '恢复之前记的' });
  await village.expectSynced();

  // The backup knows neither the visit nor the sign-in.
  await server.stop();
  server.restore();
  await server.run();
  await village.go('/sync');
  await village.expectState('attention');
  await expect(village.page.getByText('登录已过期')).toBeVisible();
  await village.page.getByRole('link', { name: '重新登录' }).click();
  await village.typeSignIn('cys');
  await village.expectSynced();

  const fresh = await Device.open(server.url);
  await fresh.enrol('cys');
  await fresh.go(path);
  await expect(fresh.page.getByText('恢复之前记的', { exact: true })).toBeVisible();
  await Promise.all([village.dispose(), fresh.dispose()]);
  await server.dispose();
});
