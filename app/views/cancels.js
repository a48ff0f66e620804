// Gradio 6.31 forgets what is begun while it cancels something, fails where the same is cancelled twice, and sends a cancel
// only some time after the click on Stop. So after such a click buttons that begin or stop something long wait until
// its cancel is over, or until none can be on its way any more.
const LONGEST = 4000; // milliseconds between the click and the cancel
const SETTLED = 100; // until Gradio has dealt with the answer
let cancels = 0;
let stopped = -Infinity; // when a Stop was clicked whose cancel is still to come
const waiting = () => cancels > 0 || performance.now() < stopped + LONGEST;

const fetched = window.fetch;
window.fetch = (...given) => {
  const answer = fetched(...given);
  if (/\/(cancel|reset)$/.test(String(given[0]?.url ?? given[0]))) {
    cancels += 1;
    stopped = -Infinity;
    const over = () => setTimeout(() => { cancels -= 1; }, SETTLED);
    answer.then(over, over);
  }
  return answer;
};

const STOP = "#stop-film, #stop-tuning";
const LONG = `#make-film, #make-sweep, #make-mine, ${STOP}`;
let held = null;
const release = () => {
  if (waiting() || held.disabled) return void setTimeout(release, 20);
  const button = held;
  held = null;
  button.click();
};
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(LONG);
  if (!button) return;
  if (waiting()) {
    event.stopImmediatePropagation();
    if (!held) setTimeout(release, 20);
    held = button; // the last one counts
  } else if (button.matches(STOP)) {
    stopped = performance.now();
  }
}, true);
