// Reads a QR code out of its squares, from the standard and not from the library that made it: versions 1 to 6, correction level M.
// Nothing is corrected, so one wrong square is found.

/** Data bytes and blocks of each version at level M; all blocks of a version are of one length. */
const LEVEL_M: Record<number, { data: number; blocks: number }> = {
  1: { data: 16, blocks: 1 },
  2: { data: 28, blocks: 1 },
  3: { data: 44, blocks: 1 },
  4: { data: 64, blocks: 2 },
  5: { data: 86, blocks: 2 },
  6: { data: 108, blocks: 4 },
};

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

const MASKS: ((row: number, column: number) => boolean)[] = [
  (row, column) => (row + column) % 2 === 0,
  (row) => row % 2 === 0,
  (_, column) => column % 3 === 0,
  (row, column) => (row + column) % 3 === 0,
  (row, column) => (Math.floor(row / 2) + Math.floor(column / 3)) % 2 === 0,
  (row, column) => ((row * column) % 2) + ((row * column) % 3) === 0,
  (row, column) => (((row * column) % 2) + ((row * column) % 3)) % 2 === 0,
  (row, column) => (((row + column) % 2) + ((row * column) % 3)) % 2 === 0,
];

/** The text of a code, whose dark squares are true. */
export function readQr(dark: boolean[][]): string {
  const size = dark.length;
  const version = (size - 17) / 4;
  const level = LEVEL_M[version];
  if (!level) throw new Error(`a code of ${size} squares`);
  const at = (row: number, column: number): boolean => dark[row]?.[column] ?? false;
  // The format stands beside the upper left eye; its first five bits are level and mask.
  const format = [0, 1, 2, 3, 4].reduce((bits, column) => (bits << 1) | Number(at(8, column)), 0) ^ 0b10101;
  if (format >> 3 !== 0b00) throw new Error(`level ${format >> 3}`);
  const mask = MASKS[format & 7] ?? ((): boolean => false);
  const middle = size - 7;
  const isFixed = (row: number, column: number): boolean =>
    (row < 9 && column < 9) || (row < 9 && column >= size - 8) || (row >= size - 8 && column < 9) || row === 6 || column === 6 ||
    (version > 1 && Math.abs(row - middle) <= 2 && Math.abs(column - middle) <= 2);
  // Two columns at a time from the right, upwards and downwards in turn.
  const bits: boolean[] = [];
  let upwards = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right -= 1;
    for (let step = 0; step < size; step += 1) {
      const row = upwards ? size - 1 - step : step;
      for (const column of [right, right - 1]) {
        if (!isFixed(row, column)) bits.push(at(row, column) !== mask(row, column));
      }
    }
    upwards = !upwards;
  }
  const sent = Array.from({ length: level.data }, (_, byte) => bits.slice(8 * byte, 8 * byte + 8).reduce((value, bit) => (value << 1) | Number(bit), 0));
  // Blocks take turns byte by byte.
  const length = level.data / level.blocks;
  const data = Array.from({ length: level.blocks }, (_, block) => Array.from({ length }, (_, byte) => sent[byte * level.blocks + block] ?? 0)).flat();
  return told(data.flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((place) => (byte >> place) & 1)));
}

/** The segments of a stream of bits. */
function told(bits: number[]): string {
  let place = 0;
  const take = (count: number): number => {
    const value = bits.slice(place, place + count).reduce((value, bit) => value * 2 + bit, 0);
    place += count;
    return value;
  };
  let text = '';
  while (place + 4 <= bits.length) {
    const mode = take(4);
    if (mode === 0b0000) break;
    if (mode === 0b0001) {
      for (let left = take(10); left > 0; left -= 3) text += String(take([0, 4, 7][left] ?? 10)).padStart(Math.min(left, 3), '0');
    } else if (mode === 0b0010) {
      for (let left = take(9); left > 0; left -= 2) {
        const value = take(left === 1 ? 6 : 11);
        text += left === 1 ? LETTERS[value] : `${LETTERS[Math.floor(value / 45)]}${LETTERS[value % 45]}`;
      }
    } else if (mode === 0b0100) {
      const bytes = Array.from({ length: take(8) }, () => take(8));
      text += new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes));
    } else {
      throw new Error(`mode ${mode}`);
    }
  }
  return text;
}
