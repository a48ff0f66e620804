// Parents with their weights. value: {parents: [{file, label, weight}]}. Sends {weights} and, to take one out, {index}.
studio.views.mixer = (element, props, trigger, watch, upload, options) => {
  const { h, signed } = studio;
  const root = element.querySelector(".view");
  const tell = studio.sender(props, trigger);
  const send = () => tell("input", { weights: [...root.querySelectorAll("input")].map((range) => Number(range.value)) });
  const parent = (one, index) => {
    const output = h("output", {}, signed(one.weight));
    const range = h("input", { type: "range", min: -2, max: 2, step: 0.1, value: one.weight, "aria-label": `Weight of ${one.label}`,
      oninput: () => { output.textContent = signed(Number(range.value)); send(); } });
    const letter = h("b", { "aria-hidden": "true" }, String.fromCharCode(65 + index));
    return h("div", { class: "parent" }, letter, studio.picture(one.file, one.label), range, output,
      h("button", { type: "button", class: "tool", "aria-label": `Take ${one.label} out`, onclick: () => tell("delete", { index }) },
        "\u00d7"));
  };
  studio.follow(props, watch, (value) => {
    if (!value.parents) return;
    root.replaceChildren(h("p", { class: "title" }, "Parents and their weights"),
      ...(value.parents.length ? value.parents.map(parent) : [h("p", { class: "empty" }, options.empty)]));
  });
};
