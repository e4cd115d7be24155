// The side-by-side page: what is compared stands in the address, and both sides follow it at once.

import { ask, base, fail, guard, onReady, say, setState, showPiece, state } from "../studio/studio.js";

const get = (id) => document.getElementById(id);
const TYPING = 250; // ms of quiet before a query that is being typed is asked
const SLIDING = 80;

let waiting = 0;
let measuring = null; // of the running measurement

function query() {
  const now = state();
  now.set("list", get("compare-list").value);
  return now;
}

async function showSides() {
  const now = query();
  if (!now.get("q")) return;
  await showPiece(get("sides"), `${base}/sides?${now}`);
}

// What the form says, into the address. push: whether "back" should lead here again.
function keep(push) {
  const values = {
    q: get("compare-q").value.trim(),
    filter: get("compare-filter").value.trim(),
    list: get("compare-list").value,
  };
  for (const side of document.querySelectorAll(".side-setup")) {
    const name = side.dataset.side;
    const choice = side.querySelector(".side-choice").value;
    const sliders = [...side.querySelectorAll("input[type=range]")];
    side.querySelector(".sliders").hidden = choice !== "own";
    for (const slider of sliders) slider.nextElementSibling.textContent = Number(slider.value).toFixed(2);
    const weights = sliders.map((slider) => `${slider.dataset.leg}=${slider.value}`).join(",");
    values[name] = choice === "own" ? `own:${weights}` : choice;
    values[`${name}_rules`] = side.querySelector(".side-rules")?.value ?? "";
  }
  setState(values, { push });
  get("compare-measure").disabled = get("compare-list").value === "none";
}

function later(milliseconds, push) {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    keep(push);
    showSides();
  }, milliseconds);
}

function forgetMeasurement() {
  measuring?.abort();
  measuring = null;
  get("effect").replaceChildren();
}

async function measure() {
  keep(false);
  forgetMeasurement();
  const running = (measuring = new AbortController());
  const button = get("compare-measure");
  button.disabled = true;
  const box = document.createElement("div");
  box.className = "panel";
  const words = document.createElement("p");
  const bar = document.createElement("progress");
  bar.setAttribute("aria-label", "Queries measured");
  words.textContent = "Measuring";
  box.append(words, bar);
  get("effect").append(box);
  say("Measuring");
  const values = { a: {}, b: {} };
  try {
    for (let next = 0; next !== null; ) {
      const now = query();
      now.set("from", next);
      const part = await ask(`${base}/judged?${now}`, { signal: running.signal });
      Object.assign(values.a, part.a);
      Object.assign(values.b, part.b);
      next = part.next;
      bar.max = part.queries;
      bar.value = next ?? part.queries;
      const some = part.of > part.queries ? `, drawn from ${part.of}` : "";
      words.textContent = `${bar.value} of ${part.queries} queries measured${some}`;
    }
    await showPiece(get("effect"), `${base}/effect?${query()}`, { json: values });
  } catch (error) {
    if (error.name === "AbortError") return;
    get("effect").replaceChildren();
    fail(error);
  } finally {
    if (measuring === running) button.disabled = get("compare-list").value === "none";
  }
}

function swap() {
  keep(false);
  const now = state();
  setState({
    a: now.get("b"),
    b: now.get("a"),
    a_rules: now.get("b_rules"),
    b_rules: now.get("a_rules"),
  });
  return begin();
}

function dress() {
  const form = get("compare-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    keep(true);
    showSides();
  });
  form.addEventListener("input", (event) => {
    if (event.target.id === "compare-filter") return; // half of JSON is none: on change
    if (event.target.id !== "compare-q") forgetMeasurement();
    later(event.target.type === "text" ? TYPING : SLIDING, false);
  });
  get("compare-filter").addEventListener("change", () => {
    forgetMeasurement();
    later(0, true);
  });
  get("compare-swap").addEventListener("click", guard(swap));
  get("compare-measure").addEventListener("click", guard(measure));
}

async function begin() {
  forgetMeasurement();
  if (!(await showPiece(get("setup"), `${base}/setup${location.search}`))) return;
  dress();
  await showSides();
}

get("effect").addEventListener("click", (event) => {
  const query = event.target.closest(".try")?.dataset.query;
  if (query === undefined) return;
  get("compare-q").value = query;
  keep(true);
  showSides();
  get("compare-q").focus();
  get("compare-q").scrollIntoView({ block: "center" });
});
addEventListener("popstate", guard(begin));
onReady(begin);
