// The search dialog: Ctrl K or ⌘ K opens it, arrow keys walk the matches, Enter opens the first.
// Without JavaScript, the search box is a link to the page of the search.
const palette = document.getElementById("palette");
const input = document.getElementById("palette-text");
const list = document.getElementById("palette-matches");
let isStale = true;
const isApple = /Mac|iP/.test(navigator.platform);

const matches = () => [...list.querySelectorAll(".match")];

const mark = () => {
  const all = matches();
  const focused = all.indexOf(document.activeElement);
  all.forEach((match, place) => match.classList.toggle("current", place === Math.max(focused, 0)));
};

const open = () => {
  if (palette.open) return;
  // The page of the search has its own field.
  if (location.pathname === "/search") { document.getElementById("q").select(); return; }
  palette.showModal();
  input.select();
  htmx.trigger(input, "palette");
};

const step = (by) => {
  const all = matches();
  const place = all.indexOf(document.activeElement) + by;
  (place < 0 ? input : all[Math.min(place, all.length - 1)])?.focus();
  mark();
};

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
    event.preventDefault();
    open();
  }
});

if (palette) {
  document.querySelector("[data-palette] kbd").textContent = isApple ? "⌘ K" : "Ctrl K";
  document.querySelector("[data-palette]").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  palette.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    // In the field, the first match is marked already.
    if (event.key === "ArrowDown" && document.activeElement === input) step(matches().length > 1 ? 2 : 1);
    else step(event.key === "ArrowDown" ? 1 : -1);
  });
  palette.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });
  palette.querySelector("form").addEventListener("submit", (event) => {
    // Before the matches of this text have arrived, the page of the search opens.
    const first = isStale ? null : matches()[0];
    if (!first) return;
    event.preventDefault();
    first.click();
  });
  input.addEventListener("input", () => { isStale = true; });
  list.addEventListener("htmx:afterSettle", () => { isStale = false; mark(); });
  list.addEventListener("focusin", mark);
}
