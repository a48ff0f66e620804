// A photo of the visitor's, cropped by hand, to a latent. It never leaves the browser.

import { at } from "./tools.js";

const SHOWN = 320;

export class Photo {
  /** @param encoder address of the encoder's file; @param take is called with the face in the photo */
  constructor(painter, encoder, take) {
    Object.assign(this, { painter, encoder, take });
    [this.zoom, this.turn, this.cut] = [at("zoom"), at("turn"), at("cut")];
    this.cut.width = this.cut.height = SHOWN;
    at("photo").hidden = false;
    at("photo").onclick = () => at("file").click();
    at("file").onchange = ({ target }) => this.open(target.files[0]);
    this.zoom.oninput = this.turn.oninput = () => this.show();
    this.cut.onpointerdown = (event) => this.cut.setPointerCapture(event.pointerId);
    this.cut.onpointermove = (event) => { if (event.buttons) this.move(event.movementX / SHOWN, event.movementY / SHOWN); };
    this.cut.onkeydown = (event) => this.key(event);
    at("take").onclick = () => this.finish();
    at("leave").onclick = () => at("crop").close();
  }

  async open(file) {
    if (!file) return;
    at("file").value = "";
    at("crop").showModal();
    at("crop-said").textContent = "";
    [this.x, this.y, this.zoom.value, this.turn.value] = [0, 0, 0, 0];
    try {
      this.photo = await createImageBitmap(file);
    } catch {
      at("crop-said").textContent = "This is no picture that the browser can open; give a JPEG, PNG or WebP file.";
      this.photo = null;
    }
    at("take").disabled = !this.photo;
    this.show();
  }

  /** Moves the photo by shares of what is shown. */
  move(right, down) {
    this.x += right;
    this.y += down;
    this.show();
  }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    this.move(step[0] / 100, step[1] / 100);
  }

  /** The crop on a canvas of `side` pixels; what lies outside the photo is grey. */
  draw(canvas, side) {
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.resetTransform();
    context.fillStyle = "#808080";
    context.fillRect(0, 0, side, side);
    if (!this.photo) return context;
    const { width, height } = this.photo;
    context.imageSmoothingQuality = "high";
    context.translate(side * (0.5 + this.x), side * (0.5 + this.y));
    context.rotate((Number(this.turn.value) * Math.PI) / 180);
    const share = (side * 2 ** Number(this.zoom.value)) / Math.min(width, height);
    context.drawImage(this.photo, (-share * width) / 2, (-share * height) / 2, share * width, share * height);
    return context;
  }

  show() {
    this.draw(this.cut, SHOWN);
  }

  async finish() {
    const [side] = this.painter.description.config.image_size;
    const { data } = this.draw(new OffscreenCanvas(side, side), side).getImageData(0, 0, side, side);
    at("crop-said").textContent = "Fetching the encoder\u2026";
    try {
      this.take({ latent: await this.painter.ask("encode", { data, encoder: new URL(this.encoder, location.href).href }) });
      at("crop").close();
    } catch (error) { at("crop-said").textContent = error.message; }
  }
}
