// Service worker of Zoufang: keeps one whole version of the program on the phone, so that every page opens without a network.
//
// What it refuses to do: it never answers for /api, never stores what people wrote, never mixes two versions,
// never reloads a page and never touches a cache that is not its own.

/* Filled in by the bundle: the version (a hash over all files) and their addresses. */
const VERSION = '/*@VERSION@*/';
const FILES = [/*@PRECACHE@*/];

const PREFIX = 'zoufang-shell-';
const CACHE = PREFIX + VERSION;
const SHELL = '/index.html';

/** Addresses that belong to the server alone. */
function isServers(url) {
  return url.pathname.startsWith('/api/') || ['/healthz', '/readyz', '/ca.crt'].includes(url.pathname);
}

/** Fetches one file past the HTTP cache unless its name holds a hash of its content. */
async function fetchFile(path) {
  const hashed = /-[0-9a-f]{8,}[._]/.test(path);
  const response = await fetch(path, { cache: hashed ? 'default' : 'reload', credentials: 'omit', redirect: 'error' });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

/** A captive portal answers everything with its own page: the shell must be ours, and a script must not be HTML. */
async function checked(path, response) {
  const type = response.headers.get('content-type') || '';
  if (path === SHELL) {
    const text = await response.clone().text();
    if (!text.includes('data-start-page')) throw new Error('not the shell');
  } else if (type.includes('text/html')) {
    throw new Error(`${path}: html in place of a file`);
  }
  return response;
}

/** Takes over from an older cache what has the same hashed name, so that an update loads only what changed. */
async function fromOlder(path) {
  if (!/-[0-9a-f]{8,}[._]/.test(path)) return undefined;
  for (const name of await caches.keys()) {
    if (!name.startsWith(PREFIX) || name === CACHE) continue;
    const found = await (await caches.open(name)).match(path);
    if (found) return found;
  }
  return undefined;
}

/** All files or none: a version that is not complete is never used. */
async function install() {
  const cache = await caches.open(CACHE);
  try {
    const loaded = await Promise.all(
      FILES.map(async (path) => [path, (await fromOlder(path)) || (await checked(path, await fetchFile(path)))]),
    );
    for (const [path, response] of loaded) await cache.put(path, response);
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

/** Deletes the caches of older versions of this program; others' caches are not ours to delete. */
async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}

/** The program's own file, from the cache; from the network only if it is not part of this version. */
async function answer(request, path) {
  const cache = await caches.open(CACHE);
  const found = await cache.match(path);
  return found || fetch(request);
}

self.addEventListener('install', (event) => {
  event.waitUntil(install());
});

self.addEventListener('activate', (event) => {
  event.waitUntil(activate());
});

self.addEventListener('message', (event) => {
  if (event.data === 'SKIP_WAITING') {
    event.waitUntil(self.skipWaiting());
  } else if (event.data === 'VERSION' && event.ports[0]) {
    event.ports[0].postMessage(VERSION);
  }
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin || isServers(url)) return;
  if (request.mode === 'navigate') {
    event.respondWith(answer(request, SHELL));
  } else if (FILES.includes(url.pathname)) {
    event.respondWith(answer(request, url.pathname));
  }
});
