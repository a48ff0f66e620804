// Examples with and without what is taught. value: {having: [{file, label}], lacking, offered: [{file, label, side}], note}.
// Sends "select" {index} of an offered face, whose side turns; "delete" {side, index}; "upload" {side, paths}.
studio.views.lesson = (element, props, trigger, watch, upload) => {
  const { h } = studio;
  const root = element.querySelector(".view");
  const send = studio.sender(props, trigger);
  const words = { having: "With it", lacking: "Without it" };
  const signs = { having: "+", lacking: "\u2212" };
  const status = h("p", { class: "status", role: "status" });
  const trays = {};
  const busy = (now) => root.classList.toggle("working", now);

  const take = async (side, files) => {
    busy(true);
    const paths = [];
    for (const [index, file] of [...files].entries()) {
      status.textContent = `${index + 1} / ${files.length}\u2026`;
      try {
        const sent = await upload(file);
        paths.push(sent.path ?? sent);
      } catch (error) {
        status.textContent = `${file.name}: ${error.message ?? error}`;
      }
    }
    if (paths.length) send("upload", { side, paths });
    else busy(false);
  };
  const tray = (side) => {
    const file = h("input", { type: "file", accept: "image/*,.heic,.heif,.avif", multiple: true, class: "hidden-file", tabindex: "-1",
      "aria-label": studio.say("{}: photos", studio.say(words[side])), onchange: () => { if (file.files.length) take(side, file.files); file.value = ""; } });
    const count = h("b", {}, "0");
    const thumbs = h("div", { class: "thumbs", role: "group", "aria-label": words[side] });
    trays[side] = { count, thumbs };
    const add = h("button", { type: "button", class: "quiet", onclick: () => file.click() }, "Add photos");
    const over = (event) => {
      event.preventDefault();
      event.stopPropagation();
      event.currentTarget.classList.toggle("over", event.type === "dragover");
      if (event.type === "drop" && event.dataTransfer.files.length) take(side, event.dataTransfer.files);
    };
    return h("section", { class: `tray ${side}`, ondragover: over, ondragleave: over, ondrop: over },
      h("header", {}, h("span", { class: "sign", "aria-hidden": "true" }, signs[side]), h("h3", {}, words[side]), count, file, add), thumbs);
  };
  const offered = h("div", { class: "thumbs", role: "group", "aria-label": "Pictures to choose from" });
  root.append(h("div", { class: "trays" }, tray("having"), tray("lacking")), status,
    h("p", { class: "title" }, "Or click: once for with it, twice for without it"), offered);

  const mine = (side) => (one, index) =>
    h("button", { type: "button", class: "thumb", "aria-label": studio.say("{} {}: take it out", studio.say(words[side]), index + 1), title: one.label,
      onclick: () => send("delete", { side, index }) }, studio.picture(one.file, ""));
  const choice = (one, index) =>
    h("button", { type: "button", class: `thumb ${one.side ?? ""}`, "aria-label": studio.say("{}: {}", studio.say(one.label), studio.say(one.side ? words[one.side] : "not chosen")),
      onclick: () => send("select", { index }) }, studio.picture(one.file, ""),
    one.side ? h("span", { class: "sign", "aria-hidden": "true" }, signs[one.side]) : null);
  studio.follow(props, watch, (value) => {
    if (!value.offered) return;
    busy(false);
    status.textContent = value.note ?? "";
    for (const side of ["having", "lacking"]) {
      trays[side].count.textContent = value[side].length;
      trays[side].thumbs.replaceChildren(...(value[side].length ? value[side].map(mine(side))
        : [h("p", { class: "empty" }, "Drop photos here, or click pictures below.")]));
    }
    const focused = [...offered.children].indexOf(document.activeElement);
    offered.replaceChildren(...value.offered.map(choice));
    offered.children[focused]?.focus();
  });
};
