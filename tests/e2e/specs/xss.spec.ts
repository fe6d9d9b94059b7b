// Whatever people type is shown as they typed it, and never runs: a corpus of texts that would, through every field and through the
// import, on the device that wrote it, on another one, in the office's lists, in a history, in a conflict, and on paper.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Page, expect, test } from '@playwright/test';
import { NAMES, TEXTS } from '../harness/corpus.ts';
import { Device } from '../harness/device.ts';
import { Server } from '../harness/server.ts';

/** 朝阳寺村 of 上园镇. */
const VILLAGE = '211381103201';
const TOWNSHIP = '211381103000';
const FACTS_CHARS_MAX = 500;
const TOLD_CHARS_MAX = 300;
/** Goods, promises, and who keeps one: texts that fit there. */
const SHORT: readonly string[] = TEXTS.filter((text) => text.length <= 100);

/** What happened on a page that must not. */
async function watch(page: Page): Promise<string[]> {
  const happened: string[] = [];
  page.on('dialog', (dialog) => {
    happened.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.exposeFunction('xss', () => happened.push('a text was run'));
  await page.exposeFunction('zoufangViolated', (what: string) => happened.push(what));
  await page.addInitScript(() => {
    const report = (window as unknown as { zoufangViolated(what: string): void }).zoufangViolated;
    document.addEventListener('securitypolicyviolation', (event) => report(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
  });
  return happened;
}

/** As many texts as fit into one field, each on a line. */
function packed(texts: readonly string[], chars: number): string[] {
  const packs: string[] = [];
  for (const text of texts) {
    const last = packs.at(-1);
    if (last !== undefined && last.length + 1 + text.length <= chars) packs[packs.length - 1] = `${last}\n${text}`;
    else packs.push(text);
  }
  return packs;
}

const plain = (text: string) => text.replace(/\s+/g, ' ').trim();

/** Every one of these texts stands on the page, letter by letter, and no element was made of any. */
async function expectShown(page: Page, texts: readonly string[]): Promise<void> {
  for (const text of texts) await expect.poll(async () => plain((await page.locator('body').textContent()) ?? ''), { message: text }).toContain(plain(text));
  expect(await page.locator('main :is(script, iframe, object, embed, template, math, marquee, base, meta, link, style, video, audio, xss, [onerror], [onload], [onfocus])').count()).toBe(0);
  for (const link of await page.locator('a[href]').evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''))) expect(link).toMatch(/^(\/|#|tel:)/);
}

/** The page as it is printed. */
async function print(page: Page): Promise<void> {
  await page.emulateMedia({ media: 'print' });
  await page.pdf();
  await page.emulateMedia({ media: 'screen' });
}

const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;

/** People whose names and addresses are the corpus, as a file that somebody gave to be imported. */
function importCorpus(server: Server): void {
  const lines = TEXTS.map((text, index) => [`x-${index}`, VILLAGE, TOWNSHIP, 'veteran', cell(NAMES[index] ?? `导入${'甲乙丙丁'[index % 4]}`), cell(text), cell(NAMES[index % NAMES.length] ?? ''), 'home'].join(','));
  const file = join(server.folder, 'people.csv');
  writeFileSync(file, ['person_id,village_code,township_code,kind,name,address,away_place,residence', ...lines].join('\n'));
  server.command('import-people', file);
}

test('what is typed and what is imported is shown, and never runs', async () => {
  test.setTimeout(600_000);
  expect(new Set(TEXTS).size).toBeGreaterThanOrEqual(60);
  const server = await Server.start();
  server.addVillager('villager', NAMES[1] ?? '', VILLAGE);
  importCorpus(server);
  const village = await Device.open(server.url);
  const township = await Device.open(server.url, { width: 1280 });
  const happened = [await watch(village.page), await watch(township.page)];

  // At the door: the login and the device's label.
  await village.go('/');
  for (const text of TEXTS.slice(0, 3)) {
    await village.typeSignIn(text, text);
    await expect(village.page.locator('.notice').first()).toBeVisible();
  }
  await village.page.locator('#device').fill(NAMES[2] ?? '');
  await village.signIn('villager');
  await village.expectSynced();
  await township.enrol('syhead');

  // Addresses that are none of the app's.
  for (const path of ['/people/%3Cimg%20src=x%20onerror=xss()%3E', '/visits/new?person=%22%3E%3Cscript%3Exss()%3C/script%3E', '/people?q=%3Csvg%20onload=xss()%3E#%3Cscript%3Exss()%3C/script%3E', '/javascript:xss()']) {
    await village.go(path);
  }

  // The list of people, and the search for each text.
  await village.go('/people');
  await expect(village.page.locator('[data-at="0"]')).toBeVisible();
  const search = village.page.locator('.people__tools input[type=search]');
  for (const text of TEXTS) await search.fill(text);
  await search.fill('xss');
  await search.fill('');

  // A person: every text of the form, and a history of them.
  const person = `${NAMES[3]}`;
  await village.go('/people/new');
  await village.page.locator('#name').fill(person);
  await village.page.locator('#kind input').first().check();
  await village.page.locator('#sex input').first().check();
  await village.page.locator('#id_number').fill(TEXTS[5] ?? '');
  await village.page.locator('#address').fill(TEXTS[22] ?? '');
  await village.page.locator('#away_place').fill(NAMES[5] ?? '');
  await village.page.locator('#id_number').fill('');
  await village.save();
  await village.page.waitForURL(/\/people\/[0-9A-Z]{26}$/);
  const id = new URL(village.page.url()).pathname.split('/').at(-1) ?? '';
  await expectShown(village.page, [person, TEXTS[22] ?? '', NAMES[5] ?? '']);
  for (const text of TEXTS.slice(24)) {
    await village.go(`/people/${id}/edit`);
    await village.page.locator('#address').fill(text);
    await village.save();
  }
  await village.go(`/people/${id}/history`);
  await expectShown(village.page, TEXTS.slice(24));
  await print(village.page);

  // A phone number that is none is refused, with what was typed still standing in its field.
  await village.go(`/people/${id}/edit`);
  await village.page.locator('#phones').getByRole('button').last().click();
  const phone = village.page.locator('#phones input[type=tel]').first();
  await phone.fill(TEXTS[1] ?? '');
  await village.page.locator('form button[type=submit]').click();
  await expect(village.page.locator('.error-summary')).toBeVisible();
  await expect(phone).toHaveValue(TEXTS[1] ?? '');
  // It is kept as a draft within half a second, and is there again.
  await village.page.waitForTimeout(1_000);
  await village.reload();
  await expect(village.page.locator('#phones input[type=tel]').first()).toHaveValue(TEXTS[1] ?? '');
  await village.page.locator('#phones input[type=tel]').first().fill('15411112222');
  await village.save();
  await village.settled(async () => {
    await village.go('/sync');
    await village.page.getByRole('button', { name: '立即同步' }).click();
  });

  // Visits: facts, what the person was told, goods, promises, the search for somebody else to add.
  const visits: { path: string; texts: string[] }[] = [];
  const [facts, told] = [packed(TEXTS, FACTS_CHARS_MAX), packed(TEXTS, TOLD_CHARS_MAX)];
  for (let round = 0; round < told.length; round += 1) {
    const text = (place: number) => SHORT[(round * 3 + place) % SHORT.length] ?? '';
    const keeper = NAMES[round % NAMES.length] ?? '';
    const form = village.page;
    await village.go(`/visits/new?person=${id}`);
    await village.fillVisit({ channel: 'home', result: 'met', reason: 'routine', facts: facts[round % facts.length] });
    await form.locator('textarea#told_person').fill(told[round] ?? '');
    await form.locator('#goods').getByRole('button').last().click();
    await form.locator('#goods input[id^=goods-]').fill(text(0));
    await form.locator('#promises').getByRole('button').last().click();
    await form.locator('#promises input[id^=promise-]').fill(text(1));
    await form.locator('#promises input[id^=keeper-]').fill(keeper);
    await form.locator('#promises input[type=date]').fill(new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10));
    await village.save();
    await form.waitForURL(/\/visits\/[0-9A-Z]{26}$/);
    const texts = [...(facts[round % facts.length] ?? '').split('\n'), ...(told[round] ?? '').split('\n'), text(0), text(1), keeper];
    visits.push({ path: new URL(form.url()).pathname, texts });
    await expectShown(form, texts);
  }
  const contact = await village.logContact(NAMES[4] ?? '', 'org_life', told[0] ?? '');
  await expectShown(village.page, (told[0] ?? '').split('\n'));
  await village.expectSynced();

  // The other device, by whoever wrote it: all of it again, from the server.
  await township.settled(async () => {
    await township.go('/sync');
    await township.page.getByRole('button', { name: '立即同步' }).click();
  });
  for (const visit of visits) {
    await township.go(visit.path);
    await expectShown(township.page, [...visit.texts, NAMES[1] ?? '']);
  }
  await print(township.page);
  await township.go(contact);
  await expectShown(township.page, (told[0] ?? '').split('\n'));
  for (const [index, name] of NAMES.entries()) {
    await township.go('/people');
    await township.page.locator('.people__tools input[type=search]').fill(name);
    await township.page.locator('.person-row').filter({ has: township.page.getByText(name, { exact: true }) }).first().click();
    await expect(township.page.locator('.person__name')).toHaveText(name);
    if (index > 4) await expectShown(township.page, [name, TEXTS[index] ?? '']);
  }
  await print(township.page);
  await township.go(`/people/${id}/history`);
  await expectShown(township.page, TEXTS.slice(24));
  // Texts that are no names came in as addresses.
  await township.go('/people');
  for (const [index, text] of TEXTS.entries()) {
    if (index < NAMES.length) continue;
    await township.page.locator('.people__tools input[type=search]').fill(text);
  }

  // Two values at once, and the office: figures, recent visits, devices by their labels.
  await village.offline(true);
  for (const [device, text] of [[village, TEXTS[25]], [township, TEXTS[26]]] as const) {
    await device.openForm(id);
    await device.page.locator('#name').fill(device === village ? (NAMES[6] ?? '') : (NAMES[7] ?? ''));
    await device.page.locator('#address').fill(text ?? '');
    await device.save();
  }
  await township.expectSynced();
  await village.offline(false);
  await village.expectSynced();
  await village.go(`/people/${id}`);
  await expect(village.page.locator('.conflict-card').first()).toBeVisible();
  await expectShown(village.page, [NAMES[6] ?? '', NAMES[7] ?? '']);
  await township.go('/office');
  await expect(township.page.locator('.table').last().locator('tbody tr').first()).toBeVisible();
  await expectShown(township.page, [NAMES[1] ?? '']);
  await print(township.page);
  await township.go('/more/devices');
  await expectShown(township.page, [NAMES[2] ?? '', NAMES[1] ?? '']);
  await village.go('/');
  await print(village.page);

  expect(happened).toEqual([[], []]);
  expect([...village.complaints, ...township.complaints]).toEqual([]);
  for (const text of TEXTS) expect(server.log).not.toContain(text);
  await Promise.all([village.dispose(), township.dispose()]);
  await server.dispose();
});

test('the browser makes no element and no code of text, and loads no script but ours', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.go('/');
  const refused = await device.page.evaluate(() => {
    const tries: [string, () => unknown][] = [
      ['markup', () => (document.createElement('div').innerHTML = '<b>一</b>')],
      ['a script of text', () => (document.createElement('script').text = 'xss()')],
      ['a script from elsewhere', () => (document.createElement('script').src = 'https://evil.example/x.js')],
      ['a script of ours that is none', () => (document.createElement('script').src = '/icons/icon.svg')],
      ['a worker', () => new Worker('/start.js')],
      ['a frame of text', () => (document.createElement('iframe').srcdoc = '<b>一</b>')],
      ['document.write', () => document.write('<b>一</b>')],
      ['another policy', () => (window as unknown as { trustedTypes: { createPolicy(name: string, rules: object): unknown } }).trustedTypes.createPolicy('mine', {})],
    ];
    return tries
      .filter(([, run]) => {
        try {
          run();
          return false;
        } catch (error) {
          return error instanceof TypeError;
        }
      })
      .map(([name]) => name);
  });
  expect(refused).toEqual(['markup', 'a script of text', 'a script from elsewhere', 'a script of ours that is none', 'a worker', 'a frame of text', 'document.write', 'another policy']);
  // The worker that stretches PINs is one of ours.
  const worker = await device.page.evaluate(() => {
    const place = document.querySelector('[data-stretch]')?.getAttribute('data-stretch') ?? '';
    new Worker(place, { type: 'module' }).terminate();
    return place;
  });
  expect(worker).toMatch(/^\/stretch-/);
  await device.dispose();
  await server.dispose();
});
