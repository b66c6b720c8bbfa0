// Replaces every textarea[data-editor] by CodeMirror, for a JSON template, a one-line or multi-line
// template, an expression, or JSON. The textarea's label becomes the editor's label.
// The textarea remains the form field: it is updated on each change, and dispatches `input`.
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { extensions } from "./editing.js";
import { offer } from "./completion.js";
import { faultsOf, show } from "./faults.js";

const open = new Map();
let started = false;
const nonce = () => document.querySelector('meta[name="csp-nonce"]')?.content ?? "";
const read = (text, otherwise) => (text ? JSON.parse(text) : otherwise);

function told(textarea) {
  const label = [...textarea.labels].map((one) => one.textContent.trim().replace(/\s+/g, " ")).join(" ");
  // The tabindex says to tools that a scrolling editor can be scrolled by keys.
  const of = { tabindex: "0", "aria-label": textarea.getAttribute("aria-label") || label || textarea.name };
  for (const name of ["aria-describedby", "aria-invalid"]) {
    if (textarea.hasAttribute(name)) of[name] = textarea.getAttribute(name);
  }
  if (textarea.required) of["aria-required"] = "true";
  if (textarea.readOnly || textarea.disabled) of["aria-readonly"] = "true";
  return of;
}

const say = (textarea, name) => textarea.dispatchEvent(new Event(name, { bubbles: true }));

// A textarea dispatches `input` at each change, and `change` when it loses focus with a new text.
function inStep(textarea) {
  let entered = textarea.value;
  return [
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      textarea.value = update.state.doc.toString();
      say(textarea, "input");
    }),
    EditorView.domEventHandlers({
      focus: () => { entered = textarea.value; },
      blur: () => { if (entered !== textarea.value) say(textarea, "change"); },
    }),
  ];
}

const completions = (textarea) => offer.of(read(textarea.dataset.completions, {}));
const faults = (textarea, view) => show(view, faultsOf(read(textarea.dataset.faults, [])));

// Apply the page's actions on the textarea to the editor. `ended` aborts all listeners.
function follow(textarea, view, offers, ended) {
  const on = (target, name, act) => target?.addEventListener(name, act, { signal: ended });
  const refill = () => {
    const { doc } = view.state;
    if (doc.toString() === textarea.value) return;
    view.dispatch({ changes: { from: 0, to: doc.length, insert: textarea.value } });
  };
  on(textarea, "change", refill);
  on(textarea.form, "reset", () => setTimeout(refill));
  on(textarea, "rowhook:faults", (event) => show(view, faultsOf(event.detail)));
  on(textarea, "invalid", (event) => { event.preventDefault(); view.focus(); });
  on(textarea, "focus", () => view.focus());
  textarea.labels.forEach((label) => on(label, "click", (event) => { event.preventDefault(); view.focus(); }));
  // The page must see the textarea's events, not those of the editor's content.
  for (const name of ["input", "change"]) on(view.dom, name, (event) => event.stopPropagation());
  const watching = new MutationObserver((changes) => {
    const names = changes.map((change) => change.attributeName);
    if (names.includes("data-completions")) view.dispatch({ effects: offers.reconfigure(completions(textarea)) });
    if (names.includes("data-faults")) faults(textarea, view);
  });
  watching.observe(textarea, { attributes: true, attributeFilter: ["data-completions", "data-faults"] });
  ended.addEventListener("abort", () => watching.disconnect());
}

function mount(textarea) {
  // The page may be in use already: the focus and the selection stay where they are.
  const { selectionStart: anchor, selectionEnd: head } = textarea;
  const focused = document.activeElement === textarea;
  const selection = focused ? { anchor, head } : undefined;
  const { offers, all } = extensions(textarea.dataset.editor, {
    nonce: nonce(),
    completions: completions(textarea),
    attributes: told(textarea),
    readOnly: textarea.readOnly || textarea.disabled,
  });
  const view = new EditorView({
    state: EditorState.create({ doc: textarea.value, selection, extensions: [all, inStep(textarea)] }),
  });
  const ending = new AbortController();
  view.scrollDOM.style.minHeight = `${textarea.rows * 1.5 + 0.8}em`;
  textarea.before(view.dom);
  textarea.hidden = true;
  follow(textarea, view, offers, ending.signal);
  const labels = [...textarea.labels];
  labels.forEach((label) => label.removeAttribute("for"));
  open.set(textarea, { view, ending, labels });
  faults(textarea, view);
  if (focused || (textarea.autofocus && (started || document.activeElement === document.body))) view.focus();
}

function close(textarea) {
  const { view, ending, labels } = open.get(textarea);
  ending.abort();
  view.destroy();
  textarea.hidden = false;
  labels.forEach((label) => { label.htmlFor = textarea.id; });
  open.delete(textarea);
}

// Synchronize the editors with the page: create missing ones, and destroy those of removed textareas.
function settle() {
  for (const textarea of [...open.keys()]) if (!textarea.isConnected) close(textarea);
  for (const textarea of document.querySelectorAll("textarea[data-editor]")) if (!open.has(textarea)) mount(textarea);
}

const start = () => {
  settle();
  started = true;
  for (const name of ["htmx:afterSwap", "htmx:sseMessage", "htmx:historyRestore"]) document.addEventListener(name, settle);
  document.addEventListener("htmx:beforeHistorySave", () => [...open.keys()].forEach(close));
  document.addEventListener("htmx:beforeCleanupElement", ({ target }) => { if (open.has(target)) close(target); });
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
