// What the scripts that measure in a browser have in common: Chromium, and when a page shows its first row.
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
