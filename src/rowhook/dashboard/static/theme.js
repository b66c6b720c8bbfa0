// Applies the stored theme before the first paint.
(() => {
  let theme = null;
  try { theme = localStorage.getItem("rowhook-theme"); } catch { /* storage is closed */ }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
