// The token of this tab: where it comes from and where it is kept. It never goes into a URL.

const KEY = "wardroom.token";

/** The token in a pasted link, fragment or bare token; "" when there is none. */
export function tokenIn(text) {
  const pasted = text.trim();
  const hash = pasted.indexOf("#");
  if (hash < 0) {
    return /^[\w.~+/=-]+$/.test(pasted) ? pasted : "";
  }
  return new URLSearchParams(pasted.slice(hash + 1)).get("token") ?? "";
}

/** Takes the token out of the address bar, if one is there, and returns the one to use. */
export function takeToken({ location, history, storage }) {
  const found = tokenIn(location.hash);
  if (location.hash !== "") {
    history.replaceState(null, "", location.pathname);
  }
  if (found !== "") {
    storage.setItem(KEY, found);
  }
  return storage.getItem(KEY) ?? "";
}

export function keepToken(storage, token) {
  storage.setItem(KEY, token);
}

export function forgetToken(storage) {
  storage.removeItem(KEY);
}
