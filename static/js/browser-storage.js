// @ts-check
/** Owns the storages that this page uses: one for all tabs, one for this tab alone, one for as long as it is open. */
import {SafeStorage} from "./models/safe-storage.js";

export const allTabs = new SafeStorage(() => localStorage);
/** Kept nowhere: it goes with the page. */
export const thisPage = new SafeStorage(() => { throw new Error("not to be kept"); });
export const thisTab = new SafeStorage(() => sessionStorage);
