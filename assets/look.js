// The theme of the editor: the page's light and dark colours, from its custom properties.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const ground = "var(--code-bg, Canvas)";
const text = "var(--code-text, CanvasText)";
const line = "var(--line, var(--code-gutter, GrayText))";
const marked = "var(--code-selection, Highlight)";
const mono = "var(--mono, ui-monospace, monospace)";

const theme = EditorView.theme({
  "&": { color: text, backgroundColor: ground, border: `1px solid ${line}`, borderRadius: "var(--round, 6px)", fontSize: "0.9em" },
  "&.cm-focused": { outline: "2px solid var(--accent, Highlight)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: mono, lineHeight: "1.5", maxHeight: "34rem" },
  ".cm-content": { caretColor: text, padding: "0.4em 0" },
  ".cm-content:focus-visible": { outline: "none" },
  ".cm-line ::selection, .cm-line::selection": { backgroundColor: marked },
  ".cm-gutters": { backgroundColor: ground, color: "var(--code-gutter, GrayText)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { boxShadow: `inset 2px 0 ${marked}` },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: marked, outline: "none" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", color: "var(--code-error, red)" },
  ".cm-tooltip, .cm-panels": { color: text, backgroundColor: ground, border: `1px solid ${line}`, borderRadius: "6px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: mono },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: marked, color: text },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--code-error, red)",
    textUnderlineOffset: "0.25em",
  },
  ".cm-lintPoint-error::after": { borderBottomColor: "var(--code-error, red)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--code-error, red)" },
  ".rh-brace, .rh-keyword, .rh-filter": { color: "var(--code-keyword)" },
  ".rh-name, .rh-secret": { color: "var(--code-name)" },
  ".rh-string": { color: "var(--code-string)" },
  ".rh-number": { color: "var(--code-number)" },
  ".rh-comment": { color: "var(--code-comment)", fontStyle: "italic" },
  ".rh-sign": { color: text },
  ".rh-begin, .rh-end": { color: "var(--code-error)" },
});

const json = HighlightStyle.define([
  { tag: tags.string, color: "var(--code-string)" },
  { tag: tags.propertyName, color: text, fontWeight: "600" },
  { tag: tags.number, color: "var(--code-number)" },
  { tag: [tags.bool, tags.null], color: "var(--code-keyword)" },
]);

export const look = [theme, syntaxHighlighting(json)];
