// The installable app: manifest, service worker, updates that never disturb, drafts that survive anything.
import { cpSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { Device } from '../harness/device.ts';
import { Line } from '../harness/line.ts';
import { Server } from '../harness/server.ts';

const DIST = process.env['ZOUFANG_DIST'] ?? '';

/** Writes a new version of the bundle over an old one: another worker, another shell. */
function publish(folder: string, mark: string, broken = false): void {
  const worker = join(folder, 'sw.js');
  let text = readFileSync(join(DIST, 'sw.js'), 'utf8').replace(/const VERSION = '[^']*'/, `const VERSION = '${mark}'`);
  if (broken) text = text.replace("const FILES = [", "const FILES = ['/gone-0123456789abcdef.js', ");
  writeFileSync(worker, text);
  for (const suffix of ['.br', '.gz']) rmSync(worker + suffix, { force: true });
}

test('the manifest has what installing needs', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.go('/');
  const href = await device.page.locator('link[rel=manifest]').getAttribute('href');
  const response = await device.page.request.get(server.url + href);
  expect(response.headers()['content-type']).toBe('application/manifest+json');
  const manifest = await response.json();
  expect(manifest).toMatchObject({ id: '/', lang: 'zh-CN', display: 'standalone', scope: '/', short_name: '走访' });
  expect(manifest.shortcuts.map((one: { name: string }) => one.name)).toEqual(['新走访', '今日', '待同步']);
  for (const purpose of ['any', 'maskable']) {
    for (const sizes of ['192x192', '512x512']) {
      expect(manifest.icons.some((icon: { purpose: string; sizes: string }) => icon.purpose === purpose && icon.sizes === sizes)).toBe(true);
    }
  }
  for (const icon of [...manifest.icons, ...manifest.shortcuts.flatMap((one: { icons: unknown[] }) => one.icons)] as { src: string; type: string }[]) {
    const image = await device.page.request.get(server.url + icon.src);
    expect(image.status(), icon.src).toBe(200);
    expect(image.headers()['content-type']).toBe(icon.type);
  }
  await device.dispose();
  await server.dispose();
});

test('one whole version is kept on the phone, and nothing of the API', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url, { width: 1280 });
  await device.enrol('sy');
  await device.go('/office');
  await expect(device.page.locator('.table').first()).toBeVisible();
  const kept = await device.page.evaluate(async () => {
    const names = await caches.keys();
    const paths: string[] = [];
    for (const name of names) for (const request of await (await caches.open(name)).keys()) paths.push(new URL(request.url).pathname);
    return { names, paths };
  });
  expect(kept.names).toHaveLength(1);
  expect(kept.paths).toContain('/index.html');
  expect(kept.paths.filter((path) => path.endsWith('.wasm')).map((path) => path.replace(/-.*/, '')).sort()).toEqual(['/later', '/zoufang']);
  expect(kept.paths.filter((path) => path.startsWith('/api'))).toEqual([]);
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
});

test('pages that come later are asked for again when they did not come', async () => {
  const dist = mkdtempSync(join(tmpdir(), 'zoufang-e2e-dist-'));
  cpSync(DIST, dist, { recursive: true });
  const server = await Server.start(['--dist', dist]);
  const device = await Device.open(server.url);
  const { page } = device;
  const go = async (name: string): Promise<void> => await page.locator('nav').getByRole('link', { name }).click();
  // The first screen comes, and the rest does not; so the service worker has no whole version either.
  const later = readdirSync(dist).filter((name) => name.startsWith('later-'));
  expect(later.length).toBeGreaterThan(0);
  for (const name of later) renameSync(join(dist, name), join(dist, `${name}.away`));
  await device.go('/');
  await device.signIn('cys');
  await device.expectSynced();
  await go('更多');
  await expect(page.getByText('没有网络')).toBeVisible();
  await expect(page.getByText('记录都在本机，没有丢失。')).toBeVisible();
  await go('人员');
  await expect(page.locator('[data-at="0"]')).toBeVisible();
  await go('更多');
  await expect(page.getByText('没有网络')).toBeVisible();
  for (const name of later) renameSync(join(dist, `${name}.away`), join(dist, name));
  await page.getByRole('button', { name: '重试' }).click();
  await expect(page.getByRole('button', { name: '退出登录' })).toBeVisible();
  await expect(page).toHaveTitle(/更多/);
  await device.dispose();
  await server.dispose();
  rmSync(dist, { recursive: true });
});

