// The page's end of worker.js: asks for faces and puts their pictures on canvases.

/** Whether this browser has what the kernel is made of: WebAssembly with SIMD. */
export const able = () =>
  typeof Worker === "function" && typeof WebAssembly === "object" &&
  // a module whose one function makes a vector of zeros
  WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]));

/** A latent that came as text: base64 of little-endian float32. */
export const latentOf = (text) =>
  new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);

export class Painter {
  /** @param model address of a file that `browser_model` wrote */
  static async open(model) {
    const painter = new Painter();
    try {
      painter.description = await painter.ask("open", { kernel: new URL("kernel.wasm", import.meta.url).href, model });
    } catch (error) {
      painter.close();
      throw error;
    }
    return painter;
  }

  constructor() {
    this.asked = new Map();
    this.number = 0;
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data: { number, result, error, share } }) => {
      const { resolve, reject, progress } = this.asked.get(number);
      if (share !== undefined) return progress(share);
      this.asked.delete(number);
      if (error) reject(new Error(error));
      else resolve(result);
    };
    this.worker.onerror = (event) => {
      event.preventDefault();
      for (const { reject } of this.asked.values()) reject(new Error(event.message || "The script that draws did not load."));
      this.asked.clear();
    };
  }

  /** What a method of worker.js gives; `progress` is called with the share that is done of what takes long. */
  ask(method, given, progress = () => {}) {
    const number = ++this.number;
    this.worker.postMessage({ number, method, given });
    return new Promise((resolve, reject) => this.asked.set(number, { resolve, reject, progress }));
  }

  /** Draws a face (see FaceMaker.latent) on a canvas. */
  async draw(canvas, face) {
    const { data, width, height } = await this.ask("draw", face);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
  }

  close() {
    this.worker.terminate();
  }
}
