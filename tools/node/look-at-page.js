// Opens pages in Debian's Chromium as a phone and a desktop show them, and says what axe-core finds there and what
// sticks out sideways: node look-at-page.js PAGE... [--pictures FOLDER]. One JSON document: [{page, view, findings, wider}].
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const VIEWS = [
  { name: "phone", viewport: { width: 390, height: 844 } },
  { name: "desktop", viewport: { width: 1280, height: 900 } },
];
const words = process.argv.slice(2);
const at = words.indexOf("--pictures");
const folder = at < 0 ? null : words.splice(at, 2)[1];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--disable-gpu"] });
const found = [];
for (const page of words) {
  for (const view of VIEWS) {
    const tab = await browser.newPage({ viewport: view.viewport });
    await tab.goto(pathToFileURL(resolve(page)).href);
    await tab.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
    const wider = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (folder) await tab.screenshot({ path: join(folder, `${basename(page, ".html")}-${view.name}.png`), fullPage: true });
    await tab.evaluate(AXE);
    const { violations, passes } = await tab.evaluate(() => axe.run());
    const findings = violations.map((each) => ({
      rule: each.id,
      says: each.help,
      nodes: each.nodes.map((node) => `${node.html.slice(0, 160)}: ${node.any.map((check) => check.message).join(" ")}`),
    }));
    found.push({ page: basename(page), view: view.name, rules: passes.length, findings, wider });
    await tab.close();
  }
}
await browser.close();
console.log(JSON.stringify(found));
