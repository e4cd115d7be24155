/* The page of the versions of the weights. */
import { ask, askText, base, confirmed, download, guard, index, onReady, say, setState, showPiece, state } from "../studio/studio.js";

const get = (id) => document.getElementById(id);
const api = `/v1/indexes/${index}/weights`;

async function showVersions() {
  if (!(await showPiece(get("versions"), `${base}/list`))) return;
  const names = [...get("versions").querySelectorAll(".versions tr[data-version]")].map((row) => row.dataset.version);
  names.pop(); // the shipped weights have no document that could be compared
  for (const [id, fallback] of [["from", 1], ["to", 0]]) {
    const chosen = get(id).value;
    get(id).replaceChildren(...names.map((name) => new Option(name, name)));
    get(id).value = names.includes(chosen) ? chosen : (names[fallback] ?? names[0] ?? "");
  }
  get("compare").querySelector("button").disabled = names.length < 2;
}

const showShares = (version) => showPiece(get("shares"), `${base}/shares?version=${encodeURIComponent(version)}`);

// What was pressed is gone after a change, so the focus goes to what has changed.
async function changed(text) {
  await showVersions();
  get("answering").focus();
  say(text);
}

const actions = {
  async activate(version) {
    if (!(await confirmed(`Rank every search of ${index} by ${version} from now on?`, "Activate"))) return;
    await ask(`${api}/activate`, { json: { version } });
    await changed(`${version} ranks from now on.`);
  },
  async rollback(version) {
    if (!(await confirmed(`Go back to ${version}? An experiment ends.`, "Go back"))) return;
    await ask(`${api}/rollback`, { method: "POST" });
    await changed(`${version} ranks from now on.`);
  },
  async deactivate(version) {
    if (!(await confirmed(`Rank ${index} by the shipped weights, ${version}? An experiment ends.`, "Go back"))) return;
    await ask(`${api}/deactivate`, { method: "POST" });
    await changed(`${version} ranks from now on.`);
  },
  async delete(version) {
    if (!(await confirmed(`Forget ${version} for good? It cannot be brought back.`, "Delete"))) return;
    await ask(`${api}/${encodeURIComponent(version)}`, { method: "DELETE" });
    await changed(`${version} is forgotten.`);
  },
  async export(version) {
    const { text, type } = await askText(`${api}/${encodeURIComponent(version)}`);
    download(text, `${version}.json`, type);
  },
  async shares(version) {
    setState({ version });
    if (await showShares(version)) get("shares-head").focus();
  },
};

get("versions").addEventListener("click", guard(async (event) => {
  const button = event.target.closest("button[data-action]");
  if (button) await actions[button.dataset.action](button.dataset.target);
}));

get("compare").addEventListener("submit", guard(async (event) => {
  event.preventDefault();
  const pair = new URLSearchParams({ from: get("from").value, to: get("to").value });
  await showPiece(get("difference"), `${base}/difference?${pair}`);
}));

get("import").addEventListener("submit", guard(async (event) => {
  event.preventDefault();
  const form = event.target;
  const body = await get("file").files[0].text();
  const headers = { "Content-Type": "application/json" };
  const kept = await ask(`${api}?activate=${form.activate.checked}`, { method: "POST", body, headers });
  form.reset();
  await changed(kept.problem ? `${kept.version} is kept, but cannot rank: ${kept.problem}` : `${kept.version} is kept.`);
}));

onReady(async () => {
  await showVersions();
  const version = state().get("version");
  if (version) await showShares(version);
});
