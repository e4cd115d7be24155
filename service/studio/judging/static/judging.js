// One pair at a time: shown, graded by a key or a button, saved behind the judge's back.

import { ask, askText, base, download, fail, fetchPiece, guard, index, onReady, say, setState, showPiece, state } from "../studio/studio.js";
import { loadOwnPhotos } from "../shop/requests.js";
import { Saving } from "./saving.js";

const get = (id) => document.getElementById(id);
const REFILL_AT = 4;
const lists = `/v1/indexes/${index}/judgements`;

const judge = judgeOfThisTab();
let queue = []; // articles to show, the one that is shown first
let history = []; // what can be undone, the newest last
let seen = new Set(); // pairs that this round has had
let progress = new Map(); // query to {judged, open}
let labels = [];
let graded = 0;
let open = 0;
let round = null; // what was asked for; another one begins anew
let refilling = null;

const saving = new Saving(judge, showSaving, (entry, error) => {
  if (error.status !== 409) return fail(error);
  say("Another judge has graded this pair meanwhile; their grade stays.");
  get("saving").textContent = `${error.message}: the other judge's grade stays.`;
});

const nameOf = (article) => JSON.stringify([article.dataset.query, article.dataset.id]);
const chosen = (name) => [...document.querySelectorAll(`input[name=${name}]:checked`)].map((one) => one.value);

function judgeOfThisTab() {
  const fresh = Array.from(crypto.getRandomValues(new Uint8Array(8)), (one) => one.toString(16).padStart(2, "0")).join("");
  try {
    const known = sessionStorage.getItem("shelfwise-judge");
    if (known) return known;
    sessionStorage.setItem("shelfwise-judge", fresh);
  } catch {
    // a judge for as long as the page is open
  }
  return fresh;
}

async function begin() {
  round = {
    list: get("list").value,
    judge,
    sources: chosen("source"),
    rankings: chosen("ranking"),
    queries: get("queries").value.split("\n").map((line) => line.trim()).filter(Boolean),
    limit: 30,
  };
  if (!round.list) throw new Error("Make a list first.");
  [queue, history, seen, progress, graded, open] = [[], [], new Set(), new Map(), 0, 0];
  setState({ list: round.list }, { push: false });
  get("done").hidden = true;
  get("work").setAttribute("aria-busy", "true");
  try {
    await refill();
  } finally {
    get("work").removeAttribute("aria-busy");
  }
  if (queue.length) document.querySelector("#find details").open = false;
  show(true);
}

// Asks for more pairs; the ones under way are asked for once.
function refill() {
  refilling ??= (async () => {
    const mine = round;
    const found = await fetchPiece(`${base}/cards`, { json: mine });
    if (mine !== round) return;
    labels = [...found.querySelectorAll(".labels li")].map((one) => ({
      grade: Number(one.dataset.grade),
      name: one.dataset.name,
      meaning: one.textContent,
    }));
    for (const one of found.querySelectorAll(".progress li")) {
      if (!progress.has(one.textContent)) {
        progress.set(one.textContent, { judged: Number(one.dataset.judged), open: Number(one.dataset.open) });
      }
    }
    const fresh = [...found.querySelectorAll("article.pair")].filter((one) => !seen.has(nameOf(one)));
    fresh.forEach((one) => seen.add(nameOf(one)));
    queue.push(...fresh);
    open = Math.max(Number(found.dataset.open), queue.length);
    const refused = [...found.querySelectorAll(".refused li")];
    if (refused.length) fail(new Error(`Not searched for: ${refused[0].textContent}`));
  })().finally(() => (refilling = null));
  return refilling;
}

function show(isFirst = false) {
  const [article, next] = queue;
  get("work").hidden = !article;
  get("done").hidden = Boolean(article);
  get("undo").disabled = !history.length;
  get("done-title").textContent = graded ? "All judged" : "Nothing to judge";
  get("done-text").textContent = graded
    ? `${graded} grades were given. What the rankings show first for these queries has a grade, or another judge has it just now.`
    : "Type queries, take them from the list or from what shoppers ask, and choose two rankings or more.";
  get("pair").replaceChildren(...(article ? [article] : []));
  get("next-pair").replaceChildren(...(next ? [next] : [])); // so that its photo is there already
  for (const part of ["pair", "next-pair"]) loadOwnPhotos(get(part));
  showProgress();
  if (!article) {
    get("done").focus();
    return say(get("done-title").textContent);
  }
  if (isFirst) showGrades();
  get("pair").focus({ preventScroll: !isFirst });
  say(`Query ${article.dataset.query}. ${article.querySelector(".title").textContent}`);
}

function showGrades() {
  get("grades").replaceChildren(
    ...labels.map(({ grade, name, meaning }) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "grade" });
      button.dataset.grade = grade;
      const head = document.createElement("strong");
      const key = document.createElement("kbd");
      key.textContent = grade;
      head.append(key, name);
      const words = document.createElement("span");
      words.textContent = meaning;
      button.append(head, words);
      button.addEventListener("click", () => give(grade));
      return button;
    }),
  );
}

