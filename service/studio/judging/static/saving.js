// Grades on their way to the service: in their order, again after a failure, and kept in the
// browser until they are stored, so that a closed tab or a service that is away loses none.

import { ask, index } from "../studio/studio.js";

const PREFIX = "shelfwise-judging:";
const LONGEST_WAIT = 30_000;
const GIVEN_UP = [400, 404, 409]; // what no second try mends

export class Saving {
  // changed(count, problem): how many wait, and why, "" when all is well.
  // refused(entry, error): one that the service will never take.
  constructor(judge, changed, refused) {
    this.place = `${PREFIX}${index}:${judge}`;
    this.changed = changed;
    this.refused = refused;
    this.waiting = this.#left();
    this.isBusy = false;
    this.wait = 1_000;
    this.#keep();
    addEventListener("online", () => this.flush());
    addEventListener("beforeunload", (event) => {
      if (this.waiting.length) event.preventDefault();
    });
  }

  add(entry) {
    this.waiting.push(entry);
    this.#keep();
    this.flush();
  }

  async flush() {
    if (this.isBusy) return;
    this.isBusy = true;
    clearTimeout(this.timer);
    try {
      while (this.waiting.length) {
        this.changed(this.waiting.length, "");
        const { list, ...pair } = this.waiting[0];
        try {
          await ask(`/v1/indexes/${index}/judgements/${list}`, { method: "PATCH", json: pair });
        } catch (error) {
          if (!GIVEN_UP.includes(error.status)) throw error;
          this.refused(this.waiting[0], error);
        }
        this.waiting.shift();
        this.wait = 1_000;
        this.#keep();
      }
      this.changed(0, "");
    } catch (error) {
      this.changed(this.waiting.length, error.message);
      this.timer = setTimeout(() => this.flush(), this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    } finally {
      this.isBusy = false;
    }
  }

  // What other tabs have left behind too: to store a grade twice does no harm.
  #left() {
    const found = [];
    try {
      for (const name of Object.keys(localStorage)) {
        if (!name.startsWith(`${PREFIX}${index}:`)) continue;
        found.push(...JSON.parse(localStorage.getItem(name)));
        localStorage.removeItem(name);
      }
    } catch {
      // storage may be switched off, or hold what is not ours
    }
    return found;
  }

  #keep() {
    try {
      if (this.waiting.length) localStorage.setItem(this.place, JSON.stringify(this.waiting));
      else localStorage.removeItem(this.place);
    } catch {
      // then they wait in this tab alone
    }
  }
}
