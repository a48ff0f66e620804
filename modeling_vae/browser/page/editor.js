// One face and a slider for each attribute: the picture follows.

import { at, bring, follower, h, labelOf } from "./tools.js";

const SAVED_SIDE = 512;

export class Editor {
  /** @param add is called with the edited face when it shall be a keyframe */
  constructor(painter, word, add) {
    Object.assign(this, { painter, word, face: {} });
    this.picture = at("picture");
    this.draw = follower(painter, this.picture);
    this.rows = new Map();
    const attributes = [...painter.description.attributes].sort((a, b) => a.place - b.place);
    at("rows").replaceChildren(...attributes.map((attribute) => this.row(attribute)));
    at("edit").querySelector(".rows").hidden = !attributes.length;
    const plain = at("before");
    plain.onpointerdown = () => this.draw({ ...this.face, changes: {} });
    plain.onpointerup = plain.onpointerleave = plain.onkeyup = () => this.show();
    plain.onkeydown = ({ key }) => { if (key === " " || key === "Enter") plain.onpointerdown(); };
    at("reset").onclick = () => this.edit(this.face);
    at("save").onclick = () => this.save();
    at("save-edit").onclick = () => this.saveFilm();
    at("add").onclick = () => add(this.edited);
  }

  row({ name, reach: [least, most], drawable }) {
    const label = labelOf(name);
    const hold = h("input", { type: "checkbox", "aria-label": `Hold ${label}`, title: `Hold ${label}`, onchange: () => this.show() });
    const range = h("input", { type: "range", min: least, max: most, step: 0.1, value: 0, "aria-label": label,
      oninput: () => this.show(), ondblclick: () => { range.value = 0; this.show(); } });
    const output = h("output", {}, "0");
    this.rows.set(name, { hold, range, output });
    return h("div", { class: drawable ? "row" : "row faint" }, hold, h("span", {}, label), range, output);
  }

  /** Another face to edit, without a change. */
  edit(face) {
    this.face = { ...face, changes: {}, hold: [] };
    for (const { range, hold } of this.rows.values()) [range.value, hold.checked] = [0, false];
    this.show();
  }

  /** The face as the sliders say. */
  get edited() {
    const used = [...this.rows];
    const changes = Object.fromEntries(used.map(([name, { range }]) => [name, Number(range.value)]).filter(([, to]) => to));
    return { ...this.face, changes, hold: used.filter(([, { hold }]) => hold.checked).map(([name]) => name) };
  }

  show() {
    for (const { range, output } of this.rows.values()) {
      const value = Number(range.value);
      output.textContent = value ? `${value > 0 ? "+" : "\u2212"}${Math.abs(value).toFixed(1)}` : "0";
    }
    return this.draw(this.edited).then(() => this.say(""), (error) => this.say(error.message));
  }

  say(words) {
    at("edit-said").textContent = words;
  }

  async save() {
    await this.painter.draw(this.picture, this.edited);
    const share = SAVED_SIDE / Math.max(this.picture.width, this.picture.height);
    const canvas = h("canvas", { width: share * this.picture.width, height: share * this.picture.height });
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(this.picture, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => bring(blob, `${this.word}.png`));
  }

  /** From the face as it is to the edited one and back. */
  async saveFilm() {
    const faces = [{ ...this.face, changes: {} }, this.edited];
    const asked = { faces, frames: 24, way: { path: "linear", easing: "smooth", closed: false }, seconds: 1.6, size: 320, back: true };
    try {
      const { data } = await this.painter.ask("film", asked, (share) => this.say(`Making the GIF: ${Math.round(100 * share)}%`));
      bring(new Blob([data], { type: "image/gif" }), `${this.word}_edit.gif`);
      this.say(`${Math.round(data.length / 1000)} kB`);
    } catch (error) { this.say(error.message); }
  }
}