function showProgress() {
  get("progress").max = Math.max(graded + open, 1);
  get("progress").value = graded;
  get("progress-text").textContent = `${graded} judged, ${open} to judge`;
  const now = queue[0]?.dataset.query;
  get("by-query-rows").replaceChildren(
    ...[...progress].map(([query, { judged, open: left }]) => {
      const row = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      const words = document.createElement("bdi");
      words.textContent = query;
      head.append(words);
      if (query === now) row.setAttribute("aria-current", "true");
      const cells = [judged, left].map((number) => {
        const cell = document.createElement("td");
        cell.className = "number";
        cell.textContent = number;
        return cell;
      });
      row.append(head, ...cells);
      return row;
    }),
  );
}

function showSaving(count, problem) {
  const place = get("saving");
  place.classList.toggle("late", Boolean(problem));
  if (problem) place.textContent = `${count} not saved yet, trying again: ${problem}`;
  else place.textContent = count ? "Saving…" : graded ? "All saved" : "";
}

function count(query, by) {
  graded += by;
  open -= by;
  const row = progress.get(query);
  if (row) {
    row.judged += by;
    row.open -= by;
  }
}

function give(grade) {
  const article = queue.shift();
  if (!article) return;
  const { query, id } = article.dataset;
  history.push({ article, grade });
  count(query, 1);
  saving.add({ list: round.list, query, product_id: id, grade, seen: null });
  next();
}

function skip() {
  const article = queue.shift();
  if (!article) return;
  history.push({ article, grade: null });
  next();
}

function undo() {
  const last = history.pop();
  if (!last) return;
  const { query, id } = last.article.dataset;
  queue.unshift(last.article);
  if (last.grade !== null) {
    count(query, -1);
    saving.add({ list: round.list, query, product_id: id, grade: null, seen: last.grade });
  }
  show();
}

async function next() {
  show();
  if (queue.length > REFILL_AT) return;
  const wasEmpty = !queue.length;
  try {
    await refill();
  } catch (error) {
    fail(error);
  }
  if (wasEmpty || get("next-pair").childElementCount === 0) show();
}

function typed(event) {
  const isField = event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog");
  if (get("work").hidden && event.key.toLowerCase() !== "u") return;
  if (isField || !get("keys").checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const key = event.key.toLowerCase();
  if (labels.some(({ grade }) => String(grade) === key)) give(Number(key));
  else if (key === "s") skip();
  else if (key === "u") undo();
  else return;
  event.preventDefault();
}

async function loadSetup(list) {
  await showPiece(get("setup"), `${base}/setup`);
  const select = get("list");
  if ([...select.options].some((one) => one.value === list)) select.value = list;
  get("find").addEventListener("submit", guard((event) => {
    event.preventDefault();
    return begin();
  }));
  for (const [button, part] of [["new-open", "new-list"], ["files-open", "files"]]) {
    get(button).addEventListener("click", () => {
      get(part).hidden = !get(part).hidden;
      get(button).setAttribute("aria-expanded", String(!get(part).hidden));
    });
  }
  get("new-list").addEventListener("submit", guard(async (event) => {
    event.preventDefault();
    const name = get("new-name").value.trim();
    await ask(`${lists}/${encodeURIComponent(name)}`, { method: "PUT", json: { judgements: [], max_grade: Number(get("new-max").value) } });
    await loadSetup(name);
    say(`List ${name} is there.`);
  }));
  get("import").addEventListener("submit", guard(importFile));
  for (const button of document.querySelectorAll(".export")) button.addEventListener("click", guard(exportList));
}

async function importFile(event) {
  event.preventDefault();
  const list = get("list").value;
  if (!list) throw new Error("Make a list first.");
  const options = new URLSearchParams({
    mode: get("import-mode").value,
    format: get("import-format").value,
    max_grade: get("list").selectedOptions[0].dataset.maxGrade,
  });
  const saved = await ask(`${lists}/${list}?${options}`, {
    method: "PUT",
    body: await get("file").files[0].text(),
    headers: { "Content-Type": "text/plain" },
  });
  await loadSetup(list);
  get("files").hidden = false;
  const remarks = saved.remarks.map((one) => `Note: ${one}`);
  get("import-said").textContent = [`The list has ${saved.judgements} grades of ${saved.queries} queries now.`, ...remarks].join("\n");
}

async function exportList(event) {
  const list = get("list").value;
  if (!list) throw new Error("Make a list first.");
  await saving.flush();
  const form = event.target.dataset.format;
  const { text, type } = await askText(`${lists}/${list}?format=${form}`);
  download(text, `${list}.${{ trec: "qrels", topics: "topics.tsv" }[form] ?? form}`, type);
}

onReady(async () => {
  await loadSetup(state().get("list"));
  get("skip").addEventListener("click", skip);
  get("undo").addEventListener("click", undo);
  document.addEventListener("keydown", typed);
  saving.flush();
});
