// What a visitor saw and chose, for the search to learn from. Who wants none of that sends none.

import { ask } from "./requests.js";

const CLIENT = "shelfwise-client";
let refused = false;

function isPrivate() {
  return navigator.globalPrivacyControl === true || navigator.doNotTrack === "1";
}

function makeId() {
  // randomUUID is there in secure contexts alone.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

// Null for who does not want to be followed. The same in searches and events, as an experiment
// shows each browser one of its versions.
export function clientId() {
  if (isPrivate()) return null;
  try {
    let id = localStorage.getItem(CLIENT);
    if (!id) localStorage.setItem(CLIENT, (id = makeId()));
    return id;
  } catch {
    return null;
  }
}

function send(view, events) {
  const client = refused || !view.dataset.events ? null : clientId();
  const query = view.dataset.queryId;
  if (!client || !query || !events.length) return;
  const common = {
    query_id: query,
    client_id: client,
    timestamp: new Date().toISOString(),
    index: view.closest("[data-index]").dataset.index,
  };
  ask("/v1/events", {
    method: "POST",
    keepalive: true, // the page may be left in the same moment
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ events: events.map((event) => ({ ...common, ...event })) }),
  })
    .then((response) => {
      if (response.status === 404 || response.status === 500) refused = true;
    })
    .catch(() => {
      refused = true; // a key without that scope; searching goes on
    });
}

function shown(cards) {
  return cards
    .map((card) => ({ object_id: card.dataset.id, ordinal: Number(card.dataset.place) }))
    .filter((one) => one.ordinal <= 1000)
    .slice(0, 200);
}

export function tellShown(view, cards, isNew) {
  const user_query = view.dataset.words;
  const objects = shown(cards);
  const events = isNew && user_query ? [{ action_name: "search", user_query }] : [];
  if (objects.length) {
    events.push({ action_name: "impression", user_query, event_attributes: { objects } });
  }
  send(view, events);
}

export function tellClick(view, card) {
  const ordinal = Number(card.dataset.place);
  if (ordinal > 1000) return;
  send(view, [
    {
      action_name: "click",
      event_attributes: { object: { object_id: card.dataset.id }, position: { ordinal } },
    },
  ]);
}
