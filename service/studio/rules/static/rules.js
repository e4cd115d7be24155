/* The page of rules and synonyms. */
import { ask, base, confirmed, download, guard, index, onReady, say, setState, showPiece, state } from "../studio/studio.js";
import { close, connect, draft, open } from "./editor.js";

const get = (id) => document.getElementById(id);
const api = `/v1/indexes/${index}`;
const PATHS = { rule: "rules", synonym: "synonyms" };

const active = () => get("list").firstElementChild?.dataset.active ?? "none";

const showList = () => showPiece(get("list"), `${base}/list?q=${encodeURIComponent(get("find").value)}`);

async function showVersions() {
  if (!(await showPiece(get("versions"), `${base}/versions`))) return;
  const names = [...get("versions").querySelectorAll("tr[data-version]")].map((row) => row.dataset.version);
  const chosen = get("preview-with").value;
  const fixed = [...get("preview-with").options].slice(0, 2);
  get("preview-with").replaceChildren(...fixed, ...names.map((name) => new Option(name, name)));
  get("preview-with").value = [...get("preview-with").options].some((one) => one.value === chosen) ? chosen : "";
}

// What was pressed may be gone after a change, so the focus goes to what has changed.
async function changed(text, answer) {
  await Promise.all([showList(), showVersions()]);
  get("in-force")?.focus();
  say([text, ...(answer?.warnings ?? [])].join(" "));
  showWarnings(answer?.warnings ?? []);
}

function showWarnings(warnings) {
  const rows = warnings.map((warning) => {
    const row = document.createElement("p");
    row.className = "wrong";
    row.textContent = warning;
    return row;
  });
  get("list").firstElementChild?.prepend(...rows);
}

async function preview(body) {
  await showPiece(get("preview"), `${base}/preview`, { json: { q: get("preview-q").value.trim(), ...body } });
  setState({ q: get("preview-q").value.trim() }, { push: false });
}

async function previewChosen() {
  const chosen = get("preview-with").value;
  if (chosen !== "editor") return preview({ version: chosen || null });
  const form = draft();
  if (!form) throw new Error("Nothing is being edited: add or change a rule or a synonym first.");
  return preview({ [form.kind]: form.value });
}

async function tryOut() {
  const { value } = draft();
  if (!get("preview-q").value.trim()) get("preview-q").value = value.when?.queries?.[0] ?? value.words?.[0] ?? "";
  get("preview-with").value = "editor";
  await previewChosen();
  get("preview-head").scrollIntoView({ block: "start" });
}

async function save(kind, path, value) {
  const answer = await ask(`${api}/${path}?if_version=${encodeURIComponent(active())}`, { method: "PUT", json: value });
  close();
  await changed(`${value.id} holds from the next search on.`, answer);
}

const actions = {
  async edit({ kind, id }) {
    open(kind, await ask(`${api}/${PATHS[kind]}/${encodeURIComponent(id)}`));
  },
  async drop({ kind, id }) {
    if (!(await confirmed(`Delete ${id}? Going back to the version before brings it back.`, "Delete"))) return;
    await ask(`${api}/${PATHS[kind]}/${encodeURIComponent(id)}?if_version=${encodeURIComponent(active())}`, { method: "DELETE" });
    await changed(`${id} is deleted.`);
  },
  async activate({ target }) {
    if (!(await confirmed(`Let ${target} hold for every search of ${index} from now on?`, "Activate"))) return;
    await ask(`${api}/rules/activate`, { json: { version: target } });
    await changed(`${target} is in force.`);
  },
  async deactivate() {
    if (!(await confirmed(`Let no rules hold for ${index}?`, "Let none hold"))) return;
    await ask(`${api}/rules/activate`, { json: { version: null } });
    await changed("No rules are in force.");
  },
  async rollback({ target }) {
    if (!(await confirmed(`Go back to ${target}?`, "Go back"))) return;
    await ask(`${api}/rules/rollback`, { method: "POST" });
    await changed(`Back to ${target}.`);
  },
  async forget({ target }) {
    if (!(await confirmed(`Forget ${target} for good? It cannot be brought back.`, "Delete"))) return;
    await ask(`${api}/rules/versions/${encodeURIComponent(target)}`, { method: "DELETE" });
    await showVersions();
    say(`${target} is forgotten.`);
  },
  async export({ target }) {
    const { rules } = await ask(`${api}/rules/versions/${encodeURIComponent(target)}`);
    download(JSON.stringify(rules, null, 2), `${target}.json`, "application/json");
  },
};

