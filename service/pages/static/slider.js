// The price slider: two thumbs over steps that grow as prices do; the fields stay what counts.

export function startSlider(form, apply) {
  const slider = form.querySelector(".slider");
  if (!slider) return;
  const steps = slider.dataset.steps.split(" ").map(Number);
  const low = slider.querySelector(".low");
  const high = slider.querySelector(".high");
  const bars = [...slider.querySelectorAll("rect")];
  const last = steps.length - 1;
  slider.hidden = false;

  function say() {
    low.setAttribute("aria-valuetext", String(steps[low.value]));
    high.setAttribute("aria-valuetext", Number(high.value) === last ? "no limit" : String(steps[high.value]));
    bars.forEach((bar, place) => bar.classList.toggle("in", place >= low.value && place < high.value));
  }

  function moved(event) {
    if (Number(low.value) >= Number(high.value)) {
      if (event.target === low) low.value = Number(high.value) - 1;
      else high.value = Number(low.value) + 1;
    }
    form.elements.from.value = Number(low.value) === 0 ? "" : steps[low.value];
    form.elements.to.value = Number(high.value) === last ? "" : steps[high.value];
    say();
  }

  for (const thumb of [low, high]) {
    thumb.addEventListener("input", moved);
    thumb.addEventListener("change", apply);
  }
  say();
}
