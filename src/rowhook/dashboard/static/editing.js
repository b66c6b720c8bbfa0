// What the editor page adds to its form.
// As it follows what is typed, what is chosen is what is meant: without us the server has to guess.
document.querySelector("input[name=displayed_body]")?.remove();
document.addEventListener("input", ({ target }) => {
  const choice = target.form?.querySelector("input[name=body][value=template]");
  if (target.name === "body_template" && target.value.trim() && choice) choice.checked = true;
});

// The faults that a preview found are shown in the editors, at their line.
const show = (list) => {
  for (const textarea of document.querySelectorAll("textarea[data-editor]")) {
    const own = list.filter((one) => one.field === textarea.name);
    textarea.dispatchEvent(new CustomEvent("rowhook:faults", { detail: own }));
  }
};

document.addEventListener("htmx:afterSettle", () => {
  const preview = document.getElementById("preview");
  if (!preview) return;
  show(JSON.parse(preview.dataset.faults || "[]"));
  // What can be completed depends on the organization that was chosen.
  const offered = preview.dataset.completions;
  for (const name of offered ? ["body_template", "condition", "url", "headers"] : []) {
    document.getElementById(name).dataset.completions = offered;
  }
});

// What it can be tried with is another organization's, or is left as somebody has it open.
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  const { target, fragment } = detail;
  if (target.id !== "sample") return;
  const offered = fragment.querySelector("#sample").dataset.organization;
  detail.shouldSwap = offered !== target.dataset.organization;
});
