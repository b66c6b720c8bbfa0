// Highlights the template language within JSON.
import { Prec, RangeSetBuilder } from "@codemirror/state";
import { Decoration, ViewPlugin } from "@codemirror/view";
import { tokens } from "./tokens.js";

const marks = Object.fromEntries(
  ["brace", "comment", "filter", "keyword", "name", "number", "secret", "sign", "string", "begin", "end"].map(
    (kind) => [kind, Decoration.mark({ class: `rh-${kind}` })],
  ),
);

function marked(state, kind) {
  const set = new RangeSetBuilder();
  for (const { kind: of, from, to } of tokens(state.doc.toString(), kind)) set.add(from, to, marks[of]);
  return set.finish();
}

// Highest precedence, so that its colour overrides that of the surrounding JSON.
export const holes = (kind) =>
  Prec.highest(
    ViewPlugin.define(
      ({ state }) => ({
        decorations: marked(state, kind),
        update(change) {
          if (change.docChanged) this.decorations = marked(change.state, kind);
        },
      }),
      { decorations: (plugin) => plugin.decorations },
    ),
  );
