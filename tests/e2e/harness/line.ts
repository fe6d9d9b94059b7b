// The line between a phone and the server: a proxy on one address that can be cut in the middle of an answer, be dead, or
// lead to something that is not our server.
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server as TcpServer, type Socket } from 'node:net';

export class Line {
  private listener: TcpServer | HttpServer | undefined;
  private readonly sockets = new Set<Socket>();
  private port = 0;
  private cuts: number[] = [];
  private isHeld = false;
  /** How often a connection was cut. */
  cutCount = 0;

  private constructor(private readonly target: () => number) {}

  /** A good line to whatever listens on the port. */
  static async open(target: () => number): Promise<Line> {
    const line = new Line(target);
    await line.up();
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The next connections that carry a sync are cut after so many bytes of answers, one after the other. */
  cutSyncsAfter(...bytes: number[]): void {
    this.cuts = bytes;
  }

  /** From now on requests of a sync go to the server, but no byte of their answers comes back. */
  holdAnswers(): void {
    this.isHeld = true;
  }

  /** Nobody listens. */
  async down(): Promise<void> {
    await this.close();
  }

  /** The line is good again. */
  async up(): Promise<void> {
    await this.close();
    this.isHeld = false;
    this.listener = createServer((near) => this.carry(near));
    await this.listen(this.listener);
  }

  /** A captive portal answers everything with its own page. */
  async portal(): Promise<void> {
    await this.close();
    this.listener = createHttpServer((_, answer) => {
      answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      answer.end('<!doctype html><title>Wi-Fi</title><p>请登录网络</p>');
    });
    await this.listen(this.listener);
  }

  /** Somebody in the middle tells every phone to wipe itself, and does not know the word. */
  async wiper(): Promise<void> {
    await this.close();
    this.listener = createHttpServer((_, answer) => {
      answer.writeHead(410, { 'content-type': 'application/vnd.zoufang.wipe' });
      answer.end(Buffer.alloc(64, 7));
    });
    await this.listen(this.listener);
  }

  async close(): Promise<void> {
    const listener = this.listener;
    this.listener = undefined;
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
    if (listener) {
      if ('closeAllConnections' in listener) listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    }
  }

  private async listen(listener: TcpServer | HttpServer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(this.port, '127.0.0.1', () => resolve());
    });
    this.port = (listener.address() as AddressInfo).port;
  }

  private carry(near: Socket): void {
    const far = connect(this.target(), '127.0.0.1');
    this.sockets.add(near).add(far);
    let left = Number.POSITIVE_INFINITY;
    let held = false;
    near.on('data', (bytes: Buffer) => {
      if (bytes.includes('POST /api/v1/sync')) {
        left = this.cuts.shift() ?? Number.POSITIVE_INFINITY;
        held = this.isHeld;
      }
      far.write(bytes);
    });
    far.on('data', (bytes: Buffer) => {
      if (held) return;
      if (bytes.length < left) {
        left -= bytes.length;
        near.write(bytes);
        return;
      }
      this.cutCount += 1;
      near.write(bytes.subarray(0, left), () => near.resetAndDestroy());
      far.destroy();
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
      // A cut line is what this is for.
      one.on('error', () => other.destroy());
    }
  }
}
