// Brings a file that was just made to the visitor's disk. value: {file, name, number}; each number is brought once.
studio.views.courier = (element, props, trigger, watch) => {
  let brought = null;
  studio.follow(props, watch, (value) => {
    if (!value.file || value.number === brought) return;
    brought = value.number;
    studio.h("a", { href: value.file.url, download: value.name }).click();
  });
};
