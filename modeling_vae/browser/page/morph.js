// A film through two to eight faces, in the order in which they were added, and back to the first.

import { at, bounded, bring, h } from "./tools.js";

const [MOST, STRIP] = [8, 12];
const WAY = { path: "flow", easing: "smooth", closed: true };

export class Morph {
  constructor(painter, word) {
    Object.assign(this, { painter, word, keyframes: [] });
    at("save-morph").onclick = () => this.save();
    this.show();
  }

  add(face) {
    if (this.keyframes.length >= MOST) return this.say(`A morph has ${MOST} faces at most; take one out first.`);
    this.keyframes.push(face);
    return this.show();
  }

  say(words) {
    at("morph-said").textContent = words;
  }

  async show() {
    const shown = this.shown = (this.shown ?? 0) + 1; // what was asked for before and comes later is not shown
    at("keyframes").replaceChildren(...this.keyframes.map((face, index) => {
      const canvas = h("canvas", { role: "img", "aria-label": `Keyframe ${index + 1}` });
      this.painter.draw(canvas, face);
      const out = () => { this.keyframes.splice(index, 1); this.show(); };
      return h("div", { class: "keyframe" }, canvas,
        h("button", { type: "button", class: "take-out", "aria-label": `Take ${index + 1} out`, onclick: out }, "\u00d7"));
    }));
    const enough = this.keyframes.length > 1;
    at("save-morph").disabled = !enough;
    this.say(enough ? "" : "Add two faces or more.");
    if (!enough) return at("strip").replaceChildren();
    const latents = await this.painter.ask("way", { faces: this.keyframes, frames: STRIP, way: WAY });
    const frames = latents.map((latent) => {
      const canvas = h("canvas");
      return this.painter.draw(canvas, { latent }).then(() => canvas);
    });
    const strip = await Promise.all(frames);
    if (shown !== this.shown) return;
    at("strip").replaceChildren(...strip);
    at("strip").setAttribute("aria-label", `The morph of ${this.keyframes.length} faces at a glance`);
  }

  async save() {
    const asked = { faces: this.keyframes, frames: Math.round(bounded(at("frames"))), way: WAY, seconds: bounded(at("seconds")),
      size: Math.round(bounded(at("size"))), back: false };
    at("save-morph").disabled = true;
    try {
      const { data } = await this.painter.ask("film", asked, (share) => this.say(`Making the GIF: ${Math.round(100 * share)}%`));
      bring(new Blob([data], { type: "image/gif" }), `${this.word}_morph.gif`);
      this.say(`${asked.frames} frames, ${Math.round(data.length / 1000)} kB`);
    } catch (error) { this.say(error.message); }
    at("save-morph").disabled = false;
  }
}
