// Making elements out of text, and only ever out of text.

import { byline, hue, initials } from "./text.js";

/** An element with a class and, if given, text. */
export function element(tag, className = "", text = undefined) {
  const made = document.createElement(tag);
  if (className !== "") {
    made.className = className;
  }
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

export function button(className, text, act) {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

const SVG = document.documentElement.querySelector("svg")?.namespaceURI;
const ICONS = {
  more: "M5 12h.01M12 12h.01M19 12h.01",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z",
  muted: "M4 9.5v5h3.5L12 18V6L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5",
};

/** A drawing for those who see it; what it says stands beside it in words. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", "drawing");
  drawing.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}

/** Every element with an id, by its id in camel case. */
export function elementsById(root) {
  const found = {};
  for (const node of root.querySelectorAll("[id]")) {
    found[node.id.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())] = node;
  }
  return found;
}

/** Sets a text only where it is another one: a live region repeats what is set again, and layout starts anew. */
export function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

/** Parts of a sentence, its names isolated from the direction of what stands around them. */
export function sentenceNodes(parts) {
  return parts.map((part) => (part.name === undefined ? document.createTextNode(part) : nameOf("", part.name)));
}

export function avatarOf(person) {
  const avatar = element("span", "avatar", initials(person.name));
  avatar.ariaHidden = "true";
  avatar.dataset.hue = hue(person.user);
  return avatar;
}

/** A name that can't reorder the text around it, with the user's identifier where they differ. */
export function nameParts(person) {
  const name = nameOf("name", person.name);
  const id = byline(person);
  return id === "" ? [name] : [name, nameOf("byline", id)];
}

/** Where there is no room for all of it, pointing at it shows the rest. */
function nameOf(className, text) {
  const name = element("bdi", className, text);
  name.title = text;
  return name;
}
