// Zoufang as an engine of the side-by-side bench: the app built with its feature `bench`, which answers for itself
// (app/web/src/bench.rs), and the real server with real accounts. The address of both comes from `cargo xtask bench --peers`.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import path from 'node:path';

const { ZOUFANG_SERVER_BIN: server, ZOUFANG_DIST: dist } = process.env;

// The unit is one village; the workers are those of the bench's data. The page knows them by their order, and
// signs in as the first, as two phones of one worker.
const UNIT = '211381103201';
const WORKERS = ['周红梅', '陈志远', '马晓燕', '罗永康'];
const PASSWORD = 'made records only';

function addAccounts(dataDir) {
  WORKERS.forEach((name, n) => {
    const login = `bench${n + 1}`;
    const said = execFileSync(
      server,
      ['user', 'add', '--data', dataDir, '--login', login, '--name', name, '--role', 'village_worker', '--unit', UNIT],
      { input: `${PASSWORD}\n`, encoding: 'utf8' },
    );
    if (said.trim() !== `user ${n + 1} added`) throw new Error(`the page expects ${login} to be user ${n + 1}`);
  });
}

export default {
  name: 'zoufang',
  title: 'Zoufang (IndexedDB), Automerge documents by log shipping, with its server (SQLite)',

  buildPages(pagesDir) {
    if (!server || !dist) throw new Error('Zoufang is measured by `cargo xtask bench --peers`, which builds it first');
    return cp(dist, pagesDir, { recursive: true });
  },

  serverCommand({ port, dataDir, pagesDir }) {
    if (!existsSync(path.join(dataDir, 'zoufang.sqlite'))) addAccounts(dataDir);
    return {
      command: server,
      args: ['serve', '--data', dataDir, '--listen', `127.0.0.1:${port}`, '--dist', pagesDir],
    };
  },
};
