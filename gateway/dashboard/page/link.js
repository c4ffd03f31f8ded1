// The line to the gateway: server-sent events, begun anew for as long as it takes when the gateway is gone.

const AGAIN_MS = 1500;
const SILENT_MS = 6000;

export class Link {
  /** store: what is told. drawn: called after each tick. state: called with "live", "reconnecting" or "refused". */
  constructor(store, drawn, state) {
    this.store = store;
    this.drawn = drawn;
    this.state = state;
    this.source = null;
    this.heardMs = 0;
  }

  open() {
    this.source?.close();
    this.heardMs = performance.now();
    this.source = new EventSource("api/live");
    this.source.onmessage = (message) => this.#take(message.data);
    this.source.onerror = () => this.#lost();
    clearInterval(this.watching);
    this.watching = setInterval(() => {
      if (performance.now() - this.heardMs > SILENT_MS) this.#lost();
    }, 1000);
  }

  async #lost() {
    this.state("reconnecting");
    this.source.close();
    clearTimeout(this.again);
    this.again = setTimeout(() => this.open(), AGAIN_MS);
    this.heardMs = performance.now();
    try {
      const answer = await fetch("api/live.json", { method: "HEAD" }); // an event source does not tell why
      if (answer.status === 401) this.state("refused");
    } catch {
      // nobody answers
    }
  }

  async #take(data) {
    this.heardMs = performance.now();
    const whole = this.store.takeTick(JSON.parse(data));
    this.state("live");
    if (!whole) await this.#fetchPast();
    this.drawn();
  }

  async #fetchPast() {
    try {
      const answer = await fetch("api/live/past.json");
      if (!answer.ok) return;
      const past = await answer.json();
      if (past.process === this.store.now?.process) this.store.takePast(past);
    } catch {
      // the next tick that is missed will ask again
    }
  }
}
