// A phone whose battery is flat at one of its writes.

export const POINTS = ['begin', 'put', 'complete'] as const;
/** What it says then. */
export const DEAD = 'the battery is flat';

type Point = (typeof POINTS)[number];

/** Where the phone dies: at a point of the writing transaction with this number, from 1, since they are counted. */
export interface Death {
  at: number;
  point: Point;
}

/** Counts the page's writing transactions, from its start or from when `writes` of the window is a number, and stands still for ever
 * at one of them, so that it can be killed there. */
export function dieAt({ death, word, fromStart }: { death: Death; word: string; fromStart?: boolean }): void {
  let chosen: IDBTransaction | undefined;
  const die = (): never => {
    console.log(word);
    for (;;);
  };
  const { transaction } = IDBDatabase.prototype;
  const { put } = IDBObjectStore.prototype;
  const { commit } = IDBTransaction.prototype;
  const seen = window as unknown as { writes?: number };
  if (fromStart) seen.writes = 0;
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    const made = transaction.call(this, stores, mode, options);
    if (mode !== 'readwrite' || seen.writes === undefined) return made;
    seen.writes += 1;
    if (seen.writes === death.at) {
      if (death.point === 'begin') die();
      chosen = made;
    }
    return made;
  };
  IDBObjectStore.prototype.put = function (...row) {
    const request = put.apply(this, row);
    if (this.transaction === chosen && death.point === 'put') request.addEventListener('success', die);
    return request;
  };
  IDBTransaction.prototype.commit = function () {
    commit.call(this);
    if (this === chosen && death.point === 'complete') die();
  };
}
