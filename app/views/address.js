// Keeps the page's state in its address. value: {link, own, push}: what anybody may know, and what this browser alone
// keeps (names of its visitor's photos). Sends {link} where Back, Forward or another link asks for a state.
studio.views.address = (element, props, trigger, watch) => {
  const { h } = studio;
  const root = element.querySelector(".view");
  const send = studio.sender(props, trigger);
  const key = (link) => `studio:${link}`;
  const button = h("button", { type: "button", class: "quiet", onclick: async () => {
    await navigator.clipboard?.writeText(location.href);
    button.textContent = studio.say("Copied");
    setTimeout(() => { button.textContent = studio.say("Copy link"); }, 1500);
  } }, "Copy link");
  root.append(button);
  const write = studio.settled((link, push) => {
    const url = new URL(location.href);
    if (url.searchParams.get("state") === link) return;
    url.searchParams.set("state", link);
    const first = !history.state?.studio;
    history[push && !first ? "pushState" : "replaceState"]({ studio: true }, "", url);
  }, 250);
  studio.follow(props, watch, (value) => {
    if (!value.link) return;
    try { sessionStorage.setItem(key(value.link), value.own); } catch { /* a browser that keeps nothing */ }
    write(value.link, value.push);
    studio.open();
  });
  addEventListener("popstate", () => send("submit", { link: studio.address() }));
};

/** The state of the page's address, as this browser knows it; "" where there is none. */
studio.address = () => {
  const link = new URL(location.href).searchParams.get("state") ?? "";
  try { return sessionStorage.getItem(`studio:${link}`) ?? link; } catch { return link; }
};
