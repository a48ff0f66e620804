// One value of a category in the place of what a face has. value: {columns: [{label, values: [{name, label}]}], seen}; what is
// chosen stays while these do, and `seen` is what the face has, which is not offered first. Sends {target}.
studio.views.become = (element, props, trigger, watch) => {
  const { h } = studio;
  const root = element.querySelector(".view");
  const tell = studio.sender(props, trigger);
  const option = ({ name, label }) => h("option", { value: name }, studio.say(label));
  const target = h("select", { "aria-label": "Become" });
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", studio.say("Become another"));
  root.append(h("label", {}, h("span", {}, "Become"), target),
    h("button", { type: "button", class: "press", onclick: () => tell("submit", { target: target.value }) }, "Change"));
  let columns = [];
  let last = "";

  studio.follow(props, watch, (value) => {
    const now = JSON.stringify(value);
    if (value.columns && now !== last) {
      [last, columns] = [now, value.columns];
      const chosen = target.value;
      target.replaceChildren(...columns.map(({ label, values }) => h("optgroup", { label: studio.say(label) }, ...values.map(option))));
      const names = columns.flatMap(({ values }) => values.map(({ name }) => name));
      target.value = names.includes(chosen) ? chosen : names.find((name) => name !== value.seen);
    }
    root.hidden = !columns.length;
  });
};
