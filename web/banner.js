// What has become of the connection, and what to do about it: the dot beside one's name, and the bar above the messages.

import { setText } from "./dom.js";
import { isAboutCredentials, lostText, refusalText, signinText, stopText } from "./refusals.js";
import { duration } from "./when.js";

const STATUS = { connecting: "Connecting…", open: "Connected", waiting: "Reconnecting…", offline: "Offline", stopped: "Disconnected" };

export class Banner {
  #page;
  #announcer;
  #countdown = 0;
  #told = "";

  /** `events`: `retry()`, `renew()`. */
  constructor(page, announcer, events) {
    this.#page = page;
    this.#announcer = announcer;
    page.bannerRetry.addEventListener("click", () => events.retry());
    page.bannerSignin.addEventListener("click", () => events.renew());
  }

  /** The connection has come to be as `status` says. */
  show(status, isOnline) {
    const isOffline = status.kind === "waiting" && !isOnline;
    const kind = status.kind === "unauthorized" ? "stopped" : isOffline ? "offline" : status.kind;
    setText(this.#page.status, STATUS[kind]);
    this.#page.status.dataset.kind = kind;
    switch (kind) {
      case "open":
        this.#hide();
        this.#tell("open", this.#told === "lost" ? "Connected again." : "");
        break;
      case "waiting":
      case "offline":
        this.#lost(status, isOffline);
        break;
      case "stopped":
        this.#stopped(status);
        break;
      default:
        this.#countTo(0, () => "Connecting…");
    }
  }

  /** The sign-in ends in `leftMs`. */
  expires(leftMs) {
    this.#bar("expiring", "Your sign-in ends soon.", { renew: true });
    this.#countTo(leftMs, (left) => `You will be signed out in ${duration(left)}. Use a new link or token to stay.`, "It is ending now.");
    this.#tell("expiring", `Your sign-in ends in ${duration(leftMs)}. Use a new link or token to stay.`);
  }

  /** The sign-in was renewed. */
  renewed() {
    this.#hide();
    this.#tell("open", "Your sign-in was renewed.");
  }

  #lost({ delayMs, reason, refusal }, isOffline) {
    const why = refusal === undefined ? lostText(reason) : refusalText({ ...refusal, message: refusal.message, retryAfterMs: 0 });
    const title = isOffline ? "You are offline." : why;
    this.#bar(isOffline ? "offline" : "waiting", title, { retry: "Try now" });
    const words = isOffline ? "The page connects again when the network is back. Next try in" : "Trying again in";
    this.#countTo(delayMs, (left) => `${words} ${duration(left)}.`);
    this.#tell("lost", `${title} What you write is kept, and the page connects again by itself.`);
  }

  #stopped({ kind, reason, refusal }) {
    const isSignIn = kind === "unauthorized" || isAboutCredentials(reason);
    const why = kind === "unauthorized" ? signinText(refusal) : refusal === undefined ? stopText(reason) : refusalText({ ...refusal, message: refusal.message });
    this.#bar("stopped", isSignIn ? "Signed out." : "Disconnected.", isSignIn ? { renew: true } : { retry: "Connect again" });
    this.#countTo(0, () => why);
    this.#tell("stopped", why);
  }

  #bar(kind, title, { retry = "", renew = false }) {
    const page = this.#page;
    page.banner.dataset.kind = kind;
    page.banner.hidden = false;
    setText(page.bannerTitle, title);
    setText(page.bannerRetry, retry);
    page.bannerRetry.hidden = retry === "";
    page.bannerSignin.hidden = !renew;
  }

  #hide() {
    clearInterval(this.#countdown);
    const hadFocus = this.#page.banner.contains(document.activeElement);
    this.#page.banner.hidden = true;
    if (hadFocus) {
      this.#page.message.focus({ preventScroll: true });
    }
  }

  /** Says it aloud once, not with every attempt. */
  #tell(what, text) {
    if (this.#told !== what && text !== "") {
      if (what === "open") {
        this.#announcer.say(text);
      } else {
        this.#announcer.warn(text);
      }
    }
    this.#told = what;
  }

  #countTo(delayMs, words, ended = "Trying again…") {
    clearInterval(this.#countdown);
    const end = performance.now() + delayMs;
    const tick = () => {
      const left = end - performance.now();
      setText(this.#page.bannerDetail, delayMs > 0 && left <= 0 ? ended : words(left));
    };
    tick();
    if (delayMs > 0) {
      this.#countdown = setInterval(tick, 1000);
    }
  }
}
