// A film. value: {file, name, words, video} or {busy, share} while it is made, or {}.
studio.views.film = (element, props, trigger, watch) => {
  const { h } = studio;
  const root = element.querySelector(".view");
  studio.follow(props, watch, (value) => {
    root.hidden = !value.file && !value.busy;
    root.replaceChildren();
    if (value.busy)
      root.append(h("div", { class: "busy", role: "status" }, h("progress", { max: 1, value: value.share }), h("span", {}, value.busy)));
    if (value.file) {
      root.append(value.video
        ? Object.assign(h("video", { src: value.file.url, autoplay: true, loop: true, playsinline: true, controls: true }), { muted: true })
        : studio.picture(value.file, value.words));
      root.append(h("p", { class: "words" }, value.words, " ",
        h("a", { class: "save", href: value.file.url, download: value.name }, studio.say("Download {}", value.kind))));
    }
  });
};
