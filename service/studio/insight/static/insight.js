// The page of figures: the span of time stands in the address, and each part is a piece of its own.

import { askText, base, download, fail, guard, index, onReady, setState, showPiece, state } from "../studio/studio.js";

const get = (id) => document.getElementById(id);
const DEFAULT = "24h";
const parts = [...document.querySelectorAll("[data-piece]")];

function span() {
  const now = state();
  const chosen = new URLSearchParams({ from: now.get("from") || DEFAULT });
  if (now.get("to")) chosen.set("to", now.get("to"));
  return chosen;
}

async function show() {
  const chosen = span();
  for (const button of document.querySelectorAll("[data-from]")) {
    const isThis = button.dataset.from === chosen.get("from") && !chosen.get("to");
    button.setAttribute("aria-pressed", String(isThis));
  }
  for (const name of ["from", "to"]) {
    const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(chosen.get(name) ?? "");
    get(`insight-${name}`).value = isTime ? chosen.get(name).slice(0, 16) : "";
  }
  // One after the other where the first fails: the same fault need not be told four times.
  const [first, ...others] = parts;
  if (!(await showPiece(first, `${base}/overview?${chosen}`))) return;
  await Promise.all(others.map((part) => showPiece(part, `${base}/${part.dataset.piece}?${chosen}`)));
}

get("insight-range").addEventListener("click", guard((event) => {
  const age = event.target.closest("[data-from]")?.dataset.from;
  if (!age) return undefined;
  setState({ from: age === DEFAULT ? "" : age, to: "" });
  return show();
}));

get("insight-range").addEventListener("submit", guard((event) => {
  event.preventDefault();
  const [from, to] = ["from", "to"].map((name) => get(`insight-${name}`).value);
  if (!from) return fail(new Error("From: choose when the time begins."));
  setState({ from: `${from}Z`, to: to && `${to}Z` });
  return show();
}));

document.addEventListener("click", guard(async (event) => {
  const button = event.target.closest(".export");
  if (!button) return;
  const { part, only } = button.dataset;
  const asked = span();
  asked.set("format", "csv");
  if (part === "queries") asked.set("limit", "1000");
  if (part === "positions") asked.set("limit", "200");
  if (only) asked.set("only", only);
  const { text, type } = await askText(`/v1/indexes/${encodeURIComponent(index)}/insight/${part}?${asked}`);
  download(text, [index, part, only].filter(Boolean).join("-") + ".csv", type);
}));

addEventListener("popstate", guard(show));
onReady(show);
