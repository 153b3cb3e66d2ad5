// @ts-check
/** Owns the browser's two storages as this page uses them: one for all tabs, one for this tab alone. */
import {SafeStorage} from "./models/safe-storage.js";

export const allTabs = new SafeStorage(() => localStorage);
export const thisTab = new SafeStorage(() => sessionStorage);
