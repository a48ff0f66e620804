// A grid of new faces from a seed. The address keeps the seed, so that it can be shared.

import { at, bounded, h } from "./tools.js";

const COUNT = 20;

export class NewFaces {
  /** @param choose is called with a face that was clicked, and with the first one of each seed */
  constructor(painter, words, choose) {
    Object.assign(this, { painter, choose });
    [this.seed, this.truncation] = [at("seed"), at("truncation")];
    at("new-title").textContent = at("draw").textContent = `New ${words}`;
    const asked = new URLSearchParams(location.hash.slice(1));
    this.seed.value = asked.get("seed") ?? 2;
    this.truncation.value = asked.get("truncation") ?? 0.8;
    at("draw").onclick = () => {
      this.seed.value = Math.floor(Math.random() * 99_999) + 1;
      this.show();
    };
    this.seed.onchange = this.truncation.oninput = () => this.show();
    this.show();
  }

  show() {
    const seed = Math.round(bounded(this.seed));
    const truncation = Number(this.truncation.value);
    this.truncation.nextElementSibling.textContent = truncation.toFixed(2);
    history.replaceState(null, "", `#seed=${seed}&truncation=${truncation}`);
    const faces = Array.from({ length: COUNT }, (_, index) => ({ seed, index, truncation }));
    at("grid").replaceChildren(...faces.map((face, index) => {
      const canvas = h("canvas");
      this.painter.draw(canvas, face);
      return h("button", { type: "button", class: "face", "aria-label": `Number ${index + 1}`, "aria-pressed": String(!index),
        onclick: () => this.mark(index, face) }, canvas);
    }));
    this.choose(faces[0]);
  }

  mark(chosen, face) {
    [...at("grid").children].forEach((button, index) => button.setAttribute("aria-pressed", String(index === chosen)));
    this.choose(face);
  }
}
