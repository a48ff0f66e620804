// A visitor's photo: chosen, dropped, pasted or taken, and shown at once, before it is uploaded; then the frames of its
// faces, of which one is chosen and can be dragged, resized and turned.
// value: {photo, width, height, aspect, frames: [[x, y, height, angle]], chosen, note} or {} or {failed}.
// Sends "upload" {path}, "select" {index}, "input" {frame}.
studio.views.photo = (element, props, trigger, watch, upload) => {
  const { h } = studio;
  const root = element.querySelector(".view");
  const send = studio.sender(props, trigger);
  const file = h("input", { type: "file", accept: "image/*,.heic,.heif,.avif", class: "hidden-file", tabindex: -1, "aria-label": "Choose a photo",
    onchange: () => file.files.length && take(file.files[0]) });
  const status = h("p", { class: "status", role: "status" });
  const stand = h("div", { class: "stand" });
  const camera = h("button", { type: "button", class: "quiet", hidden: !navigator.mediaDevices, onclick: () => film() }, "Take one");
  const door = h("div", { class: "door" },
    h("p", { class: "invitation" }, "Drop a photo here, paste one, or"),
    h("div", { class: "ways" },
      h("button", { type: "button", class: "choose", onclick: () => file.click() }, "Choose a photo"), camera));
  root.append(file, stand, status, door);

  // --- a photo comes ---
  const busy = (words) => { status.textContent = studio.say(words); root.classList.toggle("working", Boolean(words)); };
  let coming = null; // the photo that the server is not told of yet
  const take = async (given) => {
    file.value = "";
    if (!given) return;
    coming = given;
    root.classList.add("full");
    const local = URL.createObjectURL(given);
    stand.replaceChildren(h("img", { src: local, alt: "Your photo", class: "whole", onerror: (event) => event.target.remove() }));
    busy("Sending your photo\u2026");
    try {
      const sent = await upload(given);
      await studio.opened;
      if (coming !== given) return; // another has come meanwhile
      coming = null;
      busy("Looking at your photo\u2026");
      send("upload", { path: sent.path ?? sent });
    } catch (error) {
      if (coming !== given) return;
      coming = null;
      busy("");
      status.textContent = studio.say("The photo did not arrive: {}", error.message ?? error);
    }
  };
  const over = (event) => { event.preventDefault(); root.classList.toggle("over", event.type === "dragover"); };
  for (const kind of ["dragover", "dragleave", "drop"]) root.addEventListener(kind, over);
  studio.takeBrought = () => {
    const photo = studio.brought;
    studio.brought = null;
    if (photo) take(photo);
  };
  const film = async () => {
    let stream;
    try { stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } }); }
    catch { status.textContent = studio.say("The camera did not open; choose a photo instead."); return; }
    const video = h("video", { autoplay: true, playsinline: true, class: "whole" });
    video.srcObject = stream;
    const end = () => { stream.getTracks().forEach((track) => track.stop()); status.replaceChildren(); };
    stand.replaceChildren(video);
    status.replaceChildren(
      h("button", { type: "button", class: "choose", onclick: () => {
        const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
        canvas.getContext("2d").drawImage(video, 0, 0);
        end();
        canvas.toBlob((blob) => take(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.95);
      } }, "Take it"),
      h("button", { type: "button", class: "quiet", onclick: () => { end(); show(last); } }, "Not now"));
  };

  // --- its frames ---
  let now = {};
  const tell = studio.settled((frame) => send("input", { frame }), 180);
  const place = (box, [x, y, height, angle]) => {
    const width = height * now.aspect;
    box.style.cssText = `left:${100 * (x - width / 2) / now.width}%;top:${100 * (y - height / 2) / now.height}%;` +
      `width:${100 * width / now.width}%;height:${100 * height / now.height}%;transform:rotate(${angle}deg)`;
    box.classList.toggle("high", y - height / 2 < 0.1 * now.height); // no room for the handle above it
  };
  const moved = (frame) => {
    const limit = Math.max(now.width, now.height);
    frame[0] = Math.max(0, Math.min(now.width, frame[0]));
    frame[1] = Math.max(0, Math.min(now.height, frame[1]));
    frame[2] = Math.max(16, Math.min(2 * limit, frame[2]));
    frame[3] = ((frame[3] + 540) % 360) - 180;
    place(chosen(), frame);
    controls(frame);
    tell([...frame]);
  };
  const chosen = () => stand.querySelector(".frame.chosen");
  const current = () => now.frames[now.chosen];
  const point = (event) => {
    const box = stand.querySelector(".photo").getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * now.width, (event.clientY - box.top) / box.height * now.height];
  };
  const drag = (event) => {
    event.preventDefault();
    const frame = current();
    const [startX, startY] = point(event);
    const start = [...frame];
    const grip = event.target.dataset.grip;
    const from = Math.hypot(startX - start[0], startY - start[1]);
    const lean = Math.atan2(startY - start[1], startX - start[0]);
    const follow = (next) => {
      const [x, y] = point(next);
      if (grip === "size") frame[2] = start[2] * Math.hypot(x - start[0], y - start[1]) / from;
      else if (grip === "turn") frame[3] = start[3] + (Math.atan2(y - start[1], x - start[0]) - lean) * 180 / Math.PI;
      else [frame[0], frame[1]] = [start[0] + x - startX, start[1] + y - startY];
      moved(frame);
    };
    const box = event.currentTarget;
    box.setPointerCapture(event.pointerId);
    box.addEventListener("pointermove", follow);
    const end = () => box.removeEventListener("pointermove", follow);
    box.addEventListener("pointerup", end, { once: true });
    box.addEventListener("pointercancel", end, { once: true });
  };
  const keys = (event) => {
    const step = current()[2] * (event.shiftKey ? 0.1 : 0.02);
    const acts = { ArrowLeft: [0, -step], ArrowRight: [0, step], ArrowUp: [1, -step], ArrowDown: [1, step],
      "+": [2, 2 * step], "-": [2, -2 * step], "[": [3, -2], "]": [3, 2] };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    current()[act[0]] += act[1];
    moved(current());
  };
  const box = (frame, index) => {
    const own = index === now.chosen;
    const made = h("div", {
      class: own ? "frame chosen" : "frame", tabindex: 0, role: own ? "group" : "button",
      "aria-label": own ? "Frame: arrow keys move it, plus and minus resize it, brackets turn it" : `Face ${index + 1}`,
      onpointerdown: (event) => (own ? drag(event) : send("select", { index })),
      onkeydown: (event) => (own ? keys(event) : ["Enter", " "].includes(event.key) && send("select", { index })),
    }, ...(own ? ["tl", "tr", "br", "bl"].map((corner) => h("i", { class: `grip ${corner}`, "data-grip": "size" })) : []),
      own ? h("i", { class: "grip turn", "data-grip": "turn" }) : null);
    place(made, frame);
    return made;
  };
  const sliders = {};
  const slider = (name, label, least, most, step, read, write) => {
    sliders[name] = { read };
    const range = h("input", { type: "range", min: least, max: most, step, "aria-label": label,
      oninput: () => { write(current(), Number(range.value)); moved(current()); } });
    sliders[name].range = range;
    return h("label", {}, h("span", {}, label), range);
  };
  const panel = h("div", { class: "hand" },
    slider("x", "Across", 0, 1, 0.002, (f) => f[0] / now.width, (f, v) => { f[0] = v * now.width; }),
    slider("y", "Down", 0, 1, 0.002, (f) => f[1] / now.height, (f, v) => { f[1] = v * now.height; }),
    slider("size", "Size", 0, 1, 0.002, (f) => Math.sqrt(f[2] / (1.5 * Math.max(now.width, now.height))),
      (f, v) => { f[2] = v * v * 1.5 * Math.max(now.width, now.height); }),
    slider("turn", "Turn", -90, 90, 0.5, (f) => f[3], (f, v) => { f[3] = v; }));
  const controls = (frame) => Object.values(sliders).forEach(({ range, read }) => { range.value = read(frame); });
  let last = {};
  const show = (value) => {
    // the tab may have been opened by the very photo that is on its way, and what is said of another is old
    if (coming) return;
    if (!value.photo && !value.failed && root.classList.contains("working")) return;
    last = value;
    busy("");
    root.classList.toggle("full", Boolean(value.photo));
    if (!value.photo) { stand.replaceChildren(); status.textContent = value.failed ?? ""; panel.remove(); return; }
    now = { ...value, frames: value.frames.map((frame) => [...frame]) };
    stand.replaceChildren(h("div", { class: "photo", style: `--aspect:${now.width / now.height}` },
      h("img", { src: now.photo.url, alt: "Your photo", class: "whole", draggable: "false" }), ...now.frames.map(box)));
    status.textContent = studio.say(value.note ?? "");
    status.after(panel);
    controls(current());
  };
  studio.follow(props, watch, show);
  studio.takeBrought();
};
