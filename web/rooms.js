// The list of rooms: which is open, which are joined, how much in each is unread.

import { button, element } from "./dom.js";
import { update } from "./list.js";

export function renderRooms(list, chat, open) {
  const items = [...chat.rooms.values()].map((room) => ({
    key: room.name,
    print: `${room.joined} ${room.name === chat.current} ${shownCount(room.unread)}`,
    room,
  }));
  update(list, items, ({ room }) => roomItem(room, room.name === chat.current, open));
}

function roomItem(room, isOpen, open) {
  const item = element("li");
  const link = button(room.joined ? "room-link joined" : "room-link", undefined, () => open(room.name));
  link.dataset.room = room.name;
  if (isOpen) {
    link.setAttribute("aria-current", "true");
  }
  const hash = element("span", "hash", "#");
  hash.ariaHidden = "true";
  link.append(hash, element("bdi", "room-link-name", room.name));
  if (room.unread > 0) {
    link.append(element("span", "badge", shownCount(room.unread)), element("span", "unseen", " unread"));
  } else if (!room.joined) {
    link.append(element("span", "join", "Join"));
  }
  item.append(link);
  return item;
}

function shownCount(count) {
  return count > 99 ? "99+" : String(count);
}
