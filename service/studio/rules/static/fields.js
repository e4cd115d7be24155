// Rules and synonyms as the fields of a form, and back. Nothing here asks the service.

export const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

const isPlain = (value) => typeof value === "string" && !value.includes(",");

// A selection of products as what a row shows: a kind and a text.
export function toRow(selection) {
  const names = Object.keys(selection);
  if (names.length === 1) {
    if (names[0] === "words") return { kind: "words", text: selection.words };
    if (names[0] === "ids" && selection.ids.every(isPlain)) return { kind: "ids", text: selection.ids.join(", ") };
    const filtered = Object.entries(selection.filter ?? {});
    if (filtered.length === 1 && ["brand", "categories"].includes(filtered[0][0])) {
      const values = [filtered[0][1]].flat();
      if (values.every(isPlain)) return { kind: filtered[0][0], text: values.join(", ") };
    }
    if (names[0] === "filter") return { kind: "filter", text: JSON.stringify(selection.filter) };
  }
  return { kind: "all", text: JSON.stringify(selection) };
}

export function fromRow({ kind, text }) {
  const listed = () => text.split(",").map((one) => one.trim()).filter(Boolean);
  if (kind === "words") return { words: text };
  if (kind === "ids") return { ids: listed() };
  if (kind === "brand" || kind === "categories") return { filter: { [kind]: listed() } };
  let decoded;
  try {
    decoded = JSON.parse(text);
  } catch (error) {
    throw new Error(`“${text}” is not JSON: ${error.message}`);
  }
  return kind === "filter" ? { filter: decoded } : decoded;
}

// What a rule does to products, as rows; strength is null where there is none.
export function toEffects(rule) {
  const plain = (act) => (rule[act] ?? []).map((one) => ({ act, strength: null, ...toRow(one) }));
  const moves = (act) => (rule[act] ?? []).map((one) => ({ act, strength: one.strength ?? 0.3, ...toRow(one.products) }));
  return [...plain("hide"), ...plain("only"), ...moves("boost"), ...moves("bury")];
}

export function fromEffects(rows) {
  const found = {};
  for (const row of rows) {
    const selection = fromRow(row);
    const isMove = row.act === "boost" || row.act === "bury";
    (found[row.act] ??= []).push(isMove ? { products: selection, strength: row.strength } : selection);
  }
  return found;
}

const two = (number) => String(number).padStart(2, "0");

// A time of the service as what <input type=datetime-local> shows, in the reader's zone, and back.
export function toLocal(time) {
  if (!time) return "";
  const at = new Date(time);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

export const fromLocal = (text) => (text ? new Date(text).toISOString() : null);

// A name made of words, for who gives none.
export function nameOf(text) {
  const words = text.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
  return `${words || "rule"}-${Date.now().toString(36)}`;
}
