// The modulated decoder: a latent to a picture. What it computes is `ModulatedDecoder` of modeling_image_vae.py.

import { Convolution, EnlargingConvolution } from "./kernel.js";

/** Scale and shift per channel read from the latent, after a convolution and its norm. */
class ModulatedLayer {
  constructor(kernel, of, name, enlarging, slope) {
    Object.assign(this, { kernel, slope });
    const part = (name) => ({ weight: of(`${name}.weight`), bias: of(`${name}.bias`) });
    this.convolution = new (enlarging ? EnlargingConvolution : Convolution)(kernel, part(`${name}.conv`));
    this.channels = this.convolution.outputs;
    const { weight, bias } = part(`${name}.norm`);
    this.norm = kernel.put(new Float32Array([...weight.data, ...bias.data]));
    this.modulation = new Convolution(kernel, part(`${name}.modulation`));
    this.style = kernel.room(2 * this.channels);
    this.first = enlarging; // what is not the first begins by adding nothing: its scales are not around 1 but 0
  }

  /** `from` and `to` are padded maps, `bare` has no border; all but the first layer add to what `to` holds. */
  apply(style, from, bare, to, height, width) {
    this.modulation.dense(style, this.style);
    if (this.first) this.convolution.apply(from, bare, height / 2, width / 2);
    else this.convolution.apply(from, bare, height, width);
    const row = (width + 2) * this.channels;
    const one = this.first ? 1 : 0;
    this.kernel.run.modulate(bare, to + 4 * (row + this.channels), row, height, width, this.channels, this.norm,
      this.style, one, this.slope, 1 - one);
  }
}

export class Decoder {
  /**
   * @param kernel where its weights go
   * @param config of the model: image_size, num_channels, negative_slope, bare_stem
   * @param tensors of the decoder, by their names in the model
   */
  constructor(kernel, config, tensors) {
    const of = (name) => tensors[`decoder.${name}`];
    const part = (name) => ({ weight: of(`${name}.weight`), bias: of(`${name}.bias`) });
    Object.assign(this, { kernel, config });
    [this.height, this.width] = config.image_size;
    this.slope = config.negative_slope;
    this.levels = 0;
    while (of(`blocks.${this.levels}.layers.0.conv.weight`)) this.levels++;
    [this.rows, this.columns] = config.image_size.map((side) => side / 2 ** this.levels);

    this.style = new Convolution(kernel, part("style.0"));
    this.stem = new Convolution(kernel, this.byPixel(part("stem")));
    this.toPicture = Array.from({ length: this.levels + 1 }, (_, scale) => new Convolution(kernel, part(`to_picture.${scale}`)));
    this.blocks = Array.from({ length: this.levels }, (_, block) => {
      const layers = [];
      for (let layer = 0; of(`blocks.${block}.layers.${layer}.conv.weight`); layer++)
        layers.push(new ModulatedLayer(kernel, of, `blocks.${block}.layers.${layer}`, layer === 0, this.slope));
      return layers;
    });

    this.widths = this.toPicture.map((convolution) => convolution.inputs);
    const sides = this.widths.map((_, scale) => [this.rows * 2 ** scale, this.columns * 2 ** scale]);
    const largest = Math.max(...this.widths.map((width, scale) => width * sides[scale][0] * sides[scale][1]));
    this.maps = this.widths.map((width, scale) => kernel.room(width * (sides[scale][0] + 2) * (sides[scale][1] + 2)));
    this.pictures = sides.map(([height, width]) => kernel.room(4 * height * width));
    this.bare = kernel.room(Math.max(largest, this.stem.width));
    this.latent = kernel.room(this.stem.inputs);
    this.styled = kernel.room(this.style.width);
  }

  /** The dense layer whose outputs come as [height][width][channels] instead of [channels][height][width]. */
  byPixel({ weight, bias }) {
    const [outputs, inputs] = weight.shape;
    const pixels = this.rows * this.columns;
    const channels = outputs / pixels;
    const [weights, biases] = [new Float32Array(weight.data.length), new Float32Array(outputs)];
    for (let channel = 0; channel < channels; channel++)
      for (let pixel = 0; pixel < pixels; pixel++) {
        const [from, to] = [channel * pixels + pixel, pixel * channels + channel];
        weights.set(weight.data.subarray(from * inputs, (from + 1) * inputs), to * inputs);
        biases[to] = bias.data[from];
      }
    return { weight: { shape: weight.shape, data: weights }, bias: { shape: bias.shape, data: biases } };
  }

  /** A latent [D] to RGBA bytes [height][width][4]. */
  decode(latent) {
    const { kernel, maps, pictures, bare } = this;
    kernel.at(this.latent, latent.length).set(latent);
    this.style.dense(this.latent, this.styled);
    kernel.run.activate(this.styled, this.style.width, this.slope);
    this.stem.dense(this.latent, bare);
    if (!this.config.bare_stem) kernel.run.activate(bare, this.stem.width, this.slope);
    this.withBorder(bare, maps[0]);

    let [height, width] = [this.rows, this.columns];
    this.toPicture[0].apply(maps[0], pictures[0], height, width);
    this.blocks.forEach((layers, block) => {
      [height, width] = [2 * height, 2 * width];
      const to = maps[block + 1];
      layers.forEach((layer, number) => layer.apply(this.styled, number ? to : maps[block], bare, to, height, width));
      this.toPicture[block + 1].apply(to, pictures[block + 1], height, width);
      kernel.run.enlarge_onto(pictures[block], pictures[block + 1], height / 2, width / 2);
    });
    return this.pixels(kernel.at(pictures[this.levels], 4 * height * width));
  }

  /** The coarsest map, with its border. */
  withBorder(from, to) {
    const [width, row] = [this.widths[0], this.columns * this.widths[0]];
    const map = this.kernel.at(to, width * (this.rows + 2) * (this.columns + 2));
    for (let y = 0; y < this.rows; y++)
      map.set(this.kernel.at(from + 4 * y * row, row), ((y + 1) * (this.columns + 2) + 1) * width);
  }

  /** Logits [pixels][4] to bytes; the array rounds halves to even numbers, as torch does. */
  pixels(logits) {
    const result = new Uint8ClampedArray(logits.length);
    const grey = this.config.num_channels === 1;
    for (let i = 0; i < logits.length; i += 4) {
      for (let channel = 0; channel < 3; channel++)
        result[i + channel] = 255 / (1 + Math.exp(-logits[grey ? i : i + channel]));
      result[i + 3] = 255;
    }
    return result;
  }
}
