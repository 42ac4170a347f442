// Which parts of a text are addresses that may become links. Pure; makes no element and trusts nothing.

const LINKS_MAX = 20;
const ADDRESS_CHARACTERS_MAX = 2_000;

/** Up to white space, quotes, angle brackets, and whatever is not seen or turns the direction of writing. */
const CANDIDATE = /(?<![\p{L}\p{N}_])https?:\/\/[^\s<>"'`\p{Z}\p{C}\p{Default_Ignorable_Code_Point}]+/giu;
const CLOSING = { ")": "(", "]": "[", "}": "{" };

/**
 * Cuts a text into `{text}` and `{text, href}`. What is shown of a link is the address as the browser will ask for it,
 * all ASCII: a host of other alphabets appears as `xn--…`, and nothing in it can turn around what stands beside it.
 */
export function linked(text) {
  const parts = [];
  let end = 0;
  let links = 0;
  for (const { 0: found, index } of text.matchAll(CANDIDATE)) {
    const written = withoutPunctuation(found);
    const href = links < LINKS_MAX ? address(written) : "";
    if (href !== "") {
      links++;
      parts.push({ text: text.slice(end, index) }, { text: withoutBareSlash(href, written), href });
      end = index + written.length;
    }
  }
  parts.push({ text: text.slice(end) });
  return parts.filter((part) => part.text !== "");
}

/** The address in full; "" for one that may not be a link. Who hides the host behind a name and an @ gets none. */
function address(written) {
  if (written.length > ADDRESS_CHARACTERS_MAX || !URL.canParse(written)) {
    return "";
  }
  const url = new URL(written);
  const isWeb = url.protocol === "http:" || url.protocol === "https:";
  const isPlain = url.username === "" && url.password === "" && !/^https?:\/\/[^/?#]*@/i.test(written);
  return isWeb && isPlain ? url.href : "";
}

/** A sentence's full stop does not belong to the address in it, nor a bracket that was opened before it. */
function withoutPunctuation(found) {
  let end = found.length;
  for (; end > 0; end--) {
    const last = found[end - 1];
    const opening = CLOSING[last];
    const isUnbalanced = opening !== undefined && count(found, last, end) > count(found, opening, end);
    if (!isUnbalanced && !".,;:!?…*_~»”’".includes(last)) {
      break;
    }
  }
  return found.slice(0, end);
}

function withoutBareSlash(href, written) {
  const isBare = href.endsWith("/") && !written.endsWith("/") && new URL(href).pathname === "/";
  return isBare ? href.slice(0, -1) : href;
}

function count(text, wanted, end) {
  let found = 0;
  for (let at = 0; at < end; at++) {
    found += text[at] === wanted ? 1 : 0;
  }
  return found;
}
