// Films of faces: the frames of a way, as large as they are wanted, in a GIF.

import { encoded } from "./gif.js";

/** A picture {data, width, height} at a longer side of `side` pixels, smoothly; RGBA bytes and its size. */
function enlarged({ data, width, height }, side) {
  const share = side / Math.max(width, height);
  const small = new OffscreenCanvas(width, height);
  small.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
  const large = new OffscreenCanvas(Math.round(share * width), Math.round(share * height));
  const context = large.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, large.width, large.height);
  return context.getImageData(0, 0, large.width, large.height);
}

/**
 * The GIF of a way through faces.
 *
 * @param maker a FaceMaker
 * @param asked {faces, frames, way, seconds, size, back}: `back` plays it back and forth, as long each way
 * @param progress is called with the share that is done
 */
export function gifOf(maker, { faces, frames, way, seconds, size, back }, progress) {
  const latents = maker.way(faces, frames, way);
  const pictures = latents.map((latent, i) => {
    progress(i / frames / 2);
    return enlarged(maker.draw({ latent }), size);
  });
  const there = pictures.map(({ data }) => data);
  const order = back ? [...there, ...there.slice(1, -1).reverse()] : there;
  const { width, height } = pictures[0];
  const data = encoded(order, width, height, (seconds * order.length) / frames, (share) => progress((1 + share) / 2));
  return { data };
}
