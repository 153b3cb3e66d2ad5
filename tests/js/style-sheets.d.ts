/** A style sheet that a module imports; see bundle-widget.mjs. */
declare module "*.css" {
  const sheet: CSSStyleSheet;
  export default sheet;
}
