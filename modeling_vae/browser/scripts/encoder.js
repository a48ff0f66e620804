// The plain encoder: a picture to the mean of its posterior. What it computes is `ConvEncoder` of modeling_image_vae.py, and
// of the dense layer behind it the half that gives means.

import { HalvingConvolution, packed } from "./kernel.js";

export class Encoder {
  /**
   * @param kernel where its weights go
   * @param config of the model: image_size (a square), num_channels, negative_slope
   * @param tensors that `browser_encoder` wrote
   */
  constructor(kernel, config, tensors) {
    const part = (name) => ({ weight: tensors[`${name}.weight`], bias: tensors[`${name}.bias`] });
    Object.assign(this, { kernel, channels: config.num_channels, side: config.image_size[0], slope: config.negative_slope });
    this.blocks = [];
    while (tensors[`encoder.blocks.${this.blocks.length}.conv.weight`])
      this.blocks.push(new HalvingConvolution(kernel, part(`encoder.blocks.${this.blocks.length}.conv`)));
    this.grid = this.side / 2 ** this.blocks.length;
    this.widths = [this.channels, ...this.blocks.map(({ outputs }) => outputs)];
    this.maps = this.widths.map((width, scale) => kernel.room(this.numbers(width, scale)));

    // the dense layer is a convolution as large as the map that it sees
    const { weight, bias } = part("to_mean");
    this.latent = bias.data.length;
    this.padded = Math.ceil(this.latent / 4) * 4;
    this.weights = kernel.put(packed(weight.data, this.latent, this.widths.at(-1), this.grid));
    const biases = new Float32Array(this.padded);
    biases.set(bias.data);
    this.bias = kernel.put(biases);
    this.mean = kernel.room(this.padded);
  }

  /** How many numbers the padded map of a scale holds. */
  numbers(width, scale) {
    return width * (this.side / 2 ** scale + 2) ** 2;
  }

  /** RGBA bytes [side][side][4] to the latent [D]; a grey model sees their luma, as Pillow computes it. */
  encode(pixels) {
    const { kernel, maps, channels, side } = this;
    const map = kernel.at(maps[0], this.numbers(channels, 0));
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const [from, to] = [4 * (y * side + x), ((y + 1) * (side + 2) + x + 1) * channels];
        const [red, green, blue] = pixels.subarray(from, from + 3);
        const values = channels === 3 ? [red, green, blue] : [(red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16];
        map.set(values.map((value) => value / 255), to);
      }
    this.blocks.forEach((block, scale) => {
      block.apply(maps[scale], maps[scale + 1], side / 2 ** scale, side / 2 ** scale);
      kernel.run.activate(maps[scale + 1], this.numbers(this.widths[scale + 1], scale + 1), this.slope);
    });
    const width = this.widths.at(-1);
    const row = (this.grid + 2) * width;
    kernel.run.convolve(maps.at(-1) + 4 * (row + width), 1, row, this.weights, this.bias, this.mean, this.padded, this.padded,
      1, 1, this.grid, width, this.padded);
    return kernel.at(this.mean, this.latent).slice();
  }
}
