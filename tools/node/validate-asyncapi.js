// Validates an AsyncAPI document: one JSON line for each problem; exit code 1 where there is an error.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const ERROR = 0;
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
for (const { severity, code, path, message } of diagnostics) {
  console.log(JSON.stringify({ severity, code, path: path.join("."), message }));
}
process.exit(document === undefined || diagnostics.some((each) => each.severity === ERROR) ? 1 : 0);
