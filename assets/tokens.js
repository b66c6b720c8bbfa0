// A tokenizer of the template language, for highlighting only: the server validates templates.
const TOKEN = new RegExp(
  [
    String.raw`(?<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")`,
    String.raw`(?<secret>secret:[\w.-]*)`,
    String.raw`(?<number>\d+(?:\.\d+)?)`,
    String.raw`(?<keyword>\b(?:if|elif|else|endif|for|in|endfor|and|or|not|is|[Tt]rue|[Ff]alse|[Nn]one)\b)`,
    String.raw`(?<name>[A-Za-z_]\w*)`,
    String.raw`(?<end>-?[}%#]\})`,
    String.raw`(?<begin>\{[{%#])`,
    String.raw`(?<blank>\s+)`,
    String.raw`(?<sign>[\s\S])`,
  ].join("|"),
  "y",
);
const BEGIN = /\{[{%#]/g;
const CLOSES = { "{{": "}}", "{%": "%}", "{#": "#}" };

function token(text, at) {
  TOKEN.lastIndex = at;
  const { groups, 0: word } = TOKEN.exec(text);
  return { kind: Object.keys(groups).find((name) => groups[name] !== undefined), word, from: at, to: at + word.length };
}

// A name after a bar is a filter; a name after a dot is part of a path, even if it is a keyword.
function kindOf({ kind, word }, before) {
  if (kind === "name" && before === "|") return "filter";
  return kind === "keyword" && before === "." ? "name" : kind === "sign" && word === "|" ? "filter" : kind;
}

// Yields {kind, from, to} from `at` on. Returns the end: after `closing`, or before another expression.
function* inside(text, at, closing) {
  let before = "";
  while (at < text.length) {
    const found = token(text, at);
    if (found.kind === "begin" && closing) return at;
    at = found.to;
    if (found.kind === "end" && closing && found.word.endsWith(closing)) {
      yield { kind: "brace", from: found.from, to: found.to };
      return at;
    }
    if (found.kind === "blank") continue;
    yield { kind: kindOf(found, before), from: found.from, to: found.to };
    before = found.word;
  }
  return at;
}

function* remark(text, from) {
  const closed = text.indexOf("#}", from);
  const to = closed < 0 ? text.length : closed + 2;
  yield { kind: "comment", from, to };
  return to;
}

// Yields the tokens of every {{ … }}, {% … %} and {# … #}; with `whole`, the text is one expression.
export function* tokens(text, { whole }) {
  if (whole) {
    yield* inside(text, 0, null);
    return;
  }
  BEGIN.lastIndex = 0;
  for (let found = BEGIN.exec(text); found; found = BEGIN.exec(text)) {
    const { index, 0: opening } = found;
    if (opening === "{#") {
      BEGIN.lastIndex = yield* remark(text, index);
      continue;
    }
    yield { kind: "brace", from: index, to: index + 2 };
    BEGIN.lastIndex = yield* inside(text, index + 2, CLOSES[opening]);
  }
}

// Whether a name can be completed at the end of `text`: inside an open expression.
export function withinHole(text) {
  const begun = Math.max(text.lastIndexOf("{{"), text.lastIndexOf("{%"));
  return begun > Math.max(text.lastIndexOf("}}"), text.lastIndexOf("%}"));
}
