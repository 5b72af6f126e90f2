// Reads lines {"topic", "hex"} and writes them as Eclipse Tahu's own library understands them, one JSON document a line;
// with the argument "rebirth" it writes the hex of a rebirth command instead.
import { createInterface } from "node:readline";
import sparkplug from "sparkplug-payload";

const spb = sparkplug.get("spBv1.0");
const isLong = (value) => value !== null && typeof value === "object" && "low" in value && "high" in value;
const plain = (key, value) => (isLong(value) ? value.high * 2 ** 32 + (value.low >>> 0) : value);

if (process.argv[2] === "rebirth") {
  const metrics = [{ name: "Node Control/Rebirth", type: "Boolean", value: true }];
  console.log(Buffer.from(spb.encodePayload({ timestamp: Date.now(), metrics })).toString("hex"));
} else {
  for await (const line of createInterface({ input: process.stdin })) {
    const { topic, hex } = JSON.parse(line);
    console.log(JSON.stringify({ topic, ...spb.decodePayload(Buffer.from(hex, "hex")) }, plain));
  }
}
