// Requests to the service: the key that a visitor typed goes along, and stays in this tab.

const KEY = "shelfwise-key";

export class NeedsKey extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export function readKey() {
  try {
    return sessionStorage.getItem(KEY) || "";
  } catch {
    return ""; // storage may be switched off
  }
}

export function keepKey(key) {
  try {
    if (key) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
  } catch {
    // then it is asked for again
  }
}

export async function ask(address, options = {}) {
  const headers = new Headers(options.headers);
  const key = readKey();
  if (key) headers.set("Authorization", `Bearer ${key}`);
  const response = await fetch(address, { ...options, headers, credentials: "omit" });
  if (response.status === 401 || response.status === 403) {
    throw new NeedsKey(await problemOf(response), response.status);
  }
  return response;
}

// What an error of the service says: its own JSON, or a plain sentence.
export async function problemOf(response) {
  const text = await response.text();
  try {
    return JSON.parse(text).error.message;
  } catch {
    return `The service answered with status ${response.status}.`;
  }
}

// Photos that the service shows need the key too, which an <img> cannot send.
export function loadOwnPhotos(root) {
  if (!readKey()) return;
  for (const image of root.querySelectorAll("img[data-ours]")) {
    const address = image.getAttribute("src");
    if (!address || address.startsWith("blob:")) continue;
    image.removeAttribute("src");
    ask(address)
      .then((response) => (response.ok ? response.blob() : null))
      .then((blob) => {
        if (!blob) return;
        const local = URL.createObjectURL(blob);
        image.addEventListener("load", () => URL.revokeObjectURL(local), { once: true });
        image.src = local;
      })
      .catch(() => {});
  }
}
