// Validates AsyncAPI documents: one JSON line for each, with what the AsyncAPI initiative's parser says of it.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const ERROR = 0;
const parser = new Parser();
for (const file of process.argv.slice(2)) {
  const { document, diagnostics } = await parser.parse(readFileSync(file, "utf8"));
  const problems = diagnostics.map(({ severity, code, path, message }) => ({ severity, code, path: path.join("."), message }));
  const valid = document !== undefined && !problems.some((each) => each.severity === ERROR);
  console.log(JSON.stringify({ file, valid, problems }));
}
