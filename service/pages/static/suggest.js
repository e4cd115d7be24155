// Suggestions under the search box: a combobox with a list, after the ARIA pattern of that name.

import { ask, loadOwnPhotos } from "./requests.js";

const WAIT_MILLISECONDS = 90;
const LIMIT = 4;

export function startSuggestions(index, go) {
  const input = document.getElementById("q");
  const list = document.getElementById("suggestions");
  const known = new Map();
  let asked = 0; // number of the newest question
  let shownFor = 0; // number of the question whose answer is shown
  let running = null;
  let timer = 0;
  let active = -1;
  let typed = input.value;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  const options = () => [...list.querySelectorAll("[role=option]")];

  function close() {
    clearTimeout(timer);
    running?.abort();
    asked += 1; // whatever still comes is too late
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(place) {
    const all = options();
    active = place;
    all.forEach((one, at) => one.setAttribute("aria-selected", String(at === place)));
    const chosen = all[place];
    if (!chosen) {
      input.removeAttribute("aria-activedescendant");
      input.value = typed;
      return;
    }
    input.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
    if (chosen.dataset.words) input.value = chosen.dataset.words;
  }

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text; // never as markup
    return made;
  }

  function option(number, what, side, address, words) {
    const made = element("div");
    made.id = `suggestion-${number}`;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", "false");
    made.dataset.address = address;
    if (words) made.dataset.words = words;
    const name = element("span", "what");
    name.append(element("bdi", "", what));
    made.append(name);
    if (side) made.append(element("span", "side", side));
    return made;
  }

  function price(product) {
    if (product.price === undefined) return "";
    try {
      const style = { style: "currency", currency: product.currency };
      return new Intl.NumberFormat("en", product.currency ? style : {}).format(product.price);
    } catch {
      return String(product.price);
    }
  }

  function picture(product) {
    const address = product.photo || "";
    if (/^https?:/i.test(address)) {
      const image = element("img");
      image.alt = "";
      image.referrerPolicy = "no-referrer";
      image.src = address;
      return image;
    }
    if (/^(file|data):/i.test(address)) {
      const image = element("img");
      image.alt = "";
      image.dataset.ours = "";
      image.src = `/shop/${index}/photo?${new URLSearchParams({ id: product.id, position: "0" })}`;
      return image;
    }
    return element("span", "no-photo");
  }

  function group(title, made) {
    if (!made.length) return;
    const box = element("div");
    const name = element("div", "kind", title);
    name.id = `kind-${title}`;
    name.setAttribute("aria-hidden", "true");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", title);
    box.append(name, ...made);
    list.append(box);
  }

  function show(answer, number) {
    if (number < shownFor || number !== asked) return;
    shownFor = number;
    list.replaceChildren();
    active = -1;
    input.removeAttribute("aria-activedescendant");
    let count = 0;
    const many = (value) => (value === 1 ? "1 product" : `${value.toLocaleString("en")} products`);
    const leads = (name, value) => `?${new URLSearchParams({ [name]: value })}`;
    group("Searches", answer.queries.map((words) => option(count++, words, "", leads("q", words), words)));
    group("Categories", answer.categories.map((one) => option(count++, one.value, many(one.count), leads("category", one.value))));
    group("Brands", answer.brands.map((one) => option(count++, one.value, many(one.count), leads("brand", one.value))));
    group(
      "Products",
      answer.products.map((one) => {
        const made = option(count++, one.title, price(one), leads("item", one.id));
        made.prepend(picture(one));
        return made;
      }),
    );
    loadOwnPhotos(list);
    list.hidden = count === 0;
    input.setAttribute("aria-expanded", String(count > 0));
  }

  async function fetchFor(words) {
    running?.abort();
    running = new AbortController();
    const number = (asked += 1);
    if (known.has(words)) {
      show(known.get(words), number);
      return;
    }
    const query = new URLSearchParams({ q: words, limit: String(LIMIT) });
    try {
      const response = await ask(`/v1/indexes/${index}/suggest?${query}`, { signal: running.signal });
      if (!response.ok) return;
      const answer = await response.json();
      if (known.size > 200) known.clear();
      known.set(words, answer);
      show(answer, number);
    } catch {
      // aborted, or the service is away: searching says so, typing need not
    }
  }

  input.addEventListener("input", () => {
    typed = input.value;
    clearTimeout(timer);
    const words = typed.trim();
    if (!words) {
      close();
      return;
    }
    timer = setTimeout(() => fetchFor(words), WAIT_MILLISECONDS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const all = options();
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      input.value = typed;
      close();
    } else if (event.key === "ArrowDown" && list.hidden) {
      typed = input.value;
      event.preventDefault();
      fetchFor(typed.trim());
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && all.length) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      const next = active + step;
      mark(next < -1 ? all.length - 1 : next >= all.length ? -1 : next);
    } else if (event.key === "Enter" && active >= 0 && all[active]) {
      event.preventDefault();
      choose(all[active]);
    }
  });
  function choose(chosen) {
    input.value = chosen.dataset.words || "";
    typed = input.value;
    close();
    go(chosen.dataset.address);
  }
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps focus
  list.addEventListener("click", (event) => {
    const chosen = event.target.closest("[role=option]");
    if (chosen) choose(chosen);
  });
  input.addEventListener("blur", close);
  return {
    close,
    set(words) {
      typed = words;
      input.value = words;
    },
  };
}
