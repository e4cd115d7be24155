// The box over a photo that says which part is meant: by pointer, by touch, by keyboard.

const LEAST = 0.05; // of a side
const STEP = 0.02;
const WHOLE = [0, 0, 1, 1];

export function startCrop() {
  const stage = document.getElementById("crop-stage");
  const box = document.getElementById("crop-box");
  const state = document.getElementById("crop-state");
  let area = [...WHOLE];

  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  function draw() {
    const [x0, y0, x1, y1] = area;
    box.style.left = `${x0 * 100}%`;
    box.style.top = `${y0 * 100}%`;
    box.style.width = `${(x1 - x0) * 100}%`;
    box.style.height = `${(y1 - y0) * 100}%`;
    const percent = (share) => Math.round(share * 100);
    state.textContent = `${percent(x1 - x0)} % of the width, ${percent(y1 - y0)} % of the height, from ${percent(x0)} % left and ${percent(y0)} % above`;
  }

  function move(dx, dy, from = area) {
    const [x0, y0, x1, y1] = from;
    const x = clamp(x0 + dx, 0, 1 - (x1 - x0));
    const y = clamp(y0 + dy, 0, 1 - (y1 - y0));
    area = [x, y, x + (x1 - x0), y + (y1 - y0)];
    draw();
  }

  function size(grip, dx, dy, from = area) {
    let [x0, y0, x1, y1] = from;
    if (grip.includes("w")) x0 = clamp(x0 + dx, 0, x1 - LEAST);
    if (grip.includes("e")) x1 = clamp(x1 + dx, x0 + LEAST, 1);
    if (grip.includes("n")) y0 = clamp(y0 + dy, 0, y1 - LEAST);
    if (grip.includes("s")) y1 = clamp(y1 + dy, y0 + LEAST, 1);
    area = [x0, y0, x1, y1];
    draw();
  }

  box.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    box.focus();
    box.setPointerCapture(event.pointerId);
    const grip = event.target.dataset.grip || "";
    const from = [...area];
    const bounds = stage.getBoundingClientRect();
    const follow = (moved) => {
      const dx = (moved.clientX - event.clientX) / bounds.width;
      const dy = (moved.clientY - event.clientY) / bounds.height;
      if (grip) size(grip, dx, dy, from);
      else move(dx, dy, from);
    };
    box.addEventListener("pointermove", follow);
    const end = () => box.removeEventListener("pointermove", follow);
    box.addEventListener("pointerup", end, { once: true });
    box.addEventListener("pointercancel", end, { once: true });
  });
  box.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    if (event.shiftKey) size("se", ...step);
    else move(...step);
  });

  return {
    set(value) {
      area = [...(value || [0.1, 0.1, 0.9, 0.9])];
      draw();
    },
    get: () => (area.every((value, at) => Math.abs(value - WHOLE[at]) < 0.005) ? null : area.map((v) => Number(v.toFixed(4)))),
  };
}
