// A FaceMaker in a thread of its own: {number, method, given} comes, {number, result} or {number, error} goes back.

import { FaceMaker } from "./face_maker.js";

let maker = null;

const METHODS = {
  open: async (addresses) => {
    maker = await FaceMaker.open(addresses);
    return maker.description;
  },
  draw: (face) => maker.draw(face),
  latent: (face) => maker.latent(face),
  way: ({ faces, frames, way }) => maker.way(faces, frames, way),
};

onmessage = async ({ data: { number, method, given } }) => {
  try {
    const result = await METHODS[method](given);
    postMessage({ number, result }, result.data ? [result.data.buffer] : []);
  } catch (error) {
    postMessage({ number, error: error.message });
  }
};
