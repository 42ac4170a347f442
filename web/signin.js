// Where a link or token is pasted: the page before the chat, and the dialog that renews a sign-in without leaving it.

export class SignIn {
  #page;

  /** `events`: `signIn(text)`; `renew(text)` resolves to what is wrong, or "". */
  constructor(page, events) {
    this.#page = page;
    whenSubmitted(page.signinForm, page.signinToken, () => events.signIn(page.signinToken.value));
    whenSubmitted(page.renewForm, page.renewToken, async () => {
      const fault = await events.renew(page.renewToken.value);
      this.#complain(page.renewReason, page.renewToken, fault);
      if (fault === "") {
        page.renew.close();
      }
    });
    page.renewCancel.addEventListener("click", () => page.renew.close());
    page.renew.addEventListener("close", () => (page.renewToken.value = ""));
  }

  /** Shows the page before the chat; `reason` says why it is there. */
  show(reason) {
    const page = this.#page;
    page.renew.close();
    page.chat.hidden = true;
    page.skip.hidden = true;
    page.signin.hidden = false;
    page.signinToken.value = "";
    this.#complain(page.signinReason, page.signinToken, reason);
    page.signinToken.focus();
  }

  hide() {
    this.#page.signin.hidden = true;
    this.#page.chat.hidden = false;
    this.#page.skip.hidden = false;
  }

  /** Asks for a new link or token beside the chat. */
  ask() {
    this.#complain(this.#page.renewReason, this.#page.renewToken, "");
    this.#page.renew.showModal();
  }

  #complain(node, field, text) {
    node.textContent = text;
    node.hidden = text === "";
    field.setAttribute("aria-invalid", String(text !== ""));
  }
}

/** Enter submits too: a token has no lines. */
function whenSubmitted(form, field, act) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
}
