// What goes wrong is said in plain Chinese, and no typed text is lost.
import { expect, test } from '@playwright/test';
import { Device } from '../harness/device.ts';
import { Line } from '../harness/line.ts';
import { PIN } from '../harness/pins.ts';
import { Server } from '../harness/server.ts';

/** Longer than a browser remembers how much room there was. */
const ROOM_REMEMBERED_MS = 35_000;
const PERSON = '高革强';

let server: Server;
let line: Line;
let device: Device;

test.beforeEach(async () => {
  server = await Server.start();
  line = await Line.open(() => server.port);
  device = await Device.open(line.url);
});

test.afterEach(async () => {
  expect(device.complaints).toEqual([]);
  await device.dispose();
  await line.close();
  await server.dispose();
});

test('a wrong password, and too many of them', async () => {
  await device.go('/');
  for (let times = 0; times < 5; times += 1) {
    await device.typeSignIn('cys', 'not-the-password');
    await expect(device.page.getByText('用户名或密码不对')).toBeVisible();
  }
  await device.typeSignIn('cys', 'not-the-password');
  await expect(device.page.getByText('试错次数太多，账号暂时锁定')).toBeVisible();
  await expect(device.page.getByText(/请 \d+ 分钟后再试/)).toBeVisible();
  await expect(device.page.locator('#user')).toHaveValue('cys');
});

test('nobody at the other end while signing in, and a captive portal', async () => {
  await device.go('/');
  await line.down();
  await device.typeSignIn('cys');
  await expect(device.page.getByText('服务器没有回应')).toBeVisible();
  await line.portal();
  await device.page.locator('button[type=submit]').click();
  await expect(device.page.getByText('连到的不是“走访”服务器')).toBeVisible();
  await line.up();
  await device.page.locator('button[type=submit]').click();
  await device.choosePin();
  await device.expectSynced();
});

test('a captive portal in place of the server keeps everything and says so', async () => {
  await device.enrol('cys');
  await line.portal();
  const path = await device.logVisit({ person: PERSON, facts: '门户页面前记的' });
  await device.expectState('attention');
  await device.go('/sync');
  await expect(device.page.getByText('连到的不是“走访”服务器')).toBeVisible();
  await expect(device.page.getByText('记录都在本机，没有丢失。')).toBeVisible();
  await device.expectWaiting(1);
  await line.up();
  await device.page.getByRole('button', { name: '立即同步' }).click();
  await device.expectSynced();
  await device.go(path);
  await expect(device.page.getByText('门户页面前记的', { exact: true })).toBeVisible();
});

test('a sign-in that the server no longer knows loses nothing', async () => {
  await device.enrol('cys');
  const id = await device.openPerson(PERSON);
  await device.go(`/visits/new?person=${id}`);
  await device.fillVisit({ facts: '写到一半，登录过期了' });
  await server.stop();
  server.restore();
  await server.run();
  await device.page.locator('#reasons input[value=routine]').check();
  await device.save();
  await device.expectState('attention');
  await device.expectWaiting(1);
  await device.go('/sync');
  await expect(device.page.getByText('登录已过期')).toBeVisible();
  await device.page.getByRole('link', { name: '重新登录' }).click();
  await expect(device.page.getByText('李春梅 的记录在这部手机上')).toBeVisible();
  await device.typeSignIn('cys');
  await device.expectSynced();
  await device.openPerson(PERSON);
  await expect(device.page.locator('.row', { hasText: '写到一半，登录过期了' })).toHaveCount(1);
});

test('a full phone: nothing half-saved, the text stays, and saving works when there is room', async () => {
  await device.enrol('cys');
  const id = await device.openPerson(PERSON);
  // A browser remembers for half a minute how much room there was; a new one asks at its first write, which is the try of the PIN.
  await device.close();
  await device.start();
  const cdp = await device.cdp();
  const origin = new URL(line.url).origin;
  await device.offline(true);
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
  await device.page.goto(`${line.url}/visits/new?person=${id}`);
  await device.page.locator('#pin').fill(PIN);
  await expect(device.page.getByText('手机存储空间满了，暂时打不开')).toBeVisible();
  await expect(device.page.locator('form')).toHaveAttribute('data-left', '10');
  await cdp.send('Storage.overrideQuotaForOrigin', { origin });
  await device.page.waitForTimeout(ROOM_REMEMBERED_MS);
  await device.unlock();
  await expect(device.page.locator('textarea#facts')).toBeVisible();
  await device.page.waitForTimeout(ROOM_REMEMBERED_MS);
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
  await device.fillVisit({ reason: 'routine', facts: '手机满了也不能丢' });
  await device.page.locator('form button[type=submit]').click();
  await expect(device.page.getByText('手机存储空间已满，没有保存成功').first()).toBeVisible();
  await expect(device.page.getByText('填写的内容还在页面上，没有丢失。').first()).toBeVisible();
  await expect(device.page.locator('textarea#facts')).toHaveValue('手机满了也不能丢');
  await device.expectWaiting(0);
  await cdp.send('Storage.overrideQuotaForOrigin', { origin });
  await device.save();
  await device.expectWaiting(1);
  await device.offline(false);
  await device.expectSynced();
  await device.openPerson(PERSON);
  await expect(device.page.locator('.row', { hasText: '手机满了也不能丢' })).toHaveCount(1);
});

test('a wrong clock is told, and sync goes on', async () => {
  await device.page.clock.install({ time: Date.now() + 26 * 3_600_000 });
  await device.enrolWithWrongClock('cys');
  await device.go('/sync');
  await expect(device.page.getByText(/手机时间相差约 15\d\d 分钟/)).toBeVisible();
  await expect(device.page.getByText(/自动设置时间/)).toBeVisible();
  expect(await device.peopleCount()).toBe(32);
});

test('another person cannot sign in over what is not uploaded', async () => {
  await device.enrol('cys');
  await line.down();
  await device.logVisit({ person: PERSON, facts: '还没上传' });
  await device.go('/more');
  await device.page.getByRole('button', { name: '退出登录' }).click();
  await device.page.locator('dialog').getByRole('button', { name: '退出登录' }).click();
  await expect(device.page.locator('.toast')).toContainText('没有上传的内容还在本机');
  await line.up();
  await device.go('/sign-in');
  await device.typeSignIn('sy');
  await expect(device.page.getByText('这部手机上还有另一位工作人员的 1 条记录没有上传')).toBeVisible();
  await device.typeSignIn('cys');
  await device.expectSynced();
});

test('two windows: one works, the other says so, and can take over', async () => {
  await device.enrol('cys');
  const other = await device.newTab();
  await other.goto(`${line.url}/people`);
  await expect(other.getByText('走访已在另一个窗口打开')).toBeVisible();
  // What is being typed in the first window is kept when the second takes over.
  const id = await device.openPerson(PERSON);
  await device.go(`/visits/new?person=${id}`);
  await device.page.locator('textarea#facts').fill('换窗口之前写的');
  await other.getByRole('button', { name: '在这里使用' }).click();
  await other.locator('#pin').fill(PIN);
  await expect(other.locator('[data-at="0"]')).toBeVisible();
  await expect(device.page.getByText('走访已在另一个窗口打开')).toBeVisible();
  await other.goto(`${line.url}/visits/new?person=${id}`);
  await device.unlock(other);
  await expect(other.locator('textarea#facts')).toHaveValue('换窗口之前写的');
});
