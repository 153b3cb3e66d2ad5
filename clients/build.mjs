/**
 * Owns what a package of npm holds: `node build.mjs react`, or vue, makes its dist/ of the sources here - one script with
 * chat-socket.js in it, and types from the JSDoc. `npm pack` and `npm publish` run it.
 */
import {execFileSync} from "node:child_process";
import {copyFileSync, rmSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";

const NAMES = ["react", "vue"];
const here = dirname(fileURLToPath(import.meta.url));
const tools = join(here, "../tests/js/node_modules/.bin");
const [name] = process.argv.slice(2);
if (!NAMES.includes(name)) throw new Error(`say which: ${NAMES.join(" or ")}`);

const dist = join(here, name, "dist");
const run = (tool, ...options) => execFileSync(join(tools, tool), options, {cwd: here, stdio: ["ignore", "ignore", "inherit"]});
rmSync(dist, {recursive: true, force: true});
run("esbuild", `${name}/useChat.js`, "--bundle", "--format=esm", "--target=es2022", "--charset=utf8", `--external:${name}`, `--outfile=${dist}/index.js`, "--log-level=warning");
run("tsc", "-p", ".", "--outDir", join(dist, "types"));
for (const other of NAMES.filter((one) => one !== name)) rmSync(join(dist, "types/clients", other), {recursive: true});
copyFileSync(join(here, "chat.d.ts"), join(dist, "types/clients/chat.d.ts"));
copyFileSync(join(here, "../LICENSE"), join(dist, "LICENSE"));
