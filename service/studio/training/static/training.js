// Starts a training, follows it each second, and shows the reports of those before.

import { ask, base, confirmed, fail, fetchPiece, guard, index, onReady, say, setState, showPiece, sortable, state } from "../studio/studio.js";

const get = (id) => document.getElementById(id);
const POLL = 1_000;
const trainings = `/v1/indexes/${index}/train`;
let following = 0; // counts what is followed, so that an older one stops
let followed = "";

const chosen = (name) => [...document.querySelectorAll(`input[name=${name}]:checked`)].map((one) => one.value);

function wanted() {
  const body = {
    judgements: chosen("list"),
    clicks: get("clicks").checked,
    days: Number(get("days").value),
    fusions: chosen("fusion"),
    complete: get("complete").checked,
    curve: get("curve").checked,
    note: get("note").value,
  };
  if (get("seed").value !== "") body.seed = Number(get("seed").value);
  return body;
}

async function follow(id) {
  const mine = ++following;
  followed = id;
  setState({ training: id }, { push: false });
  get("running").hidden = true;
  const address = `${base}/jobs/${encodeURIComponent(id)}`;
  if (!(await showPiece(get("job"), address)) || mine !== following) return;
  let section = get("job").firstElementChild;
  if (section.dataset.state !== "running") return;
  get("running").hidden = false;
  while (section.dataset.state === "running") {
    await new Promise((done) => setTimeout(done, POLL));
    if (mine !== following) return;
    try {
      section = await fetchPiece(address);
    } catch (error) {
      fail(error); // the service may be back with the next question
      continue;
    }
    if (mine !== following) return;
    get("job").replaceChildren(section);
  }
  section.querySelectorAll("table.sortable").forEach(sortable);
  get("running").hidden = true;
  say(section.dataset.status);
  await showJobs();
}

async function cancel() {
  const id = followed;
  const isSure = await confirmed("Cancel this training? Nothing of it is kept.", "Cancel it");
  if (!isSure) return;
  await ask(`${trainings}/${id}`, { method: "DELETE" });
  await showJobs();
  follow(id);
}

async function showJobs() {
  await showPiece(get("jobs"), `${base}/jobs`);
  for (const button of document.querySelectorAll(".open-job")) {
    button.addEventListener("click", () => follow(button.dataset.id));
  }
  return get("jobs").firstElementChild?.dataset.running;
}

onReady(async () => {
  await showPiece(get("setup"), `${base}/setup`);
  get("train").addEventListener("submit", guard(async (event) => {
    event.preventDefault();
    const job = await ask(trainings, { json: wanted() });
    await showJobs();
    follow(job.id);
  }));
  get("job-cancel").addEventListener("click", guard(cancel));
  const running = await showJobs();
  const id = state().get("training") ?? running;
  if (id) follow(id);
});
