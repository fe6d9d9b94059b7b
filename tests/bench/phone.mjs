// What the scripts that measure in a browser have in common: Chromium, when a page shows its first row, and made visits.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ARGUMENTS, EXECUTABLE } from '../e2e/harness/chromium.mjs';

const require = createRequire(fileURLToPath(new URL('../e2e/package.json', import.meta.url)));
const { chromium } = require('@playwright/test');

/** A browser without any profile. */
export const launch = async () => await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });

/** Lets every page of a context say in `window.firstRow` when the first row of the list of people is drawn, in ms. */
export async function noteFirstRow(context) {
  await context.addInitScript(() => {
    window.firstRow = new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        if (!document.querySelector('[data-at="0"]')) return;
        observer.disconnect();
        requestAnimationFrame(() => resolve(performance.now()));
      });
      observer.observe(document, { childList: true, subtree: true });
    });
  });
}

let visits = 0;
/** Visits of the bench's data, each with another id; the page makes them one save after the other. */
export const someVisits = (count) =>
  Array.from({ length: count }, () => ({
    id: `visit:${String(visits++).padStart(6, '0')}`,
    type: 'visit',
    person: 'person:000001',
    startedAt: new Date(Date.UTC(2025, 0, 6) + visits * 60_000).toISOString(),
    minutes: 20,
    worker: '周红梅',
    reason: '慢病随访',
    systolic: 120,
    diastolic: 80,
    glucose: 5.5,
    weight: 60.5,
    checklist: { 量血压: true, 测血糖: false, 查用药: true, 看伤口: false, 问睡眠: true, 防跌倒: true },
    note: `第${visits}次：身体还好，血压有点高，药按时吃；盼着冬天通暖气，想问修缮补助怎么申请。`,
    nextVisit: '2025-03-01',
  }));
