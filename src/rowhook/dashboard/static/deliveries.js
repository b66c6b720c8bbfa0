// Opens a delivery beside the list on a wide screen. Elsewhere its link leads to its page.
const wide = matchMedia("(min-width: 64rem)");
const split = document.querySelector(".split");
const pane = document.getElementById("pane");

// With several databases, the paths of one begin with its prefix.
const prefix = location.pathname.match(/^\/db\/[^/]+/)?.[0] ?? "";

const listQuery = () => {
  const query = new URLSearchParams(location.search);
  query.delete("open");
  query.delete("done");
  return query;
};

const openId = () => new URLSearchParams(location.search).get("open");

const addressOf = (query) => (query.size ? `${location.pathname}?${query}` : location.pathname);

const mark = (id) => {
  for (const row of split.querySelectorAll("[data-row]")) row.classList.toggle("current", row.id === `delivery-${id}`);
};

const load = (id) => {
  split.classList.add("has-open");
  mark(id);
  // Rejected when the next row is opened, or the page is left, before the answer.
  htmx.ajax("GET", `${prefix}/deliveries/${id}/pane?list=${encodeURIComponent(listQuery())}`, { source: pane, target: pane }).catch(() => {});
};

// Walking through the list replaces the address, so that Back leaves the list at once.
const open = (id, isWalking) => {
  const query = listQuery();
  query.set("open", id);
  history[isWalking || openId() ? "replaceState" : "pushState"]({}, "", addressOf(query));
  load(id);
};

const empty = () => {
  split.classList.remove("has-open");
  // Also ends the stream of the delivery.
  htmx.swap(pane, "", { swapStyle: "innerHTML" });
};

const close = () => {
  history.replaceState({}, "", addressOf(listQuery()));
  empty();
  split.querySelector("[data-row].current a[data-open]")?.focus({ preventScroll: true });
};

const isModified = (event) => event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button > 0;

document.addEventListener("click", (event) => {
  if (!wide.matches || isModified(event)) return;
  if (event.target.closest("[data-close-pane]")) {
    event.preventDefault();
    close();
    return;
  }
  const row = event.target.closest(".deliveries [data-row]");
  const link = row?.querySelector("a[data-open]");
  if (!link || (event.target.closest("a, input") ?? link) !== link) return;
  // Enter on the delivery that is shown already opens its page.
  if (event.detail === 0 && openId() === link.dataset.open) return;
  event.preventDefault();
  open(link.dataset.open, false);
});

const editable = "input:not([type=checkbox]), textarea, select";
const walks = { ArrowDown: "j", ArrowUp: "k", j: null, k: null };

// Registered after the handlers of page.js, of which one moves to the next row on j and k, and one
// closes a confirmation on Escape.
document.addEventListener("keydown", (event) => {
  if (!wide.matches || isModified(event) || event.target.closest?.(editable)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && split.classList.contains("has-open")) close();
  if (event.target.closest?.("summary")) return;
  if (!(event.key in walks)) return;
  if (walks[event.key]) {
    // Inside the delivery, arrows scroll it.
    if (event.target.closest?.("#pane") || !split.querySelector("[data-row]")) return;
    event.preventDefault();
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: walks[event.key], bubbles: true }));
    return;
  }
  const link = split.querySelector("[data-row].current a[data-open]");
  if (link) open(link.dataset.open, true);
});

addEventListener("popstate", () => {
  if (openId()) load(openId());
  else empty();
});
