// One value of a category for another. value: {columns: [{label, values: [{name, label}]}], seen}; it begins with the value
// that is `seen`, and what is chosen stays while these do. Sends {source, target}.
studio.views.exchange = (element, props, trigger, watch) => {
  const { h } = studio;
  const root = element.querySelector(".view");
  const tell = studio.sender(props, trigger);
  const option = ({ name, label }) => h("option", { value: name }, studio.say(label).replace(/^.*?: /, ""));
  const source = h("select", { "aria-label": "From", onchange: () => offer() });
  const target = h("select", { "aria-label": "To" });
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", studio.say("From one value to another"));
  root.append(h("label", {}, h("span", {}, "From"), source), h("label", {}, h("span", {}, "to"), target),
    h("button", { type: "button", class: "press", onclick: () => tell("submit", { source: source.value, target: target.value }) },
      "Change"));
  let columns = [];
  let last = "";

  /** The other values of the column that is gone from. */
  const offer = () => {
    const chosen = target.value;
    const values = columns.flatMap((column) => (column.values.some(({ name }) => name === source.value) ? column.values : []));
    target.replaceChildren(...values.filter(({ name }) => name !== source.value).map(option));
    if (values.some(({ name }) => name === chosen && name !== source.value)) target.value = chosen;
  };
  studio.follow(props, watch, (value) => {
    const now = JSON.stringify(value);
    if (value.columns && now !== last) {
      [last, columns] = [now, value.columns];
      source.replaceChildren(...columns.map(({ label, values }) => h("optgroup", { label: studio.say(label) }, ...values.map(option))));
      if (value.seen) source.value = value.seen;
      offer();
    }
    root.hidden = !columns.length;
  });
};
