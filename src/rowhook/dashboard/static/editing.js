// Adds to the editor's form: the body choice follows the template, and faults are shown in place.
// With JavaScript the choice is always explicit. Without it, the server compares it with this field.
document.querySelector("input[name=displayed_body]")?.remove();
document.addEventListener("input", ({ target }) => {
  const choice = target.form?.querySelector("input[name=body][value=template]");
  if (target.name === "body_template" && target.value.trim() && choice) choice.checked = true;
});

// Show the faults of a preview in the editors, at their lines.
const show = (list) => {
  for (const textarea of document.querySelectorAll("textarea[data-editor]")) {
    const own = list.filter((fault) => fault.field === textarea.name);
    textarea.dispatchEvent(new CustomEvent("rowhook:faults", { detail: own }));
  }
};

document.addEventListener("htmx:afterSettle", () => {
  const preview = document.getElementById("preview");
  if (!preview) return;
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
