// What every page of the studio is made with:
//
//   index, base                    name of the index; `/studio/{index}/{page}`, where pieces are
//   onReady(start)                 calls start() once the service has let us in (asks for the key)
//   ask(address, {method, json})   JSON of an API's answer (null without a body); throws Failed
//   askText(address)               the same as text, for exports: {text, type}
//   fetchPiece(address, options)   the first element of a piece of HTML
//   showPiece(target, address)     puts a piece into an element, says its data-status, and never an
//                                  older one over a newer one; true when it is shown
//   say(text), fail(error)         tell who cannot see the change; show a problem to everybody
//   guard(action)                  an event listener whose errors are shown by fail()
//   state(), setState(values)      what stands in the address; empty values leave it
//   confirmed(text, verb)          asks in a dialog; resolves to true or false
//   download(text, name, type)     saves text as a file
//   sortable(table)                headings with data-sort="text|number" become buttons that sort
//
// Tables of class "sortable" in a shown piece, and photos that need the key, are seen to.

import { NeedsKey, ask as request, keepKey, loadOwnPhotos, readKey } from "../shop/requests.js";

const get = (id) => document.getElementById(id);
const body = document.body;

export const index = body.dataset.index;
export const base = `/studio/${index}/${body.dataset.page}`;

export class Failed extends Error {
  constructor(message, status = 0, field = null) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

async function checked(address, { json, ...options } = {}) {
  if (json !== undefined) {
    options.body = JSON.stringify(json);
    options.headers = { ...options.headers, "Content-Type": "application/json" };
    options.method ??= "POST";
  }
  let response;
  try {
    response = await request(address, options);
  } catch (error) {
    // A key that opened the page and may not do this one thing is no reason to ask for another.
    if (error instanceof NeedsKey && error.status === 403 && isOpen) throw new Failed(error.message, 403);
    if (error instanceof NeedsKey && body.dataset.needsKey) askForKey(error.message);
    if (error.name === "AbortError" || error instanceof NeedsKey) throw error;
    throw new Failed("The service cannot be reached.");
  }
  if (response.ok) return response;
  const text = await response.text();
  let told = null;
  try {
    told = JSON.parse(text).error;
  } catch {
    // not an answer of ours, but of something before it
  }
  throw new Failed(told?.message ?? `The service answered with status ${response.status}.`, response.status, told?.field);
}

export async function ask(address, options) {
  const text = await (await checked(address, options)).text();
  return text ? JSON.parse(text) : null;
}

export async function askText(address, options) {
  const response = await checked(address, options);
  return { text: await response.text(), type: response.headers.get("Content-Type") ?? "" };
}

export async function fetchPiece(address, options) {
  const { text } = await askText(address, options);
  return document.adoptNode(new DOMParser().parseFromString(text, "text/html").body.firstElementChild);
}

const newest = new WeakMap(); // target to its newest request

export async function showPiece(target, address, options = {}) {
  newest.get(target)?.abort();
  const running = new AbortController();
  newest.set(target, running);
  target.setAttribute("aria-busy", "true");
  try {
    const piece = await fetchPiece(address, { ...options, signal: running.signal });
    if (newest.get(target) !== running) return false;
    target.replaceChildren(...(piece ? [piece] : []));
    target.querySelectorAll("table.sortable").forEach(sortable);
    loadOwnPhotos(target);
    clearProblem();
    if (piece?.dataset.status) say(piece.dataset.status);
    return true;
  } catch (error) {
    if (error.name !== "AbortError" && newest.get(target) === running) fail(error);
    return false;
  } finally {
    if (newest.get(target) === running) target.removeAttribute("aria-busy");
  }
}

export function say(text) {
  get("status").textContent = text;
}

export function fail(error) {
  if (error instanceof NeedsKey && body.dataset.needsKey) return; // the form of the key says it
  get("problem-text").textContent = error?.message ?? String(error);
  get("problem").hidden = false;
}

export function clearProblem() {
  get("problem").hidden = true;
  get("problem-text").textContent = "";
}

export function guard(action) {
  return async (event) => {
    try {
      await action(event);
    } catch (error) {
      if (error.name !== "AbortError") fail(error);
    }
  };
}

export function state() {
  return new URLSearchParams(location.search);
}

export function setState(values, { push = true } = {}) {
  const now = state();
  for (const [name, value] of Object.entries(values)) {
    if (value === "" || value === null || value === undefined) now.delete(name);
    else now.set(name, value);
  }
  const query = now.size ? `?${now}` : "";
  if (query === location.search) return;
  history[push ? "pushState" : "replaceState"](null, "", location.pathname + query);
}

export function confirmed(text, verb = "Go on") {
  const dialog = document.createElement("dialog");
  dialog.className = "confirm";
  dialog.setAttribute("aria-labelledby", "confirm-text");
  const form = document.createElement("form");
  form.method = "dialog";
  const words = document.createElement("p");
  words.id = "confirm-text";
  words.textContent = text;
  const row = document.createElement("p");
  row.className = "row";
  for (const [value, label, look] of [["yes", verb, "solid"], ["", "Cancel", "quiet"]]) {
    const button = document.createElement("button");
    Object.assign(button, { value, textContent: label, className: look });
    row.append(button);
  }
  form.append(words, row);
  dialog.append(form);
  body.append(dialog);
  dialog.showModal();
  return new Promise((decide) => {
    dialog.addEventListener("close", () => {
      decide(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}

export function download(text, name, type = "text/plain") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Cells may say what they sort by as data-value.
export function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (!head.dataset.sort || head.querySelector("button")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((one) => one.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const order = (a, b) =>
        head.dataset.sort === "number" ? Number(value(a)) - Number(value(b)) : value(a).localeCompare(value(b));
      const rows = [...table.tBodies[0].rows].sort(order);
      table.tBodies[0].append(...(up ? rows : rows.reverse()));
    });
  });
}

const starts = [];
let isOpen = false;

export function onReady(start) {
  if (isOpen) start();
  else starts.push(start);
}

function askForKey(message) {
  get("body").hidden = true;
  get("key-form").hidden = false;
  const isWrong = Boolean(readKey());
  get("key-problem").hidden = !isWrong;
  get("key-problem").textContent = isWrong ? message : "";
  get("key").focus();
}

async function open() {
  try {
    if (body.dataset.needsKey && !readKey()) return askForKey("");
    const list = await fetchPiece(`/studio/${index}/frame/indexes?page=${encodeURIComponent(body.dataset.page)}`);
    get("indexes").replaceChildren(list);
  } catch (error) {
    return fail(error);
  } finally {
    document.documentElement.dataset.ready = "yes";
  }
  get("key-form").hidden = true;
  get("body").hidden = false;
  get("key-forget").hidden = !readKey();
  if (!isOpen) {
    isOpen = true;
    for (const start of starts) await guard(start)();
  } else location.reload(); // the key ended under way: begin anew with this one
}

get("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepKey(get("key").value.trim());
  get("key").value = "";
  open();
});
get("key-forget").addEventListener("click", () => {
  keepKey("");
  location.reload();
});
get("problem-close").addEventListener("click", clearProblem);
open();
