// The second half of the service worker: delivers what was saved while the app is closed or locked.
//
// Each change that waits has a copy that is sealed to the server's key (table `parcel`), so nothing here can read it and nothing here
// needs to. Requests are signed with a key that the browser keeps and does not give out, also not to us. Nothing is deleted here: a
// parcel that arrived is emptied, one that was refused is left with a mark, and both go when the app has its receipt. But a device that
// was revoked is wiped, after all that waits is at the server: by a word of the server whose hash is here since the enrolment.
//
// What is new comes back in letters, to a question that the app has left (table `inbox`): sealed to a key that only the open app has.

const POST = 'zoufang.device';
const PARCELS = '/api/v1/parcels';
const PARCELS_TYPE = 'application/vnd.zoufang.parcels';
const INBOX = '/api/v1/inbox';
const INBOX_TYPE = 'application/vnd.zoufang.inbox';
const INBOX_MAGIC = [0x5a, 0x46, 0x49, 0x31];
const WIPE_TYPE = 'application/vnd.zoufang.wipe';
const WIPE_WORD_BYTES = 32;
const WIPED_PATH = '/api/v1/device-wiped';
/** Pages are given so long to end what they save. */
const CLOSING_MS = 400;
const TAKE_AWAY_MS = 5_000;
const BODY_BYTES_MAX = 900 * 1024;
const PARCELS_MAX = 1000;
const PARCELS_MAGIC = [0x5a, 0x46, 0x50, 0x31];
const CARRIED_MAGIC = [0x5a, 0x46, 0x43, 0x31];
const STORED = 1;
const REFUSED = 2;
/** What the browser wakes us for when there is a line again. */
const SYNC_TAG = 'parcels';
/** What it wakes us for now and then, where it lets an installed app ask for that. */
const NEWS_TAG = 'inbox';
const NEWS_EVERY_MS = 6 * 60 * 60 * 1000;
const QUESTION = 'question';
const LETTER = 'letter/';
/** Ends of the keys of letters: one that tells what became of parcels, and one of which the newest makes the others needless. */
const WITH_VERDICTS = 'v';
const WITHOUT = 'n';
const LETTERS_MAX = 16;
const LETTERS_BYTES_MAX = 2 * 1024 * 1024;

/** The result of a request, or its error. */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** A database, closed again after use and whenever another version of the app wants to change it. */
async function withDatabase(name, make, use) {
  const request = indexedDB.open(name, make ? 1 : undefined);
  request.onupgradeneeded = () => {
    // The app makes its own database; one that is not there yet holds nothing.
    if (make) make(request.result);
    else request.transaction.abort();
  };
  const database = await done(request);
  database.onversionchange = () => database.close();
  try {
    return await use(database);
  } finally {
    database.close();
  }
}

function withPost(use) {
  return withDatabase(POST, (database) => database.createObjectStore('device'), use);
}

/** What is kept of this device: its id, its key, and whether the server knows the key. */
function readDevice() {
  return withPost((database) => done(database.transaction('device').objectStore('device').get('me')));
}

function keepDevice(me) {
  return withPost(async (database) => {
    const transaction = database.transaction('device', 'readwrite', { durability: 'strict' });
    const kept = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    transaction.objectStore('device').put(me, 'me');
    await kept;
  });
}

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256' };

async function signature(me, bytes) {
  return new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, me.keys.privateKey, bytes));
}

