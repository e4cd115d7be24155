// The forms of one rule and of one synonym.

import { ask, guard, index, say } from "../studio/studio.js";
import { fromEffects, fromLocal, lines, nameOf, toEffects, toLocal } from "./fields.js";

const get = (id) => document.getElementById(id);

const ACTS = { hide: "Hide", only: "Keep only", boost: "Move up", bury: "Move down" };
const KINDS = {
  words: "with the words",
  ids: "by id",
  brand: "of the brand",
  categories: "of the category",
  filter: "by a filter (JSON)",
  all: "by a selection (JSON)",
};

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function button(label, told, act) {
  const made = element("button", { type: "button", className: "plain" }, label);
  made.append(element("span", { className: "hidden" }, ` ${told}`));
  made.addEventListener("click", guard(act));
  return made;
}

function choice(label, options, value) {
  const made = element("select", { ariaLabel: label });
  made.append(...Object.entries(options).map(([name, text]) => new Option(text, name)));
  made.value = value;
  return made;
}

// Pins

const pins = () => [...get("pins").children].map((row) => row.dataset.id);

async function titleOf(id) {
  try {
    return (await ask(`/v1/indexes/${index}/products/${encodeURIComponent(id)}`)).product.title ?? "";
  } catch (error) {
    return error.status === 404 ? "not in the index" : "";
  }
}

function addPin(id, title) {
  if (pins().includes(id)) return say(`${id} is pinned already.`);
  const row = element("li");
  row.dataset.id = id;
  const name = element("bdi", {}, title ?? "");
  const move = (back) => () => {
    const other = back ? row.previousElementSibling : row.nextElementSibling;
    if (other) back ? other.before(row) : other.after(row);
    say(`${id} is number ${pins().indexOf(id) + 1}.`);
  };
  row.append(
    element("span", { className: "name" }, name, " ", element("bdi", { className: "soft" }, id)),
    button("Up", id, move(true)),
    button("Down", id, move(false)),
    button("Remove", id, () => {
      row.remove();
      get("pin-find").focus();
    }),
  );
  get("pins").append(row);
  if (title === undefined) titleOf(id).then((found) => (name.textContent = found));
}

async function findPins() {
  const q = get("pin-find").value.trim();
  if (!q) return;
  const answer = await ask(`/v1/indexes/${index}/search`, { json: { q, limit: 8, rules: "off", fields: ["title"] } });
  const rows = answer.hits.map((hit) => {
    const title = hit.product.title ?? "";
    const name = element("span", { className: "name" }, element("bdi", {}, title), " ", element("bdi", { className: "soft" }, hit.id));
    return element("li", {}, name, button("Pin", title, () => addPin(hit.id, title)));
  });
  get("pin-found").replaceChildren(...rows);
  say(`${rows.length} products found.`);
}

// Rows of what is done to which products

function addEffect({ act = "boost", kind = "words", text = "", strength = null } = {}) {
  const row = element("li");
  const acts = choice("What is done", ACTS, act);
  const kinds = choice("To which products", KINDS, kind);
  const value = element("input", { ariaLabel: "Products", value: text, autocomplete: "off" });
  const share = element("input", { type: "number", ariaLabel: "Strength, above 0 to 1", min: 0.05, max: 1, step: 0.05, value: strength ?? 0.3 });
  const showShare = () => (share.hidden = !["boost", "bury"].includes(acts.value));
  acts.addEventListener("change", showShare);
  showShare();
  row.append(acts, kinds, value, share, button("Remove", "these products", () => row.remove()));
  row.read = () => ({ act: acts.value, kind: kinds.value, text: value.value.trim(), strength: Number(share.value) });
  get("effects").append(row);
  return acts;
}

function addReplacement(from = "", to = "") {
  const row = element("li");
  const before = element("input", { ariaLabel: "Words", value: from, autocomplete: "off" });
  const after = element("input", { ariaLabel: "become; empty leaves them out", value: to, autocomplete: "off" });
  row.append(before, element("span", { ariaHidden: "true" }, "→"), after, button("Remove", "these words", () => row.remove()));
  row.read = () => [before.value.trim(), after.value.trim()];
  get("replacements").append(row);
  return before;
}

const rowsOf = (id) => [...get(id).children].map((row) => row.read());

// A rule

