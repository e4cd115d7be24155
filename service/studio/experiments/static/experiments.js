/* The page of experiments. */
import { Failed, ask, base, confirmed, fail, guard, index, onReady, say, setState, showPiece, state } from "../studio/studio.js";

const get = (id) => document.getElementById(id);
const api = `/v1/indexes/${index}`;

const showRunning = () => showPiece(get("running"), `${base}/state`);

function showReport() {
  const asked = new URLSearchParams();
  for (const name of ["since", "experiment"]) if (state().get(name)) asked.set(name, state().get(name));
  return showPiece(get("report"), `${base}/report?${asked}`);
}

// What was pressed is gone after a change, so the focus goes to what has changed.
async function changed(text) {
  await showRunning();
  get("running-head").focus();
  await showReport();
  say(text);
}

const actions = {
  async stop() {
    if (!(await confirmed("Stop the experiment? What is active answers all searches again; its report stays.", "Stop"))) return;
    const { experiment } = await ask(`${api}/experiment`, { method: "DELETE" });
    setState({ experiment: experiment.id });
    await changed("The experiment has ended.");
  },
  async settle(version) {
    if (!(await confirmed(`Stop the experiment, and rank every search by ${version}?`, "Stop and activate"))) return;
    const { experiment } = await ask(`${api}/experiment`, { method: "DELETE" });
    setState({ experiment: experiment.id });
    await ask(`${api}/weights/activate`, { json: { version } });
    await changed(`The experiment has ended; ${version} ranks from now on.`);
  },
};

get("running").addEventListener("click", guard(async (event) => {
  const button = event.target.closest("button[data-action]");
  if (button) await actions[button.dataset.action](button.dataset.target);
}));

get("running").addEventListener("submit", guard(async (event) => {
  event.preventDefault();
  const versions = [get("a").value, get("b").value];
  if (versions[0] === versions[1]) return fail(new Failed("Choose two different versions."));
  const share = Number(get("share").value) / 100;
  const kind = event.target.elements.kind.value;
  if (!(await confirmed(`Show ${versions[1]} to ${get("share").value} % of the clients from now on?`, "Start"))) return;
  await ask(`${api}/experiment`, { json: { kind, versions, share } });
  setState({ experiment: "" });
  await changed("The experiment runs.");
}));

get("since").addEventListener("change", guard(async () => {
  setState({ since: get("since").value });
  await showReport();
}));
get("count").addEventListener("click", guard(showReport));

onReady(async () => {
  get("since").value = state().get("since") ?? "";
  await showRunning();
  await showReport();
});
