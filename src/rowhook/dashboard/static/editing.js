// Adds to the editor's form: the body choice follows the template, and faults are shown in place.
// With JavaScript the choice is always explicit. Without it, the server compares it with this field.
document.querySelector("input[name=displayed_body]")?.remove();
document.addEventListener("input", ({ target }) => {
  const choice = target.form?.querySelector("input[name=body][value=template]");
  if (target.name === "body_template" && target.value.trim() && choice) choice.checked = true;
});

const editorsOf = (name) => document.querySelectorAll(`form[data-editing] [name="${CSS.escape(name)}"]`);

// Show the faults of a preview at their fields: in the editors at their lines, and below every field.
const show = (list) => {
  for (const textarea of document.querySelectorAll("form[data-editing] textarea[data-editor]")) {
    const own = list.filter((fault) => fault.field === textarea.name);
    // An attribute, because the editor may not be loaded yet.
    textarea.dataset.faults = JSON.stringify(own);
  }
  document.querySelectorAll("form[data-editing] .fault.of-field").forEach((old) => old.remove());
  for (const { field, message } of list) {
    const below = editorsOf(field)[0]?.closest(".field");
    if (!below) continue;
    const line = document.createElement("p");
    line.className = "fault of-field";
    line.textContent = message;
    below.append(line);
  }
};

// The result of an older draft must not be shown beside a newer one: it is hidden until the
// preview of the newer draft arrives, and a preview that is under way is aborted.
const markStale = ({ target }) => {
  const form = target.closest?.("form[data-editing]");
  if (!form || target.type === "hidden") return;
  htmx.trigger(form, "htmx:abort");
  document.getElementById("preview")?.setAttribute("data-stale", "");
  document.getElementById("suggestions")?.setAttribute("data-stale", "");
  show([]);
  document.querySelectorAll(".fault.of-draft, form[data-editing] .fault").forEach((old) => old.remove());
};
document.addEventListener("input", markStale);
document.addEventListener("change", ({ target }) => { if (target.matches("select, [type=radio], [type=checkbox]")) markStale({ target }); });

document.addEventListener("htmx:afterSettle", () => {
  const preview = document.getElementById("preview");
  // Typing goes on between the swap and this event.
  if (!preview || "stale" in preview.dataset) return;
  show(JSON.parse(preview.dataset.faults || "[]"));
  // Completions depend on the selected organization.
  const offered = preview.dataset.completions;
  for (const name of offered ? ["body_template", "condition", "url", "headers"] : []) {
    document.getElementById(name).dataset.completions = offered;
  }
});

// Replace the samples only if they belong to another organization: the select may be open.
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  const { target, fragment } = detail;
  if (target.id !== "sample") return;
  const offered = fragment.querySelector("#sample").dataset.organization;
  detail.shouldSwap = offered !== target.dataset.organization;
});

// The browser does not focus a field that an editor replaces. Before the page is painted, which may be
// after its content is loaded, nothing can be focused.
const focusFirst = () => {
  const first = document.querySelector("form[data-editing] [autofocus]");
  if (first && document.activeElement === document.body) first.focus();
};
addEventListener("DOMContentLoaded", focusFirst);
addEventListener("load", () => requestAnimationFrame(focusFirst));
