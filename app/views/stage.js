// One picture, before and after. value: {before, after, label, names}. The divider is a range: it answers to keys and
// fingers; the button shows the picture as it was for as long as it is pressed.
studio.views.stage = (element, props, trigger, watch) => {
  const { h } = studio;
  const root = element.querySelector(".view");
  let share = 0;
  const before = h("img", { class: "before", alt: "", draggable: "false" });
  const after = h("img", { class: "after", alt: "", draggable: "false" });
  const frame = h("div", { class: "frame" }, after, before);
  const divider = h("input", { type: "range", min: 0, max: 100, value: 0, class: "divider", "aria-label": "Before and after",
    oninput: () => part(Number(divider.value)) });
  const press = h("button", { class: "press", type: "button",
    onpointerdown: () => part(100), onpointerup: () => part(Number(divider.value)), onpointerleave: () => part(Number(divider.value)),
    onkeydown: (event) => { if ([" ", "Enter"].includes(event.key)) { event.preventDefault(); part(100); } },
    onkeyup: () => part(Number(divider.value)) }, "Hold to see it before");
  const label = h("span", { class: "label" });
  const part = (now) => {
    share = now;
    frame.style.setProperty("--share", `${share}%`);
  };
  const note = h("p", { class: "note" });
  root.append(h("div", { class: "holder" }, frame, label), h("div", { class: "compare" }, divider, press), note);
  studio.follow(props, watch, (value) => {
    root.hidden = !value.after;
    if (!value.after) return;
    for (const [picture, file] of [[before, value.before], [after, value.after]])
      if (picture.src !== file.url) picture.src = file.url;
    after.alt = value.label ?? "";
    label.textContent = value.label ?? "";
    note.textContent = studio.say(value.note ?? "");
    note.hidden = !value.note;
    root.classList.toggle("same", value.before.url === value.after.url);
  });
};
