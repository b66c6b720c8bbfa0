// Completes names and filters of the template language from the page's lists.
import { Facet } from "@codemirror/state";
import { withinHole } from "./tokens.js";

const NAME = /(?:secret:[\w.-]*|[A-Za-z_][\w.]*)$/;
const FILTER = /\|\s*(\w*)$/;

// {names, filters} of an editor; absent lists are empty.
export const offer = Facet.define({ combine: ([given]) => ({ names: [], filters: [], ...given }) });

const starting = (list, typed, type) =>
  list.filter((one) => one.startsWith(typed) && one !== typed).map((label) => ({ label, type }));

// A CompletionSource that is queried again at each key, so CodeMirror need not filter.
export const complete = ({ whole }) => ({ state, pos, explicit }) => {
  const before = state.sliceDoc(0, pos);
  if (!whole && !withinHole(before)) return null;
  const { names, filters } = state.facet(offer);
  const bar = FILTER.exec(before);
  const typed = bar ? bar[1] : (NAME.exec(before)?.[0] ?? "");
  if (!typed && !bar && !explicit && !/\{\{\s*$/.test(before)) return null;
  const options = bar ? starting(filters, typed, "function") : starting(names, typed, "variable");
  return options.length ? { from: pos - typed.length, options, filter: false } : null;
};