for (const id of ["list", "versions"]) {
  get(id).addEventListener("click", guard(async (event) => {
    const button = event.target.closest("button[data-action]");
    if (button) await actions[button.dataset.action](button.dataset);
  }));
}

get("find").addEventListener("input", () => showList());
get("new-rule").addEventListener("click", () => open("rule"));
get("new-synonym").addEventListener("click", () => open("synonym"));
get("preview-form").addEventListener("submit", guard(async (event) => {
  event.preventDefault();
  await previewChosen();
}));
connect({ save, tryOut, closed: () => get("new-rule").focus() });

// Import

function report(answer, isKept) {
  const box = document.createElement("div");
  const { rules, synonyms } = answer.taken;
  const lead = document.createElement("p");
  lead.textContent = `${rules} rules and ${synonyms} synonyms ${isKept ? "were taken in" : "would be taken in"}; ${answer.left_out} lines left out.`;
  box.append(lead);
  if (answer.remarks.length) {
    const table = document.createElement("table");
    table.className = "data";
    const head = table.createTHead().insertRow();
    for (const title of ["Line", "Text", "What became of it"]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = title;
      head.append(cell);
    }
    const rows = table.createTBody();
    for (const remark of answer.remarks) {
      const row = rows.insertRow();
      for (const text of [String(remark.line), remark.text, `${remark.taken ? "taken, but " : "left out: "}${remark.reason}`]) {
        const words = document.createElement("bdi");
        words.textContent = text;
        row.insertCell().append(words);
      }
    }
    const scroll = document.createElement("div");
    Object.assign(scroll, { className: "table-box", tabIndex: 0, role: "region", ariaLabel: "Lines of the file" });
    scroll.append(table);
    box.append(scroll);
  }
  get("import-report").replaceChildren(box);
  say(lead.textContent);
}

get("import-file").addEventListener("change", guard(async () => {
  const file = get("import-file").files[0];
  if (file) get("import-text").value = await file.text();
}));

get("import").addEventListener("submit", guard(async (event) => {
  event.preventDefault();
  const isKept = event.submitter?.value === "take";
  const parameters = new URLSearchParams({ mode: get("import-mode").value, dry_run: String(!isKept) });
  const json = { format: get("import-format").value, text: get("import-text").value };
  const answer = await ask(`${api}/rules/import?${parameters}`, { json });
  if (isKept) await changed("Taken in.", answer);
  report(answer, isKept);
}));

// JSON

async function readJson() {
  const { rules } = await ask(`${api}/rules`);
  get("json-text").value = JSON.stringify(rules, null, 2);
}

function written() {
  try {
    return JSON.parse(get("json-text").value);
  } catch (error) {
    throw new Error(`This is not JSON: ${error.message}`);
  }
}

get("json-read").addEventListener("click", guard(readJson));
get("json-try").addEventListener("click", guard(() => preview({ rules: written() })));
get("json-panel").addEventListener("toggle", guard(async () => {
  if (get("json-panel").open && !get("json-text").value) await readJson();
}));
get("json").addEventListener("submit", guard(async (event) => {
  event.preventDefault();
  const answer = await ask(`${api}/rules?if_version=${encodeURIComponent(active())}`, { method: "PUT", json: written() });
  await changed(`${answer.version} is in force.`, answer);
}));

onReady(async () => {
  const asked = state().get("query"); // of the page of figures: a rule for a query
  get("preview-q").value = state().get("q") ?? asked ?? "";
  await Promise.all([showList(), showVersions()]);
  if (asked) open("rule", { when: { queries: [asked] } });
  if (get("preview-q").value) await preview({ version: null });
});
