// Loads the code editor when the user first moves the pointer or presses a key: it is larger than the
// rest of the page. Until then, its fields are textareas, as they are without JavaScript.
const signs = ["pointermove", "pointerdown", "touchstart", "wheel", "keydown"];

const load = (event) => {
  // To replace a textarea would end the composition of a letter in it.
  if (event.isComposing || event.key === "Process") return;
  for (const name of signs) removeEventListener(name, load, true);
  const script = document.createElement("script");
  script.src = document.querySelector("meta[name=editor]").content;
  document.head.append(script);
};

for (const name of signs) addEventListener(name, load, { capture: true, passive: true });
