// What the views share. A view is a function (element, props, trigger, watch, upload, options) that draws `props.value`.
window.studio = { views: {} };

const own = navigator.languages.map((language) => language.split("-")[0]).find((language) => language === "en" || studioWords[language]);
const table = studioWords[own] ?? {};
const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const patterns = Object.keys(table).filter((key) => key.includes("{}")).sort((one, other) => other.length - one.length)
  .map((key) => [new RegExp(`^${key.split("{}").map(literal).join("(.+?)")}$`, "s"), table[key]]);
const filled = (sentence, parts) => parts.reduce((text, part) => text.replace("{}", () => part), sentence);

/**
 * A sentence in the visitor's language, with what goes into its {}; where that is in it already, its parts are said too.
 * One that has no translation stays English.
 */
studio.say = (sentence, ...parts) => {
  if (sentence in table || parts.length) return filled(table[sentence] ?? sentence, parts);
  for (const [pattern, said] of patterns) {
    const found = sentence.match(pattern);
    if (found) return filled(said, found.slice(1).map((part) => studio.say(part)));
  }
  return sentence;
};
const SAID = ["aria-label", "title", "alt", "placeholder"];

/** An element: h("button", {class: "thumb", onclick: ...}, child, "text"); its words are said in the visitor's language. */
studio.h = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, SAID.includes(name) ? studio.say(value) : value);
  }
  element.append(...children.filter((child) => child != null).map((child) => (typeof child === "string" ? studio.say(child) : child)));
  return element;
};

const did = new WeakMap();

/** Calls `draw(value)` now and whenever the server sends another value. */
studio.follow = (props, watch, draw) => {
  const follow = () => {
    if (props.value?.sent !== undefined) return;
    draw(props.value ?? {});
    if (did.has(props)) props.value = { sent: did.get(props) };
  };
  watch("value", follow);
  follow();
};

/**
 * Sends what a visitor did: as the view's value, because Gradio 6.31 forgets the data of an event that has to wait. What
 * was done last stays there when the server sends another value, so that the event that waited still says it.
 */
studio.sender = (props, trigger) => (event, data) => {
  did.set(props, data);
  props.value = { sent: data };
  trigger(event);
};

studio.signed = (value, digits = 1) => {
  const text = value.toFixed(digits);
  const number = Number(text);
  return number < 0 ? text.replace("-", "\u2212") : `+${Math.abs(number).toFixed(digits)}`;
};

studio.picture = (file, alt) => studio.h("img", { src: file.url, alt, draggable: "false", decoding: "async" });

/** Calls `act` with the last arguments only, a moment after the last call. */
studio.settled = (act, milliseconds) => {
  let waiting = null;
  return (...args) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => act(...args), milliseconds);
  };
};

/** Whether the server knows the visit: it answers that by a new state, which would forget what was sent before. */
studio.opened = new Promise((open) => { studio.open = open; });

// A photo may be dropped or pasted anywhere on the page, also while it is still on its way: its tab opens and takes it, at
// once or when it is first drawn.
studio.bring = (files) => {
  studio.brought = [...(files ?? [])][0];
  if (!studio.brought) return;
  const open = () => {
    const tab = document.querySelector('[data-tab-id="photo"]');
    if (!tab) return void setTimeout(open, 100);
    tab.click();
    studio.takeBrought?.();
  };
  open();
};
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  studio.bring(event.dataTransfer.files);
});
document.addEventListener("paste", (event) =>
  studio.bring([...(event.clipboardData?.files ?? [])].filter((one) => one.type.startsWith("image/"))));