function bytesOf(...parts) {
  const arrays = parts.map((part) => (typeof part === 'string' ? new TextEncoder().encode(part) : part));
  const whole = new Uint8Array(arrays.reduce((length, array) => length + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Makes this device's key, if it has none, and lets the server know it: once, while somebody is signed in. */
async function introduce(device, token) {
  let me = await readDevice();
  if (me && me.device === device && me.known && me.wipe) return;
  if (!me || me.device !== device) {
    const keys = await crypto.subtle.generateKey(ECDSA, false, ['sign', 'verify']);
    me = { device, keys, known: false };
    await keepDevice(me);
  }
  const key = new Uint8Array(await crypto.subtle.exportKey('raw', me.keys.publicKey));
  const body = bytesOf(key, await signature(me, bytesOf(`zoufang device key\n${device}\n`)));
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
  const response = await fetch('/api/v1/device-key', { method: 'PUT', headers, body, credentials: 'omit', redirect: 'error' });
  if (response.status === 204) await keepDevice({ ...me, known: true, wipe: response.headers.get('x-zoufang-wipe') });
}

/** What stands in place of a parcel that the server refused; a parcel is longer. */
const REFUSED_MARK = new Uint8Array([REFUSED]);

/** The rows of a table of the app's: their keys and bytes; none if it is not there yet. */
async function rowsOf(name) {
  return await withDatabase('zoufang', null, async (database) => {
    if (!database.objectStoreNames.contains(name)) return [];
    const table = database.transaction(name).objectStore(name);
    const [keys, values] = await Promise.all([done(table.getAllKeys()), done(table.getAll())]);
    return keys.map((key, index) => ({ key, bytes: values[index] }));
  }).catch((error) => {
    if (error && error.name === 'AbortError') return [];
    throw error;
  });
}

/** The parcels that have not arrived, oldest first. */
async function waitingParcels() {
  return (await rowsOf('parcel')).filter(({ bytes }) => bytes.length > REFUSED_MARK.length);
}

/** What the app has left to be asked. */
async function keptQuestion() {
  const found = (await rowsOf('inbox')).find(({ key }) => key === QUESTION);
  return found && found.bytes;
}

function same(one, other) {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** Keeps a letter, if the app has not left another question meanwhile. One that tells what became of parcels stays beside newer ones,
 * which do not tell it again. */
async function keepLetter(question, letter, tells) {
  await withDatabase('zoufang', null, async (database) => {
    const transaction = database.transaction('inbox', 'readwrite');
    const kept = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    const table = transaction.objectStore('inbox');
    const [keys, values] = await Promise.all([done(table.getAllKeys()), done(table.getAll())]);
    const rows = keys.map((key, index) => ({ key, bytes: values[index] }));
    const asked = rows.find(({ key }) => key === QUESTION);
    if (asked && same(asked.bytes, question)) {
      const letters = rows.filter(({ key }) => key.startsWith(LETTER));
      const numbers = letters.map(({ key }) => Number.parseInt(key.slice(LETTER.length), 10));
      const number = String(Math.max(0, ...numbers) + 1).padStart(10, '0');
      const telling = letters.filter(({ key }) => key.endsWith(WITH_VERDICTS));
      const length = () => telling.reduce((sum, { bytes }) => sum + bytes.length, letter.length);
      while (telling.length > 0 && (telling.length >= LETTERS_MAX || length() > LETTERS_BYTES_MAX)) telling.shift();
      for (const { key } of letters) if (!telling.some((other) => other.key === key)) table.delete(key);
      table.put(letter, `${LETTER}${number}/${tells ? WITH_VERDICTS : WITHOUT}`);
    }
    await kept;
  });
}

/** The number on the app's icon: what waits for a line, and nothing of whom. */
async function showBadge() {
  if (!navigator.setAppBadge) return;
  const { length } = await waitingParcels();
  await (length > 0 ? navigator.setAppBadge(length) : navigator.clearAppBadge());
}

/** Empties parcels that arrived, and marks those that were refused, unless the app has written another one in their place meanwhile. */
async function markArrived(parcels, fates) {
  await withDatabase('zoufang', null, async (database) => {
    const transaction = database.transaction('parcel', 'readwrite');
    const kept = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    const table = transaction.objectStore('parcel');
    for (const [index, { key, bytes }] of parcels.entries()) {
      if (fates[index] !== STORED && fates[index] !== REFUSED) continue;
      const now = await done(table.get(key));
      if (now && same(now, bytes)) table.put(fates[index] === STORED ? new Uint8Array(0) : REFUSED_MARK, key);
    }
    await kept;
  });
}

/** As many parcels as one request takes. */
function firstLoad(parcels) {
  let length = PARCELS_MAGIC.length;
  let count = 0;
  for (const { bytes } of parcels) {
    length += 4 + bytes.length;
    if (count === PARCELS_MAX || (count > 0 && length > BODY_BYTES_MAX)) break;
    count += 1;
  }
  return parcels.slice(0, count);
}

function lengthOf(bytes) {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length, true);
  return length;
}

function bodyOf(load, question) {
  const magic = new Uint8Array(question ? INBOX_MAGIC : PARCELS_MAGIC);
  const pieces = [...(question ? [question] : []), ...load.map(({ bytes }) => bytes)];
  return bytesOf(magic, ...pieces.flatMap((piece) => [lengthOf(piece), piece]));
}

/** What waits, as a file for a computer that has a line (`app/core/src/sync/carried.rs`), or why there is none. All of it still waits
 * here afterwards. */
async function carry() {
  const me = await readDevice();
  if (!me || !me.known) return { why: 'unknown' };
  let rest = await waitingParcels();
  const count = rest.length;
  if (count === 0) return { why: 'nothing' };
  const parts = [];
  let bodies = 0;
  for (; rest.length > 0; bodies += 1) {
    const load = firstLoad(rest);
    rest = rest.slice(load.length);
    const body = bodyOf(load);
    parts.push(await signed(me, body), lengthOf(body), body);
  }
  const head = new DataView(new ArrayBuffer(CARRIED_MAGIC.length + 12));
  CARRIED_MAGIC.forEach((byte, place) => head.setUint8(place, byte));
  head.setBigUint64(CARRIED_MAGIC.length, BigInt(`0x${me.device}`));
  head.setUint32(CARRIED_MAGIC.length + 8, bodies, true);
  const content = bytesOf(new Uint8Array(head.buffer), ...parts);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  return { file: bytesOf(content, hash), count };
}

/** A device's signature of a body, which is for parcels or for the inbox. */
function signed(me, body, what = 'parcels') {
  return signature(me, bytesOf(`zoufang ${what}\n${me.device}\n`, body));
}

/** A request in this device's name, signed with its key. */
async function say(me, path, body, sent) {
  const forInbox = path === INBOX;
  const headers = {
    'content-type': forInbox ? INBOX_TYPE : PARCELS_TYPE,
    'x-zoufang-device': me.device,
    'x-zoufang-signature': base64url(await signed(me, body, forInbox ? 'inbox' : 'parcels')),
  };
  return await fetch(path, { method: 'POST', headers, body: sent, credentials: 'omit', redirect: 'error' });
}

/** Delivers parcels; with none it asks, if it is to, whether this device is still wanted. With a question that the app has left it asks
 * what is new, too. Says whether this device is not wanted. Fails if there is no line, so that the browser asks again later. */
async function send(me, parcels, ask) {
  let unwanted = false;
  let rest = parcels;
  let question = await keptQuestion();
  let asks = ask;
  while (rest.length > 0 || asks) {
    const load = firstLoad(rest);
    const body = bodyOf(load, question);
    const response = await say(me, question ? INBOX : PARCELS, body, body);
    if (question && response.status === 404) {
      // A server of an older version was put in place: it takes parcels.
      question = undefined;
      continue;
    }
    rest = rest.slice(load.length);
    asks = false;
    if (response.status === 410) {
      // What was sent is kept there, if the word is said; the rest goes first.
      unwanted = await isWipeWord(me, response);
      if (!unwanted) return false;
      continue;
    }
    if (response.status === 401) {
      // The server was restored: the app finds out at its next sign-in.
      await keepDevice({ ...me, known: false });
      return false;
    }
    // A captive portal answers, too.
    const type = question ? INBOX_TYPE : PARCELS_TYPE;
    if (!response.ok || response.headers.get('content-type') !== type) throw new Error(`parcels: ${response.status}`);
    const said = new Uint8Array(await response.arrayBuffer());
    const letter = said.slice(load.length);
    if (said.length < load.length || (!question && letter.length > 0)) throw new Error('parcels: another number of fates');
    // Where there is no room for a letter the next sync brings what it says.
    if (letter.length > 0) await keepLetter(question, letter, load.length > 0).catch(() => undefined);
    await markArrived(load, said.slice(0, load.length));
  }
  return unwanted;
}

/** Delivers what waits, and wipes this device if it is not wanted any more. */
async function deliver(ask) {
  const me = await readDevice();
  if (!me || !me.known) return;
  const parcels = await waitingParcels();
  if (!(await send(me, parcels, ask))) return;
  // Pages save nothing any more. What was saved until now goes first; if it does not get through, all of it stays.
  await tellPages('WIPING');
  await new Promise((resolve) => setTimeout(resolve, CLOSING_MS));
  const saved = (await waitingParcels()).filter(({ key }) => !parcels.some((sent) => sent.key === key));
  if (saved.length === 0 || (await send(me, saved, false))) await wipe(me);
}

async function tellPages(what) {
  for (const page of await self.clients.matchAll({ type: 'window', includeUncontrolled: true })) page.postMessage(what);
}

/** Whether the server said the word that only it has, and only for this device. */
async function isWipeWord(me, response) {
  if (!me.wipe || response.headers.get('content-type') !== WIPE_TYPE) return false;
  const words = new Uint8Array(await response.arrayBuffer());
  for (let at = 0; at + WIPE_WORD_BYTES <= words.length; at += WIPE_WORD_BYTES) {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', words.slice(at, at + WIPE_WORD_BYTES)));
    const hex = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    if (hex === me.wipe) return true;
  }
  return false;
}

/** Takes a database away, also while a page has it open: pages close theirs when they hear of it. Fails if one does not. */
function takeAway(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
    setTimeout(() => reject(new Error('wipe: a database is in use')), TAKE_AWAY_MS);
  });
}

/** Nothing of anybody stays here. The keys go first: without them the rest is worth nothing. What does not go is taken away at the next
 * contact: only then this device forgets that it was told to. */
async function wipe(me) {
  await takeAway('zoufang.keys');
  await takeAway('zoufang');
  await takeAway(POST);
  await navigator.clearAppBadge?.().catch(() => undefined);
  // Pages begin anew, with nothing in their memory.
  await tellPages('WIPED');
  // The server hears of it, if there is still a line.
  await say(me, WIPED_PATH, bytesOf('wiped')).catch(() => undefined);
}

/** Whether somebody looks at the app, which then sends by itself. */
async function isInFront() {
  const pages = await self.clients.matchAll({ type: 'window' });
  return pages.some((page) => page.visibilityState === 'visible');
}

let delivering = null;

/** One delivery at a time; a second one would send the same. */
function deliverOnce(ask = false) {
  delivering ??= deliver(ask).finally(() => {
    delivering = null;
    return showBadge().catch(() => undefined);
  });
  return delivering;
}

/** Where the browser wakes installed apps now and then. */
async function askNowAndThen() {
  await self.registration.periodicSync?.register(NEWS_TAG, { minInterval: NEWS_EVERY_MS });
}

self.addEventListener('sync', (event) => {
  if (event.tag === SYNC_TAG) {
    event.waitUntil(isInFront().then((inFront) => (inFront ? undefined : deliverOnce(true))));
  }
});

self.addEventListener('periodicsync', (event) => {
  if (event.tag === NEWS_TAG) {
    event.waitUntil(isInFront().then((inFront) => (inFront ? undefined : deliverOnce(true))));
  }
});

self.addEventListener('message', (event) => {
  const said = event.data;
  if (said && said.kind === 'INTRODUCE') {
    // Without a line it is said again at the next start.
    event.waitUntil(introduce(said.device, said.token).catch(() => undefined));
    event.waitUntil(askNowAndThen().catch(() => undefined));
  } else if (said && said.kind === 'ASK') {
    event.waitUntil(deliverOnce(true).catch(() => undefined));
  } else if (said && said.kind === 'DELIVER') {
    event.waitUntil(deliverOnce().catch(() => undefined));
  } else if (said && said.kind === 'CARRY') {
    const [port] = event.ports;
    event.waitUntil(carry().catch(() => ({ why: 'storage' })).then((made) => port.postMessage(made)));
  } else if (said && said.kind === 'WAITING' && self.registration.sync) {
    event.waitUntil(self.registration.sync.register(SYNC_TAG).catch(() => undefined));
  }
});
