// Reads an AsyncAPI document with the standard's own parser; prints what it finds wrong, and fails then.
import {readFileSync} from "node:fs";
import {Parser} from "@asyncapi/parser";

const {document, diagnostics} = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const NEWER = "asyncapi-latest-version"; // 3.1.0 adds nothing that a WebSocket needs
const faults = diagnostics.filter((one) => one.code !== NEWER);
for (const {code, message, path} of faults) console.log(code, path.join("/"), message);
if (!document || faults.length) process.exit(1);
console.log(`${document.allMessages().length} messages`);
