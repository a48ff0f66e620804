// What the views share. A view is a function (element, props, trigger, watch, upload, options) that draws `props.value`.
window.studio = { views: {} };

/** An element: h("button", {class: "thumb", onclick: ...}, child, "text"). */
studio.h = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
};

/** Calls `draw(value)` now and whenever the server sends another value. */
studio.follow = (props, watch, draw) => {
  watch("value", () => draw(props.value ?? {}));
  draw(props.value ?? {});
};

studio.signed = (value, digits = 1) => {
  const text = value.toFixed(digits);
  const number = Number(text);
  return number < 0 ? text.replace("-", "\u2212") : `+${Math.abs(number).toFixed(digits)}`;
};

studio.picture = (file, alt) => studio.h("img", { src: file.url, alt, draggable: "false", decoding: "async" });

/** Sends events of which the newest counts. Gradio 6.31 may send the first of several once more in place of the last, so
 *  all are one object, which says the newest. */
studio.newest = (trigger, name) => {
  const said = {};
  return (values) => trigger(name, Object.assign(said, values));
};

/** Calls `act` with the last arguments only, a moment after the last call. */
studio.settled = (act, milliseconds) => {
  let waiting = null;
  return (...args) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => act(...args), milliseconds);
  };
};
