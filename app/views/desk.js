// One row for each attribute. value: {attributes, changes, hold, readings}; without `attributes` only what is said of
// readings is new, so that a slider that is being dragged stays where the finger is. `last` names the attribute whose
// reading is announced, where it was not moved here. With `latent`, that of the face as it is, the picture is drawn here
// while a slider moves, and said when it is let go; else each move is said. Sends {changes, hold}.
studio.views.desk = (element, props, trigger, watch, upload, options) => {
  const { h, signed } = studio;
  const root = element.querySelector(".view");
  const tell = studio.sender(props, trigger);
  const rows = new Map();
  const search = h("input", { type: "search", class: "search", "aria-label": "Search attributes", oninput: () => filter() });
  const more = h("button", { type: "button", class: "more", onclick: () => { all = true; filter(); } });
  const said = h("p", { class: "said", "aria-live": "polite" });
  const list = h("div", { class: "rows" });
  root.append(h("div", { class: "desk-top" }, search), list, more, said);
  let all = false;
  let last = null;
  let latent = "";
  let drawn = false;

  const filter = () => {
    const wanted = search.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows.values()) {
      const matches = row.label.toLowerCase().includes(wanted);
      const used = Number(row.range.value) !== 0 || row.hold.checked;
      const fits = wanted ? matches : all || used || shown < options.most;
      row.element.hidden = !fits;
      shown += fits;
    }
    more.hidden = Boolean(wanted) || all || shown >= rows.size;
    more.textContent = studio.say("Show all {}", rows.size);
    search.parentElement.hidden = rows.size <= 4;
  };
  const set = () => {
    const changes = {};
    const hold = [];
    for (const [name, row] of rows) {
      if (Number(row.range.value)) changes[name] = Number(row.range.value);
      if (row.hold.checked) hold.push(name);
    }
    return { changes, hold };
  };
  /** Shows what is set, without a word to the server; false where that cannot be done here. */
  const draw = () => {
    drawn = Boolean(latent) && Boolean(studio.painter) && studio.moving({ latent: studio.painter.latentOf(latent), ...set() });
    return drawn;
  };
  const send = () => {
    draw();
    studio.letGo?.();
    drawn = false;
    tell("input", set());
  };
  const put = (row, value) => {
    row.range.value = value;
    const place = (at) => 100 * (at - Number(row.range.min)) / (row.range.max - row.range.min);
    const [middle, way] = [place(0), place(Number(row.range.value))];
    row.range.style.setProperty("--from", `${Math.min(middle, way)}%`);
    row.range.style.setProperty("--to", `${Math.max(middle, way)}%`);
    row.output.textContent = Number(row.range.value) ? signed(Number(row.range.value)) : "0";
    row.element.classList.toggle("moved", Number(row.range.value) !== 0);
  };
  const full = (row, to) => {
    put(row, Number(row.range.value) === to ? 0 : to);
    last = row;
    send();
  };
  const add = (attribute) => {
    const { name } = attribute;
    const label = studio.say(attribute.label);
    const row = { label, name, least: attribute.least, most: attribute.most };
    const end = (to, sign, words) => h("button", { type: "button", class: "full", "aria-label": `${label}: ${studio.say(words)}`, title: words,
      onclick: () => full(row, Math.round(10 * to) / 10) }, sign);
    row.range = h("input", { type: "range", min: attribute.least, max: attribute.most, step: 0.1, value: 0, "aria-label": label,
      oninput: () => { last = row; put(row, row.range.value); if (!draw()) send(); },
      onchange: () => { if (drawn) send(); }, ondblclick: () => { put(row, 0); send(); } });
    row.output = h("output", {}, "0");
    row.hold = h("input", { type: "checkbox", "aria-label": studio.say("Hold {}", label), title: studio.say("Hold {}", label), onchange: send });
    row.meter = h("span", { class: "meter" }, h("i", { class: "way" }), h("i", { class: "ring" }), h("i", { class: "dot" }));
    row.value = h("b");
    row.chance = h("small");
    row.reading = h("span", { class: "reading", role: "img" }, row.meter, row.value, row.chance);
    const doubt = attribute.drawable ? null : "The model reads this, but changes of it hardly show.";
    row.element = h("div", { class: doubt ? "row faint" : "row", title: doubt }, h("label", { class: "hold" }, row.hold),
      h("span", { class: "name" }, label), end(attribute.gone, "\u2212", "all the way down"), row.range,
      end(attribute.full, "+", "all the way up"), row.output, row.reading);
    rows.set(name, row);
    return row.element;
  };
  const read = (row, [before, after, probability]) => {
    const place = (value) => 50 + 50 * Math.max(-1, Math.min(1, value / 4));
    const [from, to] = [place(before), place(after)];
    row.meter.children[0].style.cssText = `left:${Math.min(from, to)}%;width:${Math.abs(from - to)}%`;
    row.meter.children[1].style.left = `${from}%`;
    row.meter.children[2].style.left = `${to}%`;
    row.value.textContent = signed(after);
    row.chance.textContent = probability == null ? "" : `${Math.round(100 * probability)}%`;
    row.reading.setAttribute("aria-label", studio.say("{} seen: {}, was {}", row.label, signed(after), signed(before)));
    row.said = `${row.label} ${signed(after)}${row.chance.textContent ? `, ${row.chance.textContent}` : ""}`;
  };
  studio.follow(props, watch, (value) => {
    if (value.attributes) {
      latent = value.latent ?? "";
      rows.clear();
      list.replaceChildren(...value.attributes.map(add));
      search.value = "";
      search.placeholder = studio.say("Search {} attributes", rows.size);
      root.hidden = !rows.size;
    }
    if (value.changes)
      for (const [name, row] of rows) {
        const to = value.changes[name] ?? 0;
        [row.range.min, row.range.max] = [Math.min(row.least, to), Math.max(row.most, to)]; // what it became may lie beyond
        put(row, to);
        row.hold.checked = value.hold.includes(name);
      }
    for (const [name, reading] of Object.entries(value.readings ?? {})) if (rows.has(name)) read(rows.get(name), reading);
    if (value.last) last = rows.get(value.last);
    if (last?.said && (value.last || !value.changes)) said.textContent = studio.say("Seen: {}", last.said);
    if (value.changes) filter();
  });
};
