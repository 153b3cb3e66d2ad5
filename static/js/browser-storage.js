// @ts-check
/** Owns the storages that this page uses: one for all tabs, one for this tab alone, one for as long as it is open. */
import {SafeStorage} from "./models/safe-storage.js";

/** Another chat of this origin has another path, and another person's drafts. The chat's own, without its first slash; a page below says which that is. */
const scope = (document.documentElement.dataset.root ?? location.pathname).slice(1);
export const allTabs = new SafeStorage(() => localStorage, scope);
/** Kept nowhere: it goes with the page. */
export const thisPage = new SafeStorage(() => { throw new Error("not to be kept"); });
export const thisTab = new SafeStorage(() => sessionStorage, scope);
window.addEventListener("storage", (change) => allTabs.hear(change));
