// A film. value: {file, name, words, video} or {busy, share, run} while it is made, or {}, or {stopped}: how far a stopped
// run is may still come, because Gradio cancels it only after it has asked for what follows. What was asked for here is
// brought into sight, which on a phone is far below its button.
studio.views.film = (element, props, trigger, watch) => {
  const { h } = studio;
  const root = element.querySelector(".view");
  let run = null;
  let ended = null;
  let asked = false;
  const see = () => root.scrollIntoView({ block: "nearest" });
  studio.follow(props, watch, (value) => {
    if (value.busy && value.run === ended) return;
    const begins = value.busy && value.run !== run;
    if (value.busy) run = value.run;
    if (value.stopped) ended = run;
    root.hidden = !value.file && !value.busy;
    root.replaceChildren();
    if (value.busy)
      root.append(h("div", { class: "busy", role: "status" }, h("progress", { max: 1, value: value.share }), h("span", {}, value.busy)));
    if (begins) {
      asked = true;
      see();
    }
    if (value.file) {
      const film = value.video
        ? Object.assign(h("video", { src: value.file.url, autoplay: true, loop: true, playsinline: true, controls: true }), { muted: true })
        : studio.picture(value.file, value.words);
      if (asked) film.addEventListener(value.video ? "loadedmetadata" : "load", see, { once: true });
      asked = false;
      root.append(film, h("p", { class: "words" }, value.words, " ",
        h("a", { class: "save", href: value.file.url, download: value.name }, studio.say("Download {}", value.kind))));
    }
  });
};
