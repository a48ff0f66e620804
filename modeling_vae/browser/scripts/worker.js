// A FaceMaker in a thread of its own: {number, method, given} comes, {number, result} or {number, error} goes back; of what
// takes long, {number, share} before.

import { FaceMaker } from "./face_maker.js";
import { gifOf } from "./film.js";

let maker = null;

const METHODS = {
  open: async (addresses) => {
    maker = await FaceMaker.open(addresses);
    return maker.description;
  },
  draw: (face) => maker.draw(face),
  encode: (picture) => maker.encode(picture),
  latent: (face) => maker.latent(face),
  way: ({ faces, frames, way }) => maker.way(faces, frames, way),
  film: (asked, progress) => gifOf(maker, asked, progress),
};

onmessage = async ({ data: { number, method, given } }) => {
  try {
    const result = await METHODS[method](given, (share) => postMessage({ number, share }));
    postMessage({ number, result }, result.data ? [result.data.buffer] : []);
  } catch (error) {
    postMessage({ number, error: error.message });
  }
};
