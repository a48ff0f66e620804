// All that a page asks of a model: faces of a seed, edits, ways between faces, and their pictures.

import { Decoder } from "./decoder.js";
import { Directions } from "./directions.js";
import { Encoder } from "./encoder.js";
import { Kernel } from "./kernel.js";
import { keyframePath } from "./latents.js";
import { Prior } from "./prior.js";
import { fetched, parsed } from "./safetensors.js";

export class FaceMaker {
  /** @param addresses of kernel.wasm and of a file that `browser_model` wrote */
  static async open({ kernel, model }) {
    const [code, file] = await Promise.all([fetched(kernel), fetched(model)]);
    const { tensors, description } = parsed(file);
    return new FaceMaker(await Kernel.of(code), tensors, description);
  }

  constructor(kernel, tensors, description) {
    this.kernel = kernel;
    this.description = description;
    this.decoder = new Decoder(kernel, description.config, tensors);
    this.directions = new Directions(tensors, description.attributes.map(({ name }) => name));
    this.prior = new Prior(tensors, description.config.latent_dim);
  }

  /** The latent of a face: {seed, index, truncation} or {latent}, with `changes` {name: deviations} and `hold` names. */
  latent({ seed, index, truncation, latent, changes = {}, hold = [] }) {
    return this.directions.edit(latent ?? this.prior.sample(seed, index, truncation), changes, hold);
  }

  /** The picture of a face: RGBA bytes. */
  draw(face) {
    const { height, width } = this.decoder;
    return { data: this.decoder.decode(this.latent(face)), height, width };
  }

  /** The latent of a picture, RGBA bytes of the model's size. @param encoder address of what `browser_encoder` wrote */
  async encode({ data, encoder }) {
    this.encoder ??= fetched(encoder).then((file) => new Encoder(this.kernel, this.description.config, parsed(file).tensors));
    return (await this.encoder).encode(data);
  }

  /** The latents of `frames` frames of a way through faces. */
  way(faces, frames, way) {
    const latents = faces.map((face) => this.latent(face));
    return way.path === "flow" && this.prior.mean ? this.prior.path(latents, frames, way) : keyframePath(latents, frames, way);
  }
}
