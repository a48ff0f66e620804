// Animated GIFs with one colour table for the whole film, which does not flicker as tables of single frames do.

const COLOURS = 256;
const SAMPLES = 65536;

/** At most 256 colours [n][3] for frames of RGBA bytes, by median cut (Heckbert 1982). */
export function commonPalette(frames) {
  const step = Math.max(1, Math.floor((frames.length * frames[0].length) / 4 / SAMPLES));
  const pixels = [];
  for (let at = 0; at < (frames.length * frames[0].length) / 4; at += step) {
    const [frame, place] = [Math.floor((4 * at) / frames[0].length), (4 * at) % frames[0].length];
    pixels.push([frames[frame][place], frames[frame][place + 1], frames[frame][place + 2]]);
  }
  const boxOf = (members) => {
    const reaches = [0, 1, 2].map((channel) => {
      let [least, most] = [255, 0];
      for (const member of members) [least, most] = [Math.min(least, member[channel]), Math.max(most, member[channel])];
      return most - least;
    });
    const reach = Math.max(...reaches);
    return { members, channel: reaches.indexOf(reach), weight: reach * Math.sqrt(members.length) };
  };
  const boxes = [boxOf(pixels)];
  while (boxes.length < COLOURS) {
    const place = boxes.reduce((best, box, i) => (box.weight > boxes[best].weight ? i : best), 0);
    const { members, channel, weight } = boxes[place];
    if (!weight) break;
    members.sort((a, b) => a[channel] - b[channel]);
    let middle = members.length >> 1;
    if (members[0][channel] === members[middle][channel]) // all of one value stay together
      middle = members.findIndex((member) => member[channel] > members[0][channel]);
    boxes.splice(place, 1, boxOf(members.slice(0, middle)), boxOf(members.slice(middle)));
  }
  return boxes.map(({ members }) => [0, 1, 2].map((channel) =>
    Math.round(members.reduce((sum, member) => sum + member[channel], 0) / members.length)));
}

/** Bayer's 8 x 8 matrix (1973), from -0.5 to 0.5: a pattern that stays where it is does not crawl from frame to frame. */
const BAYER = Array.from({ length: 64 }, (_, i) => {
  let [x, y, value] = [i & 7, i >> 3, 0];
  for (let bit = 0; bit < 3; bit++, x >>= 1, y >>= 1) value = (value << 2) | (((x ^ y) & 1) << 1) | (y & 1);
  return (value + 0.5) / 64 - 0.5;
});
const DITHER = 10; // grey levels

/** Which colour of a palette each pixel gets; found once for all colours that are alike in their first 6 bits. */
export class Indexer {
  constructor(palette) {
    this.palette = palette;
    this.known = new Int16Array(1 << 18).fill(-1);
  }

  nearest(red, green, blue) {
    const key = ((red >> 2) << 12) | ((green >> 2) << 6) | (blue >> 2);
    if (this.known[key] < 0) {
      let least = Infinity;
      this.palette.forEach(([r, g, b], i) => {
        const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
        if (distance < least) [least, this.known[key]] = [distance, i];
      });
    }
    return this.known[key];
  }

  /** RGBA bytes [height][width] to places in the palette. */
  of(frame, width) {
    const result = new Uint8Array(frame.length / 4);
    const shifted = (value, by) => Math.max(0, Math.min(255, Math.round(value + by)));
    for (let i = 0; i < result.length; i++) {
      const by = DITHER * BAYER[((Math.floor(i / width) & 7) << 3) | (i % width & 7)];
      result[i] = this.nearest(...[0, 1, 2].map((channel) => shifted(frame[4 * i + channel], by)));
    }
    return result;
  }
}

/** LZW with codes of growing width, in blocks of 255 bytes: the picture data of a GIF (version 89a, appendix F). */
export function lzw(places) {
  const [clear, end] = [COLOURS, COLOURS + 1];
  const bytes = [];
  let [held, bits, width, next] = [0, 0, 9, end + 1];
  const known = new Int16Array(4096 * COLOURS);
  const put = (code) => {
    held |= code << bits;
    bits += width;
    for (; bits >= 8; bits -= 8, held >>>= 8) bytes.push(held & 255);
  };
  put(clear);
  let code = places[0];
  for (let i = 1; i < places.length; i++) {
    const entry = code * COLOURS + places[i];
    if (known[entry]) {
      code = known[entry];
      continue;
    }
    put(code);
    if (next === 4096) {
      put(clear);
      known.fill(0);
      [width, next] = [9, end + 1];
    } else {
      if (next === 1 << width) width++;
      known[entry] = next++;
    }
    code = places[i];
  }
  put(code);
  if (next === 1 << width && width < 12) width++;
  put(end);
  if (bits) bytes.push(held & 255);
  const blocks = [8];
  for (let at = 0; at < bytes.length; at += 255) {
    const block = bytes.slice(at, at + 255);
    blocks.push(block.length, ...block);
  }
  return [...blocks, 0];
}

const short = (value) => [value & 255, value >> 8];

/** How long each frame is shown, in hundredths of a second, rounded so that the sum stays right; 2 at least. */
export function delays(count, seconds) {
  const each = Math.max((100 * seconds) / count, 2);
  return Array.from({ length: count }, (_, i) => Math.round((i + 1) * each) - Math.round(i * each));
}

/** The bytes of a GIF that plays for ever. @param frames RGBA bytes of each */
export function encoded(frames, width, height, seconds, progress = () => {}) {
  const palette = commonPalette(frames);
  const indexer = new Indexer(palette);
  const table = new Uint8Array(3 * COLOURS);
  table.set(palette.flat());
  const parts = [new TextEncoder().encode("GIF89a"), [...short(width), ...short(height), 0xf7, 0, 0], table,
    [0x21, 0xff, 11, ...new TextEncoder().encode("NETSCAPE2.0"), 3, 1, 0, 0, 0]];
  delays(frames.length, seconds).forEach((delay, i) => {
    progress(i / frames.length);
    parts.push([0x21, 0xf9, 4, 4, ...short(delay), 0, 0], [0x2c, 0, 0, 0, 0, ...short(width), ...short(height), 0]);
    parts.push(lzw(indexer.of(frames[i], width)));
  });
  parts.push([0x3b]);
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    result.set(part, place);
    place += part.length;
  }
  return result;
}
