// One picture, before and after. value: {before, after, label, names}. The divider is a range: it answers to keys and
// fingers; the button shows the picture as it was for as long as it is pressed. While a slider moves, `studio.moving` draws
// the face here, where that can be done, until the server's picture comes.
studio.views.stage = (element, props, trigger, watch) => {
  const { h } = studio;
  const root = element.querySelector(".view");
  let share = 0;
  const before = h("img", { class: "before", alt: "", draggable: "false" });
  const after = h("img", { class: "after", alt: "", draggable: "false" });
  const live = h("canvas", { class: "live", "aria-hidden": "true" });
  const frame = h("div", { class: "frame" }, after, live, before);
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

  const AHEAD = 2; // so that the painter has always something to do, and never more than can be seen
  let [drawing, waiting, moves, held] = [0, null, 0, false];
  /** Draws a face, or once there is time, unless another comes before; false where no face is drawn here. */
  studio.moving = (face) => {
    if (!studio.painter) return false;
    [waiting, held] = [face, true];
    moves++;
    draw();
    return true;
  };
  /** The slider was let go: the server's picture is next. */
  studio.letGo = () => { held = false; };
  const draw = async () => {
    if (!waiting || drawing >= AHEAD) return;
    const face = waiting;
    waiting = null;
    drawing++;
    try {
      await studio.painter.draw(live, face);
      root.classList.add("moving");
      root.classList.remove("same");
    } catch { root.classList.remove("moving"); } // why it cannot be had the server says when the slider is let go
    drawing--;
    draw();
  };
  const settle = async () => {
    if (held) return;
    const move = moves;
    await after.decode().catch(() => {});
    if (move === moves) root.classList.remove("moving");
  };
  studio.follow(props, watch, (value) => {
    root.hidden = !value.after;
    if (!value.after) return;
    for (const [picture, file] of [[before, value.before], [after, value.after]])
      if (picture.src !== file.url) picture.src = file.url;
    after.alt = label.textContent = studio.say(value.label ?? "");
    note.textContent = studio.say(value.note ?? "");
    note.hidden = !value.note;
    root.classList.toggle("same", value.before.url === value.after.url);
    settle();
  });
};
