// A row or grid of faces to choose from. value: {faces: [{file or latent, label}], chosen}. With options.movable they are keyframes,
// whose order changes by dragging, by buttons, and by the keys of a list (arrows with Alt); with options.still nothing is
// chosen.
studio.views.faces = (element, props, trigger, watch, upload, options) => {
  const { h } = studio;
  const root = element.querySelector(".view");
  const send = studio.sender(props, trigger);
  let faces = [];

  const move = (from, to) => {
    if (from !== to && to >= 0 && to < faces.length) send("input", { move: [from, to] });
  };
  const tools = (index) =>
    h("span", { class: "tools" },
      h("button", { class: "tool", "aria-label": `Move ${index + 1} earlier`, disabled: index === 0,
        onclick: () => move(index, index - 1) }, "\u2190"),
      h("button", { class: "tool", "aria-label": `Take ${index + 1} out`, onclick: () => send("delete", { index }) }, "\u00d7"),
      h("button", { class: "tool", "aria-label": `Move ${index + 1} later`, disabled: index === faces.length - 1,
        onclick: () => move(index, index + 1) }, "\u2192"));
  const thumb = (face, index, chosen) => {
    if (options.still) return h("span", { class: "thumb", title: face.label }, studio.face(face));
    const button = h("button", {
      class: "thumb", "aria-pressed": options.choosing === false ? null : String(index === chosen),
      title: face.label, draggable: options.movable ? "true" : null,
      onclick: () => { if (options.choosing !== false) mark(index); send("select", { index }); },
      onkeydown: (event) => keys(event, index),
      ondragstart: (event) => event.dataTransfer.setData("text/studio-face", String(index)),
      ondragover: (event) => { if (options.movable) event.preventDefault(); },
      ondrop: (event) => { event.preventDefault(); move(Number(event.dataTransfer.getData("text/studio-face")), index); },
    }, studio.face(face));
    return options.movable ? h("span", { class: "keyframe" }, button, tools(index)) : button;
  };
  const mark = (chosen) =>
    root.querySelectorAll(".thumb").forEach((button, index) => button.setAttribute("aria-pressed", String(index === chosen)));
  const keys = (event, index) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const to = index + steps[event.key];
    if (event.altKey && options.movable) return move(index, to);
    root.querySelectorAll(".thumb")[to]?.focus();
  };
  studio.follow(props, watch, (value) => {
    faces = value.faces ?? [];
    root.replaceChildren(
      ...(options.title ? [h("p", { class: "title" }, value.title ?? options.title)] : []),
      faces.length
        ? h("div", { class: "thumbs", role: "group", "aria-label": value.title ?? options.title ?? "Pictures" },
            ...faces.map((face, index) => thumb(face, index, value.chosen)))
        : h("p", { class: "empty" }, options.empty ?? ""));
  });
};
