// What the address and the tab hold: the token, where it comes from and where it is kept, and the room in the address.
// The token never goes into an address.

const KEY = "wardroom.token";
const ROOM = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;

/** The token in a pasted link, fragment or bare token; "" when there is none. */
export function tokenIn(text) {
  const pasted = text.trim();
  const hash = pasted.indexOf("#");
  if (hash < 0) {
    return /^[\w.~+/=-]+$/.test(pasted) ? pasted : "";
  }
  return new URLSearchParams(pasted.slice(hash + 1)).get("token") ?? "";
}

/** Takes the token out of the address bar, if one is there. */
export function takeToken({ location, history }) {
  const found = tokenIn(location.hash);
  if (location.hash !== "") {
    history.replaceState(null, "", location.pathname + location.search);
  }
  return found;
}

export function keptToken(storage) {
  return storage.getItem(KEY) ?? "";
}

export function keepToken(storage, token) {
  storage.setItem(KEY, token);
}

export function forgetToken(storage) {
  storage.removeItem(KEY);
}

/** The room that `?room=` asks for; "" when it asks for none, or for what can't be a room. */
export function roomIn({ search }) {
  const room = new URLSearchParams(search).get("room") ?? "";
  return ROOM.test(room) ? room : "";
}

/** Makes the address one that leads to `room`: to be kept, or passed on to somebody. */
export function showRoom({ location, history }, room, lobby) {
  const search = room === lobby ? "" : `?room=${encodeURIComponent(room)}`;
  if (location.search !== search) {
    history.replaceState(null, "", location.pathname + search);
  }
}
