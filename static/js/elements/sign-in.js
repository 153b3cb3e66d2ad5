// @ts-check
/**
 * Owns the form that asks who somebody is: `sign-in` {userId, password, isNew, isKept} when it is filled in, a sentence
 * when it cannot be used or the server refused it; or the link to the site that signs its users in. Leaves to others what
 * signing in means.
 */
import {language, say, sayDetail, sayOf, sayWhole} from "../language.js";
import {part} from "./parts.js";

/** @typedef {import("../language.js").TextKey} TextKey */

export class SignIn extends HTMLElement {
  /** @type {(() => string) | undefined} */
  #problem;
  /** Whether the password is at fault, and not the name. */
  #isOfPassword = false;
  /** Whether everybody needs a password here. */
  #isRequired = document.documentElement.dataset.auth === "required";
  /** What the heading says instead, where a site signs its users in. @type {(() => string) | undefined} */
  #heading;

  connectedCallback() {
    const form = part(this, "form", HTMLFormElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(event.submitter === part(this, ".new-account", HTMLButtonElement));
    });
    this.#password.hidden = !this.#isRequired;
    const show = part(this, ".show", HTMLInputElement);
    show.addEventListener("change", () => (part(this, "#my-password", HTMLInputElement).type = show.checked ? "text" : "password"));
    part(this, ".stay", HTMLElement).hidden = !this.#isRequired; // elsewhere each tab may be another person
    part(this, ".new-account", HTMLElement).hidden = !this.#isRequired || document.documentElement.dataset.signup !== "open";
    part(this, ".open-mode", HTMLElement).hidden = this.#isRequired;
    language.addEventListener("change", () => this.#draw());
    this.#name.focus();
  }

  /** Leads to the site's own sign-in, or says why nobody gets in. @param {import("../chat-socket.js").ChatError} error */
  askOnSite(error) {
    const [form, heading, link] = [part(this, "form", HTMLElement), part(this, "h1", HTMLElement), part(this, ".on-site", HTMLAnchorElement)];
    form.hidden = part(this, "#sign-in-hint", HTMLElement).hidden = true;
    heading.removeAttribute("data-text");
    this.#heading = () => (error.rule === "site_sign_in" ? say("signin.onSite") : sayWhole(error));
    this.#draw();
    const address = error.params?.signInUrl;
    link.hidden = !address;
    if (address) link.href = withNext(String(address));
    link.onclick = () => this.dispatchEvent(new Event("go-to-site", {cancelable: true}));
    this.hidden = false;
  }

  /** Asks once more whoever was sent away, for what they need, and says why. @param {{userId: string, code?: string, hasPassword?: boolean}} who `code` of the error that said it */
  askAgain({userId, code, hasPassword}) {
    this.#name.value = userId;
    if (hasPassword) this.#password.hidden = false;
    if (hasPassword) part(this.#password, "input", HTMLInputElement).focus();
    this.#showProblem(() => (code ? sayOf("error", code) : say("signin.again")));
  }

  /** Says why the server did not take it. @param {import("../chat-socket.js").ChatError} error */
  showError(error) {
    const {code, field} = error;
    if (code === "invalid_field" && field === "userId") {
      this.#showProblem(() => sayDetail({...error, message: error.message, field: null})); // the field stands right above
      part(this, "#my-name", HTMLInputElement).select();
      return;
    }
    if (code === "sign_in_needed" && this.#password.hidden) {
      this.#password.hidden = false;
      this.#showProblem(() => say("signin.protected"));
      part(this.#password, "input", HTMLInputElement).focus();
      return;
    }
    const sentence = SENTENCES[code];
    const isOfPassword = !this.#password.hidden && (field === "password" || OF_PASSWORD.includes(code));
    this.#showProblem(() => {
      const detail = code === "sign_in_needed" ? "" : sayDetail(error);
      if (detail && IN_DETAIL.includes(code)) return detail;
      return `${sentence ? say(sentence) : sayOf("error", code)} ${detail}`.trim();
    }, isOfPassword);
    part(this, this.#password.hidden ? "#my-name" : "#my-password", HTMLInputElement).select();
  }

  /** @param {boolean} isBusy */
  set busy(isBusy) {
    for (const button of this.querySelectorAll("form button")) /** @type {HTMLButtonElement} */ (button).disabled = isBusy;
  }

  get #name() {
    return part(this, "#my-name", HTMLInputElement);
  }

  get #password() {
    return part(this, ".password", HTMLElement);
  }

  /** @param {boolean} isNew */
  #submit(isNew) {
    const name = this.#name.value.trim();
    this.#showProblem(name ? undefined : () => say("name.blank"));
    if (!name) return this.#name.focus();
    const password = this.#password.hidden ? undefined : part(this, "#my-password", HTMLInputElement).value || undefined;
    this.dispatchEvent(new CustomEvent("sign-in", {detail: {userId: name, password, isNew, isKept: this.#isRequired && part(this, ".stay input", HTMLInputElement).checked}}));
  }

  /** @param {(() => string) | undefined} problem @param {boolean} [isOfPassword] */
  #showProblem(problem, isOfPassword = false) {
    this.#problem = problem;
    this.#isOfPassword = isOfPassword;
    this.#draw();
  }

  #draw() {
    if (this.#heading) part(this, "h1", HTMLElement).textContent = this.#heading();
    part(this, ".problem", HTMLElement).textContent = this.#problem?.() ?? "";
    this.#name.ariaInvalid = String(Boolean(this.#problem) && !this.#isOfPassword);
    part(this.#password, "input", HTMLInputElement).ariaInvalid = String(Boolean(this.#problem) && this.#isOfPassword);
  }
}

/** Adds where the site leads to afterwards, as Flask-Login names it. @param {string} address */
function withNext(address) {
  const url = new URL(address, location.href);
  url.searchParams.set("next", location.pathname + location.search + location.hash);
  return url.href;
}

/** What the server's refusals mean on this form. @type {Record<string, TextKey | undefined>} */
const SENTENCES = {
  wrong_password: "signin.wrongPassword",
  name_taken: "signin.nameTaken",
  rate_limited: "signin.tooOften",
  sign_in_needed: "signin.passwordMissing",
  missing_field: "signin.passwordMissing",
};

const OF_PASSWORD = ["wrong_password", "sign_in_needed"];

/** Whose rule says all there is to say. */
const IN_DETAIL = ["invalid_field", "rate_limited"];

customElements.define("sign-in", SignIn);
