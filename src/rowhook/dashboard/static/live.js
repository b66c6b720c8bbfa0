// What is sent again while a page is open keeps what a person opened, ticked, walked to or stands on.
const before = new WeakMap();

const ticked = (root) => [...root.querySelectorAll("input[name=id]:checked")].map((box) => box.value);

const nameOf = (row) => row?.id || row?.querySelector("a[id]")?.id;

// Each part that opens, under a name that it has again when it is sent again.
const parts = (root) => {
  const times = {};
  return [...root.querySelectorAll("details")].map((part) => {
    const name = part.dataset.kept ?? part.querySelector("summary").textContent;
    times[name] = (times[name] ?? 0) + 1;
    return [`${name} ${times[name]}`, part];
  });
};

// The nearest thing with a name, and which of its links or buttons has the focus.
const standing = (root) => {
  const here = document.activeElement;
  if (!here || here === root || !root.contains(here)) return null;
  const near = here.closest("[id], [data-kept]");
  const name = near.id ? `#${CSS.escape(near.id)}` : `[data-kept="${CSS.escape(near.dataset.kept)}"]`;
  return { name, tag: here.localName, place: [...near.querySelectorAll(here.localName)].indexOf(here) };
};

document.addEventListener("htmx:sseBeforeMessage", ({ target: root }) => {
  before.set(root, {
    known: new Set([...root.querySelectorAll("tr[id]")].map((row) => row.id)),
    chosen: new Set(ticked(root)),
    current: nameOf(root.querySelector(".current")),
    open: new Map(parts(root).map(([name, part]) => [name, part.open])),
    standing: standing(root),
  });
});

document.addEventListener("htmx:sseMessage", ({ target: root }) => {
  const was = before.get(root);
  if (!was) return;
  for (const [name, part] of parts(root)) part.open = was.open.get(name) ?? part.open;
  for (const row of root.querySelectorAll("[data-row]")) {
    row.classList.toggle("current", was.current !== undefined && nameOf(row) === was.current);
  }
  if (root.matches("[data-keeps-selection]")) reselect(root, was);
  if (!was.standing) return;
  const near = document.querySelector(was.standing.name);
  const { tag, place } = was.standing;
  (place < 0 ? near : near?.querySelectorAll(tag)[place])?.focus({ preventScroll: true });
});

const reselect = (body, { known, chosen }) => {
  for (const row of body.rows) {
    row.classList.toggle("arrived", known.size > 0 && !known.has(row.id));
    const box = row.querySelector("input[name=id]");
    if (box) box.checked = chosen.has(box.value);
  }
  const count = document.querySelector("#chosen [data-selected]");
  if (count) count.textContent = ticked(body).length;
};
