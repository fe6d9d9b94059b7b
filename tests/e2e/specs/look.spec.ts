// Every screen in both languages, light and dark: no accessibility fault, targets big enough, nothing clipped or sideways.
// Leaves pictures of each in test-results, to be looked at.
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { Device, type Look } from '../harness/device.ts';
import { Server } from '../harness/server.ts';

const TARGET_MIN_PX = 44;
const DAY_MS = 24 * 60 * 60 * 1000;

const LOOKS: (Look & { name: string })[] = [
  { name: 'zh-360', width: 360 },
  { name: 'en-360-dark', width: 360, language: 'en', dark: true },
  { name: 'zh-320', width: 320 },
  { name: 'en-1280', width: 1280, language: 'en' },
  { name: 'zh-1280-dark', width: 1280, dark: true },
];

for (const look of LOOKS) {
  test(`every screen: ${look.name}`, async ({}, info) => {
    const server = await Server.start();
    const device = await Device.open(server.url, look);
    const { page } = device;
    const check = async (name: string): Promise<void> => {
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: info.outputPath(`${name}.png`) });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map((found) => `${name}: ${found.id}: ${found.nodes.map((node) => node.html).join(' | ')}`)).toEqual([]);
      const faults = await page.evaluate((min) => {
        const found: string[] = [];
        if (document.documentElement.scrollWidth > document.documentElement.clientWidth) found.push('scrolls sideways');
        for (const element of document.querySelectorAll<HTMLElement>('a[href], button, input:not([type=radio]):not([type=checkbox]), select, textarea, .choice__option')) {
          const box = element.getBoundingClientRect();
          if (box.width === 0 || element.closest('[hidden], .visually-hidden, .skip-link')) continue;
          // A link in a line of text is as high as its line.
          const inText = element.matches('p > a, .section__head > a, .cluster > a:not(.button)');
          if (box.height < min && !inText) found.push(`${box.height.toFixed(0)} px high: ${element.outerHTML.slice(0, 120)}`);
          if (box.right > document.documentElement.clientWidth + 1 && !element.closest('.table-place')) found.push(`out of the page: ${element.outerHTML.slice(0, 120)}`);
        }
        return found;
      }, TARGET_MIN_PX);
      expect(faults, name).toEqual([]);
    };

    await device.go('/');
    await expect(page.locator('#user')).toBeVisible();
    await check('01-sign-in');
    await device.typeSignIn('syhead');
    await expect(page.locator('#new-pin')).toBeVisible();
    await check('01-first-pin');
    await page.locator('#new-pin').fill('123456');
    await page.locator('button[type=submit]').click();
    await check('01-pin-faults');
    await device.choosePin();
    await device.expectSynced();
    await check('02-today');
    const id = await device.openPerson('高革强');
    await check('03-person');
    await page.locator('.phone-line').first().getByRole('button', { name: /看全|Show all/ }).click();
    await expect(page.locator('dialog[open]')).toBeVisible();
    await check('03-reveal');
    await page.locator('[data-why=identity]').click();
    await expect(page.getByRole('button', { name: /隐藏|Hide/ })).toBeVisible();
    await check('03-revealed');
    await page.locator('.facts').getByRole('button', { name: /看全|Show all/ }).click();
    await page.locator('[data-why=benefit]').click();
    await expect(page.locator('.facts').getByRole('button', { name: /隐藏|Hide/ })).toBeVisible();
    await expect.poll(async () => await device.rows('reading')).toBe(0);
    await device.go('/people');
    await expect(page.locator('[data-at="0"]')).toBeVisible();
    await check('04-people');
    const pages: [string, string, string][] = [
      ['05-person-edit', `/people/${id}/edit`, 'form'],
      ['06-person-new', '/people/new', 'form'],
      ['06-welfare', `/people/${id}/welfare`, 'form'],
      ['07-access', `/people/${id}/access`, '.access-line'],
      ['07-copy', `/people/${id}/copy`, 'button'],
      ['07-history', `/people/${id}/history`, '.timeline__item'],
      ['08-visit-new', `/visits/new?person=${id}`, 'form'],
      ['09-contact-new', `/contacts/new?person=${id}`, 'form'],
      ['10-sync', '/sync', '.facts'],
      ['11-more', '/more', '.chip'],
      ['11-pin', '/more/pin', 'form'],
      ['11-devices', '/more/devices', '.device-row'],
      ['11-privacy', '/more/privacy', '.privacy-group'],
      ['11-access', '/more/access', '.access-line'],
      ['11-carry', '/more/carry', '#hand-in'],
      ['11-late', '/more/late', 'h1, .empty'],
      ['12-office', '/office', '.table'],
      ['13-not-found', '/nowhere', '.empty'],
    ];
    for (const [name, path, there] of pages) {
      await device.go(path);
      await expect(page.locator(`main ${there}`).first()).toBeVisible();
      await check(name);
      if (name === '07-copy') {
        await page.getByRole('button', { name: /做一份资料|Make the copy/ }).click();
        await expect(page.locator('.copy .facts').first()).toBeVisible();
        await check('07-copied');
      }
    }
    await device.go(`/visits/new?person=${id}`);
    await page.locator('form button[type=submit]').click();
    await expect(page.locator('.error-summary')).toBeVisible();
    await check('14-faults');
    await device.fillVisit({ reason: 'routine', facts: '身体还好，盼着冬天通暖气。' });
    await device.save();
    await page.waitForURL(/\/visits\/[^/]+$/);
    await check('15-visit');
    await page.reload();
    await expect(page.locator('#pin')).toBeVisible();
    await check('16-lock');
    await page.locator('#pin').fill('000000');
    await expect(page.locator('.field__error')).toBeVisible();
    await check('17-lock-wrong');
    await page.getByRole('button', { name: /忘记|forgot/ }).click();
    await expect(page.locator('#user')).toBeVisible();
    await check('18-forgotten');
    await device.offline(true);
    await page.clock.install();
    await page.clock.setSystemTime(Date.now() + 25 * DAY_MS);
    await device.go('/');
    await expect(page.getByText(/再过 5 天|within 5 days/)).toBeVisible();
    await check('19-offline-soon');
    await page.clock.setSystemTime(Date.now() + 31 * DAY_MS);
    await device.go('/');
    await expect(page.locator('main[data-offline-ended]')).toBeVisible();
    await check('20-offline-ended');
    expect(device.complaints).toEqual([]);
    await device.dispose();
    await server.dispose();
  });
}
