// The page: fetches the model, and connects its three parts.

import { Editor } from "./editor.js";
import { Morph } from "./morph.js";
import { NewFaces } from "./new_faces.js";
import { Photo } from "./photo.js";
import { able, Painter } from "../scripts/painter.js";
import { at, h } from "./tools.js";

const start = async () => {
  if (!able()) throw new Error("This browser has no WebAssembly with SIMD, which draws the pictures; a newer one does.");
  const about = await (await fetch("about.json")).json();
  const painter = await Painter.open(new URL("browser.safetensors", location.href).href);
  const words = about.word.endsWith("y") ? `${about.word.slice(0, -1)}ies` : `${about.word}s`;
  at("tagline").textContent = `Make ${words} that never were, change just what you ask, melt one into another. All of it happens in your browser.`;
  at("rights").replaceChildren(
    about.address ? h("a", { href: about.address }, about.name) : h("b", {}, about.name), ". Licence: ",
    about.link ? h("a", { href: about.link }, about.licence) : about.licence || "none named", ".");
  const morph = new Morph(painter, about.word);
  const editor = new Editor(painter, about.word, (face) => morph.add(face));
  const faces = new NewFaces(painter, words, (face) => editor.edit(face));
  if (about.encoder) new Photo(painter, about.encoder, (face) => faces.mark(-1, face)); // none of the new ones
  document.querySelector("main").hidden = false;
  at("status").hidden = true;
};

start().catch((error) => { at("status").textContent = `The page cannot draw: ${error.message}`; });
