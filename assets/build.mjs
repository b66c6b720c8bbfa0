// Builds what the browser gets into the folder that is named: `node build.mjs FOLDER`.
// The same lock file gives the same bytes.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import subset from "subset-font";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const folder = process.argv[2];
if (!folder) throw new Error("the folder to write is missing: node build.mjs FOLDER");

const bundled = ["editor", "charts"];
const span = (first, last) => String.fromCodePoint(...Array.from({ length: last - first + 1 }, (_, at) => first + at));
// The ranges are those of base.css: a browser loads the second file only for a page that has its letters.
const inter = {
  package: "@fontsource-variable/inter",
  path: "files/inter-latin-wght-normal.woff2",
  files: {
    "inter.woff2": span(0x20, 0x7e) + span(0x2010, 0x2026) + "\u00a0\u00b1\u00b7\u00d7\u2191\u2193\u2212",
    "inter-latin.woff2": span(0xa1, 0xb0) + span(0xb2, 0xb6) + span(0xb8, 0xd6) + span(0xd8, 0xff) + "\u0131\u0152\u0153\u20ac\u2122",
  },
  // The pages use these weights, and digits of equal width.
  options: { targetFormat: "woff2", keepFeatures: ["kern", "tnum"], variationAxes: { wght: { min: 400, max: 700 } } },
};
const copied = {
  "htmx.min.js": ["htmx.org", "dist/htmx.min.js"],
  "sse.js": ["htmx-ext-sse", "dist/sse.min.js"],
  "uplot.css": ["uplot", "dist/uPlot.min.css"],
};

const package_of = (path) => path.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1];

// file name → { bytes, packages }; `packages` are those whose code is in it, transitive ones too.
async function bundle(name) {
  const made = await build({
    absWorkingDir: here,
    entryPoints: [`${name}.js`],
    bundle: true,
    charset: "utf8",
    format: "iife",
    legalComments: "none",
    metafile: true,
    minify: true,
    outfile: `${name}.js`,
    target: "es2022",
    write: false,
  });
  const [inputs] = Object.values(made.metafile.outputs).map((output) => Object.keys(output.inputs));
  const packages = [...new Set(inputs.map(package_of).filter(Boolean))].sort();
  return { bytes: made.outputFiles[0].contents, packages };
}

const copy = ([name, path]) => ({ bytes: readFileSync(join(modules, name, path)), packages: [name] });

function licence(name) {
  const manifest = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
  const place = ["LICENSE", "LICENSE.md", "LICENSE.txt"].map((file) => join(modules, name, file)).find(existsSync);
  if (!place) throw new Error(`${name} carries no licence text`);
  const text = readFileSync(place, "utf8").trim();
  // htmx-ext-sse names its licence in the text alone.
  const named = manifest.license ?? (text.startsWith("BSD Zero Clause License") ? "0BSD" : undefined);
  if (!named) throw new Error(`${name} does not say which licence it has`);
  return { version: manifest.version, licence: named, text };
}

const files = {};
for (const name of bundled) files[`${name}.js`] = await bundle(name);
for (const [name, from] of Object.entries(copied)) files[name] = copy(from);
for (const [name, letters] of Object.entries(inter.files)) {
  const whole = readFileSync(join(modules, inter.package, inter.path));
  files[name] = { bytes: await subset(whole, letters, inter.options), packages: [inter.package] };
}

const names = [...new Set(Object.values(files).flatMap((file) => file.packages))].sort();
const licences = Object.fromEntries(names.map((name) => [name, licence(name)]));
const versions = Object.fromEntries(
  Object.keys(files).sort().map((file) => [
    file,
    {
      sha256: createHash("sha256").update(files[file].bytes).digest("hex"),
      packages: Object.fromEntries(
        files[file].packages.map((name) => [name, { version: licences[name].version, licence: licences[name].licence }]),
      ),
    },
  ]),
);
const texts = names.map((name) => {
  const { version, licence: named, text } = licences[name];
  const inside = Object.keys(versions).filter((file) => name in versions[file].packages);
  return `${name} ${version} (${named}), in ${inside.join(", ")}\n\n${text}\n`;
});

mkdirSync(folder, { recursive: true });
for (const [name, { bytes }] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
writeFileSync(join(folder, "VERSIONS.json"), `${JSON.stringify(versions, null, 2)}\n`);
writeFileSync(join(folder, "LICENSES.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
