// Random latents, the same as priors.py gives for a seed. All is computed in float64 and rounded to float32, as there.

import { keyframePath, noise } from "./latents.js";

const STEPS = 16;
const FREQUENCIES = 16;
const FASTEST = 50;

/** Row `row` of the matrix of these numbers, from number `start` on, times a vector. */
function product(numbers, start, row, vector) {
  const from = start + row * vector.length;
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += numbers[from + i] * vector[i];
  return sum;
}

/** A matrix of these numbers, from `start` on, times a vector, and a bias from `first` on. */
function linear(numbers, start, vector, bias, first, rows) {
  const result = new Float64Array(rows);
  for (let row = 0; row < rows; row++) result[row] = product(numbers, start, row, vector) + bias[first + row];
  return result;
}

/** `Velocity`: where noise moves on its way to the latents. */
class Velocity {
  constructor(tensors) {
    const data = (name) => tensors[`prior.${name}`].data;
    const [lift, drop] = ["lift", "drop"].map((name) => [data(`${name}.weight`), data(`${name}.bias`)]);
    const [blocks, inside, width] = tensors["prior.up"].shape;
    const [time, up, upBias, down, downBias] = ["time", "up", "up_bias", "down", "down_bias"].map(data);
    const labels = tensors["prior.labels"] ? data("labels") : [];
    Object.assign(this, { lift, drop, blocks, inside, width, time, labels, up, upBias, down, downBias });
  }

  /** That of x at an angle; `code` is what is known of the picture. */
  at(x, angle, code) {
    const { blocks, inside, width } = this;
    const told = new Float64Array(2 * FREQUENCIES);
    for (let i = 0; i < FREQUENCIES; i++) {
      const turn = angle * (2 / Math.PI) * FASTEST ** (i / (FREQUENCIES - 1));
      [told[i], told[FREQUENCIES + i]] = [Math.sin(turn), Math.cos(turn)];
    }
    const result = linear(this.lift[0], 0, x, this.lift[1], 0, width);
    for (let block = 0; block < blocks; block++) {
      const part = (kind, row) => product(this.time, (3 * block + kind) * width * told.length, row, told)
        + product(this.labels, (3 * block + kind) * width * code.length, row, code);
      const mean = result.reduce((sum, value) => sum + value, 0) / width;
      const deviation = Math.sqrt(result.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width + 1e-5);
      const inner = result.map((value, row) => ((value - mean) / deviation) * (1 + part(1, row)) + part(0, row));
      const raised = linear(this.up, block * inside * width, inner, this.upBias, block * inside, inside);
      const bent = raised.map((value) => value / (1 + Math.exp(-value)));
      const lowered = linear(this.down, block * width * inside, bent, this.downBias, block * width, width);
      for (let row = 0; row < width; row++) result[row] += (1 + part(2, row)) * lowered[row];
    }
    return linear(this.drop[0], 0, result, this.drop[1], 0, x.length);
  }
}

/** `LabelReader`: what a picture shows, read off its whitened latent. */
class LabelReader {
  constructor(tensors) {
    const data = (name) => tensors[`prior.${name}`].data;
    [this.up, this.down] = ["up", "down"].map((name) => [data(`read.${name}.weight`), data(`read.${name}.bias`)]);
    this.column = tensors["prior.columns"].data;
  }

  /** 1 for what is more likely so than not: the softmax over a column's values is above one half. */
  shown(latent) {
    const inner = linear(this.up[0], 0, latent, this.up[1], 0, this.up[1].length).map((value) => value / (1 + Math.exp(-value)));
    const odds = linear(this.down[0], 0, inner, this.down[1], 0, this.column.length).map(Math.exp);
    const sums = new Float64Array(this.column.length);
    odds.forEach((value, place) => { sums[this.column[place]] += value; });
    return odds.map((value, place) => Number(value > sums[this.column[place]] / 2));
  }
}

/** A Gaussian that a flow carries to where latents are, see `FlowPrior`; without tensors, N(0, I) of `dimensions`. */
export class Prior {
  constructor(tensors, dimensions) {
    this.dimensions = dimensions;
    if (!tensors["prior.mean"]) return;
    [this.mean, this.factor] = [tensors["prior.mean"].data, tensors["prior.factor"].data];
    if (tensors["prior.up"]) this.velocity = new Velocity(tensors);
    if (tensors["prior.together"]) this.reader = new LabelReader(tensors);
    this.untold = new Float64Array(this.reader ? this.reader.column.length : 0);
  }

  /** Latent `index` of a seed. */
  sample(seed, index, truncation) {
    const size = this.dimensions;
    const random = noise(seed, index, size);
    if (!this.mean) return random.map((value) => truncation * value);
    const from = Float64Array.from(random, (value) => truncation * value);
    const draft = this.latentOf(from);
    return Float32Array.from(this.reader ? this.latentOf(from, this.reader.shown(this.whitened(draft))) : draft);
  }

  /** Where the flow takes noise, told what shall be shown. */
  latentOf(given, code = this.untold) {
    const x = this.moved(given, 0, Math.PI / 2, code);
    return Float64Array.from(this.mean, (value, row) => {
      const start = (row * (row + 1)) / 2;
      for (let column = 0; column <= row; column++) value += this.factor[start + column] * x[column];
      return value;
    });
  }

  /** The noise that the flow takes to a latent. */
  noiseOf(latent) {
    return this.moved(this.whitened(latent), Math.PI / 2, 0, this.untold);
  }

  /** L^-1 (z - m). */
  whitened(latent) {
    const x = new Float64Array(this.dimensions);
    for (let row = 0; row < x.length; row++) {
      const start = (row * (row + 1)) / 2;
      x[row] = latent[row] - this.mean[row];
      for (let column = 0; column < row; column++) x[row] -= this.factor[start + column] * x[column];
      x[row] /= this.factor[start + row];
    }
    return x;
  }

  /** The latents of a film along likely ones, see `FlowPrior.path`. */
  path(latents, frames, way) {
    const from = latents.map((latent) => this.noiseOf(latent));
    const missed = from.map((one, k) => this.latentOf(one).map((value, i) => latents[k][i] - value));
    const rest = keyframePath(missed, frames, { ...way, path: "linear" });
    return keyframePath(from, frames, { ...way, path: "slerp" }).map((one, frame) =>
      Float32Array.from(this.latentOf(one), (value, i) => value + rest[frame][i]));
  }

  /** What becomes of x as it follows the velocity from one angle to another, by Heun's method. */
  moved(x, start, end, code) {
    const step = (end - start) / STEPS;
    for (let k = 0; this.velocity && k < STEPS; k++) {
      const here = this.velocity.at(x, start + k * step, code);
      const there = this.velocity.at(x.map((value, i) => value + step * here[i]), start + (k + 1) * step, code);
      x = x.map((value, i) => value + (step / 2) * (here[i] + there[i]));
    }
    return x;
  }
}
