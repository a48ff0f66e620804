// Draws faces here, in the browser, where it and the model allow that. value: {script, model, name} or {}: files, and what
// the model is called. Sends "change" {ready}, the name of the model that it draws with.
studio.views.painter = (element, props, trigger, watch) => {
  const send = studio.sender(props, trigger);
  let asked = "";
  const open = async (script, model) => {
    const { able, latentOf, Painter } = await import(script);
    if (!able() || navigator.connection?.saveData) return null; // a model is some megabytes
    return Object.assign(await Painter.open(new URL(model, location.href).href), { latentOf });
  };
  studio.follow(props, watch, async (value) => {
    const model = value.model?.url ?? "";
    if (model === asked) return;
    asked = model;
    studio.painter?.close();
    studio.painter = null;
    if (!model) return;
    // what is not drawn here the server draws: then nothing is lost but time
    const painter = await open(value.script.url, model).catch((error) => console.warn(error));
    if (!painter || model !== asked) return painter?.close();
    studio.painter = painter;
    send("change", { ready: value.name });
  });
};

/** The picture of {file}, an image of the server's, or {latent}, which is drawn here. */
studio.face = ({ file, latent, label }) => {
  if (file) return studio.picture(file, label);
  const canvas = studio.h("canvas", { role: "img", "aria-label": label });
  studio.painter?.draw(canvas, { latent: studio.painter.latentOf(latent) }).catch((error) => console.warn(error));
  return canvas;
};