test('a new version waits, says so, and keeps what is being typed', async () => {
  const dist = mkdtempSync(join(tmpdir(), 'zoufang-e2e-dist-'));
  cpSync(DIST, dist, { recursive: true });
  const server = await Server.start(['--dist', dist]);
  const device = await Device.open(server.url);
  await device.enrol('cys');
  const id = await device.openPerson('高革强');
  await device.go(`/visits/new?person=${id}`);
  await device.page.locator('textarea#facts').fill('更新之前写的');
  await device.page.evaluate(() => ((window as unknown as { mark: boolean }).mark = true));
  const version = () =>
    device.page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          const channel = new MessageChannel();
          channel.port1.onmessage = (event) => resolve(event.data);
          navigator.serviceWorker.controller?.postMessage('VERSION', [channel.port2]);
        }),
    );
  const before = await version();

  // A version that is not complete is never used.
  publish(dist, 'broken', true);
  const failed = await device.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
    const worker = registration.installing;
    return worker ? await new Promise((resolve) => worker.addEventListener('statechange', () => resolve(worker.state))) : 'none';
  });
  expect(failed).toBe('redundant');
  await expect(device.page.locator('.update-bar')).toHaveCount(0);
  expect(await version()).toBe(before);

  publish(dist, 'next');
  await device.page.evaluate(async () => (await navigator.serviceWorker.ready).update());
  await expect(device.page.locator('.update-bar')).toContainText('新版本已就绪');
  expect(await version()).toBe(before);
  expect(await device.page.evaluate(() => (window as unknown as { mark?: boolean }).mark)).toBe(true);
  await expect(device.page.locator('textarea#facts')).toHaveValue('更新之前写的');

  // On the user's word it is used, and the form comes back as it was.
  await device.page.locator('.update-bar button').click();
  await expect.poll(() => device.page.evaluate(() => (window as unknown as { mark?: boolean }).mark).catch(() => true)).toBeFalsy();
  await device.unlock();
  await expect(device.page.locator('textarea#facts')).toHaveValue('更新之前写的');
  expect(await version()).toBe('next');
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await server.dispose();
  rmSync(dist, { recursive: true, force: true });
});

test('what is typed is kept as one types, and offered again', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.enrol('cys');
  const id = await device.openPerson('高革强');
  await device.go(`/visits/new?person=${id}`);
  await device.page.locator('#channel input[value=home]').check();
  await device.page.locator('textarea#facts').fill('打字打到一半，电话来了');
  await expect(device.page.locator('.form__draft')).toContainText('草稿已自动保存');
  await device.kill();
  await device.start();
  await device.offline(true);
  await device.go('/');
  await device.page.locator('.row', { hasText: '继续' }).click();
  await expect(device.page.locator('textarea#facts')).toHaveValue('打字打到一半，电话来了');
  await expect(device.page.locator('#channel input[value=home]')).toBeChecked();

  // Thrown away by mistake, and taken back.
  await device.page.getByRole('button', { name: '不要草稿' }).click();
  await expect(device.page.locator('textarea#facts')).toHaveValue('');
  await device.page.locator('.toast').getByRole('button', { name: '撤销' }).click();
  await expect(device.page.locator('textarea#facts')).toHaveValue('打字打到一半，电话来了');

  // Saved: the draft is gone.
  await device.fillVisit({ reason: 'routine' });
  await device.save();
  await device.go('/');
  await expect(device.page.locator('.row', { hasText: '继续' })).toHaveCount(0);
  await device.dispose();
  await server.dispose();
});

test('storage protection is asked for after the first save, and the answer is shown', async () => {
  const server = await Server.start();
  const device = await Device.open(server.url);
  await device.enrol('cys');
  await device.page.evaluate(() => {
    const storage = navigator.storage;
    const persist = storage.persist.bind(storage);
    storage.persist = async () => {
      document.documentElement.dataset['asked'] = 'yes';
      return await persist();
    };
  });
  expect(await device.page.evaluate(() => document.documentElement.dataset['asked'])).toBeUndefined();
  await device.page.locator('a[href="/visits/new"]').first().click();
  await device.page.locator('#people input[type=search]').fill('gaogq');
  await device.page.locator('#people .row').first().click();
  await device.fillVisit({ reason: 'routine' });
  await device.save();
  await expect.poll(() => device.page.evaluate(() => document.documentElement.dataset['asked'])).toBe('yes');
  await device.go('/sync');
  await expect(device.page.getByText(/存储(已|未)保护/).first()).toBeVisible();
  await device.dispose();
  await server.dispose();
});

test('a person stops a sync that costs too much, and goes on later', async () => {
  const server = await Server.start();
  const line = await Line.open(() => server.port);
  const village = await Device.open(line.url);
  await village.go('/');
  await village.signIn('cys');
  await village.expectSynced();
  line.holdAnswers();
  await village.go('/sync');
  await village.expectState('running');
  // A tap in the moment in which the button took the other one's place was meant for that one.
  const pause = village.page.getByRole('button', { name: '暂停同步' });
  await expect(async () => {
    await pause.click();
    await village.expectState('paused', 500);
  }).toPass();

  // A save is kept and says that it waits; only the person's word sends it.
  await line.up();
  await village.page.getByRole('navigation').getByRole('link', { name: '人员' }).click();
  await village.search('ggq');
  await village.page.locator('.person-row').first().click();
  await village.page.getByRole('main').getByRole('link', { name: '新走访' }).click();
  await village.fillVisit({ reason: 'routine', facts: '暂停时记的' });
  await village.save();
  await village.expectState('paused');
  await expect(village.chip).toHaveText('已暂停 · 待上传 1');
  await village.chip.click();
  await village.page.getByRole('button', { name: '立即同步' }).click();
  await village.expectSynced();
  expect(village.complaints).toEqual([]);
  await village.dispose();
  await line.close();
  await server.dispose();
});
