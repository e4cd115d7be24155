// The photo that is searched by: chosen, dropped, pasted or taken; cropped; kept in this tab.

import { startCamera } from "./camera.js";
import { startCrop } from "./crop.js";

const LONGEST = 1024; // pixels: more than any encoder looks at, and a small upload

const get = (id) => document.getElementById(id);

// Smaller, upright and without what a camera wrote beside the pixels, such as the place.
async function prepared(file) {
  try {
    const image = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(image.width * scale));
    canvas.height = Math.max(1, Math.round(image.height * scale));
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff"; // what is transparent
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    image.close();
    return await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
  } catch {
    return null;
  }
}

export function startPhoto(search) {
  const dialog = get("photo-dialog");
  const crop = startCrop();
  const camera = startCamera(get("photo-video"));
  let draft = null; // { blob, address }
  let chosen = null; // { blob, address, crop }

  function part(name) {
    for (const id of ["photo-choose", "photo-live", "photo-crop"]) get(id).hidden = id !== name;
    if (name !== "photo-live") camera.close();
  }

  function problem(text) {
    get("photo-problem").textContent = text;
    get("photo-problem").hidden = !text;
  }

  function open() {
    problem("");
    if (!dialog.open) dialog.showModal();
  }

  async function take(file) {
    open();
    const blob = file && (await prepared(file));
    if (!blob) {
      part("photo-choose");
      problem("That is no photo that this browser can read. JPEG, PNG and WebP always work.");
      return;
    }
    if (draft && draft !== chosen) URL.revokeObjectURL(draft.address);
    draft = { blob, address: URL.createObjectURL(blob) };
    get("crop-image").src = draft.address;
    crop.set(null);
    part("photo-crop");
    get("photo-go").focus();
  }

  function use(box) {
    if (chosen && chosen.address !== draft.address) URL.revokeObjectURL(chosen.address);
    chosen = { ...draft, crop: box };
    get("photo-thumb").src = chosen.address;
    get("photo-chip").hidden = false;
    dialog.close();
    search();
  }

  get("photo-open").hidden = false;
  get("photo-camera").hidden = !camera.isThere();
  get("photo-form")?.remove(); // for who has no scripts
  get("photo-open").addEventListener("click", () => {
    part("photo-choose");
    open();
  });
  get("photo-pick").addEventListener("click", () => get("photo-file").click());
  get("photo-file").addEventListener("change", (event) => {
    const file = event.target.files[0];
    event.target.value = ""; // the same file may be chosen again
    if (file) take(file);
  });
  get("photo-camera").addEventListener("click", async () => {
    problem("");
    try {
      await camera.open();
      part("photo-live");
      get("photo-shoot").focus();
    } catch (error) {
      problem(`The camera cannot be used: ${error.message}`);
    }
  });
  get("photo-shoot").addEventListener("click", async () => take(await camera.shoot()));
  get("photo-stop").addEventListener("click", () => part("photo-choose"));
  get("photo-go").addEventListener("click", () => use(crop.get()));
  get("photo-whole").addEventListener("click", () => use(null));
  get("photo-other").addEventListener("click", () => part("photo-choose"));
  get("photo-edit").addEventListener("click", () => {
    draft = chosen;
    get("crop-image").src = chosen.address;
    crop.set(chosen.crop || [0, 0, 1, 1]);
    part("photo-crop");
    open();
  });
  function forget() {
    if (!chosen) return;
    URL.revokeObjectURL(chosen.address);
    chosen = draft = null;
    get("photo-thumb").removeAttribute("src");
    get("photo-chip").hidden = true;
  }
  get("photo-remove").addEventListener("click", () => {
    forget();
    search();
    get("q").focus();
  });
  dialog.addEventListener("close", () => camera.close());

  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    take(file);
  });
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const over = (is) => {
    document.body.classList.toggle("dragging", is && !dialog.open);
    get("photo-choose").classList.toggle("over", is);
  };
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) over(false);
  });
  document.addEventListener("drop", (event) => {
    over(false);
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });

  return { current: () => chosen, forget };
}
