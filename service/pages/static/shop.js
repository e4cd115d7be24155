// The page, made quicker: pieces of it are exchanged instead of loading it anew. Its state is the
// address; the photo alone is not, and stays in this tab.

import { clientId, tellClick, tellShown } from "./events.js";
import { startPhoto } from "./photo.js";
import { NeedsKey, ask, keepKey, loadOwnPhotos, problemOf, readKey } from "./requests.js";
import { startSlider } from "./slider.js";
import { startSuggestions } from "./suggest.js";

const get = (id) => document.getElementById(id);
const view = get("view");
const index = view.dataset.index;
const home = `/shop/${index}`;
const status = get("status");
const isNarrow = matchMedia("(max-width: 819px)");

let newest = 0; // number of the newest request: an older answer never replaces a newer one
let running = null;

const photo = startPhoto(() => go(addressOf(new FormData(get("search")))));
const suggestions = startSuggestions(index, go);

function addressOf(form) {
  const kept = [...form].filter(([, value]) => typeof value === "string" && value !== "");
  return `?${new URLSearchParams(kept)}`;
}

async function fetchPiece(query, signal) {
  const chosen = photo.current();
  const options = { signal };
  if (chosen) {
    options.method = "POST";
    options.body = new FormData();
    options.body.append("photo", chosen.blob, "photo.jpg");
    if (chosen.crop) options.body.append("crop", chosen.crop.join(","));
  }
  const client = view.dataset.events ? clientId() : null;
  if (client) options.headers = { "Shelfwise-Client": client };
  const response = await ask(`${home}/results${query}`, options);
  const isPage = response.headers.get("Content-Type")?.startsWith("text/html");
  if (!isPage) throw new Error(await problemOf(response));
  const text = await response.text();
  return new DOMParser().parseFromString(text, "text/html").body.firstElementChild;
}

// Shows the state of an address. keep: the scroll position, as for a change of a filter.
async function show(query, { keep = false } = {}) {
  suggestions.close();
  running?.abort();
  running = new AbortController();
  const number = (newest += 1);
  view.classList.add("waiting");
  try {
    const piece = await fetchPiece(query, running.signal);
    if (number !== newest) return;
    replace(piece, keep);
  } catch (error) {
    if (number !== newest || error.name === "AbortError") return;
    if (error instanceof NeedsKey) askForKey(error.message);
    else fail(error.message);
  } finally {
    if (number === newest) view.classList.remove("waiting");
  }
}

function go(query, options) {
  const isSame = query === location.search;
  history[isSame ? "replaceState" : "pushState"](null, "", home + query);
  suggestions.set(new URLSearchParams(query).get("q") ?? "");
  return show(query, options);
}

function replace(piece, keep) {
  const focused = describeFocus();
  const filtersOpen = get("filters-box")?.open;
  view.replaceChildren(document.adoptNode(piece));
  if (get("filters-box") && isNarrow.matches) get("filters-box").open = keep && filtersOpen === true;
  dress();
  if (!keep) window.scrollTo(0, 0);
  const again = focused && view.querySelector(focused);
  if (again) again.focus({ preventScroll: true });
  else if (document.activeElement === document.body && !keep) view.focus({ preventScroll: true });
}

// A selector of the field that has the focus, which the new piece has as well.
function describeFocus() {
  const field = document.activeElement;
  if (!field || !view.contains(field) || !field.name) {
    return field?.matches?.(".low, .high") ? `.${field.className}` : "";
  }
  const value = field.type === "checkbox" ? `[value="${CSS.escape(field.value)}"]` : "";
  return `[name="${CSS.escape(field.name)}"]${value}`;
}

// What a fresh piece needs: its title, its status for screen readers, slider, swatches, events.
function dress() {
  const main = view.firstElementChild;
  if (!main) return;
  document.title = main.dataset.title || "Shelfwise";
  status.textContent = main.dataset.status || "";
  const filters = get("filters");
  if (filters) {
    filters.querySelector(".apply").hidden = true;
    startSlider(filters, () => applyFilters(filters));
  }
  for (const name of view.querySelectorAll("[data-colour]")) {
    const colour = name.dataset.colour.replaceAll(" ", "");
    if (!CSS.supports("color", colour)) continue;
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.backgroundColor = colour;
    name.prepend(swatch);
  }
  loadOwnPhotos(view);
  tellShown(main, [...view.querySelectorAll(".card")], true);
}

