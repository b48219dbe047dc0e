// What the pages share: elements by name, whether the server is there, its answers, and a link that edits a dataset.
import { Link } from "./link.js";

export const by = (id) => document.getElementById(id);
export const text = (id, value) => { by(id).textContent = value; };

export function showConnection(connected) {
  text("connection", connected ? "connected" : "not connected");
  by("connection").className = connected ? "good" : "bad";
}

function say(words, bad) {
  text("said", words);
  by("said").className = bad ? "bad" : "soft";
}

// The answer to a question in JSON; null, and the reason on the page, when it was refused.
export async function ask(address) {
  const reply = await fetch(address);
  if (reply.ok) return reply.json();
  say(await reply.text(), true);
  return null;
}

// A link to send edits by; each one made, by whomever, is told on the page and followed by reload().
export function editingLink(reload) {
  let serial = null;
  return new Link({
    onState: (state) => {
      const before = serial;
      serial = state.serial ?? 0;
      if (before === null || before === serial) return;
      say(state.error || state.said, Boolean(state.error));
      reload();
    },
    onChange: showConnection,
  });
}
