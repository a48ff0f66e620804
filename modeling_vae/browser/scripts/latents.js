// Noise, the same as latents.py gives for a seed, and the way from latents to others.
// All is computed in float64 and rounded to float32, as there.

const BITS = 64n;
const WORD = (1n << BITS) - 1n;
const MULTIPLIERS = [0xd2e7470ee14c6c93n, 0xca5a826395121157n];
const WEYL = [0x9e3779b97f4a7c15n, 0xbb67ae8584caa73bn];

/** One block of Philox 4x64-10 (Salmon et al. 2011): four 64-bit numbers of a counter and a key. */
function philox(counter, key) {
  let [a, b, c, d] = counter;
  let [k, l] = key;
  for (let round = 0; round < 10; round++) {
    const [first, second] = [MULTIPLIERS[0] * a, MULTIPLIERS[1] * c];
    [a, b, c, d] = [(second >> BITS) ^ b ^ k, second & WORD, (first >> BITS) ^ d ^ l, first & WORD];
    [k, l] = [(k + WEYL[0]) & WORD, (l + WEYL[1]) & WORD];
  }
  return [a, b, c, d];
}

/** Row `row` of the N(0, 1) noise of a seed: `count` numbers, see `sample_noise`. */
export function noise(seed, row, count) {
  const bits = [];
  for (let block = 1; bits.length < count + 1; block++) bits.push(...philox([BigInt(block), 0n, BigInt(row), 0n], [BigInt(seed), 0n]));
  const result = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((Number(bits[i] >> 11n) + 1) * 2 ** -53));
    const turn = 2 * Math.PI * (Number(bits[i + 1] >> 11n) * 2 ** -53);
    result[i] = radius * Math.cos(turn);
    if (i + 1 < count) result[i + 1] = radius * Math.sin(turn);
  }
  return result;
}

const length = (vector) => Math.hypot(...vector);

/** The point `t` of the way from a to b round the origin (Shoemake 1985), see `slerp`. */
export function slerp(a, b, t) {
  const [from, to] = [length(a), length(b)];
  if (!from || !to) return lerp(a, b, t);
  const [u, v] = [Float64Array.from(a, (x) => x / from), Float64Array.from(b, (x) => x / to)];
  const angle = 2 * Math.atan2(length(u.map((x, i) => x - v[i])), length(u.map((x, i) => x + v[i])));
  const sine = Math.sin(angle);
  if (sine < 1e-6) return lerp(a, b, t);
  const far = (1 - t) * from + t * to;
  const first = (Math.sin((1 - t) * angle) / sine) * (far / from);
  const second = (Math.sin(t * angle) / sine) * (far / to);
  return a.map((x, i) => first * x + second * b[i]);
}

export const lerp = (a, b, t) => a.map((x, i) => (1 - t) * x + t * b[i]);

/** Even time to eased time, both from 0 to 1. */
export const ease = (t, kind) => (kind === "smooth" ? t * t * (3 - 2 * t) : t);

/** For each frame its segment, and how far into it; see `_share_out`. */
function sharedOut(frames, steps, segments) {
  if (!segments || !steps) return Array.from({ length: frames }, () => [0, 0]);
  if (steps < segments)
    return Array.from({ length: frames }, (_, i) => [Math.floor((2 * i * segments + steps) / (2 * steps)), 0]);
  const bounds = Array.from({ length: segments + 1 }, (_, k) => Math.floor((2 * k * steps + segments) / (2 * segments)));
  return Array.from({ length: frames }, (_, frame) => {
    const segment = Math.min(bounds.filter((bound) => bound <= frame).length, segments) - 1;
    return [segment, (frame - bounds[segment]) / (bounds[segment + 1] - bounds[segment])];
  });
}

/** The latents of a film through all keyframes; see `keyframe_path`. */
export function keyframePath(keyframes, frames, { path, easing, closed }) {
  const segments = closed ? keyframes.length : keyframes.length - 1;
  return sharedOut(frames, closed ? frames : frames - 1, segments).map(([segment, even]) => {
    const ends = [keyframes[segment % keyframes.length], keyframes[(segment + 1) % keyframes.length]];
    return (path === "linear" ? lerp : slerp)(...ends, ease(even, easing));
  });
}
