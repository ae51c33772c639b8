// Pictures without a library: a PNG of one colour, with a square in it.

import { crc32, deflateSync } from "node:zlib";

const crc = crc32 ?? ((data) => {
  let sum = ~0;
  for (const byte of data) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
});

function part(name, data) {
  const whole = Buffer.concat([Buffer.from(name), data]);
  const out = Buffer.alloc(whole.length + 8);
  out.writeUInt32BE(data.length, 0);
  whole.copy(out, 4);
  out.writeUInt32BE(crc(whole), whole.length + 4);
  return out;
}

/** A PNG of that size, as bytes. */
export function png(width, height, [red, green, blue] = [70, 110, 190]) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isIn = Math.abs(x - width / 2) < width / 5 && Math.abs(y - height / 2) < height / 5;
      rows.set(isIn ? [245, 240, 225] : [red, green, blue], y * (1 + width * 3) + 1 + x * 3);
    }
  }
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), part("IHDR", head), part("IDAT", deflateSync(rows)), part("IEND", Buffer.alloc(0))]);
}
