// Applies the stored theme before the first paint.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("rowhook-theme"); } catch { /* storage is closed */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