let edited = null; // {kind, id}: what is being changed; id is null for a new one

function readRule() {
  const when = { match: get("rule-match").value };
  const [queries, categories] = [lines(get("rule-queries").value), lines(get("rule-categories").value)];
  if (queries.length) when.queries = queries;
  if (categories.length) when.categories = categories;
  for (const end of ["starts", "ends"]) {
    const time = fromLocal(get(`rule-${end}`).value);
    if (time) when[end] = time;
  }
  const replaced = rowsOf("replacements").filter(([from]) => from);
  return {
    id: get("rule-id").value.trim() || nameOf(queries[0] ?? pins()[0] ?? ""),
    note: get("rule-note").value.trim(),
    enabled: get("rule-enabled").checked,
    when,
    pin: pins(),
    ...fromEffects(rowsOf("effects").filter((row) => row.text)),
    ...(replaced.length ? { replace: Object.fromEntries(replaced) } : {}),
  };
}

function fillRule(rule) {
  const when = rule.when ?? {};
  get("rule-id").value = rule.id ?? "";
  get("rule-note").value = rule.note ?? "";
  get("rule-enabled").checked = rule.enabled ?? true;
  get("rule-queries").value = (when.queries ?? []).join("\n");
  get("rule-match").value = when.match ?? "exact";
  get("rule-categories").value = (when.categories ?? []).join("\n");
  get("rule-starts").value = toLocal(when.starts);
  get("rule-ends").value = toLocal(when.ends);
  for (const id of ["pins", "pin-found", "effects", "replacements"]) get(id).replaceChildren();
  (rule.pin ?? []).forEach((id) => addPin(id));
  toEffects(rule).forEach(addEffect);
  Object.entries(rule.replace ?? {}).forEach(([from, to]) => addReplacement(from, to));
}

// A synonym

function readSynonym() {
  const words = lines(get("synonym-words").value);
  return {
    id: get("synonym-id").value.trim() || nameOf(words[0] ?? ""),
    words,
    to: lines(get("synonym-to").value),
    weight: Number(get("synonym-weight").value),
    enabled: get("synonym-enabled").checked,
  };
}

function fillSynonym(synonym) {
  get("synonym-id").value = synonym.id ?? "";
  get("synonym-words").value = (synonym.words ?? []).join("\n");
  get("synonym-to").value = (synonym.to ?? []).join("\n");
  get("synonym-weight").value = synonym.weight ?? 1;
  get("synonym-enabled").checked = synonym.enabled ?? true;
}

// Both

const FORMS = {
  rule: { fill: fillRule, read: readRule, path: "rules", title: "rule" },
  synonym: { fill: fillSynonym, read: readSynonym, path: "synonyms", title: "synonym" },
};

// Returns {kind, value}: what is in the open form, or null.
export const draft = () => (edited ? { kind: edited.kind, value: FORMS[edited.kind].read() } : null);

export function close() {
  edited = null;
  for (const kind of Object.keys(FORMS)) get(kind).hidden = true;
}

export function open(kind, value = {}) {
  close();
  edited = { kind, id: value.id ?? null };
  FORMS[kind].fill(value);
  get(`${kind}-id`).readOnly = edited.id !== null;
  get(`${kind}-head`).textContent = edited.id === null ? `A new ${FORMS[kind].title}` : `Change ${edited.id}`;
  get(kind).hidden = false;
  get(`${kind}-head`).focus();
}

// save(kind, path, value), tryOut(): what the page does with the form.
export function connect({ save, tryOut, closed }) {
  for (const [kind, form] of Object.entries(FORMS)) {
    get(kind).addEventListener("submit", guard(async (event) => {
      event.preventDefault();
      const value = form.read();
      await save(kind, `${form.path}/${encodeURIComponent(value.id)}`, value);
    }));
    get(kind).querySelector("[data-try]").addEventListener("click", guard(tryOut));
    get(kind).querySelector("[data-close]").addEventListener("click", () => {
      close();
      closed();
    });
  }
  get("effect-add").addEventListener("click", () => addEffect().focus());
  get("replacement-add").addEventListener("click", () => addReplacement().focus());
  get("pin-search").addEventListener("click", guard(findPins));
  get("pin-find").addEventListener("keydown", guard(async (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    await findPins();
  }));
}
