// Relative times, keyboard shortcuts, copying, selection and the theme.
const units = [[86400, "d", 3600], [3600, "h", 60], [60, "min", 1]];

// As format_duration in durations.py: the largest unit that the duration has at least twice, after
// rounding to the next smaller unit.
const span = (seconds) => {
  const hasTwice = ([size, , smaller]) => Math.round(seconds / smaller) * smaller >= 2 * size;
  const [size, unit] = units.find(hasTwice) ?? [1, "s"];
  return `${Math.round(seconds / size)} ${unit}`;
};

const RELATIVE = "time:is([data-relative], [data-countdown], [data-lasting])";

// The time of a planned action is never in the past: once it has come, the action is due. It happens
// when the limits and the circuit of the webhook allow.
const relative = (time) => {
  const away = (Date.now() - Date.parse(time.dateTime)) / 1000;
  if (time.matches("[data-lasting]")) return span(Math.max(away, 0));
  if (away > 0 && time.matches("[data-countdown]")) return "due";
  if (Math.abs(away) < 1) return "now";
  return away > 0 ? `${span(away)} ago` : `in ${span(-away)}`;
};

const zone = new Intl.DateTimeFormat("en", { timeZoneName: "short" });
const padded = (number, width = 2) => String(number).padStart(width, "0");

// In the format of the times in UTC.
const localText = (moment, toTheSecond) => {
  const day = `${moment.getFullYear()}-${padded(moment.getMonth() + 1)}-${padded(moment.getDate())}`;
  const clock = [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map((part) => padded(part)).join(":");
  const name = zone.formatToParts(moment).find((part) => part.type === "timeZoneName").value;
  const fraction = toTheSecond ? "" : `.${padded(moment.getMilliseconds(), 3)}`;
  return `${day} ${clock}${fraction} ${name}`;
};

// Pages are rendered with times in UTC. Show the local time, and UTC in the title.
const localize = (time) => {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.valueOf())) return;
  const utc = time.title || time.textContent.trim();
  const local = localText(moment, "seconds" in time.dataset);
  const isRelative = time.matches(RELATIVE);
  time.title = isRelative ? `${local}\n${utc}` : utc;
  if (!isRelative) time.textContent = local;
  time.dataset.localized = "";
};

const tick = () => {
  document.querySelectorAll("time[datetime]:not([data-localized])").forEach(localize);
  for (const time of document.querySelectorAll(RELATIVE)) {
    const text = relative(time);
    if (time.textContent !== text) time.textContent = text;
  }
};
setInterval(tick, 1000);
document.addEventListener("htmx:afterSettle", tick);
document.addEventListener("htmx:sseMessage", tick);

const rows = () => [...document.querySelectorAll("[data-row]")];
const current = () => rows().findIndex((row) => row.classList.contains("current"));

const stepTo = (by) => {
  const all = rows();
  if (!all.length) return;
  const next = Math.min(Math.max(current() + by, 0), all.length - 1);
  all.forEach((row, place) => row.classList.toggle("current", place === next));
  (all[next].querySelector("a[href]") ?? all[next]).focus({ preventScroll: true });
  all[next].scrollIntoView({ block: "nearest" });
};

// With several databases, the paths of one begin with its prefix.
const home = `${location.pathname.match(/^\/db\/[^/]+/)?.[0] ?? ""}/`;
const shortcuts = { o: home, w: `${home}webhooks`, d: `${home}deliveries`, h: `${home}held`, f: `${home}failures` };
let isGoPending = false;

const keys = {
  "/": () => document.querySelector("[data-search]")?.focus(),
  j: () => stepTo(1),
  k: () => stepTo(current() < 0 ? 1 : -1),
  x: () => rows()[current()]?.querySelector("input[type=checkbox]")?.click(),
  "?": () => document.getElementById("help")?.showModal(),
};

const isEditable = (element) => element.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isEditable(event.target)) return;
  // A dialog has the keyboard for itself.
  if (document.querySelector("dialog[open]")) return;
  if (isGoPending && shortcuts[event.key]) { location.href = shortcuts[event.key]; return; }
  isGoPending = event.key === "g";
  if (isGoPending) { setTimeout(() => { isGoPending = false; }, 1000); return; }
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

// The text without line numbers.
const textOf = (pre) => pre.classList.contains("numbered")
  ? [...pre.querySelectorAll("code")].map((line) => line.textContent).join("\n")
  : pre.textContent;

const copy = async (button) => {
  const pre = button.parentElement.querySelector("pre");
  if (!navigator.clipboard) {
    // Over plain http there is no clipboard API: select the text, so that it can be copied by hand.
    getSelection().selectAllChildren(pre);
    return;
  }
  await navigator.clipboard.writeText(textOf(pre));
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
};

const theme = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("rowhook-theme", root.dataset.theme); } catch { /* storage is closed */ }
  document.dispatchEvent(new CustomEvent("themechange"));
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches("[data-copy]")) copy(button);
  if (button?.matches("[data-theme-switch]")) theme();
  if (button?.matches("[data-help]")) keys["?"]();
});

// [data-all] checks all boxes of its form; [data-selected] shows how many are checked.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form) return;
  const boxes = [...form.elements].filter((element) => element.matches("input[type=checkbox][name=id]"));
  if (event.target.matches("[data-all]")) boxes.forEach((box) => { box.checked = event.target.checked; });
  const count = boxes.filter((box) => box.checked).length;
  form.querySelectorAll("[data-selected]").forEach((counter) => { counter.textContent = count; });
  if (event.target.matches("[data-submits]")) form.requestSubmit();
});

// Keep the content if an error response lacks the fragment: the session ended, or no database.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { target, xhr } = detail;
  if (xhr.status < 400 || !target.id || xhr.responseText.includes(`id="${target.id}"`)) return;
  detail.shouldSwap = false;
  target.querySelector(".lost")?.remove();
  const message = document.createElement("p");
  message.className = "fault lost";
  message.textContent = `This section could not be updated (status ${xhr.status}). Continue editing, or reload the page.`;
  target.prepend(message);
});

// Close open confirmations and menus with Escape, which returns the focus, and on a click elsewhere.
const closeConfirmations = (event) => {
  for (const open of document.querySelectorAll("details:is(.confirm, .menu)[open]")) {
    if (event.type === "keydown" ? event.key !== "Escape" : open.contains(event.target)) continue;
    if (event.type === "keydown" && open.contains(document.activeElement)) open.querySelector("summary").focus();
    open.open = false;
    // Nothing else is closed by the same key.
    if (event.type === "keydown") event.stopImmediatePropagation();
  }
};
document.addEventListener("keydown", closeConfirmations);
document.addEventListener("click", closeConfirmations);

// On a narrow screen the navigation is one scrolling line: scroll to the current page.
const here = document.querySelector(".side [aria-current]");
const showHere = () => { here.closest(".side").scrollLeft = here.offsetLeft + (here.offsetWidth - innerWidth) / 2; };
if (here) {
  showHere();
  matchMedia("(max-width: 52rem)").addEventListener("change", showHere);
}
tick();
