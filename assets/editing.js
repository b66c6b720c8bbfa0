// The extensions of each kind of editor.
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { lintGutter, lintKeymap } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { complete } from "./completion.js";
import { holes } from "./holes.js";
import { look } from "./look.js";

// Tab is not bound: it moves the focus, as in a textarea.
const keys = keymap.of([...completionKeymap, ...lintKeymap, ...defaultKeymap, ...historyKeymap]);

// As in an input: pasted text loses its line breaks, and Enter inserts none.
const single = EditorState.transactionFilter.of((change) => {
  const { newDoc: doc } = change;
  if (!change.docChanged || doc.lines === 1) return change;
  const ends = Array.from({ length: doc.lines - 1 }, (_, place) => doc.line(place + 1).to);
  return [change, { changes: ends.map((from) => ({ from, to: from + 1 })), sequential: true }];
});

const text = () => [holes({ whole: false }), autocompletion({ override: [complete({ whole: false })] })];

const languages = {
  template: () => [json(), text()],
  line: () => [text(), single],
  lines: text,
  expression: () => [holes({ whole: true }), autocompletion({ override: [complete({ whole: true })] })],
  json: () => json(),
  schema: () => json(),
};

// Replace a selection in code: the browser would keep the old colour in a style attribute, which the
// content security policy blocks and reports.
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { state } = view;
    if (event.inputType !== "insertText" || event.data === null || event.isComposing) return false;
    if (state.readOnly || state.selection.main.empty) return false;
    view.dispatch(state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

export function extensions(kind, { nonce, completions, attributes, readOnly }) {
  const offers = new Compartment();
  const all = [
    EditorView.cspNonce.of(nonce),
    EditorView.contentAttributes.of(attributes),
    EditorView.lineWrapping,
    EditorState.readOnly.of(readOnly),
    EditorState.tabSize.of(2),
    kind === "line" ? [] : lineNumbers(),
    lintGutter(),
    history(),
    bracketMatching(),
    indentOnInput(),
    typedOver,
    highlightActiveLine(),
    look,
    languages[kind](),
    offers.of(completions),
    keys,
  ];
  return { offers, all };
}
