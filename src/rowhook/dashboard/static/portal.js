// In a frame the portal opens by itself, if the browser keeps the cookies of the frame. Otherwise its
// button opens it in a new tab: the link works only once.
const form = document.querySelector("[data-portal-link]");
const attributes = "Path=/; SameSite=None; Secure; Partitioned";

const keepsCookies = () => {
  document.cookie = `rowhook_probe=1; ${attributes}`;
  const isKept = document.cookie.includes("rowhook_probe=1");
  document.cookie = `rowhook_probe=; Max-Age=0; ${attributes}`;
  return isKept;
};

if (window.self !== window.top) {
  if (keepsCookies()) {
    form.requestSubmit();
  } else {
    form.target = "_blank";
    document.querySelector("[data-blocked]").hidden = false;
  }
}
