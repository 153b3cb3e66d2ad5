/**
 * Owns how the widget's scripts are made of the modules of static/js/widget/ and their style sheets: chat-widget.js,
 * which a page loads, and bundle/widget-*.js, which that loads when it needs them. Writes them to the folder
 * that it is told. `make bundle` runs it.
 */
import {readFile} from "node:fs/promises";
import {join} from "node:path";
import {build, transform} from "esbuild";

const PX_OF_REM = 16;
const SHARED = {minify: true, target: "es2022", charset: "utf8", legalComments: "none"};
const sources = new URL("../../static/js/widget/", import.meta.url).pathname;
const [folder] = process.argv.slice(2);

const parts = {
  name: "parts",
  setup({onLoad, onResolve}) {
    onResolve({filter: /^\.\//}, ({path, kind}) => (kind === "dynamic-import" ? {path: path.replace("./", "./bundle/widget-"), external: true} : undefined));
    // A style sheet is a module whose default is a CSSStyleSheet, as in browsers that import it by themselves.
    onLoad({filter: /\.css$/}, async ({path}) => {
      const source = (await readFile(path, "utf8")).replace(/([\d.]+)rem\b/g, (_, rem) => `${rem * PX_OF_REM}px`);
      const {code} = await transform(source, {...SHARED, target: "chrome123", loader: "css"});
      return {contents: `const sheet = new CSSStyleSheet(); sheet.replaceSync(${JSON.stringify(code.trim())}); export default sheet;`};
    });
  },
};

for (const [source, made] of [["chat-widget", "chat-widget"], ["panel", "bundle/widget-panel"], ["banners", "bundle/widget-banners"]]) {
  await build({...SHARED, entryPoints: [join(sources, `${source}.js`)], outfile: join(folder, `${made}.js`), bundle: true, format: "esm", plugins: [parts]});
}
