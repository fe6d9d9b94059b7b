// `--lan`: over TLS with a certificate of this machine's own authority the app installs itself as over any other; without trust nothing
// of it does. What the authority's file is to a phone, the list of trusted keys is to this browser, which has no store of its own.
import { X509Certificate, createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Page, chromium, expect, test } from '@playwright/test';
import { ARGUMENTS, EXECUTABLE } from '../harness/chromium.mjs';
import { Server } from '../harness/server.ts';

async function withPage(extra: string[], use: (page: Page) => Promise<void>): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), 'zoufang-e2e-profile-'));
  const context = await chromium.launchPersistentContext(profile, { executablePath: EXECUTABLE, args: [...ARGUMENTS, ...extra] });
  await use(context.pages()[0] ?? (await context.newPage()));
  await context.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}

test('a browser that trusts this machine keeps the app; another does not even open it', async () => {
  const server = await Server.start(['--lan']);
  const url = server.url.replace('http:', 'https:');
  await withPage([], async (page) => {
    await expect(page.goto(url)).rejects.toThrow(/ERR_CERT_AUTHORITY_INVALID/);
  });
  const { publicKey } = new X509Certificate(readFileSync(join(server.folder, 'lan/server.crt')));
  const key = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
  await withPage([`--ignore-certificate-errors-spki-list=${key}`], async (page) => {
    await page.goto(url);
    await expect(page.locator('#user')).toBeVisible();
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    // The file for phones comes from the server, also with the worker in charge.
    await page.reload();
    await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
    const [authority, type] = await page.evaluate(async () => {
      const answer = await fetch('/ca.crt');
      return [[...new Uint8Array(await answer.arrayBuffer())], answer.headers.get('content-type')] as const;
    });
    expect(type).toBe('application/x-x509-ca-cert');
    expect(new X509Certificate(Buffer.from(authority)).raw).toEqual(new X509Certificate(readFileSync(join(server.folder, 'lan/ca.crt'))).raw);
    await server.kill();
    await page.reload();
    await expect(page.locator('#user')).toBeVisible();
  });
  await server.dispose();
});
