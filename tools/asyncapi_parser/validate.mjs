// Reads an AsyncAPI document with the official parser: node validate.mjs FILE. Errors and warnings fail it.
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const WARNING = 1; // as in the Language Server Protocol, less one: 0 is an error, 2 and more are hints
const file = process.argv[2];
const { document, diagnostics } = await new Parser().parse(await readFile(file, "utf8"));
for (const { severity, path, message } of diagnostics) {
  const word = ["error", "warning", "information", "hint"][severity];
  console.log(`${word}: ${path.join(".")}: ${message}`);
}
if (!document || diagnostics.some(({ severity }) => severity <= WARNING)) {
  process.exit(1);
}
const count = [document.channels(), document.operations(), document.messages()].map((all) => all.length);
console.log(`${file}: ${count[0]} channels, ${count[1]} operations, ${count[2]} messages: ok`);
