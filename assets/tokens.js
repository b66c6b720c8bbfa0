// The tokens of the template language, for colours alone: what is right is decided by the server.
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

// A name behind a bar is a filter; one behind a dot is a part of a path, whatever it is called.
function kindOf({ kind, word }, before) {
  if (kind === "name" && before === "|") return "filter";
  return kind === "keyword" && before === "." ? "name" : kind === "sign" && word === "|" ? "filter" : kind;
}

// Yields {kind, from, to} from `at` on; returns where it ended: behind `closing`, or before another hole.
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

// Every token of every {{ … }}, {% … %} and {# … #}; with `whole`, the text is itself an expression.
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

// Whether one may write a name at the end of `text`: inside a hole that is open.
export function withinHole(text) {
  const begun = Math.max(text.lastIndexOf("{{"), text.lastIndexOf("{%"));
  return begun > Math.max(text.lastIndexOf("}}"), text.lastIndexOf("%}"));
}
