// What the parts of the page share.

/** An element: h("button", {class: "face", onclick: ...}, child, "text"). */
export const h = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
};

export const at = (id) => document.getElementById(id);

/** Words of an attribute's name: "coat:black_and_white" is "Coat: black and white". */
export const labelOf = (name) => {
  const words = name.replaceAll("_", " ").replace(":", ": ");
  return words[0].toUpperCase() + words.slice(1);
};

/** A file to the visitor's disk. */
export const bring = (blob, name) => {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};

/** A number between bounds, whatever was typed; what it was is written back. */
export const bounded = (input) => {
  const value = Math.min(Number(input.max), Math.max(Number(input.min), Number(input.value) || Number(input.min)));
  input.value = value;
  return value;
};

/**
 * Draws faces on one canvas as they come. No more than two are on their way, and of those that come meanwhile the newest
 * waits: it is never behind, and always has something to do.
 */
export const follower = (painter, canvas) => {
  let [drawing, waiting] = [0, null];
  const next = async () => {
    if (!waiting || drawing >= 2) return;
    const face = waiting;
    waiting = null;
    drawing++;
    try {
      await painter.draw(canvas, face);
    } finally {
      drawing--;
      next();
    }
  };
  return (face) => {
    waiting = face;
    return next();
  };
};
