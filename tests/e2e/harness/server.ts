// A real server process on a folder of its own, which can be stopped, killed and started again at the same address.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The demonstration data that every test's folder is copied from. */
export const TEMPLATE = join(tmpdir(), 'zoufang-e2e-template');
export const PASSWORD = 'zoufang-demo';

export function serverProgram(): string {
  const program = process.env['ZOUFANG_SERVER_BIN'];
  if (!program) throw new Error('ZOUFANG_SERVER_BIN is not set: run `cargo xtask e2e`');
  return program;
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

export class Server {
  private process: ChildProcess | undefined;
  private output = '';

  private constructor(
    readonly port: number,
    readonly folder: string,
    private readonly extra: string[],
  ) {}

  /** A server on a fresh copy of the demonstration data. */
  static async start(extra: string[] = []): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), 'zoufang-e2e-server-'));
    const server = new Server(await freePort(), folder, extra);
    server.restore();
    await server.run();
    return server;
  }

  /** Puts the demonstration data in place of whatever is there, as a restored backup would. */
  restore(): void {
    rmSync(this.folder, { recursive: true, force: true });
    cpSync(TEMPLATE, this.folder, { recursive: true });
  }

  /** Does what an operator does at the command line, beside the running process; gives what it said. */
  command(...words: string[]): string {
    return execFileSync(serverProgram(), [...words, '--data', this.folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Adds a worker of a village, who signs in with the same password as everybody here. */
  addVillager(login: string, name: string, unit: string): void {
    const file = join(this.folder, 'password.txt');
    writeFileSync(file, PASSWORD);
    this.command('user', 'add', '--login', login, '--name', name, '--role', 'village_worker', '--unit', unit, '--password-file', file);
    rmSync(file);
  }

  /** Copies the data as they are now. */
  backUp(to: string): void {
    cpSync(this.folder, to, { recursive: true });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts the process and waits until it says that it listens. */
  async run(): Promise<void> {
    const child = spawn(serverProgram(), ['serve', '--data', this.folder, '--listen', `127.0.0.1:${this.port}`, ...this.extra], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process = child;
    child.stderr.on('data', (bytes: Buffer) => (this.output += bytes.toString()));
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (bytes: Buffer) => {
        if (bytes.toString().includes('listens on')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${this.output.slice(-2000)}`)));
    });
  }

  /** What it logged so far. */
  get log(): string {
    return this.output;
  }

  /** Ends it as an operator would. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  /** Ends it and deletes its folder. */
  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
