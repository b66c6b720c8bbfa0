// Shows the server's faults at their line: [{line, column, message}], from 1; column may be null.
import { setDiagnostics } from "@codemirror/lint";

export const faultsOf = (list) => (Array.isArray(list) ? list : []);

// With a column, marks the word or quoted text that begins there, else the line. Positions beyond
// the end are moved to the end.
function placed({ doc }, { line, column }) {
  const at = doc.line(Math.min(Math.max(line ?? 1, 1), doc.lines));
  if (column == null) return { from: at.from + at.text.search(/\S|$/), to: at.to };
  const from = Math.min(at.from + Math.max(column - 1, 0), at.to);
  const word = /^"(?:\\.|[^"\\])*"|^[\w.:-]+|^\S/.exec(doc.sliceString(from, at.to))?.[0] ?? "";
  return { from, to: from + word.length };
}

export function show(view, faults) {
  const found = faults.map((fault) => ({ ...placed(view.state, fault), severity: "error", message: String(fault.message) }));
  view.dispatch(setDiagnostics(view.state, found.sort((one, other) => one.from - other.from)));
}