function applyFilters(form) {
  go(addressOf(new FormData(form)), { keep: true });
}

async function showMore(link) {
  const number = newest;
  const shown = link.href;
  link.setAttribute("aria-disabled", "true");
  link.textContent = "Loading";
  try {
    const piece = document.adoptNode(await fetchPiece(link.dataset.piece));
    if (number !== newest) return; // another search is shown by now
    const list = get("cards");
    const known = new Set([...list.children].map((card) => card.dataset.id));
    const fresh = [...piece.querySelectorAll("#cards > .card")].filter((card) => !known.has(card.dataset.id));
    fresh.forEach((card, at) => (card.dataset.place = String(known.size + at + 1)));
    list.append(...fresh);
    const next = piece.querySelector("#more");
    // The address of all hits up to here, so that a reload shows as many.
    const address = new URL(shown);
    if (!address.searchParams.has("cursor")) history.replaceState(null, "", address.pathname + address.search);
    if (next) {
      link.dataset.piece = next.dataset.piece;
      const then = new URL(shown);
      then.searchParams.set("shown", String(Number(then.searchParams.get("shown")) + 24));
      link.href = then.href;
      link.textContent = "Show more";
      link.removeAttribute("aria-disabled");
    } else link.parentElement.remove();
    loadOwnPhotos(list);
    status.textContent = `${known.size + fresh.length} products shown`;
    tellShown(view.firstElementChild, fresh, false);
    fresh[0]?.querySelector("a").focus({ preventScroll: true });
  } catch (error) {
    if (error instanceof NeedsKey) askForKey(error.message);
    else {
      link.textContent = "Show more";
      link.removeAttribute("aria-disabled");
      status.textContent = error.message;
    }
  }
}

function askForKey(message) {
  view.replaceChildren();
  get("key-form").hidden = false;
  const isWrong = Boolean(readKey());
  get("key-problem").hidden = !isWrong;
  get("key-problem").textContent = isWrong ? message : "";
  get("key").focus();
}

function fail(message) {
  const box = document.createElement("main");
  box.className = "message";
  const text = document.createElement("p");
  text.textContent = message === "Failed to fetch" ? "The service cannot be reached." : message;
  const again = document.createElement("button");
  again.className = "solid";
  again.textContent = "Try again";
  again.addEventListener("click", () => show(location.search));
  box.append(text, again);
  view.replaceChildren(box);
  status.textContent = text.textContent;
}

get("search").addEventListener("submit", (event) => {
  event.preventDefault();
  go(addressOf(new FormData(event.target)));
});
view.addEventListener("submit", (event) => {
  event.preventDefault();
  applyFilters(event.target);
});
view.addEventListener("change", (event) => {
  if (event.target.matches("[type=checkbox], [name=from], [name=to], [name=sort]")) {
    applyFilters(get("filters"));
  }
});
view.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button);
  if (!link) return;
  const card = link.closest(".card");
  if (card && link.matches(".card-link")) tellClick(view.firstElementChild, card);
  if (!isPlain || link.pathname !== home) return;
  event.preventDefault();
  if (link.getAttribute("aria-disabled") === "true") return;
  if (link.id === "more") showMore(link);
  else {
    const isOther = link.matches(".like, .gallery a") || link.search.includes("like=");
    if (isOther) photo.forget(); // a product takes the photo's place
    go(link.search, { keep: link.matches(".chip") });
  }
});
get("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepKey(get("key").value.trim());
  get("key").value = "";
  get("key-form").hidden = true;
  show(location.search);
});
addEventListener("popstate", () => {
  suggestions.set(new URLSearchParams(location.search).get("q") ?? "");
  show(location.search, { keep: true });
});

if (view.firstElementChild?.dataset.trial && clientId()) {
  show(location.search, { keep: true }); // the page came without the id that an experiment goes by
} else if (view.firstElementChild) {
  if (get("filters-box") && isNarrow.matches) get("filters-box").open = false;
  dress();
} else show(location.search); // behind keys the page comes empty
document.documentElement.dataset.ready = "yes";
