// @ts-check
/**
 * Owns the dialog of one's own profile: name, line and picture, with a preview. It is loaded when it is first opened, so
 * it imports nothing that the page has already, and has the texts that the page has not. What may be said is the server's to judge.
 */

/**
 * @typedef {import("../models/profiles.js").Profile} Profile
 * @typedef {object} Page what the page lends it
 * @property {string} me
 * @property {import("../chat-api.js").ChatApi} api
 * @property {import("../models/profiles.js").Profiles} profiles
 * @property {typeof import("../language.js").language} language
 * @property {typeof import("../language.js").say} say
 * @property {typeof import("../language.js").sayWhole} sayWhole
 * @property {typeof import("./parts.js").drawFace} drawFace
 */

/** A picture is cut to a square of so many pixels before it is sent: twice what is shown, and some 40 KB. */
const SIDE = 512;
const KINDS = "image/jpeg,image/png,image/webp,image/gif";

const TEXTS = {
  heading: {en: "Your profile", ko: "내 프로필"},
  nameHint: {en: "Others see this name. They also find you as {me}.", ko: "다른 사람에게 이 이름이 표시됩니다. 이 아이디로도 찾을 수 있습니다: {me}"},
  aboutHint: {en: "One line, such as your team", ko: "한 줄로 적어 주세요. 예: 소속 팀"},
  choose: {en: "Choose a picture", ko: "사진 선택"},
  remove: {en: "Remove picture", ko: "사진 삭제"},
  noPicture: {en: "This file cannot be used. Take a JPEG, PNG, WebP or GIF picture.", ko: "사용할 수 없는 파일입니다. JPEG, PNG, WebP, GIF 사진을 선택해 주세요."},
};

/** Asks the server how one is shown, and shows the dialog. Rejects with a ChatError: it does not answer. @param {Page} page */
export async function openProfile(page) {
  const {language, say, me, api} = page;
  const [{profile, editable, pictures}] = await Promise.all([api.send("GET", "profile"), loadStyle()]);
  if (document.querySelector("dialog.profile")) return; // asked for twice, and the other one was faster
  const text = (/** @type {keyof typeof TEXTS} */ key) => TEXTS[key][language.code].replace("{me}", me);
  const {element, form, face, fields, choose, remove, file, inputs, problem, save} = build(text, say, me, profile);
  page.drawFace(face, me);
  /** @type {Blob | null | undefined} null: to be taken away; undefined: stays */
  let picture;
  const draw = () => {
    remove.hidden = picture === null || (!picture && !profile.avatarUrl);
    choose.hidden = !pictures;
  };
  const tell = (sentence = "", field = "") => {
    problem.classList.remove("hint");
    problem.textContent = sentence;
    for (const input of inputs) input.ariaInvalid = String(input.name === field);
    inputs.find(({name}) => name === field)?.select();
  };
  if (!editable || !pictures) problem.textContent = say(editable ? "error.pictures_off" : "rule.profile_of_site");
  problem.classList.toggle("hint", !editable || !pictures);
  fields.disabled = !editable;
  choose.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    file.value = ""; // the same one may be chosen again
    if (!chosen) return;
    const square = await squareOf(chosen).catch(() => undefined);
    tell(square ? "" : text("noPicture"));
    if (!square) return;
    picture = square.blob;
    face.replaceChildren(square.canvas);
    draw();
  });
  remove.addEventListener("click", () => {
    picture = null;
    face.replaceChildren([...(inputs[0].value || me)][0] ?? "");
    tell();
    draw();
    choose.focus();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    tell();
    try {
      const [displayName, subtitle] = inputs.map(({value}) => value.trim() || null);
      let saved = await api.send("PUT", "profile", {displayName, subtitle});
      if (picture) saved = await api.send("PUT", "profile/picture", {image: await base64Of(picture)});
      else if (picture === null && profile.avatarUrl) saved = await api.send("DELETE", "profile/picture");
      page.profiles.learn({profiles: {[me]: saved}}); // the event follows, perhaps later
      element.close();
    } catch (thrown) {
      const error = /** @type {import("../chat-socket.js").ChatError} */ (thrown);
      tell(page.sayWhole(error), error.field ?? "");
    } finally {
      save.disabled = false;
    }
  });
  draw();
  element.showModal();
}

/** @param {(key: keyof typeof TEXTS) => string} text @param {Page["say"]} say @param {string} me @param {Profile} profile */
function build(text, say, me, {displayName = "", subtitle = ""}) {
  const button = (/** @type {string} */ textContent, className = "quiet-button", type = "button") =>
    Object.assign(document.createElement("button"), {type, className, textContent});
  const choose = button(text("choose"));
  const remove = button(text("remove"));
  const save = button(say("account.save"), "main-button", "submit");
  const cancel = button(say("account.cancel"));
  const face = make("span", {className: "face"});
  const file = Object.assign(document.createElement("input"), {type: "file", accept: KINDS, hidden: true});
  const problem = make("p", {className: "problem", id: "profile-problem"});
  problem.setAttribute("role", "alert");
  const inputs = [];
  const lines = [];
  for (const [name, value, placeholder, hint] of /** @type {const} */ ([["displayName", displayName, me, "nameHint"], ["subtitle", subtitle, text("aboutHint"), undefined]])) {
    const input = Object.assign(document.createElement("input"), {id: `profile-${name}`, name, dir: "auto", autocomplete: "off", value, placeholder});
    input.setAttribute("aria-describedby", hint ? `profile-${name}-hint profile-problem` : "profile-problem");
    const label = make("label", {htmlFor: input.id, textContent: say(`field.${name}`)});
    const below = hint ? [make("p", {className: "hint", id: `${input.id}-hint`, textContent: text(hint)})] : [];
    inputs.push(input);
    lines.push(make("div", {}, label, input, ...below));
  }
  const fields = document.createElement("fieldset");
  fields.append(make("div", {className: "picture"}, face, make("div", {}, choose, remove, file)), ...lines);
  const form = document.createElement("form");
  form.noValidate = true;
  form.append(make("h2", {id: "profile-heading", textContent: text("heading")}), fields, problem, make("div", {className: "buttons"}, cancel, save));
  const element = Object.assign(document.createElement("dialog"), {className: "profile"});
  element.setAttribute("aria-labelledby", "profile-heading");
  element.append(form);
  document.body.append(element);
  cancel.addEventListener("click", () => element.close());
  element.addEventListener("close", () => element.remove());
  return {element, form, face, fields, choose, remove, file, inputs, problem, save};
}

/** @param {string} tag @param {object} properties @param {HTMLElement[]} children */
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** The middle of a picture, as it is shown and as it is sent. Rejects where the browser cannot read it. @param {File} file */
async function squareOf(file) {
  const bitmap = await createImageBitmap(file);
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = Object.assign(document.createElement("canvas"), {width: SIDE, height: SIDE});
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  bitmap.close();
  const blobOf = (/** @type {string} */ type) => new Promise((resolve) => canvas.toBlob(resolve, type, 0.85));
  const webp = /** @type {Blob} */ (await blobOf("image/webp"));
  return {canvas, blob: webp.type === "image/webp" ? webp : /** @type {Blob} */ (await blobOf("image/jpeg"))}; // Safari writes no WebP
}

/** @param {Blob} blob @returns {Promise<string>} */
function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1] ?? "");
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

function loadStyle() {
  const href = new URL("../../css/profile.css", import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return undefined;
  const link = Object.assign(document.createElement("link"), {rel: "stylesheet", href});
  document.head.append(link);
  return new Promise((resolve) => (link.onload = link.onerror = resolve));
}
