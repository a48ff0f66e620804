// A map of faces to click on. value: {file, columns, rows, aspect, colours: [0 to 1] or null, place: [x, y], label}. Places are
// in cells. Sends "select" {x, y}. Arrow keys go from face to face, with Shift a quarter of the way.
studio.views.map = (element, props, trigger, watch) => {
  const { h } = studio;
  const root = element.querySelector(".view");
  const send = studio.sender(props, trigger);
  const tell = studio.settled((x, y) => send("select", { x, y }), 120);
  const picture = h("img", { alt: "", draggable: "false" });
  const tint = h("div", { class: "tint", "aria-hidden": "true" });
  const pin = h("i", { class: "pin", "aria-hidden": "true" });
  const field = h("div", { class: "field", tabindex: 0, role: "group" }, picture, tint, pin);
  const wait = h("p", { class: "empty", role: "status" }, "Drawing the map\u2026");
  root.append(wait, field);
  field.hidden = true;
  let now = {};
  let place = [0, 0];

  const go = ([x, y]) => {
    place = [Math.max(0, Math.min(now.columns, x)), Math.max(0, Math.min(now.rows, y))];
    pin.style.left = `${100 * place[0] / now.columns}%`;
    pin.style.top = `${100 * place[1] / now.rows}%`;
  };
  const at = (event) => {
    const box = field.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * now.columns, (event.clientY - box.top) / box.height * now.rows];
  };
  const move = (to) => { go(to); tell(...place); };
  field.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    field.focus({ preventScroll: true });
    move(at(event));
    if (event.pointerType === "touch") return; // a finger that moves scrolls the page
    const follow = (next) => move(at(next));
    field.setPointerCapture(event.pointerId);
    field.addEventListener("pointermove", follow);
    const end = () => field.removeEventListener("pointermove", follow);
    for (const over of ["pointerup", "pointercancel"]) field.addEventListener(over, end, { once: true });
  });
  field.addEventListener("keydown", (event) => {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.25 : 1;
    const from = event.shiftKey ? place : place.map((along) => Math.floor(along) + 0.5);
    const to = from.map((along, axis) => along + step * way[axis]);
    move([Math.max(0.5, Math.min(now.columns - 0.5, to[0])), Math.max(0.5, Math.min(now.rows - 0.5, to[1]))]);
  });
  const shade = (share) =>
    `color-mix(in oklab, var(--map-much) ${Math.round(100 * share)}%, var(--map-little))`;
  studio.follow(props, watch, (value) => {
    if (!value.file) return;
    now = value;
    wait.remove();
    field.hidden = false;
    if (picture.getAttribute("src") !== value.file.url) picture.src = value.file.url;
    field.style.setProperty("--columns", value.columns);
    field.setAttribute("aria-label", studio.say(value.label));
    tint.replaceChildren(...(value.colours ?? []).map((share) => h("i", { style: `--shade:${shade(share)}` })));
    go(value.place);
  });
};
