// How fast llama.cpp computes what a reward head reads, text by text, the second of two runs; llama.cpp as node-llama-cpp ships it built.
//
//     npm install --ignore-scripts node-llama-cpp@3.22.1 && node llama_cpp_pairs.mjs FILE.gguf TOKENS.json
//
// TOKENS.json: a list of lists of token ids, two for each pair. A line of JSON, with the names of `tiebreak score --json`.
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";

const [file, texts] = process.argv.slice(2);
const require = createRequire(process.cwd() + "/");
const {getLlama} = await import(pathToFileURL(require.resolve("node-llama-cpp")));
const rows = JSON.parse(readFileSync(texts));
const longest = Math.max(...rows.map((row) => row.length));
const llama = await getLlama({gpu: false, build: "never", logLevel: "error"});
const model = await llama.loadModel({modelPath: file});
const size = Math.max(512, longest + 8);
const context = await model.createEmbeddingContext({contextSize: size, batchSize: size, threads: 2});
const run = async () => {
    const start = performance.now();
    for (const row of rows) await context.getEmbeddingFor(row);
    return (performance.now() - start) / 1e3;
};
await run();
const seconds = await run();
const tokens = rows.reduce((sum, row) => sum + row.length, 0);
console.log(JSON.stringify({pairs_per_s: rows.length / 2 / seconds, tokens_per_s: tokens / seconds, seconds, dtype: "q8_0",
    version: "llama.cpp " + llama.llamaCppRelease.release}));
process.exit(0);
