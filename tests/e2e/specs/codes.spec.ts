// Where the server asks for one-time codes: a password alone enrols no phone, and opens none whose PIN is forgotten.
import { expect, test } from '@playwright/test';
import { Device } from '../harness/device.ts';
import { readQr } from '../harness/qr.ts';
import { PASSWORD, Server } from '../harness/server.ts';

/** Has the head make a code in the app; gives the digits as they are read out. */
async function made(head: Device, login: string): Promise<string> {
  await head.go('/more/devices');
  await head.page.locator('#code-user').fill(login);
  await head.page.getByRole('button', { name: '生成' }).click();
  await expect(head.page.locator('.one-time-code')).toHaveText(/^\d{4} \d{4}$/);
  return await head.page.locator('.one-time-code').innerText();
}

/** Types a code into the form that asks for it. */
async function typeCode(device: Device, code: string): Promise<void> {
  await device.page.locator('#code').fill(code);
  await device.page.locator('button[type=submit]').click();
}

test('a new phone needs a code, and so does one whose PIN is forgotten', async () => {
  const server = await Server.start(['--enrol-by-code']);
  const [head, village] = [await Device.open(server.url, { width: 1280 }), await Device.open(server.url)];

  // The first one has nobody to make a code but the operator.
  await head.go('/');
  await head.typeSignIn('syhead');
  await expect(head.page.getByText('还要输入一次性登录码')).toBeVisible();
  await typeCode(head, server.command('user', 'code', '--login', 'syhead').slice(0, 8));
  await head.choosePin();
  await head.expectSynced();
  await head.go('/more/devices');
  await head.page.locator('#code-user').fill('nobody');
  await head.page.getByRole('button', { name: '生成' }).click();
  await expect(head.page.locator('#code-card .notice[data-kind=problem]')).toBeVisible();

  await village.go('/');
  await expect(village.page.locator('#code')).toHaveCount(0);
  await village.typeSignIn('cys');
  await expect(village.page.locator('#code')).toBeVisible();
  const first = await made(head, 'cys');
  await typeCode(village, '1234 5678');
  await expect(village.page.getByText('登录码不对')).toBeVisible();
  await typeCode(village, first);
  await village.choosePin();
  await village.expectSynced();
  await village.page.evaluate(async () => { await navigator.serviceWorker.ready; });

  // A sign-in that ran out asks for the password only; a forgotten PIN for another code.
  await village.page.reload();
  await expect(village.page.locator('#pin')).toBeVisible();
  await village.page.getByRole('button', { name: '忘记' }).click();
  await village.page.locator('#user').fill('cys');
  await village.page.locator('#password').fill(PASSWORD);
  await village.page.locator('button[type=submit]').click();
  await expect(village.page.locator('#code')).toBeVisible();
  await typeCode(village, first);
  await expect(village.page.getByText('登录码不对')).toBeVisible();
  await typeCode(village, await made(head, 'cys'));
  await village.choosePin();
  await village.expectSynced();
  expect(await village.peopleCount()).toBe(32);

  for (const text of [first.replace(' ', ''), PASSWORD]) expect(server.log).not.toContain(text);
  expect([...head.complaints, ...village.complaints]).toEqual([]);
  await Promise.all([head.dispose(), village.dispose()]);
  await server.dispose();
});

test('a camera reads the code, and the link fills it in and leaves the address', async ({}, info) => {
  const server = await Server.start(['--enrol-by-code']);
  const [head, village] = [await Device.open(server.url), await Device.open(server.url)];
  await head.go(`/#code=${server.command('user', 'code', '--login', 'syhead').slice(0, 8)}`);
  await head.typeSignIn('syhead');
  await head.choosePin();
  await head.expectSynced();
  const code = (await made(head, 'cys')).replace(' ', '');
  const image = head.page.getByRole('img', { name: '二维码，里面是带登录码的网址' });
  await image.scrollIntoViewIfNeeded();
  await head.page.screenshot({ path: info.outputPath('code.png') });
  const { side, path } = await image.evaluate((svg) => ({
    side: Number(svg.getAttribute('viewBox')?.split(' ')[2]),
    path: svg.querySelector('.qr__dark')?.getAttribute('d') ?? '',
  }));
  // Light all around, four squares wide.
  const size = side - 8;
  const dark = Array.from({ length: size }, () => Array.from({ length: size }, () => false));
  for (const [, column, row] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    const line = dark[Number(row) - 4];
    expect(line?.[Number(column) - 4]).toBe(false);
    if (line) line[Number(column) - 4] = true;
  }
  const link = readQr(dark);
  expect(link).toBe(`${server.url}/#code=${code}`);

  await village.page.goto(link);
  await expect(village.page.locator('#code')).toHaveValue(code);
  expect(village.page.url()).toBe(`${server.url}/`);
  await village.typeSignIn('cys');
  await village.choosePin();
  await village.expectSynced();
  // What is no code is not taken, and does not stay either; where the app is open a link does the same.
  await village.page.evaluate(async () => { await navigator.serviceWorker.ready; });
  await village.page.goto(`${server.url}/people#code=12x45678`);
  await expect(village.page.locator('#pin')).toBeVisible();
  expect(village.page.url()).toBe(`${server.url}/people`);
  await village.page.getByRole('button', { name: '忘记' }).click();
  await expect(village.page.locator('#user')).toBeVisible();
  await expect(village.page.locator('#code')).toHaveCount(0);
  await village.page.evaluate(() => { location.hash = '#code=87654321'; });
  await expect(village.page.locator('#code')).toHaveValue('87654321');
  expect(village.page.url()).toBe(`${server.url}/people`);
  expect(server.log).not.toContain(code);
  expect([...head.complaints, ...village.complaints]).toEqual([]);
  await Promise.all([head.dispose(), village.dispose()]);
  await server.dispose();
});
