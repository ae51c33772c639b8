// Reads server-sent events (WHATWG HTML, section 9.2) out of bytes that arrive in any pieces.

/** Gives a function that takes a piece of bytes and calls `onEvent({name, id, data})` for each event that it completes. */
export function createReader(onEvent) {
  const decoder = new TextDecoder();
  let rest = "";
  let event = {};
  const line = (text) => {
    if (text === "") {
      if (event.data !== undefined) onEvent({ name: event.name ?? "message", id: event.id ?? null, data: event.data });
      event = {};
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(text[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") event.name = value;
    else if (field === "id") event.id = value;
    else if (field === "data") event.data = event.data === undefined ? value : `${event.data}\n${value}`;
  };
  return (bytes) => {
    rest += decoder.decode(bytes, { stream: true });
    let from = 0;
    for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n", from)) {
      line(rest.slice(from, rest[at - 1] === "\r" && at > from ? at - 1 : at));
      from = at + 1;
    }
    rest = rest.slice(from);
  };
}
