// Makes the demonstration data once; each test begins with a copy of it.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { TEMPLATE, serverProgram } from './server.ts';

export default function setup(): void {
  rmSync(TEMPLATE, { recursive: true, force: true });
  execFileSync(serverProgram(), ['demo', '--data', TEMPLATE, '--seed-only'], { stdio: 'ignore' });
}
