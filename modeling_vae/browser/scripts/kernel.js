// The kernel and its memory: places are handed out one after another and stay, as weights and maps do.

const PAGE = 65536;

export class Kernel {
  /** @param bytes of kernel.wasm */
  static async of(bytes) {
    const { instance } = await WebAssembly.instantiate(bytes, {});
    return new Kernel(instance.exports);
  }

  constructor(exports) {
    this.run = exports;
    this.free = Math.ceil(exports.__heap_base.value / 16) * 16;
  }

  /** The address of room for `count` numbers, all zero. */
  room(count) {
    const address = this.free;
    this.free += Math.ceil(count / 4) * 16;
    const lacking = this.free - this.run.memory.buffer.byteLength;
    if (lacking > 0) this.run.memory.grow(Math.ceil(lacking / PAGE));
    return address;
  }

  /** The numbers at an address; only until more room is asked for, which may move them. */
  at(address, count) {
    return new Float32Array(this.run.memory.buffer, address, count);
  }

  /** The address of a copy of these numbers. */
  put(numbers) {
    const address = this.room(numbers.length);
    this.at(address, numbers.length).set(numbers);
    return address;
  }
}

/** A convolution's weights [outputs][inputs][size][size] in the order that the kernel takes, see kernel.c. */
export function packed(weight, outputs, inputs, size) {
  const padded = Math.ceil(outputs / 4) * 4;
  const block = padded % 8 ? 4 : 8;
  const result = new Float32Array(padded * inputs * size * size);
  let place = 0;
  for (let first = 0; first < padded; first += block)
    for (let tap = 0; tap < size * size; tap++)
      for (let input = 0; input < inputs; input++)
        for (let output = first; output < first + block; output++, place++)
          if (output < outputs) result[place] = weight[(output * inputs + input) * size * size + tap];
  return result;
}

/** A convolution with its weights in the kernel's memory; a dense layer is one of a single pixel. */
export class Convolution {
  /** @param tensors {weight, bias}, as safetensors.js reads them */
  constructor(kernel, { weight, bias }) {
    [this.outputs, this.inputs, this.size] = [...weight.shape, 1];
    this.width = Math.ceil(this.outputs / 4) * 4;
    this.kernel = kernel;
    this.weights = kernel.put(packed(weight.data, this.outputs, this.inputs, this.size));
    const padded = new Float32Array(this.width);
    padded.set(bias.data);
    this.bias = kernel.put(padded);
  }

  /** From the padded map `from` to `to`, which is not padded; both have `height` x `width` pixels. */
  apply(from, to, height, width) {
    const row = (width + 2) * this.inputs;
    const skipped = this.size === 3 ? 0 : row + this.inputs; // a kernel of one pixel does not see the border
    this.kernel.run.convolve(from + 4 * skipped, 1, row, this.weights, this.bias, to, this.width, width * this.width,
      height, width, this.size, this.inputs, this.width);
  }

  /** As a dense layer: from `inputs` numbers to `outputs`. */
  dense(from, to) {
    this.kernel.run.convolve(from, 1, this.inputs, this.weights, this.bias, to, this.width, this.width, 1, 1, 1,
      this.inputs, this.width);
  }
}

/** A 3 x 3 convolution of an enlarged map, in which every pixel is there four times: four 2 x 2 ones of the map itself. */
export class EnlargingConvolution {
  constructor(kernel, { weight, bias }) {
    [this.outputs, this.inputs] = weight.shape;
    this.kernel = kernel;
    this.bias = kernel.put(bias.data);
    this.phases = [0, 1, 2, 3].map((phase) => {
      const folded = this.folded(weight.data, phase >> 1, phase & 1);
      return kernel.put(packed(folded, this.outputs, this.inputs, 2));
    });
  }

  /** The 2 x 2 kernel behind the output pixels of odd or even rows and columns: taps that see the same pixel are added. */
  folded(weight, oddRow, oddColumn) {
    const result = new Float32Array(this.outputs * this.inputs * 4);
    for (let pair = 0; pair < this.outputs * this.inputs; pair++)
      for (let row = 0; row < 3; row++)
        for (let column = 0; column < 3; column++) {
          const tap = 2 * ((row + 1 - oddRow) >> 1) + ((column + 1 - oddColumn) >> 1);
          result[4 * pair + tap] += weight[9 * pair + 3 * row + column];
        }
    return result;
  }

  /** From the padded map `from` of `height` x `width` pixels to `to`, twice as large and not padded. */
  apply(from, to, height, width) {
    const row = (width + 2) * this.inputs;
    this.phases.forEach((weights, phase) => {
      const [down, right] = [phase >> 1, phase & 1];
      this.kernel.run.convolve(from + 4 * (down * row + right * this.inputs), 1, row, weights, this.bias,
        to + 4 * (down * 2 * width + right) * this.outputs, 2 * this.outputs, 4 * width * this.outputs,
        height, width, 2, this.inputs, this.outputs);
    });
  }
}

/** A 4 x 4 convolution that takes every second pixel of every second row: half as high and wide. */
export class HalvingConvolution {
  constructor(kernel, { weight, bias }) {
    [this.outputs, this.inputs] = weight.shape;
    this.kernel = kernel;
    this.weights = kernel.put(packed(weight.data, this.outputs, this.inputs, 4));
    this.bias = kernel.put(bias.data);
  }

  /** From the padded map `from` of `height` x `width` pixels to the padded map `to`. */
  apply(from, to, height, width) {
    const row = (width / 2 + 2) * this.outputs;
    this.kernel.run.convolve(from, 2, (width + 2) * this.inputs, this.weights, this.bias, to + 4 * (row + this.outputs),
      this.outputs, row, height / 2, width / 2, 4, this.inputs, this.outputs);
  }
}
