// Brings a list on the page up to date and leaves alone what has not changed, so that focus stays where it is.

/** element -> the item that it shows */
const shown = new WeakMap();

/**
 * `items` have a `key` and a `print`, which differs whenever they look different. `make(item)` returns the new element.
 * An element whose look has changed is replaced; when it had the focus, the new one gets it.
 */
export function update(list, items, make) {
  const before = new Map([...list.children].map((node) => [shown.get(node)?.key, node]));
  let previous = null;
  for (const item of items) {
    const old = before.get(item.key);
    before.delete(item.key);
    const node = old !== undefined && shown.get(old).print === item.print ? old : remade(old, item, make);
    const place = previous === null ? list.firstElementChild : previous.nextElementSibling;
    if (place !== node) {
      list.insertBefore(node, place);
    }
    previous = node;
  }
  for (const gone of before.values()) {
    gone.remove();
  }
}

function remade(old, item, make) {
  const node = make(item);
  shown.set(node, { key: item.key, print: item.print });
  if (old !== undefined) {
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(node);
    if (hadFocus) {
      node.querySelector("button")?.focus({ preventScroll: true });
    }
  }
  return node;
}
