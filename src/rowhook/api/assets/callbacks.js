// Receives a session's callbacks, and reconnects after token expiry. `token` fetches a new token.
export function callbacks({ url, session, token, onMessage, onError = () => {} }) {
  let source, last, timer, pause = 250, closed = false;
  const again = (error) => {
    source?.close();
    if (closed) return;
    if (error) onError(error);
    timer = setTimeout(open, error ? (pause = Math.min(pause * 2, 30000)) : 0);
  };
  async function open() {
    try {
      const query = new URLSearchParams({ token: await token() });
      if (last) query.set("last_event_id", last);
      if (closed) return;
      const path = `/v1/sessions/${encodeURIComponent(session)}/callbacks`;
      source = new EventSource(`${url}${path}?${query}`);
      source.onopen = () => { pause = 250; };
      source.onmessage = (event) => { last = event.lastEventId; onMessage(event.data, last); };
      source.addEventListener("expired", () => again());
      source.onerror = () => source.readyState === 2 && again(new Error("refused"));
    } catch (error) { again(error); }
  }
  open();
  return () => { closed = true; clearTimeout(timer); source?.close(); };
}
