// An EventSource for sse.js that disconnects while the page is hidden: browsers allow about six
// connections per host, and each open stream takes one.
const streams = new Set();

class Stream {
  #url;
  #source = null;
  #listeners = [];

  constructor(url) {
    this.#url = url;
    streams.add(this);
    this.wake();
  }

  get readyState() {
    return this.#source?.readyState ?? (streams.has(this) ? EventSource.CONNECTING : EventSource.CLOSED);
  }

  addEventListener(name, act) {
    this.#listeners.push([name, act]);
    this.#source?.addEventListener(name, act);
  }

  removeEventListener(name, act) {
    this.#listeners = this.#listeners.filter(([one, other]) => one !== name || other !== act);
    this.#source?.removeEventListener(name, act);
  }

  wake() {
    if (this.#source || document.hidden) return;
    const source = new EventSource(this.#url, { withCredentials: true });
    source.onopen = (event) => this.onopen?.(event);
    source.onerror = (event) => {
      // Closed for good: sse.js creates a new one later.
      if (source.readyState === EventSource.CLOSED) streams.delete(this);
      this.onerror?.(event);
    };
    for (const [name, act] of this.#listeners) source.addEventListener(name, act);
    this.#source = source;
  }

  suspend() {
    this.#source?.close();
    this.#source = null;
  }

  close() {
    streams.delete(this);
    this.suspend();
  }
}

htmx.createEventSource = (url) => new Stream(url);
document.addEventListener("visibilitychange", () => {
  for (const stream of [...streams]) document.hidden ? stream.suspend() : stream.wake();
});

// Warn when live updates are interrupted. Streams end regularly and reconnect at once, so only the
// second failure in a row counts.
const failed = new WeakMap();
const warnings = new WeakMap();

document.addEventListener("htmx:sseError", ({ target: root }) => {
  failed.set(root, (failed.get(root) ?? 0) + 1);
  if (failed.get(root) < 2 || warnings.has(root)) return;
  const message = document.createElement("p");
  message.className = "warning interrupted";
  message.setAttribute("role", "status");
  message.textContent = "Live updates are interrupted. Reconnecting …";
  root.before(message);
  warnings.set(root, message);
});

document.addEventListener("htmx:sseOpen", ({ target: root }) => {
  failed.delete(root);
  warnings.get(root)?.remove();
  warnings.delete(root);
});

// Keep open details, checked boxes, the current row and the focus when a fragment is replaced.
const before = new WeakMap();

const ticked = (root) => [...root.querySelectorAll("input[name=id]:checked")].map((box) => box.value);

const nameOf = (row) => row?.id || row?.querySelector("a[id]")?.id;

// Each details element with a name that stays the same when the fragment is replaced.
const parts = (root) => {
  const times = {};
  return [...root.querySelectorAll("details")].map((part) => {
    const name = part.dataset.part ?? part.querySelector("summary").textContent;
    times[name] = (times[name] ?? 0) + 1;
    return [`${name} ${times[name]}`, part];
  });
};

// The nearest named element, and which of its links or buttons has the focus.
const focused = (root) => {
  const here = document.activeElement;
  if (!here || here === root || !root.contains(here)) return null;
  const near = here.closest("[id], [data-part]");
  const name = near.id ? `#${CSS.escape(near.id)}` : `[data-part="${CSS.escape(near.dataset.part)}"]`;
  return { name, tag: here.localName, place: [...near.querySelectorAll(here.localName)].indexOf(here) };
};

document.addEventListener("htmx:sseBeforeMessage", ({ target: root }) => {
  before.set(root, {
    known: new Set([...root.querySelectorAll("tr[id]")].map((row) => row.id)),
    chosen: new Set(ticked(root)),
    current: nameOf(root.querySelector(".current")),
    open: new Map(parts(root).map(([name, part]) => [name, part.open])),
    focused: focused(root),
  });
});

document.addEventListener("htmx:sseMessage", ({ target: root }) => {
  const was = before.get(root);
  if (!was) return;
  for (const [name, part] of parts(root)) part.open = was.open.get(name) ?? part.open;
  for (const row of root.querySelectorAll("[data-row]")) {
    row.classList.toggle("current", was.current !== undefined && nameOf(row) === was.current);
  }
  if (root.matches("[data-keep-selection]")) reselect(root, was);
  if (!was.focused) return;
  const near = document.querySelector(was.focused.name);
  const { tag, place } = was.focused;
  (place < 0 ? near : near?.querySelectorAll(tag)[place])?.focus({ preventScroll: true });
});

const reselect = (body, { known, chosen }) => {
  for (const row of body.rows) {
    row.classList.toggle("arrived", known.size > 0 && !known.has(row.id));
    const box = row.querySelector("input[name=id]");
    if (box) box.checked = chosen.has(box.value);
  }
  const count = document.querySelector("#selection [data-selected]");
  if (count) count.textContent = ticked(body).length;
};
