// 保障情况: support and disability stand in a record of their own, which only the township's devices hold; and it is a whole record:
// drafts, choices between two values, history, the copy for the person.
import { expect, test } from '@playwright/test';
import { Device } from '../harness/device.ts';
import { Server } from '../harness/server.ts';

const PERSON = '高革强';
const TITLE = '保障情况';

test('the township keeps support and disability, two hands at once; a village phone does not hold them', async () => {
  test.setTimeout(300_000);
  const server = await Server.start();
  const head = await Device.open(server.url, { width: 1280 });
  await head.enrol('syhead');
  const { page } = head;
  const id = await head.openPerson(PERSON);
  const card = page.locator('.card', { has: page.getByRole('heading', { name: TITLE }) });
  await expect(card).toContainText('没有记录');

  // What is chosen and not saved is a draft.
  await card.getByRole('link', { name: '修改' }).click();
  await page.locator('#support_status').selectOption({ label: '低保' });
  await expect(page.locator('.form__draft')).not.toBeEmpty();
  await head.go(`/people/${id}/welfare`);
  await expect(page.locator('#support_status')).toHaveValue('low_income');
  await expect(page.locator('form .person__name')).toHaveText(PERSON);
  await page.locator('#disability_grade').selectOption('6');
  await head.save();
  await expect(card).toContainText('低保');
  await expect(card).toContainText('6');
  await head.expectSynced();

  // Two hands at once: both values stand, and a person chooses.
  const worker = await Device.open(server.url, { width: 1280 });
  await worker.enrol('sy');
  await worker.offline(true);
  await head.offline(true);
  for (const [device, grade] of [[head, '5'], [worker, '7']] as const) {
    await device.go(`/people/${id}/welfare`);
    await expect(device.page.locator('#disability_grade')).toHaveValue('6');
    await device.page.locator('#disability_grade').selectOption(grade);
    await device.save();
  }
  await head.offline(false);
  await head.expectSynced();
  await worker.offline(false);
  await worker.expectSynced();
  await worker.go(`/people/${id}`);
  const choice = worker.conflict('残疾等级');
  await expect(choice.locator('.conflict-card__text')).toHaveText(['5', '7'], { useInnerText: true });
  const seven = choice.locator('.conflict-card__value', { has: worker.page.locator('.conflict-card__text', { hasText: /^7$/ }) });
  await seven.getByRole('button', { name: '用这个' }).click();
  // The word comes once it is kept; the next address would end what is not.
  await expect(worker.page.locator('.toast', { hasText: '已选定，另一个留在修改历史里' })).toBeVisible();
  await expect(choice).toHaveCount(0);
  await worker.go(`/people/${id}/history`);
  const history = worker.page.locator('.section', { has: worker.page.getByRole('heading', { name: TITLE }) });
  await expect(history.locator('.timeline__item')).toHaveCount(4);
  await worker.expectSynced();
  await expect(history).not.toContainText('仅本机');
  await worker.go(`/people/${id}/copy`);
  await worker.page.getByRole('button', { name: '做一份资料' }).click();
  await expect(worker.page.locator('.copy')).toContainText('残疾等级');
  await expect(worker.page.locator('.copy')).toContainText('低保');
  await worker.expectSynced();

  // The village's phone: nothing to see, and nothing there.
  const village = await Device.open(server.url);
  await village.enrol('cys');
  await village.openPerson(PERSON);
  await expect(village.page.getByText('低保')).toHaveCount(0);
  await expect(village.page.getByRole('heading', { name: TITLE })).toHaveCount(0);
  await village.go(`/people/${id}/welfare`);
  await expect(village.page.locator('form')).toHaveCount(0);
  await expect(village.page.locator('.notice')).toBeVisible();
  await village.go('/sync');
  await expect(village.page.getByText(TITLE)).toHaveCount(0);
  await worker.go('/sync');
  await expect(worker.page.getByText(TITLE)).toBeVisible();
});
