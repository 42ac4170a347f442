// Somebody whose client is not the page: a bare connection of `wardroom.v1`, in a page without any script of ours.

import { newPage } from "./wardroom.js";

export class Peer {
  /** Signs in as whoever `token` says. */
  static async connect(browser, wardroom, token) {
    const peer = new Peer();
    peer.page = await newPage(browser, wardroom.origin);
    await peer.page.goto(`${wardroom.origin}/healthz`);
    await peer.page.evaluate(async (token) => {
      const { ticket } = await (await fetch("/ticket", { method: "POST", headers: { Authorization: `Bearer ${token}` } })).json();
      globalThis.heard = [];
      globalThis.socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws/chat`, ["wardroom.v1", `wardroom.ticket.${ticket}`]);
      await new Promise((resolve, reject) => {
        socket.onmessage = ({ data }) => {
          heard.push(JSON.parse(data));
          resolve();
        };
        socket.onclose = ({ code, reason }) => reject(new Error(`closed ${code} ${reason}`));
      });
    }, token);
    return peer;
  }

  /** Says each of these in the lobby; resolves when the server has confirmed the last one. */
  say(...texts) {
    return this.page.evaluate(async (texts) => {
      const { lobby } = heard[0];
      const last = `last-${Math.random()}`;
      texts.forEach((message, index) => {
        socket.send(JSON.stringify({ type: "send", room: lobby, message, ...(index === texts.length - 1 && { id: last }) }));
      });
      while (!heard.some((notice) => notice.id === last)) {
        await new Promise((resolve) => socket.addEventListener("message", resolve, { once: true }));
      }
      const reply = heard.find((notice) => notice.id === last);
      heard.splice(1);
      if (reply.type !== "ok") {
        throw new Error(JSON.stringify(reply));
      }
    }, texts);
  }

  close() {
    return this.page.context().close();
  }
}
