// Gradio 6.31 forgets what is begun while it cancels something, and fails where the same is cancelled twice. So a click on
// a button that begins or stops something long waits until a cancel under way is over.
let cancels = 0;
const fetched = window.fetch;
window.fetch = (...given) => {
  const answer = fetched(...given);
  if (/\/(cancel|reset)$/.test(String(given[0]?.url ?? given[0]))) {
    cancels += 1;
    const over = () => setTimeout(() => { cancels -= 1; }); // after Gradio has dealt with the answer
    answer.then(over, over);
  }
  return answer;
};

const LONG = "#make-film, #make-sweep, #make-mine, #stop-film, #stop-tuning";
let held = null;
const release = () => {
  if (cancels) return void setTimeout(release, 20);
  const button = held;
  held = null;
  button.click();
};
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(LONG);
  if (!button || !cancels) return;
  event.stopImmediatePropagation();
  if (!held) setTimeout(release, 20);
  held = button; // the last one counts
}, true);
