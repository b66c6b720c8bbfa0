// The page's colours, resolved for a canvas, which supports neither var() nor light-dark().
const TONES = ["good", "warning", "bad", "slow", "refused", "neutral", "accent"];

function resolved(property, value) {
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.style[property] = value;
  document.body.append(probe);
  const found = getComputedStyle(probe)[property];
  probe.remove();
  return found;
}

const named = (tone) => `var(--chart-${TONES.includes(tone) ? tone : "neutral"}, currentColor)`;

export const colours = {
  tone: (tone) => resolved("color", named(tone)),
  wash: (tone) => resolved("color", `color-mix(in srgb, ${named(tone)} 16%, transparent)`),
  grid: () => resolved("color", "var(--chart-grid, currentColor)"),
  text: () => resolved("color", "var(--chart-text, currentColor)"),
  font: () => `12px ${getComputedStyle(document.body).fontFamily}`,
};
