// The list of rooms: which is open, which are joined, how much in each is unread, and where one is awaited.

import { button, element, icon } from "./dom.js";
import { update } from "./list.js";

export function renderRooms(list, chat, open) {
  const items = [...chat.rooms.values()].map((room) => {
    const item = { key: room.name, room, mark: markOf(room), isOpen: room.name === chat.current };
    return { ...item, print: JSON.stringify([room.title, room.joined, item.isOpen, item.mark, room.isClosed]) };
  });
  update(list, items, (item) => roomItem(item, open));
}

function roomItem({ room, mark, isOpen }, open) {
  const item = element("li");
  const link = button(room.joined ? "room-link joined" : "room-link", undefined, () => open(room.name));
  link.dataset.room = room.name;
  if (isOpen) {
    link.setAttribute("aria-current", "true");
  }
  const hash = room.isClosed ? icon("lock") : element("span", "hash", "#");
  hash.ariaHidden = "true";
  const name = element("bdi", "room-link-name", room.title);
  name.title = room.title === room.name ? room.name : `${room.title} (${room.name})`;
  link.append(hash, name, ...marking(mark));
  item.append(link);
  return item;
}

/** The one thing to know of a room that is not open: `{kind, text}`. */
function markOf(room) {
  if (room.about?.invited === true) {
    return { kind: "invited", text: "Invited" };
  }
  if (room.unread > 0) {
    return { kind: "unread", text: room.unread > 99 ? "99+" : String(room.unread) };
  }
  if (room.joined || room.out !== null || room.about === null) {
    return room.about === null && !room.joined ? { kind: "join", text: "Join" } : null;
  }
  return room.about.knocking ? { kind: "asked", text: "Asked" } : room.about.archived ? { kind: "asked", text: "Archived" } : { kind: "join", text: room.can.has("join") ? "Join" : "Ask" };
}

function marking(mark) {
  switch (mark?.kind) {
    case undefined:
      return [];
    case "unread":
      return [element("span", "badge", mark.text), element("span", "unseen", " unread")];
    case "join":
      return [element("span", "join", mark.text)];
    default:
      return [element("span", `room-mark ${mark.kind}`, mark.text)];
  }
}
